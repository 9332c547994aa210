"""The outbox's tables, and a row of them as a delivery and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from checkmill.model.delivery import Delivery, Stage
from checkmill.store.failing import UnreadableRowError

#: `begun_at` is when the last attempt began, `settled_at` when a final stage was reached, `refusals` how often it was
#: refused since it was made or last retried, `size` the bytes of the body. `checks_dir` is the checks directory whose
#: reporter is meant, "" where an earlier Checkmill did not note it. What is `held` tells an OK that is not known to be
#: true any more: it is not sent. The long columns stand last: SQLite reads a
#: row from the left. Numbers are never given again, since people have noted them down. `told` has the newest delivery
#: of each target that may have gone out, which outlives that delivery's own row.
OUTBOX_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    reporter TEXT NOT NULL,
    target TEXT NOT NULL,
    run_at REAL NOT NULL,
    checks_dir TEXT NOT NULL DEFAULT '',
    stage TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    repeat_unknown INTEGER NOT NULL,
    keep_all INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    refusals INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    begun_at REAL NOT NULL DEFAULT 0,
    settled_at REAL NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    request_id TEXT NOT NULL,
    services TEXT NOT NULL,
    checks TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (reporter, target, run_at)
);
CREATE INDEX IF NOT EXISTS deliveries_by_target ON deliveries (reporter, target, id);
CREATE INDEX IF NOT EXISTS deliveries_waiting
    ON deliveries (reporter, id, target, next_at, begun_at, attempts, held, checks_dir, stage) WHERE stage = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_waiting_until ON deliveries (expires_at) WHERE stage = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_sending ON deliveries (reporter, target, checks_dir, stage)
    WHERE stage = 'sending';
CREATE INDEX IF NOT EXISTS deliveries_open ON deliveries (reporter, target, id, keep_all, checks_dir, stage)
    WHERE stage IN ('pending', 'sending');
CREATE TABLE IF NOT EXISTS attempts (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    request_id TEXT NOT NULL,
    elapsed_s REAL,
    PRIMARY KEY (delivery, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (
    checks_dir TEXT NOT NULL,
    reporter TEXT NOT NULL,
    target TEXT NOT NULL,
    newest INTEGER NOT NULL,
    PRIMARY KEY (checks_dir, reporter, target)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
    reporter TEXT NOT NULL,
    stage TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_at REAL NOT NULL,
    PRIMARY KEY (reporter, stage)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tallies (
    reporter TEXT NOT NULL,
    minute INTEGER NOT NULL,
    stage TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (reporter, minute, stage)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pauses (
    checks_dir TEXT NOT NULL,
    reporter TEXT NOT NULL,
    failures INTEGER NOT NULL,
    failing_since REAL NOT NULL,
    pauses INTEGER NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (checks_dir, reporter)
) WITHOUT ROWID
"""

#: What a row is asked for where it is to become a `Delivery`.
COLUMNS = (
    "id, reporter, target, run_at, stage, state, created_at, expires_at, repeat_unknown, keep_all, attempts, next_at,"
    " outcome, code, message, request_id, services, checks, body"
)
_NAMES = COLUMNS.split(", ")
#: At most this many values are named in one statement.
AT_ONCE = 500
_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("reporter", "target", "stage", "state", "outcome", "code", "message", "request_id"), str),
    **dict.fromkeys(("services", "checks", "body"), str),
    **dict.fromkeys(("run_at", "created_at", "expires_at", "next_at"), (float, int)),
    **dict.fromkeys(("repeat_unknown", "keep_all", "attempts"), int),
}
#: Deliveries that are not settled, those that wait, and those that are being sent. The indexes above say so in the same
#: words: without those SQLite would not use them.
OPEN = "stage IN ('pending', 'sending')"
WAITING = "stage = 'pending'"
UNDER_WAY = "stage = 'sending'"
#: Deliveries of one checks directory, or of all for ""; what is of none belongs to each. To be given it twice.
OWN = "(? = '' OR checks_dir IN ('', ?))"
FINAL = tuple(stage.value for stage in Stage if stage.is_final)


def delivery_from(row: Sequence[Any]) -> Delivery:
    """The delivery that a row of `COLUMNS` stands for. Raises `UnreadableRowError` for what is none."""
    fields: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    if any(not isinstance(fields[name], kind) for name, kind in _KINDS.items()):
        raise UnreadableRowError(f"delivery {fields['id']} is damaged")
    try:
        fields["services"] = texts_from(fields["services"])
        fields["checks"] = texts_from(fields["checks"])
        fields["stage"] = Stage(fields["stage"])
    except ValueError:
        raise UnreadableRowError(f"delivery {fields['id']} is damaged") from None
    fields["repeat_unknown"] = bool(fields["repeat_unknown"])
    fields["keep_all"] = bool(fields["keep_all"])
    return Delivery(**fields)


def texts_from(text: object) -> tuple[str, ...]:
    """The texts of a JSON list. Raises `UnreadableRowError` for anything else."""
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise UnreadableRowError("a delivery is damaged")
    return tuple(values)


def read(connection: sqlite3.Connection, where: str = "", values: Iterable[object] = ()) -> list[Delivery]:
    """The deliveries that a `WHERE ... ORDER BY ...` names."""
    rows = connection.execute(f"SELECT {COLUMNS} FROM deliveries {where}", list(values)).fetchall()
    return [delivery_from(row) for row in rows]


def read_some(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[Delivery]:
    """The deliveries of these numbers, oldest first."""
    found: list[Delivery] = []
    wanted = sorted(numbers)
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        found += read(connection, f"WHERE id IN ({marks(some)}) ORDER BY id", some)
    return found


def marks(values: Sequence[object]) -> str:
    """As many question marks as there are values, for `IN (...)`."""
    return ", ".join("?" * len(values))
