"""One turn of a feeder: settles what ended and marks what begins as being sent, all within one transaction.

What is marked is on disk before a request can go out. However the process ends, nothing that may have arrived is
taken for something that was never sent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store.outbox.handing import note_heard
from checkmill.store.outbox.inserting import settle_as, supersede
from checkmill.store.outbox.outcomes import Ended, next_try_at, stage_after
from checkmill.store.outbox.pausing import heard, pause_of
from checkmill.store.outbox.schema import OPEN, OWN, UNDER_WAY, WAITING, read_some
from checkmill.store.outbox.tallying import Tally, counted, settled_as

#: Of the attempts of one delivery the first and so many of the last are kept to look at.
LAST_ATTEMPTS = 20
#: So far ahead is looked for equal bodies that can go together.
LOOK_AHEAD = 64
#: By so much the clocks of processes may differ in what they take for now.
AHEAD_S = 300.0


@dataclass(frozen=True)
class Room:
    """How much of one reporter's may begin now.

    `sendings` are groups of deliveries with one body, of at most `together` each; `deliveries` bounds them altogether.
    `knows` says of a target whether it can be made out; others are left alone.
    """

    sendings: int
    deliveries: int
    together: int = 1
    knows: Callable[[str], bool] = lambda _: True


@dataclass(frozen=True)
class Turn:
    """What one turn did.

    `settled` are the deliveries that ended, as they stand now; `begun` those to be sent, in groups with one body.
    `left` names the reporters of which more is due than there was room for. `aside` counts by stage what came to an
    end without an attempt.
    """

    settled: list[Delivery] = field(default_factory=list)
    begun: list[tuple[Delivery, ...]] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    aside: dict[str, int] = field(default_factory=dict)


def turn(
    connection: sqlite3.Connection,
    ended: Sequence[Ended],
    now: float,
    wanted: Mapping[str, Room],
    checks_dir: str = "",
) -> Turn:
    """Take one turn, within a transaction, for a checks directory or for all."""
    tally, outcomes = Tally(), Tally()
    settled = []
    attempts: dict[str, list[tuple[Ended, float]]] = {}
    for one in ended:
        began_at = _begun_at(connection, one.delivery)
        if began_at is not None and not one.is_begun:
            _put_back(connection, one.delivery, now, tally)
        elif began_at is not None:
            settled.append(_settle(connection, one, now, tally, outcomes))
            if not one.is_cut_off:
                attempts.setdefault(one.delivery.reporter, []).append((one, began_at))
    for reporter, own in attempts.items():
        heard(connection, checks_dir, reporter, own, now)
    expire(connection, now, tally)
    begun, left = [], set()
    for reporter, room in wanted.items():
        groups, more = _begin(connection, checks_dir, reporter, room, now)
        begun += groups
        if more:
            left.add(reporter)
    counted(connection, tally, now)
    aside: dict[str, int] = {}
    for (_, stage), number in (tally - outcomes).items():
        aside[stage] = aside.get(stage, 0) + number
    return Turn(settled, begun, left, aside)


def _begun_at(connection: sqlite3.Connection, one: Delivery) -> float | None:
    """When a delivery was begun; None if it is not being sent any more."""
    query = "SELECT begun_at FROM deliveries WHERE id = ? AND stage = 'sending'"
    row = connection.execute(query, (one.id,)).fetchone()
    return None if row is None else float(row[0])


def _settle(connection: sqlite3.Connection, ended: Ended, now: float, tally: Tally, outcomes: Tally) -> Delivery:
    """Note how an attempt ended, and give the delivery as it stands now."""
    one, receipt = ended.delivery, ended.receipt
    query = "SELECT refusals FROM deliveries WHERE id = ?"
    refusals = connection.execute(query, (one.id,)).fetchone()[0] + (receipt.outcome is Outcome.REFUSED)
    stage = stage_after(ended, refusals)
    next_at = one.next_at if stage.is_final else next_try_at(ended, now)
    connection.execute(
        """
        UPDATE deliveries SET stage = ?, next_at = ?, outcome = ?, code = ?, message = ?, request_id = ?,
            refusals = ?, settled_at = ?
        WHERE id = ?
        """,
        (
            stage.value,
            next_at,
            receipt.outcome.value,
            receipt.code,
            receipt.message,
            receipt.request_id,
            refusals,
            now if stage.is_final else 0.0,
            one.id,
        ),
    )
    note_attempt(connection, one.id, one.attempts, receipt, now, ended.elapsed_s)
    if stage is Stage.ACCEPTED:
        note_heard(connection, one.id, one.reporter, one.checks, now)
    if stage is Stage.PENDING:
        stage = _unless_followed(connection, one, now)
    settled_as(tally, one.reporter, stage)
    settled_as(outcomes, one.reporter, stage)
    return replace(
        one,
        stage=stage,
        next_at=next_at,
        outcome=receipt.outcome.value,
        code=receipt.code,
        message=receipt.message,
        request_id=receipt.request_id,
    )


def _put_back(connection: sqlite3.Connection, one: Delivery, now: float, tally: Tally) -> None:
    """Have a delivery wait again as if it had not been begun."""
    connection.execute(
        "UPDATE deliveries SET stage = 'pending', attempts = attempts - 1, begun_at = 0 WHERE id = ?", (one.id,)
    )
    settled_as(tally, one.reporter, _unless_followed(connection, one, now))


def _unless_followed(connection: sqlite3.Connection, one: Delivery, now: float) -> Stage:
    """The stage of one that waits again: superseded where a newer one has come meanwhile that says it better."""
    own = Tally()
    if is_followed(connection, one):
        supersede(connection, [one.id], now, own)
    return next((Stage(word) for (_, word), number in own.items() if number), Stage.PENDING)


def note_attempt(
    connection: sqlite3.Connection, number: int, attempt: int, receipt: Receipt, now: float, elapsed_s: float | None
) -> None:
    """Add an attempt to the history of a delivery, and clear those in its middle."""
    words = (receipt.outcome.value, receipt.code, receipt.message, receipt.request_id)
    connection.execute(
        "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (number, attempt, now, *words, elapsed_s)
    )
    if attempt > LAST_ATTEMPTS + 1:
        connection.execute(
            "DELETE FROM attempts WHERE delivery = ? AND number > 1 AND number <= ?", (number, attempt - LAST_ATTEMPTS)
        )


def is_followed(connection: sqlite3.Connection, one: Delivery) -> bool:
    """Whether there is a newer delivery of the same target."""
    own = checks_dir_of(connection, one)
    query = f"SELECT 1 FROM deliveries WHERE reporter = ? AND target = ? AND id > ? AND {OWN} LIMIT 1"
    return connection.execute(query, (one.reporter, one.target, one.id, own, own)).fetchone() is not None


def checks_dir_of(connection: sqlite3.Connection, one: Delivery) -> str:
    """The checks directory of a delivery; "" where that is not known."""
    row = connection.execute("SELECT checks_dir FROM deliveries WHERE id = ?", (one.id,)).fetchone()
    return "" if row is None else str(row[0])


def anchor(connection: sqlite3.Connection, now: float) -> None:
    """Have what was made at a time that has not come yet count as made now: the clock was set back since.

    Nobody knows how old it is; so it is sent if that can be done soon, and expires as if it were new.
    """
    connection.execute(
        f"""
        UPDATE deliveries SET expires_at = ? + (expires_at - created_at), created_at = ?
        WHERE {WAITING} AND created_at > ?
        """,
        (now, now, now + AHEAD_S),
    )


def expire(connection: sqlite3.Connection, now: float, tally: Tally) -> None:
    """Lay aside what waited until it was too old to be true; it is counted."""
    query = f"SELECT id, reporter FROM deliveries WHERE {WAITING} AND expires_at < ?"
    for number, reporter in connection.execute(query, (now,)).fetchall():
        settle_as(connection, number, Stage.EXPIRED, now)
        tally[reporter, Stage.EXPIRED.value] += 1


@dataclass(frozen=True, slots=True)
class _Due:
    """As much of a delivery as it takes to choose."""

    id: int
    target: str
    attempts: int


def _begin(
    connection: sqlite3.Connection, checks_dir: str, reporter: str, room: Room, now: float
) -> tuple[list[tuple[Delivery, ...]], bool]:
    """Mark what may be sent now; give it, and whether more is due."""
    pause = pause_of(connection, checks_dir, reporter)
    due = _due(connection, checks_dir, reporter, now)
    if pause is None or not pause.pauses:
        groups, more = _grouped(due, room, lambda number: _body_of(connection, number))
    elif not pause.is_over(now) or _is_sending(connection, checks_dir, reporter):
        return [], False
    else:
        # One asks for all; another each time, lest one that never gets an answer keeps all others waiting.
        probe = next((one for one in sorted(due, key=attrgetter("attempts", "id")) if room.knows(one.target)), None)
        if probe is None:
            return [], False
        allowed = room.sendings > 0 and room.deliveries > 0
        groups, more = ([[probe]], False) if allowed else ([], True)
    numbers = [one.id for group in groups for one in group]
    connection.executemany(
        "UPDATE deliveries SET stage = 'sending', attempts = attempts + 1, begun_at = ? WHERE id = ?",
        [(now, number) for number in numbers],
    )
    marked = {one.id: one for one in read_some(connection, numbers)}
    connection.executemany(
        """
        INSERT INTO told (checks_dir, reporter, target, newest)
        SELECT checks_dir, reporter, target, id FROM deliveries WHERE id = ?
        ON CONFLICT (checks_dir, reporter, target) DO UPDATE SET newest = max(newest, excluded.newest)
        """,
        [(number,) for number in numbers],
    )
    return [tuple(marked[one.id] for one in group) for group in groups], more


def _due(connection: sqlite3.Connection, checks_dir: str, reporter: str, now: float) -> Iterator[_Due]:
    """What may be sent, oldest first: of each target only the oldest, and none while one is being sent.

    It is read as it is asked for, from indexes that have all of this: many may wait behind one. What was tried at a
    time that has not come yet may be tried now: the clock was set back since.
    """
    rows = connection.execute(
        f"""
        SELECT id, target, attempts FROM deliveries INDEXED BY deliveries_waiting
        WHERE {WAITING} AND reporter = ? AND {OWN} AND NOT held AND (next_at <= ? OR begun_at > ?)
            AND NOT EXISTS (SELECT 1 FROM deliveries AS older INDEXED BY deliveries_open
                WHERE older.{OPEN} AND older.reporter = deliveries.reporter AND older.target = deliveries.target
                AND older.id < deliveries.id AND (? = '' OR older.checks_dir IN ('', ?)))
        ORDER BY id
        """,
        (reporter, checks_dir, checks_dir, now, now, checks_dir, checks_dir),
    )
    return (_Due(*row) for row in rows)


def _is_sending(connection: sqlite3.Connection, checks_dir: str, reporter: str) -> bool:
    query = f"SELECT 1 FROM deliveries WHERE {UNDER_WAY} AND reporter = ? AND {OWN} LIMIT 1"
    return connection.execute(query, (reporter, checks_dir, checks_dir)).fetchone() is not None


def _body_of(connection: sqlite3.Connection, number: int) -> str:
    return str(connection.execute("SELECT body FROM deliveries WHERE id = ?", (number,)).fetchone()[0])


def _grouped(due: Iterable[_Due], room: Room, body_of: Callable[[int], str]) -> tuple[list[list[_Due]], bool]:
    """Take as much as there is room for, equal bodies together; and say whether more is due."""
    groups: dict[str, list[_Due]] = {}
    whole: list[list[_Due]] = []
    taken = passed = 0
    for one in due:
        if not room.knows(one.target):
            continue
        if taken >= room.deliveries:
            return [*whole, *groups.values()], True
        # Where each goes alone, its number is as good as its body, and cheaper.
        body = body_of(one.id) if room.together > 1 else str(one.id)
        group = groups.get(body)
        if group is not None:
            group.append(one)
        elif len(whole) + len(groups) < room.sendings:
            group = groups.setdefault(body, [one])
        else:
            passed += 1
            if room.together == 1 or passed >= LOOK_AHEAD:
                return [*whole, *groups.values()], True
            continue
        taken += 1
        if len(group) >= room.together:
            whole.append(groups.pop(body))
    return [*whole, *groups.values()], passed > 0
