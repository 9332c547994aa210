"""The simulated service's scenarios: read, created, modified, deleted, with the checks and quirks of the vendor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from checkmill.api.v1 import Answer, App, Asked, World
from checkmill_nhn_monitoring.sandbox import (
    APPKEY,
    PRODUCT_APPKEY,
    SANDBOX,
    SCENARIO,
    UNKNOWN_SCENARIO,
    WATCHED,
)
from checkmill_nhn_monitoring.sandbox.shop import CHECKOUT, FRONT, LOGIN, ORDERS, PORT
from checkmill_nhn_monitoring.scenario import scenario_from
from plugins.nhn_monitoring.documented import SENT, changed

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
HEADERS = {"content-type": "application/json", "toast_product_appkey": PRODUCT_APPKEY, "host": "127.0.0.1:8123"}
PATH = f"/open-api/v1.0/appkey/{APPKEY}/scenarios"


def started(at: float = NOON) -> App:
    return SANDBOX.start(World(lambda: at))


def ask(app: App, method: str, scenario: str = "", body: Any = None, headers: Mapping[str, str] = HEADERS) -> Answer:
    path = f"{PATH}/{scenario}" if scenario else PATH
    sent = b"" if body is None else json.dumps(body).encode()
    return app(Asked(method=method, path=path, headers=dict(headers), body=sent))


def body_of(answer: Answer) -> dict[str, Any]:
    header = answer.json["header"]
    assert (answer.status, header["isSuccessful"], header["resultCode"]) == (200, True, 0), header
    body: dict[str, Any] = answer.json["body"]
    return body


def refused(answer: Answer) -> str:
    header = answer.json["header"]
    assert header["isSuccessful"] is False
    assert header["resultCode"] != 0
    assert APPKEY not in json.dumps(answer.json)
    return str(header["resultMessage"])


def test_its_settings_lead_to_scenarios_that_can_be_read() -> None:
    app = started()
    for name, scenario in WATCHED.items():
        read = scenario_from(body_of(ask(app, "GET", scenario)))
        assert read.id == scenario
        assert read.type == ("TCP" if name == "port" else "API")
        assert read.validation.unknown == ()
    assert SANDBOX.settings["scenarios"] == WATCHED


def test_its_scenarios_point_at_the_sandbox_itself() -> None:
    app = started()
    for scenario in WATCHED.values():
        body = body_of(ask(app, "GET", scenario))
        assert body["ip"] == "127.0.0.1"
        if scenario == PORT:
            assert body["port"] == 8123
        else:
            assert body["url"].startswith("http://127.0.0.1:8123/nhn-monitoring/site/")


def test_a_scenario_that_needs_a_browser_is_there_and_not_watched() -> None:
    assert body_of(ask(started(), "GET", CHECKOUT))["scenarioType"] == "WEB"
    assert CHECKOUT not in WATCHED.values()


def test_any_other_id_is_some_scenario_so_that_any_rules_can_be_tried() -> None:
    body = body_of(ask(started(), "GET", SCENARIO))
    assert (body["scenarioId"], body["scenarioName"]) == (SCENARIO, "scenario b00699c0")


def test_header_and_body_come_in_either_order() -> None:
    app = started()
    orders = {tuple(ask(app, "GET", FRONT).json) for _ in range(4)}
    assert orders == {("header", "body"), ("body", "header")}


def test_a_created_scenario_comes_back_rewritten() -> None:
    app = started()
    sent = changed(SENT, browserOption=..., ip=..., monitoringRegion=["US", "KOR"])
    made = body_of(ask(app, "POST", body=sent))
    second = made["monitoringCron"].split()[0]
    assert 0 <= int(second) <= 59
    assert made == {
        **changed(sent, monitoringInterval=...),
        "scenarioId": made["scenarioId"],
        "validation": {**sent["validation"], "responseCodes": ["201", "200"]},
        "browserOption": {"OPT_LOCALE": "kr"},
        "ip": "toast.com",
        "monitoringRegion": ["KOR", "US"],
        "amendedTime": "2026-01-01T12:00:00.000+0000",
        "monitoringCron": f"{second} * * * * ? *",
        "status": "temporary",
    }
    assert body_of(ask(app, "GET", made["scenarioId"])) == made


@pytest.mark.parametrize(
    ("schedule", "cron"),
    [
        ({"monitoringInterval": 30}, "* * * * ? *"),
        ({"monitoringInterval": 60}, "* * * * ? *"),
        ({"monitoringInterval": 300}, "0/5 * * * ? *"),
        ({"monitoringInterval": 7200}, "0 0/2 * * ? *"),
        ({"monitoringInterval": 86400}, "0 0 * * ? *"),
        ({"monitoringCron": "*/5 8 ? * 2-6"}, "*/5 8 ? * 2-6 *"),
        ({"monitoringCron": "0 9 1 1 ? 2030"}, "0 9 1 1 ? 2030"),
    ],
)
def test_a_schedule_comes_back_with_seven_fields(schedule: dict[str, Any], cron: str) -> None:
    made = body_of(ask(started(), "POST", body={**changed(SENT, monitoringInterval=...), **schedule}))
    assert "monitoringInterval" not in made
    assert made["monitoringCron"].partition(" ")[2] == cron


def test_an_interval_that_no_cron_keeps_comes_back_as_it_is() -> None:
    made = body_of(ask(started(), "POST", body=changed(SENT, monitoringInterval=90)))
    assert made["monitoringInterval"] == 90
    assert "monitoringCron" not in made


def test_created_scenarios_have_ids_of_their_own() -> None:
    app = started()
    ids = {body_of(ask(app, "POST", body=SENT))["scenarioId"] for _ in range(3)}
    assert len(ids) == 3


def test_a_modification_replaces_the_whole_and_keeps_the_status() -> None:
    app = started()
    modified = body_of(ask(app, "PUT", LOGIN, SENT))
    assert "headers" not in modified
    assert "requestBody" not in modified
    assert (modified["status"], modified["scenarioName"]) == ("enable", "API test")
    assert body_of(ask(app, "GET", LOGIN)) == modified


def test_a_deletion_gives_what_is_gone_for_every_call() -> None:
    app = started()
    before = body_of(ask(app, "GET", ORDERS))
    assert body_of(ask(app, "DELETE", ORDERS)) == before
    for method in ("GET", "PUT", "DELETE"):
        assert refused(ask(app, method, ORDERS, SENT if method == "PUT" else None)) == "SCENARIO NOT FOUND"
    single = f"/v1.0/monitoring/batchmon/appkey/{APPKEY}/scenarios/{ORDERS}"
    assert refused(app(Asked(method="POST", path=single, headers=HEADERS, body=b"{}"))) == "SCENARIO NOT FOUND"


def test_what_changes_is_remarked() -> None:
    app = started()
    made = ask(app, "POST", body=SENT)
    scenario = body_of(made)["scenarioId"]
    assert made.remark == "scenario created: API test"
    assert ask(app, "PUT", scenario, SENT).remark == "scenario modified: API test"
    assert ask(app, "DELETE", scenario).remark == "scenario deleted: API test"
    assert ask(app, "GET", FRONT).remark == ""


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in HEADERS.items() if key != name}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "POST"])
def test_both_appkeys_are_wanted(method: str) -> None:
    app = started()
    scenario, body = ("", SENT) if method == "POST" else (FRONT, SENT if method == "PUT" else None)
    path = f"/open-api/v1.0/appkey/wrong/scenarios{'/' + scenario if scenario else ''}"
    sent = json.dumps(body).encode()
    assert refused(app(Asked(method=method, path=path, headers=HEADERS, body=sent))) == "APPKEY NOT FOUND"
    for headers in (without("toast_product_appkey"), {**HEADERS, "toast_product_appkey": "wrong"}):
        answer = ask(app, method, scenario, body, headers)
        assert (answer.status, refused(answer)) == (200, "PRODUCT APPKEY IS NOT VALID")
    answer = ask(app, method, scenario, body, without("content-type"))
    assert answer.status == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PATH, 405),
        ("PUT", PATH, 405),
        ("DELETE", PATH, 405),
        ("POST", f"{PATH}/{FRONT}", 405),
        ("PATCH", f"{PATH}/{FRONT}", 405),
        ("GET", f"{PATH}/", 404),
        ("GET", f"{PATH}/{FRONT}/status", 404),
        ("GET", f"/open-api/v1.0/appkeys/{APPKEY}/scenarios/{FRONT}", 404),
        ("GET", f"/v1.0/appkey/{APPKEY}/scenarios/{FRONT}", 404),
    ],
)
def test_other_methods_and_paths_are_no_calls(method: str, path: str, status: int) -> None:
    assert started()(Asked(method=method, path=path, headers=HEADERS)).status == status


@pytest.mark.parametrize("scenario", [UNKNOWN_SCENARIO, "shop", "a%2Fb"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_an_unknown_scenario_is_refused_with_http_200(method: str, scenario: str) -> None:
    answer = ask(started(), method, scenario, SENT if method == "PUT" else None)
    assert (answer.status, refused(answer)) == (200, "SCENARIO NOT FOUND")


def text_with(**changes: Any) -> dict[str, Any]:
    info = changed({"operator": "EQ", "expression": "$.a", "operand": "1"}, **changes)
    return {"textValidation": {"textValidationType": "JSON", "textValidationInfos": [info]}}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"url": ...}, "URL"),
        ({"url": "ftp://toast.com"}, "URL"),
        ({"url": None}, "URL"),
        ({"httpMethod": ...}, "HTTPMETHOD"),
        ({"httpMethod": "PATCH"}, "HTTPMETHOD"),
        ({"validation": ...}, "VALIDATION"),
        ({"validation": []}, "VALIDATION"),
        ({"scenarioType": ...}, "SCENARIOTYPE"),
        ({"scenarioType": "TCP"}, "SCENARIOTYPE"),
        ({"scenarioName": " "}, "SCENARIONAME"),
        ({"scenarioName": 5}, "SCENARIONAME"),
        ({"description": ...}, "DESCRIPTION"),
        ({"monitoringRegion": ...}, "MONITORINGREGION"),
        ({"monitoringRegion": []}, "MONITORINGREGION"),
        ({"monitoringRegion": ["JPN"]}, "MONITORINGREGION"),
        ({"monitoringRegion": "KOR"}, "MONITORINGREGION"),
        ({"errorLimitCount": ...}, "ERRORLIMITCOUNT"),
        ({"errorLimitCount": -1}, "ERRORLIMITCOUNT"),
        ({"errorLimitCount": True}, "ERRORLIMITCOUNT"),
        ({"monitoringInterval": ...}, "MONITORINGINTERVAL OR MONITORINGCRON"),
        ({"monitoringCron": "* * * * ?"}, "MONITORINGINTERVAL OR MONITORINGCRON"),
        ({"monitoringInterval": 29}, "MONITORINGINTERVAL"),
        ({"monitoringInterval": "60"}, "MONITORINGINTERVAL"),
        ({"monitoringInterval": ..., "monitoringCron": "7 * * * * ? *"}, "MONITORINGCRON"),
        ({"monitoringInterval": ..., "monitoringCron": "* * * * *"}, "MONITORINGCRON"),
        ({"headers": {"a": 1}}, "HEADERS"),
        ({"browserOption": ["kr"]}, "BROWSEROPTION"),
        ({"requestBody": {}}, "REQUESTBODY"),
        ({"ip": 5}, "IP"),
        ({"validation": {"timeout": -1}}, "VALIDATION.TIMEOUT"),
        ({"validation": {"timeout": "3s"}}, "VALIDATION.TIMEOUT"),
        ({"validation": {"responseCodes": [200]}}, "VALIDATION.RESPONSECODES"),
        ({"validation": {"responseCodes": "200"}}, "VALIDATION.RESPONSECODES"),
        ({"validation": {"avoidingValidationText": 5}}, "VALIDATION.AVOIDINGVALIDATIONTEXT"),
        ({"validation": {"textValidation": {"textValidationType": "TEXT"}}}, "VALIDATION.TEXTVALIDATIONTYPE"),
        ({"validation": text_with(operator="IS")}, "VALIDATION.TEXTVALIDATIONINFOS"),
        ({"validation": text_with(expression=...)}, "VALIDATION.TEXTVALIDATIONINFOS"),
        ({"validation": text_with(operand=...)}, "VALIDATION.TEXTVALIDATIONINFOS"),
        ({"validation": text_with(operand=True)}, "VALIDATION.TEXTVALIDATIONINFOS"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_definition_that_the_tables_do_not_allow_is_refused(method: str, changes: dict[str, Any], what: str) -> None:
    app = started()
    before = body_of(ask(app, "GET", FRONT))
    answer = ask(app, method, "" if method == "POST" else FRONT, changed(SENT, **changes))
    assert (answer.status, refused(answer)) == (200, f"{what} IS NOT VALID")
    assert body_of(ask(app, "GET", FRONT)) == before


def test_a_search_needs_no_operand() -> None:
    sent = changed(SENT, validation=text_with(operator="CONTAINS", operand=...))
    assert body_of(ask(started(), "POST", body=sent))["validation"] == sent["validation"]


def test_only_api_scenarios_are_modified() -> None:
    assert refused(ask(started(), "PUT", PORT, SENT)) == "SCENARIOTYPE CANNOT BE CHANGED"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"a": NaN}'])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert refused(started()(Asked(method="POST", path=PATH, headers=HEADERS, body=body))).startswith(("DATA", "BODY"))


def page(method: str, name: str, body: bytes = b"", at: float = NOON, **headers: str) -> Answer:
    return started(at)(Asked(method=method, path=f"/site/{name}", headers=headers, body=body))


def test_the_pages_that_scenarios_ask() -> None:
    assert page("GET", "front").json["isSuccess"] is True
    assert page("GET", "orders").status == 503
    assert page("GET", "feed").sent_body().startswith(b"<?xml")
    assert page("GET", "port").status == 200
    assert page("GET", "of/anything").status == 200
    assert page("GET", "nowhere").status == 404
    assert page("POST", "front").status == 405
    assert page("GET", "login").status == 405


def test_the_login_wants_its_credentials() -> None:
    login = body_of(ask(started(), "GET", LOGIN))
    good = page("POST", "login", login["requestBody"].encode(), authorization=login["headers"]["Authorization"])
    assert (good.status, b"Welcome" in good.sent_body()) == (200, True)
    assert page("POST", "login", login["requestBody"].encode()).status == 401
    for body in (b"", b"[]", b'{"password": "wrong"}'):
        assert page("POST", "login", body, authorization=login["headers"]["Authorization"]).status == 401


def test_the_search_is_fast_and_slow_in_turn() -> None:
    took = [page("GET", "search", at=NOON + 600 * step).json["took_ms"] for step in range(60)]
    assert min(took) < 400 < max(took)
