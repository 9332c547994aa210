"""Sorts the rows of a damaged database: which table each belongs to, whether it holds together, and which is newest.

A row is taken for what its values are: so many, of these types, and with a meaning. What Checkmill never wrote so is
left behind.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checkmill.model.delivery import Stage
from checkmill.model.reporter import Outcome
from checkmill.model.state import State
from checkmill.store.documents import UNREADABLE, memory_from, results_from, unsealed
from checkmill.store.failing import UnreadableRowError
from checkmill.store.outbox.inserting import a_moment_after
from checkmill.store.outbox.schema import COLUMNS, delivery_from, marks
from checkmill.store.outbox.tallying import REMOVED
from checkmill.store.pages import Reading, Row, Value

#: No number is larger that anything was counted with.
LARGEST = 10**12
#: A delivery as version 1 had it.
_FORMER = (
    "id",
    "reporter",
    "target",
    "state",
    "services",
    "checks",
    "body",
    "created_at",
    "expires_at",
    "repeat_unknown",
    "stage",
    "attempts",
    "next_at",
    "outcome",
    "code",
    "message",
    "request_id",
)
#: What of two copies of a delivery is the newer one: what was sent must not be taken for what waits.
_PROGRESS = {Stage.PENDING.value: 0, Stage.SENDING.value: 1}
_STAGES = {*(stage.value for stage in Stage), REMOVED}
_OUTCOMES = {outcome.value for outcome in Outcome}

Values = dict[str, Any]


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    is_required: bool


@dataclass(frozen=True)
class _Table:
    """A table as the new database has it; where `is_numbered`, the first column is the row's number."""

    name: str
    columns: tuple[_Column, ...]
    is_numbered: bool

    def values_of(self, row: Row) -> Values | None:
        """The values of a row by their columns, None if it is no row of this table."""
        if self.is_numbered != (row.number is not None) or len(row.values) != len(self.columns):
            return None
        values: list[Value] = list(row.values)
        if self.is_numbered and values[0] is None:
            values[0] = row.number
        return self.named(values)

    def named(self, values: Sequence[Value]) -> Values | None:
        """The values by their columns, None where the types are others."""
        found: Values = {}
        for column, value in zip(self.columns, values, strict=True):
            if value is None and column.is_required:
                return None
            if value is not None and not _is_of(value, column.kind):
                return None
            found[column.name] = float(value) if column.kind == "REAL" and isinstance(value, int) else value
        return found


def _is_of(value: Value, kind: str) -> bool:
    if kind == "TEXT":
        return isinstance(value, str)
    if kind == "INTEGER":
        return isinstance(value, int)
    return isinstance(value, int | float) and not math.isnan(value)


