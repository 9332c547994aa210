"""Pauses: a receiver that does not answer is left alone, then asked with one delivery before all others follow."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from checkmill.store.outbox.outcomes import LONGEST_ASKED_S, Ended, asked_s, backoff_s
from checkmill.store.outbox.schema import OPEN

#: So many outcomes in a row without any answer begin a pause.
FAILURES = 3
#: So long a receiver may answer nothing but "not now" (429, 503) without saying until when, before that is a pause: one
#: that only limits its rate takes the next ones within seconds.
NOT_NOW_S = 2.0


@dataclass(frozen=True)
class Pause:
    """How a reporter fails: outcomes in a row without an answer, since when, and the pauses that came of it."""

    failures: int
    failing_since: float
    pauses: int
    since: float
    until: float

    def is_over(self, now: float) -> bool:
        """Whether the receiver may be asked again; also where the clock was set back to before the pause."""
        return not self.since <= now < min(self.until, self.since + LONGEST_ASKED_S)


def pause_of(connection: sqlite3.Connection, checks_dir: str, reporter: str) -> Pause | None:
    """How a reporter of a checks directory fails, None while it answers; it is paused if `pauses` is above zero."""
    query = "SELECT failures, failing_since, pauses, since, until FROM pauses WHERE checks_dir = ? AND reporter = ?"
    row = connection.execute(query, (checks_dir, reporter)).fetchone()
    return None if row is None else Pause(*row)


def pauses_until(connection: sqlite3.Connection) -> dict[str, float]:
    """When the reporters that are paused are asked again, by name."""
    query = "SELECT reporter, max(until) FROM pauses WHERE pauses > 0 GROUP BY reporter"
    return dict(connection.execute(query).fetchall())


def end_wait(connection: sqlite3.Connection, reporter: str) -> None:
    """Have a pause be over, within a transaction: one delivery may ask."""
    connection.execute("UPDATE pauses SET until = since WHERE reporter = ?", (reporter,))


def forget_idle(connection: sqlite3.Connection) -> None:
    """Forget the failures of reporters for which nothing waits, within a transaction: nobody would ask them again."""
    connection.execute(
        f"""
        DELETE FROM pauses WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE {OPEN}
            AND deliveries.reporter = pauses.reporter
            AND (pauses.checks_dir = '' OR deliveries.checks_dir IN ('', pauses.checks_dir)))
        """
    )


def heard(
    connection: sqlite3.Connection,
    checks_dir: str,
    reporter: str,
    ended: Sequence[tuple[Ended, float]],
    now: float,
) -> None:
    """Take note, within a transaction, of how attempts of one reporter ended and when each began.

    Any answer ends its pause.
    """
    known = pause_of(connection, checks_dir, reporter)
    if any(one.has_answer for one, _ in ended):
        if known is not None:
            connection.execute("DELETE FROM pauses WHERE checks_dir = ? AND reporter = ?", (checks_dir, reporter))
        return
    after = _after(known or Pause(0, now, 0, 0.0, 0.0), ended, now)
    connection.execute(
        "INSERT OR REPLACE INTO pauses (checks_dir, reporter, failures, failing_since, pauses, since, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (checks_dir, reporter, after.failures, after.failing_since, after.pauses, after.since, after.until),
    )


def _after(known: Pause, ended: Sequence[tuple[Ended, float]], now: float) -> Pause:
    failures = known.failures + len(ended)
    failing_since = min(known.failing_since, now)
    asked = max(asked_s(one.receipt.retry_after_s) for one, _ in ended)
    if known.pauses and all(began_at <= known.since <= now for _, began_at in ended):
        # These were under way when the pause began, and say nothing new; a longer wait is kept.
        until = max(known.until, now + asked) if asked else known.until
        return Pause(failures, failing_since, known.pauses, known.since, until)
    says_not_now = all(one.not_now for one, _ in ended) and not asked and now - failing_since < NOT_NOW_S
    if not known.pauses and (failures < FAILURES or says_not_now):
        return Pause(failures, failing_since, 0, 0.0, 0.0)
    wait_s = max(backoff_s(known.pauses + 1, ended[0][0].chance), asked)
    return Pause(failures, failing_since, known.pauses + 1, now, now + wait_s)
