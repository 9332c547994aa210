"""Feeding runs that are ended by kill -9, and what the receiver got. CHECKMILL_STRESS=full: 1,000 kills.

Three reporters are fed: `sure` may repeat what is unknown and keeps all, `once` keeps all and repeats nothing, `newest`
is as reporters are unless told otherwise. After every kill a copy of the database is read, so that the next process
meets what the kill left behind, and what was committed until then is known.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from checkmill.model.delivery import Delivery, Stage
from checkmill.store import Store
from support.batchmon import Receiver, Visit, scenario
from support.commands import Clock, Desk
from support.courses import DEADLINE_S, Course, Key, Plan
from support.loopback import Got, Reply
from support.preloaded import Preloaded, Process
from support.stress import scale
from support.whatap_vendor import APPKEY, HOSTS, TOKEN, Vendor, serving, values

KILLS = scale(25, 1000)
#: One in so many kills is of the installed program, one run in so many is left alone.
PROGRAM_EVERY, UNDISTURBED_EVERY = scale(12, 20), 12
SEED = 20261122
#: Longer than any wait before a delivery is sent again.
LONGEST_WAIT_S = 400.0
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      sure: &nhn {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, expires: 1d, drain: 1000/s,
        keep: all}
      once: *nhn
      newest: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, expires: 1d, drain: 1000/s}
    checks:
      - {name: hosts, source: shop, metric: hosts, above: 1000, report: [
          {to: sure, scenario: <s1>, repeat_unknown: true}, {to: sure, scenario: <s2>, repeat_unknown: true},
          {to: once, scenario: <s4>}, {to: once, scenario: <s5>},
          {to: newest, scenario: <s7>}, {to: newest, scenario: <s8>}]}
      - {name: agents, source: shop, metric: active_agents, above: 1000, report: [
          {to: sure, scenario: <s3>, repeat_unknown: true}, {to: once, scenario: <s6>}, {to: newest, scenario: <s9>}]}
"""
SCENARIOS = {f"s{number}": scenario(number) for number in range(1, 10)}
SURE, ONCE, NEWEST = (set(list(SCENARIOS.values())[first : first + 3]) for first in (0, 3, 6))
#: How many posts a run makes where nothing waits.
POSTS = 6


