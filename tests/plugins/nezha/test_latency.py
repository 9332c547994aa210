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
    NOW,
    REPORTED,
    Vendor,
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
    [(600.0, 0.07), (1000.0, 0.05), (3600.0, 0.04), (86400.0, 0.03)],
)
def test_the_average_is_of_the_window(window: float, average: float) -> None:
    row = history((80000, 0), (1800, 20), (900, 30), (0, 70))
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


def test_clocks_that_disagree_date_no_measurement() -> None:
    vendor = Vendor({LIST: success(ENTRY)}, headers={"date": "Fri, 20 May 2022 02:50:50 GMT"})
    found = only(samples("latency_gap", vendor, at=REPORTED + 7300))
    assert found.reason.startswith("the dashboard's clock is 2 h behind the one here")
