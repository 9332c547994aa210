"""The commands that read: what they ask for, and what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmill.api.v1 import ConfigurationError, ParseError, ReadError
from plugins.nhn_watcher.documented import (
    ANSWERS,
    DETAIL,
    EVENTS,
    HEADER,
    HISTORY,
    RECORD,
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
    params_of,
    plan,
    record,
    records,
)
from support.commands import Desk

SANDBOX = """
    sources:
      audit:
        type: nhn-watcher
        base_url: ${URL}
        appkey: ${APPKEY}
        user_access_key: ${KEY}
        secret_access_key: ${SECRET}
    checks: []
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.write(SANDBOX)
    return made


def test_list_shows_alarms_as_rows() -> None:
    rows = alarms(alarm(), alarm("al-2", "x", "DISABLED", modDatetime=""), alarm("al-3", "x", alarmRule=None))
    assert plan("list", {SEARCH: rows}, make(zone="Asia/Seoul")).data == [
        {
            "alarm": "deploys",
            "id": "al-1",
            "status": "STABLE",
            "rule": "everything",
            "changed": "2026-11-20T12:00:00+09:00",
        },
        {"alarm": "x (al-2)", "id": "al-2", "status": "DISABLED", "rule": "everything", "changed": ""},
        {
            "alarm": "x (al-3)",
            "id": "al-3",
            "status": "STABLE",
            "rule": "",
            "changed": "2026-11-20T12:00:00+09:00",
        },
    ]


def test_list_asks_with_every_filter_of_the_search() -> None:
    vendor = Vendor()
    plan(
        "list",
        vendor,
        make(zone="Asia/Seoul"),
        id=("al-1", "al-2"),
        name="dep",
        description="in",
        status=("STABLE", "CLOSED"),
        rule=("ar-1",),
        group=("rg-1",),
        operator=("u-1",),
        changed_from="2026-11-01T00:00:00",
        changed_to="2026-11-02T00:00:00Z",
        sort="alarmName, ASC",
    )
    (request,) = vendor.asked
    assert body_of(request) == {
        "alarmIds": ["al-1", "al-2"],
        "alarmNameAnyLike": "dep",
        "alarmRuleIds": ["ar-1"],
        "alarmStatusCodes": ["STABLE", "CLOSED"],
        "descriptionAnyLike": "in",
        "operatorUuids": ["u-1"],
        "resourceGroupIds": ["rg-1"],
        "modDateFrom": "2026-11-01T00:00:00",
        "modDateTo": "2026-11-02T09:00:00",
    }
    assert params_of(request) == [("page", "0"), ("size", "100"), ("sort", "alarmName, ASC")]


def test_list_without_filters_asks_for_everything_that_is_not_deleted() -> None:
    vendor = Vendor()
    plan("list", vendor)
    assert body_of(vendor.asked[0]) == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"changed_from": "yesterday"}, "--changed-from 'yesterday' is no time"),
        ({"changed_to": "2026-11-31T00:00:00"}, "--changed-to '2026-11-31T00:00:00' is no time"),
        ({"name": "a\nb"}, "cannot be looked for"),
        ({"id": ("\udcff",)}, "cannot be looked for"),
    ],
)
def test_list_refuses_what_cannot_be_asked(arguments: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said.replace("--", "-.?")):
        plan("list", None, **arguments)


def test_a_list_that_is_not_whole_is_shown_and_said() -> None:
    made = plan("list", {SEARCH: alarms(alarm(), None, total=9)}, make(most_pages=1))
    assert [row["id"] for row in made.data] == ["al-1"]
    assert [one.partition(";")[0] for one in made.problems] == [
        "the list is not whole: 2 of 9 items came",
        "row 2 of the list of alarms should be an object, but is absent",
    ]


def test_a_list_says_of_which_alarm_something_is_wrong() -> None:
    pages = [
        alarms(alarm(), alarm("al-2", "b"), total=3),
        alarms(alarm("al-2", "b", "DISABLED"), alarm("al-3", alarmName=5), total=3),
    ]
    made = plan("list", {SEARCH: pages}, make(page_size=2))
    assert made.problems == [
        "alarm b: it came twice, and not alike",
        "alarm al-3: its alarmName should be a text, but is 5",
    ]


def test_get_shows_all_that_belongs_to_an_alarm() -> None:
    assert plan("get", id="al-1").data == {
        "alarm": "deploys",
        "id": "al-1",
        "status": "STABLE",
        "rule": "everything",
        "changed": "2026-11-20T12:00:00+00:00",
        "description": "instances",
        "recipients": [
            "member 3f1c... by e-mail",
            "role ADMIN by e-mail and SMS",
            "group of recipients ak-0...",
            "webhook at hooks.watcher.example, with a secret",
        ],
        "events": [{"product": "pd-1", "event": "event_id.instance.create"}],
        "resource_groups": ["rg-1 (production)"],
        "resource_tags": ["7 (env=prod)"],
    }


