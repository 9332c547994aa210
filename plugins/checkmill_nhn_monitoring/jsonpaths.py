"""JSON answers and the JSONPath of text checks: RFC 9535, and after a path the six functions that NHN has for arrays.

    $.items.length()   $.prices.min()   .max()   .sum()   .avg()   .stddev()

All but `length()` give a double, rounded from exact sums; `stddev()` is that of the whole population. After a path to
one place, a function is about the array there; after a path to several, the values at all of them are the array, unless
those are arrays themselves. Elements must be numbers, except for `length()`. What other dialects have beyond that
(`=~`, `in`, `size`, `@.length-1`) is not understood.

For a child process: hostile answers and expressions may take any time and memory here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, DecimalException, localcontext
from itertools import islice
from typing import Any

from checkmill_nhn_monitoring.comparing import MOST_FOUND, Found, gathered
from checkmill_nhn_monitoring.verdict import BodyError, NotCarriedOut

#: How deep an answer may nest. Real ones stay below twenty; the library gives up at a hundred.
DEEPEST = 200
#: Digits that are computed with: more than any number of an answer has.
_DIGITS = 60


def document_of(text: str) -> Any:
    """The JSON document of an answer.

    Raises `BodyError` for what is none, NaN and Infinity included, and `NotCarriedOut` for one that is too deep, or
    whose meaning depends on who reads it: a key that stands twice.
    """
    if not text.strip():
        raise BodyError("it is empty")
    try:
        document = json.loads(text, parse_constant=_refused, object_pairs_hook=_unambiguous)
    except json.JSONDecodeError as error:
        raise BodyError(f"it breaks at character {error.pos + 1} ({error.msg})") from None
    except RecursionError:
        raise _too_deep() from None
    except BodyError:
        raise
    except ValueError:
        raise NotCarriedOut("the answer holds a number of thousands of digits") from None
    _refuse_depth(document)
    return document


def found_in(document: Any, expression: str) -> list[Found]:
    """What an expression finds in a document. Raises `NotCarriedOut` for one that is not understood."""
    from jsonpath import JSONPath

    function = _parted(expression)[1]
    try:
        query = _compiled(expression)
        matches = [match.obj for match in islice(query.finditer(document), MOST_FOUND + 1)]
        several = not (isinstance(query, JSONPath) and query.singular_query())
    except Exception as error:  # noqa: BLE001 - the library has many ways to dislike an expression, not all its own
        raise _not_understood(error) from None
    if function is None:
        return gathered(Found.in_json(value) for value in matches)
    array = _array_of(matches, function, several=several)
    if array is None or not (array or function == "length"):
        return []
    return [Found.computed(_FUNCTIONS[function](array))]


def check(expression: str) -> None:
    """Raise `NotCarriedOut` for an expression that is not understood."""
    try:
        _compiled(expression)
    except Exception as error:  # noqa: BLE001 - as above
        raise _not_understood(error) from None


def _compiled(expression: str) -> Any:
    # Imported here: only a child process that judges, and a command that reads definitions, need it.
    from jsonpath import JSONPathEnvironment

    return JSONPathEnvironment(strict=True).compile(_parted(expression)[0])


def _not_understood(error: Exception) -> NotCarriedOut:
    reason = str(error.args[0]) if error.args else type(error).__name__
    return NotCarriedOut(f"it is not understood as JSONPath: {reason}")


def _parted(expression: str) -> tuple[str, str | None]:
    """The path of an expression and the function after it, if there is one."""
    bare = expression.strip()
    path, _, name = bare.removesuffix("()").rpartition(".")
    return (path, name) if bare.endswith("()") and name in _FUNCTIONS else (bare, None)


def _array_of(matches: list[Any], function: str, *, several: bool) -> Sequence[Any] | None:
    """The array that a function is about, or None where there is none."""
    if not matches:
        return None
    if several:
        if any(isinstance(value, list | dict) for value in matches):
            raise NotCarriedOut(f"whether {function}() is for each of several arrays or for all of them is not defined")
        return matches
    if isinstance(matches[0], dict):
        raise NotCarriedOut(f"{function}() is defined for arrays, and there is an object")
    return matches[0] if isinstance(matches[0], list) else None


def _computed(compute: Callable[[Sequence[Decimal]], Decimal]) -> Callable[[Sequence[Any]], Decimal]:
    def of_array(values: Sequence[Any]) -> Decimal:
        numbers = [found.number for found in map(Found.in_json, values) if found.is_number]
        if len(numbers) < len(values):
            raise NotCarriedOut("it computes with an array that holds what is not a number")
        try:
            with localcontext(Context(prec=_DIGITS)):
                value = float(compute([number for number in numbers if number is not None]))
        except (DecimalException, OverflowError):
            value = math.inf
        if not math.isfinite(value):
            raise NotCarriedOut("its numbers are too large to be computed with")
        return Decimal(repr(value))

    return of_array


def _average(numbers: Sequence[Decimal]) -> Decimal:
    return sum(numbers, Decimal(0)) / len(numbers)


def _deviation(numbers: Sequence[Decimal]) -> Decimal:
    average = _average(numbers)
    return _average([(number - average) ** 2 for number in numbers]).sqrt()


_FUNCTIONS: Mapping[str, Callable[[Sequence[Any]], Decimal]] = {
    "length": lambda values: Decimal(len(values)),
    "min": _computed(min),
    "max": _computed(max),
    "sum": _computed(lambda numbers: sum(numbers, Decimal(0))),
    "avg": _computed(_average),
    "stddev": _computed(_deviation),
}


def _refuse_depth(document: Any) -> None:
    level = [document]
    for _ in range(DEEPEST):
        level = [
            member
            for value in level
            if isinstance(value, dict | list)
            for member in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> NotCarriedOut:
    return NotCarriedOut(f"the answer nests deeper than {DEEPEST} levels")


def _refused(constant: str) -> None:
    raise BodyError(f"it holds {constant}")


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotCarriedOut("the answer has a key twice in one object, so what it says depends on who reads it")
    return members
