"""A damaged database is set aside, what can be read of it is rescued, and a new one starts in its place."""

from __future__ import annotations

import random
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from checkmill.model.delivery import Stage
from checkmill.store import Store, StoreError
from support.damage import CHECKS_DIR, RECEIPTS, STAGES, delivery, edges, filled, flip, overwrite, set_aside, stages_of
from support.rules import NOW

PAGE = 4096
ASIDE = "state.db.damaged-20250720T082640Z"


@pytest.fixture
def full(tmp_path: Path, rule_file: Path) -> Path:
    """A state directory with something in every table."""
    return filled(tmp_path / "full", rule_file)


@pytest.fixture
def opening() -> Callable[..., Store]:
    def opened(directory: Path, now: float = NOW, busy_s: float = 0.05) -> Store:
        return Store.open(directory, busy_s=busy_s, edges=edges(now))

    return opened


def other_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE notes (words TEXT)")


def without_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE attempts")


NO_DATABASES: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"garbage"),
    "zeros": lambda path: path.write_bytes(bytes(PAGE)),
    "a header alone": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "a header and garbage": lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * PAGE),
    "half a page": lambda path: path.write_bytes(path.read_bytes()[: PAGE // 2]),
    "another program's": other_program,
    "a table less": without_tables,
}


@pytest.mark.parametrize("spoil", NO_DATABASES.values(), ids=NO_DATABASES)
def test_what_is_no_database_of_checkmill_is_set_aside_as_it_was(
    full: Path, opening: Callable[..., Store], spoil: Callable[[Path], object]
) -> None:
    spoil(full / "state.db")
    content = (full / "state.db").read_bytes()

    with closing(opening(full)) as store:
        store.commit(CHECKS_DIR, [], [delivery(9)], NOW)
        told = store.rescues()
    with closing(opening(full)) as again:
        assert again.outbox.deliveries()
        assert (again.replaced, again.rescues()) == ("", told)

    assert set_aside(full) == [ASIDE]
    assert (full / ASIDE).read_bytes() == content
    assert [sentence.partition(" (")[0] for sentence in told] == [f"{full}/state.db was damaged"]
    assert f" and is set aside as {full}/{ASIDE}; rescued: " in told[0]


def test_everything_is_rescued_when_only_the_schema_is_destroyed(full: Path, opening: Callable[..., Store]) -> None:
    with closing(opening(full)) as store:
        deliveries, health, stored = store.outbox.deliveries(), store.outbox.health(NOW), store.stored(CHECKS_DIR)
        history = [store.outbox.history(number) for number in STAGES]
    overwrite(full / "state.db", 16, b"\xff" * (PAGE - 16))

    with closing(opening(full)) as store:
        assert store.outbox.deliveries() == deliveries
        assert stages_of(store) == STAGES
        assert [store.outbox.history(number) for number in STAGES] == history
        assert store.outbox.health(NOW) == health
        assert store.stored(CHECKS_DIR)["check"].memory == stored["check"].memory
        assert store.replaced.endswith(
            "; rescued: 8 deliveries (4 of them not settled), and what 1 check remembers;"
            " nothing that was found in it is lost"
        )


def test_what_was_rescued_is_measured_anew(full: Path, opening: Callable[..., Store]) -> None:
    overwrite(full / "state.db", 16, b"\xff" * 100)

    with closing(opening(full)) as store:
        assert store.stored(CHECKS_DIR)["check"].good_until == 0.0


def test_what_was_being_sent_is_unknown_after_a_rescue(full: Path, opening: Callable[..., Store]) -> None:
    overwrite(full / "state.db", 16, b"\xff" * 100)

    with closing(opening(full)) as store:
        assert stages_of(store)[4] is Stage.SENDING
        store.outbox.recover(NOW + 3)
        # The target of number 4 takes what may be a repetition, that of no other was being told.
        assert stages_of(store) == {**STAGES, 4: Stage.PENDING}
        assert store.outbox.history(4)[0].outcome == "unknown"


def test_no_number_of_a_delivery_is_given_again(full: Path, opening: Callable[..., Store]) -> None:
    with closing(opening(full)) as store:
        assert store.outbox.drop([8]) == {}
    overwrite(full / "state.db", 16, b"\xff" * 100)

    with closing(opening(full)) as store:
        store.commit(CHECKS_DIR, [], [delivery(9)], NOW)
        assert store.outbox.deliveries()[-1].id == 9


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_of_a_database_that_was_cut_short_what_is_left_is_rescued(
    full: Path, opening: Callable[..., Store], kept: float
) -> None:
    path = full / "state.db"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])

    with closing(opening(full)) as store:
        rescued = stages_of(store)
        assert rescued.items() < STAGES.items()
        assert f"rescued: {len(rescued)} deliver" in store.replaced
        assert re.search(r"; lost: .* that cannot be read$", store.replaced)


