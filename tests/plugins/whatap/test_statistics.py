"""The time series: only whole rows of the window count, and the age of the newest row."""

from typing import Any

import pytest

from checkmill.api.v1 import Sample
from checkmill_whatap.metrics import WHATAP
from checkmill_whatap.metrics_statistics import span
from plugins.whatap.documented import PCODE, ROW, metric, only, samples

#: The end of a five-minute row.
END = 1572342000
P: dict[str, Any] = {"project": "P", "pcode": PCODE}
LABELS: dict[str, Any] = {"host": "a", "id": "-5", **P}
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
    ("after", "value"),
    [(0.0, 20.0), (59.9, 20.0), (60.0, 20.0), (60.1, None), (299.0, None)],
    ids=["0 s", "59.9 s", "60 s", "60.1 s", "299 s"],
)
def test_a_row_not_yet_written_is_waited_for_a_minute(after: float, value: float | None) -> None:
    found = only(samples("cpu_avg", _series(_row(END - 600, 20.0)), at=END + after))
    assert found.value == value
    assert found.labels == LABELS


def test_a_row_that_ends_now_is_whole() -> None:
    assert only(samples("cpu_avg", _series(_row(END - 300, 20.0)), at=float(END))).value == 20.0


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no whole 5m row in the last 5m"),
        ([_row(END, 20.0)], "no whole 5m row in the last 5m"),
        ([_row(END + 900, 20.0)], "no whole 5m row in the last 5m"),
        ([_row(END - 3600, 20.0)], "its newest row ended 56m 40s ago"),
    ],
    ids=["none", "one that is not over", "one of the future", "an old one"],
)
def test_a_server_without_a_whole_row_is_missing(rows: list[object], reason: str) -> None:
    assert only(samples("cpu_avg", _series(*rows), at=END + 100.0)) == Sample.missing(reason, **LABELS)


#: Half a minute after a row ended, five minutes before which the row before ended.
SOON = END + 30.0


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(3300, 5.0), (3000, 7.0)], "its newest row ended 45m 30s ago"),
        ([(1500, 5.0)], "its newest row ended 20m 30s ago"),
        ([(1500, 5.0), (300, None)], "its newest row with cpu ended 20m 30s ago"),
        ([(900, 5.0), (600, None), (300, None)], "its newest row with cpu ended 10m 30s ago"),
        ([(600, None), (300, None)], "its rows have no cpu; its newest row ended 30s ago"),
        ([(3600, 5.0), (0, 9.0)], "its newest row ended 55m 30s ago"),
        ([(900, 5.0)], "its newest row ended 10m 30s ago"),
        ([(600, 5.0)], 5.0),
        ([(600, 5.0), (300, None)], 5.0),
        ([(3600, 5.0), (600, 7.0)], 6.0),
        ([(300, 0.0)], 0.0),
    ],
    ids=[
        "rows long ago",
        "one row half an hour ago",
        "the newest is null",
        "the newest two are null",
        "all are null",
        "the newest is not over",
        "two widths ago",
        "the newest not written yet",
        "the newest written without it",
        "a gap in the middle",
        "zero",
    ],
)
def test_a_long_window_says_nothing_without_a_recent_row(rows: list[tuple[int, object]], expected: object) -> None:
    sent = [_row(END - before, cpu) for before, cpu in rows]
    found = only(samples("cpu_avg", _series(*sent), at=SOON, window=3600.0))
    assert (found.reason if isinstance(expected, str) else found.value) == expected
    assert found.labels == LABELS


@pytest.mark.parametrize("name", [m.name for m in WHATAP.metrics if m.dataset.name == "sm_stat"])
@pytest.mark.parametrize(
    ("server", "rows", "reason"),
    [
        ({"isActive": False}, [3300, 3000], "inactive; its newest row ended 45m 30s ago"),
        ({"isActive": False}, [300], "inactive; its newest row ended 30s ago"),
        ({"isActive": False}, [], "inactive; no whole 5m row in the last 1h"),
        (
            {"inactTime": (END - 600) * 1000},
            [900],
            "inactive since 2019-10-29 09:30 UTC; its newest row ended 10m 30s ago",
        ),
        (
            {"isActive": "perhaps"},
            [300],
            "isActive should be true or false, but is text: perhaps; its newest row ended 30s ago",
        ),
    ],
    ids=["old rows", "a recent row", "no row", "inactive by its time", "not said"],
)
def test_an_inactive_server_has_no_value_in_any_window(
    name: str, server: dict[str, object], rows: list[int], reason: str
) -> None:
    listed = {"/open/json/sm_servers": {"pname": "P", "values": [{"oid": -5, "oname": "a", **server}]}}
    answers = {**_series(*(_row(END - before, 5.0) for before in rows)), **listed}
    assert only(samples(name, answers, at=SOON, window=3600.0)) == Sample.missing(reason, **LABELS)


@pytest.mark.parametrize(
    ("before", "value"), [(10, 7.0), (65, 7.0), (75, None)], ids=["10 s", "the grace", "beyond the grace"]
)
def test_five_second_rows_are_old_after_a_minute(before: int, value: float | None) -> None:
    found = only(samples("cpu_avg", _series(_row(END - before, 7.0)), at=float(END), window=120.0))
    assert found.value == value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.4, "0s"), (59.6, "1m"), (60.0, "1m"), (61.0, "1m 1s"), (3600.0, "1h"), (4205.0, "1h 10m")],
)
def test_spans_are_written_as_in_a_rule(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_listed_server_that_sends_no_series_is_missing() -> None:
    rows = [{"oid": -5, "oname": "a", "isActive": True}, {"oid": 6, "oname": "b", "isActive": False}]
    answers = {**_series(_row(END - 300, 20.0)), "/open/json/sm_servers": {"pname": "P", "values": rows}}
    found = samples("cpu_avg", answers, at=END + 1.0)
    assert found[0].value == 20.0
    assert found[1].is_missing
    assert "inactive" in found[1].reason
    assert found[1].labels == {"host": "b", "id": "6", **P}


def test_a_series_of_an_unlisted_server_is_called_by_its_id() -> None:
    found = samples("cpu_avg", _series(_row(END - 300, 20.0), oid=77), at=END + 1.0)
    assert found[0].is_missing
    assert found[1] == Sample(20.0, at=END, host="77", id="77", **P)


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
    assert found[0].labels == P


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
    assert found.reason == "no row in the last 1h"
    assert metric("data_age").unit == "s"
