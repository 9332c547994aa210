"""Kept or broken: whose verdict it is, what the text says of it, and that nothing that is not known counts as kept."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import Sample, State
from plugins.checkmk.documented import (
    HOST,
    LAST_WEEK,
    SEED,
    SERVICE,
    THIS_WEEK,
    computation,
    envelope,
    key,
    labels,
    metric,
    of_one,
    only,
    result,
    said,
    samples,
    settings,
    span,
    subresult,
)

SEED_ANSWER = "{'result_code': 0, 'result': " + SEED + "}"
WEEK_TEXT = "weekly, 2018-06-17 22:00+00:00 to 2018-06-24 22:00+00:00"
BOTH = {"period": "sla:0:1", "open": "judge"}


def _week(number: int) -> tuple[float, float]:
    """The week so many weeks after the one that is closed last."""
    return LAST_WEEK[0] + number * 604800.0, LAST_WEEK[1] + number * 604800.0


def test_the_words_are_broken_and_fulfilled() -> None:
    assert metric("sla_broken").states == {"broken": State.CRITICAL, "fulfilled": State.OK}


def test_the_documented_answer_gives_a_closed_and_a_running_week() -> None:
    running, closed = samples("sla_broken", SEED_ANSWER, **BOTH)
    assert (running.value, running.labels) == ("fulfilled", labels(period="sla:0"))
    assert (closed.value, closed.labels) == ("fulfilled", labels(period="sla:1"))
    assert closed.reason == WEEK_TEXT
    assert running.reason == "weekly, 2018-06-24 22:00+00:00 to 2018-06-29 12:02+00:00, still running"


def test_the_running_week_is_skipped_unless_asked_for() -> None:
    assert only(samples("sla_broken", SEED_ANSWER, period="sla:0:1")).labels == labels(period="sla:1")


@pytest.mark.parametrize(
    ("min_elapsed", "periods"), [(None, ["sla:0", "sla:1"]), (396134.0, ["sla:0", "sla:1"]), (396135.0, ["sla:1"])]
)
def test_a_running_week_may_have_to_last_some_time(min_elapsed: float | None, periods: list[str]) -> None:
    found = samples("sla_broken", SEED_ANSWER, **BOTH, min_elapsed=min_elapsed)
    assert [one.labels["period"] for one in found] == periods


def test_a_running_week_alone_that_is_too_young_is_missing() -> None:
    young = of_one(result(computation(span(THIS_WEEK))))
    found = only(samples("sla_broken", young, period="sla:0:0", open="judge", min_elapsed=7 * 86400.0))
    assert found == Sample.missing(
        "the running period has lasted 110 h only, less than min_elapsed", **labels(period="sla:0")
    )


def test_dates_are_in_the_zone_of_the_site_where_it_is_known() -> None:
    found = only(samples("sla_broken", of_one(), given=settings(time_zone="Europe/Berlin")))
    assert found.reason == "weekly, 2018-06-18 00:00+02:00 to 2018-06-25 00:00+02:00"


@pytest.mark.parametrize(
    ("computations", "word", "reason"),
    [
        ([computation(span(broken=False))], "fulfilled", WEEK_TEXT),
        ([computation(span(broken=True))], "broken", f"ok min 99% is 99.5%; {WEEK_TEXT}"),
        (
            [computation(span()), computation(span(broken=True))],
            "broken",
            f"ok min 99% (2) is 99.5%; {WEEK_TEXT}",
        ),
        (
            [computation(span(broken=True, subresults=[subresult(), subresult(broken=True, deviation=-1.0)]))],
            "broken",
            f"ok min 99% (2) is 99.5%; {WEEK_TEXT}",
        ),
        (
            [computation(span(broken=False, subresults=[subresult(broken=True, deviation=-1.0)]))],
            "broken",
            f"ok min 99% is 99.5%; {WEEK_TEXT}",
        ),
        ([computation(span(broken=True, subresults=[]))], "broken", f"by which requirement is not said; {WEEK_TEXT}"),
        (
            [computation(span(broken=True, subresults=[subresult()]))],
            "broken",
            f"by which requirement is not said; {WEEK_TEXT}",
        ),
        (
            [computation(span(broken=True, statistics=None))],
            "broken",
            f"ok min 99% by 0.5; {WEEK_TEXT}",
        ),
        (
            [
                computation(
                    span(
                        broken=True,
                        percentage=None,
                        statistics=None,
                        subresults=[
                            subresult(broken=True, requirement=(2, "max", 3), deviation=-2.0, error_instances=[{}] * 5)
                        ],
                    ),
                    plugin_id="service_outage_count",
                )
            ],
            "broken",
            f"outages crit max 3 with 5 outages; {WEEK_TEXT}",
        ),
        (
            [
                computation(
                    span(broken=True, subresults=[subresult(broken=True, requirement="odd")]), plugin_id="new|\n"
                )
            ],
            "broken",
            f"new| by -0.5; {WEEK_TEXT}",
        ),
        (
            [computation(span(broken=True, subresults=[subresult(broken=True, deviation=-1.0)] * 5))],
            "broken",
            f"ok min 99% is 99.5%, ok min 99% (2) is 99.5%, ok min 99% (3) is 99.5% and 2 more; {WEEK_TEXT}",
        ),
        ([computation(span(statistics=None, subresults=None, percentage={}))], "fulfilled", WEEK_TEXT),
        ([computation(span(), plugin_id="something_new")], "fulfilled", WEEK_TEXT),
        ([computation(span(), plugin_id=None)], "fulfilled", WEEK_TEXT),
    ],
)
def test_anything_broken_breaks_the_period_and_is_named(computations: list[Any], word: str, reason: str) -> None:
    assert said(samples("sla_broken", of_one(result(*computations)))) == [(word, reason)]


def test_a_margin_of_exactly_nothing_is_not_broken() -> None:
    met = of_one(result(computation(span(subresults=[subresult(deviation=0.0, state=2)]))))
    assert only(samples("sla_broken", met)).value == "fulfilled"


def _without(row: Any, *names: str) -> Any:
    return {name: value for name, value in row.items() if name not in names}


BAD_RESULTS = {
    "no computation": (result() | {"plugin_results": []}, "its result holds no computation"),
    "computations absent": (_without(result(), "plugin_results"), "plugin_results of its result should be a list"),
    "computations no list": (
        result() | {"plugin_results": {}},
        "plugin_results of its result should be a list, but is a",
    ),
    "a computation is text": (result("no"), "plugin_results of its result should hold dictionaries"),
    "periods absent": (result({"plugin_id": "x"}), "period_results of its result should be a list, but is absent"),
    "a period is a number": (result(computation(5)), "period_results of its result should hold dictionaries"),
    "no timerange": (
        result(computation(_without(span(), "timerange"))),
        "a period of its result has no usable timerange",
    ),
    "timerange of text": (result(computation(span() | {"timerange": ("a", "b")})), "no usable timerange"),
    "timerange of three": (result(computation(span() | {"timerange": (1, 2, 3)})), "no usable timerange"),
    "timerange of booleans": (result(computation(span() | {"timerange": (False, True)})), "no usable timerange"),
    "timerange backwards": (result(computation(span() | {"timerange": (9, 5)})), "does not end after it begins"),
    "timerange of infinity": (
        "REPLACE",
        "a period of its result has no usable timerange",
    ),
    "timerange before time": (result(computation(span() | {"timerange": (-9, 5)})), "does not end after it begins"),
    "timerange after time": (result(computation(span() | {"timerange": (1, 10**17)})), "does not end after it begins"),
    "one period twice": (result(computation(span(), span())), "its result holds one period twice"),
    "requirements no list": (result(computation(span(subresults={}))), "subresults of its result should be a list"),
    "requirements of text": (result(computation(span(subresults=["x"]))), "subresults of its result should hold dict"),
    "a verdict of text": (result(computation(span(broken="False"))), "its verdict, sla_broken, is absent or neither"),
    "a verdict of zero": (result(computation(span(broken=0))), "its verdict, sla_broken, is absent or neither"),
    "no verdict": (
        result(computation(_without(span(), "sla_broken"))),
        "its verdict, sla_broken, is absent or neither",
    ),
    "no verdict of a requirement": (
        result(computation(span(subresults=[_without(subresult(), "sla_broken")]))),
        "its verdict, sla_broken, is absent or neither",
    ),
    "a result of text": ("fulfilled", "its result should be a dictionary, but is text"),
    "a result of None": (None, "its result should be a dictionary, but is absent"),
    "another SLA inside": (result(sla="other"), "its result and the key of it name two SLAs"),
    "an SLA of a number inside": (result(sla=5), "its result and the key of it name two SLAs"),
    "two periods where one should be": (
        result(computation(span(), span(_week(-1)))),
        "2 periods came where 1 should",
    ),
    "no period": (result(computation() | {"period_results": []}), "0 periods came where 1 should"),
    "a period of the future": (
        result(computation(span(_week(2)))),
        "its period lies in the future, so it is not the one",
    ),
    "a period that still runs": (
        result(computation(span(_week(1)))),
        "its period lies in the future, so it is not the",
    ),
    "a requirement that is kept by less than it requires": (
        result(computation(span(subresults=[subresult(deviation=-94.0)]))),
        "its deviation of -94 does not fit that it is not broken",
    ),
    "computations that end at different times": (
        result(computation(span()), computation(span((LAST_WEEK[0], LAST_WEEK[0] + 86400.0)))),
        "its computations end at different times",
    ),
    "a computation without the period": (
        result(computation(span()), computation() | {"period_results": []}),
        "1 of its 2 computations came without this period",
    ),
}


@pytest.mark.parametrize("name", BAD_RESULTS)
def test_a_result_that_is_wrong_is_missing_and_says_why(name: str) -> None:
    value, says = BAD_RESULTS[name]
    answer: Any = {"mysite": {HOST: {SERVICE: {key(): value}}}}
    if value == "REPLACE":
        answer = envelope(of_one()).replace("1529877600.0", "1e999")
    found = only(samples("sla_broken", answer))
    assert found.is_missing
    assert says in found.reason
    assert {**found.labels, "site": "mysite"} == labels()


def test_what_is_broken_stays_broken_beside_what_is_not_known() -> None:
    unknown = computation(span(broken=None))
    assert only(samples("sla_broken", of_one(result(unknown, computation(span(broken=True)))))).value == "broken"
    lacking = result(computation(span(broken=True)), computation() | {"period_results": []})
    assert only(samples("sla_broken", of_one(lacking))).value == "broken"
