"""What a rule or a command asks for of the history: a record that does not say what it is, is not left out silently."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.nhn_watcher.documented import (
    EVENTS,
    HISTORY,
    Vendor,
    kind,
    listed,
    make,
    params_of,
    plan,
    reason,
    record,
    records,
    samples,
    values,
)

NCRN = "org1:pr-1:INSTANCE:KR1:i-1"
#: A query, the members that say whether a record is meant, and what is missing where they do not.
UNSAID = [
    ({"event": "e-1"}, {"eventId": ""}, "event id"),
    ({"project": "pr-1"}, {"projectId": ""}, "project id"),
    ({"project": ("pr-1", "pr-2")}, {"projectId": None}, "project id"),
    ({"product": "pd-1"}, {"productId": ""}, "product id"),
    ({"source_type": "CONSOLE"}, {"eventSourceType": None}, "source type"),
    ({"resource": "rk-1"}, {"resourceKey": ""}, "resource key"),
    ({"resource": NCRN}, {"cloudResourceName": ""}, "cloudResourceName"),
    ({"resource": ("rk-1", NCRN)}, {"cloudResourceName": "", "resourceKey": ""}, "resource key"),
    ({"resource": ("rk-1", NCRN)}, {"cloudResourceName": "", "resourceKey": "rk-2"}, "cloudResourceName"),
]


@pytest.mark.parametrize("name", ["failed_notifications", "notifications", "events", "failed_share"])
@pytest.mark.parametrize(("query", "members", "what"), UNSAID)
def test_a_record_that_does_not_say_whether_it_is_meant_keeps_all_from_being_counted(
    name: str, query: Any, members: Any, what: str
) -> None:
    rows = records(record("a", result="FAILURE", **members))
    assert reason(samples(name, {HISTORY: rows}, **query)) == f"1 of 1 records have no {what}"


@pytest.mark.parametrize(("query", "members", "what"), UNSAID)
def test_what_a_record_does_not_say_is_no_matter_where_it_is_not_asked(query: Any, members: Any, what: str) -> None:
    assert values("notifications", {HISTORY: records(record(**members))}) == {"deploys": 1}


@pytest.mark.parametrize(
    "more",
    [{"ago": 7200.0}, {"eventSourceType": "SYSTEM"}],
    ids=["before the window", "something else is not what is asked for"],
)
def test_a_record_that_is_not_meant_in_any_case_need_not_say_more(more: Any) -> None:
    rows = records(record("a", projectId="", **more))
    assert values("notifications", {HISTORY: rows}, project="pr-1", source_type="CONSOLE") == {"deploys": 0}


@pytest.mark.parametrize(
    ("asked", "value"),
    [("rk-1", 1), (NCRN, 1), (("rk-1", NCRN), 1), ("rk-2", 0), ("org1:pr-1:INSTANCE:KR1:i-2", 0)],
)
def test_a_resource_is_asked_for_by_its_key_or_its_whole_name(asked: Any, value: int) -> None:
    assert values("notifications", None, resource=asked) == {"deploys": value}


@pytest.mark.parametrize("members", [{"resourceKey": ""}, {"resourceKey": "rk-9"}])
def test_a_whole_name_means_a_resource_whatever_its_key(members: Any) -> None:
    assert values("failed_notifications", {HISTORY: records(record(result="FAILURE", **members))}, resource=NCRN) == {
        "deploys": 1
    }


def test_a_whole_name_is_not_sent_as_a_key_which_would_mean_nothing() -> None:
    vendor = Vendor()
    samples("notifications", vendor, resource=NCRN)
    plan("history", vendor, alarm="al-1", resource=(NCRN,))
    assert all("resourceKeys" not in dict(params_of(one)) for one in vendor.asked)


def test_a_resource_is_called_as_the_rule_calls_it() -> None:
    found = samples("resource_events", None, resource=(NCRN, "rk-1", "rk-9"))
    assert [(one.labels["key"], one.value) for one in found] == [(NCRN, 1), ("rk-1", 1), ("rk-9", 0)]


def one_value_only(*names: str) -> Any:
    """A vendor that has nothing for several values of one parameter, however they are written."""

    def answer(request: Any) -> Any:
        asked = [name for name, _ in params_of(request)]
        sent = dict(params_of(request))
        rows = [record("a"), record("b", eventId="B"), record("c", result="FAILURE")]
        is_odd = any(asked.count(name) > 1 or "," in sent.get(name, "") for name in names)
        return records(*([] if is_odd else rows))

    return answer


@pytest.mark.parametrize("lists", ["comma", "repeated"])
@pytest.mark.parametrize(
    ("asked", "parameter", "found"),
    [
        ({"event": ("event_id.instance.create", "B")}, "eventIds", ["a", "b", "c"]),
        ({"event": ("event_id.instance.create", "C")}, "eventIds", ["a", "c"]),
        ({"result": ("FAILURE", "SENDING")}, "alarmSendResultTypeCodes", ["c"]),
        ({"product": ("pd-1", "pd-2")}, "productIds", ["a", "b", "c"]),
        ({"project": ("pr-1", "pr-2")}, "projectIds", ["a", "b", "c"]),
        ({"resource": ("rk-1", "rk-2")}, "resourceKeys", ["a", "b", "c"]),
        ({"source_type": ("CONSOLE", "SYSTEM")}, "eventSourceTypes", ["a", "b", "c"]),
    ],
)
def test_a_command_tells_several_values_apart_itself(lists: str, asked: Any, parameter: str, found: list[str]) -> None:
    vendor = Vendor({HISTORY: one_value_only(parameter)})
    made = plan("history", vendor, make(lists=lists), alarm="al-1", **asked)
    assert [row["id"] for row in made.data] == found
    assert parameter not in dict(params_of(vendor.asked[1]))


def test_several_products_are_listed_though_the_vendor_takes_one() -> None:
    rows = [kind(), kind("e2", "pd-2"), kind("e3", "pd-3")]

    def answer(request: Any) -> Any:
        return listed("events", [] if "productIdList" in dict(params_of(request)) else rows)

    made = plan("events", {EVENTS: answer}, product=("pd-1", "pd-2"))
    assert [row["product"] for row in made.data] == ["pd-1", "pd-2"]


@pytest.mark.parametrize(("query", "members", "what"), UNSAID)
def test_a_command_says_which_records_do_not_say_whether_they_are_meant(query: Any, members: Any, what: str) -> None:
    asked = {name: (value,) if isinstance(value, str) else value for name, value in query.items()}
    made = plan("history", {HISTORY: records(record("a", **members))}, alarm="al-1", **asked)
    assert made.data == []
    assert made.problems == [f"1 of 1 records have no {what}"]
