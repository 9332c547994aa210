"""When each check was last handed to its reporters, and when their receivers last accepted what tells of it.

A reporter that one check still feeds says nothing of another check, whose run has died. The table is made when
something is handed over first: a database of before, or one that was rescued, has none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

#: `heard_at` is when a receiver last accepted something that tells of the check; before that, when it was handed over
#: first. After `lasting_s` there should be more. `broken` says that nothing was told but that its rule cannot be read.
_HANDED = """
    CREATE TABLE IF NOT EXISTS handed (
        checks_dir TEXT NOT NULL,
        name TEXT NOT NULL,
        reporter TEXT NOT NULL,
        handed_at REAL NOT NULL,
        heard_at REAL NOT NULL,
        lasting_s REAL NOT NULL,
        broken INTEGER NOT NULL,
        PRIMARY KEY (checks_dir, name, reporter)
    ) WITHOUT ROWID
"""

#: How long what is told of a check lasts that nobody has read yet, in seconds.
_LASTING_S = 60.0


@dataclass(frozen=True)
class Handing:
    """One check and reporter: when the services were handed over, and when a receiver heard of them (epoch seconds).

    `lasting_s` is how long (seconds) after that there should be more: the interval of the check and its time-out. What
    `is_broken` cannot be read any more, and that was told.
    """

    name: str
    reporter: str
    handed_at: float
    heard_at: float
    lasting_s: float
    is_broken: bool = False


@dataclass(frozen=True)
class Handed:
    """A check that is handed to a reporter, and how long (seconds) that lasts; None for one that cannot be read."""

    name: str
    reporter: str
    lasting_s: float | None


def note_handed(connection: sqlite3.Connection, checks_dir: str, handed: Iterable[Handed], now: float) -> None:
    """Note, within a transaction, what is handed to reporters."""
    rows = [
        (checks_dir, one.name, one.reporter, now, now, one.lasting_s or _LASTING_S, one.lasting_s is None)
        for one in handed
    ]
    if not rows:
        return
    connection.execute(_HANDED)
    connection.executemany(
        """
        INSERT INTO handed (checks_dir, name, reporter, handed_at, heard_at, lasting_s, broken)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (checks_dir, name, reporter) DO UPDATE SET
            handed_at = excluded.handed_at, heard_at = min(heard_at, excluded.heard_at),
            lasting_s = CASE WHEN excluded.broken THEN lasting_s ELSE excluded.lasting_s END, broken = excluded.broken
        """,
        rows,
    )


def note_heard(connection: sqlite3.Connection, number: int, reporter: str, checks: Iterable[str], now: float) -> None:
    """Note, within a transaction, that a receiver accepted a delivery that tells of these checks."""
    if not _is_there(connection):
        return
    rows = [(now, reporter, name, number) for name in checks]
    connection.executemany(
        """
        UPDATE handed SET heard_at = ? WHERE reporter = ? AND name = ?
            AND checks_dir = (SELECT checks_dir FROM deliveries WHERE id = ?)
        """,
        rows,
    )


def handed(connection: sqlite3.Connection, checks_dir: str) -> list[Handing]:
    """What was noted of a checks directory."""
    if not _is_there(connection):
        return []
    columns = "name, reporter, handed_at, heard_at, lasting_s, broken"
    rows = connection.execute(
        f"SELECT {columns} FROM handed WHERE checks_dir = ? ORDER BY name, reporter", (checks_dir,)
    )
    return [
        Handing(str(name), str(reporter), float(handed_at), float(heard_at), float(lasting_s), bool(broken))
        for name, reporter, handed_at, heard_at, lasting_s, broken in rows
    ]


def forget_handed(connection: sqlite3.Connection, checks_dir: str, name: str) -> None:
    """Drop, within a transaction, what was noted of a check that is no longer written."""
    if _is_there(connection):
        connection.execute("DELETE FROM handed WHERE checks_dir = ? AND name = ?", (checks_dir, name))


def _is_there(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'handed'").fetchone() is not None
