"""Values and limits as people read them: rounded, with a unit, and never on another side of a limit than they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from checkmill.model.levels import Range, plain

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_DECIMAL = ("", "k", "M", "G", "T", "P")
_SPANS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))

#: A number as it would be read back, and its text.
Spelling = tuple[float, str]


def shown_value(value: float | str | None, unit: str, *, beside: float | None = None) -> str:
    """A value with its unit: three digits, or as many as keep it on its side of a limit that stands beside it."""
    if value is None:
        return "no value"
    if isinstance(value, str):
        return value
    spellings = _spellings(value, unit, beside)
    if beside is None:
        return next(spellings)[1]
    return _first(spellings, lambda number: _side(number, beside) == _side(value, beside))


def shown_limit(limit: float, unit: str) -> str:
    """A limit with its unit, in full: `90%`, `1.5 GiB`, `1h 30m`."""
    return _first(_spellings(limit, unit, limit), lambda number: number == limit)


def shown_range(limit: Range, unit: str) -> str:
    """What a value in breach of a range is: `above 90%`, `outside 10% to 20%`, `inside 10% to 20%`."""
    start, end = (shown_limit(one, unit) if math.isfinite(one) else "" for one in (limit.start, limit.end))
    if limit.inside:
        return (
            f"inside {start} to {end}" if start and end else f"at {start} or above" if start else f"at {end} or below"
        )
    return f"outside {start} to {end}" if start and end else f"below {start}" if start else f"above {end}"


def duration(seconds: float) -> str:
    """A duration for people: `45s`, `3m`, `2h 5m`, `3d 4h`."""
    return next(_durations(seconds))[1]


def plural(thing: str) -> str:
    """Several of a thing."""
    if thing.endswith("y") and thing[-2:-1] not in set("aeiou"):
        return thing[:-1] + "ies"
    return thing + ("es" if thing.endswith(("s", "x", "ch")) else "s")


def _first(spellings: Iterator[Spelling], is_right: Callable[[float], bool]) -> str:
    """The shortest text that is right, or the last and most exact one."""
    last = ""
    for number, text in spellings:
        if is_right(number):
            return text
        last = text
    return last


def _side(number: float, limit: float) -> int:
    return (number > limit) - (number < limit)


def _spellings(value: float, unit: str, limit: float | None) -> Iterator[Spelling]:
    """The ways to write a value, from short to exact."""
    if unit == "s":
        return _durations(value)
    if unit.partition("/")[0] == "B":
        binary = _sizes(value, unit, 1024, _BINARY)
        if limit is None:
            return binary
        in_full = [
            _first(_sizes(limit, unit, base, prefixes), lambda number: number == limit)
            for base, prefixes in ((1024, _BINARY), (1000, _DECIMAL))
        ]
        return binary if len(in_full[0]) <= len(in_full[1]) + 1 else _sizes(value, unit, 1000, _DECIMAL)
    gap = "" if unit in {"", "%"} else " "
    return ((number, f"{text}{gap}{unit}") for number, text in _numbers(value))


def _numbers(value: float) -> Iterator[Spelling]:
    size = abs(value)
    if size < 1e15 and float(value).is_integer():
        yield value, plain(value)
        return
    scientific = size >= 1e15 or size < 1e-6
    whole = 1 if scientific else len(str(int(size)))
    for digits in range(max(3, whole), 18):
        text = f"{value:.{digits}g}"
        yield float(text), text if scientific else plain(float(text))


def _sizes(value: float, unit: str, base: int, prefixes: tuple[str, ...]) -> Iterator[Spelling]:
    power = 0
    while abs(value) >= base ** (power + 1) and power < len(prefixes) - 1:
        power += 1
    for number, text in _numbers(value / base**power):
        yield number * base**power, f"{text} {prefixes[power]}{unit}"


def _durations(seconds: float) -> Iterator[Spelling]:
    if not math.isfinite(seconds):
        yield seconds, f"{seconds}s"
        return
    sign, size = ("-" if seconds < 0 else ""), abs(seconds)
    if size >= 10 or size == int(size):
        for parts in (2, 3, 4):
            whole, text = _in_spans(round(size), parts)
            yield math.copysign(whole, seconds), sign + text
    for number, text in _numbers(seconds):
        yield number, f"{text}s"


def _in_spans(seconds: int, parts: int) -> tuple[int, str]:
    """Whole seconds in so many of the units from the largest that fits, and what those stand for."""
    texts: list[str] = []
    left = seconds
    first = next((index for index, (size, _) in enumerate(_SPANS) if seconds >= size), len(_SPANS) - 1)
    for size, unit in _SPANS[first : first + parts]:
        if left >= size:
            texts.append(f"{left // size}{unit}")
            left %= size
    return seconds - left, " ".join(texts) or "0s"
