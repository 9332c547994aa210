"""Credentials of a scenario: the names they have, where they stand in running text, and what files refer to them by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from checkmill.api.v1 import Secret

#: How Checkmill shows a secret; a text that holds this has lost one.
STARS = "***"

#: What the name of a credential has in it.
_CREDENTIAL = re.compile(
    r"auth(?!or(?!i))|token|secret|passw|pwd|credential|cookie|session|signature|jwt|bearer"
    r"|pass(?:\b|_|phrase|code)|(?:^|[-_.])pin(?:code)?(?:$|[-_.])|^sig$"
    r"|(?:app|api|access|private|licen[sc]e|subscription|functions?)[-_]?key|(?:^|[-_])key$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w-]+")
#: Where credentials may stand: after the user in an address, after a parameter's name, after a member's name in JSON,
#: in an element and in an attribute of XML, after a word at the beginning of a line, as protocols over TCP have it.
#: Group 1 is the name, empty where there is none, group 2 the value.
_PLACES = (
    re.compile(r"(?<=://)()[^/?#\s:@]*:([^/?#\s@]+)(?=@)"),
    re.compile(r"(?:(?<=[?&])|(?<=^))([^=&?#\s\"'<>{}]{1,100})=([^&#\s\"'<>]+)"),
    re.compile(r"\"([^\"\\]{1,100})\"\s*:\s*\"((?:[^\"\\]|\\.)+)\""),
    re.compile(r"\"([^\"\\]{1,100})\"\s*:\s*(-?\d[\w.+-]*)"),
    re.compile(r"<([\w.:-]{1,100})>([^<]+)</"),
    re.compile(r"\b([\w.-]{1,100})=[\"']([^\"']+)[\"']"),
    re.compile(r"^[ \t]*(auth|pass|password|passwd)[ \t]+(\S[^\r\n]*)", re.IGNORECASE | re.MULTILINE),
)
_UNFIT = re.compile(r"[^A-Z0-9]+")
#: A shorter one is too likely an ordinary word to be blanked out wherever it stands.
_SHORTEST_NOTED = 6
#: The same of one word of several.
_SHORTEST_PART = 8
#: Words before a credential that say of what kind it is.
_SCHEMES = {"bearer", "digest", "negotiate", "apikey", "sharedaccesssignature"}


def is_credential(name: str) -> bool:
    """Whether the value of a header, parameter or member of that name is a credential."""
    return bool(_CREDENTIAL.search(name))


def credential_in(expression: str) -> str:
    """The name of a credential in a path into an answer, so that what the path finds is one; "" if there is none."""
    return next(filter(is_credential, _WORD.findall(expression)), "")


def note(text: str) -> None:
    """Make the credentials in a text known as secrets, so that no output shows them."""
    for start, end, _ in _found(text):
        note_value(text[start:end])


def note_value(value: str) -> None:
    """Make a credential known as a secret, and of several words those that are long enough."""
    parts = [part for part in value.split() if len(part) >= _SHORTEST_PART]
    for part in [value, *parts] if len(value) >= _SHORTEST_NOTED else []:
        if part.lower() not in _SCHEMES:
            Secret(part)  # being made is what makes it known


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
    matches = sorted(
        (match.start(2), match.end(2), match[1])
        for place in _PLACES
        for match in place.finditer(text)
        if not match[1] or is_credential(match[1])
    )
    last = 0
    for start, end, name in matches:
        if start >= last:
            yield start, end, name
            last = end
