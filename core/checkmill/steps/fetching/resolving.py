"""Looking names up: within a limit also when the name service hangs, and only for addresses that may be gone to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

from checkmill.edges import Edges
from checkmill.model.errors import ConfigurationError, DnsError, SourceError
from checkmill.model.reach import Reach

#: As `socket.getaddrinfo` gives it: family, kind, protocol, name, socket address.
Found: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


def found_within(seconds: float, edges: Edges, host: str, port: int, kind: int) -> Sequence[Found]:
    """The addresses of a host, in the order in which to try them.

    The look-up has a thread of its own, which nobody waits for any longer: it cannot be ended. Raises TimeoutError,
    `DnsError`, `ConfigurationError`.
    """
    came: SimpleQueue[tuple[Sequence[Found], Exception | None]] = SimpleQueue()

    def look_up() -> None:
        try:
            came.put((found_by(edges, host, port, kind), None))
        except Exception as error:  # noqa: BLE001 - handed over to the thread that waits
            came.put(((), error))

    try:
        threading.Thread(target=look_up, name="checkmill-dns", daemon=True).start()
        found, error = came.get(timeout=min(max(seconds, 0.0), threading.TIMEOUT_MAX))
    except RuntimeError:
        raise DnsError(f"the system gave no thread to look {host} up") from None
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return found


def found_by(edges: Edges, host: str, port: int, kind: int) -> Sequence[Found]:
    """Look a host up here and now, however long it takes. Raises `DnsError`, `ConfigurationError`."""
    try:
        found = edges.look_up(host, port, kind)
    except (OSError, ValueError) as error:
        raise unresolved(error, host) from None
    if not found:
        raise DnsError(f"{host} does not resolve: no such host")
    return found


def unresolved(error: Exception, host: str) -> SourceError:
    """What an exception of a look-up stands for."""
    if isinstance(error, ValueError):
        return ConfigurationError(f"{host!r} is not a host name")
    busy = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    return DnsError(f"{host} does not resolve: {'the name service does not answer' if busy else 'no such host'}")


def allowed(found: Sequence[Found], reach: Reach, host: str, port: int) -> Sequence[Found]:
    """Those addresses of a host that may be connected to. Raises `ConfigurationError` if there is none."""
    refusals = [reach.refusal_of_address(host, port, one[4][0]) for one in found]
    fit = [one for one, refusal in zip(found, refusals, strict=True) if not refusal]
    if not fit:
        raise ConfigurationError(refusals[0])
    return fit
