"""Makes the database of a new state directory under another name, and gives it its own when it has its tables.

So a database is never there without a byte: one that is has been emptied, however short a time ago that was.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from checkmill.edges import Edges
from checkmill.store.directory import StoreError, keep_names, made
from checkmill.store.failing import SIDE_FILES, failure, has_log, refuse_strange
from checkmill.store.schema import set_up
from checkmill.store.sharing import LOOK_AGAIN_S

#: The file that becomes the database. Whoever makes it locks it; what one who was killed left of it is used again.
NEW = ".new"


def make(database: Path, edges: Edges, wait_s: float) -> None:
    """Make a database, unless another process does it first, which is waited for. Raises `StoreError`."""
    new = Path(f"{database}{NEW}")
    give_up_at = edges.monotonic() + wait_s
    while not os.path.lexists(database):
        try:
            descriptor = _opened(new)
        except StoreError:
            if os.path.lexists(database):
                # It was renamed while it was looked at.
                return
            raise
        try:
            if _is_mine(descriptor, new):
                if not os.path.lexists(database):
                    _made(new, database, descriptor)
                else:
                    new.unlink()
                return
        except OSError as error:
            raise StoreError(f"{new} cannot be used: {error.strerror}") from None
        finally:
            os.close(descriptor)
        if edges.monotonic() >= give_up_at:
            raise StoreError(f"{new} is being made by another process, which has not ended within {wait_s:g} s")
        edges.sleep(LOOK_AGAIN_S)


def _opened(new: Path) -> int:
    try:
        return os.open(made(new), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{new} cannot be opened: {error.strerror}") from None


def _is_mine(descriptor: int, new: Path) -> bool:
    """Whether this process has the lock on the file, and it still is what others find under its name."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), new.lstat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _made(new: Path, database: Path, descriptor: int) -> None:
    refuse_strange(new)
    for part in SIDE_FILES:
        Path(f"{new}{part}").unlink(missing_ok=True)
    os.ftruncate(descriptor, 0)
    try:
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            set_up(connection, new)
    except sqlite3.Error as error:
        raise failure(error, new) from None
    if has_log(new):
        raise StoreError(f"{new} could not be closed")
    new.rename(database)
    keep_names(database.parent)
