"""A database that cannot be used is a sentence, whatever is wrong with it, and in bounded time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from checkmill.store import Store, StoreError
from support.rules import NOW


def test_a_store_is_empty_at_first(store: Store) -> None:
    assert store.stored("/checks.d") == {}
    assert store.outbox.deliveries() == []


def test_opening_again_and_again_changes_nothing(opened: Callable[..., Store]) -> None:
    for _ in range(3):
        assert opened().stored("/checks.d") == {}


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    store = Store.open(tmp_path)
    assert store.stored("/checks.d") == {}
    store.close()


@pytest.mark.parametrize("version", [3, 99, -1])
def test_the_database_of_another_version_is_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        Store.open(tmp_path)
    assert str(refused.value) == f"{path} was written by another version of Checkmill; name another with --state-dir"
    assert path.read_bytes() == before


def test_a_database_that_another_process_holds_is_a_sentence(opened: Callable[..., Store]) -> None:
    store = opened()
    with closing(sqlite3.connect(store.directory / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert opened().stored("/checks.d") == {}  # readers do not wait for a writer
        with pytest.raises(StoreError, match="database is locked"):
            store.forget_checks("/checks.d", ["a"])
        with pytest.raises(StoreError, match="database is locked"):
            store.commit("/checks.d", [], [], NOW)
    store.forget_checks("/checks.d", ["a"])


def test_a_database_that_another_process_makes_right_now_is_a_sentence(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="database is locked"):
            Store.open(tmp_path, busy_s=0.05)
    Store.open(tmp_path).close()


def test_many_may_make_the_same_database_at_once(tmp_path: Path) -> None:
    failures: list[StoreError] = []
    together = threading.Barrier(8)

    def work() -> None:
        together.wait(10)
        try:
            Store.open(tmp_path / "state").close()
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []


def test_a_full_disk_is_a_sentence_and_leaves_what_was(store: Store) -> None:
    store.forget_checks("/checks.d", ["a"])
    store._connection.execute("PRAGMA max_page_count = 1")  # SQLite's own way to have no room
    with closing(sqlite3.connect(store.directory / "state.db")) as other:
        pages = other.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"), store._transaction():
        store._connection.execute(
            "INSERT INTO checks VALUES ('d', 'n', '', '[]', 0, 0, ?, '')",
            ("x" * 1_000_000,),
        )
    assert store.stored("d") == {}
