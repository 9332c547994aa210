"""Rules on a dashboard, run by the commands: the shipped ones, and what the plugin is told by the wire."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from plugins.nezha.documented import (
    DETAILS,
    ENTRY,
    GROUPS,
    LIST,
    LOGIN,
    NEVER,
    PASSWORD,
    SERVER,
    SERVERS,
    TOKEN,
    V1_GROUP,
    V1_SERVER,
    server,
    success,
)
from support.commands import NOW, Desk
from support.loopback import Got, Reply, Server, http_server

SHIPPED = Path(__file__).parents[3] / "checks.d" / "nezha.yaml"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def lines(desk: Desk, words: str = "run") -> dict[str, str]:
    """State and text of each service."""
    return {one["service"]: f"{one['state']} {one['output']}" for one in desk(f"{words} --format json").json}


# The shipped rules.


def shipped(desk: Desk) -> dict[str, str]:
    shutil.copy(SHIPPED, desk.checks_dir)
    desk.arguments = ["--sandbox"]
    return lines(desk)


def test_the_shipped_rules_show_inactive_agents_of_each_group(desk: Desk) -> None:
    found = shipped(desk)
    assert found["nezha-inactive-agents web"] == "OK tag_inactive_agents 0"
    assert found["nezha-inactive-agents db"].startswith("CRITICAL tag_inactive_agents 1: db-2 ")
    assert found["nezha-inactive-agents db"].endswith(" ago above 0")
    assert found["nezha-inactive-agents cache"] == "CRITICAL tag_inactive_agents 1: cache-2 never above 0"


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


class Dashboard:
    """Answers by path, each a document or what gives one; counts what it is asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = answers
        self.server = Server(0)

    def __call__(self, got: Got) -> Reply:
        found = self.answers.get(urlsplit(got.target).path, Reply(404, b"<html>404</html>"))
        document = found(got) if callable(found) else found
        return document if isinstance(document, Reply) else Reply(200, json.dumps(document).encode())

    @property
    def asked(self) -> list[str]:
        return [f"{got.method} {got.target}" for got in self.server.got]


@contextmanager
def serving(dashboard: Dashboard) -> Iterator[Dashboard]:
    with http_server(dashboard) as running:
        dashboard.server = running
        yield dashboard


def v0_with_token(rows: list[Any]) -> Callable[[Got], Any]:
    def answer(got: Got) -> Any:
        if got.headers.get("authorization") != TOKEN:
            return {"code": 403, "message": "访问此接口需要认证"}
        return success(*rows)

    return answer


V0 = """
    sources:
      nezha: {type: nezha, base_url: <url>, token: <token>, retries: 0}
    checks:
"""
V1 = """
    sources:
      nezha: {type: nezha, base_url: <url>, username: ops, password: <password>, retries: 0}
    checks:
"""


def fresh(row: dict[str, Any], age: float = 5) -> dict[str, Any]:
    return {**row, "last_active": int(NOW - age)}


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


# Generation v1 on loopback.


class Newer:
    """A v1 dashboard: `good` are the tokens it takes, `refusing` whether it refuses logins."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.logins = 0
        self.good: set[str] = set()
        self.refusing = False
        self.dashboard = Dashboard(
            **{
                LOGIN: self.log_in,
                SERVERS: lambda got: self.if_good(got, [self.row]),
                GROUPS: lambda got: self.if_good(got, [V1_GROUP]),
            }
        )

    def log_in(self, got: Got) -> Any:
        self.logins += 1
        if self.refusing or json.loads(got.body) != {"username": "ops", "password": PASSWORD}:
            return {"error": "ApiErrorUnauthorized"}
        token = f"jwt-number-{self.logins}"
        self.good.add(token)
        return {"success": True, "data": {"token": token, "expire": "2033-05-18T04:33:20Z"}}

    def if_good(self, got: Got, data: list[Any]) -> Any:
        word, _, token = got.headers.get("authorization", "").partition(" ")
        if word != "Bearer" or token not in self.good:
            return {"error": "ApiErrorUnauthorized"}
        return {"success": True, "data": data}


def stamped(now: float) -> dict[str, Any]:
    return {**V1_SERVER, "last_active": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 5))}


RULES_V1 = """
      - {name: memory, source: nezha, metric: memory_used, each: host, above: 90%}
      - {name: inactive, source: nezha, metric: inactive_agents, above: 0}
    """


def test_one_login_serves_a_run(desk: Desk) -> None:
    v1 = Newer(stamped(NOW))
    with serving(v1.dashboard) as dashboard:
        desk.write(V1 + RULES_V1, url=dashboard.server.url, password=PASSWORD)
        found = lines(desk)
    assert found == {"memory Server1": "OK memory_used 25%", "inactive": "OK inactive_agents 0"}
    assert sorted(dashboard.asked) == [f"GET {SERVERS}", f"GET {GROUPS}", f"POST {LOGIN}"]


def test_a_login_that_has_ended_is_renewed_once(desk: Desk) -> None:
    v1 = Newer(stamped(NOW))

    def forgetful(got: Got) -> Any:
        if v1.logins == 1:
            v1.good.clear()
        return v1.if_good(got, [v1.row])

    v1.dashboard.answers[SERVERS] = forgetful
    with serving(v1.dashboard) as dashboard:
        desk.write(V1 + RULES_V1, url=dashboard.server.url, password=PASSWORD)
        found = lines(desk)
    assert found["memory Server1"] == "OK memory_used 25%"
    assert v1.logins == 2


def test_a_refused_login_is_asked_for_once_in_ten_minutes(desk: Desk) -> None:
    v1 = Newer(stamped(NOW))
    v1.refusing = True
    with serving(v1.dashboard) as dashboard:
        desk.write(V1 + RULES_V1, url=dashboard.server.url, password=PASSWORD)
        texts = [desk("check memory").line]
        for _ in range(8):
            desk.clock.now += 60
            texts.append(desk("check memory").line)
        assert v1.logins == 1
        desk.clock.now += 200
        desk("check memory")
    assert v1.logins == 2
    assert all("login: Nezha does not accept username and password" in text for text in texts)
    assert dashboard.asked == [f"POST {LOGIN}"] * 2
    assert not any(PASSWORD in text for text in texts)


def test_a_dashboard_of_generation_v1_is_named_to_who_wrote_a_token(desk: Desk) -> None:
    unknown = Reply(404, b'{"error":"404 Not Found"}', {"Content-Type": "application/json; charset=utf-8"})
    with serving(Dashboard(**{DETAILS: unknown, LIST: unknown})) as dashboard:
        desk.write(
            V0 + "      - {name: cpu, source: nezha, metric: cpu, above: 90%}", url=dashboard.server.url, token=TOKEN
        )
        (found,) = lines(desk).values()
    assert found.startswith("UNKNOWN source nezha failed: configuration: this dashboard is of generation v1")
    assert dashboard.asked == [f"GET {DETAILS}", f"GET {LIST}"]
