"""The JSON Schema for editors is made from the keys that reading knows, and allows what reading accepts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkmill.host import Host
from checkmill.steps.reading.composing import parse
from checkmill.steps.reading.keys import CHECK_KEYS, NOT_YET, TOP_KEYS
from checkmill.steps.reading.nodes import data_of
from checkmill.steps.reading.schema import schema_of
from support.rulefiles import HEAD, book_of, problems_of, vendors

SCHEMA = schema_of(vendors())
KINDS = {"string": str, "integer": int, "number": (int, float), "object": dict, "array": list, "boolean": bool}


def _accepts(schema: dict[str, Any], value: Any) -> bool:
    """As much of JSON Schema as the rule file's uses; any other keyword is an error."""
    return all(_holds(keyword, said, schema, value) for keyword, said in schema.items())


def _holds(keyword: str, said: Any, schema: dict[str, Any], value: Any) -> bool:
    match keyword:
        case "type":
            names = [said] if isinstance(said, str) else said
            is_bool = isinstance(value, bool)
            return any(
                value is None if name == "null" else isinstance(value, KINDS[name]) and (name == "boolean") == is_bool
                for name in names
            )
        case "const":
            return bool(value == said)
        case "enum":
            return value in said
        case "anyOf":
            return any(_accepts(one, value) for one in said)
        case "oneOf":
            return sum(_accepts(one, value) for one in said) == 1
        case "$ref":
            return _accepts(SCHEMA["$defs"][said.removeprefix("#/$defs/")], value)
        case "pattern":
            return not isinstance(value, str) or re.search(said, value) is not None
        case "items":
            return not isinstance(value, list) or all(_accepts(said, item) for item in value)
        case "properties":
            return not isinstance(value, dict) or all(_accepts(said[key], value[key]) for key in value if key in said)
        case "additionalProperties":
            known = schema.get("properties", {})
            patterns = schema.get("patternProperties", {})
            others = [key for key in value if key not in known and not any(re.search(one, key) for one in patterns)]
            return not others if said is False else all(_accepts(said, value[key]) for key in others)
        case "required":
            return not isinstance(value, dict) or all(key in value for key in said)
        case "minProperties" | "minItems":
            return not isinstance(value, dict | list) or len(value) >= said
        case "minimum":
            return not isinstance(value, int | float) or value >= said
        case "$schema" | "$defs" | "title" | "description" | "default" | "examples" | "patternProperties" | "format":
            return True
    raise AssertionError(f"{keyword} is not known to this test")


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from _schemas(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _schemas(inner)


GOOD = (
    HEAD
    + """
x-anything: [1]
defaults: {interval: 5m, on_error: crit}
checks:
- name: a
  source: [shop, 'shop-*']
  metric: cpu
  above: {warn: 80%, crit: 90}
  below: 5
  where: [{host: [web-1, {regex: 'db-.'}]}, {env: 5}]
  except: {host: a}
  each: host
  expect: [a, 5]
  on_empty: ok
  on_missing: warn
  timeout: 5
  as: {service: 's', host: h}
  text: t
  details: d
  report: [{to: pager, scenario: a}]
  tags: [a, b]
- {name: b, source: shop, metric: server_status, states: {fatal: warn}, expect: 3}
- {name: c, source: shop, metric: cpu_avg, query: {window: 5m}, range: '10:20', above: '${LIMIT}', each: [host]}
"""
)


def _written(text: str) -> Any:
    root, problems = parse(text, "f")
    assert root is not None
    assert problems == []
    return data_of(root)


def test_every_key_of_a_check_is_there_with_what_it_means() -> None:
    keys = SCHEMA["properties"]["checks"]["items"]["properties"]
    assert list(keys) == [key.name for key in CHECK_KEYS]
    assert all(key.meaning in keys[key.name]["description"] for key in CHECK_KEYS)
    assert set(SCHEMA["properties"]) == set(TOP_KEYS)
    assert not set(keys) & set(NOT_YET)
    assert set(SCHEMA["properties"]["defaults"]["properties"]) == set(keys) - {"name"}


def test_every_setting_of_a_type_is_there_with_what_it_means() -> None:
    kinds = SCHEMA["properties"]["sources"]["additionalProperties"]["oneOf"]
    cloud = next(kind for kind in kinds if kind["title"] == "cloud")
    assert {"type", "labels", "pcode", "token", "timeout", "base_url", "zones"} <= set(cloud["properties"])
    assert cloud["required"] == ["type", "pcode", "token"]
    assert [
        name for name, said in cloud["properties"].items() if not said.get("description") and name != "base_url"
    ] == []


def test_rule_file_that_is_read_is_a_rule_file_by_the_schema(tmp_path: Path) -> None:
    assert problems_of(book_of(tmp_path, GOOD)) == []
    assert _accepts(SCHEMA, _written(GOOD))


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("above: {warn: 80%, crit: 90}", "above: {warning: 80%}"),
        ("above: {warn: 80%, crit: 90}", "above: []"),
        ("on_empty: ok", "on_empty: fine"),
        ("except: {host: a}", "exclude: {host: a}"),
        ("metric: cpu_avg", "metric: cpu_average"),
        ("to: pager, ", ""),
        ("pcode: 2", "pcode: [2]"),
        ("pcode: 2, ", ""),
        ("type: site", "type: sight"),
        ("name: b", "name: b b"),
        ("expect: 3", "expect: 0"),
        ("x-anything", "y-anything"),
        ("timeout: 5", "overrides: []"),
    ],
)
def test_what_is_refused_is_refused_by_the_schema_too(written: str, instead: str, tmp_path: Path) -> None:
    text = GOOD.replace(written, instead)
    assert text != GOOD
    assert problems_of(book_of(tmp_path, text)) != []
    assert not _accepts(SCHEMA, _written(text))


@pytest.mark.parametrize("host", [vendors(), Host(), Host([])], ids=["two vendors", "installed", "no plugin"])
def test_schema_is_json_whose_references_lead_somewhere(host: Host) -> None:
    schema = schema_of(host)
    assert json.loads(json.dumps(schema)) == schema
    references = {one["$ref"] for one in _schemas(schema) if isinstance(one.get("$ref"), str)}
    assert references <= {f"#/$defs/{name}" for name in schema["$defs"]}
    assert [one for one in _schemas(schema) if one.get("enum") == []] == []
