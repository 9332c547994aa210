"""Definitions: what may be written, what is refused and how that is told, and the request that they become."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from checkmill.api.v1 import Doc
from checkmill_nhn_monitoring.definitions import (
    Condition,
    Definition,
    PositionValidation,
    TextValidation,
    request_body,
)
from plugins.nhn_monitoring.documented import SENT
from plugins.nhn_monitoring.reading import definitions, read

SMALL = {"name": "a", "url": "https://shop.example", "interval": 60.0}
ONE_CHECK = TextValidation(type="JSON", conditions=(Condition(expression="$.a", operator="EQ", operand="***"),))
WHOLE = """\
name: API test
url: http://toast.com
method: GET
interval: 30s
response_codes: ["200", "201"]
text_validation:
  type: JSON
  conditions:
    - {expression: $.isSuccess, operator: EQ, operand: "true"}
browser_option: {OPT_LOCALE: ko}
ip: toast.com
"""


def test_the_documented_request_is_what_a_definition_becomes() -> None:
    (one,) = definitions(WHOLE)
    assert request_body(one) == SENT


def test_everything_that_can_be_said_is_sent() -> None:
    (one,) = definitions(
        """
        id: 0c96cff0
        name: login
        description: the probe logs in
        type: API
        url: https://shop.example/login?x=1
        method: POST
        headers: {Accept: text/html, X-Shop: "7"}
        body: '{"a": 1}'
        cron: "*/5 8-18 * * mon-fri"
        regions: [US, KOR, US]
        tolerated_errors: 2
        timeout: 1500ms
        response_codes: ["200", "200", "302"]
        text_validation:
          type: HTML
          conditions:
            - {expression: Welcome, operator: CONTAINS}
            - {expression: //h1, operator: NE, operand: Sorry}
        avoiding_text: maintenance
        """
    )
    assert request_body(one) == {
        "url": "https://shop.example/login?x=1",
        "headers": {"Accept": "text/html", "X-Shop": "7"},
        "httpMethod": "POST",
        "requestBody": '{"a": 1}',
        "browserOption": {"OPT_LOCALE": "kr"},
        "scenarioType": "API",
        "scenarioName": "login",
        "monitoringCron": "*/5 8-18 ? * MON-FRI",
        "validation": {
            "textValidation": {
                "textValidationType": "HTML",
                "textValidationInfos": [
                    {"operator": "CONTAINS", "expression": "Welcome"},
                    {"operator": "NE", "expression": "//h1", "operand": "Sorry"},
                ],
            },
            "timeout": 1500,
            "responseCodes": ["200", "302"],
            "avoidingValidationText": "maintenance",
        },
        "description": "the probe logs in",
        "monitoringRegion": ["US", "KOR"],
        "errorLimitCount": 2,
    }


def test_what_is_not_written_is_sent_as_its_default() -> None:
    assert request_body(Definition(**SMALL)) == {
        "url": "https://shop.example",
        "httpMethod": "GET",
        "browserOption": {"OPT_LOCALE": "kr"},
        "scenarioType": "API",
        "scenarioName": "a",
        "monitoringInterval": 60,
        "validation": {},
        "description": "a",
        "monitoringRegion": ["KOR"],
        "errorLimitCount": 0,
    }


def test_one_file_holds_one_definition_or_a_list_or_several_documents() -> None:
    item = "{name: %s, url: https://shop.example, interval: 60s}"
    assert [one.name for one in definitions(item % "a")] == ["a"]
    assert [one.name for one in definitions(f"- {item % 'a'}\n- {item % 'b'}")] == ["a", "b"]
    assert [one.name for one in definitions(f"{item % 'a'}\n---\n- {item % 'b'}")] == ["a", "b"]


def test_references_are_filled_in_from_the_environment() -> None:
    text = "{name: a, url: https://shop.example, interval: 60s, headers: {Authorization: '${TOKEN}'}}"
    (one,) = definitions(text, {"TOKEN": "Bearer 1"})
    assert one.headers == {"Authorization": "Bearer 1"}
    _, problems = read(text)
    (problem,) = problems
    assert problem == (
        "stdin:1:78: headers.Authorization: TOKEN is not set in the environment; "
        "set it, or give a default: ${TOKEN:-...}"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "the name is empty"),
        ({"name": " "}, "the name is empty"),
        ({"id": ""}, "the scenario id is empty"),
        ({"id": "a/b"}, "scenario 'a/b' is not an id"),
        ({"url": ""}, "url is missing"),
        ({"url": "shop.example"}, "url is no address"),
        ({"url": "ftp://shop.example"}, "url is no address"),
        ({"url": "http://"}, "url is no address"),
        ({"url": "http://[::1"}, "url is no address"),
        ({"url": "http://shop.example:99999"}, "url is no address"),
        ({"url": "http://shop.example/a b"}, "url is no address"),
        ({"interval": None}, "there is neither interval nor cron"),
        ({"cron": "* * * * ?"}, "there is both interval and cron"),
        ({"interval": 29.0}, "interval 29s is too short for NHN"),
        ({"interval": 60.5}, "interval 60.5s is no whole number of seconds"),
        ({"interval": None, "cron": "* * * *"}, "cron '* * * *' has 4 fields"),
        ({"regions": ()}, "regions is empty"),
        ({"tolerated_errors": -1}, "tolerated_errors -1 is below zero"),
        ({"timeout": 0.0001}, "timeout 0.0001s is below a millisecond"),
        ({"response_codes": ("20",)}, "'20' is no HTTP status"),
        ({"response_codes": ("2xx",)}, "'2xx' is no HTTP status"),
        ({"response_codes": ("600",)}, "'600' is no HTTP status"),
        ({"headers": {"X Y": "1"}}, "'X Y' is no name for an HTTP header"),
        ({"headers": {"X": "a\nb"}}, "the header X holds characters"),
        ({"headers": {"X": "é"}}, "the header X holds characters"),
        ({"headers": {"X": "***"}}, "the header X holds ***"),
        ({"url": "https://a:***@shop.example"}, "url holds ***"),
        ({"body": '{"password": "***"}'}, "body holds ***"),
        ({"avoiding_text": "a***"}, "avoiding_text holds ***"),
        ({"text_validation": ONE_CHECK}, "an operand holds ***"),
        ({"port": 80}, "port is not for scenarios of the type API"),
        ({"request": "x"}, "request is not for scenarios of the type API"),
        ({"image_paths": ("x",)}, "image_paths is not for scenarios of the type API"),
        ({"length_validation": {"POS": "1"}}, "length_validation is not for scenarios of the type API"),
        ({"position_validation": (PositionValidation(position=0, text="x"),)}, "position_validation is not for"),
    ],
    ids=repr,
)
def test_what_nhn_would_refuse_is_refused_with_what_to_write(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}.*(; |: )") as caught:
        Definition(**{**SMALL, **changes})
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("value", ["tomcat:secret-one", "user:pa ss"])
def test_a_wrong_address_is_not_quoted(value: str) -> None:
    with pytest.raises(ValueError, match="url is no address") as caught:
        Definition(**{**SMALL, "url": f"ftp://{value}@shop.example"})
    assert value not in str(caught.value)


@pytest.mark.parametrize("operator", ["EQ", "NE", "GT", "GTE", "LT", "LTE"])
def test_operators_that_compare_need_an_operand(operator: Any) -> None:
    with pytest.raises(ValueError, match=f"{operator} compares with an operand; write operand"):
        Condition(expression="$.a", operator=operator)


@pytest.mark.parametrize("operator", ["CONTAINS", "NOT_CONTAINS"])
def test_operators_that_search_do_without(operator: Any) -> None:
    assert Condition(expression="Welcome", operator=operator).operand is None


def test_a_text_validation_demands_something() -> None:
    with pytest.raises(ValueError, match="has no conditions"):
        TextValidation(type="JSON", conditions=())
    with pytest.raises(ValueError, match="expression is empty"):
        Condition(expression=" ", operator="EQ", operand="1")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("type: BATCH", "it should be 'API', 'WEB', 'MODULE', 'TCP', 'UDP' or 'ICMP'"),
        ("method: PATCH", "it should be 'GET', 'POST', 'PUT' or 'DELETE'"),
        ("regions: [JPN]", "it should be 'KOR' or 'US'"),
        ("response_codes: [200]", "a text is expected, found 200; put it in quotes"),
        ("tolerated_errors: no", "a whole number is expected"),
        ("timeout: soon", "'soon' is not a duration; write it like 30s, 5m or 24h"),
        ("heders: {}", "unknown key 'heders'"),
        ("headers: [a]", "a map is expected"),
        ("text_validation: {type: TEXT, conditions: []}", "it should be 'JSON', 'HTML' or 'XML'"),
        (
            "text_validation: {type: JSON, conditions: [{expression: $, operator: IS, operand: a}]}",
            "it should be 'CONTAINS', 'NOT_CONTAINS', 'EQ', 'NE', 'GT', 'GTE', 'LT' or 'LTE'",
        ),
        (
            "text_validation: {type: JSON, conditions: [{expression: $, operator: EQ, operand: true}]}",
            "a text is expected, found true; put it in quotes",
        ),
        ("text_validation: {type: JSON, conditions: [{expression: $, operator: EQ}]}", "EQ compares with an operand"),
    ],
)
def test_a_mistake_is_told_with_its_place(line: str, said: str) -> None:
    value, problems = read(f"name: a\nurl: https://shop.example\ninterval: 60s\n{line}\n")
    assert value is None
    assert len(problems) == 1
    assert problems[0].startswith("stdin:4:")
    assert said in problems[0]


def test_what_only_others_have_is_fine_for_those() -> None:
    (one,) = definitions(
        "{name: port, type: TCP, ip: 127.0.0.1, port: 8080, request: Hello, cron: '* * * * ?', timeout: 5s,"
        " position_validation: [{position: 0, text: Hello}], length_validation: {ENDIAN: BIG, POS: '4'}}"
    )
    assert request_body(one) == {
        "ip": "127.0.0.1",
        "port": 8080,
        "request": "Hello",
        "scenarioType": "TCP",
        "scenarioName": "port",
        "monitoringCron": "* * * * ?",
        "validation": {
            "timeout": 5000,
            "responseValidation": [{"position": 0, "validationText": "Hello"}],
            "lengthValidation": {"ENDIAN": "BIG", "POS": "4"},
        },
        "description": "port",
        "monitoringRegion": ["KOR"],
        "errorLimitCount": 0,
    }


@pytest.mark.parametrize("kind", [Definition, TextValidation, Condition, PositionValidation])
def test_every_field_says_what_it_is_for(kind: type[Any]) -> None:
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        assert any(isinstance(extra, Doc) for extra in hints[field.name].__metadata__), field.name
