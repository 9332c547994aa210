"""Answers that are none: each way a dashboard, or what stands before it, has of saying no, and the sentence for it."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import LoginError, ParseError, ReadError, Response, SessionExpired, SourceError
from checkmill.testing import play
from checkmill_nezha.login import log_in
from plugins.nezha.documented import (
    DETAILS,
    ENTRY,
    GROUPS,
    LIST,
    LOGIN,
    MONITOR,
    NOW,
    PASSWORD,
    SERVERS,
    TOKEN,
    Vendor,
    only,
    samples,
    success,
    v1,
)

EMPTY = "the answer is empty (HTTP 200): so Nezha answers when one agent sends a figure that is no number"
HTML = "the answer is HTML, not Nezha's JSON (HTTP 200): a login page, a proxy"

REFUSED: dict[str, tuple[Any, type[SourceError], str]] = {
    "a wrong token": (
        {"code": 403, "message": "访问此接口需要认证"},
        LoginError,
        "login: Nezha refuses access (code 403: 访问此接口需要认证): token must be an API token of this dashboard",
    ),
    "a view password": ({"code": 403, "message": "访问受限"}, LoginError, "Nezha refuses access (code 403: 访问受限)"),
    "a database error": (
        {"code": 500, "message": "database is locked", "result": None},
        ParseError,
        "Nezha answered with code 500: database is locked",
    ),
    "the code of another call": ({"code": 200, "message": "ok", "result": []}, ParseError, "with code 200: ok"),
    "an error that says nothing": ({"code": 7}, ParseError, "with code 7: no message"),
    "success without a result": ({"code": 0, "message": "success"}, ParseError, "success and without a result"),
    "a result that is null": (
        {"code": 0, "message": "success", "result": None},
        ParseError,
        "result should be a list of servers, but is null",
    ),
    "a result that is an object": (success() | {"result": {"a": 1}}, ParseError, "but is an object with a"),
    "a code that is text": (
        {"code": "0", "result": []},
        ParseError,
        "no code that is a number, so it is none of Nezha",
    ),
    "a code that is true": ({"code": True, "result": []}, ParseError, "no code that is a number"),
    "a code that is half": ({"code": 0.0, "result": []}, ParseError, "no code that is a number"),
    "another service": ({"message": "hello"}, ParseError, "none of Nezha: an object with message"),
    "an empty object": ({}, ParseError, "none of Nezha: an empty object"),
    "an empty body": (b"", ParseError, EMPTY),
    "blanks": (b" \r\n", ParseError, EMPTY),
    "a page": (b"<!DOCTYPE html><title>Just a moment...</title>", ParseError, HTML),
    "an agent's web page": (b"\n <html>It works!</html>", ParseError, "a NAT profile with this host name leads to"),
    "a NAT profile without its agent": (
        b"server not found or not connected",
        ParseError,
        "the host name of base_url belongs to a NAT profile, which leads to an agent and not to the dashboard",
    ),
    "a text": (b"upstream is away", ParseError, "it breaks at character 1 of 16 (Expecting value): upstream is away"),
    "an answer cut off": (b'{"code":0,"message":"success","result":[{"id":1', ParseError, "it ends in the middle"),
    "a list": ([ENTRY], ParseError, "the answer should be an object, but is a list of 1"),
    "null": (b"null", ParseError, "the answer should be an object, but is null"),
    "a number": (b"5", ParseError, "but is 5"),
    "no text": (b"\xff\xfe\x00{", ParseError, "the answer is not UTF-8 text"),
    "a key twice": (b'{"code":0,"code":403,"result":[]}', ParseError, "the key 'code' stands twice in one object"),
    "too deep": (b'{"code":0,"result":' + b"[" * 300 + b"]" * 300 + b"}", ParseError, "deeper than 200 levels"),
    "a part": (Response(status=206, body=b"{}"), ReadError, "HTTP 206: only a part of the answer came"),
}


@pytest.mark.parametrize(("answer", "kind", "says"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("name", ["cpu", "inactive_agents"])
def test_what_is_no_answer_is_refused_whole(name: str, answer: Any, kind: type[SourceError], says: str) -> None:
    with pytest.raises(kind) as caught:
        samples(name, {LIST: answer, DETAILS: answer})
    assert says in caught.value.sentence
    assert caught.value.sentence.isprintable()
    assert len(caught.value.sentence) < 500


@pytest.mark.parametrize(("answer", "kind", "says"), REFUSED.values(), ids=REFUSED)
def test_a_history_that_is_no_answer_is_missing_for_its_server(answer: Any, kind: type[SourceError], says: str) -> None:
    found = samples("latency_avg", {LIST: success(ENTRY), MONITOR: answer})
    assert only(found).is_missing
    assert only(found).labels == {"host": "Server1", "id": "1"}
    if "result" not in says and "null" not in says:
        assert says in only(found).reason
    assert only(found).reason.isprintable()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "read: HTTP 400 from https://nezha.example/api/v1/monitor/1"),
        (403, "login: HTTP 403 from"),
        (404, "the server is gone, or the dashboard is older than v0.16.0 and keeps no history"),
        (500, "read: HTTP 500 from"),
    ],
)
def test_a_history_that_is_refused_is_missing_for_its_server(status: int, says: str) -> None:
    found = only(samples("latency_last", {LIST: success(ENTRY), MONITOR: status}))
    assert found.is_missing
    assert says in found.reason


# Generation v1.


UNAUTHORIZED = {"error": "ApiErrorUnauthorized"}
REFUSED_V1: dict[str, tuple[Any, type[SourceError], str]] = {
    "an ended login": (UNAUTHORIZED, SessionExpired, "Nezha does not accept the login (ApiErrorUnauthorized)"),
    "said twice": ({"success": False, **UNAUTHORIZED}, SessionExpired, "does not accept the login"),
    "an error": ({"error": "permission denied"}, ParseError, "Nezha answered with an error: permission denied"),
    "an error beside success": ({"success": True, "error": "half", "data": []}, ParseError, "with an error: half"),
    "no success": ({"success": False}, ParseError, "with an error: no error"),
    "a success that is text": ({"success": "true", "data": []}, ParseError, "with an error: no error"),
    "data that is an object": ({"success": True, "data": {"a": 1}}, ParseError, "but are an object with a"),
    "generation v0": (success(ENTRY), ParseError, "none of a dashboard of generation v1: an object with code"),
    "an empty body": (b"", ParseError, EMPTY),
    "a page": (b"<html>", ParseError, HTML),
    "a list": ([], ParseError, "but is a list of 0"),
}


@pytest.mark.parametrize(("answer", "kind", "says"), REFUSED_V1.values(), ids=REFUSED_V1)
@pytest.mark.parametrize("path", [SERVERS, GROUPS])
def test_what_is_no_answer_of_generation_v1_is_refused_whole(
    path: str, answer: Any, kind: type[SourceError], says: str
) -> None:
    with pytest.raises(kind) as caught:
        samples("cpu", {path: answer}, v1())
    assert says in caught.value.sentence


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (
            UNAUTHORIZED,
            LoginError,
            "login: Nezha does not accept username and password; mend them soon, for Nezha locks an",
        ),
        (
            403,
            LoginError,
            "HTTP 403 from https://nezha.example/api/v1/login: Nezha, or what stands before it, does not accept",
        ),
        ({"error": "database error"}, ParseError, "with an error: database error"),
        ({"success": True}, ParseError, "the login succeeded and gave no token: null"),
        ({"success": True, "data": {"expire": "x"}}, ParseError, "gave no token: an object with expire"),
        ({"success": True, "data": {"token": 7}}, ParseError, "gave no token: an object with token"),
        ({"success": True, "data": {"token": " "}}, ParseError, "gave no token"),
        ({"success": True, "data": {"token": "a\nb"}}, ParseError, "a token that no header can carry"),
        ({"success": True, "data": {"token": "토큰토큰"}}, ParseError, "a token that no header can carry"),
        (b"<html>", ParseError, HTML),
        (500, SourceError, "HTTP 500"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_login_that_fails_says_why(answer: Any, kind: type[SourceError], says: str) -> None:
    with pytest.raises(kind) as caught:
        play(log_in(v1()), Vendor({LOGIN: answer}), NOW)
    assert says in caught.value.sentence
    assert PASSWORD not in caught.value.sentence


@pytest.mark.parametrize("answer", [UNAUTHORIZED, 401, 403])
def test_a_refused_login_is_kept_for_a_while(answer: Any) -> None:
    with pytest.raises(LoginError, match="locks an address out after several failures") as caught:
        play(log_in(v1()), Vendor({LOGIN: answer}), NOW)
    assert caught.value.retry_after_s == 600.0


# What is passed on.


@pytest.mark.parametrize("before", [0, 60, 120, 150, 158, 4000, 4070, 4090])
@pytest.mark.parametrize("filler", ["x", "x ", " "])
def test_no_part_of_a_token_is_passed_on(before: int, filler: str) -> None:
    echoed = (filler * before)[:before] + TOKEN + " and so on" * 9
    answers: list[Any] = [
        {"code": 403, "message": echoed},
        {"code": 9, "message": echoed},
        {echoed: 1},
        echoed.encode(),
        success() | {"result": echoed},
    ]
    for answer in answers:
        with pytest.raises(SourceError) as caught:
            samples("cpu", {DETAILS: answer})
        assert TOKEN[:6] not in caught.value.sentence


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("two\nlines | of\ttext", "two lines | of text"),
        ("\x1b[31mred\x00", "?[31mred?"),
        ("half \ud800 of a sign", "half ? of a sign"),
        ("x" * 300, "x" * 157 + "..."),
        ("x" * 5000, "a message too long to be shown"),
        (["a"], "no message"),
        (None, "no message"),
        ("  ", "no message"),
    ],
    ids=lambda value: str(value)[:12].encode("ascii", "replace").decode(),
)
def test_words_of_the_vendor_are_one_printable_line(said: Any, shown: str) -> None:
    with pytest.raises(ParseError) as caught:
        samples("cpu", {DETAILS: {"code": 5, "message": said}})
    assert str(caught.value) == f"Nezha answered with code 5: {shown}"
