"""A check whose run has died, or whose rule broke, is heard of, whatever else still feeds its reporter; no false OK."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from checkmill.store.pages import Reading
from checkmill.store.rescuing import note_rescue
from checkmill.store.salvage import Salvage
from support.commands import Desk
from support.consumers import read_local_lines
from support.whatap_vendor import Batchmon, Vendor, as_json

ONE, TWO = "b00699c0-96f4-11e9-a68b-a7aaea9ae346", "c00699c0-96f4-11e9-a68b-a7aaea9ae346"
WAYS = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
      jobs: {type: exec}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, tries: 1}
"""
CHECKS = """
    checks:
      - {name: cpu, source: shop, metric: cpu, above: 90, report: [{to: nhn, scenario: <one>}], tags: [slow]}
      - {name: hosts, source: shop, metric: hosts, above: 1000, report: [{to: nhn, scenario: <two>}], tags: [fast]}
      - {name: job, source: jobs, metric: job, interval: 1d, report: [{to: nhn, scenario: <two>}], tags: [fast]}
"""
LAST_S = 36_000.0


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    desk.write(WAYS, name="r.yaml", url=vendor.url, nhn=batchmon.url)
    desk.write(CHECKS, name="a.yaml", one=ONE, two=TWO)


@pytest.mark.parametrize("alive", [["run", "--tag", "fast"], ["exec", "--check", "job", "--", "true"]])
def test_what_still_feeds_a_reporter_does_not_hide_a_run_that_is_dead(desk: Desk, alive: list[str]) -> None:
    desk("run")
    desk(["exec", "--check", "job", "--", "true"])
    well = desk("check checkmill-outbox")
    desk.clock.now += LAST_S
    desk(alive)
    dead = desk("check checkmill-outbox")

    assert (well.code, dead.code) == (0, 2)
    assert "check 'cpu' was last handed over 10h ago: does its 'checkmill run' or 'checkmill exec' run?" in dead.line


def test_a_check_whose_deliveries_are_never_accepted_is_told_although_others_are(
    desk: Desk, batchmon: Batchmon
) -> None:
    desk("run")
    batchmon.unknown = {ONE}
    for _ in range(3):
        desk.clock.now += LAST_S / 3
        desk("run")

    assert "what tells of check 'cpu' was last accepted 10h ago" in desk("check checkmill-outbox").line


def test_a_source_that_fails_is_not_taken_for_a_run_that_is_dead(desk: Desk, vendor: Vendor) -> None:
    desk.write(CHECKS.replace("metric: cpu,", "metric: cpu, interval: 1h,"), name="a.yaml", one=ONE, two=TWO)
    vendor.reply = as_json({}, 500)
    desk("run")
    desk.clock.now += 3500
    desk("run hosts")

    assert desk("check checkmill-outbox").code == 0


def test_targets_of_a_broken_file_are_told_also_where_nothing_else_is_run(desk: Desk, batchmon: Batchmon) -> None:
    desk("run")
    before = len(batchmon.taken)
    desk.write("checks: [", name="a.yaml")
    numbers = []
    for passed_s in (1, 1, 60):
        desk.clock.now += passed_s
        desk("run --due")
        numbers.append(len(batchmon.taken) - before)

    assert numbers == [2, 2, 4]
    assert desk("outbox list --all --state UNKNOWN --format json").json[0]["stage"] == "accepted"


def test_local_keeps_the_service_when_the_rules_break(desk: Desk) -> None:
    desk("run")
    desk.write("checks: [", name="a.yaml")

    assert "checkmill-outbox" in {one.name for one in read_local_lines(desk("local").out, old=True)}


@pytest.mark.parametrize(("lost", "code"), [("lost: 5 of 24 pages that cannot be read", 2), ("", 1)])
def test_damage_is_told_for_an_hour_although_run_has_said_it(desk: Desk, lost: str, code: int) -> None:
    desk("run")
    with closing(sqlite3.connect(desk.state_dir / "state.db")) as connection:
        how = lost or Salvage.of(connection).told(Reading())
        note_rescue(connection, f"state.db was damaged and is set aside; {how}", desk.clock.now)
        connection.commit()
    said = [desk("run").err.count("state.db was damaged") > 0 for _ in range(2)]
    soon = desk("check checkmill-outbox")
    desk.clock.now += 3700
    desk("run")
    later = desk("check checkmill-outbox")

    assert (said, soon.code, "state.db was damaged" in soon.line) == ([True, False], code, True)
    assert "state.db was damaged" not in later.line


def test_an_index_that_is_whole_does_not_hide_a_table_that_is_not(desk: Desk) -> None:
    desk("run")
    path = desk.state_dir / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)

    assert desk("check checkmill-outbox").code != 0


def test_what_waits_for_a_reporter_that_is_gone_is_told_by_run(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    batchmon.reply = as_json({}, 503)
    desk("run")
    desk.write(WAYS.replace("nhn:", "ops:"), name="r.yaml", url=vendor.url, nhn=batchmon.url)
    desk.write(CHECKS.replace("to: nhn", "to: ops"), name="a.yaml", one=ONE, two=TWO)
    ran = desk("run")

    assert (ran.code, "what waits for the reporter nhn is not sent" in ran.err) == (3, True)
