"""Aggregates: one value out of all samples of a service, and what it could be if the missing ones were there.

Each function grows with every one of its samples, so with values that are missing it lies between what it would be if
they were all the least and all the greatest that the metric can yield:

    max              at least the greatest that is there
    min              at most the least that is there
    sum, count       at least what is there, for a metric that is never below zero
    avg, percentiles between the two, which decide only where the metric has both bounds
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from checkmill.model.levels import Levels
from checkmill.model.source import Metric
from checkmill.model.state import State

#: The functions that have a name; `p1` to `p99` are percentiles.
NAMES = ("max", "min", "avg", "sum", "count", "p50", "p95")
#: Whole numbers below this are added without rounding.
_EXACT = 1 << 53
_PERCENTILE = re.compile(r"p([1-9][0-9]?)", re.ASCII)


def is_aggregate(how: str) -> bool:
    """Whether there is such a function."""
    return how in NAMES or _PERCENTILE.fullmatch(how) is not None


def aggregated_metric(metric: Metric[Any, Any, Any], how: str) -> Metric[Any, Any, Any]:
    """What an aggregate of a metric is measured in and bounded by. A count is of nothing, whatever is counted."""
    if how == "count":
        return replace(metric, unit="", states=None, levels=None, minimum=0, maximum=None)
    if how == "sum":
        # A sum has the metric's bound only where that is zero: there may be any number of samples.
        lowest = 0 if metric.minimum is not None and metric.minimum >= 0 else None
        highest = 0 if metric.maximum is not None and metric.maximum <= 0 else None
        return replace(metric, levels=None, minimum=lowest, maximum=highest)
    return metric


def aggregate(how: str, values: Sequence[float]) -> float:
    """One value of some, which are not none. Percentiles lie on the line between the two nearest values.

    What is too large for a number is an infinity.
    """
    match how:
        case "max":
            return max(values)
        case "min":
            return min(values)
        case "count":
            return len(values)
        case "sum":
            return _sum(values)
        case "avg":
            return _average(values)
    return _percentile(sorted(values), float(how.removeprefix("p")))


def span(
    how: str, values: Sequence[float], missing: int, metric: Metric[Any, Any, Any], *, more: bool = False
) -> tuple[float, float]:
    """The least and the greatest that an aggregate can be, with so many values missing, or with any number `more`."""
    least = -math.inf if metric.minimum is None else metric.minimum
    most = math.inf if metric.maximum is None else metric.maximum
    if how == "count":
        return len(values), math.inf if more else len(values) + missing
    if how == "sum":
        sure = _sum(values)
        if more:
            return sure if least >= 0 else -math.inf, sure if most <= 0 else math.inf
        return sure + (missing * least if missing else 0), sure + (missing * most if missing else 0)
    if more and how not in {"max", "min"}:
        return least, most
    # For the greatest and the least it makes no difference whether one value is missing or many.
    others = missing + more
    return aggregate(how, [*values, *[least] * others]), aggregate(how, [*values, *[most] * others])


def is_surely_critical(levels: Levels, least: float, most: float) -> bool:
    """Whether every value between two breaks one and the same limit of crit."""
    above = levels.above.for_state(State.CRITICAL) if levels.above else None
    below = levels.below.for_state(State.CRITICAL) if levels.below else None
    limit = levels.range.for_state(State.CRITICAL) if levels.range else None
    if (above is not None and least > above) or (below is not None and most < below):
        return True
    if limit is None:
        return False
    if limit.inside:
        return limit.start <= least and most <= limit.end
    return least > limit.end or most < limit.start


def _sum(values: Sequence[float]) -> float:
    if all(isinstance(value, int) and abs(value) < _EXACT for value in values):
        return sum(values)
    try:
        return math.fsum(values)
    except OverflowError:
        return sum(map(float, values))


def _average(values: Sequence[float]) -> float:
    total = _sum(values)
    if math.isinf(total):
        total, values = _sum([value / len(values) for value in values]), values[:1]
    return total / len(values)


def _percentile(values: Sequence[float], percent: float) -> float:
    place = (len(values) - 1) * percent / 100
    before, part = math.floor(place), place % 1
    low, high = values[before], values[math.ceil(place)]
    if low == high or not part or math.isinf(low):
        return low
    return high if math.isinf(high) else low + (high - low) * part
