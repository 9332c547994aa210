"""An explanation as one JSON object.

    check, file, line, tags, each, interval_s, good_for_s, timeout_s
    policies      on_empty, on_missing, on_stale, on_error: state
    sources       [name, type, labels, settings [name, value, unit]]
    metric        name, help, unit, judged_unit, labels, query [name, value, unit], levels, aggregate, max_age_s,
                  overrides [where, exclude, levels, line], conditions [metric, unit, query, levels],
                  tolerate {warn, crit}
    data, at      live, sandbox or stored; when (ISO 8601)
    stored        null, or measured_at, good_until, fresh, changed
    fetches       [name, error, requests [method, url, login, attempts, status, bytes, elapsed_ms, error]]
    samples       null, or came, selected, excluded [key, pattern, line, count, examples],
                  missing [reason, count, examples], silent [source, reason, dropped]
    expectation   kind, number, there, forget_s, things [labels, source, found, last_seen]
    services      [name, host, source, labels, state, why, value, limit, samples, levels]
    remembered    [source, labels, last_seen, state, at]
    reports       [reporter, type, target]
    variables     names, service, texts [name, meaning, value, known]

Levels are `origin` (rule, metric, vendor, override 1, none), `line` and `levels`: null, or above, below, range, states
as in a rule file. States are OK, WARNING, CRITICAL, UNKNOWN; times ISO 8601 with offset; what is not known is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.moments import iso_utc
from checkmill.model.secret import redact
from checkmill.model.state import State
from checkmill.steps.explaining.facts import Explanation

#: Fields that hold points in time.
_MOMENTS = {"at", "last_seen", "measured_at", "good_until"}


def json_text(explanation: Explanation) -> str:
    """The JSON form."""
    return json.dumps(_plain(explanation), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, State):
        return value.value
    if isinstance(value, Range):
        return str(value)
    if isinstance(value, Levels):
        return {name: _plain(one) for name, one in _fields(value) if one is not None}
    if isinstance(value, Limits):
        return {name: _plain(one) for name, one in _fields(value) if one is not None}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _moment(one) if name in _MOMENTS else _plain(one) for name, one in _fields(value)}
    if isinstance(value, Mapping):
        return {redact(str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return redact(value)
    # JSON has no infinities, which an aggregate may come to.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _fields(of: Any) -> list[tuple[str, Any]]:
    return [(one.name, getattr(of, one.name)) for one in fields(of)]


def _moment(epoch_s: float | None) -> str | None:
    return None if epoch_s is None else iso_utc(epoch_s)
