"""The outbox: every delivery is written here before it is sent, and what became of it afterwards."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store.directory import telling

OUTBOX_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY,
    reporter TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    services TEXT NOT NULL,
    checks TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    repeat_unknown INTEGER NOT NULL,
    stage TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at REAL NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_by_stage ON deliveries (stage);
CREATE INDEX IF NOT EXISTS deliveries_by_target ON deliveries (reporter, target, id)
"""

#: The first wait before a delivery that was not sent is tried again, and the longest.
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 300.0
#: How many settled deliveries are kept to look at.
KEPT = 1000

_COLUMNS = (
    "id, reporter, target, state, services, checks, body, created_at, expires_at, repeat_unknown, stage, attempts,"
    " next_at, outcome, code, message, request_id"
)
_FINAL = tuple(stage.value for stage in Stage if stage not in {Stage.PENDING, Stage.SENDING})
#: Whether a delivery says what a newer one of the same target has said better since.
_IS_OLD = """
    EXISTS (SELECT 1 FROM deliveries AS newer WHERE newer.reporter = deliveries.reporter
        AND newer.target = deliveries.target AND newer.id > deliveries.id)
"""
_SUPERSEDE = f"UPDATE deliveries SET stage = 'superseded' WHERE stage = 'pending' AND {_IS_OLD}"


def insert_delivery(connection: sqlite3.Connection, delivery: Delivery) -> None:
    """Put a delivery in, within a transaction; older ones of the same target that still wait are superseded."""
    connection.execute(
        f"INSERT INTO deliveries ({_COLUMNS.removeprefix('id, ')}) VALUES ({', '.join('?' * 16)})",
        (
            delivery.reporter,
            delivery.target,
            delivery.state,
            json.dumps(delivery.services, ensure_ascii=False),
            json.dumps(delivery.checks),
            delivery.body,
            delivery.created_at,
            delivery.expires_at,
            delivery.repeat_unknown,
            delivery.stage.value,
            delivery.attempts,
            delivery.next_at,
            delivery.outcome,
            delivery.code,
            delivery.message,
            delivery.request_id,
        ),
    )
    connection.execute(f"{_SUPERSEDE} AND reporter = ? AND target = ?", (delivery.reporter, delivery.target))


def supersede_outdated(connection: sqlite3.Connection, checks: Collection[str]) -> None:
    """Take back, within a transaction, what waits to tell of checks whose states are others by now."""
    waiting = connection.execute("SELECT id, checks FROM deliveries WHERE stage = 'pending'").fetchall()
    outdated = [(number,) for number, told in waiting if not set(checks).isdisjoint(json.loads(told))]
    connection.executemany("UPDATE deliveries SET stage = 'superseded' WHERE id = ?", outdated)


