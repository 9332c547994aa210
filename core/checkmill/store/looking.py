"""Looks at the outbox where nothing can be written: a disk that is full or went read-only, a directory of others."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from urllib.parse import quote

from checkmill.store.directory import StoreError
from checkmill.store.failing import has_log, refuse_strange, telling
from checkmill.store.opening import DATABASE
from checkmill.store.outbox import Outbox
from checkmill.store.schema import VERSION, version_of

#: How long another's transaction is waited for.
BUSY_S = 5.0


def can_be_written(directory: Path) -> bool:
    """Whether this process may write in a state directory, or make it."""
    return not directory.exists() or os.access(
        directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids
    )


@contextmanager
def looked_at(directory: Path) -> Iterator[Outbox]:
    """The outbox of a state directory, to look at alone. Raises `StoreError` where it cannot be read either."""
    path = directory / DATABASE
    with suppress(OSError):
        if directory.stat().st_mode & stat.S_IWOTH:
            raise StoreError(f"everybody may write into {directory}; run: chmod 2770 {directory}")
    refuse_strange(path)
    with telling(path), closing(_opened(path)) as connection:
        if version_of(connection, path) != VERSION:
            raise StoreError(f"{path} is of an earlier version of Checkmill, and cannot be changed to this one's")
        yield Outbox(connection, path, nullcontext)


def _opened(path: Path) -> sqlite3.Connection:
    """Open to read. Without its log, which SQLite must be able to share with others, a file is read as it stands."""
    where = f"file:{quote(os.fsencode(path))}?mode=ro"
    connection = sqlite3.connect(where, uri=True, isolation_level=None, timeout=BUSY_S)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if has_log(path) or not path.is_file():
            raise
        return sqlite3.connect(f"{where}&immutable=1", uri=True, isolation_level=None)
    return connection
