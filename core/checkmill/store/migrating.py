"""Brings a database that an earlier Checkmill wrote to the form of this one, in one transaction and without a loss."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator

from checkmill.store.outbox.inserting import a_moment_after
from checkmill.store.outbox.schema import FINAL, OUTBOX_SCHEMA, marks

#: From here on a number is no time that any clock shows.
_NO_TIME = 1e15


def migrated(connection: sqlite3.Connection, version: int) -> None:
    """Change the tables of an earlier version to this one's, within a transaction."""
    if version == 1:
        _from_1(connection)


def _from_1(connection: sqlite3.Connection) -> None:
    """Deliveries have a run, a history and limits now; what was settled is counted as far as it is still there."""
    connection.execute("ALTER TABLE deliveries RENAME TO deliveries_1")
    connection.execute("DROP INDEX IF EXISTS deliveries_by_stage")
    connection.execute("DROP INDEX IF EXISTS deliveries_by_target")
    for statement in OUTBOX_SCHEMA.split(";"):
        connection.execute(statement)
    connection.executemany(
        """
        INSERT INTO deliveries (id, reporter, target, run_at, stage, state, created_at, expires_at, repeat_unknown,
            keep_all, attempts, next_at, settled_at, size, outcome, code, message, request_id, services, checks, body)
        SELECT id, reporter, target, ?, stage, state, created_at, expires_at, repeat_unknown, 0, attempts, next_at,
            created_at, length(CAST(body AS BLOB)), outcome, code, message, request_id, services, checks, body
        FROM deliveries_1 WHERE id = ?
        """,
        list(_runs(connection)),
    )
    connection.execute(
        f"""
        INSERT INTO counters (reporter, stage, count, last_at)
        SELECT reporter, stage, count(*), max(created_at) FROM deliveries_1 WHERE stage IN ({marks(FINAL)})
        GROUP BY reporter, stage
        """,
        FINAL,
    )
    connection.execute(
        """
        INSERT INTO told (checks_dir, reporter, target, newest)
        SELECT '', reporter, target, max(id) FROM deliveries_1 WHERE attempts > 0 GROUP BY reporter, target
        """
    )
    connection.execute("DROP TABLE deliveries_1")


def _runs(connection: sqlite3.Connection) -> Iterator[tuple[float, int]]:
    """When each delivery's run began, and its number.

    Those of one target that were made in one instant get a run each, in their order.
    """
    taken: set[tuple[object, object, float]] = set()
    latest: dict[tuple[object, object, float], float] = {}
    rows = connection.execute("SELECT id, reporter, target, created_at FROM deliveries_1 ORDER BY id")
    for number, reporter, target, created_at in rows:
        is_time = isinstance(created_at, int | float) and math.fabs(created_at) < _NO_TIME
        made_at = float(created_at) if is_time else 0.0
        run_at = latest.get((reporter, target, made_at), made_at)
        while (reporter, target, run_at) in taken:
            run_at = a_moment_after(run_at)
        taken.add((reporter, target, run_at))
        latest[reporter, target, made_at] = run_at
        yield run_at, number
