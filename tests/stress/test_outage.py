"""A receiver that is down for a simulated day, while each service has a new state every minute.

CHECKMILL_STRESS=full: the whole day. The clock is the test's; a real server stamps what it gets with it.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest

from checkmill.host import Host
from checkmill.model.delivery import Delivery, Stage
from checkmill.run import Run
from checkmill.steps.reading import Book, read
from checkmill.steps.reporting import target_text
from checkmill.store import Store
from checkmill.store.outbox import Limit
from support.batchmon import Receiver, scenario
from support.commands import NOW, Desk
from support.simulated import SimulatedTime
from support.stress import scale
from support.whatap_vendor import APPKEY

ENVIRON = {"NHN_APPKEY": APPKEY}
RULES = """
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}"<settings>}
"""
MINUTE_S = 60.0
#: How long the receiver is down, and how long it is watched when it is back.
DOWN_MINUTES, AFTER_MINUTES = scale(40, 1440), 6
WITHIN_S = 300.0
#: Beside the bodies, what a row of the outbox takes with its indexes, and what SQLite's log may grow to.
ROW_BYTES, LOG_BYTES = 1024, 16 << 20


@dataclass(frozen=True)
class Case:
    """What the reporter is told, and how many services there are; the rest is what follows from it."""

    keep: str
    services: int
    backlog: int
    drain: float

    @property
    def settings(self) -> str:
        return f", keep: {self.keep}, backlog: {self.backlog}, drain: {self.drain:g}/s"


CASES = {
    "latest": Case("latest", scale(300, 1000), 10_000, scale(15, 50)),
    "all": Case("all", scale(60, 1000), scale(600, 10_000), scale(12, 200)),
}


@dataclass
class Outage:
    """A state directory, a feeder and a receiver, and what was seen of them."""

    case: Case
    home: Path
    receiver: Receiver
    time: SimulatedTime = field(default_factory=SimulatedTime)
    made: int = 0
    dropped: int = 0
    attempts_down: int = 0
    most_waiting: int = 0
    most_bytes: int = 0
    limit: Limit = field(init=False)

    def __post_init__(self) -> None:
        desk = Desk(self.home, ENVIRON)
        desk.write(RULES, nhn=self.receiver.url, settings=self.case.settings)
        self.receiver.clock = self.time.passed_s
        self.book: Book = read(desk.checks_dir, Host(), ENVIRON)
        reporter = self.book.reporter("nhn")
        assert reporter is not None, self.book.problems
        self.limit = Limit(reporter.settings.backlog, reporter.settings.backlog_size)
        self.store = Store.open(desk.state_dir)
        self.edges = self.time.edges(ENVIRON, seed=11)
        self.first = [self._delivery(number) for number in range(1, self.case.services + 1)]

    def _delivery(self, number: int) -> Delivery:
        return Delivery(
            reporter="nhn",
            target=target_text({"scenario": scenario(number)}),
            state="WARNING",
            services=(f"cpu web-{number}",),
            checks=("cpu",),
            body=f'{{"run": 0, "state": "WARNING", "output": "cpu 85% above 80% of web-{number}"}}',
            created_at=NOW,
            expires_at=NOW + 3600.0,
            keep_all=self.case.keep == "all",
        )

    def cycle(self, run: int) -> Mapping[str, int]:
        """What one run does: a new state of every service is committed, then what is due is sent."""
        now = self.time.now()
        new = [
            replace(
                one,
                body=one.body.replace('"run": 0', f'"run": {run}'),
                created_at=now,
                expires_at=now + 3600.0,
                run_at=now,
            )
            for one in self.first
        ]
        self.made += len(new)
        checks_dir = str(self.book.directory.resolve())
        self.dropped += len(self.store.commit(checks_dir, [], new, now, ["cpu"], {}, {"nhn": self.limit}))
        self.look()
        runner = Run(self.book, self.store, self.edges)
        counts = runner.send_deliveries([], for_s=30.0)
        assert runner.trouble.sentences == []
        self.look()
        return counts

    def look(self) -> None:
        """Take the size of the outbox."""
        health = self.store.outbox.health(self.time.now()).reporters["nhn"]
        assert health.waiting <= self.limit.deliveries
        assert health.waiting_bytes <= self.limit.size
        self.most_waiting = max(self.most_waiting, health.waiting)
        files = (path for path in self.store.directory.iterdir() if path.name.startswith("state.db"))
        self.most_bytes = max(self.most_bytes, sum(path.stat().st_size for path in files))

    def told(self) -> dict[str, int]:
        """The newest run that the receiver knows of each scenario."""
        newest: dict[str, int] = {}
        for post in self.receiver.posts:
            for one in post.scenarios:
                newest[one] = max(newest.get(one, 0), post.data["run"])
        return newest

    def first_told(self, run: int) -> dict[str, float]:
        """When the receiver first got a state of each scenario that is not older than that of a run."""
        at: dict[str, float] = {}
        for post in self.receiver.posts:
            if post.data["run"] >= run:
                for one in post.scenarios:
                    at.setdefault(one, post.at)
        return at

    def fastest(self, within_s: float) -> int:
        """The most deliveries that arrived within so many seconds."""
        times = sorted(post.at for post in self.receiver.posts for _ in post.scenarios)
        window: deque[float] = deque()
        most = 0
        for at in times:
            window.append(at)
            while window[0] <= at - within_s:
                window.popleft()
            most = max(most, len(window))
        return most


@pytest.fixture(params=CASES)
def outage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outage]:
    with Receiver() as receiver:
        one = Outage(CASES[request.param], tmp_path, receiver)
        try:
            yield one
        finally:
            one.store.close()


def test_after_a_day_without_receiver_the_newest_states_are_there_within_minutes(
    outage: Outage, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    case, receiver = outage.case, outage.receiver
    runs = count(1)
    outage.cycle(next(runs))
    while len(receiver.posts) < case.services:
        outage.time.leap(1.0)
        Run(outage.book, outage.store, outage.edges).send_deliveries([])
    receiver.posts.clear()

    receiver.down()
    down_at = outage.time.passed_s()
    for minute in range(1, DOWN_MINUTES + 1):
        outage.time.leap_to(down_at + minute * MINUTE_S)
        outage.attempts_down += sum(outage.cycle(last := next(runs)).values())
    assert receiver.posts == []
    settled = Counter(outage.store.outbox.health(outage.time.now()).reporters["nhn"].counts)

    receiver.up()
    back_at = outage.time.passed_s()
    for minute in range(1, AFTER_MINUTES + 1):
        outage.time.leap_to(down_at + (DOWN_MINUTES + minute) * MINUTE_S)
        outage.cycle(next(runs))

    at = outage.first_told(last)
    longest_s = max(at.values()) - back_at
    stages = Counter(one.stage for one in outage.store.outbox.deliveries())
    health = outage.store.outbox.health(outage.time.now()).reporters["nhn"]
    with capsys.disabled():
        print(
            f"\nkeep {case.keep}: {DOWN_MINUTES} minutes down at {case.services} results a minute, "
            f"{time.monotonic() - began:.0f} s: at most {outage.most_waiting} waiting, "
            f"{outage.most_bytes / (1 << 20):.1f} MiB on disk, {outage.attempts_down} attempts, "
            f"{outage.dropped} dropped, settled while down {dict(settled)}"
        )
        print(
            f"  newest state of all {len(at)} services {longest_s:.0f} s after the return, "
            f"at most {outage.fastest(1.0)} in a second and {outage.fastest(10.0)} in ten (drain {case.drain:g}/s); "
            f"at last {dict(health.counts)}, {health.waiting} waiting"
        )
    assert len(at) == case.services
    assert longest_s <= WITHIN_S
    assert outage.fastest(10.0) <= 10 * case.drain
    assert outage.fastest(1.0) <= case.drain
    # A probe a minute at most, and what was under way before it showed.
    assert outage.attempts_down <= DOWN_MINUTES + 2 * 8
    kept = 11_000 + outage.limit.deliveries
    assert outage.most_bytes <= kept * (ROW_BYTES + len(outage.first[0].body)) + LOG_BYTES
    # Whatever was made is counted somewhere.
    assert sum(health.counts.values()) + health.waiting == outage.made
    assert health.counts.get("dropped", 0) == outage.dropped
    assert (outage.dropped > 0) == (case.keep == "all")
    assert stages[Stage.SENDING] == 0
    in_order(outage)


def in_order(outage: Outage) -> None:
    """No state arrived after a newer one, and none twice."""
    newest: dict[str, int] = {}
    for post in outage.receiver.posts:
        for one in post.scenarios:
            assert post.data["run"] > newest.get(one, 0)
            newest[one] = post.data["run"]