def test_one_bad_page_costs_no_more_than_what_stands_on_it(full: Path, opening: Callable[..., Store]) -> None:
    path = full / "state.db"
    pages = path.stat().st_size // PAGE
    content = path.read_bytes()
    lost = []
    for page in range(1, pages):
        path.write_bytes(content)
        overwrite(path, page * PAGE, b"\xff" * PAGE)
        with closing(_mended(full, opening)) as store:
            lost.append(len(STAGES) - len(stages_of(store)))
            assert stages_of(store).items() <= STAGES.items()
        for name in set_aside(full):
            (full / name).unlink()
    assert max(lost) < len(STAGES)
    assert sum(lost) <= pages


def _mended(directory: Path, opening: Callable[..., Store]) -> Store:
    """Open a store and use all of it, as often as it takes until that succeeds."""
    for _ in range(3):
        store = opening(directory)
        try:
            store.stored(CHECKS_DIR)
            store.outbox.deliveries()
            store.outbox.health(NOW)
        except StoreError:
            store.close()
        else:
            store.close()
            overwrite(directory / "state.db", 16, b"\xff" * 84)
            return opening(directory)
    raise AssertionError("the database stays damaged")


def test_a_log_that_was_damaged_hides_nothing_that_was_committed_after_it(
    tmp_path: Path, rule_file: Path, opening: Callable[..., Store]
) -> None:
    directory = filled(tmp_path / "logged", rule_file, with_log=True)
    log = directory / "state.db-wal"
    # In the first of several transactions; SQLite by itself would read nothing of them.
    overwrite(log, 32 + 24 + 2000, b"\xff")

    with closing(opening(directory)) as store:
        assert stages_of(store) == STAGES
        assert f"{directory}/state.db was damaged (its log is damaged) and is set aside" in store.replaced
    assert set_aside(directory) == [ASIDE, f"{ASIDE}-wal"]


def test_the_last_transaction_of_a_log_may_be_torn_by_a_power_failure(
    tmp_path: Path, rule_file: Path, opening: Callable[..., Store]
) -> None:
    directory = filled(tmp_path / "logged", rule_file, with_log=True)
    log = directory / "state.db-wal"
    log.write_bytes(log.read_bytes()[:-PAGE] + bytes(PAGE))

    with closing(opening(directory)) as store:
        assert stages_of(store) == {number: stage for number, stage in STAGES.items() if number <= 4}
        assert (store.replaced, set_aside(directory)) == ("", [])


def test_a_database_that_lost_all_but_its_log_is_rescued_from_that(
    tmp_path: Path, rule_file: Path, opening: Callable[..., Store]
) -> None:
    directory = filled(tmp_path / "logged", rule_file, with_log=True)
    (directory / "state.db").write_bytes(b"")

    with closing(opening(directory)) as store:
        assert stages_of(store) == STAGES


def test_a_damaged_database_of_version_1_is_rescued_and_brought_to_this_one(
    tmp_path: Path, opening: Callable[..., Store]
) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db")) as former:
        former.executescript(VERSION_1)
        former.executemany(
            "INSERT INTO deliveries (reporter, target, state, services, checks, body, created_at, expires_at,"
            " repeat_unknown, stage, attempts, next_at, outcome, code, message, request_id)"
            " VALUES ('nhn', ?, 'OK', '[\"cpu\"]', '[\"cpu\"]', '{}', ?, 9e999, 0, ?, 1, 0, '', '', '', '')",
            [('{"scenario": "a"}', NOW, "accepted"), ('{"scenario": "a"}', NOW, "sending")],
        )
        former.commit()
    overwrite(tmp_path / "state.db", 100, b"\xff" * 1000)

    with closing(opening(tmp_path)) as store:
        assert stages_of(store) == {1: Stage.ACCEPTED, 2: Stage.SENDING}
        assert [one.run_at for one in store.outbox.deliveries()] == [NOW, pytest.approx(NOW, abs=1e-3)]


