"""Requests whose reach is limited, over https: the certificate must be for the name, though an address is asked."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from checkmill.model.errors import TlsError
from checkmill.model.flow import Flow, Request, Response, send, together
from checkmill.model.reach import Reach
from checkmill.model.settings import SourceSettings
from support.loopback import LOOPBACK, Reply, Talk, http_server, raw_server

ELSEWHERE = "127.0.0.2"
REACH = Reach(("*.example", LOOPBACK))


def probe(url: str, **parts: Any) -> Flow[Response]:
    return send(Request(**{"method": "GET", "path": url, "reach": REACH, **parts}))


def server_context(pair: tuple[Path, Path], heard: list[str | None]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    context.sni_callback = lambda _socket, name, _context: heard.append(name)
    return context


@pytest.mark.parametrize(
    ("host", "names_of_certificate", "heard"),
    [
        ("shop.example", "DNS:shop.example", "shop.example"),
        ("SHOP.example.", "DNS:shop.example", "shop.example"),
        ("www.shop.example", "DNS:*.shop.example", "www.shop.example"),
        ("bücher.example", "DNS:xn--bcher-kva.example", "xn--bcher-kva.example"),
        (LOOPBACK, f"IP:{LOOPBACK}", None),
        ("0x7f.1", f"IP:{LOOPBACK}", None),
    ],
)
def test_a_certificate_for_the_name_is_accepted(
    fetch: Any, names: Any, certificate: Any, host: str, names_of_certificate: str, heard: str | None
) -> None:
    for name in ("shop.example", "shop.example.", "www.shop.example", "xn--bcher-kva.example"):
        names.tell(name, [LOOPBACK])
    pair = certificate(names=names_of_certificate)
    told: list[str | None] = []
    with http_server(lambda _: Reply(200, b"safe"), tls=server_context(pair, told)) as server:
        settings = SourceSettings(ca_file=str(pair[0]))
        done = fetch(lambda: probe(f"https://{host}:{server.port}/x"), settings)
    assert done.error is None
    assert done.value.body == b"safe"
    assert told == [heard]


@pytest.mark.parametrize(
    ("host", "made", "trusted", "word"),
    [
        ("shop.example", {"names": "DNS:other.example"}, True, "is for another name"),
        ("shop.example", {"names": f"IP:{LOOPBACK}"}, True, "is for another name"),
        ("shop.example", {"names": f"DNS:{LOOPBACK}"}, True, "is for another name"),
        (LOOPBACK, {"names": "DNS:shop.example"}, True, "is for another name"),
        ("shop.example", {"names": "DNS:shop.example"}, False, "is from an unknown authority"),
        ("shop.example", {"names": "DNS:shop.example", "until": "20200102000000Z"}, True, "has expired"),
    ],
    ids=["another name", "the address alone", "the address as a name", "a name alone", "unknown authority", "expired"],
)
def test_a_certificate_for_anything_else_is_refused(
    fetch: Any, names: Any, certificate: Any, host: str, made: dict[str, str], trusted: bool, word: str
) -> None:
    # The second address would be as good: a certificate that is wrong is not tried elsewhere.
    names.tell("shop.example", [LOOPBACK, LOOPBACK])
    pair = certificate(**made)
    told: list[str | None] = []
    with http_server(lambda _: Reply(200), tls=server_context(pair, told)) as server:
        settings = SourceSettings(ca_file=str(pair[0]) if trusted else None)
        error = fetch(lambda: probe(f"https://{host}:{server.port}/", repeatable=True), settings).error
    assert isinstance(error, TlsError)
    assert f"the certificate of {host}:{server.port} {word}" in str(error)
    assert not error.arrived
    assert server.got == []
    assert len(told) == 1


def test_an_address_that_breaks_off_the_handshake_leaves_it_to_the_next(
    fetch: Any, names: Any, certificate: Any
) -> None:
    names.tell("shop.example", [ELSEWHERE, LOOPBACK])
    pair = certificate(names="DNS:shop.example")
    reach, settings = Reach(("shop.example", "127.0.0.0/8")), SourceSettings(ca_file=str(pair[0]))
    with (
        http_server(lambda _: Reply(200, b"safe"), tls=server_context(pair, [])) as server,
        socket.create_server((ELSEWHERE, server.port)) as broken,
    ):
        accepting = threading.Thread(target=lambda: broken.accept()[0].close(), daemon=True)
        accepting.start()
        done = fetch(lambda: probe(f"https://shop.example:{server.port}/x", reach=reach), settings)
        accepting.join(5)
    assert done.error is None
    assert done.value.body == b"safe"


def test_names_at_one_address_are_told_apart(fetch: Any, names: Any, certificate: Any) -> None:
    """A connection that one name has proven is no proof for another."""
    for name in ("shop.example", "evil.example"):
        names.tell(name, [LOOPBACK])
    pair = certificate(names="DNS:shop.example")
    with http_server(lambda _: Reply(200, b"safe"), tls=server_context(pair, [])) as server:
        settings = SourceSettings(ca_file=str(pair[0]))

        def one_by_one() -> Flow[list[Response]]:
            first = yield from probe(f"https://shop.example:{server.port}/")
            return [first, (yield from probe(f"https://evil.example:{server.port}/"))]

        def side_by_side() -> Flow[list[Response]]:
            return (yield from together([probe(f"https://{n}.example:{server.port}/") for n in ("shop", "evil")]))

        for flow in (one_by_one, side_by_side):
            error = fetch(flow, settings).error
            assert isinstance(error, TlsError)
            assert f"evil.example:{server.port} is for another name" in str(error)


@pytest.mark.parametrize("drips", [True, False])
def test_a_handshake_that_never_ends_ends_at_the_timeout(fetch: Any, names: Any, drips: bool) -> None:
    names.tell("shop.example", [LOOPBACK])

    def talk(talk: Talk) -> None:
        talk.connection.recv(10_000)
        talk.say(b"\x16\x03\x03\x40\x00")  # the header of a handshake record of 16 KiB
        talk.drip(b"\0") if drips else talk.hang()

    with raw_server(talk) as server:
        done = fetch(lambda: probe(f"https://shop.example:{server.port}", timeout_s=0.4), SourceSettings())
        assert server.connections == 1
    assert isinstance(done.error, TlsError)
    assert str(done.error).startswith(f"no TLS handshake with shop.example:{server.port} within 0.")
    assert done.ended_at - done.started_at < 1.5
