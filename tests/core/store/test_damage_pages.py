"""Reading a database page by page: of a whole one the same rows as SQLite gives, of a damaged one no others."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkmill.store.pages import Reading, Row, Value, is_log_broken, rows_of
from support.damage import flip, overwrite
from support.stress import scale

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LONG = st.builds(lambda text, times: text * times, TEXTS.filter(bool), st.integers(1, 800))
VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    TEXTS,
    LONG,
    st.binary(max_size=40),
)
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=30)


@contextmanager
def database(page_size: int = 4096) -> Iterator[tuple[Path, sqlite3.Connection]]:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "state.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA page_size = {page_size}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE numbered (number INTEGER PRIMARY KEY, a, b, c)")
            connection.execute("CREATE TABLE keyed (key TEXT PRIMARY KEY, a, b, c, d) WITHOUT ROWID")
            yield path, connection


def rows(path: Path) -> tuple[list[Row], Reading]:
    reading = Reading()
    return list(rows_of(path, Path(f"{path}-wal"), reading)), reading


def written(connection: sqlite3.Connection) -> tuple[dict[int, tuple[Value, ...]], set[tuple[Value, ...]]]:
    numbered = {row[0]: row[1:] for row in connection.execute("SELECT * FROM numbered")}
    return numbered, set(connection.execute("SELECT * FROM keyed"))


def found(read: list[Row]) -> tuple[dict[int | None, tuple[Value, ...]], set[tuple[Value, ...]]]:
    numbered = {row.number: row.values[1:] for row in read if row.number is not None and len(row.values) == 4}
    return numbered, {row.values for row in read if row.number is None and len(row.values) == 5}


@settings(max_examples=scale(6, 30), deadline=None)
@given(ROWS, st.sets(st.integers(1, 30)), st.sampled_from([512, 4096, 65536]), st.booleans())
def test_every_row_of_a_whole_database_is_read(
    given_rows: list[tuple[Value, ...]], gone: set[int], page_size: int, is_logged: bool
) -> None:
    with database(page_size) as (path, connection):
        for number, values in enumerate(given_rows, 1):
            connection.execute("INSERT INTO numbered VALUES (?, ?, ?, ?)", (number, *values))
            connection.execute("INSERT INTO keyed VALUES (?, ?, ?, ?, ?)", (f"key {number}", number, *values))
        connection.executemany("DELETE FROM numbered WHERE number = ?", [(number,) for number in gone])
        if not is_logged:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        expected = written(connection)

        read, reading = rows(path)

        # SQLite writes a real that is whole as an integer where it is shorter, which is equal.
        assert found(read) == expected
        assert (reading.bad_pages, reading.bad_rows) == (0, 0)
        assert not is_log_broken(path, Path(f"{path}-wal"))


@settings(max_examples=scale(10, 60), deadline=None)
@given(st.data())
def test_whatever_is_damaged_reading_ends_and_what_stands_elsewhere_is_read(data: st.DataObject) -> None:
    with database() as (path, connection):
        for number in range(60):
            values = (number, "x" * (number % 7 * 900), number / 7, None)
            connection.execute("INSERT INTO numbered VALUES (?, ?, ?, ?)", values)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        size = path.stat().st_size
        how = data.draw(st.sampled_from(["bits", "block", "cut"]))
        if how == "bits":
            flip(path, data.draw(st.lists(st.integers(0, size * 8 - 1), max_size=8)))
        elif how == "block":
            overwrite(path, data.draw(st.integers(0, size - 1)), data.draw(st.binary(max_size=600)))
        else:
            path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, size))])

        read, _ = rows(path)

        assert len(read) < 1000


@pytest.mark.parametrize(
    ("at", "is_broken"),
    [(None, False), (32 + 24 + 100, True), (32 + 8, True), (16, True), (-100, False), (-4096 - 24, False)],
    ids=["whole", "a page of the first", "a head of the first", "its own head", "the last page", "the last head"],
)
def test_a_log_is_broken_where_transactions_stand_behind_a_bad_place(at: int | None, is_broken: bool) -> None:
    with database() as (path, connection):
        for number in range(4):
            connection.execute("INSERT INTO numbered VALUES (?, 'a', 'b', 'c')", (number,))
        log = Path(f"{path}-wal")
        if at is not None:
            content = bytearray(log.read_bytes())
            content[at] ^= 0x40
            log.write_bytes(content)

        assert is_log_broken(path, log) is is_broken
        assert {row.number for row in rows(path)[0] if len(row.values) == 4} == (
            {0, 1, 2, 3} if is_broken or at is None else {0, 1, 2}
        )


def test_what_was_written_and_not_committed_is_not_read() -> None:
    with database() as (path, connection):
        connection.execute("INSERT INTO numbered VALUES (1, 'a', 'b', 'c')")
        connection.execute("PRAGMA cache_size = 2")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO numbered VALUES (?, ?, 'b', 'c')", [(number, "x" * 3000) for number in range(2, 60)]
        )
        assert Path(f"{path}-wal").stat().st_size > 20 * 4096

        assert [row.number for row in rows(path)[0] if len(row.values) == 4] == [1]


def test_a_log_that_begins_anew_holds_no_rows_of_its_former_use() -> None:
    with database() as (path, connection):
        connection.executemany("INSERT INTO numbered VALUES (?, ?, 'b', 'c')", [(n, "x" * 3000) for n in range(40)])
        connection.execute("PRAGMA wal_checkpoint(FULL)")
        connection.execute("DELETE FROM numbered WHERE number > 0")
        log = Path(f"{path}-wal")

        assert [row.number for row in rows(path)[0] if len(row.values) == 4] == [0]
        assert not is_log_broken(path, log)
