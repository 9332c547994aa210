"""A regex or a template that never comes to an end: its check is UNKNOWN and says so, all others are judged."""

from __future__ import annotations

import time

import pytest

from support.commands import Desk
from support.whatap_vendor import CPU, Batchmon, Vendor

REGEX = 'where: {host: {regex: "(a+)+b"}}'
LOOPS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
TEXT = f'text: "{LOOPS}"'
HUNG = "the rule was not judged within"
RULES = """
    sources: {shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}}
    reporters: {nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", body: <body>}}
    checks:
      - {name: bad, source: shop, metric: cpu, above: 90, timeout: 1s, <bad>}
      - {name: fine, source: shop, metric: cpu, above: 90}
"""


@pytest.fixture
def written(desk: Desk, vendor: Vendor) -> Vendor:
    vendor.show(CPU, {"a" * 40: 42.5})
    # Older than what processes of their own store, whatever their clock says.
    desk.clock.now = 1_000_000_000
    return vendor


def write(desk: Desk, vendor: Vendor, bad: str, **more: str) -> None:
    values = {"nhn": "http://127.0.0.1:1", "body": '"{{ state }}"', **more}
    desk.write(RULES, url=vendor.url, bad=bad, **values)


@pytest.mark.parametrize(
    "bad", [REGEX, TEXT, f'as: {{service: "{LOOPS}"}}', f'details: "{LOOPS}"'], ids=["regex", "text", "as", "details"]
)
def test_check_answers_unknown_and_names_the_rule(desk: Desk, written: Vendor, bad: str) -> None:
    write(desk, written, bad)
    began = time.monotonic()

    ran = desk.process("check bad -t 3")

    assert (ran.code, ran.writes, ran.err) == (3, 1, "")
    assert ran.line.startswith(f"UNKNOWN - {HUNG} 1 s")
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("huge", ["9 ** 99999999", "9 ** 9 ** 99999", "'a' * 9999999999", "(count + 8) ** 99999999"])
def test_a_huge_value_in_a_template_is_not_worked_out(desk: Desk, written: Vendor, huge: str) -> None:
    write(desk, written, f'text: "{{{{ {huge} }}}}"')
    began = time.monotonic()

    validated, ran = desk.process("validate"), desk.process("check bad")

    assert (validated.code, ran.code) == (0, 0)
    assert "its template failed" in ran.line
    assert time.monotonic() - began < 8


def test_the_time_of_the_command_bounds_it_too(desk: Desk, written: Vendor) -> None:
    write(desk, written, f"{REGEX}, interval: 1h")
    desk.write((desk.checks_dir / "rules.yaml").read_text().replace("timeout: 1s", "timeout: 9s"))
    began = time.monotonic()

    ran = desk.process("check bad -t 3")

    assert (ran.code, ran.line.startswith(f"UNKNOWN - {HUNG} ")) == (3, True), ran.line
    assert time.monotonic() - began < 9


def test_local_prints_all_other_services_and_what_is_wrong(desk: Desk, written: Vendor) -> None:
    write(desk, written, f"{REGEX}, each: host")

    ran = desk.process("local")

    assert (ran.code, ran.writes, ran.err) == (0, 1, "")
    own, bad, fine = ran.out.splitlines()
    assert own.startswith(f'3 "checkmill" - check bad: {HUNG} 1 s')
    assert bad.startswith(f'3 "bad" - {HUNG} 1 s')
    assert fine.startswith('0 "fine" ')


def test_run_stores_what_is_finished_and_is_not_in_the_way_of_the_next(desk: Desk, written: Vendor) -> None:
    write(desk, written, TEXT)

    first, second = desk.process("run --format json"), desk.process("run --format json")

    assert (first.code, second.code) == (3, 3)
    for ran in (first, second):
        assert {one["check"]: one["state"] for one in ran.json} == {"bad": "UNKNOWN", "fine": "OK"}
        assert f"check bad: {HUNG} 1 s" in ran.err
    # What was found is kept as any failure is.
    began = time.monotonic()
    assert desk.process("check bad").code == 3
    assert len(written.requests) == 2
    assert time.monotonic() - began < 5


def test_services_known_from_before_are_those_that_are_unknown(desk: Desk, written: Vendor) -> None:
    write(desk, written, "each: host")
    written.show(CPU, {"web-1": 10, "web-2": 10})
    assert desk.process("check bad").code == 0
    write(desk, written, f"each: host, {TEXT}")
    desk.clock.now += 10

    ran = desk.process("run --format json bad")

    assert [(one["service"], one["state"]) for one in ran.json] == [("bad web-1", "UNKNOWN"), ("bad web-2", "UNKNOWN")]


@pytest.mark.parametrize("where", ["body", "target"])
def test_a_report_that_hangs_is_told_and_keeps_nobody_from_being_judged(
    desk: Desk, written: Vendor, batchmon: Batchmon, where: str
) -> None:
    body = f"'{LOOPS}'" if where == "body" else '"{{ state }}"'
    scenario = f"'{LOOPS}'" if where == "target" else "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
    write(desk, written, f"report: {{to: nhn, scenario: {scenario}}}", nhn=batchmon.url, body=body)

    ran = desk.process("run --format json")

    assert ran.code == 3
    assert {one["check"]: one["state"] for one in ran.json} == {"bad": "OK", "fine": "OK"}
    assert "nothing is reported" in ran.err
    assert desk.process("check fine").code == 0
