"""The imitation of Resource Watcher: exact shapes, oddities included, changes that stay, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter

from checkmill.api.v1 import Answer, App, Asked, Sample, World
from checkmill.testing import play, vendor
from checkmill_nhn_watcher.metrics import WATCHER
from checkmill_nhn_watcher.sandbox import SANDBOX
from checkmill_nhn_watcher.sandbox.organisation import APPKEY, SECRET_ACCESS_KEY, USER_ACCESS_KEY
from plugins.nhn_watcher.documented import ANSWERS, DETAIL, EVENTS, HISTORY, RECORD, SEARCH

NOW = 1_795_000_123.0
ROOT = f"/resource-watcher/v1.0/appkeys/{APPKEY}"
KEYS = {"x-tc-authentication-id": USER_ACCESS_KEY, "x-tc-authentication-secret": SECRET_ACCESS_KEY}
FIRST = "5a0d7b1e-0000-4f5b-8a11-0c0ffee00000"
SETTINGS = TypeAdapter(WATCHER.settings).validate_python(dict(SANDBOX.settings))
GOOD: dict[str, Any] = {
    "alarm": {"alarmName": "new"},
    "alarmTargets": [{"alarmTargetTypeCode": "ROLE", "alarmTarget": "ADMIN", "emailAlarm": "Y"}],
    "events": [{"productId": "rgTJ3AZa", "eventId": "event_id.instance.create"}],
}


def app(at: float = NOW, seed: int = 1) -> App:
    return SANDBOX.start(World(lambda: at, seed))


def ask(
    method: str, path: str, body: Any = None, headers: Mapping[str, str] = KEYS, of: App | None = None, **params: str
) -> Answer:
    sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return (of or app())(Asked(method=method, path=path, params=params, headers=dict(headers), body=sent))


def good(*args: Any, **params: Any) -> Any:
    answer = ask(*args, **params)
    assert answer.json["header"] == {"isSuccessful": True, "resultCode": 0, "resultMessage": ""}
    return answer.json


def refused(*args: Any, **params: Any) -> str:
    answer = ask(*args, **params)
    assert answer.status == 200
    header = answer.json["header"]
    assert set(answer.json) == {"header"}
    assert header["isSuccessful"] is False
    assert header["resultCode"] != 0
    assert answer.remark
    return str(header["resultMessage"])


def shape_of(value: Any) -> Any:
    """The names that a value has, at every depth; of a list those of its first entry."""
    if isinstance(value, dict):
        return {name: shape_of(member) for name, member in value.items()}
    return [shape_of(one) for one in value[:1]] if isinstance(value, list) else ""


def samples(name: str, at: float = NOW, seed: int = 1, **query: Any) -> list[Sample]:
    metric = WATCHER.metric(name)
    assert metric is not None
    how = metric.dataset.query_type(**query)
    return list(metric.samples(play(metric.dataset.flow(SETTINGS, how), vendor(app(at, seed)), at), how))


@pytest.mark.parametrize(
    ("call", "documented", "loose"),
    [
        (("POST", f"{ROOT}/event-alarms/search", {}), SEARCH, ("resourceTypes",)),
        (("GET", f"{ROOT}/alarms/{FIRST}/alarm-history"), HISTORY, ("targetMembers",)),
        (("GET", f"{ROOT}/events"), EVENTS, ()),
        (("GET", f"{ROOT}/event-alarms/{FIRST}"), DETAIL, ("resourceTypes", "alarmTargetAlarmKeys")),
    ],
)
def test_answers_have_the_documented_members(call: Any, documented: str, loose: tuple[str, ...]) -> None:
    def of(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: "" if name in loose or isinstance(one, str) else of(one) for name, one in value.items()}
        return [of(one) for one in value] if isinstance(value, list) else value

    found, expected = of(shape_of(good(*call))), of(shape_of(ANSWERS[documented]))
    lists = ("alarmTargetMemberProfiles", "resourceGroups", "resourceTags")
    for answer in (found, expected):
        for name in lists:
            answer.pop(name, None)
            answer.get("target", {}).pop(name, None) if isinstance(answer.get("target"), dict) else None
    assert found == expected


def test_a_record_alone_has_the_documented_members() -> None:
    of = app()
    first = good("GET", f"{ROOT}/alarms/{FIRST}/alarm-history", of=of)["alarmHistories"][0]
    found = good("GET", f"{ROOT}/alarms/{FIRST}/alarm-history/{first['alarmHistoryId']}", of=of)
    assert set(found) == set(ANSWERS[RECORD])
    assert found["alarmHistory"] == first
    assert {name: set(found[name]) for name in ("alarm", "alarmRule")} == {
        name: set(ANSWERS[RECORD][name]) for name in ("alarm", "alarmRule")
    }


def test_dates_have_the_documented_form_and_may_be_empty() -> None:
    row = good("POST", f"{ROOT}/event-alarms/search", {})["alarms"][0]
    assert row["delDatetime"] == ""
    assert len(row["modDatetime"]) == len("yyyy-MM-ddTHH:mm:SS")


def test_without_a_size_ten_of_many_come() -> None:
    page = good("GET", f"{ROOT}/alarms/{FIRST}/alarm-history")
    assert (len(page["alarmHistories"]), page["totalItems"]) == (10, 288)
    rest = good("GET", f"{ROOT}/alarms/{FIRST}/alarm-history", page="28", size="10")
    assert len(rest["alarmHistories"]) == 8
    assert good("GET", f"{ROOT}/alarms/{FIRST}/alarm-history", page="29")["alarmHistories"] == []


def test_deleted_alarms_come_only_when_asked_for() -> None:
    default = good("POST", f"{ROOT}/event-alarms/search", {})
    assert {row["alarmStatusCode"] for row in default["alarms"]} == {"STABLE", "DISABLED"}
    closed = good("POST", f"{ROOT}/event-alarms/search", {"alarmStatusCodes": ["CLOSED"]})
    assert [row["alarmName"] for row in closed["alarms"]] == ["gone"]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"alarmNameAnyLike": "data"}, ["databases"]),
        ({"alarmIds": [FIRST]}, ["deploys"]),
        ({"descriptionAnyLike": "who may"}, ["members"]),
        ({"resourceGroupIds": ["rg-0001"]}, ["databases", "old-project"]),
        ({"alarmRuleIds": ["other"]}, []),
        ({"operatorUuids": ["nobody"]}, []),
        ({"modDateFrom": "2026-11-17T00:00:00"}, ["deploys"]),
        ({"modDateTo": "2026-10-15T00:00:00"}, ["old-project"]),
    ],
)
def test_alarms_are_searched(body: Any, names: list[str]) -> None:
    found = good("POST", f"{ROOT}/event-alarms/search", body)
    assert [row["alarmName"] for row in found["alarms"]] == names


@pytest.mark.parametrize(
    ("params", "holds"),
    [
        ({"alarmSendResultTypeCodes": "SENDING"}, lambda row: row["alarmSendResultTypeCode"] == "SENDING"),
        ({"eventIds": "event_id.instance.create,x"}, lambda row: row["event"]["eventId"].endswith("create")),
        ({"resourceKeys": "instance-web-0001"}, lambda row: row["resource"]["resourceName"] == "web-1"),
        ({"resourceNameAnyLike": "web-2"}, lambda row: row["resource"]["resourceName"] == "web-2"),
        ({"eventSourceTypes": "SYSTEM"}, lambda row: row["event"]["eventUser"]["userIdNo"] == ""),
        ({"projectIds": "none"}, lambda _: False),
        ({"productIds": "none"}, lambda _: False),
        ({"regDateFrom": "2026-11-18T07:00:00"}, lambda row: row["event"]["regDatetime"] >= "2026-11-18T07:00:00"),
        ({"regDateTo": "2026-11-16T07:00:00"}, lambda row: row["event"]["regDatetime"] <= "2026-11-16T07:00:00"),
    ],
)
def test_histories_are_filtered(params: dict[str, str], holds: Any) -> None:
    every = good("GET", f"{ROOT}/alarms/{FIRST}/alarm-history", size="999")["alarmHistories"]
    found = good("GET", f"{ROOT}/alarms/{FIRST}/alarm-history", size="999", **params)["alarmHistories"]
    assert found == [row for row in every if holds(row)]


def test_product_names_come_in_the_language_that_is_asked_for() -> None:
    for lang, name in (("ko", "인스턴스"), ("en", "Instance"), ("", "인스턴스")):
        headers = {**KEYS, **({"lang": lang} if lang else {})}
        found = good("GET", f"{ROOT}/events", None, headers, productIdList="rgTJ3AZa", eventNameLike="Create")
        assert found["events"] == [
            {"eventId": "event_id.instance.create", "productId": "rgTJ3AZa", "productName": name}
        ]
        assert found["eventPage"] == ""
    assert good("GET", f"{ROOT}/events", None, {})["totalItems"] == 8


@pytest.mark.parametrize(
    ("method", "path", "body", "params", "said"),
    [
        ("POST", "/event-alarms", b"{", {}, "the body is not JSON"),
        ("POST", "/event-alarms", [], {}, "the body is not a JSON object"),
        ("POST", "/event-alarms", {**GOOD, "alarm": {}}, {}, "alarm.alarmName is required"),
        ("POST", "/event-alarms", {**GOOD, "alarm": {"alarmName": "x" * 256}}, {}, "alarm.alarmName is required"),
        (
            "POST",
            "/event-alarms",
            {**GOOD, "alarm": {"alarmName": "x", "description": "x" * 1001}},
            {},
            "at most 1000 characters",
        ),
        ("POST", "/event-alarms", {**GOOD, "alarmTargets": []}, {}, "alarmTargets is required"),
        ("POST", "/event-alarms", {**GOOD, "alarmTargets": [{"alarmTargetTypeCode": "X"}]}, {}, "alarmTargetTypeCode"),
        ("POST", "/event-alarms", {**GOOD, "alarmTargets": [{"alarmTargetTypeCode": "UUID"}]}, {}, "alarmTarget is"),
        (
            "POST",
            "/event-alarms",
            {**GOOD, "alarmTargets": [{"alarmTargetTypeCode": "WEBHOOK", "webhookUrl": "ftp://x"}]},
            {},
            "webhookUrl starts with",
        ),
        (
            "POST",
            "/event-alarms",
            {**GOOD, "alarmTargets": [{"alarmTargetTypeCode": "ALARM_KEY", "alarmTarget": "x", "smsAlarm": "N"}]},
            {},
            "takes neither",
        ),
        (
            "POST",
            "/event-alarms",
            {**GOOD, "alarmTargets": [{"alarmTargetTypeCode": "ROLE", "alarmTarget": "x", "smsAlarm": True}]},
            {},
            "Y or N",
        ),
        ("POST", "/event-alarms", {**GOOD, "events": []}, {}, "all events of all resources"),
        ("POST", "/event-alarms", {**GOOD, "events": [{"eventId": "x"}]}, {}, "productId and eventId"),
        ("POST", "/event-alarms", {**GOOD, "target": {"resourceTagIds": ["7"]}}, {}, "resourceTagIds are numbers"),
        ("POST", "/event-alarms", {**GOOD, "target": {"resourceTagIds": 7}}, {}, "resourceTagIds is not a list"),
        ("POST", "/event-alarms", {**GOOD, "target": {"resourceGroupIds": [7]}}, {}, "resourceGroupIds are texts"),
        ("POST", "/event-alarms", {**GOOD, "target": 7}, {}, "target is not an object"),
        ("PUT", f"/event-alarms/{FIRST}", {}, {}, "alarm.alarmName is required"),
        ("PUT", "/event-alarms/unknown", GOOD, {}, "does not exist"),
        ("PUT", FIRST.join(("/event-alarms/", "")).replace("-0000-", "-0005-"), GOOD, {}, "is deleted"),
        ("DELETE", "/event-alarms", None, {}, "alarmIds is required"),
        ("DELETE", "/event-alarms/unknown", None, {}, "does not exist"),
        ("GET", "/event-alarms/unknown", None, {}, "does not exist"),
        ("GET", "/alarms/unknown/alarm-history", None, {}, "does not exist"),
        ("GET", f"/alarms/{FIRST}/alarm-history/unknown", None, {}, "alarm history does not exist"),
        ("POST", "/event-alarms/search", None, {}, "the body is not JSON"),
        ("POST", "/event-alarms/search", {"alarmStatusCodes": ["ON"]}, {}, "STABLE, DISABLED, CLOSED"),
        ("POST", "/event-alarms/search", {"modDateFrom": "now"}, {}, "modDateFrom is not like"),
        ("POST", "/event-alarms/search", {}, {"page": "-1"}, "page is not a number"),
        ("POST", "/event-alarms/search", {}, {"size": "0"}, "size is not a number"),
        ("POST", "/event-alarms/search", {}, {"sort": "modDatetime:DESC"}, "sort is not understood"),
        ("GET", "/events", None, {"sort": "productName, DESC"}, "sort is not understood"),
        ("GET", f"/alarms/{FIRST}/alarm-history", None, {"alarmSendResultTypeCodes": "FAILED"}, "SENDING, SUCCESS"),
        ("GET", f"/alarms/{FIRST}/alarm-history", None, {"regDateFrom": "2026-11-21"}, "regDateFrom is not like"),
        ("GET", f"/alarms/{FIRST}/alarm-history", None, {"regDateTo": "2026-11-31T00:00:00"}, "regDateTo is not like"),
        ("GET", f"/event-alarms/{FIRST}/history", None, {}, "no such call"),
        ("PATCH", f"/event-alarms/{FIRST}", None, {}, "no such call"),
        ("GET", "/event-alarms", None, {}, "no such call"),
    ],
)
def test_it_refuses_with_http_200_what_the_vendor_refuses(
    method: str, path: str, body: Any, params: dict[str, str], said: str
) -> None:
    assert said in refused(method, ROOT + path, body, **params)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (ROOT.replace(APPKEY, "other"), KEYS),
        (ROOT, {}),
        (ROOT, {**KEYS, "x-tc-authentication-id": "other"}),
        (ROOT, {**KEYS, "x-tc-authentication-secret": "other"}),
        (ROOT, {"x-tc-authentication-id": USER_ACCESS_KEY}),
    ],
)
def test_wrong_keys_are_refused_with_http_200(path: str, headers: dict[str, str]) -> None:
    assert "is not valid" in refused("GET", f"{path}/event-alarms/{FIRST}", None, headers)


def test_history_and_events_have_no_second_version() -> None:
    second = ROOT.replace("v1.0", "v2.0")
    assert refused("GET", f"{second}/events") == "no such call"
    assert good("GET", f"{second}/event-alarms/{FIRST}")["alarm"]["alarmName"] == "deploys"
    assert set(good("POST", f"{second}/event-alarms", GOOD)) == {"header"}


def test_changes_stay() -> None:
    of = app()
    made = good("POST", f"{ROOT}/event-alarms", GOOD, of=of)["alarm"]
    assert good("GET", f"{ROOT}/event-alarms/{made['alarmId']}", of=of)["alarm"] == made
    assert good("GET", f"{ROOT}/alarms/{made['alarmId']}/alarm-history", of=of)["totalItems"] == 0
    changed = {**GOOD, "alarm": {"alarmName": "newer"}, "target": {"resourceTagIds": [4711]}}
    assert set(good("PUT", f"{ROOT}/event-alarms/{made['alarmId']}", changed, of=of)) == {"header"}
    again = good("GET", f"{ROOT}/event-alarms/{made['alarmId']}", of=of)
    assert again["alarm"]["alarmName"] == "newer"
    assert again["target"]["resourceTags"] == [{"tagId": 4711, "tagName": "env=prod"}]
    assert set(good("DELETE", f"{ROOT}/event-alarms/{made['alarmId']}", of=of)) == {"header"}
    assert refused("DELETE", f"{ROOT}/event-alarms/{made['alarmId']}", of=of) == "the alarm is deleted"
    assert good("POST", f"{ROOT}/event-alarms/search", {}, of=of)["totalItems"] == 5


def test_deleting_destroys_the_history() -> None:
    of = app()
    second = FIRST.replace("-0000-", "-0001-")
    good("DELETE", f"{ROOT}/event-alarms", of=of, alarmIds=f"{FIRST},{second}")
    assert good("GET", f"{ROOT}/alarms/{FIRST}/alarm-history", of=of)["totalItems"] == 0
    assert good("POST", f"{ROOT}/event-alarms/search", {}, of=of)["totalItems"] == 3
    assert refused("DELETE", f"{ROOT}/event-alarms", of=of, alarmIds=f"{FIRST},unknown")


def test_a_new_sandbox_knows_nothing_of_another_ones_changes() -> None:
    good("DELETE", f"{ROOT}/event-alarms/{FIRST}", of=app())
    assert good("POST", f"{ROOT}/event-alarms/search", {})["totalItems"] == 5


@pytest.mark.parametrize("hours", range(0, 48, 5))
def test_at_every_hour_some_alarms_are_well_and_others_are_not(hours: int) -> None:
    at = NOW + 3600 * hours + 137

    def values(name: str) -> dict[str, Any]:
        return {one.labels["alarm"]: one.value for one in samples(name, at)}

    assert set(values("alarm_status").values()) == {"STABLE", "DISABLED"}
    failed = values("failed_notifications")
    assert failed["members"] > 0
    assert failed["deploys"] == 0
    stuck = values("stuck_notifications")
    assert stuck["databases"] > 3600
    assert stuck["deploys"] <= 20
    newest = values("newest_event_age")
    assert newest["deploys"] < 3600
    assert newest["old-project"] > 10 * 86400


def test_the_same_world_gives_the_same_values_and_another_seed_others() -> None:
    assert samples("newest_event_age") == samples("newest_event_age")
    assert samples("newest_event_age") != samples("newest_event_age", seed=2)


def test_some_event_is_always_caused_by_somebody_unexpected() -> None:
    (first, *_) = samples("unexpected_events", user="Minji Kim", anonymous=True)
    (second, *_) = samples("unexpected_events", user=("Minji Kim", "박준"), anonymous=True)
    assert (first.value, second.value) != (0, None)
    assert second.value == 0
