"""Whose failure it is that a scenario got no answer: by core's own errors, and over real sockets."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from checkmill.api.v1 import ConnectError, DeadlineError, DnsError, Reach, SourceError, TlsError
from checkmill.edges import Edges
from checkmill.steps.fetching.resolving import unresolved
from checkmill_nhn_monitoring.blaming import Waits, is_theirs
from plugins.nhn_monitoring.documented import settings
from plugins.nhn_monitoring.test_probing_wire import api, message, verdicts
from support.loopback import LOOPBACK, unused_port


@contextmanager
def swallowing() -> Iterator[int]:
    """A port that answers no connection: the queue of what nobody accepts is full."""
    with socket.socket() as full:
        full.bind((LOOPBACK, 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for knocking in waiting:
            knocking.setblocking(False)
            knocking.connect_ex(full.getsockname())
        try:
            yield full.getsockname()[1]
        finally:
            for knocking in waiting:
                knocking.close()


def no_connection(code: int) -> ConnectError:
    return ConnectError(f"no connection to shop.example:443: {os.strerror(code).lower()}")


@pytest.mark.parametrize(
    ("error", "theirs"),
    [
        (unresolved(socket.gaierror(socket.EAI_NONAME, "no"), "shop.example"), True),
        (unresolved(socket.gaierror(socket.EAI_AGAIN, "again"), "shop.example"), False),
        (DnsError("shop.example does not resolve: the name service gave no answer within 3 s"), False),
        (DnsError("the system gave no thread to look shop.example up"), False),
        (no_connection(errno.ECONNREFUSED), True),
        (no_connection(errno.EHOSTUNREACH), True),
        (no_connection(errno.ETIMEDOUT), True),
        (no_connection(errno.EMFILE), False),
        (no_connection(errno.ENFILE), False),
        (no_connection(errno.EADDRNOTAVAIL), False),
        (no_connection(errno.ENETUNREACH), False),
        (no_connection(errno.EPERM), False),
        (ConnectError("no connection to shop.example:443 within 3 s"), True),
        (TlsError("no TLS handshake with shop.example:443 within 3 s"), True),
        (SourceError("the system gave no thread to ask this source"), False),
    ],
    ids=str,
)
def test_what_the_system_refuses_to_us_is_not_theirs(error: SourceError, theirs: bool) -> None:
    assert is_theirs(error) is theirs


@pytest.mark.parametrize(
    ("error", "timeout_s", "ours"),
    [
        (ConnectError("no connection to a:1 within 3 s"), 20.0, "connect_timeout, 3 s"),
        (ConnectError("no connection to a:1 within 0.25 s"), 20.0, "connect_timeout, 3 s"),
        (ConnectError("no connection to a:1: no answer in time"), 20.0, "connect_timeout, 3 s"),
        (TlsError("no TLS handshake with a:1 within 3 s"), 20.0, "connect_timeout, 3 s"),
        (DeadlineError("a:1 was silent for 8 s"), 20.0, "read_timeout, 8 s"),
        (ConnectError("no connection to a:1 within 3 s"), 3.0, ""),
        (DeadlineError("no whole answer"), 8.0, ""),
        (ConnectError("no connection to a:1: connection refused"), 20.0, ""),
        (TlsError("the certificate of a:1 has expired"), 20.0, ""),
    ],
)
def test_a_wait_of_our_own_that_is_shorter_than_the_timeout_is_told(
    error: SourceError, timeout_s: float, ours: str
) -> None:
    told = Waits(silence_s=8.0, connect_s=3.0).impatience(error, timeout_s)
    assert told == (f"{error}; its own time-out, {timeout_s:g} s, is longer than {ours}" if ours else "")


def test_a_connection_waits_as_long_as_the_consoles_own_timeout() -> None:
    assert settings().connect_timeout == 5.0


@pytest.mark.parametrize("kind", ["API", "TCP"])
@pytest.mark.parametrize(("timeout_ms", "word"), [(5000, "not_carried_out"), (200, "failed")])
def test_a_connection_that_nobody_answers(kind: str, timeout_ms: int, word: str) -> None:
    validation = {"timeout": timeout_ms}
    with swallowing() as port:
        scenario = api(f"http://{LOOPBACK}:{port}/", validation) if kind == "API" else message("TCP", port, validation)
        (found,) = verdicts(scenario, connect_s=0.4)
    assert found.word == word
    assert "no connection to " in found.reason
    assert ("is longer than connect_timeout, 0.4 s" in found.reason) is (word == "not_carried_out")


@pytest.mark.parametrize("kind", ["API", "TCP", "UDP"])
@pytest.mark.parametrize(
    ("code", "word"), [(socket.EAI_AGAIN, "not_carried_out"), (socket.EAI_NONAME, "failed")], ids=["again", "none"]
)
def test_a_name_service_that_does_not_answer_is_no_failure(kind: str, code: int, word: str) -> None:
    def look_up(host: str, port: int, family: int) -> Sequence[Any]:
        raise socket.gaierror(code, "no")

    port = unused_port()
    scenario = api(f"http://shop.example:{port}/") if kind == "API" else {**message(kind, port), "ip": "shop.example"}
    (found,) = verdicts(scenario, reach=Reach(("shop.example",)), edges=Edges(look_up=look_up))
    assert found.word == word
    assert "shop.example does not resolve" in found.reason
