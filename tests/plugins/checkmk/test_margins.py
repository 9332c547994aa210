"""What is left of requirements until they break: numbers that are right, or missing with the reason."""

from __future__ import annotations

import math
from typing import Any

import pytest

from checkmill.api.v1 import Levels, Limits, Range, Sample, State
from checkmill_checkmk.results import ABSENT
from plugins.checkmk.documented import (
    HOST,
    LAST_WEEK,
    SEED,
    SERVICE,
    SLA,
    THIS_WEEK,
    computation,
    envelope,
    labels,
    metric,
    of_one,
    only,
    result,
    samples,
    span,
    subresult,
)

SEED_ANSWER = "{'result_code': 0, 'result': " + SEED + "}"
BOTH = {"period": "sla:0:1", "open": "judge"}


def _with(*subresults: Any, plugin_id: Any = "service_state_percentage", **more: Any) -> Any:
    """An answer whose one period has these requirements."""
    broken = any(one["sla_broken"] is True for one in subresults)
    return of_one(result(computation(span(broken=broken, subresults=list(subresults), **more), plugin_id=plugin_id)))


def _at_most(warn: float, crit: float) -> Levels:
    return Levels(range=Limits(Range(-math.inf, warn, inside=True), Range(-math.inf, crit, inside=True)))


# Margins


def test_the_margins_of_the_documented_answer_have_no_levels() -> None:
    running, closed = samples("sla_deviation", SEED_ANSWER, **BOTH)
    assert running == Sample(2.7202916184927326, at=THIS_WEEK[1], **labels(period="sla:0", requirement="ok min 0%"))
    assert closed == Sample(0.0, at=LAST_WEEK[1], **labels(requirement="ok min 0%"))
    assert (running.levels, closed.levels) == (None, None)


def test_without_levels_of_the_vendor_less_than_nothing_is_critical() -> None:
    levels = metric("sla_deviation").levels
    assert levels is not None
    assert levels.verdict_on(0.0).state is State.OK
    assert levels.verdict_on(-0.001).state is State.CRITICAL


@pytest.mark.parametrize(
    ("sent", "levels"),
    [
        ((10.0, 5.0), _at_most(10.0, 5.0)),
        ([10, 5], _at_most(10.0, 5.0)),
        ((0.5, 0), _at_most(0.5, 0.0)),
        ((0, 0), None),
        ((0.0, 0.0), None),
        (None, None),
        ("10,5", None),
        ((10.0,), None),
        ((True, False), None),
        (("10", "5"), None),
    ],
)
def test_the_vendors_own_levels_go_with_a_margin(sent: Any, levels: Levels | None) -> None:
    found = only(samples("sla_deviation", _with(subresult(deviation=7.5, levels=sent))))
    assert (found.value, found.levels) == (7.5, levels)


@pytest.mark.parametrize(
    ("margin", "state"), [(10.5, State.OK), (10.0, State.WARNING), (5.5, State.WARNING), (5.0, State.CRITICAL)]
)
def test_a_margin_that_equals_a_level_of_the_vendor_has_reached_it(margin: float, state: State) -> None:
    found = only(samples("sla_deviation", _with(subresult(deviation=margin, levels=(10.0, 5.0)))))
    assert found.levels is not None
    assert found.levels.verdict_on(margin).state is state


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (subresult(deviation=None), "it came without a usable deviation"),
        (subresult(deviation="0.5"), "it came without a usable deviation"),
        (subresult(deviation=True), "it came without a usable deviation"),
        (subresult() | {"deviation_info": None}, "it came without a usable deviation"),
        (subresult() | {"deviation_info": []}, "it came without a usable deviation"),
        (subresult(deviation=100.5), "its deviation is more than 100 percentage points"),
        (subresult(deviation=-1e300, broken=True), "its deviation is more than 100 percentage points"),
        (subresult(deviation=0.5, broken=None), "whether it is broken is not said"),
        (subresult(deviation=2.5, broken=True), "its deviation of 2.5 does not fit that it is broken"),
        (subresult(deviation=0.0, broken=True), "its deviation of 0 does not fit that it is broken"),
        (subresult(deviation=-2.5, broken=False), "its deviation of -2.5 does not fit that it is not broken"),
    ],
)
def test_a_margin_that_is_none_is_missing(given: Any, reason: str) -> None:
    found = only(samples("sla_deviation", _with(given)))
    assert found == Sample.missing(reason, **labels(requirement="ok min 99%"))


