"""What an operator may have done with deliveries: have them tried once more, or remove them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from checkmill.model.delivery import Delivery, Stage
from checkmill.store.outbox.pausing import end_wait
from checkmill.store.outbox.schema import FINAL, OWN, read
from checkmill.store.outbox.tallying import REMOVED, Tally, counted
from checkmill.store.outbox.turning import checks_dir_of, is_followed

#: Those that can be tried or removed; what is being sent cannot be called back, and what arrived needs neither.
_REFUSALS = {
    Stage.SENDING: "delivery {0} is being sent right now; look again when it has an outcome",
    Stage.ACCEPTED: "delivery {0} was accepted",
}
#: What is taken back or removed is nothing that happened to a delivery within the last hour.
_NO_TIME = 0.0


def retry(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Have deliveries tried once more, now, however old they are, within a transaction; those that are not, with why.

    Not those that a newer one of the same target followed: they would tell the receiver a state of the past. Where all
    states are told, those before which no newer one was sent. A paused receiver may be asked again at once.
    """
    refused: dict[int, str] = {}
    tally = Tally()
    retried: set[str] = set()
    for number in numbers:
        one = _find(connection, number)
        why = _why_not(one, number) or _told_better(connection, one)
        if why or one is None:
            refused[number] = why
            continue
        # 9e999 is how SQL writes infinity.
        again = "stage = 'pending', next_at = 0, expires_at = 9e999, refusals = 0, settled_at = 0, held = 0"
        connection.execute(f"UPDATE deliveries SET {again} WHERE id = ?", (number,))
        retried.add(one.reporter)
        if one.stage.is_final:
            tally[one.reporter, one.stage.value] -= 1
    for reporter in retried:
        end_wait(connection, reporter)
    counted(connection, tally, _NO_TIME)
    return refused


def drop(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Remove deliveries, within a transaction; those that are not, with why."""
    refused: dict[int, str] = {}
    tally = Tally()
    for number in numbers:
        one = _find(connection, number)
        why = _why_not(one, number)
        if why or one is None:
            refused[number] = why
            continue
        connection.execute("DELETE FROM attempts WHERE delivery = ?", (number,))
        connection.execute("DELETE FROM deliveries WHERE id = ?", (number,))
        if not one.stage.is_final:
            tally[one.reporter, REMOVED] += 1
    counted(connection, tally, _NO_TIME)
    return refused


def prune(connection: sqlite3.Connection, kept: int, kept_aside: int, kept_size: int) -> None:
    """Clear old settled deliveries, within a transaction.

    The last `kept` of those that went as they should stay, of all others the last `kept_aside`, and of their bodies no
    more than `kept_size` bytes altogether.
    """
    quiet = (Stage.ACCEPTED.value, Stage.SUPERSEDED.value)
    aside = tuple(stage for stage in FINAL if stage not in quiet)
    gone: list[int] = []
    size = 0
    for stages, most in ((aside, kept_aside), (quiet, kept)):
        query = f"SELECT id, size FROM deliveries WHERE stage IN ({', '.join('?' * len(stages))}) ORDER BY id DESC"
        for place, (number, own_size) in enumerate(connection.execute(query, stages)):
            size += own_size
            if place >= most or size > kept_size:
                gone.append(number)
    connection.executemany("DELETE FROM attempts WHERE delivery = ?", [(number,) for number in gone])
    connection.executemany("DELETE FROM deliveries WHERE id = ?", [(number,) for number in gone])
    connection.execute(
        """
        DELETE FROM told WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.reporter = told.reporter
            AND deliveries.target = told.target AND (told.checks_dir = '' OR checks_dir IN ('', told.checks_dir)))
        """
    )


def _find(connection: sqlite3.Connection, number: int) -> Delivery | None:
    found = read(connection, "WHERE id = ?", [number])
    return found[0] if found else None


def _why_not(one: Delivery | None, number: int) -> str:
    if one is None:
        return f"there is no delivery {number}"
    return _REFUSALS.get(one.stage, "").format(number)


def _told_better(connection: sqlite3.Connection, one: Delivery | None) -> str:
    """Why a delivery would be a step back for its receiver, if it would."""
    if one is None:
        return ""
    own = checks_dir_of(connection, one)
    query = f"SELECT 1 FROM told WHERE reporter = ? AND target = ? AND newest > ? AND {OWN}"
    told = connection.execute(query, (one.reporter, one.target, one.id, own, own)).fetchone() is not None
    if not told and (one.keep_all or not is_followed(connection, one)):
        return ""
    return f"delivery {one.id} was followed by a newer one for the same target, which says it better"
