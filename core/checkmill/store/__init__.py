"""The state directory's database: results, the memory of rules and the outbox, committed in one transaction.

A result is stored with what it depends on, the checks directory and the rule files, and is void when any of that is
newer, missing or another, or when its stamp lies in the future.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from checkmill.edges import Edges
from checkmill.model.delivery import Delivery
from checkmill.model.memory import Judgement, Memory
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.store.directory import StoreError
from checkmill.store.documents import UNREADABLE, memory_from, memory_text, results_from, results_text, sealed, unsealed
from checkmill.store.failing import DamagedError, telling
from checkmill.store.forgetting import unless_forgotten
from checkmill.store.opening import DATABASE, REPLACING_S, Opened, opened
from checkmill.store.outbox import Limit, Outbox, hold_outdated, insert
from checkmill.store.outbox.handing import Handed, Handing, forget_handed, handed, note_handed

__all__ = ["DATABASE", "Store", "StoreError", "Stored"]

#: How long a process waits for another's transaction.
BUSY_S = 5.0

#: The sentences on damaged databases that `run` has told, and which of them are cleared.
_TOLD_RESCUES = (
    "CREATE TABLE IF NOT EXISTS rescues_told (sentence TEXT NOT NULL PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID"
)
_LONG_TOLD = "at < (SELECT max(at) FROM rescues_told) - 86400"

T = TypeVar("T")

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

    def __init__(self, directory: Path, database: Opened, reopen: Callable[[], Opened]) -> None:
        self.directory = directory
        self._database = database
        self._reopen = reopen
        self._is_left = False
        self._path = database.path

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        busy_s: float = BUSY_S,
        edges: Edges | None = None,
        replace_within_s: float | None = None,
    ) -> Store:
        """Open or make the database of a state directory. Raises `StoreError` saying why it cannot be used.

        Another process's transaction is waited for as long as `busy_s`, here and in every method. A damaged database
        is replaced by a new one with what can be read of it: see `replaced`. For that, others who use it are waited
        for as long as `replace_within_s`.
        """
        within_s = min(busy_s, REPLACING_S) if replace_within_s is None else replace_within_s
        reopen = partial(opened, directory, busy_s, edges or Edges(), within_s)
        return cls(directory, reopen(), reopen)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @property
    def replaced(self) -> str:
        """What became of the database, in a sentence, when it was damaged as this store opened it; else ""."""
        return self._database.replaced

    def rescues(self, since: float = 0.0) -> list[str]:
        """What became of databases that were damaged since then, each in a sentence, until `rescues_are_told`."""

        def sentences() -> list[str]:
            with telling(self._path):
                if not self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'rescues'").fetchone():
                    return []
                query = "SELECT sentence FROM rescues WHERE at >= ? ORDER BY at, sentence"
                return [str(sentence) for (sentence,) in self._connection.execute(query, (since,))]

        return self._mending(sentences)

    def rescues_are_told(self, sentences: Iterable[str]) -> None:
        """Tell these no more, but keep them a while for whoever asks for all."""
        with self._transaction():
            rows = [(sentence,) for sentence in sentences]
            self._connection.execute(_TOLD_RESCUES)
            self._connection.executemany(
                "INSERT OR REPLACE INTO rescues_told SELECT sentence, at FROM rescues WHERE sentence = ?", rows
            )
            self._connection.execute(f"DELETE FROM rescues_told WHERE {_LONG_TOLD}")
            self._connection.executemany("DELETE FROM rescues WHERE sentence = ?", rows)

    def all_rescues(self, since: float) -> list[tuple[float, str]]:
        """When databases were damaged since then (epoch seconds), and what became of each, whether told or not."""

        def found() -> list[tuple[float, str]]:
            with telling(self._path):
                query = "SELECT name FROM sqlite_schema WHERE name IN ('rescues', 'rescues_told')"
                tables = [table for (table,) in self._connection.execute(query).fetchall()]
                rows = [
                    (float(at), str(sentence))
                    for table in tables
                    for at, sentence in self._connection.execute(
                        f"SELECT at, sentence FROM {table} WHERE at >= ?", (since,)
                    )
                ]
            return sorted(rows)

        return self._mending(found)

    def handed(self, checks_dir: str) -> list[Handing]:
        """When each check of a checks directory was last handed to each reporter. Raises `StoreError`."""

        def found() -> list[Handing]:
            with telling(self._path):
                return handed(self._connection, _storable(checks_dir))

        return self._mending(found)

    def stored(self, checks_dir: str, names: Collection[str] | None = None) -> dict[str, Stored]:
        """What is stored of a checks directory, of all its checks or of those named, by check. Raises `StoreError`."""
        query = "SELECT name, digest, files, measured_at, good_until, results, memory FROM checks WHERE checks_dir = ?"
        found: dict[str, Stored] = {}
        wanted = [] if names is None else [json.dumps(sorted(names))]
        if names is not None:
            query += " AND name IN (SELECT value FROM json_each(?))"

        def rows() -> list[tuple[str, str, str, float, float, str, str]]:
            with telling(self._path):
                return self._connection.execute(query, (_storable(checks_dir), *wanted)).fetchall()

        for name, digest, files, measured_at, good_until, results, memory in self._mending(rows):
            try:
                times = (float(measured_at), float(good_until))
                read = (results_from(unsealed(results)), memory_from(unsealed(memory)))
                parts = (tuple(map(str, json.loads(files))), *times, *read)
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
        limits: Mapping[str, Limit] | None = None,
        handing: Iterable[Handed] = (),
    ) -> list[Delivery]:
        """Store results, memory and deliveries of a run in one transaction, nothing over a later measurement.

        Gives the deliveries that were dropped since more would wait than `limits` allows, by the reporter's name.
        `handing` are the checks that the deliveries hand over, beside those of which they tell what is known.

        `changed` are the checks whose states are others than before: an OK that waits to tell of them is held back
        until a newer delivery supersedes it. `known` are the memories that the checks were judged with: what was
        forgotten since then stays forgotten.
        """
        upsert = """
            INSERT INTO checks (checks_dir, name, digest, files, measured_at, good_until, results, memory)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (checks_dir, name) DO UPDATE SET
                digest = excluded.digest, files = excluded.files, measured_at = excluded.measured_at,
                good_until = excluded.good_until, results = excluded.results, memory = excluded.memory
            WHERE checks.measured_at <= excluded.measured_at OR checks.measured_at > ?
        """
        rows, waiting, given = list(judged), list(deliveries), list(handing)

        def write() -> list[Delivery]:
            with self._transaction():
                for rule, judged_one in rows:
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
                        sealed(results_text(judgement.results)),
                        sealed(memory_text(judgement.memory)),
                        now,
                    )
                    self._connection.execute(upsert, row)
                hold_outdated(self._connection, _storable(checks_dir), changed)
                note_handed(self._connection, _storable(checks_dir), given, now)
                return insert(self._connection, _storable(checks_dir), waiting, limits or {}, now)

        return self._mending(write)

    def _as_forgotten(self, checks_dir: str, name: str, known: Memory, judgement: Judgement) -> Judgement:
        """A judgement without what others have forgotten of the check since it was read."""
        query = "SELECT memory FROM checks WHERE checks_dir = ? AND name = ?"
        row = self._connection.execute(query, (_storable(checks_dir), name)).fetchone()
        if row is None or row[0] == sealed(memory_text(known)):
            return judgement
        try:
            return unless_forgotten(judgement, known, memory_from(unsealed(row[0])))
        except UNREADABLE:
            return judgement

    def forget_checks(self, checks_dir: str, names: Iterable[str]) -> None:
        """Drop what is stored of checks that are no longer written."""
        with self._transaction():
            rows = [(_storable(checks_dir), name) for name in names]
            self._connection.executemany("DELETE FROM checks WHERE checks_dir = ? AND name = ?", rows)
            for where, name in rows:
                forget_handed(self._connection, where, name)

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
                texts = (sealed(results_text(new.results)), sealed(memory_text(new.memory)))
                row = (now, *texts, _storable(checks_dir), name)
                self._connection.execute(update, row)

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._is_left:
            # It was damaged. Where it cannot be replaced now, every use says so, and tries once more.
            self._database = self._reopen()
            self._is_left = False
            if self.replaced:
                log.error("%s", self.replaced)
        return self._database.connection

    @property
    def outbox(self) -> Outbox:
        """The deliveries of this state directory."""
        return Outbox(self._connection, self._path, self._transaction)

    def outbox_of(self, checks_dir: str) -> Outbox:
        """The deliveries of a checks directory alone: its reporters may have the names of others in another one."""
        return Outbox(self._connection, self._path, self._transaction, _storable(checks_dir))

    def _mending(self, use: Callable[[], T]) -> T:
        """Read or write; where the database turns out to be damaged, have it replaced and do it once more."""
        try:
            return use()
        except DamagedError:
            if self._is_left or self._connection.in_transaction:
                raise
        self._database.close()
        self._is_left = True
        return use()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        connection = self._connection
        if not self._database.is_in_place():
            raise StoreError(f"{self._path} was moved or removed while it was in use; what is known now is not kept")
        with telling(self._path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            finally:
                # SQLite has rolled back by itself after some errors, a full disk among them.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")


def _storable(path: str) -> str:
    """A path as UTF-8 text, also when its bytes are none."""
    return path.encode(errors="backslashreplace").decode()


def _unchanged_since(file: str, moment: float) -> bool:
    try:
        return Path(file).stat().st_mtime <= moment
    except OSError:
        return False
