"""Text checks: eight operators over JSON, HTML and XML; what is found, what is not, and what cannot be carried out."""

import json

import pytest

from checkmill_nhn_monitoring.scenario import TextCheck, TextValidation
from checkmill_nhn_monitoring.texts import judged
from checkmill_nhn_monitoring.verdict import Outcome

HOLDS, FAILS, UNKNOWN = True, False, None

DOCUMENT = {
    "isSuccess": True,
    "down": False,
    "nothing": None,
    "state": "OK",
    "empty": "",
    "count": 7,
    "ratio": 0.5,
    "whole": 5.0,
    "text": "5.0",
    "big": 9007199254740993,
    "version": "1.10",
    "message": "결과는 정상입니다",
    "tags": ["web", "prod"],
    "prices": [3, 1, 2],
    "none": [],
    "mixed": [1, "2"],
    "owner": {"name": "Kim", "id": 3},
    "items": [{"n": 1, "s": "a"}, {"n": 5, "s": "b"}, {"n": 9, "s": "a"}],
    "result-code": 0,
}
MARKUP = {
    "HTML": (
        "<!doctype html><html><head><title> Shop </title></head><body class='main'><p id='n'>7</p><p id='f'> 5.0\n</p>"
        "<p id='e'></p><ul><li>a</li><li>b</li></ul><br>정상 &amp; up<!-- secret --></body></html>"
    ),
    "XML": (
        "<?xml version='1.0'?><html><head><title> Shop </title></head><body class='main'><p id='n'>7</p>"
        "<p id='f'> 5.0\n</p><p id='e'></p><ul><li>a</li><li>b</li></ul>정상 &amp; up<!-- secret --></body></html>"
    ),
}


def outcomes(
    kind: str, body: str | bytes, *checks: tuple[str, str, str | None], content_type: str = ""
) -> list[Outcome]:
    written = TextValidation(kind, tuple(TextCheck(*check) for check in checks))
    return list(judged(body if isinstance(body, bytes) else body.encode(), content_type, written))


def outcome(kind: str, body: str | bytes, operator: str, expression: str, operand: str | None) -> Outcome:
    return outcomes(kind, body, (operator, expression, operand))[0]


