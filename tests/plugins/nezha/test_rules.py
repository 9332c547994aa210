"""Rules on a dashboard of generation v0, run by the commands: the shipped ones, and others by the wire."""

from __future__ import annotations

import shutil
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from plugins.nezha.dashboards import V0, Dashboard, fresh, lines, serving, v0_with_token
from plugins.nezha.documented import DETAILS, ENTRY, LIST, MONITOR, NEVER, PASSWORD, SERVER, TOKEN, server, success
from support.commands import NOW, Desk
from support.loopback import Reply

SHIPPED = Path(__file__).parents[3] / "checks.d" / "nezha.yaml"


# The shipped rules.


def shipped(desk: Desk) -> dict[str, str]:
    shutil.copy(SHIPPED, desk.checks_dir)
    desk.arguments = ["--sandbox"]
    return lines(desk)


def test_the_shipped_rules_show_inactive_agents_of_each_group(desk: Desk) -> None:
    found = shipped(desk)
    assert found["nezha-inactive-agents web"] == "OK tag_inactive_agents 0"
    assert found["nezha-inactive-agents db"].startswith("CRITICAL tag_inactive_agents 1 above 0: db-2 ")
    assert found["nezha-inactive-agents db"].endswith(" ago")
    assert found["nezha-inactive-agents cache"] == "CRITICAL tag_inactive_agents 1 above 0: cache-2 never"


def test_the_shipped_rules_show_every_state(desk: Desk) -> None:
    found = shipped(desk)
    assert found["nezha-cpu web-1"].startswith("OK cpu ")
    assert found["nezha-cpu web-3"].startswith("CRITICAL cpu ")
    assert found["nezha-cpu db-2"].startswith("UNKNOWN cpu has no value: its last report is ")
    assert "nezha-cpu cache-1" not in found
    assert found["nezha-disk"].startswith("CRITICAL 1 of 5 hosts above 95%: db-1 9")
    assert found["nezha-agent-age web-1"].startswith("OK agent_age ")
    assert found["nezha-agent-age db-2"].startswith("CRITICAL agent_age ")
    assert found["nezha-agent-age cache-2"].endswith("never reported since the dashboard started")
    assert found["nezha-latency shop front"].startswith("OK 3 hosts, latency_avg at most ")
    assert found["nezha-latency gateway"].startswith("CRITICAL 1 of 3 hosts above 0.25s: web-3 ")
    assert found["nezha-latency branch office"].startswith("UNKNOWN 3 of 3 hosts without value: web-1 (")
    assert " reached nothing: delay 0" in found["nezha-latency branch office"]


def test_a_source_of_generation_v1_runs_in_the_sandbox_too(desk: Desk) -> None:
    desk.write(f"""
        sources:
          new: {{type: nezha, base_url: "https://nezha.example", api: v1, username: ops, password: {PASSWORD}}}
        checks:
          - {{name: cpu, source: new, metric: cpu, each: host, where: {{tag: eu}}, above: 90%}}
          - {{name: tags, source: new, metric: tag_servers, each: tag, above: 2}}
    """)
    desk.arguments = ["--sandbox"]
    found = lines(desk)
    assert sorted(name for name in found if name.startswith("cpu")) == ["cpu web-1", "cpu web-2"]
    assert found["tags web"] == "CRITICAL tag_servers 3 above 2"
    assert found["tags eu"] == "OK tag_servers 2"


# A dashboard on loopback.


