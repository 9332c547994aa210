"""Plain text in 80 columns: headings, indented fields, lists that are cut. No colour, nothing that moves a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from checkmill.model.secret import redact

WIDTH = 80
#: Where the text of a field begins, after its name.
COLUMN = 12


class Paragraphs:
    """Collects lines. With `whole`, no list is cut."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def heading(self, text: str) -> None:
        """Begin a part, after an empty line."""
        if self._lines:
            self._lines.append("")
        self.line(text, indent=0)

    def field(self, name: str, text: str, *, indent: int = 2) -> None:
        """A name and what there is to say of it; nothing where that is nothing."""
        if text:
            lead = f"{' ' * indent}{name:<{COLUMN - 2}}"
            self._wrap(lead if lead.endswith(" ") else f"{lead} ", text, indent + COLUMN - 2)

    def line(self, text: str, *, indent: int = 2) -> None:
        """A line; one that is too long goes on a little further in."""
        self._wrap(" " * indent, text, indent + 2)

    def unbroken(self, text: str, *, indent: int = 2) -> None:
        """A line that stays one however long it is, such as an address."""
        self._lines.append(f"{' ' * indent}{printable(text)}")

    def items(self, items: Sequence[str], most: int, *, indent: int = 2) -> None:
        """A line for each item, cut after so many."""
        for item in self.cut(items, most):
            self.line(item, indent=indent)

    def cut(self, items: Sequence[str], most: int) -> list[str]:
        """The first of many items, and how many more there are."""
        if self._whole or len(items) <= most:
            return list(items)
        return [*items[:most], f"... and {len(items) - most} more"]

    def first(self, number: int, most: int) -> int:
        """How many of a number of things are shown."""
        return number if self._whole else min(number, most)

    def _wrap(self, lead: str, text: str, indent: int) -> None:
        line, empty = lead, True
        for word in printable(text).split(" "):
            if not empty and width_of(line) + 1 + width_of(word) > WIDTH:
                self._lines.append(line.rstrip())
                line, empty = " " * indent, True
            line += word if empty else f" {word}"
            empty = False
        self._lines.append(line.rstrip())


def printable(text: str) -> str:
    """A text on one line, without secrets and characters that a terminal would act on: vendors send what they like."""
    text = " ".join(redact(text).split())
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def width_of(text: str) -> int:
    """How wide a text is on a terminal."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def listed(items: Iterable[str]) -> str:
    """Items in a row."""
    return ", ".join(items)
