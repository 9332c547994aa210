"""`run`: what it prints, what it exits with, and what reaches the reporters."""

from __future__ import annotations

import pytest

from support.commands import Desk
from support.loopback import Reply
from support.whatap_vendor import CPU, HOSTS, MULTIPLE, Batchmon, Vendor, as_json

ONE = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
TWO = "12962600-5c39-11ea-bd8f-0bbd7856015c"
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, tries: 1}
    checks:
      - {name: cpu-web, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90}, tags: [web, night],
         report: [{to: nhn, scenario: <one>}, {to: nhn, scenario: <two>}]}
      - {name: hosts, source: shop, metric: hosts, above: 1000, tags: [night]}
      - {name: agents, source: shop, metric: inactive_agents, above: 0}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    desk.write(RULES, url=vendor.url, nhn=batchmon.url, one=ONE, two=TWO)


def test_json_is_a_list_with_the_documented_keys(desk: Desk) -> None:
    (result,) = desk("run cpu-web --format json --no-report").json

    assert result == {
        "check": "cpu-web",
        "service": "cpu-web web-1",
        "host": None,
        "source": "shop",
        "metric": "cpu",
        "state": "OK",
        "exit_code": 0,
        "output": "cpu 42.5%",
        "details": "",
        "perfdata": [
            {"label": "cpu", "value": 42.5, "unit": "%", "warn": 80.0, "crit": 90.0, "min": 0.0, "max": 100.0}
        ],
        "labels": {"host": "web-1"},
        "checked_at": "2033-05-18T03:33:20.000+00:00",
        "tags": ["web", "night"],
    }


FORMATS = {
    "table": """\
State  Service        Output             Checked
OK     agents         inactive_agents 0  0s ago
OK     cpu-web web-1  cpu 42.5%          0s ago
OK     hosts          hosts 57           0s ago

3 services: 3 OK
""",
    "nagios": """\
OK - 3 services OK | web-1_cpu=42.5%;80;90;0;100 hosts_hosts=57;;1000;0 agents_inactive_agents=0;;0;0
[OK] cpu-web web-1: cpu 42.5%
[OK] hosts: hosts 57
[OK] agents: inactive_agents 0
""",
    "checkmk": """\
0 "cpu-web web-1" cm_cpu=42.5;80;90;0;100 cpu 42.5%
0 "hosts" cm_hosts=57;;1000;0 hosts 57
0 "agents" cm_inactive_agents=0;;0;0 inactive_agents 0
""",
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_shows_the_same_results(desk: Desk, form: str) -> None:
    ran = desk(f"run --no-report --format {form}")

    assert (ran.code, ran.writes, ran.out) == (0, 1, FORMATS[form])


def test_json_lines_are_the_list_line_by_line(desk: Desk) -> None:
    lines = desk("run --no-report --format jsonl").out.splitlines()

    assert f"[{', '.join(lines)}]".replace(" ", "") == "".join(desk("run --no-report --format json").out.split())


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", ["cpu-web", "hosts", "agents"]),
        ("hosts", ["hosts"]),
        ("agents cpu-*", ["cpu-web", "agents"]),
        ("--tag web", ["cpu-web"]),
        ("--tag web --tag night", ["cpu-web", "hosts"]),
    ],
)
def test_names_globs_and_tags_select(desk: Desk, words: str, shown: list[str]) -> None:
    ran = desk(f"run {words} --no-report --format json")

    assert (ran.code, [result["check"] for result in ran.json]) == (0, shown)


@pytest.mark.parametrize("words", ["hosts --tag web", "--tag none"])
def test_a_tag_that_selects_nothing_is_told(desk: Desk, words: str) -> None:
    ran = desk(f"run {words} --no-report --format json")

    assert (ran.code, ran.json) == (3, [])
    assert ran.err == f"checkmill: no check that is meant has the tag '{words.rpartition(' ')[2]}'\n"


def test_a_name_that_is_no_check_exits_with_3_and_the_others_run(desk: Desk) -> None:
    ran = desk("run hosts agnets --no-report --format json")

    assert (ran.code, [result["check"] for result in ran.json]) == (3, ["hosts"])
    assert ran.err == "checkmill: there is no check 'agnets': did you mean 'agents'?\n"


@pytest.mark.parametrize(("percent", "plain", "with_state"), [(10, 0, 0), (85, 0, 1), (95, 0, 2), ("x", 0, 3)], ids=str)
def test_sick_services_are_no_failure_unless_the_state_is_asked_for(
    desk: Desk, vendor: Vendor, percent: object, plain: int, with_state: int
) -> None:
    vendor.show(CPU, {"web-1": percent})

    assert (desk("run").code, desk("run --exit-state").code) == (plain, with_state)