@pytest.mark.parametrize(
    ("expression", "operator", "operand", "holds"),
    [
        # Yes/no and null are words.
        ("$.isSuccess", "EQ", "true", HOLDS),
        ("$.isSuccess", "EQ", "True", FAILS),
        ("$.isSuccess", "EQ", "1", FAILS),
        ("$.isSuccess", "NE", "false", HOLDS),
        ("$.isSuccess", "NE", "true", FAILS),
        ("$.down", "EQ", "false", HOLDS),
        ("$.down", "EQ", "0", FAILS),
        ("$.nothing", "EQ", "null", HOLDS),
        ("$.nothing", "EQ", "", FAILS),
        ("$.nothing", "NE", "x", HOLDS),
        ("$.nothing", "GT", "-1", FAILS),
        ("$.isSuccess", "GTE", "0", FAILS),
        # Texts are compared as they are.
        ("$.state", "EQ", "OK", HOLDS),
        ("$.state", "EQ", "ok", FAILS),
        ("$.state", "EQ", "OK ", FAILS),
        ("$.state", "NE", "FAIL", HOLDS),
        ("$.state", "CONTAINS", "K", HOLDS),
        ("$.state", "CONTAINS", "k", FAILS),
        ("$.state", "NOT_CONTAINS", "FAIL", HOLDS),
        ("$.state", "NOT_CONTAINS", "O", FAILS),
        ("$.state", "GT", "5", FAILS),
        ("$.empty", "EQ", "", HOLDS),
        ("$.empty", "NE", "", FAILS),
        ("$.empty", "NOT_CONTAINS", "x", HOLDS),
        ("$.empty", "LT", "1", FAILS),
        ("$.version", "EQ", "1.1", FAILS),
        ("$.message", "CONTAINS", "정상", HOLDS),
        # Numbers are compared as numbers, exactly.
        ("$.count", "EQ", "7", HOLDS),
        ("$.count", "EQ", "7.00", HOLDS),
        ("$.count", "EQ", " 7e0 ", HOLDS),
        ("$.count", "EQ", "seven", FAILS),
        ("$.count", "NE", "7.0", FAILS),
        ("$.count", "GT", "7", FAILS),
        ("$.count", "GTE", "7", HOLDS),
        ("$.count", "LT", "7", FAILS),
        ("$.count", "LTE", "7.0", HOLDS),
        ("$.count", "GT", "10", FAILS),  # as text, 7 is greater
        ("$.count", "LT", "10", HOLDS),
        ("$.count", "CONTAINS", "7", HOLDS),
        ("$.ratio", "EQ", ".5", HOLDS),
        ("$.ratio", "GT", "0.4999999999999999999999", HOLDS),
        ("$.big", "EQ", "9007199254740992", FAILS),  # as floating point, they are equal
        ("$.big", "GT", "9007199254740992", HOLDS),
        ("$.text", "EQ", "5", FAILS),
        ("$.text", "EQ", "5.0", HOLDS),
        ("$.text", "GTE", "5", HOLDS),
        ("$.text", "LT", "10", HOLDS),
        # Objects and arrays are their JSON.
        ("$.tags", "CONTAINS", "web", HOLDS),
        ("$.tags", "NOT_CONTAINS", "web", FAILS),
        ("$.tags", "EQ", '["web", "prod"]', HOLDS),
        ("$.tags", "EQ", '["prod", "web"]', FAILS),
        ("$.owner", "EQ", '{"id": 3, "name": "Kim"}', HOLDS),
        ("$.owner", "EQ", '{"id": true, "name": "Kim"}', FAILS),
        ("$.owner", "NE", '{"id": 4, "name": "Kim"}', HOLDS),
        ("$.owner", "EQ", "Kim", FAILS),
        ("$.none", "EQ", "[]", HOLDS),
        ("$.tags", "GT", "1", FAILS),
        # Several values: each, one of them, or none.
        ("$.items[*].n", "GT", "0", HOLDS),
        ("$.items[*].n", "GT", "1", FAILS),
        ("$.items[*].s", "EQ", "a", FAILS),
        ("$.items[?@.n != 5].s", "EQ", "a", HOLDS),
        ("$.items[*].s", "NE", "c", HOLDS),
        ("$.items[*].s", "NE", "b", FAILS),
        ("$.items[*].s", "CONTAINS", "b", HOLDS),
        ("$.items[*].s", "NOT_CONTAINS", "b", FAILS),
        ("$.items[*].s", "NOT_CONTAINS", "c", HOLDS),
        ("$..s", "CONTAINS", "a", HOLDS),
        ("$.items[?(@.n > 4)].n", "GTE", "5", HOLDS),
        ("$['result-code']", "EQ", "0", HOLDS),
        ("$.result-code", "EQ", "0", HOLDS),
        ("$.items[-1].n", "EQ", "9", HOLDS),
        # The six functions.
        ("$.prices.length()", "EQ", "3", HOLDS),
        ("$.none.length()", "EQ", "0", HOLDS),
        ("$.tags.length()", "LT", "2", FAILS),
        ("$.prices.min()", "EQ", "1", HOLDS),
        ("$.prices.max()", "EQ", "3", HOLDS),
        ("$.prices.sum()", "EQ", "6", HOLDS),
        ("$.prices.avg()", "EQ", "2", HOLDS),
        ("$.prices.stddev()", "EQ", "0.816496580927726", HOLDS),
        ("$.items[*].n.avg()", "EQ", "5", HOLDS),
        ("$..n.max()", "LTE", "9", HOLDS),
        ("$.items[*].s.length()", "EQ", "3", HOLDS),
        # Nothing is found: nothing holds.
        *(("$.gone", operator, "1", FAILS) for operator in ("EQ", "NE", "GT", "GTE", "LT", "LTE")),
        *(("$.gone", operator, "1", FAILS) for operator in ("CONTAINS", "NOT_CONTAINS")),
        ("$.gone", "EQ", "", FAILS),
        ("$.gone", "EQ", "null", FAILS),
        ("$.none[*]", "NOT_CONTAINS", "x", FAILS),
        ("$.items[?@.n > 100].n", "NE", "5", FAILS),
        ("$.state[0]", "EQ", "O", FAILS),
        ("$.gone.length()", "EQ", "0", FAILS),
        ("$.none.max()", "LT", "5", FAILS),
        ("$.none.sum()", "EQ", "0", FAILS),
        ("$.count.length()", "EQ", "1", FAILS),
        # Not understood.
        ("$.count", "GT", "many", UNKNOWN),
        ("$.count", "LTE", "", UNKNOWN),
        ("$.count", "GT", "NaN", UNKNOWN),
        ("$.count", "LT", "Infinity", UNKNOWN),
        ("$.count", "GT", "1,000", UNKNOWN),
        ("$.count", "GT", "\u0667", UNKNOWN),
        ("$.count", "EQ", None, UNKNOWN),
        ("$.count", "CONTAINS", None, UNKNOWN),
        ("isSuccess", "CONTAINS", None, UNKNOWN),
        ("count", "NOT_CONTAINS", None, UNKNOWN),
        ("$", "NOT_CONTAINS", None, UNKNOWN),
        ("items[*].error", "NOT_CONTAINS", "", UNKNOWN),
        ("$.gone", "NOT_CONTAINS", None, UNKNOWN),
        ("$['gone']", "NOT_CONTAINS", "", UNKNOWN),
        ("$.count", "LIKE", "7", UNKNOWN),
        ("$.count", "", "7", UNKNOWN),
        ("", "EQ", "7", UNKNOWN),
        ("  ", "CONTAINS", None, UNKNOWN),
        ("$.", "EQ", "7", UNKNOWN),
        ("count", "EQ", "7", UNKNOWN),
        ("$.items[", "EQ", "7", UNKNOWN),
        ("$.items[?@.s =~ /a/].n", "EQ", "1", UNKNOWN),
        ("$.prices[(@.length-1)]", "EQ", "2", UNKNOWN),
        ("$.prices.size()", "EQ", "3", UNKNOWN),
        ("$.prices.max", "EQ", "3", FAILS),
        ("$.owner.length()", "EQ", "2", UNKNOWN),
        ("$.mixed.sum()", "EQ", "3", UNKNOWN),
        ("$.tags.avg()", "EQ", "1", UNKNOWN),
        ("$[*].length()", "EQ", "1", UNKNOWN),
        ("$" + ".a" * 3000, "NE", "1", UNKNOWN),
    ],
)
def test_what_a_json_check_comes_to(expression: str, operator: str, operand: str | None, holds: bool | None) -> None:
    assert outcome("JSON", json.dumps(DOCUMENT), operator, expression, operand).holds is holds


