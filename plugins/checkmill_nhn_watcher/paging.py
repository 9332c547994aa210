"""Reads a list page by page to its end, and knows when it was not read whole.

A list may change while it is read: what comes twice is one, and a list from which something went while it was read may
have moved something past the reader, so that it counts as not whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from checkmill.api.v1 import Flow, ParseError
from checkmill_nhn_watcher.answers import Page


@dataclass(frozen=True)
class Listing:
    """The rows of a list as sent, each once, as it came last.

    `gap` says why they are not all that there is, and is empty when they are. `twice` are the ids of rows that came
    more than once and not always alike. `is_cut` is whether the list is longer than what is read of one.
    """

    rows: tuple[Any, ...]
    gap: str = ""
    twice: frozenset[str] = frozenset()
    is_cut: bool = False


def read_all(
    ask: Callable[[int], Flow[Page]], id_of: Callable[[Any], str], most_pages: int, *, only_whole: bool = False
) -> Flow[Listing]:
    """Read a list; `ask` reads the page of a number, from 0, and `id_of` gives the id of a row, or "".

    With `only_whole` no more than a page is read of a list that is too long to be read to its end. Raises `ParseError`
    for a list that has items and shows none of them.
    """
    found: dict[str, Any] = {}
    twice: set[str] = set()
    totals: list[int] = []
    is_hopeless = False
    for number in range(most_pages):
        page = yield from ask(number)
        if number == 0 and page.total > 0 and not page.rows:
            raise ParseError(f"the list is empty although totalItems is {page.total}")
        totals.append(page.total)
        before = len(found)
        for row in page.rows:
            # What has no id cannot be told from another one; it stays, and whoever reads it says so.
            key = id_of(row) or f"\n{len(found)}"
            if key in found and found[key] != row:
                twice.add(key)
            found[key] = row
        is_hopeless = only_whole and number == 0 and page.total > most_pages * len(page.rows)
        if is_hopeless or len(found) >= page.total or len(found) == before:
            break
    is_cut = is_hopeless or (len(totals) == most_pages and len(found) < totals[0])
    return Listing(tuple(found.values()), _gap(len(found), totals, is_cut=is_cut), frozenset(twice), is_cut)


def _gap(count: int, totals: list[int], *, is_cut: bool) -> str:
    fall = next(((before, after) for before, after in pairwise(totals) if after < before), None)
    if fall is not None:
        return f"the list changed while it was read: it went from {fall[0]} items to {fall[1]}"
    if count > totals[-1]:
        return f"the list contradicts itself: {count} items came, and totalItems is {totals[-1]}"
    if count < totals[0]:
        hint = "; most_pages and page_size say how much is read" if is_cut else ""
        return f"the list is not whole: {count} of {totals[0]} items came{hint}"
    return ""
