"""What Resource Watcher's answers look like: a header that alone tells success, and the data beside it.

    {"header": {"isSuccessful": true, "resultCode": 0, "resultMessage": ""}, "alarms": [...], "totalItems": 12}

Every request is answered with HTTP 200. No list of result codes is published, so that none is given a meaning here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import ParseError, ReadError, Response
from checkmill_nhn_watcher.privacy import remark

Members = Mapping[str, Any]
#: Labels by name. All are text; as `Any` they can be handed on as keywords.
Labels = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows as sent, and how many the whole list has."""

    rows: Sequence[Any]
    total: int


def answer_of(response: Response) -> Members:
    """An answer whose header says success. Raises `ReadError` for a refusal, `ParseError` for what does not decide."""
    document = response.json()
    if not isinstance(document, Mapping):
        raise ParseError(f"the answer should be an object with a header, but is {shape(document)}")
    header = document.get("header")
    if not isinstance(header, Mapping):
        raise ParseError("the answer has no header, which alone tells whether it is a success")
    successful, code = header.get("isSuccessful"), header.get("resultCode")
    if successful is False:
        raise ReadError(_refusal(code, header.get("resultMessage")))
    if successful is not True:
        raise ParseError(f"header.isSuccessful should be true or false, but is {shape(successful)}")
    if type(code) is not int:
        raise ParseError(f"header.resultCode should be a whole number, but is {shape(code)}")
    if code != 0:
        raise ReadError(_refusal(code, header.get("resultMessage")) + " (although isSuccessful is true)")
    return document


def page_of(response: Response, key: str) -> Page:
    """One page of a list. Raises `ParseError` for a list that is none, or whose number of items cannot be believed."""
    document = answer_of(response)
    rows, total = document.get(key), document.get("totalItems")
    if not isinstance(rows, list):
        raise ParseError(f"{key} should be a list, but is {shape(rows)}")
    if type(total) is not int or total < 0:
        raise ParseError(f"totalItems should be a number of items, but is {shape(total)}")
    return Page(rows, total)


def object_in(document: Members, key: str) -> Members:
    """An object of an answer. Raises `ParseError` for anything else."""
    value = document.get(key)
    if not isinstance(value, Mapping):
        raise ParseError(f"{key} should be an object, but is {shape(value)}")
    return value


def list_in(document: Members, key: str) -> Sequence[Any]:
    """A list of an answer. Raises `ParseError` for anything else."""
    value = document.get(key)
    if not isinstance(value, list):
        raise ParseError(f"{key} should be a list, but is {shape(value)}")
    return value


def text_in(members: Any, key: str) -> str:
    """A text of an object, trimmed; "" where there is none. The vendor's samples are full of empty texts."""
    value = members.get(key) if isinstance(members, Mapping) else None
    return value.strip() if isinstance(value, str) else ""


def is_text_or_none(members: Any, key: str) -> bool:
    """Whether a member that is an id or a code is such, or not there."""
    value = members.get(key) if isinstance(members, Mapping) else None
    return value is None or (isinstance(value, str) and value.strip().isprintable())


def id_in(members: Any, key: str) -> str:
    """An id of an object; "" for what cannot be one, such as text of several lines."""
    value = text_in(members, key)
    return value if value.isprintable() else ""


def shape(value: Any) -> str:
    """A few words on what came; of its content nothing but short numbers, since texts may be about people."""
    if value is None:
        return "absent"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return "text" if value else "an empty text"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 64:
        return f"a number of {value.bit_length()} bits"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refusal(code: Any, message: Any) -> str:
    number = f" with resultCode {shape(code)}" if type(code) is int else ""
    said = remark(message) if isinstance(message, str) else ""
    return f"Resource Watcher refused{number}: {said or 'no reason given'}"
