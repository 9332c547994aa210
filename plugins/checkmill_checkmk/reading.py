"""Reads an answer of `get_sla` into agreements, in a child process: the text first, then what it holds.

Containers that hold several services must be what they should, or nothing of the answer counts. From one result of one
service on, what is wrong concerns that service alone and is kept as a problem; what the answer may well lack is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import ParseError, number_of
from checkmill_checkmk.agreements import (
    OUTAGES,
    PERCENTAGE,
    STATES,
    UNMONITORED,
    Agreement,
    Computation,
    Requirement,
    Span,
)
from checkmill_checkmk.literals import literal_from
from checkmill_checkmk.names import same

_KINDS = {"service_state_percentage": PERCENTAGE, "service_outage_count": OUTAGES}
_STATE_NAMES = {-1: UNMONITORED, 0: "ok", 1: "warn", 2: "crit", 3: "unknown"}
_DEVIATION_STATES = {0: "ok", 1: "warn", 2: "crit"}
#: Percentages are sums of floating point: so far they may be off.
_ALL, _OFF, _ROUGHLY = 100.0, 1e-6, 0.01
#: Seconds, and the share of a duration, by which durations may miss what they should come to.
_SECOND, _SHARE = 1.0, 1e-4
#: Later than any period (the year 3000), in epoch seconds.
_LATEST = 32_503_680_000


@dataclass(frozen=True)
class Refused:
    """The site's own words for why it does not answer; "" where it gives none."""

    said: str


def read(text: str) -> tuple[Agreement, ...] | Refused:
    """Give what a whole answer holds. Raises `ParseError` or `TooLargeError` for what is none."""
    document = literal_from(text)
    if not isinstance(document, dict):
        raise ParseError(f"the answer should be a dictionary with result_code, but is {shape(document)}")
    if "result_code" not in document:
        raise ParseError("the answer is a dictionary without result_code, so it is not that of a Web API")
    code = document["result_code"]
    if isinstance(code, bool) or not isinstance(code, int):
        raise ParseError(f"result_code should be a whole number, but is {shape(code)}")
    result = document.get("result")
    if code != 0:
        return Refused(result if isinstance(result, str) else "")
    return tuple(_agreements(result))


def shape(value: Any) -> str:
    """What kind of value came, without the value."""
    if value is None:
        return "absent"
    kinds = {bool: "yes or no", int: "a number", float: "a number", str: "text", dict: "a dictionary"}
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return kinds.get(type(value), f"a {type(value).__name__}")


def _agreements(result: Any) -> Iterator[Agreement]:
    for site, hosts in _named(result, "sites"):
        for host, services in _named(hosts, "hosts"):
            for service, results in _named(services, "services"):
                for key, value in _pairs(results):
                    yield _agreement(site, host, service, key, value)


