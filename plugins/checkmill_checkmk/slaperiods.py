"""SLA periods as rules judge them: named so that the name lasts, held against what was asked for, running ones apart.

The name of a period never changes from week to week: `sla:1` is the last closed one, `sla:0` the running one. What lies
in another kind of range is numbered from its oldest on: `w1 1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import Levels, Sample
from checkmill_checkmk.agreements import Agreement, Computation, Requirement, Span
from checkmill_checkmk.coverage import RUNNING_WITHIN_S, Stretch, why_not_covered
from checkmill_checkmk.names import Labels
from checkmill_checkmk.periods import Period
from checkmill_checkmk.results import Result, Results
from checkmill_checkmk.settings import SlaQuery

NO_PERIOD = "its answer holds no period to judge"
NO_VERDICT = "its verdict, sla_broken, is absent or neither yes nor no"
#: Computations of one period may end so far apart, in seconds.
_APART_S = 60.0
#: Floating point leaves this much of a margin that is exactly used up.
NOTHING = 1e-6


@dataclass(frozen=True, kw_only=True)
class SlaPeriod:
    """One period of one SLA of one service, with a span of each of its computations. Times are epoch seconds.

    `at` is when it ended, or was looked at where it still runs. `problem` says that the verdict of some computation is
    not known.
    """

    labels: Labels
    cycle: str
    since: float
    until: float
    at: float
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
        return None if self.problem or None in verdicts or self._contradiction else False

    @property
    def why_unknown(self) -> str:
        """What to say where `broken` is None."""
        return self.problem or self._contradiction or NO_VERDICT

    @property
    def _contradiction(self) -> str:
        every = (requirement for _, span in self.spans for requirement in span.requirements)
        return next(filter(None, map(contradiction, every)), "")

    def sample(self, value: float | str, /, *, reason: str = "", levels: Levels | None = None, **more: Any) -> Sample:
        """A sample of it; `reason` is what the text says beside the value."""
        sample = Sample(value, at=self.at, levels=levels, **self.labels, **more)
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
    passed_over: list[tuple[Result, SlaPeriod | None]] = []
    given_any = False
    for result in combination:
        skipped: SlaPeriod | None = None
        given = False
        for period in _of_result(result, query):
            if isinstance(period, SlaPeriod) and period.is_open and _is_skipped(period, query):
                skipped = period
            else:
                given = True
                yield period
        if not given:
            passed_over.append((result, skipped))
        given_any = given_any or given
    for result, skipped in passed_over:
        # What can be nothing but the running period is left out beside others as the query says.
        if not (given_any and result.period.is_running):
            yield _nothing_left(result, skipped, query)


def _nothing_left(result: Result, skipped: SlaPeriod | None, query: SlaQuery) -> Sample:
    if skipped is None:
        return Sample.missing(NO_PERIOD, **result.labels)
    if query.open == "skip":
        return skipped.missing("only the running period came, which is skipped; the query may say open: judge")
    ran = f"{(skipped.until - skipped.since) / 3600:.3g} h"
    return skipped.missing(f"the running period has lasted {ran} only, less than min_elapsed")


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
        return
    problem = _why_not_asked_for(agreement, asked, begins, result.asked_at)
    if problem:
        yield from _all_missing(result, query, problem)
        return
    for place, since in enumerate(begins if asked.newest is None else reversed(begins)):
        number = None if asked.newest is None else asked.newest + place
        yield _period(result, agreement, since, asked.label(place), number)


def _why_not_asked_for(agreement: Agreement, asked: Period, begins: list[float], asked_at: float) -> str:
    if asked.newest is not None and agreement.numbers not in {None, (asked.newest, asked.most - 1)}:
        newest, more = agreement.numbers or (0, 0)
        return f"the key of its result is that of sla:{newest}:{more}, and {asked.text} was asked for"
    stretches: list[Stretch] = [(since, max(span.until for _, span in _spans(agreement, since))) for since in begins]
    return why_not_covered(asked, stretches, agreement.cycle, asked_at)


def _spans(agreement: Agreement, since: float) -> tuple[tuple[Computation, Span], ...]:
    """The spans that begin at a time, with their computations."""
    every = ((computation, span) for computation in agreement.computations for span in computation.spans)
    return tuple((computation, span) for computation, span in every if span.since == since)


def contradiction(requirement: Requirement) -> str:
    """What keeps from believing that a requirement is kept: at least so much was required, and there is less."""
    margin = requirement.deviation
    if requirement.broken is not False or requirement.bound != "min" or margin is None or margin >= -NOTHING:
        return ""
    return f"its deviation of {margin:.4g} does not fit that it is not broken"


def _all_missing(result: Result, query: SlaQuery, reason: str) -> Iterator[Sample]:
    """A missing sample of each period that is known to be expected; else one that stands for all of them."""
    for place, number in enumerate(result.period.numbers):
        if number > 0 or query.open == "judge":
            yield Sample.missing(reason, **result.labels, period=result.period.label(place))
    if result.period.newest is None:
        yield Sample.missing(reason, **result.labels)


def _period(result: Result, agreement: Agreement, since: float, name: str, number: int | None) -> SlaPeriod | Sample:
    spans = _spans(agreement, since)
    ends = [span.until for _, span in spans]
    until = max(ends)
    labels = {**result.labels, "period": name}
    if since > result.asked_at + RUNNING_WITHIN_S:
        return Sample.missing("its period lies in the future, so it is not the one that was asked for", **labels)
    lacking = len(agreement.computations) - len(spans)
    problem = ""
    if lacking:
        problem = f"{lacking} of its {len(agreement.computations)} computations came without this period"
    elif until - min(ends) > _APART_S:
        problem = "its computations end at different times"
    return SlaPeriod(
        labels=labels,
        cycle=agreement.cycle,
        since=since,
        until=until,
        at=min(until, result.asked_at),
        is_open=number == 0 if number is not None else until > result.asked_at - RUNNING_WITHIN_S,
        spans=spans,
        problem=problem,
    )
