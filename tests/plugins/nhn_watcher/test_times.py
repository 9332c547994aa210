"""Times without a zone: what is one, what it stands for, and how windows are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill_nhn_watcher.times import moment_of, written, zone_of
from plugins.nhn_watcher.documented import HISTORY, NOW, Vendor, at, make, params_of, reason, record, records, samples

SEOUL = zone_of("Asia/Seoul")
BERLIN = zone_of("Europe/Berlin")


def epoch(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc] # parts are year to second


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-21T11:00:00", "UTC", epoch(2026, 11, 21, 11)),
        ("2026-11-21T20:00:00", "Asia/Seoul", epoch(2026, 11, 21, 11)),
        ("2026-11-21T20:00:00", "+09:00", epoch(2026, 11, 21, 11)),
        ("2026-11-21T05:30:00", "-0530", epoch(2026, 11, 21, 11)),
        ("2026-11-21T11:00:00.123", "UTC", epoch(2026, 11, 21, 11)),
        ("2026-11-21T11:00:00,5", "UTC", epoch(2026, 11, 21, 11)),
        ("2026-11-21T11:00:00.348+0000", "Asia/Seoul", epoch(2026, 11, 21, 11)),
        ("2026-11-21T20:00:00+09:00", "UTC", epoch(2026, 11, 21, 11)),
        ("2026-11-21T20:00:00+09", "UTC", epoch(2026, 11, 21, 11)),
        ("2026-11-21T11:00:00Z", "Asia/Seoul", epoch(2026, 11, 21, 11)),
        (" 2026-11-21 11:00:00 ", "UTC", epoch(2026, 11, 21, 11)),
        ("2024-02-29T00:00:00", "UTC", epoch(2024, 2, 29)),
    ],
)
def test_a_time_stands_for_a_moment(text: str, zone: str, expected: float) -> None:
    assert moment_of(text, zone_of(zone), NOW) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        None,
        "yyyy-MM-ddTHH:mm:SS",
        "2026-11-21",
        "2026-11-21T11:00",
        "2026-11-21T11:00:60",
        "2026-11-21T11:00:348",
        "2026-11-21T24:00:00",
        "2026-02-29T11:00:00",
        "0000-01-01T00:00:00",
        "2026-11-21T11:00:00+99:00",
        "2026-11-21T11:00:00 KST",
        "\uff12026-11-21T11:00:00",
        1_795_000_000_000,
        True,
        ["2026-11-21T11:00:00"],
        {"time": "2026-11-21T11:00:00"},
        "\ud800",
    ],
    ids=repr,
)
def test_what_is_no_time_is_none(raw: Any) -> None:
    assert moment_of(raw, UTC, NOW) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
@pytest.mark.parametrize("zone", ["Asia/Seoul", "UTC", "-10:00"])
def test_the_ends_of_time_do_not_break_anything(text: str, zone: str) -> None:
    found = moment_of(text, zone_of(zone), NOW)
    assert found is None or abs(found) < 3e11


@given(
    st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+-]*", fullmatch=True), st.sampled_from([UTC, SEOUL])
)
def test_any_text_is_a_moment_or_none(text: str, zone: Any) -> None:
    found = moment_of(text, zone, NOW)
    assert found is None or isinstance(found, float)


@given(st.integers(0, 4_000_000_000), st.sampled_from(["UTC", "Asia/Seoul", "+05:45", "-03:30", "America/St_Johns"]))
def test_what_is_written_is_read_back(seconds: int, name: str) -> None:
    zone = zone_of(name)
    found = moment_of(written(seconds, zone), zone, NOW)
    # An hour that autumn repeats is written the same twice.
    assert found is not None
    assert found - seconds in {0, 3600, -3600} if name == "America/St_Johns" else found == seconds


@given(st.integers(0, 4_000_000_000), st.integers(-12 * 4, 14 * 4))
def test_an_offset_of_its_own_goes_before_the_zone(seconds: int, quarters: int) -> None:
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=15 * quarters)))
    assert moment_of(moment.isoformat(), SEOUL, NOW) == seconds
    assert moment_of(moment.strftime("%Y-%m-%dT%H:%M:%S.000%z"), UTC, NOW) == seconds


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # Berlin turned its clocks back on 2026-10-25 at 01:00 UTC: 02:30 was at 00:30 and at 01:30 UTC.
        (epoch(2026, 10, 25, 0, 40), epoch(2026, 10, 25, 0, 30)),
        (epoch(2026, 10, 25, 1, 40), epoch(2026, 10, 25, 1, 30)),
        (epoch(2026, 11, 1), epoch(2026, 10, 25, 1, 30)),
    ],
)
def test_an_hour_that_autumn_repeats_is_the_later_one_unless_that_lies_ahead(now: float, expected: float) -> None:
    assert moment_of("2026-10-25T02:30:00", BERLIN, now) == expected


def test_an_hour_that_spring_leaves_out_is_still_a_moment() -> None:
    found = moment_of("2026-03-29T02:30:00", BERLIN, NOW)
    assert found in {epoch(2026, 3, 29, 0, 30), epoch(2026, 3, 29, 1, 30)}


@pytest.mark.parametrize(
    ("zone", "text"),
    [("UTC", "2026-11-21T10:00:00"), ("Asia/Seoul", "2026-11-21T19:00:00"), ("-03:30", "2026-11-21T06:30:00")],
)
def test_a_window_is_asked_for_in_the_zone_with_an_overlap_and_no_end(zone: str, text: str) -> None:
    vendor = Vendor()
    samples("notifications", vendor, make(zone=zone, overlap=1800.0), window=5400.0)
    params = dict(params_of(vendor.asked[-1]))
    assert params["regDateFrom"] == text
    assert "regDateTo" not in params
    assert "sort" not in params


def test_windows_of_one_minute_are_one_question() -> None:
    vendor = Vendor()
    samples("notifications", vendor, window=3601.0)
    samples("notifications", vendor, window=3659.0)
    assert vendor.asked[1].url() == vendor.asked[3].url()


@pytest.mark.parametrize(
    ("event", "registered", "counted"),
    [
        (at(3599), at(0), 1),
        (at(3600), at(0), 1),
        (at(3601), at(0), 0),
        ("", at(3599), 1),
        (None, at(3601), 0),
        ("soon", at(60), 1),
        (at(-200), "", 1),
    ],
)
def test_events_count_by_when_they_happened_and_else_by_when_they_were_registered(
    event: Any, registered: str, counted: int
) -> None:
    row = record(eventDatetime=event, regDatetime=registered)
    (sample,) = samples("notifications", {HISTORY: records(row)}, window=3600.0)
    assert sample.value == counted


def test_records_without_a_usable_time_are_said_and_not_counted() -> None:
    rows = [record("a"), record("b", eventDatetime="", regDatetime=None), record("c", eventDatetime=5, regDatetime="")]
    assert reason(samples("notifications", {HISTORY: records(*rows)})) == "2 of 3 records have no usable time"


@pytest.mark.parametrize("name", ["notifications", "failed_notifications", "newest_event_age", "stuck_notifications"])
def test_a_zone_that_is_behind_shows_by_events_ahead_of_now(name: str) -> None:
    seoul = record(eventDatetime="2026-11-21T20:55:00")
    assert reason(samples(name, {HISTORY: records(seoul)})) == (
        "the newest event lies 8.9 hours ahead of now (2026-11-21T20:55:00+00:00); "
        "does the setting zone fit the vendor?"
    )
    (sample,) = samples("newest_event_age", {HISTORY: records(seoul)}, make(zone="Asia/Seoul"))
    assert sample.value == 300.0
