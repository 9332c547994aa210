"""Secrets: values that reach a vendor's request and nothing else.

A `Secret` prints as stars. What the type cannot guard, such as a vendor that echoes a token in an error, `redact`
does: it knows every secret made in this process and is applied to all text that leaves it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

SHOWN = "***"
#: Where a text was cut.
CUT = "..."
#: Shorter secrets are still never printed, but cannot be searched for in text: they would blank out ordinary words.
SHORTEST_SOUGHT = 4
#: Secrets of this length are found in capitals and small letters too: no ordinary word is like them.
SHORTEST_IN_ANY_CASE = 12
#: A pattern that matches nowhere.
NOTHING = r"(?!)"

_known: set[str] = set()
_pattern: list[_Finder | None] = [None]


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds secrets: as they were given, and in any case. `lower` tells whether a text in small letters holds one."""

    exact: re.Pattern[str]
    lower: re.Pattern[str]
    any_case: re.Pattern[str]


class Secret:
    """A token, an appkey, a password. `str()` and `repr()` give stars; only the driver calls `reveal()`."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value
        if len(value) >= SHORTEST_SOUGHT and value not in _known:
            _known.add(value)
            _pattern[0] = None

    def reveal(self) -> str:
        """The value itself. For the driver alone, when a request is on its way out."""
        return self.__value

    def __str__(self) -> str:
        return SHOWN

    def __repr__(self) -> str:
        return f"Secret({SHOWN!r})"

    def __format__(self, spec: str) -> str:
        return format(SHOWN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.__value == self.__value

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a Secret cannot be pickled: it would be written in clear")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        # pydantic is imported only while rules are read, and this method is called by pydantic alone.
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, raw: object) -> Secret:
        if isinstance(raw, Secret):
            return raw
        if not isinstance(raw, str):
            raise ValueError("a secret is text; put it in quotes")  # noqa: TRY004 - pydantic reports ValueError
        if not raw.strip():
            raise ValueError("the secret is empty")
        return cls(raw.strip())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "password"}


def redact(text: str) -> str:
    """Replace every secret known to this process, however it was quoted, by stars."""
    if not _known:
        return text
    finder = _pattern[0]
    if finder is None:
        finder = _pattern[0] = _finder()
    shown = finder.exact.sub(SHOWN, text)
    # A search in any case takes ten times as long: it is made where there is something to be found.
    return finder.any_case.sub(SHOWN, shown) if finder.lower.search(shown.lower()) else shown


def shortened(text: str, longest: int) -> str:
    """A text in at most so many characters, redacted before it is cut: no part of a secret is left at its end."""
    whole = redact(text)
    if len(whole) <= longest:
        return whole
    end = max(longest - len(CUT), 0)
    if whole[max(end - 1, 0) : end + 1] == "**":  # in the middle of stars, which are shown whole or not at all
        end = len(whole[:end].rstrip("*"))
    return whole[:end] + CUT[:longest]


def _finder() -> _Finder:
    """What finds all secrets that are known now."""
    spellings = {spelling for value in _known for spelling in _spellings(value)}
    long = {spelling for value in _known if len(value) >= SHORTEST_IN_ANY_CASE for spelling in _spellings(value)}
    return _Finder(
        exact=_any_of(spellings),
        lower=_any_of({spelling.lower() for spelling in long}),
        any_case=_any_of(long, re.IGNORECASE),
    )


def _any_of(spellings: Collection[str], flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """A pattern that finds any of these texts, the longest first; nothing where there is none."""
    longest_first = sorted(spellings, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or NOTHING, flags)


def _spellings(value: str) -> set[str]:
    """The ways one secret may stand in a URL, a JSON text or a Python repr, also with its UTF-8 read as Latin-1."""
    raw = value.encode(errors="surrogatepass")
    spellings = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    for text in (value, raw.decode("latin-1")):
        spellings |= {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
    return spellings
