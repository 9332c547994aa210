"""The rate limit of one source: requests are spaced out, whoever sends them."""

from __future__ import annotations

from checkmill.model.errors import RateLimitError
from checkmill.steps.fetching.moves import seconds_text


class Pace:
    """Gives out turns, at most `rate` a second; None is no limit."""

    def __init__(self, rate: float | None) -> None:
        self._gap_s = 1 / rate if rate and rate > 0 else 0.0
        self._next_at = float("-inf")

    def wait_s(self, now: float, deadline: float) -> float:
        """Take the next turn and give the seconds until it comes. Raises `RateLimitError` if that is too late."""
        at = max(now, self._next_at)
        if at >= deadline and at > now:
            error = RateLimitError(
                f"the source's own rate (one request in {seconds_text(self._gap_s)}) leaves no turn before the deadline"
            )
            error.arrived = False
            raise error
        self._next_at = at + self._gap_s
        return at - now
