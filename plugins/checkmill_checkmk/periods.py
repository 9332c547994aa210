"""The time ranges that `get_sla` takes, read from what a rule writes under `period:` and checked before anything is
sent.

    d0 d1 w0 w1 m0 m1 y0 y1     today, yesterday, this week ... last year
    last:SECONDS                the last so many seconds
    range:FROM:UNTIL            from one time to another, in Unix seconds
    sla:START:LOOKBACK          SLA periods: START 0 is the running one, 1 the last closed one; LOOKBACK are more before
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

#: As many SLA periods as one rule may look at: a year of days. More make answers that no site should be asked for.
MOST_PERIODS = 366
_DAY_S = 86400
_LONGEST_S = MOST_PERIODS * _DAY_S
#: Later than any range can mean (2262), as Unix seconds.
_LATEST = 1 << 33

#: How many SLA periods a calendar range can hold: those of a daily SLA.
_CALENDAR = {"d0": 1, "d1": 1, "w0": 7, "w1": 7, "m0": 31, "m1": 31, "y0": 366, "y1": 366}
_OTHER_CALENDAR = re.compile(r"[a-z]-?[0-9]+")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,11}")
_FORMS = "write d0 d1 w0 w1 m0 m1 y0 y1, last:SECONDS, range:FROM:UNTIL or sla:START:LOOKBACK, such as sla:1:0"


@dataclass(frozen=True)
class Period:
    """One time range as it is sent. `most` is how many SLA periods an answer may hold of it.

    `newest` numbers the newest SLA period of the `sla:` form, which holds `most` of them, neither more nor fewer; for
    all others it is None, since how many there are depends on the SLA.
    """

    text: str
    most: int
    newest: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is nothing in it but what still runs."""
        return self.text == "d0" or (self.newest == 0 and self.most == 1)

    @property
    def numbers(self) -> range:
        """The numbers of the SLA periods of the `sla:` form, newest first; none for all others."""
        return range(0) if self.newest is None else range(self.newest, self.newest + self.most)

    def label(self, place: int) -> str:
        """What the SLA period at a place is called, newest first for the `sla:` form, oldest first for all others.

        The name is the same from one period to the next: `sla:1` is always the last closed one.
        """
        return f"{self.text} {place + 1}" if self.newest is None else f"sla:{self.newest + place}"


def period_from(text: str) -> Period:
    """Read one time range. Raises ValueError that says what to write."""
    if text in _CALENDAR:
        return Period(text, _CALENDAR[text])
    form, *numbers = text.split(":")
    if form == "sla" and len(numbers) == 2:
        return _sla_periods(text, *(_whole(number, text) for number in numbers))
    if form == "last" and len(numbers) == 1:
        return _last(text, _whole(numbers[0], text))
    if form == "range" and len(numbers) == 2:
        return _range(text, *(_whole(number, text) for number in numbers))
    if _OTHER_CALENDAR.fullmatch(text):
        raise ValueError(f"{text!r} is none of the calendar ranges of get_sla; {_FORMS}")
    raise ValueError(f"{text!r} is no time range of get_sla; {_FORMS}")


def periods_from(written: str | tuple[str, ...]) -> tuple[Period, ...]:
    """Read one time range or several. Raises ValueError that says what to write."""
    periods = tuple(period_from(text) for text in ((written,) if isinstance(written, str) else written))
    if not periods:
        raise ValueError(f"period names no time range; {_FORMS}")
    named: dict[str, str] = {}
    for period in periods:
        for name in [period.label(place) for place in range(len(period.numbers))] or [period.text]:
            if name in named:
                raise ValueError(f"{named[name]} and {period.text} both ask for {name}; ask for each period once")
            named[name] = period.text
    return periods


def _sla_periods(text: str, start: int, lookback: int) -> Period:
    if start + lookback >= MOST_PERIODS:
        raise ValueError(
            f"{text} reaches back {start + lookback} periods; write START and LOOKBACK that come to less than "
            f"{MOST_PERIODS} together"
        )
    return Period(text, lookback + 1, newest=start)


def _last(text: str, seconds: int) -> Period:
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError(f"{text} is not between one second and {MOST_PERIODS} days; write it like last:86400")
    return Period(text, _days(seconds))


def _range(text: str, since: int, until: int) -> Period:
    if not since < until <= _LATEST:
        raise ValueError(f"{text} does not end after it begins; write range:FROM:UNTIL in Unix seconds, FROM first")
    if until - since > _LONGEST_S:
        raise ValueError(f"{text} is longer than {MOST_PERIODS} days; write a shorter range")
    return Period(text, _days(until - since))


def _days(seconds: int) -> int:
    """How many days a stretch can touch."""
    return math.ceil(seconds / _DAY_S) + 1


def _whole(number: str, text: str) -> int:
    if not _WHOLE.fullmatch(number):
        raise ValueError(f"{number!r} in {text!r} is not a whole number; {_FORMS}")
    return int(number)
