"""Requests whose reach is limited: look-ups that fail or hang, and the limits of time and size that hold for them."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError, DnsError, RateLimitError, SourceError, TooLargeError
from checkmill.model.flow import Flow, Request, Response, attempt, send
from checkmill.model.reach import Reach
from checkmill.model.settings import MIB, SourceSettings
from checkmill.steps.fetching import Job, carry_out
from support.loopback import LOOPBACK, Reply, Talk, http_server, raw_server

SETTINGS = SourceSettings(base_url="http://vendor.invalid", retries=2)
SHOP = Reach(("shop.example", LOOPBACK))


def probe(url: str, reach: Reach = SHOP, **parts: Any) -> Flow[Response]:
    return send(Request(method="GET", path=url, reach=reach, repeatable=True, **parts))


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "unknown"), None], ids=["unknown", "no address"])
def test_a_name_that_does_not_resolve_is_a_dns_error(fetch: Any, names: Any, error: Exception | None) -> None:
    def nothing() -> list[str]:
        if error is not None:
            raise error
        return []

    names.tell("shop.example", nothing)
    done = fetch(lambda: probe("http://shop.example/"), SETTINGS)
    assert isinstance(done.error, DnsError)
    assert done.error.sentence == "DNS: shop.example does not resolve: no such host"
    assert names.asked == ["shop.example"]


def test_a_name_service_that_fails_for_a_moment_is_not_asked_again(fetch: Any, names: Any) -> None:
    def busy() -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    names.tell("shop.example", busy, [LOOPBACK])
    error = fetch(lambda: probe("http://shop.example/"), SETTINGS).error
    assert isinstance(error, DnsError)
    assert str(error) == "shop.example does not resolve: the name service does not answer"


def test_a_name_service_that_hangs_ends_with_its_request_and_the_flow_goes_on(fetch: Any, names: Any) -> None:
    over = threading.Event()
    names.tell("slow.example", lambda: [LOOPBACK] if over.wait(10) else [])
    names.tell("shop.example", [LOOPBACK])
    reach = Reach(("*.example", LOOPBACK))
    with http_server(lambda _: Reply(200, b"up")) as server:

        def flow() -> Flow[tuple[Response | SourceError, Response]]:
            slow = yield from attempt(probe(f"http://slow.example:{server.port}", reach, timeout_s=0.2))
            return slow, (yield from probe(f"http://shop.example:{server.port}", reach))

        began = time.monotonic()
        slow, other = fetch(flow, SETTINGS).value
        assert time.monotonic() - began < 1.5
        over.set()
    assert isinstance(slow, DnsError)
    assert str(slow).startswith("slow.example does not resolve: the name service gave no answer within 0.")
    assert other.body == b"up"


def test_a_name_service_that_hangs_ends_with_the_job(fetch: Any, names: Any) -> None:
    over = threading.Event()
    names.tell("shop.example", lambda: [LOOPBACK] if over.wait(10) else [])
    done = fetch(lambda: probe("http://shop.example"), SETTINGS, timeout_s=0.3)
    over.set()
    assert isinstance(done.error, DnsError)
    assert done.ended_at - done.started_at < 1


def test_no_time_at_all_looks_nothing_up(fetch: Any, names: Any) -> None:
    error = fetch(lambda: probe("http://shop.example", timeout_s=0.0), SETTINGS).error
    assert isinstance(error, DeadlineError)
    assert not error.arrived
    assert names.asked == []


def test_the_time_it_took_counts_from_the_look_up(names: Any, edges: Edges) -> None:
    later = [0.0]

    def slowly() -> list[str]:
        later[0] += 1.5
        return [LOOPBACK]

    names.tell("shop.example", slowly)
    edges = replace(edges, monotonic=lambda: time.monotonic() + later[0])
    with http_server(lambda _: Reply(200, b"up")) as server:
        jobs = [
            Job("shop/up", "shop", SETTINGS, lambda: probe(f"http://shop.example:{server.port}"), 30.0),
            Job("shop/two", "shop", SETTINGS, lambda: probe(f"http://shop.example:{server.port}"), 30.0),
        ]
        alone = carry_out(jobs[:1], edges)[0].value
        beside = carry_out([jobs[0], replace(jobs[1], start=lambda: None)], edges)[0].value
    assert 1.5 <= alone.elapsed_s < 5
    assert 1.5 <= beside.elapsed_s < 5


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(200, b"x" * (3 * MIB)), TooLargeError),
        (Reply(200, gzip.compress(bytes(64 * MIB)), {"Content-Encoding": "gzip"}), TooLargeError),
    ],
    ids=["large", "a bomb"],
)
def test_the_caps_of_the_source_hold(fetch: Any, names: Any, reply: Reply, error: type[SourceError]) -> None:
    names.tell("shop.example", [LOOPBACK])
    with http_server(lambda _: reply) as server:
        settings = SourceSettings(max_size=2 * MIB)
        done = fetch(lambda: probe(f"http://shop.example:{server.port}"), settings)
    assert isinstance(done.error, error)


@pytest.mark.parametrize("talk", [lambda talk: talk.hang(), lambda talk: talk.drip(b"H")], ids=["hangs", "drips"])
def test_the_timeout_of_the_request_holds_for_all_of_it(fetch: Any, names: Any, talk: Callable[[Talk], None]) -> None:
    names.tell("shop.example", [LOOPBACK])
    with raw_server(talk) as server:
        done = fetch(lambda: probe(f"http://shop.example:{server.port}", timeout_s=0.3), SETTINGS)
        assert server.connections == 1
    assert isinstance(done.error, DeadlineError)
    assert str(done.error).startswith(f"no whole answer from shop.example:{server.port} within 0.")


def test_the_rate_of_the_source_holds(fetch: Any, names: Any) -> None:
    names.tell("shop.example", [LOOPBACK])
    with http_server(lambda _: Reply(200)) as server:

        def flow() -> Flow[None]:
            yield from probe(f"http://shop.example:{server.port}")
            yield from probe(f"http://shop.example:{server.port}")

        error = fetch(flow, SourceSettings(rate=0.001)).error
    assert isinstance(error, RateLimitError)
    assert server.connections == 1
    assert names.asked == ["shop.example"]
