"""Paired rounds: each contender once in every round, one after the other in changing order, on the same machine.

What else the machine does hits all of them alike, so the ratio within a round says more than any figure of its own.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Contender:
    """One way to do the work. `measure` does it once and gives the seconds it took."""

    name: str
    measure: Callable[[], float]


@dataclass(frozen=True)
class Comparison:
    """What several rounds gave: the seconds of each contender, round by round, for the same `amount` of `things`.

    The first contender is what the others are compared with.
    """

    title: str
    amount: int
    things: str
    seconds: Mapping[str, Sequence[float]]

    @property
    def baseline(self) -> str:
        """The name of what the others are compared with."""
        return next(iter(self.seconds))

    def rates(self, name: str) -> list[float]:
        """How many things a contender did per second, in each round."""
        return [self.amount / taken_s for taken_s in self.seconds[name]]

    def ratios(self, name: str, to: str | None = None) -> list[float]:
        """A contender's rate as a share of another's in the same round; of the baseline's unless `to` names one."""
        others = self.seconds[self.baseline if to is None else to]
        return [other_s / own_s for other_s, own_s in zip(others, self.seconds[name], strict=True)]

    def ratio(self, name: str, to: str | None = None) -> float:
        """The median of the ratios."""
        return median(self.ratios(name, to))

    def as_table(self) -> str:
        """Rates, and ratios to each contender but the last: the median of all rounds, and the least and most."""
        bases = list(self.seconds)[:-1] or [self.baseline]
        head = ("", f"{self.things} a second", *(f"share of {base}" for base in bases))
        rows = [
            (name, _spread(self.rates(name), ",.0f"), *(_spread(self.ratios(name, base), ".2f") for base in bases))
            for name in self.seconds
        ]
        widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
        return "\n".join([self.title, *(line.rstrip() for line in lines)])

    def as_json(self) -> dict[str, Any]:
        """All that was measured, in seconds, and the ratios."""
        return {
            "title": self.title,
            "amount": self.amount,
            "things": self.things,
            "baseline": self.baseline,
            "contenders": {
                name: {"seconds": list(self.seconds[name]), "ratios": self.ratios(name), "ratio": self.ratio(name)}
                for name in self.seconds
            },
        }


def compare(title: str, amount: int, things: str, contenders: Sequence[Contender], rounds: int) -> Comparison:
    """Have each contender measured once in every round, beginning with another one each time."""
    seconds: dict[str, list[float]] = {one.name: [] for one in contenders}
    for number in range(rounds):
        first = number % len(contenders)
        for one in [*contenders[first:], *contenders[:first]]:
            gc.collect()
            seconds[one.name].append(one.measure())
    return Comparison(title, amount, things, seconds)


def write_json(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write what was measured to a file."""
    path.write_text(json.dumps([one.as_json() for one in comparisons], indent=2) + "\n", encoding="utf-8")


def _spread(figures: Sequence[float], how: str) -> str:
    return f"{median(figures):{how}} ({min(figures):{how}} to {max(figures):{how}})"
