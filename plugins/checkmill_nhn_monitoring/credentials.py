"""Credentials inside a scenario's address and body: where they stand, and the references that files have for them.

Headers that hold credentials are told from others where a scenario is read; here are the values in running text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from checkmill.api.v1 import Secret

#: How Checkmill shows a secret; a text that holds this has lost one.
STARS = "***"

#: Words that a name has whose value is a credential.
_NAME = (
    r"[\w.-]*(?:auth(?!or(?!i))|token|secret|passw|pwd|credential|cookie|session|signature|jwt|bearer"
    r"|(?:app|api|access|private|licen[sc]e)[-_]?key)[\w.-]*"
)
#: Where credentials stand: after the user in an address, after a parameter's name, after a member's name in JSON, in
#: an element and in an attribute of XML. Group 1 is the name, where there is one, group 2 the value.
_PLACES = (
    re.compile(r"(?<=://)()[^/?#\s:@]*:([^/?#\s@]+)(?=@)"),
    re.compile(rf"(?:(?<=[?&])|(?<=^))({_NAME}|sig|key)=([^&#\s\"'<>]+)", re.IGNORECASE),
    re.compile(rf"\"({_NAME})\"\s*:\s*\"((?:[^\"\\]|\\.)+)\"", re.IGNORECASE),
    re.compile(rf"<({_NAME})>([^<]+)</", re.IGNORECASE),
    re.compile(rf"\b({_NAME})=[\"']([^\"']+)[\"']", re.IGNORECASE),
)
_UNFIT = re.compile(r"[^A-Z0-9]+")
#: A shorter one is too likely an ordinary word to be blanked out wherever it stands.
_SHORTEST_NOTED = 8


def note(text: str) -> None:
    """Make the credentials in a text known as secrets, so that no output shows them."""
    for start, end, _ in _found(text):
        if end - start >= _SHORTEST_NOTED:
            Secret(text[start:end])  # being made is what makes it known


def hidden(text: str) -> str:
    """The text with stars in the place of its credentials."""
    return _replaced(text, lambda _, __: STARS, lambda piece: piece)


class References:
    """Gives `${...}` for credentials, each value its own; `owner` is what their names begin with."""

    def __init__(self, owner: str = "", values: dict[str, object] | None = None) -> None:
        self._owner = owner
        self._values: dict[str, object] = {} if values is None else values

    def of(self, owner: str) -> References:
        """The same for another owner, so that two owners with equal names do not meet."""
        return References(owner, self._values)

    def to(self, name: str, value: object) -> str:
        """The reference for a credential of that name."""
        words = _UNFIT.sub("_", f"{self._owner} {name or 'password'}".upper()).strip("_")
        plain = f"_{words}" if words[:1].isdecimal() else words
        variable, number = plain, 1
        while self._values.setdefault(variable, value) != value:
            number += 1
            variable = f"{plain}_{number}"
        return f"${{{variable}}}"

    def within(self, text: str) -> str:
        """The text as a file may hold it: its credentials as references, what only looks like one escaped."""
        return _replaced(text, self.to, escaped)


def escaped(text: str) -> str:
    """The text as a file may hold it, so that it is read as it is written here."""
    return text.replace("${", "$${")


def _replaced(text: str, credential: Callable[[str, str], str], rest: Callable[[str], str]) -> str:
    pieces, last = [], 0
    for start, end, name in _found(text):
        pieces += [rest(text[last:start]), credential(name, text[start:end])]
        last = end
    return "".join([*pieces, rest(text[last:])])


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """The places of credentials in a text, in order: start, end and the name that stands before."""
    matches = sorted((match.start(2), match.end(2), match[1]) for place in _PLACES for match in place.finditer(text))
    last = 0
    for start, end, name in matches:
        if start >= last:
            yield start, end, name
            last = end
