"""Ages: by which clock reports are dated, and what becomes of clocks that disagree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import Sample
from checkmill_nezha.clock import Clock, clock_of, epoch_of
from plugins.nezha.documented import DETAILS, NOW, REPORTED, V1_SERVER, Vendor, only, samples, server, success, v0, v1

SET = "set the clocks, or raise skew"
#: `REPORTED` as an HTTP date, and others relative to it.
DATES = {
    0: "Fri, 20 May 2022 02:50:42 GMT",
    8: "Fri, 20 May 2022 02:50:50 GMT",
    -600: "Fri, 20 May 2022 02:40:42 GMT",
    600: "Fri, 20 May 2022 03:00:42 GMT",
    1200: "Fri, 20 May 2022 03:10:42 GMT",
}


@pytest.mark.parametrize(
    ("header", "epoch"),
    [
        (DATES[0], REPORTED),
        (DATES[8], REPORTED + 8),
        (" Thu, 01 Jan 1970 00:00:00 GMT ", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799),
        ("Mon, 30 Feb 2026 00:00:00 GMT", None),
        ("Mon, 01 Xyz 2026 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 25:00:00 GMT", None),
        ("Mon, 01 Jan 0000 00:00:00 GMT", None),
        ("Friday, 20-May-22 02:50:42 GMT", None),
        (f"{DATES[0]}, {DATES[8]}", None),
        ("2022-05-20T02:50:42Z", None),
        ("١٢", None),
        ("", None),
    ],
)
def test_a_date_header_is_read_or_ignored(header: str, epoch: float | None) -> None:
    assert epoch_of(header) == epoch


@given(st.text())
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_any_date_header_is_a_time_or_ignored(header: str) -> None:
    found = epoch_of(header)
    assert found is None or isinstance(found, float)


@pytest.mark.parametrize(
    ("name", "at", "date", "age"),
    [
        ("no date", 8.0, None, 8.0),
        ("our clock is the dashboard's", 8.0, 8, 8.0),
        ("the dashboard is a little ahead", -20.0, 8, 8.0),
        ("the dashboard is a little behind", 50.0, 8, 8.0),
        ("a report of a moment later", 0.0, None, 0.0),
        ("ahead, without a date to tell", -59.0, None, 0.0),
        ("the date is broken", 8.0, "soon", 8.0),
        ("silent by either clock", 550.0, 600, 600.0),
    ],
)
def test_an_age_is_told_by_the_dashboards_clock(name: str, at: float, date: Any, age: float) -> None:
    vendor = Vendor({DETAILS: success(server())}, headers={} if date is None else {"date": DATES.get(date, str(date))})
    found = only(samples("agent_age", vendor, at=REPORTED + at, id=1))
    assert found.value == age
    assert found.at == REPORTED + at


@pytest.mark.parametrize(
    ("at", "date", "reason"),
    [
        (-61.0, None, "clock skew: its last report lies 61 s in the future; set the clocks, or raise skew"),
        (-7200.0, None, "clock skew: its last report lies 2 h in the future; set the clocks, or raise skew"),
        (
            -7200.0,
            8,
            f"the dashboard's clock is 2 h ahead of the one here: {SET}",
        ),
        (
            608.0,
            8,
            f"the dashboard's clock is 10 min behind the one here, or its answer is that old: {SET}",
        ),
        (8.0, 1200, f"the dashboard's clock is 20 min ahead of the one here: {SET}"),
        # By the clock here the report is fresh, and by the dashboard's its agent died ten minutes ago.
        (0.0, 600, f"the dashboard's clock is 10 min ahead of the one here: {SET}"),
        (-40.0, 600, f"the dashboard's clock is 11 min ahead of the one here: {SET}"),
        (400.0, -600, f"the dashboard's clock is 17 min behind the one here, or its answer is that old: {SET}"),
    ],
)
@pytest.mark.parametrize(
    "name", ["agent_age", "cpu", "inactive_agents", "inactive_share", "tag_inactive_agents", "tag_inactive_share"]
)
def test_clocks_that_disagree_leave_no_age_and_no_value(name: str, at: float, date: int | None, reason: str) -> None:
    answer = {DETAILS: success(server())}
    vendor = Vendor(answer, headers={} if date is None else {"date": DATES[date]})
    found = only(samples(name, vendor, at=REPORTED + at, id=1))
    assert found.is_missing
    assert found.reason.removeprefix("Server1: ") == reason


def test_never_reported_is_counted_by_whatever_clock() -> None:
    vendor = Vendor({DETAILS: success(server())}, headers={"date": DATES[8]})
    assert samples("never_reported", vendor, at=REPORTED + 7200, id=1) == [Sample(0)]


@pytest.mark.parametrize("skew", [90.0, 3600.0])
def test_the_tolerance_is_a_setting(skew: float) -> None:
    found = only(samples("cpu", {DETAILS: success(server())}, v0(skew=skew), at=REPORTED - 80))
    assert not found.is_missing


@pytest.mark.parametrize("settings", [v0(), v1()], ids=["v0", "v1"])
@pytest.mark.parametrize(("at", "date"), [(8.0, None), (50.0, 8), (-20.0, 8)])
def test_a_measurement_is_dated_by_our_clock(settings: Any, at: float, date: int | None) -> None:
    vendor = Vendor({DETAILS: success(server())}, headers={} if date is None else {"date": DATES[date]})
    found = samples("memory_used", vendor, settings, at=REPORTED + at)
    expected = REPORTED if date is None else REPORTED + at - date
    assert found[0].at == pytest.approx(expected, abs=0.2)


@given(
    now=st.floats(1e9, 2e9),
    ahead_s=st.floats(-1e6, 1e6),
    age_s=st.floats(0, 1e7),
    skew_s=st.floats(1, 1e6),
)
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_no_clock_makes_a_stale_report_fresh(now: float, ahead_s: float, age_s: float, skew_s: float) -> None:
    """Whichever clock is wrong: the dashboard stamps and dates by one clock, and that tells how old a report is."""
    date = now + ahead_s
    clock = clock_of(now, date, skew_s=skew_s)
    assert bool(clock.fault) == (abs(date - now) > skew_s)
    if not clock.fault:
        assert clock.age_of(date - age_s) == pytest.approx(age_s, abs=1e-3)


def test_an_age_is_never_a_little_below_zero() -> None:
    clock = Clock(now=100.0, skew_s=60.0)
    assert [clock.age_of(stamp) for stamp in (40.0, 100.0, 101.0, 160.0)] == [60.0, 0.0, 0.0, 0.0]
    assert clock.age_of(161.0) == -61.0


def test_the_documented_answers_are_of_a_moment_ago() -> None:
    assert NOW - REPORTED == 8.0
    assert V1_SERVER["last_active"].startswith("2022-05-20T10:50:42")
