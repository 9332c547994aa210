"""What the simulated site watches, its SLA definitions, and what it computes of them, in the shape of `get_sla`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import World
from checkmill_checkmk.sandbox.calendar import period_of, periods_within, range_of

USER, SECRET = "automation", "sandbox-automation-secret"
#: A person, and an automation user without the permission: their secrets are right, and do not help.
PERSON, PERSON_SECRET = "cmkadmin", "sandbox-password"
OUTSIDER, OUTSIDER_SECRET = "reporting", "sandbox-reporting-secret"

#: This site still runs Python 2, which writes text in other ways.
OLD_SITE = "branch"


@dataclass(frozen=True)
class Watched:
    """One service and the share of time, in percent, that it is not OK and that it is not monitored."""

    site: str
    host: str
    name: str
    bad: float
    unmonitored: float = 0.0


@dataclass(frozen=True)
class Definition:
    """One SLA: how long its periods are, and its requirements on percentages as (state, bound, percent, levels).

    `outages` is the most outages in a period, None where it has no such requirement.
    """

    cycle: str
    requirements: Sequence[tuple[int, str, float, tuple[float, float]]]
    outages: int | None = None


SERVICES = (
    Watched("central", "web-1", "CPU load", 0.05),
    Watched("central", "web-1", "HTTP checkout", 0.2),
    Watched("central", "web-2", "CPU load", 0.1),
    Watched("central", "web-2", "HTTP checkout", 4.0),
    Watched("central", "db-1", "Filesystem /data", 0.3),
    Watched("central", "batch-1", "Nightly job", 0.0, unmonitored=100.0),
    Watched("central", "gateway", "PING", 0.02),
    Watched(OLD_SITE, "gateway", "PING", 0.15),
    Watched(OLD_SITE, "lager-1", "Größe der Warteschlange", 0.25),
)
SLAS = {
    "gold": Definition("weekly", [(0, "min", 99.0, (0.5, 0.2)), (2, "max", 1.0, (0.0, 0.0))], outages=20),
    "silver": Definition("monthly", [(0, "min", 95.0, (0, 0))]),
    "bronze": Definition("daily", [(0, "min", 90.0, (5.0, 2.0))]),
    # What needs nothing is kept by what is not monitored, with a margin of exactly nothing.
    "nothing": Definition("weekly", [(0, "min", 0.0, (0, 0))]),
}


class Unicode(str):
    """Text that Python 2 writes with a `u` before it."""

    __slots__ = ()


class Octets(str):
    """Text that Python 2 writes as the escapes of its UTF-8 bytes."""

    __slots__ = ()


def computed(world: World, slas: Sequence[str], code: str, pairs: Sequence[tuple[str, str]]) -> dict[Any, Any]:
    """Results by site, host, service and key, of all that is known of what is asked for; the rest is not in it."""
    found: dict[Any, Any] = {}
    for one in SERVICES:
        for sla in slas:
            if (one.host, one.name) in pairs and sla in SLAS:
                host, name = _written(one, one.host), _written(one, one.name)
                key = ((host, name), sla, _key_of(code), SLAS[sla].cycle)
                services = found.setdefault(one.site, {}).setdefault(host, {})
                services.setdefault(name, {})[key] = _result(world, one, sla, code)
    return found


def _written(one: Watched, name: str) -> str:
    if one.site != OLD_SITE:
        return name
    return Unicode(name) if name.isascii() else Octets(name)


def _key_of(code: str) -> Any:
    """The time range in a key, of which the documented form alone is sure."""
    form, *numbers = code.split(":")
    parts = tuple(map(int, numbers))
    if form == "sla":
        return ("sla_period_range", parts)
    return {"last": ("age", *parts), "range": ("time", parts)}.get(form, code)


def _periods(definition: Definition, code: str, at: float) -> Iterator[tuple[float, float]]:
    form, *numbers = code.split(":")
    parts = list(map(int, numbers))
    if form == "sla":
        start, lookback = parts
        for back in range(start + lookback, start - 1, -1):
            yield period_of(definition.cycle, at, back)
        return
    if form == "last":
        since, until = at - parts[0], at
    elif form == "range":
        since, until = parts
    else:
        since, until = range_of(code, at)
    yield from periods_within(definition.cycle, since, until, at)


def _result(world: World, one: Watched, sla: str, code: str) -> dict[str, Any]:
    definition = SLAS[sla]
    periods = list(_periods(definition, code, world.clock()))
    computations = [
        ("service_state_percentage", [_percentage(world, one, requirement, period) for period in periods])
        for requirement in definition.requirements
    ]
    if definition.outages is not None:
        most = definition.outages
        computations.append(("service_outage_count", [_outages(world, one, most, period) for period in periods]))
    return {
        "sla_id": sla,
        "sla_period": definition.cycle,
        "plugin_results": [
            {
                "plugin_id": kind,
                "timerange_sla_duration": sum(row["duration"] for row in rows),
                "period_results": rows,
            }
            for kind, rows in computations
        ],
    }


def _percentage(
    world: World, one: Watched, requirement: tuple[int, str, float, tuple[float, float]], period: tuple[float, float]
) -> dict[str, Any]:
    state, bound, required, levels = requirement
    percentages = _percentages(world, one, period)
    observed = percentages.get(state, 0.0)
    deviation = observed - required if bound == "min" else required - observed
    timerange, lasted = _timerange(world, period)
    subresult = {
        "requirement": (state, bound, required),
        "sla_broken": deviation < 0,
        "deviation_info": _deviation_info(deviation, levels),
        "error_instances": [],
    }
    return {
        "timerange": timerange,
        "duration": lasted,
        "sla_broken": deviation < 0,
        "statistics": {
            "duration": {state: lasted * share / 100 for state, share in percentages.items()},
            "percentage": percentages,
        },
        "subresults": [subresult],
    }


def _outages(world: World, one: Watched, most: int, period: tuple[float, float]) -> dict[str, Any]:
    """Counted outages have no statistics. What their events look like is documented nowhere."""
    timerange, lasted = _timerange(world, period)
    number = int(_bad_share(world, one, period) * 10)
    begin = int(timerange[0])
    events = [{"state": 2, "from": begin + 600 * index, "until": begin + 600 * index + 300} for index in range(number)]
    return {
        "timerange": timerange,
        "duration": lasted,
        "sla_broken": number > most,
        "subresults": [
            {
                "requirement": (2, "max", most),
                "sla_broken": number > most,
                "deviation_info": _deviation_info(float(most - number), (0, 0)),
                "error_instances": events,
            }
        ],
    }


def _deviation_info(deviation: float, levels: tuple[float, float]) -> dict[str, Any]:
    warn, crit = levels
    state = 2 if deviation <= crit else 1 if deviation <= warn else 0
    return {"deviation": deviation, "deviation_state": state, "levels": levels, "limit": 0.0}


def _timerange(world: World, period: tuple[float, float]) -> tuple[tuple[float, float], float]:
    """A period that still runs ends with the question, in whole seconds."""
    since, until = period
    now = int(world.clock())
    if until <= now:
        return (since, until), until - since
    return (since, max(now, int(since) + 1)), float(max(now, int(since) + 1) - since)


def _bad_share(world: World, one: Watched, period: tuple[float, float]) -> float:
    """Percent of a period in which a service is not OK: settled once it is over, moving while it runs."""
    name = ("bad", one.site, one.host, one.name, period[0])
    low, high = one.bad * 0.8, one.bad * 1.2
    if period[1] <= world.clock():
        return low + (high - low) * world.chance(*name)
    return world.wave(*name, low=low, high=high)


def _percentages(world: World, one: Watched, period: tuple[float, float]) -> dict[int, float]:
    """Shares by state; a state that did not occur is not there."""
    bad = _bad_share(world, one, period)
    shares = {-1: one.unmonitored, 1: bad * 0.25, 2: bad * 0.75}
    shares[0] = 100.0 - sum(shares.values())
    return {state: share for state, share in shares.items() if share > 0}
