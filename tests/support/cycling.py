"""Lets hours of `run --every` pass in a moment: clocks that a test moves, and pauses that move them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from checkmill.cli.stopping import Stop
from support.commands import Clock, Desk


@dataclass
class Clocks(Clock):
    """The wall clock and the clock of deadlines; both go on by themselves too, since what is done takes time."""

    began: float = field(default_factory=time.monotonic)
    passed: float = 0.0
    #: How far the wall clock was set, or how long the machine slept.
    set_by: float = 0.0

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return time.monotonic() - self.began + self.passed

    def advance(self, seconds: float) -> None:
        self.passed += seconds

    def __call__(self) -> float:
        return self.now + self.set_by + self.monotonic()


class Until(Stop):
    """Told to end at a time of the clock; `events` are called once their time has come, in a pause."""

    def __init__(self, clocks: Clocks, end: float, events: Mapping[float, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self._clocks = clocks
        self._end = end
        self._events = sorted((events or {}).items(), key=lambda event: event[0])
        self.pauses: list[float] = []

    def plan(self, moment: float, event: Callable[[], object]) -> None:
        """Add an event, which comes after those there are."""
        self._events.append((moment, event))

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        wanted = self._clocks.monotonic() + seconds
        if self._events and self._events[0][0] <= wanted:
            moment, event = self._events.pop(0)
            self._clocks.advance(max(moment - self._clocks.monotonic(), 0.0))
            event()
        else:
            self._clocks.advance(seconds)
        if self._clocks.monotonic() >= self._end:
            self.set()
        return super().pause(0)


def clocks_of(desk: Desk) -> Clocks:
    """Give a desk clocks that a test moves."""
    clocks = Clocks()
    desk.clock = clocks
    desk.monotonic = clocks.monotonic
    desk.sleep = clocks.advance
    return clocks
