"""What becomes of a post, for every answer the service, a proxy or the network can give."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import (
    ConfigurationError,
    ConnectError,
    DeadlineError,
    DnsError,
    LoginError,
    Outcome,
    ParseError,
    RateLimitError,
    ReadError,
    Receipt,
    RedirectError,
    Request,
    Response,
    Secret,
    SourceError,
    StatusError,
    TlsError,
    TooLargeError,
)
from checkmill.testing import play
from checkmill_nhn_monitoring.reporting import NHN_BATCHMON, QUEUED
from checkmill_nhn_monitoring.settings import BatchmonSettings, BatchmonTarget

APPKEY = "81713f1cc96b4eae834f7535ec4fae7a"
SETTINGS = BatchmonSettings(appkey=Secret(APPKEY))
ONE, TWO, THREE = "b00699c0-96f4-11e9-a68b-a7aaea9ae346", "12962600-5c39-11ea-bd8f-0bbd7856015c", "third"
BODY = '{"state": "CRITICAL", "output": "디스크 97%"}'
GOOD = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
BAD = {"isSuccessful": False, "resultCode": -1001, "resultMessage": "no such scenario"}

ACCEPTED, REFUSED, NOT_SENT, UNKNOWN = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.NOT_SENT, Outcome.UNKNOWN


class Vendor:
    """Answers requests in turn, the last answer again and again, and keeps what it was asked."""

    def __init__(self, *answers: Response | SourceError) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, SourceError):
            raise answer
        return answer


def answer(payload: Any, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, body=json.dumps(payload).encode(), headers=named)


def echo(scenario: str, number: int = 0) -> dict[str, Any]:
    return {
        "pk": {"serviceId": "d781dafc", "requestId": f"request-{scenario[:4]}"},
        "scenarioId": scenario,
        "ipaddr": "192.168.0.1",
        "requestTime": "2099-12-31T00:00:00.000",
        "requestData": {"body": BODY},
        "serviceCode": number,
    }


def delivered(vendor: Callable[[Request], Response], scenario: str = ONE) -> Receipt:
    return play(NHN_BATCHMON.deliver(SETTINGS, BatchmonTarget(scenario=scenario), BODY), vendor)


def delivered_many(vendor: Callable[[Request], Response], *scenarios: str) -> Sequence[Receipt]:
    assert NHN_BATCHMON.deliver_many is not None
    targets = [BatchmonTarget(scenario=scenario) for scenario in scenarios]
    return play(NHN_BATCHMON.deliver_many(SETTINGS, targets, BODY), vendor)


def test_a_single_post_is_the_object_itself_below_the_appkey() -> None:
    vendor = Vendor(answer({"body": {**echo(ONE), "status": "beforeValidation"}, "header": GOOD}))
    receipt = delivered(vendor)
    (request,) = vendor.asked
    host = "https://api-service-monitoring.cloud.toast.com"
    assert request.method == "POST"
    assert request.url() == f"{host}/v1.0/monitoring/batchmon/appkey/{APPKEY}/scenarios/{ONE}"
    assert request.shown_url() == f"{host}/v1.0/monitoring/batchmon/appkey/***/scenarios/{ONE}"
    assert request.sent_headers() == {"Content-Type": "application/json"}
    assert request.sent_body() == BODY.encode()
    assert not request.repeatable
    assert request.any_status
    assert receipt == Receipt(ACCEPTED, "accepted (queued for verification)", code="0", request_id="request-b006")


def test_a_multiple_post_carries_the_object_as_a_string() -> None:
    vendor = Vendor(answer({"header": GOOD, "body": [echo(TWO, 1), echo(ONE)]}))
    receipts = delivered_many(vendor, ONE, TWO)
    (request,) = vendor.asked
    assert request.method == "POST"
    assert request.url() == "https://api-service-monitoring.cloud.toast.com/v1.0/monitoring/batchmon"
    assert request.sent_headers() == {"Content-Type": "application/json"}
    assert (
        request.sent_body()
        == (
            '{"target": [{"appkey": "81713f1cc96b4eae834f7535ec4fae7a", "scenarioIdList": '
            '["b00699c0-96f4-11e9-a68b-a7aaea9ae346", "12962600-5c39-11ea-bd8f-0bbd7856015c"]}], '
            '"data": "{\\"state\\": \\"CRITICAL\\", \\"output\\": \\"디스크 97%\\"}"}'
        ).encode()
    )
    assert not request.repeatable
    assert request.any_status
    assert APPKEY not in repr(request)
    assert receipts == [
        Receipt(ACCEPTED, QUEUED, code="0", request_id="request-b006"),
        Receipt(ACCEPTED, QUEUED, code="0", request_id="request-1296"),
    ]


def test_a_single_target_of_many_goes_as_a_single_post() -> None:
    vendor = Vendor(answer({"header": GOOD, "body": echo(ONE)}))
    assert [receipt.outcome for receipt in delivered_many(vendor, ONE)] == [ACCEPTED]
    assert [request.url().endswith(f"/scenarios/{ONE}") for request in vendor.asked] == [True]


def test_no_targets_are_no_posts() -> None:
    vendor = Vendor(answer({}))
    assert delivered_many(vendor) == []
    assert vendor.asked == []


@pytest.mark.parametrize(
    ("scenario", "path"),
    [
        ("a?b", "/scenarios/a%3Fb"),
        ("a#b", "/scenarios/a%23b"),
        ("a%2Fb", "/scenarios/a%252Fb"),
        ("가", "/scenarios/%EA%B0%80"),
    ],
)
def test_an_unusual_id_stays_one_part_of_the_path(scenario: str, path: str) -> None:
    vendor = Vendor(answer({"header": GOOD, "body": echo(scenario)}))
    assert delivered(vendor, scenario).outcome is ACCEPTED
    assert vendor.asked[0].url().endswith(path)


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_any_2xx_with_a_good_header_is_accepted(status: int) -> None:
    assert delivered(Vendor(answer({"header": GOOD, "body": echo(ONE)}, status))).outcome is ACCEPTED


@pytest.mark.parametrize("request_data", [None, "text", {"body": {"a": 1}}, {"body": "{"}, [], 7])
def test_what_the_service_echoes_of_the_data_is_ignored(request_data: Any) -> None:
    body = {**echo(ONE), "requestData": request_data, "serviceCode": 500, "status": "whatever", "new": []}
    receipt = delivered(Vendor(answer({"header": {**GOOD, "new": 1}, "body": body, "new": 2})))
    assert receipt == Receipt(ACCEPTED, QUEUED, code="0", request_id="request-b006")


@pytest.mark.parametrize(
    ("header", "outcome", "code", "message"),
    [
        pytest.param(BAD, REFUSED, "-1001", "no such scenario", id="failure"),
        pytest.param({**BAD, "resultCode": 0}, REFUSED, "0", "no such scenario", id="failure with code 0"),
        pytest.param({**BAD, "resultCode": "E1"}, REFUSED, "E1", "no such scenario", id="failure with a code in words"),
        pytest.param({"isSuccessful": False}, REFUSED, "", "no reason given", id="failure without code"),
        pytest.param({**BAD, "resultMessage": ["x"]}, REFUSED, "-1001", "no reason given", id="failure without text"),
        pytest.param({**GOOD, "resultCode": 1}, REFUSED, "1", "SUCCESS", id="success with code 1"),
        pytest.param({**GOOD, "resultCode": -1}, REFUSED, "-1", "SUCCESS", id="success with code -1"),
        pytest.param({**GOOD, "resultCode": "0"}, UNKNOWN, "", "header.resultCode", id="code as text"),
        pytest.param({**GOOD, "resultCode": 0.0}, UNKNOWN, "", "header.resultCode", id="code as float"),
        pytest.param({**GOOD, "resultCode": False}, UNKNOWN, "", "header.resultCode", id="code as false"),
        pytest.param({**GOOD, "resultCode": None}, UNKNOWN, "", "header.resultCode", id="code null"),
        pytest.param({**GOOD, "resultCode": float("nan")}, UNKNOWN, "", "header.resultCode", id="code NaN"),
        pytest.param({"isSuccessful": True}, UNKNOWN, "", "header.resultCode", id="no code"),
        pytest.param({**GOOD, "isSuccessful": "true"}, UNKNOWN, "", "header.isSuccessful", id="success as text"),
        pytest.param({**GOOD, "isSuccessful": 1}, UNKNOWN, "", "header.isSuccessful", id="success as 1"),
        pytest.param({**GOOD, "isSuccessful": None}, UNKNOWN, "", "header.isSuccessful", id="success null"),
        pytest.param({"resultCode": 0}, UNKNOWN, "", "header.isSuccessful", id="no isSuccessful"),
        pytest.param({}, UNKNOWN, "", "header.isSuccessful", id="empty header"),
        pytest.param([], UNKNOWN, "", "no header object", id="header is a list"),
        pytest.param(None, UNKNOWN, "", "no header object", id="header null"),
    ],
)
def test_the_header_decides(header: Any, outcome: Outcome, code: str, message: str) -> None:
    receipt = delivered(Vendor(answer({"header": header, "body": echo(ONE)})))
    assert receipt.outcome is outcome
    assert receipt.code == code
    assert message in receipt.message


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        [],
        "text",
        0,
        [echo(ONE)],
        echo(TWO),
        echo(ONE[:-1]),
        {"scenarioId": [ONE]},
        {"scenarioId": ONE + " "},
    ],
)
def test_a_success_that_does_not_name_the_scenario_is_unknown(body: Any) -> None:
    receipt = delivered(Vendor(answer({"header": GOOD, "body": body})))
    assert receipt.outcome is UNKNOWN
    assert receipt.message == f"parse: the answer says success but does not name scenario {ONE}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"<html><body>login</body></html>",
        b'{"header": {"isSuccessful": true, "resultCode": 0}, "body": {"scenarioId": "b006',
        b"\xff\xfe",
        b"[]",
        b"null",
        b"true",
        b'"SUCCESS"',
        b"[" * 100_000,
        b'{"header": {"isSuccessful": false, "isSuccessful": true, "resultCode": 0}}',
    ],
)
def test_a_2xx_that_cannot_be_read_is_unknown(body: bytes) -> None:
    receipt = delivered(Vendor(Response(status=200, body=body)))
    assert receipt.outcome is UNKNOWN
    assert receipt.message.startswith("parse: the answer ")


STATUSES = [
    (300, REFUSED),
    (302, REFUSED),
    (308, REFUSED),
    (400, REFUSED),
    (401, REFUSED),
    (403, REFUSED),
    (404, REFUSED),
    (408, REFUSED),
    (415, REFUSED),
    (429, NOT_SENT),
    (499, REFUSED),
    (500, UNKNOWN),
    (502, UNKNOWN),
    (503, NOT_SENT),
    (504, UNKNOWN),
    (599, UNKNOWN),
]


@pytest.mark.parametrize(("status", "outcome"), STATUSES)
def test_a_status_without_a_readable_header_decides_alone(status: int, outcome: Outcome) -> None:
    receipt = delivered(Vendor(Response(status=status, body=b"<html>")))
    assert receipt == Receipt(outcome, f"HTTP {status}")


@pytest.mark.parametrize(("status", "outcome"), STATUSES)
@pytest.mark.parametrize("header", [BAD, GOOD], ids=["bad header", "good header"])
def test_a_status_with_a_readable_header_keeps_its_code(status: int, outcome: Outcome, header: dict[str, Any]) -> None:
    receipt = delivered(Vendor(answer({"header": header, "body": echo(ONE)}, status)))
    assert receipt.outcome is outcome
    assert receipt.code == str(header["resultCode"])
    assert receipt.message == f"HTTP {status}: {header['resultMessage']}"
    assert receipt.request_id == "request-b006"


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("30", 30.0),
        (" 0 ", 0.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        # The clock of these flows stands at the beginning of 1970.
        ("Thu, 01 Jan 1970 00:01:30 GMT", 90.0),
        ("Wed, 31 Dec 1969 23:59:00 GMT", 0.0),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
        ("Wed", None),
        ("9" * 400, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_taken_in_seconds_or_as_a_date(status: int, said: str, wait_s: float | None) -> None:
    for response in (
        Response(status=status, headers={"retry-after": said}),
        answer({"header": BAD}, status, retry_after=said),
    ):
        receipt = delivered(Vendor(response))
        assert receipt.outcome is NOT_SENT
        assert receipt.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (DnsError("no such host"), NOT_SENT),
        (ConnectError("refused"), NOT_SENT),
        (ConnectError("no answer to the connection within 3 s"), NOT_SENT),
        (TlsError("certificate has expired"), NOT_SENT),
        (ConfigurationError("ca_file is missing"), NOT_SENT),
        (RateLimitError("HTTP 429", retry_after_s=7), NOT_SENT),
        (StatusError("HTTP 503", status=503, retry_after_s=7), NOT_SENT),
        (StatusError("HTTP 500", status=500), UNKNOWN),
        (StatusError("HTTP 404", status=404), REFUSED),
        (LoginError("HTTP 401"), REFUSED),
        (RedirectError("HTTP 302"), REFUSED),
        (DeadlineError("no whole answer within 8 s"), UNKNOWN),
        (ReadError("the connection was reset"), UNKNOWN),
        (TooLargeError("more than 16 MiB"), UNKNOWN),
        (ParseError("broken gzip"), UNKNOWN),
        (SourceError("something else"), UNKNOWN),
    ],
    ids=lambda value: str(value),
)
def test_a_failure_on_the_way_is_judged_by_whether_it_arrived(error: SourceError, outcome: Outcome) -> None:
    receipt = delivered(Vendor(error))
    assert receipt == Receipt(outcome, error.sentence, retry_after_s=error.retry_after_s)


def test_nothing_secret_or_unprintable_comes_back_in_a_receipt() -> None:
    hostile = f"no appkey {APPKEY}\n\x1b[31mPROBLEM\ud800 " + "길" * 1000
    header = {"isSuccessful": False, "resultCode": APPKEY, "resultMessage": hostile}
    receipt = delivered(Vendor(answer({"header": header, "body": {"pk": {"requestId": f"{APPKEY}\n"}}})))
    assert receipt.outcome is REFUSED
    assert receipt.message.startswith("no appkey *** [31mPROBLEM 길")
    assert len(receipt.message) == 300
    assert receipt.code == "***"
    assert receipt.request_id == "***"
    error = delivered(Vendor(ReadError(f"https://x/appkey/{APPKEY}/scenarios/1 was reset")))
    assert error.message == "read: https://x/appkey/***/scenarios/1 was reset"


def test_an_id_that_is_missing_in_the_echo_is_unknown_and_the_others_are_accepted() -> None:
    vendor = Vendor(answer({"header": GOOD, "body": [echo(THREE), 5, None, {"scenarioId": 7}, echo(ONE)]}))
    receipts = delivered_many(vendor, ONE, TWO, THREE)
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, UNKNOWN, ACCEPTED]
    assert TWO in receipts[1].message
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("body", [None, {}, echo(ONE), "text", []])
def test_a_multiple_success_in_another_shape_is_unknown_for_all(body: Any) -> None:
    vendor = Vendor(answer({"header": GOOD, "body": body}))
    assert [receipt.outcome for receipt in delivered_many(vendor, ONE, TWO)] == [UNKNOWN, UNKNOWN]
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    "refusal",
    [answer({"header": BAD, "body": None}), answer({"header": BAD}, 400), Response(status=404), Response(status=302)],
    ids=["header failure", "400 with header", "404", "302"],
)
def test_a_refused_multiple_post_is_posted_one_by_one(refusal: Response) -> None:
    wait = {"retry-after": "9"}
    vendor = Vendor(
        refusal,
        answer({"header": GOOD, "body": echo(ONE)}),
        answer({"header": BAD, "body": None}),
        Response(status=429, headers=wait),
    )
    receipts = delivered_many(vendor, ONE, TWO, THREE)
    assert receipts == [
        Receipt(ACCEPTED, QUEUED, code="0", request_id="request-b006"),
        Receipt(REFUSED, "no such scenario", code="-1001"),
        Receipt(NOT_SENT, "HTTP 429", retry_after_s=9.0),
    ]
    assert [request.shown_url().rpartition("/")[2] for request in vendor.asked] == ["batchmon", ONE, TWO, THREE]
    assert [request.sent_body() for request in vendor.asked[1:]] == [BODY.encode()] * 3


def test_one_failure_of_the_single_posts_leaves_the_others_alone() -> None:
    good = answer({"header": GOOD, "body": echo(TWO)})
    vendor = Vendor(Response(status=400), ConnectError("refused"), good, DeadlineError("too late"))
    outcomes = [receipt.outcome for receipt in delivered_many(vendor, ONE, TWO, THREE)]
    assert outcomes == [NOT_SENT, ACCEPTED, UNKNOWN]


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (Response(status=429), NOT_SENT),
        (Response(status=503), NOT_SENT),
        (ConnectError("refused"), NOT_SENT),
        (Response(status=500), UNKNOWN),
        (answer({"header": BAD}, 500), UNKNOWN),
        (Response(status=200, body=b"<html>"), UNKNOWN),
        (DeadlineError("too late"), UNKNOWN),
        (ReadError("reset"), UNKNOWN),
    ],
    ids=["429", "503", "refused connection", "500", "500 with header", "HTML", "time-out", "reset"],
)
def test_a_multiple_post_that_may_have_arrived_is_never_posted_again(
    failure: Response | SourceError, outcome: Outcome
) -> None:
    vendor = Vendor(failure)
    assert [receipt.outcome for receipt in delivered_many(vendor, ONE, TWO)] == [outcome, outcome]
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("failure", [Response(status=408), answer({"header": BAD}, 425), StatusError("", status=499)])
def test_a_multiple_post_that_somebody_on_the_way_gave_up_is_unknown_and_never_posted_again(
    failure: Response | SourceError,
) -> None:
    vendor = Vendor(failure)
    assert [receipt.outcome for receipt in delivered_many(vendor, ONE, TWO)] == [UNKNOWN, UNKNOWN]
    assert len(vendor.asked) == 1


def test_a_uuid_is_the_same_in_capitals_and_is_sent_as_it_is_written() -> None:
    vendor = Vendor(answer({"header": GOOD, "body": echo(ONE)}))
    assert delivered(vendor, ONE.upper()).outcome is ACCEPTED
    assert vendor.asked[0].url().endswith(f"/scenarios/{ONE.upper()}")
    many = Vendor(answer({"header": GOOD, "body": [echo(ONE), echo(TWO.upper())]}))
    assert [receipt.outcome for receipt in delivered_many(many, ONE.upper(), TWO)] == [ACCEPTED, ACCEPTED]
    twice = Vendor(answer({"header": GOOD, "body": echo(ONE)}))
    assert [receipt.outcome for receipt in delivered_many(twice, ONE, ONE.upper())] == [ACCEPTED, ACCEPTED]
    assert [request.url().rpartition("/")[2] for request in twice.asked] == [ONE, ONE.upper()]


def test_an_id_that_is_no_uuid_is_another_one_in_capitals() -> None:
    assert delivered(Vendor(answer({"header": GOOD, "body": echo(THREE.upper())})), THREE).outcome is UNKNOWN


def test_an_id_that_stands_twice_is_posted_one_by_one() -> None:
    vendor = Vendor(answer({"header": GOOD, "body": echo(ONE)}))
    assert [receipt.outcome for receipt in delivered_many(vendor, ONE, ONE)] == [ACCEPTED, ACCEPTED]
    assert [request.url().endswith(f"/scenarios/{ONE}") for request in vendor.asked] == [True, True]


def test_a_lone_surrogate_in_a_body_is_replaced() -> None:
    body = '{"output": "\ud800"}'
    vendor = Vendor(answer({"header": GOOD, "body": echo(ONE)}))
    play(NHN_BATCHMON.deliver(SETTINGS, BatchmonTarget(scenario=ONE), body), vendor)
    assert vendor.asked[0].sent_body() == b'{"output": "?"}'
    assert NHN_BATCHMON.deliver_many is not None
    targets = [BatchmonTarget(scenario=ONE), BatchmonTarget(scenario=TWO)]
    play(NHN_BATCHMON.deliver_many(SETTINGS, targets, body), vendor)
    assert json.loads(vendor.asked[1].sent_body() or b"")["data"] == '{"output": "?"}'


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
SOME_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
ECHOES = st.sampled_from(
    [echo(ONE), echo(TWO), {"scenarioId": ONE, "pk": 3}, {"scenarioId": ONE, "pk": {"requestId": 1}}]
)
NEAR_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "header": SOME_JSON
        | st.fixed_dictionaries(
            {},
            optional={
                "isSuccessful": st.sampled_from([True, False, "true", 1, None]),
                "resultCode": st.sampled_from([0, 0.0, "0", False, None, 1, -1, 10**400]),
                "resultMessage": SOME_JSON,
            },
        ),
        "body": SOME_JSON | ECHOES | st.lists(ECHOES | SOME_JSON, max_size=3),
    },
)


def is_success(payload: Any, status: int) -> bool:
    if not (200 <= status <= 299 and isinstance(payload, dict) and isinstance(payload.get("header"), dict)):
        return False
    code = payload["header"].get("resultCode")
    return payload["header"].get("isSuccessful") is True and type(code) is int and code == 0


@settings(deadline=None)
@given(payload=NEAR_ANSWERS | SOME_JSON, status=st.sampled_from([200, 204, 301, 400, 429, 500, 503]))
def test_any_json_is_accepted_only_by_the_rule(payload: Any, status: int) -> None:
    vendor = Vendor(answer(payload, status))
    single = delivered(vendor)
    body = payload.get("body") if isinstance(payload, dict) else None
    named = isinstance(body, dict) and body.get("scenarioId") == ONE
    assert (single.outcome is ACCEPTED) == (is_success(payload, status) and named)
    echoed = [item.get("scenarioId") for item in body if isinstance(item, dict)] if isinstance(body, list) else []
    for receipt, scenario in zip(delivered_many(vendor, ONE, TWO), (ONE, TWO), strict=True):
        assert (receipt.outcome is ACCEPTED) == (is_success(payload, status) and scenario in echoed)
        receipt.message.encode()


@settings(deadline=None)
@given(body=st.binary(max_size=200), status=st.integers(100, 599))
def test_any_bytes_are_never_accepted(body: bytes, status: int) -> None:
    vendor = Vendor(Response(status=status, body=body, headers={"retry-after": body.decode("latin-1")}))
    assert delivered(vendor).outcome is not ACCEPTED
    assert all(receipt.outcome is not ACCEPTED for receipt in delivered_many(vendor, ONE, TWO))
