"""Signs that look like YAML's own and are none: what input methods, word processors and web pages put into rule files.

YAML takes all of them for text, so that a file with one often means something, and never what its writer sees.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

#: Blanks that YAML takes for letters: no-break, ideographic, zero-width and their kin.
_BLANKS = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d"
    "\u202f\u205f\u2060\u3000\ufeff"
)
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
_OPENING = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u300c\u300e"
_CLOSING = "\u201c\u201d\u201f\u2018\u2019\u201b\u00ab\u00bb\u300d\u300f"
_DASH = re.compile(f"(?P<sign>[{_DASHES}])[ {_BLANKS}]|-(?P<blank>[{_BLANKS}])")
_QUOTES = re.compile(f"[{_OPENING}].*[{_CLOSING}]", re.DOTALL)
_COLON = re.compile(rf"[\w.-]+ *(?:(?P<sign>\uff1a)|:(?P<blank>[{_BLANKS}]))")
_GLUED = re.compile(r"(?P<key>[A-Za-z_][\w.-]*)(?P<sign>[:\uff1a])[^/]", re.DOTALL)
_COMMA = re.compile("[\uff0c\u3001]")
_BEFORE_KEY = re.compile(r" *(?:- +)*")


@dataclass(frozen=True)
class Lookalike:
    """What is wrong, how many characters into the text, what to type, and what the text was surely meant to be."""

    sentence: str
    offset: int
    hint: str
    meant: str = ""


def in_key(text: str) -> Lookalike | None:
    """What is wrong with a plain key; what it is meant to be, if it is meant to be one here."""
    # What is indented with such a blank stands in the wrong map: whose key it is meant to be cannot be known.
    return _dash(text) or _edge(text, "" if text[0] in _BLANKS else _stripped(text))


def in_glued_key(text: str) -> Lookalike | None:
    """What is wrong with a key inside braces that has no value: one that holds its value."""
    glued = _GLUED.match(text)
    if glued is None:
        return None
    key = glued["key"]
    if glued["sign"] != ":":
        return _no_colon(glued["sign"], glued.start("sign"), key)
    return Lookalike(f"a blank is missing after {key + ':'!r}", glued.start("sign"), f"write {key}: ...", key)


def in_value(text: str, *, in_flow: bool, is_item: bool) -> Lookalike | None:
    """What is wrong with a plain value; `in_flow` is inside brackets, `is_item` in a list."""
    if _QUOTES.fullmatch(text):
        return quote_in(text, text[1:-1])
    colon = _colon(text) if is_item and not in_flow else None
    comma = _COMMA.search(text) if in_flow else None
    if comma:
        hint = "type ',' and a blank, or use quotes"
        return Lookalike(f"{_named(comma[0])} is no comma", comma.start(), hint, text)
    return colon or _edge(text, _stripped(text))


def in_line(text: str) -> Lookalike | None:
    """What keeps a line from being a key or a list item."""
    before = _BEFORE_KEY.match(text)
    offset = before.end() if before else 0
    rest = text[offset:]
    found = _dash(rest) or _colon(rest) or (_edge(rest, "") if rest[:1] in {*_BLANKS} else None)
    return replace(found, offset=found.offset + offset) if found else None


def quote_in(text: str, meant: str = "") -> Lookalike | None:
    """What is wrong with a value that begins with a quote that is none."""
    return (
        Lookalike(f"{_named(text[0])} is no quote", 0, "type ' or \" instead", meant)
        if text[:1] in {*_OPENING}
        else None
    )


def _dash(text: str) -> Lookalike | None:
    dash = _DASH.match(text)
    if dash is None:
        return None
    if dash["blank"]:
        return Lookalike(f"{_named(dash['blank'])} follows the '-'", 1, "type a blank instead")
    return Lookalike(f"{_named(dash['sign'])} begins no list item", 0, "type '-' and a blank")


def _colon(text: str) -> Lookalike | None:
    colon = _COLON.match(text)
    if colon is None:
        return None
    if colon["blank"]:
        return Lookalike(
            f"{_named(colon['blank'])} follows the ':'", colon.start("blank"), "type a blank instead", text
        )
    return _no_colon(colon["sign"], colon.start("sign"), text)


def _no_colon(sign: str, offset: int, meant: str) -> Lookalike:
    return Lookalike(f"{_named(sign)} is no colon", offset, "type ':' and a blank", meant)


def _edge(text: str, meant: str) -> Lookalike | None:
    if len(_stripped(text)) == len(text.strip(" \t\n")):
        return None
    offset = 0 if text[0] in _BLANKS else len(text.rstrip(_BLANKS + " \t\n"))
    return Lookalike(f"{_named(text[offset])} is no blank to YAML", offset, "type a blank, or nothing", meant)


def _stripped(text: str) -> str:
    return text.strip(_BLANKS + " \t\n")


def _named(sign: str) -> str:
    number = f"U+{ord(sign):04X}"
    if sign.isprintable():
        return f"{sign!r} ({number})"
    return f"this {unicodedata.name(sign, 'character').lower()} ({number})"
