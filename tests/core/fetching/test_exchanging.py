"""Exchanges over TCP and UDP: how an answer ends, and what each way of failing is called."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from checkmill.model.errors import (
    ConfigurationError,
    ConnectError,
    DeadlineError,
    DnsError,
    PluginError,
    RateLimitError,
    ReadError,
    SourceError,
    TooLargeError,
)
from checkmill.model.flow import Exchange, Exchanged, Flow, attempt, exchange, together
from checkmill.model.settings import MIB, SourceSettings
from checkmill.testing import play
from support.loopback import LOOPBACK, Talk, raw_server, udp_server, unused_port

SETTINGS = SourceSettings(retries=0)


def saying(*pieces: bytes, hang: bool = False) -> Callable[[Talk], None]:
    def talk(talk: Talk) -> None:
        talk.connection.recv(10_000)
        for piece in pieces:
            talk.say(piece)
        if hang:
            talk.hang()

    return talk


def told_by_first_byte(came: bytes) -> int | None:
    """The length of an answer whose first byte says how many follow."""
    return 1 + came[0] if came else None


def resetting(talk: Talk) -> None:
    talk.connection.recv(10_000)
    talk.reset()


@pytest.mark.parametrize(
    ("pieces", "hang", "how", "data"),
    [
        ([b"pong"], False, {}, b"pong"),
        ([], False, {}, b""),
        ([b"po", b"ng", b"!"], True, {"read_bytes": 4}, b"pong"),
        ([b"pong"], True, {"read_bytes": 0}, b""),
        ([b"\x03", b"p", b"ong and more"], True, {"read_bytes": told_by_first_byte}, b"\x03pon"),
        ([b"\x00"], True, {"read_bytes": told_by_first_byte}, b"\x00"),
        ([b"pong\r", b"\nnext"], True, {"read_until": b"\r\n"}, b"pong\r\n"),
        ([b"\r\n"], True, {"read_until": b"\r\n"}, b"\r\n"),
        ([b"x" * 200_000], False, {"max_size": 200_000}, b"x" * 200_000),
    ],
    ids=[
        "until it closes",
        "nothing",
        "a number of bytes",
        "no bytes",
        "a length that the answer tells",
        "a length that ends it",
        "an end mark",
        "the mark alone",
        "up to the cap",
    ],
)
def test_an_answer_over_tcp_ends_as_asked(
    fetch: Any, pieces: list[bytes], hang: bool, how: dict[str, Any], data: bytes
) -> None:
    with raw_server(saying(*pieces, hang=hang)) as server:
        done = fetch(lambda: exchange(Exchange(LOOPBACK, server.port, payload=b"ping", **how)), SETTINGS)
    assert done.error is None
    assert done.value.data == data
    assert done.value.address == server.where
    assert 0 <= done.value.elapsed_s < 4


def test_the_payload_arrives_and_may_be_empty(fetch: Any) -> None:
    got: list[bytes] = []

    def talk(talk: Talk) -> None:
        talk.say(b"220 ready\n")
        got.append(talk.connection.recv(100))

    with raw_server(talk) as server:
        for payload in (b"", b"\0\xff"):
            flow = lambda payload=payload: exchange(Exchange(LOOPBACK, server.port, payload=payload, read_until=b"\n"))  # noqa: E731
            assert fetch(flow, SETTINGS).value.data == b"220 ready\n"
    # Each connection has a thread of its own, and either may be first.
    assert sorted(got) == [b"", b"\0\xff"]


@pytest.mark.parametrize("payload", [b"ping", b""])
def test_a_datagram_is_answered_by_the_first_that_comes(fetch: Any, payload: bytes) -> None:
    with udp_server(lambda data: b"<" + data + b">") as server:
        done = fetch(lambda: exchange(Exchange(LOOPBACK, server.port, "udp", payload)), SETTINGS)
    assert done.value.data == b"<" + payload + b">"
    assert server.connections == 1


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_refused_exchange_is_a_value_under_attempt(fetch: Any, protocol: Any) -> None:
    port = unused_port()
    done = fetch(lambda: attempt(exchange(Exchange(LOOPBACK, port, protocol, b"ping"))), SETTINGS)
    assert isinstance(done.value, ConnectError)
    assert done.value.sentence == f"connect: no connection to {LOOPBACK}:{port}: connection refused"
    assert not done.value.arrived


def test_exchanges_are_made_side_by_side_and_each_is_sent(fetch: Any) -> None:
    with udp_server(lambda data: data) as server:

        def flow() -> Flow[list[Exchanged]]:
            return (yield from together([exchange(Exchange(LOOPBACK, server.port, "udp", b"same")) for _ in range(10)]))

        assert [one.data for one in fetch(flow, SETTINGS).value] == [b"same"] * 10
    assert server.connections == 10


@pytest.mark.parametrize(
    ("talk", "how", "error", "words"),
    [
        (saying(b"po"), {"read_bytes": 4}, ReadError, "{where} closed after 2 bytes, without 4 bytes"),
        (saying(b"\x05po"), {"read_bytes": told_by_first_byte}, ReadError, "closed after 3 bytes, without 6 bytes"),
        (saying(b""), {"read_bytes": told_by_first_byte}, ReadError, "closed after 0 bytes, without its end"),
        (saying(b"po"), {"read_bytes": lambda _: 1 / 0}, PluginError, "failed with ZeroDivisionError"),
        (saying(b"po"), {"read_until": b"\n"}, ReadError, "{where} closed after 2 bytes, without the end mark b'\\n'"),
        (saying(b"x" * 11), {"max_size": 10}, TooLargeError, "larger than the 10 bytes that max_size allows"),
        (saying(b"x" * 11), {"max_size": 10, "read_until": b"\n"}, TooLargeError, "larger than the 10 bytes"),
        (saying(b"x" * 11), {"max_size": 10, "read_bytes": 11}, TooLargeError, "larger than the 10 bytes"),
        (saying(hang=True), {"timeout_s": 0.2}, DeadlineError, "no whole answer from {where} within 0.2"),
        (lambda talk: talk.drip(b"x"), {"timeout_s": 0.2}, DeadlineError, "no whole answer from {where} within 0.2"),
        (resetting, {}, ReadError, "{where} reset the connection"),
    ],
    ids=[
        "too short",
        "shorter than told",
        "no length",
        "a crash",
        "no mark",
        "too large",
        "too large for a mark",
        "asks too much",
        "hangs",
        "drips",
        "resets",
    ],
)
def test_what_goes_wrong_over_tcp_is_said(
    fetch: Any, talk: Callable[[Talk], None], how: dict[str, Any], error: type[SourceError], words: str
) -> None:
    with raw_server(talk) as server:
        call = Exchange(LOOPBACK, server.port, **{"payload": b"ping", **how})
        done = fetch(lambda: exchange(call), SETTINGS)
        assert type(done.error) is error
        assert words.format(where=server.where) in str(done.error)
    assert done.ended_at - done.started_at < 1


def test_a_datagram_that_is_too_large_is_not_taken_in_part(fetch: Any) -> None:
    with udp_server(lambda data: data + b"x") as server:
        call = Exchange(LOOPBACK, server.port, "udp", b"1234", max_size=4)
        assert isinstance(fetch(lambda: exchange(call), SETTINGS).error, TooLargeError)


def test_the_size_cap_of_the_source_holds_for_exchanges(fetch: Any) -> None:
    with raw_server(lambda talk: talk.drip(b"x" * MIB, 0.0)) as server:
        settings = SourceSettings(max_size=3 * MIB)
        assert isinstance(fetch(lambda: exchange(Exchange(LOOPBACK, server.port)), settings).error, TooLargeError)


def test_silence_ends_at_the_read_timeout_and_the_deadline_ends_all(fetch: Any) -> None:
    with raw_server(lambda talk: talk.hang()) as server:
        call = Exchange(LOOPBACK, server.port)
        silent = fetch(lambda: exchange(call), SourceSettings(read_timeout=0.2)).error
        assert str(silent) == f"{server.where} was silent for 0.2 s"
        done = fetch(lambda: exchange(call), SETTINGS, timeout_s=0.2)
        assert isinstance(done.error, DeadlineError)
        assert done.ended_at - done.started_at < 0.9


def test_a_datagram_that_nobody_answers_ends_at_its_timeout(fetch: Any) -> None:
    with udp_server(lambda _: None) as server:
        call = Exchange(LOOPBACK, server.port, "udp", b"ping", timeout_s=0.2)
        assert isinstance(fetch(lambda: exchange(call), SETTINGS).error, DeadlineError)


def test_an_exchange_ends_when_another_of_several_fails(fetch: Any) -> None:
    with raw_server(lambda talk: talk.hang()) as server:
        calls = [exchange(Exchange(LOOPBACK, server.port)), exchange(Exchange(LOOPBACK, unused_port()))]
        done = fetch(lambda: together(calls), SETTINGS)
    assert isinstance(done.error, ConnectError)
    assert done.ended_at - done.started_at < 1


def test_a_name_that_does_not_resolve_is_a_dns_error(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*parts: object, **more: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # The resolver is the one edge that a test cannot bring along.
    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    error = fetch(lambda: exchange(Exchange("db.invalid", 5432)), SETTINGS).error
    assert isinstance(error, DnsError)
    assert str(error) == "db.invalid does not resolve: no such host"
    assert not error.arrived


@pytest.mark.parametrize("host", ["\udc80", "a" * 300, "a..b"], ids=["half a character", "too long", "empty label"])
def test_what_is_no_host_name_is_a_source_error(fetch: Any, host: str) -> None:
    error = fetch(lambda: exchange(Exchange(host, 80)), SETTINGS).error
    assert isinstance(error, ConfigurationError | DnsError)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"host": ""}, "the host is empty"),
        ({"port": 0}, "0 is not a port: 1 to 65535"),
        ({"port": -1}, "-1 is not a port"),
        ({"port": 65536}, "65536 is not a port"),
        ({"protocol": "icmp"}, "'icmp' is neither tcp nor udp"),
        ({"read_bytes": 1, "read_until": b"x"}, "read_until and read_bytes exclude each other"),
        ({"read_until": b""}, "read_until is empty"),
        ({"read_bytes": -1}, "read_bytes -1 is negative"),
        ({"protocol": "udp", "read_bytes": 1}, "a datagram is read whole"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_cannot_be_asked_is_a_configuration_error_in_the_flow(
    fetch: Any, parts: dict[str, Any], words: str
) -> None:
    def flow() -> Flow[Exchanged]:
        return (yield from exchange(Exchange(**{"host": "db", "port": 1, **parts})))

    error = fetch(flow, SETTINGS).error
    assert isinstance(error, ConfigurationError)
    assert words in str(error)


def test_a_rate_holds_for_exchanges(fetch: Any) -> None:
    with udp_server(lambda data: data) as server:
        call = Exchange(LOOPBACK, server.port, "udp", b"ping")

        def flow() -> Flow[None]:
            yield from exchange(call)
            yield from exchange(call)

        error = fetch(flow, SourceSettings(rate=0.001)).error
    assert isinstance(error, RateLimitError)
    assert server.connections == 1


def test_exchanges_are_played_with_a_function() -> None:
    call = Exchange("db", 5432, payload=b"ping")
    assert play(exchange(call), respond=None, converse=lambda asked: asked.payload[::-1]) == Exchanged(  # type: ignore[arg-type]
        b"gnip", address="db:5432"
    )
    with pytest.raises(AssertionError, match="db:5432"):
        play(exchange(call), respond=None)  # type: ignore[arg-type]
