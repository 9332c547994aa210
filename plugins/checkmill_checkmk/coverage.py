"""Whether the SLA periods that came make up the time range that was asked for, or one was left out or slipped in.

Sites cut ranges at their own midnight, in a time zone that no answer names. SLA periods begin at that midnight too, so
the first of them tells it. What a range touches at its ends is given whole or cut to the range, or may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from checkmill_checkmk.periods import Period

#: A period that ends this close to the question, or later, still runs. Also how far the clocks of both may be apart.
RUNNING_WITHIN_S = 120.0
#: By so much two midnights may be off where clocks were changed, and a little.
_CHANGED_CLOCK_S = 3660.0
_HOUR_S, _DAY_S = 3600.0, 86400.0
#: How far the clocks of the world are behind UTC and ahead of it; all of them by whole quarters of an hour.
_BEHIND_S, _AHEAD_S, _QUARTER_S = -12 * _HOUR_S, 14 * _HOUR_S, 900.0
#: No SLA period that is over is shorter than a day on which clocks are changed; and by cycle, how long it is at least.
_SHORTEST_S = 22 * _HOUR_S
_WHOLE_S = {"daily": 23 * _HOUR_S, "weekly": 7 * _DAY_S - _HOUR_S, "monthly": 28 * _DAY_S - _HOUR_S}
#: Months and years need not begin with a week: SLA periods as long as one may be cut by them.
_WEEKS_S = (2 * _DAY_S, 20 * _DAY_S)

#: Begin and end of an SLA period in epoch seconds.
Stretch = tuple[float, float]


def why_not_covered(period: Period, stretches: Sequence[Stretch], cycle: str, asked_at: float) -> str:
    """Why these SLA periods, oldest first, are not those of a range asked for at a time; "" where they are."""
    for (_, until), (since, _) in pairwise(stretches):
        if abs(since - until) > _CHANGED_CLOCK_S:
            between = "are missing between" if since > until else "are told twice by"
            return f"its periods do not follow one another: {abs(since - until) / 3600:.3g} h {between} two of them"
    if period.newest is not None:
        return _why_not_newest(period.newest, stretches[-1], cycle, asked_at)
    if any(_is_covered(stretches, meant, period, asked_at) for meant in _meant(period, stretches[0][0], asked_at)):
        return ""
    return f"its periods, {_moment(stretches[0][0])} to {_moment(stretches[-1][1])}, do not make up {period.text}"


def _why_not_newest(number: int, newest: Stretch, cycle: str, asked_at: float) -> str:
    """Why the newest SLA period is not the one of that number. How long ago it was is none of the reasons."""
    since, until = newest
    if number == 0:
        is_over = until < asked_at - RUNNING_WITHIN_S and until - since >= _WHOLE_S.get(cycle, float("inf"))
        return "its newest period is over, so it is not the running one that was asked for" if is_over else ""
    if until > asked_at + RUNNING_WITHIN_S:
        return "its period lies in the future, so it is not the one that was asked for"
    # Periods end at midnight; what ends with the question, at any second, runs.
    if until > asked_at - RUNNING_WITHIN_S and until % _QUARTER_S:
        return "its period still runs, so it is not the one that was asked for"
    if until - since < _SHORTEST_S:
        return f"its period lasted {until - since:.3g} s only, which no SLA period does"
    return ""


def _meant(period: Period, first: float, asked_at: float) -> Iterator[Stretch]:
    """What a range may mean at a site whose SLA periods begin at `first`, up to now at most."""
    form, *numbers = period.text.split(":")
    if form == "last":
        yield asked_at - int(numbers[0]), asked_at
        return
    if form == "range":
        yield float(numbers[0]), min(float(numbers[1]), asked_at)
        return
    midnight = -first % _DAY_S
    for ahead in (midnight, midnight - _DAY_S):
        if _BEHIND_S <= ahead <= _AHEAD_S:
            # Clocks may have been changed since.
            for at in (asked_at, asked_at - _HOUR_S, asked_at + _HOUR_S):
                since, until = _calendar(period.text[0], int(period.text[1:]), at + ahead)
                yield since - ahead, min(until - ahead, asked_at)


def _is_covered(stretches: Sequence[Stretch], meant: Stretch, period: Period, asked_at: float) -> bool:
    since, until = meant
    first, last = stretches[0], stretches[-1]
    slack_s = RUNNING_WITHIN_S if until == asked_at else _CHANGED_CLOCK_S
    begins = first[0] <= since + max(_CHANGED_CLOCK_S, _cut(period, first))
    ends = last[1] >= until - (slack_s if until == asked_at else max(slack_s, _cut(period, last)))
    return begins and ends and first[1] > since - slack_s and last[0] < until + slack_s


def _cut(period: Period, edge: Stretch) -> float:
    """How much may be missing at an end of a range: less than the SLA period there, if the range cuts one."""
    lasted = edge[1] - edge[0]
    begins_with_one = period.text[0] in "dw" or (period.text[0] in "my" and not _WEEKS_S[0] < lasted < _WEEKS_S[1])
    return 0.0 if begins_with_one else lasted - _CHANGED_CLOCK_S


def _calendar(unit: str, back: int, local: float) -> Stretch:
    """Begin and end of the day, week, month or year so many before that of a local time, in local time."""
    day = datetime.fromtimestamp(local, UTC).date()
    if unit == "d":
        first = day - timedelta(days=back)
        return _midnight(first), _midnight(first + timedelta(days=1))
    if unit == "w":
        first = day - timedelta(days=day.weekday(), weeks=back)
        return _midnight(first), _midnight(first + timedelta(weeks=1))
    if unit == "m":
        months = day.year * 12 + day.month - 1 - back
        return _first_of(months), _first_of(months + 1)
    return _midnight(date(day.year - back, 1, 1)), _midnight(date(day.year - back + 1, 1, 1))


def _first_of(months: int) -> float:
    return _midnight(date(months // 12, months % 12 + 1, 1))


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="minutes")
