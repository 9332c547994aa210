"""What an answer may be written in: text of its charset, JSON that means one thing and does not exhaust the stack."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.answertext import DEEPEST_JSON
from checkmill.model.errors import ParseError
from checkmill.model.flow import Response


def nested(depth: int, opening: str = "[", closing: str = "]", inner: str = "1") -> bytes:
    return (opening * depth + inner + closing * depth).encode()


def of(body: bytes, kind: str = "application/json") -> Response:
    return Response(status=200, body=body, headers={"content-type": kind})


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        (b'{"a": 0}', "application/json", {"a": 0}),
        (b"\xef\xbb\xbf[1]", "application/json", [1]),
        ('"웹"'.encode(), "", "웹"),
        ('"웹"'.encode("euc-kr"), "application/json; charset=EUC-KR", "웹"),
        ('"웹"'.encode("utf-16"), 'application/json;charset="utf-16"', "웹"),
        (b"[NaN, Infinity, -Infinity, 1e999]", "application/json", [None] * 4),
        (b'{"a": {"a": 1}, "b": {"a": 2}}', "application/json", {"a": {"a": 1}, "b": {"a": 2}}),
        (b'"' + b"[" * 100_000 + b'"', "application/json", "[" * 100_000),
        (b"[" + b"[]," * 5_000 + b"1]", "application/json", [*[[]] * 5_000, 1]),
    ],
    ids=[
        "plain",
        "byte order mark",
        "no type",
        "named charset",
        "quoted charset",
        "no values",
        "same key apart",
        "brackets in a string",
        "wide, not deep",
    ],
)
def test_an_answer_is_read_as_it_says(body: bytes, kind: str, value: Any) -> None:
    assert of(body, kind).json() == value


def test_an_answer_as_deep_as_allowed_is_read() -> None:
    value = of(nested(DEEPEST_JSON)).json()
    for _ in range(DEEPEST_JSON):
        (value,) = value
    assert value == 1


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (nested(DEEPEST_JSON + 1), "", "nests deeper than 200 levels"),
        (nested(100_000, '{"a":', "}"), "", "nests deeper than 200 levels"),
        (b"[" * 1_000_000, "", "nests deeper than 200 levels"),
        (b'{"a": 1, "a": 2}', "", "the key 'a' stands twice in one object"),
        (b'{"a": 1, "\\u0061": 2}', "", "the key 'a' stands twice in one object"),
        (b'[{"b": {"' + b"x" * 90 + b'": 1, "' + b"x" * 90 + b'": 1}}]', "", f"the key '{'x' * 57}...' stands twice"),
        (b"\xff\xfe[1]", "application/json", "the answer is not UTF-8 text"),
        ('"웹"'.encode("euc-kr"), "application/json", "the answer is not UTF-8 text"),
        ('"웹"'.encode(), "application/json; charset=ascii", "the answer is not ASCII text"),
        (b"[1]", "application/json; charset=no-such", "the answer is not NO-SUCH text"),
        (b"[1]", "application/json; charset=base64", "the answer is not BASE64 text"),
        (b"1" * 1_000_000, "application/json; charset=punycode", "the answer is not PUNYCODE text"),
        (b"", "", "the answer is empty (HTTP 200)"),
        (b" \n", "", "the answer is empty (HTTP 200)"),
        (b"<html>", "", "the answer is HTML or XML, not JSON (HTTP 200; a login page?)"),
        (b'{"a": 1', "", "it ends in the middle of 7"),
        (b"{a: 1}", "", "it breaks at character 2 of 6"),
        (b"9" * 5_000, "", "the answer is not usable JSON"),
    ],
    ids=[
        "a level too deep",
        "deep objects",
        "never closed",
        "repeated key",
        "key repeated by escape",
        "long key",
        "another charset",
        "korean unnamed",
        "charset named wrong",
        "no charset",
        "no charset of text",
        "a charset that takes for ever",
        "empty",
        "blank",
        "a page",
        "cut off",
        "not quoted",
        "endless number",
    ],
)
def test_an_answer_that_cannot_be_read_is_a_parse_error_that_says_why(body: bytes, kind: str, words: str) -> None:
    with pytest.raises(ParseError) as raised:
        of(body, kind).json()
    assert words in str(raised.value)
