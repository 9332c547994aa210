"""Puts deliveries in: what a newer one supersedes, and what goes where there is no room. All within a transaction."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from checkmill.model.delivery import Delivery, Stage
from checkmill.store.outbox.schema import AT_ONCE, COLUMNS, OPEN, OWN, WAITING, marks, read_some, texts_from
from checkmill.store.outbox.tallying import Tally, counted

FULL = "the backlog was full"
HELD = "held back: a state that it tells of is another by now; the next run that reports tells it"
#: Two runs that begin in the same instant are told apart by this much, in seconds.
_INSTANT_S = 1e-6
_INSERTED = f"{COLUMNS.removeprefix('id, ')}, size, checks_dir"
_INSERT = f"INSERT INTO deliveries ({_INSERTED}) VALUES ({marks(_INSERTED.split(', '))})"


@dataclass(frozen=True)
class Limit:
    """How much of one reporter's may wait: deliveries, and bytes of their bodies."""

    deliveries: int
    size: int


def insert(
    connection: sqlite3.Connection,
    checks_dir: str,
    deliveries: Iterable[Delivery],
    limits: Mapping[str, Limit],
    now: float,
) -> list[Delivery]:
    """Put deliveries of a checks directory in; give those that were dropped since there was no room, older ones too."""
    tally = Tally()
    for delivery in deliveries:
        number = _insert_one(connection, checks_dir, delivery)
        _supersede_before(connection, checks_dir, delivery, number, now, tally)
    dropped: list[Delivery] = []
    for reporter, limit in limits.items():
        dropped += _make_room(connection, checks_dir, reporter, limit, now, tally)
    counted(connection, tally, now)
    return dropped


def _insert_one(connection: sqlite3.Connection, checks_dir: str, delivery: Delivery) -> int:
    body = _storable(delivery.body)
    values = (
        delivery.reporter,
        delivery.target,
        _distinct(connection, delivery),
        delivery.stage.value,
        _storable(delivery.state),
        delivery.created_at,
        delivery.expires_at,
        delivery.repeat_unknown,
        delivery.keep_all,
        delivery.attempts,
        delivery.next_at,
        delivery.outcome,
        delivery.code,
        delivery.message,
        delivery.request_id,
        _storable(json.dumps(delivery.services, ensure_ascii=False)),
        json.dumps(delivery.checks),
        body,
        len(body.encode()),
        checks_dir,
    )
    return int(connection.execute(_INSERT, values).lastrowid or 0)


def _storable(text: str) -> str:
    """The text without halves of surrogate pairs, which no database keeps."""
    return text.encode(errors="replace").decode()


def _distinct(connection: sqlite3.Connection, delivery: Delivery) -> float:
    """The start of the run, a moment later where another run of the same instant has told the same target."""
    query = "SELECT 1 FROM deliveries WHERE reporter = ? AND target = ? AND run_at = ?"
    run_at = delivery.run_at
    while connection.execute(query, (delivery.reporter, delivery.target, run_at)).fetchone() is not None:
        run_at = a_moment_after(run_at)
    return run_at


def a_moment_after(at: float) -> float:
    """A time (epoch seconds) that is later by as little as makes a difference."""
    # The clock may be so far ahead that the next number is further away.
    return max(at + _INSTANT_S, math.nextafter(at, math.inf))


def _supersede_before(
    connection: sqlite3.Connection, checks_dir: str, newer: Delivery, number: int, now: float, tally: Tally
) -> None:
    query = (
        f"SELECT id FROM deliveries WHERE {OPEN} AND reporter = ? AND target = ? AND id < ? AND NOT keep_all AND {OWN}"
    )
    values = (newer.reporter, newer.target, number, checks_dir, checks_dir)
    older = [one for (one,) in connection.execute(query, values)]
    supersede(connection, older, now, tally)


def supersede(connection: sqlite3.Connection, numbers: Iterable[int], now: float, tally: Tally) -> None:
    """Take back those of these deliveries that wait to tell the latest state; what was refused before stays refused."""
    asked = list(numbers)
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        query = f"SELECT id, reporter, refusals FROM deliveries WHERE {WAITING} AND NOT keep_all AND id IN "
        for number, reporter, refusals in connection.execute(f"{query}({marks(some)})", some).fetchall():
            stage = Stage.REFUSED if refusals else Stage.SUPERSEDED
            settle_as(connection, number, stage, now)
            tally[reporter, stage.value] += 1


def settle_as(connection: sqlite3.Connection, number: int, stage: Stage, now: float) -> None:
    """Note that a delivery came to a final stage without another attempt."""
    connection.execute("UPDATE deliveries SET stage = ?, settled_at = ? WHERE id = ?", (stage.value, now, number))


def hold_outdated(connection: sqlite3.Connection, checks_dir: str, checks: Collection[str]) -> None:
    """Hold back what tells an OK of checks whose states are others by now, unless all states are to be told.

    It is not taken back, since nothing that is told instead may follow: it waits until a newer one of its target
    supersedes it, or until it expires, which is counted. Bad news were true when they were measured, and go out.
    """
    if not checks:
        return
    query = f"SELECT id, checks FROM deliveries WHERE {OPEN} AND NOT keep_all AND NOT held AND state = 'OK' AND {OWN}"
    for number, told in connection.execute(query, (checks_dir, checks_dir)).fetchall():
        if not set(checks).isdisjoint(texts_from(told)):
            connection.execute("UPDATE deliveries SET held = 1 WHERE id = ?", (number,))
            connection.execute(f"UPDATE deliveries SET message = ? WHERE id = ? AND {WAITING}", (HELD, number))


def _make_room(
    connection: sqlite3.Connection, checks_dir: str, reporter: str, limit: Limit, now: float, tally: Tally
) -> list[Delivery]:
    """Drop until what waits is within the limit.

    First what would not fit if it were alone, then the oldest that newer ones of their targets have followed, then the
    oldest.
    """
    of_reporter = (reporter, checks_dir, checks_dir)
    query = f"SELECT count(*), coalesce(sum(size), 0) FROM deliveries WHERE {OPEN} AND reporter = ? AND {OWN}"
    count, size = connection.execute(query, of_reporter).fetchone()
    if count <= limit.deliveries and size <= limit.size:
        return []
    dropped = []
    followed = f"""
        EXISTS (SELECT 1 FROM deliveries AS newer WHERE newer.{OPEN} AND newer.reporter = deliveries.reporter
            AND newer.target = deliveries.target AND newer.id > deliveries.id
            AND newer.checks_dir = deliveries.checks_dir)
    """
    waiting = f"""
        SELECT id, size FROM deliveries WHERE {WAITING} AND reporter = ? AND {OWN}
        ORDER BY size > ? DESC, {followed} DESC, id
    """
    for number, own_size in connection.execute(waiting, (*of_reporter, limit.size)).fetchall():
        if count <= limit.deliveries and size <= limit.size:
            break
        count, size = count - 1, size - own_size
        settle_as(connection, number, Stage.DROPPED, now)
        connection.execute("UPDATE deliveries SET message = ? WHERE id = ?", (FULL, number))
        tally[reporter, Stage.DROPPED.value] += 1
        dropped.append(number)
    return read_some(connection, dropped)
