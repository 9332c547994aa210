"""`checkmill run --every`: the same run again and again, of what is due, as a service that is told to end.

The feeder's lock is held during a cycle alone. Rule files, plugins' settings and the store are opened anew in each, so
what was mended or broken meanwhile counts from the next one on, and no cycle can fail the one after it.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checkmill.cli.arguments import UsageError
from checkmill.cli.deliveries import counted
from checkmill.cli.notifying import notify, watchdog_s
from checkmill.cli.places import checks_directory
from checkmill.cli.repeating import EVENT, Repeats
from checkmill.cli.run import DRAIN_S, LOCK_WAIT_S, Manner, Outcome, carried_out
from checkmill.cli.session import Session
from checkmill.cli.stopping import Stop
from checkmill.model.state import State
from checkmill.steps.fetching import LAST_RESORT
from checkmill.steps.fetching.last_resort import OverdueError

if TYPE_CHECKING:
    from checkmill.sandbox import SandboxServer

FAILED = 3
#: The shortest interval.
SHORTEST_S = 1.0
#: The first cycle comes after a random part of this share of the interval, and of this many seconds: machines that
#: start together shall not ask their vendors together for ever.
PHASE, LONGEST_PHASE_S = 0.1, 30.0
#: How often a sleeping process looks at its clocks, and how far they must part to tell that it missed something.
LOOK_S, JUMP_S = 5.0, 5.0
#: However long measuring took, deliveries are begun for so long.
LEAST_DRAIN_S = 5.0
#: How much later than it wanted the main thread may come back from its sleep while plugins' threads are stuck.
PATIENCE_S = 10.0
#: More threads that plugins keep from ending are not left behind: a new process begins without them.
MOST_STUCK = 100

log = logging.getLogger("checkmill.every")


@dataclass(frozen=True)
class Times:
    """When cycles begin, on the clock that `edges.monotonic` reads: every `period_s` from the first one on."""

    first_at: float
    period_s: float

    def at(self, number: int) -> float:
        """The time of a cycle; the first one is number 0."""
        return self.first_at + number * self.period_s

    def after(self, number: int, now: float) -> int:
        """The first cycle from a number on that is not in the past."""
        return max(number, math.ceil((now - self.first_at) / self.period_s))


def every(session: Session, stop: Stop) -> int:
    """Run what is due again and again, until `stop` is set; 0 then. Raises `UsageError` when that makes no sense."""
    arguments = session.arguments
    if arguments.every < SHORTEST_S:
        raise UsageError(f"--every {arguments.every:g}s is too often; {SHORTEST_S:g}s is the least")
    if arguments.exit_state:
        raise UsageError("--exit-state is for a run that ends; --every has none")
    if arguments.format is not None and arguments.output is None:
        raise UsageError("with --every results go to a file alone; name it with --output FILE")
    # Where rules are looked for is found once: a directory that appears later elsewhere is another.
    arguments.checks_dir = str(checks_directory(arguments.checks_dir, session.edges.environ))
    with session.vendors() as server, _said_once() as repeats:
        return _Service(session, stop, server, repeats).run()


class _Service:
    def __init__(self, session: Session, stop: Stop, server: SandboxServer | None, repeats: Repeats) -> None:
        self._session = session
        self._edges = session.edges
        self._stop = stop
        self._server = server
        self._repeats = repeats
        self._watchdog_s = watchdog_s(self._edges.environ)
        self._threads = threading.active_count()
        self._took_s: dict[str, float] = {}
        self._beaten_at = -math.inf
        self._parted_s = self._edges.now() - self._edges.monotonic()
        period_s = session.arguments.every
        phase_s = self._edges.chance() * min(PHASE * period_s, LONGEST_PHASE_S)
        self._times = Times(self._edges.monotonic() + phase_s, period_s)
        self._next = 0

    def run(self) -> int:
        """Cycle until told to end."""
        log.info("a cycle every %g s, the first one in %.1f s", self._times.period_s, self._left_s())
        notify(self._edges.environ, "READY=1", "STATUS=waiting for the first cycle")
        try:
            while self._waits():
                LAST_RESORT.expect_by(None)
                self._cycle()
                if self._stuck() > MOST_STUCK:
                    log.critical(
                        "%d threads that plugins do not let end are too many; this process ends, to be started again",
                        self._stuck(),
                    )
                    return FAILED
            log.info("told to end")
            return 0
        finally:
            notify(self._edges.environ, "STOPPING=1")

    # Waiting

    def _waits(self) -> bool:
        """Wait for the next cycle; False when told to end."""
        while not self._stop.is_set():
            jumped, left_s = self._clock_jumped(), self._left_s()
            if jumped or left_s <= 0:
                return True
            # A plugin that is stuck may yet take the interpreter with it.
            slice_s = min(left_s, LOOK_S, *([self._watchdog_s / 2] if self._watchdog_s else []))
            LAST_RESORT.expect_by(slice_s + PATIENCE_S if self._stuck() > 0 else None)
            if self._stop.pause(slice_s) and not self._stop.is_set():
                log.info("told to look at once")
                return True
            if self._watchdog_s is not None:
                self._beat()
        return False

    def _left_s(self) -> float:
        return self._times.at(self._next) - self._edges.monotonic()

    def _clock_jumped(self) -> bool:
        """Whether so much time went by that this process saw nothing of that everything may be due, or void."""
        parted_s = self._edges.now() - self._edges.monotonic()
        jump_s, self._parted_s = parted_s - self._parted_s, parted_s
        if abs(jump_s) <= max(self._times.period_s, JUMP_S):
            return False
        way = "went on" if jump_s > 0 else "was set back"
        words = (way, abs(jump_s))
        log.warning("the clock %s by %.0f s that this process did not see; measuring at once", *words, extra=EVENT)
        return True

    def _beat(self, *lines: str) -> None:
        self._beaten_at = self._edges.monotonic()
        notify(self._edges.environ, "WATCHDOG=1", *lines)

    # One cycle

    def _cycle(self) -> None:
        began = self._edges.monotonic()
        following = self._next + (1 if began >= self._times.at(self._next) else 0)
        outcome = self._carried_out(until=self._times.at(following))
        # What plugins left behind is ended with the cycle, as it is with a process.
        LAST_RESORT.end_children()
        ended = self._edges.monotonic()
        if self._stop.is_set():
            return
        self._next = self._times.after(following, ended)
        if self._next > following:
            words = (ended - began, self._times.period_s, self._next - following)
            log.warning("the cycle took %.0f s, longer than %g s; %d left out", *words)
        line = "the cycle could not be carried out" if outcome is None else _summary(outcome, ended - began)
        log.info("%s", line)
        for message in self._repeats.cycle_over(whole=outcome is not None):
            log.warning("over: %s", message, extra=EVENT)
        self._beat(f"STATUS={line}")

    def _carried_out(self, until: float) -> Outcome | None:
        """What came of one run, which begins deliveries `until` the next one; None when nothing did, as logged."""
        arguments, edges = self._session.arguments, self._edges
        try:
            with Session(arguments, self._session.streams, edges, self._session.state_dir) as session:
                book, host = session.read(self._server)
                outcome = carried_out(session, book, host, self._manner(until))
        except (Exception, OverdueError):  # the wall round a cycle: whatever happens in one, the next one follows
            log.exception("the cycle failed")
            return None
        names = {rule.name for rule in outcome.checks}
        self._took_s |= dict.fromkeys(outcome.measured, outcome.took_s)
        self._took_s = {name: took_s for name, took_s in self._took_s.items() if name in names}
        return outcome if outcome.is_held else None

    def _manner(self, until: float) -> Manner:
        def drain_s() -> float:
            return min(max(until - self._edges.monotonic(), LEAST_DRAIN_S), DRAIN_S)

        def progress(_: object) -> None:
            if self._edges.monotonic() - self._beaten_at >= 1:
                self._beat()

        return Manner(
            tell=lambda sentence: log.error("%s", sentence),
            due=True,
            prints=False,
            beside=True,
            took_s=self._took_s,
            lock_wait_s=min(LOCK_WAIT_S, self._times.period_s),
            drain_s=drain_s,
            progress=progress,
            counts_waiting=True,
            stop=self._stop,
        )

    def _stuck(self) -> int:
        return threading.active_count() - self._threads


def _summary(outcome: Outcome, took_s: float) -> str:
    """The health of one cycle, on one line."""
    states = Counter(one.state for results in outcome.measured.values() for one in results)
    worst_first = sorted(State, key=lambda state: -state.badness)
    services = ", ".join(f"{states[state]} {state.value}" for state in worst_first if states[state])
    parts = [f"{len(outcome.measured)} of {len(outcome.checks)} checks measured{f': {services}' if services else ''}"]
    told = [counted(dict(outcome.counts))] if outcome.counts else []
    told += [f"{outcome.waiting} waiting"] if outcome.waiting is not None else []
    parts += [f"deliveries: {', '.join(told)}"] if told else []
    return "; ".join([*parts, f"took {took_s:.1f} s"])


@contextmanager
def _said_once() -> Iterator[Repeats]:
    """Have the log keep back what it said the cycle before, while the body runs."""
    repeats = Repeats()
    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(repeats)
    try:
        yield repeats
    finally:
        for handler in handlers:
            handler.removeFilter(repeats)
