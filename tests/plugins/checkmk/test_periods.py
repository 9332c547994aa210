"""Periods of every kind of range, with whatever clock, and what is counted over them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from checkmill.api.v1 import Sample
from checkmill_checkmk.results import ABSENT
from plugins.checkmk.documented import (
    HOST,
    LAST_WEEK,
    NOW,
    SERVICE,
    SLA,
    computation,
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
    found = samples("sla_broken", _days(False, True, False), period="w0")
    assert {one.labels["period"]: one.value for one in found} == {"w0 1": "fulfilled", "w0 2": "broken"}
    found = samples("sla_broken", _days(False, True, False), period="w0", open="judge")
    assert [one.labels["period"] for one in found] == ["w0 1", "w0 2", "w0 3"]


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


# Counts


def test_broken_periods_are_counted_and_one_that_is_not_known_leaves_no_count() -> None:
    weeks = [span(_week(0), broken=True), span(_week(-1)), span(_week(-2), broken=True)]
    counted = only(samples("sla_broken_periods", of_one(result(computation(*weeks))), period="sla:1:2"))
    assert counted == Sample(2, site="mysite", host=HOST, service=SERVICE, sla=SLA)
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
    assert samples("sla_services_broken", answer, services=wanted) == [Sample(2, site="mysite", sla=SLA)]
    found = samples("sla_services_broken", answer, services=(*wanted, (HOST, "d")))
    assert found == [Sample.missing(ABSENT, sla=SLA), Sample(2, site="mysite", sla=SLA)]


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
