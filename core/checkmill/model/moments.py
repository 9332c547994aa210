"""Points in time as people and programs read them."""

from __future__ import annotations

import math

_STEPS = ((86400, "d"), (3600, "h"), (60, "m"))


def iso_utc(epoch_s: float) -> str:
    """Epoch seconds as ISO 8601 in UTC with milliseconds: `2026-07-20T08:26:40.250+00:00`.

    A number that is no time of a calendar is shown as the epoch itself.
    """
    # datetime is imported only by the forms that show a time.
    from datetime import UTC, datetime

    try:
        moment = datetime.fromtimestamp(epoch_s, UTC)
    except (OverflowError, ValueError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.isoformat(timespec="milliseconds")


def age(epoch_s: float, now: float) -> str:
    """How long ago something was: `12s ago`, `3m ago`, `in 5s` for what lies ahead, `-` for no time at all."""
    passed = now - epoch_s
    if epoch_s <= 0 or not math.isfinite(passed):
        return "-"
    spans = next((f"{int(abs(passed) // length)}{unit}" for length, unit in _STEPS if abs(passed) >= length), "")
    span = spans or f"{int(abs(passed))}s"
    return f"in {span}" if passed <= -1 else f"{span} ago"
