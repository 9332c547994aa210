"""Whatever comes: a refusal, another status or any JSON ends in a true sentence or in missing samples, never in OK."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import ConfigurationError, LoginError, ParseError, RateLimitError, ReadError, Sample, SourceError
from checkmill_nhn_watcher.metrics import WATCHER
from checkmill_nhn_watcher.records import RESULTS
from plugins.nhn_watcher.documented import (
    ANSWERS,
    DETAIL,
    EVENTS,
    HEADER,
    HISTORY,
    PERSONAL,
    SEARCH,
    Vendor,
    alarm,
    alarms,
    plan,
    reason,
    record,
    records,
    samples,
)
from support.replacing import replaced

OK_HEADER = {"isSuccessful": True, "resultCode": 0, "resultMessage": ""}


def headed(**header: Any) -> Any:
    return {**alarms(alarm()), "header": {**OK_HEADER, **header}}


@pytest.mark.parametrize("message", ["", "SUCCESS", "ok", None, 5])
def test_a_success_needs_no_message(message: Any) -> None:
    (sample,) = samples("alarms", {SEARCH: headed(resultMessage=message)})
    assert sample.value == 1


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            headed(isSuccessful=False, resultCode=-40101, resultMessage="invalid key"),
            ReadError,
            "read: Resource Watcher refused with resultCode -40101: invalid key",
        ),
        (
            headed(isSuccessful=False, resultCode=0, resultMessage=""),
            ReadError,
            "read: Resource Watcher refused with resultCode 0: no reason given",
        ),
        (
            headed(isSuccessful=False, resultCode=None, resultMessage=["x"]),
            ReadError,
            "read: Resource Watcher refused: no reason given",
        ),
        (
            headed(resultCode=1 << 99),
            ReadError,
            (
                "read: Resource Watcher refused with resultCode a number of 100 bits: no reason given "
                "(although isSuccessful is true)"
            ),
        ),
        (headed(isSuccessful="true"), ParseError, "parse: header.isSuccessful should be true or false, but is text"),
        (headed(isSuccessful=1), ParseError, "parse: header.isSuccessful should be true or false, but is 1"),
        (headed(isSuccessful=None), ParseError, "parse: header.isSuccessful should be true or false, but is absent"),
        (headed(resultCode="0"), ParseError, "parse: header.resultCode should be a whole number, but is text"),
        (headed(resultCode=False), ParseError, "parse: header.resultCode should be a whole number, but is false"),
        (headed(resultCode=0.0), ParseError, "parse: header.resultCode should be a whole number, but is 0.0"),
        (headed(resultCode=None), ParseError, "parse: header.resultCode should be a whole number, but is absent"),
        (
            {"alarms": [], "totalItems": 0},
            ParseError,
            "parse: the answer has no header, which alone tells whether it is a success",
        ),
        (
            {"header": [], "alarms": []},
            ParseError,
            "parse: the answer has no header, which alone tells whether it is a success",
        ),
        ([], ParseError, "parse: the answer should be an object with a header, but is a list of 0"),
        (None, ParseError, "parse: the answer should be an object with a header, but is absent"),
        ({"header": HEADER}, ParseError, "parse: alarms should be a list, but is absent"),
        (
            {"header": HEADER, "body": {"alarms": [], "totalItems": 0}},
            ParseError,
            "parse: alarms should be a list, but is absent",
        ),
        (alarms() | {"alarms": {}}, ParseError, "parse: alarms should be a list, but is an object"),
        (alarms() | {"totalItems": None}, ParseError, "parse: totalItems should be a number of items, but is absent"),
        (alarms() | {"totalItems": "0"}, ParseError, "parse: totalItems should be a number of items, but is text"),
        (alarms() | {"totalItems": True}, ParseError, "parse: totalItems should be a number of items, but is true"),
        (alarms() | {"totalItems": -1}, ParseError, "parse: totalItems should be a number of items, but is -1"),
        (alarms() | {"totalItems": 0.5}, ParseError, "parse: totalItems should be a number of items, but is 0.5"),
        (b"", ParseError, "parse: the answer is empty (HTTP 200)"),
        (b"<html>", ParseError, "parse: the answer is HTML or XML, not JSON (HTTP 200; a login page?)"),
        (b'{"header": NaN}', ParseError, "parse: the answer has no header, which alone tells whether it is a success"),
    ],
)
@pytest.mark.parametrize("name", ["alarms", "alarm_status", "notifications", "recipients", "expected_alarm"])
def test_an_answer_that_is_no_success_is_a_failure_with_a_true_sentence(
    name: str, answer: Any, kind: type[SourceError], said: str
) -> None:
    query = {"alarm": "deploys"} if name == "expected_alarm" else {}
    vendor = Vendor({SEARCH: lambda _: answer} if isinstance(answer, list) else {SEARCH: answer})
    with pytest.raises(kind) as failed:
        samples(name, vendor, **query)
    assert failed.value.sentence == said


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, LoginError), (403, LoginError), (429, RateLimitError), (500, ReadError), (302, ReadError)],
)
@pytest.mark.parametrize("call", [SEARCH, HISTORY])
def test_other_statuses_are_failures_as_well(call: str, status: int, kind: type[SourceError]) -> None:
    with pytest.raises(kind, match=str(status)):
        samples("notifications", {call: status})


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no\nsuch\x00 key |;", "no such key |;"),
        ("user hana.lee@personal.example from 203.0.113.77", "user (e-mail) from (address)"),
        ("from 2001:db8:0:0:0:0:0:7", "from (address)"),
        ("x" * 500, "x" * 157 + "..."),
        ("\ud800", "no reason given"),
        (
            f"member {PERSONAL[0]} (Hana Lee, hana.lee) lacks role",
            "member (id) lacks role",
        ),
        (f"member {PERSONAL[0].upper()}[Hana]{{Lee}} lacks role", "member (id) lacks role"),
        (f"member {PERSONAL[0].replace('-', '')} lacks role", "member (id) lacks role"),
        ("refused ((Hana) Lee) by role", "refused by role"),
        ("refused \uff08이하나\uff09by role", "refused by role"),
        ("refused (Hana Lee", "refused"),
        ("(Hana Lee)", "no reason given"),
        ("refused) by role 1234-5678", "refused by role 1234-5678"),
        ("the appkey aPPkey0000000042 is unknown", "the appkey *** is unknown"),
    ],
)
def test_what_the_vendor_says_is_one_short_line_without_people_and_secrets(message: str, shown: str) -> None:
    with pytest.raises(ReadError) as failed:
        samples("alarms", {SEARCH: headed(isSuccessful=False, resultCode=5, resultMessage=message)})
    assert str(failed.value) == f"Resource Watcher refused with resultCode 5: {shown}"


@pytest.mark.parametrize("name", ["line\nbreak", "a|b;c='d'", '"quoted"', "\u202ereversed", "'; DROP TABLE alarms"])
def test_an_odd_name_is_a_label_like_any_other(name: str) -> None:
    (sample,) = samples("alarm_status", {SEARCH: alarms(alarm("al-1", name))})
    assert sample.labels["alarm"] == name


def test_half_a_character_becomes_one_that_can_be_written() -> None:
    (sample,) = samples("alarm_status", {SEARCH: alarms(alarm("al-1", "a\ud800"))})
    assert sample.labels["alarm"].encode() == b"a?"


TEXT = st.sampled_from(["", "x", "al-1", "ah-1", "SUCCESS", "STABLE", "2026-11-21T11:59:00", *PERSONAL[:4], "\ud800"])
NUMBERS = st.sampled_from([0, -1, 1, 0.5, 1e308, 1 << 62, 1 << 1030, float("nan")])
KEYS = st.sampled_from(
    [
        "header",
        "alarms",
        "alarmHistories",
        "events",
        "totalItems",
        "alarmId",
        "alarm",
        "event",
        "resource",
        "alarmTargets",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
CASES = sorted(
    (one.name, call)
    for one in WATCHER.metrics
    for call in {
        "recipients": [SEARCH, DETAIL],
        "event_kinds": [EVENTS],
        "alarms": [SEARCH],
        "alarm_status": [SEARCH],
        "alarm_change_age": [SEARCH],
        "alarms_by_status": [SEARCH],
        "expected_alarm": [SEARCH],
    }.get(one.name, [SEARCH, HISTORY])
)
QUERIES: dict[str, dict[str, Any]] = {"expected_alarm": {"alarm": "deploys"}, "unexpected_events": {"user": "x"}}


def test_every_metric_is_tried() -> None:
    assert {name for name, _ in CASES} == {one.name for one in WATCHER.metrics}


def mutated(name: str) -> st.SearchStrategy[bytes]:
    """A documented answer with up to three places replaced by arbitrary JSON."""
    return replaced(ANSWERS[name], JSON)


@pytest.mark.parametrize(("name", "call"), CASES)
def test_any_answer_gives_samples_or_a_source_error(name: str, call: str) -> None:
    @settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(body=mutated(call))
    def check(body: bytes) -> None:
        found: list[Sample] = []
        with contextlib.suppress(ParseError, ReadError, ConfigurationError):
            found = samples(name, {call: body}, **QUERIES.get(name, {}))
        for sample in found:
            _hold(name, sample)

    check()


def _hold(name: str, sample: Sample) -> None:
    declared = WATCHER.metric(name)
    assert declared is not None
    assert set(sample.labels) <= set(declared.labels)
    assert all(isinstance(value, str) and value.encode() is not None for value in sample.labels.values())
    if sample.is_missing:
        assert sample.reason
        assert "@" not in sample.reason
    elif declared.states is not None:
        assert sample.value in declared.states
    else:
        assert isinstance(sample.value, int | float)
        assert not isinstance(sample.value, bool)
        assert math.isfinite(sample.value)
        assert sample.value >= 0


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.sampled_from([*RESULTS, "", "PARTIAL", None]), max_size=6), st.lists(st.integers(0, 7200), max_size=6)
)
def test_a_failure_in_the_window_is_never_lost(results: list[Any], ages: list[int]) -> None:
    rows = [
        {**record(str(number), age), "alarmSendResultTypeCode": result}
        for number, (result, age) in enumerate(zip(results, ages, strict=False))
    ]
    inside = [row["alarmSendResultTypeCode"] for row, age in zip(rows, ages, strict=False) if age <= 3600]
    (sample,) = samples("failed_notifications", {HISTORY: records(*rows)})
    if set(inside) <= set(RESULTS):
        assert sample.value == inside.count("FAILURE")
    else:
        assert sample.is_missing


@pytest.mark.parametrize(
    ("name", "call", "arguments"),
    [
        ("list", SEARCH, {}),
        ("get", DETAIL, {"id": "al-1"}),
        ("history", HISTORY, {"alarm": "al-1"}),
        ("history", "GET /alarms/al-1/alarm-history/ah-1", {"alarm": "al-1", "record": "ah-1"}),
        ("events", EVENTS, {}),
        ("delete", DETAIL, {"ids": ("al-1",)}),
    ],
)
def test_commands_bear_any_answer(name: str, call: str, arguments: Any) -> None:
    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(body=mutated(call))
    def check(body: bytes) -> None:
        with contextlib.suppress(ParseError, ReadError, ConfigurationError):
            found = plan(name, {call: body}, **arguments)
            json.dumps(found.data, ensure_ascii=False).encode()
            assert found.data is not None or found.problems or found.changes or found.nothing

    check()


def test_a_record_that_names_itself_otherwise_is_not_counted_as_one() -> None:
    assert "no id" in reason(samples("notifications", {HISTORY: records({**record(), "alarmHistoryId": ""})}))
