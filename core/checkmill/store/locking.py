"""One feeder at a time: a lock on the state directory that the kernel drops with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checkmill.edges import Edges
from checkmill.store.directory import StoreError, made

#: How often a waiting process looks again.
LOOK_AGAIN_S = 0.05


@contextmanager
def locked(directory: Path, name: str, edges: Edges, wait_s: float) -> Iterator[None]:
    """Hold a lock while the body runs. Raises `StoreError` when another process holds it for longer than `wait_s`."""
    path = made(directory / f"{name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    give_up_at = edges.monotonic() + wait_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if edges.monotonic() >= give_up_at:
                    raise StoreError(
                        f"another run holds {path}, and {wait_s:.0f} s of waiting did not help; "
                        "let the runs of cron lie further apart"
                    ) from None
                edges.sleep(LOOK_AGAIN_S)
        yield
    finally:
        os.close(descriptor)
