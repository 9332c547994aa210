"""Each key of a check in its good forms, as the rule that it becomes."""

import math
from pathlib import Path
from typing import Any

import pytest

from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.rule import Expect, Rule
from checkmill.model.state import State
from support.rulefiles import HEAD, book_of, problems_of, rule_of, with_check


def _above(warn: float | None = None, crit: float | None = None) -> Levels:
    return Levels(above=Limits(warn, crit))


@pytest.mark.parametrize(
    ("check", "levels"),
    [
        ("above: 90", _above(crit=90)),
        ("above: 90%", _above(crit=90)),
        ("above: '90 %'", _above(crit=90)),
        ("above: 0", _above(crit=0)),
        ("above: {warn: 80, crit: 90%}", _above(80, 90)),
        ("above: {warn: 80, crit: 80}", _above(80, 80)),
        ("above: {warn: 0}", _above(warn=0)),
        ("below: {warn: 20, crit: 10}", Levels(below=Limits(20.0, 10.0))),
        ("below: 100%", Levels(below=Limits(None, 100.0))),
        ("above: 90\nbelow: 10", Levels(above=Limits(None, 90.0), below=Limits(None, 10.0))),
        ("above: 50\nbelow: 50", Levels(above=Limits(None, 50.0), below=Limits(None, 50.0))),
        ("metric: memory_used_bytes\nabove: 20GiB", _above(crit=20 * 2**30)),
        ("metric: memory_used_bytes\nabove: 1.5kB", _above(crit=1500)),
        ("metric: net_traffic\nabove: {warn: 10MB/s, crit: 20M}", _above(1e7, 2e7)),
        ("metric: uptime\nbelow: 5m", Levels(below=Limits(None, 300.0))),
        ("metric: uptime\nbelow: 1w", Levels(below=Limits(None, 604800.0))),
        ("metric: inactive_agents\nabove: 2k", _above(crit=2000)),
        ("range: 10:20", Levels(range=Limits(None, Range(10, 20)))),
        ("range: {warn: '@80:90', crit: 90}", Levels(range=Limits(Range(80, 90, inside=True), Range(0, 90)))),
        ("metric: uptime\nrange: ~:10", Levels(range=Limits(None, Range(-math.inf, 10)))),
        ("range: 0x10", Levels(range=Limits(None, Range(0, 16)))),
        ("metric: inactive_agents", None),
    ],
)
def test_levels(check: str, levels: Levels | None, tmp_path: Path) -> None:
    assert rule_of(tmp_path, check).levels == levels


@pytest.mark.parametrize(
    ("states", "meaning"),
    [
        ("", {"normal": State.OK, "warning": State.WARNING, "fatal": State.CRITICAL}),
        ("{warning: crit}", {"normal": State.OK, "warning": State.CRITICAL, "fatal": State.CRITICAL}),
        ("{'*': unknown, normal: ok}", {"normal": State.OK, "*": State.UNKNOWN}),
        ("{'f*': warn}", {"normal": State.OK, "warning": State.WARNING, "f*": State.WARNING}),
    ],
    ids=["none", "one word", "any", "glob"],
)
def test_words_not_named_keep_the_metrics_meaning(states: str, meaning: dict[str, State], tmp_path: Path) -> None:
    written = f"\nstates: {states}" if states else ""
    levels = rule_of(tmp_path, f"metric: server_status{written}").levels
    assert levels is not None
    assert levels.states == meaning


@pytest.mark.parametrize(
    ("where", "selected"),
    [
        ("{host: web-1}", {"web-1"}),
        ("{host: 'web-*'}", {"web-1", "web-22"}),
        ("{host: 'WEB-*'}", set()),
        ("{host: [web-1, 'db-?']}", {"web-1", "db-1"}),
        ("{host: {regex: 'web-[0-9]'}}", {"web-1"}),
        ("{host: {regex: '.*-1|7'}}", {"web-1", "db-1", "7"}),
        ("{host: 7}", {"7"}),
        ("{host: 07}", set()),
        ("{host: 'caf\\u00e9'}", set()),
        ('{host: "caf\\u00e9"}', {"cafe\u0301"}),
        ("[{host: web-1}, {host: db-1, env: prod}, {host: 7, env: test}]", {"web-1", "db-1"}),
        ("{source: 'shop*', env: prod, host: '?*'}", {"web-1", "web-22", "db-1", "7", "cafe\u0301"}),
    ],
)
def test_where_selects_and_except_leaves_out(where: str, selected: set[str], tmp_path: Path) -> None:
    hosts = {"web-1", "web-22", "db-1", "7", "cafe\u0301"}

    def of(rule: Rule) -> set[str]:
        return {host for host in hosts if rule.selects({"host": host, "env": "prod", "source": "shop"})}

    assert of(rule_of(tmp_path, f"where: {where}")) == selected
    assert of(rule_of(tmp_path, f"except: {where}")) == hosts - selected


@pytest.mark.parametrize(
    ("check", "expect"),
    [
        ("each: host", Expect(seen=True)),
        ("tags: a", Expect()),
        ("each: host\nexpect: seen", Expect(seen=True)),
        ("expect: 3", Expect(count=3)),
        ("expect: '3'", Expect(count=3)),
        ("each: host\nexpect: [web-1, 7, web-1]", Expect(values=((("host", "web-1"),), (("host", "7"),)))),
        (
            "each: [source, host]\nexpect: [{host: a, source: shop}]",
            Expect(values=((("host", "a"), ("source", "shop")),)),
        ),
    ],
)
def test_expect(check: str, expect: Expect, tmp_path: Path) -> None:
    assert rule_of(tmp_path, check).expect == expect


