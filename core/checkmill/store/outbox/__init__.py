"""The outbox: every delivery is written here before it is sent, and what became of it afterwards.

    schema      the tables, and a row as a delivery
    inserting   what comes in: what it supersedes, what goes where there is no room
    turning     a feeder's turn: settles what ended, marks what begins
    outcomes    what follows from the outcome of an attempt
    pausing     a receiver that does not answer is left alone for a while
    revising    what an operator has retried or removed, what is cleared when it is old
    tallying    how many came to which stage; health gives the figures

Per target only one delivery is sent at a time, and never an older one after a newer one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from checkmill.model.delivery import Attempt, Delivery, OutboxHealth, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store.failing import telling
from checkmill.store.outbox import revising
from checkmill.store.outbox.health import health
from checkmill.store.outbox.inserting import FULL, HELD, Limit, hold_outdated, insert, supersede
from checkmill.store.outbox.outcomes import Ended
from checkmill.store.outbox.pausing import end_wait, forget_idle
from checkmill.store.outbox.schema import (
    COLUMNS,
    OPEN,
    OUTBOX_SCHEMA,
    OWN,
    UNDER_WAY,
    delivery_from,
    marks,
    read,
    texts_from,
)
from checkmill.store.outbox.tallying import Tally, counted, forget_old, settled_as
from checkmill.store.outbox.turning import Room, Turn, anchor, expire, is_followed, note_attempt, turn

__all__ = [
    "COLUMNS",
    "FULL",
    "HELD",
    "KEPT",
    "KEPT_ASIDE",
    "KEPT_SIZE",
    "OUTBOX_SCHEMA",
    "Ended",
    "Limit",
    "Outbox",
    "Room",
    "Turn",
    "delivery_from",
    "hold_outdated",
    "insert",
]

#: How many settled deliveries are kept to look at: those that went as they should, those that somebody may want to see
#: or to retry, and the bytes of all their bodies.
KEPT = 1000
KEPT_ASIDE = 10_000
KEPT_SIZE = 64 << 20

ENDED_WHILE_SENT = Receipt(Outcome.UNKNOWN, "the process ended while it was being sent")


class Outbox:
    """The deliveries of an open store, of one checks directory or of all for "".

    What an earlier Checkmill left belongs to each. Every method raises `StoreError` when the database cannot be used.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        transaction: Callable[[], AbstractContextManager[None]],
        checks_dir: str = "",
    ) -> None:
        self._checks_dir = checks_dir
        self._own = (checks_dir, checks_dir)
        self._connection = connection
        self._path = path
        self._transaction = transaction

    # Looking

    def deliveries(
        self,
        stages: Iterable[Stage] = (),
        *,
        reporters: Collection[str] = (),
        targets: Collection[str] = (),
        checks: Collection[str] = (),
        limit: int | None = None,
    ) -> list[Delivery]:
        """The deliveries at these stages, or all, oldest first.

        Those of some reporters, to some targets (the canonical text, or a value in it), that tell of some checks; at
        most `limit`, the newest.
        """
        conditions = [OWN]
        values: list[object] = [*self._own]
        for column, wanted in (("stage", [stage.value for stage in stages]), ("reporter", list(reporters))):
            if wanted:
                conditions.append(f"{column} IN ({marks(wanted)})")
                values += wanted
        where = f"WHERE {' AND '.join(conditions)}"
        found: list[Delivery] = []
        with self._reading():
            rows = self._connection.execute(f"SELECT {COLUMNS} FROM deliveries {where} ORDER BY id DESC", values)
            for row in rows:
                if limit is not None and len(found) >= limit:
                    break
                one = delivery_from(row)
                if (not targets or _is_among(one.target, targets)) and (not checks or set(checks) & set(one.checks)):
                    found.append(one)
        return found[::-1]

    def find(self, number: int) -> Delivery | None:
        """One delivery by its number."""
        with self._reading():
            found = read(self._connection, "WHERE id = ?", [number])
        return found[0] if found else None

    def history(self, number: int) -> list[Attempt]:
        """The attempts to send a delivery, oldest first: the first one and the last ones, where there were many."""
        query = "SELECT number, at, outcome, code, message, request_id, elapsed_s FROM attempts WHERE delivery = ?"
        with self._reading():
            return [Attempt(*row) for row in self._connection.execute(f"{query} ORDER BY number", (number,))]

    def health(self, now: float) -> OutboxHealth:
        """How well each reporter's deliveries are, those of all checks directories."""
        with self._reading():
            return health(self._connection, now)

    def waiting(self, reporters: Collection[str]) -> int:
        """How many deliveries of these reporters are not settled."""
        query = f"SELECT count(*) FROM deliveries WHERE {OPEN} AND {OWN} AND reporter IN ({marks(list(reporters))})"
        with self._reading():
            return int(self._connection.execute(query, [*self._own, *reporters]).fetchone()[0])

    def arrived_since(self, since: float, now: float) -> dict[str, list[float]]:
        """When deliveries may have arrived in a span of time (epoch seconds) at the latest, by reporter."""
        query = f"""
            SELECT reporter, max(begun_at, settled_at) AS at FROM deliveries
            WHERE begun_at > 0 AND at BETWEEN ? AND ? AND {OWN}
        """
        found: dict[str, list[float]] = {}
        with self._reading():
            for reporter, at in self._connection.execute(query, (since, now, *self._own)):
                found.setdefault(reporter, []).append(at)
        return found

    def reporters(self) -> list[str]:
        """The reporters that have deliveries which are not settled."""
        with self._reading():
            query = f"SELECT DISTINCT reporter FROM deliveries WHERE {OPEN} AND {OWN} ORDER BY reporter"
            return [str(reporter) for (reporter,) in self._connection.execute(query, self._own)]

    def targets_of(self, checks: Collection[str]) -> dict[str, set[tuple[str, str]]]:
        """The reporters and targets that were told of these checks, as far as the outbox remembers."""
        found: dict[str, set[tuple[str, str]]] = {}
        with self._reading():
            query = f"SELECT DISTINCT reporter, target, checks FROM deliveries WHERE {OWN}"
            rows = self._connection.execute(query, self._own)
            for reporter, target, told in rows:
                for check in set(checks).intersection(texts_from(told)):
                    found.setdefault(check, set()).add((reporter, target))
        return found

    # Feeding, by the one who holds the feeder's lock

    def recover(self, now: float) -> dict[str, int]:
        """Settle what an ended process left, and count by stage what came to its end so.

        What was being sent may have arrived: its outcome is unknown. What grew too old has expired. Old settled
        deliveries are cleared. All checks directories have one feeder at a time.
        """
        tally = Tally()
        with self._transaction():
            for one in read(self._connection, f"WHERE {UNDER_WAY}"):
                stage = Stage.PENDING if one.repeat_unknown else Stage.UNKNOWN
                note_attempt(self._connection, one.id, one.attempts, ENDED_WHILE_SENT, now, None)
                self._connection.execute(
                    "UPDATE deliveries SET stage = ?, outcome = ?, message = ?, code = '', request_id = '',"
                    " settled_at = ? WHERE id = ?",
                    (
                        stage.value,
                        ENDED_WHILE_SENT.outcome.value,
                        ENDED_WHILE_SENT.message,
                        now if stage.is_final else 0.0,
                        one.id,
                    ),
                )
                settled_as(tally, one.reporter, stage)
                if stage is Stage.PENDING and is_followed(self._connection, one):
                    supersede(self._connection, [one.id], now, tally)
            anchor(self._connection, now)
            expire(self._connection, now, tally)
            forget_idle(self._connection)
            counted(self._connection, tally, now)
            forget_old(self._connection, now)
            revising.prune(self._connection, KEPT, KEPT_ASIDE, KEPT_SIZE)
        ends: dict[str, int] = {}
        for (_, stage_word), number in tally.items():
            ends[stage_word] = ends.get(stage_word, 0) + number
        return ends

    def turn(self, ended: Sequence[Ended], now: float, wanted: Mapping[str, Room]) -> Turn:
        """Settle what ended, and mark what may begin as being sent: one transaction.

        `wanted` says by the reporter's name how much may begin. What is begun may go out when this has returned.
        """
        with self._transaction():
            return turn(self._connection, ended, now, wanted, self._checks_dir)

    # What an operator decides

    def retry(self, numbers: Iterable[int]) -> dict[int, str]:
        """Have deliveries tried once more, now, however old they are; gives those that are not, with the reason."""
        with self._transaction():
            return revising.retry(self._connection, numbers)

    def ask_again(self, reporters: Iterable[str]) -> None:
        """End the pauses of these reporters: one delivery may ask each of them now."""
        with self._transaction():
            for reporter in reporters:
                end_wait(self._connection, reporter)

    def drop(self, numbers: Iterable[int]) -> dict[int, str]:
        """Remove deliveries; gives those that are not, with the reason."""
        with self._transaction():
            return revising.drop(self._connection, numbers)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with telling(self._path):
            yield


def _is_among(target: str, wanted: Collection[str]) -> bool:
    if target in wanted:
        return True
    try:
        values = json.loads(target)
    except ValueError:
        return False
    return isinstance(values, dict) and any(str(value) in wanted for value in values.values())
