"""One feeder at a time: a lock on the state directory that the kernel drops with its process.

The lock is the kernel's; what stands in its file is for people alone: the process that holds it, and since when. A
process that was killed leaves its line behind, so a line counts only while the lock is held and its process is there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from checkmill.edges import Edges
from checkmill.model.moments import iso_utc
from checkmill.store.directory import StoreError, made

#: How often a waiting process looks again.
LOOK_AGAIN_S = 0.05
#: More than this no holder writes.
_LONGEST_LINE = 100


class HeldError(StoreError):
    """Another process holds a lock, and did not let it go in time."""


@contextmanager
def locked(directory: Path, name: str, edges: Edges, wait_s: float) -> Iterator[None]:
    """Hold a lock while the body runs. Raises `StoreError` when another process holds it for longer than `wait_s`."""
    path = directory / f"{name}.lock"
    descriptor = _opened(path)
    give_up_at = edges.monotonic() + wait_s
    try:
        while not (is_taken := _taken(descriptor, path)) or not _is_in_place(descriptor, path):
            if edges.monotonic() >= give_up_at:
                holder = _holder(descriptor, edges.now())
                raise HeldError(
                    f"another run{holder} holds {path}, and {wait_s:.0f} s of waiting did not help; "
                    "let the runs of cron lie further apart, or end that one"
                )
            if is_taken:
                # It was removed while it was waited for; whoever comes next finds a new one.
                os.close(descriptor)
                descriptor = -1
                descriptor = _opened(path)
            else:
                edges.sleep(LOOK_AGAIN_S)
        _write(descriptor, f"{os.getpid()} {edges.now():.3f}\n")
        try:
            yield
        finally:
            _write(descriptor, "")
            # Closing is not enough: what a plugin forked has the descriptor too, and the lock with it.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(made(path), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}") from None


def _is_in_place(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that others find under its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _taken(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(f"{path} cannot be locked: {error.strerror}; name another place with --state-dir") from None
    return True


def _write(descriptor: int, line: str) -> None:
    """Replace what the file says; a full disk keeps nobody from holding the lock."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, line.encode(), 0)


def _holder(descriptor: int, now: float) -> str:
    """The process that holds the lock and since when, as far as its line can be believed; "" where it cannot."""
    try:
        number, since = os.pread(descriptor, _LONGEST_LINE, 0).decode("ascii").split()
        process, began = int(number), float(since)
    except (OSError, ValueError):
        return ""
    if process <= 0 or not _is_there(process):
        return ""
    lasted = f", {now - began:.0f} s ago" if 0 <= now - began < 1e9 else ""
    return f" (process {process}, since {iso_utc(began)}{lasted})"


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
