"""The JSON Schema of rule files, made from the same declarations that reading uses, for editors to complete by."""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from checkmill.model.reporter import Reporter
from checkmill.model.source import Source
from checkmill.steps.reading.keys import CHECK_KEYS, DEFINITIONS, REPORTER_KEYS, SOURCE_KEYS, Key
from checkmill.steps.reading.validation import adapter_of

if TYPE_CHECKING:
    from checkmill.host import Host

log = logging.getLogger("checkmill.reading")

_REFERENCE = {"type": "string", "pattern": r"\$\{"}
_EXTENSION: dict[str, Any] = {"^x-": {}}


def schema_of(host: Host) -> dict[str, Any]:
    """The schema for all working plugins of a host."""
    plugins = host.plugins()
    sources = [plugin.source for plugin in plugins if plugin.source is not None]
    reporters = [plugin.reporter for plugin in plugins if plugin.reporter is not None]
    names = sorted({metric.name for source in sources for metric in source.metrics})
    check = {key.name: _check_key(key, names) for key in CHECK_KEYS}
    definitions: dict[str, Any] = dict(DEFINITIONS)
    defaults = {name: schema for name, schema in check.items() if name != "name"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Checkmill rule file",
        "type": "object",
        "additionalProperties": False,
        "patternProperties": _EXTENSION,
        "properties": {
            "sources": _named([_source(source, definitions) for source in sources]),
            "reporters": _named([_reporter(reporter, definitions) for reporter in reporters]),
            "defaults": {"type": "object", "additionalProperties": False, "properties": defaults},
            "checks": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["name"],
                    "properties": check,
                },
            },
        },
        "$defs": definitions,
    }


def _check_key(key: Key, metrics: list[str]) -> dict[str, Any]:
    value = dict(key.schema)
    if key.name == "metric" and metrics:
        value["enum"] = metrics
    described = {**value, "description": f"{key.meaning} (default: {key.default})"}
    return described if key.name == "name" else _or_reference(described)


def _named(kinds: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"oneOf": kinds} if kinds else {"type": "object"}}


def _source(source: Source[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    labels = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    return _kind(source, SOURCE_KEYS, {"labels": labels}, definitions)


def _reporter(reporter: Reporter[Any, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return _kind(reporter, REPORTER_KEYS, {"body": {"type": "string"}}, definitions)


def _kind(
    kind: Source[Any] | Reporter[Any, Any], keys: dict[str, str], own: dict[str, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    try:
        written = adapter_of(kind.settings).json_schema(ref_template=f"#/$defs/{kind.type}.{{model}}")
    except Exception:  # the wall round a plugin: its own types need not have a schema, and the others do
        log.debug("the settings of type %s have no JSON Schema", kind.type, exc_info=True)
        properties = {"type": {"const": kind.type}}
        return {"type": "object", "title": kind.type, "required": ["type"], "properties": properties}
    definitions.update({f"{kind.type}.{name}": schema for name, schema in written.get("$defs", {}).items()})
    settings = {name: _or_reference(schema) for name, schema in written.get("properties", {}).items()}
    described = {name: {**schema, "description": keys[name]} for name, schema in own.items()}
    required = [name for name in written.get("required", []) if name in {one.name for one in fields(kind.settings)}]
    return {
        "type": "object",
        "title": kind.type,
        "description": kind.help,
        "additionalProperties": False,
        "required": ["type", *required],
        "properties": {"type": {"const": kind.type, "description": keys["type"]}, **described, **settings},
    }


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """Every setting may be a `${...}` instead."""
    outer: dict[str, Any] = {name: schema[name] for name in ("description", "default", "title") if name in schema}
    inner = {name: value for name, value in schema.items() if name not in outer}
    kinds = inner.get("type", ())
    if "string" in ([kinds] if isinstance(kinds, str) else kinds) and not {"enum", "pattern", "const"} & inner.keys():
        return schema
    return {**outer, "anyOf": [inner, _REFERENCE]}
