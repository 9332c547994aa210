"""What is shown again and what is measured anew: an earlier result is never shown as if it were good."""

from __future__ import annotations

import os
import shutil

import pytest

from support.commands import Desk
from support.whatap_vendor import ACTIVE, CPU, DISK, HOSTS, INACTIVE, Vendor, as_json

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    defaults: {interval: 5m, timeout: 8s}
    checks:
      - {name: cpu, source: shop, metric: cpu, above: 90}
      - {name: cpu-each, source: shop, metric: cpu, each: host, above: 50}
      - {name: hosts, source: shop, metric: hosts, below: 1}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)


def test_check_asks_once_for_all_rules_that_share_the_fetch(desk: Desk, vendor: Vendor) -> None:
    codes = [desk(f"check {name}").code for name in ("cpu", "cpu-each", "cpu", "cpu-each", "hosts")]

    assert codes == [0, 0, 0, 0, 0]
    assert vendor.requests == [CPU, HOSTS]


def test_local_measures_only_what_is_not_fresh(desk: Desk, vendor: Vendor) -> None:
    desk("check cpu")
    desk("local")
    desk("local")

    assert vendor.requests == [CPU, HOSTS]


def test_run_measures_whatever_is_fresh_and_due_only_what_is_not(desk: Desk, vendor: Vendor) -> None:
    for seconds, words in ((0, "run"), (0, "run"), (0, "run --due"), (269, "run --due"), (1, "run --due")):
        desk.clock.now += seconds
        assert desk(words).code == 0

    assert sorted(vendor.requests) == sorted([CPU, HOSTS] * 3)


@pytest.mark.parametrize(("seconds", "asked"), [(0, 1), (308, 1), (308.1, 2), (-0.1, 2), (-3600, 2)])
def test_a_result_is_good_for_interval_and_timeout_and_never_before_it_was_made(
    desk: Desk, vendor: Vendor, seconds: float, asked: int
) -> None:
    desk("check cpu")
    vendor.show(CPU, {"web-1": 99})
    desk.clock.now += seconds

    ran = desk("check cpu")

    assert (len(vendor.requests), ran.code) == (asked, 0 if asked == 1 else 2)


def test_a_clock_set_back_is_measured_and_stored_over_the_future(desk: Desk, vendor: Vendor) -> None:
    desk("check cpu")
    desk.clock.now -= 3600
    desk.write(RULES, url=vendor.url)
    desk("check cpu")
    desk("check cpu")

    assert len(vendor.requests) == 2


def test_an_edited_rule_is_measured_anew(desk: Desk, vendor: Vendor) -> None:
    desk("check cpu")
    desk.write(RULES.replace("above: 90", "above: 40"), url=vendor.url)

    assert (desk("check cpu").code, len(vendor.requests)) == (2, 2)


def test_a_touched_file_is_measured_anew(desk: Desk, vendor: Vendor) -> None:
    desk("check cpu")
    desk.clock.now += 10
    os.utime(desk.checks_dir / "rules.yaml", (desk.clock.now, desk.clock.now - 5))
    desk("check cpu")

    assert len(vendor.requests) == 2


def test_a_deleted_rule_has_no_result(desk: Desk, vendor: Vendor) -> None:
    desk("check cpu")
    desk.write(RULES.replace("name: cpu,", "name: other,"), url=vendor.url)

    ran = desk("check cpu")

    assert ran.code == 3
    assert ran.line.startswith("UNKNOWN - there is no check 'cpu': ")
    assert '"cpu"' not in desk("local").out


def test_another_checks_directory_has_results_of_its_own(desk: Desk, vendor: Vendor) -> None:
    desk("check cpu")
    other = desk.home / "other.d"
    shutil.copytree(desk.checks_dir, other)
    desk.arguments = ["--checks-dir", str(other)]
    vendor.show(CPU, {"web-1": 99})

    assert desk("check cpu").code == 2
    desk.arguments = []
    assert desk("check cpu").code == 0


def test_the_sandbox_has_results_of_its_own(desk: Desk, vendor: Vendor) -> None:
    desk("check hosts")
    real = desk("check hosts").out

    sandbox = desk("check hosts --sandbox").out
    other = desk("check hosts --sandbox --sandbox-seed 2")

    assert sandbox != real == desk("check hosts").out
    assert other.code == 0
    assert len(vendor.requests) == 1


def test_a_failure_is_kept_for_a_minute_and_names_the_last_good_state(desk: Desk, vendor: Vendor) -> None:
    desk("check cpu")
    vendor.answers[CPU] = as_json({}, 500)
    desk.clock.now += 600
    lines = []
    for seconds in (0, 60, 1):
        desk.clock.now += seconds
        lines.append(desk("check cpu").line)

    assert len(vendor.requests) == 3
    assert [line.rpartition(", ")[0].rpartition(", ")[2] for line in lines] == ["last good state OK"] * 3
    assert [line.rpartition(", ")[2] for line in lines] == ["10m ago", "10m ago", "11m 1s ago"]


def test_a_rate_limit_is_respected_between_processes(desk: Desk, vendor: Vendor) -> None:
    vendor.answers[CPU] = as_json({}, 429, **{"Retry-After": "120"})
    for seconds in (0, 119, 2):
        desk.clock.now += seconds
        desk("check cpu")

    assert len(vendor.requests) == 2


@pytest.mark.parametrize("command", ["run", "run --due", "run --no-report"])
def test_a_run_asks_nobody_who_said_when_to_come_back(desk: Desk, vendor: Vendor, command: str) -> None:
    vendor.answers[CPU] = as_json({}, 429, **{"Retry-After": "120"})
    first = desk(f"{command} --format json").json
    desk.clock.now += 119
    again = desk(f"{command} --format json").json
    assert vendor.requests.count(CPU) == 1
    desk.clock.now += 2
    desk(f"{command} --format json")

    assert vendor.requests.count(CPU) == 2
    cpu = [one for one in again if one["check"] == "cpu"]
    # With --due, what need not be asked is not shown either.
    assert cpu == ([] if "--due" in command else [one for one in first if one["check"] == "cpu"])
    assert [one["state"] for one in first if one["check"] == "cpu"] == ["UNKNOWN"]


def test_a_thousand_rules_over_four_datasets_are_four_requests(desk: Desk, vendor: Vendor) -> None:
    metrics = ("cpu", "disk_iops", "active_agents", "inactive_agents")
    rules = "".join(
        f"      - {{name: r{number}, source: shop, metric: {metrics[number % 4]}, above: {number % 99 + 1}}}\n"
        for number in range(1000)
    )
    desk.write(RULES.partition("      - ")[0] + rules, url=vendor.url)

    ran = desk("run --format json")

    assert (ran.code, len(ran.json)) == (0, 1000)
    assert sorted(vendor.requests) == sorted([CPU, DISK, ACTIVE, INACTIVE])
