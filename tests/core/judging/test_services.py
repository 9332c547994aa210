"""Which services a rule has, and what becomes of what is missing, empty or stale."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import NOW, Check, above, hosts, judged, lines, metric, rule, selection, source

STATES = {"ok": State.OK, "warn": State.WARNING, "crit": State.CRITICAL, "unknown": State.UNKNOWN}
MANY = metric(labels=("project", "host"))


def projects(*names: str, value: float = 5) -> list[Sample]:
    """Two hosts of each project, as one account answers."""
    return [Sample(value, project=name, host=f"{name}-{host}") for name in names for host in "ab"]


# Selecting


@pytest.mark.parametrize(
    ("where", "exclude", "expected"),
    [
        (None, None, "web-1 web-2 db-1"),
        (selection({"host": "web-*"}), None, "web-1 web-2"),
        (selection({"host": "web-1"}), None, "web-1"),
        (selection({"host": "web"}), None, ""),
        (selection({"host": "/web-./"}), None, "web-1 web-2"),
        (selection({"host": "/eb-1/"}), None, ""),
        (selection({"host": "web-1"}, {"host": "db-*"}), None, "web-1 db-1"),
        (selection({"host": "web-*", "env": "test"}), None, "web-2"),
        (None, selection({"host": "web-*"}), "db-1"),
        (None, selection({"env": "test"}), "web-1 db-1"),
        (selection({"source": "shop"}), selection({"host": "*-1"}), "web-2"),
        (selection({"nothing": "*"}), None, ""),
    ],
)
def test_where_and_except_select(where: Any, exclude: Any, expected: str) -> None:
    answer = [Sample(1, host="web-1"), Sample(2, host="web-2", env="test"), Sample(3, host="db-1")]
    results = judged(rule(each="host", where=where, exclude=exclude), answer)
    assert " ".join(one.labels["host"] for one in results if one.labels) == expected


def test_labels_are_compared_in_one_normal_form() -> None:
    decomposed = "카페".encode().decode().replace("카", "\u110f\u1161")
    (result,) = judged(rule(where=selection({"host": "카*"}), each="host"), [Sample(1, host=decomposed)])
    assert result.state is State.OK


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        ((), "CRITICAL check: 2 of 4 hosts above 90%: q-a 95%, q-b 95%"),
        (("source",), "CRITICAL check shop: 2 of 4 hosts above 90%: q-a 95%, q-b 95%"),
        (
            ("project",),
            """OK check p: 2 hosts, cpu at most 5% (p-a)
            CRITICAL check q: 2 of 2 hosts above 90%: q-a 95%, q-b 95%""",
        ),
        (
            ("project", "host"),
            """OK check p p-a: cpu 5%
            OK check p p-b: cpu 5%
            CRITICAL check q q-a: cpu 95% above 90%
            CRITICAL check q q-b: cpu 95% above 90%""",
        ),
        (
            ("host", "project"),
            """OK check p-a p: cpu 5%
            OK check p-b p: cpu 5%
            CRITICAL check q-a q: cpu 95% above 90%
            CRITICAL check q-b q: cpu 95% above 90%""",
        ),
    ],
    ids=lambda value: " and ".join(value) or "without each" if isinstance(value, tuple) else "",
)
def test_each_makes_a_service_for_each_value(each: tuple[str, ...], expected: str) -> None:
    answer = [*projects("p"), *projects("q", value=95)]
    results = judged(rule(of=MANY, each=each, levels=above(90)), answer)
    assert lines(results) == [line.strip() for line in expected.splitlines()]


def test_with_several_sources_the_name_says_which() -> None:
    check = rule(each="host", sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(1), hosts(2))) == ["OK check seoul web-1: cpu 1%", "OK check busan web-1: cpu 2%"]


def test_a_sample_without_the_label_of_each_is_a_service_of_the_check() -> None:
    assert lines(judged(rule(each="host"), [Sample(5)])) == ["OK check: cpu 5%"]


def test_labels_of_a_source_may_have_any_name() -> None:
    labels = {"levels": "prod", "at": "seoul", "self": "x", "reason": "y"}
    results = judged(rule(each="host", sources=[source(labels=labels)]), hosts(1, None))
    assert [one.state for one in results] == [State.OK, State.UNKNOWN]


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ("OK OK", State.OK),
        ("OK WARNING", State.WARNING),
        ("UNKNOWN WARNING", State.UNKNOWN),
        ("UNKNOWN CRITICAL", State.CRITICAL),
        ("WARNING CRITICAL UNKNOWN OK", State.CRITICAL),
    ],
)
def test_the_worst_sample_decides(states: str, worst: State) -> None:
    words = metric("status", "", states={state.value: state for state in State})
    (result,) = judged(rule(of=words), hosts(*states.split()))
    assert result.state is worst


# Nothing there


@pytest.mark.parametrize("word", STATES)
@pytest.mark.parametrize("each", ["", "host"], ids=["one service", "each host"])
def test_on_empty_is_the_state_of_an_empty_answer(each: str, word: str) -> None:
    results = judged(rule(each=each or (), on_empty=STATES[word]), [])
    assert lines(results) == [f"{STATES[word].value} check: source shop answered without a single value"]


@pytest.mark.parametrize("each", ["", "host"], ids=["one service", "each host"])
def test_on_empty_is_the_state_when_nothing_is_selected(each: str) -> None:
    check = rule(each=each or (), where=selection({"host": "db-*"}), on_empty=State.WARNING)
    text = "WARNING check: none of 2 values is selected by 'where' and 'except'"
    assert lines(judged(check, hosts(1, 2))) == [text]


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        ("", ["UNKNOWN check: source busan answered without a single value; web-1: cpu 5%"]),
        ("host", ["OK check seoul web-1: cpu 5%", "UNKNOWN check busan: source busan answered without a single value"]),
    ],
    ids=["one service", "each host"],
)
def test_one_silent_source_among_several_is_told(each: str, expected: list[str]) -> None:
    check = rule(each=each or (), sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(5), [])) == expected


# Missing samples


@pytest.mark.parametrize(
    ("each", "concerned"),
    [
        ((), ["check"]),
        (("project",), ["check p07"]),
        (("host",), ["check p07-a", "check p07-b"]),
        (("project", "host"), ["check p07 p07-a", "check p07 p07-b"]),
        (("source",), ["check shop"]),
    ],
    ids=lambda value: " and ".join(value) or "without each" if isinstance(value, tuple) else "",
)
def test_one_of_twenty_projects_that_fails_makes_its_own_services_unknown(
    each: tuple[str, ...], concerned: list[str]
) -> None:
    names = [f"p{number:02}" for number in range(20)]
    check = Check(rule(of=MANY, each=each, levels=above(90)))
    known = check.judged(projects(*names))
    assert {one.state for one in known} == {State.OK}
    answer = [*projects(*(name for name in names if name != "p07")), Sample.missing("login: HTTP 401", project="p07")]
    results = check.judged(answer, at=NOW + 60)
    assert {one.service for one in results} == {one.service for one in known}
    assert [one.service for one in results if one.state is State.UNKNOWN] == concerned
    assert {one.state for one in results if one.service not in concerned} <= {State.OK}
    assert all("login: HTTP 401" in one.output for one in results if one.service in concerned)


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        ((), "UNKNOWN check: cpu has no value for project q: login: HTTP 401"),
        (("project",), "UNKNOWN check q: cpu has no value: login: HTTP 401"),
        (("host",), "UNKNOWN check: cpu has no value for project q: login: HTTP 401"),
        (("project", "host"), "UNKNOWN check q: cpu has no value: login: HTTP 401"),
    ],
    ids=lambda value: " and ".join(value) or "without each" if isinstance(value, tuple) else "",
)
def test_a_project_that_failed_from_the_start_is_seen(each: tuple[str, ...], expected: str) -> None:
    results = judged(rule(of=MANY, each=each), [Sample.missing("login: HTTP 401", project="q")])
    assert lines(results) == [expected]


def test_several_unplaced_failures_are_counted() -> None:
    answer = [*projects("p"), *(Sample.missing("login: HTTP 401", project=name) for name in ("q", "r", "s"))]
    results = judged(rule(of=MANY, each="host"), answer)
    assert lines(results)[-1] == (
        "UNKNOWN check: cpu has no value for project q: login: HTTP 401 (and 2 more like this)"
    )


def test_a_missing_sample_keeps_the_labels_that_its_service_had() -> None:
    check = Check(rule(of=MANY, each="host"))
    check.judged(projects("p", "q"))
    check.judged([*projects("q"), *(Sample.missing("HTTP 500", host=f"p-{host}") for host in "ab")], at=NOW + 60)
    results = check.judged([*projects("p"), Sample.missing("HTTP 401", project="q")], at=NOW + 120)
    assert [one.state for one in results] == [State.OK, State.OK, State.UNKNOWN, State.UNKNOWN]


def test_what_is_excluded_is_not_missed() -> None:
    check = rule(of=MANY, each="project", exclude=selection({"project": "q"}))
    assert lines(judged(check, [*projects("p"), Sample.missing("HTTP 401", project="q")])) == [
        "OK check p: 2 hosts, cpu at most 5% (p-a)"
    ]


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [
        (0, "OK check web-1: cpu 5%"),
        (300, "OK check web-1: cpu 5%"),
        (301, "UNKNOWN check web-1: cpu has no value: measured 5m 1s ago, older than 5m"),
        (-300, "OK check web-1: cpu 5%"),
        (-301, "UNKNOWN check web-1: cpu has no value: measured 5m 1s in the future, further off than 5m"),
    ],
)
def test_a_measurement_that_is_too_old_is_no_value(age_s: float, expected: str) -> None:
    check = rule(of=metric(max_age_s=300.0), each="host")
    assert lines(judged(check, [Sample(5, host="web-1", at=NOW - age_s)])) == [expected]


@pytest.mark.parametrize("at", [float("nan"), float("inf"), "now", True], ids=repr)
def test_a_time_of_measurement_that_is_none_is_no_value(at: Any) -> None:
    (result,) = judged(rule(each="host"), [Sample(5, host="web-1", at=at)])
    assert lines([result]) == [
        f"UNKNOWN check web-1: cpu has no value: its time of measurement is {at!r}, which is none"
    ]
