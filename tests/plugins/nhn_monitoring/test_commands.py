"""`checkmill nhn scenario get, apply, diff`: what they show, plan and refuse, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from checkmill.api.v1 import (
    ConfigurationError,
    ConnectError,
    DeadlineError,
    Doc,
    Response,
    SourceError,
)
from checkmill.testing import play
from checkmill_nhn_monitoring.commands import (
    COMMANDS,
    Defined,
    Named,
    Shown,
    Updated,
    apply,
    create,
    delete,
    diff,
    get,
    update,
)
from checkmill_nhn_monitoring.definitions import Definition
from checkmill_nhn_monitoring.sandbox import UNKNOWN_SCENARIO, WATCHED
from checkmill_nhn_monitoring.sandbox.shop import CHECKOUT, FEED, FRONT, LOGIN, ORDERS, PORT, SEARCH
from plugins.nhn_monitoring.desk import NEW, Desk, defined, source, summaries
from plugins.nhn_monitoring.documented import API_BODY, Vendor, answer
from plugins.nhn_monitoring.reading import definitions, written

# get


def test_get_shows_a_definition_that_reads_well() -> None:
    assert Desk().text("front") == (
        f"id: {FRONT}\n"
        "name: front page\n"
        "description: the shop answers and has products\n"
        "type: API\n"
        "url: http://127.0.0.1/nhn-monitoring/site/front\n"
        "method: GET\n"
        "cron: '* * * * ?'\n"
        "comment: may be an interval such as 30s, which NHN answers like this too\n"
        "regions:\n"
        "  - KOR\n"
        "tolerated_errors: 0\n"
        "timeout: 3s\n"
        "response_codes:\n"
        "  - '200'\n"
        "  - '201'\n"
        "text_validation:\n"
        "  type: JSON\n"
        "  conditions:\n"
        "    - expression: $.isSuccess\n"
        "      operator: EQ\n"
        "      operand: 'true'\n"
        "    - expression: $.products\n"
        "      operator: GT\n"
        "      operand: '0'\n"
    )


def test_get_refers_to_credentials_by_name() -> None:
    text = Desk().text("login")
    assert "Authorization: ${LOGIN_AUTHORIZATION}\n" in text
    assert '"password": "${LOGIN_PASSWORD}"' in text
    assert "sandbox-value" not in text
    by_id = Desk(source(scenarios=())).text(LOGIN)
    assert "Authorization: ${SCENARIO_2B1F7A60_AUTHORIZATION}\n" in by_id


def test_get_without_ids_shows_all_that_the_source_watches() -> None:
    plan = Desk().plan(get, Shown())
    assert [one["id"] for one in plan.data] == list(WATCHED.values())


def test_get_takes_names_and_ids_and_each_once() -> None:
    plan = Desk().plan(get, Shown(ids=("port", PORT, ORDERS)))
    assert [one["id"] for one in plan.data] == [PORT, ORDERS]


def test_get_of_nothing_says_so() -> None:
    plan = Desk(source(scenarios=())).plan(get, Shown())
    assert plan.problems == ["no scenario is named, and the source has no scenarios; give an id"]


def test_get_shows_the_rest_beside_a_scenario_that_is_not_there() -> None:
    plan = Desk().plan(get, Shown(ids=(FRONT, UNKNOWN_SCENARIO)))
    assert [one["id"] for one in plan.data] == [FRONT]
    assert plan.problems == [f"refused: NHN says of scenario {UNKNOWN_SCENARIO}: SCENARIO NOT FOUND (code -40002)"]


@pytest.mark.parametrize("word", ["a/b", "..", "", "a b"])
def test_what_is_no_id_is_refused_before_anything_is_asked(word: str) -> None:
    desk = Desk()
    for command, asked in ((get, Shown(ids=(word,))), (delete, Named(ids=(word,)))):
        with pytest.raises(ConfigurationError, match="id"):
            play(command(desk.settings, asked), desk.respond)
    assert desk.sent == []


# get and apply


@pytest.mark.parametrize("scenario", [*WATCHED.values(), CHECKOUT], ids=[*WATCHED, "checkout"])
def test_apply_takes_back_what_get_showed_and_changes_nothing(scenario: str) -> None:
    desk = Desk()
    plan = desk.plan(apply, defined(desk.text(scenario)))
    assert (plan.changes, plan.problems) == ([], [])
    assert plan.nothing == "nothing to do: 1 scenario is as written"


def test_apply_takes_back_all_of_them_at_once() -> None:
    desk = Desk()
    text = desk.text(*WATCHED, CHECKOUT)
    for command in (apply, diff):
        plan = desk.plan(command, defined(text))
        assert (plan.changes, plan.problems) == ([], [])
        assert plan.nothing == "nothing to do: 7 scenarios are as written"


def test_apply_again_has_nothing_to_do() -> None:
    desk = Desk()
    text = desk.text("front").replace("timeout: 3s", "timeout: 4s").replace("cron: '* * * * ?'", "interval: 300s")
    assert desk.carry_out(desk.plan(apply, defined(text))) == [f"updated front page ({FRONT})"]
    assert desk.plan(apply, defined(text)).changes == []


def test_apply_creates_what_has_no_id_updates_what_differs_and_leaves_the_rest() -> None:
    desk = Desk()
    changed = desk.text("search").replace("'400'", "'300'")
    text = f"{NEW}\n---\n{changed}---\n{desk.text('feed')}"
    plan = desk.plan(apply, defined(text))
    assert summaries(plan) == ["create new shop", f"update search ({SEARCH})"]
    assert list(plan.changes[1].details) == [
        "- text_validation: JSON $.took_ms LT 400",
        "+ text_validation: JSON $.took_ms LT 300",
    ]
    said = desk.carry_out(plan)
    assert [request.method for request in desk.sent] == ["POST", "GET", "PUT"]
    assert said[0].startswith("created new shop; its id is ")
    assert said[0].endswith(": write it into the file")
    assert said[1] == f"updated search ({SEARCH})"
    made = said[0].split(" is ")[1].split(":")[0]
    desk.sent.clear()
    assert "url: https://shop.example/health\n" in desk.text(made)
    again = desk.plan(apply, defined(f"{changed}---\n{NEW[:-1]}, id: {made}}}"))
    assert (again.changes, again.problems) == ([], [])


@pytest.mark.parametrize("command", [apply, diff])
def test_what_is_gone_is_a_problem_and_never_created(command: Any) -> None:
    plan = Desk().plan(command, defined(f"{NEW[:-1]}, id: {UNKNOWN_SCENARIO}}}"))
    assert plan.changes == []
    assert plan.problems == [
        (
            f"refused: NHN says of scenario {UNKNOWN_SCENARIO}: SCENARIO NOT FOUND (code -40002); "
            "leave the id out of the file to create the scenario anew"
        )
    ]


@pytest.mark.parametrize(
    "failure",
    [
        ConnectError("refused"),
        DeadlineError("late"),
        answer(None, {"isSuccessful": False, "resultCode": -1, "resultMessage": "APPKEY NOT FOUND"}),
        answer(None, {"isSuccessful": False, "resultCode": -1, "resultMessage": "try later"}),
        *(
            answer(None, {"isSuccessful": False, "resultCode": -1, "resultMessage": words})
            for words in ("UNKNOWN ERROR", "unknown_server_error", "PRODUCT NOT REGISTERED", "scenario is not found")
        ),
        answer(API_BODY, status=500),
        Response(status=200, body=b"<html>"),
        answer({}),
    ],
    ids=[
        "connect",
        "deadline",
        "appkey",
        "words",
        "unknown",
        "server",
        "product",
        "gone",
        "500",
        "HTML",
        "no scenario",
    ],
)
@pytest.mark.parametrize("command", [apply, diff, update])
def test_what_cannot_be_read_is_a_problem_and_never_created(command: Any, failure: Response | SourceError) -> None:
    (definition,) = definitions(f"{NEW[:-1]}, id: {FRONT}}}")
    asked = (Updated if command is update else Defined)(definitions=(definition,))
    plan = play(command(source(), asked), Vendor(failure))
    assert plan.changes == []
    assert len(plan.problems) == 1
    assert FRONT in plan.problems[0]


def test_two_definitions_of_one_id_are_a_problem() -> None:
    desk = Desk()
    plan = desk.plan(apply, defined(desk.text("feed") + "---\n" + desk.text("feed")))
    assert plan.problems == [f"the id {FEED} stands in 2 definitions"]


def test_a_name_of_the_source_will_do_for_an_id() -> None:
    desk = Desk()
    plan = desk.plan(apply, defined(desk.text("feed").replace(f"id: {FEED}", "id: feed")))
    assert (plan.changes, plan.problems) == ([], [])


def test_an_interval_that_nhn_answers_like_another_is_told() -> None:
    desk = Desk()
    text = desk.text("front").replace("cron: '* * * * ?'", "interval: 30s")
    plan = desk.plan(diff, defined(text))
    assert plan.changes == []
    assert plan.nothing == (
        "nothing to do: 1 scenario is as written; front page: NHN answers interval 30s with '7 * * * * ? *', "
        "as it would any up to 60s; 'update' sends it anyway"
    )


@pytest.mark.parametrize("command", [apply, update])
def test_an_update_says_which_of_two_schedules_it_sends(command: Any) -> None:
    desk = Desk()
    text = desk.text("front").replace("and has products", "and sells")
    asked = Updated(definitions=definitions(text)) if command is update else defined(text)
    plan = desk.plan(command, asked)
    assert list(plan.changes[0].details) == [
        "- description: the shop answers and has products",
        "+ description: the shop answers and sells",
        (
            "! schedule: NHN answers '7 * * * * ? *' for every interval up to 60s, and this sends * * * * ?: "
            "whether that changes it cannot be told"
        ),
    ]
    text = text.replace("cron: '* * * * ?'", "interval: 30s")
    (line,) = [one for one in desk.plan(apply, defined(text)).changes[0].details if one.startswith("!")]
    assert "and this sends interval 30s: " in line


def test_a_schedule_that_is_no_riddle_needs_no_word() -> None:
    desk = Desk()
    text = desk.text("login").replace("own user", "own")
    assert not any(line.startswith("!") for line in desk.plan(apply, defined(text)).changes[0].details)
    assert "comment" not in text


@pytest.mark.parametrize(
    ("kind", "condition", "reason"),
    [
        (
            "JSON",
            "expression: '$.a[?', operator: EQ, operand: '1'",
            "$.a[? EQ 1 cannot be carried out: it is not under",
        ),
        ("XML", "expression: '//a[', operator: EQ, operand: '1'", "//a[ EQ 1 cannot be carried out: it is not under"),
        ("JSON", "expression: $.a, operator: GT, operand: abc", "its operand 'abc' is not a number, which GT needs"),
        ("HTML", "expression: //a, operator: LTE, operand: abc", "its operand 'abc' is not a number, which LTE needs"),
    ],
)
def test_what_is_newly_demanded_of_texts_must_be_understood(kind: str, condition: str, reason: str) -> None:
    desk = Desk()
    demand = f"text_validation: {{type: {kind}, conditions: [{{{condition}}}]}}"
    new = definitions(f"{NEW[:-1]}, {demand}}}")
    for plan in (
        desk.plan(create, Defined(definitions=new)),
        desk.plan(apply, Defined(definitions=new)),
        desk.plan(diff, Defined(definitions=new)),
        desk.plan(update, Updated(definitions=new, id=FEED)),
    ):
        assert plan.changes == []
        (problem,) = plan.problems
        assert problem.startswith("new shop")
        assert reason in problem


def test_what_nhn_understands_already_is_sent_back() -> None:
    validation = {
        "textValidation": {
            "textValidationType": "JSON",
            "textValidationInfos": [{"operator": "EQ", "expression": "$.a[?(@.b =~ /x/)].c", "operand": "1"}],
        }
    }
    given = Vendor(answer({**API_BODY, "validation": validation}))
    got = play(get(source(), Shown(ids=(API_BODY["scenarioId"],))), given).data
    asked = Defined(definitions=definitions(written({**got, "description": "another"})))
    plan = play(apply(source(), asked), given)
    assert plan.problems == []
    assert list(plan.changes[0].details)[:2] == ["- description: API test", "+ description: another"]


def test_what_a_credential_is_compared_with_is_one() -> None:
    validation = {
        "textValidation": {
            "textValidationType": "JSON",
            "textValidationInfos": [{"operator": "EQ", "expression": "$.password", "operand": "geheimnis"}],
        }
    }
    given = Vendor(answer({**API_BODY, "validation": validation}))
    got = written(play(get(source(), Shown(ids=(API_BODY["scenarioId"],))), given).data)
    assert "operand: ${FRONT_PASSWORD}" in got
    asked = Defined(definitions=definitions(got, {"FRONT_PASSWORD": "anderes"}))
    (change,) = play(apply(source(), asked), given).changes
    assert list(change.details)[:2] == [
        "- text_validation: JSON $.password EQ ***",
        "+ text_validation: JSON $.password EQ *** (another value)",
    ]


# diff


def test_diff_shows_what_apply_would_do() -> None:
    desk = Desk()
    text = f"{NEW}\n---\n{desk.text('login').replace('Welcome', 'Hello')}"
    assert summaries(desk.plan(diff, defined(text))) == ["create new shop", f"update login ({LOGIN})"]
    assert not next(one for one in COMMANDS if one.flow is diff).changes


def test_diff_shows_what_only_the_console_can_change() -> None:
    desk = Desk()
    text = desk.text("port").replace("HTTP/1.\n", "HTTP/2.\n")
    plan = desk.plan(diff, defined(text))
    assert summaries(plan) == [f"port ({PORT}) differs; scenarios of the type TCP can be changed in the console alone"]
    assert list(plan.changes[0].details) == ["- position_validation: 0 HTTP/1.", "+ position_validation: 0 HTTP/2."]
    plan = desk.plan(apply, defined(text))
    assert plan.changes == []
    (problem,) = plan.problems
    assert problem == (
        f"port ({PORT}) is of the type TCP: NHN's API changes API scenarios alone, and no type; "
        "change it in the console"
    )


def test_no_plan_shows_a_credential() -> None:
    desk = Desk()
    text = desk.text("login").replace("${LOGIN_AUTHORIZATION}", "Bearer geheimnis-1")
    text = text.replace("${LOGIN_PASSWORD}", "geheimnis-2")
    new = (
        "{name: n, url: 'https://u:geheimnis-3@shop.example/?api_key=geheimnis-4', interval: 60s,"
        " headers: {X-Api-Key: geheimnis-5}}"
    )
    for command in (apply, diff):
        plan = desk.plan(command, defined(f"{text}---\n{new}"))
        assert len(plan.changes) == 2
        shown = repr([(change.summary, change.details) for change in plan.changes])
        assert "geheimnis" not in shown
        assert "sandbox-value" not in shown
        assert shown.count("***") >= 7
    said = desk.carry_out(desk.plan(apply, defined(f"{text}---\n{new}")))
    assert "geheimnis" not in repr(said)
    assert all("geheimnis-1" not in repr(request) and "geheimnis-5" not in repr(request) for request in desk.sent)
    (put,) = [request for request in desk.sent if request.method == "PUT"]
    assert json.loads(put.sent_body() or b"")["headers"]["Authorization"] == "Bearer geheimnis-1"


# all of them


def test_the_commands_are_those_of_the_vendor() -> None:
    assert [(one.name, one.source, one.changes, one.form) for one in COMMANDS] == [
        ("nhn scenario get", "nhn-monitoring", False, "yaml"),
        ("nhn scenario create", "nhn-monitoring", True, "table"),
        ("nhn scenario update", "nhn-monitoring", True, "table"),
        ("nhn scenario delete", "nhn-monitoring", True, "table"),
        ("nhn scenario apply", "nhn-monitoring", True, "table"),
        ("nhn scenario diff", "nhn-monitoring", False, "table"),
    ]
    for one in COMMANDS:
        assert one.help
        hints = get_type_hints(one.arguments, include_extras=True)
        for field in fields(one.arguments):
            assert any(isinstance(extra, Doc) for extra in hints[field.name].__metadata__), field.name


def test_hostile_names_of_scenarios_stay_on_one_line() -> None:
    hostile = {**API_BODY, "scenarioName": "a\nb\x1b[31m" + "x" * 500, "scenarioType": "API\n"}
    plan = play(delete(source(), Named(ids=(API_BODY["scenarioId"],))), Vendor(answer(hostile)))
    (summary,) = summaries(plan)
    assert summary.isprintable()
    assert len(summary) < 220
    definition = Definition(name="a\nb", url="https://shop.example", interval=60.0)
    plan = play(create(source(), Defined(definitions=(definition,))), Vendor(answer({})))
    assert summaries(plan) == ["create a b"]
