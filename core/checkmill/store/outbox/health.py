"""How well the deliveries of each reporter are, in figures."""

from __future__ import annotations

import sqlite3

from checkmill.model.delivery import OutboxHealth, ReporterHealth, Stage
from checkmill.store.outbox.pausing import pauses_until
from checkmill.store.outbox.schema import OPEN
from checkmill.store.outbox.tallying import HOUR_S, MINUTE_S, REMOVED


def health(connection: sqlite3.Connection, now: float) -> OutboxHealth:
    """The health of every reporter that the outbox knows."""
    # An index may be whole where its table is not: what is counted by that alone would hide damage.
    connection.execute("SELECT size FROM deliveries ORDER BY id DESC LIMIT 1").fetchone()
    waiting = {
        reporter: parts
        for reporter, *parts in connection.execute(
            f"SELECT reporter, count(*), sum(size), min(created_at) FROM deliveries WHERE {OPEN} GROUP BY reporter"
        )
    }
    counts: dict[str, dict[str, int]] = {}
    last: dict[tuple[str, str], float] = {}
    for reporter, stage, count, last_at in connection.execute("SELECT reporter, stage, count, last_at FROM counters"):
        if stage != REMOVED:
            counts.setdefault(reporter, {})[stage] = count
            last[reporter, stage] = last_at
    recent: dict[str, dict[str, int]] = {}
    # A minute that began within the hour.
    since = int((now - HOUR_S) // MINUTE_S) + 1
    query = "SELECT reporter, stage, sum(count) FROM tallies WHERE minute BETWEEN ? AND ? GROUP BY reporter, stage"
    for reporter, stage, count in connection.execute(query, (since, int(now // MINUTE_S))):
        if stage != REMOVED:
            recent.setdefault(reporter, {})[stage] = count
    found = {}
    paused = pauses_until(connection)
    for reporter in sorted({*waiting, *counts, *paused}):
        number, size, oldest_at = waiting.get(reporter, (0, 0, None))
        found[reporter] = ReporterHealth(
            waiting=number,
            waiting_bytes=size,
            oldest_at=oldest_at,
            counts=counts.get(reporter, {}),
            recent=recent.get(reporter, {}),
            last_success_at=last.get((reporter, Stage.ACCEPTED.value)),
            dropped_at=last.get((reporter, Stage.DROPPED.value)),
            pause_until=paused.get(reporter),
            last_message=_last_message(connection, reporter, last.get((reporter, Stage.ACCEPTED.value))),
        )
    return OutboxHealth(found)


def _last_message(connection: sqlite3.Connection, reporter: str, success_at: float | None) -> str:
    """What was said last instead of a success; nothing when the last attempt was one."""
    query = """
        SELECT attempts.message, attempts.outcome FROM attempts JOIN deliveries ON deliveries.id = attempts.delivery
        WHERE deliveries.reporter = ? AND attempts.at >= ?
        ORDER BY attempts.at DESC, attempts.outcome = 'accepted' LIMIT 1
    """
    row = connection.execute(query, (reporter, success_at or 0.0)).fetchone()
    return "" if row is None or row[1] == "accepted" else str(row[0])
