"""The default body: valid JSON whatever the texts, and what a JSONPath rule in the console can be written against."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from checkmill.api.v1 import State
from checkmill.model.result import Result, result_as_json
from checkmill_nhn_monitoring.reporting import DEFAULT_BODY, NHN_BATCHMON

TEMPLATE = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(DEFAULT_BODY)
WHEN = "2026-01-02T03:04:05+09:00"


def rendered(*results: Result, output: str = "all well") -> str:
    services = [result_as_json(result, WHEN) for result in results]
    worst = max((result.state for result in results), key=lambda state: state.badness, default=State.UNKNOWN)
    return TEMPLATE.render(
        state=worst.value,
        exit_code=worst.exit_code,
        output=output,
        checked_at=WHEN,
        services=services,
        counts={state.value: sum(result.state is state for result in results) for state in State},
        target={"scenario": "b00699c0"},
    )


def a_result(**changes: Any) -> Result:
    parts: dict[str, Any] = {"check": "shop-cpu", "service": "cpu web-1", "state": State.OK, "output": "12%"}
    return Result(**{**parts, **changes})


def test_the_reporter_offers_this_body() -> None:
    assert NHN_BATCHMON.body == DEFAULT_BODY
    assert NHN_BATCHMON.content == "json object"


def test_whole_body() -> None:
    broken = a_result(state=State.CRITICAL, output="web-1 97% above 90%", host="web-1", labels={"mail": "a@b"})
    assert rendered(a_result(), broken, output="1 of 2 services is bad") == (
        '{"state": "CRITICAL", "exit_code": 2, "output": "1 of 2 services is bad", '
        '"checked_at": "2026-01-02T03:04:05+09:00", '
        '"counts": {"CRITICAL": 1, "OK": 1, "UNKNOWN": 0, "WARNING": 0}, "services": ['
        '{"check": "shop-cpu", "service": "cpu web-1", "state": "OK", "output": "12%"}, '
        '{"check": "shop-cpu", "service": "cpu web-1", "state": "CRITICAL", "output": "web-1 97% above 90%"}]}'
    )


@pytest.mark.parametrize("state", list(State))
def test_state_and_exit_code_are_members_of_the_object(state: State) -> None:
    body = json.loads(rendered(a_result(state=state)))
    assert (body["state"], body["exit_code"]) == (state.value, state.exit_code)
    assert body["counts"][state.value] == 1


def test_no_services_are_an_empty_list() -> None:
    assert json.loads(rendered())["services"] == []


@pytest.mark.parametrize(
    "text",
    ['say "no"', "C:\\temp\\", "디스크 가득", "two\nlines\r\t", "</script>{{ x }}{% y %}", "\u2028\x00", "'", ""],
)
def test_hostile_texts_stay_texts(text: str) -> None:
    body = json.loads(rendered(a_result(output=text, service=text, check=text), output=text))
    assert body["output"] == text
    assert body["services"] == [{"check": text, "service": text, "state": "OK", "output": text}]


@settings(deadline=None)
@given(text=st.text())
def test_any_text_comes_through(text: str) -> None:
    assert json.loads(rendered(a_result(output=text), output=text))["output"] == text
