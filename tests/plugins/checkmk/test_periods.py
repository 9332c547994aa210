"""Periods of every kind of range, with whatever clock, and what is counted over them."""

from __future__ import annotations

import copy
import zoneinfo
from datetime import date, datetime, time, timedelta
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, strategies

from checkmill.api.v1 import Response, Sample
from checkmill_checkmk.coverage import why_not_covered
from checkmill_checkmk.periods import period_from
from checkmill_checkmk.results import ABSENT
from plugins.checkmk.documented import (
    HOST,
    LAST_WEEK,
    NOW,
    SEED,
    SERVICE,
    SLA,
    THIS_WEEK,
    computation,
    envelope,
    key,
    labels,
    of_one,
    only,
    result,
    samples,
    span,
    subresult,
)


def _week(number: int) -> tuple[float, float]:
    """The week so many weeks after the one that is closed last."""
    return LAST_WEEK[0] + number * 604800.0, LAST_WEEK[1] + number * 604800.0


@pytest.mark.parametrize(
    ("lasts", "cycle"), [(601200.0, "weekly"), (608400.0, "weekly"), (82800.0, "daily"), (90000.0, "daily")]
)
def test_weeks_and_days_with_another_clock_are_periods_like_any_other(lasts: float, cycle: str) -> None:
    week = (LAST_WEEK[0], LAST_WEEK[0] + lasts)
    assert only(samples("sla_broken", of_one(result(computation(span(week)), cycle=cycle)))).value == "fulfilled"
    assert only(samples("sla_period_elapsed", of_one(result(computation(span(week)), cycle=cycle)))).value == lasts


# Ranges of the calendar and of time, in which the SLA says how many periods there are


def _days(*verdicts: bool) -> Any:
    """Days before the day of the question, oldest first, of which the last still runs."""
    today = NOW - NOW % 86400
    rows = []
    for back, broken in zip(range(len(verdicts) - 1, -1, -1), verdicts, strict=True):
        begin = today - back * 86400
        rows.append(span((begin, min(begin + 86400, NOW - 6)), broken=broken))
    return of_one(result(computation(*rows), cycle="daily"))


def test_the_periods_of_a_calendar_range_are_numbered_from_the_oldest() -> None:
    days = _days(False, True, False, True, False)
    found = samples("sla_broken", days, period="w0")
    verdicts = {"w0 1": "fulfilled", "w0 2": "broken", "w0 3": "fulfilled", "w0 4": "broken"}
    assert {one.labels["period"]: one.value for one in found} == verdicts
    found = samples("sla_broken", days, period="w0", open="judge")
    assert [one.labels["period"] for one in found] == [*verdicts, "w0 5"]


def test_a_range_of_which_nothing_is_closed_is_missing() -> None:
    found = only(samples("sla_broken", _days(False), period="last:3600"))
    assert found == Sample.missing(
        "only the running period came, which is skipped; the query may say open: judge", **labels(period="last:3600 1")
    )


def test_a_range_without_any_period_is_missing() -> None:
    empty = of_one(result(computation() | {"period_results": []}))
    found = only(samples("sla_broken", empty, period="w1"))
    assert found.reason == "its answer holds no period to judge"
    assert "period" not in found.labels, "it stands for whatever periods there would have been"
    beside = samples("sla_broken", empty, of_one(), period=("w1", "sla:1:0"))
    assert [one.value for one in beside] == [None, "fulfilled"]


def test_a_range_whose_answer_is_absent_stands_for_all_its_periods() -> None:
    found = only(samples("sla_broken", {}, period="m1"))
    assert found == Sample.missing(ABSENT, host=HOST, service=SERVICE, sla=SLA)


# What came held against what was asked for: nothing left out, nothing from another time


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _cut(begin: str, days: int, offset: str = "+02:00") -> list[tuple[float, float]]:
    """So many days from a day on, of a site whose clock is that far ahead."""
    since = _at(f"{begin}T00:00:00{offset}")
    return [(since + 86400.0 * day, since + 86400.0 * (day + 1)) for day in range(days)]


