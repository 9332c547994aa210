"""Samples that are too old: no value, and the state that `on_stale` says."""

from __future__ import annotations

import pytest

from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import HOUR, NOW, Check, above, judged, lines, metric, rule


def measured(ago_s: float | None, value: float = 5, host: str = "web-1") -> Sample:
    return Sample(value, host=host, at=None if ago_s is None else NOW - ago_s)


@pytest.mark.parametrize(
    ("own", "limit", "ago_s", "output"),
    [
        (None, None, HOUR, "web-1: cpu 5%"),
        (None, 60.0, 60, "web-1: cpu 5%"),
        (None, 60.0, 61, "cpu has no value for web-1: measured 1m 1s ago, older than 1m"),
        (60.0, None, 61, "cpu has no value for web-1: measured 1m 1s ago, older than 1m"),
        (HOUR, 60.0, 61, "web-1: cpu 5%"),
        (60.0, HOUR, 61, "cpu has no value for web-1: measured 1m 1s ago, older than 1m"),
        (60.0, None, None, "web-1: cpu 5%"),
        (60.0, None, 0, "web-1: cpu 5%"),
        (60.0, None, -60, "web-1: cpu 5%"),
        (60.0, None, -61, "cpu has no value for web-1: measured 1m 1s in the future, further off than 1m"),
    ],
    ids=["no limit", "equal", "the metric's", "the rule's", "the rule's is longer", "the rule's is shorter",
         "no time", "now", "ahead", "too far ahead"],
)  # fmt: skip
def test_a_sample_may_be_so_old(own: float | None, limit: float | None, ago_s: float | None, output: str) -> None:
    (result,) = judged(rule(of=metric(max_age_s=limit), max_age_s=own, levels=above(90)), [measured(ago_s)])
    assert result.output == output
    assert result.state is (State.UNKNOWN if "no value" in output else State.OK)


@pytest.mark.parametrize(
    ("on_stale", "expected"),
    [
        (State.OK, ("OK check: 2 hosts, cpu at most 5% (web-1); "
         "1 without value: web-2 (measured 2m ago, older than 1m)")),
        (State.WARNING, "WARNING check: 1 of 2 hosts without value: web-2 (measured 2m ago, older than 1m)"),
        (State.UNKNOWN, "UNKNOWN check: 1 of 2 hosts without value: web-2 (measured 2m ago, older than 1m)"),
        (State.CRITICAL, "CRITICAL check: 1 of 2 hosts without value: web-2 (measured 2m ago, older than 1m)"),
    ],
    ids=lambda value: value.value if isinstance(value, State) else "",
)  # fmt: skip
def test_what_is_stale_has_a_state_of_its_own(on_stale: State, expected: str) -> None:
    check = rule(levels=above(90), max_age_s=60.0, on_stale=on_stale)
    assert lines(judged(check, [measured(0), measured(120, 99, "web-2")])) == [expected]


def test_all_stale_and_ok_says_so() -> None:
    check = rule(levels=above(90), max_age_s=60.0, on_stale=State.OK)
    assert lines(judged(check, [measured(120), measured(180, host="web-2")])) == [
        (
            "OK check: 2 hosts, none with a value: web-1 (measured 2m ago, older than 1m), "
            "web-2 (measured 3m ago, older than 1m)"
        )
    ]


def test_a_sample_of_the_future_is_unknown_whatever_stale_ones_are() -> None:
    check = rule(levels=above(90), max_age_s=60.0, on_stale=State.OK)
    assert judged(check, [measured(-120)])[0].state is State.UNKNOWN


def test_what_is_stale_is_there_but_was_not_measured() -> None:
    check = Check(rule(levels=above(90), each="host", max_age_s=60.0, forget_s=HOUR))
    check.judged([measured(0)])
    stale = check.judged([measured(0)], at=NOW + 90)
    assert lines(stale) == ["UNKNOWN check web-1: cpu has no value: measured 1m 30s ago, older than 1m"]
    (seen,) = check.memory.seen.values()
    assert seen.last_seen == NOW
    (good,) = check.memory.last_good.values()
    assert good.at == NOW


def test_a_value_that_is_gone_stays_expected_as_long_as_the_rule_says() -> None:
    check = Check(rule(levels=above(90), each="host", forget_s=60.0))
    both = [measured(None), measured(None, host="web-2")]
    check.judged(both)
    assert len(check.judged(both[:1], at=NOW + 30)) == 2
    assert len(check.judged(both[:1], at=NOW + 90)) == 2
    assert len(check.judged(both[:1], at=NOW + 91)) == 1
