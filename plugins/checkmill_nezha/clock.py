"""The dashboard's clock, which stamps every report, and how its stamps become ages.

Stamps are compared with the dashboard's own idea of now, the Date header of its answer, as long as that is close to the
time here. Where it is far off nobody can tell which of the two is right, and no age is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from checkmill_nezha.wording import span

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Our time when an answer was here (epoch seconds), and by how much the dashboard's clock is ahead of it.

    `skew_s` is how far in the future a stamp may lie; `fault`, if not empty, says why no age can be told.
    """

    now: float
    skew_s: float
    ahead_s: float = 0.0
    fault: str = ""

    def age_of(self, stamp: float) -> float:
        """How many seconds ago a stamp of the dashboard was; negative beyond `skew_s` only, else at least zero."""
        age = self.now + self.ahead_s - stamp
        return age if age < -self.skew_s else max(0.0, age)


def clock_of(now: float, date: float | None, *, skew_s: float) -> Clock:
    """Make the clock of an answer.

    `now` is the time here, `date` that of the answer's Date header; without one the time here counts.
    """
    ahead_s = 0.0 if date is None else date - now
    if abs(ahead_s) <= skew_s:
        return Clock(now=now, skew_s=skew_s, ahead_s=ahead_s)
    # What the reports say cannot settle it: those of agents that died lie as if the other clock were right.
    or_old = "ahead of the one here" if ahead_s > 0 else "behind the one here, or its answer is that old"
    fault = f"the dashboard's clock is {span(abs(ahead_s))} {or_old}: set the clocks, or raise skew"
    return Clock(now=now, skew_s=skew_s, fault=fault)


def epoch_of(header: str) -> float | None:
    """The epoch seconds of an HTTP Date header (RFC 9110, 5.6.7); None for anything else."""
    match = _HTTP_DATE.fullmatch(header.strip())
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[index]) for index in (1, 3, 4, 5, 6))
    try:
        return datetime(year, _MONTHS.index(match[2]) + 1, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None
