"""A database of the first version becomes one of this version, whole or not at all, with all that was in it."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from checkmill.model.delivery import Delivery, Stage
from checkmill.store import Store, StoreError
from checkmill.store import schema as tables
from checkmill.store.outbox import Room
from support.rules import HOUR, NOW

#: The tables as the first version made them.
VERSION_1 = """
PRAGMA journal_mode = WAL;
CREATE TABLE checks (
    checks_dir TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, files TEXT NOT NULL, measured_at REAL NOT NULL,
    good_until REAL NOT NULL, results TEXT NOT NULL, memory TEXT NOT NULL, PRIMARY KEY (checks_dir, name)
) WITHOUT ROWID;
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY, reporter TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL, services TEXT NOT NULL,
    checks TEXT NOT NULL, body TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL NOT NULL,
    repeat_unknown INTEGER NOT NULL, stage TEXT NOT NULL, attempts INTEGER NOT NULL, next_at REAL NOT NULL,
    outcome TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, request_id TEXT NOT NULL
);
CREATE INDEX deliveries_by_stage ON deliveries (stage);
CREATE INDEX deliveries_by_target ON deliveries (reporter, target, id);
PRAGMA user_version = 1;
"""
MEMORY = {"selection": "", "seen": [], "last_good": [], "wait_until": 7.0}


def row(number: int, stage: str, **parts: object) -> tuple[object, ...]:
    known: dict[str, object] = {
        "reporter": "nhn",
        "target": f'{{"scenario": "{number}"}}',
        "state": "WARNING",
        "services": '["디스크", "cpu web-1"]',
        "checks": '["disk", "cpu"]',
        "body": '{"state": "경고"}',
        "created_at": NOW - 100 + number,
        "expires_at": NOW + HOUR,
        "repeat_unknown": 0,
        "stage": stage,
        "attempts": 2,
        "next_at": NOW + 20,
        "outcome": "not sent",
        "code": "c",
        "message": "HTTP 503",
        "request_id": "r",
    }
    return (number, *{**known, **parts}.values())


ROWS = [
    row(3, "accepted", outcome="accepted"),
    row(5, "pending"),
    row(6, "sending", repeat_unknown=1),
    row(7, "sending"),
    row(9, "refused", reporter="other"),
    row(12, "accepted", target="{}", created_at=NOW),
    row(13, "superseded", target="{}", created_at=NOW),
    row(14, "pending", target="{}", created_at=NOW, next_at=0.0, attempts=0),
]


def fill(path: Path, rows: list[tuple[object, ...]]) -> None:
    """Make a database of the first version with these deliveries."""
    with closing(sqlite3.connect(path / "state.db")) as connection, connection:
        connection.executescript(VERSION_1)
        connection.executemany(f"INSERT INTO deliveries VALUES ({', '.join('?' * 17)})", rows)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir(mode=0o770)
    with closing(sqlite3.connect(path / "state.db")) as connection, connection:
        connection.executescript(VERSION_1)
        connection.executemany(f"INSERT INTO deliveries VALUES ({', '.join('?' * 17)})", ROWS)
        check = ("/checks.d", "cpu", "digest", "[]", NOW, NOW + 60, "[]", json.dumps(MEMORY))
        connection.execute("INSERT INTO checks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", check)
    return path


def version_of(directory: Path) -> int:
    with closing(sqlite3.connect(directory / "state.db")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)


def test_all_that_was_there_is_there(directory: Path) -> None:
    with closing(Store.open(directory)) as store:
        found = store.outbox.deliveries()
        assert [(one.id, one.stage.value) for one in found] == [(number, parts[9]) for number, *parts in ROWS]
        assert found[1] == Delivery(
            reporter="nhn",
            target='{"scenario": "5"}',
            state="WARNING",
            services=("디스크", "cpu web-1"),
            body='{"state": "경고"}',
            created_at=NOW - 95,
            expires_at=NOW + HOUR,
            run_at=NOW - 95,
            checks=("disk", "cpu"),
            attempts=2,
            next_at=NOW + 20,
            outcome="not sent",
            code="c",
            message="HTTP 503",
            request_id="r",
            id=5,
        )
        assert store.stored("/checks.d")["cpu"].memory.wait_until == 7.0
    assert version_of(directory) == 2


def test_what_was_settled_is_counted_and_what_waits_is_measured(directory: Path) -> None:
    with closing(Store.open(directory)) as store:
        health = store.outbox.health(NOW + 1).reporters
    assert {name: dict(one.counts) for name, one in health.items()} == {
        "nhn": {"accepted": 2, "superseded": 1},
        "other": {"refused": 1},
    }
    nhn = health["nhn"]
    assert (nhn.waiting, nhn.waiting_bytes) == (4, 4 * len('{"state": "경고"}'.encode()))
    assert (nhn.oldest_at, nhn.last_success_at) == (NOW - 95, NOW)


def test_deliveries_of_one_moment_and_target_become_those_of_different_runs(directory: Path) -> None:
    with closing(Store.open(directory)) as store:
        runs = [one.run_at for one in store.outbox.deliveries(targets=["{}"])]
    assert runs == sorted(set(runs))
    assert runs[0] == NOW
    assert runs[-1] < NOW + 0.001


@pytest.mark.parametrize(
    "times",
    [
        (NOW, NOW, NOW + 1e-6),
        (1e12, 1e12),
        (1e300, 1e300),
        (float("inf"), float("inf")),
        (-5.0, -5.0, 0.0),
    ],
    ids=["a moment apart", "far ahead", "no time", "endless", "before the epoch"],
)
def test_deliveries_of_any_times_get_runs_of_their_own(tmp_path: Path, times: tuple[float, ...]) -> None:
    rows = [row(number, "pending", target="{}", created_at=at) for number, at in enumerate(times, 1)]
    fill(tmp_path, rows)
    with closing(Store.open(tmp_path)) as store:
        assert len({one.run_at for one in store.outbox.deliveries()}) == len(times)


def test_many_of_one_moment_and_target_are_brought_over_within_seconds(tmp_path: Path) -> None:
    """Whoever else opens it waits meanwhile, and gives up after five."""
    fill(tmp_path, [row(number, "superseded", target="{}", created_at=NOW) for number in range(1, 10_001)])
    began = time.monotonic()
    Store.open(tmp_path).close()
    assert time.monotonic() - began < 5


def test_what_is_brought_over_belongs_to_each_checks_directory(directory: Path) -> None:
    with closing(Store.open(directory)) as store:
        assert store.outbox_of("/anything.d").reporters() == ["nhn"]


def test_it_is_fed_on_as_any_other(directory: Path) -> None:
    with closing(Store.open(directory)) as store:
        assert store.outbox.recover(NOW + 30) == {"unknown": 1}
        begun = store.outbox.turn([], NOW + 30, {"nhn": Room(9, 9)}).begun
        assert sorted(one.id for group in begun for one in group) == [5, 6, 14]
        made = Delivery("nhn", "t", "OK", (), "{}", NOW, NOW + HOUR, run_at=NOW)
        store.commit("/checks.d", [], [made], NOW)
        assert store.outbox.deliveries(targets=["t"])[0].id == 15
        assert store.outbox.retry([9]) == {}


def test_it_is_done_once(directory: Path) -> None:
    for _ in range(3):
        with closing(Store.open(directory)) as store:
            assert len(store.outbox.deliveries()) == len(ROWS)


def test_many_may_open_it_at_once(directory: Path) -> None:
    failures: list[StoreError] = []
    together = threading.Barrier(6)

    def work() -> None:
        together.wait(10)
        try:
            with closing(Store.open(directory)) as store:
                assert len(store.outbox.deliveries()) == len(ROWS)
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert version_of(directory) == 2


def test_one_that_is_ended_half_way_leaves_the_first_version_as_it_was(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tables.migrated

    def half(connection: sqlite3.Connection, version: int) -> None:
        whole(connection, version)
        raise KeyboardInterrupt

    monkeypatch.setattr(tables, "migrated", half)
    with pytest.raises(KeyboardInterrupt):
        Store.open(directory)
    assert version_of(directory) == 1
    monkeypatch.undo()
    with closing(Store.open(directory)) as store:
        assert len(store.outbox.deliveries([Stage.PENDING, Stage.SENDING])) == 4


def test_an_empty_one_becomes_an_empty_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.executescript(VERSION_1)
    with closing(Store.open(tmp_path)) as store:
        assert store.outbox.deliveries() == []
        assert store.outbox.health(NOW).reporters == {}


def test_a_migrated_database_has_the_tables_of_a_new_one(directory: Path, tmp_path: Path) -> None:
    def described(path: Path) -> set[tuple[str, str]]:
        Store.open(path).close()
        with closing(sqlite3.connect(path / "state.db")) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
            return {(name, " ".join(sql.replace('"', "").split())) for name, sql in rows if name != "checks"}

    assert described(directory) == described(tmp_path / "new")
