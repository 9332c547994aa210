"""The end of a job stands until the next is due; what is not told in time is never well."""

from __future__ import annotations

import os

import pytest

from support.commands import Desk
from support.jobs import RULES, job, timeless
from support.whatap_vendor import Batchmon, Vendor


@pytest.fixture
def rules(desk: Desk, batchmon: Batchmon) -> Desk:
    desk.write(RULES, nhn=batchmon.url)
    return desk


def test_a_job_that_has_never_ended_is_unknown(rules: Desk) -> None:
    assert rules("check backup").line == "UNKNOWN - no job of it has ended yet, expected every 1d"
    assert '3 "backup" - no job of it has ended yet' in rules("local").out


@pytest.mark.parametrize(
    ("passed_s", "line"),
    [
        (0, "OK - succeeded after 0.01s"),
        (26 * 3600, "OK - succeeded after 0.01s"),
        (26 * 3600 + 1, "UNKNOWN - the job last ended 1d 2h ago (OK), expected every 1d"),
        (40 * 86400, "UNKNOWN - the job last ended 40d ago (OK), expected every 1d"),
        (-60, "UNKNOWN - the job last ended 1m in the future, expected every 1d, look at the clock"),
    ],
)
def test_an_end_is_good_until_the_next_is_due(rules: Desk, passed_s: float, line: str) -> None:
    rules(job("exit 0"))
    rules.clock.now += passed_s

    for _ in range(2):
        shown = rules("check backup")
        assert timeless(shown.line) == line


@pytest.mark.parametrize(("interval", "grace_s"), [("10m", 60), ("24h", 8640), ("10h", 3600)])
def test_a_job_without_a_time_out_has_a_tenth_of_its_interval(desk: Desk, interval: str, grace_s: int) -> None:
    interval_s = {"10m": 600, "24h": 86400, "10h": 36000}[interval]
    desk.write(
        f"sources: {{j: {{type: exec}}}}\nchecks: [{{name: backup, source: j, metric: job, interval: {interval}}}]"
    )
    desk(job("exit 0"))
    desk.clock.now += interval_s + grace_s
    assert desk("check backup").code == 0
    desk.clock.now += 1
    assert desk("check backup").code == 3


def test_how_bad_it_is_that_no_job_has_ended_is_on_stale_s_to_say(desk: Desk) -> None:
    text = "sources: {{j: {{type: exec}}}}\nchecks: [{{name: backup, source: j, metric: job, on_stale: {}}}]"
    desk.write(text.format("crit"))
    assert desk("check backup").code == 3
    desk(job("exit 0"))
    desk.clock.now += 2 * 86400
    assert desk("check backup").line == "CRITICAL - the job last ended 2d ago (OK), expected every 1d"
    desk.write(text.format("ok"))
    assert "a job that did not end in time is never ok" in desk("validate").out


def test_the_end_of_a_job_outlives_a_change_of_its_rule_file(rules: Desk, batchmon: Batchmon) -> None:
    rules(job("exit 0"))
    rules.clock.now += 3600
    changed = RULES.replace("interval: 24h", "interval: 12h").replace(
        "checks:", "checks:\n      - {name: a, source: jobs, metric: job}"
    )
    os.utime(rules.write(changed, nhn=batchmon.url), (rules.clock.now + 1, rules.clock.now + 1))

    assert timeless(rules("check backup").line) == "OK - succeeded after 0.01s"
    rules.clock.now += 14 * 3600
    assert rules("check backup").line == "UNKNOWN - the job last ended 15h ago (OK), expected every 12h"


def test_a_name_that_was_another_check_s_has_no_end_of_its_own(desk: Desk, vendor: Vendor) -> None:
    shop = 'shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}"}'
    text = f"sources:\n  jobs: {{type: exec}}\n  {shop}\nchecks: [{{name: backup, source: WHAT, metric: HOW}}]"
    desk.write(text.replace("WHAT,", "shop,").replace("HOW", "hosts"), url=vendor.url)
    assert desk("run").code == 0
    desk.write(text.replace("WHAT,", "jobs,").replace("HOW", "job"), url=vendor.url)

    assert desk("check backup").line == "UNKNOWN - no job of it has ended yet, expected every 1d"


def test_what_is_forgotten_of_a_job_is_gone(rules: Desk) -> None:
    rules(job("exit 0"))
    assert rules("forget backup").code == 0
    assert rules("check backup").line == "UNKNOWN - no job of it has ended yet, expected every 1d"


def test_without_a_state_directory_nobody_knows_how_the_job_ended(rules: Desk) -> None:
    rules(job("exit 0"))
    rules.state_dir.rename(rules.home / "elsewhere")
    rules.state_dir.write_text("no directory")

    shown = rules("check backup")

    assert shown.line == "UNKNOWN - without a usable state directory nobody knows how its job ended"


def test_a_broken_rule_hides_no_job(rules: Desk, batchmon: Batchmon) -> None:
    rules(job("exit 0"))
    rules.write(RULES.replace("metric: job", "metric: jbo"), nhn=batchmon.url)

    assert "the rule cannot be read" in rules("check backup").line
