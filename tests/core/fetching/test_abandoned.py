"""A request that nobody waits for any more: it says that it was not sent, and is never sent later."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import ConnectError, SourceError
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Done, Job, carry_out, carry_out_fed
from support.loopback import Reply, Server, http_server


class HangingNames:
    """A name service that is silent until it is let go, and then says where this machine is."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.go_on = threading.Event()
        self.asking: list[threading.Thread] = []

    def __call__(self, host: str | bytes, *parts: Any, **named: Any) -> Any:
        if host not in {"vendor.invalid", b"vendor.invalid"}:
            return self._real(host, *parts, **named)
        self.asking.append(threading.current_thread())
        self.go_on.wait(30.0)
        return self._real("127.0.0.1", *parts, **named)

    def let_go(self) -> None:
        """Let all look-ups go on, and wait until whoever made them has ended."""
        self.go_on.set()
        for thread in self.asking:
            thread.join(10.0)
            assert not thread.is_alive()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingNames]:
    hanging = HangingNames(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    yield hanging
    hanging.let_go()


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server(lambda _: Reply(200)) as serving:
        yield serving


def fed(jobs: Sequence[Job]) -> list[Done]:
    batches, told = [jobs], []

    def turn(ended: Sequence[tuple[Job, Done]]) -> tuple[Sequence[Job], None]:
        told.extend(ended)
        return (batches.pop() if batches else ()), None

    carry_out_fed(turn, Edges())
    return [done for _, done in told]


@pytest.mark.parametrize("carried_out", [fed, lambda jobs: carry_out(jobs, Edges())], ids=["fed", "at once"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_post_whose_look_up_hangs_was_not_sent_and_never_is(
    names: HangingNames, server: Server, carried_out: Any, number: int
) -> None:
    settings = SourceSettings(base_url=f"http://vendor.invalid:{server.where.rpartition(':')[2]}", retries=0)
    jobs = [Job(f"{n}", "shop", settings, lambda: settings.post("/x"), 0.3) for n in range(number)]
    errors = [done.error for done in carried_out(jobs)]
    assert [type(error) for error in errors] == [ConnectError] * number
    assert [error.arrived for error in errors if isinstance(error, SourceError)] == [False] * number
    assert names.asking
    names.let_go()
    assert server.got == []


def test_one_whose_time_ends_during_the_look_up_is_tried_again_and_sent_once(
    names: HangingNames, server: Server
) -> None:
    settings = SourceSettings(base_url=f"http://vendor.invalid:{server.where.rpartition(':')[2]}", retries=0)

    def twice() -> Any:
        try:
            yield from settings.post("/first", timeout_s=0.2)
        except ConnectError:
            names.go_on.set()
        return (yield from settings.post("/second"))

    (done,) = carry_out([Job("one", "shop", settings, twice, 5.0)], Edges())
    names.let_go()
    assert done.error is None
    assert [got.target for got in server.got] == ["/second"]
