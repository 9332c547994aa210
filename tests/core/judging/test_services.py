"""Which services a rule has, and what becomes of what is missing, empty, expected, gone, stale or failed."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.errors import ConnectError, LoginError, RateLimitError
from checkmill.model.memory import Memory
from checkmill.model.rule import Expect, Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import HOUR, NOW, Check, above, expected, hosts, judged, lines, metric, rule, selection, source

REFUSED = ConnectError("shop.example:443 refused the connection")
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


# Expected


@pytest.mark.parametrize("word", STATES)
def test_on_missing_is_the_state_of_what_is_expected_and_absent(word: str) -> None:
    check = rule(each="host", expect=expected({"host": "web-1"}, {"host": "db-1"}), on_missing=STATES[word])
    assert lines(judged(check, hosts(5))) == [
        "OK check web-1: cpu 5%",
        f"{STATES[word].value} check db-1: host db-1 is expected and absent",
    ]


def test_expected_mappings_of_several_labels() -> None:
    listed = expected({"project": "p", "host": "p-a"}, {"project": "p", "host": "p-z"})
    check = rule(of=MANY, each=("project", "host"), expect=listed, on_missing=State.CRITICAL)
    assert lines(judged(check, projects("p"))) == [
        "OK check p p-a: cpu 5%",
        "OK check p p-b: cpu 5%",
        "CRITICAL check p p-z: host p-z project p is expected and absent",
    ]


@pytest.mark.parametrize(
    ("answer", "state", "text"),
    [
        (hosts(5, 6, 7), State.OK, "3 hosts, cpu at most 7% (web-3)"),
        (hosts(5, 6, 7, 8), State.OK, "4 hosts, cpu at most 8% (web-4)"),
        (hosts(5, 6), State.CRITICAL, "2 of 3 expected hosts; 2 hosts, cpu at most 6% (web-2)"),
        ([], State.CRITICAL, "0 of 3 expected hosts"),
        (
            hosts(5, 6, Sample.missing("HTTP 500")),
            State.UNKNOWN,
            "2 of 3 expected hosts; 1 of 3 hosts without value: web-3 (HTTP 500)",
        ),
    ],
    ids=["as many", "more", "fewer", "none", "fewer, but one may be there"],
)
def test_an_expected_number_without_each(answer: list[Sample], state: State, text: str) -> None:
    (result,) = judged(rule(expect=Expect(count=3), on_missing=State.CRITICAL), answer)
    assert (result.state, result.output) == (state, text)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (hosts(5, 6, 7), "OK check: 3 hosts, at least 3 expected"),
        (hosts(5, 6), "CRITICAL check: 2 of 3 expected hosts"),
        ([], "CRITICAL check: 0 of 3 expected hosts"),
        ([*hosts(5, 6), Sample.missing("HTTP 401", project="p7")], "UNKNOWN check: 2 of 3 expected hosts"),
        (hosts(5, 6, Sample.missing("HTTP 500")), "UNKNOWN check: 2 of 3 expected hosts"),
        (REFUSED, f"UNKNOWN check: source shop failed: connect: {REFUSED}"),
    ],
    ids=["as many", "fewer", "none", "a project failed", "one has no value", "the source failed"],
)  # fmt: skip
def test_an_expected_number_with_each_is_a_service_of_the_check(answer: Any, expected: str) -> None:
    of = metric(labels=("host", "project"))
    results = judged(rule(of=of, each="host", expect=Expect(count=3), on_missing=State.CRITICAL), answer)
    assert lines(results)[-1] == expected


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


# Failing sources


@pytest.mark.parametrize("word", STATES)
@pytest.mark.parametrize("each", ["", "host"], ids=["one service", "each host"])
def test_on_error_is_the_state_when_the_source_fails(each: str, word: str) -> None:
    check = Check(rule(each=each or (), on_error=STATES[word], levels=above(90)))
    check.judged(hosts(95))
    services = check.judged(REFUSED, at=NOW + 90)
    text = f"source shop failed: connect: {REFUSED}; last good state CRITICAL, 1m 30s ago"
    assert lines(services) == [f"{STATES[word].value} {'check web-1' if each else 'check'}: {text}"]


@pytest.mark.parametrize("each", ["", "host"], ids=["one service", "each host"])
def test_a_source_that_fails_with_nothing_known_is_one_service(each: str) -> None:
    assert lines(judged(rule(each=each or ()), REFUSED)) == [
        f"UNKNOWN check: source shop failed: connect: {REFUSED}",
    ]


def test_of_several_sources_only_the_services_of_the_one_that_fails_are_unknown() -> None:
    check = Check(rule(each="host", sources=[source("seoul"), source("busan")]))
    check.judged(hosts(1, 2), hosts(3))
    assert lines(check.judged(hosts(1, 2), REFUSED, at=NOW + 60)) == [
        "OK check seoul web-1: cpu 1%",
        "OK check seoul web-2: cpu 2%",
        f"UNKNOWN check busan web-1: source busan failed: connect: {REFUSED}; last good state OK, 1m ago",
    ]


def test_of_several_sources_one_that_fails_with_nothing_known_is_a_service() -> None:
    check = rule(each="host", sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(1), REFUSED)) == [
        "OK check seoul web-1: cpu 1%",
        f"UNKNOWN check busan: source busan failed: connect: {REFUSED}",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, f"UNKNOWN check: source busan failed: connect: {REFUSED}; web-1: cpu 5%"),
        (95, f"CRITICAL check: web-1: cpu 95% above 90%; source busan failed: connect: {REFUSED}"),
    ],
    ids=["well", "critical"],
)
def test_a_failing_source_hides_nothing_of_the_others(value: float, expected: str) -> None:
    check = rule(levels=above(90), sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(value), REFUSED)) == [expected]


def test_a_source_that_fails_says_nothing_of_what_is_expected() -> None:
    check = rule(each="host", expect=expected({"host": "web-1"}), on_missing=State.CRITICAL)
    assert lines(judged(check, REFUSED)) == [f"UNKNOWN check web-1: source shop failed: connect: {REFUSED}"]


@pytest.mark.parametrize(
    ("answers", "interval_s", "good_for_s"),
    [
        ([hosts(1)], 60, 68),
        ([hosts(1)], 300, 308),
        ([REFUSED], 300, 60),
        ([REFUSED], 20, 20),
        ([RateLimitError("HTTP 429", retry_after_s=120)], 20, 120),
        ([RateLimitError("HTTP 429", retry_after_s=5)], 300, 5),
        ([RateLimitError("HTTP 429", retry_after_s=0)], 300, 60),
        ([RateLimitError("HTTP 429", retry_after_s=1e9)], 300, 3600),
        ([RateLimitError("HTTP 429", retry_after_s=float("nan"))], 300, 60),
        ([RateLimitError("HTTP 429", retry_after_s=600), REFUSED], 300, 60),
        ([RateLimitError("HTTP 429", retry_after_s=600), hosts(1)], 60, 68),
    ],
    ids=[
        "good", "good for five minutes", "failed", "failed, shorter interval", "Retry-After", "short Retry-After",
        "Retry-After 0", "Retry-After of years", "Retry-After of nonsense", "the shortest of two failures",
        "Retry-After does not make the other source old",
    ],
)  # fmt: skip
def test_how_long_results_are_good(answers: list[Any], interval_s: float, good_for_s: float) -> None:
    check = Check(rule(sources=[source(name) for name in ("seoul", "busan")][: len(answers)], interval_s=interval_s))
    results = check.judged(*answers)
    assert check.judgement is not None
    assert check.judgement.good_until == NOW + good_for_s
    assert {one.good_until for one in results} == {NOW + good_for_s}


# Gone, and forgotten


def watched(**fields: Any) -> Check:
    check = Check(rule(each="host", **fields))
    check.judged(hosts(1, 2))
    return check


def test_a_host_that_is_gone_is_unknown_without_configuration() -> None:
    assert lines(watched().judged(hosts(1), at=NOW + 300)) == [
        "OK check web-1: cpu 1%",
        "UNKNOWN check web-2: host web-2 is gone; last seen 5m ago, OK then",
    ]


def test_a_host_that_is_back_is_well() -> None:
    check = watched()
    check.judged(hosts(1), at=NOW + 300)
    assert lines(check.judged(hosts(1, 2), at=NOW + 600)) == ["OK check web-1: cpu 1%", "OK check web-2: cpu 2%"]


@pytest.mark.parametrize(
    ("hours", "is_expected"), [(23.9, True), (24, True), (24.1, False)], ids=["before", "at", "after"]
)
def test_a_host_that_is_gone_is_forgotten_after_a_day_of_good_answers(hours: float, is_expected: bool) -> None:
    check = watched()
    check.judged(hosts(1), at=NOW + 60)
    results = check.judged(hosts(1), at=NOW + 60 + hours * HOUR)
    assert [one.labels["host"] for one in results] == (["web-1", "web-2"] if is_expected else ["web-1"])


@pytest.mark.parametrize(
    "answer",
    [REFUSED, [], [Sample.missing("HTTP 500")], hosts(None)],
    ids=["failed", "empty", "only missing", "one without value"],
)
def test_nothing_is_forgotten_by_what_is_no_good_answer(answer: Any) -> None:
    check = watched()
    check.judged(hosts(1), at=NOW + HOUR)
    for hour in range(2, 60):
        assert "check web-2" in [one.service for one in check.judged(answer, at=NOW + hour * HOUR)]
    results = check.judged(hosts(1), at=NOW + 60 * HOUR)
    assert lines(results)[1] == "UNKNOWN check web-2: host web-2 is gone; last seen 2d 12h ago, OK then"


def test_a_day_without_any_measurement_forgets_nothing() -> None:
    results = watched().judged(hosts(1), at=NOW + 48 * HOUR)
    assert lines(results)[1] == "UNKNOWN check web-2: host web-2 is gone; last seen 2d ago, OK then"


def test_an_empty_answer_is_told_as_such_to_every_known_service() -> None:
    assert lines(watched().judged([], at=NOW + 60)) == [
        "UNKNOWN check web-1: source shop answered without a single value; last seen 1m ago, OK then",
        "UNKNOWN check web-2: source shop answered without a single value; last seen 1m ago, OK then",
    ]


def test_another_clock_does_not_forget() -> None:
    check = watched()
    check.judged(hosts(1), at=NOW - 48 * HOUR)
    assert len(check.judged(hosts(1), at=NOW - 47 * HOUR)) == 2


def test_forgetting_is_as_quick_as_the_rule_says() -> None:
    check = watched(forget_s=60.0)
    check.judged(hosts(1), at=NOW + 10)
    assert len(check.judged(hosts(1), at=NOW + 71)) == 1


def test_another_selection_expects_nothing_of_the_old_one() -> None:
    check = watched()
    check.rule = rule(each="host", selection_digest="another")
    assert lines(check.judged(hosts(1), at=NOW + 60)) == ["OK check web-1: cpu 1%"]
    assert check.memory.selection_digest == "another"


def test_a_source_that_is_no_longer_asked_is_forgotten() -> None:
    check = Check(rule(each="host", sources=[source("seoul"), source("busan")]))
    check.judged(hosts(1), hosts(2))
    check.rule = rule(each="host", sources=[source("seoul")])
    assert lines(check.judged(hosts(1), at=NOW + 60)) == ["OK check web-1: cpu 1%"]


@pytest.mark.parametrize("count", [None, 1], ids=["a list", "a number"])
def test_what_a_rule_expects_itself_replaces_what_was_seen(count: int | None) -> None:
    check = watched(expect=Expect(count=count) if count else expected({"host": "web-1"}))
    assert not any("web-2" in one for one in lines(check.judged(hosts(1), at=NOW + 60)))


def test_the_last_good_state_is_one_that_was_measured() -> None:
    check = Check(rule(each="host", levels=above(90)))
    check.judged(hosts(95))
    check.judged(hosts(None), at=NOW + 60)
    check.judged(REFUSED, at=NOW + 120)
    assert lines(check.judged(REFUSED, at=NOW + 180)) == [
        f"UNKNOWN check web-1: source shop failed: connect: {REFUSED}; last good state CRITICAL, 3m ago"
    ]


def test_the_last_good_state_of_an_expected_value_is_told() -> None:
    check = watched(expect=expected({"host": "web-2"}))
    for minutes in (1, 2):
        results = check.judged(hosts(1), at=NOW + 60 * minutes)
    assert lines(results)[-1] == "UNKNOWN check web-2: host web-2 is expected and absent; last good state OK, 2m ago"


def test_a_login_that_fails_is_told_with_its_stage() -> None:
    assert lines(judged(rule(), LoginError("HTTP 401 from https://shop.example/open/api"))) == [
        "UNKNOWN check: source shop failed: login: HTTP 401 from https://shop.example/open/api"
    ]


def test_judging_remembers_nothing_by_itself() -> None:
    check: Rule = rule(each="host")
    memory = Memory()
    Check(check, memory).judged(hosts(1))
    assert memory == Memory()
