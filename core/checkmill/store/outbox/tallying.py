"""How many deliveries ended how, in all and in the last hour: counted as it happens, since rows are cleared."""

from __future__ import annotations

import sqlite3
from collections import Counter

from checkmill.model.delivery import Stage

#: What an operator removed while it waited: no stage, since the row is gone, but nothing goes without being counted.
REMOVED = "removed"
HOUR_S = 3600.0
MINUTE_S = 60.0

#: How many of which reporter came to which stage.
Tally = Counter[tuple[str, str]]


def settled_as(tally: Tally, reporter: str, stage: Stage) -> None:
    """Count one delivery that came to a final stage."""
    if stage.is_final:
        tally[reporter, stage.value] += 1


def counted(connection: sqlite3.Connection, tally: Tally, now: float) -> None:
    """Add what was counted, within a transaction; a negative number takes back what was counted before."""
    minute = int(now // MINUTE_S)
    for (reporter, stage), number in tally.items():
        if number == 0:
            continue
        connection.execute(
            """
            INSERT INTO counters (reporter, stage, count, last_at) VALUES (?, ?, max(?, 0), ?)
            ON CONFLICT (reporter, stage) DO UPDATE SET count = max(count + ?, 0),
                last_at = CASE WHEN ? > 0 THEN excluded.last_at ELSE last_at END
            """,
            (reporter, stage, number, now, number, number),
        )
        if number > 0:
            connection.execute(
                """
                INSERT INTO tallies (reporter, minute, stage, count) VALUES (?, ?, ?, ?)
                ON CONFLICT (reporter, minute, stage) DO UPDATE SET count = count + excluded.count
                """,
                (reporter, minute, stage, number),
            )


def forget_old(connection: sqlite3.Connection, now: float) -> None:
    """Clear the minutes that are no part of the last hour, those of a clock that was ahead included."""
    minute = int(now // MINUTE_S)
    connection.execute("DELETE FROM tallies WHERE minute < ? OR minute > ?", (minute - int(HOUR_S // MINUTE_S), minute))
