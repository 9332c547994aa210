"""The calendar of the simulated sites: SLA periods that begin at local midnight, in a time zone with summer time.

It is that of central Europe, told here so that the sandbox needs no tables of the system's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

DAY_S = 86400.0
HOUR_S = 3600.0


def midnight(day: date) -> float:
    """The moment at which a day begins (epoch seconds)."""
    as_utc = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    # Clocks are changed at one o'clock UTC, hours away from any midnight.
    return as_utc - _offset_s(as_utc - HOUR_S)


def day_of(at: float) -> date:
    """The local day of a moment."""
    return datetime.fromtimestamp(at + _offset_s(at), UTC).date()


def period_of(cycle: str, at: float, back: int) -> tuple[float, float]:
    """Begin and end of the SLA period so many periods before the one that runs at a moment."""
    first, last = _days(cycle, day_of(at), back)
    return midnight(first), midnight(last)


def range_of(code: str, at: float) -> tuple[float, float]:
    """Begin and end of `d0`, `d1`, `w0` ... `y1`."""
    cycle = {"d": "daily", "w": "weekly", "m": "monthly"}.get(code[0])
    back = int(code[1])
    if cycle is not None:
        return period_of(cycle, at, back)
    year = day_of(at).year - back
    return midnight(date(year, 1, 1)), midnight(date(year + 1, 1, 1))


def periods_within(cycle: str, since: float, until: float, at: float) -> Iterator[tuple[float, float]]:
    """Every SLA period that a range touches and that has begun, oldest first, whole."""
    back = 0
    found = []
    while (period := period_of(cycle, at, back))[1] > since:
        if period[0] < until:
            found.append(period)
        back += 1
    yield from reversed(found)


def _days(cycle: str, day: date, back: int) -> tuple[date, date]:
    if cycle == "daily":
        first = day - timedelta(days=back)
        return first, first + timedelta(days=1)
    if cycle == "weekly":
        first = day - timedelta(days=day.weekday(), weeks=back)
        return first, first + timedelta(weeks=1)
    months = day.year * 12 + day.month - 1 - back
    return _first_of(months), _first_of(months + 1)


def _first_of(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)


def _offset_s(at: float) -> float:
    year = datetime.fromtimestamp(at, UTC).year
    begin, end = (_last_sunday(year, month) for month in (3, 10))
    return 2 * HOUR_S if begin <= at < end else HOUR_S


def _last_sunday(year: int, month: int) -> float:
    """One o'clock UTC on the last Sunday of a month of 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return (last - timedelta(days=(last.weekday() + 1) % 7)).timestamp()