VERSION_1 = """
    CREATE TABLE deliveries (id INTEGER PRIMARY KEY, reporter TEXT NOT NULL, target TEXT NOT NULL,
        state TEXT NOT NULL, services TEXT NOT NULL, checks TEXT NOT NULL, body TEXT NOT NULL,
        created_at REAL NOT NULL, expires_at REAL NOT NULL, repeat_unknown INTEGER NOT NULL, stage TEXT NOT NULL,
        attempts INTEGER NOT NULL, next_at REAL NOT NULL, outcome TEXT NOT NULL, code TEXT NOT NULL,
        message TEXT NOT NULL, request_id TEXT NOT NULL);
    PRAGMA user_version = 1;
"""


# Found later


def test_damage_that_shows_in_the_middle_is_repaired_by_the_same_process_where_it_reads_or_commits(
    full: Path, opening: Callable[..., Store]
) -> None:
    _spoil_all_but_the_schema(full)
    with closing(opening(full)) as store:
        assert store.stored(CHECKS_DIR) == {}
        store.commit(CHECKS_DIR, [], [delivery(9)], NOW)
        assert [one.body for one in store.outbox.deliveries()] == [delivery(9).body]
    assert set_aside(full) == [ASIDE]


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.outbox.deliveries(),
        lambda store: store.outbox.recover(NOW),
        lambda store: store.outbox.health(NOW),
        lambda store: store.outbox.turn([], NOW, {}),
        lambda store: store.outbox.find(3),
        lambda store: store.forget_checks(CHECKS_DIR, ["check"]),
    ],
    ids=["list", "recover", "health", "turn", "find", "forget"],
)
def test_damage_that_shows_in_the_middle_is_a_sentence_and_is_repaired_by_whoever_opens_next(
    full: Path, opening: Callable[..., Store], use: Callable[[Store], object]
) -> None:
    _spoil_all_but_the_schema(full)
    with closing(opening(full)) as store:
        with pytest.raises(StoreError) as failed:
            use(store)
        assert set_aside(full) == []
    with closing(opening(full)) as store:
        use(store)

    told = r"state\.db cannot be used: .*; whoever opens it next sets it aside and rescues what can be read"
    assert re.search(told, str(failed.value))
    assert set_aside(full) == [ASIDE]


def _spoil_all_but_the_schema(directory: Path) -> None:
    path = directory / "state.db"
    overwrite(path, PAGE, b"\xff" * (path.stat().st_size - PAGE))


def test_a_row_that_no_process_wrote_so_is_a_sentence_and_the_others_are_rescued(
    full: Path, opening: Callable[..., Store]
) -> None:
    with closing(sqlite3.connect(full / "state.db")) as other:
        other.execute("UPDATE deliveries SET stage = 'pendinh', body = CAST(x'ff00' AS TEXT) WHERE id = 7")
        other.commit()
    with closing(opening(full)) as store, pytest.raises(StoreError):
        store.outbox.deliveries()

    with closing(opening(full)) as store:
        assert stages_of(store) == {number: stage for number, stage in STAGES.items() if number != 7}
        assert store.replaced.endswith("; lost: 1 row that cannot be read")


def test_a_false_alarm_changes_nothing(full: Path, opening: Callable[..., Store]) -> None:
    content = (full / "state.db").read_bytes()
    (full / "state.db.suspect").touch()

    with closing(opening(full)) as store:
        assert (stages_of(store), store.replaced) == (STAGES, "")
    assert {path.name: path.read_bytes() for path in full.iterdir()} == {"state.db": content}


# Side by side


def test_a_database_that_others_use_is_not_set_aside_under_them(full: Path, opening: Callable[..., Store]) -> None:
    with closing(opening(full)) as user:
        overwrite(full / "state.db", 0, b"\xff" * 200)
        with pytest.raises(StoreError) as refused:
            opening(full)
        assert set_aside(full) == []
        assert "is replaced as soon as no other process uses it; others have not ended within 0.05 s" in str(
            refused.value
        )
        user.close()
        with closing(opening(full)) as store:
            assert stages_of(store) == STAGES


