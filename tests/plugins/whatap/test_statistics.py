"""The time series: only whole rows of the window count, and the age of the newest row."""

from typing import Any

import pytest

from checkmill.api.v1 import Sample
from plugins.whatap.documented import ROW, metric, only, samples

#: The end of a five-minute row.
END = 1572342000
LABELS = {"host": "a", "id": "-5", "project": "P"}
SERVERS = {"/open/json/sm_servers": {"pname": "P", "values": [{"oid": -5, "oname": "a", "isActive": True}]}}


def _series(*rows: object, oid: object = "-5") -> dict[str, Any]:
    return {**SERVERS, "/open/json/stat/sm_stat": {"servers": [{"oid": oid, "timeData": list(rows)}]}}


def _row(begins: float, cpu: object, **more: object) -> dict[str, object]:
    return {**ROW, "time": begins * 1000, "cpu": cpu, **more}


def test_the_last_whole_row_counts_and_the_partial_one_does_not() -> None:
    rows = [_row(END - 600, 10.0), _row(END - 300, 20.0), _row(END, 99.0)]
    found = only(samples("cpu_avg", _series(*rows), at=END + 100.0))
    assert found == Sample(20.0, at=END, **LABELS)


@pytest.mark.parametrize(
    ("name", "value"), [("cpu_avg", 20.0), ("cpu_min", 5.0), ("cpu_max", 40.0), ("memory_avg", 47.6)]
)
def test_rows_of_the_window_are_combined(name: str, value: float) -> None:
    rows = [_row(END - 300, 5.0), _row(END - 1200, 99.0), _row(END - 600, 40.0), _row(END - 900, 15.0)]
    found = only(samples(name, _series(*rows), at=END + 1.0, window=900.0))
    assert (found.value, found.at) == (value, END)


def test_short_windows_are_of_five_second_rows() -> None:
    rows = [_row(END - 5 * n, float(n)) for n in range(8)]
    found = only(samples("cpu_avg", _series(*rows), at=END + 4.9, window=20.0))
    assert (found.value, found.at) == (2.5, END)


@pytest.mark.parametrize(
    ("after", "value"), [(0.0, 20.0), (59.9, 20.0), (60.0, None), (299.0, None)], ids=["0 s", "59.9 s", "60 s", "299 s"]
)
def test_a_row_not_yet_written_is_waited_for_a_minute(after: float, value: float | None) -> None:
    found = only(samples("cpu_avg", _series(_row(END - 600, 20.0)), at=END + after))
    assert found.value == value
    assert found.labels == LABELS


def test_a_row_that_ends_now_is_whole() -> None:
    assert only(samples("cpu_avg", _series(_row(END - 300, 20.0)), at=float(END))).value == 20.0


@pytest.mark.parametrize("rows", [[], [_row(END - 3600, 20.0)], [_row(END, 20.0)], [_row(END + 900, 20.0)]])
def test_a_server_without_a_whole_row_is_missing(rows: list[object]) -> None:
    found = only(samples("cpu_avg", _series(*rows), at=END + 100.0))
    assert found.is_missing
    assert "no whole 300 s row in the last 300 s" in found.reason
    assert found.labels == LABELS


def test_a_listed_server_that_sends_no_series_is_missing() -> None:
    rows = [{"oid": -5, "oname": "a", "isActive": True}, {"oid": 6, "oname": "b", "isActive": False}]
    answers = {**_series(_row(END - 300, 20.0)), "/open/json/sm_servers": {"pname": "P", "values": rows}}
    found = samples("cpu_avg", answers, at=END + 1.0)
    assert found[0].value == 20.0
    assert found[1].is_missing
    assert "inactive" in found[1].reason
    assert found[1].labels == {"host": "b", "id": "6", "project": "P"}


def test_a_series_of_an_unlisted_server_is_called_by_its_id() -> None:
    found = samples("cpu_avg", _series(_row(END - 300, 20.0), oid=77), at=END + 1.0)
    assert found[0].is_missing
    assert found[1] == Sample(20.0, at=END, host="77", id="77", project="P")


@pytest.mark.parametrize(
    "rows",
    [
        [_row(END - 300, "x")],
        [_row(END - 300, None)],
        [_row(END - 300, True)],
        [_row(END - 300, -3)],
        [_row(END - 300, 1.0), None],
        [_row(END - 300, 1.0), {"cpu": 5.0}],
        [_row(END - 300, 1.0), {"time": "noon", "cpu": 5.0}],
        [_row(END - 300, 1.0), 7],
    ],
)
def test_broken_rows_make_their_server_missing(rows: list[object]) -> None:
    found = only(samples("cpu_avg", _series(*rows), at=END + 1.0))
    assert found.is_missing
    assert found.labels == LABELS


def test_rows_without_the_figure_are_passed_over() -> None:
    found = only(samples("cpu_avg", _series(_row(END - 300, 8.0), _row(END - 600, None)), at=END + 1.0, window=600.0))
    assert found.value == 8.0


@pytest.mark.parametrize("entry", [None, 5, {}, {"oid": "x", "timeData": []}])
def test_a_series_of_nobody_is_missing_for_the_project(entry: object) -> None:
    answers = {**SERVERS, "/open/json/stat/sm_stat": {"servers": [entry]}}
    found = samples("cpu_avg", answers, at=END + 1.0)
    assert all(sample.is_missing for sample in found)
    assert found[0].labels == {"project": "P"}


@pytest.mark.parametrize("data", [None, {}, "x", 5])
def test_a_series_without_rows_is_missing(data: object) -> None:
    answers = {**SERVERS, "/open/json/stat/sm_stat": {"servers": [{"oid": "-5", "timeData": data}]}}
    assert only(samples("cpu_avg", answers, at=END + 1.0)).is_missing


def test_huge_values_never_become_infinite() -> None:
    rows = [_row(END - 300, 1.7e308), _row(END - 600, 1.7e308)]
    assert only(samples("cpu_avg", _series(*rows), at=END + 1.0, window=600.0)).is_missing


@pytest.mark.parametrize(
    ("begins", "age"), [(END - 300, 310.0), (END, 10.0), (END - 3000, 3010.0), (END + 40, 0.0), (END + 4000, None)]
)
def test_data_age_is_that_of_the_newest_row(begins: int, age: float | None) -> None:
    found = only(samples("data_age", _series(_row(END - 3300, 1.0), _row(begins, 1.0)), at=END + 10.0))
    assert found.value == age


def test_data_age_without_rows_is_missing() -> None:
    found = only(samples("data_age", _series(), at=END + 10.0))
    assert found.reason == "no row in the last 3600 s"
    assert metric("data_age").unit == "s"
