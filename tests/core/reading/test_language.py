"""Overrides, conditions, aggregates, tolerance, ages, inventories and targets: what is written as the rule it is."""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from checkmill.host import Host
from checkmill.model.levels import Levels, Limits
from checkmill.model.rule import Expect, Rule, Several, Tolerance, Tolerate
from checkmill.model.state import State
from support.rulefiles import book_of, problems_of

HEAD = """\
sources:
  east: {type: fleet, base_url: "https://east.example", labels: {env: prod}}
  west: {type: fleet, base_url: "https://west.example", labels: {env: dev}}
reporters:
  rooms: {type: rooms, base_url: "https://rooms.example"}
checks:
- name: c
"""


def _host() -> Host:
    return Host(entry_points=[EntryPoint(name, "support.fleet_vendor", "checkmill") for name in ("fleet", "rooms")])


def _written(check: str) -> str:
    keys = {line.partition(":")[0] for line in check.splitlines()}
    head = [line for line in ("source: east", "metric: cpu") if line.partition(":")[0] not in keys]
    return HEAD + "".join(f"  {line}\n" for line in [*head, *check.splitlines()])


def rule_of(directory: Path, check: str) -> Rule:
    book = book_of(directory, _written(check), host=_host())
    rule = book.rule("c")
    assert rule is not None, "\n".join(map(str, book.problems))
    assert book.problems == []
    return rule


def said_of(directory: Path, check: str) -> list[str]:
    said = problems_of(book_of(directory, _written(check), host=_host()))
    return [line.removeprefix("rules.yaml:") for line in said]


@pytest.mark.parametrize(
    ("check", "given"),
    [
        ("aggregate: p95\nabove: 80", {"aggregate": "p95", "levels": Levels(above=Limits(None, 80.0))}),
        ("aggregate: count\nabove: 5", {"aggregate": "count", "levels": Levels(above=Limits(None, 5.0))}),
        ("aggregate: sum\nabove: 500%", {"levels": Levels(above=Limits(None, 500.0))}),
        ("tolerate: 2", {"tolerate": Tolerate(Tolerance(2), Tolerance(2))}),
        ("tolerate: '2'", {"tolerate": Tolerate(Tolerance(2), Tolerance(2))}),
        ("tolerate: 10%", {"tolerate": Tolerate(Tolerance(percent=10), Tolerance(percent=10))}),
        ("tolerate: {warn: 5%, crit: 2}", {"tolerate": Tolerate(Tolerance(percent=5), Tolerance(2))}),
        ("tolerate: {crit: 2.5%}", {"tolerate": Tolerate(Tolerance(), Tolerance(percent=2.5))}),
        ("each: host\ntolerate: 10%", {"each": ("host",)}),
        ("each: host\nforget: 2h", {"forget_s": 7200.0}),
        ("each: host", {"forget_s": 86400.0, "max_age_s": None, "on_stale": State.UNKNOWN}),
        ("max_age: 5m\non_stale: warn", {"max_age_s": 300.0, "on_stale": State.WARNING}),
        ("metric: disk_used\non_stale: crit", {"max_age_s": None, "on_stale": State.CRITICAL}),
        ("expect: all", {"expect": Expect(all=True), "on_missing": State.CRITICAL}),
        ("each: tag", {"each": ("tag",)}),
    ],
)
def test_keys(check: str, given: dict[str, Any], tmp_path: Path) -> None:
    rule = rule_of(tmp_path, check)
    assert {name: getattr(rule, name) for name in given} == given


def test_overrides_are_read_in_order(tmp_path: Path) -> None:
    rule = rule_of(
        tmp_path,
        "above: 90\noverrides:\n- {where: {host: 'batch-*'}, above: {warn: 95, crit: 99%}}\n"
        "- {except: {env: prod}, range: '10:20'}\n- {where: [{tag: lab}, {host: x}], below: 5}",
    )
    first, second, third = rule.overrides
    assert first.levels == Levels(above=Limits(95.0, 99.0))
    assert [first.matches({"host": host}) for host in ("batch-1", "web-1")] == [True, False]
    assert [second.matches({"env": env}) for env in ("prod", "dev")] == [False, True]
    assert [third.matches({"tag": tag}) for tag in (Several(("a", "lab")), "a")] == [True, False]


@pytest.mark.parametrize("written", ["{metric: disk_free_bytes, below: 20GiB, query: {window: 60}}", "[{}]"])
def test_further_conditions_may_be_one_or_many(written: str, tmp_path: Path) -> None:
    one = "{metric: disk_free_bytes, below: 20GiB, query: {window: 60}}"
    rule = rule_of(tmp_path, f"source: '*st'\nmetric: disk_used\nabove: 90\nand: {written.replace('{}', one)}")
    (condition,) = rule.conditions
    assert condition.levels == Levels(below=Limits(None, 20.0 * 2**30))
    assert [(own.source.name, own.query.window) for own in condition.readings] == [("east", 60), ("west", 60)]
    assert [own.fetch.dataset.name for own in rule.all_readings] == ["series"] * 4


