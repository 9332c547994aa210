"""A state directory, a checks directory with one rule file, and what a run commits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checkmill.store import Store
from support.rules import NOW


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    """A rule file that was last written an hour before `NOW`."""
    file = tmp_path / "checks.d" / "shop.yaml"
    file.parent.mkdir()
    file.write_text("checks: []\n")
    os.utime(file, (NOW - 3600, NOW - 3600))
    return file


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Open a state directory as often as wanted; all are closed in the end."""
    stores: list[Store] = []

    def opening(name: str = "state", busy_s: float = 0.05) -> Store:
        stores.append(Store.open(tmp_path / name, busy_s=busy_s))
        return stores[-1]

    yield opening
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[..., Store]) -> Store:
    return opened()
