"""What a rule file holds: values, lists and maps, each with its place and with what is wrong inside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from checkmill.model.problem import Place, Problem

#: Longer values are cut where a message quotes them.
LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: `value` by YAML 1.2 (text, number, true/false, None), `text` as it was written.

    Where a `${...}` was filled in, `value` holds what it stands for and `text` still the reference, so that messages
    never quote what may be a secret.
    """

    place: Place
    value: str | int | float | bool | None
    text: str
    flaws: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]
    flaws: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map, its place, and its value."""

    place: Place
    value: Node


@dataclass(frozen=True, slots=True)
class Map:
    """A map from text keys, in the order written."""

    place: Place
    entries: dict[str, Entry]
    flaws: tuple[Problem, ...] = ()

    def get(self, key: str) -> Node | None:
        """The value of a key, if it is there."""
        entry = self.entries.get(key)
        return entry.value if entry else None

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return iter(self.entries.items())


Node: TypeAlias = Scalar | Sequence | Map


def is_empty(node: Node | None) -> bool:
    """Whether a value was left out: nothing after the colon, or `null`."""
    return node is None or (isinstance(node, Scalar) and node.value is None)


def is_unfilled(node: Node | None) -> bool:
    """Whether a value could not be read, or is a reference that could not be filled in, which was told already."""
    return isinstance(node, Scalar) and node.value is None and (bool(node.flaws) or "${" in node.text)


def is_reference(node: Node | None) -> bool:
    """Whether a value came out of a `${...}`."""
    return isinstance(node, Scalar) and "${" in node.text and node.value != node.text


def shown(node: Node) -> str:
    """A value as it is quoted in a message: unexpanded, shortened, on one line."""
    if isinstance(node, Scalar):
        if is_empty(node):
            return "nothing"
        return quoted(node.text) if isinstance(node.value, str) else _shortened(node.text)
    if isinstance(node, Sequence):
        return f"a list of {len(node.items)}" if node.items else "an empty list"
    return "a map" if node.entries else "an empty map"


def quoted(text: str) -> str:
    """A text in quotes, shortened, on one line."""
    return _shortened(repr(text))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."


def has_wildcard(text: str) -> bool:
    """Whether a text is a glob and not a plain name."""
    return any(character in text for character in "*?[")


def data_of(node: Node) -> Any:
    """The plain value of a node: text, numbers, lists, dicts."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [data_of(item) for item in node.items]
    return {key: data_of(entry.value) for key, entry in node}
