"""The feeder's lock holds whoever comes next out, also when its file was removed in between."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from checkmill.edges import Edges
from checkmill.store.locking import HeldError, locked


def test_one_that_waited_for_a_lock_whose_file_was_removed_holds_the_new_one(tmp_path: Path) -> None:
    """Somebody took the file for a stale one while its holder was at work."""
    holder = ExitStack()
    holder.enter_context(locked(tmp_path, "run", Edges(), 0.0))

    def sleep(_: float) -> None:
        (tmp_path / "run.lock").unlink(missing_ok=True)
        holder.close()

    waiting = locked(tmp_path, "run", replace(Edges(), sleep=sleep), 5.0)
    with waiting, pytest.raises(HeldError), locked(tmp_path, "run", Edges(), 0.0):
        pass
    with locked(tmp_path, "run", Edges(), 0.0):
        assert (tmp_path / "run.lock").read_text() != ""
