"""Puts deliveries in: what a newer one supersedes, and what goes where there is no room. All within a transaction."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from checkmill.model.delivery import Delivery, Stage
from checkmill.store.outbox.schema import AT_ONCE, COLUMNS, OPEN, WAITING, marks, read_some
from checkmill.store.outbox.tallying import Tally, counted

FULL = "the backlog was full"
#: Two runs that begin in the same instant are told apart by this much, in seconds.
_INSTANT_S = 1e-6
_INSERTED = f"{COLUMNS.removeprefix('id, ')}, size"
_INSERT = f"INSERT INTO deliveries ({_INSERTED}) VALUES ({marks(_INSERTED.split(', '))})"


@dataclass(frozen=True)
class Limit:
    """How much of one reporter's may wait: deliveries, and bytes of their bodies."""

    deliveries: int
    size: int


def insert(
    connection: sqlite3.Connection, deliveries: Iterable[Delivery], limits: Mapping[str, Limit], now: float
) -> list[Delivery]:
    """Put deliveries in; give those that were dropped since there was no room, older ones among them."""
    tally = Tally()
    for delivery in deliveries:
        number = _insert_one(connection, delivery)
        _supersede_before(connection, delivery, number, now, tally)
    dropped = [one for reporter, limit in limits.items() for one in _make_room(connection, reporter, limit, now, tally)]
    counted(connection, tally, now)
    return dropped


def _insert_one(connection: sqlite3.Connection, delivery: Delivery) -> int:
    values = (
        delivery.reporter,
        delivery.target,
        _distinct(connection, delivery),
        delivery.stage.value,
        delivery.state,
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
        json.dumps(delivery.services, ensure_ascii=False),
        json.dumps(delivery.checks),
        delivery.body,
        len(delivery.body.encode()),
    )
    return int(connection.execute(_INSERT, values).lastrowid or 0)


def _distinct(connection: sqlite3.Connection, delivery: Delivery) -> float:
    """The start of the run, a moment later where another run of the same instant has told the same target."""
    query = "SELECT 1 FROM deliveries WHERE reporter = ? AND target = ? AND run_at = ?"
    run_at = delivery.run_at
    while connection.execute(query, (delivery.reporter, delivery.target, run_at)).fetchone() is not None:
        # The clock may be so far ahead that the next number is further away.
        run_at = max(run_at + _INSTANT_S, math.nextafter(run_at, math.inf))
    return run_at


def _supersede_before(connection: sqlite3.Connection, newer: Delivery, number: int, now: float, tally: Tally) -> None:
    query = f"SELECT id FROM deliveries WHERE {OPEN} AND reporter = ? AND target = ? AND id < ?"
    older = [one for (one,) in connection.execute(query, (newer.reporter, newer.target, number))]
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


def supersede_outdated(connection: sqlite3.Connection, checks: Collection[str], now: float) -> None:
    """Take back what waits to tell of checks whose states are others by now, unless all states are to be told."""
    if not checks:
        return
    query = f"SELECT id, checks FROM deliveries WHERE {WAITING} AND NOT keep_all"
    waiting = connection.execute(query).fetchall()
    outdated = [number for number, told in waiting if not set(checks).isdisjoint(json.loads(told))]
    tally = Tally()
    supersede(connection, outdated, now, tally)
    counted(connection, tally, now)


def _make_room(connection: sqlite3.Connection, reporter: str, limit: Limit, now: float, tally: Tally) -> list[Delivery]:
    """Drop until what waits is within the limit: first the oldest that newer ones of their targets have followed."""
    query = f"SELECT count(*), coalesce(sum(size), 0) FROM deliveries WHERE {OPEN} AND reporter = ?"
    count, size = connection.execute(query, (reporter,)).fetchone()
    if count <= limit.deliveries and size <= limit.size:
        return []
    dropped = []
    followed = f"""
        EXISTS (SELECT 1 FROM deliveries AS newer WHERE newer.{OPEN} AND newer.reporter = deliveries.reporter
            AND newer.target = deliveries.target AND newer.id > deliveries.id)
    """
    waiting = f"SELECT id, size FROM deliveries WHERE {WAITING} AND reporter = ? ORDER BY {followed} DESC, id"
    for number, own_size in connection.execute(waiting, (reporter,)).fetchall():
        if count <= limit.deliveries and size <= limit.size:
            break
        count, size = count - 1, size - own_size
        settle_as(connection, number, Stage.DROPPED, now)
        connection.execute("UPDATE deliveries SET message = ? WHERE id = ?", (FULL, number))
        tally[reporter, Stage.DROPPED.value] += 1
        dropped.append(number)
    return read_some(connection, dropped)
