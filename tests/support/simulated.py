"""Time as a test lets it pass: it goes on as it does anyway, and leaps when it is told to, or when something sleeps."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from checkmill.edges import Edges
from support.commands import NOW


@dataclass
class SimulatedTime:
    """A clock for both `now` and `monotonic` of the edges. What sleeps is there at once."""

    leapt_s: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Epoch seconds."""
        return NOW + self.passed_s()

    def passed_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began + self.leapt_s

    def leap(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self.leapt_s += max(seconds, 0.0)

    def leap_to(self, passed_s: float) -> None:
        """Let time pass until so many seconds after the beginning; nothing happens where that is over."""
        self.leap(passed_s - self.passed_s())

    def edges(self, environ: Mapping[str, str], seed: int = 0) -> Edges:
        """Edges on this clock, with chance from a seed."""
        return Edges(self.now, self.passed_s, self.leap, random.Random(seed).random, environ=environ)
