"""Collects what is wrong while a rule file is read, and reads the simple values that many keys share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from checkmill.model.problem import Place, Problem
from checkmill.model.state import STATE_WORDS, State
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Entry, Map, Node, Scalar, Sequence, is_empty, shown

T = TypeVar("T")


class Findings:
    """The problems of one rule, source or reporter, each with place and path."""

    def __init__(self, check: str = "") -> None:
        self.check = check
        self.problems: list[Problem] = []

    def add(self, sentence: str, place: Place, path: str, hint: str = "") -> None:
        """Note one problem."""
        self.problems.append(Problem(sentence, place, path, hint, self.check))

    def unknown_key(self, key: str, entry: Entry, path: str, known: Iterable[str]) -> None:
        """Note a key that means nothing here."""
        self.add(f"unknown key {key!r}", entry.place, path, did_you_mean(key, known))

    def text(self, node: Node | None, path: str) -> str | None:
        """Read a text; numbers and booleans are taken as they were written."""
        if isinstance(node, Scalar) and node.value is not None:
            if isinstance(node.value, str):
                if node.value.strip():
                    return node.value
                self.add("the text is empty", node.place, path)
                return None
            return node.text
        if node is not None:
            self._not(node, path, "a text")
        return None

    def texts(self, node: Node, path: str) -> tuple[str, ...]:
        """Read one text or a list of them, none twice."""
        if isinstance(node, Sequence) and not node.items:
            self.add("the list is empty", node.place, path)
        items = node.items if isinstance(node, Sequence) else (node,)
        read: list[str] = []
        for index, item in enumerate(items):
            text = self.text(item, f"{path}[{index}]" if isinstance(node, Sequence) else path)
            if text is not None and text not in read:
                read.append(text)
        return tuple(read)

    def map(self, node: Node, path: str, known: Iterable[str] | None = None) -> Map | None:
        """Read a map; with `known`, every other key is a problem."""
        if not isinstance(node, Map):
            self._not(node, path, "a map of `key: value`")
            return None
        for key, entry in node:
            if known is not None and key not in known:
                self.unknown_key(key, entry, f"{path}.{key}", known)
        return node

    def state(self, node: Node, path: str) -> State | None:
        """Read a state word."""
        word = self.text(node, path)
        if word is None:
            return None
        state = STATE_WORDS.get(word)
        if state is None:
            hint = "did you mean 'ok'?" if word.lower() in {"true", "up"} else did_you_mean(word, STATE_WORDS)
            self.add(f"{word!r} is no state", node.place, path, hint)
        return state

    def amount(self, node: Node, path: str, read: Callable[[str | float], T]) -> T | None:
        """Read a number with a unit by a function that raises ValueError for what it cannot read."""
        if not isinstance(node, Scalar) or node.value is None:
            self._not(node, path, "a number")
            return None
        try:
            return read(node.value)
        except ValueError as error:
            sentence, _, hint = str(error).partition("; ")
            self.add(sentence, node.place, path, hint)
            return None

    def _not(self, node: Node, path: str, expected: str) -> None:
        found = "nothing" if is_empty(node) else shown(node)
        self.add(f"{expected} is expected, found {found}", node.place, path)
