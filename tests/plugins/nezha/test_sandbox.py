"""The imitation of Nezha: exact shapes with their oddities, what it refuses, and every state to be seen."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any
from urllib.request import Request, urlopen

import pytest

from checkmill.api.v1 import Answer, App, Asked, Sample, Secret, SessionExpired, SourceError, World
from checkmill.sandbox import SandboxServer
from checkmill.testing import play, vendor
from checkmill_nezha.login import log_in
from checkmill_nezha.metrics import NEZHA
from checkmill_nezha.sandbox import SANDBOX, v0, v1
from checkmill_nezha.sandbox.machines import MACHINES
from checkmill_nezha.settings import Settings
from plugins.nezha.documented import DETAILS, ENTRY, GROUPS, HOST, LIST, LOGIN, SERVERS, STATUS, only

NOW = 1_720_000_123.0
TOKEN = str(SANDBOX.settings["token"])
PASSWORD = str(SANDBOX.settings["password"])
OWN = {"authorization": TOKEN}


def app(at: float = NOW, seed: int = 1) -> App:
    return SANDBOX.start(World(clock=lambda: at, seed=seed))


def ask(path: str, headers: dict[str, str] | None = None, on: App | None = None, **params: str) -> Answer:
    return (on or app())(Asked(method="GET", path=path, headers=OWN if headers is None else headers, params=params))


def rows(path: str, on: App | None = None, **params: str) -> list[dict[str, Any]]:
    answer = ask(path, on=on, **params).json
    assert (answer["code"], answer["message"]) == (0, "success")
    found: list[dict[str, Any]] = answer["result"]
    return found


def older(**more: Any) -> Settings:
    return Settings(**{"token": Secret(TOKEN), **more})


def newer() -> Settings:
    return Settings(username="anybody", password=Secret(PASSWORD))


def samples(name: str, settings: Settings, on: App | None = None, at: float = NOW, **query: Any) -> list[Sample]:
    metric = NEZHA.metric(name)
    assert metric is not None
    how = metric.dataset.query_type(**query)
    respond = vendor(on or app(at))
    session = play(log_in(settings), respond, at) if settings.username else None
    return list(metric.samples(play(metric.dataset.flow(settings, how), respond, at, session=session), how))


# Generation v0.


@pytest.mark.parametrize("metric", NEZHA.metrics, ids=lambda metric: metric.name)
def test_every_metric_has_values_in_the_sandbox(metric: Any) -> None:
    good = [sample for sample in samples(metric.name, older()) if not sample.is_missing]
    assert good
    assert all(set(sample.labels) == set(metric.labels) for sample in good)


def test_the_shapes_are_the_documented_ones() -> None:
    assert set(rows(LIST)[0]) == {*ENTRY, "display_index", "hide_for_guest"}
    detailed = rows(DETAILS)[0]
    assert set(detailed) == {*ENTRY, "display_index", "hide_for_guest", "host", "status"}
    assert (set(detailed["host"]), set(detailed["status"])) == (set(HOST), set(STATUS))


def test_servers_come_in_another_order_each_time_but_not_when_asked_for() -> None:
    one = app()
    orders = {tuple(row["id"] for row in rows(path, on=one)) for path in (LIST, DETAILS) * 4}
    assert len(orders) > 4
    assert {tuple(sorted(order)) for order in orders} == {tuple(machine.id for machine in MACHINES)}
    assert [row["id"] for row in rows(DETAILS, id="12,1,7")] == [12, 1, 7]
    assert [row["id"] for row in rows(LIST, tag="web")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({"id": "1,99,x, 2,3"}, [1, 3]),
        ({"id": "1,1"}, [1, 1]),
        ({"id": "99"}, []),
        ({"id": f"{1 << 64}"}, []),
        ({"tag": "none"}, []),
        ({"tag": "WEB"}, []),
        ({"id": "1", "tag": "db"}, [4, 5]),
        ({"tag": "批处理 & batch"}, [9, 11]),
    ],
    ids=str,
)
def test_it_selects_as_the_dashboard_does(params: dict[str, str], ids: list[int]) -> None:
    assert [row["id"] for row in rows(DETAILS, **params)] == ids


def test_an_empty_parameter_is_none() -> None:
    assert len(rows(DETAILS, id="", tag="")) == len(MACHINES)
    assert len(rows(LIST, tag="")) == len(MACHINES)


def test_the_place_on_the_page_is_told_by_one_call_alone() -> None:
    assert all(row["display_index"] for row in rows(DETAILS))
    for others in (rows(LIST), rows(DETAILS, tag="db"), rows(DETAILS, id="4,5")):
        assert not any(row["display_index"] or row["hide_for_guest"] for row in others)


def test_the_oddities_are_there() -> None:
    by_id = {row["id"]: row for row in rows(DETAILS)}
    assert by_id[8]["last_active"] == -62135596800
    assert by_id[8]["host"]["CPU"] is None
    assert by_id[8]["status"]["Temperatures"] is None
    assert (by_id[11]["host"]["MemTotal"], by_id[11]["valid_ip"]) == (0, "")
    assert by_id[11]["status"]["CPU"] > 0
    assert by_id[5]["status"]["CPU"] > 0
    assert NOW - by_id[5]["last_active"] > 3600
    assert by_id[9]["name"] == by_id[11]["name"]
    assert by_id[12]["tag"] == ""
    assert ask("/api/v1/monitor/8").json == {"code": 0, "message": "success", "result": None}


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (LIST, {}, 200, 403),
        (LIST, {"authorization": "wrong"}, 200, 403),
        (DETAILS, {"authorization": f"Bearer {TOKEN}"}, 200, 403),
        (DETAILS, {"authorization": f"Token {TOKEN}"}, 200, 403),
        ("/api/v1/monitor/1", {}, 200, 403),
        ("/api/v1/monitor/x", OWN, 400, 400),
        ("/api/v1/monitor/999", OWN, 404, 404),
        ("/api/v1/server/register", OWN, 404, None),
        ("/api/v1/server", OWN, 404, None),
        ("/api/v1/", OWN, 404, None),
        ("/", {}, 404, None),
    ],
)
def test_it_refuses_what_the_dashboard_refuses(path: str, headers: dict[str, str], status: int, code: Any) -> None:
    answer = ask(path, headers)
    assert answer.status == status
    if code is None:
        assert answer.sent_body().startswith(b"<!DOCTYPE html>")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    else:
        assert set(answer.json) == {"code", "message"}
        assert answer.json["code"] == code


@pytest.mark.parametrize("path", [LIST, DETAILS, "/api/v1/server/register"])
def test_it_answers_get_alone(path: str) -> None:
    assert app()(Asked(method="POST", path=path, headers=OWN)).status == 404


@pytest.mark.parametrize("name", ["cpu", "memory_used", "net_in", "latency_avg"])
def test_the_same_world_gives_the_same_values(name: str) -> None:
    assert samples(name, older()) == samples(name, older())
    assert samples(name, older()) != samples(name, older(), at=NOW + 700)
    assert samples(name, older()) != samples(name, older(), app(seed=2))


@pytest.mark.parametrize("at", [NOW, NOW + 1800, NOW + 86400 * 3.3])
def test_some_are_well_and_some_are_not_at_any_time(at: float) -> None:
    values = {s.labels["host"]: s.value for s in samples("cpu", older(), at=at) if isinstance(s.value, int | float)}
    assert {host for host, value in values.items() if value > 90} == {"web-3"}
    full = {
        s.labels["host"] for s in samples("disk_used", older(), at=at) if isinstance(s.value, float) and s.value > 95
    }
    assert full == {"db-1"}
    silent = {s.labels["tag"]: s.value for s in samples("tag_inactive_agents", older(), at=at)}
    assert silent == {"web": 0, "db": 1, "cache": 1, "(no tag)": 0, "批处理 & batch": 0}
    assert only(samples("never_reported", older(), at=at)).value == 1
    slow = {
        (s.labels["host"], s.labels["monitor"])
        for s in samples("latency_avg", older(), at=at)
        if isinstance(s.value, float) and s.value > 0.25
    }
    assert slow == {("web-3", "gateway")}
    missing = {s.labels.get("id") for s in samples("cpu", older(), at=at) if s.is_missing}
    assert missing == {"5", "8"}


def test_a_wrong_token_fails_the_fetch() -> None:
    with pytest.raises(SourceError, match="code 403"):
        samples("cpu", older(token=Secret("wrong-token")))


def test_what_no_server_reaches_has_no_latency() -> None:
    unreached = [one for one in samples("latency_avg", older()) if one.labels.get("monitor") == "branch office"]
    assert len(unreached) == 6
    assert all(one.is_missing for one in unreached)
    rows = ask("/api/v1/monitor/1").json["result"]
    assert {row["monitor_name"]: set(row["avg_delay"]) == {0} for row in rows} == {
        "gateway": False,
        "shop front": False,
        "branch office": True,
    }


def test_its_server_dates_answers_by_the_simulated_clock() -> None:
    """Ages are counted by the Date of an answer, at whatever moment the samples of a document are made."""
    with SandboxServer(World(clock=lambda: NOW)) as server:
        asked = Request(f"{server.base_url(NEZHA)}{LIST}", headers={"Authorization": TOKEN})
        with urlopen(asked, timeout=10) as answer:
            assert answer.headers["Date"] == formatdate(NOW, usegmt=True)
            assert len(json.load(answer)["result"]) == len(MACHINES)


# Generation v1.


def log_in_with(on: App, **body: str) -> Answer:
    return on(Asked(method="POST", path=LOGIN, body=json.dumps(body).encode()))


#: The two generations have other agents, and of v1 no monitors are read.
ALIKE = [m for m in NEZHA.metrics if m.dataset.name != "monitor" and m.name != "agent_version"]


@pytest.mark.parametrize("start", [SANDBOX.start, v1.start], ids=["beside v0", "alone"])
@pytest.mark.parametrize("metric", ALIKE, ids=lambda m: m.name)
def test_generation_v1_shows_the_same_servers(metric: Any, start: Any) -> None:
    there = samples(metric.name, older())
    found = samples(metric.name, newer(), start(World(clock=lambda: NOW)))
    # A server may be in a group more there.
    assert _told([one for one in found if one.labels.get("tag") != "eu"]) == _told(there)


def _told(found: list[Sample]) -> list[tuple[Any, ...]]:
    """Labels and values; ages differ by what v0 cuts off a second."""
    return [
        (tuple(sorted(one.labels.items())), one.is_missing or pytest.approx(one.value, abs=1.0), one.is_missing)
        for one in found
    ]


def test_a_server_may_be_in_several_groups() -> None:
    found = samples("tag_servers", newer())
    assert {one.labels["tag"]: one.value for one in found} == {
        "web": 3,
        "eu": 2,
        "db": 2,
        "cache": 2,
        "批处理 & batch": 2,
        "(no tag)": 1,
    }


def test_what_is_zero_is_left_out() -> None:
    on = v1.start(World(clock=lambda: NOW))
    token = log_in_with(on, username="a", password=PASSWORD).json["data"]["token"]
    answer = ask(SERVERS, {"authorization": f"Bearer {token}"}, on)
    by_id = {row["id"]: row for row in answer.json["data"]}
    assert (by_id[8]["state"], by_id[8]["host"], by_id[8]["last_active"]) == ({}, {}, "0001-01-01T00:00:00Z")
    assert "load_1" not in by_id[12]["state"]
    assert "swap_total" not in by_id[7]["host"]
    assert "tag" not in by_id[1]
    assert all(value for row in by_id.values() for value in row["state"].values())


@pytest.mark.parametrize(
    ("path", "authorization"),
    [(SERVERS, ""), (GROUPS, "Bearer x"), (SERVERS, f"Bearer {TOKEN}"), (SERVERS, "Bearer sandbox.9999999999.0")],
)
def test_it_refuses_a_wrong_login(path: str, authorization: str) -> None:
    answer = ask(path, {"authorization": authorization}, v1.start(World(clock=lambda: NOW)))
    assert (answer.status, answer.json) == (200, {"error": "ApiErrorUnauthorized"})


def test_an_unknown_path_is_an_error_with_status_200() -> None:
    answer = ask(LIST, on=v1.start(World(clock=lambda: NOW)))
    assert (answer.status, answer.json) == (200, {"error": "404 Not Found"})


def test_a_login_lasts_an_hour() -> None:
    now = [NOW]
    on = v1.start(World(clock=lambda: now[0]))
    header = play(log_in(newer()), vendor(on), NOW)
    metric = NEZHA.metric("cpu")
    assert metric is not None
    how = metric.dataset.query_type()
    for later, lasts in ((3599, True), (3600, False)):
        now[0] = NOW + later
        flow = metric.dataset.flow(newer(), how)
        if lasts:
            assert play(flow, vendor(on), now[0], session=header).servers
        else:
            with pytest.raises(SessionExpired):
                play(flow, vendor(on), now[0], session=header)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"username":"a"}', b'{"password":"x","username":"a"}'])
def test_failed_logins_lock_their_address_out(body: bytes) -> None:
    now = [NOW]
    on = v1.start(World(clock=lambda: now[0]))
    for _ in range(v1.MOST_FAILURES):
        assert on(Asked(method="POST", path=LOGIN, body=body)).json == {"error": "ApiErrorUnauthorized"}
    blocked = log_in_with(on, username="a", password=PASSWORD)
    assert (blocked.status, blocked.json) == (403, None)
    now[0] += v1.LOCKED_S
    assert log_in_with(on, username="a", password=PASSWORD).json["success"] is True


def test_its_secrets_open_nothing_but_the_sandbox() -> None:
    assert SANDBOX.settings == {"token": v0.TOKEN, "username": v1.USERNAME, "password": v1.PASSWORD}
    shown = "".join(repr(samples(metric.name, older())) for metric in NEZHA.metrics)
    assert TOKEN not in shown
