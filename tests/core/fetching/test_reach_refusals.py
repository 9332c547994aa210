"""What a request or an exchange tells of its reach before anything is sent, and how flows are played with it."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.errors import ConfigurationError, ConnectError, DeadlineError, SourceError
from checkmill.model.flow import Exchange, Exchanged, Flow, Request, Response, attempt, exchange, send, together
from checkmill.model.reach import Reach
from checkmill.model.secret import Secret
from checkmill.testing import play

UNLISTED = "is not in the list of hosts that may be contacted"


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        ({"path": "http://shop.example/x"}, ""),
        ({"path": "HTTPS://Shop.Example:443"}, ""),
        ({"path": "http://shop.example", "headers": {"hOsT": "shop.example"}}, ""),
        ({"path": "http://shop.example", "headers": {"Host": Secret("a-known-name.example:443")}}, ""),
        ({"path": "http://shop.example:81/"}, f"shop.example:81 {UNLISTED}"),
        ({"path": "http://evil.example#@shop.example/"}, f"evil.example:80 {UNLISTED}"),
        ({"path": "http://shop.example@evil.example/"}, f"evil.example:80 {UNLISTED}"),
        ({"path": "http://shop.example\\@evil.example/"}, f"evil.example:80 {UNLISTED}"),
        ({"path": "http://evil.example\\@shop.example/"}, ""),
        ({"path": "http://evil.example\\.shop.example/"}, "is neither a host name nor an address"),
        ({"path": "http://shop.example", "headers": {"Host": "evil.example"}}, f"evil.example:80 {UNLISTED}"),
        ({"path": "http://shop.example", "headers": {"Host": "shop.example/x"}}, "'shop.example/x' is neither"),
        ({"path": "http://shop.example", "headers": {"Host": "evil@shop.example"}}, "'evil@shop.example' is neither"),
        ({"path": "http://shop.example", "headers": {"Host": "shop.example:x"}}, "'shop.example:x' is neither"),
        (
            {"path": "http://shop.example", "headers": {"Host": "shop.example", "host": "evil.example"}},
            f"evil.example:80 {UNLISTED}",
        ),
        ({"path": "http://shop.example", "method": "connect"}, "CONNECT asks for a way to somewhere else"),
        ({"path": "/x", "base_url": "http://shop.example"}, "must be whole, like https://shop.example"),
        ({"path": "shop.example/?to=http://shop.example"}, "must be whole, like https://shop.example"),
        ({"path": "ftp://shop.example/"}, "must be whole, like https://shop.example"),
        ({"path": "http://shop.example:x/"}, "must be whole, like https://shop.example"),
        ({"path": "http://[::1/"}, "must be whole, like https://shop.example"),
        ({"path": "http:///x"}, "'' is neither a host name nor an address"),
    ],
    ids=lambda part: str(part.get("path")) if isinstance(part, dict) else "",
)
def test_a_request_tells_why_it_is_refused(request_: dict[str, Any], refusal: str) -> None:
    reach = Reach(("shop.example:80", "shop.example:443", "a-known-name.example"))
    request = Request(**{"method": "GET", "reach": reach, **request_})
    assert refusal in request.refusal
    assert bool(refusal) == bool(request.refusal)


def test_what_has_no_reach_is_refused_nothing() -> None:
    assert Request(method="GET", path="http://[").refusal == ""
    assert Exchange("a b", 80).refusal == ""


def test_an_exchange_tells_why_it_is_refused() -> None:
    assert Exchange("db.example", 5432, reach=Reach(("db.example:5432",))).refusal == ""
    refusal = Exchange("db.example", 5433, "udp", reach=Reach(("db.example:5432",))).refusal
    assert refusal == f"db.example:5433 {UNLISTED}"


def ok(_: Request) -> Response:
    return Response(status=200)


def refused_port(call: Exchange) -> bytes:
    if call.port == 1:
        raise ConnectError(f"no connection to {call.where}: connection refused")
    return call.payload[::-1]


def test_a_played_flow_is_refused_what_its_reach_does_not_allow() -> None:
    reach = Reach(("shop.example",))

    def flow() -> Flow[list[Any]]:
        calls: list[Flow[Any]] = [
            attempt(send(Request(method="GET", path="http://shop.example/", reach=reach))),
            attempt(send(Request(method="GET", path="http://169.254.169.254/", reach=reach))),
            attempt(exchange(Exchange("shop.example", 80, payload=b"ab", reach=reach))),
            attempt(exchange(Exchange("db.example", 80, reach=reach))),
        ]
        return (yield from together(calls))

    answered, address, exchanged, host = play(flow(), ok, converse=refused_port)
    assert answered == Response(status=200)
    assert isinstance(address, ConfigurationError)
    assert str(address) == f"169.254.169.254:80 {UNLISTED}"
    assert exchanged == Exchanged(b"ba", address="shop.example:80")
    assert isinstance(host, ConfigurationError)


def test_exchanges_of_a_played_flow_may_fail_one_by_one() -> None:
    def flow() -> Flow[list[Exchanged | SourceError]]:
        return (yield from together([attempt(exchange(Exchange("db", port, payload=b"ab"))) for port in (1, 2, 1)]))

    first, second, third = play(flow(), ok, converse=refused_port)
    assert isinstance(first, ConnectError)
    assert second == Exchanged(b"ba", address="db:2")
    assert isinstance(third, ConnectError)


def test_a_failed_exchange_of_a_played_flow_is_raised_where_it_was_asked_for() -> None:
    def flow() -> Flow[str]:
        try:
            yield from together([exchange(Exchange("db", port, "udp")) for port in (2, 1)])
        except ConnectError as error:
            return str(error)
        return "answered"

    assert play(flow(), ok, converse=refused_port) == "no connection to db:1: connection refused"

    def silent(call: Exchange) -> Exchanged:
        raise DeadlineError(f"{call.where} was silent")

    with pytest.raises(DeadlineError, match="db:2 was silent"):
        play(exchange(Exchange("db", 2)), ok, converse=silent)
