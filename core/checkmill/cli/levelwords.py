"""Levels, limits and values in words: `warn above 80%, crit above 90%`."""

from __future__ import annotations

from typing import Any

from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.state import STATE_WORDS
from checkmill.steps.explaining import LevelFacts
from checkmill.steps.judging.amounts import shown_limit, shown_range, shown_value

_WHOSE = {"metric": "the metric's own", "vendor": "the vendor's for this sample", "none": "the rule has none"}


def levels_text(levels: Levels | None, unit: str) -> str:
    """What is WARNING and what is CRITICAL."""
    if levels is None:
        return "no value is bad"
    parts = [
        *_limits("above ", levels.above, unit),
        *_limits("below ", levels.below, unit),
        *_limits("", levels.range, unit),
    ]
    for word, state in STATE_WORDS.items():
        words = [one for one, meaning in (levels.states or {}).items() if meaning is state]
        if words:
            parts.append(f"{word}: {', '.join(words)}")
    return ("; " if levels.states else ", ").join(parts)


def origin_text(facts: LevelFacts) -> str:
    """Whose levels they are."""
    if facts.origin in _WHOSE:
        return _WHOSE[facts.origin]
    whose = "the rule's own" if facts.origin == "rule" else facts.origin
    return f"{whose}, line {facts.line}" if facts.line else whose


def value_text(value: Any, limit: Any, unit: str) -> str:
    """The value that decided, as exact as the limit beside it asks for."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return str(value)
    return shown_value(value, unit, beside=limit if isinstance(limit, int | float) else None)


def limit_text(limit: Any, unit: str) -> str:
    """The limit that was broken."""
    if isinstance(limit, int | float):
        return shown_limit(limit, unit)
    try:
        return shown_range(Range.parse(str(limit)), unit)
    except ValueError:
        return str(limit)


def _limits(lead: str, limits: Limits[Any] | None, unit: str) -> list[str]:
    pairs = () if limits is None else (("warn", limits.warn), ("crit", limits.crit))
    return [f"{name} {lead}{_limit(limit, unit)}" for name, limit in pairs if limit is not None]


def _limit(limit: float | Range, unit: str) -> str:
    return shown_range(limit, unit) if isinstance(limit, Range) else shown_limit(limit, unit)
