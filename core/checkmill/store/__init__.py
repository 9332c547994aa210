"""The state directory's database: results, the memory of rules and the outbox, committed in one transaction.

A result is stored with what it depends on, the checks directory and the rule files, and is void when any of that is
newer, missing or another, or when its stamp lies in the future.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from checkmill.model.delivery import Delivery
from checkmill.model.memory import Judgement, Memory
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.store.directory import StoreError, made, prepared, telling
from checkmill.store.documents import UNREADABLE, memory_from, memory_text, results_from, results_text
from checkmill.store.forgetting import unless_forgotten
from checkmill.store.outbox import OUTBOX_SCHEMA, Outbox, insert_delivery, supersede_outdated

__all__ = ["Store", "StoreError", "Stored"]

VERSION = 1
DATABASE = "state.db"
#: How long a process waits for another's transaction.
BUSY_S = 5.0

_SCHEMA = """
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
) WITHOUT ROWID
"""

log = logging.getLogger("checkmill.store")


@dataclass(frozen=True)
class Stored:
    """What is stored of one check. Times are epoch seconds."""

    name: str
    digest: str
    files: tuple[str, ...]
    measured_at: float
    good_until: float
    results: tuple[Result, ...]
    memory: Memory

    def is_fresh(self, rule: Rule, now: float) -> bool:
        """Whether these results can be shown as the state of a rule at a time."""
        if self.digest != rule.digest or not self.results:
            return False
        if not self.measured_at <= now <= self.good_until:
            return False
        return all(map(self.is_newer_than, rule.files))

    def is_newer_than(self, file: str) -> bool:
        """Whether it was measured since a file was last changed; never when the file is not there."""
        return _unchanged_since(file, self.measured_at)


class Store:
    """An open state directory. One object belongs to one thread."""

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self.directory = directory
        self._connection = connection
        self._path = directory / DATABASE

    @classmethod
    def open(cls, directory: Path, *, busy_s: float = BUSY_S) -> Store:
        """Open or make the database of a state directory. Raises `StoreError` saying why it cannot be used.

        Another process's transaction is waited for as long as `busy_s`, here and in every method.
        """
        path = made(prepared(directory) / DATABASE)
        with telling(path), ExitStack() as on_failure:
            connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
            on_failure.callback(connection.close)
            _set_up(connection, path)
            on_failure.pop_all()
        return cls(directory, connection)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def stored(self, checks_dir: str, names: Collection[str] | None = None) -> dict[str, Stored]:
        """What is stored of a checks directory, of all its checks or of those named, by check. Raises `StoreError`."""
        query = "SELECT name, digest, files, measured_at, good_until, results, memory FROM checks WHERE checks_dir = ?"
        found: dict[str, Stored] = {}
        wanted = [] if names is None else [json.dumps(sorted(names))]
        if names is not None:
            query += " AND name IN (SELECT value FROM json_each(?))"
        with telling(self._path):
            rows = self._connection.execute(query, (_storable(checks_dir), *wanted)).fetchall()
        for name, digest, files, measured_at, good_until, results, memory in rows:
            try:
                times = (float(measured_at), float(good_until))
                parts = (tuple(map(str, json.loads(files))), *times, results_from(results), memory_from(memory))
            except UNREADABLE:
                log.warning("what is stored of check %s cannot be read; it is measured anew", name)
            else:
                found[name] = Stored(name, digest, *parts)
        return found

    def commit(
        self,
        checks_dir: str,
        judged: Iterable[tuple[Rule, Judgement]],
        deliveries: Iterable[Delivery],
        now: float,
        changed: Collection[str] = (),
        known: Mapping[str, Memory] | None = None,
    ) -> None:
        """Store results, memory and deliveries of a run in one transaction, nothing over a later measurement.

        `changed` are the checks whose states are others than before: what waits to tell of them is taken back. `known`
        are the memories that the checks were judged with: what was forgotten since then stays forgotten.
        """
        upsert = """
            INSERT INTO checks (checks_dir, name, digest, files, measured_at, good_until, results, memory)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (checks_dir, name) DO UPDATE SET
                digest = excluded.digest, files = excluded.files, measured_at = excluded.measured_at,
                good_until = excluded.good_until, results = excluded.results, memory = excluded.memory
            WHERE checks.measured_at <= excluded.measured_at OR checks.measured_at > ?
        """
        with self._transaction():
            for rule, judged_one in judged:
                judgement = judged_one
                memory = (known or {}).get(rule.name)
                if memory is not None and (memory.seen or memory.last_good):
                    judgement = self._as_forgotten(checks_dir, rule.name, memory, judgement)
                measured_at = min((result.checked_at for result in judgement.results), default=now)
                row = (
                    _storable(checks_dir),
                    rule.name,
                    rule.digest,
                    json.dumps(rule.files),
                    measured_at,
                    judgement.good_until,
                    results_text(judgement.results),
                    memory_text(judgement.memory),
                    now,
                )
                self._connection.execute(upsert, row)
            supersede_outdated(self._connection, changed)
            for delivery in deliveries:
                insert_delivery(self._connection, delivery)

    def _as_forgotten(self, checks_dir: str, name: str, known: Memory, judgement: Judgement) -> Judgement:
        """A judgement without what others have forgotten of the check since it was read."""
        query = "SELECT memory FROM checks WHERE checks_dir = ? AND name = ?"
        row = self._connection.execute(query, (_storable(checks_dir), name)).fetchone()
        if row is None or row[0] == memory_text(known):
            return judgement
        try:
            return unless_forgotten(judgement, known, memory_from(row[0]))
        except UNREADABLE:
            return judgement

    def forget_checks(self, checks_dir: str, names: Iterable[str]) -> None:
        """Drop what is stored of checks that are no longer written."""
        with self._transaction():
            rows = [(_storable(checks_dir), name) for name in names]
            self._connection.executemany("DELETE FROM checks WHERE checks_dir = ? AND name = ?", rows)

    def revise(self, checks_dir: str, names: Collection[str], change: Callable[[Stored], Stored], now: float) -> None:
        """Change results and memory of those checks, and void their results, so that they are measured next.

        What was measured before `now` (epoch seconds) and is committed later is not stored over it.
        """
        update = """
            UPDATE checks SET measured_at = ?, good_until = 0, results = ?, memory = ?
            WHERE checks_dir = ? AND name = ?
        """
        with self._transaction():
            for name, stored in self.stored(checks_dir, names).items():
                new = change(stored)
                row = (now, results_text(new.results), memory_text(new.memory), _storable(checks_dir), name)
                self._connection.execute(update, row)

    @property
    def outbox(self) -> Outbox:
        """The deliveries of this state directory."""
        return Outbox(self._connection, self._path, self._transaction)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with telling(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                # SQLite has rolled back by itself after some errors, a full disk among them.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in {0, VERSION}:
        raise StoreError(f"{path} was written by another version of Checkmill; name another with --state-dir")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if version == 0:
        version_set = f"PRAGMA user_version = {VERSION}"
        connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA};{OUTBOX_SCHEMA};{version_set};COMMIT")


def _storable(path: str) -> str:
    """A path as UTF-8 text, also when its bytes are none."""
    return path.encode(errors="backslashreplace").decode()


def _unchanged_since(file: str, moment: float) -> bool:
    try:
        return Path(file).stat().st_mtime <= moment
    except OSError:
        return False
