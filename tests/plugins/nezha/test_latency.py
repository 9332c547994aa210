"""The monitor history: one request for each server, two parallel lists, times cut to the minute."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import Sample
from plugins.nezha.documented import (
    ENTRY,
    HISTORY,
    LIST,
    MONITOR,
    NEVER,
    NOW,
    REPORTED,
    Vendor,
    metric,
    only,
    samples,
    success,
)

LABELS = {"host": "Server1", "id": "1", "monitor": "gateway"}
#: The minute of the last measurement.
LAST = REPORTED // 60 * 60


def history(*points: tuple[float, Any], **more: Any) -> dict[str, Any]:
    """A history with measurements so many seconds before the last minute."""
    times = [int((LAST - back) * 1000) for back, _ in points]
    return {**HISTORY, "created_at": times, "avg_delay": [delay for _, delay in points], **more}


def latency(name: str, *rows: Any, at: float = NOW, **query: Any) -> list[Sample]:
    return samples(name, {LIST: success(ENTRY), MONITOR: success(*rows)}, at=at, **query)


@pytest.mark.parametrize(
    ("name", "value", "at"),
    [("latency_avg", 0.03025, LAST), ("latency_last", 0.04, LAST), ("latency_gap", NOW - LAST, NOW)],
)
def test_a_history_is_one_figure_in_seconds(name: str, value: float, at: float) -> None:
    found = only(latency(name, HISTORY))
    assert (found.value, found.labels, found.at) == (pytest.approx(value), LABELS, at)


@pytest.mark.parametrize("name", ["latency_avg", "latency_last", "latency_gap"])
def test_the_order_of_measurements_does_not_matter(name: str) -> None:
    points = [(1800, 20), (900, 30), (0, 70)]
    assert latency(name, history(*points)) == latency(name, history(*points[::-1]))


@pytest.mark.parametrize(
    ("window", "average"),
    [(600.0, 0.07), (1000.0, 0.0525), (3600.0, 0.125 / 3), (86400.0, 0.0325)],
)
def test_the_average_is_of_the_window(window: float, average: float) -> None:
    row = history((80000, 5), (1800, 20), (900, 35), (0, 70))
    assert only(latency("latency_avg", row, window=window)).value == pytest.approx(average)


@pytest.mark.parametrize("name", ["latency_avg", "latency_last"])
def test_an_old_measurement_is_no_latency_of_now(name: str) -> None:
    found = only(latency(name, history((7200, 20))))
    assert found == Sample.missing("the last measurement is 2 h old, none is of the last 60 min", **LABELS)  # type: ignore[arg-type]


def test_the_gap_tells_how_old_it_is() -> None:
    assert only(latency("latency_gap", history((7200, 20)))).value == NOW - LAST + 7200


def test_a_gap_is_never_below_zero() -> None:
    assert only(latency("latency_gap", HISTORY, at=LAST - 30.0)).value == 0


@pytest.mark.parametrize("name", ["latency_avg", "latency_last", "latency_gap"])
@pytest.mark.parametrize("result", [None, []], ids=["null", "empty"])
def test_a_server_that_no_monitor_measures_is_missing(name: str, result: Any) -> None:
    answer = {"code": 0, "message": "success", "result": result}
    found = only(samples(name, {LIST: success(ENTRY), MONITOR: answer}))
    assert found == Sample.missing("no monitor measured it in the last 24 hours", host="Server1", id="1")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {**HISTORY, "avg_delay": [1.0]},
            "its times and delays should be two lists of one length: a list of 3, a list",
        ),
        ({**HISTORY, "avg_delay": None}, "two lists of one length: a list of 3, null"),
        ({**HISTORY, "created_at": "x"}, "two lists of one length: text: x, a list of 3"),
        (history(), "it has no measurement"),
        (history((0, None)), "avg_delay should be a number, but is null"),
        (history((0, "20")), "avg_delay should be a number, but is text: 20"),
        (history((0, True)), "avg_delay should be a number, but is true"),
        (history((0, -1)), "avg_delay is -1, below zero"),
        (history((0, float("nan"))), "avg_delay should be a number, but is null"),
        ({**HISTORY, "created_at": [None] * 3}, "created_at should be a number, but is null"),
        ({**HISTORY, "created_at": [1 << 2000] * 3}, "created_at should be a number, but is a number of 2001 bits"),
        (history((-7300, 20)), "clock skew: a measurement lies 2 h in the future; set the clocks, or raise skew"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
@pytest.mark.parametrize("name", ["latency_avg", "latency_last", "latency_gap"])
def test_a_history_that_is_none_is_missing(name: str, row: Any, reason: str) -> None:
    found = only(latency(name, row))
    assert found.is_missing
    assert found.labels == LABELS
    assert reason in found.reason


@pytest.mark.parametrize("row", [None, 5, [HISTORY], "gateway"], ids=str)
def test_a_monitor_that_is_no_object_is_missing(row: Any) -> None:
    found = only(latency("latency_avg", row))
    assert found.labels == {**LABELS, "monitor": "(no name)"}
    assert found.reason.startswith("a monitor should be an object, but is ")


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([("gateway", 1), ("shop", 2)], ["gateway", "shop"]),
        ([("gateway", 1), ("gateway", 2)], ["gateway (id 1)", "gateway (id 2)"]),
        ([("", 1), (" ", 2)], ["monitor 1", "monitor 2"]),
        ([(None, 1), (5, None)], ["monitor 1", "(no name)"]),
        ([("two\nlines", 1)], ["two lines"]),
    ],
)
def test_monitors_are_told_apart(rows: list[tuple[Any, Any]], names: list[str]) -> None:
    histories = [{**HISTORY, "monitor_name": name, "monitor_id": number} for name, number in rows]
    assert [sample.labels["monitor"] for sample in latency("latency_avg", *histories)] == names


def test_a_server_that_fails_leaves_the_others() -> None:
    other = {**ENTRY, "id": 2, "name": "Server2"}
    vendor = Vendor({LIST: success(ENTRY, other), MONITOR: 503, "/api/v1/monitor/2": success(HISTORY)})
    failed, good = samples("latency_avg", vendor)
    assert failed.is_missing
    assert failed.labels == {"host": "Server1", "id": "1"}
    assert failed.reason.startswith("read: HTTP 503 from ")
    assert good.value == pytest.approx(0.03025)


# A target that is not reached has a delay of 0, which is the best there is to who believes it.


@pytest.mark.parametrize(
    ("delays", "average", "last"),
    [
        ([0, 0, 0, 0], "4 of its 4 measurements of the last 60 min reached nothing: delay 0", 0),
        ([0, 0, 0, 400], "3 of its 4 measurements of the last 60 min reached nothing: delay 0", 0.4),
        ([20, 0.0, 30, 40], "1 of its 4 measurements of the last 60 min reached nothing: delay 0", 0.04),
        ([20, 30, 40, 0], "1 of its 4 measurements of the last 60 min reached nothing: delay 0", 0),
        ([20, 30, 40, -0.0], "1 of its 4 measurements of the last 60 min reached nothing: delay 0", 0),
    ],
    ids=str,
)
def test_what_is_not_reached_has_no_latency(delays: list[float], average: str, last: float) -> None:
    row = history(*zip((2700, 1800, 900, 0), delays, strict=True))
    assert only(latency("latency_avg", row)) == Sample.missing(average, **LABELS)  # type: ignore[arg-type]
    found = only(latency("latency_last", row))
    assert (found.value, found.reason) == (
        (last, "") if last else (None, "its last measurement reached nothing: delay 0")
    )
    assert only(latency("latency_gap", row)).value == NOW - LAST


def test_what_was_not_reached_before_the_window_does_not_count() -> None:
    assert only(latency("latency_avg", history((1800, 0), (0, 40)), window=900.0)).value == 0.04


def test_of_several_measurements_in_the_last_minute_none_may_have_failed() -> None:
    assert [only(latency("latency_last", history((0, a), (0, b)))).is_missing for a, b in ((0, 5), (5, 0))] == [
        True
    ] * 2


# A server that is silent measures nothing any more.


@pytest.mark.parametrize("name", ["latency_avg", "latency_last"])
@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        (int(NOW) - 3000, "its last report is 50 min old, so its figures are too"),
        (NEVER, "never reported since the dashboard started"),
        (None, "its last_active should be epoch seconds, but is null"),
    ],
)
def test_a_server_that_is_silent_has_no_latency(name: str, stamp: Any, reason: str) -> None:
    answers = {LIST: success({**ENTRY, "last_active": stamp}, {**ENTRY, "id": 2}), MONITOR: success(HISTORY)}
    found = [one for one in samples(name, answers) if one.labels["id"] == "1"]
    assert found == [Sample.missing(reason, host="Server1 (id 1)", id="1", monitor="gateway")]
    gap = next(one for one in samples("latency_gap", answers) if one.labels["id"] == "1")
    assert gap.value == NOW - LAST


@pytest.mark.parametrize(
    ("query", "fresh"), [({}, False), ({"stale_after": 30.0}, False), ({"stale_after": 600.0}, True)]
)
def test_how_old_its_report_may_be_is_configured(query: dict[str, float], fresh: bool) -> None:
    answers = {LIST: success({**ENTRY, "last_active": int(NOW) - 300}), MONITOR: success(HISTORY)}
    assert only(samples("latency_avg", answers, **query)).is_missing is not fresh


def test_an_old_measurement_counts_only_if_a_rule_says_so() -> None:
    limits = {name: metric(name).max_age_s for name in ("latency_avg", "latency_last", "latency_gap")}
    assert limits == {"latency_avg": 1800.0, "latency_last": 1800.0, "latency_gap": None}


def test_clocks_that_disagree_date_no_measurement() -> None:
    vendor = Vendor({LIST: success(ENTRY)}, headers={"date": "Fri, 20 May 2022 02:50:50 GMT"})
    found = only(samples("latency_gap", vendor, at=REPORTED + 7300))
    assert found.reason.startswith("the dashboard's clock is 2 h behind the one here")
