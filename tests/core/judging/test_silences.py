"""Sources that say nothing: no value at all, or an inventory that is empty or fails. What is tolerated is no excuse."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.errors import ConnectError
from checkmill.model.rule import Expect
from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import (
    NOW,
    Check,
    above,
    expected,
    hosts,
    judged,
    lines,
    metric,
    other_than,
    rule,
    selection,
    source,
    tolerating,
)

SEOUL, BUSAN = source("seoul"), source("busan")
TAGGED = (source("seoul", listing=("tag",)), source("busan", listing=("tag",)))
SHOP = source(listing=("tag", "team"))
ALL = Expect(all=True)
EMPTY = "the inventory of source busan is empty"
SILENT = "source busan answered without a single value"
PROD = selection({"tag": "prod"})


def entities(number: int, **labels: str) -> list[Sample]:
    return [Sample(1, host=f"web-{one}", tag="prod", **labels) for one in range(1, number + 1)]


# One service of several sources


@pytest.mark.parametrize(
    ("expect", "fields", "text"),
    [
        (Expect(count=6), {"tolerate": tolerating("20%")}, "1 of 6 hosts absent, 20% tolerated"),
        (Expect(count=6), {"on_missing": State.OK}, "5 of 6 expected hosts; 5 hosts, cpu at most 50% (web-1)"),
        (Expect(count=5), {"tolerate": tolerating("20%")}, "5 hosts, cpu at most 50% (web-1)"),
        (Expect(), {"tolerate": tolerating("20%")}, "5 hosts, cpu at most 50% (web-1)"),
    ],
    ids=["a tolerated one", "one that is no matter", "as many as expected", "nothing expected"],
)
def test_what_is_absent_does_not_hide_a_source_that_said_nothing(
    expect: Expect, fields: dict[str, Any], text: str
) -> None:
    check = rule(sources=[SEOUL, BUSAN], levels=above(90), expect=expect, **{"on_missing": State.CRITICAL, **fields})
    (result,) = judged(check, hosts(*[50] * 5), [])
    assert (result.state, result.output) == (State.UNKNOWN, f"{SILENT}; {text}")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"tolerate": tolerating("10%")}, "1 of 20 hosts absent, 10% tolerated"),
        (
            {"on_missing": State.OK},
            "1 of 20 hosts of the inventory absent: web-1; 19 hosts, cpu at most 50% (web-1)",
        ),
    ],
    ids=["a tolerated one", "one that is no matter"],
)
def test_what_is_absent_of_an_inventory_does_not_hide_a_source_that_said_nothing(
    fields: dict[str, Any], text: str
) -> None:
    check = rule(sources=TAGGED, levels=above(90), expect=ALL, **{"on_missing": State.CRITICAL, **fields})
    (result,) = judged(check, hosts(*[50] * 19), [], entities(19), entities(1))
    assert (result.state, result.output) == (State.UNKNOWN, f"{SILENT}; {text}")


def test_an_empty_inventory_of_one_source_is_told_beside_what_is_tolerated_of_another() -> None:
    check = rule(sources=TAGGED, levels=above(90), expect=ALL, tolerate=tolerating("10%"), on_missing=State.CRITICAL)
    assert lines(judged(check, hosts(*[50] * 19), hosts(99), entities(20), [])) == [
        f"UNKNOWN check: {EMPTY}; 1 of 21 hosts above 90%, 10% tolerated; 1 absent, 10% tolerated"
    ]


def test_a_source_that_said_nothing_does_not_hide_what_is_known_to_be_absent() -> None:
    check = rule(sources=[SEOUL, BUSAN], expect=Expect(count=6), on_missing=State.CRITICAL)
    (result,) = judged(check, hosts(*[50] * 5), [])
    assert result.state is State.CRITICAL


def test_that_a_source_may_say_nothing_is_for_the_rule_to_say() -> None:
    check = rule(
        sources=[SEOUL, BUSAN], expect=Expect(count=6), tolerate=tolerating("20%"), on_empty=State.OK, levels=above(90)
    )
    assert judged(check, hosts(*[50] * 5), [])[0].state is State.UNKNOWN  # one is absent, which is unknown by default
    lenient = rule(sources=[SEOUL, BUSAN], expect=Expect(count=5), on_empty=State.OK)
    assert judged(lenient, hosts(*[50] * 5), [])[0].state is State.OK


def test_where_a_single_source_said_nothing_what_is_expected_is_absent() -> None:
    check = rule(expect=Expect(count=3), on_missing=State.WARNING)
    assert lines(judged(check, [])) == ["WARNING check: 0 of 3 expected hosts"]


# A service for each label value


def test_with_a_number_expected_a_source_that_said_nothing_is_a_service_of_its_own() -> None:
    check = rule(sources=[SEOUL, BUSAN], levels=above(90), each="host", expect=Expect(count=2))
    assert lines(judged(check, hosts(50, 50), [])) == [
        "OK check seoul web-1: cpu 50%",
        "OK check seoul web-2: cpu 50%",
        f"UNKNOWN check busan: {SILENT}",
        "OK check: 2 hosts, at least 2 expected",
    ]


def test_a_value_that_cannot_be_selected_does_not_get_lost_where_a_number_is_expected() -> None:
    check = rule(sources=TAGGED, levels=above(90), each="host", expect=Expect(count=2), where=PROD)
    assert lines(judged(check, hosts(50, 50), hosts(99), entities(2), []))[2:] == [
        f"UNKNOWN check busan: {EMPTY}",
        "OK check: 2 hosts, at least 2 expected",
    ]
    assert lines(judged(check, hosts(50), hosts(99), entities(1), []))[1:] == [
        f"UNKNOWN check busan: {EMPTY}",
        "UNKNOWN check: 1 of 2 expected hosts",
    ]


def test_what_is_absent_and_no_matter_does_not_hide_that_its_source_said_nothing() -> None:
    check = rule(sources=TAGGED, each="host", expect=ALL, on_missing=State.OK)
    assert lines(judged(check, hosts(50), [], entities(1), entities(1))) == [
        "OK check seoul web-1: cpu 50%",
        "OK check busan web-1: host web-1 of the inventory is absent",
        f"UNKNOWN check busan: {SILENT}",
    ]


def test_services_that_tell_of_a_silence_as_badly_are_enough() -> None:
    check = Check(rule(sources=[SEOUL, BUSAN], each="host"))
    check.judged(hosts(1), hosts(2))
    assert lines(check.judged(hosts(1), [], at=NOW + 60)) == [
        "OK check seoul web-1: cpu 1%",
        f"UNKNOWN check busan web-1: {SILENT}; last seen 1m ago, OK then",
    ]


# An inventory that is empty


@pytest.mark.parametrize(
    ("each", "told"),
    [
        ((), ["CRITICAL check: web-1: cpu 99% above 90%; the inventory of source shop is empty"]),
        (
            ("host",),
            ["CRITICAL check web-1: cpu 99% above 90%", "UNKNOWN check: the inventory of source shop is empty"],
        ),
    ],
    ids=["one service", "each host"],
)
def test_an_empty_inventory_hides_nothing_that_is_known_to_be_broken(each: tuple[str, ...], told: list[str]) -> None:
    assert lines(judged(rule(sources=[SHOP], levels=above(90), each=each, expect=ALL), hosts(99), [])) == told


@pytest.mark.parametrize(
    ("each", "told"),
    [
        ((), ["UNKNOWN check: the inventory of source shop is empty; web-1: cpu 1%"]),
        (("host",), ["OK check web-1: cpu 1%", "UNKNOWN check: the inventory of source shop is empty"]),
    ],
    ids=["one service", "each host"],
)
@pytest.mark.parametrize("on_empty", [State.UNKNOWN, State.OK, State.WARNING], ids=lambda state: state.value)
def test_an_empty_inventory_beside_values_is_never_ok(each: tuple[str, ...], told: list[str], on_empty: State) -> None:
    """`on_empty` is for where there is nothing; a list that does not know what was measured contradicts it."""
    check = rule(sources=[SHOP], levels=above(90), each=each, expect=ALL, on_empty=on_empty)
    assert lines(judged(check, hosts(1), [])) == told


@pytest.mark.parametrize("on_empty", [State.OK, State.CRITICAL], ids=lambda state: state.value)
def test_where_there_is_neither_list_nor_value_nothing_is_there(on_empty: State) -> None:
    check = rule(sources=[SHOP], expect=ALL, on_empty=on_empty)
    assert lines(judged(check, [], [])) == [f"{on_empty.value} check: the inventory of source shop is empty"]


@pytest.mark.parametrize(
    "fields",
    [
        {"where": PROD},
        {"exclude": PROD},
        {"overrides": (other_than(above(10), tag="prod"),)},
        {"each": ("tag",)},
        {"where": PROD, "on_empty": State.OK},
    ],
    ids=["where", "except", "overrides", "each", "on_empty: ok"],
)
def test_what_cannot_be_placed_without_the_inventory_is_unknown(fields: dict[str, Any]) -> None:
    check = rule(sources=[SHOP], levels=above(90), **fields)
    assert lines(judged(check, hosts(99, 1), [])) == ["UNKNOWN check: the inventory of source shop is empty"]


def test_what_cannot_be_placed_is_not_known_to_be_absent() -> None:
    listed = rule(
        sources=[SHOP], each="host", where=PROD, expect=expected({"host": "web-1"}), on_missing=State.CRITICAL
    )
    assert lines(judged(listed, hosts(5), [])) == ["UNKNOWN check web-1: the inventory of source shop is empty"]
    counted = rule(sources=[SHOP], where=PROD, expect=Expect(count=2), on_missing=State.CRITICAL)
    assert lines(judged(counted, hosts(5), [])) == ["UNKNOWN check: the inventory of source shop is empty"]


def test_services_that_cannot_be_placed_are_unknown_whatever_absent_ones_are() -> None:
    check = Check(rule(sources=[SHOP], each="host", where=PROD, levels=above(90), on_missing=State.OK))
    check.judged(hosts(5), entities(1))
    assert lines(check.judged(hosts(99), [], at=NOW + 60)) == [
        "UNKNOWN check web-1: the inventory of source shop is empty; last good state OK, 1m ago"
    ]


def test_services_that_an_inventory_listed_stay_when_it_is_empty() -> None:
    check = Check(rule(sources=[SHOP], each="host", expect=ALL, levels=above(90)))
    check.judged(hosts(5, 6), entities(2))
    for minute in (1, 2):
        assert lines(check.judged(hosts(5), [], at=NOW + 60 * minute)) == [
            "OK check web-1: cpu 5%",
            f"UNKNOWN check web-2: the inventory of source shop is empty; last good state OK, {minute}m ago",
        ]


def test_a_service_keeps_the_name_that_the_inventory_gave_it() -> None:
    check = Check(rule(sources=[SHOP], each="host", levels=above(90), service_template="{{ labels.team }} CPU"))
    check.judged(hosts(5), entities(1, team="green"))
    for minute in (1, 2):
        assert lines(check.judged(hosts(95), [], at=NOW + 60 * minute)) == [
            "CRITICAL green CPU: cpu 95% above 90%",
            "UNKNOWN check: the inventory of source shop is empty",
        ]
    assert lines(check.judged(ConnectError("refused"), [], at=NOW + 180))[0].startswith("UNKNOWN green CPU: ")


def test_a_label_of_the_metric_needs_no_inventory_to_be_selected_by() -> None:
    of = metric(labels=("host", "project"))
    check = rule(of=of, sources=[SHOP], levels=above(90), where=selection({"project": "p"}), expect=ALL)
    assert judged(check, [Sample(99, host="web-1", project="p")], [])[0].state is State.CRITICAL


# An inventory that fails

FAILED = "the inventory of source shop failed: connect: refused"


@pytest.mark.parametrize(
    ("value", "each", "told"),
    [
        (1, (), [f"UNKNOWN check: {FAILED}; web-1: cpu 1%"]),
        (99, (), [f"CRITICAL check: web-1: cpu 99% above 90%; {FAILED}"]),
        (1, ("host",), ["OK check web-1: cpu 1%", f"UNKNOWN check: {FAILED}"]),
        (99, ("host",), ["CRITICAL check web-1: cpu 99% above 90%", f"UNKNOWN check: {FAILED}"]),
    ],
    ids=["well", "broken", "each host, well", "each host, broken"],
)
def test_an_inventory_that_fails_hides_nothing_that_was_measured(
    value: float, each: tuple[str, ...], told: list[str]
) -> None:
    check = rule(sources=[SHOP], levels=above(90), each=each, expect=ALL)
    assert lines(judged(check, hosts(value), ConnectError("refused"))) == told


def test_that_an_inventory_may_fail_does_not_excuse_what_was_measured() -> None:
    check = rule(sources=[SHOP], levels=above(90), expect=ALL, on_error=State.OK)
    assert lines(judged(check, hosts(99), ConnectError("refused"))) == [
        f"CRITICAL check: web-1: cpu 99% above 90%; {FAILED}"
    ]


@pytest.mark.parametrize("on_error", list(State), ids=lambda state: state.value)
def test_what_needs_an_inventory_that_fails_is_as_if_its_source_failed(on_error: State) -> None:
    check = Check(rule(sources=[SHOP], levels=above(90), where=PROD, on_error=on_error))
    check.judged(hosts(95), entities(1))
    assert lines(check.judged(hosts(5), ConnectError("refused"), at=NOW + 60)) == [
        f"{on_error.value} check: {FAILED}; last good state CRITICAL, 1m ago"
    ]
    each = Check(rule(sources=[SHOP], levels=above(90), each="host", where=PROD, on_error=on_error))
    each.judged(hosts(95), entities(1))
    assert lines(each.judged(hosts(5), ConnectError("refused"), at=NOW + 60)) == [
        f"{on_error.value} check web-1: {FAILED}; last good state CRITICAL, 1m ago"
    ]


def test_an_inventory_that_fails_is_asked_again_soon() -> None:
    check = Check(rule(sources=[SHOP], expect=ALL, interval_s=600.0))
    check.judged(hosts(5), ConnectError("refused"))
    assert check.judgement is not None
    assert check.judgement.good_until == NOW + 60


def test_a_source_that_fails_is_told_before_its_inventory() -> None:
    check = rule(sources=[SHOP], expect=ALL)
    assert lines(judged(check, ConnectError("refused"), ConnectError("refused"))) == [
        "UNKNOWN check: source shop failed: connect: refused"
    ]
