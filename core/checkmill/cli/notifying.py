"""What a service manager is told that started this process, by systemd's protocol: ready, alive, stopping."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

#: A service manager that takes nothing in so long is told nothing.
_PATIENCE_S = 0.1


def notify(environ: Mapping[str, str], *lines: str) -> None:
    """Send lines such as `READY=1` to `$NOTIFY_SOCKET`, if there is one. Nobody fails or waits for want of a reader."""
    address = environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"}:
        return
    # Imported here: most processes are started by nobody who listens.
    import socket

    with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.settimeout(_PATIENCE_S)
        link.sendto("\n".join(lines).encode(), "\0" + address[1:] if address[0] == "@" else address)


def watchdog_s(environ: Mapping[str, str]) -> float | None:
    """How often the service manager wants to hear that this process is alive, in seconds; None where it does not."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        limit_s = int(environ.get("WATCHDOG_USEC", "")) / 1e6
    except ValueError:
        return None
    return limit_s if limit_s > 0 else None
