"""What can go wrong before a request arrives: DNS, connect, TLS, proxy. Each says its stage, and that it is safe."""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from checkmill.model.errors import ConfigurationError, ConnectError, DeadlineError, DnsError, TlsError
from checkmill.model.flow import Flow, attempt
from checkmill.model.settings import SourceSettings
from support.loopback import LOOPBACK, Got, Reply, Talk, http_server, raw_server, unused_port


def server_context(pair: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


def test_a_refused_connection_is_tried_again_and_named(fetch: Any) -> None:
    port = unused_port()
    settings = SourceSettings(base_url=f"http://{LOOPBACK}:{port}", retries=1)
    error = fetch(lambda: settings.get("/x"), settings).error
    assert isinstance(error, ConnectError)
    assert error.sentence == f"connect: no connection to {LOOPBACK}:{port}: connection refused"
    assert not error.arrived


def test_a_post_is_sent_again_when_it_cannot_have_arrived(fetch: Any) -> None:
    """The first handshake breaks off before anything of the request was sent."""

    def talk(talk: Talk) -> None:
        talk.connection.recv(10_000)

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=f"https://{server.where}", retries=1)
        error = fetch(lambda: settings.post("/x"), settings).error
        assert isinstance(error, TlsError)
        assert not error.arrived
        assert server.connections == 2


