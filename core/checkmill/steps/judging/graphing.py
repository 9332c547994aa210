"""Values for graphs: those of the samples, of their further conditions, and of an aggregate, each with its limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from checkmill.model.levels import Levels, Range
from checkmill.model.result import Perf
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.steps.judging.wording import Judged


def perfdata_of(judged: Sequence[Judged], metric: Metric[Any, Any, Any]) -> Iterator[Perf]:
    """The values of the samples of a service, in the order of their names."""
    ordered = sorted(judged, key=lambda one: one.entity)
    for one in ordered:
        yield from _perf(one.sample, one.levels, metric, one.entity, "")
    for index in range(max((len(one.partners) for one in ordered), default=0)):
        for one in ordered:
            for partner in one.partners[index : index + 1]:
                name = "" if partner.metric.name == metric.name else partner.metric.name
                entity = f"{one.entity} and" if not name else one.entity
                yield from _perf(partner.sample, partner.levels, partner.metric, entity.strip(), name)


def aggregate_perf(value: Judged, metric: Metric[Any, Any, Any], how: str) -> Iterator[Perf]:
    """The value that was made of the samples of a service: `cpu_avg`."""
    yield from _perf(value.sample, value.levels, metric, how, "")


def _perf(
    sample: Sample, levels: Levels | None, metric: Metric[Any, Any, Any], entity: str, named: str
) -> Iterator[Perf]:
    value = sample.value
    if isinstance(value, int | float):
        label = f"{metric.name}_{entity.replace(' ', '_')}" if entity else metric.name
        warn, crit = (range_of(levels or Levels(), state) for state in (State.WARNING, State.CRITICAL))
        yield Perf(label, value, metric.unit, warn, crit, metric.minimum, metric.maximum, named)


def range_of(levels: Levels, state: State) -> Range | None:
    """The limits of one state as the range outside which it alerts."""
    above = levels.above.for_state(state) if levels.above else None
    below = levels.below.for_state(state) if levels.below else None
    start, end = -math.inf if below is None else below, math.inf if above is None else above
    if above is None and below is None:
        return levels.range.for_state(state) if levels.range else None
    return Range(start, end) if start <= end else None
