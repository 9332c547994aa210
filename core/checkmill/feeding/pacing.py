"""The drain rate of one reporter: how many deliveries may begin now, and when more may."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

#: A delivery may arrive at any moment until it has ended, but no later than this after it began, as far as the rate
#: is concerned: a receiver that answers slowly is not fed ever more slowly for that.
LATEST_S = 1.0


@dataclass(eq=False)
class Start:
    """Some deliveries that begin together: when they really did, and when they ended (monotonic seconds), if so."""

    deliveries: int
    at: float | None = None
    ended_at: float | None = None

    @property
    def arrived_by(self) -> float | None:
        """When they had arrived at the latest; None as long as they have not begun."""
        if self.at is None:
            return None
        latest = self.at + LATEST_S
        return latest if self.ended_at is None else max(self.at, min(self.ended_at, latest))


class Pace:
    """Lets no more arrive than the rate allows in any span of a second, or in which it allows one.

    What was handed over and has not begun yet counts too: it may begin at any moment.
    """

    def __init__(self, rate: float, arrived: Iterable[float] = ()) -> None:
        self.span_s = max(1.0, 1 / rate)
        self.most = max(1, math.floor(rate * self.span_s + 1e-9))
        self._starts = deque(Start(1, at, at) for at in sorted(arrived))
        self._used = len(self._starts)

    def room(self, now: float) -> int:
        """How many may begin now."""
        while self._starts and _is_before(self._starts[0], now - self.span_s):
            self._used -= self._starts.popleft().deliveries
        return max(0, self.most - self._used)

    def wait_s(self, now: float) -> float | None:
        """Seconds until there is more room; None where that is not before something begins."""
        arrived_by = self._starts[0].arrived_by if self._starts else None
        return None if arrived_by is None else max(0.0, arrived_by + self.span_s - now)

    def add(self, start: Start) -> None:
        """Count what is to begin."""
        self._starts.append(start)
        self._used += start.deliveries


def _is_before(start: Start, moment: float) -> bool:
    arrived_by = start.arrived_by
    return arrived_by is not None and arrived_by <= moment
