"""Rules that share a fetch and have other timeouts: the impatient one's failure is not the patient one's."""

from __future__ import annotations

import time

import pytest

from support.commands import Desk
from support.loopback import Got, Reply
from support.whatap_vendor import CPU, Vendor, as_json, values

RULES = """
    sources: {shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}}
    checks:
      - {name: fast, source: shop, metric: cpu, above: 90, timeout: 200ms}
      - {name: slow, source: shop, metric: cpu, above: 90, timeout: 5s, interval: 10m}
      - {name: slowest, source: shop, metric: cpu, above: 90, timeout: 6s, interval: 10m, on_error: ok}
"""


def _late(_: Got) -> Reply:
    time.sleep(0.5)
    return values({"web-1": 99})


@pytest.mark.parametrize("answer", [_late, as_json({}, 500)], ids=["late", "failing"])
def test_a_failure_under_a_shorter_timeout_is_not_stored_for_rules_with_a_longer_one(
    desk: Desk, vendor: Vendor, answer: Reply
) -> None:
    desk.write(RULES, url=vendor.url)
    assert desk("check slow").code == 0
    vendor.answers[CPU] = answer
    desk.clock.now += 70

    assert desk("check fast").code == 3
    assert desk("check slow").line == "OK - web-1: cpu 42.5%"
    assert desk("check slowest").line == "OK - web-1: cpu 42.5%"
    # What the impatient rule was told is its own, and kept for it.
    assert desk("check fast").code == 3
    assert vendor.requests == [CPU, CPU]


def test_a_good_answer_is_everybodys(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES.replace("200ms", "4s"), url=vendor.url)

    codes = [desk(f"check {name}").code for name in ("fast", "slow", "slowest")]

    assert (codes, vendor.requests) == ([0, 0, 0], [CPU])


def test_a_failure_under_the_longest_timeout_is_everybodys(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)
    vendor.answers[CPU] = as_json({}, 500)

    codes = [desk(f"check {name}").code for name in ("slowest", "slow", "fast")]

    assert (codes, vendor.requests) == ([0, 3, 3], [CPU])
