"""What comes instead of an answer, and what it is called: a login, a refusal, another server, the wrong version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkmill.api.v1 import (
    LoginError,
    ParseError,
    RateLimitError,
    ReadError,
    RedirectError,
    Response,
    Secret,
    SourceError,
    StatusError,
)
from plugins.checkmk.documented import SECRET, envelope, of_one, only, samples, settings
from support.secrets import own_secrets

LOGIN_PAGE = """<!DOCTYPE HTML><html><head><title>Check_MK Multisite Login</title></head><body>
<form action="login.py" method="POST"><input type="password" name="_password"><input name="_login"></form>
</body></html>"""
URL = "https://monitoring.example/mysite/check_mk/webapi.py"
TRACEBACK = """Unhandled exception: Traceback (most recent call last):
  File "/omd/sites/mysite/share/check_mk/web/htdocs/webapi.py", line 61, in page_api
    response = func(request_object)
KeyError: 'sla_configuration_9'
"""


def _failed(answer: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        samples("sla_broken", answer)
    return caught.value


def _response(status: int, body: str = "", **headers: str) -> Response:
    return Response(status=status, body=body.encode(), headers=headers, url=URL)


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (
            "Authentication error: Invalid automation secret for user automation",
            LoginError,
            "Checkmk refuses the user 'automation': is it an automation user, and is this its automation secret?",
        ),
        ("Permission denied: Invalid automation secret for user automation", LoginError, "refuses the user"),
        ("<html>Invalid automation secret for user automation</html>", LoginError, "refuses the user"),
        (
            LOGIN_PAGE,
            LoginError,
            "a login page came instead of an answer for the user 'automation': is it an automation",
        ),
        (
            "<html><title>Fehler</title>Interner Fehler</html>",
            ParseError,
            "is an HTML page: a login, an error or another",
        ),
        ("Wartungsarbeiten", ParseError, "is text of 16 characters: a login, an error or another server's page"),
        ("", ParseError, "the answer is empty (HTTP 200)"),
        (b"\xff\xfe{}", ParseError, "the answer is not UTF-8 text"),
        ("[]", ParseError, "is text of 2 characters"),
        ("{}", ParseError, "a dictionary without result_code"),
        ('{"error": "no such page"}', ParseError, "a dictionary without result_code"),
        ("{1, 2}", ParseError, "should be a dictionary with result_code, but is a set"),
        (envelope({}, "0"), ParseError, "result_code should be a whole number, but is text"),
        (envelope({}, False), ParseError, "result_code should be a whole number, but is yes or no"),
        (envelope({}, 0.0), ParseError, "result_code should be a whole number, but is a number"),
        (envelope({}, None), ParseError, "result_code should be a whole number, but is absent"),
        (envelope(None), ParseError, "should hold a dictionary of sites, but holds absent"),
        (envelope([]), ParseError, "should hold a dictionary of sites, but holds a list of 0"),
        (envelope("all well"), ParseError, "should hold a dictionary of sites, but holds text"),
        (envelope({"s": []}), ParseError, "should hold a dictionary of hosts, but holds a list of 0"),
        (envelope({1: {}}), ParseError, "the names of sites should be text, but one is a number"),
        (envelope({"s": {"h": None}}), ParseError, "should hold a dictionary of services, but holds absent"),
        (envelope({"s": {"h": {"x": "no"}}}), ParseError, "results of a service should be a dictionary, but are text"),
        (envelope({"s": {"h": {"x": [1]}}}), ParseError, "should be pairs of key and result, but one is a number"),
        (envelope(of_one())[:-40], ParseError, "the answer breaks off in the middle, after"),
    ],
)
def test_what_is_no_answer_says_what_it_is(body: str | bytes, kind: type[SourceError], says: str) -> None:
    error = _failed(body)
    assert type(error) is kind
    assert says in str(error)
    assert "Interner" not in str(error), "what stands in a page is not repeated"


@pytest.mark.parametrize(
    ("said", "kind", "says"),
    [
        (
            "Authorization Error. Insufficent permissions for 'The WATO API is only available for automation users'",
            LoginError,
            "Checkmk refuses the user 'automation': Authorization Error. Insufficent permissions for 'The WATO API",
        ),
        (
            "Authorization Error. Insufficent permissions for 'Use WATO'",
            LoginError,
            "Insufficent permissions for 'Use WATO'",
        ),
        (
            "Check_MK exception: Unknown API action get_sla",
            ParseError,
            "Unknown API action get_sla (get_sla is in the Enterprise editions from 1.5.0b8 to 2.1)",
        ),
        (
            "Checkmk exception: Unknown API action get_sla\nTraceback (most recent call last):\n  File ...\nMKError: x",
            ParseError,
            "Checkmk exception: Unknown API action get_sla MKError: x (get_sla is in",
        ),
        (
            "Check_MK exception: Failed to parse JSON request: '{': x",
            ParseError,
            "get_sla: Check_MK exception: Failed to",
        ),
        ("Check_MK exception: Missing required key(s): query", ParseError, "Missing required key(s): query"),
        ("Checkmk exception: Invalid key(s): foo", ParseError, "Invalid key(s): foo"),
        ('Only "json" and "python" are supported as output formats', ParseError, "are supported as output formats"),
        ("This API call requires the parameter output_format=python", ParseError, "requires the parameter"),
        ("WATO is disabled on this site.", ParseError, "Checkmk refuses get_sla: WATO is disabled on this site."),
        ("WATO ist auf dieser Instanz abgeschaltet", ParseError, "get_sla: WATO ist auf dieser Instanz abgeschaltet"),
        (TRACEBACK, ParseError, "get_sla: Unhandled exception: KeyError: 'sla_configuration_9'"),
        ("", ParseError, "Checkmk refuses get_sla: without saying why"),
        (["x"], ParseError, "Checkmk refuses get_sla: without saying why"),
        (f"the secret {SECRET} is wrong\n\x1b[31m", ParseError, "the secret *** is wrong ?[31m"),
    ],
)
@pytest.mark.parametrize("write", [envelope, lambda said, code: json.dumps({"result": said, "result_code": code})])
def test_a_refusal_is_told_in_the_words_of_the_site(said: Any, kind: type[SourceError], says: str, write: Any) -> None:
    error = _failed(write(said, 1))
    assert type(error) is kind
    assert says in str(error)
    assert SECRET not in str(error)
    assert str(error).isprintable()


def test_a_long_refusal_is_cut_and_a_secret_at_its_end_is_not_cut_in_two() -> None:
    error = _failed(envelope("x" * 190 + SECRET * 100, 1))
    assert len(str(error)) < 260
    assert SECRET[:6] not in str(error)


@pytest.mark.parametrize(
    ("secret", "echoed"),
    [
        ("Ab12  cd34ef", "Ab12  cd34ef"),
        ("grüße-geheim-77", "grüße-geheim-77"),
        ("grüße-geheim-78", "grÃ¼Ã\x9fe-geheim-78"),
    ],
    ids=["two blanks", "beyond ASCII", "as bytes"],
)
def test_a_secret_is_not_shown_however_the_site_writes_it(secret: str, echoed: str) -> None:
    with own_secrets(among=True):
        Secret(secret)
        assert str(_failed(envelope(f"bad _secret '{echoed}'", 1))) == "Checkmk refuses get_sla: bad _secret '***'"


@pytest.mark.parametrize("code", [1, 2, -1])
def test_any_other_result_code_is_a_refusal(code: int) -> None:
    assert "Checkmk refuses get_sla: no" in str(_failed(envelope("no", code)))


@pytest.mark.parametrize(
    ("response", "kind", "says"),
    [
        (_response(401), LoginError, "HTTP 401 from https://monitoring.example/mysite/check_mk/webapi.py: the user"),
        (_response(403, LOGIN_PAGE), LoginError, "the user 'automation' may not use the Web API"),
        (
            _response(404, "<html>Not Found</html>"),
            StatusError,
            "no Web API is there; either base_url names no site, or the site is 2.2 or newer, which has only a",
        ),
        (_response(500), StatusError, "HTTP 500 from"),
        (_response(502), StatusError, "what stands before the site got no answer from it"),
        (_response(503), StatusError, "the site is stopped, or overloaded"),
        (_response(504), StatusError, "the site took too long"),
        (_response(206, envelope(of_one())), ReadError, "only a part of the answer came"),
        (_response(429, **{"retry-after": "30"}), RateLimitError, "too many requests"),
        (
            _response(302, location="login.py?_origtarget=webapi.py"),
            LoginError,
            "leads to a login for the user 'automation'",
        ),
        (_response(302, location="https://sso.example/saml?x=1"), LoginError, "leads to a login"),
        (_response(302), LoginError, "leads to a login"),
        (
            _response(301, location="https://new.example/mysite/check_mk/webapi.py?x=1"),
            RedirectError,
            "leads to https://new.example/mysite/check_mk/webapi.py, and a request with a secret is not sent elsewhere",
        ),
        (_response(308, location="http://["), RedirectError, "leads to what is no address"),
        (_response(304), StatusError, "HTTP 304"),
        (_response(100), StatusError, "HTTP 100"),
    ],
    ids=lambda one: str(one.status) if isinstance(one, Response) else "",
)
def test_every_status_without_success_is_told(response: Response, kind: type[SourceError], says: str) -> None:
    error = _failed(response)
    assert type(error) is kind
    assert says in str(error)


@pytest.mark.parametrize(("after", "wait_s"), [("30", 30.0), ("soon", None), ("-5", None), ("1e9", None)])
def test_a_site_that_asks_to_wait_is_waited_for(after: str, wait_s: float | None) -> None:
    error = _failed(_response(429, **{"retry-after": after}))
    assert error.retry_after_s == wait_s


def test_an_answer_below_200_and_300_with_a_byte_order_mark_is_read() -> None:
    assert only(samples("sla_broken", "\ufeff" + envelope(of_one()))).value == "fulfilled"
    accepted = Response(status=203, body=envelope(of_one()).encode(), url=URL)
    assert only(samples("sla_broken", accepted)).value == "fulfilled"


def test_a_user_with_odd_characters_is_shown_in_one_line() -> None:
    given = settings()
    object.__setattr__(given, "username", "robot\n\x1b|x")
    with pytest.raises(LoginError) as caught:
        samples("sla_broken", LOGIN_PAGE, given=given)
    assert str(caught.value).isprintable()


def test_stages_lead_the_sentences() -> None:
    assert _failed(LOGIN_PAGE).sentence.startswith("login: ")
    assert _failed("nonsense").sentence.startswith("parse: ")
    assert _failed(_response(404)).sentence.startswith("read: ")