def test_one_call_serves_every_rule_on_figures(desk: Desk) -> None:
    rows = [fresh(SERVER), fresh(server(2, "b", CPU=95.5))]
    with serving(Dashboard(**{DETAILS: v0_with_token(rows)})) as dashboard:
        desk.write(
            V0
            + """
      - {name: cpu, source: nezha, metric: cpu, each: host, above: 90%}
      - {name: memory, source: nezha, metric: memory_used, above: 90%}
      - {name: load, source: nezha, metric: load1_per_core, above: 2}
      - {name: version, source: nezha, metric: agent_version, states: {"0.20.*": ok, "*": warn}}
    """,
            url=dashboard.server.url,
            token=TOKEN,
        )
        found = lines(desk)
    assert dashboard.asked == [f"GET {DETAILS}"]
    assert found == {
        "cpu Server1": "OK cpu 17.3%",
        "cpu b": "CRITICAL cpu 95.5% above 90%",
        "memory": "OK 2 hosts, memory_used at most 81.6% (Server1)",
        "load": "OK 2 hosts, load1_per_core at most 0.654 (Server1)",
        "version": "OK 2 hosts: 2 0.20.5",
    }
    (got,) = dashboard.server.got
    assert (got.headers["authorization"], got.body) == (TOKEN, b"")


def test_groups_and_expectations_come_from_the_list(desk: Desk) -> None:
    rows = [fresh({**SERVER, "tag": "web"}), fresh({**server(2, "b"), "tag": "db"})]
    listed = [fresh({**ENTRY, "tag": "web"}), fresh({**ENTRY, "id": 2, "name": "b", "tag": "db"})]
    gone = fresh({**ENTRY, "id": 3, "name": "c", "tag": "db"})
    answers = {DETAILS: v0_with_token(rows), LIST: v0_with_token([*listed, gone])}
    with serving(Dashboard(**answers)) as dashboard:
        desk.write(
            V0
            + """
      - {name: web, source: nezha, metric: cpu, where: {tag: web}, above: 90%}
      - {name: tag, source: nezha, metric: cpu, each: tag, above: 90%}
      - {name: all, source: nezha, metric: cpu, each: host, expect: all, where: {tag: db}, above: 90%}
      - {name: inactive, source: nezha, metric: inactive_agents, above: 0}
    """,
            url=dashboard.server.url,
            token=TOKEN,
        )
        found = lines(desk)
    assert sorted(dashboard.asked) == [f"GET {DETAILS}", f"GET {LIST}"]
    assert found["web"] == "OK Server1: cpu 17.3%"
    assert {name for name in found if name.startswith("tag ")} == {"tag web", "tag db"}
    assert found["all b"] == "OK cpu 17.3%"
    assert found["all c"].startswith("CRITICAL id 3 of the inventory is absent")
    assert found["inactive"] == "OK inactive_agents 0"


def test_a_server_that_falls_silent_is_unknown_and_never_its_last_value(desk: Desk) -> None:
    row = fresh(SERVER)
    with serving(Dashboard(**{DETAILS: v0_with_token([row])})) as dashboard:
        desk.write(
            V0 + "      - {name: cpu, source: nezha, metric: cpu, each: host, above: 90%}",
            url=dashboard.server.url,
            token=TOKEN,
        )
        states = []
        for _ in range(4):
            states.append(lines(desk)["cpu Server1"])
            desk.clock.now += 30
    assert states[:2] == ["OK cpu 17.3%"] * 2
    assert states[2].startswith("UNKNOWN cpu has no value: its last report is 65 s old, so its figures are too")
    assert states[3].startswith("UNKNOWN cpu has no value: its last report is 95 s old")


def test_a_dashboard_whose_clock_is_ahead_does_not_make_dead_agents_fresh(desk: Desk) -> None:
    """By the dashboard's clock this agent died ten minutes ago; by ours it reported just now."""
    answers = {DETAILS: v0_with_token([fresh(SERVER)]), LIST: v0_with_token([fresh(ENTRY)])}
    with serving(Dashboard(**answers)) as dashboard:
        desk.write(
            V0
            + """
      - {name: cpu, source: nezha, metric: cpu, each: host, above: 90%}
      - {name: age, source: nezha, metric: agent_age, each: host, above: 300}
      - {name: inactive, source: nezha, metric: inactive_agents, above: 0}
    """,
            url=dashboard.server.url,
            token=TOKEN,
        )
        before = BaseHTTPRequestHandler.date_time_string
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                BaseHTTPRequestHandler, "date_time_string", lambda handler: before(handler, desk.clock.now + 600)
            )
            found = lines(desk)
    assert set(found) == {"cpu Server1", "age Server1", "inactive"}
    for text in found.values():
        assert text.startswith("UNKNOWN ")
        assert "the dashboard's clock is 10 min ahead of the one here: set the clocks, or raise skew" in text