def test_many_may_find_the_same_damage_at_once(full: Path) -> None:
    overwrite(full / "state.db", 16, b"\xff" * 200)
    failures: list[StoreError] = []
    found: list[dict[int, Stage]] = []
    together = threading.Barrier(6)

    def work() -> None:
        together.wait(10)
        try:
            with closing(Store.open(full, busy_s=20, edges=edges())) as store:
                found.append(stages_of(store))
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (failures, found) == ([], [STAGES] * 6)
    assert set_aside(full) == [ASIDE]


def test_what_is_written_into_a_database_that_was_moved_away_is_not_taken_for_kept(
    full: Path, opening: Callable[..., Store]
) -> None:
    with closing(opening(full)) as store:
        (full / "state.db").rename(full / "moved")
        with pytest.raises(StoreError, match=r"state\.db was moved or removed while it was in use"):
            store.commit(CHECKS_DIR, [], [delivery(9)], NOW)


# What is kept


def test_the_last_three_that_were_set_aside_are_kept_and_none_is_overwritten(
    full: Path, opening: Callable[..., Store]
) -> None:
    contents = []
    for number, later_s in enumerate([0, 0, 0, 100, 50]):
        (full / "state.db").write_bytes(b"damage %d" % number)
        contents.append((full / "state.db").read_bytes())
        opening(full, now=NOW + later_s).close()

    later = ["state.db.damaged-20250720T082730Z", "state.db.damaged-20250720T082820Z"]
    assert set_aside(full) == [f"{ASIDE}-3", *later]
    assert [(full / name).read_bytes() for name in set_aside(full)] == [contents[2], contents[4], contents[3]]


def test_files_with_other_names_are_not_removed(full: Path, opening: Callable[..., Store]) -> None:
    mine = ["state.db.damaged-by-me", "state.db.damaged-20200101T000000Z.txt", "other.db.damaged-20200101T000000Z"]
    for name in mine:
        (full / name).touch()
    for number in range(5):
        (full / "state.db").write_bytes(b"damage")
        opening(full, now=NOW + number).close()
    assert set(mine) <= set(set_aside(full))
    assert len(set_aside(full)) == 3 + len(mine)


def test_nothing_is_set_aside_for_a_disk_that_is_full(full: Path, opening: Callable[..., Store]) -> None:
    with closing(opening(full)) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to have no room
        with pytest.raises(StoreError, match="full; make room on its disk"):
            store.commit(CHECKS_DIR, [], [delivery(9, 1_000_000)], NOW)
    with closing(opening(full)) as store:
        assert stages_of(store) == STAGES
    assert set_aside(full) == []


@pytest.mark.parametrize("part", ["state.db-wal", "state.db.suspect", "state.db.making"])
def test_what_stands_in_the_way_is_named(full: Path, opening: Callable[..., Store], part: str) -> None:
    (full / part).mkdir()
    if part.endswith("making"):
        overwrite(full / "state.db", 0, b"\xff")
    with pytest.raises(StoreError) as refused:
        opening(full)
    assert str(full / part) in str(refused.value)
    assert set_aside(full) == []


def test_every_connection_waits_for_the_disk_before_it_says_that_something_is_kept(
    full: Path, tmp_path: Path, opening: Callable[..., Store]
) -> None:
    overwrite(tmp_path / "full" / "state.db", 0, b"\xff")
    for directory in (full, full, tmp_path / "new"):
        with closing(opening(directory)) as store:
            modes = [
                store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
            ]
        assert modes == ["wal", 2]


@pytest.mark.parametrize("seed", range(12))
def test_bits_that_turn_over_are_never_more_than_a_sentence(
    full: Path, opening: Callable[..., Store], seed: int
) -> None:
    chance = random.Random(seed)
    path = full / "state.db"
    flip(path, [chance.randrange(path.stat().st_size * 8) for _ in range(2 ** chance.randrange(6))])
    for _ in range(4):
        try:
            with closing(opening(full)) as store:
                store.stored(CHECKS_DIR)
                store.outbox.recover(NOW)
                store.outbox.health(NOW)
                found = stages_of(store)
                break
        except StoreError:
            continue
    else:
        raise AssertionError("the database stays damaged")
    assert {number for number, stage in found.items() if stage is Stage.ACCEPTED} <= {1}
    assert len(found) <= len(STAGES)
    assert RECEIPTS.keys() >= set(found.values()) - {Stage.PENDING, Stage.DROPPED}