def test_get_says_all_where_nothing_is_named() -> None:
    data = plan("get", {DETAIL: detail(events=None, target=None)}, id="al-1").data
    assert (data["events"], data["resource_groups"], data["resource_tags"]) == ("all", [], [])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"header": HEADER, "alarm": None}, "Resource Watcher knows no such alarm"),
        (detail("al-2"), "another alarm"),
        (detail(events=[{}]), "an entry has no usable productId"),
        (detail(target={"resourceTags": [{"tagId": "7"}]}), "tagId should be a number, but is text"),
        (detail(target={"resourceTags": [{"tagId": True}]}), "tagId should be a number, but is true"),
        (detail(target="x"), "target should be an object, but is text"),
        (detail(target={"resourceGroups": {}}), "resourceGroups should be a list, but is an object"),
    ],
)
def test_get_refuses_an_answer_that_is_no_alarm(answer: Any, said: str) -> None:
    with pytest.raises((ParseError, ReadError), match=said):
        plan("get", {DETAIL: answer}, id="al-1")


def test_history_shows_notifications_the_newest_first() -> None:
    rows = records(
        record("b", 7200, "FAILURE", resourceName=""),
        record("a", 60),
        record("c", 90000),
        record("d", eventDatetime="", regDatetime="", projectName=""),
    )
    assert plan("history", {HISTORY: rows}, alarm="al-1").data == [
        {
            "time": "2026-11-21T11:59:00+00:00",
            "result": "SUCCESS",
            "event": "event_id.instance.create",
            "resource": "web-1",
            "type": "INSTANCE",
            "project": "shop",
            "id": "a",
        },
        {
            "time": "2026-11-21T10:00:00+00:00",
            "result": "FAILURE",
            "event": "event_id.instance.create",
            "resource": "rk-1",
            "type": "INSTANCE",
            "project": "shop",
            "id": "b",
        },
        {
            "time": "(no usable time)",
            "result": "SUCCESS",
            "event": "event_id.instance.create",
            "resource": "web-1",
            "type": "INSTANCE",
            "project": "pr-1",
            "id": "d",
        },
    ]


def test_history_asks_with_every_filter_and_with_an_overlap() -> None:
    vendor = Vendor()
    plan(
        "history",
        vendor,
        make(zone="Asia/Seoul", lists="repeated"),
        alarm="deploys",
        since="2026-11-21T10:00:00",
        until="2026-11-21T12:00:00",
        result=("FAILURE",),
        event=("e1",),
        product=("p1",),
        project=("r1",),
        resource=("k1",),
        resource_name="web",
        source_type=("CONSOLE",),
        sort="x",
    )
    assert vendor.calls == [SEARCH, HISTORY]
    assert params_of(vendor.asked[1]) == [
        ("resourceKeys", "k1"),
        ("eventIds", "e1"),
        ("eventSourceTypes", "CONSOLE"),
        ("projectIds", "r1"),
        ("productIds", "p1"),
        ("alarmSendResultTypeCodes", "FAILURE"),
        ("resourceNameAnyLike", "web"),
        ("regDateFrom", "2026-11-21T09:00:00"),
        ("regDateTo", "2026-11-21T13:00:00"),
        ("page", "0"),
        ("size", "100"),
        ("sort", "x"),
    ]


def test_history_holds_every_filter_against_what_came() -> None:
    rows = records(record("a"), record("b", result="FAILURE"), record("c", eventId="e2"), record("d", 8000))
    arguments = {"event": ("event_id.instance.create",), "result": ("SUCCESS",), "since": at(3600), "until": at(0)}
    assert [row["id"] for row in plan("history", {HISTORY: rows}, alarm="al-1", **arguments).data] == ["a"]


def test_history_looks_back_a_day_unless_told_otherwise() -> None:
    vendor = Vendor()
    plan("history", vendor, alarm="al-1")
    plan("history", vendor, alarm="al-1", window=60.0)
    assert [dict(params_of(one))["regDateFrom"] for one in vendor.asked[1::2]] == [
        "2026-11-20T11:00:00",
        "2026-11-21T10:59:00",
    ]


