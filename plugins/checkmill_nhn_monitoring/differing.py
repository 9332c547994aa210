"""How two scenarios differ in meaning: the one that NHN has, and the one that a definition wants.

NHN answers otherwise than it was asked: an interval as a cron expression with a second of its own choosing, defaults
filled in, sets in any order, header names in any case. None of this is a difference. Credentials are compared and never
shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile

from checkmill.api.v1 import Secret, redact
from checkmill_nhn_monitoring import cron as crons
from checkmill_nhn_monitoring.credentials import STARS, credential_in, hidden
from checkmill_nhn_monitoring.definitions import API, DEFAULT_BROWSER_OPTION, SOCKETS
from checkmill_nhn_monitoring.envelope import one_line
from checkmill_nhn_monitoring.scenario import Scenario, TextCheck
from checkmill_nhn_monitoring.writing import host_of, is_any_interval, seconds_text

#: Members of an answer that are understood here, or are the server's own.
_KNOWN = frozenset(
    {
        "scenarioId",
        "scenarioName",
        "scenarioType",
        "description",
        "url",
        "headers",
        "httpMethod",
        "requestBody",
        "browserOption",
        "validation",
        "ip",
        "port",
        "request",
        "monitoringRegion",
        "monitoringInterval",
        "monitoringCron",
        "errorLimitCount",
        "registeredTime",
        "amendedTime",
        "status",
    }
)
_LONGEST_SHOWN = 160
_BEFORE_CHANGE = 40


@dataclass(frozen=True)
class _Part:
    """One thing that a scenario says: what it means, and how it is shown."""

    meaning: object
    shown: str = field(compare=False)


def differences(there: Scenario, wanted: Scenario) -> list[str]:
    """The lines of a diff: `- field: old`, `+ field: new`; none at all where both mean the same."""
    old, new = _parts(there), _parts(wanted)
    # Whoever writes none leaves it to NHN, which shows what it took.
    old["ip"] = [_text((there.ip or host_of(there.url)).lower())] if wanted.ip else []
    if _same_schedule(there, wanted):
        for parts in (old, new):
            parts.update(interval=[], cron=[])
    lines: list[str] = []
    for name in dict.fromkeys([*old, *new]):
        before, after = Counter(old.get(name, ())), Counter(new.get(name, ()))
        lines += _lines(name, list((before - after).elements()), list((after - before).elements()))
    return lines


def additions(wanted: Scenario) -> list[str]:
    """All that a scenario says, as the lines of a diff with nothing."""
    return [line for name, parts in _parts(wanted).items() for line in _lines(name, [], parts)]


def unsent(there: Scenario) -> list[str]:
    """Lines on what NHN has of a scenario and no definition can say, so that a modification leaves it out."""
    unknown = [name for name, value in there.raw.items() if name not in _KNOWN and value is not None]
    names = [*unknown, *there.validation.unknown]
    return [f"- {one_line(name, _LONGEST_SHOWN)}: (not known to Checkmill, and not sent)" for name in names]


def doubt(there: Scenario, wanted: Scenario) -> str:
    """What cannot be told of a scenario that seems to mean the same, or an empty text."""
    asked_s = wanted.interval_s
    if asked_s is None or not is_any_interval(there) or asked_s > crons.MINUTE_S:
        return ""
    return (
        f"NHN answers interval {seconds_text(asked_s)} with {there.cron!r}, as it would any up to 60s; "
        "'update' sends it anyway"
    )


def unseen(there: Scenario, wanted: Scenario) -> str:
    """What an update may do to the schedule without a line of the diff that says so, or an empty text."""
    if not is_any_interval(there) or not _same_schedule(there, wanted):
        return ""
    sent = crons.written(wanted.cron) if wanted.interval_s is None else f"interval {seconds_text(wanted.interval_s)}"
    return (
        f"schedule: NHN answers {there.cron!r} for every interval up to 60s, and this sends {sent}: "
        "whether that changes it cannot be told"
    )


def _parts(scenario: Scenario) -> dict[str, list[_Part]]:
    one, validation = scenario, scenario.validation
    found = {
        "name": [_text(one.name)],
        "description": [_text(one.description or one.name)],
        "type": [_text(one.type)],
        "url": [_hidden(one.url)],
        "method": [_text(one.http_method or ("GET" if one.type == API else ""))],
        **{f"headers.{name}": [_header(value)] for name, value in _by_name(one.headers).items()},
        "body": [_hidden(one.request_body or "")],
        "ip": [_text(one.ip.lower())],
        "port": [_Part(one.port, str(one.port))] if one.port is not None else [],
        "request": [_hidden(one.request or "")],
        **_schedule(one),
        "regions": [_text(region.upper()) for region in dict.fromkeys(one.regions or ("KOR",))],
        "tolerated_errors": [_Part(one.error_limit or 0, str(one.error_limit or 0))],
        "timeout": [_Part(validation.timeout_s, seconds_text(validation.timeout_s))] if validation.timeout_s else [],
        "response_codes": [_text(code) for code in dict.fromkeys(validation.response_codes)],
        "text_validation": []
        if validation.text is None
        else [_check(validation.text.kind, c) for c in validation.text.checks],
        "avoiding_text": [_text(validation.avoiding_text)],
        "position_validation": [
            _Part((check.position, check.text), f"{check.position} {_shown(check.text)}")
            for check in validation.response_validations
        ],
        "length_validation": list(_length(scenario)),
        "image_paths": [_text(path) for path in validation.image_paths],
        **{f"browser_option.{name}": [_text(value)] for name, value in _browser_option(one).items()},
    }
    return {name: [part for part in parts if part.meaning != ""] for name, parts in found.items()}


def _by_name(headers: Mapping[str, Secret | str]) -> dict[str, Secret | str]:
    """Headers with their names in lower case, in the order of names."""
    return {name.lower(): headers[name] for name in sorted(headers, key=str.lower)}


def _browser_option(scenario: Scenario) -> Mapping[str, str]:
    if scenario.type in SOCKETS:
        return {}
    return scenario.browser_option or DEFAULT_BROWSER_OPTION


def _length(scenario: Scenario) -> Iterator[_Part]:
    length = scenario.validation.length_validation
    if length is not None:
        for name in ("endian", "position", "type", "base"):
            value = getattr(length, name)
            yield _Part((name, value), f"{name} {_shown(value)}")


def _check(kind: str, check: TextCheck) -> _Part:
    shown = f"{kind} {_shown(check.expression)} {check.operator}"
    if check.operand is None:
        return _Part((kind, check), shown)
    operand = STARS if check.operand and credential_in(check.expression) else _shown(check.operand)
    return _Part((kind, check), f"{shown} {operand}")


def _schedule(scenario: Scenario) -> dict[str, list[_Part]]:
    """The schedule under its name; the other name follows, so that what goes stands before what comes."""
    if scenario.interval_s is None:
        return {"cron": [_Part(scenario.cron, crons.written(scenario.cron))], "interval": []}
    return {"interval": [_Part(scenario.interval_s, seconds_text(scenario.interval_s))], "cron": []}


def _same_schedule(there: Scenario, wanted: Scenario) -> bool:
    """Whether both are asked at the same times, as far as that can be told."""
    if wanted.interval_s is not None:
        if there.interval_s is not None:
            return there.interval_s == wanted.interval_s
        return crons.fits(wanted.interval_s, there.cron)
    if there.cron:
        return crons.same(there.cron, wanted.cron)
    return there.interval_s is not None and crons.interval_s(wanted.cron) == there.interval_s


def _header(value: Secret | str) -> _Part:
    return _Part((value,), STARS if isinstance(value, Secret) else value)


def _text(text: str) -> _Part:
    return _Part(text, text)


def _hidden(text: str) -> _Part:
    return _Part(text, hidden(text))


def _lines(name: str, old: list[_Part], new: list[_Part]) -> Iterator[str]:
    """The lines of one field, with long texts cut to where they begin to differ."""
    name, start = one_line(name, _LONGEST_SHOWN), 0
    # Before they are cut: what is left of a secret is not found any more.
    before, after = ([redact(part.shown) for part in parts] for parts in (old, new))
    if len(before) == len(after) == 1:
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before[0], after[0], strict=False)))
        start = max(0, alike - _BEFORE_CHANGE) if alike > _LONGEST_SHOWN - _BEFORE_CHANGE else 0
    yield from (f"- {name}: {_cut(text, start)}" for text in before)
    yield from (f"+ {name}: {_cut(text, start)}" + (" (another value)" if text in before else "") for text in after)


def _cut(text: str, start: int) -> str:
    """A text on one line, from a place on, with what is left out told by dots."""
    return _shown(("…" if start else "") + text[start:])


def _shown(text: str) -> str:
    """A text on one line; in quotes, with what cannot be printed written out, where that is not plain."""
    plain = text.isprintable() and text == " ".join(text.split()) and text != ""
    return one_line(text if plain else json.dumps(text, ensure_ascii=not text.isprintable()), _LONGEST_SHOWN)