def _asked(period: str, stretches: list[tuple[float, float]], cycle: str = "daily", at: float = NOW) -> list[Any]:
    """The verdicts on some periods, None where they are not believed; no reason where they are."""
    rows = [span(stretch) for stretch in stretches]
    found = samples("sla_broken", of_one(result(computation(*rows), cycle=cycle)), period=period, at=at)
    return [one.value for one in found]


WEEK = _cut("2018-06-18", 7)
MONTHS = [
    (_at(f"2017-{month:02}-01T00:00:00+01:00"), _at(f"2017-{month + 1:02}-01T00:00:00+01:00")) for month in range(1, 12)
]


@pytest.mark.parametrize(
    ("period", "stretches", "cycle", "count"),
    [
        ("w1", WEEK, "daily", 7),
        ("w1", WEEK[:1], "daily", None),
        ("w1", WEEK[1:], "daily", None),
        ("w1", WEEK[:-1], "daily", None),
        ("w1", [*WEEK[:3], *WEEK[4:]], "daily", None),
        ("w1", _cut("2018-06-11", 7), "daily", None),
        ("w1", _cut("2018-06-18", 7, "+14:00"), "daily", 7),
        ("w1", _cut("2018-06-18", 6, "+14:00"), "daily", None),
        ("w1", _cut("2018-06-19", 6, "+09:00"), "daily", None),
        ("w1", _cut("2018-06-18", 7, "-11:00"), "daily", 7),
        ("w1", [LAST_WEEK], "weekly", 1),
        ("w1", [(_at("2018-05-01T00:00:00+02:00"), _at("2018-06-01T00:00:00+02:00"))], "monthly", None),
        ("d1", _cut("2018-06-28", 1), "daily", 1),
        ("d1", _cut("2018-06-27", 1), "daily", None),
        ("d1", [(0.0, 86400.0)], "daily", None),
        ("d1", [_week(0)], "weekly", None),
        ("m1", [_week(back) for back in range(-7, -2)], "weekly", 5),
        ("m1", [_week(back) for back in range(-6, -2)], "weekly", 4),
        ("m1", [_week(back) for back in range(-5, -2)], "weekly", None),
        ("m1", [_week(back) for back in range(-6, -4)], "weekly", None),
        ("y1", [*MONTHS, (MONTHS[-1][1], _at("2018-01-01T00:00:00+01:00"))], "monthly", 12),
        ("y1", MONTHS, "monthly", None),
        ("y1", MONTHS[:1], "monthly", None),
        ("range:1529272800:1529877600", WEEK, "daily", 7),
        ("range:1529272800:1529877600", WEEK[:6], "daily", None),
        ("range:1529272800:1529877600", [_week(-100)], "weekly", None),
        ("range:1529312400:1529877600", WEEK, "daily", 7),
        ("range:1529312400:1529877600", WEEK[1:], "daily", 6),
        ("range:1529312400:1529877600", WEEK[2:], "daily", None),
        ("last:86400", [_week(-100)], "weekly", None),
        ("last:86400", _cut("2018-06-28", 1), "daily", None),
    ],
)  # fmt: skip
def test_periods_that_do_not_make_up_the_range_that_was_asked_for_are_missing(
    period: str, stretches: list[tuple[float, float]], cycle: str, count: int | None
) -> None:
    expected = [None] if count is None else ["fulfilled"] * count
    assert _asked(period, stretches, cycle) == expected


def test_a_range_up_to_now_has_to_reach_it() -> None:
    days = [*_cut("2018-06-25", 4), (_at("2018-06-29T00:00:00+02:00"), NOW - 1)]
    assert _asked("w0", days) == ["fulfilled"] * 4
    assert _asked("w0", days[:-1]) == [None]
    assert _asked("last:345600", days) == ["fulfilled"] * 4
    assert _asked("last:345600", days[:-1]) == [None]