@pytest.mark.parametrize("tag", [None, 5, ["web"]], ids=str)
def test_a_hot_server_of_an_unknown_group_is_not_left_out_of_one(desk: Desk, tag: Any) -> None:
    hot = {"status": {**SERVER["status"], "CPU": 99.0}, "id": 2, "name": "hot", "tag": tag}
    rows = [fresh({**SERVER, "tag": "web"}), fresh({**SERVER, **hot})]
    answers = {DETAILS: v0_with_token(rows), LIST: v0_with_token(rows)}
    with serving(Dashboard(**answers)) as dashboard:
        desk.write(
            V0
            + """
      - {name: asked, source: nezha, metric: cpu, query: {tag: web}, above: 90%}
      - {name: where, source: nezha, metric: cpu, where: {tag: web}, above: 90%}
      - {name: counted, source: nezha, metric: tag_inactive_agents, where: {tag: web}, above: 0}
      - {name: elsewhere, source: nezha, metric: tag_inactive_agents, where: {tag: db}, above: 0}
      - {name: all, source: nezha, metric: inactive_agents, query: {tag: web}, above: 0}
    """,
            url=dashboard.server.url,
            token=TOKEN,
        )
        found = lines(desk)
    assert set(found) == {"asked", "where", "counted", "elsewhere", "all"}
    for text in found.values():
        assert text.startswith("UNKNOWN ")
        assert "its tag should be a text, but is " in text


def test_an_unreachable_target_is_unknown_and_never_fast(desk: Desk) -> None:
    minute = int(NOW) // 60 * 60
    times = [(minute - back) * 1000 for back in (2700, 1800, 900, 0)]
    row = {"monitor_id": 1, "server_id": 1, "monitor_name": "gateway", "server_name": "Server1"}
    history = success({**row, "created_at": times, "avg_delay": [0, 0, 0, 0]})
    with serving(Dashboard(**{LIST: v0_with_token([fresh(ENTRY)]), MONITOR: history})) as dashboard:
        desk.write(
            V0
            + """
      - {name: avg, source: nezha, metric: latency_avg, above: 0.15}
      - {name: last, source: nezha, metric: latency_last, each: monitor, above: 0.15}
    """,
            url=dashboard.server.url,
            token=TOKEN,
        )
        found = lines(desk)
    assert set(found) == {"avg", "last gateway"}
    assert all(text.startswith("UNKNOWN ") and " reached nothing: delay 0" in text for text in found.values())


def test_a_measurement_of_an_hour_ago_is_no_latency_of_now_unless_a_rule_says_so(desk: Desk) -> None:
    minute = int(NOW) // 60 * 60
    row = {"monitor_id": 1, "server_id": 1, "monitor_name": "gateway", "server_name": "Server1"}
    history = success({**row, "created_at": [(minute - 3120) * 1000], "avg_delay": [20.5]})
    with serving(Dashboard(**{LIST: v0_with_token([fresh(ENTRY)]), MONITOR: history})) as dashboard:
        desk.write(
            V0
            + """
      - {name: last, source: nezha, metric: latency_last, above: 0.15}
      - {name: avg, source: nezha, metric: latency_avg, above: 0.15}
      - {name: lenient, source: nezha, metric: latency_last, above: 0.15, max_age: 1h}
      - {name: gap, source: nezha, metric: latency_gap, above: {warn: 30m, crit: 3h}}
    """,
            url=dashboard.server.url,
            token=TOKEN,
        )
        found = lines(desk)
    assert {name: text.partition(" ")[0] for name, text in found.items()} == {
        "last": "UNKNOWN",
        "avg": "UNKNOWN",
        "lenient": "OK",
        "gap": "WARNING",
    }
    assert found["last"].endswith(", older than 30m")


