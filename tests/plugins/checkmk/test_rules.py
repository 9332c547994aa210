"""The shipped rules and others over the sandbox, as an operator calls them: OK and not OK, in words that are true."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from checkmill.api.v1 import Asked, World
from checkmill_checkmk.sandbox import SANDBOX
from checkmill_checkmk.sandbox.estate import SECRET, USER
from plugins.checkmk.documented import envelope
from plugins.checkmk.hostile import LOGIN
from support.commands import Clock, Desk
from support.loopback import Got, Reply, http_server

ROOT = Path(__file__).parents[3]
#: Wednesday, 2033-05-18, half past three in the morning, UTC.
NOW = 2_000_000_000.0


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    shutil.copy(ROOT / "checks.d" / "checkmk.yaml", desk.checks_dir)
    return desk


def _states(desk: Desk, words: str = "run --sandbox --format json") -> dict[str, tuple[str, str]]:
    ran = desk(words)
    assert ran.code == 0, ran.err
    return {one["service"]: (one["state"], one["output"]) for one in ran.json}


def test_the_shipped_rules_show_slas_that_are_kept_and_one_that_is_not(desk: Desk) -> None:
    states = _states(desk)
    assert states["sla-broken web-1 CPU load"] == (
        "OK",
        "central gold sla:1: sla_broken fulfilled: weekly, 2033-05-09 00:00+02:00 to 2033-05-16 00:00+02:00",
    )
    state, output = states["sla-broken web-2 HTTP checkout"]
    assert state == "CRITICAL"
    assert output.startswith("central gold sla:1: sla_broken broken: ok min 99% is 9")
    assert output.endswith("; weekly, 2033-05-09 00:00+02:00 to 2033-05-16 00:00+02:00")
    assert states["sla-broken lager-1 Größe der Warteschlange"][0] == "OK"
    assert states["sla-margin web-1 CPU load"][0] == "OK"
    assert states["sla-margin web-2 HTTP checkout"][0] == "CRITICAL"
    assert states["sla-ok"][0] == "CRITICAL"
    assert states["sla-this-week"][0] == "WARNING"
    assert len(states) == 14


@pytest.mark.parametrize("day", ["2033-03-28", "2033-10-31", "2033-01-01", "2032-02-29"])
def test_the_shipped_rules_run_on_the_days_after_clocks_changed(tmp_path: Path, day: str) -> None:
    at = datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=UTC).timestamp()
    desk = Desk(tmp_path, clock=Clock(at))
    shutil.copy(ROOT / "checks.d" / "checkmk.yaml", desk.checks_dir)
    states = _states(desk)
    assert "UNKNOWN" not in {state for state, _ in states.values()}
    assert states["sla-broken web-1 CPU load"][0] == "OK"


# Over HTTP, as against a real site

SITE = {"CHECKMK_USER": USER, "CHECKMK_SECRET": SECRET}


def _site_at(at: float) -> Callable[[Got], Reply]:
    """The simulated site as a server of its own."""
    app = SANDBOX.start(World(lambda: at))

    def answer(got: Got) -> Reply:
        said = app(Asked(method=got.method, path=got.target.removeprefix("/mysite"), body=got.body))
        return Reply(said.status, said.sent_body(), said.headers)

    return answer


def test_rules_of_one_query_share_one_request_and_the_secret_goes_nowhere_else(desk: Desk) -> None:
    with http_server(_site_at(desk.clock.now)) as server:
        desk.environ |= SITE | {"CHECKMK_URL": f"{server.url}/mysite"}
        states = _states(desk, "run --format json")
        explained = desk("explain sla-broken")
    assert states["sla-broken web-1 CPU load"][0] == "OK"
    assert states["sla-broken web-2 HTTP checkout"][0] == "CRITICAL"
    asked = [dict(parse_qsl(got.body.decode()))["request"] for got in server.got[:2]]
    assert len(set(asked)) == 2, "one for three of the rules, one for the rule with a query of its own"
    assert {got.target for got in server.got} == {"/mysite/check_mk/webapi.py"}
    assert SECRET not in repr(states) + explained.out + explained.err
    assert not [name for name, content in desk.files().items() if SECRET.encode() in content]


NO_ANSWERS = {
    "a wrong secret": (
        Reply(body=b"Authentication error: Invalid automation secret for user x"),
        "login: Checkmk refuses",
    ),
    "a login page": (Reply(body=LOGIN.encode()), "login: a login page came"),
    "a way to a login": (Reply(302, headers={"Location": "login.py"}), "login: HTTP 302"),
    "no Web API": (Reply(404, b"<html>Not Found</html>"), "read: HTTP 404"),
    "a stopped site": (Reply(503, b"<html>Site Not Started</html>"), "the site is stopped, or overloaded"),
    "half an answer": (
        Reply(body=b"{'result_code': 0, 'result': {'cent"),
        "parse: the answer breaks off in the middle",
    ),
    "too much": (Reply(body=b"{" + b" " * (2 << 20) + b"}"), "larger than the 2 MiB that max_size allows"),
    "a call": (Reply(body=b"{'result_code': 0, 'result': exit()}"), "parse: the answer is no Python literal"),
    "a refusal": (Reply(body=envelope("no", 1).encode()), "parse: Checkmk refuses get_sla: no"),
    "another server": (Reply(body=b'{"status": "ok"}'), "parse: the answer is a dictionary without result_code"),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_without_an_answer_every_service_is_unknown_and_says_why(desk: Desk, name: str) -> None:
    reply, says = NO_ANSWERS[name]
    with http_server(lambda _: reply) as server:
        desk.environ |= SITE | {"CHECKMK_URL": f"{server.url}/mysite"}
        states = _states(desk, "run --format json")
    assert states
    for state, output in states.values():
        assert state == "UNKNOWN"
        assert says in output
        assert SECRET not in output


# Rules of every kind

RULES: dict[str, Any] = {
    "an SLA that is not known": (
        "metric: sla_broken\n    query: {sla: platinum}",
        "UNKNOWN",
        "Checkmk's answer has no result for it",
    ),
    "a service that is not known": (
        "metric: sla_broken\n    query: {services: [[web-1, CPU load], [web-9, CPU load]]}",
        "UNKNOWN",
        "Checkmk's answer has no result for it",
    ),
    "a running week that is too young": (
        "metric: sla_broken\n    query: {period: sla:0:0, open: judge, min_elapsed: 6d}",
        "UNKNOWN",
        "the running period has lasted 53.6 h only, less than min_elapsed",
    ),
    "a count of broken services": (
        "metric: sla_services_broken",
        "CRITICAL",
        "1 of 2 slas above 0: central gold 1",
    ),
    "what is missing": (
        "metric: sla_results_missing\n    query: {services: [[web-1, CPU load], [web-9, CPU load]]}",
        "CRITICAL",
        "gold: sla_results_missing 1 above 0",
    ),
    "a word of the vendor's": (
        """metric: sla_deviation_state
    query: {sla: nothing, services: [[batch-1, Nightly job]]}
    states: {ok: ok, warn: warn, crit: crit, unset: warn}""",
        "WARNING",
        "sla_deviation_state unset: no levels are configured, and Checkmk says crit",
    ),
    "nothing monitored": (
        """metric: sla_state_percentage_monitored
    query: {services: [[batch-1, Nightly job]]}
    where: {state: ok}
    below: 99%""",
        "UNKNOWN",
        "nothing of the period was monitored",
    ),
    "a week that is over too long": (
        "metric: sla_broken\n    query: {services: [[web-1, CPU load]]}\n    max_age: 2d",
        "UNKNOWN",
        "measured 2d 5h ago, older than 2d",
    ),
    "all days of last week": (
        "metric: sla_broken_periods\n    query: {sla: bronze, services: [[web-1, CPU load]], period: w1}",
        "OK",
        "central web-1 CPU load bronze: sla_broken_periods 0",
    ),
    "a year of months": (
        "metric: sla_broken_periods\n    query: {sla: silver, services: [[web-1, CPU load]], period: sla:1:11}",
        "OK",
        "central web-1 CPU load silver: sla_broken_periods 0",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_over_the_sandbox(desk: Desk, name: str) -> None:
    written, state, says = RULES[name]
    text = (desk.checks_dir / "checkmk.yaml").read_text(encoding="utf-8")
    sources = text[: text.index("checks:")]
    (desk.checks_dir / "checkmk.yaml").unlink()
    path = desk.checks_dir / "one.yaml"
    path.write_text(f"{sources}checks:\n  - name: one\n    source: sla\n    {written}\n", encoding="utf-8")
    found = _states(desk)
    assert found["one"][0] == state, found
    assert says in found["one"][1]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{period: w2}", "'w2' is none of the calendar ranges of get_sla"),
        ("{period: sla:0:0}", "write open: judge, or sla:1:0"),
        ("{services: [web-1]}", "checks[0].query.services[0]"),
        ("{sla: []}", None),
        ("{slas: gold}", "unknown key 'slas'"),
    ],
)
def test_a_wrong_query_is_told_with_its_place(desk: Desk, written: str, says: str | None) -> None:
    text = (desk.checks_dir / "checkmk.yaml").read_text(encoding="utf-8")
    path = desk.checks_dir / "checkmk.yaml"
    rule = f"checks:\n  - name: one\n    source: sla\n    metric: sla_broken\n    query: {written}\n"
    path.write_text(text[: text.index("checks:")] + rule, encoding="utf-8")
    ran = desk("validate --sandbox")
    assert (ran.code == 0) is (says is None)
    if says is not None:
        assert says in ran.out + ran.err
