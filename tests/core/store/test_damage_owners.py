"""A database that was emptied, that root came by, and that others hold: nothing is silent, and nobody is kept out."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from checkmill.edges import Edges
from checkmill.store import Store, StoreError, failing
from checkmill.store.locking import locked
from support.damage import CHECKS_DIR, STAGES, delivery, edges, filled, overwrite, set_aside, stages_of
from support.rules import NOW

PAGE = 4096


@pytest.fixture
def full(tmp_path: Path, rule_file: Path) -> Path:
    """A state directory with something in every table."""
    return filled(tmp_path / "full", rule_file)


@pytest.fixture
def opening() -> Callable[..., Store]:
    def opened(directory: Path, now: float = NOW, busy_s: float = 0.05) -> Store:
        return Store.open(directory, busy_s=busy_s, edges=edges(now))

    return opened


@pytest.mark.parametrize("old_s", [0, 61], ids=["just now", "a minute ago"])
def test_a_database_that_was_emptied_is_set_aside_and_told_however_short_a_time_ago(
    full: Path, opening: Callable[..., Store], old_s: int
) -> None:
    (full / "state.db").write_bytes(b"")

    with closing(opening(full, now=(full / "state.db").stat().st_mtime + old_s)) as store:
        (told,) = store.rescues()
    (aside,) = set_aside(full)
    assert told == f"{full}/state.db was damaged (it is empty) and is set aside as {full / aside}; what it held is lost"


def test_a_new_database_is_never_there_without_its_tables_and_no_two_make_it(tmp_path: Path) -> None:
    seen: list[int] = []
    told: list[str] = []
    together = threading.Barrier(6)

    def work() -> None:
        together.wait(10)
        with closing(Store.open(tmp_path / "state", busy_s=20, edges=edges())) as store:
            seen.append((tmp_path / "state/state.db").stat().st_size)
            told.extend(store.rescues())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(seen), 0 in seen, told) == (6, False, [])
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["state.db"]


def test_what_one_who_was_killed_left_of_a_new_database_is_made_anew(
    tmp_path: Path, opening: Callable[..., Store]
) -> None:
    (tmp_path / "state.db.new").write_bytes(b"SQLite format 3\0 and no more")
    (tmp_path / "state.db.new-wal").write_bytes(b"half a log")

    with closing(opening(tmp_path)) as store:
        assert (store.rescues(), store.outbox.deliveries()) == ([], [])
    assert [path.name for path in tmp_path.iterdir()] == ["state.db"]


def test_a_mark_without_a_database_is_no_database_that_was_emptied(
    tmp_path: Path, opening: Callable[..., Store]
) -> None:
    (tmp_path / "state.db.suspect").touch()

    with closing(opening(tmp_path)) as store:
        assert store.rescues() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of others to give back")
def test_what_root_makes_belongs_to_those_who_share_the_directory(full: Path, opening: Callable[..., Store]) -> None:
    for path in (full, full / "state.db"):
        os.chown(path, 65534, 65533)
    full.chmod(0o750)
    (full / "state.db").chmod(0o664)
    overwrite(full / "state.db", PAGE, b"\xff" * PAGE * 3)
    with closing(opening(full)) as store, pytest.raises(StoreError):
        store.outbox.deliveries()

    mark = (full / "state.db.suspect").stat()
    assert (mark.st_uid, mark.st_gid, mark.st_mode & 0o777) == (65534, 65533, 0o660)
    with closing(opening(full)) as store, locked(full, "run", edges(), 0.0):
        store.commit(CHECKS_DIR, [], [delivery(9)], NOW)
        files = {path.name: path.stat() for path in full.iterdir()}
        assert {"state.db", "state.db-wal", "run.lock"} <= set(files)
        assert {(status.st_uid, status.st_gid) for status in files.values()} == {(65534, 65533)}
        assert files["state.db"].st_mode & 0o777 == 0o664


def test_a_mark_that_another_user_left_unreadable_is_made_anew(tmp_path: Path) -> None:
    """As root every file can be opened: a child that is nobody stands in for the other user."""
    if os.geteuid() != 0:
        pytest.skip("only root can leave a file of its own in a directory of another user")
    # No parent of it may keep nobody out.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chown(name, 65534, 65534)
        database = Path(name) / "state.db"
        mark = Path(f"{database}.suspect")
        mark.touch(0o600)
        child = os.fork()
        if child == 0:
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            failing.mark(database, "words")
            os._exit(0 if failing.noted(database) == "words" else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert (mark.stat().st_uid, mark.read_text()) == (65534, "words")


def test_what_was_told_of_a_target_outlives_the_damage_of_the_table_that_says_so(
    full: Path, opening: Callable[..., Store]
) -> None:
    with closing(sqlite3.connect(full / "state.db")) as other:
        other.execute("DELETE FROM told")
        other.commit()
    overwrite(full / "state.db", 16, b"\xff" * 200)

    with closing(opening(full)) as store:
        rows = store._connection.execute("SELECT target, newest FROM told").fetchall()
    assert sorted(newest for _, newest in rows) == [1, 2, 3, 4]


def test_a_damaged_database_that_others_hold_is_tried_again_with_every_use(
    full: Path, opening: Callable[..., Store]
) -> None:
    overwrite(full / "state.db", PAGE, b"\xff" * ((full / "state.db").stat().st_size - PAGE))
    with closing(opening(full)) as store:
        with closing(opening(full)):
            for _ in range(2):
                with pytest.raises(StoreError, match="as soon as no other process uses it"):
                    store.commit(CHECKS_DIR, [], [delivery(9)], NOW)
        store.commit(CHECKS_DIR, [], [delivery(9)], NOW)
        assert [one.body for one in store.outbox.deliveries()] == [delivery(9).body]


def test_others_who_use_a_damaged_database_are_waited_for_as_long_as_the_caller_can(full: Path) -> None:
    user = Store.open(full, busy_s=0.05, edges=edges())
    overwrite(full / "state.db", 0, b"\xff" * 200)
    clock = iter(range(10_000))
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 30:
            user.close()

    world = Edges(now=lambda: NOW, monotonic=lambda: float(next(clock)), sleep=sleep)
    with closing(Store.open(full, busy_s=0.05, edges=world, replace_within_s=60)) as store:
        assert stages_of(store) == STAGES
    assert len(waited) == 30
