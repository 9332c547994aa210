"""Answers before their checks: decoded by what they say of themselves, and refused where they are not of their kind."""

import json
from typing import Any

import pytest

from checkmill_nhn_monitoring.scenario import TextCheck, TextValidation
from checkmill_nhn_monitoring.texts import needs_parsing
from checkmill_nhn_monitoring.verdict import Outcome
from plugins.nhn_monitoring.test_judging_texts import FAILS, HOLDS, UNKNOWN, outcome, outcomes


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "the answer is not JSON: it is empty"),
        (" \r\n", "the answer is not JSON: it is empty"),
        ("<html>login</html>", "the answer is not JSON: it breaks at character 1 (Expecting value)"),
        ('{"a":1', "the answer is not JSON: it breaks at character 7 (Expecting ',' delimiter)"),
        ('{"a":1} x', "the answer is not JSON: it breaks at character 9 (Extra data)"),
        ('{"a":NaN}', "the answer is not JSON: it holds NaN"),
        ('{"a":-Infinity}', "the answer is not JSON: it holds -Infinity"),
        (b'{"a":"\xff"}', "the answer is not JSON: it is not UTF-8 text"),
        (b"\xff\xfe{\0x", "the answer is not JSON: it is not UTF-16 text"),
    ],
)
def test_an_answer_that_is_not_json_fails_every_path(body: str | bytes, reason: str) -> None:
    checks = [("EQ", "$.a", "1"), ("NE", "$.a", "2"), ("NOT_CONTAINS", "$.a", "x")]
    assert outcomes("JSON", body, *checks) == [Outcome(FAILS, reason)] * 3


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("XML", "", "the answer is not XML: it is empty"),
        ("HTML", "  ", "the answer is not HTML: it is empty"),
        ("HTML", "<!-- nothing -->", "the answer is not HTML: it holds no element"),
        ("XML", '{"a":1}', "the answer is not XML: Start tag expected, '<' not found"),
        ("XML", "<a><b></a>", "the answer is not XML: Opening and ending tag mismatch: b line 1 and a"),
        ("XML", "<a>&undeclared;</a>", "the answer is not XML: Entity 'undeclared' not defined"),
    ],
)
def test_an_answer_that_is_not_markup_fails_every_path(kind: str, body: str, reason: str) -> None:
    found = outcomes(kind, body, ("NE", "//a", "2"), ("EQ", "count(//b)", "0"))
    assert [one.holds for one in found] == [FAILS, FAILS]
    assert all(one.reason.startswith(reason) for one in found)


def test_a_key_that_stands_twice_is_not_judged() -> None:
    found = outcome("JSON", '{"state":"FAIL","state":"OK"}', "EQ", "$.state", "OK")
    assert found.holds is UNKNOWN
    assert found.reason.endswith("a key twice in one object, so what it says depends on who reads it")


@pytest.mark.parametrize(
    ("content_type", "body", "holds"),
    [
        ("text/html; charset=euc-kr", "정상".encode("cp949"), HOLDS),
        ('text/html; Charset="EUC-KR"', "정상".encode("cp949"), HOLDS),
        ("", '<meta charset="euc-kr">정상'.encode("cp949"), HOLDS),
        ("", "<meta http-equiv='Content-Type' content='text/html; charset=euc-kr'>정상".encode("cp949"), HOLDS),
        ("", '<?xml version="1.0" encoding="EUC-KR"?><a>정상</a>'.encode("cp949"), HOLDS),
        ("text/html; charset=utf-8", '<meta charset="euc-kr">정상'.encode(), HOLDS),
        ("text/html; charset=euc-kr", "\ufeff정상".encode(), HOLDS),
        ("", "정상".encode("utf-16"), HOLDS),
        ("", "정상".encode(), HOLDS),
        ("", "정상".encode("cp949"), UNKNOWN),
        ("text/html; charset=punycode", b"x", UNKNOWN),
        ("text/html; charset=utf-7", b"x", UNKNOWN),
        ("text/html; charset=unicode_escape", b"x", UNKNOWN),
        ("text/html; charset=no-such-charset", b"x", UNKNOWN),
        ("text/html; charset=\0", b"x", UNKNOWN),
        ("text/html; charset=../../x", b"x", UNKNOWN),
        ("text/html; charset=", "정상".encode(), HOLDS),
        ("text/html; charset=utf-8", b"\xff" + "정상".encode(), HOLDS),  # broken elsewhere
        ("text/html; charset=utf-8", b"\xff fine", UNKNOWN),
        ("text/html; charset=utf-8", "정".encode() + b"\xff" + "상".encode(), UNKNOWN),
    ],
)
def test_an_answer_is_decoded_by_what_it_says_of_itself(content_type: str, body: bytes, holds: bool | None) -> None:
    assert outcomes("HTML", body, ("CONTAINS", "정상", None), content_type=content_type)[0].holds is holds


def test_what_broken_bytes_stand_between_is_no_text() -> None:
    assert outcomes("HTML", b"O\xffK", ("CONTAINS", "OK", None))[0].holds is UNKNOWN
    assert outcomes("HTML", b"O\xffK", ("CONTAINS", "O\ufffdK", None))[0].holds is UNKNOWN


def test_that_a_text_is_absent_must_be_beyond_doubt() -> None:
    # Whoever reads it in the right encoding may see the word.
    found = outcomes("HTML", "오류".encode("cp949"), ("NOT_CONTAINS", "오류", None), ("NE", "//p", "오류"))
    assert [one.holds for one in found] == [UNKNOWN, UNKNOWN]


def test_markup_within_json_says_nothing_of_its_encoding() -> None:
    body = json.dumps({"page": '<meta charset="euc-kr">', "state": "정상"}, ensure_ascii=False)
    assert outcome("JSON", body, "EQ", "$.state", "정상").holds is HOLDS


@pytest.mark.parametrize(
    ("kind", "checks", "needed"),
    [
        ("JSON", [("EQ", "$.a", "1")], True),
        ("HTML", [("CONTAINS", "ok", None)], False),
        ("HTML", [("CONTAINS", "ok", ""), ("NOT_CONTAINS", "bad", None)], False),
        ("HTML", [("CONTAINS", "ok", None), ("EQ", "//p", "1")], True),
        ("YAML", [("EQ", "$.a", "1")], False),
        ("JSON", [("LIKE", "$.a", "1")], False),
        ("JSON", [("EQ", " ", "1")], False),
    ],
)
def test_only_expressions_need_a_parser(kind: str, checks: list[tuple[str, str, Any]], needed: bool) -> None:
    assert needs_parsing(TextValidation(kind, tuple(TextCheck(*check) for check in checks))) is needed
