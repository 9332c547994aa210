"""Replaces a damaged database: sets it aside under a name that says when, and starts a new one with what can be read.

To be done alone, under the lock of `sharing`. It may be ended at any moment, by a kill or by the power: the mark is
there from before the first step until after the last one, and whoever sees it goes on where the other stopped.

    state.db.suspect    the mark, with the name for the damaged database
    state.db.making     the new database, not complete
    state.db.rescued    the new database, complete: from here on, that is the truth
    state.db.damaged-*  what was set aside
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from checkmill.store.directory import FILE_MODE, StoreError, keep_names, made
from checkmill.store.failing import (
    MARK,
    SIDE_FILES,
    DamagedError,
    failure,
    has_log,
    is_cut_off,
    is_emptied,
    is_marked,
    mark,
    noted,
    refuse_strange,
)
from checkmill.store.pages import Reading, is_log_broken, rows_of
from checkmill.store.salvage import Salvage
from checkmill.store.schema import VERSION, set_up, version_of

#: So many databases that were set aside are kept, the newest ones.
KEPT = 3
EMPTIED = "it is empty"
_ASIDE = re.compile(r"\.damaged-\d{8}T\d{6}Z(?:-\d{1,4})?")
_WIDEST_MODE = 0o664
_MAKING, _RESCUED = ".making", ".rescued"
#: What a database that was replaced says of it, until `run` has told it. The key stands first: some versions of SQLite
#: find other tables of this kind damaged.
RESCUES = "CREATE TABLE IF NOT EXISTS rescues (sentence TEXT NOT NULL PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID"


def replaced_if_damaged(database: Path, now: float) -> str:
    """Replace a database if it is damaged, and clear its mark; gives a sentence on what was rescued, "" if it is whole.

    `now` is epoch seconds. Raises `StoreError` when it could not be replaced; nothing is lost then, and whoever opens
    it next tries again.
    """
    try:
        return _replaced(database, now)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        told = str(failure(error, Path(f"{database}{_MAKING}")))
    except OSError as error:
        told = f"{error.filename or database}: {error.strerror}"
    raise StoreError(f"{database} is damaged and cannot be replaced: {told}")


def note_rescue(connection: sqlite3.Connection, sentence: str, now: float) -> None:
    """Keep a sentence on what became of a database, until it is told."""
    connection.execute(RESCUES)
    connection.execute("INSERT OR IGNORE INTO rescues (sentence, at) VALUES (?, ?)", (sentence, now))


def _replaced(database: Path, now: float) -> str:
    sentence = ""
    rescued = Path(f"{database}{_RESCUED}")
    # The name is noted before anything is made: without it, what lies there is not of this time.
    if not _is_file(rescued) or _noted_name(database) is None:
        if _is_file(rescued) and is_marked(database) and not os.access(f"{database}{MARK}", os.R_OK):
            raise StoreError(f"{database}{MARK} cannot be read, and says what becomes of {rescued}; run as its owner")
        is_there = os.path.lexists(database) or has_log(database)
        # Where nothing is, the next one makes a database.
        damage = _damage_of(_plain(database)) if is_there else ""
        if not damage:
            _unmark(database)
            return ""
        aside = _free_name(database, now)
        mark(database, f"{aside.name}\n")
        keep_names(database.parent)
        if _noted_name(database) != aside:
            raise StoreError(f"{database} is damaged and cannot be replaced: {database}{MARK} cannot be written")
        sentence = _rebuild(database, aside, damage, now)
    aside = _noted_name(database) or _free_name(database, now)
    _exchange(database, rescued, aside)
    _unmark(database)
    _forget_oldest(database)
    return sentence


# Looking


def _damage_of(database: Path) -> str:
    """What is wrong with a database, "" if nothing is. It is not changed. Raises `StoreError` when that is unknown."""
    if is_cut_off(database):
        return "it is empty, and its log is not"
    if is_log_broken(database, Path(f"{database}-wal")):
        return "its log is damaged"
    try:
        with closing(_opened_to_read(database)) as connection:
            if is_emptied(database):
                # An earlier Checkmill makes a database where it is to be, and holds SQLite's lock as it does.
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("SELECT 1 FROM sqlite_schema").fetchall()
                return EMPTIED
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                return " ".join(str(found).split())
            if version_of(connection, database) == VERSION:
                salvage = Salvage.of(connection)
                for table in salvage.tables:
                    salvage.check(table, connection.execute(f"SELECT * FROM {table}"))
    except DamagedError:
        return "its tables are not Checkmill's"
    except (sqlite3.Error, UnicodeDecodeError) as error:
        told = failure(error, database)
        if isinstance(told, DamagedError):
            return _reason(told, database)
        raise told from None
    return ""


def _reason(damage: DamagedError, database: Path) -> str:
    """What is damaged, of a sentence that names the database and what to do."""
    return " ".join(str(damage).removeprefix(f"{database} cannot be used: ").rpartition(";")[0].split())


def _opened_to_read(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(os.fsencode(database))}?mode=ro", uri=True, isolation_level=None)


# Making the new one


def _rebuild(database: Path, aside: Path, damage: str, now: float) -> str:
    """Make a new database beside the damaged one with what can be read of it."""
    making = Path(f"{database}{_MAKING}")
    for part in ("", *SIDE_FILES):
        Path(f"{making}{part}").unlink(missing_ok=True)
    reading = Reading()
    with closing(sqlite3.connect(made(making), isolation_level=None)) as connection:
        set_up(connection, making)
        salvage = Salvage.of(connection)
        for row in rows_of(database, Path(f"{database}-wal"), reading):
            salvage.take(row)
        connection.execute("BEGIN IMMEDIATE")
        salvage.put_in(connection)
        found = "what it held is lost" if damage == EMPTIED else salvage.told(reading)
        sentence = f"{database} was damaged ({damage}) and is set aside as {aside}; {found}"
        note_rescue(connection, sentence, now)
        connection.execute("COMMIT")
    if has_log(making):
        raise StoreError(f"{making} could not be closed")
    _belongs_like(making, database)
    making.rename(f"{database}{_RESCUED}")
    keep_names(database.parent)
    return sentence


def _belongs_like(new: Path, old: Path) -> None:
    """Give a new database the owner, the group and the mode of the old one, as far as this process may."""
    try:
        status = old.stat()
    except OSError:
        return
    for owner in (status.st_uid, -1):
        with suppress(OSError):
            os.chown(new, owner, status.st_gid)
            break
    # Nobody else may write, and the owner and the group must.
    with suppress(OSError):
        new.chmod((stat.S_IMODE(status.st_mode) | FILE_MODE) & _WIDEST_MODE)


# Exchanging


def _exchange(database: Path, rescued: Path, aside: Path) -> None:
    """Put the new database in the place of the damaged one; a log of the old one must never stand beside the new."""
    for part in (*SIDE_FILES, ""):
        file = Path(f"{database}{part}")
        with suppress(FileNotFoundError):
            # What processes share of the log means nothing without them.
            if part == "-shm" or (part and file.lstat().st_size == 0):
                file.unlink()
            else:
                file.rename(f"{aside}{part}")
    keep_names(database.parent)
    rescued.rename(database)
    keep_names(database.parent)


def _free_name(database: Path, now: float) -> Path:
    """A name that says when, and under which nothing was set aside yet."""
    try:
        moment = datetime.fromtimestamp(now, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    base = f"{database}.damaged-{moment:%Y%m%dT%H%M%SZ}"
    for number in range(1, 10_000):
        name = f"{base}-{number}" if number > 1 else base
        if not any(os.path.lexists(f"{name}{part}") for part in ("", *SIDE_FILES)):
            return Path(name)
    raise StoreError(f"{database} is damaged, and too much lies beside it: remove some of {base}-*")


def _noted_name(database: Path) -> Path | None:
    """The name that the one who was ended had chosen."""
    name = noted(database).rstrip("\n")
    return database.with_name(name) if _is_aside(name, database) else None


def _unmark(database: Path) -> None:
    with suppress(FileNotFoundError):
        Path(f"{database}{MARK}").unlink()
    keep_names(database.parent)


def _forget_oldest(database: Path) -> None:
    """Remove what was set aside before the last ones."""
    names = {path.name for path in database.parent.iterdir()}
    found = sorted((name for name in names if _is_aside(name, database)), key=_age)
    for name in found[:-KEPT]:
        for part in ("", *SIDE_FILES):
            if f"{name}{part}" in names:
                with suppress(OSError):
                    database.with_name(f"{name}{part}").unlink()


def _is_aside(name: str, database: Path) -> bool:
    return name.startswith(database.name) and _ASIDE.fullmatch(name.removeprefix(database.name)) is not None


def _age(name: str) -> tuple[str, int]:
    """What puts the names of databases that were set aside in their order."""
    moment, _, number = name.rpartition(".damaged-")[2].partition("-")
    return moment, int(number or 1)


def _plain(database: Path) -> Path:
    refuse_strange(made(database))
    return database


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
