"""Rules on a dashboard of generation v1 by the wire: one login for all of them, and none too many."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from plugins.nezha.dashboards import V0, Dashboard, lines, serving
from plugins.nezha.documented import DETAILS, GROUPS, LIST, LOGIN, PASSWORD, SERVERS, TOKEN, V1_GROUP, V1_SERVER
from support.commands import NOW, Desk
from support.loopback import Got, Reply

V1 = """
    sources:
      nezha: {type: nezha, base_url: <url>, username: ops, password: <password>, retries: 0}
    checks:
"""


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


@pytest.mark.parametrize("words", ["run", "run --due", "run memory"])
def test_a_refused_login_is_tried_once_in_ten_minutes_by_runs_too(desk: Desk, words: str) -> None:
    """Each try that fails brings the address nearer to being locked out."""
    v1 = Newer(stamped(NOW))
    v1.refusing = True
    with serving(v1.dashboard) as dashboard:
        desk.write(V1 + RULES_V1, url=dashboard.server.url, password=PASSWORD)
        for _ in range(9):
            desk(words)
            desk.clock.now += 60
        assert v1.logins == 1
        desk.clock.now += 120
        desk(words)
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
