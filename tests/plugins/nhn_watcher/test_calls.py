"""Each of the nine documented calls as it is sent: method, path, headers, parameters and body, whole."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import ConfigurationError, Flow, Request
from checkmill.testing import play
from checkmill_nhn_watcher import calls
from checkmill_nhn_watcher.calls import Slice
from plugins.nhn_watcher.documented import (
    ACCESS_KEY,
    APPKEY,
    BASE_URL,
    DETAIL,
    HEADER,
    KEYS,
    ROOT,
    SECRET_KEY,
    Vendor,
    body_of,
    carry_out,
    detail,
    make,
    params_of,
    plan,
    samples,
)
from plugins.nhn_watcher.test_definitions import definition

DONE = {"header": HEADER}
BODY = {
    "alarm": {"alarmName": "deploys", "description": "instances"},
    "alarmTargets": [
        {"alarmTargetTypeCode": "ROLE", "alarmTarget": "ADMIN", "emailAlarm": "Y", "smsAlarm": "N"},
    ],
    "events": [{"productId": "pd-1", "eventId": "event_id.instance.create"}],
}


def only(flow: Flow[Any], answer: Any) -> Request:
    """The one request of a flow."""
    asked: list[Request] = []

    def respond(request: Request) -> Any:
        asked.append(request)
        return Vendor({f"{request.method} {request.url().removeprefix(BASE_URL + ROOT).partition('?')[0]}": answer})(
            request
        )

    play(flow, respond)
    assert len(asked) == 1
    return asked[0]


def whole(request: Request) -> dict[str, Any]:
    """A request as it goes out."""
    url, _, _ = request.url().partition("?")
    return {
        "url": f"{request.method} {url}",
        "headers": request.sent_headers(),
        "params": params_of(request),
        "body": body_of(request),
        "repeatable": request.repeatable,
    }


def test_1_1_creates_an_alarm() -> None:
    request = only(calls.create_alarm(make(), BODY), detail())
    assert whole(request) == {
        "url": f"POST {BASE_URL}{ROOT}/event-alarms",
        "headers": KEYS,
        "params": [],
        "body": BODY,
        "repeatable": False,
    }


def test_1_2_gets_an_alarm() -> None:
    request = only(calls.get_alarm(make(), "al-1"), detail())
    assert whole(request) == {
        "url": f"GET {BASE_URL}{ROOT}/event-alarms/al-1",
        "headers": KEYS,
        "params": [],
        "body": None,
        "repeatable": True,
    }


def test_1_3_searches_alarms_with_a_post_that_may_be_repeated() -> None:
    request = only(calls.search_alarms(make(), Slice(size=100), {}), {**DONE, "alarms": [], "totalItems": 0})
    assert whole(request) == {
        "url": f"POST {BASE_URL}{ROOT}/event-alarms/search",
        "headers": KEYS,
        "params": [("page", "0"), ("size", "100")],
        "body": {},
        "repeatable": True,
    }


def test_1_3_takes_a_filter_and_an_order() -> None:
    asked = Slice(number=2, size=5, sort="modDatetime, DESC")
    body = {"alarmIds": ["al-1"], "alarmStatusCodes": ["CLOSED"], "modDateFrom": "2026-11-01T00:00:00"}
    request = only(calls.search_alarms(make(), asked, body), {**DONE, "alarms": [], "totalItems": 0})
    assert params_of(request) == [("page", "2"), ("size", "5"), ("sort", "modDatetime, DESC")]
    assert body_of(request) == body


def test_1_4_replaces_an_alarm() -> None:
    request = only(calls.modify_alarm(make(), "al-1", BODY), DONE)
    assert whole(request) == {
        "url": f"PUT {BASE_URL}{ROOT}/event-alarms/al-1",
        "headers": KEYS,
        "params": [],
        "body": BODY,
        "repeatable": False,
    }


def test_1_5_deletes_an_alarm() -> None:
    request = only(calls.delete_alarm(make(), "al-1"), DONE)
    assert whole(request) == {
        "url": f"DELETE {BASE_URL}{ROOT}/event-alarms/al-1",
        "headers": KEYS,
        "params": [],
        "body": None,
        "repeatable": False,
    }


@pytest.mark.parametrize(
    ("lists", "params"),
    [
        ("comma", [("alarmIds", "al-1,al 2&x")]),
        ("repeated", [("alarmIds", "al-1"), ("alarmIds", "al 2&x")]),
    ],
)
def test_1_6_deletes_several_alarms(lists: str, params: list[tuple[str, str]]) -> None:
    request = only(calls.delete_alarms(make(lists=lists), ["al-1", "al 2&x"]), DONE)
    assert whole(request) == {
        "url": f"DELETE {BASE_URL}{ROOT}/event-alarms",
        "headers": KEYS,
        "params": params,
        "body": None,
        "repeatable": False,
    }


def test_2_1_gets_one_record() -> None:
    request = only(calls.get_record(make(), "al-1", "ah/1"), {**DONE, "alarmHistory": {}})
    assert whole(request) == {
        "url": f"GET {BASE_URL}{ROOT}/alarms/al-1/alarm-history/ah%2F1",
        "headers": KEYS,
        "params": [],
        "body": None,
        "repeatable": True,
    }


@pytest.mark.parametrize(
    ("lists", "events"),
    [("comma", [("eventIds", "e1,e2")]), ("repeated", [("eventIds", "e1"), ("eventIds", "e2")])],
)
def test_2_2_lists_a_history(lists: str, events: list[tuple[str, str]]) -> None:
    filters = {"eventIds": ["e1", "e2"], "resourceNameAnyLike": "web &", "regDateFrom": "2026-11-21T10:00:00"}
    answer = {**DONE, "alarmHistories": [], "totalItems": 0}
    request = only(calls.list_history(make(lists=lists), "al-1", Slice(size=100), filters), answer)
    assert whole(request) == {
        "url": f"GET {BASE_URL}{ROOT}/alarms/al-1/alarm-history",
        "headers": KEYS,
        "params": [
            *events,
            ("resourceNameAnyLike", "web &"),
            ("regDateFrom", "2026-11-21T10:00:00"),
            ("page", "0"),
            ("size", "100"),
        ],
        "body": None,
        "repeatable": True,
    }


def test_3_1_lists_kinds_of_event_in_a_language() -> None:
    filters = {"productIdList": ["pd-1"], "productNameLike": "Inst", "eventNameLike": "Create"}
    asked = Slice(size=100, sort="productName:ASC,eventName:ASC")
    request = only(calls.list_events(make(lang="en"), asked, filters), {**DONE, "events": [], "totalItems": 0})
    assert whole(request) == {
        "url": f"GET {BASE_URL}{ROOT}/events",
        "headers": {**KEYS, "lang": "en"},
        "params": [
            ("productIdList", "pd-1"),
            ("productNameLike", "Inst"),
            ("eventNameLike", "Create"),
            ("page", "0"),
            ("size", "100"),
            ("sort", "productName:ASC,eventName:ASC"),
        ],
        "body": None,
        "repeatable": True,
    }


def test_every_call_is_made_by_a_metric_or_a_command() -> None:
    vendor = Vendor({"POST /event-alarms": detail(), "PUT /event-alarms/al-1": DONE, "DELETE /event-alarms/al-1": DONE})
    vendor.answers |= {"DELETE /event-alarms": DONE, "GET /event-alarms/al-2": detail("al-2")}
    for name in ("alarms", "recipients", "notifications", "event_kinds"):
        assert samples(name, vendor)
    assert plan("history", vendor, alarm="al-1", record="ah-1").data
    carry_out(plan("create", vendor, file=definition(name="new")).changes[0], vendor)
    carry_out(plan("update", vendor, file=definition(id="al-1"), drop_secrets=True).changes[0], vendor)
    carry_out(plan("delete", vendor, ids=("al-1",)).changes[0], vendor)
    vendor.answers["POST /event-alarms/search"] = {**DONE, "alarms": [], "totalItems": 0}
    carry_out(plan("delete", vendor, ids=("al-1", "al-2")).changes[0], vendor)
    assert {*vendor.calls} >= {
        "POST /event-alarms",
        DETAIL,
        "POST /event-alarms/search",
        "PUT /event-alarms/al-1",
        "DELETE /event-alarms/al-1",
        "DELETE /event-alarms",
        "GET /alarms/al-1/alarm-history/ah-1",
        "GET /alarms/al-1/alarm-history",
        "GET /events",
    }


def test_the_secret_key_is_left_out_where_there_is_none() -> None:
    request = only(calls.get_alarm(make(secret_access_key=None), "al-1"), detail())
    assert request.sent_headers() == {"X-TC-AUTHENTICATION-ID": ACCESS_KEY}


def test_version_2_is_that_of_the_calls_for_alarms_but_their_change() -> None:
    vendor = Vendor()
    settings = make(api="v2.0")
    root = f"{BASE_URL}/resource-watcher/v2.0/appkeys/{APPKEY}"
    with pytest.raises(Exception, match="404"):
        play(calls.get_alarm(settings, "al-1"), vendor)
    assert vendor.asked[0].url() == f"{root}/event-alarms/al-1"
    play(calls.list_history(settings, "al-1", Slice(size=1), {}), vendor)
    assert vendor.calls[1] == "GET /alarms/al-1/alarm-history"
    vendor.answers["PUT /event-alarms/al-1"] = DONE
    play(calls.modify_alarm(settings, "al-1", BODY), vendor)
    assert vendor.calls[2] == "PUT /event-alarms/al-1"


@pytest.mark.parametrize("key", ["", " ", "..", "a\nb", "\ud800"])
def test_what_cannot_be_an_id_is_not_sent(key: str) -> None:
    with pytest.raises(ConfigurationError):
        play(calls.delete_alarm(make(), key), Vendor({"DELETE /event-alarms/al-1": DONE}))


def test_a_value_with_a_comma_is_not_taken_for_two() -> None:
    with pytest.raises(ConfigurationError, match="alarmIds"):
        play(calls.delete_alarms(make(), ["al-1", "a,b"]), Vendor())


def test_no_key_is_shown_by_a_request() -> None:
    request = only(calls.get_alarm(make(), "al-1"), detail())
    for secret in (APPKEY, ACCESS_KEY, SECRET_KEY):
        assert secret not in repr(request)
        assert secret not in request.shown_url()
