"""The JSON Schema of rule files, made from the same declarations that reading uses, for editors to complete by.

It is draft-07, which every editor's server speaks. A check names its source, and a schema cannot look names up: what
a metric allows is the union over the types that have it. Metrics that allow the same share one condition.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeAlias

from checkmill.model.builtin import metrics_of
from checkmill.model.job import JOBS
from checkmill.model.reporter import Reporter
from checkmill.model.source import Metric, Source
from checkmill.steps.reading.keys import CHECK_KEYS, DEFINITIONS, REPORTER_KEYS, SOURCE_KEYS, Key
from checkmill.steps.reading.validation import adapter_of

if TYPE_CHECKING:
    from checkmill.host import Host

log = logging.getLogger("checkmill.reading")

Schema: TypeAlias = dict[str, Any]
#: Metrics by name, each of every type that has it.
Offered: TypeAlias = dict[str, list[tuple[Source[Any], Metric[Any, Any, Any]]]]

_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{"}
_REFERENCE_OR_TEMPLATE: Schema = {"type": "string", "pattern": r"\$\{|\{\{|\{%"}
_EXTENSION: Schema = {"^x-": {}}
_STATE_WORD: Schema = {"enum": ["ok", "warn", "crit", "unknown"]}
_PATTERN: Schema = {"$ref": "#/$defs/pattern"}
#: What `metric` decides in a check alone, and wherever one stands: in a further condition too.
_BY_METRIC = ({"$ref": "#/$defs/check-by-metric"}, {"$ref": "#/$defs/condition-by-metric"})
_CONDITION: Schema = {"properties": {"metric": {"$ref": "#/$defs/check.metric"}}, "allOf": [_BY_METRIC[1]]}


def schema_of(host: Host) -> Schema:
    """The schema for all working plugins of a host."""
    sources = host.sources()
    reporters = [plugin.reporter for plugin in host.plugins() if plugin.reporter is not None]
    definitions: Schema = {**DEFINITIONS}
    metrics: Offered = {}
    for source in sources:
        for metric in metrics_of(source):
            metrics.setdefault(metric.name, []).append((source, metric))
    metric_name: Schema = {"enum": sorted(metrics)} if metrics else {"type": "string"}
    special = {"metric": metric_name, "report": _report(reporters, definitions)}
    definitions.update({f"check.{key.name}": _check_key(key, special) for key in CHECK_KEYS})
    check = {key.name: {"$ref": f"#/$defs/check.{key.name}"} for key in CHECK_KEYS}
    definitions["check-by-metric"] = _all_of(_check_by_metric(metrics, definitions))
    definitions["condition-by-metric"] = _all_of(_condition_by_metric(metrics, definitions))
    defaults = {name: schema for name, schema in check.items() if name != "name"}
    check_item: Schema = {"required": ["name"], "properties": check, "allOf": [*_BY_METRIC]}
    top = {
        "sources": _named("source", {one.type: _source(one, definitions) for one in sources}, definitions),
        "reporters": _named("reporter", {one.type: _reporter(one, definitions) for one in reporters}, definitions),
        "defaults": {**_map(), "properties": defaults, "allOf": [*_BY_METRIC]},
        "checks": {"type": "array", "items": {**_map(), **check_item}},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Checkmill rule file",
        **_map(),
        "patternProperties": _EXTENSION,
        "properties": {name: {"description": _TOP[name], **schema} for name, schema in top.items()},
        "$defs": definitions,
    }


_TOP = {
    "sources": "what is measured from: a name for each, with its type and settings",
    "reporters": "where results are pushed: a name for each, with its type and settings",
    "defaults": "keys for all checks of this file",
    "checks": "the rules",
}


def _map() -> Schema:
    return {"type": "object", "additionalProperties": False}


def _check_key(key: Key, special: dict[str, Schema]) -> Schema:
    value = dict(special.get(key.name, key.schema))
    if key.name == "and":
        value = {"allOf": [value, {"items": _CONDITION, **_CONDITION}]}
    described = {**value, "description": f"{key.meaning} (default: {key.default})"}
    return described if key.name == "name" else _or(described, _REFERENCE)


# What a metric decides


def _check_by_metric(metrics: Offered, definitions: Schema) -> Iterator[Schema]:
    """One condition for all metrics that have the same labels, and one for those of the same words."""
    for names, labels in _grouped(metrics, _labels):
        selection, each = ".".join(("labels", *labels)), ".".join(("each", *labels))
        definitions[selection] = _selection(labels)
        definitions[each] = _each(labels)
        selections = {key: {"$ref": f"#/$defs/{selection}"} for key in ("where", "except")}
        decided = {**selections, "each": {"$ref": f"#/$defs/{each}"}, "overrides": _one_or_several(selections)}
        yield _if_metric(names, decided)
    for names, words in _grouped(metrics, _words):
        if words:
            yield _if_metric(names, {"overrides": _one_or_several({"states": _states(words)})})


def _condition_by_metric(metrics: Offered, definitions: Schema) -> Iterator[Schema]:
    """One condition for all metrics of the same query, and one for those of the same words."""
    for names, kinds in _grouped(metrics, lambda _, metric: [metric.dataset.query_type]):
        yield _if_metric(names, {"query": _query(kinds, definitions)})
    for names, words in _grouped(metrics, _words):
        if words:
            yield _if_metric(names, {"states": _states(words)})


def _all_of(conditions: Iterable[Schema]) -> Schema:
    several = [*conditions]
    return {"allOf": several} if several else {}


def _one_or_several(properties: Schema) -> Schema:
    return {"properties": properties, "items": {"properties": properties}}


def _labels(source: Source[Any], metric: Metric[Any, Any, Any]) -> tuple[str, ...]:
    """The labels of a metric's samples, and of the inventory in which they are found again."""
    inventory = source.inventory
    return (*metric.labels, *(inventory.labels if inventory is not None and inventory.key in metric.labels else ()))


