"""Hostile answers and expressions: no entity is expanded, nothing is opened, nothing but an outcome comes out."""

import json
import pickle
import socket
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from checkmill_nhn_monitoring.comparing import OPERATORS
from checkmill_nhn_monitoring.scenario import LengthValidation, PositionCheck, TextCheck, TextValidation, Validation
from checkmill_nhn_monitoring.texts import judged
from checkmill_nhn_monitoring.verdict import Outcome
from plugins.nhn_monitoring.test_judging_texts import outcome, outcomes

MIB = 1 << 20
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY e0 "lol">'
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    + ']><l a="&e11;">&e11;</l>'
)


@pytest.mark.parametrize("kind", ["XML", "HTML"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_not_expanded(kind: str, encoding: str) -> None:
    began = time.monotonic()
    found = outcomes(kind, LAUGHS.encode(encoding), ("CONTAINS", "//l", "lollol"), ("CONTAINS", "//l/@a", "lollol"))
    assert not any(one.holds for one in found)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE l [<!ENTITY e SYSTEM "file://{path}">]>',
        '<!DOCTYPE l [<!ENTITY e PUBLIC "x" "file://{path}">]>',
        '<!DOCTYPE l [<!ENTITY % p SYSTEM "file://{path}"> %p;]>',
        '<!DOCTYPE l SYSTEM "file://{path}">',
        '<l xmlns:x="http://www.w3.org/2001/XInclude"><x:include parse="text" href="file://{path}"/></l><!--',
    ],
)
@pytest.mark.parametrize("kind", ["XML", "HTML"])
def test_no_file_is_read(declaration: str, kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("lavender")
    body = declaration.format(path=secret) + "<l>&e;</l>"
    found = outcomes(kind, body, ("CONTAINS", "//*", "lavend"), ("EQ", "//*", "x"))
    assert not any(one.holds for one in found)
    assert not any("lavender" in one.reason for one in found)


def test_no_connection_is_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.dtd"
        for kind in ("XML", "HTML"):
            body = f'<?xml-stylesheet href="{url}"?><!DOCTYPE l PUBLIC "-//x" "{url}"><l><a href="{url}">x</a></l>'
            outcomes(kind, body, ("EQ", "//l", "x"), ("NE", f"document('{url}')", "x"))
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("JSON", "[" * 10_000 + "]" * 10_000),
        ("JSON", "[" * 500 + "1" + "]" * 500),
        ("JSON", '{"a":' * 10_000 + "1" + "}" * 10_000),
        ("XML", "<a>" * 10_000 + "x" + "</a>" * 10_000),
        ("HTML", "<div>" * 10_000 + "x" + "</div>" * 10_000 + "<p id='error'>down</p>"),
        ("XML", f"<a>{'x' * (11 * MIB)}</a>"),
        ("HTML", f"<p>{'x' * (11 * MIB)}</p>"),
        ("JSON", "9" * 5000),
        ("HTML", "<p>a</p>" * 110_000),
        ("JSON", json.dumps(list(range(110_000)))),
    ],
    ids=["arrays", "fewer arrays", "objects", "elements", "divs", "XML text", "HTML text", "digits", "p", "numbers"],
)
def test_an_answer_beyond_the_limits_is_not_judged(kind: str, body: str) -> None:
    path = {"JSON": "$..*", "XML": "//a", "HTML": "//p"}[kind]
    found = outcomes(kind, body, ("NE", path, "z"), ("CONTAINS", "z", None))
    assert [one.holds for one in found] == [None, None if kind == "JSON" else False]
    assert "cannot be carried out: " in found[0].reason


@pytest.mark.parametrize("kind", ["JSON", "XML", "HTML"])
def test_five_megabytes_are_judged(kind: str) -> None:
    rows = [{"id": number, "name": f"host-{number}", "state": "up"} for number in range(110_000)]
    if kind == "JSON":
        body, path, many = json.dumps({"rows": rows, "last": "yes"}), "$.last", "$.rows.length()"
    else:
        body = "".join(f"<row id='{number}'><name>host-{number}</name></row>" for number in range(130_000))
        body = f"<r>{body}<last>yes</last></r>"
        path, many = "//last", "count(//row)"
    assert len(body) > 5_000_000
    assert [one.holds for one in outcomes(kind, body, ("EQ", path, "yes"), ("GT", many, "100000"))] == [True, True]


def test_an_error_of_one_answer_is_not_told_of_the_next() -> None:
    outcome("XML", "<a>" * 1000, "EQ", "//a", "1")
    assert outcome("XML", "<a><b></a>", "EQ", "//a", "1").holds is False


ANSWERS = st.sampled_from(
    [
        "",
        "{}",
        "[]",
        "null",
        '{"a":1e999}',
        '{"a":[1,"x",null,true,{"b":"\\ud800"}]}',
        "<a/>",
        "<a b='1'>x<!--y--><?p q?></a>",
    ]
)
PATHS = st.sampled_from(
    [
        *("$", "$.a", "$.a[*]", "$..*", "$.a.sum()", "$.a[?@.b]", "$.a[?match(@, '(')]"),
        *("//a", "/", ".", "//@b", "//comment()", "//processing-instruction()", "id('x')", "//a[1 div 0]", "-'x'"),
        *("lang('ko')", "substring('x', 0 div 0)"),
    ]
)
OPERANDS = st.none() | st.text(max_size=6) | st.sampled_from(["1", "1e999", "-0", "[", '{"b":1}', "\ud800", "1" * 6000])


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
    | ANSWERS.map(str.encode),
    content_type=st.sampled_from(["", "text/html; charset=latin1", "a;charset=utf-16", "a;charset=x;charset"])
    | st.text(max_size=30),
    kind=st.sampled_from(["JSON", "HTML", "XML", "", "TEXT"]),
    operator=st.sampled_from([*sorted(OPERATORS), "LIKE", ""]),
    expression=PATHS | st.text(max_size=20) | st.text("$.[]*?@'\"()/a1:|=&", max_size=20),
    operand=OPERANDS,
)
@example(b"<a/>", "", "XML", "NE", "//a" + "[1]" * 3000, "x")
@example(b"[1]", "", "JSON", "NE", "$" + "[?@" * 300, "x")
@example(b"[" * 150 + b"]" * 150, "", "JSON", "NE", "$..*", "x")
@example(b'{"a":1}', "", "JSON", "EQ", "$.a", "9" * 100_000)
def test_whatever_comes_there_is_an_outcome(
    body: bytes, content_type: str, kind: str, operator: str, expression: str, operand: str | None
) -> None:
    check = TextCheck(operator, expression, operand)
    (found,) = judged(body, content_type, TextValidation(kind, (check,)))
    assert isinstance(found, Outcome)
    assert found.reason
    assert pickle.loads(pickle.dumps(found)) == found


def test_what_goes_to_the_child_process_can_be_pickled() -> None:
    written = Validation(
        text=TextValidation("JSON", (TextCheck("EQ", "$", "1"),)),
        response_validations=(PositionCheck(0, "a"),),
        length_validation=LengthValidation("BIG", "0", "INT", "0"),
    )
    assert pickle.loads(pickle.dumps((judged, written))) == (judged, written)
