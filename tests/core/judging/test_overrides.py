"""Overrides: other levels for some samples; the first that matches replaces the rule's whole."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.levels import Levels, Limits
from checkmill.model.rule import Override
from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import above, below, hosts, judged, lines, metric, other_than, rule, selection, source

GONE = Sample.missing("HTTP 500")
BATCH = other_than(above(99, 95), host="web-2")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((50, 50), "OK check: 2 hosts, cpu at most 50% (web-1)"),
        ((50, 94), "OK check: 2 hosts, cpu at most 94% (web-2)"),
        ((50, 95), "OK check: 2 hosts, cpu at most 95% (web-2)"),
        ((50, 97), "WARNING check: 1 of 2 hosts above 95%: web-2 97%"),
        ((97, 97), "CRITICAL check: 1 of 2 hosts above 90%: web-1 97%; 1 above 95%: web-2 97%"),
        ((50, GONE), "UNKNOWN check: 1 of 2 hosts without value: web-2 (HTTP 500)"),
    ],
)
def test_the_override_replaces_the_levels_of_its_samples(values: tuple[Any, Any], expected: str) -> None:
    assert lines(judged(rule(levels=above(90, 80), overrides=(BATCH,)), hosts(*values))) == [expected]


@pytest.mark.parametrize(
    ("overrides", "state"),
    [
        ((other_than(above(10), host="web-*"), other_than(above(99), host="web-1")), State.CRITICAL),
        ((other_than(above(99), host="web-1"), other_than(above(10), host="web-*")), State.OK),
        ((other_than(above(10), host="db-*"),), State.OK),
        ((Override(above(10), exclude=selection({"host": "web-1"})),), State.OK),
        ((Override(above(10), exclude=selection({"host": "db-1"})),), State.CRITICAL),
        ((Override(above(10), selection({"host": "web-*"}), selection({"host": "web-1"})),), State.OK),
        ((other_than(above(10), rack="*"),), State.OK),
        ((other_than(below(60), host="web-1"),), State.CRITICAL),
    ],
    ids=[
        "the first of two",
        "the first of two, the other way round",
        "none matches",
        "except",
        "except another",
        "where and except",
        "a label it does not have",
        "below in place of above",
    ],
)
def test_the_first_that_matches_counts(overrides: tuple[Override, ...], state: State) -> None:
    (result,) = judged(rule(levels=above(90), overrides=overrides), hosts(50))
    assert result.state is state


def test_source_labels_tell_prod_from_dev() -> None:
    check = rule(
        levels=above(80),
        each=("source", "host"),
        sources=[source("seoul", {"env": "prod"}), source("lab", {"env": "dev"})],
        overrides=(other_than(above(95), env="dev"),),
    )
    assert lines(judged(check, hosts(90), hosts(90))) == [
        "CRITICAL check seoul web-1: cpu 90% above 80%",
        "OK check lab web-1: cpu 90%",
    ]


def test_each_value_has_the_limits_of_its_own_levels_in_the_graph() -> None:
    (result,) = judged(rule(levels=above(90, 80), overrides=(BATCH,)), hosts(5, 5))
    assert [(perf.label, str(perf.warn), str(perf.crit)) for perf in result.perfdata] == [
        ("cpu_web-1", "~:80", "~:90"),
        ("cpu_web-2", "~:95", "~:99"),
    ]


def test_an_override_goes_before_the_vendors_own_levels() -> None:
    check = rule(of=metric(levels=above(90)), overrides=(other_than(above(70), host="web-1"),))
    vendor = Levels(above=Limits(crit=50))
    samples = [Sample(60, host="web-1", levels=vendor), Sample(60, host="web-2", levels=vendor)]
    assert lines(judged(check, samples)) == ["CRITICAL check: 1 of 2 hosts above 50%: web-2 60%"]


def test_words_can_be_overridden_too() -> None:
    of = metric("agent", "", states={"active": State.OK, "inactive": State.CRITICAL})
    lab = other_than(Levels(states={"inactive": State.WARNING, "active": State.OK}), host="web-2")
    assert lines(judged(rule(of=of, overrides=(lab,)), hosts("inactive", "inactive"))) == [
        "CRITICAL check: 1 of 2 hosts inactive: web-1; 1 inactive: web-2"
    ]
