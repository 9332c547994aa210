"""Times as Resource Watcher writes them: texts without a zone, which is why the zone is a setting.

The vendor documents `yyyy-MM-ddTHH:mm:SS`, where `SS` must mean seconds, and names no zone. A fraction and an offset
are understood where they come. What has an offset needs no zone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

#: How far ahead of the clock here a time may lie and still be the vendor's clock being a little ahead.
SKEW_S = 300.0

_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,]\d{1,12})?\s*(Z|[+-]\d{2}(?::?\d{2})?)?", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone_of(text: str) -> tzinfo:
    """The zone that a name such as `Asia/Seoul` or an offset such as `+09:00` stands for.

    Raises ValueError, with what to write instead.
    """
    name = text.strip()
    if name.upper() in {"UTC", "Z", "GMT"}:
        return UTC
    fixed = _OFFSET.fullmatch(name)
    if fixed is not None:
        return _offset(fixed, text)
    # Imported here: most sources live in UTC, and the list of zones is on disk.
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(
            f"zone {text!r} is no time zone; write a name such as Asia/Seoul, or an offset such as +09:00"
        ) from None


def moment_of(raw: Any, zone: tzinfo, now: float) -> float | None:
    """The time that a vendor's value stands for in epoch seconds; None where it is absent, empty or no time.

    `zone` is that of a time without an offset, `now` the present in epoch seconds: of the two moments that an hour
    repeated in autumn may mean, it is the later one, unless that lies ahead.
    """
    match = _TIME.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None:
        return None
    try:
        at = datetime.fromisoformat(f"{match[1]}T{match[2]}")
        if match[3]:
            return _seconds(at.replace(tzinfo=_own_zone(match[3])))
        early, late = sorted(_seconds(at.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    except (ValueError, OverflowError):
        return None
    return early if late > now + SKEW_S else late


def written(at: float, zone: tzinfo) -> str:
    """A moment as the vendor wants it in a request, in whole seconds of the zone."""
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None).isoformat(timespec="seconds")


def shown(at: float | None, zone: tzinfo) -> str:
    """A moment for people, with the offset of the zone; "" for none."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")
    except (ValueError, OverflowError):  # the last hours of the year 9999, in a zone that is ahead
        return ""


def duration(seconds: float) -> str:
    """A span of time in words: `90 seconds`, `9.0 hours`."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} seconds"


def span(seconds: float) -> str:
    """A span of time as a rule writes it: `1h`, `90s`."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s"


def _own_zone(text: str) -> tzinfo:
    match = _OFFSET.fullmatch(text)
    return UTC if match is None else _offset(match, text)


def _offset(match: re.Match[str], whole: str) -> tzinfo:
    hours, minutes = int(match[2]), int(match[3] or 0)
    if hours > 18 or minutes > 59:
        raise ValueError(f"zone {whole!r} is no offset that any place has; write it like +09:00")
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if match[1] == "-" else ahead)


def _seconds(at: datetime) -> float:
    return (at - _EPOCH).total_seconds()
