"""Damaged state directories under all commands that use them. CHECKMILL_STRESS=full: 500 of them.

Whatever is wrong with one: results are printed as ever, nothing hangs, no traceback is shown or logged, what is known
to have been told is not told again, and where it can be helped the next runs are well.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from checkmill.model.delivery import Stage
from checkmill.store import Store
from support.batchmon import Receiver, Visit, scenario, silent, with_status
from support.commands import Desk, Ran
from support.damage import delivery, set_aside
from support.damaging import CURED, FOREIGN, HINDERING, NOBODY
from support.power_loss import compiler, filling, library
from support.stress import scale
from support.whatap_vendor import APPKEY, CPU, TOKEN, Vendor, serving

DIRECTORIES = scale(46, 500)
#: One in so many is used by processes of their own; how many commands use one beside a run.
PROCESSES, OTHERS = scale(11, 8), scale(1, 2)
#: No command takes longer, however loaded the machine is; after the second one nobody waits any more.
DEADLINE_S, HANG_S = 20.0, 120.0
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, tries: 1, timeout: 0.3s}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: {warn: 60, crit: 90},
         report: [{to: nhn, scenario: <one>}, {to: nhn, scenario: <two>}]}
      - {name: hosts, source: shop, metric: hosts, above: 1000, report: {to: nhn, scenario: <three>}}
"""
HOSTS = {f"web-{number}": 10.0 + number for number in range(40)}
#: What only states of the past say.
PAST = 77.25

IS_ROOT = os.geteuid() == 0
KINDS = {**CURED, **HINDERING, **(FOREIGN if IS_ROOT else {})}


@dataclass
class Figures:
    """What was found."""

    kinds: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    processes: int = 0
    rescues: int = 0
    worst_s: float = 0.0
    wrong: list[str] = field(default_factory=list)


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that others may enter, which those of pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


#: What is imported only when it is needed can be read by root alone here.
for needed in ("grp", "pwd", "checkmill.store.rescuing", "checkmill.store.looking"):
    importlib.import_module(needed)


@contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def circumstances(kind: str, state: Path, chance: random.Random) -> Iterator[None]:
    """What holds while a command runs."""
    if kind in FOREIGN:
        with as_nobody():
            yield
    elif "room" in kind:
        path = state / "state.db"
        size = path.stat().st_size if path.exists() else 0
        with room_for(chance.choice([0, 100, 4096, size, size + 5000])):
            yield
    else:
        yield


def templates(desk: Desk, vendor: Vendor, receiver: Receiver, home: Path) -> dict[str, Path]:
    """State directories at rest, with what a killed process leaves, and with much in it."""
    for value, manner in ((PAST, None), (PAST + 0.25, silent), (PAST + 0.5, with_status(503))):
        vendor.show(CPU, {**HOSTS, "web-0": value})
        if manner is not None:
            receiver.manner = manner
        assert desk("run --format json").code == 0
        desk.clock.now += 300
    made = {"at rest": home / "rest", "killed": home / "killed", "large": home / "large"}
    desk("local")
    desk("check cpu")
    shutil.copytree(desk.state_dir, made["at rest"])
    with closing(Store.open(desk.state_dir)) as store:
        desk("run --format json")
        shutil.copytree(desk.state_dir, made["killed"])
        many = [delivery(number, 3000, run_at=desk.clock.now) for number in range(300)]
        store.commit(str(desk.checks_dir), [], [replace(one, stage=Stage.ACCEPTED) for one in many], desk.clock.now)
    shutil.copytree(desk.state_dir, made["large"])
    receiver.manner = Visit.accept
    vendor.show(CPU, HOSTS)
    return made


def test_no_damaged_directory_keeps_a_result_from_being_printed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    chance = random.Random(20261122)
    figures = Figures()
    vendor, receiver = Vendor(), Receiver()
    with serving(vendor), receiver:
        desk = Desk(home, {"WHATAP_TOKEN": TOKEN, "NHN_APPKEY": APPKEY})
        desk.write(RULES, url=vendor.url, nhn=receiver.url, one=scenario(1), two=scenario(2), three=scenario(3)).chmod(
            0o644
        )
        made = templates(desk, vendor, receiver, home)
        built = library(home) if compiler() is not None else None
        expected = printed(desk("run --no-report --format json"))
        for number in range(DIRECTORIES):
            kind = list(KINDS)[number % len(KINDS)] if number < len(KINDS) else chance.choice(list(KINDS))
            figures.kinds[kind] += 1
            template, damage = KINDS[kind]
            fresh(desk.state_dir, made[template])
            damage(desk.state_dir, chance)
            desk.clock.now += 600
            by_process = number % PROCESSES == 1 and kind not in FOREIGN
            faulthandler.dump_traceback_later(HANG_S, exit=True, file=sys.__stderr__)
            where = f"{number} ({kind}{', as a process' if by_process else ''})"
            with_posts = len(receiver.posts)
            use(desk, kind, chance, figures, where, expected, built if by_process else None, by_process)
            told_again = [post for post in receiver.posts[with_posts:] if is_of_the_past(post.data)]
            if told_again:
                figures.wrong.append(f"{where}: told again: {str(told_again[0].data)[:200]}")
            faulthandler.cancel_dump_traceback_later()
            clear(desk.state_dir)
    with capsys.disabled():
        print(
            f"\ndamaged directories: {DIRECTORIES} of {len(KINDS)} kinds, {figures.commands} commands"
            f" ({figures.processes} processes) in {time.monotonic() - began:.0f} s: {len(figures.wrong)} failures,"
            f" slowest command {figures.worst_s:.2f} s, {figures.rescues} databases set aside"
            + ("" if IS_ROOT else "; not as another user, which only root can try")
        )
    assert figures.wrong == []
    assert figures.worst_s < DEADLINE_S
    assert figures.rescues > 0


