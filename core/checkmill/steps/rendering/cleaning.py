"""What several forms need so that hostile text stays text: cleaning, cutting at a number of bytes, unique names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

#: Stands where text was cut.
CUT = "…"

#: All that ends a line, moves a cursor or ends a C string: C0, DEL, C1, and Unicode's own line separators.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: What turns the reading direction of all that follows, and the byte order mark.
_INVISIBLE = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
#: Half a character, which UTF-8 cannot say.
_SURROGATES = re.compile("[\ud800-\udfff]")


def one_line(text: str, otherwise: str = "no text") -> str:
    """Give a text as one trimmed line that shows something; `otherwise` stands for a text that shows nothing.

    Controls and line ends become one blank, bidirectional controls go, lone surrogates become U+FFFD.
    """
    line = _cleaned(text).strip()
    return line if _shows(line) else otherwise


def lines_of(text: str) -> list[str]:
    """Give the lines of a text that show something, each cleaned; their indentation stays."""
    lines = (_cleaned(line).rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return [line for line in lines if _shows(line)]


def without_controls(text: str) -> str:
    """Give a text with its line ends, but with a blank for other controls, and cleaned as `one_line` does."""
    return "\n".join(_cleaned(line) for line in text.split("\n"))


def whole_characters(text: str) -> str:
    """Give a text that UTF-8 can say: lone surrogates become U+FFFD, all else stays."""
    return _SURROGATES.sub("\ufffd", text)


def size_of(text: str) -> int:
    """The length of a cleaned text in bytes of UTF-8."""
    return len(text.encode())


def cut(text: str, most: int) -> str:
    """Give a cleaned text in at most `most` bytes of UTF-8: cut between two characters, the cut marked with `…`."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    mark = CUT if most >= size_of(CUT) else ""
    return encoded[: max(0, most - size_of(mark))].decode(errors="ignore").rstrip() + mark


def cut_lines(lines: Sequence[str], most: int) -> list[str]:
    """Give as many lines as fit into `most` bytes, a line end counted for each, and say how many are left out."""
    if sum(size_of(line) + 1 for line in lines) <= most:
        return list(lines)
    longest_note = f"{CUT} {len(lines)} more lines left out"
    room = most - size_of(longest_note) - 1
    kept: list[str] = []
    for line in lines:
        if size_of(line) + 1 > room:
            break
        kept.append(line)
        room -= size_of(line) + 1
    if not kept and room > size_of(CUT) + 1:
        kept.append(cut(lines[0], room - 1))
    left_out = len(lines) - len(kept)
    if not left_out:
        return kept
    note = f"{CUT} {left_out} more {'line' if left_out == 1 else 'lines'} left out"
    return [*kept, note] if sum(size_of(line) + 1 for line in (*kept, note)) <= most else kept


def unique(names: Sequence[str], numbered: Callable[[str, int], str]) -> list[str]:
    """Give names of which no two are equal: the first of equals keeps its name, the others are numbered from 2.

    A number that would make a name another one already has is skipped.
    """
    written = set(names)
    given: set[str] = set()
    last: dict[str, int] = {}
    distinct = []
    for name in names:
        candidate = name
        while candidate in given or (candidate is not name and candidate in written):
            last[name] = last.get(name, 1) + 1
            candidate = numbered(name, last[name])
        given.add(candidate)
        distinct.append(candidate)
    return distinct


def _cleaned(text: str) -> str:
    return whole_characters(_INVISIBLE.sub("", _CONTROLS.sub(" ", text)))


def _shows(line: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in line)
