"""A scenario as the service answers it: the documented samples whole, wrong types refused, nothing secret shown."""

import copy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkmill.api.v1 import ParseError, Secret, redact
from checkmill_nhn_monitoring.scenario import (
    LengthValidation,
    PositionCheck,
    Scenario,
    TextCheck,
    TextValidation,
    Validation,
    scenario_from,
    time_of,
)
from plugins.nhn_monitoring.documented import API_BODY as API
from plugins.nhn_monitoring.documented import TCP_BODY as TCP


def test_the_documented_api_scenario_is_read_whole() -> None:
    assert scenario_from(API) == Scenario(
        id="0c96cff0-edc2-11ea-9760-8d94f461e6d4",
        name="API test",
        type="API",
        status="temporary",
        url="http://toast.com",
        http_method="GET",
        ip="toast.com",
        cron="7 * * * * ? *",
        error_limit=0,
        regions=("KOR",),
        description="API test",
        browser_option={"OPT_LOCALE": "ko"},
        amended_at=1599122941.197,
        validation=Validation(
            text=TextValidation("JSON", (TextCheck("EQ", "$.isSuccess", "true"),)), response_codes=("200", "201")
        ),
    )


def test_the_documented_tcp_scenario_is_read_whole() -> None:
    assert scenario_from(TCP) == Scenario(
        id="be50d2a0-e353-11ea-a3c2-ebd9a267dbb2",
        name="TCP Scenario Test",
        type="TCP",
        status="temporary",
        ip="127.0.0.1",
        port=8080,
        request="Hello World!",
        cron="9 * * * * ? *",
        error_limit=0,
        regions=("KOR",),
        description="TCP Scenario Test",
        amended_at=1598939698.861,
        validation=Validation(
            timeout_s=5.0,
            response_validations=(PositionCheck(0, "Hello World!"), PositionCheck(13, "It's new world!")),
            length_validation=LengthValidation("BIG", "4", "INT", "15"),
        ),
    )


def test_what_is_null_counts_as_absent() -> None:
    least = {"scenarioId": "s", "scenarioType": "ICMP"}
    nulls = (
        dict.fromkeys((*API, *TCP)) | least | {"validation": dict.fromkeys((*API["validation"], *TCP["validation"]))}
    )  # type: ignore[misc]
    assert scenario_from(nulls) == scenario_from(least) == Scenario(id="s", name="s", type="ICMP")


