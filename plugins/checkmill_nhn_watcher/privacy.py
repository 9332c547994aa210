"""Vendor texts on their way to people: no addresses, no secrets, and nobody's name.

Audit records are full of people, and a resource may be called like the member that it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from checkmill.api.v1 import redact, shortened

#: What stands for somebody.
MEMBER = "(member)"

_LONGEST_SHOWN = 160
#: No resource and no project has a longer name.
_LONGEST_NAME = 500
#: A word is looked at once only, from its beginning, so that a long one costs no more than its length.
_EMAIL = re.compile(r"(?<![^\s@\"'<>,;:()\[\]{}])[^\s@\"'<>,;:()\[\]{}]++(?:@[^\s@\"'<>,;:()\[\]{}]*+)+")
_ADDRESS = re.compile(
    r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])|(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}"
)


class Veil:
    """Hides what is known of people in names that are shown.

    It costs no more than a name's length times the number of lengths that there are, however many people are known.
    """

    def __init__(self, private: Iterable[str] = ()) -> None:
        self._private = frozenset(one for one in private if len(one) > 1)
        lengths: dict[str, set[int]] = {}
        for one in self._private:
            lengths.setdefault(one[0], set()).add(len(one))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}
        self._seen: dict[str, str] = {}

    def over(self, text: str) -> str:
        """A name as a label, without people."""
        if text not in self._seen:
            self._seen[text] = label("".join(self._parts(text[:_LONGEST_NAME])))
        return self._seen[text]

    def _parts(self, text: str) -> Iterator[str]:
        at = 0
        while at < len(text):
            length = next((one for one in self._lengths.get(text[at], ()) if self._is_person(text, at, at + one)), 0)
            yield MEMBER if length else text[at]
            at += length or 1

    def _is_person(self, text: str, start: int, end: int) -> bool:
        name = text[start:end]
        if name not in self._private:
            return False
        # "Jun" is no part of "junction"; in Korean a particle may follow a name without a gap.
        return not (name.isascii() and (_in_word(text[start - 1 : start]) or _in_word(text[end : end + 1])))


def label(name: str) -> str:
    """A vendor's name as a label: without e-mail addresses, and without halves of characters, which none can write."""
    return _EMAIL.sub("(e-mail)", name.encode("utf-8", "replace").decode())


def shown(text: str) -> str:
    """A vendor's text for a message: one line, printable, short, without secrets and addresses of any kind."""
    impersonal = _ADDRESS.sub("(address)", _EMAIL.sub("(e-mail)", redact(text)))
    printable = "".join(character if character.isprintable() else " " for character in impersonal)
    return shortened(" ".join(printable.split()), _LONGEST_SHOWN)


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