class Clocks(Clock):
    """The clock of the wall, and `ahead_s` of it for who comes later."""

    ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class Feed:
    """A desk whose runs are killed, the vendor they ask and the receiver they feed, and the books on all of it."""

    desk: Desk
    vendor: Vendor
    receiver: Receiver
    preloaded: Preloaded
    course: Course = field(default_factory=lambda: Course(Plan("never")))
    committed: dict[Key, Delivery] = field(default_factory=dict)
    in_flight: Counter[Key] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    ended_first: int = 0

    def __post_init__(self) -> None:
        self.vendor.answers[HOSTS] = self._show_hosts
        self.receiver.manner = self._take

    def _show_hosts(self, _: Got) -> Reply:
        self.course.happens("asked")
        return values("57.0")

    def _take(self, visit: Visit) -> None:
        course = self.course
        course.posts += 1
        number = course.posts
        keys = keys_of_post(visit.post.scenarios, visit.post.data)
        course.read.update(keys)
        course.happens(f"read {number}")
        if course.plan.event == f"read {number}":
            course.running.ends_within(DEADLINE_S)
        elif number % 3 == 0:
            visit.wait(0.01)
        visit.accept()
        if course.process is None or not course.process.ends_within(0):
            course.answered.update(keys)
        course.happens(f"answered {number}")

    def run(self, plan: Plan, *, program: bool = False) -> bool:
        """Do one run by a plan, as the installed program or preloaded, and give whether it was killed."""
        course = self.course = Course(plan)
        installed = self._installed() if program else None
        process = self.preloaded.start(self.desk.argv("run")) if installed is None else Process(installed.pid)
        course.begins(process)
        course.ends()
        code = self.preloaded.ended() if installed is None else installed.wait()
        self._see_off()
        assert code in {0, 3, -signal.SIGKILL}, code
        killed = code == -signal.SIGKILL
        self._take_stock(killed=killed)
        return killed

    def _installed(self) -> subprocess.Popen[bytes]:
        argv = [f"{sysconfig.get_path('scripts')}/checkmill", *self.desk.argv("run")]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(argv, env=self.desk.environ, **quiet)  # type: ignore[call-overload] # the three streams

    def _see_off(self) -> None:
        """Have all read that was sent: what is on its way when a process dies still arrives."""
        give_up_at = time.monotonic() + DEADLINE_S
        while self.receiver.is_talking:
            assert time.monotonic() < give_up_at, "the connection of a process that has ended is still open"
            Event().wait(0.001)

    def _take_stock(self, *, killed: bool) -> None:
        before = self.committed
        rows = {key_of(one): one for one in self.deliveries()}
        self.committed = before | rows
        self.kills += killed
        if killed:
            # What an earlier kill left in that stage has one attempt less than what this run took up again.
            attempts = {key: one.attempts for key, one in before.items() if one.stage is Stage.SENDING}
            sending = {key for key, one in rows.items() if one.stage is Stage.SENDING}
            sending -= {key for key in sending if rows[key].attempts == attempts.get(key)}
            self.in_flight.update(sending)
            self.phases[self._phase(sending, is_new=not rows.keys() <= before.keys())] += 1

    def _phase(self, sending: set[Key], *, is_new: bool) -> str:
        course = self.course
        if sending & course.read - course.answered:
            return "held by the receiver"
        if sending & course.answered:
            return "between answer and settling"
        if sending:
            return "between mark and sending"
        if is_new:
            return "between two turns" if course.posts else "between commit and mark"
        if "asked" not in course.at:
            return "start-up"
        return "fetching" if course.plan.event == "asked" and not course.plan.delay_s else "judging and commit"

    def deliveries(self) -> Sequence[Delivery]:
        """What the outbox holds, read from a copy."""
        copy = self.desk.home / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(mode=0o770)
        for name in ("state.db", "state.db-wal"):
            if (self.desk.state_dir / name).exists():
                shutil.copyfile(self.desk.state_dir / name, copy / name)
        store = Store.open(copy)
        try:
            return store.outbox.deliveries()
        finally:
            store.close()

    def settle(self) -> None:
        """Come back when every wait is over, and send until nothing waits."""
        for _ in range(20):
            assert isinstance(self.desk.clock, Clocks)
            self.desk.clock.ahead_s += LONGEST_WAIT_S
            self.course = Course(Plan("never"))
            ran = self.desk("outbox flush")
            assert ran.code == 0, ran.err
            self._see_off()
            self._take_stock(killed=False)
            if all(one.stage.is_final for one in self.committed.values()):
                return


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    clock = Clocks(time.time())
    desk = Desk(tmp_path, {"WHATAP_TOKEN": TOKEN, "NHN_APPKEY": APPKEY}, clock)
    vendor = Vendor()
    with serving(vendor), Receiver() as receiver:
        desk.write(RULES, url=vendor.url, nhn=receiver.url, **SCENARIOS)
        elsewhere = ["--checks-dir", str(desk.checks_dir), "--state-dir", str(tmp_path / "rehearsal"), "run"]
        with Preloaded(desk.environ, elsewhere, tmp_path / "log") as preloaded:
            receiver.posts.clear()
            one = Feed(desk, vendor, receiver, preloaded)
            assert not one.run(Plan("never")), "the first run was not left alone"
            yield one