def test_an_alarm_is_known_by_its_id_before_its_name() -> None:
    rows = alarms(alarm("al-9", "al-1"), alarm("al-1", "b"))
    vendor = Vendor({SEARCH: rows})
    plan("history", vendor, alarm="al-1")
    assert vendor.calls[1] == HISTORY


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("x", "2 alarms are called 'x'; name one by its id: al-1, al-2"),
        ("nobody", "no alarm has the name or id 'nobody'"),
        ("X", "no alarm has the name or id 'X'"),
    ],
)
def test_a_name_that_is_no_single_alarm_is_refused(word: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        plan("history", {SEARCH: alarms(alarm("al-1", "x"), alarm("al-2", "x"))}, alarm=word)


def test_one_record_is_shown_in_full() -> None:
    vendor = Vendor()
    assert plan("history", vendor, alarm="deploys", record="ah-1").data == {
        "id": "ah-1",
        "alarm": "deploys",
        "alarm_id": "al-1",
        "rule": "everything",
        "result": "SUCCESS",
        "event": {
            "id": "event_id.instance.create",
            "source_type": "CONSOLE",
            "happened": "2026-11-21T11:59:00+00:00",
            "registered": "2026-11-21T11:59:02+00:00",
        },
        "resource": {
            "name": "web-1",
            "key": "rk-1",
            "type": "INSTANCE",
            "region": "KR1",
            "status": "STABLE",
            "created_by": "USER",
        },
        "product": "pd-1",
        "project": {"id": "pr-1", "name": "shop"},
    }
    assert vendor.calls == [SEARCH, RECORD]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"alarmHistory": None}, "knows no such record"),
        ({"alarmHistory": "x"}, "alarmHistory should be an object, but is text"),
        ({"alarmHistory": record("ah-2")}, "about another record"),
    ],
)
def test_an_answer_that_is_not_that_record_is_refused(answer: Any, said: str) -> None:
    with pytest.raises((ParseError, ReadError), match=said):
        plan("history", {RECORD: {**ANSWERS[RECORD], **answer}}, alarm="al-1", record="ah-1")


def test_events_are_listed_with_every_filter() -> None:
    vendor = Vendor({EVENTS: listed("events", [kind(), kind("e2", "pd-2", "RDS"), kind("e3", "pd-3"), {}])})
    made = plan("events", vendor, product=("pd-1", "pd-2"), product_name="I", name="C", sort="productName:ASC")
    assert made.data == [
        {"product": "pd-1", "product_name": "Instance", "event": "event_id.instance.create"},
        {"product": "pd-2", "product_name": "RDS", "event": "e2"},
    ]
    assert made.problems == ["1 rows have no usable ids"]
    assert params_of(vendor.asked[0]) == [
        ("productNameLike", "I"),
        ("eventNameLike", "C"),
        ("page", "0"),
        ("size", "100"),
        ("sort", "productName:ASC"),
    ]


def test_list_runs_as_a_command(desk: Desk) -> None:
    ran = desk("nhn alarm list --sandbox")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0].split() == ["ALARM", "ID", "STATUS", "RULE", "CHANGED"]
    assert [line.split("  ")[0] for line in ran.out.splitlines()[1:]] == [
        "deploys",
        "members",
        "databases",
        "결제 네트워크",
        "old-project",
    ]
    assert desk("nhn alarm list --sandbox --status CLOSED --format json").json[0]["alarm"] == "gone"
    assert desk("nhn alarm list --sandbox --name zzz").out == "no such alarm\n"


def test_history_and_a_record_run_as_commands(desk: Desk) -> None:
    rows = desk("nhn alarm history members --sandbox --result FAILURE --window 3h --format json").json
    assert {row["result"] for row in rows} == {"FAILURE"}
    ran = desk(f"nhn alarm history members --sandbox --record {rows[0]['id']}")
    assert ran.code == 0, ran.err
    assert f"id: {rows[0]['id']}\n" in ran.out
    assert "happened: '2033-05-1" in ran.out


def test_get_and_events_run_as_commands(desk: Desk) -> None:
    alarm_id = desk("nhn alarm list --sandbox --format json").json[0]["id"]
    ran = desk(f"nhn alarm get {alarm_id} --sandbox")
    assert ran.code == 0, ran.err
    assert "  - webhook at hooks.sandbox.example, with a secret\n" in ran.out
    assert len(desk("nhn alarm events --sandbox --product rgTJ3AZa --format json").json) == 3


def test_a_command_that_the_vendor_refuses_ends_with_3_and_says_so(desk: Desk) -> None:
    ran = desk("nhn alarm get nothing-like-it --sandbox")
    assert ran.code == 3
    assert "refused with resultCode -40401: the alarm does not exist" in ran.err
