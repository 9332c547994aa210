"""Cron expressions of scenarios: what may be written, what NHN makes of it, and when two of them mean the same.

Written are minute, hour, day, month, weekday and, if wanted, year; answered are seven fields, the second first, which
the server chooses. Of day and weekday one is `?`. A scenario that was created with an interval is answered with a
cron expression that was derived from it: 30 seconds with `7 * * * * ? *`, as 60 seconds would be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_FIELDS = ("minute", "hour", "day", "month", "weekday", "year")
_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_WEEKDAYS = {name: number for number, name in enumerate(_WEEKDAY_NAMES, start=1)}
#: The lowest and highest number of each field.
_BOUNDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "month": (1, 12),
    "weekday": (1, 7),
    "year": (1970, 2099),
}
_NAMES: Mapping[str, Mapping[str, int]] = {"month": _MONTHS, "weekday": _WEEKDAYS}
#: Last days, nearest working days, last and n-th weekdays.
_SPECIAL = {"day": re.compile(r"L(-\d{1,2})?|LW|\d{1,2}W"), "weekday": re.compile(r"L|[1-7]L|[1-7]#[1-5]")}
_WITH_YEAR = 6
_WITH_SECONDS = 7
#: Every interval up to it is answered as once a minute.
MINUTE_S = 60
_HOUR_S, _DAY_S = 3600, 86400


@dataclass(frozen=True)
class _Timetable:
    """An expression apart: the second, "" where none is written, and the other six fields in one spelling."""

    second: str
    fields: tuple[str, ...]


def sent(expression: str) -> str:
    """An expression as it is sent: one of day and weekday as `?`, where both are `*`, or one of them is.

    Raises ValueError, with what to write instead, for one that is none.
    """
    fields = expression.upper().split()
    if len(fields) == _WITH_SECONDS:
        raise ValueError(
            f"cron {expression!r} has seven fields, as NHN answers them; leave out the first, the seconds, which NHN "
            "chooses itself"
        )
    if len(fields) not in {_WITH_YEAR - 1, _WITH_YEAR}:
        raise ValueError(
            f"cron {expression!r} has {len(fields)} fields; write minute, hour, day, month and weekday, and the year "
            "if you want, such as '*/5 * * * ?'"
        )
    for name, text in zip(_FIELDS, fields, strict=False):
        if not all(_is_item(name, item) for item in text.split(",")):
            lowest, highest = _BOUNDS[name]
            raise ValueError(
                f"cron {expression!r}: {text!r} is no {name}; write {lowest} to {highest}, '*', or a range, list or "
                "step of them"
            )
    day, weekday = fields[2], fields[4]
    if day == "?" == weekday:
        raise ValueError(f"cron {expression!r}: day and weekday are both '?'; write '*' for the day")
    if "?" not in {day, weekday}:
        if weekday == "*":
            fields[4] = "?"
        elif day == "*":
            fields[2] = "?"
        else:
            raise ValueError(f"cron {expression!r} sets day and weekday; write '?' for one of them")
    return " ".join(fields)


def written(answered: str) -> str:
    """What to write for an answered expression: the same without the second, and without a year that is any.

    An answered expression whose second is no single one is left as it is: no expression of NHN's requests says that.
    """
    fields = answered.split()
    if len(fields) != _WITH_SECONDS or not fields[0].isdecimal():
        return answered
    return " ".join(fields[1:-1] if fields[-1] == "*" else fields[1:])


def same(one: str, other: str) -> bool:
    """Whether two expressions mean the same, answered or written; the second that NHN chose does not count."""
    first, second = _timetable(one), _timetable(other)
    if first is None or second is None:
        return one.split() == other.split()
    # A single second is one that NHN chose; several are a meaning of their own.
    seconds = {table.second for table in (first, second) if not (table.second == "" or table.second.isdecimal())}
    return first.fields == second.fields and (not seconds or first.second == second.second)


def interval_s(answered: str) -> int | None:
    """The seconds between two runs of an expression, or None where they are not always the same, or not simply so."""
    table = _timetable(answered)
    if table is None or table.fields[2:] != ("*", "*", "*", "*"):
        return None
    minute, hour = table.fields[:2]
    second_step = _step(table.second, MINUTE_S)
    if second_step is not None and minute == hour == "*":
        return second_step
    if not (table.second == "" or table.second.isdecimal()):
        return None
    minute_step = _step(minute, 60)
    if minute_step is not None and hour == "*":
        return minute_step * MINUTE_S
    if not minute.isdecimal():
        return None
    hour_step = _step(hour, 24)
    if hour_step is not None:
        return hour_step * _HOUR_S
    return _DAY_S if hour.isdecimal() else None


def fits(interval: int, answered: str) -> bool:
    """Whether NHN may have derived an answered expression from an interval in seconds.

    An interval below a minute is answered as once a minute, so that 30 and 60 seconds look alike.
    """
    found = interval_s(answered)
    return found == interval or (found == MINUTE_S and interval < MINUTE_S)


def _timetable(expression: str) -> _Timetable | None:
    fields = expression.upper().split()
    if len(fields) == _WITH_SECONDS:
        second, *fields = fields
    else:
        second = ""
    if len(fields) == _WITH_YEAR - 1:
        fields.append("*")
    if len(fields) != _WITH_YEAR:
        return None
    return _Timetable(second, tuple(_plain(name, text) for name, text in zip(_FIELDS, fields, strict=True)))


def _plain(name: str, text: str) -> str:
    """One field in one spelling: names as numbers, `?` and steps of one as `*`, steps from the lowest as `*/n`."""
    names = _NAMES.get(name, {})
    text = re.sub("[A-Z]{3}", lambda match: str(names.get(match[0], match[0])), text)
    lowest = _BOUNDS[name][0]
    items = []
    for item in text.split(","):
        start, slash, step = item.partition("/")
        if slash and start == str(lowest):
            start = "*"
        items.append("*" if start in {"*", "?"} and step in {"", "1"} else f"{start.lstrip('0') or '0'}{slash}{step}")
    return ",".join(sorted(items))


def _step(text: str, whole: int) -> int | None:
    """The step of `*`, `*/n` and `m/n` where it divides the whole evenly, else None."""
    if text == "*":
        return 1
    start, _, step = text.partition("/")
    if not ((start == "*" or start.isdecimal()) and step.isdecimal()) or int(step) == 0 or whole % int(step):
        return None
    return int(step) if start == "*" or int(start) < int(step) else None


def _is_item(name: str, item: str) -> bool:
    """Whether a text is an item of a field: a number, a name, a range, with a step, or one of the field's own words."""
    special = _SPECIAL.get(name)
    if (item == "?" and special is not None) or (special is not None and special.fullmatch(item)):
        return True
    start, slash, step = item.partition("/")
    if slash and not (_is_number(step) and 1 <= int(step) <= _BOUNDS[name][1]):
        return False
    if start == "*":
        return True
    ends = _numbers(name, start.split("-"))
    return 1 <= len(ends) <= 2 and ends == sorted(ends)


def _numbers(name: str, words: Sequence[str]) -> list[int]:
    """The numbers that words of a field stand for; none at all where one of them stands for none."""
    lowest, highest = _BOUNDS[name]
    numbers = [_NAMES.get(name, {}).get(word, int(word) if _is_number(word) else -1) for word in words]
    return numbers if all(lowest <= number <= highest for number in numbers) else []


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 4
