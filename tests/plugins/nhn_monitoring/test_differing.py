"""What is a difference between what NHN has and what a definition wants, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill_nhn_monitoring.differing import additions, differences, doubt, unsent
from checkmill_nhn_monitoring.scenario import Scenario, scenario_from
from plugins.nhn_monitoring.documented import API_BODY, API_ID, SENT, TCP_BODY, TCP_ID, changed

VALIDATION: dict[str, Any] = API_BODY["validation"]
CREDENTIAL = {"Authorization": "Bearer 1"}
TWO_CHECKS = [
    {"expression": "$.a", "operator": "EQ", "operand": "1"},
    {"expression": "$.b", "operator": "NOT_CONTAINS", "operand": "x"},
]


def there(**changes: Any) -> Scenario:
    return scenario_from(changed(API_BODY, **changes))


def wanted(**changes: Any) -> Scenario:
    return scenario_from({**changed(SENT, **changes), "scenarioId": API_ID})


def validation(**changes: Any) -> dict[str, Any]:
    return changed(VALIDATION, **changes)


def texts(checks: list[dict[str, str]], kind: str = "JSON") -> dict[str, Any]:
    return validation(textValidation={"textValidationType": kind, "textValidationInfos": checks})


@pytest.mark.parametrize(
    ("server", "definition"),
    [
        pytest.param({}, {}, id="the documented request and answer"),
        pytest.param({"monitoringCron": "52 * * * * ? *"}, {}, id="another second"),
        pytest.param({"monitoringCron": "52 * * * * ? *"}, {"monitoringInterval": 60}, id="a minute"),
        pytest.param({"monitoringInterval": 30, "monitoringCron": ...}, {}, id="an interval that came back"),
        pytest.param({"monitoringInterval": 30}, {}, id="an interval beside its cron"),
        pytest.param(
            {"monitoringCron": "7 0/5 8 ? * 2-6 *"},
            {"monitoringInterval": ..., "monitoringCron": "*/5 8 ? * MON-FRI"},
            id="a cron in another spelling",
        ),
        pytest.param(
            {"monitoringInterval": 300, "monitoringCron": ...},
            {"monitoringInterval": ..., "monitoringCron": "*/5 * * * ?"},
            id="a cron that came back as an interval",
        ),
        pytest.param({"browserOption": {"OPT_LOCALE": "kr"}}, {"browserOption": ...}, id="a default browser option"),
        pytest.param({"browserOption": ...}, {"browserOption": {"OPT_LOCALE": "kr"}}, id="no browser option"),
        pytest.param({"ip": "203.0.113.7"}, {"ip": ...}, id="an address that NHN found"),
        pytest.param({"ip": ...}, {"ip": "TOAST.com"}, id="the host of the address"),
        pytest.param({"monitoringRegion": ["US", "KOR"]}, {"monitoringRegion": ["KOR", "US"]}, id="order of regions"),
        pytest.param({"monitoringRegion": ...}, {}, id="the default region"),
        pytest.param({"validation": validation(responseCodes=["201", "200"])}, {}, id="order of codes"),
        pytest.param({"validation": validation(timeout=0)}, {}, id="no timeout as 0"),
        pytest.param({"validation": validation(avoidingValidationText="")}, {}, id="no avoiding text as empty"),
        pytest.param({"headers": {}, "requestBody": ""}, {}, id="nothing as empty"),
        pytest.param({"errorLimitCount": ...}, {}, id="no errors tolerated"),
        pytest.param({"headers": {"X-SHOP": "1"}}, {"headers": {"x-shop": "1"}}, id="case of header names"),
        pytest.param(
            {"validation": texts(TWO_CHECKS)}, {"validation": texts(TWO_CHECKS[::-1])}, id="order of conditions"
        ),
        pytest.param({"httpMethod": "get"}, {}, id="case of the method"),
        pytest.param({"status": "enable", "amendedTime": ...}, {}, id="what is the server's own"),
        pytest.param({"headers": CREDENTIAL}, {"headers": CREDENTIAL}, id="equal credentials"),
    ],
)
def test_what_the_server_rewrites_is_no_difference(server: dict[str, Any], definition: dict[str, Any]) -> None:
    assert differences(there(**server), wanted(**definition)) == []


@pytest.mark.parametrize(
    ("server", "definition", "lines"),
    [
        ({"scenarioName": "old"}, {}, ["- name: old", "+ name: API test"]),
        ({"description": "old"}, {"description": "new"}, ["- description: old", "+ description: new"]),
        ({"url": "http://a"}, {"url": "https://a"}, ["- url: http://a", "+ url: https://a"]),
        ({}, {"httpMethod": "POST"}, ["- method: GET", "+ method: POST"]),
        (
            {"headers": {"A": "1", "B": "2"}},
            {"headers": {"b": "3"}},
            ["- headers.a: 1", "- headers.b: 2", "+ headers.b: 3"],
        ),
        ({}, {"headers": {"A": ""}}, ['+ headers.a: ""']),
        ({"requestBody": "a\nb"}, {}, ['- body: "a\\nb"']),
        (
            {},
            {"browserOption": {"OPT_LOCALE": "kr"}},
            ["- browser_option.OPT_LOCALE: ko", "+ browser_option.OPT_LOCALE: kr"],
        ),
        ({}, {"ip": "10.0.0.1"}, ["- ip: toast.com", "+ ip: 10.0.0.1"]),
        ({}, {"monitoringInterval": 300}, ["- cron: * * * * ?", "+ interval: 300s"]),
        ({"monitoringInterval": 60}, {}, ["- interval: 60s", "+ interval: 30s"]),
        (
            {"monitoringInterval": 60},
            {"monitoringInterval": ..., "monitoringCron": "0 * * * ?"},
            ["- interval: 60s", "+ cron: 0 * * * ?"],
        ),
        (
            {},
            {"monitoringInterval": ..., "monitoringCron": "0 9 ? * MON"},
            ["- cron: * * * * ?", "+ cron: 0 9 ? * MON"],
        ),
        ({"monitoringRegion": ["KOR", "US"]}, {}, ["- regions: US"]),
        ({}, {"errorLimitCount": 3}, ["- tolerated_errors: 0", "+ tolerated_errors: 3"]),
        ({}, {"validation": validation(timeout=1500)}, ["+ timeout: 1500ms"]),
        ({"validation": validation(responseCodes=["200"])}, {}, ["+ response_codes: 201"]),
        (
            {"validation": texts(TWO_CHECKS)},
            {"validation": texts(TWO_CHECKS[:1])},
            ["- text_validation: JSON $.b NOT_CONTAINS x"],
        ),
        (
            {"validation": texts(TWO_CHECKS[:1])},
            {"validation": texts(TWO_CHECKS[:1], "XML")},
            ["- text_validation: JSON $.a EQ 1", "+ text_validation: XML $.a EQ 1"],
        ),
        ({"validation": validation(avoidingValidationText="off")}, {}, ["- avoiding_text: off"]),
    ],
)
def test_a_difference_is_two_lines(server: dict[str, Any], definition: dict[str, Any], lines: list[str]) -> None:
    assert differences(there(**server), wanted(**definition)) == lines


def test_scenarios_of_sockets_are_compared_too() -> None:
    other = changed(
        TCP_BODY,
        port=9090,
        request="Hi",
        validation={
            "timeout": 5000,
            "responseValidation": [{"position": 13, "validationText": "It's new world!"}],
            "lengthValidation": {"ENDIAN": "LITTLE", "POS": "4", "TYPE": "INT", "BASE": "15"},
        },
    )
    assert differences(scenario_from(TCP_BODY), scenario_from(TCP_BODY)) == []
    assert differences(scenario_from(TCP_BODY), scenario_from(other)) == [
        "- port: 8080",
        "+ port: 9090",
        "- request: Hello World!",
        "+ request: Hi",
        "- position_validation: 0 Hello World!",
        "- length_validation: endian BIG",
        "+ length_validation: endian LITTLE",
    ]
    assert scenario_from(TCP_BODY).id == TCP_ID


def test_credentials_are_compared_and_never_shown() -> None:
    old = there(
        headers={"Authorization": "Bearer geheimnis-eins", "X-Shop": "1"},
        url="https://kim:geheimnis-zwei@toast.com/?token=geheimnis-drei",
        requestBody='{"password": "geheimnis-vier"}',
    )
    new = wanted(
        headers={"Authorization": "Bearer anderes-eins", "X-Shop": "1"},
        url="https://kim:anderes-zwei@toast.com/?token=geheimnis-drei",
        requestBody='{"password": "anderes-vier"}',
    )
    lines = differences(old, new)
    assert lines == [
        "- url: https://kim:***@toast.com/?token=***",
        "+ url: https://kim:***@toast.com/?token=*** (another value)",
        "- headers.authorization: ***",
        "+ headers.authorization: *** (another value)",
        '- body: {"password": "***"}',
        '+ body: {"password": "***"} (another value)',
    ]
    assert "geheimnis" not in "".join([*additions(old), *additions(new)])
    assert "anderes" not in "".join([*additions(old), *additions(new)])


def test_long_texts_are_shown_where_they_begin_to_differ() -> None:
    lines = differences(there(requestBody="x" * 500 + "old"), wanted(requestBody="x" * 500 + "new" + "y" * 900))
    assert lines[0] == f"- body: …{'x' * 40}old"
    assert lines[1].startswith(f"+ body: …{'x' * 40}newyyy")
    assert all(len(line) < 180 for line in lines)


def test_hostile_names_stay_on_one_line() -> None:
    lines = differences(there(scenarioName="a\nb\x1b[31m|;", description="\ud800"), wanted())
    assert lines[0] == '- name: "a\\nb\\u001b[31m|;"'
    assert all(line.isprintable() for line in lines)
    "".join(lines).encode()


def test_what_no_definition_can_say_is_told() -> None:
    scenario = there(retryCount=3, validation=validation(certificateDays=10))
    assert unsent(scenario) == [
        "- retryCount: (not known to Checkmill, and not sent)",
        "- validation.certificateDays: (not known to Checkmill, and not sent)",
    ]
    assert unsent(there()) == unsent(scenario_from(TCP_BODY)) == []
    assert differences(scenario, wanted()) == []


def test_an_interval_that_cannot_be_told_from_another_is_doubted() -> None:
    assert doubt(there(), wanted()) == (
        "NHN answers interval 30s with '7 * * * * ? *', as it would any up to 60s; 'update' sends it anyway"
    )
    assert doubt(there(monitoringInterval=30), wanted()) == ""
    assert doubt(there(monitoringCron="7 0/5 * * * ? *"), wanted(monitoringInterval=300)) == ""


def test_additions_are_all_that_a_scenario_says() -> None:
    assert additions(wanted()) == [
        "+ name: API test",
        "+ description: API test",
        "+ type: API",
        "+ url: http://toast.com",
        "+ method: GET",
        "+ ip: toast.com",
        "+ interval: 30s",
        "+ regions: KOR",
        "+ tolerated_errors: 0",
        "+ response_codes: 200",
        "+ response_codes: 201",
        "+ text_validation: JSON $.isSuccess EQ true",
        "+ browser_option.OPT_LOCALE: ko",
    ]
