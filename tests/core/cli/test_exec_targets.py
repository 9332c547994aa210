"""Who hears of the end of a job: its own targets, with what is known of the other rules that share them."""

from __future__ import annotations

import os

import pytest

from support.commands import Desk, Ran
from support.jobs import EAST, RULES, SHARED, WEST, job, told
from support.loopback import Got, Reply
from support.whatap_vendor import CPU, Batchmon, Vendor, values


@pytest.fixture
def rules(desk: Desk, batchmon: Batchmon) -> Desk:
    desk.write(RULES, nhn=batchmon.url)
    return desk


@pytest.fixture
def shared(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> Desk:
    """Rules of jobs and of a vendor that report to one target."""
    vendor.show(CPU, {"web-1": 10})
    desk.write(SHARED, nhn=batchmon.url, url=vendor.url)
    return desk


@pytest.mark.parametrize("words", ["run", "run --due", "run --tag nightly", "run back*"])
def test_a_run_has_nothing_to_do_with_jobs(desk: Desk, batchmon: Batchmon, words: str) -> None:
    desk.write(RULES.replace("timeout: 2h", "timeout: 2h, tags: nightly"), nhn=batchmon.url)
    desk(job("exit 1"))
    desk.clock.now += 30 * 3600

    ran = desk(words)

    assert (ran.code, ran.out, ran.err) == (0, "no results\n", "")
    assert len(batchmon.taken) == 1


def test_a_run_that_is_asked_for_a_job_by_its_name_says_so(rules: Desk) -> None:
    ran = rules("run backup")

    assert (ran.code, ran.out) == (0, "no results\n")
    assert ran.err == "checkmill: check 'backup' is of a job, which 'checkmill exec' runs: there is none to run\n"


def test_a_job_tells_a_shared_target_of_the_other_rules_too_without_measuring(
    shared: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    shared("run")
    asked = len(vendor.server.got)
    # Not good any more, and not too old to be delivered: what the target was told is told again.
    shared.clock.now += 900

    shared(job("exit 1"))

    assert told(batchmon) == {"backup": "CRITICAL", "sweep": "UNKNOWN", "cpu": "OK"}
    assert len(vendor.server.got) == asked
    shared.clock.now += 3000
    shared(job("exit 0"))
    assert told(batchmon) == {"backup": "OK", "sweep": "UNKNOWN", "cpu": "UNKNOWN"}
    output = {one["service"]: one["output"] for one in batchmon.taken[-1][1]["services"]}
    assert output["cpu"] == "last measured 1h ago (OK)"
    assert output["sweep"] == "no job of it has ended yet, expected every 1h"


def test_rules_that_were_never_measured_are_told_as_unknown(shared: Desk, batchmon: Batchmon) -> None:
    shared(job("exit 0"))

    assert told(batchmon) == {"backup": "OK", "sweep": "UNKNOWN", "cpu": "UNKNOWN"}
    output = {one["service"]: one["output"] for one in batchmon.taken[-1][1]["services"]}
    assert output["cpu"] == "it was not measured yet"


def test_a_run_tells_a_shared_target_how_its_jobs_ended(shared: Desk, batchmon: Batchmon) -> None:
    shared(job("exit 1"))
    shared("exec --check sweep true")
    shared.clock.now += 600

    assert shared("run").code == 0
    assert told(batchmon) == {"backup": "CRITICAL", "sweep": "OK", "cpu": "OK"}
    shared.clock.now += 3 * 3600
    shared("run cpu")
    assert told(batchmon) == {"backup": "CRITICAL", "sweep": "UNKNOWN", "cpu": "OK"}


def test_a_job_that_ends_while_a_run_measures_is_not_told_in_its_old_state(
    shared: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    """The run read before that the job was well; its delivery comes last and must say that it is not."""
    shared.environ["PATH"] = os.environ["PATH"]
    shared.process(job("exit 0"))
    ends: list[Ran] = []

    def answer(_: Got) -> Reply:
        ends.append(shared.process(job("exit 1")))
        return values([{"oname": "web-1", "cpu": 10}])

    vendor.answers[CPU] = answer
    ran = shared.process("run")

    assert (ran.code, [one.code for one in ends]) == (0, [1])
    assert told(batchmon)["backup"] == "CRITICAL"


def test_targets_of_other_scenarios_hear_nothing(desk: Desk, batchmon: Batchmon) -> None:
    other = f"\n      - {{name: sweep, source: jobs, metric: job, report: {{to: nhn, scenario: {WEST}}}}}\n"
    desk.write(RULES + other, nhn=batchmon.url)
    desk(job("exit 0"))

    assert batchmon.states() == [(EAST, "OK")]


def test_a_job_tells_of_broken_rules_only_where_it_reports_itself(
    shared: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    """A rule that cannot be read any more is news for its target; a run brings it to those that no job has."""
    other = f"\n      - {{name: hosts, source: shop, metric: hosts, report: {{to: nhn, scenario: {WEST}}}}}\n"
    text = SHARED + other
    shared.write(text, nhn=batchmon.url, url=vendor.url)
    shared("run")
    batchmon.taken.clear()
    shared.write(
        text.replace("metric: cpu", "metric: cpv").replace("metric: hosts", "metric: hsts"),
        nhn=batchmon.url,
        url=vendor.url,
    )

    shared(job("exit 0"))

    assert [scenario for scenario, _ in batchmon.taken] == [EAST]
    assert told(batchmon) == {"backup": "OK", "sweep": "UNKNOWN", "cpu": "UNKNOWN"}


def test_a_check_that_reports_nowhere_is_stored_alone(desk: Desk, batchmon: Batchmon) -> None:
    desk.write(RULES.partition("report:")[0].rstrip(" ,\n") + "}\n", nhn=batchmon.url)

    assert desk(job("exit 0")).code == 0
    assert (desk("check backup").code, batchmon.taken) == (0, [])
    assert desk("outbox list").out == "the outbox is empty\n"
