"""What of the rule files cannot be read, and so may hold a source or a check that nobody knows of.

A source that is not known is not matched by a glob, and a check that is not known is not missed: whoever counts on a
list being whole must ask here first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from checkmill.model.problem import Problem
from checkmill.steps.reading import nodes
from checkmill.steps.reading.keys import TOP_KEYS, nearest
from checkmill.steps.reading.nodes import Map, Node

#: By the key that holds a kind of thing, the key that an entry of that kind always has.
_TELLTALE = {"sources": "type", "checks": "name"}


@dataclass
class Hiding:
    """The problems that may hide a source, and those that may hide a check."""

    sources: list[Problem] = field(default_factory=list)
    checks: list[Problem] = field(default_factory=list)

    def whole(self, problems: Iterable[Problem]) -> None:
        """Take note of a file that could not be read at all."""
        for problem in problems:
            self.sources.append(problem)
            self.checks.append(problem)

    def take(self, root: Map, problems: Sequence[Problem]) -> None:
        """Take note of what is missing of a file that could be read, given what is wrong with its keys."""
        for kind, known in (("sources", self.sources), ("checks", self.checks)):
            known += _lost(root)
            known += (one for one in problems if one.path == kind or _may_be(kind, one.path, root))
            node = root.get(kind)
            if node is not None:
                known += _lost(node)


def _lost(node: Node) -> Iterator[Problem]:
    """What is wrong with a value itself and not with one of those inside, whose names are known."""
    inside = _inside(node)
    told = {flaw for one in inside for flaw in one.flaws}
    return (flaw for flaw in node.flaws if flaw not in told)


def _inside(node: Node) -> list[Node]:
    if isinstance(node, Map):
        return [entry.value for _, entry in node]
    return list(node.items) if isinstance(node, nodes.Sequence) else []


def _may_be(kind: str, key: str, root: Map) -> bool:
    """Whether what stands under an unknown key of a file was meant as one of a kind."""
    node = root.get(key)
    if key in TOP_KEYS or node is None:
        return False
    if nearest(key, TOP_KEYS) == kind:
        return True
    telltale = _TELLTALE[kind]
    return any(isinstance(one, Map) and telltale in one.entries for one in (node, *_inside(node)))
