"""SLA periods as rules judge them: named so that the name lasts, held against what was asked for, running ones apart.

The name of a period never changes from week to week: `sla:1` is the last closed one, `sla:0` the running one. What lies
in another kind of range is numbered from its oldest on: `w1 1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import Levels, Sample
from checkmill_checkmk.agreements import Agreement, Computation, Span
from checkmill_checkmk.names import Labels
from checkmill_checkmk.results import Result, Results
from checkmill_checkmk.settings import SlaQuery

#: A period that ends this close to the question, or later, still runs. Also how far the clocks of both may be apart.
RUNNING_WITHIN_S = 120.0
NO_PERIOD = "its answer holds no period to judge"


@dataclass(frozen=True, kw_only=True)
class SlaPeriod:
    """One period of one SLA of one service, with a span of each of its computations. Times are epoch seconds.

    `problem` says that the verdict of some computation is not known.
    """

    labels: Labels
    cycle: str
    since: float
    until: float
    is_open: bool
    spans: tuple[tuple[Computation, Span], ...]
    problem: str = ""

    @property
    def broken(self) -> bool | None:
        """Whether anything in it is broken; None when nothing is seen to be and something is not known."""
        verdicts = [span.broken for _, span in self.spans]
        verdicts += [requirement.broken for _, span in self.spans for requirement in span.requirements]
        if True in verdicts:
            return True
        return None if self.problem or None in verdicts else False

    def sample(self, value: float | str, /, *, reason: str = "", levels: Levels | None = None, **more: Any) -> Sample:
        """A sample of it; `reason` is what the text says beside the value."""
        sample = Sample(value, levels=levels, **self.labels, **more)
        sample.reason = reason
        return sample

    def missing(self, reason: str, **more: Any) -> Sample:
        """A sample of it that is missing."""
        return Sample.missing(reason, **self.labels, **more)


def periods_of(results: Results, query: SlaQuery) -> Iterator[SlaPeriod | Sample]:
    """Every period to judge; what is expected and not there is a missing sample.

    Where nothing is left of a service and an SLA but what runs too short a time, that is missing too.
    """
    for combination in results.combinations:
        yield from _of_combination(combination, query)


def per_period(
    give: Callable[[SlaPeriod], Iterable[Sample]],
) -> Callable[[Results, SlaQuery], Iterator[Sample]]:
    """Make the function of a metric of one that gives the samples of one period."""

    def samples(results: Results, query: SlaQuery) -> Iterator[Sample]:
        for period in periods_of(results, query):
            if isinstance(period, Sample):
                yield period
            else:
                yield from give(period)

    return samples


def _of_combination(combination: tuple[Result, ...], query: SlaQuery) -> Iterator[SlaPeriod | Sample]:
    skipped: SlaPeriod | None = None
    given = False
    for result in combination:
        for period in _of_result(result, query):
            if isinstance(period, SlaPeriod) and period.is_open and _is_skipped(period, query):
                skipped = period
            else:
                given = True
                yield period
    if given:
        return
    if skipped is None:
        yield Sample.missing(NO_PERIOD, **combination[0].labels)
    elif query.open == "skip":
        yield skipped.missing("only the running period came, which is skipped; the query may say open: judge")
    else:
        ran = f"{(skipped.until - skipped.since) / 3600:.3g} h"
        yield skipped.missing(f"the running period has lasted {ran} only, less than min_elapsed")


def _is_skipped(period: SlaPeriod, query: SlaQuery) -> bool:
    if query.open == "skip":
        return True
    return query.min_elapsed is not None and period.until - period.since < query.min_elapsed


def _of_result(result: Result, query: SlaQuery) -> Iterator[SlaPeriod | Sample]:
    agreement, asked = result.agreement, result.period
    if agreement is None or result.problem:
        yield from _all_missing(result, query, result.problem)
        return
    begins = sorted({span.since for computation in agreement.computations for span in computation.spans})
    if asked.newest is not None and len(begins) != asked.most:
        periods = "1 period" if len(begins) == 1 else f"{len(begins)} periods"
        yield from _all_missing(result, query, f"{periods} came where {asked.most} should")
        return
    if not begins:
        yield Sample.missing(NO_PERIOD, **result.labels)
    for place, since in enumerate(begins if asked.newest is None else reversed(begins)):
        number = None if asked.newest is None else asked.newest + place
        yield _period(result, agreement, since, asked.label(place), number)


def _all_missing(result: Result, query: SlaQuery, reason: str) -> Iterator[Sample]:
    """A missing sample of each period that is known to be expected; else one that stands for all of them."""
    for place, number in enumerate(result.period.numbers):
        if number > 0 or query.open == "judge":
            yield Sample.missing(reason, **result.labels, period=result.period.label(place))
    if result.period.newest is None:
        yield Sample.missing(reason, **result.labels)


def _period(result: Result, agreement: Agreement, since: float, name: str, number: int | None) -> SlaPeriod | Sample:
    spans = [
        (computation, span)
        for computation in agreement.computations
        for span in computation.spans
        if span.since == since
    ]
    until = max(span.until for _, span in spans)
    labels = {**result.labels, "period": name}
    ends_late = until > result.asked_at + RUNNING_WITHIN_S
    if since > result.asked_at + RUNNING_WITHIN_S or (ends_late and number is not None and number > 0):
        return Sample.missing("its period lies in the future, so it is not the one that was asked for", **labels)
    lacking = len(agreement.computations) - len(spans)
    return SlaPeriod(
        labels=labels,
        cycle=agreement.cycle,
        since=since,
        until=until,
        is_open=number == 0 if number is not None else until > result.asked_at - RUNNING_WITHIN_S,
        spans=tuple(spans),
        problem=f"{lacking} of its {len(agreement.computations)} computations came without this period"
        if lacking
        else "",
    )