def _words(_: Source[Any], metric: Metric[Any, Any, Any]) -> Iterable[str]:
    return metric.states or ()


def _states(words: tuple[str, ...]) -> Schema:
    return {"properties": dict.fromkeys(words, _STATE_WORD)}


def _grouped(
    metrics: Offered, decided: Callable[[Source[Any], Metric[Any, Any, Any]], Iterable[Any]]
) -> list[tuple[list[str], tuple[Any, ...]]]:
    """The names of the metrics for which the same is decided, over all types that have them, and what it is."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name, kinds in metrics.items():
        union = tuple(dict.fromkeys(one for kind in kinds for one in decided(*kind)))
        groups.setdefault(union, []).append(name)
    return [(sorted(names), values) for values, names in groups.items()]


def _if_metric(names: list[str], properties: Schema) -> Schema:
    return {"if": _is("metric", names), "then": {"properties": properties}}


def _is(key: str, values: list[str]) -> Schema:
    # A pattern, since servers take the beginning of an enumerated word for the whole while they complete.
    return {"required": [key], "properties": {key: {"pattern": f"^(?:{'|'.join(values)})$"}}}


def _selection(labels: tuple[str, ...]) -> Schema:
    # A source may carry labels of its own, so that others are no mistake; these are what an editor offers.
    one = {"properties": dict.fromkeys((*labels, "source"), _PATTERN), "additionalProperties": _PATTERN}
    return {"anyOf": [{"type": "object", **one}, {"type": "array", "items": {"type": "object", **one}}, _REFERENCE]}


def _each(labels: tuple[str, ...]) -> Schema:
    label = {"anyOf": [{"enum": [*labels, "source"]}, {"type": "string"}]}
    return {"anyOf": [label, {"type": "array", "items": label}]}


def _query(kinds: tuple[type[Any], ...], definitions: Schema) -> Schema:
    properties: Schema = {}
    for kind in kinds:
        written = _written(kind, f"query.{kind.__module__}.{kind.__qualname__}", definitions)
        if written is None:
            return {"type": "object"}
        for name, schema in written.get("properties", {}).items():
            properties.setdefault(name, _or(schema, _REFERENCE))
    return {"anyOf": [{**_map(), "properties": properties}, _REFERENCE]} if properties else {**_map()}


# Sources and reporters


def _named(what: str, kinds: dict[str, Schema], definitions: Schema) -> Schema:
    """A map of names to settings, each by its type."""
    keys = SOURCE_KEYS if what == "source" else REPORTER_KEYS
    if not kinds:
        return {"type": "object", "additionalProperties": {"type": "object"}}
    for name, schema in kinds.items():
        definitions[f"{what}.{name}"] = schema
    type_of = {**_or({"enum": sorted(kinds)}, _REFERENCE), "description": keys["type"]}
    chosen = [{"if": _is("type", [name]), "then": {"$ref": f"#/$defs/{what}.{name}"}} for name in sorted(kinds)]
    one = {"type": "object", "required": ["type"], "properties": {"type": type_of}, "allOf": chosen}
    return {"type": "object", "additionalProperties": one}


def _source(source: Source[Any], definitions: Schema) -> Schema:
    labels: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    if source is JOBS:
        own = {"type": {"description": SOURCE_KEYS["type"]}, "labels": {**labels, "description": SOURCE_KEYS["labels"]}}
        return {**_map(), "description": source.help, "properties": own}
    return _kind(source, SOURCE_KEYS, {"labels": labels}, definitions)


def _reporter(reporter: Reporter[Any, Any], definitions: Schema) -> Schema:
    return _kind(reporter, REPORTER_KEYS, {"body": {"type": "string"}}, definitions)


def _kind(kind: Source[Any] | Reporter[Any, Any], keys: dict[str, str], own: Schema, definitions: Schema) -> Schema:
    written = _written(kind.settings, kind.type, definitions)
    if written is None:
        return {"type": "object", "description": kind.help}
    settings = {name: _or(schema, _REFERENCE) for name, schema in written.get("properties", {}).items()}
    described = {name: {**schema, "description": keys[name]} for name, schema in own.items()}
    required = [name for name in written.get("required", []) if name in {one.name for one in fields(kind.settings)}]
    return {
        **_map(),
        "description": kind.help,
        "required": required,
        "properties": {"type": {"description": keys["type"]}, **described, **settings},
    }


def _report(reporters: list[Reporter[Any, Any]], definitions: Schema) -> Schema:
    """Where results go: a reporter by name, and the keys of a target of any type."""
    to = {"type": "string", "description": "name of a reporter"}
    properties: Schema = {"to": to}
    target: Schema = {"type": "object", "required": ["to"], "properties": properties}
    complete = bool(reporters)
    for reporter in reporters:
        written = _written(reporter.target, f"{reporter.type}.target", definitions)
        complete = complete and written is not None
        for name, schema in (written or {}).get("properties", {}).items():
            properties.setdefault(name, _or(schema, _REFERENCE_OR_TEMPLATE))
    if complete:
        target["additionalProperties"] = False
    return {"anyOf": [{"type": "array", "minItems": 1, "items": target}, target]}


# What plugins declare


def _written(kind: type[Any], prefix: str, definitions: Schema) -> Schema | None:
    """The schema of a plugin's dataclass, its definitions put among ours; None when it has none."""
    try:
        written = adapter_of(kind).json_schema(ref_template=f"#/$defs/{prefix}.{{model}}")
    except Exception:  # the wall round a plugin: its own types need not have a schema, and the others do
        log.debug("%s.%s has no JSON Schema", kind.__module__, kind.__qualname__, exc_info=True)
        return None
    definitions.update({f"{prefix}.{name}": schema for name, schema in written.get("$defs", {}).items()})
    return written


def _or(schema: Schema, other: Schema) -> Schema:
    """Every setting may be something else instead, such as a `${...}`; none may be empty."""
    outer: Schema = {name: schema[name] for name in ("description", "default") if schema.get(name) is not None}
    inner = {name: value for name, value in schema.items() if name not in {"description", "default", "title"}}
    kinds = inner.get("type", ())
    if "string" in ([kinds] if isinstance(kinds, str) else kinds) and not {"enum", "pattern", "const"} & inner.keys():
        return {**outer, **inner}
    alternatives = inner["anyOf"] if [*inner] == ["anyOf"] else [inner]
    return {**outer, "anyOf": [*(one for one in alternatives if one != {"type": "null"}), other]}