@pytest.mark.parametrize("kind", ["HTML", "XML"])
@pytest.mark.parametrize(
    ("expression", "operator", "operand", "holds"),
    [
        ("//title", "EQ", "Shop", HOLDS),
        ("//title", "EQ", "shop", FAILS),
        ("/html/head/title", "NE", "Down", HOLDS),
        ("head/title", "EQ", "Shop", HOLDS),
        ("//title", "CONTAINS", "ho", HOLDS),
        ("//title", "NOT_CONTAINS", "Down", HOLDS),
        ("//title", "NOT_CONTAINS", "Shop", FAILS),
        ("//title/text()", "EQ", "Shop", HOLDS),
        ("//body/@class", "EQ", "main", HOLDS),
        ("string(//title)", "CONTAINS", "Shop", HOLDS),
        ("//body", "CONTAINS", "정상 & up", HOLDS),
        ("//body", "CONTAINS", "secret", FAILS),
        ("//p[@id='n']", "EQ", "7", HOLDS),
        ("//p[@id='n']", "EQ", " 7 ", HOLDS),
        ("//comment()", "EQ", "secret", HOLDS),
        ("//p[@id='n']", "EQ", "8", FAILS),
        ("//p[@id='n']", "GT", "10", FAILS),
        ("//p[@id='n']", "LTE", "7", HOLDS),
        ("//p[@id='f']", "EQ", "5.0", HOLDS),
        ("//p[@id='f']", "NE", "5.0", FAILS),
        ("//p[@id='f']", "GTE", "5", HOLDS),
        ("//p[@id='e']", "EQ", "", HOLDS),
        ("//p[@id='e']", "NE", "x", HOLDS),
        ("//p[@id='e']", "GT", "0", FAILS),
        ("//li", "EQ", "a", FAILS),
        ("//li", "CONTAINS", "b", HOLDS),
        ("//li", "NOT_CONTAINS", "b", FAILS),
        ("//li", "NE", "c", HOLDS),
        ("count(//li)", "EQ", "2", HOLDS),
        ("count(//li)", "GTE", "3", FAILS),
        ("count(//h1)", "EQ", "0", HOLDS),
        ("count(//li) div 4", "EQ", "0.5", HOLDS),
        ("boolean(//li)", "EQ", "true", HOLDS),
        ("not(//h1)", "EQ", "true", HOLDS),
        # Nothing is found: nothing holds.
        *(("//h1", operator, "1", FAILS) for operator in ("EQ", "NE", "GT", "GTE", "LT", "LTE")),
        *(("//h1", operator, "1", FAILS) for operator in ("CONTAINS", "NOT_CONTAINS")),
        ("string(//h1)", "NE", "x", FAILS),
        ("string(//h1)", "EQ", "", FAILS),
        ("number(//title)", "NE", "5", FAILS),
        ("1 div 0", "GT", "5", FAILS),
        # Without an operand, the expression is searched for as it is written.
        ("정상 &amp; up", "CONTAINS", None, HOLDS),
        ("정상 & up", "CONTAINS", None, FAILS),
        ("<title>", "CONTAINS", "", HOLDS),
        ("secret", "NOT_CONTAINS", None, FAILS),
        ("Exception", "NOT_CONTAINS", None, HOLDS),
        ("title", "NOT_CONTAINS", None, FAILS),
        # As a number it is, as a text it is not: a version, a price or an id?
        ("//p[@id='n']", "EQ", "7.0", UNKNOWN),
        ("//p[@id='n']", "EQ", "007", UNKNOWN),
        ("//p[@id='f']", "EQ", "5", UNKNOWN),
        ("//p[@id='f']", "NE", "5", UNKNOWN),
        ("//p[@id='n' or @id='f']", "EQ", "5", FAILS),  # the other is not, either way
        ("//p[@id='n' or @id='f']", "NE", "7", FAILS),
        ("count(//li)", "EQ", "2.0", HOLDS),  # a number by itself
        # Computed with what is not there.
        ("sum(//missing/@n)", "EQ", "0", UNKNOWN),
        ("contains(//missing, 'ERR')", "EQ", "false", UNKNOWN),
        ("not(contains(//missing, 'ERR'))", "EQ", "true", UNKNOWN),
        ("string-length(//missing)", "LT", "5", UNKNOWN),
        ("string-length(normalize-space(//missing))", "LT", "5", UNKNOWN),
        ("//missing = 'ERR'", "EQ", "false", UNKNOWN),
        ("(//missing) != 'ERR'", "EQ", "false", UNKNOWN),
        ("concat(//missing, 'x')", "NE", "y", UNKNOWN),
        ("count(//missing) = 0", "EQ", "true", HOLDS),
        ("not(//missing) and not(//gone)", "EQ", "true", HOLDS),
        ("contains(//title, 'Shop')", "EQ", "true", HOLDS),
        ("sum(//p[@id='n'])", "EQ", "7", HOLDS),
        # Maybe a path, and then that it is not there as it is written says nothing.
        ("/index", "NOT_CONTAINS", None, UNKNOWN),
        ("count(//p)", "NOT_CONTAINS", None, UNKNOWN),
        ("descendant::p[@class='error']", "NOT_CONTAINS", None, UNKNOWN),
        ("items[*].error", "NOT_CONTAINS", None, UNKNOWN),
        ("$error", "NOT_CONTAINS", "", UNKNOWN),
        ("me@shop.example", "NOT_CONTAINS", None, UNKNOWN),
        # Not understood.
        ("//div[@class='error']", "NOT_CONTAINS", None, UNKNOWN),
        ("//title", "CONTAINS", None, UNKNOWN),
        ("//p[", "EQ", "7", UNKNOWN),
        ("//x:p", "EQ", "7", UNKNOWN),
        ("$x", "EQ", "7", UNKNOWN),
        ("document('/etc/passwd')", "NE", "7", UNKNOWN),
        ("unparsed(1)", "EQ", "7", UNKNOWN),
        ("namespace::*", "NE", "7", UNKNOWN),
        ("//p\0", "EQ", "7", UNKNOWN),
        ("//title", "EQ", None, UNKNOWN),
        ("//title", "GT", "Shop", UNKNOWN),
        ("//title", "MATCHES", "Shop", UNKNOWN),
    ],
)
def test_what_a_markup_check_comes_to(
    kind: str, expression: str, operator: str, operand: str | None, holds: bool | None
) -> None:
    assert outcome(kind, MARKUP[kind], operator, expression, operand).holds is holds


