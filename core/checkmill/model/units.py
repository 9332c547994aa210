"""Units: what a metric is measured in, and what people may write after a number in a rule."""

from __future__ import annotations

import math
import re

#: No clock, lock or socket takes any number of seconds; ten years are more than any rule means.
LONGEST_S = 10 * 366 * 86400.0
#: Seconds in what people write for a time.
_TIME = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DECIMAL = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}
_NUMBER = re.compile(r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*", re.ASCII)


def amount(text: str | float, unit: str | None) -> float:
    """Read `90%`, `20GiB`, `5m` or a bare number as an amount in a metric's unit; None takes any unit as it is.

    Raises ValueError saying what was found and what the unit allows.
    """
    match = _NUMBER.fullmatch(text) if isinstance(text, str) else None
    if isinstance(text, int | float) and not isinstance(text, bool):
        return _finite(text, text)
    if match is None:
        raise ValueError(f"{_found(text)} is not a number{_allowed(unit)}")
    number, written = float(match[1]), match[2]
    factor = 1.0 if unit is None else _factor(written, unit)
    if factor is None:
        raise ValueError(f"{text!r} has the unit {written!r}, but the metric is measured in {unit or 'plain numbers'}")
    return _finite(number * factor, text)


def seconds(text: str | float) -> float:
    """Read a duration such as `60s`, `5m`, `1.5h`, `24h` or a bare number of seconds; it must be above zero."""
    try:
        value = amount(text, "s")
    except ValueError:
        raise ValueError(f"{_found(text)} is not a duration; write it like 30s, 5m or 24h") from None
    if value <= 0:
        raise ValueError(f"{_found(text)} is not above zero; write it like 30s, 5m or 24h")
    if value > LONGEST_S:
        raise ValueError(f"{_found(text)} is longer than ten years; write it like 30s, 5m or 24h")
    return value


def per_second(text: str | float) -> float:
    """Read a rate such as `10/s`, `100/m` or a bare number a second; it must be above zero."""
    number, slash, unit = str(text).partition("/")
    span = _TIME.get(unit.strip() or "s") if slash else 1.0
    try:
        value = float(number) if span and "_" not in number and not isinstance(text, bool) else math.nan
    except ValueError:
        value = math.nan
    rate = value / span if span else math.nan
    if not math.isfinite(rate) or rate <= 0:
        raise ValueError(f"{_found(text)} is not a rate; write it like 10/s or 100/m")
    return rate


def size(text: str | float) -> int:
    """Read a size in bytes such as `16MiB` or `500kB`; it must be above zero."""
    try:
        value = amount(text, "B")
    except ValueError:
        raise ValueError(f"{_found(text)} is not a size; write it like 16MiB") from None
    if value < 1:
        raise ValueError(f"{_found(text)} is not a size above zero; write it like 16MiB")
    return int(value)


def _factor(written: str, unit: str) -> float | None:
    if written in {"", unit}:
        return 1.0
    base, per, span = unit.partition("/")
    if per:
        written = written.removesuffix(per + span)
    if base == "s":
        return _TIME.get(written)
    if base == "ms":
        return None if written not in _TIME else _TIME[written] * 1000
    prefix = written.removesuffix(base) if base and written.endswith(base) else written
    if base in {"B", ""} and (per or base or prefix == written):
        return {"": 1.0, **_DECIMAL, **_BINARY}.get(prefix)
    return None


def _allowed(unit: str | None) -> str:
    example = {"%": "90%", "B": "20GiB", "s": "5m"}.get(unit or "")
    return f"; write it like 90 or {example}" if example else ""


def _finite(value: float, text: str | float) -> float:
    try:
        finite = float(value)
    except OverflowError:
        finite = math.inf
    if not math.isfinite(finite):
        raise ValueError(f"{_found(text)} is not a finite number")
    return finite


def _found(value: object) -> str:
    """What was found, in the words of a rule file, shortened; a person may have written anything here."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:57]}..."
    return "nothing" if value is None else "a map" if isinstance(value, dict) else "a list"
