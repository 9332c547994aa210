"""Each call as it is sent, whole: method, address, headers, parameters, body. And none that changes anything."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from checkmill.api.v1 import ConfigurationError, LoginError, Request, Response, Sample, StatusError
from checkmill.testing import play
from checkmill_nezha.login import log_in
from checkmill_nezha.metrics import NEZHA
from plugins.nezha.documented import (
    ANSWERS,
    BEARER,
    DETAILS,
    GROUPS,
    LIST,
    LOGIN,
    NEVER_SERVER,
    NOW,
    PASSWORD,
    SERVER,
    SERVERS,
    TOKEN,
    URL,
    Vendor,
    only,
    samples,
    success,
    v0,
    v1,
)


def sent(request: Request) -> tuple[str, str, dict[str, str], bytes | None]:
    """A request as the driver sends it."""
    return request.method, request.url(), request.sent_headers(), request.sent_body()


def get(path: str, authorization: str) -> tuple[str, str, dict[str, str], None]:
    return "GET", URL + path, {"authorization": authorization}, None


@pytest.mark.parametrize(
    ("name", "query", "requests"),
    [
        ("servers", {}, [LIST]),
        ("tag_inactive_agents", {"stale_after": 300.0}, [LIST]),
        ("agent_age", {"tag": "Tag1"}, [f"{LIST}?tag=Tag1"]),
        ("agent_age", {"tag": "批处理 & b#1"}, [f"{LIST}?tag=%E6%89%B9%E5%A4%84%E7%90%86+%26+b%231"]),
        ("agent_age", {"id": 1}, [f"{DETAILS}?id=1"]),
        ("cpu", {}, [DETAILS]),
        ("cpu", {"tag": "Tag1"}, [f"{DETAILS}?tag=Tag1"]),
        ("cpu", {"id": "1, 2,7"}, [f"{DETAILS}?id=1%2C2%2C7"]),
        ("cpu", {"id": (7, 1, 7)}, [f"{DETAILS}?id=7%2C1"]),
        ("latency_avg", {}, [LIST, "/api/v1/monitor/1", "/api/v1/monitor/2"]),
        ("latency_last", {"id": 1}, [f"{DETAILS}?id=1", "/api/v1/monitor/1"]),
        ("latency_gap", {"tag": "Tag1"}, [f"{LIST}?tag=Tag1", "/api/v1/monitor/1"]),
    ],
)
def test_a_call_of_generation_v0_carries_the_bare_token(name: str, query: dict[str, Any], requests: list[str]) -> None:
    vendor = Vendor()
    samples(name, vendor, **query)
    assert [sent(one) for one in vendor.asked] == [get(path, TOKEN) for path in requests]
    assert all(one.repeatable for one in vendor.asked)


@pytest.mark.parametrize("name", [metric.name for metric in NEZHA.metrics])
@pytest.mark.parametrize("query", [{"tag": "Tag1"}, {"id": 1}, {}], ids=["tag", "id", "all"])
def test_tag_and_id_are_never_sent_together_and_nothing_is_registered(name: str, query: dict[str, Any]) -> None:
    vendor = Vendor()
    samples(name, vendor, **query)
    for request in vendor.asked:
        assert request.method == "GET"
        assert "register" not in request.url()
        assert len(parse_qs(urlsplit(request.url()).query)) <= 1


def test_a_tag_is_decoded_to_what_was_written() -> None:
    vendor = Vendor()
    samples("servers", vendor, tag="批处理 & b=1#+%")
    assert parse_qs(urlsplit(vendor.asked[0].url()).query) == {"tag": ["批处理 & b=1#+%"]}


@pytest.mark.parametrize("name", ["cpu", "servers"])
def test_a_dashboard_of_generation_v1_is_read_by_two_calls(name: str) -> None:
    vendor = Vendor()
    samples(name, vendor, v1())
    assert [sent(one) for one in vendor.asked] == [get(SERVERS, BEARER), get(GROUPS, BEARER)]


@pytest.mark.parametrize("query", [{"tag": "eu"}, {"id": 1}], ids=["tag", "id"])
def test_generation_v1_knows_no_parameters_and_is_selected_from(query: dict[str, Any]) -> None:
    vendor = Vendor()
    found = samples("memory_used", vendor, v1(), **query)
    assert [one.params for one in vendor.asked] == [{}, {}]
    assert only(found) == Sample(25.0, at=1653015042.123456, host="Server1", id="1")


def test_the_login_of_generation_v1_is_one_post_that_is_not_repeated() -> None:
    vendor = Vendor()
    header = play(log_in(v1()), vendor, NOW)
    request = only_request(vendor)
    body = b'{"username": "ops", "password": "' + PASSWORD.encode() + b'"}'
    assert sent(request) == ("POST", URL + LOGIN, {}, body)
    assert not request.repeatable
    assert header.reveal() == BEARER
    assert PASSWORD not in repr(request)
    assert NEZHA.session is log_in


def only_request(vendor: Vendor) -> Request:
    assert len(vendor.asked) == 1
    return vendor.asked[0]


# Which generation it is.

V1_UNKNOWN_PATH = {"error": "404 Not Found"}


def not_found(document: bytes, kind: str = "application/json") -> Any:
    """What a dashboard answers where a path does not exist: the status tells, unless a flow looks at all statuses."""

    def answer(request: Request) -> Response:
        return Response(status=404, headers={"content-type": kind}, body=document)

    return answer


@pytest.mark.parametrize(
    "answer", [V1_UNKNOWN_PATH, {"success": True}, not_found(b'{"error":"404 Not Found"}')], ids=["200", "yes", "404"]
)
@pytest.mark.parametrize("name", ["cpu", "servers"])
def test_generation_v1_is_found_by_what_it_answers_and_read(name: str, answer: Any) -> None:
    vendor = Vendor({LIST: answer, DETAILS: answer})
    both = v1(token=v0().token)
    found = samples(name, vendor, both)
    assert vendor.paths[-2:] == [SERVERS, GROUPS]
    assert not any(sample.is_missing for sample in found[:1])


@pytest.mark.parametrize("api", ["auto", "v0"])
@pytest.mark.parametrize("answer", [V1_UNKNOWN_PATH, not_found(b'{"error":"404 Not Found"}')], ids=["200", "404"])
def test_generation_v1_without_a_user_is_named_with_what_to_write(api: str, answer: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"generation v1.*username and password.*api: v1 or auto"):
        samples("cpu", {LIST: answer, DETAILS: answer}, v0(api=api))


def test_a_dashboard_of_generation_v0_is_asked_no_more_than_once_to_tell() -> None:
    vendor = Vendor()
    samples("cpu", vendor, v1(token=v0().token))
    assert vendor.paths == [DETAILS]


def test_only_a_user_means_generation_v1_and_a_dashboard_of_v0_is_named() -> None:
    vendor = Vendor({LOGIN: 404})
    with pytest.raises(ConfigurationError, match="no dashboard of generation v1; one of generation v0 is read with"):
        play(log_in(v1()), vendor, NOW)


@pytest.mark.parametrize("body", [b"<html>404</html>", b"", b"[]", b'{"message": "no route"}'])
def test_a_path_that_does_not_exist_is_no_dashboard(body: bytes) -> None:
    with pytest.raises(StatusError, match="no Nezha dashboard answers there, see base_url") as caught:
        samples("cpu", {LIST: not_found(body, "text/html"), DETAILS: not_found(body, "text/html")})
    assert caught.value.status == 404


def test_the_monitor_history_is_of_generation_v0_alone() -> None:
    with pytest.raises(ConfigurationError, match="monitor history is read from dashboards of generation v0 alone"):
        samples("latency_avg", {}, v1())
    with pytest.raises(ConfigurationError, match="and this one is of generation v1"):
        samples("latency_avg", {LIST: V1_UNKNOWN_PATH}, v0())


def test_a_login_without_a_user_says_what_to_add() -> None:
    vendor = Vendor()
    with pytest.raises(ConfigurationError, match="add username and password"):
        play(log_in(v0()), vendor, NOW)
    assert vendor.asked == []


# What was asked for and did not come.


@pytest.mark.parametrize("name", ["cpu", "agent_age", "swap_used", "temperature", "latency_avg"])
def test_an_id_that_does_not_exist_is_missing(name: str) -> None:
    found = samples(name, {DETAILS: success(SERVER)}, id=(1, 9))
    missing = [sample for sample in found if sample.is_missing]
    assert missing == [Sample.missing("the dashboard has no server with the id 9", id="9")]
    assert {sample.labels["id"] for sample in found} == {"1", "9"}


@pytest.mark.parametrize("name", [metric.name for metric in NEZHA.metrics])
def test_a_group_that_does_not_exist_is_missing_and_never_zero(name: str) -> None:
    vendor = Vendor({LIST: success(), DETAILS: success()})
    reason = "no server is in the group 'Tga1': it is empty, or its name is written differently"
    assert samples(name, vendor, tag="Tga1") == [Sample.missing(reason)]


@pytest.mark.parametrize("name", ["servers", "inactive_agents", "inactive_share", "never_reported"])
def test_a_count_over_ids_of_which_one_does_not_exist_is_doubtful(name: str) -> None:
    found = samples(name, {DETAILS: success(SERVER)}, id=(1, 9))
    assert Sample.missing("the dashboard has no server with the id 9") in found


def test_what_was_not_asked_for_does_not_count() -> None:
    vendor = Vendor({DETAILS: success(SERVER, NEVER_SERVER)})
    assert [one.labels["id"] for one in samples("cpu", vendor, id=1)] == ["1"]
    assert [one.labels["id"] for one in samples("cpu", vendor, tag="Tag2")] == ["2"]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 302])
@pytest.mark.parametrize("settings", [v0(), v1()], ids=["v0", "v1"])
def test_a_failing_call_fails_the_dataset(status: int, settings: Any) -> None:
    with pytest.raises(Exception, match=str(status)):
        samples("cpu", {DETAILS: status, SERVERS: status}, settings)


def test_a_failing_list_of_groups_fails_all_of_generation_v1() -> None:
    with pytest.raises(LoginError):
        samples("cpu", {GROUPS: 403}, v1())


def test_every_documented_answer_is_good() -> None:
    assert {DETAILS, LIST, LOGIN, SERVERS, GROUPS} < set(ANSWERS)
    assert any(not one.is_missing for one in samples("cpu"))
