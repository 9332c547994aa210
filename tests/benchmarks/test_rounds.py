"""The harness of the benchmarks: who is measured when, and what is made of the figures."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.rounds import Comparison, Contender, compare, write_json

COMPARISON = Comparison("posting", 100, "posts", {"bare": [1.0, 2.0, 4.0], "own": [2.0, 2.0, 5.0]})


def test_every_contender_is_measured_once_in_each_round_and_each_begins_in_turn() -> None:
    order: list[str] = []

    def contender(name: str) -> Contender:
        def measure() -> float:
            order.append(name)
            return float(len(order))

        return Contender(name, measure)

    compared = compare("counting", 1, "steps", [contender("a"), contender("b")], rounds=3)
    assert "".join(order) == "abbaab"
    assert compared.seconds == {"a": [1.0, 4.0, 5.0], "b": [2.0, 3.0, 6.0]}


def test_a_ratio_is_that_of_one_round_and_the_median_of_all_counts() -> None:
    assert COMPARISON.rates("bare") == [100.0, 50.0, 25.0]
    assert COMPARISON.ratios("own") == [0.5, 1.0, 0.8]
    assert COMPARISON.ratio("own") == 0.8
    assert COMPARISON.ratios("bare", "own") == [2.0, 1.0, 1.25]
    assert COMPARISON.ratio(COMPARISON.baseline) == 1.0


def test_the_table_gives_median_least_and_most() -> None:
    assert COMPARISON.as_table() == (
        "posting\n"
        "      posts a second  share of bare\n"
        "bare  50 (25 to 100)  1.00 (1.00 to 1.00)\n"
        "own   50 (20 to 50)   0.80 (0.50 to 1.00)"
    )


def test_what_is_written_holds_every_figure(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    write_json(path, [COMPARISON])
    (written,) = json.loads(path.read_text(encoding="utf-8"))
    assert written["contenders"]["own"] == {"seconds": [2.0, 2.0, 5.0], "ratios": [0.5, 1.0, 0.8], "ratio": 0.8}
    assert (written["amount"], written["things"], written["baseline"]) == (100, "posts", "bare")