@dataclass
class Salvage:
    """What is gathered from a damaged database, by table, each row once."""

    _tables: Mapping[str, _Table]
    _found: dict[str, dict[tuple[Value, ...], Values]] = field(default_factory=dict)
    _sequence: int = 0
    _bad_rows: int = 0

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Salvage:
        """Nothing gathered yet, for the tables of a database that is whole."""
        return cls({name: _table(connection, name) for name in _CHECKS}, {name: {} for name in _CHECKS})

    # Gathering

    def take(self, row: Row) -> None:
        """Take a row for what it is, if it is anything."""
        if row.number is not None and len(row.values) == 2 and row.values[0] == "deliveries":
            if isinstance(row.values[1], int) and 0 < row.values[1] <= LARGEST:
                self._sequence = max(self._sequence, row.values[1])
            return
        former = _former(row)
        looks_right = former is not None
        for name, table in self._tables.items():
            values = former if former is not None and name == "deliveries" else table.values_of(row)
            if values is None:
                continue
            looks_right = looks_right or name in _TELLING
            if _holds(name, values):
                self._keep(name, values)
                return
        self._bad_rows += looks_right

    def _keep(self, name: str, values: Values) -> None:
        key = tuple(values[column] for column in _KEYS[name])
        known = self._found[name].get(key)
        if known is None or _NEWNESS[name](values) > _NEWNESS[name](known):
            self._found[name][key] = values

    # Looking

    def check(self, name: str, rows: Iterable[Sequence[Value]]) -> None:
        """Look at the rows of a table. Raises `UnreadableRowError` for one that does not hold together."""
        table = self._tables[name]
        for row in rows:
            values = table.named(row)
            # A result that cannot be read is measured anew; an earlier Checkmill may have written it in another form.
            if values is None or not (name == "checks" or _holds(name, values)):
                raise UnreadableRowError(f"a row of {name} cannot be read")

    @property
    def tables(self) -> Sequence[str]:
        """The names of the tables."""
        return list(self._tables)

    # Giving

    def put_in(self, connection: sqlite3.Connection) -> None:
        """Write what was gathered into a new database, within a transaction."""
        deliveries = self._found["deliveries"]
        told: set[tuple[object, ...]] = set()
        for _, values in sorted(deliveries.items()):
            # Two that were made in one instant get a moment each, in their order.
            while (key := (values["reporter"], values["target"], values["run_at"])) in told:
                values["run_at"] = a_moment_after(values["run_at"])
            told.add(key)
            if values["attempts"] > 0:
                # Nothing older must follow it, whether or not what was noted of its target can be read.
                target = {name: values[name] for name in ("checks_dir", "reporter", "target")}
                self._keep("told", {**target, "newest": values["id"]})
        attempts = self._found["attempts"]
        self._found["attempts"] = {key: one for key, one in attempts.items() if (one["delivery"],) in deliveries}
        for one in self._found["checks"].values():
            # What is shown as a state is measured anew: only what is remembered counts.
            one["good_until"] = 0.0
        for name, table in self._tables.items():
            names = [column.name for column in table.columns]
            statement = f"INSERT OR IGNORE INTO {name} ({', '.join(names)}) VALUES ({marks(names)})"
            rows = ([one[column] for column in names] for one in self._found[name].values())
            connection.executemany(statement, rows)
        self._go_on_counting(connection)

    def _go_on_counting(self, connection: sqlite3.Connection) -> None:
        """Give no delivery a number that one before it had."""
        if self._sequence:
            last = max([self._sequence, *(values["id"] for values in self._found["deliveries"].values())])
            connection.execute("DELETE FROM sqlite_sequence WHERE name = 'deliveries'")
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('deliveries', ?)", (last,))

    def told(self, reading: Reading) -> str:
        """What was gathered and what could not be read, as the rest of a sentence."""
        deliveries = self._found["deliveries"].values()
        waiting = sum(values["stage"] in _PROGRESS for values in deliveries)
        open_ones = f" ({waiting} of them not settled)" if waiting else ""
        found = f"rescued: {_count(len(deliveries), 'delivery', 'deliveries')}{open_ones}"
        found += f", and what {_count(len(self._found['checks']), 'check remembers', 'checks remember')}"
        rows, pages = reading.bad_rows + self._bad_rows, reading.bad_pages
        if not rows and not pages:
            return f"{found}; nothing that was found in it is lost"
        lost = [f"{pages} of {_count(reading.pages, 'page', 'pages')}"] if pages else []
        lost += [_count(rows, "row", "rows")] if rows else []
        return f"{found}; lost: {' and '.join(lost)} that cannot be read"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _table(connection: sqlite3.Connection, name: str) -> _Table:
    found = connection.execute(f"PRAGMA table_info({name})").fetchall()
    columns = tuple(_Column(column, kind, bool(needed or key)) for _, column, kind, needed, _, key in found)
    return _Table(name, columns, is_numbered=name == "deliveries")