def test_a_dead_vendor_is_no_failure_of_the_run(desk: Desk, vendor: Vendor) -> None:
    vendor.answers[CPU] = as_json({}, 500)

    assert (desk("run").code, desk("run --exit-state").code) == (0, 3)


def test_a_broken_rule_exits_with_3_after_all_others_ran(desk: Desk, batchmon: Batchmon) -> None:
    desk.write("checks: [{name: broken, source: shop, metric: cup, above: 1}]", name="z.yaml")

    ran = desk("run --format json")

    assert (ran.code, len(ran.json), len(batchmon.taken)) == (3, 3, 2)
    assert "z.yaml:1:" in ran.err
    assert "did you mean 'cpu'?" in ran.err


def test_services_of_a_file_that_broke_are_unknown(desk: Desk, vendor: Vendor) -> None:
    desk.write("checks: [{name: extra, source: shop, metric: hosts, above: 1000}]", name="z.yaml")
    desk("run --no-report")
    desk.write("checks: [{name: extra, source: shop, metric: hosts, above: 1000}", name="z.yaml")

    ran = desk("run --no-report --format json")

    (extra,) = [result for result in ran.json if result["check"] == "extra"]
    assert (ran.code, extra["state"], len(ran.json)) == (3, "UNKNOWN", 4)
    assert extra["output"].startswith(f"the rule cannot be read: {desk.checks_dir}/z.yaml:1:9: ")


def test_a_deleted_check_is_forgotten_although_another_of_its_file_is_broken(desk: Desk) -> None:
    both = """
    checks:
      - {name: extra, source: shop, metric: hosts, above: 1000}
      - {name: wrong, source: shop, metric: hosts, above: 1000}
    """
    desk.write(both, name="z.yaml")
    desk("run --no-report")
    desk.write("checks: [{name: wrong, source: shop, metric: hosts, above: x}]", name="z.yaml")

    results = desk("run --no-report --format json").json

    assert {result["check"]: result["state"] for result in results} == {
        "cpu-web": "OK",
        "hosts": "OK",
        "agents": "OK",
        "wrong": "UNKNOWN",
    }


# What reaches the reporters.


def test_ok_results_are_posted_too_and_equal_bodies_go_together(desk: Desk, batchmon: Batchmon) -> None:
    ran = desk("run")

    assert (ran.code, ran.err) == (0, "")
    assert batchmon.requests == [MULTIPLE]
    assert batchmon.states() == [(ONE, "OK"), (TWO, "OK")]


@pytest.mark.parametrize("command", ["check cpu-web", "local", "run --no-report", "validate", "run hosts"])
def test_nothing_else_pushes_anything(desk: Desk, batchmon: Batchmon, command: str) -> None:
    assert desk(command).code == 0

    assert batchmon.requests == []
    assert desk("outbox --all").out == "the outbox is empty\n"


def test_a_refused_multiple_post_falls_back_to_single_ones(desk: Desk, batchmon: Batchmon) -> None:
    batchmon.unknown = {TWO}

    ran = desk("run")

    single = f"{MULTIPLE}/appkey/APPKEY/scenarios"
    assert batchmon.requests[0] == MULTIPLE
    assert sorted(batchmon.requests[1:]) == [f"{single}/{TWO}", f"{single}/{ONE}"]
    assert batchmon.states() == [(ONE, "OK")]
    assert ran.code == 0
    assert "deliveries: 1 accepted, 1 refused\n" in ran.err
    assert f'reporter nhn, {{"scenario": "{TWO}"}}: refused: NO SCENARIO (code -4)' in ran.err


@pytest.mark.parametrize(
    ("reply", "stage"),
    [(as_json({}, 500), "unknown"), (as_json({}, 503), "pending"), (as_json({}, 429), "pending")],
    ids=["500", "503", "429"],
)
def test_what_did_not_get_through_is_no_failure_of_the_run(
    desk: Desk, batchmon: Batchmon, reply: Reply, stage: str
) -> None:
    batchmon.reply = reply

    ran = desk("run")

    assert ran.code == 0
    assert [one["stage"] for one in desk("outbox --format json").json] == [stage, stage]


def test_an_unknown_outcome_is_not_repeated(desk: Desk, batchmon: Batchmon) -> None:
    batchmon.reply = as_json({}, 500)
    desk("run")
    desk.clock.now += 3600

    flushed = desk("outbox flush")

    assert (flushed.code, flushed.out, len(batchmon.requests)) == (0, "nothing was due\n", 1)


