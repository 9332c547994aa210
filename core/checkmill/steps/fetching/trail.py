"""How far one transmission got, so that its failure can be named after the stage it happened in."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from checkmill.edges import Edges
from checkmill.model.errors import ConnectError, DeadlineError, SourceError, TlsError
from checkmill.steps.fetching.moves import Transmit, seconds_text


class Stage(Enum):
    """What was being done last."""

    WAITING = "waiting"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    SENT = "sent"


class Trail:
    """Follows one transmission through httpx's `trace` extension."""

    def __init__(self, order: Transmit, proxy: str | None, edges: Edges) -> None:
        self.order = order
        self.stage = Stage.WAITING
        self.proxy = proxy
        self._edges = edges
        self._to_proxy = False
        self._started = edges.monotonic()
        self._limit = order.deadline

    def begin(self) -> float:
        """Mark that it is sent now; gives the seconds it may take."""
        self._started = self._edges.monotonic()
        self._limit = min(self.order.deadline, self._started + self.order.timeout_s)
        return self._limit - self._started

    def timeouts(self) -> dict[str, float | None]:
        """The time-outs in seconds that httpx is to keep, none beyond the deadline."""
        left_s = max(self._limit - self._edges.monotonic(), 0.001)
        read_s = min(self.order.read_timeout_s, left_s)
        return {"connect": min(self.order.connect_timeout_s, left_s), "read": read_s, "write": read_s, "pool": left_s}

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

    def late(self) -> SourceError:
        """The error for time that ran out."""
        within = f"within {seconds_text(max(self.elapsed_s(), 0.0))}"
        error: SourceError
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
