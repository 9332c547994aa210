"""How much is left of each requirement until it breaks, what the vendor thinks of that, and where the bound lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from checkmill.api.v1 import Levels, Limits, Metric, Range, Sample, State
from checkmill_checkmk.agreements import OUTAGES, PERCENTAGE, Requirement
from checkmill_checkmk.metrics_verdicts import GET_SLA, PERIOD, SERVICE
from checkmill_checkmk.names import Labels
from checkmill_checkmk.results import Results
from checkmill_checkmk.settings import Settings, SlaQuery
from checkmill_checkmk.slaperiods import NOTHING, SlaPeriod, per_period, periods_of
from checkmill_checkmk.wording import requirements_of

REQUIREMENT = (*PERIOD, "requirement")
_MOST_PERCENT = 100.0
BELOW_ZERO = Levels(below=Limits(None, 0.0))

_NONE = {
    "": "its SLA shows no requirement",
    PERCENTAGE: "its SLA shows no requirement on percentages",
    OUTAGES: "its SLA shows no requirement on outages",
}


def deviations(kind: str) -> Callable[[SlaPeriod], Iterator[Sample]]:
    """Make the function that gives the margin of each requirement of one kind, with the vendor's own levels for it."""

    def of_period(period: SlaPeriod) -> Iterator[Sample]:
        found = _of_kind(period, kind)
        for name, requirement in found.items():
            problem = _why_no_margin(requirement, kind)
            if problem or requirement.deviation is None:
                yield period.missing(problem, requirement=name)
            else:
                margin = requirement.deviation if requirement.broken else max(requirement.deviation, 0.0)
                # Levels are for what is left; what is broken is, whatever they say.
                levels = None if requirement.broken else _vendor_levels(requirement)
                yield period.sample(margin, levels=levels, requirement=name)
        yield from _lacking(period, found, kind, unnamed=True)

    return of_period


def deviation_state(period: SlaPeriod) -> Iterator[Sample]:
    """What the vendor thinks of each margin; `unset` where it has no levels and the requirement is met exactly."""
    found = _of_kind(period)
    for name, requirement in found.items():
        word = requirement.deviation_state
        problem = _why_no_state(requirement)
        if problem:
            yield period.missing(problem, requirement=name)
        elif requirement.levels == (0, 0) and not requirement.broken and word != "ok":
            reason = f"no levels are configured, and Checkmk says {word}"
            yield period.sample("unset", reason=reason, requirement=name)
        else:
            yield period.sample(word, requirement=name)
    yield from _lacking(period, found, unnamed=True)


def required_percentage(period: SlaPeriod) -> Iterator[Sample]:
    """The bound of each requirement on percentages."""
    found = _of_kind(period, PERCENTAGE)
    for name, requirement in found.items():
        bound = requirement.required
        if bound is None or not 0 <= bound <= _MOST_PERCENT:
            yield period.missing("its requirement has no usable percentage", requirement=name)
        else:
            yield period.sample(bound, requirement=name)
    yield from _lacking(period, found, PERCENTAGE)


def outages(period: SlaPeriod) -> Iterator[Sample]:
    """How many outages broke or used up each requirement."""
    found = _of_kind(period)
    for name, requirement in found.items():
        if requirement.outages is None:
            yield period.missing("it came without a list of error_instances", requirement=name)
        else:
            yield period.sample(requirement.outages, requirement=name)
    yield from _lacking(period, found, unnamed=True)


def trend(results: Results, query: SlaQuery) -> Iterator[Sample]:
    """By how much each margin changed from the period before the newest one to the newest."""
    found: dict[tuple[str, ...], list[SlaPeriod]] = {}
    for period in periods_of(results, query):
        if isinstance(period, Sample):
            yield Sample.missing(
                period.reason, **{name: period.labels[name] for name in SERVICE if name in period.labels}
            )
        else:
            key = tuple(period.labels[name] for name in SERVICE)
            found.setdefault(key, []).append(period)
    for key, of_service in found.items():
        labels: Labels = dict(zip(SERVICE, key, strict=True))
        periods = sorted(of_service, key=lambda one: one.since)
        if len(periods) < 2:
            yield Sample.missing("one period came, and a trend needs two; ask for sla:1:1 under query", **labels)
            continue
        before, newest = periods[-2:]
        problem = newest.problem or before.problem
        if problem:
            yield Sample.missing(problem, **labels)
        old, new = _of_kind(before, PERCENTAGE), _of_kind(newest, PERCENTAGE)
        if not new:
            yield Sample.missing(_NONE[PERCENTAGE], **labels)
        for name, requirement in new.items():
            yield _change(old.get(name), requirement, newest.at, {**labels, "requirement": name})
        for name in old.keys() - new.keys() if new else ():
            yield Sample.missing("the newest period has no such requirement", **labels, requirement=name)


