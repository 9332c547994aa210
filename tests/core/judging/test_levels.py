"""Values against limits: which state, and in which words."""

from __future__ import annotations

import math
from typing import Any

import pytest

from checkmill.model.levels import Levels, Limits
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State
from support.rules import above, below, hosts, judged, lines, metric, rule, within

STATUS = {"running": State.OK, "degraded": State.WARNING, "down": State.CRITICAL, "*": State.UNKNOWN}
TIGHT = Levels(above=Limits(80, 90), below=Limits(20, 10))


def said(levels: Levels | None, value: Any, of: Metric | None = None) -> str:
    (result,) = judged(rule(of=of or metric(labels=()), levels=levels), [Sample(value)])
    return f"{result.state.value} {result.output}"


@pytest.mark.parametrize(
    ("levels", "value", "expected"),
    [
        (above(90, 80), 79.9, "OK cpu 79.9%"),
        (above(90, 80), 80, "OK cpu 80%"),
        (above(90, 80), 80.5, "WARNING cpu 80.5% above 80%"),
        (above(90, 80), 90.0, "WARNING cpu 90% above 80%"),
        (above(90, 80), 90.001, "CRITICAL cpu 90.001% above 90%"),
        (above(90), 90, "OK cpu 90%"),
        (above(warn=80), 100, "WARNING cpu 100% above 80%"),
        (above(0), 0, "OK cpu 0%"),
        (above(0), 1, "CRITICAL cpu 1% above 0%"),
        (above(0), -1, "OK cpu -1%"),
        (above(-5), -4, "CRITICAL cpu -4% above -5%"),
        (above(90, 90), 91, "CRITICAL cpu 91% above 90%"),
        (below(10, 20), 20, "OK cpu 20%"),
        (below(10, 20), 19.99, "WARNING cpu 19.99% below 20%"),
        (below(10, 20), 10, "WARNING cpu 10% below 20%"),
        (below(10, 20), 0, "CRITICAL cpu 0% below 10%"),
        (below(0), 0, "OK cpu 0%"),
        (below(0), -0.5, "CRITICAL cpu -0.5% below 0%"),
        (TIGHT, 50, "OK cpu 50%"),
        (TIGHT, 95, "CRITICAL cpu 95% above 90%"),
        (TIGHT, 5, "CRITICAL cpu 5% below 10%"),
        (within("10:20"), 10, "OK cpu 10%"),
        (within("10:20"), 20, "OK cpu 20%"),
        (within("10:20"), 20.04, "CRITICAL cpu 20.04% outside 10% to 20%"),
        (within("10:20"), 9.999, "CRITICAL cpu 9.999% outside 10% to 20%"),
        (within("10"), -1, "CRITICAL cpu -1% outside 0% to 10%"),
        (within("10:"), 9, "CRITICAL cpu 9% below 10%"),
        (within("~:10"), 11, "CRITICAL cpu 11% above 10%"),
        (within("@10:20"), 10, "CRITICAL cpu 10% inside 10% to 20%"),
        (within("@10:20"), 9, "OK cpu 9%"),
        (within("@10:"), 12, "CRITICAL cpu 12% at 10% or above"),
        (within("@~:0"), 0, "CRITICAL cpu 0% at 0% or below"),
        (within("30", "20"), 25, "WARNING cpu 25% outside 0% to 20%"),
        (None, 1e9, "OK cpu 1000000000%"),
    ],
    ids=lambda value: None if isinstance(value, Levels) else repr(value),
)
def test_a_number_against_limits(levels: Levels | None, value: float, expected: str) -> None:
    assert said(levels, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "UNKNOWN cpu has no value: nan is no value"),
        (math.inf, "UNKNOWN cpu has no value: inf is no value"),
        (-math.inf, "UNKNOWN cpu has no value: -inf is no value"),
        (True, "UNKNOWN cpu has no value: a number was expected, True came"),
        ("57.0", "UNKNOWN cpu has no value: a number was expected, '57.0' came"),
        ("", "UNKNOWN cpu has no value: a number was expected, '' came"),
        ([], "UNKNOWN cpu has no value: a number was expected, [] came"),
        (None, "UNKNOWN cpu has no value: null came"),
        (10**400, "UNKNOWN cpu has no value: a number of 1329 bits is no value"),
        ("x" * 90, f"UNKNOWN cpu has no value: a number was expected, '{'x' * 59}... came"),
    ],
    ids=[
        "NaN",
        "inf",
        "-inf",
        "yes/no",
        "text",
        "empty text",
        "list",
        "None",
        "integer no float can hold",
        "long text",
    ],
)
def test_what_is_no_number_is_unknown(value: Any, expected: str) -> None:
    assert said(above(90), value) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("running", "OK server_status running"),
        ("degraded", "WARNING server_status degraded"),
        ("down", "CRITICAL server_status down"),
        ("rebooting", "UNKNOWN server_status rebooting"),
        ("", "UNKNOWN server_status"),
        (3, "UNKNOWN server_status has no value: a word was expected, 3 came"),
        (True, "UNKNOWN server_status has no value: a word was expected, True came"),
        (None, "UNKNOWN server_status has no value: null came"),
    ],
    ids=repr,
)
def test_a_word_has_the_meaning_of_its_metric(word: Any, expected: str) -> None:
    assert said(None, word, metric("server_status", "", (), states=STATUS)) == expected


