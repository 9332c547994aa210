"""Sources that fail: what becomes of their services, and for how long it is good."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.errors import ConnectError, RateLimitError
from checkmill.model.state import State
from support.rules import NOW, Check, above, expected, hosts, judged, lines, rule, source

REFUSED = ConnectError("shop.example:443 refused the connection")
STATES = {"ok": State.OK, "warn": State.WARNING, "crit": State.CRITICAL, "unknown": State.UNKNOWN}


@pytest.mark.parametrize("word", STATES)
@pytest.mark.parametrize("each", ["", "host"], ids=["one service", "each host"])
def test_on_error_is_the_state_when_the_source_fails(each: str, word: str) -> None:
    check = Check(rule(each=each or (), on_error=STATES[word], levels=above(90)))
    check.judged(hosts(95))
    services = check.judged(REFUSED, at=NOW + 90)
    text = f"source shop failed: connect: {REFUSED}; last good state CRITICAL, 1m 30s ago"
    assert lines(services) == [f"{STATES[word].value} {'check web-1' if each else 'check'}: {text}"]


@pytest.mark.parametrize("each", ["", "host"], ids=["one service", "each host"])
def test_a_source_that_fails_with_nothing_known_is_one_service(each: str) -> None:
    assert lines(judged(rule(each=each or ()), REFUSED)) == [
        f"UNKNOWN check: source shop failed: connect: {REFUSED}",
    ]


def test_of_several_sources_only_the_services_of_the_one_that_fails_are_unknown() -> None:
    check = Check(rule(each="host", sources=[source("seoul"), source("busan")]))
    check.judged(hosts(1, 2), hosts(3))
    assert lines(check.judged(hosts(1, 2), REFUSED, at=NOW + 60)) == [
        "OK check seoul web-1: cpu 1%",
        "OK check seoul web-2: cpu 2%",
        f"UNKNOWN check busan web-1: source busan failed: connect: {REFUSED}; last good state OK, 1m ago",
    ]


def test_of_several_sources_one_that_fails_with_nothing_known_is_a_service() -> None:
    check = rule(each="host", sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(1), REFUSED)) == [
        "OK check seoul web-1: cpu 1%",
        f"UNKNOWN check busan: source busan failed: connect: {REFUSED}",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, f"UNKNOWN check: source busan failed: connect: {REFUSED}; web-1: cpu 5%"),
        (95, f"CRITICAL check: web-1: cpu 95% above 90%; source busan failed: connect: {REFUSED}"),
    ],
    ids=["well", "critical"],
)
def test_a_failing_source_hides_nothing_of_the_others(value: float, expected: str) -> None:
    check = rule(levels=above(90), sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(value), REFUSED)) == [expected]


def test_a_source_that_fails_says_nothing_of_what_is_expected() -> None:
    check = rule(each="host", expect=expected({"host": "web-1"}), on_missing=State.CRITICAL)
    assert lines(judged(check, REFUSED)) == [f"UNKNOWN check web-1: source shop failed: connect: {REFUSED}"]


@pytest.mark.parametrize(
    ("answers", "interval_s", "good_for_s"),
    [
        ([hosts(1)], 60, 68),
        ([hosts(1)], 300, 308),
        ([REFUSED], 300, 60),
        ([REFUSED], 20, 20),
        ([RateLimitError("HTTP 429", retry_after_s=120)], 20, 120),
        ([RateLimitError("HTTP 429", retry_after_s=5)], 300, 5),
        ([RateLimitError("HTTP 429", retry_after_s=0)], 300, 60),
        ([RateLimitError("HTTP 429", retry_after_s=1e9)], 300, 3600),
        ([RateLimitError("HTTP 429", retry_after_s=float("nan"))], 300, 60),
        ([RateLimitError("HTTP 429", retry_after_s=600), REFUSED], 300, 60),
        ([RateLimitError("HTTP 429", retry_after_s=600), hosts(1)], 60, 68),
    ],
    ids=[
        "good", "good for five minutes", "failed", "failed, shorter interval", "Retry-After", "short Retry-After",
        "Retry-After 0", "Retry-After of years", "Retry-After of nonsense", "the shortest of two failures",
        "Retry-After does not make the other source old",
    ],
)  # fmt: skip
def test_how_long_results_are_good(answers: list[Any], interval_s: float, good_for_s: float) -> None:
    check = Check(rule(sources=[source(name) for name in ("seoul", "busan")][: len(answers)], interval_s=interval_s))
    results = check.judged(*answers)
    assert check.judgement is not None
    assert check.judgement.good_until == NOW + good_for_s
    assert {one.good_until for one in results} == {NOW + good_for_s}
