"""Words as a person types them at a prompt: quotes taken off, and words quoted so that bash reads them back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: What stands unquoted in a word of bash, beside letters and digits of any script.
_PLAIN = frozenset("_-./,@%+=:^")


@dataclass(frozen=True, slots=True)
class Unquoted:
    """A typed word without its quotes; `quote` is one that is still open, `begin` where what follows it begins."""

    text: str
    quote: str = ""
    begin: int = 0


def unquoted(typed: str) -> Unquoted:
    """Take the quotes off a word that may not be finished. Nothing in it is expanded."""
    text: list[str] = []
    quote, begin, index = "", 0, 0
    while index < len(typed):
        character = typed[index]
        index += 1
        if character == quote:
            quote = ""
        elif quote == "'":
            text.append(character)
        elif character == "\\" and (not quote or typed[index : index + 1] in tuple('"\\$`')):
            text.append(typed[index : index + 1])
            index += 1
        elif not quote and character in "'\"":
            quote, begin = character, index
        else:
            text.append(character)
    return Unquoted("".join(text), quote, begin if quote else 0)


def quoted(text: str, quote: str = "") -> str:
    """A word as bash reads it back; with `quote`, as it stands after that opening quote."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote == '"':
        return "".join(f"\\{character}" if character in '"\\$`' else character for character in text)
    return "".join(character if character in _PLAIN or character.isalnum() else f"\\{character}" for character in text)


def for_bash(words: Iterable[str], typed: str, head: str) -> list[str]:
    """Of some words those that begin with what was typed, as bash puts them in the place of what follows `head`."""
    current = unquoted(typed)
    # With an open quote, bash replaces what follows that quote.
    before = unquoted(typed[: current.begin] if current.quote else head).text
    return [quoted(word[len(before) :], current.quote) for word in words if word.startswith(current.text)]