def _change(before: Requirement | None, now: Requirement, at: float, labels: Labels) -> Sample:
    problem = "the period before has no such requirement" if before is None else _why_no_margin(before, PERCENTAGE)
    problem = problem or _why_no_margin(now, PERCENTAGE)
    if problem or before is None or before.deviation is None or now.deviation is None:
        return Sample.missing(problem, **labels)
    return Sample(round(now.deviation - before.deviation, 9), at=at, **labels)


def _of_kind(period: SlaPeriod, kind: str = "") -> dict[str, Requirement]:
    """The requirements of one kind, or of all, by name."""
    named = requirements_of(period)
    return {name: one for name, computation, _, one in named if kind in {"", computation.kind}}


def _lacking(
    period: SlaPeriod, found: dict[str, Requirement], kind: str = "", *, unnamed: bool = False
) -> Iterator[Sample]:
    """What is missing beside the requirements that were found: no computation without any is passed over.

    With `unnamed`, neither is one that is broken without saying by what.
    """
    spans = [span for computation, span in period.spans if kind in {"", computation.kind}]
    if period.problem or not found or not all(span.requirements for span in spans):
        yield period.missing(period.problem or _NONE[kind])
    elif unnamed and any(span.broken and not any(one.broken for one in span.requirements) for span in spans):
        yield period.missing("it is broken, and by which requirement is not said")


def _why_no_state(requirement: Requirement) -> str:
    word, margin = requirement.deviation_state, requirement.deviation
    if not word:
        return "it came without a usable deviation_state"
    if requirement.broken is None:
        return "whether it is broken is not said"
    if requirement.broken and word == "ok":
        return "it is broken, and its deviation_state is ok: one of them is wrong"
    if requirement.levels is None or requirement.broken:
        return ""
    if requirement.levels == (0, 0):
        # It is said of a margin that is exactly used up too, and means nothing there.
        met_exactly = margin is not None and abs(margin) <= NOTHING
        return "" if word == "ok" or met_exactly else _unfit(margin, f"its deviation_state is {word} without levels")
    warn, crit = requirement.levels
    if margin is not None and (
        (word != "crit" and margin < crit - NOTHING) or (word == "ok" and margin < warn - NOTHING)
    ):
        return _unfit(margin, f"its deviation_state is {word}, by its levels of {warn:.4g} and {crit:.4g}")
    return ""


def _unfit(margin: float | None, what: str) -> str:
    return (
        "it came without a usable deviation"
        if margin is None
        else f"its deviation of {margin:.4g} does not fit that {what}"
    )


def _why_no_margin(requirement: Requirement, kind: str) -> str:
    margin = requirement.deviation
    if margin is None:
        return "it came without a usable deviation"
    if kind == PERCENTAGE and abs(margin) > _MOST_PERCENT + NOTHING:
        return "its deviation is more than 100 percentage points"
    if requirement.broken is None:
        return "whether it is broken is not said"
    # Which sign a bound from above has is documented nowhere: a margin that does not fit the verdict is none.
    if margin >= 0 if requirement.broken else margin < -NOTHING:
        return _unfit(margin, f"it is {'broken' if requirement.broken else 'not broken'}")
    return ""


def _vendor_levels(requirement: Requirement) -> Levels | None:
    """The margins at which the vendor's own warning and critical begin: there and below, unlike a rule's `below`."""
    if requirement.levels is None or requirement.levels == (0, 0):
        return None
    warn, crit = (Range(-math.inf, limit, inside=True) for limit in requirement.levels)
    return Levels(range=Limits(warn, crit))


METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    Metric(
        "sla_deviation",
        GET_SLA,
        per_period(deviations(PERCENTAGE)),
        unit="%",
        labels=REQUIREMENT,
        levels=BELOW_ZERO,
        help="percentage points left until each requirement on percentages breaks, negative beyond",
    ),
    Metric(
        "sla_deviation_state",
        GET_SLA,
        per_period(deviation_state),
        labels=REQUIREMENT,
        states={"ok": State.OK, "warn": State.WARNING, "crit": State.CRITICAL, "unset": State.OK},
        help="what Checkmk's own levels make of each margin; unset where there are none and the bound is met exactly",
    ),
    Metric(
        "sla_trend",
        GET_SLA,
        trend,
        unit="%",
        labels=(*SERVICE, "requirement"),
        help="percentage points by which each margin changed over the two newest periods asked for; needs sla:1:1",
        example="each: [host, service, requirement], below: {warn: -1%, crit: -5%}",
    ),
    Metric(
        "sla_required_percentage",
        GET_SLA,
        per_period(required_percentage),
        unit="%",
        labels=REQUIREMENT,
        minimum=0,
        maximum=100,
        help="the bound of each requirement on percentages",
        example="each: [host, service, requirement], below: 99%",
    ),
    Metric(
        "sla_outage_margin",
        GET_SLA,
        per_period(deviations(OUTAGES)),
        labels=REQUIREMENT,
        levels=BELOW_ZERO,
        help="outages left until each requirement on outages breaks, negative beyond",
    ),
    Metric(
        "sla_outages",
        GET_SLA,
        per_period(outages),
        labels=REQUIREMENT,
        minimum=0,
        help="outages that broke or used up each requirement",
    ),
)