def test_what_floating_point_leaves_of_a_margin_that_is_used_up_is_nothing() -> None:
    assert only(samples("sla_deviation", _with(subresult(deviation=-1e-9)))).value == 0.0
    assert only(samples("sla_deviation", _with(subresult(deviation=-1e-9, broken=True)))).value == -1e-9


@pytest.mark.parametrize("levels", [(-100.0, -100.0), (5.0, -10.0)])
@pytest.mark.parametrize(
    ("name", "plugin_id", "requirement"),
    [
        ("sla_deviation", "service_state_percentage", (0, "min", 99.0)),
        ("sla_outage_margin", "service_outage_count", (2, "max", 1)),
    ],
)
def test_levels_of_the_vendor_do_not_mend_what_is_broken(
    name: str, plugin_id: str, requirement: Any, levels: Any
) -> None:
    broken = subresult(broken=True, deviation=-3.0, state=2, levels=levels, requirement=requirement)
    found = only(samples(name, _with(broken, plugin_id=plugin_id)))
    assert (found.value, found.levels) == (-3.0, None)


@pytest.mark.parametrize("name", ["sla_deviation", "sla_deviation_state", "sla_outages"])
@pytest.mark.parametrize(
    ("other", "says"),
    [
        (span(broken=True, subresults=[]), "its SLA shows no requirement"),
        (span(subresults=[]), "its SLA shows no requirement"),
        (span(broken=True, subresults=[subresult()]), "it is broken, and by which requirement is not said"),
    ],
)
def test_a_computation_that_names_no_part_is_not_passed_over_beside_another(name: str, other: Any, says: str) -> None:
    found = samples(name, of_one(result(computation(span()), computation(other))))
    assert [one.reason.startswith(says) for one in found if one.is_missing] == [True]


def test_names_that_look_numbered_hide_none() -> None:
    def counted(plugin_id: str, *, broken: bool) -> Any:
        part = subresult(broken=broken, deviation=-9.0 if broken else 9.0, state=2 if broken else 0, requirement=None)
        return computation(span(broken=broken, subresults=[part]), plugin_id=plugin_id)

    rows = (counted("foo", broken=False), counted("foo", broken=True), counted("foo (2)", broken=False))
    found = samples("sla_deviation_state", of_one(result(*rows)))
    assert [one.value for one in found] == ["ok", "crit", "ok"]
    assert len({one.labels["requirement"] for one in found}) == 3


def test_an_infinite_margin_is_missing() -> None:
    text = envelope(_with(subresult(deviation=77.25))).replace("77.25", "1e999")
    assert only(samples("sla_deviation", text)).reason == "it came without a usable deviation"


REQUIREMENTS = {
    "min": ((0, "min", 99.0), "ok min 99%"),
    "a fraction": ((0, "min", 99.95), "ok min 99.95%"),
    "max": ((2, "max", 1), "crit max 1%"),
    "unmonitored": ((-1, "max", 10.0), "unmonitored max 10%"),
    "as in JSON": (["1", "max", 10.0], "warn max 10%"),
    "an unknown state": ((7, "min", 99.0), "state min 99%"),
    "an unknown bound": ((0, "about", 99.0), "percentage"),
    "a bound of another kind": ((0, ["min"], 99.0), "percentage"),
    "no number": ((0, "min", "99"), "percentage"),
    "nothing": (None, "percentage"),
    "too short": ((0,), "percentage"),
    "empty": ((), "percentage"),
}


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_a_requirement_is_called_by_what_it_requires(name: str) -> None:
    sent, called = REQUIREMENTS[name]
    assert only(samples("sla_deviation", _with(subresult(requirement=sent)))).labels["requirement"] == called


