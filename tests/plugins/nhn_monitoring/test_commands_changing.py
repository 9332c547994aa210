"""`checkmill nhn scenario create, update, delete`: what they plan and refuse, and what comes of it at the service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkmill.api.v1 import (
    ReadError,
    Secret,
    SourceError,
)
from checkmill.testing import play
from checkmill_nhn_monitoring.commands import (
    Defined,
    Named,
    Shown,
    Updated,
    apply,
    create,
    delete,
    get,
    update,
)
from checkmill_nhn_monitoring.envelope import RefusedError
from checkmill_nhn_monitoring.sandbox import UNKNOWN_SCENARIO
from checkmill_nhn_monitoring.sandbox.shop import CHECKOUT, FEED, FRONT, ORDERS, PORT
from plugins.nhn_monitoring.desk import NEW, Desk, defined, source, summaries
from plugins.nhn_monitoring.documented import API_BODY, Vendor, answer
from plugins.nhn_monitoring.reading import definitions

# create


def test_create_shows_all_that_it_would_send() -> None:
    desk = Desk()
    plan = desk.plan(create, defined(NEW))
    assert summaries(plan) == ["create new shop"]
    assert list(plan.changes[0].details) == [
        "+ name: new shop",
        "+ description: new shop",
        "+ type: API",
        "+ url: https://shop.example/health",
        "+ method: GET",
        "+ interval: 60s",
        "+ regions: KOR",
        "+ tolerated_errors: 0",
        "+ timeout: 3s",
        "+ browser_option.OPT_LOCALE: kr",
    ]
    (said,) = desk.carry_out(plan)
    assert said.startswith("created new shop; its id is ")
    (request,) = desk.sent
    assert json.loads(request.sent_body() or b"") == {
        "url": "https://shop.example/health",
        "httpMethod": "GET",
        "browserOption": {"OPT_LOCALE": "kr"},
        "scenarioType": "API",
        "scenarioName": "new shop",
        "monitoringInterval": 60,
        "validation": {"timeout": 3000},
        "description": "new shop",
        "monitoringRegion": ["KOR"],
        "errorLimitCount": 0,
    }


def test_create_refuses_what_has_an_id_or_another_type() -> None:
    desk = Desk()
    plan = desk.plan(create, defined(f"{NEW[:-1]}, id: {FRONT}}}"))
    assert plan.problems == [f"new shop ({FRONT}) has an id already; use update or apply, or leave out the id"]
    plan = desk.plan(create, defined("{name: port, type: TCP, ip: a, port: 1, cron: '* * * * ?'}"))
    assert plan.changes == []
    assert plan.problems == ["port is of the type TCP: NHN's API creates API scenarios alone; create it in the console"]


def test_what_nhn_made_otherwise_than_asked_is_told() -> None:
    (definition,) = definitions(NEW)
    plan = play(create(source(), Defined(definitions=(definition,))), Vendor(answer({})))
    body = {**API_BODY, "url": "https://shop.example/health", "scenarioName": "new shop", "description": "new shop"}
    made = {**body, "validation": {"timeout": 9000}, "browserOption": {"OPT_LOCALE": "kr"}}
    said = play(plan.changes[0].carry_out(), Vendor(answer(made)))
    assert said.endswith("; but NHN has it otherwise: - timeout: 9s; + timeout: 3s")


def test_a_refused_change_fails_in_the_vendors_words() -> None:
    desk = Desk(source(appkey=Secret("wrong-appkey")))
    plan = desk.plan(create, defined(NEW))
    with pytest.raises(RefusedError, match="NHN says of creating a scenario: APPKEY NOT FOUND"):
        play(plan.changes[0].carry_out(), desk.respond)


# update


def test_update_sends_the_whole_definition_even_where_nothing_differs() -> None:
    desk = Desk()
    plan = desk.plan(update, Updated(definitions=definitions(desk.text("feed"))))
    assert summaries(plan) == [f"update product feed ({FEED}), though nothing is seen to differ"]
    assert desk.carry_out(plan) == [f"updated product feed ({FEED})"]
    assert [request.method for request in desk.sent] == ["GET", "PUT"], "it looks once more, and then replaces"
    request = desk.sent[1]
    assert request.url().endswith(FEED)
    assert json.loads(request.sent_body() or b"")["validation"]["responseCodes"] == ["200"]


def test_update_takes_the_id_from_the_line_where_the_file_has_none() -> None:
    desk = Desk()
    plan = desk.plan(update, Updated(definitions=definitions(NEW), id="feed"))
    assert summaries(plan) == [f"update new shop ({FEED})"]
    assert "- name: product feed" in plan.changes[0].details


@pytest.mark.parametrize(
    ("text", "given", "problem"),
    [
        (NEW, None, "new shop has no id; write it into the file, or give --id"),
        (f"- {NEW}\n- {NEW}", "feed", "--id is for a file with one definition, and this one has 2"),
        (
            f"{NEW[:-1]}, id: {FRONT}}}",
            "feed",
            f"the definition has the id {FRONT}, and --id says feed; leave one of them out",
        ),
    ],
)
def test_update_without_one_id_for_each_is_a_problem(text: str, given: str | None, problem: str) -> None:
    plan = Desk().plan(update, Updated(definitions=definitions(text), id=given))
    assert plan.problems == [problem]
    assert not plan.changes


@pytest.mark.parametrize("scenario", [PORT, CHECKOUT])
def test_update_refuses_other_types(scenario: str) -> None:
    plan = Desk().plan(update, Updated(definitions=definitions(NEW), id=scenario))
    assert plan.changes == []
    assert "NHN's API changes API scenarios alone" in plan.problems[0]


def test_update_tells_what_nhn_has_and_no_definition_can_say() -> None:
    (definition,) = definitions(f"{NEW[:-1]}, id: {API_BODY['scenarioId']}}}")
    plan = play(update(source(), Updated(definitions=(definition,))), Vendor(answer({**API_BODY, "retryCount": 3})))
    assert "- retryCount: (not known to Checkmill, and not sent)" in plan.changes[0].details


def test_modify_method_is_what_is_configured() -> None:
    desk = Desk(source(modify_method="POST"))
    plan = desk.plan(update, Updated(definitions=definitions(NEW), id=FEED))
    with pytest.raises(SourceError, match="405"):
        desk.carry_out(plan)
    assert [request.method for request in desk.sent] == ["GET", "POST"]


@pytest.mark.parametrize("command", [update, apply, delete])
def test_what_was_changed_since_the_plan_was_shown_is_left_alone(command: Any) -> None:
    desk = Desk()
    asked = Named(ids=(FEED,)) if command is delete else defined(f"{NEW[:-1]}, id: {FEED}}}")
    plan = desk.plan(command, Updated(definitions=asked.definitions) if command is update else asked)
    meanwhile = desk.plan(update, Updated(definitions=definitions(f"{NEW[:-1]}, description: theirs}}"), id=FEED))
    desk.carry_out(meanwhile)
    desk.sent.clear()

    with pytest.raises(ReadError, match="the scenario was changed meanwhile; nothing was done to it"):
        desk.carry_out(plan)

    assert [request.method for request in desk.sent] == ["GET"]


# delete


def test_delete_looks_before_it_asks() -> None:
    desk = Desk()
    plan = desk.plan(delete, Named(ids=("orders", PORT, ORDERS)))
    assert summaries(plan) == [
        f"delete orders ({ORDERS}), a scenario of the type API",
        f"delete port ({PORT}), a scenario of the type TCP",
    ]
    assert desk.carry_out(plan) == [f"deleted orders ({ORDERS})", f"deleted port ({PORT})"]
    assert [request.method for request in desk.sent] == ["GET", "DELETE"] * 2
    desk.sent.clear()
    assert "SCENARIO NOT FOUND" in desk.plan(get, Shown(ids=(ORDERS,))).problems[0]


def test_delete_of_what_is_not_there_is_a_problem() -> None:
    plan = Desk().plan(delete, Named(ids=(FRONT, UNKNOWN_SCENARIO)))
    assert len(plan.changes) == 1
    assert "SCENARIO NOT FOUND" in plan.problems[0]
