"""The simulated service: it takes what the reporter sends, and refuses what the vendor refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from checkmill.api.v1 import Answer, App, Asked, Outcome, Receipt, Secret, World
from checkmill.testing import play, vendor
from checkmill_nhn_monitoring.reporting import NHN_BATCHMON
from checkmill_nhn_monitoring.sandbox import APPKEY, MOST_RECEIVED, SANDBOX, SCENARIO, UNKNOWN_SCENARIO
from checkmill_nhn_monitoring.settings import BatchmonSettings, BatchmonTarget

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
OTHER = "12962600-5c39-11ea-bd8f-0bbd7856015c"
BODY = '{"state": "CRITICAL", "services": [{}, {}, {}]}'
SETTINGS = BatchmonSettings(appkey=Secret(APPKEY))
JSON = {"content-type": "application/json"}


def started(seed: int = 1) -> App:
    return SANDBOX.start(World(lambda: NOON, seed))


def posted(app: App, scenarios: Sequence[str], body: str = BODY, settings: Any = SETTINGS) -> Sequence[Receipt]:
    assert NHN_BATCHMON.deliver_many is not None
    targets = [BatchmonTarget(scenario=scenario) for scenario in scenarios]
    return play(NHN_BATCHMON.deliver_many(settings, targets, body), vendor(app))


def single(app: App, body: bytes, *, appkey: str = APPKEY, scenario: str = SCENARIO, **parts: Any) -> Answer:
    path = f"/v1.0/monitoring/batchmon/appkey/{appkey}/scenarios/{scenario}"
    return app(Asked(**{"method": "POST", "path": path, "headers": JSON, "body": body, **parts}))


def multiple(app: App, post: Any, headers: Mapping[str, str] = JSON) -> Answer:
    body = json.dumps(post).encode()
    return app(Asked(method="POST", path="/v1.0/monitoring/batchmon", headers=headers, body=body))


def received(app: App) -> Any:
    return json.loads(app(Asked(method="GET", path="/received")).sent_body())


def test_its_settings_and_target_are_enough_to_deliver() -> None:
    settings = BatchmonSettings(appkey=Secret(str(SANDBOX.settings["appkey"])))
    (receipt,) = posted(started(), [str(SANDBOX.target["scenario"])], settings=settings)
    assert receipt.outcome is Outcome.ACCEPTED
    assert receipt.request_id


def test_it_shows_what_it_received_oldest_first() -> None:
    app = started()
    posted(app, [SCENARIO])
    posted(app, [SCENARIO, OTHER], '{"state": "OK"}')
    at = "2026-01-01T12:00:00+00:00"
    assert received(app) == [
        {"time": at, "scenario": SCENARIO, "body": json.loads(BODY)},
        {"time": at, "scenario": SCENARIO, "body": {"state": "OK"}},
        {"time": at, "scenario": OTHER, "body": {"state": "OK"}},
    ]
    assert APPKEY not in json.dumps(received(app))


def test_it_remembers_only_so_much() -> None:
    app = started()
    for number in range(MOST_RECEIVED + 2):
        single(app, json.dumps({"number": number}).encode())
    assert [entry["body"]["number"] for entry in received(app)] == list(range(2, MOST_RECEIVED + 2))


@pytest.mark.parametrize(
    ("body", "remark"),
    [
        (BODY, "batchmon received for b00699c0…: state CRITICAL, 3 services"),
        ('{"state": "OK", "services": [1]}', "batchmon received for b00699c0…: state OK, 1 service"),
        ('{"services": []}', "batchmon received for b00699c0…: 0 services"),
        ('{"state": "a\\nb\\ud800"}', "batchmon received for b00699c0…: state a b"),
        ('{"state": 5, "services": 5}', "batchmon received for b00699c0…: an object of 2 keys"),
        ("{}", "batchmon received for b00699c0…: an object of 0 keys"),
    ],
)
def test_it_remarks_on_each_post_in_a_line(body: str, remark: str) -> None:
    answer = single(started(), body.encode())
    assert answer.remark == remark
    answer.sent_body()


def test_a_remark_on_many_scenarios_stays_short() -> None:
    ids = [f"{number:08d}-96f4-11e9-a68b-a7aaea9ae346" for number in range(5)]
    answer = multiple(started(), {"target": [{"appkey": APPKEY, "scenarioIdList": ids}], "data": "{}"})
    assert answer.remark == "batchmon received for 00000000…, 00000001…, 00000002… and 2 more: an object of 0 keys"


def test_request_ids_differ_and_are_the_same_for_the_same_seed() -> None:
    def ids(seed: int) -> list[str]:
        app = started(seed)
        return [receipt.request_id for _ in range(2) for receipt in posted(app, [SCENARIO, OTHER])]

    assert ids(1) == ids(1)
    assert len({*ids(1), *ids(2)}) == 8
    assert all(
        len(part) == length for id_ in ids(1) for part, length in zip(id_.split("-"), (8, 4, 4, 4, 12), strict=True)
    )


def test_only_the_single_answer_has_a_status() -> None:
    app = started()
    assert single(app, b"{}").json["body"]["status"] == "beforeValidation"
    both = multiple(app, {"target": [{"appkey": APPKEY, "scenarioIdList": [SCENARIO, OTHER]}], "data": "{}"})
    assert [("status" in echo, echo["serviceCode"]) for echo in both.json["body"]] == [(False, 0), (False, 1)]


REFUSED_BODIES = [b"", b"[]", b'"text"', b"7", b"null", b'{"a": NaN}', b"{", b"\xff", b"[" * 100_000, b"{}{}"]


@pytest.mark.parametrize("body", REFUSED_BODIES)
def test_a_single_body_that_is_no_object_is_refused(body: bytes) -> None:
    app = started()
    answer = single(app, body)
    assert (answer.status, answer.json["header"]["isSuccessful"]) == (200, False)
    assert answer.json["header"]["resultCode"] != 0
    assert answer.remark.startswith("batchmon refused: ")
    assert received(app) == []


@pytest.mark.parametrize(
    ("appkey", "scenario"), [("wrong", SCENARIO), (SCENARIO, APPKEY), (APPKEY, UNKNOWN_SCENARIO), (APPKEY, "shop")]
)
def test_a_wrong_appkey_or_scenario_is_refused_with_http_200(appkey: str, scenario: str) -> None:
    app = started()
    answer = single(app, BODY.encode(), appkey=appkey, scenario=scenario)
    assert (answer.status, answer.json["header"]["isSuccessful"]) == (200, False)
    assert answer.json["header"]["resultCode"] != 0
    assert APPKEY not in answer.remark + answer.sent_body().decode()
    assert received(app) == []


GOOD_TARGET = [{"appkey": APPKEY, "scenarioIdList": [SCENARIO]}]


@pytest.mark.parametrize(
    "post",
    [
        pytest.param([], id="no object"),
        pytest.param({}, id="empty"),
        pytest.param({"target": GOOD_TARGET}, id="no data"),
        pytest.param({"target": GOOD_TARGET, "data": {"state": "OK"}}, id="data is an object"),
        pytest.param({"target": GOOD_TARGET, "data": "state OK"}, id="data is not JSON"),
        pytest.param({"target": GOOD_TARGET, "data": "[]"}, id="data is a list"),
        pytest.param({"target": GOOD_TARGET, "data": '{"a": "\ud800"}'}, id="data is no UTF-8"),
        pytest.param({"target": [], "data": "{}"}, id="no target"),
        pytest.param({"target": {}, "data": "{}"}, id="target is an object"),
        pytest.param({"target": [5], "data": "{}"}, id="target of numbers"),
        pytest.param({"target": [{"appkey": APPKEY}], "data": "{}"}, id="no scenarios"),
        pytest.param({"target": [{"appkey": APPKEY, "scenarioIdList": []}], "data": "{}"}, id="empty scenarios"),
        pytest.param({"target": [{"appKey": APPKEY, "scenarioIdList": [SCENARIO]}], "data": "{}"}, id="appKey"),
        pytest.param(
            {"target": [*GOOD_TARGET, {"appkey": "wrong", "scenarioIdList": [OTHER]}], "data": "{}"},
            id="one wrong appkey",
        ),
        pytest.param(
            {"target": [{"appkey": APPKEY, "scenarioIdList": [SCENARIO, UNKNOWN_SCENARIO]}], "data": "{}"},
            id="one unknown scenario",
        ),
    ],
)
def test_a_multiple_post_is_all_or_nothing(post: Any) -> None:
    app = started()
    answer = multiple(app, post)
    assert (answer.status, answer.json["header"]["isSuccessful"]) == (200, False)
    assert answer.json["header"]["resultCode"] != 0
    assert received(app) == []


def test_one_unknown_scenario_does_not_silence_the_rest() -> None:
    app = started()
    outcomes = [receipt.outcome for receipt in posted(app, [SCENARIO, UNKNOWN_SCENARIO, OTHER])]
    assert outcomes == [Outcome.ACCEPTED, Outcome.REFUSED, Outcome.ACCEPTED]
    assert [entry["scenario"] for entry in received(app)] == [SCENARIO, OTHER]


def test_a_wrong_appkey_refuses_all() -> None:
    receipts = posted(started(), [SCENARIO, OTHER], settings=BatchmonSettings(appkey=Secret("0123456789abcdef")))
    assert [(receipt.outcome, receipt.message) for receipt in receipts] == [(Outcome.REFUSED, "APPKEY NOT FOUND")] * 2


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/jsonp"}])
def test_another_content_type_is_415(headers: dict[str, str]) -> None:
    app = started()
    assert single(app, BODY.encode(), headers=headers).status == 415
    assert multiple(app, {}, headers).status == 415


def test_a_charset_beside_the_content_type_is_fine() -> None:
    answer = single(started(), BODY.encode(), headers={"content-type": "Application/JSON; charset=utf-8"})
    assert answer.json["header"]["isSuccessful"] is True


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1.0/monitoring/batchmon", 405),
        ("PUT", f"/v1.0/monitoring/batchmon/appkey/{APPKEY}/scenarios/{SCENARIO}", 405),
        ("POST", "/received", 405),
        ("POST", "/", 404),
        ("POST", "/open-api/v1.0/monitoring/batchmon", 404),
        ("POST", f"/v1.0/monitoring/batchmon/appkeys/{APPKEY}/scenarios/{SCENARIO}", 404),
        ("POST", f"/v1.0/monitoring/batchmon/appkey/{APPKEY}/scenarios/", 404),
    ],
)
def test_other_methods_and_paths_are_no_calls(method: str, path: str, status: int) -> None:
    assert started()(Asked(method=method, path=path, headers=JSON, body=b"{}")).status == status