def test_equal_requirements_are_numbered_over_all_computations() -> None:
    twice = computation(span(subresults=[subresult(), subresult(requirement=(2, "max", 1))]))
    found = samples("sla_deviation", of_one(result(twice, twice)))
    assert [one.labels["requirement"] for one in found] == [
        "ok min 99%",
        "crit max 1%",
        "ok min 99% (2)",
        "crit max 1% (2)",
    ]


def test_outages_have_margins_of_their_own() -> None:
    percentages = computation(span())
    outages = computation(
        span(subresults=[subresult(requirement=(2, "max", 3), deviation=1, error_instances=[{"x": 1}, "y"])]),
        plugin_id="service_outage_count",
    )
    answer = of_one(result(percentages, outages))
    assert [one.labels["requirement"] for one in samples("sla_deviation", answer)] == ["ok min 99%"]
    assert samples("sla_outage_margin", answer) == [
        Sample(1, at=LAST_WEEK[1], **labels(requirement="outages crit max 3"))
    ]
    assert [(one.value, one.labels["requirement"]) for one in samples("sla_outages", answer)] == [
        (0, "ok min 99%"),
        (2, "outages crit max 3"),
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sla_deviation", "its SLA shows no requirement on percentages"),
        ("sla_required_percentage", "its SLA shows no requirement on percentages"),
        ("sla_outage_margin", "its SLA shows no requirement on outages"),
    ],
)
def test_an_sla_without_such_a_requirement_is_not_passed_over(name: str, reason: str) -> None:
    found = only(samples(name, _with(subresult(), plugin_id="something_new")))
    assert found == Sample.missing(reason, **labels())


@pytest.mark.parametrize("name", ["sla_deviation_state", "sla_outages"])
def test_an_sla_without_any_requirement_is_not_passed_over(name: str) -> None:
    assert (
        only(samples(name, of_one(result(computation(span(subresults=[])))))).reason == "its SLA shows no requirement"
    )


@pytest.mark.parametrize(
    ("instances", "value"), [([], 0), ([1, {}, None], 3), ((1,), 1), (None, None), ({}, None), (5, None), ("abc", None)]
)
def test_events_are_counted_whatever_they_are(instances: Any, value: int | None) -> None:
    assert only(samples("sla_outages", _with(subresult(error_instances=instances)))).value == value


@pytest.mark.parametrize(
    ("required", "value"),
    [(99.0, 99.0), (0, 0.0), (100, 100.0), (100.5, None), (-1.0, None), (None, None), ("9", None)],
)
def test_the_bound_is_a_percentage(required: Any, value: float | None) -> None:
    found = only(samples("sla_required_percentage", _with(subresult(requirement=(0, "min", required)))))
    assert found.value == value


# Deviation states