def test_what_was_not_sent_is_sent_later_but_only_the_newest_state(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    batchmon.reply = as_json({}, 503)
    desk("run")
    vendor.show(CPU, {"web-1": 95})
    desk.clock.now += 1
    desk("run")
    batchmon.reply = None
    desk.clock.now += 600

    flushed = desk("outbox flush")

    assert (flushed.code, flushed.out) == (0, "2 accepted\n")
    assert batchmon.states() == [(ONE, "CRITICAL"), (TWO, "CRITICAL")]
    assert [one["stage"] for one in desk("outbox --all --format json").json] == ["superseded"] * 2 + ["accepted"] * 2


def test_the_outbox_shows_retries_and_drops(desk: Desk, batchmon: Batchmon) -> None:
    batchmon.unknown = {ONE, TWO}
    desk("run")
    batchmon.unknown = set()

    assert "stage: refused" in desk("outbox show 1").out
    assert (desk("outbox retry 1").code, desk("outbox drop 2").code) == (0, 0)
    assert desk("outbox flush").out == "1 accepted\n"
    assert batchmon.states() == [(ONE, "OK")]
    missing = desk("outbox show 2")
    assert (missing.code, missing.out) == (3, "")
    assert missing.err == "checkmill: there is no delivery 2; see 'checkmill outbox list --all'\n"


@pytest.mark.parametrize("selection", ["calm", "--tag calm", "--due calm"])
def test_a_target_shared_by_rules_hears_of_all_of_them_whichever_are_run(
    desk: Desk, vendor: Vendor, batchmon: Batchmon, selection: str
) -> None:
    shared = """
        checks:
          - {name: calm, source: shop, metric: hosts, above: 1000, tags: [calm], report: [{to: nhn, scenario: <one>}]}
          - {name: sick, source: shop, metric: hosts, above: 1, report: [{to: nhn, scenario: <one>}]}
    """
    desk.write(RULES.replace("checks:", "x-other:"), url=vendor.url, nhn=batchmon.url, one=ONE, two=TWO)
    desk.write(shared, name="shared.yaml", one=ONE)

    shown = desk(f"run {selection} --format json").json

    assert [(result["check"], result["state"]) for result in shown] == [("calm", "OK")]
    assert batchmon.states() == [(ONE, "CRITICAL")]


ALONE = "{name: %s, source: shop, metric: hosts, above: %s, report: [{to: nhn, scenario: <one>}]}"


def write_alone(desk: Desk, vendor: Vendor, batchmon: Batchmon, **checks: str) -> None:
    rules = "".join(f"\n          - {ALONE % (name, limit)}" for name, limit in checks.items())
    text = RULES.partition("checks:")[0] + f"checks:{rules}\n"
    desk.write(text, url=vendor.url, nhn=batchmon.url, one=ONE, two=TWO)


def test_a_target_hears_of_a_rule_that_broke(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    write_alone(desk, vendor, batchmon, calm="1000", other="1000")
    desk("run")
    write_alone(desk, vendor, batchmon, calm="1000", other="zero")

    assert desk("run").code == 3

    assert batchmon.states() == [(ONE, "OK"), (ONE, "UNKNOWN")]
    assert batchmon.taken[-1][1]["counts"] == {"OK": 1, "WARNING": 0, "CRITICAL": 0, "UNKNOWN": 1}


def test_a_target_hears_of_a_rule_that_broke_although_no_other_reports_there(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    write_alone(desk, vendor, batchmon, only="1000")
    desk("run")
    text = RULES.partition("checks:")[0] + (
        "checks:\n          - {name: only, source: shop, metric: nothing}"
        "\n          - {name: else, source: shop, metric: hosts, above: 1000, report: [{to: nhn, scenario: <two>}]}\n"
    )
    desk.write(text, url=vendor.url, nhn=batchmon.url, one=ONE, two=TWO)

    desk("run")

    assert sorted(batchmon.states()) == sorted([(ONE, "OK"), (TWO, "OK"), (ONE, "UNKNOWN")])


def test_an_ok_that_waits_is_not_sent_after_something_worse_was_measured(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    write_alone(desk, vendor, batchmon, one="60")
    batchmon.reply = Reply(503)
    desk("run")
    vendor.show(HOSTS, "70.0")
    desk("run --no-report")
    batchmon.reply = None
    desk.clock.now += 30

    desk("run --due")

    assert batchmon.states() == []


def test_what_a_short_deadline_ended_is_not_told_to_others(desk: Desk, vendor: Vendor) -> None:
    vendor.hanging |= {CPU}

    assert desk("check cpu-web -t 0.3").code == 3
    vendor.hanging.clear()

    assert desk("check cpu-web").line.startswith("OK - cpu 42.5%")