class Outbox:
    """The deliveries of an open store. Every method raises `StoreError` when the database cannot be used."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._connection = connection
        self._path = path
        self._transaction = transaction

    def deliveries(self, stages: Iterable[Stage] = ()) -> list[Delivery]:
        """The deliveries at these stages, or all, oldest first."""
        words = [stage.value for stage in stages]
        where = f"WHERE stage IN ({', '.join('?' * len(words))})" if words else ""
        return self._read(f"SELECT {_COLUMNS} FROM deliveries {where} ORDER BY id", words)

    def find(self, number: int) -> Delivery | None:
        """One delivery by its number."""
        found = self._read(f"SELECT {_COLUMNS} FROM deliveries WHERE id = ?", [number])
        return found[0] if found else None

    def targets_of(self, checks: Collection[str]) -> dict[str, set[tuple[str, str]]]:
        """The reporters and targets that were told of these checks, as far as the outbox remembers."""
        found: dict[str, set[tuple[str, str]]] = {}
        for one in self.deliveries():
            for check in set(checks).intersection(one.checks):
                found.setdefault(check, set()).add((one.reporter, one.target))
        return found

    def recover(self, now: float) -> None:
        """Settle what an ended process left: what was being sent is unknown, what grew too old has expired.

        To be called by the one who holds the feeder's lock.
        """
        self._write(
            (
                """
                UPDATE deliveries SET stage = CASE WHEN repeat_unknown THEN 'pending' ELSE 'unknown' END,
                    outcome = 'unknown', message = 'the process ended while it was being sent'
                WHERE stage = 'sending'
                """,
                (),
            ),
            (_SUPERSEDE, ()),
            (
                "UPDATE deliveries SET stage = 'expired' WHERE stage = 'pending' AND expires_at < ?",
                (now,),
            ),
            (
                f"""
                DELETE FROM deliveries WHERE stage IN ({", ".join("?" * len(_FINAL))})
                    AND id <= (SELECT max(id) FROM deliveries) - ?
                """,
                (*_FINAL, KEPT),
            ),
        )

    def take_due(self, now: float, targets: Iterable[tuple[str, str]]) -> list[Delivery]:
        """Mark what is due for these reporters and targets as being sent, and give it, oldest first."""
        known = set(targets)
        with self._transaction():
            waiting = self._read(
                f"SELECT {_COLUMNS} FROM deliveries WHERE stage = 'pending' AND next_at <= ? ORDER BY id", [now]
            )
            due = [one for one in waiting if (one.reporter, one.target) in known]
            self._connection.executemany(
                "UPDATE deliveries SET stage = 'sending', attempts = attempts + 1 WHERE id = ?",
                [(one.id,) for one in due],
            )
        return due

    def settle(self, delivery: Delivery, receipt: Receipt, now: float) -> Stage:
        """Note the outcome of an attempt, and give the stage that follows from it."""
        stage = Stage(receipt.outcome.value) if receipt.outcome is not Outcome.NOT_SENT else Stage.PENDING
        if receipt.outcome is Outcome.UNKNOWN and delivery.repeat_unknown:
            stage = Stage.PENDING
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(delivery.attempts, 10))
        if receipt.retry_after_s is not None:
            wait_s = max(wait_s, receipt.retry_after_s)
        self._write(
            (
                """
                UPDATE deliveries SET stage = ?, next_at = ?, outcome = ?, code = ?, message = ?, request_id = ?
                WHERE id = ?
                """,
                (
                    stage.value,
                    now + wait_s,
                    receipt.outcome.value,
                    receipt.code,
                    receipt.message,
                    receipt.request_id,
                    delivery.id,
                ),
            ),
            (f"{_SUPERSEDE} AND id = ?", (delivery.id,)),
        )
        return stage

    def retry(self, numbers: Iterable[int]) -> int:
        """Have deliveries that were settled without being accepted tried once more, now, however old they are.

        Not those that a newer one of the same target followed: they would tell the receiver a state of the past.
        """
        # 9e999 is how SQL writes infinity.
        again = "UPDATE deliveries SET stage = 'pending', next_at = 0, expires_at = 9e999 WHERE id = ?"
        return self._change(f"{again} AND NOT {_IS_OLD}", numbers)

    def drop(self, numbers: Iterable[int]) -> int:
        """Remove deliveries."""
        return self._change("DELETE FROM deliveries WHERE id = ?", numbers)

    def _change(self, statement: str, numbers: Iterable[int]) -> int:
        kept = f" AND stage NOT IN ('{Stage.SENDING.value}', '{Stage.ACCEPTED.value}')"
        with self._transaction():
            return sum(self._connection.execute(statement + kept, (number,)).rowcount for number in numbers)

    def _write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        with self._transaction():
            for statement, values in statements:
                self._connection.execute(statement, values)

    def _read(self, statement: str, values: Iterable[object]) -> list[Delivery]:
        with telling(self._path):
            rows = self._connection.execute(statement, list(values)).fetchall()
        return [_delivery_from(row) for row in rows]


def _delivery_from(row: tuple[object, ...]) -> Delivery:
    names = [name.strip() for name in _COLUMNS.split(",")]
    fields = dict(zip(names, row, strict=True))
    fields["services"] = tuple(json.loads(str(fields["services"])))
    fields["checks"] = tuple(json.loads(str(fields["checks"])))
    fields["stage"] = Stage(fields["stage"])
    fields["repeat_unknown"] = bool(fields["repeat_unknown"])
    return Delivery(**fields)  # type: ignore[arg-type] # the columns are made by insert_delivery
