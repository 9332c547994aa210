"""Judges what a peer answered over TCP or UDP: texts at positions, and the length that the message says it has.

Positions count bytes from 0, texts are UTF-8. `lengthValidation` is nowhere explained; it is taken for the length field
of a message: an integer of TYPE at position POS in the byte order ENDIAN, which counts the bytes from position BASE on,
so that BASE plus its value is the length of the whole message. Types are Java's, signed: BYTE 1, SHORT 2, INT 4, LONG 8
bytes. Any other type or order is not understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from checkmill.api.v1 import redact
from checkmill_nhn_monitoring.credentials import hidden
from checkmill_nhn_monitoring.scenario import LengthValidation, PositionCheck, Validation
from checkmill_nhn_monitoring.verdict import NotCarriedOut

_SIZES = {"BYTE": 1, "SHORT": 2, "INT": 4, "INTEGER": 4, "LONG": 8}
_ORDERS: dict[str, Literal["big", "little"]] = {"BIG": "big", "LITTLE": "little"}
_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)
_LONGEST_QUOTED = 60


@dataclass(frozen=True)
class LengthField:
    """Where a message says how long it is: `size` bytes from `position` on, which count from `base` on."""

    position: int
    size: int
    order: Literal["big", "little"]
    base: int

    @property
    def end(self) -> int:
        """The position after it."""
        return self.position + self.size

    def length_in(self, data: bytes) -> int:
        """The length of the whole message that the beginning of one, at least up to `end`, says."""
        return self.base + int.from_bytes(data[self.position : self.end], self.order, signed=True)


@dataclass(frozen=True)
class Expected:
    """What an answer must be: the texts it has at positions, and the length field it has, if any.

    `is_quotable` says whether an answer may be shown: not if it may be the echo of a request with a credential, of
    which maybe a piece alone is read, that nobody would know again.
    """

    texts: tuple[PositionCheck, ...]
    length: LengthField | None
    is_quotable: bool = True

    @property
    def shortest(self) -> int:
        """How many bytes there must be at least; 0 where nothing is demanded."""
        ends = [check.position + len(_bytes_of(check)) for check in self.texts]
        return max([*ends, self.length.end if self.length is not None else 0], default=0)

    def objection_to(self, data: bytes) -> str:
        """What is wrong with the beginning of an answer, or ""; that it goes on after it is not."""
        for check in self.texts:
            wanted = _bytes_of(check)
            found = data[check.position : check.position + len(wanted)]
            if found != wanted:
                return f'at position {check.position} there is {self._quoted(found, data)}, not "{check.text}"'
        if self.length is None:
            return ""
        if len(data) < self.length.end:
            return f"the answer has {len(data)} bytes, and its length field would end at {self.length.end}"
        length = self.length.length_in(data)
        return f"its length field says {length} bytes, and {len(data)} came" if length < len(data) else ""

    def _quoted(self, found: bytes, data: bytes) -> str:
        """What came, for a sentence. A message may be anything: what is no text is shown as numbers.

        Where the whole of it holds a secret, nothing is shown.
        """
        if not found:
            return "nothing"
        whole = data.decode("utf-8", "backslashreplace")
        if not self.is_quotable or redact(whole) != whole:
            return "another text"
        shown = found[:_LONGEST_QUOTED].decode("utf-8", "backslashreplace")
        return f'"{shown}"'

    def whole_length(self, data: bytes) -> int | None:
        """How many bytes of an answer are to be read, by what came of it; None as long as that cannot be told."""
        if len(data) < self.shortest:
            return None
        beginning = data[: self.shortest]
        length = None if self.objection_to(beginning) else self.length_in(beginning)
        return self.shortest if length is None else max(length, self.shortest)

    def length_in(self, data: bytes) -> int | None:
        """How long the whole answer is, by a beginning without objection; None where that does not matter."""
        return None if self.length is None else self.length.length_in(data)


def expected_of(validation: Validation, request: str | None = None) -> Expected:
    """What a scenario demands of the answer to its request.

    Raises `NotCarriedOut` for a length field that is not understood.
    """
    texts = tuple(check for check in validation.response_validations if check.text)
    for check in texts:
        _bytes_of(check)
    given = validation.length_validation
    sent = request or ""
    return Expected(texts, None if given is None else _length_field(given), is_quotable=redact(hidden(sent)) == sent)


def _length_field(given: LengthValidation) -> LengthField:
    size = _SIZES.get(given.type)
    if size is None:
        raise NotCarriedOut(f"lengthValidation is of the TYPE {given.type!r}, which is not known")
    order = _ORDERS.get(given.endian)
    if order is None:
        raise NotCarriedOut(f"lengthValidation has the ENDIAN {given.endian!r}, which is neither BIG nor LITTLE")
    position = _whole("POS", given.position)
    if position < 0:
        raise NotCarriedOut(f"lengthValidation has the POS {position}, which is below zero")
    return LengthField(position, size, order, _whole("BASE", given.base or "0"))


def _whole(name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise NotCarriedOut(f"lengthValidation has the {name} {text!r}, which is not a whole number")
    return int(text)


def _bytes_of(check: PositionCheck) -> bytes:
    try:
        return check.text.encode()
    except UnicodeEncodeError:
        raise NotCarriedOut("a validationText holds half a character, which cannot be compared") from None
