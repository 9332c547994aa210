"""Shares of time, durations, and what did not come: numbers that are right, or missing with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import Sample
from checkmill_checkmk.metrics import CHECKMK
from checkmill_checkmk.results import ABSENT
from plugins.checkmk.documented import (
    SEED,
    computation,
    labels,
    of_one,
    only,
    result,
    samples,
    span,
)

SEED_ANSWER = "{'result_code': 0, 'result': " + SEED + "}"
BOTH = {"period": "sla:0:1", "open": "judge"}


def _shares(name: str, *answers: Any, **query: Any) -> dict[str, Any]:
    return {one.labels.get("state", ""): one.value for one in samples(name, *answers, **query)}


def test_the_shares_of_the_documented_answer() -> None:
    found = samples("sla_state_percentage", SEED_ANSWER, **BOTH)
    by_period: dict[str, dict[str, Any]] = {}
    for one in found:
        by_period.setdefault(one.labels["period"], {})[one.labels["state"]] = one.value
    nothing = {"ok": 0.0, "warn": 0.0, "crit": 0.0, "unknown": 0.0}
    assert by_period["sla:1"] == {**nothing, "unmonitored": 100.0}
    assert by_period["sla:0"] == pytest.approx({**nothing, "ok": 2.720291618, "unmonitored": 97.279708382})
    seconds = {one.labels["state"]: one.value for one in samples("sla_state_seconds", SEED_ANSWER, **BOTH)[:5]}
    assert seconds == {**nothing, "ok": 10776.0, "unmonitored": 385358.0}
    assert [one.value for one in samples("sla_period_elapsed", SEED_ANSWER, **BOTH)] == [396134.0, 604800.0]


def test_shares_of_monitored_time_leave_out_what_was_not_monitored() -> None:
    found = samples("sla_state_percentage_monitored", SEED_ANSWER, **BOTH)
    assert {one.labels["state"]: one.value for one in found if not one.is_missing} == {
        "ok": 100.0,
        "warn": 0.0,
        "crit": 0.0,
        "unknown": 0.0,
    }
    assert [one for one in found if one.is_missing] == [
        Sample.missing("nothing of the period was monitored", **labels())
    ]


@pytest.mark.parametrize(
    ("percentage", "all_time", "monitored"),
    [
        ({0: 100.0}, {"ok": 100.0}, {"ok": 100.0}),
        ({0: 45, 1: 5, -1: 50}, {"ok": 45.0, "warn": 5.0, "unmonitored": 50.0}, {"ok": 90.0, "warn": 10.0}),
        ({2: 60.0, 3: 40.0}, {"crit": 60.0, "unknown": 40.0}, {"crit": 60.0, "unknown": 40.0}),
        ({"0": 50.0, "-1": 50.0}, {"ok": 50.0, "unmonitored": 50.0}, {"ok": 100.0}),
        ({0: 100.00000001}, {"ok": 100.0}, {"ok": 100.0}),
        ({0: 100.0, 7: 0}, {"ok": 100.0}, {"ok": 100.0}),
    ],
)
def test_a_state_that_did_not_occur_is_none_of_the_time(
    percentage: Any, all_time: dict[str, float], monitored: dict[str, float]
) -> None:
    answer = of_one(result(computation(span(percentage=percentage))))
    none = dict.fromkeys(("ok", "warn", "crit", "unknown"), 0.0)
    assert _shares("sla_state_percentage", answer) == {**none, "unmonitored": 0.0, **all_time}
    assert _shares("sla_state_percentage_monitored", answer) == {**none, **monitored}


@pytest.mark.parametrize(
    ("percentage", "reason"),
    [
        ({}, "its percentages come to 0, not to 100"),
        ({0: 50.0}, "its percentages come to 50, not to 100"),
        ({0: 99.9, 7: 0.1}, "its percentages hold a state that is not known"),
        ({0: 100.0, 7: 40.0}, "its percentages hold a state that is not known"),
        ({0: 99.51}, "its percentages come to 99.51, not to 100"),
        ({0: 50.0, "0": 50.0}, "its percentages hold one state twice"),
        ({0: 150.0, 2: -50.0}, "its percentages hold what is no amount"),
        ({0: 100.2}, "its percentages come to 100.2, not to 100"),
        ({0: 10**17}, "its percentages come to 1e+17, not to 100"),
        ({0: "100"}, "its percentages hold what is no amount"),
        ({0: True}, "its percentages hold what is no amount"),
        ({0: None}, "its percentages hold what is no amount"),
        ({True: 100.0}, "its percentages hold a state that is not known"),
        ([100.0], "its percentages should be a dictionary, but are a list of 1"),
        ("100", "its percentages should be a dictionary, but are text"),
    ],
)
def test_shares_that_make_no_whole_are_missing(percentage: Any, reason: str) -> None:
    statistics = {"percentage": percentage, "duration": {0: 1.0}}
    answer = of_one(result(computation(span(statistics=statistics))))
    for name in ("sla_state_percentage", "sla_state_percentage_monitored"):
        assert only(samples(name, answer)) == Sample.missing(reason, **labels())


@pytest.mark.parametrize("statistics", [None, {}, [], "x"])
def test_a_period_without_statistics_has_no_shares(statistics: Any) -> None:
    answer = of_one(result(computation(span(statistics=statistics))))
    assert only(samples("sla_state_percentage", answer)).reason == "it came without percentages"
    assert only(samples("sla_state_seconds", answer)).reason == "it came without durations"
    assert only(samples("sla_broken", answer)).value == "fulfilled"


@pytest.mark.parametrize(
    ("durations", "reason"),
    [
        ({}, "its durations come to 0 s, not to the 604800 s that it covers"),
        ({0: 10.0}, "its durations come to 10 s, not to the 604800 s that it covers"),
        ({0: 10.0, 7: 604790.0}, "its durations hold a state that is not known"),
        ({0: 604800.0, "0": 1.0}, "its durations hold one state twice"),
    ],
)
def test_durations_that_do_not_come_to_the_whole_are_missing(durations: Any, reason: str) -> None:
    statistics = {"percentage": {0: 100.0}, "duration": durations}
    assert only(samples("sla_state_seconds", of_one(result(computation(span(statistics=statistics)))))).reason == reason


def test_durations_may_miss_the_whole_by_a_second() -> None:
    answer = of_one(result(computation(span(statistics={"percentage": {0: 100.0}, "duration": {0: 604799.5}}))))
    assert _shares("sla_state_seconds", answer)["ok"] == 604799.5


def test_computations_that_agree_give_their_shares_once() -> None:
    counted = computation(span(statistics=None), plugin_id="service_outage_count")
    assert len(samples("sla_state_percentage", of_one(result(computation(), computation(), counted)))) == 5


def test_computations_that_differ_are_told_apart() -> None:
    answer = of_one(result(computation(), computation(span(percentage={0: 100.0}))))
    found = [one for one in samples("sla_state_percentage", answer) if one.labels["state"] == "ok"]
    assert [(one.labels["computation"], one.value) for one in found] == [("1", 99.5), ("2", 100.0)]


def test_one_computation_without_usable_shares_leaves_none() -> None:
    answer = of_one(result(computation(), computation(span(percentage={0: 5.0}))))
    assert only(samples("sla_state_percentage", answer)).reason == "its percentages come to 5, not to 100"


@pytest.mark.parametrize(
    ("duration", "value"), [(5, 5.0), (0, 0.0), (-1, None), (None, None), (True, None), ("5", None), (1e12, None)]
)
def test_a_duration_is_an_amount_of_seconds(duration: Any, value: float | None) -> None:
    assert only(samples("sla_period_elapsed", of_one(result(computation(span(duration=duration)))))).value == value


def test_the_time_that_the_site_took_is_that_of_all_requests() -> None:
    assert samples("sla_query_time", of_one()) == [Sample(2.5)]
    assert samples("sla_query_time", of_one(), period=("sla:1:0", "sla:2:0")) == [Sample(5.0)]


COUNTS = {"sla_results_missing", "sla_query_time"}


@pytest.mark.parametrize("name", sorted({one.name for one in CHECKMK.metrics} - COUNTS))
def test_what_did_not_come_is_missing_from_every_metric(name: str) -> None:
    assert only(samples(name, {})).reason == ABSENT
