"""Shares of time in each state, of all time and of monitored time; how long periods are, and how long asking takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from checkmill.api.v1 import Metric, Sample
from checkmill_checkmk.agreements import MONITORED, PERCENTAGE, Span
from checkmill_checkmk.metrics_verdicts import GET_SLA, PERIOD
from checkmill_checkmk.names import Labels
from checkmill_checkmk.results import Results
from checkmill_checkmk.settings import Settings, SlaQuery
from checkmill_checkmk.slaperiods import SlaPeriod, per_period

STATE = (*PERIOD, "state", "computation")
#: Less than this many percent of a period is what floating point leaves of nothing.
_NOTHING = 1e-6

#: Values by state ("" where there are no states), or why there are none.
Values = dict[str, float] | str


def all_time(span: Span) -> Values:
    """Percent of the whole period in each state, time without monitoring included."""
    return span.no_percentages if span.percentages is None else dict(span.percentages)


def monitored_time(span: Span) -> Values:
    """Percent of the monitored time in each state; none where nothing was monitored."""
    if span.percentages is None:
        return span.no_percentages
    monitored = sum(span.percentages[state] for state in MONITORED)
    if monitored <= _NOTHING:
        return "nothing of the period was monitored"
    return {state: min(span.percentages[state] / monitored * 100, 100.0) for state in MONITORED}


def seconds(span: Span) -> Values:
    """Seconds in each state."""
    return span.no_seconds if span.seconds is None else dict(span.seconds)


def elapsed(span: Span) -> Values:
    """Seconds that the computation covers."""
    return "it came without a usable duration" if span.duration is None else {"": span.duration}


def of_spans(values_of: Callable[[Span], Values]) -> Callable[[SlaPeriod], Iterator[Sample]]:
    """Make the function that gives the values of a period: once, or by computation where those differ."""

    def of_period(period: SlaPeriod) -> Iterator[Sample]:
        told: list[tuple[int, dict[str, float]]] = []
        problem, why_none = period.problem, "it came without computations"
        for number, (computation, span) in enumerate(period.spans, start=1):
            values = values_of(span)
            if not isinstance(values, str):
                told.append((number, values))
            elif computation.kind == PERCENTAGE:
                problem = problem or values
            else:
                # What is not computed on states need not say anything of them.
                why_none = values
        if problem or not told:
            yield period.missing(problem or why_none)
            return
        differ = any(values != told[0][1] for _, values in told)
        for number, values in told if differ else told[:1]:
            yield from _samples(period, values, {"computation": str(number)} if differ else {})

    return of_period


def query_time(results: Results, _: SlaQuery) -> Iterable[Sample]:
    """How long the site took for all requests together."""
    yield Sample(results.waited_s)


def _samples(period: SlaPeriod, values: dict[str, float], labels: Labels) -> Iterator[Sample]:
    for state, value in values.items():
        of_state: Labels = {"state": state} if state else {}
        yield period.sample(round(value, 9), **of_state, **labels)


METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    Metric(
        "sla_state_percentage",
        GET_SLA,
        per_period(of_spans(all_time)),
        unit="%",
        labels=STATE,
        minimum=0,
        maximum=100,
        help="share of each period in each state: ok, warn, crit, unknown, unmonitored",
        example="where: {state: ok}, each: [host, service], below: {warn: 99.5%, crit: 99%}",
    ),
    Metric(
        "sla_state_percentage_monitored",
        GET_SLA,
        per_period(of_spans(monitored_time)),
        unit="%",
        labels=STATE,
        minimum=0,
        maximum=100,
        help="share of the monitored time of each period in each state: ok, warn, crit, unknown",
        example="where: {state: ok}, each: [host, service], below: {warn: 99.5%, crit: 99%}",
    ),
    Metric(
        "sla_state_seconds",
        GET_SLA,
        per_period(of_spans(seconds)),
        unit="s",
        labels=STATE,
        minimum=0,
        help="time of each period in each state: ok, warn, crit, unknown, unmonitored",
        example="where: {state: crit}, each: [host, service], above: {warn: 10m, crit: 1h}",
    ),
    Metric(
        "sla_period_elapsed",
        GET_SLA,
        per_period(of_spans(elapsed)),
        unit="s",
        labels=(*PERIOD, "computation"),
        minimum=0,
        help="how much time of each period the computation covers, so far or in all",
        example='query: {period: "sla:0:0", open: judge}, each: [host, service], below: 1h',
    ),
    Metric(
        "sla_query_time",
        GET_SLA,
        query_time,
        unit="s",
        minimum=0,
        help="how long the site took for all requests of the query",
    ),
)
