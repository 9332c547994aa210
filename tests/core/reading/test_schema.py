"""The JSON Schema for editors is made from the keys that reading knows, and allows what reading accepts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkmill.host import Host
from checkmill.model.builtin import metrics_of
from checkmill.model.job import JOBS
from checkmill.steps.reading.composing import parse
from checkmill.steps.reading.keys import CHECK_KEYS, NOT_YET, TOP_KEYS
from checkmill.steps.reading.nodes import data_of
from checkmill.steps.reading.schema import schema_of
from support.rulefiles import HEAD, book_of, installed_and_operations, problems_of, vendors
from support.vendors import CLOUD, SITE

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
        case "allOf":
            return all(_accepts(one, value) for one in said)
        case "if":
            return not _accepts(said, value) or _accepts(schema["then"], value)
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
        case "then":
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
    assert all(keys[key.name] == {"$ref": f"#/$defs/check.{key.name}"} for key in CHECK_KEYS)
    assert all(key.meaning in SCHEMA["$defs"][f"check.{key.name}"]["description"] for key in CHECK_KEYS)
    assert set(SCHEMA["properties"]) == set(TOP_KEYS)
    assert not set(keys) & set(NOT_YET)
    assert set(SCHEMA["properties"]["defaults"]["properties"]) == set(keys) - {"name"}


def test_every_setting_of_a_type_is_there_with_what_it_means() -> None:
    cloud = SCHEMA["$defs"]["source.cloud"]
    assert {"type", "labels", "pcode", "token", "timeout", "base_url", "zones"} <= set(cloud["properties"])
    assert cloud["required"] == ["pcode", "token"]
    assert set(SCHEMA["$defs"]["reporter.pager"]["properties"]) >= {"type", "body", "appkey", "timeout"}
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
        ("timeout: 5", "mute: []"),
        ("type: site", "zones: [a]"),
        ("window: 5m", "windw: 5m"),
        ("query: {window: 5m}", "query: 5m"),
        ("fatal: warn", "fatal: bad"),
        ("scenario: a", "scenari: a"),
        ("scenario: a", "repeat_unknown: 2"),
        ("where: [{host: ", "where: [{host: {a: 1}, other: "),
    ],
)
def test_what_is_refused_is_refused_by_the_schema_too(written: str, instead: str, tmp_path: Path) -> None:
    text = GOOD.replace(written, instead)
    assert text != GOOD
    assert problems_of(book_of(tmp_path, text)) != []
    assert not _accepts(SCHEMA, _written(text))


def _conditions(schema: dict[str, Any], decided: str) -> list[tuple[set[str], Any]]:
    """The metrics of each condition that decides a key, with what it says of it."""
    found = []
    for one in [*schema["$defs"]["check-by-metric"]["allOf"], *schema["$defs"]["condition-by-metric"]["allOf"]]:
        names = one["if"]["properties"]["metric"]["pattern"].removeprefix("^(?:").removesuffix(")$").split("|")
        if decided in one["then"]["properties"]:
            found.append((set(names), one["then"]["properties"][decided]))
    return found


@pytest.mark.parametrize("key", ["where", "except", "each", "query"])
def test_each_metric_is_decided_once(key: str) -> None:
    names = [name for group, _ in _conditions(SCHEMA, key) for name in group]
    assert sorted(names) == sorted(set(names))
    assert set(names) == {metric.name for source in (CLOUD, SITE, JOBS) for metric in metrics_of(source)}


@pytest.mark.parametrize(
    ("metric", "labels"),
    [
        ("cpu", ["host", "site", "source"]),
        ("disk_used", ["host", "mount", "source"]),
        ("inactive_agents", ["source"]),
        ("source_up", ["source"]),
    ],
)
def test_labels_are_those_of_the_metric_in_all_types_that_have_it(metric: str, labels: list[str]) -> None:
    (where,) = (said for names, said in _conditions(SCHEMA, "where") if metric in names)
    one, several, _ = SCHEMA["$defs"][where["$ref"].removeprefix("#/$defs/")]["anyOf"]
    assert list(one["properties"]) == labels
    assert list(several["items"]["properties"]) == labels
    (each,) = (said for names, said in _conditions(SCHEMA, "each") if metric in names)
    assert SCHEMA["$defs"][each["$ref"].removeprefix("#/$defs/")]["anyOf"][0]["anyOf"][0]["enum"] == labels


def test_words_are_those_of_the_metric() -> None:
    words = {tuple(sorted(names)): list(said["properties"]) for names, said in _conditions(SCHEMA, "states")}
    assert words == {
        ("job",): ["succeeded", "exit *", "killed by *", "timed out", "not started"],
        ("server_status",): ["normal", "warning", "fatal"],
        ("sla_broken",): ["broken", "fulfilled"],
        ("source_up",): ["up", "down"],
    }


def test_inventory_adds_its_labels_where_its_key_is_one() -> None:
    schema = schema_of(installed_and_operations())
    found = {name: said["$ref"] for names, said in _conditions(schema, "where") for name in names}
    assert found["agent_age"] == "#/$defs/labels.host.id.tag"
    assert found["failed_scenarios"] == "#/$defs/labels"


def test_setting_offers_neither_nothing_nor_null() -> None:
    timeout = SCHEMA["$defs"]["source.cloud"]["properties"]["timeout"]
    assert [one for one in _schemas(timeout) if one.get("type") == "null"] == []
    assert "default" not in timeout
    assert SCHEMA["$defs"]["source.cloud"]["properties"]["retries"]["default"] == 2


def test_schema_grows_with_what_is_declared_and_not_with_its_combinations() -> None:
    few, many = (len(json.dumps(schema_of(host))) for host in (vendors(), installed_and_operations()))
    metrics = sum(len(plugin.source.metrics) for plugin in installed_and_operations().plugins() if plugin.source)
    assert metrics > 100
    assert (many - few) / metrics < 600


@pytest.mark.parametrize(
    "host",
    [vendors(), Host(), installed_and_operations(), Host([])],
    ids=["two vendors", "installed", "the operations team's", "no plugin"],
)
def test_schema_is_json_whose_references_lead_somewhere(host: Host) -> None:
    schema = schema_of(host)
    assert json.loads(json.dumps(schema)) == schema
    references = {one["$ref"] for one in _schemas(schema) if isinstance(one.get("$ref"), str)}
    assert references <= {f"#/$defs/{name}" for name in schema["$defs"]}
    assert [one for one in _schemas(schema) if [] in (one.get("enum"), one.get("allOf"), one.get("anyOf"))] == []
