"""That the benchmark of draining works: a few deliveries, for function and not for figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.draining import BARE, DRIVER, FLUSH, main


def test_the_benchmark_drains_an_outbox_and_posts_the_same_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    words = ["--deliveries", "30", "--rounds", "1", "--concurrency", "4", "--directory", str(tmp_path)]
    assert main([*words, "--at-least", "0", "--json", str(figures)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("30 deliveries, 4 at a time, rounds: 1\n")
    assert all(name in printed for name in (BARE, DRIVER, FLUSH))
    (written,) = json.loads(figures.read_text(encoding="utf-8"))
    assert list(written["contenders"]) == [BARE, DRIVER, FLUSH]
    assert all(seconds > 0 for one in written["contenders"].values() for seconds in one["seconds"])
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]