def use(
    desk: Desk,
    kind: str,
    chance: random.Random,
    figures: Figures,
    where: str,
    expected: object,
    built: Path | None,
    by_process: bool,
) -> None:
    """Use a damaged directory, and see whether it gets well."""
    words = ["run --format json", *chance.sample(["check cpu", "local", "outbox list", "run --format json"], OTHERS)]
    chance.shuffle(words)
    for one in words[:1] if by_process else words:
        ran = called(desk, one, kind, chance, figures, built, by_process)
        figures.wrong += [f"{where}, {one}: {problem}" for problem in problems(ran, one, desk.state_dir, expected)]
    if kind in CURED:
        desk.clock.now += 600
        codes: list[int] = []
        while len(codes) < 3 and 0 not in codes:
            codes.append(called(desk, "run --format json", kind, chance, figures, None, False).code)
        if 0 not in codes:
            figures.wrong.append(f"{where}: it does not get well, runs exit with {codes}")
        figures.rescues += len([name for name in set_aside(desk.state_dir) if not name.endswith("-wal")])
    elif desk.state_dir.is_dir() and set_aside(desk.state_dir) and "rescue" not in kind:
        figures.wrong.append(f"{where}: set aside, though it is not damaged")


def called(
    desk: Desk, words: str, kind: str, chance: random.Random, figures: Figures, built: Path | None, by_process: bool
) -> Ran:
    figures.commands += 1
    began = time.monotonic()
    try:
        if by_process:
            figures.processes += 1
            full = filling(built, desk.state_dir, chance.choice([0, 100, 5000])) if built and "room" in kind else {}
            here = Desk(desk.home, {**desk.environ, **full}, desk.clock)
            return here.process(words)
        with circumstances(kind, desk.state_dir, chance):
            return desk(words)
    finally:
        figures.worst_s = max(figures.worst_s, time.monotonic() - began)


def printed(ran: Ran) -> object:
    return sorted((one["service"], one["state"], one["output"]) for one in ran.json)


def problems(ran: Ran, words: str, state: Path, expected: object) -> Iterator[str]:
    """What a command did that it must not do."""
    log = state / "checkmill.log"
    logged = log.read_text(errors="replace") if log.is_file() else ""
    if "Traceback" in ran.err or "Traceback" in ran.out or "Traceback" in logged:
        yield f"a traceback: {(ran.err + logged)[-1500:]}"
    if words.startswith("run"):
        try:
            if printed(ran) != expected:
                yield f"other results: {ran.out[:200]}"
        except ValueError:
            yield f"no results: {ran.out[:200]!r} {ran.err[:300]}"
        if ran.code not in {0, 3} or (ran.code == 3 and not ran.err):
            yield f"exits {ran.code} with {ran.err[:200]!r}"
    elif words.startswith("check"):
        if (ran.code, ran.line.partition(" (what is gone goes unnoticed: ")[0]) != (0, "OK - 40 services OK"):
            yield f"exits {ran.code}: {ran.line}"
    elif words == "local":
        if ran.code != 0 or '0 "cpu web-7" cm_cpu=17;60;90;0;100 cpu 17%\n' not in ran.out:
            yield f"exits {ran.code}: {ran.out[:300]}"
    elif ran.code not in {0, 3} or (ran.code == 3 and "checkmill: " not in ran.err):
        yield f"exits {ran.code} with {ran.err[:200]!r}"


def is_of_the_past(data: Mapping[str, object]) -> bool:
    """Whether a post tells what had been accepted, or may have been, when the directory was damaged."""
    text = json.dumps(data)
    return f"{PAST}" in text or f"{PAST + 0.25}" in text


def fresh(state: Path, template: Path) -> None:
    clear(state)
    shutil.copytree(template, state)
    state.chmod(0o2770)


def clear(state: Path) -> None:
    if state.is_symlink() or state.is_file():
        state.unlink()
    elif state.exists():
        shutil.rmtree(state)
