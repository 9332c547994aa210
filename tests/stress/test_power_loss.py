"""The power fails at every point at which a feeder waits for its disk. CHECKMILL_STRESS=full: more of what may be left.

Nothing that was acknowledged is lost: what was printed is stored, a request that arrived at its receiver is known to
have been sent, and what ended stays as it ended. The outbox opens by itself, and goes on.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from checkmill.model.delivery import Delivery, Stage
from checkmill.store import Store
from support.batchmon import Receiver, Visit, refusing, resetting, scenario, with_status
from support.commands import Captured
from support.power_loss import compiler, library, moments, note, watching
from support.power_script import DAMAGE, SCRIPT, TURN_S, Player
from support.stress import scale
from support.whatap_vendor import APPKEY, CPU, TOKEN, Vendor, serving, values

#: How many ways are tried in which what was written and not synchronised may have reached the disk; and where several
#: files were renamed, made or removed since.
VARIANTS, VARIANTS_OF_NAMES = scale(1, 9), scale(4, 60)
#: Every how many of these states of a disk a feeder goes on with.
FED = scale(24, 6)
#: Once in so many posts the receiver refuses, has no time, or resets the connection.
UNRULY = 4
RULES = """\
sources:
  shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
reporters:
  nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, tries: 1, workers: 2}
