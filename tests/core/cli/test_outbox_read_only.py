"""`checkmill outbox list` and `show` where nothing can be written: the outbox is shown as it stands."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from checkmill.model.delivery import Stage
from checkmill.store import Store
from support.commands import Desk
from support.deliveries import delivery, put

NOBODY = 65534
WORDS = ("outbox list --format json", "outbox show 1", "outbox --all")


@pytest.fixture
def shelf() -> Iterator[Desk]:
    """A desk in a directory that others may enter, which those of pytest's are not, with two deliveries."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        desk = Desk(Path(name))
        put(desk, delivery(desk, "one", Stage.REFUSED), delivery(desk, "two"))
        for words in WORDS:
            # What is imported only when it is needed nobody can read later.
            assert desk(words).code == 0
        yield desk


@contextmanager
def without_rights(desk: Desk) -> Iterator[None]:
    """For a moment nobody may write into the state directory, and this process is not root."""
    for path in (*desk.state_dir.iterdir(), desk.state_dir):
        path.chmod(0o555 if path.is_dir() else 0o444)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for path in (desk.state_dir, *desk.state_dir.iterdir()):
            path.chmod(0o2770 if path.is_dir() else 0o660)


def test_what_is_there_is_shown_and_that_it_is_old_is_said(shelf: Desk) -> None:
    with without_rights(shelf):
        listed, shown, table = (shelf(words) for words in WORDS)

    assert [one["id"] for one in listed.json] == [1, 2]
    assert "stage: refused\n" in shown.out
    assert table.out.endswith("\n\n2 deliveries: 1 pending, 1 refused\n")
    told = f"checkmill: the state directory {shelf.state_dir} cannot be written; this is what its outbox held last\n"
    assert [(ran.code, ran.err) for ran in (listed, shown, table)] == [(0, told)] * 3


def test_what_a_running_process_has_written_is_shown_too(shelf: Desk) -> None:
    with closing(Store.open(shelf.state_dir)) as store:
        store.commit(str(shelf.checks_dir), [], [delivery(shelf, "three")], shelf.clock.now)
        with without_rights(shelf):
            listed = shelf("outbox list --format json")
        assert [one["id"] for one in listed.json] == [1, 2, 3]


@pytest.mark.parametrize("words", ["retry 1", "drop 1", "flush"])
def test_nothing_is_changed_where_nothing_can_be_written(shelf: Desk, words: str) -> None:
    shelf(f"outbox {words.split()[0]} --reporter none --yes" if words != "flush" else "outbox flush")

    with without_rights(shelf):
        ran = shelf(f"outbox {words}")

    assert (ran.code, ran.out) == (3, "")
    assert f"the state directory {shelf.state_dir} cannot be written; add this user to its group" in ran.err


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "unable to open database file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000), "cannot be used"),
        (lambda path: path.write_bytes(b""), "is of an earlier version"),
    ],
    ids=["no database", "a damaged one", "an empty one"],
)
def test_what_cannot_be_read_either_is_told(shelf: Desk, damage: Callable[[Path], object], said: str) -> None:
    damage(shelf.state_dir / "state.db")

    with without_rights(shelf):
        ran = shelf("outbox list")

    assert (ran.code, ran.out) == (3, "")
    assert said in ran.err


def test_what_others_may_have_changed_is_not_shown(shelf: Desk) -> None:
    shelf.state_dir.chmod(0o777)

    ran = shelf("outbox list")

    assert (ran.code, ran.out) == (3, "")
    assert f"everybody may write into {shelf.state_dir}; run: chmod 2770 {shelf.state_dir}" in ran.err