@pytest.mark.parametrize(
    ("check", "listed"),
    [
        ("each: host", []),
        ("where: {host: a}", []),
        ("where: {env: prod}", []),
        ("where: {tag: web}", ["east"]),
        ("except: {team: a}", ["east"]),
        ("above: 5\noverrides: [{where: {tag: web}, above: 9}]", ["east"]),
        ("each: [host, team]", ["east"]),
        ("expect: all", ["east"]),
        ("source: '*'\nwhere: {tag: web}", ["east", "west"]),
        ("each: host\nas: {service: '{{ labels.team }}'}", ["east"]),
        ("each: host\nas: {host: '{{ labels[\"team\"] }}'}", ["east"]),
        ("each: host\ntext: '{{ labels.host }} {{ labels.source }}'", []),
        ("each: host\nreport: {to: rooms, room: '{{ labels.team }}'}", ["east"]),
        ("metric: agents\nwhere: {env: prod}", []),
    ],
)
def test_the_inventory_is_read_only_where_it_is_needed(check: str, listed: list[str], tmp_path: Path) -> None:
    rule = rule_of(tmp_path, check)
    assert list(rule.inventories) == listed
    assert [own.fetch.dataset.name for own in rule.inventories.values()] == ["machines"] * len(listed)


LABELLESS = (
    "10:11: checks[0].expect: 'all' expects each host of the inventory, and 'agents' has no such label; remove the key"
)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("metric: agents\nexpect: all", LABELLESS),
        ("metric: agents\nwhere: {tag: a}", "10:11: checks[0].where.tag: unknown label 'tag'; known: env, source"),
        ("where: {tags: a}", "10:11: checks[0].where.tags: unknown label 'tags'; did you mean 'tag'?"),
        ("report: {to: rooms, room: '{{ labels.team }}', floor: high}",
         "10:57: checks[0].report.floor: a whole number is expected, found 'high'"),
        ("report: {to: rooms, floor: '{{ labels.team }}'}", "10:11: checks[0].report: 'room' is missing"),
        ("report: {to: rooms, room: 'a b'}", "10:11: checks[0].report: the room 'a b' has a blank in it"),
    ],
    ids=lambda value: value.splitlines()[0],
)  # fmt: skip
def test_what_the_inventory_and_targets_cannot_do_is_told(check: str, said: str, tmp_path: Path) -> None:
    assert said_of(tmp_path, check) == [said]


def test_source_up_shares_the_fetch_of_the_inventory(tmp_path: Path) -> None:
    up = rule_of(tmp_path, "source: '*'\nmetric: source_up\neach: source")
    tagged = rule_of(tmp_path, "source: '*'\nwhere: {tag: a}")
    assert {own.fetch.key for own in up.readings} == {own.fetch.key for own in tagged.inventories.values()}
    assert up.levels == Levels(states={"up": State.OK, "down": State.CRITICAL})


def test_a_target_with_templates_is_kept_as_it_is_written(tmp_path: Path) -> None:
    (report,) = rule_of(tmp_path, "report: {to: rooms, room: 'x-{{ labels.team }}', floor: 3}").reports
    assert report.target is None
    assert report.key == {"room": "x-{{ labels.team }}", "floor": 3}


DEFAULTS = (
    HEAD.removesuffix("checks:\n- name: c\n")
    + """
defaults: {source: east, metric: cpu, above: 80, overrides: [{where: {host: a}, above: 90}], tolerate: 1}
checks:
- name: bare
- {name: own, above: 50}
- {name: both, above: 50, overrides: [{where: {host: b}, above: 60}]}
- {name: less, overrides: [{where: {host: b}, above: 60}]}
"""
)


def test_overrides_of_the_defaults_belong_to_the_levels_of_the_defaults(tmp_path: Path) -> None:
    book = book_of(tmp_path, DEFAULTS, host=_host())
    assert problems_of(book) == []
    rules = {name: book.rule(name) for name in book.drafts}
    found = {
        name: [override.levels.above and override.levels.above.crit for override in rule.overrides]
        for name, rule in rules.items()
        if rule is not None
    }
    assert found == {"bare": [90.0], "own": [], "both": [60.0], "less": [60.0]}


def test_anything_that_decides_changes_the_digest(tmp_path: Path) -> None:
    checks = ["above: 5", "above: 5\ntolerate: 1", "above: 5\naggregate: max", "above: 5\nmax_age: 5m"]
    checks += [f"above: 5\noverrides: [{{where: {{host: {host}}}, above: 6}}]" for host in "ab"]
    assert len({rule_of(tmp_path, check).digest for check in checks}) == len(checks)