checks:
"""
NAMES = ("one", "two", "three", "four", "five")


def rules(url: str, nhn: str) -> str:
    checks = [
        f"  - {{name: {name}, source: shop, metric: cpu, each: host, above: {{warn: {40 + number}, crit: 99}},\n"
        f"     report: {{to: nhn, scenario: {scenario(number)}, repeat_unknown: {str(number % 2 == 0).lower()}}}}}\n"
        for number, name in enumerate(NAMES, 1)
    ]
    return RULES.replace("<url>", url).replace("<nhn>", nhn) + "".join(checks)


@dataclass
class Unruly:
    """A receiver's manner: it notes each post as it arrives, and does as it likes with some."""

    log: Path | None = None
    posts: int = 0
    got: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)

    def __call__(self, visit: Visit) -> None:
        self.posts += 1
        ways = {0: "refuse", 1: "not now", 2: "reset"}
        way = ways.get(self.posts // UNRULY % 4, "accept") if self.posts % UNRULY == 0 and self.log else "accept"
        for one in visit.post.scenarios:
            self.got.append((one, visit.post.data, way))
        if self.log is not None:
            note(self.log, arrived=visit.post.scenarios, data=visit.post.data, way=way)
        {
            "accept": Visit.accept,
            "refuse": refusing(-40002, "SCENARIO NOT FOUND"),
            "not now": with_status(503),
            "reset": resetting,
        }[way](visit)


@dataclass
class Film:
    """A program that was watched to its end."""

    log: Path
    root: Path
    checks_dir: Path
    environ: dict[str, str]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory in memory if there is one: a thousand disks are made in it."""
    memory = Path("/dev/shm")
    where = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as name:
        yield Path(name)


def filmed(place: Path, vendor: Vendor, receiver: Receiver, manner: Unruly) -> Film:
    """Play the script, watched."""
    environ = {"WHATAP_TOKEN": TOKEN, "NHN_APPKEY": APPKEY, "PYTHONPATH": ":".join(filter(None, sys.path))}
    film = Film(place / "log", place / "disk", place / "checks.d", environ)
    film.root.mkdir()
    film.checks_dir.mkdir()
    (film.checks_dir / "rules.yaml").write_text(rules(vendor.url, receiver.url))
    preloaded = watching(library(place), film.root, film.log)
    manner.log = film.log
    program = "from support.power_script import play; play()"
    argv = [sys.executable, "-W", "error", "-c", program, str(film.checks_dir), str(film.root / "state"), str(film.log)]
    subprocess.run(argv, env={**environ, **preloaded}, check=True, timeout=120, capture_output=True)
    manner.log = None
    return film


@dataclass
class Known:
    """What is known at a moment: the last command that ended, what was printed and what has arrived since."""

    ended: Mapping[str, Any] = field(default_factory=dict)
    begun: Mapping[str, Any] = field(default_factory=dict)
    printed: list[Mapping[str, Any]] = field(default_factory=list)
    arrived: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    is_damaged: bool = False

    @classmethod
    def of(cls, notes: tuple[Mapping[str, Any], ...]) -> Known:
        known = cls()
        for one in notes:
            if "begun" in one:
                known.begun = one
                known.is_damaged = known.is_damaged or one["words"] == DAMAGE
            elif "ended" in one:
                known.ended = one
            elif "printed" in one:
                words = SCRIPT[one["printed"]].removeprefix("held ")
                if words.startswith("run"):
                    known.printed.append({**one, "words": words, "results": json.loads(one["text"])})
            elif "arrived" in one:
                known.arrived += [(name, one["data"], one["way"]) for name in one["arrived"]]
        return known

    @property
    def words(self) -> str:
        """The command under way, "" between two."""
        is_over = self.ended.get("ended") == self.begun.get("begun")
        return "" if is_over else str(self.begun.get("words", "")).removeprefix("held ")


def lost(known: Known, store: Store, checks_dir: Path) -> Iterator[str]:
    """What was acknowledged and is not there."""
    deliveries = store.outbox.deliveries()
    found = {one.id: one for one in deliveries}
    stored = store.stored(os.path.realpath(checks_dir))
    for number, (target, stage, attempts, _, body) in known.ended.get("outbox", {}).items():
        one = found.get(int(number))
        if one is None:
            if not known.words.startswith("outbox drop"):
                yield f"delivery {number} ({stage}) is gone"
            continue
        may_change = not Stage(stage).is_final or known.words.startswith("outbox retry")
        if one.target != target or one.body != body or one.attempts < attempts:
            yield f"delivery {number} is another one: {one}"
        if not may_change and one.stage.value != stage:
            yield f"delivery {number} was {stage}, now it is {one.stage.value}"
    if known.printed:
        last = known.printed[-1]
        for result in last["results"]:
            own = stored.get(result["check"])
            if own is None or own.measured_at < _epoch(result["checked_at"]):
                yield f"the result of {result['check']} that was printed at {result['checked_at']} is gone"
    reported = [one for one in known.printed if "--no-report" not in one["words"]]
    if reported:
        since = _epoch(reported[-1]["results"][0]["checked_at"])
        told = {one.target for one in deliveries if one.run_at >= since}
        for number in range(1, len(NAMES) + 1):
            if json.dumps({"scenario": scenario(number)}) not in told:
                yield f"what was to be told to {scenario(number)} is gone"
    sent = Counter(name_of(one) for one in deliveries for _ in range(one.attempts))
    arrived = Counter((name, json.dumps(data, sort_keys=True)) for name, data, _ in known.arrived)
    dropped = known.words.startswith("outbox drop") or _has_dropped(known)
    for (name, data), count in arrived.items():
        if sent[name, data] < count and not dropped:
            yield f"a request to {name} arrived, and nobody knows that it was sent: {data[:80]}"


def _has_dropped(known: Known) -> bool:
    dropping = next(number for number, words in enumerate(SCRIPT) if words.startswith("outbox drop"))
    return int(known.begun.get("begun", 0)) >= dropping


def name_of(one: Delivery) -> tuple[str, str]:
    return json.loads(one.target)["scenario"], json.dumps(json.loads(one.body), sort_keys=True)


def _epoch(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.skipif(compiler() is None, reason="no C compiler: what is written cannot be watched")
def test_nothing_acknowledged_is_lost_when_the_power_fails(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    chance = random.Random(20261122)
    vendor = Vendor()
    counting = iter(range(10_000))
    vendor.answers[CPU] = lambda _: values({"web-1": 30 + next(counting) % 17, "web-2": 10})
    manner = Unruly()
    wrong: list[str] = []
    figures: Counter[str] = Counter()
    with serving(vendor), Receiver(manner) as receiver:
        film = filmed(place, vendor, receiver, manner)
        filmed_s = time.monotonic() - started
        known = Known()
        for moment in moments(film.log, film.root):
            if len(moment.notes) != figures["notes"]:
                known, figures["notes"] = Known.of(moment.notes), len(moment.notes)
            figures["moments"] += 1
            figures["syncs"] = moment.syncs
            for variant in range(1 + (VARIANTS_OF_NAMES if moment.renamings > 1 else VARIANTS)):
                figures["disks"] += 1
                disk = place / "after"
                moment.materialise(disk, chance, (0.0, 0.5, 0.7, 1.0, 0.3)[variant % 5])
                for problem in failings(disk / "state", known, film, figures):
                    wrong.append(f"sync {moment.syncs} ({known.words}), variant {variant}: {problem}")
                if figures["disks"] % FED == 0:
                    for problem in fed(disk / "state", known, film, manner, figures):
                        wrong.append(f"fed, sync {moment.syncs} ({known.words}), variant {variant}: {problem}")
                shutil.rmtree(disk)
    with capsys.disabled():
        print(
            f"\npower loss: {len(SCRIPT)} commands filmed in {filmed_s:.1f} s, {figures['syncs']} synchronisations,"
            f" {figures['moments']} moments, {figures['disks']} disks in {time.monotonic() - started:.0f} s:"
            f" {len(wrong)} losses; {figures['fed']} fed on, {figures['twice']} posts twice to targets that take it"
        )
    assert wrong == []
    assert figures["syncs"] > 100
    assert figures["fed"] > 0


def failings(state: Path, known: Known, film: Film, figures: Counter[str]) -> Iterator[str]:
    """What is wrong with a state directory after a power failure."""
    try:
        with closing(Store.open(state)) as store:
            if store.replaced and not known.is_damaged:
                yield f"it did not open by itself: {store.replaced}"
            yield from lost(known, store, film.checks_dir)
    except Exception as error:  # noqa: BLE001 - whatever it is, the moment is wanted
        yield f"{type(error).__name__}: {error}"


def fed(state: Path, known: Known, film: Film, manner: Unruly, figures: Counter[str]) -> Iterator[str]:
    """What goes wrong when a feeder goes on."""
    figures["fed"] += 1
    manner.got.clear()
    player = Player(film.checks_dir, state, film.log, film.environ)
    player.clock.now = known.begun.get("now", player.clock.now) + TURN_S
    code = player.call("outbox flush", Captured())
    if code and not known.is_damaged:
        yield f"outbox flush exits {code}"
    before = Counter(
        (name, json.dumps(data, sort_keys=True)) for name, data, way in known.arrived if way in {"accept", "reset"}
    )
    for name, data, _ in manner.got:
        key = (name, json.dumps(data, sort_keys=True))
        if before[key]:
            if int(name[-12:], 16) % 2:
                yield f"posted twice to {name}"
            figures["twice"] += 1
    with closing(Store.open(state)) as store:
        waiting = list(store.outbox.deliveries([Stage.PENDING, Stage.SENDING]))
    if waiting:
        yield f"{len(waiting)} deliveries wait for ever: {waiting[0]}"