def _former(row: Row) -> Values | None:
    """A delivery of version 1, as it would be today."""
    if row.number is None or len(row.values) != len(_FORMER):
        return None
    values: Values = dict(zip(_FORMER, row.values, strict=True))
    body = values["body"]
    more: Values = {"refusals": 0, "held": 0, "begun_at": 0.0, "keep_all": 0, "checks_dir": ""}
    more["size"] = len(body.encode()) if isinstance(body, str) else 0
    made = values["created_at"]
    return {**values, **more, "id": row.number, "run_at": made, "settled_at": made}


# What holds together


def _holds(name: str, values: Values) -> bool:
    try:
        return _CHECKS[name](values)
    except (*UNREADABLE, UnreadableRowError):
        return False


def _is_delivery(values: Values) -> bool:
    one = delivery_from([values[name] for name in COLUMNS.split(", ")])
    times = (one.created_at, one.run_at, one.next_at, values["begun_at"], values["settled_at"])
    numbers = (one.attempts, values["refusals"])
    State(one.state)
    return (
        0 < one.id <= LARGEST
        and all(0 <= number <= LARGEST for number in (*times, *numbers))
        and one.expires_at >= 0
        and {values["repeat_unknown"], values["keep_all"], values["held"]} <= {0, 1}
        and values["size"] == len(one.body.encode())
        and isinstance(json.loads(one.target), dict)
        and all(isinstance(text, str) for text in (*one.services, *one.checks))
        and one.outcome in {"", *_OUTCOMES}
    )


def _is_attempt(values: Values) -> bool:
    elapsed_s = values["elapsed_s"]
    return (
        0 < values["delivery"] <= LARGEST
        and 0 < values["number"] <= LARGEST
        and 0 <= values["at"] <= LARGEST
        and values["outcome"] in _OUTCOMES
        and (elapsed_s is None or 0 <= elapsed_s <= LARGEST)
    )


def _is_told(values: Values) -> bool:
    return isinstance(json.loads(values["target"]), dict) and 0 < values["newest"] <= LARGEST


def _is_count(values: Values) -> bool:
    at = values["last_at"] if "last_at" in values else values["minute"]
    return values["stage"] in _STAGES and 0 <= values["count"] <= LARGEST and 0 <= at <= LARGEST


def _is_pause(values: Values) -> bool:
    return all(0 <= value <= LARGEST for name, value in values.items() if name not in {"checks_dir", "reporter"})


def _is_check(values: Values) -> bool:
    results_from(unsealed(values["results"]))
    memory_from(unsealed(values["memory"]))
    files = json.loads(values["files"])
    times = (values["measured_at"], values["good_until"])
    return isinstance(files, list) and bool(values["name"]) and all(map(math.isfinite, times))


#: The tables in the order in which a row is tried on them, with what their rows hold to.
_CHECKS: Mapping[str, Callable[[Values], bool]] = {
    "deliveries": _is_delivery,
    "attempts": _is_attempt,
    "told": _is_told,
    "counters": _is_count,
    "tallies": _is_count,
    "pauses": _is_pause,
    "checks": _is_check,
}
#: Those whose rows are like no entry of an index, so that a bad one can be told.
_TELLING = {"deliveries", "attempts", "checks"}
_KEYS = {
    "deliveries": ("id",),
    "attempts": ("delivery", "number"),
    "told": ("checks_dir", "reporter", "target"),
    "counters": ("reporter", "stage"),
    "tallies": ("reporter", "minute", "stage"),
    "pauses": ("checks_dir", "reporter"),
    "checks": ("checks_dir", "name"),
}
_NEWNESS: Mapping[str, Callable[[Values], Any]] = {
    "deliveries": lambda values: (_PROGRESS.get(values["stage"], 2), values["attempts"]),
    "attempts": lambda values: values["at"],
    "told": lambda values: values["newest"],
    "counters": lambda values: values["count"],
    "tallies": lambda values: values["count"],
    "pauses": lambda values: values["since"],
    "checks": lambda values: values["measured_at"],
}
