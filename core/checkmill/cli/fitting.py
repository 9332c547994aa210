"""Columns that fit a terminal: some are cut, which dots say, and on a narrow one some are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checkmill.cli.paragraphs import width_of
from checkmill.cli.tables import columns

GAP = 2
DOTS = "..."


def fitted(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None,
    cuts: Sequence[tuple[str, int]],
    spare: Sequence[str] = (),
) -> str:
    """Align cells in lines no longer than `width`; with None, in lines as long as they need to be.

    `cuts` are the columns that may be cut, each with the width that it keeps at least; one after the other is cut until
    the lines fit, and a column may come again. `spare` are those that are left out, one after the other, where all
    that is not enough. Where that is not enough either, lines end at the width.
    """
    if width is None:
        return columns(head, rows)
    lines = list(zip(*(head, *rows), strict=True))
    widths = {column[0]: max(map(width_of, column)) for column in lines}
    least = dict(widths)
    for name, lowest in cuts:
        least[name] = min(least[name], max(lowest, width_of(name)))
    kept = list(head)
    for name in spare:
        if _whole(least, kept) > width and name in kept:
            kept.remove(name)
    too_wide = _whole(widths, kept) - width
    for name, lowest in cuts:
        taken = min(too_wide, widths[name] - max(lowest, width_of(name))) if name in kept else 0
        if taken > 0:
            widths[name] -= taken
            too_wide -= taken
    narrow = [[cut(cell, widths[column[0]]) for cell in column[1:]] for column in lines if column[0] in kept]
    text = columns(kept, list(zip(*narrow, strict=True)))
    return "".join(f"{cut(line, width) if too_wide > 0 else line}\n" for line in text.splitlines())


def _whole(widths: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(widths[name] for name in names) + GAP * (len(names) - 1)


def cut(text: str, width: int) -> str:
    """The text, or as much of it as fits, with dots at its end."""
    if width_of(text) <= width:
        return text
    room = max(width - len(DOTS), 0)
    kept, used = "", 0
    for character in text:
        used += width_of(character)
        if used > room:
            break
        kept += character
    return kept + DOTS[:width]
