"""What must be there: values that a rule lists, a number of them, and how what is absent is told."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from checkmill.model.errors import ConnectError
from checkmill.model.rule import Expect
from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import NOW, Check, above, expected, hosts, judged, lines, metric, rule, source

REFUSED = ConnectError("shop.example:443 refused the connection")
STATES = {"ok": State.OK, "warn": State.WARNING, "crit": State.CRITICAL, "unknown": State.UNKNOWN}
MANY = metric(labels=("project", "host"))


def projects(*names: str, value: float = 5) -> list[Sample]:
    """Two hosts of each project, as one account answers."""
    return [Sample(value, project=name, host=f"{name}-{host}") for name in names for host in "ab"]


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


def test_a_thing_without_the_label_of_each_is_none_of_the_expected_number() -> None:
    check = rule(each="host", levels=above(90), expect=Expect(count=2), on_missing=State.CRITICAL)
    assert lines(judged(check, [*hosts(50), Sample(50)])) == [
        "OK check web-1: cpu 50%",
        "CRITICAL check: 1 of 2 expected hosts; cpu 50%",
    ]
    assert lines(judged(check, [*hosts(50, 60), Sample(50)]))[-1] == "OK check: cpu 50%"


def test_an_expected_number_of_tags_is_counted_beside_what_has_no_tag() -> None:
    sources = [source(listing=("tag",))]
    check = rule(sources=sources, each="tag", levels=above(90), expect=Expect(count=5), on_missing=State.CRITICAL)
    entities = [Sample(1, host="web-1", tag="t"), Sample(1, host="web-2")]
    assert lines(judged(check, hosts(50, 50), entities)) == [
        "OK check t: web-1: cpu 50%",
        "CRITICAL check: 1 of 5 expected tags; web-2: cpu 50%",
    ]


def test_of_several_sources_what_has_no_label_of_each_is_not_counted_either() -> None:
    check = rule(each="host", sources=[source("a"), source("b")], expect=Expect(count=2), on_missing=State.CRITICAL)
    assert lines(judged(check, hosts(50), [Sample(50)]))[-1] == "CRITICAL check: 1 of 2 expected hosts"


def test_an_expected_number_is_told_beside_a_part_that_failed() -> None:
    of = metric(labels=("host", "project"))
    check = rule(of=of, each="host", expect=Expect(count=3), on_missing=State.CRITICAL)
    answer = [Sample(5, host="web-1", project="p"), Sample.missing("HTTP 401", project="q")]
    assert lines(judged(check, answer)) == [
        "OK check web-1: cpu 5%",
        "UNKNOWN check: cpu has no value for project q: HTTP 401; 1 of 3 expected hosts",
    ]


def test_an_expected_number_stays_a_service_while_its_source_fails() -> None:
    check = Check(rule(each="host", expect=Expect(count=1)))
    check.judged(hosts(5))
    assert lines(check.judged(REFUSED, at=NOW + 60))[1:] == ["UNKNOWN check: 0 of 1 expected hosts"]


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        ("b", "CRITICAL check a web-2: host web-2 source a is expected and absent"),
        ("a", f"OK check a web-2: source a failed: connect: {REFUSED}"),
    ],
)
def test_what_is_expected_of_one_source_does_not_get_the_failure_of_another(failing: str, told: str) -> None:
    check = rule(
        sources=[source("a"), source("b")],
        each=("source", "host"),
        expect=expected({"source": "a", "host": "web-2"}),
        on_missing=State.CRITICAL,
        on_error=State.OK,
    )
    answers = [REFUSED if name == failing else hosts(50) for name in "ab"]
    assert told in lines(judged(check, *answers))


def test_what_is_expected_of_a_source_that_is_not_asked_hides_no_failure() -> None:
    check = rule(each="source", sources=[source("a")], expect=expected({"source": "z"}), on_missing=State.OK)
    assert lines(judged(check, REFUSED)) == [
        "OK check z: source z is expected and absent",
        f"UNKNOWN check: source a failed: connect: {REFUSED}",
    ]


def test_what_is_expected_of_any_source_may_be_in_the_one_that_fails() -> None:
    check = rule(
        sources=[source("a"), source("b")], each="host", expect=expected({"host": "web-2"}), on_missing=State.CRITICAL
    )
    assert f"UNKNOWN check web-2: source b failed: connect: {REFUSED}" in lines(judged(check, hosts(50), REFUSED))


def test_the_last_good_state_of_what_is_expected_of_a_source_is_told() -> None:
    listed = expected({"source": "a", "host": "web-2"})
    check = Check(rule(sources=[source("a"), source("b")], each=("source", "host"), expect=listed))
    check.judged(hosts(1, 2), hosts(1))
    text = "UNKNOWN check a web-2: host web-2 source a is expected and absent; last good state OK, 1m ago"
    assert text in lines(check.judged(hosts(1), hosts(1), at=NOW + 60))


@pytest.mark.parametrize(("sent", "typed"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_what_is_expected_is_found_however_its_accents_are_composed(sent: str, typed: str) -> None:
    name, written = (unicodedata.normalize(form, "web-é") for form in (sent, typed))
    check = rule(each="host", expect=expected({"host": written}), on_missing=State.CRITICAL)
    assert lines(judged(check, [Sample(5, host=name)])) == ["OK check web-é: cpu 5%"]