def test_what_the_words_of_deviation_states_mean() -> None:
    assert metric("sla_deviation_state").states == {
        "ok": State.OK,
        "warn": State.WARNING,
        "crit": State.CRITICAL,
        "unset": State.OK,
    }


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (subresult(state=0, levels=(10.0, 5.0), deviation=10.5), "ok"),
        (subresult(state=1, levels=(10.0, 5.0), deviation=10.0), "warn"),
        (subresult(state=1, levels=(10.0, 5.0), deviation=10.5), "warn"),
        (subresult(state=2, levels=(10.0, 5.0)), "crit"),
        (subresult(state=2, levels=(10.0, 5.0), broken=True, deviation=-1.0), "crit"),
        (subresult(state=0), "ok"),
        (subresult(state=2, deviation=0.0), "unset"),
        (subresult(state=1, deviation=0.0, levels=[0, 0.0]), "unset"),
        (subresult(state=2, deviation=-1.0, broken=True), "crit"),
        (subresult(state=2, deviation=0.0, levels=None), "crit"),
    ],
)
def test_a_state_without_levels_means_nothing_until_it_is_broken(given: Any, word: str) -> None:
    found = only(samples("sla_deviation_state", _with(given)))
    assert found.value == word
    said = {1: "warn", 2: "crit"}.get(given["deviation_info"]["deviation_state"])
    assert found.reason == (f"no levels are configured, and Checkmk says {said}" if word == "unset" else "")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (subresult(state=3), "it came without a usable deviation_state"),
        (subresult(state=None), "it came without a usable deviation_state"),
        (subresult(state=True), "it came without a usable deviation_state"),
        (subresult(state=1.5), "it came without a usable deviation_state"),
        (subresult(state=[2]), "it came without a usable deviation_state"),
        (subresult(state=2, broken=None), "whether it is broken is not said"),
        (subresult(state=0, broken=True), "it is broken, and its deviation_state is ok: one of them is wrong"),
        (
            subresult(state=2, deviation=-50.0),
            "its deviation of -50 does not fit that its deviation_state is crit without levels",
        ),
        (subresult(state=1, deviation=None), "it came without a usable deviation"),
        (
            subresult(state=0, deviation=0.1, levels=(5.0, 2.0)),
            "its deviation of 0.1 does not fit that its deviation_state is ok, by its levels of 5 and 2",
        ),
        (
            subresult(state=1, deviation=0.1, levels=(5.0, 2.0)),
            "its deviation of 0.1 does not fit that its deviation_state is warn, by its levels of 5 and 2",
        ),
    ],
)
def test_a_deviation_state_that_is_none_is_missing(given: Any, reason: str) -> None:
    assert only(samples("sla_deviation_state", _with(given))).reason == reason


# Trends


def _weeks(*margins: Any) -> Any:
    """An answer with weeks, newest first."""
    rows = []
    for back, margin in enumerate(margins):
        week = (LAST_WEEK[0] - back * 604800.0, LAST_WEEK[1] - back * 604800.0)
        rows.append(span(week, broken=margin < 0, subresults=[subresult(deviation=margin, broken=margin < 0)]))
    return of_one(result(computation(*rows)))


def test_a_trend_is_the_change_from_the_week_before_to_the_newest() -> None:
    of_service = {"site": "mysite", "host": HOST, "service": SERVICE, "sla": SLA}
    found = samples("sla_trend", _weeks(0.25, 0.75, -3.0), period="sla:1:2")
    assert found == [Sample(-0.5, at=LAST_WEEK[1], **of_service, requirement="ok min 99%")]
    (alone,) = samples("sla_trend", _weeks(0.25))
    assert alone.reason == "one period came, and a trend needs two; ask for sla:1:1 under query"
    assert only(samples("sla_trend", {})).reason == ABSENT


def test_a_trend_of_margins_that_are_none_is_missing() -> None:
    answer = _weeks(0.25, 0.75)
    rows = next(iter(answer["mysite"][HOST][SERVICE].values()))["plugin_results"][0]["period_results"]
    rows[1]["subresults"][0]["deviation_info"]["deviation"] = None
    found = samples("sla_trend", answer, period="sla:1:1")
    assert only(found).reason == "it came without a usable deviation"
    rows[1]["subresults"] = []
    assert only(samples("sla_trend", answer, period="sla:1:1")).reason == "the period before has no such requirement"
    rows[0]["subresults"] = []
    found = samples("sla_trend", answer, period="sla:1:1")
    assert only(found).reason == "its SLA shows no requirement on percentages"


def test_a_trend_says_what_the_newest_period_lacks() -> None:
    weeks = [(LAST_WEEK[0] - back * 604800.0, LAST_WEEK[1] - back * 604800.0) for back in (1, 0)]
    other = subresult(requirement=(2, "max", 1.0))
    both = computation(*map(span, weeks))
    lacking = samples("sla_trend", of_one(result(both, computation(span(weeks[0])))), period="sla:1:1")
    assert "1 of its 2 computations came without this period" in [one.reason for one in lacking]
    gone = computation(span(weeks[0], subresults=[subresult(), other]), span(weeks[1], subresults=[subresult()]))
    found = samples("sla_trend", of_one(result(gone)), period="sla:1:1")
    assert {one.labels["requirement"]: one.reason for one in found} == {
        "ok min 99%": "",
        "crit max 1%": "the newest period has no such requirement",
    }