def test_a_name_that_does_not_resolve_is_a_dns_error(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def nothing(host: object, *parts: object, **more: object) -> object:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # The resolver is the one edge that a test cannot bring along.
    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    settings = SourceSettings(base_url="http://vendor.invalid")
    error = fetch(lambda: settings.get("/x"), settings).error
    assert isinstance(error, DnsError)
    assert str(error) == "vendor.invalid does not resolve: no such host"
    assert not error.arrived
    assert len(asked) == 1


def test_a_name_service_that_fails_for_a_moment_is_asked_again(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, asked = socket.getaddrinfo, []

    def busy_at_first(host: Any, *parts: Any, **more: Any) -> Any:
        if host not in {"vendor.invalid", b"vendor.invalid"}:
            return resolve(host, *parts, **more)
        asked.append(host)
        if len(asked) < 3:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
        return resolve(LOOPBACK, *parts, **more)

    with http_server(lambda _: Reply(200)) as server:
        monkeypatch.setattr(socket, "getaddrinfo", busy_at_first)
        settings = SourceSettings(base_url=f"http://vendor.invalid:{server.port}")
        done = fetch(lambda: settings.post("/x"), settings)
    assert done.error is None
    assert len(server.got) == 1


def test_a_connection_that_does_not_come_is_given_up_after_its_own_timeout(fetch: Any) -> None:
    with socket.socket() as full:
        full.bind((LOOPBACK, 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        for _ in range(3):  # the queue of what nobody accepts is full
            knocking = socket.socket()
            knocking.setblocking(False)
            knocking.connect_ex((LOOPBACK, port))
            waiting.append(knocking)
        settings = SourceSettings(base_url=f"http://{LOOPBACK}:{port}", connect_timeout=0.2, retries=0)
        error = fetch(lambda: settings.get("/x"), settings).error
        for knocking in waiting:
            knocking.close()
    assert isinstance(error, ConnectError)
    assert str(error) == f"no connection to {LOOPBACK}:{port} within 0.2 s"


def test_https_with_its_own_authority_works(fetch: Any, certificate: Any) -> None:
    pair = certificate()
    with http_server(lambda _: Reply(200, b"safe"), tls=server_context(pair)) as server:
        settings = SourceSettings(base_url=server.url, ca_file=str(pair[0]))
        done = fetch(lambda: settings.get("/x"), settings)
    assert done.error is None
    assert done.value.body == b"safe"


@pytest.mark.parametrize(
    ("made", "trusted", "word"),
    [
        ({}, False, "unknown authority"),
        ({"names": "DNS:other.example"}, True, "another name"),
        ({"until": "20200102000000Z"}, True, "expired"),
    ],
    ids=["unknown authority", "wrong name", "expired"],
)
def test_a_certificate_that_cannot_be_trusted_is_a_tls_error(
    fetch: Any, certificate: Any, made: dict[str, str], trusted: bool, word: str
) -> None:
    pair = certificate(**made)
    with http_server(lambda _: Reply(200), tls=server_context(pair)) as server:
        settings = SourceSettings(base_url=server.url, ca_file=str(pair[0]) if trusted else None)
        error = fetch(lambda: settings.get("/x"), settings).error
    assert isinstance(error, TlsError)
    assert word in str(error)
    assert server.where in str(error)
    assert not error.arrived
    assert server.got == []


def test_a_redirect_from_https_to_http_is_refused(fetch: Any, certificate: Any) -> None:
    pair = certificate()
    with http_server(lambda _: Reply(200)) as plain:
        answer = Reply(302, headers={"Location": plain.url})
        with http_server(lambda _: answer, tls=server_context(pair)) as server:
            settings = SourceSettings(base_url=server.url, ca_file=str(pair[0]), redirect_hosts=(LOOPBACK,))
            error = fetch(lambda: settings.get("/x"), settings).error
    assert "without TLS" in str(error)
    assert plain.got == []


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["http", "nothing"])
def test_a_server_without_tls_is_a_tls_error(fetch: Any, answer: bytes) -> None:
    def talk(talk: Talk) -> None:
        talk.connection.recv(10_000)
        talk.say(answer)

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=f"https://{server.where}", retries=0)
        error = fetch(lambda: settings.get("/x"), settings).error
    assert isinstance(error, TlsError)
    assert server.where in str(error)


@pytest.mark.parametrize("drips", [True, False])
def test_a_handshake_that_never_ends_ends_at_the_deadline(fetch: Any, drips: bool) -> None:
    def talk(talk: Talk) -> None:
        talk.connection.recv(10_000)
        # The header of a handshake record of 16 KiB, of which a byte comes now and then.
        talk.say(b"\x16\x03\x03\x40\x00")
        talk.drip(b"\0") if drips else talk.hang()

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=f"https://{server.where}")
        done = fetch(lambda: settings.get("/x"), settings, timeout_s=1.0)
    assert isinstance(done.error, TlsError)
    assert re.search(r"within 1(\.\d+)? s", str(done.error))
    assert done.ended_at - done.started_at < 1.9


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "not PEM"])
def test_a_ca_file_that_cannot_be_used_is_named(fetch: Any, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    settings = SourceSettings(base_url=f"https://{LOOPBACK}:{unused_port()}", ca_file=str(path))
    error = fetch(lambda: settings.get("/x"), settings).error
    assert isinstance(error, ConfigurationError)
    assert str(path) in str(error)


def test_a_proxy_is_used_and_the_environments_is_not(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{LOOPBACK}:{unused_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://{LOOPBACK}:{unused_port()}")
    with http_server(lambda got: Reply(200, got.target.encode())) as server:
        direct = SourceSettings(base_url=server.url)
        assert fetch(lambda: direct.get("/x"), direct).value.body == b"/x"
        through = SourceSettings(base_url="http://vendor.invalid", proxy=server.url)
        assert fetch(lambda: through.get("/x"), through).value.body == b"http://vendor.invalid/x"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_named(fetch: Any, scheme: str) -> None:
    port = unused_port()
    settings = SourceSettings(
        base_url=f"{scheme}://vendor.invalid", proxy=f"http://ann:pw-of-proxy@{LOOPBACK}:{port}", retries=0
    )
    error = fetch(lambda: settings.get("/x"), settings).error
    assert isinstance(error, ConnectError)
    assert f"the proxy {LOOPBACK}:{port}" in str(error)
    assert "pw-of-proxy" not in repr(error)


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_is_named(fetch: Any, status: int) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.say(b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\n\r\n" % status)

    with raw_server(talk) as server:
        settings = SourceSettings(base_url="https://vendor.invalid", proxy=server.url)
        error = fetch(lambda: settings.post("/x"), settings).error
    assert isinstance(error, ConnectError)
    assert f"the proxy {server.where}" in str(error)
    assert str(status) in str(error)
    assert not error.arrived


@pytest.mark.parametrize("proxy", ["proxy.example:3128", "ftp://proxy.example", "http://", "socks5://p:1", ""])
def test_a_proxy_that_is_no_address_is_a_configuration_error(fetch: Any, proxy: str) -> None:
    settings = SourceSettings(base_url="http://vendor.invalid", proxy=proxy)
    assert isinstance(fetch(lambda: settings.get("/x"), settings).error, ConfigurationError)


def test_a_post_without_answer_is_not_sent_again(fetch: Any) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url)

        def flow() -> Flow[Any]:
            return (yield from attempt(settings.post("/x")))

        done = fetch(flow, settings)
        assert done.value.arrived
        assert server.connections == 1


def test_no_time_at_all_asks_nobody(fetch: Any) -> None:
    with http_server(lambda _: Reply(200)) as server:
        settings = SourceSettings(base_url=server.url)
        done = fetch(lambda: settings.post("/x"), settings, timeout_s=0.0)
    assert isinstance(done.error, DeadlineError)
    assert server.got == []


def test_the_host_header_and_port_survive_odd_addresses(fetch: Any) -> None:
    def answer(got: Got) -> Reply:
        return Reply(200, got.headers["host"].encode())

    with http_server(answer) as server:
        settings = SourceSettings(base_url=f"HTTP://{LOOPBACK}:{server.port}/")
        assert fetch(lambda: settings.get("x"), settings).value.body == server.where.encode()


def test_a_server_that_wants_a_certificate_of_ours_is_a_tls_error_and_nothing_arrived(
    fetch: Any, certificate: Any
) -> None:
    pair = certificate()
    context = server_context(pair)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pair[0])
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # it says so after the client's handshake

    def talk(talk: Talk) -> None:
        # By hand, since a socket that is closed before all was read may reset the connection before the alert is read.
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(coming, going, server_side=True)
        with suppress(ssl.SSLError):
            for _ in range(9):
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    talk.say(going.read())
                    coming.write(talk.connection.recv(1 << 16))
        talk.say(going.read())
        while talk.connection.recv(1 << 16):
            pass

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=f"https://{server.where}", ca_file=str(pair[0]), retries=0)
        error = fetch(lambda: settings.post("/x", any_status=True), settings).error
    assert isinstance(error, TlsError)
    assert "certificate required" in str(error)
    assert not error.arrived


def test_a_proxy_that_wants_a_login_is_no_answer_to_who_wants_every_status(fetch: Any) -> None:
    with http_server(lambda _: Reply(407)) as server:
        through = SourceSettings(base_url="http://vendor.invalid", proxy=server.url)
        error = fetch(lambda: through.post("/x", any_status=True), through).error
        direct = SourceSettings(base_url=server.url)
        assert fetch(lambda: direct.post("/x", any_status=True), direct).value.status == 407
    assert isinstance(error, ConnectError)
    assert not error.arrived
