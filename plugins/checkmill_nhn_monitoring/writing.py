"""Writes scenarios as NHN answers them down as definitions, in the words of the files that `apply` takes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from checkmill.api.v1 import Secret
from checkmill_nhn_monitoring import cron as crons
from checkmill_nhn_monitoring.credentials import References, credential_in, escaped
from checkmill_nhn_monitoring.definitions import API, DEFAULT_BROWSER_OPTION, SOCKETS
from checkmill_nhn_monitoring.scenario import Scenario, TextCheck, Validation

#: What `get` says beside a schedule that may be another.
_ANY_INTERVAL = "may be an interval such as 30s, which NHN answers like this too"
#: What may hold credentials, and is escaped where those are replaced.
_REFERRING = ("url", "headers", "body", "request", "text_validation")


def definition_of(scenario: Scenario, references: References) -> dict[str, Any]:
    """What a file says of a scenario, as plain data: only what is not a default, credentials as `${NAME}`.

    What the server chose, such as the second of a cron expression, is left out.
    """
    found = {
        "id": scenario.id,
        "name": scenario.name,
        "description": scenario.description if scenario.description != scenario.name else "",
        "type": scenario.type,
        "url": references.within(scenario.url),
        "method": scenario.http_method,
        "headers": {name: _header(name, value, references) for name, value in scenario.headers.items()},
        "body": references.within(scenario.request_body or ""),
        **_schedule(scenario),
        "comment": _ANY_INTERVAL if scenario.type == API and is_any_interval(scenario) else "",
        "regions": list(dict.fromkeys(scenario.regions)),
        "tolerated_errors": scenario.error_limit,
        **_validation(scenario.validation, references),
        "browser_option": _browser_option(scenario),
        "ip": scenario.ip if scenario.ip.lower() != host_of(scenario.url) else "",
        "port": scenario.port,
        "request": references.within(scenario.request or ""),
    }
    return {
        name: value if name in _REFERRING else _escaped(value)
        for name, value in found.items()
        if value not in (None, "", [], {})
    }


def host_of(url: str) -> str:
    """The host of an address in lower case, or "" where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def seconds_text(seconds: float) -> str:
    """A time as files have it: `60s`, `1500ms`."""
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{round(seconds * 1000)}ms"


def is_any_interval(scenario: Scenario) -> bool:
    """Whether the schedule that NHN answers is what it makes of every interval up to a minute."""
    return scenario.interval_s is None and crons.interval_s(scenario.cron) == crons.MINUTE_S


def _schedule(scenario: Scenario) -> dict[str, str]:
    """The interval where the server still tells it, else what it made of it, or of the expression that was written."""
    if scenario.interval_s is not None:
        return {"interval": seconds_text(scenario.interval_s)}
    if not scenario.cron:
        return {}
    found = crons.written(scenario.cron)
    period_s = crons.interval_s(scenario.cron)
    # An expression whose seconds are a meaning of their own cannot be written as one; as an interval it may be.
    return {"interval": seconds_text(period_s)} if found == scenario.cron and period_s else {"cron": found}


def _header(name: str, value: Secret | str, references: References) -> str:
    if isinstance(value, Secret):
        return references.to(name, value) if value else ""
    return references.within(value)


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Mapping):
        return {name: _escaped(one) for name, one in value.items()}
    return [_escaped(one) for one in value] if isinstance(value, list) else value


def _browser_option(scenario: Scenario) -> Mapping[str, str]:
    if scenario.type in SOCKETS or scenario.browser_option == DEFAULT_BROWSER_OPTION:
        return {}
    return scenario.browser_option


def _condition(check: TextCheck, references: References) -> dict[str, str]:
    """One condition; what a credential in the answer is compared with is one as well."""
    found = {"expression": escaped(check.expression), "operator": escaped(check.operator)}
    if check.operand is None:
        return found
    name = credential_in(check.expression)
    return {
        **found,
        "operand": references.to(name, check.operand) if check.operand and name else escaped(check.operand),
    }


def _validation(validation: Validation, references: References) -> dict[str, Any]:
    length = validation.length_validation
    return {
        "timeout": None if validation.timeout_s is None else seconds_text(validation.timeout_s),
        "response_codes": list(dict.fromkeys(validation.response_codes)),
        "text_validation": validation.text
        and {
            "type": escaped(validation.text.kind),
            "conditions": [_condition(check, references) for check in validation.text.checks],
        },
        "avoiding_text": validation.avoiding_text,
        "position_validation": [
            {"position": check.position, "text": check.text} for check in validation.response_validations
        ],
        "length_validation": length
        and {
            name: value
            for name, value in (
                ("ENDIAN", length.endian),
                ("POS", length.position),
                ("TYPE", length.type),
                ("BASE", length.base),
            )
            if value
        },
        "image_paths": list(validation.image_paths),
    }
