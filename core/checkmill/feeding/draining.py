"""Drains the outbox: takes turns, in each of which what ended is settled and what may go next is begun."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from checkmill.edges import Edges
from checkmill.feeding.pacing import Pace, Start
from checkmill.model.delivery import Delivery, Progress
from checkmill.model.errors import DeadlineError
from checkmill.model.reporter import ConfiguredReporter, Outcome, Receipt, Report
from checkmill.steps.fetching import Done, Job, Watch, carry_out_fed
from checkmill.steps.reporting import Sending, receipts_of, sending_of, start_of
from checkmill.store import StoreError
from checkmill.store.outbox import Ended, Outbox, Room

#: So many sendings beyond the workers are handed over, so that no worker waits for the disk.
AHEAD = 4
#: Most deliveries with one body that go together.
MOST_TOGETHER = 50
#: How often it is asked whether to stop, or whether what was handed over has begun; the shortest wait for more room.
ASK_AGAIN_S = 0.1
LEAST_WAIT_S = 0.02
#: How often what waits is counted anew, since others add to it.
COUNT_AGAIN_S = 0.5
#: How often, and after what wait, settling is tried again when the outbox could not be written.
SETTLING_TRIES = 3
SETTLE_AGAIN_S = 0.5
#: So many deliveries of one reporter that were not accepted are logged one by one.
MOST_TOLD = 20
#: Statuses that say nothing but "not now", and those with which a proxy says that the receiver does not answer.
NOT_NOW = {429, 503}
NOBODY_THERE = {502, 504}

log = logging.getLogger("checkmill.run")


class Reports(Protocol):
    """Gives the reporter and target that stored deliveries name."""

    @property
    def reporters(self) -> Sequence[ConfiguredReporter]:
        """The reporters that may be fed."""

    def find(self, reporter: str, target: str) -> Report | None:
        """The target of a reporter; None where it cannot be made out."""


class StoppedError(Exception):
    """The one who drains was told to stop."""


@dataclass(eq=False)
class UnderWay:
    """A sending that was handed over: its job and who hears of its requests."""

    job: Job
    sending: Sending
    watch: Watch
    start: Start


@dataclass
class Drain:
    """One draining of an outbox by the holder of the feeder's lock; `counts` tells by stage what came of it.

    When `stop` says so nothing more is begun; what is under way is waited for to its end when `patient`, else a moment.
    """

    outbox: Outbox
    reports: Reports
    edges: Edges
    tell: Callable[[str], None]
    for_s: float | None = None
    progress: Callable[[Progress], None] | None = None
    stop: Callable[[], bool] | None = None
    patient: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _under_way: dict[int, UnderWay] = field(default_factory=dict)
    _unsettled: list[Ended] = field(default_factory=list)
    _settled: int = 0
    _waiting: int = 0
    _count_again_at: float = float("-inf")
    _until: float | None = None
    _stopped: bool = False
    _failures: int = 0
    _refused: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Drain until nothing is due, the time is up, or it is told to stop. Never raises for what others do."""
        now = self.edges.monotonic()
        self._until = None if self.for_s is None else now + self.for_s
        self._paces = self._new_paces(now)
        with suppress(StoppedError):
            carry_out_fed(self.turn, self.edges)
        self._tell_progress()
        for name, number in self._refused.items():
            if number > MOST_TOLD:
                more = number - MOST_TOLD
                log.warning("reporter %s: %d more were not accepted; see 'checkmill outbox list'", name, more)
        if self._unsettled:
            number = len(self._unsettled)
            what = "1 delivery" if number == 1 else f"{number:,} deliveries"
            self.tell(f"what became of {what} could not be noted; the next run takes it for unknown")

    def turn(self, ended: Sequence[tuple[Job, Done]]) -> tuple[list[Job], float | None]:
        """Settle what ended and begin what may go next; see `carry_out_fed`."""
        # Before anything is marked as being sent: whoever listens may fail.
        self._tell_progress()
        if self.stop is not None and not self._stopped and self.stop():
            self._stopped = True
            if self._under_way and not self.patient:
                # What is on the wire has a moment left; then this is called once more, with all of it.
                raise StoppedError
        for job, done in ended:
            self._unsettled += self._ended(job, done)
        wanted = {} if self._is_over() else self._wanted()
        now = self.edges.now()
        try:
            taken = self.outbox.turn(self._unsettled, now, wanted)
        except StoreError as error:
            return [], self._cannot_settle(error)
        self._unsettled = []
        self._count(taken.settled, taken.aside)
        jobs = [self._handed_over(group) for group in taken.begun]
        return jobs, self._wait_s(taken.left)

    # Beginning

    def _is_over(self) -> bool:
        late = self._until is not None and self.edges.monotonic() >= self._until
        return self._stopped or late or self._failures > 0

    def _wanted(self) -> dict[str, Room]:
        """How much of each reporter's may begin now."""
        now = self.edges.monotonic()
        wanted = {}
        for reporter in self.reports.reporters:
            name = reporter.name
            pace = self._paces[name]
            many = reporter.type.deliver_many is not None
            wanted[name] = Room(
                sendings=self._hands(reporter),
                deliveries=pace.room(now),
                together=MOST_TOGETHER if many else 1,
                knows=lambda target, name=name: self.reports.find(name, target) is not None,  # type: ignore[misc] # a default binds the loop's name
            )
        return wanted

    def _hands(self, reporter: ConfiguredReporter) -> int:
        """How many sendings more a reporter may have under way."""
        under_way = sum(1 for one in self._under_way.values() if one.sending.reporter.name == reporter.name)
        return max(1, reporter.settings.workers) + AHEAD - under_way

    def _handed_over(self, group: Sequence[Delivery]) -> Job:
        found = [self.reports.find(one.reporter, one.target) for one in group]
        sending = sending_of(group, [report for report in found if report is not None])
        name, settings = sending.reporter.name, sending.reporter.settings
        start, watch = Start(len(group)), Watch()
        begin = start_of(sending)

        def begin_now() -> Any:
            start.at = self.edges.monotonic()
            return begin()

        job = Job(
            name=f"reporter {name}",
            group=f"reporter {name}",
            settings=settings,
            start=begin_now,
            timeout_s=sending.timeout_s,
            merge_reads=False,
            watch=watch,
        )
        self._paces[name].add(start)
        self._under_way[id(job)] = UnderWay(job, sending, watch, start)
        return job

    def _wait_s(self, left: set[str]) -> float | None:
        """When to take the next turn although nothing ended."""
        now = self.edges.monotonic()
        # Where all hands are full, the end of something is what is waited for.
        held = [self._paces[one.name] for one in self.reports.reporters if one.name in left and self._hands(one) > 0]
        waits = [LEAST_WAIT_S if pace.room(now) else pace.wait_s(now) for pace in held]
        known = [ASK_AGAIN_S if wait is None else max(wait, LEAST_WAIT_S) for wait in waits]
        if known and self._until is not None:
            known.append(max(0.0, self._until - now))
        if self.stop is not None and not self._stopped and (known or self._under_way):
            known.append(ASK_AGAIN_S)
        return min(known, default=None)

    def _new_paces(self, now: float) -> dict[str, Pace]:
        """The paces of the reporters, what other processes sent a moment ago counted."""
        paces = {one.name: Pace(one.settings.drain) for one in self.reports.reporters}
        longest_s = max((one.span_s for one in paces.values()), default=0.0)
        wall = self.edges.now()
        try:
            arrived = self.outbox.arrived_since(wall - longest_s, wall)
        except StoreError:
            return paces
        for one in self.reports.reporters:
            paces[one.name] = Pace(one.settings.drain, [now - (wall - at) for at in arrived.get(one.name, [])])
        return paces

    # Ending

    def _ended(self, job: Job, done: Done) -> Iterator[Ended]:
        """What came of each delivery of a job, once."""
        one = self._under_way.pop(id(job), None)
        if one is None:
            return
        cut_off = self._stopped and isinstance(done.error, DeadlineError)
        if cut_off and done.error is not None and not done.error.arrived and one.start.at is None:
            one.start.at = one.start.ended_at = float("-inf")
            for delivery in one.sending.deliveries:
                yield Ended(delivery, Receipt(Outcome.NOT_SENT), is_cut_off=True, is_begun=False)
            return
        statuses = {sent.status for sent in one.watch.sent if sent.status is not None}
        one.start.ended_at = self.edges.monotonic()
        if one.start.at is None:
            one.start.at = one.start.ended_at
        tries = one.sending.reporter.settings.tries
        receipts = receipts_of(one.sending, done.value, done.error)
        for delivery, receipt in zip(one.sending.deliveries, receipts, strict=True):
            self._log_outcome(delivery, receipt)
            yield Ended(
                delivery,
                receipt,
                elapsed_s=max(0.0, done.ended_at - done.started_at),
                answered=bool(statuses - NOT_NOW - NOBODY_THERE),
                not_now=bool(statuses) and statuses <= NOT_NOW,
                tries=max(1, tries),
                chance=self.edges.chance(),
                is_cut_off=cut_off,
            )

    def _cannot_settle(self, error: StoreError) -> float | None:
        """Begin nothing more, and try again for a while to settle what ended."""
        self._failures += 1
        self.tell(f"nothing more is reported: {error}")
        again = self._unsettled and self._failures <= SETTLING_TRIES and not self._stopped
        return SETTLE_AGAIN_S if again else None

    def _count(self, settled: Sequence[Delivery], aside: dict[str, int]) -> None:
        for one in settled:
            self.counts[one.stage.value] = self.counts.get(one.stage.value, 0) + 1
        for stage, number in aside.items():
            self.counts[stage] = self.counts.get(stage, 0) + number
        self._settled += len(settled)
        self._waiting -= sum(1 for one in settled if one.stage.is_final) + sum(aside.values())

    def _tell_progress(self) -> None:
        if self.progress is None:
            return
        now = self.edges.monotonic()
        if now >= self._count_again_at:
            with suppress(StoreError):
                self._waiting = self.outbox.waiting([one.name for one in self.reports.reporters])
            self._count_again_at = now + COUNT_AGAIN_S
        self.progress(Progress(self._settled, max(0, self._waiting), dict(self.counts)))

    def _log_outcome(self, delivery: Delivery, receipt: Receipt) -> None:
        if receipt.outcome is Outcome.ACCEPTED:
            level = logging.DEBUG
        else:
            self._refused[delivery.reporter] += 1
            level = logging.WARNING if self._refused[delivery.reporter] <= MOST_TOLD else logging.DEBUG
        code = f" (code {receipt.code})" if receipt.code else ""
        words = (delivery.reporter, delivery.target, receipt.outcome.value, receipt.message, code)
        log.log(level, "reporter %s, %s: %s: %s%s", *words)
