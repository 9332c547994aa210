"""API scenarios: the request as it is sent, redirects within reach, and the verdict on every kind of answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from checkmill.api.v1 import (
    ConfigurationError,
    ConnectError,
    DeadlineError,
    DnsError,
    ParseError,
    Reach,
    ReadError,
    Request,
    Response,
    Secret,
    SourceError,
    TlsError,
    TooLargeError,
)
from checkmill.testing import play
from checkmill_nhn_monitoring.probing import probe
from checkmill_nhn_monitoring.scenario import scenario_from
from checkmill_nhn_monitoring.verdict import Verdict

REACH = Reach(("shop.example", "*.shop.example", "10.0.0.0/8"))
JSON_OK = [{"operator": "EQ", "expression": "$.state", "operand": "OK"}]
SPARED = 'not propagated, since the answer contains "서비스 점검 중"'
PASSED, FAILED, NOT_CARRIED_OUT = "passed", "failed", "not_carried_out"


def definition(validation: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    return {
        "scenarioId": "s",
        "scenarioName": "shop",
        "scenarioType": "API",
        "url": "https://shop.example/health?x=1",
        "httpMethod": "GET",
        "validation": {} if validation is None else dict(validation),
        **members,
    }


def texts(*checks: Mapping[str, Any], kind: str = "JSON") -> dict[str, Any]:
    return {"textValidation": {"textValidationType": kind, "textValidationInfos": list(checks)}}


def response(status: int = 200, body: str | bytes = b"", elapsed_s: float = 0.25, **headers: str) -> Response:
    sent = body.encode() if isinstance(body, str) else body
    return Response(status=status, body=sent, headers=headers, elapsed_s=elapsed_s)


def carried_out(
    scenario: Mapping[str, Any], *answers: Response | SourceError, silence_s: float = 8.0
) -> tuple[Verdict, list[Request]]:
    """The verdict where the requests are answered one after the other, and the requests."""
    asked: list[Request] = []

    def respond(request: Request) -> Response:
        asked.append(request)
        answer = answers[len(asked) - 1]
        if isinstance(answer, SourceError):
            raise answer
        return answer

    verdict = play(probe(scenario_from(dict(scenario)), REACH, silence_s=silence_s), respond)
    assert verdict.reason
    assert verdict.reason.isprintable()
    return verdict, asked


def test_the_request_is_the_definitions() -> None:
    sent = definition(
        {"timeout": 2500},
        httpMethod="POST",
        requestBody='{"q": "정상"}',
        headers={"Content-Type": "application/json", "Authorization": "Bearer sssssssss", "X-Trace": "on"},
    )
    verdict, asked = carried_out(sent, response())
    assert verdict == Verdict("passed", "HTTP 200", 0.25)
    assert asked == [
        Request(
            method="POST",
            path="https://shop.example/health?x=1",
            headers={
                "Content-Type": "application/json",
                "Authorization": Secret("Bearer sssssssss"),
                "X-Trace": "on",
            },
            content='{"q": "정상"}'.encode(),
            any_status=True,
            repeatable=False,
            timeout_s=2.5,
            reach=REACH,
        )
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_the_documented_methods_are_sent(method: str) -> None:
    _, asked = carried_out(definition(httpMethod=method), response())
    assert (asked[0].method, asked[0].content, asked[0].headers) == (method, None, {})


def test_without_a_timeout_it_is_the_consoles() -> None:
    assert carried_out(definition(), response())[1][0].timeout_s == 5.0
    assert carried_out(definition({"timeout": 0}), response())[1][0].timeout_s == 5.0


def test_headers_about_the_connection_are_not_sent() -> None:
    headers = {"Content-Length": "999", "transfer-encoding": "chunked", "Connection": "close", "Accept-Encoding": "br"}
    assert carried_out(definition(headers=headers | {"Accept": "x"}), response())[1][0].headers == {"Accept": "x"}


@pytest.mark.parametrize(
    ("codes", "status", "word", "reason"),
    [
        (None, 200, PASSED, "HTTP 200"),
        ([], 200, PASSED, "HTTP 200"),
        (None, 204, FAILED, "HTTP 204, where 200 is allowed"),
        (None, 500, FAILED, "HTTP 500, where 200 is allowed"),
        (None, 401, FAILED, "HTTP 401, where 200 is allowed"),
        (None, 429, FAILED, "HTTP 429, where 200 is allowed"),
        (["200", "201"], 201, PASSED, "HTTP 201"),
        (["200", "201"], 202, FAILED, "HTTP 202, where 200, 201 are allowed"),
        (["404"], 404, PASSED, "HTTP 404"),
        (["404"], 200, FAILED, "HTTP 200, where 404 is allowed"),
        ([" 200 "], 200, PASSED, "HTTP 200"),
        (["2xx"], 200, NOT_CARRIED_OUT, "HTTP 200 came, and '2xx' of its responseCodes is no code"),
        (["2xx", "503"], 503, PASSED, "HTTP 503"),
        (["0200"], 200, NOT_CARRIED_OUT, "HTTP 200 came, and '0200' of its responseCodes is no code"),
        (["304"], 304, PASSED, "HTTP 304"),
        (["301"], 301, PASSED, "HTTP 301"),
        (None, 302, FAILED, "HTTP 302, where 200 is allowed"),  # it leads nowhere
        (None, 304, FAILED, "HTTP 304, where 200 is allowed"),
    ],
)
def test_the_code_must_be_allowed(codes: list[str] | None, status: int, word: str, reason: str) -> None:
    verdict, asked = carried_out(definition({"responseCodes": codes}), response(status))
    assert (verdict.word, verdict.reason) == (word, reason)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("validation", "body", "word", "reason"),
    [
        (texts(*JSON_OK), '{"state":"OK"}', PASSED, "HTTP 200, $.state EQ OK holds"),
        (texts(*JSON_OK), '{"state":"FAIL"}', FAILED, 'HTTP 200, but $.state EQ OK does not hold: it is "FAIL"'),
        (texts(*JSON_OK), "{}", FAILED, "HTTP 200, but $.state EQ OK does not hold: nothing is found there"),
        (texts(*JSON_OK), "", FAILED, "HTTP 200, but the answer is not JSON: it is empty"),
        (
            texts(*JSON_OK),
            "<html>",
            FAILED,
            "HTTP 200, but the answer is not JSON: it breaks at character 1 (Expecting value)",
        ),
        (texts(*JSON_OK, *JSON_OK), '{"state":"OK"}', PASSED, "HTTP 200, all 2 text checks hold"),
        (texts(), "", PASSED, "HTTP 200"),
        (
            texts(*JSON_OK, {"operator": "GT", "expression": "$.n", "operand": "5"}),
            '{"state":"OK","n":5}',
            FAILED,
            "HTTP 200, but $.n GT 5 does not hold: it is 5",
        ),
        (
            texts({"operator": "EQ", "expression": "$.[", "operand": "5"}, *JSON_OK),
            '{"state":"FAIL"}',
            FAILED,  # whatever the other check would be
            'HTTP 200, but $.state EQ OK does not hold: it is "FAIL"',
        ),
        (
            texts({"operator": "IS", "expression": "$.n", "operand": "5"}, *JSON_OK),
            '{"state":"OK"}',
            NOT_CARRIED_OUT,
            "HTTP 200, but $.n IS 5 cannot be carried out: its operator 'IS' is not known",
        ),
        (
            texts({"operator": "CONTAINS", "expression": "Welcome"}, kind="HTML"),
            "<p>Welcome",
            PASSED,
            'HTTP 200, the answer contains "Welcome"',
        ),
        (
            texts({"operator": "NOT_CONTAINS", "expression": "Exception"}, kind="XML"),
            "<p>Exception",
            FAILED,
            'HTTP 200, but the answer contains "Exception"',
        ),
        (
            texts({"operator": "EQ", "expression": "//p", "operand": "up"}, kind="HTML"),
            "<p>up</p>",
            PASSED,
            "HTTP 200, //p EQ up holds",
        ),
        (
            texts({"operator": "EQ", "expression": "//p", "operand": "up"}, kind="IMAGE"),
            "<p>up</p>",
            NOT_CARRIED_OUT,
            "HTTP 200, but //p EQ up cannot be carried out: texts are JSON, HTML or XML, not 'IMAGE'",
        ),
    ],
)
def test_the_text_must_be_as_demanded(validation: dict[str, Any], body: str, word: str, reason: str) -> None:
    verdict, _ = carried_out(definition(validation), response(body=body))
    assert verdict == Verdict(word, reason, 0.25)  # type: ignore[arg-type]


def test_a_wrong_code_fails_whatever_the_text_says() -> None:
    verdict, _ = carried_out(definition(texts(*JSON_OK)), response(500, '{"state":"OK"}'))
    assert verdict == Verdict("failed", "HTTP 500, where 200 is allowed", 0.25)


@pytest.mark.parametrize(
    ("status", "body", "word", "reason"),
    [
        (
            503,
            "<h1>서비스 점검 중</h1>",
            PASSED,
            f"{SPARED}; otherwise HTTP 503, where 200 is allowed",
        ),
        (
            200,
            '{"state":"서비스 점검 중"}',
            PASSED,
            f'{SPARED}; otherwise HTTP 200, but $.state EQ OK does not hold: it is "서비스 점검 중"',
        ),
        (503, "down", FAILED, "HTTP 503, where 200 is allowed"),
        (503, b"\xff\xfe\xff", FAILED, "HTTP 503, where 200 is allowed"),
        (200, '{"state":"OK","note":"서비스 점검 중"}', PASSED, "HTTP 200, $.state EQ OK holds"),
    ],
)
def test_a_failure_is_not_propagated_while_the_answer_says_so(
    status: int, body: str | bytes, word: str, reason: str
) -> None:
    validation = {**texts(*JSON_OK), "avoidingValidationText": "서비스 점검 중"}
    verdict, _ = carried_out(definition(validation), response(status, body))
    assert (verdict.word, verdict.reason) == (word, reason)


def test_no_answer_is_no_maintenance() -> None:
    verdict, _ = carried_out(definition({"avoidingValidationText": ""}), ConnectError("refused"))
    assert verdict.word == FAILED
    for nothing in ("", " ", None):
        assert carried_out(definition({"avoidingValidationText": nothing}), response(503, "a b"))[0].word == FAILED


def test_broken_bytes_do_not_make_a_text_of_its_pieces() -> None:
    verdict, _ = carried_out(
        definition({"avoidingValidationText": "planned maintenance"}), response(503, b"plan\xffned maintenance")
    )
    assert verdict.word == FAILED


def test_what_is_unknown_is_not_excused() -> None:
    unknown = texts({"operator": "IS", "expression": "$.n", "operand": "5"})
    verdict, _ = carried_out(definition({**unknown, "avoidingValidationText": "n"}), response(body="n"))
    assert verdict.word == NOT_CARRIED_OUT


@pytest.mark.parametrize(
    ("error", "word", "reason"),
    [
        (DnsError("no such host"), FAILED, "DNS: no such host"),
        (ConnectError("no connection to shop.example:443: connection refused"), FAILED, "connect: no connection to"),
        (TlsError("the certificate has expired"), FAILED, "TLS: the certificate has expired"),
        (ReadError("shop.example:443 reset the connection"), FAILED, "read: shop.example:443 reset the connection"),
        (DeadlineError("no whole answer within 5 s"), FAILED, "read: no whole answer within 5 s"),
        (TooLargeError("larger than 16 MiB"), NOT_CARRIED_OUT, "read: larger than 16 MiB"),
        (ParseError("encoded as br"), NOT_CARRIED_OUT, "parse: encoded as br"),
        (ConfigurationError("not a header"), NOT_CARRIED_OUT, "configuration: not a header"),
        (SourceError("no thread"), NOT_CARRIED_OUT, "read: no thread"),
    ],
)
def test_no_answer_is_a_verdict_where_the_other_side_is_to_blame(error: SourceError, word: str, reason: str) -> None:
    verdict, _ = carried_out(definition(), error)
    assert verdict.word == word
    assert verdict.reason.startswith(reason)
    assert verdict.response_time_s is None


def test_a_request_that_was_never_sent_is_not_carried_out() -> None:
    late = DeadlineError("no time was left to ask shop.example:443")
    late.arrived = False
    assert carried_out(definition(), late)[0].word == NOT_CARRIED_OUT


def test_our_own_patience_is_no_failure() -> None:
    verdict, _ = carried_out(definition({"timeout": 20_000}), DeadlineError("silent for 8 s"), silence_s=8.0)
    assert verdict == Verdict(
        "not_carried_out", "silent for 8 s; its own time-out, 20 s, is longer than read_timeout, 8 s"
    )


def test_an_answer_later_than_the_timeout_fails() -> None:
    verdict, _ = carried_out(definition({"timeout": 1000}), response(elapsed_s=1.234))
    assert verdict == Verdict("failed", "the answer took 1.23 s, longer than its time-out of 1 s", 1.234)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"url": None}, "its url is not an address that begins with http:// or https://"),
        ({"url": "shop.example"}, "its url is not an address that begins with http:// or https://"),
        ({"url": "ftp://shop.example/"}, "its url is not an address that begins with http:// or https://"),
        ({"url": "file:///etc/passwd"}, "its url is not an address that begins with http:// or https://"),
        ({"url": "https://"}, "its url is not an address that begins with http:// or https://"),
        ({"url": "http://[::1"}, "its url is not an address that begins with http:// or https://"),
        ({"url": "http://shop.example:99999/"}, "its url is not an address that begins with http:// or https://"),
        ({"url": "http://shop.example:0/"}, "its url is not an address that begins with http:// or https://"),
        ({"httpMethod": None}, "its httpMethod is missing; documented are GET, POST, DELETE, PUT"),
        ({"httpMethod": "BREW"}, "its httpMethod is 'BREW'; documented are GET, POST, DELETE, PUT"),
        ({"requestBody": "\ud800"}, "its requestBody holds half a character, which cannot be sent"),
        ({"url": "https://evil.example/"}, "evil.example:443 is not in the list of hosts that may be contacted"),
        ({"url": "http://127.0.0.1:8080/"}, "127.0.0.1:8080 is not in the list of hosts that may be contacted"),
        ({"url": "http://user@evil.example/"}, "evil.example:80 is not in the list of hosts that may be contacted"),
        ({"url": "http://shop.example@evil.example/"}, "evil.example:80 is not in the list of hosts that may be"),
        ({"headers": {"Host": "evil.example"}}, "evil.example:443 is not in the list of hosts that may be contacted"),
        (
            {"ip": "10.0.0.9"},
            "its ip 10.0.0.9 is not the host of its url, and which of them to ask is not documented",
        ),
        ({"scenarioType": "WEB"}, "a WEB scenario needs a browser"),
        ({"scenarioType": "MODULE"}, "a MODULE scenario needs a browser, and is carried out as a part of a WEB"),
        ({"scenarioType": "ICMP"}, "an ICMP scenario needs a raw socket, which is for root alone"),
        ({"scenarioType": "BATCH\n|x"}, "scenarios of the type BATCH |X are not known here"),
    ],
)
def test_what_cannot_be_asked_is_not_carried_out(members: dict[str, Any], reason: str) -> None:
    verdict, asked = carried_out(definition(**members), response())
    assert verdict.word == NOT_CARRIED_OUT
    assert verdict.reason.startswith(reason)
    assert not asked


@pytest.mark.parametrize("ip", ["shop.example", "toast.com", "", " "])
def test_a_name_for_the_address_changes_nothing(ip: str) -> None:
    assert carried_out(definition(ip=ip), response())[0].word == PASSED


def test_the_same_address_changes_nothing() -> None:
    assert carried_out(definition(url="http://10.0.0.9/", ip="10.0.0.9"), response())[0].word == PASSED


@pytest.mark.parametrize(
    ("validation", "demand"),
    [
        ({"imageValidationPaths": ["//img"]}, "imageValidationPaths"),
        ({"responseValidation": [{"position": 0, "validationText": "a"}]}, "responseValidation"),
        ({"lengthValidation": {"POS": "0"}}, "lengthValidation"),
        ({"sslExpiry": 7}, "validation.sslExpiry"),
        ({"textValidation": {"textValidations": [{"expression": "$"}]}}, "validation.textValidation.textValidations"),
        ({"imageValidationPaths": ["a"], "x": 1}, "imageValidationPaths, validation.x"),
    ],
)
def test_what_nobody_verifies_never_passes(validation: dict[str, Any], demand: str) -> None:
    verdict, _ = carried_out(definition(validation), response())
    assert verdict == Verdict(
        "not_carried_out", f"{demand} is not verified for API scenarios; all else holds: HTTP 200", 0.25
    )
    assert carried_out(definition(validation), response(500))[0].word == FAILED
