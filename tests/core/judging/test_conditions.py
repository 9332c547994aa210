"""Further conditions: OK if any is OK, else UNKNOWN if any is, else the least bad; joined on shared labels."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import pytest

from checkmill.model.errors import ConnectError
from checkmill.model.levels import Levels
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State
from support.rules import NOW, Check, above, below, condition, judged, lines, metric, rule, source

GIB = 2**30
LABELS = ("host", "mount")
USED = metric("disk_used", labels=LABELS)
FREE = metric("disk_free_bytes", "B", labels=LABELS, dataset="free")
BOTH = rule(of=USED, levels=above(95, 90), conditions=(condition(FREE, below(20 * GIB, 50 * GIB)),))
REASON = "disk_free_bytes has no value: there is no disk_free_bytes of the same host and mount"


def var(value: Any, host: str = "web-1") -> Sample:
    return Sample(value, host=host, mount="/var")


@pytest.mark.parametrize(
    ("used", "free", "expected"),
    [
        (96, 3, "CRITICAL web-1 /var: disk_used 96% above 95% and disk_free_bytes 3 GiB below 20 GiB"),
        (96, 30, "WARNING web-1 /var: disk_used 96% above 95% and disk_free_bytes 30 GiB below 50 GiB"),
        (92, 3, "WARNING web-1 /var: disk_used 92% above 90% and disk_free_bytes 3 GiB below 20 GiB"),
        (96, 80, "OK web-1 /var: disk_used 96% above 95%, but disk_free_bytes 80 GiB"),
        (50, 3, "OK web-1 /var: disk_used 50%"),
        (95, 20, "WARNING web-1 /var: disk_used 95% above 90% and disk_free_bytes 20 GiB below 50 GiB"),
        (0, 0, "OK web-1 /var: disk_used 0%"),
        (96, None, "UNKNOWN web-1 /var: disk_used 96% above 95%, but disk_free_bytes has no value: HTTP 500"),
        (
            96,
            math.nan,
            "UNKNOWN web-1 /var: disk_used 96% above 95%, but disk_free_bytes has no value: nan is no value",
        ),
        (50, None, "OK web-1 /var: disk_used 50%"),
        (None, 3, "UNKNOWN disk_used has no value for web-1 /var: HTTP 500"),
        (None, 80, "UNKNOWN disk_used has no value for web-1 /var: HTTP 500"),
        (math.nan, 3, "UNKNOWN disk_used has no value for web-1 /var: nan is no value"),
    ],
)
def test_two_conditions(used: float | None, free: float | None, expected: str) -> None:
    gone = Sample.missing("HTTP 500", host="web-1", mount="/var")
    own, other = (gone if value is None else var(value) for value in (used, free and free * GIB))
    assert lines(judged(BOTH, [own], [other])) == [expected.replace(" ", " check: ", 1)]


@pytest.mark.parametrize(
    "partners",
    [[], [var(1, "web-9")], [Sample(1, mount="/var")], [Sample(1, host="web-1", mount="/home")]],
    ids=["none at all", "another host", "no host", "another mount"],
)
def test_what_has_no_partner_is_unknown(partners: list[Sample]) -> None:
    expected = f"UNKNOWN check: web-1 /var: disk_used 96% above 95%, but {REASON}"
    assert lines(judged(BOTH, [var(96)], partners)) == [expected]


def test_many_samples_are_grouped_by_what_they_broke() -> None:
    used = [var(96), var(97, "web-2"), var(98, "web-3"), var(99, "web-4"), var(10, "web-5")]
    free = [var(3 * GIB), var(4 * GIB, "web-2"), var(90 * GIB, "web-3")]
    (result,) = judged(BOTH, used, free)
    assert result.output == (
        "2 of 5 mounts above 95% and disk_free_bytes below 20 GiB: web-2 /var 97% and 4 GiB, web-1 /var 96% and 3 GiB; "
        "1 above 95%, disk_free_bytes unknown: web-4 /var 99% (there is no disk_free_bytes of the same host and mount)"
    )
    assert result.state is State.CRITICAL


def test_values_of_both_are_in_the_graph_each_with_its_limits() -> None:
    (result,) = judged(BOTH, [var(96), var(7, "web-2")], [var(3 * GIB), var(5 * GIB, "web-2")])
    found = [(perf.label, perf.value, perf.unit, str(perf.crit), perf.metric) for perf in result.perfdata]
    assert found == [
        ("disk_used_web-1_/var", 96, "%", "~:95", ""),
        ("disk_used_web-2_/var", 7, "%", "~:95", ""),
        ("disk_free_bytes_web-1_/var", 3 * GIB, "B", "21474836480:", "disk_free_bytes"),
        ("disk_free_bytes_web-2_/var", 5 * GIB, "B", "21474836480:", "disk_free_bytes"),
    ]


def test_of_several_partners_the_worst_counts() -> None:
    load = rule(of=metric("load1", ""), levels=above(4), conditions=(condition(FREE, below(20 * GIB)),))
    mounts = [Sample(90 * GIB, host="web-1", mount="/"), Sample(3 * GIB, host="web-1", mount="/var")]
    assert lines(judged(load, [Sample(9, host="web-1")], mounts)) == [
        "CRITICAL check: web-1: load1 9 above 4 and disk_free_bytes 3 GiB below 20 GiB"
    ]
    missing = [mounts[0], Sample.missing("HTTP 500", host="web-1")]
    assert lines(judged(load, [Sample(9, host="web-1")], missing)) == [
        "UNKNOWN check: web-1: load1 9 above 4, but disk_free_bytes has no value: HTTP 500"
    ]


def test_one_value_of_a_project_serves_all_its_hosts() -> None:
    agents: Metric = metric("agents", "", labels=("project",), dataset="agents")
    check = rule(of=metric(labels=("host", "project")), levels=above(90), conditions=(condition(agents, below(5)),))
    cpu = [Sample(97, host="a", project="p"), Sample(98, host="b", project="q")]
    found = judged(check, cpu, [Sample(3, project="p"), Sample(9, project="q")])
    assert lines(found) == ["CRITICAL check: 1 of 2 hosts above 90% and agents below 5: a 97% and 3"]


def test_what_is_missing_for_a_whole_project_leaves_all_of_it_unknown() -> None:
    used = metric("disk_used", labels=("host", "project"))
    free = metric("free", "B", labels=("host", "project"), dataset="free")
    check = rule(of=used, levels=above(90), conditions=(condition(free, below(5)),))
    found = judged(check, [Sample(95, host="a", project="p")], [Sample.missing("HTTP 401", project="p")])
    assert lines(found) == ["UNKNOWN check: a: disk_used 95% above 90%, but free has no value: HTTP 401"]


def test_three_conditions_take_the_least_bad() -> None:
    more = (condition(FREE, below(20 * GIB)), condition(metric("load1", "", dataset="load"), above(9, 4)))
    check = rule(of=USED, levels=above(95), conditions=more)
    found = judged(check, [var(96)], [var(3 * GIB)], [Sample(5, host="web-1")])
    assert lines(found) == [
        "WARNING check: web-1 /var: disk_used 96% above 95% and disk_free_bytes 3 GiB below 20 GiB and load1 5 above 4"
    ]


def test_a_condition_may_be_a_word() -> None:
    status = metric("agent", "", dataset="agents", states={"active": State.OK, "inactive": State.CRITICAL})
    levels = Levels(states=status.states)
    check = rule(levels=above(90), conditions=(condition(status, levels),))
    assert lines(judged(check, [Sample(95, host="a")], [Sample("inactive", host="a")])) == [
        "CRITICAL check: a: cpu 95% above 90% and agent inactive"
    ]
    assert lines(judged(check, [Sample(95, host="a")], [Sample("odd", host="a")])) == [
        (
            "UNKNOWN check: a: cpu 95% above 90%, but agent 'odd' is a word without a meaning; "
            "say under 'states' what it means"
        )
    ]


@pytest.mark.parametrize("on_error", list(State), ids=lambda state: state.value)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, "OK check: web-1 /var: disk_used 5%"),
        (96, "UNKNOWN check: web-1 /var: disk_used 96% above 95%, but disk_free_bytes has no value: connect: refused"),
    ],
    ids=["well by itself", "broken by itself"],
)
def test_a_condition_that_cannot_be_fetched_is_a_partner_without_value(
    value: int, expected: str, on_error: State
) -> None:
    """`on_error` is for what the check measures: neither does it cost an OK, nor is it an excuse."""
    check = rule(of=USED, levels=above(95, 90), conditions=BOTH.conditions, on_error=on_error)
    assert lines(judged(check, [var(value)], ConnectError("refused"))) == [expected]


def test_of_two_sources_the_condition_of_one_may_fail() -> None:
    sources = [source("seoul"), source("busan")]
    check = rule(
        of=USED,
        levels=above(95),
        each="host",
        sources=sources,
        conditions=(condition(FREE, below(20 * GIB), *sources),),
    )
    assert lines(judged(check, [var(96)], [var(96)], [var(3 * GIB)], ConnectError("refused"))) == [
        "CRITICAL check seoul web-1: /var: disk_used 96% above 95% and disk_free_bytes 3 GiB below 20 GiB",
        "UNKNOWN check busan web-1: /var: disk_used 96% above 95%, but disk_free_bytes has no value: connect: refused",
    ]


def test_a_condition_that_cannot_be_fetched_is_asked_again_soon() -> None:
    check = Check(rule(of=USED, levels=above(95), conditions=BOTH.conditions, interval_s=600.0))
    check.judged([var(5)], ConnectError("refused"))
    assert check.judgement is not None
    assert check.judgement.good_until == NOW + 60
    check.judged([var(5)], ConnectError("refused", retry_after_s=120))
    assert check.judgement.good_until == NOW + 120


def test_what_is_measured_failing_is_no_matter_of_its_conditions() -> None:
    assert lines(judged(BOTH, ConnectError("refused"), [var(1)])) == [
        "UNKNOWN check: source shop failed: connect: refused"
    ]


def test_a_partner_is_found_however_its_accents_are_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "웹-é")
    assert lines(judged(BOTH, [var(96, decomposed)], [var(3 * GIB, "웹-é")])) == [
        "CRITICAL check: 웹-é /var: disk_used 96% above 95% and disk_free_bytes 3 GiB below 20 GiB"
    ]


def test_partners_are_of_the_same_source() -> None:
    sources = [source("seoul"), source("busan")]
    check = rule(of=USED, levels=above(95), sources=sources, conditions=(condition(FREE, below(20 * GIB), *sources),))
    (result,) = judged(check, [var(96)], [var(97)], [var(3 * GIB)], [var(90 * GIB)])
    assert result.output == "1 of 2 mounts above 95% and disk_free_bytes below 20 GiB: web-1 /var seoul 96% and 3 GiB"


def test_a_stale_partner_is_unknown_whatever_stale_samples_are_otherwise() -> None:
    check = rule(
        of=USED,
        levels=above(95),
        max_age_s=60.0,
        on_stale=State.OK,
        conditions=(condition(FREE, below(20 * GIB)),),
    )
    old = Sample(3 * GIB, host="web-1", mount="/var", at=NOW - 120)
    assert lines(judged(check, [var(96)], [old])) == [
        (
            "UNKNOWN check: web-1 /var: disk_used 96% above 95%, "
            "but disk_free_bytes has no value: measured 2m ago, older than 1m"
        )
    ]
