"""Names as Checkmk sends them: compared in both forms that a site may write them in, and shown as labels."""

from __future__ import annotations

from typing import Any

from checkmill.api.v1 import redact, shortened

#: Labels by name. All are text; as `Any` they can be handed on as keywords.
Labels = dict[str, Any]
_LONGEST_SHOWN = 200


def repaired(name: str) -> str:
    """A name as it was meant.

    Sites that run Python 2 may write its UTF-8 bytes as escapes, each of which Python 3 reads as a character.
    """
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def spellings(name: str) -> frozenset[str]:
    """The names that a name may stand for."""
    return frozenset((name, repaired(name)))


def same(one: str, other: str) -> bool:
    """Whether two names may stand for one thing."""
    return not spellings(one).isdisjoint(spellings(other))


def label(name: str) -> str:
    """A name as a label: never empty, and free of halves of characters that no output can write."""
    written = name.encode("utf-8", "replace").decode()
    return written if written.strip() else "(no name)"


def shown(text: str) -> str:
    """A text of the vendor's for a message: one printable line, short, without secrets.

    Those are sought before blanks are joined and what a site wrote as escapes is put right, and afterwards.
    """
    text = redact(repaired(redact(text)))
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return shortened("".join(one if one.isprintable() else "?" for one in line), _LONGEST_SHOWN)
