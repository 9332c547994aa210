"""What the history of the alarms says, as samples."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import ConfigurationError
from plugins.nhn_watcher.documented import (
    HISTORY,
    PERSONAL,
    SEARCH,
    Vendor,
    alarm,
    alarms,
    metric,
    params_of,
    reason,
    record,
    records,
    samples,
    values,
)

ALARM = {"alarm": "deploys", "id": "al-1"}
MIXED = records(
    record("a", 10),
    record("b", 20, "FAILURE"),
    record("c", 30, "SENDING"),
    record("d", 40, "FAILURE", eventId="event_id.instance.delete", resourceKey="rk-2", resourceName="web-2"),
    record("e", 3000, eventId="event_id.rds.failover", projectId="pr-2", projectName="pay", productId="pd-2"),
    record("f", 3700, "FAILURE"),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("notifications", 5),
        ("failed_notifications", 2),
        ("failed_share", 40),
        ("newest_event_age", 10),
        ("deleted_resources", 0),
    ],
)
def test_what_happened_in_the_window_counts(name: str, value: float) -> None:
    (sample,) = samples(name, {HISTORY: MIXED})
    assert (sample.value, sample.labels) == (value, ALARM)


@pytest.mark.parametrize("name", ["notifications", "failed_notifications", "deleted_resources", "stuck_notifications"])
def test_a_quiet_alarm_counts_nothing(name: str) -> None:
    (sample,) = samples(name, {HISTORY: records()})
    assert (sample.value, sample.labels) == (0, ALARM)


@pytest.mark.parametrize(("window", "said"), [(3600.0, "1h"), (90.0, "90s"), (86400.0, "1d"), (5400.0, "90m")])
def test_a_quiet_alarm_is_there_and_has_no_share(window: float, said: str) -> None:
    (sample,) = samples("failed_share", {HISTORY: records()}, window=window)
    assert (sample.reason, sample.labels) == (f"nothing was sent in the last {said}", ALARM)


@pytest.mark.parametrize(("failures", "share"), [(0, 0), (1, 33.333333), (2, 66.666667), (3, 100)])
def test_the_share_is_of_all_notifications(failures: int, share: float) -> None:
    rows = [record(str(number), result="FAILURE" if number < failures else "SUCCESS") for number in range(3)]
    (sample,) = samples("failed_share", {HISTORY: records(*rows)})
    assert sample.value == share


@pytest.mark.parametrize("name", ["failed_notifications", "failed_share", "stuck_notifications"])
@pytest.mark.parametrize("result", ["", None, "PARTIAL", "success", 0, ["FAILURE"]])
def test_a_result_that_nobody_documents_is_no_success(name: str, result: Any) -> None:
    rows = [record("a"), {**record("b"), "alarmSendResultTypeCode": result}]
    found = reason(samples(name, {HISTORY: records(*rows)}))
    assert found.startswith("1 of 2 notifications came with")
    assert "instead of SUCCESS, FAILURE, SENDING" in found
    assert values("notifications", {HISTORY: records(*rows)}) == {"deploys": 2}


def test_only_what_is_still_being_sent_is_asked_for_and_the_oldest_of_it_counts() -> None:
    rows = records(record("a", 30, "SENDING"), record("b", 7200, "SENDING"), record("c", 80000, "SUCCESS"))
    vendor = Vendor({HISTORY: rows})
    (sample,) = samples("stuck_notifications", vendor)
    assert sample.value == 7200
    assert ("alarmSendResultTypeCodes", "SENDING") in params_of(vendor.asked[-1])


@pytest.mark.parametrize("age", [90000, 40 * 86400])
def test_what_is_stuck_stays_stuck_however_old_it_is(age: float) -> None:
    rows = [record("a", 30), record("b", age, "SENDING")]

    def since(request: Any) -> Any:
        asked = dict(params_of(request))
        of_result = [one for one in rows if one["alarmSendResultTypeCode"] == asked["alarmSendResultTypeCodes"]]
        return records(*(one for one in of_result if one["event"]["eventDatetime"] >= asked.get("regDateFrom", "")))

    assert values("stuck_notifications", {HISTORY: since}) == {"deploys": age}


def test_what_is_stuck_knows_no_window() -> None:
    with pytest.raises(TypeError, match="window"):
        samples("stuck_notifications", window=60.0)


def test_the_newest_event_is_looked_for_in_all_of_the_history_where_the_window_has_none() -> None:
    vendor = Vendor({HISTORY: [records(), records(record("a", 9 * 86400), record("b", 5 * 86400))]})
    (sample,) = samples("newest_event_age", vendor, window=3600.0)
    assert sample.value == 5 * 86400
    assert [dict(params_of(one)).get("regDateFrom") for one in vendor.asked[1:]] == [
        "2026-11-21T10:00:00",
        "2026-11-21T04:00:00",
        "2026-11-20T05:00:00",
        None,
    ]


def test_an_alarm_that_never_told_of_anything_has_no_newest_event() -> None:
    assert reason(samples("newest_event_age", {HISTORY: records()})) == "its history holds no such event"


def test_a_history_too_long_to_be_read_has_no_newest_event() -> None:
    rows = [record(str(number), 9 * 86400) for number in range(3)]
    pages = [records(), records(*rows[:2], total=3), records(total=3)]
    assert "2 of 3 items came" in reason(samples("newest_event_age", {HISTORY: pages}))


def test_events_are_counted_by_kind() -> None:
    found = samples("events", {HISTORY: MIXED})
    assert [(one.labels["event"], one.value) for one in found] == [
        ("event_id.instance.create", 3),
        ("event_id.instance.delete", 1),
        ("event_id.rds.failover", 1),
    ]


def test_no_event_is_a_value_for_the_alarm() -> None:
    (sample,) = samples("events", {HISTORY: records()})
    assert (sample.value, sample.labels) == (0, ALARM)


@pytest.mark.parametrize(
    ("asked", "sent", "counts"),
    [
        ("event_id.instance.delete", "event_id.instance.delete", {"event_id.instance.delete": 1}),
        (("event_id.never",), "event_id.never", {"event_id.never": 0}),
        (
            ("event_id.never", "event_id.instance.create"),
            None,
            {"event_id.never": 0, "event_id.instance.create": 3},
        ),
    ],
)
def test_named_events_are_counted_whatever_the_vendor_makes_of_the_filter(asked: Any, sent: Any, counts: Any) -> None:
    vendor = Vendor({HISTORY: MIXED})
    found = samples("events", vendor, event=asked)
    assert {one.labels["event"]: one.value for one in found} == counts
    assert dict(params_of(vendor.asked[-1])).get("eventIds") == sent


@pytest.mark.parametrize(
    ("query", "parameter", "value"),
    [
        ({"event": "event_id.instance.delete"}, "eventIds", 1),
        ({"product": "pd-2"}, "productIds", 1),
        ({"project": "pr-2"}, "projectIds", 1),
        ({"resource": "rk-2"}, "resourceKeys", 1),
        ({"source_type": "CONSOLE"}, "eventSourceTypes", 5),
        ({"source_type": "SYSTEM"}, "eventSourceTypes", 0),
    ],
)
def test_a_query_narrows_what_counts_here_and_at_the_vendor(query: Any, parameter: str, value: int) -> None:
    vendor = Vendor({HISTORY: MIXED})
    (sample,) = samples("notifications", vendor, **query)
    assert sample.value == value
    assert dict(params_of(vendor.asked[-1]))[parameter] == next(iter(query.values()))


def test_resources_are_counted_by_key_and_called_by_name() -> None:
    found = samples("resource_events", {HISTORY: MIXED})
    assert [(one.labels, one.value) for one in found] == [
        ({**ALARM, "resource": "web-1", "key": "rk-1", "project": "pr-2"}, 4),
        ({**ALARM, "resource": "web-2", "key": "rk-2", "project": "pr-1"}, 1),
    ]


def test_a_named_resource_without_events_is_a_value() -> None:
    found = samples("resource_events", {HISTORY: MIXED}, resource=("rk-2", "rk-9"))
    assert [(one.labels["key"], one.value) for one in found] == [("rk-2", 1), ("rk-9", 0)]


def test_resources_of_one_id_in_two_services_are_two() -> None:
    rows = [record("a", resourceKey="rk-1", resourceId="x"), record("b", resourceKey="rk-2", resourceId="x")]
    assert len(samples("resource_events", {HISTORY: records(*rows)})) == 2


def test_projects_are_counted_by_id_and_called_by_name() -> None:
    found = samples("project_events", {HISTORY: MIXED})
    assert [(one.labels["project"], one.labels["project_name"], one.value) for one in found] == [
        ("pr-1", "shop", 4),
        ("pr-2", "pay", 1),
    ]
    (quiet,) = samples("project_events", {HISTORY: records()}, project="pr-9")
    assert (quiet.value, quiet.labels) == (0, {**ALARM, "project": "pr-9"})


def test_deleted_resources_are_counted_once() -> None:
    rows = [
        record("a", resourceStatusCode="CLOSED", resourceKey="rk-1"),
        record("b", resourceStatusCode="CLOSED", resourceKey="rk-1"),
        record("c", resourceStatusCode="CLOSED", resourceKey="rk-2"),
        record("d"),
    ]
    assert values("deleted_resources", {HISTORY: records(*rows)}) == {"deploys": 2}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ({"user": PERSONAL[0]}, 1),
        ({"user": PERSONAL[2]}, 1),
        ({"user": (f"{PERSONAL[0][:8]}*",)}, 1),
        ({"user": "somebody else"}, 2),
        ({"user": PERSONAL[0], "anonymous": True}, 0),
        ({"address": "203.0.113.0/24"}, 1),
        ({"address": ("10.0.0.0/8", "203.0.113.77")}, 1),
        ({"address": "10.0.0.0/8"}, 2),
        ({"address": "2001:db8::/32", "anonymous": True}, 1),
        ({"user": PERSONAL[0], "address": "10.0.0.0/8", "anonymous": True}, 1),
    ],
)
def test_events_by_nobody_expected_are_counted_and_nobody_is_named(query: Any, value: int) -> None:
    nobody = record("b", eventUser={"userAgent": "", "userId": "", "userIdNo": "", "userIp": ""})
    found = samples("unexpected_events", {HISTORY: records(record("a"), nobody)}, **query)
    assert [one.value for one in found] == [value]


@pytest.mark.parametrize("user", [None, {}, {"userIp": None}, {"userIp": "not an address", "userId": "x"}])
def test_a_user_that_cannot_be_told_is_not_expected(user: Any) -> None:
    found = samples("unexpected_events", {HISTORY: records(record(eventUser=user))}, user="*", address="0.0.0.0/0")
    assert [one.value for one in found] == [1]


@pytest.mark.parametrize(
    "user",
    [
        "evil",
        "",
        [],
        5,
        False,
        [{"userIp": PERSONAL[4]}],
        {"userIp": 12345, "userId": 777},
        {"userIp": [PERSONAL[4]]},
        {"userIdNo": {}},
    ],
)
@pytest.mark.parametrize("anonymous", [True, False])
@pytest.mark.parametrize("query", [{"user": "*"}, {"address": "0.0.0.0/0"}])
def test_a_user_in_no_documented_shape_is_neither_expected_nor_counted(user: Any, anonymous: bool, query: Any) -> None:
    rows = records(record("a"), record("b", eventUser=user))
    found = reason(samples("unexpected_events", {HISTORY: rows}, anonymous=anonymous, **query))
    assert found == "1 of 2 records have an id or a code that is none"
    assert values("notifications", {HISTORY: rows}) == {"deploys": 2}


def test_nobody_expected_at_all_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="nobody is expected"):
        samples("unexpected_events", {HISTORY: MIXED})


@pytest.mark.parametrize(
    ("row", "query", "said"),
    [
        ("x", {}, "1 of 2 records are no objects"),
        (None, {}, "1 of 2 records are no objects"),
        ({}, {}, "1 of 2 records have no id"),
        ({**record(), "alarmHistoryId": 5}, {}, "1 of 2 records have no id"),
        (record("b", eventId=""), {"event": "e"}, "1 of 2 records have no event id"),
        (record("b", eventId=None), {"event": "e"}, "1 of 2 records have no event id"),
        (record("b", resourceKey="", cloudResourceName=""), {"resource": "r"}, "1 of 2 records have no resource key"),
        ({"alarmHistoryId": "b", "event": [], "resource": 5}, {}, "1 of 2 records have an id or a code that is none"),
        (record("b", eventId=5), {}, "1 of 2 records have an id or a code that is none"),
        (record("b", projectId=["pr-1"]), {}, "1 of 2 records have an id or a code that is none"),
        (record("b", resourceStatusCode=True), {}, "1 of 2 records have an id or a code that is none"),
        (record("b", productId="a\nb"), {}, "1 of 2 records have an id or a code that is none"),
        (record("b", resourceName={}), {}, "1 of 2 records have an id or a code that is none"),
    ],
)
@pytest.mark.parametrize("name", ["notifications", "events", "failed_share", "deleted_resources"])
def test_records_that_cannot_be_told_keep_all_from_being_counted(name: str, row: Any, query: Any, said: str) -> None:
    assert reason(samples(name, {HISTORY: records(record("a"), row)}, **query)) == said


def test_members_that_are_not_there_are_no_reason_to_fail() -> None:
    bare = {
        "alarmHistoryId": "a",
        "alarmSendResultTypeCode": "FAILURE",
        "event": {"eventDatetime": "2026-11-21T11:59:00"},
    }
    assert values("failed_notifications", {HISTORY: records(bare)}) == {"deploys": 1}
    assert reason(samples("resource_events", {HISTORY: records(bare)})) == "1 of 1 records have no resource key"
    assert reason(samples("events", {HISTORY: records(bare)})) == "1 of 1 records have no event id"
    (sample,) = samples("project_events", {HISTORY: records(bare)})
    assert (sample.value, sample.labels) == (1, ALARM)


@pytest.mark.parametrize("status", ["", None, "closed", "GONE"])
def test_a_resource_of_which_nobody_says_whether_it_is_deleted_is_not_there(status: Any) -> None:
    rows = [record("a"), record("b", resourceStatusCode=status)]
    assert reason(samples("deleted_resources", {HISTORY: records(*rows)})) == (
        "1 of 2 records do not say whether their resource is deleted"
    )


def test_each_alarm_has_samples_of_its_own() -> None:
    two = {SEARCH: alarms(alarm(), alarm("al-2", "b")), "GET /alarms/al-2/alarm-history": records()}
    assert values("notifications", {**two, HISTORY: MIXED}) == {"deploys": 5, "b": 0}


@pytest.mark.parametrize("name", ["notifications", "failed_notifications", "events", "stuck_notifications"])
def test_every_label_of_a_sample_is_declared(name: str) -> None:
    for sample in samples(name, {HISTORY: MIXED}):
        assert set(sample.labels) <= set(metric(name).labels)
