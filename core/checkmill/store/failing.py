"""What SQLite's failures mean: damage, which is repaired by the next one that opens, or a hindrance, which is told.

Damage that shows in the middle of a run leaves a mark beside the database, since opening alone would not notice it
again. A full disk, a lock, a missing right and a disk that does not answer are no damage.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from checkmill.store.directory import FILE_MODE, StoreError, remedy, share

#: What SQLite keeps beside a database.
SIDE_FILES = ("-wal", "-shm", "-journal")
#: The file that says that a database may be damaged, or is being replaced.
MARK = ".suspect"
_LONGEST_WORDS = 200

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
#: Statements that do not fit: tables or columns are missing. Python's own errors have no code: text that is no UTF-8.
_STRANGE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, None}
_REPAIR = "whoever opens it next sets it aside and rescues what can be read"
_HINTS = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_BUSY: "another process uses it for long; look for one that hangs",
    sqlite3.SQLITE_IOERR: "look at its disk: whether it is full, limited or failing",
}


class DamagedError(StoreError):
    """The database holds what cannot be read."""


class UnreadableRowError(sqlite3.DatabaseError):
    """A row that SQLite gives, and that Checkmill never wrote so."""


@contextmanager
def telling(database: Path) -> Iterator[None]:
    """Say why the database cannot be used, as a `StoreError`, when SQLite fails in the body; mark what is damaged."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        told = failure(error, database)
        if isinstance(told, DamagedError):
            mark(database)
        raise told from None


def failure(error: sqlite3.Error | UnicodeDecodeError, database: Path) -> StoreError:
    """The error to raise instead of one of SQLite's, whose own words may be damaged too."""
    if isinstance(error, UnicodeDecodeError) or str(error).startswith("Could not decode to UTF-8"):
        return DamagedError(f"{database} cannot be used: it holds text that is none; {_REPAIR}")
    code = getattr(error, "sqlite_errorcode", None)
    code = code if code is None else code & 0xFF
    sentence = f"{database} cannot be used: {error}"
    if code in _DAMAGED or (code in _STRANGE and not isinstance(error, sqlite3.ProgrammingError)):
        return DamagedError(f"{sentence}; {_REPAIR}")
    hint = next(filter(None, (_hindrance(Path(f"{database}{part}")) for part in ("", *SIDE_FILES))), "")
    return StoreError(sentence + (hint or (f"; {_HINTS[code]}" if code in _HINTS else "")))


def _hindrance(path: Path) -> str:
    """What keeps this process from using a file, as the rest of a sentence."""
    told = remedy(path)
    return f"; {path.name} is not this user's{told}" if told else ""


def refuse_strange(database: Path) -> None:
    """Raise `StoreError` where a database or what SQLite keeps beside it is no plain file: a pipe would hold it up."""
    for part in ("", *SIDE_FILES):
        path = f"{database}{part}"
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode):
            raise StoreError(f"{path} is no plain file; move it away")


def mark(database: Path, words: str = "") -> None:
    """Note that a database is to be looked at before it is used again; what cannot be noted shows itself again."""
    with suppress(OSError):
        path = Path(f"{database}{MARK}")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags, FILE_MODE)
        except PermissionError:
            # It is another user's, and says nothing to this one. Who may remove it may also make it anew.
            path.unlink()
            descriptor = os.open(path, flags, FILE_MODE)
        try:
            with suppress(OSError):
                share(descriptor, path.parent)
            if words:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, words.encode(), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def noted(database: Path) -> str:
    """The words that a database was marked with, "" where there are none."""
    try:
        descriptor = os.open(f"{database}{MARK}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return os.pread(descriptor, _LONGEST_WORDS, 0).decode("ascii")
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return ""


def is_marked(database: Path) -> bool:
    """Whether a database is to be looked at before it is used."""
    return os.path.lexists(f"{database}{MARK}")


def has_log(database: Path) -> bool:
    """Whether there is a write-ahead log with something in it."""
    try:
        return os.stat(f"{database}-wal").st_size > 0  # noqa: PTH116 - no path but this one is made of it
    except OSError:
        return False


def is_cut_off(database: Path) -> bool:
    """Whether only the log is left of a database; SQLite would remove that unread."""
    try:
        return database.stat().st_size == 0 and has_log(database)
    except OSError:
        return False


def is_emptied(database: Path) -> bool:
    """Whether a database is there and has lost all it had: none is there before it has tables."""
    try:
        return database.stat().st_size == 0
    except OSError:
        return False