def test_the_answer_is_kept_as_it_came() -> None:
    assert scenario_from(API | {"added": [1]}).raw == API | {"added": [1]}


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"scenarioId": None}, "the scenario has no scenarioId"),
        ({"scenarioId": " "}, "the scenario has no scenarioId"),
        ({"scenarioType": ""}, "the scenario has no scenarioType"),
        ({"scenarioId": 7}, "scenarioId should be text, but is 7"),
        ({"scenarioName": ["a"]}, "scenarioName should be text, but is a list"),
        ({"scenarioName": True}, "scenarioName should be text, but is yes/no"),
        ({"url": {"a": 1}}, "url should be text, but is an object"),
        ({"port": "8080"}, "port should be a whole number, but is text"),
        ({"port": True}, "port should be a whole number, but is yes/no"),
        ({"port": 8080.5}, "port should be a whole number, but is a broken number"),
        ({"port": 65536}, "port should be from 0 to 65535, but is 65536"),
        ({"port": -1}, "port should be from 0 to 65535, but is -1"),
        (
            {"monitoringInterval": 10**400},
            "monitoringInterval should be from 0 to 2147483647, but is a number of 1329 bits",
        ),
        ({"errorLimitCount": -3}, "errorLimitCount should be from 0 to 2147483647, but is -3"),
        ({"monitoringRegion": "KOR"}, "monitoringRegion should be a list, but is text"),
        ({"monitoringRegion": ["KOR", 1]}, "monitoringRegion[1] should be text, but is 1"),
        ({"monitoringRegion": [None]}, "monitoringRegion[0] should be text, but is absent"),
        ({"headers": []}, "headers should be an object, but is a list"),
        ({"headers": {"X-Count": 5}}, "headers.X-Count should be text, but is 5"),
        ({"headers": {"X\n-y": 5}}, "headers.X -y should be text, but is 5"),
        ({"validation": []}, "validation should be an object, but is a list"),
        ({"validation": {"timeout": "5000"}}, "validation.timeout should be a whole number, but is text"),
        ({"validation": {"timeout": -1}}, "validation.timeout should be from 0 to 2147483647, but is -1"),
        ({"validation": {"responseCodes": [200]}}, "validation.responseCodes[0] should be text, but is 200"),
        ({"validation": {"textValidation": "JSON"}}, "validation.textValidation should be an object, but is text"),
        (
            {"validation": {"textValidation": {"textValidationInfos": [{"operator": "EQ"}]}}},
            "validation.textValidation.textValidationInfos[0].expression should be text, but is absent",
        ),
        (
            {"validation": {"textValidation": {"textValidationInfos": [None]}}},
            "validation.textValidation.textValidationInfos[0].operator should be text, but is absent",
        ),
        (
            {
                "validation": {
                    "textValidation": {"textValidationInfos": [{"operator": "EQ", "expression": "$", "operand": 5}]}
                }
            },
            "validation.textValidation.textValidationInfos[0].operand should be text, but is 5",
        ),
        (
            {"validation": {"responseValidation": [{"position": "0", "validationText": "a"}]}},
            "validation.responseValidation[0].position should be a whole number, but is text",
        ),
        (
            {"validation": {"responseValidation": [{"validationText": "a"}]}},
            "validation.responseValidation[0].position should be a whole number, but is absent",
        ),
        (
            {"validation": {"responseValidation": [{"position": 0}]}},
            "validation.responseValidation[0].validationText should be text, but is absent",
        ),
        ({"validation": {"lengthValidation": {"POS": 4}}}, "validation.lengthValidation.POS should be text, but is 4"),
    ],
)
def test_a_member_of_another_type_is_named(members: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParseError) as caught:
        scenario_from({"scenarioId": "s", "scenarioType": "API", **members})
    assert str(caught.value) == sentence


@pytest.mark.parametrize("body", [None, [], "x", 1, True, [API]])
def test_a_scenario_is_an_object(body: object) -> None:
    with pytest.raises(ParseError, match="the scenario should be an object, but is"):
        scenario_from(body)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2020-09-03T08:49:01.197+0000", 1599122941.197),
        ("2020-09-03T17:49:01.197+0900", 1599122941.197),
        ("2020-09-03T17:49:01.197+09:00", 1599122941.197),
        ("2020-09-03T08:49:01.197Z", 1599122941.197),
        ("2020-09-03T08:49:01.197UTC", 1599122941.197),
        ("2020-09-03T08:49:01GMT", 1599122941.0),
        ("2020-09-03T08:49:01.197", None),
        ("2020-09-03T08:49:01.197KST", None),
        ("2021-02-31T08:49:01.197+0000", None),
        ("0001-01-01T00:00:00.000+2359", None),
        ("2020-09-03T08:49:01.197+9999", None),
        ("", None),
        (1599122941197, None),
        (None, None),
    ],
)
def test_a_time_is_read_where_it_says_its_zone(text: object, at: float | None) -> None:
    assert time_of(text) == at


def test_headers_that_hold_credentials_are_secret() -> None:
    headers = {
        "Authorization": "Bearer abcdefgh-12345678",
        "X-Api-Key": "kkkkkkkk1",
        "Cookie": "sid=tttttttt",
        "X-Auth-Token": "uuuuuuuu",
        "Accept": "application/json",
        "Author": "Kim",
        "Content-Type": "text/plain",
    }
    read = scenario_from(API | {"headers": headers})
    assert {name for name, value in read.headers.items() if isinstance(value, Secret)} == {
        *("Authorization", "X-Api-Key", "Cookie", "X-Auth-Token")
    }
    assert {name: value for name, value in read.headers.items() if isinstance(value, str)} == {
        "Accept": "application/json",
        "Author": "Kim",
        "Content-Type": "text/plain",
    }
    for value in list(headers.values())[:4]:
        assert value not in repr(read)
    # What follows the scheme is the credential too, wherever a server echoes it.
    assert redact("token abcdefgh-12345678 refused") == "token *** refused"