@pytest.mark.parametrize("code", ["d0", "d1", "w0", "w1", "m0", "m1", "y0", "y1"])
@given(
    day=strategies.dates(min_value=date(2017, 1, 1), max_value=date(2030, 12, 31)),
    second=strategies.integers(0, 86399),
    zone=strategies.sampled_from(
        [
            "UTC",
            "Europe/Berlin",
            "Asia/Seoul",
            "Asia/Kathmandu",
            "America/New_York",
            "Pacific/Kiritimati",
            "Pacific/Pago_Pago",
        ]
    ),
)
def test_the_days_of_a_range_are_believed_wherever_the_site_is(code: str, day: date, second: int, zone: str) -> None:
    tz = zoneinfo.ZoneInfo(zone)
    now = datetime.combine(day, time(), tz).timestamp() + second
    today = datetime.fromtimestamp(now, tz).date()
    first = today - timedelta(days=int(code[1]))
    if code[0] == "w":
        first = today - timedelta(days=today.weekday(), weeks=int(code[1]))
    elif code[0] in "my":
        months = today.year * 12 + today.month - 1 - int(code[1])
        first = date(months // 12, months % 12 + 1, 1) if code[0] == "m" else date(today.year - int(code[1]), 1, 1)
    lasts = {"d": 1, "w": 7, "m": 31, "y": 366}[code[0]]
    stretches = []
    for back in range(lasts):
        one = first + timedelta(days=back)
        ended = one.month != first.month if code[0] == "m" else one.year != first.year if code[0] == "y" else False
        begins, ends = (datetime.combine(each, time(), tz).timestamp() for each in (one, one + timedelta(days=1)))
        if ended or begins > now - 1:
            break
        stretches.append((begins, min(ends, now)))
    period = period_from(code)
    if not stretches:
        return
    assert why_not_covered(period, stretches, "daily", now) == ""
    # Midnight at +13:00 is that at -11:00 a day before or after: there a day may be missing unseen.
    is_telling = not zone.startswith("Pacific") and now - stretches[-1][0] > 3 * 3600
    if len(stretches) > 1 and is_telling:
        assert why_not_covered(period, stretches[1:], "daily", now)
        assert why_not_covered(period, stretches[:-1], "daily", now)


@pytest.mark.parametrize(
    ("period", "stretches", "said"),
    [
        ("sla:1:2", [_week(0), _week(-19), _week(-59)], "its periods do not follow one another"),
        ("sla:1:1", [LAST_WEEK, (LAST_WEEK[0] + 1, LAST_WEEK[1])], "168 h are told twice by two of them"),
        ("sla:1:1", [_week(0), _week(-2)], "168 h are missing between two of them"),
        ("sla:1:0", [THIS_WEEK], "its period still runs, so it is not the one that was asked for"),
        ("sla:1:0", [(THIS_WEEK[0], NOW + 100)], "its period still runs"),
        ("sla:0:1", [_week(0), _week(-1)], "its newest period is over, so it is not the running one"),
        ("sla:0:0", [_week(-30)], "its newest period is over, so it is not the running one"),
        ("sla:1:0", [(LAST_WEEK[1] - 0.001, LAST_WEEK[1])], "its period lasted 0.001 s only"),
    ],
)
def test_periods_that_are_not_the_numbered_ones_are_missing(
    period: str, stretches: list[tuple[float, float]], said: str
) -> None:
    rows = [span(stretch) for stretch in stretches]
    for one in samples("sla_broken", of_one(result(computation(*rows))), period=period, open="judge"):
        assert one.is_missing
        assert said in one.reason


def test_a_period_that_has_just_ended_is_closed() -> None:
    assert _asked("sla:1:0", [LAST_WEEK], "weekly", at=LAST_WEEK[1] + 5) == ["fulfilled"]
    assert _asked("sla:1:0", [LAST_WEEK], "weekly", at=LAST_WEEK[1] - 5) == ["fulfilled"]


def test_how_long_ago_the_last_period_was_is_for_a_rule_to_say() -> None:
    found = only(samples("sla_broken", of_one(), at=NOW + 8 * 365 * 86400))
    assert (found.value, found.at) == ("fulfilled", LAST_WEEK[1])
    for one in samples("sla_broken", f"{{'result_code': 0, 'result': {SEED}}}", period="sla:0:1", open="judge"):
        assert one.at == (THIS_WEEK if one.labels["period"] == "sla:0" else LAST_WEEK)[1]


def test_of_several_ranges_each_has_to_give_something() -> None:
    month = (_at("2018-05-01T00:00:00+02:00"), _at("2018-06-01T00:00:00+02:00"))
    running = of_one(result(computation(span((month[1], NOW), broken=True)), cycle="monthly"))
    closed = of_one(result(computation(span(month)), cycle="monthly"))
    found = samples("sla_broken", running, closed, period=("w0", "m1"))
    assert {one.labels["period"]: one.value for one in found} == {"w0 1": None, "m1 1": "fulfilled"}
    found = samples("sla_broken", running, closed, period=("d0", "m1"))
    assert [one.labels["period"] for one in found] == ["m1 1"], "a day that runs is skipped, as the query says"


# The site's clock, which its answers tell


@pytest.mark.parametrize(
    ("date", "periods"),
    [
        (formatdate(NOW - 300, usegmt=True), ["w0 1", "w0 2", "w0 3", "w0 4"]),
        (None, [None]),
        ("yesterday", [None]),
        (formatdate(NOW - 7200, usegmt=True), [None]),
    ],
    ids=["five minutes behind", "not told", "not a date", "too far off to be true"],
)
def test_a_running_period_is_known_by_the_clock_of_the_site(date: str | None, periods: list[str | None]) -> None:
    days = [*_cut("2018-06-25", 4), (_at("2018-06-29T00:00:00+02:00"), NOW - 300)]
    rows = [span(stretch) for stretch in days]
    body = envelope(of_one(result(computation(*rows), cycle="daily"))).encode()
    headers = {} if date is None else {"date": date}
    found = samples("sla_broken", Response(status=200, body=body, headers=headers), period="w0")
    assert [one.labels.get("period") for one in found] == periods


# Counts


def test_broken_periods_are_counted_and_one_that_is_not_known_leaves_no_count() -> None:
    weeks = [span(_week(0), broken=True), span(_week(-1)), span(_week(-2), broken=True)]
    counted = only(samples("sla_broken_periods", of_one(result(computation(*weeks))), period="sla:1:2"))
    assert counted == Sample(2, at=LAST_WEEK[1], site="mysite", host=HOST, service=SERVICE, sla=SLA)
    weeks[1]["sla_broken"] = None
    assert only(samples("sla_broken_periods", of_one(result(computation(*weeks))), period="sla:1:2")).is_missing
    assert only(samples("sla_broken_periods", {}, period="sla:1:2")).reason == ABSENT


@pytest.mark.parametrize(
    ("spans", "count"),
    [
        ([span()], 0),
        ([span(broken=True)], 1),
        ([span(broken=True, subresults=[subresult(broken=True)] * 3)], 3),
        ([span(broken=True, subresults=[])], 1),
        ([span(broken=None)], None),
        ([span(broken=True, subresults=[subresult(broken=None), subresult(broken=True)])], None),
    ],
)
def test_broken_requirements_are_counted(spans: list[Any], count: int | None) -> None:
    assert only(samples("sla_broken_requirements", of_one(result(computation(*spans))))).value == count


def test_services_with_anything_broken_are_counted_for_each_sla_and_site() -> None:
    rows = {"a": True, "b": True, "c": False}
    answer = {
        "mysite": {
            HOST: {name: {key(HOST, name): result(computation(span(broken=broken)))} for name, broken in rows.items()}
        }
    }
    wanted = tuple((HOST, name) for name in rows)
    assert samples("sla_services_broken", answer, services=wanted) == [
        Sample(2, at=LAST_WEEK[1], site="mysite", sla=SLA)
    ]
    found = samples("sla_services_broken", answer, services=(*wanted, (HOST, "d")))
    assert found == [Sample.missing(ABSENT, sla=SLA), Sample(2, at=LAST_WEEK[1], site="mysite", sla=SLA)]


def test_missing_results_are_counted_for_each_sla() -> None:
    assert samples("sla_results_missing", of_one()) == [Sample(0, sla=SLA)]
    assert samples("sla_results_missing", of_one(), sla=(SLA, "b"), services=((HOST, SERVICE), (HOST, "x"))) == [
        Sample(1, sla=SLA),
        Sample(2, sla="b"),
    ]
    assert samples("sla_results_missing", of_one(result(computation(span(broken=None))))) == [Sample(1, sla=SLA)]


def test_nothing_of_what_came_is_changed_by_looking_at_it() -> None:
    answer = of_one()
    before = copy.deepcopy(answer)
    samples("sla_broken", answer)
    assert answer == before
