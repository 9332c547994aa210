"""A check as it is written, and what it may refer to: nothing is understood yet but its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from checkmill.model.problem import Problem
from checkmill.model.reporter import ConfiguredReporter
from checkmill.model.source import ConfiguredSource
from checkmill.model.units import seconds
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.nodes import Map, Node, is_empty

T = TypeVar("T")


@dataclass(frozen=True)
class Draft:
    """A check as it is written: its own keys and the defaults of its file, nothing understood yet but its name.

    `index` is its place in the list of its file, which messages count from 0 as `checks[1]`. `flaws` is what is wrong
    with the defaults of its file, whatever it takes from them.
    """

    name: str
    index: int
    own: Map
    defaults: Map | None
    flaws: tuple[Problem, ...] = ()

    @property
    def path(self) -> str:
        """How messages call it."""
        return f"checks[{self.index}]"

    def key(self, name: str) -> tuple[Node, str] | None:
        """The node of a key and its path: the check's own, else the file's default; what is empty is none."""
        for written, path in ((self.own, self.path), (self.defaults, "defaults")):
            node = written.get(name) if written is not None else None
            if node is not None and not is_empty(node):
                return node, f"{path}.{name}"
        return None

    def names(self, key: str) -> bool:
        """Whether a key is written, with a value or without."""
        return key in self.own.entries or (self.defaults is not None and key in self.defaults.entries)

    def texts(self, key: str, expansion: Expansion) -> tuple[str, ...]:
        """The texts under a key, as far as there are any: for questions that must not complain."""
        found = self.key(key)
        return () if found is None else Findings().texts(expansion.node(*found, []), "")


@dataclass(frozen=True)
class Surroundings:
    """What a check may refer to: sources and reporters by name, read when they are named, and the environment.

    A name that is known but could not be read gives its problems. `hiding_sources` are the problems behind which there
    may be further sources, so that nobody knows what a glob means.
    """

    source_names: tuple[str, ...]
    source: Callable[[str], ConfiguredSource | tuple[Problem, ...]]
    hiding_sources: tuple[Problem, ...]
    reporter_names: tuple[str, ...]
    reporter: Callable[[str], ConfiguredReporter | tuple[Problem, ...]]
    expansion: Expansion
    sandbox: bool


@dataclass
class Keys:
    """The keys of one draft with their references filled in; one that cannot be is told once."""

    draft: Draft
    around: Surroundings
    findings: Findings
    _expanded: dict[str, tuple[Node, str] | None] = field(default_factory=dict)
    _amounts: dict[str, float | None] = field(default_factory=dict)

    def node(self, key: str) -> tuple[Node, str] | None:
        """The expanded node of a key and its path, if it is written."""
        if key not in self._expanded:
            found = self.draft.key(key)
            if found is not None and self.around.sandbox and self._can_be_left_out(key, found[0]):
                found = None
            if found is not None:
                found = (self.around.expansion.node(*found, self.findings.problems), found[1])
            self._expanded[key] = found
        return self._expanded[key]

    def own(self, key: str) -> tuple[Node, str] | None:
        """The same, if the check writes it itself."""
        return self.node(key) if key in self.draft.own.entries else None

    def read(self, key: str, read: Callable[[Node, str], T]) -> T | None:
        """What a key is read into, if it is written."""
        found = self.node(key)
        return None if found is None else read(*found)

    def amount(self, key: str) -> float | None:
        """The duration under a key, in seconds."""
        if key not in self._amounts:
            self._amounts[key] = self.read(
                key, lambda node, path: self.findings.amount(node, path, seconds, "a duration")
            )
        return self._amounts[key]

    def _can_be_left_out(self, key: str, node: Node) -> bool:
        """Whether a sandbox, which has no value for a limit or a label of someone's environment, does without a key."""
        return key not in {"source", "metric"} and self.around.expansion.depends_on_environment(node)
