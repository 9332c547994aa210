"""Text and JSON of a vendor's answer, hostile until it is read: charset, depth, ambiguity, what is no number."""

from __future__ import annotations

import codecs
import json
import math
from typing import Any

from checkmill.model.errors import ParseError
from checkmill.model.secret import shortened

#: How deep a JSON answer may nest. Python's own parser gives up near its recursion limit; vendors stay below twenty.
DEEPEST_JSON = 200


#: Encodings of text that vendors use, as Python's codecs are called, without `-` and `_`. Others that Python knows are
#: no encodings of text, or take quadratic time.
CHARSETS = frozenset(
    [
        *("utf8", "utf8sig", "utf16", "utf16le", "utf16be", "utf32", "utf32le", "utf32be", "ascii", "koi8r", "koi8u"),
        *("cp949", "euckr", "johab", "iso2022kr", "shiftjis", "cp932", "eucjp", "iso2022jp"),
        *("gb2312", "gbk", "gb18030", "big5"),
        *(f"cp125{number}" for number in range(9)),
        *(f"iso8859{number}" for number in range(1, 17) if number != 12),
    ]
)


def decoded(body: bytes, content_type: str) -> str:
    """A body as text: UTF-8, or the charset that the content type names.

    Raises `ParseError` for bytes that are not in that charset, and for one that is not used for text.
    """
    charset = "utf-8-sig"
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset" and value.strip("\"' ").lower() not in {"utf-8", "utf8"}:
            charset = value.strip("\"' ")
    try:
        text = body.decode(charset) if _codec_name(charset) in CHARSETS else None
    except (LookupError, ValueError):
        text = None
    if text is None:
        raise ParseError(f"the answer is not {shortened(charset.removesuffix('-sig').upper(), 40)} text")
    return text


def _codec_name(charset: str) -> str:
    """What Python calls a charset, whatever alias is used for it."""
    return codecs.lookup(charset).name.replace("-", "").replace("_", "")


def json_value(text: str, status: int) -> Any:
    """A text as JSON; `status` is the HTTP status it came with. NaN and infinities become None: they are no values.

    Raises `ParseError` for an empty text, for HTML, for broken, too deep or ambiguous JSON.
    """
    if not text.strip():
        raise ParseError(f"the answer is empty (HTTP {status})")
    if text.lstrip()[:1] == "<":
        raise ParseError(f"the answer is HTML or XML, not JSON (HTTP {status}; a login page?)")
    _refuse_depth(text)
    try:
        return json.loads(text, parse_constant=_no_value, parse_float=_finite, object_pairs_hook=_unambiguous)
    except json.JSONDecodeError as error:
        where = "ends in the middle" if error.pos >= len(text.rstrip()) else f"breaks at character {error.pos + 1}"
        raise ParseError(f"the answer is not JSON: it {where} of {len(text)} ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the answer is not usable JSON: {error}") from None


def _no_value(_constant: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {shortened(twice, 60)!r} stands twice in one object")
    return members


def _refuse_depth(text: str) -> None:
    """Refuse nesting that would exhaust the stack, before any parser sees it."""
    if text.count("[") + text.count("{") <= DEEPEST_JSON:
        return
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > DEEPEST_JSON:
                raise ParseError(f"the answer nests deeper than {DEEPEST_JSON} levels")
        elif character in "]}":
            depth -= 1
