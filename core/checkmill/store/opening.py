"""Opens the database of a state directory: makes it, or has it replaced when it is damaged."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from checkmill.edges import Edges
from checkmill.store.directory import StoreError, made, prepared
from checkmill.store.failing import DamagedError, has_log, is_emptied, is_marked, refuse_strange, telling
from checkmill.store.making import make
from checkmill.store.schema import set_up
from checkmill.store.sharing import Hold, InUseError, alone, shared

DATABASE = "state.db"
#: How long others are waited for before a damaged database is replaced, unless the caller can wait longer; whoever
#: comes later can do that as well.
REPLACING_S = 2.0


@dataclass(frozen=True)
class Opened:
    """An open database. `file` is what makes it the same file; `replaced` says so, when it was damaged."""

    path: Path
    connection: sqlite3.Connection
    hold: Hold
    file: tuple[int, int]
    replaced: str = ""

    def close(self) -> None:
        """Close the database, and let go of it."""
        self.connection.close()
        self.hold.close()

    def is_in_place(self) -> bool:
        """Whether the open database is still the one that others find."""
        try:
            return _file(self.path) == self.file
        except OSError:
            return False


def opened(directory: Path, busy_s: float, edges: Edges, replace_within_s: float) -> Opened:
    """Open or make the database of a state directory. Raises `StoreError`."""
    path = prepared(directory) / DATABASE
    replaced = ""
    for is_last in (False, True):
        try:
            return _opened(path, busy_s, edges, replaced)
        except DamagedError:
            if is_last:
                raise
        # Imported here: nearly always a database is whole.
        from checkmill.store.rescuing import replaced_if_damaged

        with alone(directory, edges, replace_within_s):
            replaced = replaced_if_damaged(path, edges.now())
    raise AssertionError  # the last time either gives or raises


def _opened(path: Path, busy_s: float, edges: Edges, replaced: str) -> Opened:
    _look_at_log(path, edges)
    with ExitStack() as on_failure:
        hold = on_failure.enter_context(shared(path.parent, edges, busy_s))
        if is_marked(path):
            raise DamagedError(f"{path} may be damaged, and could not be looked at")
        if not os.path.lexists(path) and not has_log(path):
            make(path, edges, busy_s)
        with telling(made(path)):
            if is_emptied(path):
                raise DamagedError(f"{path} is empty")
            refuse_strange(path)
            connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
            on_failure.callback(connection.close)
            set_up(connection, path)
        try:
            file = _file(path)
        except OSError as error:
            raise StoreError(f"{path} was removed: {error.strerror}") from None
        on_failure.pop_all()
    return Opened(path, connection, hold, file, replaced)


def _look_at_log(path: Path, edges: Edges) -> None:
    """Look for what SQLite would silently leave out of a log that an ended process left. Raises `DamagedError`."""
    if not has_log(path):
        return
    with suppress(InUseError), alone(path.parent, edges, 0.0):
        from checkmill.store.pages import is_log_broken

        if is_log_broken(path, Path(f"{path}-wal")):
            raise DamagedError(f"{path} cannot be used: its log is damaged")


def _file(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
