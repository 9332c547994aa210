"""How requirements are called, and what the texts say of a period: its dates, and which requirement broke."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from checkmill_checkmk.agreements import PERCENTAGE, Computation, Requirement, Span
from checkmill_checkmk.names import label, shown
from checkmill_checkmk.slaperiods import SlaPeriod

#: More broken requirements than this are counted and not named.
_NAMED = 3


def requirements_of(period: SlaPeriod) -> Iterator[tuple[str, Computation, Span, Requirement]]:
    """The requirements of a period, each with a name of its own: `ok min 99%`, of equal ones `ok min 99% (2)`.

    The title that it has in Checkmk is in no answer.
    """
    used: set[str] = set()
    for computation, span in period.spans:
        for requirement in span.requirements:
            plain = name = _name(computation, requirement)
            number = 1
            while name in used:
                number += 1
                name = f"{plain} ({number})"
            used.add(name)
            yield name, computation, span, requirement


def dates(period: SlaPeriod, time_zone: str | None) -> str:
    """`weekly, 2018-06-18 00:00+02:00 to 2018-06-25 00:00+02:00`."""
    zone = _zone(time_zone)
    since, until = (_moment(at, zone) for at in (period.since, period.until))
    running = ", still running" if period.is_open else ""
    return f"{shown(label(period.cycle)) if period.cycle else 'period'}, {since} to {until}{running}"


def broken_parts(period: SlaPeriod) -> str:
    """Which requirements broke, as far as it is said."""
    parts = [_broken(name, span, one) for name, _, span, one in requirements_of(period) if one.broken]
    if not parts:
        return "by which requirement is not said"
    more = f" and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return ", ".join(parts[:_NAMED]) + more


def _name(computation: Computation, requirement: Requirement) -> str:
    state = requirement.state or "state"
    if computation.kind == PERCENTAGE:
        if requirement.bound and requirement.required is not None:
            return f"{state} {requirement.bound} {requirement.required:.10g}%"
        return "percentage"
    kind = shown(label(computation.kind)) if computation.kind else "requirement"
    if requirement.bound and requirement.required is not None:
        return f"{kind} {state} {requirement.bound} {requirement.required:.10g}"
    return kind


def _broken(name: str, span: Span, requirement: Requirement) -> str:
    share = span.percentages.get(requirement.state) if span.percentages is not None and "%" in name else None
    if share is not None:
        return f"{name} is {share:.4g}%"
    if requirement.outages:
        return f"{name} with {requirement.outages} outages"
    return name if requirement.deviation is None else f"{name} by {-requirement.deviation:.4g}"


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return UTC
    # Read only where there is one: the tables lie in files.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _moment(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).isoformat(sep=" ", timespec="minutes")
