"""Vendor texts on their way to people: no addresses, no secrets, and nobody's name.

Audit records are full of people, and a resource may be called like the member that it stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

from checkmill.api.v1 import redact, shortened

#: What stands for somebody.
MEMBER = "(member)"

_LONGEST_SHOWN = 160
#: No resource and no project has a longer name.
_LONGEST_NAME = 500
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_OPENING, _CLOSING = "([{\uff08\uff3b\uff5b", ")]}\uff09\uff3d\uff5d"
#: A word is looked at once only, from its beginning, so that a long one costs no more than its length.
_EMAIL = re.compile(r"(?<![^\s@\"'<>,;:()\[\]{}])[^\s@\"'<>,;:()\[\]{}]++(?:@[^\s@\"'<>,;:()\[\]{}]*+)+")
_ADDRESS = re.compile(
    r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])|(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}"
)


class Veil:
    """Hides what is known of people in names that are shown, in capitals or not, composed or not.

    Of an e-mail address the part before the @ is known as well. It costs no more than a name's length times the number
    of lengths that there are, however many people are known.
    """

    def __init__(self, private: Iterable[str] = ()) -> None:
        known = {_folded(part) for one in private for part in (one, one.partition("@")[0])}
        self._private = frozenset(one for one in known if len(one) > 1)
        lengths: dict[str, set[int]] = {}
        for one in self._private:
            lengths.setdefault(one[0], set()).add(len(one))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}
        self._seen: dict[str, str] = {}

    def over(self, text: str) -> str:
        """A name as a label, without people; one that names nobody stays as it is."""
        if text not in self._seen:
            self._seen[text] = label(self._without_people(text[:_LONGEST_NAME]))
        return self._seen[text]

    def _without_people(self, text: str) -> str:
        plain = _spelled(text)
        folded = [character.casefold() for character in plain]
        line = "".join(folded)
        # A character may fold into several: where in the plain text each of them comes from.
        places = [place for place, several in enumerate(folded) for _ in several]
        pieces: list[str] = []
        at = shown_to = 0
        while at < len(line):
            length = next((one for one in self._lengths.get(line[at], ()) if self._is_person(line, at, at + one)), 0)
            if length:
                pieces += [plain[shown_to : places[at]], MEMBER]
                shown_to = places[at + length - 1] + 1
            at += length or 1
        return "".join([*pieces, plain[shown_to:]]) if pieces else text

    def _is_person(self, line: str, start: int, end: int) -> bool:
        name = line[start:end]
        if len(line) < end or name not in self._private:
            return False
        # "Jun" is no part of "junction"; in Korean a particle may follow a name without a gap.
        return not (name.isascii() and (line[start - 1 : start].isalnum() or line[end : end + 1].isalnum()))


def people_in(values: Iterable[Any], names: Collection[str]) -> set[str]:
    """The texts that tell of people: those of the members called `names`, in whatever shape they came.

    What is bare text where an object should be may be somebody as well.
    """
    found: set[str] = set()
    # Whether a value is within a member of these names; None where nobody has said what it is.
    left: list[tuple[Any, bool | None]] = [(value, None) for value in values]
    while left:
        value, is_personal = left.pop()
        if isinstance(value, str) and is_personal is not False:
            found.add(value.strip())
        elif isinstance(value, list):
            left += [(one, is_personal) for one in value]
        elif isinstance(value, dict):
            left += [(one, is_personal is True or name in names) for name, one in value.items()]
    return found


def label(name: str) -> str:
    """A vendor's name as a label: without e-mail addresses, and without halves of characters, which none can write."""
    return _EMAIL.sub("(e-mail)", name.encode("utf-8", "replace").decode())


def shown(text: str) -> str:
    """A vendor's text for a message: one line, printable, short, without secrets and addresses of any kind."""
    impersonal = _ADDRESS.sub("(address)", _EMAIL.sub("(e-mail)", redact(text)))
    printable = "".join(character if character.isprintable() else " " for character in impersonal)
    return shortened(" ".join(printable.split()), _LONGEST_SHOWN)


def remark(text: str) -> str:
    """A vendor's own sentence for a message: as `shown`, without ids and without brackets, which tell of people."""
    return shown(_UUID.sub("(id)", _without_brackets(redact(text))))


def _without_brackets(text: str) -> str:
    """What stands outside of all brackets; one that is never closed ends the text."""
    kept: list[str] = []
    depth = 0
    for character in text:
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(character)
    return "".join(kept)


def _spelled(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _folded(text: str) -> str:
    return _spelled(text).casefold()
