"""The edges of the program: clocks, chance, names and environment, injected so that tests can be exact."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def _look_up(host: str, port: int, kind: int) -> Sequence[Any]:
    # Imported here: a run that finds everything fresh asks nobody.
    import socket

    return socket.getaddrinfo(host, port, type=kind)


@dataclass(frozen=True)
class Edges:
    """What a run may know of the world.

    `now` is the wall clock (epoch seconds), `monotonic` the clock that deadlines are measured on, `sleep` waits,
    `chance` gives a number in [0, 1) for jitter. `look_up` gives the addresses of a host, for a port and a kind of
    socket, as `socket.getaddrinfo` does; it is asked for exchanges and for requests whose reach is limited.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = field(default=random.random)
    look_up: Callable[[str, int, int], Sequence[Any]] = _look_up
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