def test_max_age_of_a_rule_counts_from_the_last_report(desk: Desk) -> None:
    with serving(Dashboard(**{DETAILS: v0_with_token([fresh(SERVER, 40)])})) as dashboard:
        desk.write(
            V0 + "      - {name: cpu, source: nezha, metric: cpu, above: 90%, max_age: 30s, on_stale: warn}",
            url=dashboard.server.url,
            token=TOKEN,
        )
        assert lines(desk)["cpu"] == "WARNING cpu has no value for Server1: measured 40s ago, older than 30s"


def test_a_restart_of_the_dashboard_is_unknown_and_leaves_no_trace(desk: Desk) -> None:
    """Servers without swap are not expected to have any afterwards."""
    bare = {"SwapTotal": 0}
    rows: list[Any] = [fresh({**SERVER, "host": {**SERVER["host"], **bare}}), fresh(server(2, "b"))]
    zero = {**SERVER, "last_active": NEVER, "status": dict.fromkeys(SERVER["status"], 0) | {"Temperatures": None}}
    zero["host"] = dict.fromkeys(SERVER["host"], 0) | {"CPU": None, "Platform": "", "Version": ""}
    with serving(Dashboard(**{DETAILS: v0_with_token(rows), LIST: v0_with_token(rows)})) as dashboard:
        desk.write(
            V0
            + """
      - {name: swap, source: nezha, metric: swap_used, each: host, above: 90%}
      - {name: inactive, source: nezha, metric: inactive_agents, above: 0}
      - {name: never, source: nezha, metric: never_reported, above: 0}
    """,
            url=dashboard.server.url,
            token=TOKEN,
        )
        before = lines(desk)
        well, rows[:] = rows[:], [zero, {**zero, "id": 2, "name": "b"}]
        desk.clock.now += 20
        during = lines(desk)
        desk.clock.now += 20
        rows[:] = [{**row, "last_active": int(desk.clock.now)} for row in well]
        after = lines(desk)
    assert before == {"swap b": "OK swap_used 25%", "inactive": "OK inactive_agents 0", "never": "OK never_reported 0"}
    assert all(text.startswith("UNKNOWN ") for text in during.values())
    assert "none of the servers has reported since the dashboard started" in during["inactive"]
    assert after == before


def test_a_wrong_token_is_a_login_that_fails(desk: Desk) -> None:
    with serving(Dashboard(**{DETAILS: v0_with_token([SERVER])})) as dashboard:
        desk.write(
            V0 + "      - {name: cpu, source: nezha, metric: cpu, each: host, above: 90%}",
            url=dashboard.server.url,
            token="Bearer-" + TOKEN,
        )
        (found,) = lines(desk).values()
    assert found.startswith("UNKNOWN source nezha failed: login: Nezha refuses access (code 403: 访问此接口需要认证)")
    assert TOKEN not in found


def test_a_token_does_not_go_along_to_another_host(desk: Desk) -> None:
    with serving(Dashboard(**{DETAILS: v0_with_token([SERVER])})) as other:
        away = Reply(302, headers={"Location": f"http://localhost:{other.server.port}{DETAILS}"})
        with serving(Dashboard(**{DETAILS: away})) as dashboard:
            desk.write(
                V0.replace("retries: 0", "retries: 0, redirect_hosts: [localhost]")
                + "      - {name: cpu, source: nezha, metric: cpu, above: 90%}",
                url=dashboard.server.url,
                token=TOKEN,
            )
            (found,) = lines(desk).values()
    assert "login: Nezha refuses access" in found
    assert all(TOKEN not in str(got) for got in other.server.got)
    assert len(other.server.got) == 1
