"""Tolerance: so many samples, or such a share, may breach; what is missing makes it UNKNOWN at best."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.errors import ConnectError
from checkmill.model.rule import Expect, Tolerance, Tolerate
from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import NOW, above, hosts, judged, lines, metric, rule, source, tolerating

GONE = Sample.missing("HTTP 500")


@pytest.mark.parametrize(
    ("tolerance", "breaching", "of", "exceeded"),
    [
        (Tolerance(), 0, 0, False),
        (Tolerance(), 1, 1, True),
        (Tolerance(2), 2, 2, False),
        (Tolerance(2), 3, 100, True),
        (Tolerance(percent=10), 10, 100, False),
        (Tolerance(percent=10), 11, 100, True),
        (Tolerance(percent=10), 1, 9, True),
        (Tolerance(percent=10), 1, 10, False),
        (Tolerance(percent=29), 29, 100, False),
        (Tolerance(percent=33.3), 333, 1000, False),
        (Tolerance(percent=33.3), 334, 1000, True),
        (Tolerance(percent=0), 0, 5, False),
        (Tolerance(percent=0), 1, 5, True),
        (Tolerance(percent=99.9), 5, 5, True),
    ],
    ids=lambda value: str(value) if isinstance(value, Tolerance) else None,
)
def test_so_many_may_breach(tolerance: Tolerance, breaching: int, of: int, exceeded: bool) -> None:
    assert tolerance.is_exceeded(breaching, of) is exceeded


@pytest.mark.parametrize(
    ("tolerate", "values", "expected"),
    [
        (tolerating(1), (5, 6, 7), "OK 3 hosts, cpu at most 7% (web-3)"),
        (tolerating(1), (95, 6, 7), "OK 1 of 3 hosts above 90%, 1 tolerated"),
        (tolerating(1), (95, 96, 7), "CRITICAL 2 of 3 hosts above 90%, 1 tolerated: web-2 96%, web-1 95%"),
        (tolerating(1), (85, 96, 7), ("WARNING 1 of 3 hosts above 90%, 1 tolerated: web-2 96%; "
         "1 above 80%, 1 tolerated: web-1 85%")),
        (tolerating("50%"), (95, 96, 7, 8), "OK 2 of 4 hosts above 90%, 50% tolerated"),
        (tolerating("50%"), (95, 96, 97, 8), ("CRITICAL 3 of 4 hosts above 90%, 50% tolerated: "
         "web-3 97%, web-2 96%, web-1 95%")),
        (tolerating(0), (95, 6), "CRITICAL 1 of 2 hosts above 90%, 0 tolerated: web-1 95%"),
        (tolerating(1, 2), (95, 96, 7), "WARNING 2 of 3 hosts above 90%, 1 tolerated as warning: web-2 96%, web-1 95%"),
        (tolerating(1, 2), (95, 96, 97), ("CRITICAL 3 of 3 hosts above 90%, 2 tolerated: "
         "web-3 97%, web-2 96%, web-1 95%")),
        (tolerating(2, 1), (85, 86, 7), "OK 2 of 3 hosts above 80%, 2 tolerated"),
        (tolerating(1), (95,), "OK web-1: cpu 95% above 90%, 1 tolerated"),
        (tolerating("10%"), (95,), "CRITICAL web-1: cpu 95% above 90%, 10% tolerated"),
        (tolerating(1), (95, GONE), ("UNKNOWN 1 of 2 hosts above 90%, 1 tolerated: web-1 95%; "
         "1 without value: web-2 (HTTP 500)")),
        (tolerating(1), (95, 96, GONE), ("CRITICAL 2 of 3 hosts above 90%, 1 tolerated: web-2 96%, web-1 95%; "
         "1 without value: web-3 (HTTP 500)")),
        (tolerating(1), (85, 86, GONE), ("UNKNOWN 1 of 3 hosts without value: web-3 (HTTP 500); "
         "2 above 80%, 1 tolerated: web-2 86%, web-1 85%")),
        (tolerating(5), (GONE,), "UNKNOWN cpu has no value for web-1: HTTP 500"),
        (tolerating(5), (), "UNKNOWN source shop answered without a single value"),
    ],
)  # fmt: skip
def test_what_is_tolerated_is_told(tolerate: Tolerate, values: tuple[Any, ...], expected: str) -> None:
    found = judged(rule(levels=above(90, 80), tolerate=tolerate), hosts(*values))
    assert lines(found) == [expected.replace(" ", " check: ", 1)]


@pytest.mark.parametrize(
    ("on_missing", "expected"),
    [
        (State.CRITICAL, "OK check: 1 of 10 hosts above 90%, 20% tolerated; 1 absent, 20% tolerated"),
        (State.WARNING, "OK check: 1 of 10 hosts above 90%, 20% tolerated; 1 absent, 20% tolerated"),
        (State.UNKNOWN, "UNKNOWN check: 1 of 10 hosts above 90%, 20% tolerated: web-1 95%; 1 absent"),
        (State.OK, "OK check: 1 of 10 hosts above 90%, 20% tolerated; 1 absent"),
    ],
)
def test_absent_ones_count_as_breaching(on_missing: State, expected: str) -> None:
    check = rule(levels=above(90), tolerate=tolerating("20%"), expect=Expect(count=10), on_missing=on_missing)
    assert lines(judged(check, hosts(95, 1, 2, 3, 4, 5, 6, 7, 8))) == [expected]


def test_too_many_absent_ones_are_told() -> None:
    check = rule(levels=above(90), tolerate=tolerating(1), expect=Expect(count=4), on_missing=State.CRITICAL)
    assert lines(judged(check, hosts(1, 2))) == ["CRITICAL check: 2 of 4 hosts absent, 1 tolerated"]
    assert lines(judged(check, [])) == ["CRITICAL check: 4 of 4 hosts absent, 1 tolerated"]


def test_each_service_has_its_own_share() -> None:
    of = metric(labels=("host", "project"))
    samples = [*hosts(95, 1, project="p"), *hosts(95, 96, project="q")]
    check = rule(of=of, levels=above(90), tolerate=tolerating("50%"), each="project")
    assert lines(judged(check, samples)) == [
        "OK check p: 1 of 2 hosts above 90%, 50% tolerated",
        "CRITICAL check q: 2 of 2 hosts above 90%, 50% tolerated: web-2 96%, web-1 95%",
    ]


def test_words_can_be_tolerated() -> None:
    of = metric("agent", "", states={"active": State.OK, "inactive": State.CRITICAL})
    check = rule(of=of, tolerate=tolerating(1))
    assert lines(judged(check, hosts("active", "inactive"))) == ["OK check: 1 of 2 hosts inactive, 1 tolerated"]
    assert lines(judged(check, hosts("active", "odd"))) == [
        "UNKNOWN check: 1 of 2 hosts 'odd', a word without a meaning: web-2"
    ]


def test_a_source_that_failed_is_not_tolerated() -> None:
    check = rule(levels=above(90), tolerate=tolerating(1), sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(95), ConnectError("refused"))) == [
        "UNKNOWN check: source busan failed: connect: refused; web-1: cpu 95% above 90%, 1 tolerated"
    ]


@pytest.mark.parametrize(
    ("on_stale", "stale", "state"),
    [
        (State.CRITICAL, 1, State.UNKNOWN),
        (State.CRITICAL, 2, State.CRITICAL),
        (State.WARNING, 1, State.UNKNOWN),
        (State.WARNING, 2, State.UNKNOWN),
        (State.UNKNOWN, 1, State.UNKNOWN),
        (State.OK, 1, State.OK),
        (State.OK, 2, State.OK),
    ],
)
def test_what_is_stale_has_no_value_that_could_be_tolerated(on_stale: State, stale: int, state: State) -> None:
    """It counts in its own state all the same, so that too many of them are as bad as the rule says."""
    check = rule(levels=above(90), tolerate=tolerating(1), max_age_s=60.0, on_stale=on_stale)
    old = [Sample(1, host=f"old-{number}", at=NOW - 90) for number in range(stale)]
    assert judged(check, [*hosts(1), *old])[0].state is state


def test_a_stale_one_is_told_before_what_is_tolerated() -> None:
    check = rule(levels=above(90), tolerate=tolerating("20%"), max_age_s=60.0, on_stale=State.CRITICAL)
    answer = [*hosts(*[50] * 9), Sample(50, host="old", at=NOW - 90)]
    assert lines(judged(check, answer)) == [
        "UNKNOWN check: 1 of 10 hosts without value: old (measured 1m 30s ago, older than 1m)"
    ]