def test_a_feeder_that_is_killed_loses_nothing_and_repeats_only_what_it_may(
    feed: Feed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    began = time.monotonic()
    lengths = {program: rehearsed(feed, program=program) for program in (False, True)}
    runs = 0
    while feed.kills < KILLS:
        runs += 1
        program = runs % PROGRAM_EVERY == 0
        plan = Plan("never") if runs % UNDISTURBED_EVERY == 0 else planned(runs, chance, lengths[program])
        killed = feed.run(plan, program=program)
        feed.ended_first += not killed and plan.event != "never"
    feed.settle()

    books = Books(feed)
    with capsys.disabled():
        print(f"\n{feed.kills} kills in {time.monotonic() - began:.0f} s, {feed.ended_first} runs ended before theirs")
        print(f"  by phase: {dict(feed.phases.most_common())}")
        print("\n".join(f"  {line}" for line in books.lines()))
    wrong = books.wrong()
    assert not wrong, "\n".join(wrong)
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert {"start-up", "fetching", "held by the receiver"} <= set(feed.phases)
    assert len(feed.phases) >= scale(4, 7)


def rehearsed(feed: Feed, *, program: bool) -> dict[str, float]:
    """When what happens in a run that is left alone."""
    assert not feed.run(Plan("never"), program=program)
    return feed.course.at


def planned(turn: int, chance: random.Random, length: dict[str, float]) -> Plan:
    """When the next kill is due: each kind in its turn, the moment by chance."""
    post = chance.randint(1, POSTS)
    until_post = max(length["read 1"] - length["asked"], 0.0)
    kinds = (
        lambda: Plan("start", chance.uniform(0, length["asked"])),
        lambda: Plan("asked"),
        lambda: Plan("asked", chance.uniform(0, until_post)),
        lambda: Plan("asked", chance.uniform(until_post / 2, until_post)),
        lambda: Plan(f"read {post}"),
        lambda: Plan(f"read {post}", chance.uniform(0, 0.02)),
        lambda: Plan(f"answered {post}", chance.choice([0, chance.uniform(0, 0.005)])),
        lambda: Plan("start", chance.uniform(0, length["end"])),
    )
    return kinds[turn % len(kinds)]()


def key_of(delivery: Delivery) -> Key:
    return json.loads(delivery.target)["scenario"], json.loads(delivery.body)["checked_at"]


def keys_of_post(scenarios: Sequence[str], data: object) -> list[Key]:
    assert isinstance(data, dict)
    return [(one, data["checked_at"]) for one in scenarios]


class Books:
    """What was committed, what arrived, and what the outbox says became of it."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._arrived = Counter(key for post in feed.receiver.posts for key in keys_of_post(post.scenarios, post.data))
        self._stages = {key: one.stage for key, one in feed.committed.items()}

    def lines(self) -> Iterator[str]:
        for name, group in (("sure", SURE), ("once", ONCE), ("newest", NEWEST)):
            keys = self._of(group)
            stages = Counter(self._stages[key].value for key in keys)
            twice = sum(self._arrived[key] - 1 for key in keys if self._arrived[key])
            flown = sum(self._feed.in_flight[key] for key in keys)
            gone = sum(1 for key in keys if not self._arrived[key])
            yield (
                f"{name}: {len(keys)} deliveries, {flown} in flight at a kill, {twice} duplicates, "
                f"{gone} not arrived, {len(self._lost(keys))} lost; at last {dict(stages)}"
            )

    def _of(self, group: set[str]) -> list[Key]:
        return [key for key in self._stages if key[0] in group]

    def _lost(self, keys: Sequence[Key]) -> list[Key]:
        """What neither arrived nor is listed as unknown, nor as followed by a newer one where that is enough."""
        listed = {Stage.UNKNOWN}
        return [
            key
            for key in keys
            if not self._arrived[key]
            and not (key[0] not in SURE and self._stages[key] in listed)
            and not (key[0] in NEWEST and self._stages[key] is Stage.SUPERSEDED)
        ]

    def wrong(self) -> list[str]:
        """Everything that must not be."""
        return [
            *(f"lost: {self._said(key)}" for key in self._lost(list(self._stages))),
            *(f"sent without being in the outbox: {key}" for key in self._arrived.keys() - self._stages.keys()),
            *self._wrong_in_number(),
            *self._wrong_in_stage(),
            *self._wrong_in_order(),
            *self._half_committed(),
        ]

    def _wrong_in_number(self) -> Iterator[str]:
        for key, number in self._arrived.items():
            allowed = 1 + (self._feed.in_flight[key] if key[0] in SURE else 0)
            if number > allowed:
                yield f"arrived {number} times, {allowed} allowed: {self._said(key)}"

    def _wrong_in_stage(self) -> Iterator[str]:
        for key, stage in self._stages.items():
            flown, number = self._feed.in_flight[key], self._arrived[key]
            if key[0] in SURE:
                fits = stage is Stage.ACCEPTED and number > 0
            elif flown:
                fits = stage is Stage.UNKNOWN
            else:
                fits = (stage is Stage.ACCEPTED and number == 1) or (
                    stage is Stage.SUPERSEDED and key[0] in NEWEST and number == 0
                )
            if not fits:
                yield f"arrived {number} times, in flight at {flown} kills, but listed as {self._said(key)}"

    def _wrong_in_order(self) -> Iterator[str]:
        newest: dict[str, str] = {}
        for post in self._feed.receiver.posts:
            for one, stamp in keys_of_post(post.scenarios, post.data):
                if stamp < newest.get(one, ""):
                    yield f"{stamp} arrived at {one} after {newest[one]}"
                newest[one] = max(newest.get(one, ""), stamp)

    def _half_committed(self) -> Iterator[str]:
        for run_at, number in Counter(one.run_at for one in self._feed.committed.values()).items():
            if number != len(SCENARIOS):
                yield f"{number} of the {len(SCENARIOS)} deliveries of the run of {run_at} were committed"

    def _said(self, key: Key) -> str:
        return f"{self._feed.committed[key].stage.value} {key}"
