"""One exchange over TCP or UDP on a plain socket, within its deadline however slowly the peer drips."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress

from checkmill.edges import Edges
from checkmill.model.errors import (
    ConnectError,
    DeadlineError,
    DnsError,
    ReadError,
    SourceError,
    TooLargeError,
)
from checkmill.model.flow import Exchanged
from checkmill.model.reach import host_of
from checkmill.steps.fetching.flowing import crashed
from checkmill.steps.fetching.moves import Converse, seconds_text
from checkmill.steps.fetching.resolving import Found, allowed, found_within

_PIECE = 1 << 16


class Conversation:
    """An exchange under way. `run` blocks; `cut` ends it from another thread."""

    def __init__(self, order: Converse, edges: Edges) -> None:
        self._order = order
        self._edges = edges
        self._began = edges.monotonic()
        self._limit = min(order.deadline, self._began + order.timeout_s)
        call = order.exchange
        self._host = call.host if call.reach is None else host_of(call.host)
        self._socket: socket.socket | None = None
        self._cut = False

    def run(self) -> Exchanged:
        """Connect, send and read. Raises `SourceError`."""
        where = self._order.exchange.where
        if self._left_s() <= 0:
            late = DeadlineError(f"no time was left to ask {where}")
            late.arrived = False
            raise late
        try:
            self._socket, address = self._connected(self._addresses())
            with self._socket:
                data = self._asked(self._socket)
        except ConnectionRefusedError:
            # What a datagram meets where nobody listens.
            raise ConnectError(f"no connection to {where}: connection refused") from None
        except ConnectionResetError:
            raise ReadError(f"{where} reset the connection") from None
        except OSError as error:
            raise ReadError(f"the exchange with {where} failed: {_reason(error)}") from None
        return Exchanged(data, self._edges.monotonic() - self._began, address)

    def cut(self) -> None:
        """End it: what waits for the peer fails at once."""
        self._cut = True
        connection = self._socket
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _left_s(self) -> float:
        return -1.0 if self._cut else self._limit - self._edges.monotonic()

    def _addresses(self) -> Sequence[Found]:
        """The addresses to try, all of which it may connect to."""
        call = self._order.exchange
        kind = socket.SOCK_STREAM if call.protocol == "tcp" else socket.SOCK_DGRAM
        try:
            found = found_within(self._left_s(), self._edges, self._host, call.port, kind)
        except TimeoutError:
            waited = seconds_text(self._edges.monotonic() - self._began)
            raise DnsError(f"{self._host} does not resolve: the name service gave no answer within {waited}") from None
        return found if call.reach is None else allowed(found, call.reach, self._host, call.port)

    def _connected(self, addresses: Sequence[Found]) -> tuple[socket.socket, str]:
        """Connect to the first address that answers; gives the socket and the address, for people."""
        where = self._order.exchange.where
        until = min(self._limit, self._edges.monotonic() + self._order.connect_timeout_s)
        reason = "it has no address"
        for number, (family, kind, protocol, _, address) in enumerate(addresses, 1):
            left_s = until - self._edges.monotonic()
            if left_s <= 0 or self._cut:
                break
            connection = socket.socket(family, kind, protocol)
            try:
                # One that swallows all leaves time for the others.
                connection.settimeout(left_s if number == len(addresses) else left_s / 2)
                connection.connect(address)
            except OSError as error:
                connection.close()
                reason = _reason(error)
            else:
                host = f"[{address[0]}]" if ":" in address[0] else address[0]
                return connection, f"{host}:{address[1]}"
        if until <= self._edges.monotonic():
            waited = seconds_text(self._edges.monotonic() - self._began)
            raise ConnectError(f"no connection to {where} within {waited}")
        raise ConnectError(f"no connection to {where}: {reason}")

    def _asked(self, connection: socket.socket) -> bytes:
        call = self._order.exchange
        try:
            self._arm(connection, silence_s=float("inf"))
            if call.protocol == "udp":
                connection.send(call.payload)
                return self._datagram(connection)
            connection.sendall(call.payload)
        except TimeoutError:
            raise self._late() from None
        return self._stream(connection)

    def _datagram(self, connection: socket.socket) -> bytes:
        data = self._piece(connection, self._order.max_size + 1)
        if len(data) > self._order.max_size:
            raise self._too_large()
        return data

    def _stream(self, connection: socket.socket) -> bytes:
        """Read until the count, the end mark or the end."""
        mark = self._order.exchange.read_until
        data = bytearray()
        count = self._count(data)
        while count is None or len(data) < count:
            piece = self._piece(connection, _PIECE if count is None else min(_PIECE, count - len(data)))
            if not piece:
                if self._order.exchange.read_bytes is None and mark is None:
                    break
                wanted = _wanted(count, mark)
                raise ReadError(f"{self._order.exchange.where} closed after {len(data)} bytes, without {wanted}")
            seen = max(0, len(data) - len(mark or b""))
            data += piece
            found = -1 if mark is None else data.find(mark, seen)
            if mark is not None and found >= 0:
                del data[found + len(mark) :]
            if len(data) > self._order.max_size:
                raise self._too_large()
            if found >= 0:
                break
            if count is None:
                count = self._count(data)
        return bytes(data if count is None else data[:count])

    def _count(self, data: bytearray) -> int | None:
        """How many bytes the whole answer has, as far as that is known; the function that tells is the plugin's own."""
        try:
            count = self._order.exchange.whole_length(bytes(data))
        except Exception as crash:  # noqa: BLE001 - the wall round a plugin
            raise crashed(f"the length of the answer from {self._order.exchange.where}", crash) from None
        if count is not None and (type(count) is not int or count > self._order.max_size):
            raise self._too_large()
        return count

    def _piece(self, connection: socket.socket, size: int) -> bytes:
        self._arm(connection, self._order.read_timeout_s)
        try:
            piece = connection.recv(size)
        except TimeoutError:
            if self._left_s() > 0.01:
                silence = seconds_text(self._order.read_timeout_s)
                raise DeadlineError(f"{self._order.exchange.where} was silent for {silence}") from None
            raise self._late() from None
        if self._cut:
            raise self._late()
        return piece

    def _arm(self, connection: socket.socket, silence_s: float) -> None:
        left_s = self._left_s()
        if left_s <= 0:
            raise self._late()
        connection.settimeout(min(left_s, silence_s))

    def _late(self) -> SourceError:
        within = seconds_text(max(self._edges.monotonic() - self._began, 0.0))
        return DeadlineError(f"no whole answer from {self._order.exchange.where} within {within}")

    def _too_large(self) -> TooLargeError:
        where, cap = self._order.exchange.where, self._order.max_size
        return TooLargeError(f"the answer from {where} is larger than the {cap} bytes that max_size allows")


def _wanted(count: int | None, mark: bytes | None) -> str:
    if mark is not None:
        return f"the end mark {mark!r}"
    return "its end" if count is None else f"{count} bytes"


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError) and error.errno is None:
        return "no answer in time"
    return (os.strerror(error.errno) if error.errno else str(error) or type(error).__name__).lower()
