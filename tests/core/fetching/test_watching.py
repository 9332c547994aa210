"""Who watches hears of every request, what came of it and how often it was tried, and of nothing secret."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.flow import Exchange, Flow, attempt, exchange, heavy, send, session, together
from checkmill.model.secret import Secret
from checkmill.model.sent import Sent
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Job, Watch, carry_out
from checkmill.steps.fetching.watching import NOT_AWAITED
from support.loopback import Got, Reply, Script, Server, raw_server, udp_server, unused_port

TOKEN = "a-token-that-nobody-sees"


@dataclass(frozen=True, kw_only=True)
class Settings(SourceSettings):
    retries: int = 1

    def headers(self) -> dict[str, Secret]:
        return {"x-token": Secret(TOKEN)}


def heard(watch: Watch, server: Server | None = None) -> list[Sent]:
    """What was heard, with `VENDOR` for the address; times are the affair of another test."""
    where = "" if server is None else server.where
    return [
        replace(
            one,
            shown=one.shown.replace(where, "VENDOR") if where else one.shown,
            error=one.error.replace(where, "VENDOR") if where else one.error,
            elapsed_s=0.0,
        )
        for one in watch.sent
    ]


def test_a_request_is_heard_of_with_status_and_size(fetch: Any, serve: Any) -> None:
    server, watch = serve(Script(Reply(200, b"[1, 2]"))), Watch()
    settings = Settings(base_url=server.url)

    fetch(
        lambda: settings.get("/hosts/{key}", values={"key": Secret(TOKEN)}, params={"page": 2}), settings, watch=watch
    )

    assert heard(watch, server) == [
        Sent("shop/hosts", "GET", "http://VENDOR/hosts/***?page=2", status=200, size=6),
    ]
    assert TOKEN not in repr(watch.sent)


def test_nobody_needs_to_watch(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200, b"[]")))
    settings = Settings(base_url=server.url)

    assert fetch(lambda: settings.get("/"), settings).value.status == 200


@pytest.mark.parametrize(
    ("replies", "came"),
    [
        ([Reply(503), Reply(200, b"ok")], {"status": 200, "size": 2, "attempts": 2}),
        (
            [Reply(500, b"no")],
            {"status": 500, "size": 2, "attempts": 2, "error": "read: HTTP 500 from http://VENDOR/: no"},
        ),
        ([Reply(404)], {"status": 404, "size": 0, "error": "read: HTTP 404 from http://VENDOR/"}),
        (
            [Reply(401, b'{"token": "a-token-that-nobody-sees"}')],
            {"status": 401, "size": 37, "error": 'login: HTTP 401 from http://VENDOR/: {"token": "***"}'},
        ),
    ],
    ids=["passes on the second try", "fails on both", "is not tried again", "echoes a secret"],
)
def test_failures_and_attempts_are_heard_of(fetch: Any, serve: Any, replies: list[Reply], came: dict[str, Any]) -> None:
    server, watch = serve(Script(*replies)), Watch()
    settings = Settings(base_url=server.url)

    fetch(lambda: settings.get("/"), settings, watch=watch)

    assert heard(watch, server) == [Sent("shop/hosts", "GET", "http://VENDOR/", **came)]


def test_each_hop_of_a_redirect_is_a_request(fetch: Any, serve: Any) -> None:
    server, watch = serve(Script(Reply(302, b"", {"Location": "/there"}), Reply(200, b"ok"))), Watch()
    settings = Settings(base_url=server.url)

    fetch(lambda: settings.get("/"), settings, watch=watch)

    assert heard(watch, server) == [
        Sent("shop/hosts", "GET", "http://VENDOR/", status=302, size=0),
        Sent("shop/hosts", "GET", "http://VENDOR/there", status=200, size=2),
    ]


def test_what_never_got_an_answer_has_no_status(fetch: Any) -> None:
    watch, where = Watch(), f"127.0.0.1:{unused_port()}"
    settings = Settings(base_url=f"http://{where}", retries=0)

    fetch(lambda: settings.get("/"), settings, watch=watch)

    error = f"connect: no connection to {where}: connection refused"
    assert heard(watch) == [Sent("shop/hosts", "GET", f"http://{where}/", error=error)]


def test_requests_are_told_in_the_order_in_which_they_began(fetch: Any, serve: Any) -> None:
    server, watch = serve(lambda got: Reply(200, got.target.encode())), Watch()
    settings = Settings(base_url=server.url, workers=4)

    fetch(lambda: together([settings.get(f"/{number}") for number in range(8)]), settings, watch=watch)

    assert [one.shown.rpartition("/")[2] for one in watch.sent] == list("01234567")


def test_an_equal_read_is_sent_once_and_heard_of_once(fetch: Any, serve: Any) -> None:
    server, watch = serve(Script(Reply(200, b"ok"))), Watch()
    settings = Settings(base_url=server.url)

    fetch(lambda: together([settings.get("/"), settings.get("/")]), settings, watch=watch)

    assert (len(server.got), len(watch.sent)) == (1, 1)


def test_what_is_not_awaited_any_more_says_so(fetch: Any) -> None:
    watch = Watch()

    def talk(connection: Any) -> None:
        if b"/slow" in connection.read_request():
            connection.hang()
        else:
            connection.say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    with raw_server(talk) as server:
        settings = Settings(base_url=server.url, workers=2, retries=0)
        fetch(lambda: together([settings.get("/slow"), settings.get("/gone")]), settings, watch=watch)

        assert [(one.shown.rpartition("/")[2], one.error) for one in heard(watch, server)] == [
            ("slow", NOT_AWAITED),
            ("gone", "read: HTTP 404 from http://VENDOR/gone"),
        ]


def test_an_exchange_is_heard_of_with_its_protocol(fetch: Any) -> None:
    watch = Watch()

    with udp_server(lambda data: data.upper()) as server:
        call = Exchange("127.0.0.1", server.port, "udp", b"ping")
        fetch(lambda: exchange(call), Settings(base_url="http://vendor.invalid"), watch=watch)

        assert heard(watch, server) == [Sent("shop/hosts", "UDP", "VENDOR", size=4)]


def test_a_function_in_a_child_process_is_heard_of_by_its_name(fetch: Any) -> None:
    watch = Watch()

    fetch(lambda: heavy(sorted, [2, 1]), Settings(base_url="http://vendor.invalid"), watch=watch)

    assert heard(watch) == [Sent("shop/hosts", "call", "sorted")]


def log_in(settings: Settings) -> Flow[str]:
    response = yield from settings.post("/login")
    return response.text()


def hosts(settings: Settings) -> Flow[Any]:
    token = yield from session(log_in)
    return (yield from attempt(settings.get("/hosts", headers={"x-session": token})))


def test_a_login_is_heard_of_as_one(fetch: Any, serve: Any) -> None:
    def answer(got: Got) -> Reply:
        return Reply(200, b"key") if got.method == "POST" else Reply(200, b"[]")

    server, watch = serve(answer), Watch()
    settings = Settings(base_url=server.url)

    fetch(lambda: hosts(settings), settings, watch=watch, login=log_in)

    assert heard(watch, server) == [
        Sent("shop/hosts", "POST", "http://VENDOR/login", status=200, size=3, login=True),
        Sent("shop/hosts", "GET", "http://VENDOR/hosts", status=200, size=2),
    ]


def test_the_time_a_request_took_counts_all_its_attempts(serve: Any) -> None:
    server, watch = serve(Script(Reply(503), Reply(200))), Watch()
    settings = Settings(base_url=server.url)
    clock = [100.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    edges = Edges(monotonic=lambda: clock[0], sleep=sleep, chance=lambda: 0.5)
    carry_out(
        [Job("shop/hosts", "shop", settings, lambda: send(settings.request("GET", "/")), 4.0, watch=watch)], edges
    )

    assert [one.elapsed_s for one in watch.sent] == [pytest.approx(0.2)]
