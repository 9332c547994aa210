"""Targets that are templates: each team's scenario hears of its own services, from whichever rules they come."""

from __future__ import annotations

import pytest

from support.commands import Desk
from support.loopback import Reply
from support.whatap_vendor import CPU, Batchmon, Vendor

EAST, WEST = "b00699c0-96f4-11e9-a68b-a7aaea9ae346", "12962600-5c39-11ea-bd8f-0bbd7856015c"
SOURCES = f"""
    sources:
      east: {{type: whatap, base_url: <url>, pcode: 5490, token: "${{WHATAP_TOKEN}}", labels: {{scenario: {EAST}}}}}
      west: {{type: whatap, base_url: <url>, pcode: 5490, token: "${{WHATAP_TOKEN}}", labels: {{scenario: {WEST}}}}}
    reporters:
      nhn: {{type: nhn-batchmon, base_url: <nhn>, appkey: "${{NHN_APPKEY}}", retries: 0}}
"""
PER_TEAM = """\
    checks:
      - {name: cpu, source: [east, west], metric: cpu, above: <limit>, each: source,
         report: {to: nhn, scenario: "{{ labels.scenario }}"}}
"""
FIXED = f"""\
      - {{name: hosts, source: east, metric: hosts, above: 1, report: {{to: nhn, scenario: {EAST}}}}}
"""


def write(desk: Desk, vendor: Vendor, batchmon: Batchmon, checks: str, limit: int = 90) -> None:
    desk.write(SOURCES + checks, url=vendor.url, nhn=batchmon.url, limit=limit)


def services(batchmon: Batchmon) -> dict[str, list[str]]:
    return {scenario: [one["service"] for one in data["services"]] for scenario, data in batchmon.taken}


def test_each_team_hears_of_its_own(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    write(desk, vendor, batchmon, PER_TEAM)
    assert desk("run").code == 0
    assert services(batchmon) == {EAST: ["cpu east"], WEST: ["cpu west"]}


@pytest.mark.parametrize("asked", ["cpu", "hosts"])
def test_a_target_that_two_rules_share_hears_of_both(
    desk: Desk, vendor: Vendor, batchmon: Batchmon, asked: str
) -> None:
    write(desk, vendor, batchmon, PER_TEAM + FIXED)
    assert desk(f"run {asked}").code == 0
    found = services(batchmon)
    assert sorted(found.pop(EAST)) == ["cpu east", "hosts"]
    # The other team's target is no affair of a rule that does not report there.
    assert found == ({WEST: ["cpu west"]} if asked == "cpu" else {})
    assert dict(batchmon.states())[EAST] == "CRITICAL"


def test_what_waits_goes_out_after_its_rule_is_gone(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    write(desk, vendor, batchmon, PER_TEAM)
    batchmon.reply = Reply(503)
    desk("run")
    batchmon.reply = None
    write(desk, vendor, batchmon, "    checks: [{name: other, source: east, metric: hosts}]")
    desk.clock.now += 60

    ran = desk("outbox flush")

    assert (ran.code, ran.out) == (0, "2 accepted\n")
    assert sorted(batchmon.states()) == sorted([(EAST, "OK"), (WEST, "OK")])


def test_a_team_without_a_target_is_told_and_the_others_go_on(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    text = (SOURCES + PER_TEAM).replace(f", labels: {{scenario: {WEST}}}", "")
    desk.write(text, url=vendor.url, nhn=batchmon.url, limit=90)
    ran = desk("run")
    assert ran.code == 3
    assert "reporter nhn: cpu west has no target: the template cannot be filled in" in ran.err
    assert services(batchmon) == {EAST: ["cpu east"]}


def test_one_team_s_trouble_is_not_the_other_s(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    vendor.show(CPU, {"web-1": 95})
    write(desk, vendor, batchmon, PER_TEAM.replace("above: <limit>", f"above: 90, overrides: [{OVERRIDE}]"))
    desk("run")
    assert dict(batchmon.states()) == {EAST: "CRITICAL", WEST: "OK"}


OVERRIDE = "{where: {source: west}, above: 99}"


def test_a_team_hears_of_a_source_that_fails(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    write(desk, vendor, batchmon, PER_TEAM)
    vendor.answers[CPU] = Reply(500)
    assert desk("run").code == 0
    assert dict(batchmon.states()) == {EAST: "UNKNOWN", WEST: "UNKNOWN"}
