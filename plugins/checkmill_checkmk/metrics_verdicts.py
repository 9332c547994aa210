"""Kept or broken: of each period, counted over periods, requirements and services; and what is missing of an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkmill.api.v1 import Dataset, Levels, Limits, Metric, Sample, State
from checkmill_checkmk import calls
from checkmill_checkmk.names import Labels
from checkmill_checkmk.results import Results
from checkmill_checkmk.settings import Settings, SlaQuery
from checkmill_checkmk.slaperiods import SlaPeriod, per_period, periods_of
from checkmill_checkmk.wording import broken_parts, dates, requirements_of

#: Computing reads the history of the site and locks its configuration: it is asked seldom, and waited for.
GET_SLA = Dataset("get_sla", calls.get_sla, SlaQuery, interval_s=300, timeout_s=300)
SERVICE = ("site", "host", "service", "sla")
PERIOD = (*SERVICE, "period")
NONE_ABOVE = Levels(above=Limits(None, 0.0))


def sla_broken(results: Results, query: SlaQuery) -> Iterator[Sample]:
    """Whether anything of each period is broken; the text has its dates, and what broke."""
    for period in periods_of(results, query):
        if isinstance(period, Sample):
            yield period
        elif period.broken is None:
            yield period.missing(period.why_unknown)
        else:
            when = dates(period, results.time_zone)
            if period.broken:
                yield period.sample("broken", reason=f"{broken_parts(period)}; {when}")
            else:
                yield period.sample("fulfilled", reason=when)


def broken_requirements(period: SlaPeriod) -> Iterator[Sample]:
    """How many requirements of a period are broken."""
    verdicts = [requirement.broken for _, _, _, requirement in requirements_of(period)]
    if period.broken is None or None in verdicts or period.problem:
        yield period.missing(period.why_unknown)
    else:
        # A period may be broken without saying by what.
        yield period.sample(max(sum(map(bool, verdicts)), int(period.broken)))


def broken_periods(results: Results, query: SlaQuery) -> Iterator[Sample]:
    """How many of the periods asked for are broken, for each SLA of each service; missing where one is not known."""
    counts: dict[tuple[str, ...], int] = {}
    doubts: dict[tuple[str, ...], str] = {}
    newest: dict[tuple[str, ...], float] = {}
    for period in periods_of(results, query):
        labels = period.labels
        key = tuple(labels.get(name, "") for name in SERVICE)
        counts.setdefault(key, 0)
        if isinstance(period, Sample):
            doubts.setdefault(key, period.reason)
        elif period.broken is None:
            doubts.setdefault(key, period.why_unknown)
        else:
            counts[key] += period.broken
            newest[key] = max(newest.get(key, period.at), period.at)
    for key, count in counts.items():
        known: Labels = {name: value for name, value in zip(SERVICE, key, strict=True) if value}
        yield Sample.missing(doubts[key], **known) if key in doubts else Sample(count, at=newest[key], **known)


def services_broken(results: Results, query: SlaQuery) -> Iterator[Sample]:
    """How many services have something broken, for each SLA and site; those not known are missing beside the count."""
    broken: dict[tuple[str, str], set[tuple[str, str]]] = {}
    newest: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    for period in periods_of(results, query):
        labels = period.labels
        scope = {name: labels[name] for name in ("site", "sla") if name in labels}
        if isinstance(period, Sample):
            yield Sample.missing(period.reason, **scope)
        elif period.broken is None:
            yield Sample.missing(period.why_unknown, **scope)
        else:
            key, service = (labels["site"], labels["sla"]), (labels["host"], labels["service"])
            broken.setdefault(key, set()).update([service] if period.broken else [])
            ends = newest.setdefault(key, {})
            ends[service] = max(ends.get(service, period.at), period.at)
    for (site, sla), services in broken.items():
        # A count is as old as the oldest of what it is of.
        yield Sample(len(services), at=min(newest[site, sla].values()), site=site, sla=sla)


def results_missing(results: Results, query: SlaQuery) -> Iterator[Sample]:
    """How many results that were asked for are missing, for each SLA."""
    counts: dict[str, int] = {}
    for period in periods_of(results, query):
        is_missing = isinstance(period, Sample) or period.broken is None
        counts[period.labels["sla"]] = counts.get(period.labels["sla"], 0) + is_missing
    for sla, count in counts.items():
        yield Sample(count, sla=sla)


METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    Metric(
        "sla_broken",
        GET_SLA,
        sla_broken,
        labels=PERIOD,
        states={"broken": State.CRITICAL, "fulfilled": State.OK},
        help="whether each SLA of each service is broken in each period, of which the last closed one is the default",
    ),
    Metric(
        "sla_broken_requirements",
        GET_SLA,
        per_period(broken_requirements),
        labels=PERIOD,
        levels=NONE_ABOVE,
        minimum=0,
        help="requirements of each SLA that are broken, in each period",
    ),
    Metric(
        "sla_broken_periods",
        GET_SLA,
        broken_periods,
        labels=SERVICE,
        levels=NONE_ABOVE,
        minimum=0,
        help="periods that are broken, among those that the query asks for",
    ),
    Metric(
        "sla_services_broken",
        GET_SLA,
        services_broken,
        labels=("site", "sla"),
        levels=NONE_ABOVE,
        minimum=0,
        help="services whose SLA is broken",
    ),
    Metric(
        "sla_results_missing",
        GET_SLA,
        results_missing,
        labels=("sla",),
        levels=NONE_ABOVE,
        minimum=0,
        help="results that were asked for and did not come",
    ),
)