def test_names_in_a_namespace_are_found_by_their_prefix() -> None:
    body = '<f:feed xmlns:f="urn:f" xmlns="urn:d"><f:state a="1">ok</f:state><open>yes</open></f:feed>'
    found = outcomes(
        "XML",
        body,
        ("EQ", "//f:state", "ok"),
        ("EQ", "//f:state/@a", "1"),
        ("EQ", "//open", "yes"),
        ("EQ", "//*[local-name()='open']", "yes"),
    )
    assert [one.holds for one in found] == [HOLDS, HOLDS, UNKNOWN, HOLDS]


@pytest.mark.parametrize(
    ("kind", "checks", "reasons"),
    [
        (
            "JSON",
            [("EQ", "$.state", "UP"), ("GT", "$.items[*].n", "1"), ("NE", "$.gone", "x")],
            [
                '$.state EQ UP does not hold: it is "OK"',
                "$.items[*].n GT 1 does not hold: it is 1, 5, 9",
                "$.gone NE x does not hold: nothing is found there",
            ],
        ),
        ("HTML", [("CONTAINS", "Error", None)], ['the answer does not contain "Error"']),
        (
            "XML",
            [("CONTAINS", "//error", None)],
            ["//error CONTAINS cannot be carried out: it looks like a path, but has no operand to compare with"],
        ),
        (
            "JSON",
            [("GT", "$.count", "x"), ("LIKE", "$.count", "7"), ("EQ", "$.count", None), ("CONTAINS", "$.count", None)],
            [
                "$.count GT x cannot be carried out: its operand 'x' is not a number, which GT needs",
                "$.count LIKE 7 cannot be carried out: its operator 'LIKE' is not known",
                "$.count EQ cannot be carried out: it has no operand to compare with",
                "$.count CONTAINS cannot be carried out: it has no operand to compare with",
            ],
        ),
        (
            "YAML",
            [("EQ", "$.state", "OK"), ("CONTAINS", "OK", None)],
            [
                "$.state EQ OK cannot be carried out: texts are JSON, HTML or XML, not 'YAML'",
                "OK CONTAINS cannot be carried out: texts are JSON, HTML or XML, not 'YAML'",
            ],
        ),
    ],
)
def test_the_reason_says_what_was_found(
    kind: str, checks: list[tuple[str, str, str | None]], reasons: list[str]
) -> None:
    assert [one.reason for one in outcomes(kind, json.dumps(DOCUMENT), *checks)] == reasons


def test_of_many_values_a_few_are_named() -> None:
    found = outcome("JSON", json.dumps(list(range(50))), "LT", "$[*]", "49")
    assert found == Outcome(FAILS, "$[*] LT 49 does not hold: it is 0, 1, 2 and 47 more")


def test_a_long_value_is_measured_and_not_quoted() -> None:
    found = outcome("JSON", json.dumps({"a": "x" * 3000}), "EQ", "$.a", "y")
    assert found == Outcome(FAILS, "$.a EQ y does not hold: it is a value of 3000 characters")


@pytest.mark.parametrize(
    ("kind", "holds"), [("JSON", UNKNOWN), ("HTML", HOLDS), ("XML", HOLDS), ("", HOLDS), ("TEXT", UNKNOWN)]
)
def test_a_text_is_searched_for_in_any_answer_whose_kind_is_known(kind: str, holds: bool | None) -> None:
    assert outcome(kind, "all is well, not JSON at all", "CONTAINS", "is well", None).holds is holds


def test_without_a_kind_no_expression_is_understood() -> None:
    assert outcome("", "{}", "EQ", "$.a", "1").holds is UNKNOWN
