"""The newest event of an alarm that was quiet for long: found without reading all that it ever told of."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.nhn_watcher.documented import (
    HISTORY,
    Vendor,
    at,
    make,
    params_of,
    reason,
    record,
    records,
    samples,
    values,
)

DAY_S = 86400.0


def told(ages: list[float]) -> Any:
    """A vendor that keeps to `regDateFrom` and to pages over records of these ages."""
    rows = [record(f"ah-{number}", age) for number, age in enumerate(ages)]

    def answer(request: Any) -> Any:
        asked = dict(params_of(request))
        found = [row for row in rows if row["event"]["regDatetime"] >= asked.get("regDateFrom", "")]
        number, size = int(asked["page"]), int(asked["size"])
        return records(*found[number * size : (number + 1) * size], total=len(found))

    return answer


def of_minutes(start_s: float, count: int) -> list[float]:
    return [start_s + 60.0 * number for number in range(count)]


@pytest.mark.parametrize(
    ("ages", "requests"),
    [
        ([3600.0], 1),
        ([5 * DAY_S], 2),
        ([12 * DAY_S, 13 * DAY_S], 3),
        ([400 * DAY_S], 4),
    ],
)
def test_it_is_looked_further_and_further_back(ages: list[float], requests: int) -> None:
    vendor = Vendor({HISTORY: told(ages)})
    assert values("newest_event_age", vendor) == {"deploys": ages[0]}
    assert len(vendor.asked) == 1 + requests


def test_long_silence_after_more_than_can_be_read_has_an_age() -> None:
    vendor = Vendor({HISTORY: told(of_minutes(12 * DAY_S, 2500))})
    assert values("newest_event_age", vendor) == {"deploys": 12 * DAY_S}
    assert len(vendor.asked) < 40


@pytest.mark.parametrize("age", [60.0, 5 * DAY_S, 25 * DAY_S, 45 * DAY_S, 700 * DAY_S])
@pytest.mark.parametrize("window", [3600.0, DAY_S])
def test_where_more_came_than_can_be_read_the_newest_is_still_found(age: float, window: float) -> None:
    ages = of_minutes(age, 500)
    found = values("newest_event_age", {HISTORY: told(ages)}, make(page_size=20, most_pages=5), window=window)
    assert found == {"deploys": age}


def test_a_vendor_that_does_not_keep_to_the_window_is_asked_a_limited_number_of_times() -> None:
    rows = [record(f"ah-{number}", 9 * DAY_S) for number in range(3)]

    def answer(request: Any) -> Any:
        number = int(dict(params_of(request))["page"])
        return records(*rows[number : number + 1], total=3)

    vendor = Vendor({HISTORY: answer})
    found = samples("newest_event_age", vendor, make(page_size=1, most_pages=2))
    assert reason(found) == "the list is not whole: 1 of 3 items came; most_pages and page_size say how much is read"
    assert len(vendor.asked) < 30


def test_more_than_can_be_read_in_one_minute_is_said() -> None:
    vendor = Vendor({HISTORY: told([90.0] * 50)})
    assert "is not whole" in reason(samples("newest_event_age", vendor, make(page_size=2, most_pages=2)))


def test_a_record_in_the_span_that_cannot_be_told_is_said() -> None:
    rows = [record("a", 5 * DAY_S), record("b", 5 * DAY_S, eventDatetime="", regDatetime="")]
    vendor = Vendor(
        {HISTORY: lambda one: records(*(rows if dict(params_of(one)).get("regDateFrom", "") < at(DAY_S * 2) else []))}
    )
    assert reason(samples("newest_event_age", vendor)) == "1 of 2 records have no usable time"
