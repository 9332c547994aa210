"""Scenarios carried out by the driver over real TCP, UDP and HTTP on loopback, one alone and many side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from checkmill.api.v1 import Flow, Reach, SourceSettings, attempt, together
from checkmill.edges import Edges
from checkmill.steps.fetching import Job, carry_out
from checkmill_nhn_monitoring.probing import probe
from checkmill_nhn_monitoring.scenario import scenario_from
from checkmill_nhn_monitoring.verdict import Verdict
from support.loopback import (
    LOOPBACK,
    Got,
    Reply,
    Script,
    Server,
    Talk,
    http_server,
    raw_server,
    udp_server,
    unused_port,
)

HERE = Reach((LOOPBACK,))
BANNER = {"responseValidation": [{"position": 0, "validationText": "OK "}, {"position": 5, "validationText": "ready"}]}
JSON_OK = {
    "textValidation": {
        "textValidationType": "JSON",
        "textValidationInfos": [{"operator": "EQ", "expression": "$.state", "operand": "OK"}],
    }
}


def verdicts(
    *scenarios: Mapping[str, Any],
    reach: Reach = HERE,
    timeout_s: float = 20.0,
    silence_s: float = 8.0,
    connect_s: float = 5.0,
    edges: Edges | None = None,
) -> list[Verdict]:
    """What comes of scenarios that are carried out side by side, as one fetch."""

    def flow() -> Flow[list[Any]]:
        probes = [probe(scenario_from(dict(one)), reach, silence_s=silence_s, connect_s=connect_s) for one in scenarios]
        return (yield from together([attempt(one) for one in probes]))

    settings = SourceSettings(base_url="http://vendor.example", read_timeout=silence_s, connect_timeout=connect_s)
    (done,) = carry_out(
        [Job(name="probes", group="nhn", settings=settings, start=flow, timeout_s=timeout_s)], edges or Edges()
    )
    assert done.error is None, done.error
    found: list[Verdict] = done.value
    return found


def api(server: Server | str, validation: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    url = server if isinstance(server, str) else f"{server.url}/health"
    return {
        "scenarioId": "s",
        "scenarioType": "API",
        "url": url,
        "httpMethod": "GET",
        "validation": {"timeout": 3000, **(validation or {})},
        **members,
    }


def message(kind: str, server: Server | int, validation: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "scenarioId": "s",
        "scenarioType": kind,
        "ip": LOOPBACK,
        "port": server if isinstance(server, int) else server.port,
        "request": "ping",
        "validation": {"timeout": 3000, **(validation or {})},
    }


def answering(body: bytes, status: int = 200, **headers: str) -> Callable[[Got], Reply]:
    return lambda _: Reply(status, body, headers)


def test_an_api_scenario_passes_and_fails() -> None:
    with http_server(answering(b'{"state":"OK"}')) as good, http_server(answering(b'{"state":"FAIL"}')) as bad:
        found = verdicts(
            api(good, JSON_OK, httpMethod="POST", requestBody="body", headers={"X-A": "1"}), api(bad, JSON_OK), api(bad)
        )
    assert [one.word for one in found] == ["passed", "failed", "passed"]
    assert found[1].reason == 'HTTP 200, but $.state EQ OK does not hold: it is "FAIL"'
    assert all(one.response_time_s is not None and 0 < one.response_time_s < 3 for one in found)
    (got,) = good.got
    assert (got.method, got.target, got.body, got.headers["x-a"]) == ("POST", "/health", b"body", "1")


def test_a_scenario_alone_is_carried_out_as_well() -> None:
    with http_server(answering(b"<p>up</p>")) as server:
        markup = {
            "textValidationType": "HTML",
            "textValidationInfos": [{"operator": "EQ", "expression": "//p", "operand": "up"}],
        }
        (found,) = verdicts(api(server, {"textValidation": markup}))
    assert (found.word, found.reason) == ("passed", "HTTP 200, //p EQ up holds")


@pytest.mark.parametrize("kind", ["API", "TCP", "UDP"])
def test_a_refused_connection_is_a_failed_scenario(kind: str) -> None:
    port = unused_port()
    scenario = api(f"http://{LOOPBACK}:{port}/") if kind == "API" else message(kind, port)
    (found,) = verdicts(scenario)
    assert found.word == "failed"
    assert found.reason.startswith("connect: ")
    assert found.reason.endswith("connection refused")


def test_a_server_that_says_nothing_is_a_failed_scenario() -> None:
    with raw_server(Talk.hang) as server, udp_server(lambda _: None) as deaf:
        found = verdicts(
            api(f"http://{server.where}/", {"timeout": 300}),
            message("TCP", server, {**BANNER, "timeout": 300}),
            message("UDP", deaf, {"timeout": 300}),
        )
    assert [one.word for one in found] == ["failed"] * 3
    assert all(one.reason.startswith("read: no whole answer from 127.0.0.1:") for one in found)
    assert all(one.response_time_s is None for one in found)


def test_a_drip_does_not_outlast_the_timeout() -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        talk.drip(b"x")

    began = time.monotonic()
    with raw_server(talk) as server:
        (found,) = verdicts(api(f"http://{server.where}/", {"timeout": 400}))
    assert found.word == "failed"
    assert time.monotonic() - began < 3


def test_a_silence_shorter_than_the_timeout_is_our_own() -> None:
    with raw_server(Talk.hang) as server:
        (found,) = verdicts(api(f"http://{server.where}/", {"timeout": 5000}), silence_s=0.3)
    assert found.word == "not_carried_out"
    assert found.reason.endswith("its own time-out, 5 s, is longer than read_timeout, 0.3 s")


@pytest.mark.parametrize("beside", [False, True])
def test_the_deadline_of_the_fetch_is_no_failure(beside: bool) -> None:
    with raw_server(Talk.hang) as server, http_server(answering(b"")) as good:
        slow = api(f"http://{server.where}/", {"timeout": 5000})
        found = verdicts(slow, *([api(good)] if beside else []), timeout_s=2.0)
    assert found[0].word == "not_carried_out"
    assert [one.word for one in found[1:]] == ["passed"] * beside


def test_a_reset_and_a_broken_answer_are_failed_scenarios() -> None:
    def reset(talk: Talk) -> None:
        talk.read_request()
        talk.reset()

    def broken(talk: Talk) -> None:
        talk.read_request()
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    def no_http(talk: Talk) -> None:
        talk.read_request()
        talk.say(b"SSH-2.0-OpenSSH_9.6\r\n")

    with raw_server(reset) as first, raw_server(broken) as second, raw_server(no_http) as third:
        found = verdicts(*(api(f"http://{server.where}/") for server in (first, second, third)))
    assert [one.word for one in found] == ["failed"] * 3
    assert "reset" in found[0].reason
    assert "broke off before the answer was whole" in found[1].reason


def test_a_server_without_tls_is_a_failed_scenario() -> None:
    with http_server(answering(b"")) as server:
        (found,) = verdicts(api(f"https://{server.where}/"))
    assert found.word == "failed"
    assert found.reason.startswith("TLS: ")


def test_tcp_messages_are_read_from_a_connection_that_stays_open() -> None:
    payload = b"HEAD" + (30_000).to_bytes(4, "big") + b"x" * 30_000

    def talk(talk: Talk) -> None:
        assert talk.connection.recv(4) == b"ping"
        talk.say(payload[:3])
        talk.say(payload[3:] + b"the next message")
        talk.hang()

    length = {"lengthValidation": {"ENDIAN": "BIG", "POS": "4", "TYPE": "INT", "BASE": "8"}}
    little = {"lengthValidation": {"ENDIAN": "LITTLE", "POS": "4", "TYPE": "INT", "BASE": "8"}, "timeout": 300}
    head = {"responseValidation": [{"position": 0, "validationText": "HEAD"}]}
    with raw_server(talk) as server:
        found = verdicts(
            message("TCP", server),
            message("TCP", server, head),
            message("TCP", server, {**length, **head}),
            message("TCP", server, {"responseValidation": [{"position": 1, "validationText": "HEAD"}]}),
            message("TCP", server, little),
        )
    assert [one.word for one in found] == ["passed", "passed", "passed", "failed", "not_carried_out"]
    assert found[2].reason == f"30008 bytes came from {server.where}, all as they should be"
    assert found[3].reason == 'at position 1 there is "EAD ", not "HEAD"'
    assert "larger than the" in found[4].reason  # 805,634,056 bytes


def test_udp_messages_are_judged_whole() -> None:
    with udp_server(lambda data: b"OK - ready: " + data) as server:
        found = verdicts(
            message("UDP", server),
            message("UDP", server, BANNER),
            message("UDP", server, {"responseValidation": [{"position": 12, "validationText": "ping"}]}),
            message("UDP", server, {"responseValidation": [{"position": 12, "validationText": "pong"}]}),
        )
    assert [one.word for one in found] == ["passed", "passed", "passed", "failed"]


def test_redirects_are_followed_within_reach_alone() -> None:
    with http_server(answering(b"there")) as there, http_server(answering(b"")) as elsewhere:
        reach = Reach((f"{LOOPBACK}:{there.port}", "127.0.0.2"))
        replies = Script(Reply(302, b"", {"Location": "/b"}), Reply(307, b"", {"Location": f"{there.url}/c"}))
        with http_server(replies) as here:
            inside = Reach((*reach.hosts, here.where))
            (found,) = verdicts(api(here, headers={"X-Key": "sesame-sesame"}), reach=inside)
        with http_server(answering(b"", 302, Location=f"{elsewhere.url}/x")) as here:
            inside = Reach((*reach.hosts, here.where))
            (refused,) = verdicts(api(here), reach=inside)
    assert (found.word, found.reason) == ("passed", "after 2 redirects: HTTP 200")
    assert "x-key" not in there.got[0].headers
    assert refused.word == "not_carried_out"
    assert refused.reason == (
        f"HTTP 302 leads elsewhere: {elsewhere.where} is not in the list of hosts that may be contacted"
    )
    assert not elsewhere.got


@pytest.mark.parametrize("kind", ["API", "TCP", "UDP"])
def test_a_name_that_leads_to_a_private_address_is_refused(kind: str) -> None:
    def look_up(host: str, port: int, sort: int) -> Sequence[Any]:
        import socket

        return socket.getaddrinfo(LOOPBACK, port, type=sort)

    with http_server(answering(b"")) as server:
        scenario: dict[str, Any] = message(kind, server) | {"ip": "shop.example"}
        if kind == "API":
            scenario = api(f"http://shop.example:{server.port}/")
        edges = Edges(look_up=look_up)
        (refused,) = verdicts(scenario, reach=Reach(("shop.example",)), edges=edges)
        contacted = server.connections
        (found,) = verdicts(scenario, reach=Reach(("shop.example", LOOPBACK)), edges=edges)
    assert refused.word == "not_carried_out"
    assert "shop.example resolves to 127.0.0.1, which is loopback" in refused.reason
    assert found.word == {"API": "passed", "TCP": "passed", "UDP": "failed"}[kind]
    assert contacted == 0


def test_a_name_that_does_not_resolve_is_a_failed_scenario() -> None:
    def look_up(host: str, port: int, sort: int) -> Sequence[Any]:
        import socket

        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    scenarios = [api("http://shop.example/"), message("TCP", 80) | {"ip": "shop.example"}]
    found = verdicts(*scenarios, reach=Reach(("shop.example",)), edges=Edges(look_up=look_up))
    assert [(one.word, one.reason) for one in found] == [
        ("failed", "DNS: shop.example does not resolve: no such host")
    ] * 2


def test_an_expression_that_never_ends_leaves_the_other_verdicts() -> None:
    endless = {
        "textValidationType": "JSON",
        "textValidationInfos": [
            {"operator": "EQ", "expression": "$.a[?match(@.x, '(a|a)*b')].x", "operand": "x"},
        ],
    }
    with http_server(answering(json.dumps({"a": [{"x": "a" * 60}], "state": "OK"}).encode())) as server:
        began = time.monotonic()
        found = verdicts(api(server, {"textValidation": endless}), api(server, JSON_OK), api(server), timeout_s=4.0)
    assert [one.word for one in found] == ["not_carried_out", "passed", "passed"]
    assert "its text was not judged" in found[0].reason
    assert time.monotonic() - began < 8


def test_a_large_answer_is_not_carried_out() -> None:
    with http_server(answering(b"x" * (17 << 20))) as server:
        (found,) = verdicts(api(server))
    assert found.word == "not_carried_out"
    assert "larger than the 16 MiB that max_size allows" in found.reason


def test_many_scenarios_are_carried_out_side_by_side() -> None:
    with http_server(answering(b'{"state":"OK"}')) as server:
        found = verdicts(*[api(server) for _ in range(50)])
    assert [one.word for one in found] == ["passed"] * 50
    assert len(server.got) == 50  # none is shared