def _named(value: Any, what: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise ParseError(f"the answer should hold a dictionary of {what}, but holds {shape(value)}")
    for name, inner in value.items():
        if not isinstance(name, str):
            raise ParseError(f"the names of {what} should be text, but one is {shape(name)}")
        yield name, inner


def _pairs(results: Any) -> Iterator[tuple[Any, Any]]:
    """The results of one service by key; JSON, which has no keys but text, may hold pairs instead."""
    if isinstance(results, dict):
        yield from results.items()
        return
    if not isinstance(results, list):
        raise ParseError(f"the results of a service should be a dictionary, but are {shape(results)}")
    for pair in results:
        if not (isinstance(pair, list | tuple) and len(pair) == 2):
            raise ParseError(f"the results of a service should be pairs of key and result, but one is {shape(pair)}")
        yield pair[0], pair[1]


def _agreement(site: str, host: str, service: str, key: Any, result: Any) -> Agreement:
    members = result if isinstance(result, dict) else {}
    sla, problem = _sla_of(key, members, host, service)
    cycle = members.get("sla_period")
    computations: tuple[Computation, ...] = ()
    if not isinstance(result, dict):
        problem = f"its result should be a dictionary, but is {shape(result)}"
    if not problem:
        try:
            computations = tuple(_computations(members))
        except ParseError as error:
            problem = str(error)
    return Agreement(
        site=site,
        host=host,
        service=service,
        sla=sla,
        cycle=cycle if isinstance(cycle, str) else "",
        numbers=_numbers(key),
        computations=() if problem else computations,
        problem=problem,
    )


def _sla_of(key: Any, members: Mapping[str, Any], host: str, service: str) -> tuple[str, str]:
    """The SLA of a result, and what keeps from knowing what it is of. Key and result say it both."""
    inside = members.get("sla_id")
    if isinstance(key, str):
        # A key that was made text tells nothing that is sure.
        return (inside, "") if isinstance(inside, str) else ("", "its result does not say of which SLA it is")
    if not (isinstance(key, list | tuple) and len(key) >= 2 and isinstance(key[1], str)):
        return (inside if isinstance(inside, str) else ""), "the key of its result is not as documented"
    if not _is_pair(key[0], host, service):
        return key[1], "the key of its result names another service"
    if inside is not None and not (isinstance(inside, str) and same(inside, key[1])):
        return key[1], "its result and the key of it name two SLAs"
    cycle, cycle_inside = key[3] if len(key) > 3 else None, members.get("sla_period")
    if isinstance(cycle, str) and isinstance(cycle_inside, str) and cycle != cycle_inside:
        return key[1], "its result and the key of it name two kinds of SLA period"
    return key[1], ""


def _numbers(key: Any) -> tuple[int, int] | None:
    """The SLA periods that a key names, as it is documented: `('sla_period_range', (1, 0))`."""
    third = key[2] if isinstance(key, list | tuple) and len(key) > 2 else None
    if not (isinstance(third, list | tuple) and len(third) == 2 and third[0] == "sla_period_range"):
        return None
    if not (isinstance(third[1], list | tuple) and len(third[1]) == 2):
        return None
    start, lookback = (None if isinstance(one, str) else _whole(one) for one in third[1])
    return None if start is None or lookback is None else (start, lookback)


def _is_pair(value: Any, host: str, service: str) -> bool:
    if not (isinstance(value, list | tuple) and len(value) == 2):
        return False
    return all(isinstance(one, str) and same(one, name) for one, name in zip(value, (host, service), strict=True))


# One result. What is raised here concerns it alone.


def _computations(members: Mapping[str, Any]) -> Iterator[Computation]:
    computed = _rows(members.get("plugin_results"), "plugin_results")
    if not computed:
        raise ParseError("its result holds no computation")
    for one in computed:
        kind = one.get("plugin_id")
        spans = [_span(row) for row in _rows(one.get("period_results"), "period_results")]
        if len({span.since for span in spans}) < len(spans):
            raise ParseError("its result holds one period twice")
        yield Computation(
            kind=_KINDS.get(kind, kind) if isinstance(kind, str) else "",
            spans=tuple(sorted(spans, key=lambda span: span.since)),
        )


def _span(row: Mapping[str, Any]) -> Span:
    since, until = _times(row.get("timerange"))
    statistics = row.get("statistics")
    statistics = statistics if isinstance(statistics, dict) else {}
    percentages, no_percentages = _percentages(statistics.get("percentage"))
    duration = _duration(row.get("duration"), until - since)
    seconds, no_seconds = _seconds(statistics.get("duration"), duration)
    requirements = row.get("subresults")
    return Span(
        since=since,
        until=until,
        broken=_yes_or_no(row.get("sla_broken")),
        duration=duration,
        seconds=seconds,
        no_seconds=no_seconds,
        percentages=percentages,
        no_percentages=no_percentages,
        requirements=() if requirements is None else tuple(map(_requirement, _rows(requirements, "subresults"))),
    )


def _times(value: Any) -> tuple[float, float]:
    times = [_number(one) for one in value] if isinstance(value, list | tuple) and len(value) == 2 else []
    if len(times) != 2 or times[0] is None or times[1] is None:
        raise ParseError("a period of its result has no usable timerange")
    since, until = times[0], times[1]
    if not 0 <= since < until <= _LATEST:
        raise ParseError("a period of its result does not end after it begins")
    return since, until


def _requirement(row: Mapping[str, Any]) -> Requirement:
    deviation = row.get("deviation_info")
    deviation = deviation if isinstance(deviation, dict) else {}
    state, bound, required = _required(row.get("requirement"))
    instances = row.get("error_instances")
    return Requirement(
        broken=_yes_or_no(row.get("sla_broken")),
        state=state,
        bound=bound,
        required=required,
        deviation=_number(deviation.get("deviation")),
        deviation_state=_word(_DEVIATION_STATES, deviation.get("deviation_state")),
        levels=_levels(deviation.get("levels")),
        outages=len(instances) if isinstance(instances, list | tuple) else None,
    )


def _required(value: Any) -> tuple[str, str, float | None]:
    """State, bound and amount of a requirement; what is not as known of percentages is left out."""
    parts: Sequence[Any] = value if isinstance(value, list | tuple) else ()
    state = _word(_STATE_NAMES, parts[0]) if parts else ""
    if len(parts) < 3 or parts[1] not in ("min", "max"):
        return state, "", None
    return state, parts[1], _number(parts[2])


def _levels(value: Any) -> tuple[float, float] | None:
    levels = [_number(one) for one in value] if isinstance(value, list | tuple) and len(value) == 2 else []
    if len(levels) != 2 or levels[0] is None or levels[1] is None:
        return None
    return levels[0], levels[1]


def _percentages(value: Any) -> tuple[dict[str, float] | None, str]:
    """Shares by state, which come to the whole; without that a state that is not there would be taken for 0 %."""
    amounts, problem = _amounts(value, "percentages")
    if amounts is None:
        return None, problem
    whole = sum(amounts.values())
    if abs(whole - _ALL) > _ROUGHLY or any(one > _ALL + _OFF for one in amounts.values()):
        return None, f"its percentages come to {whole:.4g}, not to 100"
    return {state: min(one, _ALL) for state, one in amounts.items()}, ""


def _duration(value: Any, lasted: float) -> float | None:
    """How long a computation covers: what is longer than its period is no duration of it."""
    duration = _not_negative(value)
    return None if duration is None or duration > lasted + _SECOND else duration


def _seconds(value: Any, duration: float | None) -> tuple[dict[str, float] | None, str]:
    """Seconds by state, which come to the duration, for the reason that percentages come to 100."""
    amounts, problem = _amounts(value, "durations")
    if amounts is None:
        return None, problem
    if duration is None:
        return None, "it came without a usable duration, to which its durations should come"
    whole = sum(amounts.values())
    if abs(whole - duration) > max(_SECOND, duration * _SHARE):
        return None, f"its durations come to {whole:.10g} s, not to the {duration:.10g} s that it covers"
    return amounts, ""


def _amounts(value: Any, what: str) -> tuple[dict[str, float] | None, str]:
    if value is None:
        return None, f"it came without {what}"
    if not isinstance(value, dict):
        return None, f"its {what} should be a dictionary, but are {shape(value)}"
    amounts: dict[str, float] = {}
    for key, raw in value.items():
        state, amount = _word(_STATE_NAMES, key), _not_negative(raw)
        if amount is None:
            return None, f"its {what} hold what is no amount"
        if state in amounts:
            return None, f"its {what} hold one state twice"
        if state:
            amounts[state] = amount
        elif amount:
            return None, f"its {what} hold a state that is not known"
    return dict.fromkeys(STATES, 0.0) | amounts, ""


def _rows(value: Any, what: str) -> list[dict[Any, Any]]:
    if not isinstance(value, list | tuple):
        raise ParseError(f"{what} of its result should be a list, but is {shape(value)}")
    if not all(isinstance(row, dict) for row in value):
        raise ParseError(f"{what} of its result should hold dictionaries")
    return list(value)


def _number(value: Any) -> float | None:
    number = None if isinstance(value, str) else number_of(value)
    return None if number is None else float(number)


def _not_negative(value: Any) -> float | None:
    number = _number(value)
    return None if number is None or number < 0 else number


def _whole(value: Any) -> int | None:
    """A whole number, or the text of one, which is what keys are in JSON."""
    if isinstance(value, str):
        digits = value.removeprefix("-")
        return int(value) if digits.isascii() and digits.isdigit() and len(digits) < 4 else None
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


def _word(words: Mapping[int, str], value: Any) -> str:
    number = _whole(value)
    return "" if number is None else words.get(number, "")


def _yes_or_no(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
