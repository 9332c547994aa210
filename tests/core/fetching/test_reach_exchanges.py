"""Exchanges whose reach is limited: over TCP and UDP they go to the address that was checked, or nowhere."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from checkmill.model.errors import ConfigurationError, ConnectError, DnsError
from checkmill.model.flow import Exchange, Exchanged, Flow, attempt, exchange, together
from checkmill.model.reach import Reach
from checkmill.model.settings import SourceSettings
from support.loopback import LOOPBACK, Server, Talk, raw_server, udp_server, unused_port

SETTINGS = SourceSettings(retries=2)
ELSEWHERE = "127.0.0.2"
DB = Reach(("db.example", LOOPBACK))
UNLISTED = "is not in the list of hosts that may be contacted"

BOTH = pytest.mark.parametrize("protocol", ["tcp", "udp"])


def echo(talk: Talk) -> None:
    talk.say(talk.connection.recv(100))


@contextmanager
def answering(protocol: str) -> Iterator[Server]:
    with raw_server(echo) if protocol == "tcp" else udp_server(lambda data: data) as server:
        yield server


def ask(host: str, server: Server, protocol: Any, reach: Reach = DB, **parts: Any) -> Flow[Exchanged]:
    return exchange(Exchange(host, server.port, protocol, b"ping", reach=reach, **parts))


@BOTH
def test_the_checked_address_is_talked_to_and_the_name_is_looked_up_once(fetch: Any, names: Any, protocol: str) -> None:
    names.tell("db.example", [LOOPBACK], [ELSEWHERE])
    with answering(protocol) as server:
        done = fetch(lambda: ask("DB.example", server, protocol), SETTINGS)
        assert done.value.data == b"ping"
        assert done.value.address == server.where
        assert names.asked == ["db.example"]
        again = fetch(lambda: ask("db.example", server, protocol), SETTINGS).error
        assert isinstance(again, ConfigurationError)
        assert server.connections == 1


@BOTH
@pytest.mark.parametrize(
    ("host", "reach", "sentence"),
    [
        ("evil.example", DB, "evil.example:{port} " + UNLISTED),
        (ELSEWHERE, DB, ELSEWHERE + ":{port} " + UNLISTED),
        ("2130706433", Reach(("*",)), f"2130706433 means {LOOPBACK}, and {LOOPBACK}:{{port}} {UNLISTED}"),
        ("db.example", Reach(("db.example:1", LOOPBACK)), "db.example:{port} " + UNLISTED),
        ("db example", DB, "'db example' is neither a host name nor an address"),
        ("fe80::1%lo", Reach(("fe80::/10",)), "'fe80::1%lo' is neither a host name nor an address"),
    ],
    ids=["name", "address", "disguised", "port", "no host", "zone"],
)
def test_a_host_that_is_not_listed_is_not_even_looked_up(
    fetch: Any, names: Any, protocol: str, host: str, reach: Reach, sentence: str
) -> None:
    with answering(protocol) as server:
        done = fetch(lambda: attempt(ask(host, server, protocol, reach)), SETTINGS)
    assert isinstance(done.value, ConfigurationError)
    assert str(done.value) == sentence.format(port=server.port)
    assert not done.value.arrived
    assert names.asked == []
    assert server.connections == 0


@BOTH
@pytest.mark.parametrize("addresses", [[LOOPBACK], ["::1"], ["10.1.2.3", LOOPBACK], ["169.254.169.254"]])
def test_a_name_that_leads_to_no_allowed_address_is_refused(
    fetch: Any, names: Any, protocol: str, addresses: list[str]
) -> None:
    names.tell("db.example", addresses)
    with answering(protocol) as server:
        error = fetch(lambda: ask("db.example", server, protocol, Reach(("db.example", ELSEWHERE))), SETTINGS).error
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"db.example resolves to {addresses[0]}, which is ")
    assert server.connections == 0


@BOTH
def test_of_several_addresses_only_the_allowed_are_tried(fetch: Any, names: Any, protocol: str) -> None:
    names.tell("db.example", ["10.1.2.3", "::1", LOOPBACK])
    with answering(protocol) as server:
        assert fetch(lambda: ask("db.example", server, protocol), SETTINGS).value.address == server.where


def test_the_next_allowed_address_is_tried_when_one_gives_no_connection(fetch: Any, names: Any) -> None:
    names.tell("db.example", [ELSEWHERE, LOOPBACK])
    reach = Reach(("db.example", "127.0.0.0/8"))
    with answering("tcp") as server:
        assert fetch(lambda: ask("db.example", server, "tcp", reach), SETTINGS).value.address == server.where
        with socket.socket() as full:
            full.bind((ELSEWHERE, server.port))
            full.listen(0)
            waiting = [socket.socket() for _ in range(3)]
            for knocking in waiting:  # the queue of what nobody accepts is full
                knocking.setblocking(False)
                knocking.connect_ex((ELSEWHERE, server.port))
            patient = SourceSettings(connect_timeout=0.4)
            assert fetch(lambda: ask("db.example", server, "tcp", reach), patient).value.address == server.where
            for knocking in waiting:
                knocking.close()


@BOTH
def test_a_refused_exchange_is_a_value_under_attempt(fetch: Any, names: Any, protocol: Any) -> None:
    names.tell("db.example", [LOOPBACK])
    port = unused_port()
    call = Exchange("db.example", port, protocol, b"ping", reach=DB)
    done = fetch(lambda: attempt(exchange(call)), SETTINGS)
    assert isinstance(done.value, ConnectError)
    assert done.value.sentence == f"connect: no connection to db.example:{port}: connection refused"
    assert names.asked == ["db.example"]


def test_allowed_and_refused_ones_stand_side_by_side(fetch: Any, names: Any) -> None:
    names.tell("db.example", [LOOPBACK])
    with answering("tcp") as server:

        def flow() -> Flow[list[Any]]:
            hosts = ["db.example", "evil.example", "db.example"]
            return (yield from together([attempt(ask(host, server, "tcp")) for host in hosts]))

        first, refused, third = fetch(flow, SETTINGS).value
    assert (first.data, third.data) == (b"ping", b"ping")
    assert isinstance(refused, ConfigurationError)


@BOTH
@pytest.mark.parametrize("reach", [DB, None], ids=["limited", "not limited"])
def test_a_name_service_that_hangs_ends_with_its_exchange_and_the_flow_goes_on(
    fetch: Any, names: Any, protocol: Any, reach: Reach | None
) -> None:
    over = threading.Event()
    names.tell("db.example", lambda: [LOOPBACK] if over.wait(10) else [])
    with answering(protocol) as server:

        def flow() -> Flow[tuple[Any, Exchanged]]:
            slow = Exchange("db.example", server.port, protocol, b"ping", timeout_s=0.2, reach=reach)
            return (yield from attempt(exchange(slow))), (yield from ask(LOOPBACK, server, protocol))

        began = time.monotonic()
        slow, other = fetch(flow, SETTINGS).value
        assert time.monotonic() - began < 1.5
        over.set()
    assert isinstance(slow, DnsError)
    assert str(slow).startswith("db.example does not resolve: the name service gave no answer within 0.")
    assert other.data == b"ping"


def test_an_exchange_whose_look_up_hangs_ends_when_another_fails(fetch: Any, names: Any) -> None:
    over = threading.Event()
    names.tell("db.example", lambda: [LOOPBACK] if over.wait(10) else [])
    calls = [exchange(Exchange(host, unused_port(), reach=DB)) for host in ("db.example", LOOPBACK)]
    done = fetch(lambda: together(calls), SETTINGS)
    over.set()
    assert isinstance(done.error, ConnectError)
    assert done.ended_at - done.started_at < 1


def test_a_name_that_does_not_resolve_is_a_dns_error(fetch: Any, names: Any) -> None:
    names.tell("db.example", [])
    error = fetch(lambda: exchange(Exchange("db.example", 80, reach=DB)), SETTINGS).error
    assert isinstance(error, DnsError)
    assert error.sentence == "DNS: db.example does not resolve: no such host"
