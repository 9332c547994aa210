"""The four calls on scenarios: what is sent, whole, and what is made of every answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from checkmill.api.v1 import Flow, ParseError, ReadError, Request, Response, Secret, SourceError, StatusError
from checkmill.steps.fetching.outgoing import outgoing_of
from checkmill.testing import play
from checkmill_nhn_monitoring.calls import create_scenario, delete_scenario, get_scenario, modify_scenario
from checkmill_nhn_monitoring.envelope import RefusedError
from plugins.nhn_monitoring.documented import (
    API_BODY,
    API_ID,
    APPKEY,
    BAD,
    GOOD,
    HOST,
    PRODUCT,
    SENT,
    TCP_BODY,
    TCP_ID,
    Vendor,
    answer,
    changed,
    settings,
)

HEADERS = {"TOAST_PRODUCT_APPKEY": PRODUCT, "Content-Type": "application/json"}


def sent(flow: Flow[Any], given: Response) -> tuple[Request, Any]:
    """The only request of a call, and what the call gave."""
    vendor = Vendor(given)
    result = play(flow, vendor)
    (request,) = vendor.asked
    return request, result


def test_reading_a_scenario_is_a_get_with_both_keys() -> None:
    request, given = sent(get_scenario(settings(), TCP_ID), answer(TCP_BODY))
    assert request.method == "GET"
    assert request.url() == f"{HOST}/open-api/v1.0/appkey/{APPKEY}/scenarios/{TCP_ID}"
    assert request.shown_url() == f"{HOST}/open-api/v1.0/appkey/***/scenarios/{TCP_ID}"
    assert request.sent_headers() == HEADERS
    assert request.sent_body() is None
    assert request.params == {}
    assert request.repeatable
    assert (given.scenario.id, given.scenario.name, given.scenario.type) == (TCP_ID, "TCP Scenario Test", "TCP")


def test_creating_a_scenario_is_a_post_of_its_definition() -> None:
    request, scenario = sent(create_scenario(settings(), SENT), answer(API_BODY))
    assert request.method == "POST"
    assert request.url() == f"{HOST}/open-api/v1.0/appkey/{APPKEY}/scenarios"
    assert request.shown_url() == f"{HOST}/open-api/v1.0/appkey/***/scenarios"
    assert request.sent_headers() == HEADERS
    assert json.loads(request.sent_body() or b"") == SENT
    assert request.params == {}
    assert not request.repeatable
    assert scenario.id == API_ID


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_modifying_a_scenario_sends_the_whole_definition_by_the_configured_method(method: str) -> None:
    request, scenario = sent(
        modify_scenario(settings(modify_method=method), API_ID, SENT), answer(changed(API_BODY, status="enable"))
    )
    assert request.method == method
    assert request.url() == f"{HOST}/open-api/v1.0/appkey/{APPKEY}/scenarios/{API_ID}"
    assert request.sent_headers() == HEADERS
    assert json.loads(request.sent_body() or b"") == SENT
    assert request.params == {}
    assert not request.repeatable
    assert scenario.status == "enable"


def test_a_scenario_is_modified_by_put_unless_configured() -> None:
    request, _ = sent(modify_scenario(settings(), API_ID, SENT), answer(API_BODY))
    assert request.method == "PUT"


def test_deleting_a_scenario_is_a_delete_without_a_body() -> None:
    request, scenario = sent(delete_scenario(settings(), TCP_ID), answer(TCP_BODY))
    assert request.method == "DELETE"
    assert request.url() == f"{HOST}/open-api/v1.0/appkey/{APPKEY}/scenarios/{TCP_ID}"
    assert request.sent_headers() == HEADERS
    assert request.sent_body() is None
    assert request.params == {}
    assert not request.repeatable
    assert scenario.name == "TCP Scenario Test"


def test_a_call_as_it_leaves_shows_no_key() -> None:
    request, _ = sent(get_scenario(settings(), TCP_ID), answer(TCP_BODY))
    outgoing = outgoing_of(request)
    assert dict(outgoing.headers) == {
        "user-agent": dict(outgoing.headers)["user-agent"],
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "toast_product_appkey": PRODUCT,
        "content-type": "application/json",
    }
    assert APPKEY in outgoing.url
    for text in (outgoing.shown, repr(request), request.shown_url()):
        assert APPKEY not in text
        assert PRODUCT not in text


def test_a_credential_of_a_definition_is_sent_and_not_shown() -> None:
    definition = {**SENT, "headers": {"Authorization": Secret("Bearer abc-def-ghi")}}
    request, _ = sent(create_scenario(settings(), definition), answer(API_BODY))
    assert json.loads(request.sent_body() or b"")["headers"] == {"Authorization": "Bearer abc-def-ghi"}
    assert "abc-def" not in repr(request)


@pytest.mark.parametrize("scenario", ["a?b", "a#b", "a%2Fb", "가"])
def test_an_unusual_id_stays_one_part_of_the_path(scenario: str) -> None:
    request, _ = sent(get_scenario(settings(), scenario), answer(changed(API_BODY, scenarioId=scenario)))
    assert request.url().startswith(f"{HOST}/open-api/v1.0/appkey/{APPKEY}/scenarios/")
    assert request.url().count("/") == 8


CALLS: dict[str, Callable[[], Flow[Any]]] = {
    "get": lambda: get_scenario(settings(), API_ID),
    "create": lambda: create_scenario(settings(), SENT),
    "modify": lambda: modify_scenario(settings(), API_ID, SENT),
    "delete": lambda: delete_scenario(settings(), API_ID),
}


@pytest.fixture(params=CALLS)
def call(request: Any) -> Callable[[], Flow[Any]]:
    return CALLS[request.param]


def failure(call: Callable[[], Flow[Any]], given: Response | SourceError) -> SourceError:
    with pytest.raises(SourceError) as caught:
        play(call(), Vendor(given))
    assert APPKEY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (BAD, "scenario is not found (code -404)"),
        ({**GOOD, "resultCode": 7}, "SUCCESS (code 7)"),
        ({"isSuccessful": False}, "no reason given"),
        ({**BAD, "resultMessage": f"no\nappkey {APPKEY}"}, "no appkey *** (code -404)"),
        ({**BAD, "resultMessage": ["x"], "resultCode": "E1"}, "no reason given (code E1)"),
    ],
)
def test_a_header_that_says_no_is_a_refusal_in_the_vendors_words(
    call: Callable[[], Flow[Any]], header: Any, said: str
) -> None:
    error = failure(call, answer(API_BODY, header))
    assert isinstance(error, RefusedError)
    assert error.sentence.startswith("refused: NHN says of ")
    assert str(error).endswith(f": {said}")


@pytest.mark.parametrize(
    "header",
    [
        None,
        [],
        {},
        {"isSuccessful": "true", "resultCode": 0},
        {**GOOD, "resultCode": "0"},
        {**GOOD, "resultCode": True},
    ],
)
def test_a_header_that_decides_nothing_is_no_success(call: Callable[[], Flow[Any]], header: Any) -> None:
    assert isinstance(failure(call, answer(API_BODY, header)), ParseError)


@pytest.mark.parametrize(
    "body",
    [None, [], "text", 5, True, {}, [API_BODY], changed(API_BODY, scenarioId=...), changed(API_BODY, scenarioId=5)],
    ids=repr,
)
def test_a_body_that_is_no_scenario_is_no_success(call: Callable[[], Flow[Any]], body: Any) -> None:
    assert isinstance(failure(call, answer(body)), ParseError)


@pytest.mark.parametrize(
    "raw", [b"", b"<html>log in</html>", b'{"header": {"isSuccessful": true', b"\xff", b"[]", b"null", b"[" * 9999]
)
def test_an_answer_that_is_no_json_object_is_no_success(call: Callable[[], Flow[Any]], raw: bytes) -> None:
    assert isinstance(failure(call, Response(status=200, body=raw)), ParseError)


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_status_without_success_is_an_error_whatever_the_header_says(
    call: Callable[[], Flow[Any]], status: int
) -> None:
    error = failure(call, answer(API_BODY, GOOD, status))
    assert isinstance(error, StatusError)
    assert error.status == status


@pytest.mark.parametrize("name", ["get", "modify", "delete"])
def test_an_answer_about_another_scenario_is_refused(name: str) -> None:
    error = failure(CALLS[name], answer(changed(API_BODY, scenarioId=TCP_ID)))
    assert str(error) == f"the answer is about scenario {TCP_ID}, and {API_ID} was asked for"


def test_an_id_may_come_back_in_other_letters() -> None:
    _, given = sent(get_scenario(settings(), API_ID), answer(changed(API_BODY, scenarioId=API_ID.upper())))
    assert given.scenario.id == API_ID.upper()


@pytest.mark.parametrize(
    ("message", "absent"),
    [
        ("scenario is not found", True),
        ("SCENARIO NOT FOUND", True),
        ("Scenario does not exist.", True),
        ("no such scenario", True),
        ("unknown scenario", True),
        ("APPKEY NOT FOUND", False),
        ("unknown app key", False),
        ("scenario 0c96cff0-edc2-11ea-9760-8d94f461e6d4 does not exist", True),
        ("SCENARIO_NOT_FOUND", True),
        ("the scenario has been deleted", True),
        ("UNKNOWN ERROR", False),
        ("unknown_server_error", False),
        ("PRODUCT NOT REGISTERED", False),
        ("NOT FOUND", False),
        ("deleted", False),
        ("scenario type not found", False),
        ("scenario service not found", False),
        ("scenario not found, or the appkey is wrong", False),
        ("internal error", False),
        ("", False),
    ],
)
def test_only_words_about_a_missing_scenario_say_that_it_is_absent(message: str, absent: bool) -> None:
    assert RefusedError("scenario x", code="1", message=message).says_absent is absent
    assert isinstance(RefusedError("scenario x", code="1", message=message), ReadError)
