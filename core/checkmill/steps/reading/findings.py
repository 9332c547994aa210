"""Collects what is wrong while a rule file is read, and reads the simple values that many keys share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from checkmill.model.problem import Place, Problem
from checkmill.model.state import STATE_WORDS, State
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import (
    Entry,
    Map,
    Node,
    Scalar,
    Sequence,
    is_empty,
    is_reference,
    is_unfilled,
    quoted,
    shown,
)

T = TypeVar("T")

FILL_IN = "remove the key, or give it a value"


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
        self.add(f"unknown key {quoted(key)}", entry.place, path, did_you_mean(key, known))

    def text(self, node: Node | None, path: str) -> str | None:
        """Read a text; numbers and booleans are taken as they were written."""
        if node is None or is_unfilled(node):
            return None
        if not isinstance(node, Scalar) or node.value is None:
            self.unexpected(node, path, "a text")
            return None
        if isinstance(node.value, str):
            if not node.value.strip():
                self.add("the text is empty", node.place, path, FILL_IN)
                return None
            return node.value
        return node.text

    def named(self, node: Node, path: str) -> list[tuple[str, Node, str]]:
        """Read one text or a list of them, none twice, each with its own node and path."""
        if isinstance(node, Sequence) and not node.items:
            self.add("the list is empty", node.place, path, FILL_IN)
        items = (
            [(item, f"{path}[{index}]") for index, item in enumerate(node.items)]
            if isinstance(node, Sequence)
            else [(node, path)]
        )
        read: dict[str, tuple[Node, str]] = {}
        for item, spot in items:
            text = self.text(item, spot)
            if text is not None:
                read.setdefault(text, (item, spot))
        return [(text, *where) for text, where in read.items()]

    def texts(self, node: Node, path: str) -> tuple[str, ...]:
        """Read one text or a list of them, none twice."""
        return tuple(text for text, _, _ in self.named(node, path))

    def map(self, node: Node, path: str, known: Iterable[str] | None = None) -> Map | None:
        """Read a map; with `known`, every other key is a problem."""
        if not isinstance(node, Map):
            self.unexpected(node, path, "a map")
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
            self.add(f"{shown(node)} is no state", node.place, path, hint)
        return state

    def amount(self, node: Node, path: str, read: Callable[[str | float], T], expected: str) -> T | None:
        """Read a number with a unit by a function that raises ValueError for what it cannot read."""
        if not isinstance(node, Scalar) or node.value is None:
            self.unexpected(node, path, expected)
            return None
        try:
            return read(node.value)
        except ValueError as error:
            if is_reference(node):
                # The error may quote any part of the value.
                self.add(f"{expected} is expected, and {shown(node)} stands for something else", node.place, path)
            else:
                sentence, _, hint = str(error).partition("; ")
                self.add(sentence, node.place, path, hint)
            return None

    def unexpected(self, node: Node, path: str, expected: str) -> None:
        """Note that something else stands where `expected` should."""
        if not is_unfilled(node):
            self.add(
                f"{expected} is expected, found {shown(node)}", node.place, path, FILL_IN if is_empty(node) else ""
            )
