"""Where the state directory is, who may write into it, and what its files look like under any umask."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkmill.store import Store, StoreError
from checkmill.store import directory as module
from checkmill.store.directory import made, prepared, state_directory

NOBODY = 65534


@pytest.mark.parametrize(
    ("given", "environ", "sandbox", "expected"),
    [
        ("/given", {"CHECKMILL_STATE_DIR": "/named", "HOME": "/home/me"}, False, "/given"),
        (None, {"CHECKMILL_STATE_DIR": "/named", "XDG_STATE_HOME": "/xdg"}, False, "/named"),
        (None, {"CHECKMILL_STATE_DIR": "", "XDG_STATE_HOME": "/xdg", "HOME": "/home/me"}, False, "/xdg/checkmill"),
        (None, {"XDG_STATE_HOME": "relative", "HOME": "/home/me"}, False, "/home/me/.local/state/checkmill"),
        (None, {"HOME": "/home/me"}, False, "/home/me/.local/state/checkmill"),
        ("/given", {}, True, "/given/sandbox"),
        (None, {"CHECKMILL_STATE_DIR": "/named"}, True, "/named/sandbox"),
        ("/given/../other", {}, False, "/other"),
    ],
)
def test_where_the_state_directory_is(
    given: str | None, environ: dict[str, str], sandbox: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SYSTEM_WIDE", Path("/nonexistent/checkmill"))  # this machine may have one
    assert state_directory(given, environ, sandbox=sandbox) == Path(expected)


def test_the_system_wide_directory_is_used_where_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSTEM_WIDE", tmp_path)
    assert state_directory(None, {"HOME": "/home/me"}, sandbox=False) == tmp_path
    assert state_directory(None, {"HOME": "/home/me"}, sandbox=True) == tmp_path / "sandbox"


def test_without_home_the_users_own_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSTEM_WIDE", Path("/nonexistent/checkmill"))
    found = state_directory(None, {}, sandbox=False)
    assert found is None or found.parts[-3:] == (".local", "state", "checkmill")


def test_a_relative_directory_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert state_directory("state", {}, sandbox=False) == tmp_path / "state"


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=["umask 000", "umask 022", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_the_directory_and_all_files_are_the_groups_and_nobody_elses(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "deep" / "state")
    store.forget_checks("/checks.d", ["any"])
    assert mode_of(store.directory) == 0o2770
    modes = {file.name: mode_of(file) for file in store.directory.iterdir()}
    store.close()
    assert modes == {"state.db": 0o660, "state.db-wal": 0o660, "state.db-shm": 0o660}


@pytest.mark.usefixtures("umask")
def test_a_sandbox_makes_the_directory_around_it_alike(tmp_path: Path) -> None:
    Store.open(tmp_path / "state" / "sandbox").close()
    assert mode_of(tmp_path / "state") == mode_of(tmp_path / "state" / "sandbox") == 0o2770


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    Store.open(tmp_path).close()
    assert mode_of(tmp_path) == 0o750


@pytest.mark.parametrize("mode", [0o777, 0o2777, 0o1777, 0o772])
def test_a_directory_that_everybody_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(StoreError) as refused:
        Store.open(tmp_path)
    assert str(refused.value) == f"everybody may write into {tmp_path}; run: chmod 2770 {tmp_path}"
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(StoreError) as refused:
        prepared(tmp_path / "state")
    assert str(refused.value) == f"{tmp_path / 'state'} is no directory; name another with --state-dir"
    with pytest.raises(StoreError) as refused:
        prepared(tmp_path / "state" / "below")
    assert "cannot be made" in str(refused.value)


def test_a_link_to_a_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o770)
    (tmp_path / "state").symlink_to(tmp_path / "real")
    Store.open(tmp_path / "state").close()
    assert (tmp_path / "real" / "state.db").is_file()


@pytest.mark.parametrize("exists", [True, False], ids=["to a file", "to nothing"])
def test_a_database_that_is_a_link_is_refused(tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "elsewhere"
    if exists:
        target.write_text("precious")
    state = tmp_path / "state"
    state.mkdir(mode=0o770)
    (state / "state.db").symlink_to(target)
    with pytest.raises(StoreError) as refused:
        Store.open(state)
    assert str(refused.value) == f"{state / 'state.db'} is a link, which is not followed; move it away"
    assert (target.read_text() == "precious") if exists else not target.exists()


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_a_database_that_is_no_plain_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "state.db"
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    with pytest.raises(StoreError):
        Store.open(tmp_path)


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    path.chmod(0o640)
    assert made(path) == path
    assert (path.read_text(), mode_of(path)) == ("content", 0o640)


@pytest.fixture
def without_rights() -> Iterator[None]:
    """Root may write everywhere, so that for a moment this process is nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory that all may enter and none write into; those that pytest makes let no other in."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "state").mkdir()
        for one in (directory / "state", directory):
            one.chmod(0o555)
        yield directory
        directory.chmod(0o755)


@pytest.mark.usefixtures("closed", "without_rights")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("state", "the state directory {} cannot be written; add this user to its group"),
        ("new", "the state directory {} cannot be made: Permission denied"),
    ],
    ids=["existing", "to be made"],
)
def test_a_directory_that_cannot_be_written_is_a_sentence(closed: Path, name: str, sentence: str) -> None:
    with pytest.raises(StoreError) as refused:
        Store.open(closed / name)
    assert str(refused.value) == sentence.format(closed / name)
