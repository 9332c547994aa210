"""What the alarms themselves say, as samples."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import ConfigurationError, ParseError, ReadError, State, StatusError
from checkmill.testing import play
from checkmill_nhn_watcher.inventory import INVENTORY
from plugins.nhn_watcher.documented import (
    DETAIL,
    EVENTS,
    HEADER,
    HISTORY,
    NOW,
    SEARCH,
    Vendor,
    alarm,
    alarms,
    at,
    body_of,
    detail,
    kind,
    listed,
    make,
    metric,
    params_of,
    reason,
    record,
    records,
    samples,
    target,
    values,
)


def test_alarms_are_counted() -> None:
    (sample,) = samples("alarms", {SEARCH: alarms(alarm("al-1"), alarm("al-2"))})
    assert (sample.value, sample.labels) == (2, {})


def test_only_the_watched_ones_are_counted() -> None:
    (sample,) = samples("alarms", {SEARCH: alarms(alarm("al-1", "a"), alarm("al-2", "b"))}, make(alarms="a*"))
    assert sample.value == 1


@pytest.mark.parametrize(
    ("status", "value", "state"),
    [("STABLE", "STABLE", State.OK), ("DISABLED", "DISABLED", State.CRITICAL), ("CLOSED", "CLOSED", State.CRITICAL)],
)
def test_the_status_of_an_alarm_is_the_vendors_word(status: str, value: str, state: State) -> None:
    (sample,) = samples("alarm_status", {SEARCH: alarms(alarm(status=status))})
    assert (sample.value, sample.labels) == (value, {"alarm": "deploys", "id": "al-1"})
    states = metric("alarm_status").states
    assert states is not None
    assert states[value] is state


@pytest.mark.parametrize(
    ("status", "said"),
    [("", "no status"), (None, "no status"), (1, "no status"), ("stable", "the status 'stable'"), ("ON\n", "'ON'")],
)
def test_another_status_is_no_status(status: Any, said: str) -> None:
    assert said in reason(samples("alarm_status", {SEARCH: alarms(alarm(alarmStatusCode=status))}))


def test_alarms_of_one_name_are_told_apart_by_their_ids() -> None:
    found = samples("alarm_status", {SEARCH: alarms(alarm("al-1", "x"), alarm("al-2", "x"), alarm("al-3", "y"))})
    assert [sample.labels["alarm"] for sample in found] == ["x (al-1)", "x (al-2)", "y"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("al-1", "row 1 of the list of alarms should be an object, but is text"),
        (None, "row 1 of the list of alarms should be an object, but is absent"),
        (["al-1"], "row 1 of the list of alarms should be an object, but is a list of 1"),
        (alarm(""), "row 1 of the list of alarms has no usable alarmId"),
        (alarm("a\nb"), "row 1 of the list of alarms has no usable alarmId"),
        (alarm(alarmId=5), "row 1 of the list of alarms has no usable alarmId"),
        (alarm(alarmId="\ud800"), "row 1 of the list of alarms has no usable alarmId"),
    ],
)
@pytest.mark.parametrize(
    "name", ["alarms", "alarm_status", "alarm_change_age", "recipients", "notifications", "newest_event_age"]
)
def test_a_row_that_is_no_alarm_is_said(name: str, row: Any, said: str) -> None:
    found = samples(name, {SEARCH: alarms(row, total=1)})
    assert said in reason(found)
    assert set(found[0].labels) <= {"alarm"}


def test_an_alarm_that_came_twice_and_not_alike_is_missing() -> None:
    pages = [
        alarms(alarm("al-1"), alarm("al-2", "b"), total=3),
        alarms(alarm("al-2", "b", "DISABLED"), alarm("al-3"), total=3),
    ]
    found = samples("alarm_status", {SEARCH: pages}, make(page_size=2))
    assert [sample.reason for sample in found if sample.is_missing] == ["it came twice, and not alike"]


def test_a_count_says_which_alarm_keeps_it_from_being_one() -> None:
    pages = [
        alarms(alarm("al-1"), alarm("al-2", "b"), total=3),
        alarms(alarm("al-2", "b", "DISABLED"), alarm("al-3"), total=3),
    ]
    assert reason(samples("alarms", {SEARCH: pages}, make(page_size=2))) == "alarm b: it came twice, and not alike"


def test_an_alarm_without_a_name_is_called_by_its_id() -> None:
    (sample,) = samples("alarm_status", {SEARCH: alarms(alarm("al-9", ""))})
    assert sample.labels == {"alarm": "al-9", "id": "al-9"}


@pytest.mark.parametrize(
    ("changed", "age"), [(at(0), 0), (at(90), 90), (at(-200), 0), ("2026-11-20T21:00:00+0900", 86400)]
)
def test_the_age_of_a_change(changed: str, age: float) -> None:
    (sample,) = samples("alarm_change_age", {SEARCH: alarms(alarm(modDatetime=changed))})
    assert sample.value == age


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("", "modDatetime should be a time, but is an empty text"),
        (None, "modDatetime should be a time, but is absent"),
        (1.5, "modDatetime should be a time, but is 1.5"),
        (at(-4000), "ahead of now; does the setting zone fit the vendor?"),
    ],
)
def test_a_change_at_no_time_is_missing(changed: Any, said: str) -> None:
    assert said in reason(samples("alarm_change_age", {SEARCH: alarms(alarm(modDatetime=changed))}))


def test_alarms_are_counted_by_status_with_one_small_question_each() -> None:
    def count(request: Any) -> Any:
        status = body_of(request)["alarmStatusCodes"][0]
        total = {"STABLE": 12, "DISABLED": 1, "CLOSED": 0}[status]
        return alarms(*([alarm(status=status)] if total else []), total=total)

    vendor = Vendor({SEARCH: count})
    found = samples("alarms_by_status", vendor)
    assert [(one.labels["status"], one.value) for one in found] == [("STABLE", 12), ("DISABLED", 1), ("CLOSED", 0)]
    assert {tuple(params_of(one)) for one in vendor.asked} == {(("page", "0"), ("size", "1"))}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (alarms(alarm(status="DISABLED"), total=3), "an alarm that is not STABLE came where only such were asked for"),
        (alarms(total=3), "the list is empty although totalItems is 3"),
        (alarms(alarm(), total=0), "1 items came, and totalItems is 0"),
        (500, "HTTP 500"),
    ],
)
def test_a_count_that_contradicts_itself_is_missing(page: Any, said: str) -> None:
    def count(request: Any) -> Any:
        status = body_of(request)["alarmStatusCodes"][0]
        return page if status == "STABLE" else alarms()

    found = samples("alarms_by_status", {SEARCH: count})
    assert [one.value for one in found] == [None, 0, 0]
    assert said in found[0].reason


def test_counts_that_all_fail_are_a_failure_of_the_source() -> None:
    with pytest.raises(StatusError):
        samples("alarms_by_status", {SEARCH: 500})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("deploys",), {"deploys": "present"}),
        ("al-1", {"al-1": "present"}),
        (("deploys", "members"), {"deploys": "present", "members": "missing"}),
        ("Deploys", {"Deploys": "missing"}),
    ],
)
def test_an_alarm_that_must_exist_does_or_does_not(asked: Any, expected: dict[str, str]) -> None:
    assert values("expected_alarm", alarm=asked) == expected


def test_every_entry_of_the_setting_is_expected_to_mean_an_alarm_without_a_query() -> None:
    assert values("expected_alarm", None, make(alarms=("deploys", "gone", "prod-*", "dep*"))) == {
        "deploys": "present",
        "gone": "missing",
        "prod-*": "missing",
        "dep*": "present",
    }


def test_nothing_expected_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="no alarm is named"):
        samples("expected_alarm")


def test_an_alarm_that_is_off_exists_and_a_deleted_one_does_not() -> None:
    rows = alarms(alarm("al-1", "a", "DISABLED"), alarm("al-2", "b", "CLOSED"))
    assert values("expected_alarm", {SEARCH: rows}, alarm=("a", "b")) == {"a": "present", "b": "missing"}


@pytest.mark.parametrize("rows", [alarms(alarm("al-2", "b"), total=5), alarms(alarm("al-2", "b"), "?", total=2)])
def test_nothing_is_called_gone_that_may_only_be_unread(rows: Any) -> None:
    assert values("expected_alarm", {SEARCH: [rows, rows]}, alarm="a") == {"a": None}


def test_recipients_are_counted_and_nobody_is_looked_at() -> None:
    assert values("recipients") == {"deploys": 4}
    assert values("recipients", {DETAIL: detail(alarmTargets=[])}) == {"deploys": 0}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"header": HEADER, "alarm": None}, "knows no such alarm"),
        ({"header": HEADER}, "knows no such alarm"),
        (detail(alarm=[]), "alarm should be an object, but is a list of 0"),
        (detail("al-2"), "about another alarm"),
        (detail(alarmTargets=None), "alarmTargets should be a list, but is absent"),
        (detail(alarmTargets={"a": 1}), "alarmTargets should be a list, but is an object"),
        (detail(alarmTargets=[target("ROLE"), "ADMIN"]), "an entry of alarmTargets should be an object, but is text"),
    ],
)
def test_recipients_that_cannot_be_counted_are_missing(answer: Any, said: str) -> None:
    two = {SEARCH: alarms(alarm(), alarm("al-2", "b")), "GET /event-alarms/al-2": detail("al-2"), DETAIL: answer}
    found = samples("recipients", two)
    assert said in found[0].reason
    assert [one.value for one in found] == [None, 4]
    with pytest.raises((ParseError, ReadError)):
        samples("recipients", {DETAIL: answer})


def test_event_kinds_are_counted_by_product() -> None:
    rows = [kind(), kind("event_id.b"), kind("event_id.b", "pd-2", "RDS"), kind("event_id.c", "pd-3", "")]
    found = samples("event_kinds", {EVENTS: listed("events", rows)})
    assert [(one.labels, one.value) for one in found] == [
        ({"product": "pd-1", "product_name": "Instance"}, 2),
        ({"product": "pd-2", "product_name": "RDS"}, 1),
        ({"product": "pd-3"}, 1),
    ]


@pytest.mark.parametrize(
    ("asked", "sent"), [((), None), ("pd-1", "pd-1"), (("pd-1",), "pd-1"), (("pd-1", "pd-9"), None)]
)
def test_several_products_are_told_apart_here_since_nobody_says_how_to_ask_for_them(asked: Any, sent: Any) -> None:
    vendor = Vendor()
    found = samples("event_kinds", vendor, product=asked)
    assert dict(params_of(vendor.asked[0])).get("productIdList") == sent
    assert {one.labels["product"]: one.value for one in found}.get("pd-9", 0) == 0
    assert {one.labels["product"] for one in found} == ({asked} if isinstance(asked, str) else set(asked)) | {"pd-1"}


@pytest.mark.parametrize("row", [{}, "x", kind(""), kind(product=""), {"eventId": 5, "productId": "pd-1"}])
def test_an_event_kind_without_ids_keeps_all_from_being_counted(row: Any) -> None:
    assert "row 2 of the list of events has no usable" in reason(
        samples("event_kinds", {EVENTS: listed("events", [kind(), row])})
    )


def test_no_alarm_that_matches_is_a_mistake_that_says_which_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no alarm matches alarms: prod-\*; there are deploys"):
        samples("notifications", None, make(alarms="prod-*"))


def test_a_named_alarm_that_is_not_there_is_missing_beside_the_others() -> None:
    found = samples("notifications", None, make(alarms=("deploys", "members")))
    assert [(one.labels["alarm"], one.value) for one in found] == [("deploys", 1), ("members", None)]
    assert found[1].reason == "parse: no alarm of this name or id"


def test_an_alarm_whose_history_fails_is_missing_and_the_others_are_told() -> None:
    two = {SEARCH: alarms(alarm(), alarm("al-2", "b")), "GET /alarms/al-2/alarm-history": 500}
    assert values("notifications", two) == {"deploys": 1, "b": None}


def test_histories_that_all_fail_are_a_failure_of_the_source() -> None:
    with pytest.raises(StatusError):
        samples("notifications", {HISTORY: 503})


def test_the_time_of_asking_is_that_of_the_flow() -> None:
    assert values("newest_event_age", {HISTORY: records(record(ago=NOW % 1000))}) == {"deploys": NOW % 1000}


@pytest.mark.parametrize("name", [5, ["prod-a"], {}, True])
def test_a_name_that_is_no_text_is_no_reason_to_leave_an_alarm_out(name: Any) -> None:
    rows = alarms(alarm("al-1", "prod-a"), alarm("al-2", alarmName=name))
    found = samples("notifications", {SEARCH: rows}, make(alarms="prod-*"))
    assert [one.value for one in found] == [1, None]
    assert "its alarmName should be a text" in found[1].reason


@pytest.mark.parametrize(("chosen", "said"), [("*", ""), ("al-2", ""), ("prod-*", "it has no alarmName by which")])
def test_an_alarm_without_a_name_is_left_out_only_where_its_id_tells(chosen: str, said: str) -> None:
    rows = alarms(alarm("al-1", "prod-a"), alarm("al-2", ""))
    found = samples("alarm_status", {SEARCH: rows}, make(alarms=chosen))
    assert said in found[-1].reason
    assert found[-1].labels["id"] == "al-2"


def inventory(answers: dict[str, Any]) -> list[Any]:
    dataset = INVENTORY.dataset
    return list(INVENTORY.entities(play(dataset.flow(make(), dataset.query_type()), Vendor(answers), NOW), None))


def test_the_inventory_is_the_watched_alarms_with_their_status_and_rule() -> None:
    rows = alarms(alarm(), alarm("al-2", "b", "DISABLED", alarmRule=None))
    assert [one.labels for one in inventory({SEARCH: rows})] == [
        {"alarm": "deploys", "id": "al-1", "status": "STABLE", "rule": "everything"},
        {"alarm": "b", "id": "al-2", "status": "DISABLED"},
    ]


def test_an_alarm_of_no_known_status_is_one_of_which_the_inventory_cannot_tell() -> None:
    (found,) = inventory({SEARCH: alarms(alarm(status="OFF"))})
    assert found.is_missing
    assert found.labels == {"alarm": "deploys", "id": "al-1"}


def test_a_list_that_is_not_whole_leaves_the_inventory_open() -> None:
    found = inventory({SEARCH: [alarms(alarm(), total=2), alarms(total=2)]})
    assert [one.is_missing for one in found] == [True, False]
    assert found[0].labels == {}
