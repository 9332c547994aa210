"""Answers that two readers may understand differently, expressions that show it, and credentials that are found."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill_nhn_monitoring.xpaths import has_plain_names, operands_in
from plugins.nhn_monitoring.test_judging_texts import FAILS, HOLDS, UNKNOWN, outcome


@pytest.mark.parametrize(
    ("expression", "operator", "operand", "holds"),
    [
        ("not(//error)", "EQ", "true", UNKNOWN),
        ("count(//error)", "EQ", "0", UNKNOWN),
        ("/feed/state", "EQ", "ok", UNKNOWN),
        ("//*[name()='error']", "EQ", "down", HOLDS),
        ("count(//*[local-name()='error'])", "EQ", "1", HOLDS),
        ("count(//x:error)", "EQ", "1", HOLDS),
        ("//@n", "EQ", "5", HOLDS),
        ("not(//gone)", "EQ", "true", HOLDS),  # it is in no namespace
        ("//plain", "EQ", "yes", HOLDS),
    ],
)
def test_names_without_prefix_are_not_judged_where_a_default_namespace_matters(
    expression: str, operator: str, operand: str, holds: bool | None
) -> None:
    body = (
        "<feed xmlns='http://a' xmlns:x='http://a'><error n='5'>down</error><state>ok</state>"
        "<plain xmlns=''>yes</plain></feed>"
    )
    assert outcome("XML", body, operator, expression, operand).holds is holds


def test_the_reason_says_why_a_default_namespace_matters() -> None:
    found = outcome("XML", "<feed xmlns='http://a'><error/></feed>", "EQ", "not(//error)", "true")
    assert found.reason == (
        "not(//error) EQ true cannot be carried out: the answer has a default namespace, and whether names without "
        "prefix are of it is not documented"
    )


@pytest.mark.parametrize(
    ("expression", "operands"),
    [
        ("//a", []),
        ("count(//li) div 4", ["4"]),
        ("//a/* * 3", ["//a/*", "3"]),
        ("//div", []),
        ("'x' = (//a)", ["'x'", "//a"]),
        ("count(//a) = count(//b)", []),
        ("(//a)[1]", []),
        ("sum((//a)) > 1", ["//a", "1"]),
        ("//a[contains(b, 'x')]", []),
        ("concat('(', //a/text(), ')')", ["'('", "//a/text()", "')'"]),
        ("//a | //b", []),
        ("-//a", []),
    ],
)
def test_what_an_expression_computes_with(expression: str, operands: list[str]) -> None:
    assert operands_in(expression) == operands


@pytest.mark.parametrize(
    ("expression", "plain"),
    [("//a", True), ("//x:a", False), ("//*", False), ("//@a", False), ("//x:a/@b", False), ("//x:a[b='c']", True),
     ("//x:a/attribute::b", False), ("//x:a/child::b", True), ("local-name(//*) = 'a'", False)],
)  # fmt: skip
def test_names_without_a_prefix_are_told_from_others(expression: str, plain: bool) -> None:
    assert has_plain_names(expression) is plain


@given(st.text("()[]/@:*|=+-,'$ab 1", max_size=30))
def test_whatever_stands_there_can_be_looked_at(expression: str) -> None:
    assert isinstance(operands_in(expression), list)
    assert has_plain_names(expression) in {True, False}


@pytest.mark.parametrize(
    ("kind", "body", "check", "reason"),
    [
        ("JSON", {"password": "hunter2"}, ("EQ", "$.password", "x"), "$.password EQ *** does not hold: what is found"),
        ("JSON", {"access_token": "ab"}, ("CONTAINS", "$.access_token", "Bearer"), "$.access_token CONTAINS *** does"),
        ("JSON", {"password": "hunter2"}, ("EQ", "$", "x"), 'it is {"password":"***"}'),
        ("JSON", {"a": {"pin": 123456}}, ("EQ", "$.a", "x"), 'it is {"pin":***}'),
        ("XML", "<a token='hunter2'/>", ("EQ", "/a/@token", "x"), "/a/@token EQ *** does not hold: what is found"),
        ("HTML", "<p>hunter2</p>", ("EQ", "//p[@id='session']", "x"), "EQ *** does not hold: nothing is found there"),
    ],
)
def test_a_credential_that_is_found_is_not_shown(
    kind: str, body: object, check: tuple[str, str, str], reason: str
) -> None:
    found = outcome(kind, body if isinstance(body, str) else json.dumps(body), *check)
    assert found.holds is FAILS
    assert reason in found.reason
    for shown in ("hunter2", "123456", "Bearer"):
        assert shown not in found.reason
