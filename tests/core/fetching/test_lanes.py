"""Connections side by side: used again, never by two requests at a time, and closed when they are of no more use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError
from checkmill.model.flow import Flow
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Job, carry_out
from support.loopback import Reply, Server, Talk, http_server, raw_server

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def asking(server: Server, count: int, **settings: int) -> list[Job]:
    own = SourceSettings(base_url=server.url, retries=0, **settings)
    return [Job(f"{n}", "shop", own, lambda n=n: own.get(f"/{n}"), 3.0, merge_reads=False) for n in range(count)]


@pytest.mark.parametrize("workers", [1, 4])
def test_a_source_has_no_more_connections_than_workers_however_many_requests(workers: int) -> None:
    with http_server(lambda got: Reply(200, got.target.encode())) as server:
        dones = carry_out(asking(server, 40, workers=workers), Edges())
        assert [done.value.text() for done in dones] == [f"/{n}" for n in range(40)]
        assert server.connections <= workers


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda talk: talk.hang(), id="no answer"),
        pytest.param(lambda talk: (talk.say(WHOLE[:-1]), talk.hang()), id="half an answer"),
        pytest.param(lambda talk: talk.say(WHOLE[:-1]), id="broken off"),
        pytest.param(lambda talk: talk.say(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nok"), id="too large"),
        pytest.param(lambda talk: talk.say(b"220 mail.example ESMTP\r\n"), id="no HTTP"),
        pytest.param(lambda talk: talk.reset(), id="reset"),
    ],
)
def test_a_request_that_failed_leaves_no_connection_that_spoils_the_next(spoil: Callable[[Talk], object]) -> None:
    """One worker: the second request comes right after the first, and would be given its connection."""
    visits: list[Talk] = []

    def answer(talk: Talk) -> None:
        visits.append(talk)
        talk.read_request()
        if len(visits) == 1:
            spoil(talk)
            return
        while True:
            talk.say(WHOLE)
            if not talk.read_request():
                return

    with raw_server(answer) as server:
        settings = SourceSettings(base_url=server.url, workers=1, retries=0, max_size=1000)
        first = Job("first", "shop", settings, lambda: settings.get("/1"), 0.3, merge_reads=False)
        second = Job("second", "shop", settings, lambda: settings.get("/2"), 3.0, merge_reads=False)
        dones = carry_out([first, second], Edges())
    assert dones[1].error is None
    assert dones[1].value.text() == "ok"
    assert len(visits) == 2


def test_a_connection_that_the_receiver_closed_while_it_was_idle_is_made_anew() -> None:
    closed = threading.Event()

    def answer(talk: Talk) -> None:
        talk.read_request()
        talk.say(WHOLE)
        talk.connection.close()
        closed.set()

    with raw_server(answer) as server:
        settings = SourceSettings(base_url=server.url, workers=1, retries=0)

        def flow() -> Flow[str]:
            said = (yield from settings.get("/1")).text()
            assert closed.wait(5)
            return said + (yield from settings.get("/2")).text()

        beside = Job("beside", "shop", settings, lambda: "nothing to send", 3.0)
        done = carry_out([Job("twice", "shop", settings, flow, 3.0), beside], Edges())[0]
        assert (done.value, done.error) == ("okok", None)
        assert server.connections == 2


def test_no_more_idle_connections_are_kept_than_workers() -> None:
    """A source that is led to many hosts leaves connections behind; the one that was idle longest is closed."""
    closed = threading.Event()

    def answer(talk: Talk) -> None:
        while talk.read_request():
            talk.say(WHOLE)
        closed.set()

    with ExitStack() as stack:
        first, second = stack.enter_context(raw_server(answer)), stack.enter_context(raw_server(answer))
        own, other = (SourceSettings(base_url=server.url, workers=1) for server in (first, second))

        def flow() -> Flow[str]:
            said = (yield from own.get("/1")).text() + (yield from other.get("/2")).text()
            assert closed.wait(5)
            return said

        beside = Job("beside", "shop", own, lambda: "nothing to send", 3.0)
        done = carry_out([Job("led", "shop", own, flow, 8.0), beside], Edges())[0]
        assert (done.value, done.error) == ("okok", None)
        assert (first.connections, second.connections) == (1, 1)


def test_a_request_that_is_cut_off_at_its_deadline_closes_its_connection() -> None:
    over = threading.Event()

    def answer(talk: Talk) -> None:
        talk.read_request()
        if not talk.connection.recv(1):
            over.set()

    with raw_server(answer) as server:
        settings = SourceSettings(base_url=server.url, workers=2)
        jobs = [Job(f"{n}", "shop", settings, lambda: settings.get("/"), 0.2, merge_reads=False) for n in range(2)]
        dones = carry_out(jobs, Edges())
        assert all(isinstance(done.error, DeadlineError) for done in dones)
        assert over.wait(5)
