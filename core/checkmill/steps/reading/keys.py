"""The keys of a rule file, declared once: reading, the README's table and the JSON Schema are made from them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_STATE: dict[str, Any] = {"enum": ["ok", "warn", "crit", "unknown"]}
_TEXT: dict[str, Any] = {"type": "string"}
_DURATION: dict[str, Any] = {"type": ["string", "number"], "examples": ["60s", "5m", "24h"]}
_LIMIT: dict[str, Any] = {"type": ["string", "number"], "examples": ["90%", "20GiB", "5m", 90]}
_TEXTS: dict[str, Any] = {"type": ["string", "array"], "items": {"type": "string"}}


def _pair(limit: dict[str, Any]) -> dict[str, Any]:
    both = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {"warn": limit, "crit": limit},
    }
    return {"anyOf": [limit, both]}


_PATTERN: dict[str, Any] = {
    "anyOf": [
        {"type": ["string", "number", "boolean"]},
        {"type": "array", "items": {"$ref": "#/$defs/pattern"}},
        {"type": "object", "additionalProperties": False, "required": ["regex"], "properties": {"regex": _TEXT}},
    ]
}
_LEVELS = {
    "above": _pair(_LIMIT),
    "below": _pair(_LIMIT),
    "range": _pair({"type": ["string", "number"]}),
    "states": {"type": "object", "additionalProperties": _STATE},
}
_CONDITION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["metric"],
    "properties": {"metric": _TEXT, "query": {"type": "object"}, **_LEVELS},
}
_TOLERANCE: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\s*[0-9.]+\s*%?\s*$|\$\{"}]
}
_SELECTION: dict[str, Any] = {
    "anyOf": [
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/pattern"}},
        {"type": "array", "items": {"type": "object", "additionalProperties": {"$ref": "#/$defs/pattern"}}},
    ]
}

DEFINITIONS = {"pattern": _PATTERN}


@dataclass(frozen=True)
class Key:
    """One key: its name, what it means, its default in words, and the JSON Schema of its value."""

    name: str
    meaning: str
    default: str
    schema: Mapping[str, Any] = field(default_factory=dict)


CHECK_KEYS = (
    Key(
        "name",
        "unique id: letters, digits, `.`, `_`, `-`",
        "required",
        {**_TEXT, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"},
    ),
    Key("source", "what to measure from: a source's name, a list of names, or a glob over them", "required", _TEXTS),
    Key("metric", "what to measure: see `checkmill metrics`", "required", _TEXT),
    Key("query", "parameters of the metric, where it has any", "none", {"type": "object"}),
    Key(
        "above", "`{warn:, crit:}`, or one number for crit: alerts strictly above", "the metric's own", _LEVELS["above"]
    ),
    Key(
        "below", "`{warn:, crit:}`, or one number for crit: alerts strictly below", "the metric's own", _LEVELS["below"]
    ),
    Key("range", "`{warn:, crit:}` of Nagios ranges, or one for crit", "none", _LEVELS["range"]),
    Key(
        "states",
        "what words mean: `{word or glob: ok, warn, crit, unknown}`; words not named keep the metric's own meaning",
        "the metric's own",
        _LEVELS["states"],
    ),
    Key(
        "overrides",
        "list of `{where:, except:}` with `above`, `below`, `range` or `states`: the first that matches replaces the "
        "levels whole",
        "none",
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 2,
                "properties": {"where": _SELECTION, "except": _SELECTION, **_LEVELS},
            },
        },
    ),
    Key(
        "and",
        "further conditions, `{metric:, query:}` with levels, joined on shared labels: ok if any of them is ok",
        "none",
        {"anyOf": [_CONDITION, {"type": "array", "minItems": 1, "items": _CONDITION}]},
    ),
    Key("where", "only samples whose labels match: text, glob, list of them, `{regex: ...}`", "all", _SELECTION),
    Key("except", "not those samples whose labels match", "none", _SELECTION),
    Key(
        "each", "a label, or a list of labels: a service for each value; without it, one service", "one service", _TEXTS
    ),
    Key(
        "aggregate",
        "`max`, `min`, `avg`, `sum`, `count` or `p1` to `p99`: one value of all samples of a service, judged once",
        "none: the worst sample",
        {"type": "string", "pattern": r"^(max|min|avg|sum|count|p[1-9][0-9]?)$", "examples": ["avg", "max", "p95"]},
    ),
    Key(
        "tolerate",
        "how many samples of a service (`2`), or which share (`10%`), may breach; also `{warn:, crit:}`",
        "0",
        {
            "anyOf": [
                *_TOLERANCE["anyOf"],
                {
                    "type": "object",
                    "additionalProperties": False,
                    "minProperties": 1,
                    "properties": {"warn": _TOLERANCE, "crit": _TOLERANCE},
                },
            ],
            "examples": [2, "10%"],
        },
    ),
    Key(
        "expect",
        "what must be there: `seen` (all that the last good answers showed), `all` (the source's inventory after "
        "`where` and `except`), at least a number, or a list of values",
        "`seen` with `each`, else none",
        {
            "anyOf": [
                {"enum": ["seen", "all"]},
                {"type": "integer", "minimum": 1},
                {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean", "object"]}},
            ]
        },
    ),
    Key("forget", "how long a value that is gone stays expected under `seen`", "24h", _DURATION),
    Key("on_empty", "state when nothing was selected and nothing expected", "unknown", _STATE),
    Key("on_missing", "state of an expected value that is absent", "unknown for `seen`, else crit", _STATE),
    Key(
        "on_stale",
        "state of a sample that is older than `max_age`, of a job whose next end is overdue",
        "unknown",
        _STATE,
    ),
    Key("on_error", "state when the source failed", "unknown", _STATE),
    Key(
        "max_age", "how old a measurement may be, where the vendor says when it was made", "the metric's own", _DURATION
    ),
    Key("interval", "how long a result is good; how often a job is run", "the dataset's, else 60s", _DURATION),
    Key(
        "timeout", "deadline of one fetch; how long a job may take", "the dataset's, else 8s; none of a job", _DURATION
    ),
    Key(
        "as",
        "`{service:, host:}`: names, as templates over the labels",
        "`name`, or `name value...` with `each`",
        {"type": "object", "additionalProperties": False, "properties": {"service": _TEXT, "host": _TEXT}},
    ),
    Key("text", "template of the first line", "made from the verdict", _TEXT),
    Key("details", "template of the further lines", "one line a sample, worst first", _TEXT),
    Key(
        "report",
        "list of `{to: reporter, ...target}`: where `run` pushes the result; targets may be templates, as in `as`",
        "none",
        {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["to"], "properties": {"to": _TEXT}},
        },
    ),
    Key("tags", "words to select by, with `--tag`", "none", _TEXTS),
)

#: Keys with a meaning that this version does not carry out, and what does in the meantime.
NOT_YET = {
    "for": "use the retries of the monitoring core (max_check_attempts)",
    "clear": "use the retries of the monitoring core",
    "compare": "compare with a fixed limit",
    "time_to": "use a limit that leaves time to act",
    "active": "use the time periods of the monitoring core",
    "mute": "use a downtime in the monitoring core",
    "needs": "use the dependencies of the monitoring core",
}

SOURCE_KEYS = {
    "type": "what kind of source this is: see `checkmill plugins`",
    "labels": "labels of every sample of this source, beside `source`",
}
REPORTER_KEYS = {
    "type": "what kind of reporter this is: see `checkmill plugins`",
    "body": "template of what is delivered",
}
TOP_KEYS = ("sources", "reporters", "defaults", "checks")

#: What people write for a key, and the keys they may mean, of which the first that exists in the place counts.
_SYNONYMS = {
    "address": ("base_url",),
    "age": ("max_age",),
    "agg": ("aggregate",),
    "alias": ("as",),
    "allow": ("tolerate",),
    "allowed": ("tolerate",),
    "also": ("and",),
    "api_key": ("token",),
    "apikey": ("token",),
    "args": ("query",),
    "by": ("each",),
    "ca": ("ca_file",),
    "cacert": ("ca_file",),
    "check": ("name",),
    "concurrency": ("workers",),
    "condition": ("and",),
    "conditions": ("and",),
    "count": ("expect",),
    "critical": ("crit",),
    "cron": ("interval",),
    "deadline": ("timeout",),
    "description": ("text",),
    "display": ("as",),
    "display_name": ("as",),
    "driver": ("type",),
    "endpoint": ("base_url",),
    "error": ("crit",),
    "every": ("interval",),
    "exclude": ("except",),
    "expire": ("forget",),
    "filter": ("where",),
    "frequency": ("interval",),
    "func": ("aggregate",),
    "function": ("aggregate",),
    "ge": ("above",),
    "greater": ("above",),
    "group_by": ("each",),
    "groupby": ("each",),
    "gt": ("above",),
    "gte": ("above",),
    "host": (
        "base_url",
        "where",
    ),
    "hosts": ("where",),
    "id": ("name",),
    "ignore": ("except",),
    "include": ("where",),
    "item": ("metric",),
    "key": ("token",),
    "kind": ("type",),
    "labels": ("where",),
    "le": ("below",),
    "levels": ("above",),
    "limit": ("above",),
    "limits": ("above",),
    "lt": ("below",),
    "lte": ("below",),
    "match": ("where",),
    "matches": ("where",),
    "matching": ("where",),
    "max": ("above",),
    "measure": ("metric",),
    "message": ("text",),
    "min": ("below",),
    "no_data": ("on_empty",),
    "nodata": ("on_empty",),
    "not": ("except",),
    "notify": ("report",),
    "on_fail": ("on_error",),
    "on_failure": ("on_error",),
    "on_nodata": ("on_empty",),
    "only": ("where",),
    "options": ("query",),
    "output": ("text",),
    "over": ("above",),
    "parallel": ("workers",),
    "parameters": ("query",),
    "params": ("query",),
    "password": ("token",),
    "per": ("each",),
    "percentile": ("aggregate",),
    "period": ("interval",),
    "plugin": ("type",),
    "project": ("pcode",),
    "rate_limit": ("rate",),
    "rules": ("checks",),
    "schedule": ("interval",),
    "secret": ("token",),
    "select": ("where",),
    "selector": ("where",),
    "send_to": ("report",),
    "server": ("base_url",),
    "service": ("source",),
    "skip": ("except",),
    "split_by": ("each",),
    "stale": ("max_age",),
    "statistic": ("aggregate",),
    "tag": ("tags",),
    "tags": ("labels",),
    "target": ("report",),
    "threshold": ("above",),
    "thresholds": ("above",),
    "title": ("name",),
    "to": ("report",),
    "ttl": ("interval",),
    "under": ("below",),
    "unless": ("except",),
    "url": ("base_url",),
    "value": ("above",),
    "vendor": ("type",),
    "verify": ("ca_file",),
    "warning": ("warn",),
    "without": ("except",),
    "words": ("states",),
}


def nearest(word: str, names: Iterable[str]) -> str:
    """The name that was probably meant, or nothing: a synonym first, then what is spelt alike."""
    known = list(names)
    for synonym in _SYNONYMS.get(word.lower(), ()):
        if synonym in known:
            return synonym
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return close[0] if close else ""


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """A hint for a name that is not known: the nearest one, or all there are when they are few."""
    known = sorted(names)
    guess = nearest(word, known)
    if guess:
        return f"did you mean {guess!r}?"
    if not known:
        return "none is known"
    return f"known: {', '.join(known[:12])}" + (", ..." if len(known) > 12 else "")
