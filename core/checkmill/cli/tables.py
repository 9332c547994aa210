"""Plain columns for lists, for people and for grep alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align cells by their width on a terminal; the last column is not padded."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(_width(line[index]) for line in lines) for index in range(len(head))]
    return "".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip() + "\n"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
