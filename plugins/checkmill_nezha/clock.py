"""The dashboard's clock, which stamps every report, and how its stamps become ages.

Stamps are compared with the dashboard's own idea of now, the Date header of its answer, as long as that is close to the
time here. Where it is far off, the reports themselves tell which of the two is right.
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


def clock_of(now: float, date: float | None, newest: float | None, *, fresh_s: float, skew_s: float) -> Clock:
    """Make the clock of an answer.

    `now` is the time here, `date` that of the answer's Date header, `newest` the stamp of the newest report in it,
    `fresh_s` how old a report of a live agent is at most.
    """
    own = Clock(now=now, skew_s=skew_s)
    if date is None or newest is None:
        return own
    ahead_s = date - now
    if abs(ahead_s) <= skew_s:
        return Clock(now=now, skew_s=skew_s, ahead_s=ahead_s)
    if -skew_s <= now - newest <= fresh_s:
        return own  # somebody between wrote that date: the dashboard stamps by a clock like ours
    if -skew_s <= date - newest <= fresh_s:
        way = "ahead of" if ahead_s > 0 else "behind"
        fault = (
            f"the dashboard's clock is {span(abs(ahead_s))} {way} the one here, or its answer is that old: set the "
            "clocks, or raise skew"
        )
        return Clock(now=now, skew_s=skew_s, fault=fault)
    return own


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