@pytest.mark.parametrize(
    ("states", "word", "expected"),
    [
        ({"down": State.WARNING}, "down", "WARNING server_status down"),
        ({"d*": State.CRITICAL}, "degraded", "CRITICAL server_status degraded"),
        ({"d*": State.CRITICAL, "down": State.OK}, "down", "OK server_status down"),
        (
            {"down": State.OK},
            "up",
            "UNKNOWN server_status 'up' is a word without a meaning; say under 'states' what it means",
        ),
        ({}, "up", "UNKNOWN server_status 'up' is a word without a meaning; say under 'states' what it means"),
    ],
    ids=["exact", "glob", "exact goes before glob", "no meaning", "no states at all"],
)
def test_a_rule_gives_words_a_meaning(states: dict[str, State], word: str, expected: str) -> None:
    assert said(Levels(states=states), word, metric("server_status", "", (), states=STATUS)) == expected


VENDOR = Levels(above=Limits(crit=50))


@pytest.mark.parametrize(
    ("own", "metrics", "expected"),
    [
        (None, None, "CRITICAL cpu 60% above 50%"),
        (None, above(90), "CRITICAL cpu 60% above 50%"),
        (above(70), above(90), "OK cpu 60%"),
        (above(70), None, "OK cpu 60%"),
    ],
    ids=["vendor's alone", "vendor's before the metric's", "rule's before both", "rule's before the vendor's"],
)
def test_the_vendors_own_levels_of_a_sample(own: Levels | None, metrics: Levels | None, expected: str) -> None:
    check = rule(of=metric(labels=(), levels=metrics), levels=own)
    assert lines(judged(check, [Sample(60.0, levels=VENDOR)])) == [expected.replace(" ", " check: ", 1)]


@pytest.mark.parametrize("limit", [math.nan, math.inf, "50", True], ids=repr)
def test_levels_of_the_vendor_that_are_no_numbers_make_no_ok(limit: Any) -> None:
    (result,) = judged(rule(of=metric(labels=())), [Sample(1.0, levels=Levels(above=Limits(crit=limit)))])
    assert lines([result]) == [
        "UNKNOWN check: cpu has no value: the vendor's own limits for it are no numbers",
    ]


def test_limits_reach_the_graph() -> None:
    (result,) = judged(rule(of=metric(minimum=0, maximum=100), levels=TIGHT, each="host"), hosts(50))
    (perf,) = result.perfdata
    assert (perf.label, perf.value, perf.unit, perf.min, perf.max) == ("cpu", 50, "%", 0, 100)
    assert (str(perf.warn), str(perf.crit)) == ("20:80", "10:90")


def test_limits_that_cross_are_no_range_for_a_graph() -> None:
    (result,) = judged(rule(of=metric(labels=()), levels=Levels(Limits(crit=10), Limits(crit=20))), [Sample(15)])
    assert (result.state, result.perfdata[0].crit) == (State.CRITICAL, None)
