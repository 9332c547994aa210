"""What can be wrong with a state directory, kind by kind: on which directory it is tried, and how it is made so."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from support.damage import flip

NOBODY = 65534

Damage = Callable[[Path, random.Random], object]


def turned_over(name: str) -> Damage:
    def damage(state: Path, chance: random.Random) -> None:
        path = state / name
        flip(path, [chance.randrange(path.stat().st_size * 8) for _ in range(2 ** chance.randrange(8))])

    return damage


def written_over(name: str) -> Damage:
    def damage(state: Path, chance: random.Random) -> None:
        content = bytearray((state / name).read_bytes())
        size = min(chance.choice([1, 100, 4096, 20_000]), len(content))
        at = chance.randrange(len(content) - size + 1)
        content[at : at + size] = chance.choice([chance.randbytes(size), bytes(size)])
        (state / name).write_bytes(content)

    return damage


def cut(name: str) -> Damage:
    def damage(state: Path, chance: random.Random) -> None:
        os.truncate(state / name, chance.randrange((state / name).stat().st_size))

    return damage


def emptied(name: str) -> Damage:
    return lambda state, _: os.truncate(state / name, 0)


def gone(name: str) -> Damage:
    return lambda state, _: (state / name).unlink()


def replaced(name: str, make: Callable[[Path], object]) -> Damage:
    def damage(state: Path, _: random.Random) -> None:
        path = state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        make(path)

    return damage


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE notes (words TEXT)")


def without_tables(state: Path, chance: random.Random) -> None:
    with closing(sqlite3.connect(state / "state.db")) as other:
        other.execute(f"DROP TABLE {chance.choice(['checks', 'deliveries', 'attempts', 'counters', 'pauses'])}")


def strange_rows(state: Path, chance: random.Random) -> None:
    column = chance.choice(["stage", "services", "checks", "created_at", "attempts", "expires_at", "state", "target"])
    value = chance.choice(["x'ff'", "'no'", "CAST(x'ff' AS TEXT)", "-1", "9e999", "'[1]'", "'{}'"])
    with closing(sqlite3.connect(state / "state.db")) as other:
        other.execute(f"UPDATE deliveries SET {column} = {value} WHERE id % 3 = 0")
        other.commit()


#: What a new database, or the next open, helps against.
CURED: Mapping[str, tuple[str, Damage]] = {
    "bits turned over": ("at rest", turned_over("state.db")),
    "bits turned over, large": ("large", turned_over("state.db")),
    "bits of the log turned over": ("killed", turned_over("state.db-wal")),
    "bits of the shared memory turned over": ("killed", turned_over("state.db-shm")),
    "garbage in the lock": ("at rest", replaced("run.lock", lambda path: path.write_bytes(b"-1 \xff nan" * 99))),
    "written over": ("at rest", written_over("state.db")),
    "written over, large": ("large", written_over("state.db")),
    "log written over": ("killed", written_over("state.db-wal")),
    "cut": ("at rest", cut("state.db")),
    "cut, large": ("large", cut("state.db")),
    "cut beside its log": ("killed", cut("state.db")),
    "log cut": ("killed", cut("state.db-wal")),
    "empty": ("at rest", emptied("state.db")),
    "empty beside its log": ("killed", emptied("state.db")),
    "log empty": ("killed", emptied("state.db-wal")),
    "gone beside its log": ("killed", gone("state.db")),
    "garbage": ("at rest", replaced("state.db", lambda path: path.write_bytes(b"garbage" * 999))),
    "another program's": ("at rest", replaced("state.db", other_program)),
    "tables gone": ("at rest", without_tables),
    "strange rows": ("at rest", strange_rows),
    "garbage as the mark": ("at rest", replaced("state.db.suspect", lambda path: path.write_bytes(b"\xff" * 99))),
}
#: What an operator must do something about.
HINDERING: Mapping[str, tuple[str, Damage]] = {
    "a directory as the database": ("at rest", replaced("state.db", Path.mkdir)),
    "a pipe as the database": ("at rest", replaced("state.db", os.mkfifo)),
    "a link as the database": ("at rest", replaced("state.db", lambda path: path.symlink_to("/nonexistent/x"))),
    "a directory as the log": ("at rest", replaced("state.db-wal", Path.mkdir)),
    "a pipe as the journal": ("at rest", replaced("state.db-journal", os.mkfifo)),
    "a directory as the mark": ("at rest", replaced("state.db.suspect", Path.mkdir)),
    "a directory as the lock": ("at rest", replaced("run.lock", Path.mkdir)),
    "a link as the lock": ("at rest", replaced("run.lock", lambda path: path.symlink_to("/nonexistent/x"))),
    "a pipe as the program's log": ("at rest", replaced("checkmill.log", os.mkfifo)),
    "a file as the directory": ("at rest", replaced("", lambda path: path.write_bytes(b""))),
    "a link to nothing as the directory": ("at rest", replaced("", lambda path: path.symlink_to("/nonexistent/x"))),
    "a directory that all may write": ("at rest", lambda state, _: state.chmod(0o777)),
    "no room": ("at rest", lambda *_: None),
    "hardly any room": ("large", lambda *_: None),
    "no room beside a log": ("killed", lambda *_: None),
    "no room for a rescue": ("at rest", written_over("state.db")),
}


def foreign(name: str, mode: int) -> Damage:
    def damage(state: Path, _: random.Random) -> None:
        for path in (state, *state.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        os.chown(state / name, 0, 0)
        (state / name).chmod(mode)

    return damage


#: What another user's rights hinder; only root can make it so.
FOREIGN: Mapping[str, tuple[str, Damage]] = {
    "another user's directory": ("at rest", foreign("", 0o700)),
    "a directory to read alone": ("at rest", foreign("", 0o755)),
    "another user's database": ("at rest", foreign("state.db", 0o600)),
    "a database to read alone": ("at rest", foreign("state.db", 0o644)),
    "another user's log": ("killed", foreign("state.db-wal", 0o600)),
    "a log to read alone": ("killed", foreign("state.db-wal", 0o644)),
    "another user's shared memory": ("killed", foreign("state.db-shm", 0o600)),
    "another user's lock": ("at rest", foreign("run.lock", 0o600)),
    "another user's journal of the program": ("at rest", foreign("checkmill.log", 0o600)),
}
