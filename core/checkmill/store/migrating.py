"""Brings a database that an earlier Checkmill wrote to the form of this one, in one transaction and without a loss."""

from __future__ import annotations

import sqlite3

from checkmill.store.outbox.schema import FINAL, OUTBOX_SCHEMA, marks


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
    # Deliveries of one target that were made in one instant get a run each, in their order.
    connection.execute(
        """
        INSERT INTO deliveries (id, reporter, target, run_at, stage, state, created_at, expires_at, repeat_unknown,
            keep_all, attempts, next_at, settled_at, size, outcome, code, message, request_id, services, checks, body)
        SELECT id, reporter, target, created_at + 1e-6 * (SELECT count(*) FROM deliveries_1 AS same
                WHERE same.reporter = deliveries_1.reporter AND same.target = deliveries_1.target
                AND same.created_at = deliveries_1.created_at AND same.id < deliveries_1.id),
            stage, state, created_at, expires_at, repeat_unknown, 0, attempts, next_at, created_at,
            length(CAST(body AS BLOB)), outcome, code, message, request_id, services, checks, body
        FROM deliveries_1 ORDER BY id
        """
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
        INSERT INTO told (reporter, target, newest)
        SELECT reporter, target, max(id) FROM deliveries_1 WHERE attempts > 0 GROUP BY reporter, target
        """
    )
    connection.execute("DROP TABLE deliveries_1")