def test_credentials_in_the_address_are_known_as_secrets() -> None:
    scenario_from(API | {"url": "https://kim:pass%2Fword77@shop.example/x?access_token=qqqqqqqq77&page=2"})
    assert redact("pass/word77 and qqqqqqqq77 and page=2") == "*** and *** and page=2"


def test_bodies_are_not_in_what_a_scenario_prints() -> None:
    read = scenario_from(API | {"requestBody": '{"pin":"0815"}', "request": "LOGIN 0815"})
    assert "0815" not in repr(read)


def test_names_become_labels_that_can_be_written() -> None:
    read = scenario_from(API | {"scenarioName": "a\ud800b", "status": " enable "})
    assert (read.name, read.status) == ("a?b", "enable")


def test_words_are_read_whatever_their_case() -> None:
    validation = {
        "textValidation": {"textValidationType": "json", "textValidationInfos": [{"operator": "eq", "expression": "$"}]}
    }
    read = scenario_from(API | {"scenarioType": "api", "httpMethod": "get", "validation": validation})
    assert (read.type, read.http_method) == ("API", "GET")
    assert read.validation.text == TextValidation("JSON", (TextCheck("EQ", "$", None),))


def test_a_timeout_of_zero_is_none() -> None:
    assert scenario_from(API | {"validation": {"timeout": 0}}).validation.timeout_s is None


def test_what_is_demanded_beyond_the_documents_is_remembered() -> None:
    validation = {
        "sslExpiry": 7,
        "mustHold": False,
        "newDemand": 0,
        "none": [],
        "nil": None,
        "textValidation": {
            "textValidationInfos": [{"operator": "EQ", "expression": "$", "operand": "1", "negate": True}],
            "textValidations": [{"expression": "$.a"}],
        },
        "lengthValidation": {"ENDIAN": "BIG", "MAX": "9"},
        "responseValidation": [{"position": 0, "validationText": "a", "regex": "b"}],
    }
    assert scenario_from(API | {"validation": validation}).validation.unknown == (
        "validation.sslExpiry",
        "validation.mustHold",
        "validation.newDemand",
        "validation.textValidation.textValidations",
        "validation.lengthValidation.MAX",
        "validation.textValidation.textValidationInfos[0].negate",
        "validation.responseValidation[0].regex",
    )


def test_a_length_validation_of_nulls_is_none() -> None:
    empty = dict.fromkeys(("ENDIAN", "POS", "TYPE", "BASE"))
    assert scenario_from(TCP | {"validation": {"lengthValidation": empty}}).validation == Validation()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["API", "\ud800", "EQ"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*API, *TCP, *TCP["validation"], "position", "x"]), inner, max_size=4)
    ),  # type: ignore[misc]
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A documented scenario with up to three members, somewhere in it, replaced by arbitrary JSON."""
    answer = copy.deepcopy(draw(st.sampled_from([API, TCP])))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = answer
        while True:
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
            if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            place[key] = draw(JSON)
            break
    return answer


@given(JSON | mutated())
@example({"scenarioId": "s", "scenarioType": "API", "url": "http://[", "headers": {"": ""}})
def test_whatever_comes_is_a_scenario_or_a_parse_error(body: Any) -> None:
    sentence = ""
    read = None
    try:
        read = scenario_from(body)
    except ParseError as error:
        sentence = str(error)
    assert sentence.isprintable()
    assert sentence or (read is not None and read.id and read.type and read.name.encode())
