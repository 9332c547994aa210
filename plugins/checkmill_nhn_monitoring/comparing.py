"""The eight operators of a text check: what an expression found, compared with the operand.

A value is compared as what it is. Numbers are compared as numbers when both sides are, so `5.0` equals `5`; a text of
JSON is not a number, so `"5.0"` equals `5.0` alone, but may be greater or less. In HTML and XML nothing tells a number
from a text that looks like one: where `1.10` is to equal `1.1`, nobody can say. Yes/no and null are the texts `true`,
`false` and `null`; an object or array is its JSON, without regard to the order of members where it is to be equal.

Where an expression finds several values, EQ and the four that order demand it of each, CONTAINS of one, and NE and
NOT_CONTAINS of all. Where it finds none, no operator holds, NE and NOT_CONTAINS included: a value that is gone is not
one that differs.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from checkmill_nhn_monitoring.credentials import STARS, credential_in, hidden
from checkmill_nhn_monitoring.scenario import TextCheck
from checkmill_nhn_monitoring.verdict import NotCarriedOut, Outcome

_ORDERING: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "GT": operator.gt,
    "GTE": operator.ge,
    "LT": operator.lt,
    "LTE": operator.le,
}
SEARCHING = frozenset({"CONTAINS", "NOT_CONTAINS"})
ORDERING = frozenset(_ORDERING)
OPERATORS = frozenset({"EQ", "NE", *SEARCHING, *ORDERING})

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_NUMBER = 5000
#: A longer value is not quoted, only measured: cut in the middle of a secret, it would show the other half.
_LONGEST_QUOTED = 2000
_MOST_QUOTED = 3
#: More values, or more text in all of them, than any check is about.
MOST_FOUND = 100_000
LARGEST_FOUND = 32 << 20


@dataclass(frozen=True)
class Found:
    """One value that an expression found: its text and the number it can be read as.

    `is_number` says that it equals what is equal as a number, `may_be_number` that this cannot be told; `canonical` is
    the JSON of an object or array with its members in order of name.
    """

    text: str
    number: Decimal | None = None
    is_number: bool = False
    may_be_number: bool = False
    canonical: str | None = None
    quoted: bool = False

    @classmethod
    def in_json(cls, value: Any) -> Found:
        """A value of a JSON document."""
        if isinstance(value, str):
            return cls(value, number_in(value), quoted=True)
        if isinstance(value, bool) or value is None:
            return cls(_written(value))
        if isinstance(value, int | float):
            text = _written(value)
            number = number_in(text)
            return cls(text, number, is_number=number is not None)
        return cls(_written(value), canonical=_canonical(value))

    @classmethod
    def in_markup(cls, text: str) -> Found:
        """A text of an HTML or XML document, where nothing but its look says whether it is a number."""
        number = number_in(text)
        return cls(text, number, may_be_number=number is not None, quoted=True)

    @classmethod
    def computed(cls, number: Decimal, text: str = "") -> Found:
        """A number that an expression computes."""
        return cls(text or str(number), number, is_number=True)

    def equals(self, operand: str) -> bool | None:
        """Whether it is what the operand says; None where it is as a number, and not as a text, and may be either."""
        if self.canonical is not None:
            return self.canonical == _canonical_of(operand)
        if self.is_number:
            return self.number == number_in(operand)
        if self.may_be_number and self.text.strip() != operand.strip() and self.number == number_in(operand):
            return None
        return self.text == operand or (self.may_be_number and self.text.strip() == operand.strip())

    @property
    def shown(self) -> str:
        """The value for a sentence."""
        if len(self.text) > _LONGEST_QUOTED:
            return f"a value of {len(self.text)} characters"
        text = hidden(self.text)
        return f'"{text}"' if self.quoted else text


def compared(check: TextCheck, found: Sequence[Found]) -> Outcome:
    """Whether what was found is as the check wants it. Raises `NotCarriedOut` for an operand that makes no sense."""
    holds = _holds(check, found)
    if holds:
        return Outcome(True, f"{written(check)} holds")
    return Outcome(False, f"{written(check)} does not hold: {_listed(check, found)}")


def written(check: TextCheck) -> str:
    """A check for a sentence. What a credential is compared with is one as well."""
    operand = STARS if check.operand and credential_in(check.expression) else check.operand or ""
    return f"{check.expression} {check.operator} {operand}".strip()


def gathered(values: Iterable[Found]) -> list[Found]:
    """All values, unless there are more of them than any check can be about: then `NotCarriedOut` is raised."""
    found: list[Found] = []
    size = 0
    for value in values:
        found.append(value)
        size += len(value.text)
        if len(found) > MOST_FOUND or size > LARGEST_FOUND:
            raise NotCarriedOut(
                f"it finds more than {MOST_FOUND} values, or more than {LARGEST_FOUND >> 20} MiB of them"
            )
    return found


def number_in(text: str) -> Decimal | None:
    """The number that a text is, in decimal notation, or None. White space around it does not count."""
    text = text.strip()
    return Decimal(text) if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) else None


def _holds(check: TextCheck, found: Sequence[Found]) -> bool:
    operand = check.operand
    if operand is None:
        raise NotCarriedOut("it has no operand to compare with")
    if check.operator in _ORDERING:
        limit = number_in(operand)
        if limit is None:
            raise NotCarriedOut(f"its operand {operand!r} is not a number, which {check.operator} needs")
        in_order = _ORDERING[check.operator]
        return bool(found) and all(one.number is not None and in_order(one.number, limit) for one in found)
    match check.operator:
        case "CONTAINS":
            return any(operand in one.text for one in found)
        case "NOT_CONTAINS":
            return bool(found) and not any(operand in one.text for one in found)
        case "EQ":
            return bool(found) and not any(_equal(operand, found, wanted=False))
        case "NE":
            return bool(found) and not any(_equal(operand, found, wanted=True))
    raise NotCarriedOut(f"its operator {check.operator} is not known")


def _equal(operand: str, found: Sequence[Found], *, wanted: bool) -> list[bool]:
    """Which values decide: those that are equal, or with `wanted` False those that are not.

    Raises `NotCarriedOut` where none does and one of them may.
    """
    equal = [one.equals(operand) for one in found]
    deciding = [one is wanted for one in equal]
    if None in equal and not any(deciding):
        raise NotCarriedOut("both are equal as numbers and not as texts, and which is meant is not documented")
    return deciding


def _listed(check: TextCheck, found: Sequence[Found]) -> str:
    if not found:
        return "nothing is found there"
    if credential_in(check.expression):
        return "what is found there is not shown"
    shown = ", ".join(one.shown for one in found[:_MOST_QUOTED])
    more = len(found) - _MOST_QUOTED
    return f"it is {shown}" + (f" and {more} more" if more > 0 else "")


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _canonical_of(operand: str) -> str | None:
    try:
        return _canonical(json.loads(operand))
    except (ValueError, RecursionError):
        return None
