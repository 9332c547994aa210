"""Who uses the database: many processes at once, or one alone, to replace it.

The lock is the kernel's and lies on the state directory itself, so that there is no file of it to be damaged or left
behind. Without it, one process would go on writing into a database that another has set aside.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from checkmill.edges import Edges
from checkmill.store.directory import StoreError

#: How often a waiting process looks again.
LOOK_AGAIN_S = 0.05


class InUseError(StoreError):
    """Others use the database, and did not end in time."""


class Hold:
    """A hold on the database of a state directory, until it is closed or the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let others in; nothing when that was done before."""
        if self._descriptor < 0:
            return
        # Closing is not enough: a child that a plugin forked has the descriptor too.
        with suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)
        self._descriptor = -1


def shared(directory: Path, edges: Edges, wait_s: float) -> Hold:
    """Use the database beside others. Raises `StoreError` when one is replacing it for longer than `wait_s`."""
    why = "another process is replacing the damaged database, and has not ended"
    return _taken(directory, fcntl.LOCK_SH, edges, wait_s, why)


def alone(directory: Path, edges: Edges, wait_s: float) -> Hold:
    """Use the database alone. Raises `StoreError` when others use it for longer than `wait_s`."""
    why = "its database is damaged, and is replaced as soon as no other process uses it; others have not ended"
    return _taken(directory, fcntl.LOCK_EX, edges, wait_s, why)


def _taken(directory: Path, kind: int, edges: Edges, wait_s: float, why: str) -> Hold:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"the state directory {directory} cannot be read: {error.strerror}") from None
    with ExitStack() as on_failure:
        hold = on_failure.enter_context(Hold(descriptor))
        give_up_at = edges.monotonic() + wait_s
        while not _try(descriptor, kind, directory):
            if edges.monotonic() >= give_up_at:
                raise InUseError(f"{directory} cannot be used: {why} within {wait_s:g} s")
            edges.sleep(LOOK_AGAIN_S)
        on_failure.pop_all()
    return hold


def _try(descriptor: int, kind: int, directory: Path) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        hint = "name a directory on a local disk with --state-dir"
        raise StoreError(f"{directory} cannot be locked: {error.strerror}; {hint}") from None
    return True