@pytest.mark.parametrize(
    ("check", "names"),
    [
        ("source: shop", ["shop"]),
        ("source: [shop-2, shop, shop-2]", ["shop-2", "shop"]),
        ("source: 'shop*'", ["shop", "shop-2"]),
        ("source: [shop-2, '*']", ["shop-2", "shop", "office"]),
    ],
)
def test_source_may_be_a_list_or_a_glob(check: str, names: list[str], tmp_path: Path) -> None:
    rule = rule_of(tmp_path, check)
    assert [reading.source.name for reading in rule.readings] == names
    assert [reading.metric.name for reading in rule.readings] == ["cpu"] * len(names)


@pytest.mark.parametrize(
    ("check", "given"),
    [
        ("tags: a", {"on_empty": State.UNKNOWN, "on_missing": State.CRITICAL, "on_error": State.UNKNOWN}),
        ("each: host", {"on_missing": State.UNKNOWN}),
        ("expect: 2\non_missing: warn", {"on_missing": State.WARNING}),
        ("on_empty: ok\non_error: crit", {"on_empty": State.OK, "on_error": State.CRITICAL}),
        ("tags: a", {"interval_s": 30.0, "timeout_s": 5.0, "tags": ("a",), "each": ()}),
        ("metric: cpu_avg", {"interval_s": 60.0, "timeout_s": 8.0}),
        ("interval: 5m\ntimeout: 1500ms", {"interval_s": 300.0, "timeout_s": 1.5}),
        ("interval: 90", {"interval_s": 90.0}),
        ("each: [host, source, env]", {"each": ("host", "source", "env")}),
        ("as: {service: '{{ check }} {{ labels.env }} {{ labels.source }}', host: web}", {"host_template": "web"}),
        ("text: hello\ndetails: 5", {"text_template": "hello", "details_template": "5"}),
        ("tags: [a, b, a]", {"tags": ("a", "b")}),
    ],
)
def test_other_keys(check: str, given: dict[str, Any], tmp_path: Path) -> None:
    rule = rule_of(tmp_path, check)
    assert {name: getattr(rule, name) for name in given} == given


@pytest.mark.parametrize(("query", "window"), [("", 300.0), ("\nquery: {window: 10m}", 600.0)], ids=["none", "10m"])
def test_query_is_read_into_the_metrics_own(query: str, window: float, tmp_path: Path) -> None:
    assert rule_of(tmp_path, f"metric: cpu_avg{query}").readings[0].query.window == window


def test_report_may_be_one_or_many(tmp_path: Path) -> None:
    one = rule_of(tmp_path, "report: {to: pager, scenario: a}")
    many = rule_of(tmp_path, "report: [{to: pager, scenario: a}, {to: pager, scenario: b, repeat_unknown: true}]")
    assert [report.key for report in one.reports] == [{"repeat_unknown": False, "scenario": "a"}]
    assert [report.key["scenario"] for report in many.reports] == ["a", "b"]
    assert [report.reporter.name for report in many.reports] == ["pager", "pager"]


DEFAULTS = """
defaults:
  source: shop
  metric: cpu
  above: {warn: 70, crit: 80}
  where: {host: "web-*"}
  interval: 5m
  as: {host: "{{ labels.env }}"}
checks:
- name: bare
- {name: own-levels, below: 5, interval: 1m}
- {name: other-metric, metric: inactive_agents, above: 3, where: {source: shop}, as: {host: x}}
"""


def test_defaults_are_for_all_checks_of_their_file_and_own_levels_replace_them_whole(tmp_path: Path) -> None:
    book = book_of(tmp_path, {"a.yaml": HEAD + DEFAULTS, "b.yaml": "checks: [{name: far, source: shop, metric: cpu}]"})
    assert problems_of(book) == []
    rules = {name: book.rule(name) for name in book.drafts}
    assert {name: rule and rule.levels for name, rule in rules.items()} == {
        "bare": _above(70, 80),
        "own-levels": Levels(below=Limits(None, 5.0)),
        "other-metric": _above(crit=3),
        "far": None,
    }
    assert {name: rule and rule.interval_s for name, rule in rules.items()} == {
        "bare": 300.0,
        "own-levels": 60.0,
        "other-metric": 300.0,
        "far": 30.0,
    }


def test_anchors_merge_keys_and_extensions_share_what_is_written(tmp_path: Path) -> None:
    text = """
x-web: &web {source: shop, metric: cpu, where: {host: "web-*"}}
checks:
- {<<: *web, name: a, above: 90}
- {<<: *web, name: b, where: {host: db-1}}
"""
    book = book_of(tmp_path, HEAD + text)
    assert problems_of(book) == []
    rule = book.rule("b")
    assert rule is not None
    assert rule.selects({"host": "db-1"})


def test_levels_equal_in_meaning_make_no_difference_but_a_changed_one_does(tmp_path: Path) -> None:
    digests = {check: rule_of(tmp_path, check).digest for check in ("above: 90", "above: 91", "above: 90\ntags: a")}
    assert digests["above: 90"] == digests["above: 90\ntags: a"]
    assert digests["above: 90"] != digests["above: 91"]


def test_selection_digest_changes_with_the_selection_alone(tmp_path: Path) -> None:
    checks = ("above: 90", "above: 91", "each: host", "where: {host: a}")
    digests = [rule_of(tmp_path, check).selection_digest for check in checks]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_rule_knows_the_files_it_depends_on(tmp_path: Path) -> None:
    book = book_of(
        tmp_path, {"a.yaml": with_check("tags: a").replace("checks:", "x-a: 1\nchecks:"), "z.yaml": "x-a: 1"}
    )
    rule = book.rule("c")
    assert rule is not None
    assert rule.files == (str(tmp_path / "a.yaml"),)
    assert (rule.place.file, rule.place.line) == (str(tmp_path / "a.yaml"), 9)
