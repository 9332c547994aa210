"""Requests whose reach is limited: the address that was checked is the one connected to, and nothing else is."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import pytest

from checkmill import __version__
from checkmill.model.errors import (
    ConfigurationError,
    ConnectError,
    RateLimitError,
    ReadError,
    RedirectError,
    StatusError,
)
from checkmill.model.flow import Flow, Request, Response, Text, attempt, send, together
from checkmill.model.reach import Reach
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Watch
from support.loopback import LOOPBACK, Got, Reply, Script, http_server, raw_server, unused_port

SHOP = Reach(("shop.example", LOOPBACK))
ELSEWHERE = "127.0.0.2"
SETTINGS = SourceSettings(base_url="http://vendor.invalid", retries=2)
UNLISTED = "is not in the list of hosts that may be contacted"


@dataclass(frozen=True, kw_only=True)
class LoggedIn(SourceSettings):
    def headers(self) -> Mapping[str, Text]:
        return {"x-token": "of the vendor"}


def probe(url: str, reach: Reach = SHOP, **parts: Any) -> Flow[Response]:
    return send(Request(**{"method": "GET", "path": url, "reach": reach, "repeatable": True, **parts}))


@contextmanager
def swallowing(address: str, port: int) -> Iterator[None]:
    """An address that answers no connection: the queue of what nobody accepts is full."""
    with socket.socket() as full:
        full.bind((address, port))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for knocking in waiting:
            knocking.setblocking(False)
            knocking.connect_ex((address, port))
        try:
            yield
        finally:
            for knocking in waiting:
                knocking.close()


def test_the_checked_address_is_connected_to_and_the_name_is_looked_up_once(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [LOOPBACK], [ELSEWHERE])
    with http_server(lambda _: Reply(200, b"up")) as server:
        done = fetch(lambda: probe(f"http://shop.example:{server.port}/x"), SETTINGS)
        assert done.error is None
        assert done.value.body == b"up"
        assert done.value.url == f"http://shop.example:{server.port}/x"
        assert names.asked == ["shop.example"]
        # Whoever asks once more is told another address, which is not allowed.
        again = fetch(lambda: probe(f"http://shop.example:{server.port}/x"), SETTINGS).error
        assert isinstance(again, ConfigurationError)
        assert server.connections == 1


def test_the_request_as_sent_is_the_flows_own_and_nothing_of_the_sources(fetch: Any, names: Any) -> None:
    names.tell("shop.example.", [LOOPBACK])
    with http_server(lambda _: Reply(200)) as server:
        settings = LoggedIn(base_url=server.url)
        url = f"http://Shop.Example.:{server.port}/a%20b/ü?q=1&q=2#part"
        parts = {"method": "PUT", "params": {"p": "x y"}, "headers": {"X-Own": "1"}, "content": b"body"}
        done = fetch(lambda: probe(url, **parts), settings)
    assert done.error is None
    headers = {
        "host": f"shop.example.:{server.port}",
        "user-agent": f"checkmill/{__version__}",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "x-own": "1",
        "content-length": "4",
    }
    assert server.got == [Got("PUT", "/a%20b/%C3%BC?q=1&q=2&p=x+y", headers, b"body")]


@pytest.mark.parametrize(
    ("written", "named"),
    [("127.1", LOOPBACK), ("2130706433", LOOPBACK), ("0X7F.1", LOOPBACK), ("127.0.0.1.", LOOPBACK)],
)
def test_an_address_in_another_spelling_is_checked_and_named_as_itself(fetch: Any, written: str, named: str) -> None:
    with http_server(lambda got: Reply(200, got.headers["host"].encode())) as server:
        url = f"http://{written}:{server.port}"
        assert fetch(lambda: probe(url), SETTINGS).value.body == f"{named}:{server.port}".encode()
        error = fetch(lambda: probe(url, Reach(("*", ELSEWHERE))), SETTINGS).error
        assert isinstance(error, ConfigurationError)
        assert f"{LOOPBACK}:{server.port} {UNLISTED}" in str(error)
        assert server.connections == 1


@pytest.mark.parametrize("spelling", ["Bücher.example", "xn--bcher-kva.example"])
def test_a_name_in_unicode_is_looked_up_and_named_in_ascii(fetch: Any, names: Any, spelling: str) -> None:
    names.tell("xn--bcher-kva.example", [LOOPBACK])
    with http_server(lambda got: Reply(200, got.headers["host"].encode())) as server:
        reach = Reach(("bücher.example", LOOPBACK))
        done = fetch(lambda: probe(f"http://{spelling}:{server.port}", reach), SETTINGS)
    assert done.value.body == f"xn--bcher-kva.example:{server.port}".encode()


def test_a_host_that_is_not_listed_is_not_even_looked_up(fetch: Any, names: Any) -> None:
    done = fetch(lambda: attempt(probe("http://evil.example/x")), SETTINGS)
    assert isinstance(done.value, ConfigurationError)
    assert done.value.sentence == f"configuration: evil.example:80 {UNLISTED}"
    assert not done.value.arrived
    assert names.asked == []


@pytest.mark.parametrize(
    ("addresses", "kind"),
    [
        ([LOOPBACK], "127.0.0.1, which is loopback"),
        (["10.1.2.3"], "10.1.2.3, which is private"),
        (["169.254.169.254"], "169.254.169.254, which is link-local"),
        (["::1"], "::1, which is loopback"),
        (["::ffff:10.1.2.3"], "10.1.2.3, which is private"),
        (["192.168.0.1", LOOPBACK], "192.168.0.1, which is private"),
    ],
)
def test_a_name_that_leads_to_no_public_address_is_refused(
    fetch: Any, names: Any, addresses: list[str], kind: str
) -> None:
    names.tell("shop.example", addresses)
    with http_server(lambda _: Reply(200)) as server:
        url = f"http://shop.example:{server.port}/"
        error = fetch(lambda: probe(url, Reach(("shop.example", ELSEWHERE))), SETTINGS).error
    assert isinstance(error, ConfigurationError)
    assert str(error) == f"shop.example resolves to {kind} and not in the list of hosts that may be contacted"
    assert not error.arrived
    assert server.connections == 0
    assert names.asked == ["shop.example"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/health?token=abc1234&x=1", "/health?..."), ("/health", "/health"), ("/health?k=1#part", "/health?...")],
)
def test_an_address_that_is_not_the_configurations_own_is_shown_without_its_query(
    fetch: Any, path: str, shown: str
) -> None:
    watch = Watch()
    with http_server(lambda _: Reply(404)) as server:
        error = fetch(lambda: probe(server.url + path), SETTINGS, watch=watch).error
        (got,) = server.got
    assert got.target == path.partition("#")[0]
    assert [one.shown for one in watch.sent] == [server.url + shown]
    assert str(error) == f"HTTP 404 from {server.url}{shown}"


def test_of_several_addresses_only_the_allowed_are_tried(fetch: Any, names: Any) -> None:
    names.tell("shop.example", ["10.1.2.3", LOOPBACK, "::1"])
    with http_server(lambda _: Reply(200, b"up")) as server:
        assert fetch(lambda: probe(f"http://shop.example:{server.port}"), SETTINGS).value.body == b"up"
    names.tell("shop.example", [LOOPBACK, ELSEWHERE])
    with http_server(lambda _: Reply(200, b"up")) as server:
        reach = Reach(("shop.example", ELSEWHERE))
        error = fetch(lambda: probe(f"http://shop.example:{server.port}", reach), SETTINGS).error
    assert isinstance(error, ConnectError)
    assert str(error) == f"no connection to shop.example:{server.port}: connection refused"
    assert server.connections == 0


def test_the_next_allowed_address_is_tried_when_one_gives_no_connection(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [ELSEWHERE, LOOPBACK])
    reach = Reach(("shop.example", "127.0.0.0/8"))
    with http_server(lambda _: Reply(200, b"up")) as server:
        url = f"http://shop.example:{server.port}"
        assert fetch(lambda: probe(url, reach), SETTINGS).value.body == b"up"
        with swallowing(ELSEWHERE, server.port):
            patient = SourceSettings(connect_timeout=0.4)
            assert fetch(lambda: probe(url, reach), patient).value.body == b"up"
        with swallowing("127.0.0.3", server.port):
            names.tell("shop.example", ["127.0.0.3", "127.0.0.3"])
            error = fetch(lambda: probe(url, reach), SourceSettings(connect_timeout=0.2)).error
    assert isinstance(error, ConnectError)
    assert str(error) == f"no connection to shop.example:{server.port} within 0.2 s"


def test_a_refused_connection_is_a_value_under_attempt(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [LOOPBACK])
    port = unused_port()
    watch = Watch()
    done = fetch(lambda: attempt(probe(f"http://shop.example:{port}")), SETTINGS, watch=watch)
    assert isinstance(done.value, ConnectError)
    assert done.value.sentence == f"connect: no connection to shop.example:{port}: connection refused"
    assert [sent.attempts for sent in watch.sent] == [1]
    assert names.asked == ["shop.example"]


def test_a_redirect_to_a_clouds_metadata_is_refused_to_the_flow_that_follows_it(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [LOOPBACK])
    names.tell("metadata.example", ["169.254.169.254"])

    def follow(url: str, hosts: tuple[str, ...]) -> Flow[list[Any]]:
        reach = Reach(hosts)
        seen: list[Any] = []
        while not seen or (isinstance(seen[-1], Response) and "location" in seen[-1].headers):
            answer = yield from attempt(probe(url, reach, any_status=True))
            seen.append(answer)
            url = urljoin(url, answer.headers.get("location", "") if isinstance(answer, Response) else "")
        return seen

    answers = Script(
        Reply(302, headers={"Location": "/next"}),
        Reply(307, headers={"Location": "http://169.254.169.254/latest/meta-data"}),
        Reply(301, headers={"Location": "//metadata.example/latest"}),
    )
    with http_server(answers) as server:
        url = f"http://shop.example:{server.port}/"
        first, second, refused = fetch(lambda: follow(url, ("shop.example", "*.example", LOOPBACK)), SETTINGS).value
        assert (first.status, first.headers["location"], second.status) == (302, "/next", 307)
        assert isinstance(refused, ConfigurationError)
        assert str(refused) == f"169.254.169.254:80 {UNLISTED}"
        assert "169.254.169.254" not in names.asked
        _, refused = fetch(lambda: follow(url, ("shop.example", "*.example", LOOPBACK)), SETTINGS).value
    assert isinstance(refused, ConfigurationError)
    assert "metadata.example resolves to 169.254.169.254, which is link-local" in str(refused)
    assert [got.target for got in server.got] == ["/", "/next", "/"]


def test_no_redirect_is_followed_by_itself(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [LOOPBACK])
    with http_server(lambda _: Reply(200)) as other:
        settings = SourceSettings(base_url=other.url, redirect_hosts=(LOOPBACK,))
        with http_server(lambda _: Reply(302, headers={"Location": f"{other.url}/secret"})) as server:
            error = fetch(lambda: probe(f"http://shop.example:{server.port}/x"), settings).error
    assert isinstance(error, RedirectError)
    assert str(error) == (
        f"HTTP 302 from http://shop.example:{server.port}/x leads to {other.where}; no redirect is followed from there"
    )
    assert (server.connections, other.connections) == (1, 0)


def test_equal_requests_are_each_sent_over_a_connection_of_their_own(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [LOOPBACK])
    names.tell("www.shop.example", [LOOPBACK])
    reach = Reach(("*.example", LOOPBACK))
    hosts = ["shop.example", "shop.example", "www.shop.example"]
    with http_server(lambda got: Reply(200, got.headers["host"].encode(), {"Set-Cookie": "id=1"})) as server:

        def flow() -> Flow[list[Response]]:
            probes = [lambda host=host: probe(f"http://{host}:{server.port}/", reach) for host in hosts]
            one_by_one = []
            for make in probes:
                one_by_one.append((yield from make()))
            return one_by_one + (yield from together([make() for make in probes]))

        answers = fetch(flow, SETTINGS).value
        assert [answer.text() for answer in answers] == [f"{host}:{server.port}" for host in hosts] * 2
        assert server.connections == 6
        assert all("cookie" not in got.headers for got in server.got)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_it_is_sent_once_whatever_the_answer(fetch: Any, names: Any, status: int) -> None:
    names.tell("shop.example", [LOOPBACK])
    with http_server(lambda _: Reply(status, headers={"Retry-After": "0"})) as server:
        error = fetch(lambda: probe(f"http://shop.example:{server.port}"), SETTINGS).error
    assert isinstance(error, StatusError | RateLimitError)
    assert len(server.got) == 1


def test_an_answer_that_breaks_off_is_not_asked_for_again(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [LOOPBACK, LOOPBACK])
    with raw_server(lambda talk: talk.read_request() and None) as server:
        error = fetch(lambda: probe(f"http://shop.example:{server.port}"), SETTINGS).error
    assert isinstance(error, ReadError)
    assert server.connections == 1


def test_a_status_of_proxies_is_a_status_like_others_where_there_is_no_proxy(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [LOOPBACK])
    with http_server(lambda _: Reply(407)) as server:
        error = fetch(lambda: probe(f"http://shop.example:{server.port}/"), SETTINGS).error
    assert isinstance(error, StatusError)
    assert str(error) == f"HTTP 407 from http://shop.example:{server.port}/"


@pytest.mark.parametrize("proxy", [f"http://{LOOPBACK}:1", "no proxy at all"])
def test_no_proxy_is_gone_through(fetch: Any, names: Any, proxy: str) -> None:
    names.tell("shop.example", [LOOPBACK])
    with http_server(lambda got: Reply(200, got.target.encode())) as server:
        done = fetch(lambda: probe(f"http://shop.example:{server.port}/x"), SourceSettings(proxy=proxy))
    assert done.value.body == b"/x"


def test_a_host_header_of_its_own_must_be_allowed_too(fetch: Any) -> None:
    with http_server(lambda got: Reply(200, got.headers["host"].encode())) as server:
        named = fetch(lambda: probe(server.url, headers={"Host": "shop.example"}), SETTINGS)
        refused = fetch(lambda: probe(server.url, headers={"HOST": "admin.example"}), SETTINGS)
    assert named.value.body == b"shop.example"
    assert isinstance(refused.error, ConfigurationError)
    assert str(refused.error) == f"admin.example:{server.port} {UNLISTED}"
    assert server.connections == 1


@pytest.mark.parametrize(
    "url",
    [
        "/x",
        "x",
        "shop.example/x",
        "//shop.example/x",
        "http:shop.example",
        "ftp://shop.example",
        "http://",
        "http:///x",
        "http://[",
        "http://shop.example:x",
        "http://shop.example:99999",
        "http://shop.example:0",
        "http://shop example/",
        "http://\ud800.example/",
        "http://shop.example/\ud800",
        "http://shop.example/\x01",
        "http://" + "a" * 70_000,
        "http://shop.example/" + "a" * 70_000,
    ],
    ids=lambda url: repr(url[:30]),
)
def test_what_is_no_whole_address_is_refused_and_the_vendor_is_not_asked(fetch: Any, names: Any, url: str) -> None:
    names.tell("shop.example", [LOOPBACK])
    with http_server(lambda _: Reply(200)) as server:
        error = fetch(lambda: probe(url), SourceSettings(base_url=server.url)).error
    assert isinstance(error, ConfigurationError)
    assert error.sentence.isprintable()
    assert len(error.sentence) < 500
    assert server.connections == 0
