"""The database's tables: made in a new one, brought to this version in one of an earlier Checkmill."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from checkmill.store.directory import StoreError
from checkmill.store.failing import DamagedError
from checkmill.store.migrating import migrated
from checkmill.store.outbox.schema import OUTBOX_SCHEMA

VERSION = 2

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS checks (
    checks_dir TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    files TEXT NOT NULL,
    measured_at REAL NOT NULL,
    good_until REAL NOT NULL,
    results TEXT NOT NULL,
    memory TEXT NOT NULL,
    PRIMARY KEY (checks_dir, name)
) WITHOUT ROWID;
{OUTBOX_SCHEMA}
"""
#: Version and tables as of one moment: another process may be making them right now.
_LOOK = """
    SELECT user_version, (SELECT group_concat(name, ' ') FROM sqlite_schema WHERE type = 'table')
    FROM pragma_user_version
"""


def set_up(connection: sqlite3.Connection, path: Path) -> None:
    """Have what is committed stay, and all tables be there.

    Raises `StoreError` where that cannot be, `DamagedError` where other tables are there, and what sqlite3 raises.
    """
    version = version_of(connection, path)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        where = "name a directory on a local disk with --state-dir"
        raise StoreError(f"{path} cannot be used: its file system allows no write-ahead log; {where}")
    connection.execute("PRAGMA synchronous = FULL")
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA};PRAGMA user_version = {VERSION};COMMIT")
    elif version < VERSION:
        _migrate(connection)


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The version of Checkmill's tables, 0 where there are none yet.

    Raises `StoreError` for one that this Checkmill does not know, `DamagedError` where the tables are others.
    """
    version, names = connection.execute(_LOOK).fetchone()
    if version not in range(VERSION + 1):
        raise StoreError(f"{path} was written by another version of Checkmill; name another with --state-dir")
    found = set((names or "").split())
    if (version == 0 and found) or (version == VERSION and not _tables() <= found):
        raise DamagedError(f"{path} cannot be used: its tables are not Checkmill's")
    return int(version)


def _tables() -> set[str]:
    return set(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", SCHEMA))


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            migrated(connection, version)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
