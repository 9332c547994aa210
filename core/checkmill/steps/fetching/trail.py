"""How far one transmission got, so that its failure can be named after the stage it happened in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

from checkmill.edges import Edges
from checkmill.model.errors import ConnectError, DeadlineError, DnsError, SourceError, TlsError
from checkmill.steps.fetching.moves import Answer, Failure, Outgoing, Transmit, seconds_text


class Stage(Enum):
    """What was being done last."""

    WAITING = "waiting"
    LOOK_UP = "look-up"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    SENT = "sent"


class Trail:
    """Follows one transmission through httpx's `trace` extension. `head` is its answer so far, without the body."""

    def __init__(self, order: Transmit, proxy: str | None, edges: Edges) -> None:
        self.order = order
        self.stage = Stage.WAITING
        self.head: Answer | None = None
        self.proxy = proxy
        self._edges = edges
        self._to_proxy = False
        self._begun = False
        self._started = edges.monotonic()
        self._limit = order.deadline
        self._connect_s = order.connect_timeout_s

    def begin(self) -> float:
        """Mark that it is sent now, unless it is under way; gives the seconds it may still take."""
        now = self._edges.monotonic()
        if not self._begun:
            self._begun, self._started = True, now
            self._limit = min(self.order.deadline, now + self.order.timeout_s)
        return self._limit - now

    def look_up(self) -> None:
        """Mark that its host is looked up now, before anything else."""
        self.stage = Stage.LOOK_UP

    def try_each(self, ways: Sequence[Outgoing]) -> Iterator[None]:
        """Turn to one way of sending the request after the other, as long as there is time for a connection."""
        until = min(self._limit, self._edges.monotonic() + self.order.connect_timeout_s)
        for way in ways:
            left_s = until - self._edges.monotonic()
            if left_s <= 0:
                return
            self.order, self.stage = replace(self.order, outgoing=way), Stage.WAITING
            # One that swallows all leaves time for the others.
            self._connect_s = left_s if way is ways[-1] else left_s / 2
            yield

    def timeouts(self) -> dict[str, float | None]:
        """The time-outs in seconds that httpx is to keep, none beyond the deadline."""
        left_s = max(self._limit - self._edges.monotonic(), 0.001)
        read_s = min(self.order.read_timeout_s, left_s)
        return {"connect": min(self._connect_s, left_s), "read": read_s, "write": read_s, "pool": left_s}

    def elapsed_s(self) -> float:
        """Seconds since it was sent."""
        return self._edges.monotonic() - self._started

    def is_late(self) -> bool:
        """Whether its time is up, a hundredth of a second counted as nothing."""
        return self._edges.monotonic() >= self._limit - 0.01

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of an event such as `connection.connect_tcp.started`."""
        part, _, name = event.partition(".")
        if name == "connect_tcp.started":
            self.stage, self._to_proxy = Stage.CONNECT, self.proxy is not None
        elif name == "start_tls.started":
            self.stage, self._to_proxy = Stage.TLS, self.proxy is not None and part == "connection"
        elif name == "send_request_headers.started":
            self.stage = Stage.PROXY if info["request"].method == b"CONNECT" else Stage.SENT

    @property
    def peer(self) -> str:
        """Who it was talking with, for a sentence."""
        if self._to_proxy and self.stage in {Stage.CONNECT, Stage.TLS}:
            return f"the proxy {self.proxy}"
        return self.order.outgoing.where

    def late_outcome(self) -> Answer | Failure:
        """What there is once time has run out: an answer whose body is not whole, or why there is none."""
        failure = Failure(self.late())
        return failure if self.head is None else replace(self.head, broken=failure)

    def late(self) -> SourceError:
        """The error for time that ran out."""
        within = f"within {seconds_text(max(self.elapsed_s(), 0.0))}"
        error: SourceError
        if self.stage is Stage.LOOK_UP:
            host = self.order.outgoing.host
            return DnsError(f"{host} does not resolve: the name service gave no answer {within}")
        if self.stage is Stage.CONNECT:
            return ConnectError(f"no connection to {self.peer} {within}")
        if self.stage is Stage.TLS:
            return TlsError(f"no TLS handshake with {self.peer} {within}")
        if self.stage is Stage.PROXY:
            return ConnectError(f"the proxy {self.proxy} gave no way to {self.order.outgoing.where} {within}")
        if self.stage is Stage.WAITING:
            error = DeadlineError(f"no time was left to ask {self.order.outgoing.where}")
            error.arrived = False
            return error
        return DeadlineError(f"no whole answer from {self.peer} {within}")
