"""Levels: the limits of a rule, and what one value means under them. Equal to a limit is fine."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from checkmill.model.state import State

L = TypeVar("L")


@dataclass(frozen=True, slots=True)
class Range:
    """A Nagios range `[@]start:end`: both ends belong to it; it alerts outside, or with `@` inside."""

    start: float = 0.0
    end: float = math.inf
    inside: bool = False

    @classmethod
    def parse(cls, text: str) -> Range:
        """Read `10`, `10:`, `~:10`, `10:20`, `@10:20`. Raises ValueError with what is wrong."""
        body = text.strip()
        inside = body.startswith("@")
        body = body.removeprefix("@")
        before, colon, after = body.partition(":")
        if not colon:
            before, after = "0", before
            if not after:
                raise ValueError("the range is empty")
        start = -math.inf if before == "~" else 0.0 if before == "" else _decimal(before)
        end = math.inf if after == "" else _decimal(after)
        if start > end:
            raise ValueError(f"the range starts at {before}, beyond its end {after}")
        return cls(start, end, inside)

    def alerts(self, value: float) -> bool:
        """Whether a value calls for an alert."""
        return (self.start <= value <= self.end) == self.inside

    def __str__(self) -> str:
        at = "@" if self.inside else ""
        end = "" if math.isinf(self.end) else plain(self.end)
        if self.start == 0 and end:
            return f"{at}{end}"
        return f"{at}{'~' if math.isinf(self.start) else plain(self.start)}:{end}"


@dataclass(frozen=True, slots=True)
class Limits(Generic[L]):
    """A pair of limits; None is absent, zero is a limit."""

    warn: L | None = None
    crit: L | None = None

    def for_state(self, state: State) -> L | None:
        """The limit whose breach means this state (WARNING or CRITICAL)."""
        return self.crit if state is State.CRITICAL else self.warn


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one value means: the state, and the limit it broke (`above`, `below`, `range`, `is`) with that limit."""

    state: State
    broken: str = ""
    limit: float | Range | str | None = None


@dataclass(frozen=True, slots=True)
class Levels:
    """The limits of a rule or the defaults of a metric.

    A numeric metric has `above`, `below` and `range`, of which any broken one decides; a state metric has `states`, the
    meaning of each word: an exact word first, then globs in the order written, with `"*"` for any other.
    """

    above: Limits[float] | None = None
    below: Limits[float] | None = None
    range: Limits[Range] | None = None
    states: Mapping[str, State] | None = None

    def verdict_on(self, value: float | str) -> Verdict:
        """Judge a value: critical limits first. A word without a meaning is UNKNOWN."""
        if isinstance(value, str):
            return self._verdict_on_word(value)
        for state in (State.CRITICAL, State.WARNING):
            for name, broken, limit in self._limits(state, value):
                if broken:
                    return Verdict(state, name, limit)
        return Verdict(State.OK)

    def _limits(self, state: State, value: float) -> list[tuple[str, bool, float | Range]]:
        found: list[tuple[str, bool, float | Range]] = []
        above = self.above.for_state(state) if self.above is not None else None
        if above is not None:
            found.append(("above", value > above, above))
        below = self.below.for_state(state) if self.below is not None else None
        if below is not None:
            found.append(("below", value < below, below))
        outside = self.range.for_state(state) if self.range is not None else None
        if outside is not None:
            found.append(("range", outside.alerts(value), outside))
        return found

    def _verdict_on_word(self, word: str) -> Verdict:
        meanings = self.states or {}
        state = meanings.get(word)
        if state is None:
            for pattern, meaning in meanings.items():
                if glob_matches(pattern, word):
                    state = meaning
                    break
        if state is None:
            return Verdict(State.UNKNOWN, "unknown word", word)
        return Verdict(state, "" if state is State.OK else "is", word)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def glob_matches(pattern: str, text: str) -> bool:
    """Whether a whole text matches a glob (`*`, `?`, `[...]`), case-sensitively."""
    if not any(character in pattern for character in "*?["):
        return pattern == text
    return _glob(pattern).match(text) is not None


def plain(value: float) -> str:
    """A finite number in plain decimals: no exponent, no thousands mark, nothing rounded away."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return str(int(value))
    text = repr(value)
    if "e" not in text:
        return text
    # decimal is imported only for the rare number that Python writes with an exponent.
    from decimal import Decimal

    return format(Decimal(text), "f")


def _decimal(text: str) -> float:
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value
