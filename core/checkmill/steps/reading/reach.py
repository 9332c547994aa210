"""Refuses levels that no value, or every value, of a metric breaks: they are a slip of the pen, and hide a problem."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from checkmill.model.levels import Levels, Limits, Range, plain
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.nodes import Map, Node, is_reference, shown


def check_reach(
    levels: Levels, written: Mapping[str, tuple[Node, str]], metric: Metric[Any, Any, Any], findings: Findings
) -> None:
    """Note each limit that never or always alerts, alone or together with another."""
    lowest = -math.inf if metric.minimum is None else metric.minimum
    highest = math.inf if metric.maximum is None else metric.maximum
    for key, limits in (("above", levels.above), ("below", levels.below), ("range", levels.range)):
        for name, limit in (("warn", limits.warn), ("crit", limits.crit)) if limits is not None else ():
            if limit is not None:
                never, always = _reach(key, limit, lowest, highest)
                if never or always:
                    _note(name, limit, *written[key], metric, findings, "never" if never else "always")
    _check_both(levels, written, findings)
    if levels.states:
        _check_words(levels.states, *written["states"], findings)


def _reach(key: str, limit: float | Range, lowest: float, highest: float) -> tuple[bool, bool]:
    if isinstance(limit, Range):
        holds_all = limit.start <= lowest and highest <= limit.end
        holds_none = limit.end < lowest or highest < limit.start
        return (holds_none, holds_all) if limit.inside else (holds_all, holds_none)
    if key == "above":
        return limit >= highest, limit < lowest
    return limit <= lowest, limit > highest


def _note(
    name: str,
    limit: float | Range,
    node: Node,
    path: str,
    metric: Metric[Any, Any, Any],
    findings: Findings,
    how_often: str,
) -> None:
    entry = node.entries.get(name) if isinstance(node, Map) else None
    spot = entry.value if entry is not None else node
    value = f"range {limit}" if isinstance(limit, Range) else f"{plain(limit)}{metric.unit}"
    findings.add(
        f"{name} {shown(spot) if is_reference(spot) else value} {how_often} alerts: {_bounds(metric)}",
        spot.place,
        f"{path}.{name}" if entry is not None else path,
        "choose a limit inside",
    )


def _bounds(metric: Metric[Any, Any, Any]) -> str:
    if metric.minimum is None or metric.maximum is None:
        if metric.minimum is not None:
            return f"{metric.name!r} is never below {plain(metric.minimum)}{metric.unit}"
        return f"{metric.name!r} is never above {plain(metric.maximum or 0)}{metric.unit}"
    return f"{metric.name!r} lies between {plain(metric.minimum)} and {plain(metric.maximum)}{metric.unit}"


def _check_both(levels: Levels, written: Mapping[str, tuple[Node, str]], findings: Findings) -> None:
    """Whether a value would have to be at once at most one limit and at least a greater one to be fine."""
    above, below = _given(levels.above), _given(levels.below)
    if above and below and min(above) < max(below):
        node, path = written["below"]
        other = written["above"][0].place
        findings.add(
            f"every value alerts: 'above' in line {other.line} and 'below' leave none that is fine",
            node.place,
            path,
            "swap the two, or use 'range' with '@'",
        )


def _given(limits: Limits[float] | None) -> list[float]:
    return [] if limits is None else [limit for limit in (limits.warn, limits.crit) if limit is not None]


def _check_words(states: Mapping[str, State], node: Node, path: str, findings: Findings) -> None:
    meanings = set(states.values())
    if meanings == {State.OK}:
        findings.add("every word is ok, so this never alerts", node.place, path, "give one of them crit or warn")
    elif State.OK not in meanings:
        findings.add("no word is ok, so this always alerts", node.place, path, "give one of them ok")
