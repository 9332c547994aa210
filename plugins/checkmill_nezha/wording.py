"""A vendor's words as Checkmill shows them: names for labels, what came where something else should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checkmill.api.v1 import redact, shortened

#: Where a label would be empty.
NAMELESS = "(no name)"
#: As much of a vendor's own words is shown.
LONGEST_SHOWN = 160
#: As much of a text is looked at for that.
_LOOKED_AT = 4096
#: Names are short; a longer one is cut.
_LONGEST_NAME = 200

Members = Mapping[str, Any]


def label(name: str) -> str:
    """A user's name for something as a label: one line that every output can write, and never empty."""
    whole = " ".join(redact(_head(name)).encode("utf-8", "replace").decode().split())
    return shortened(whole, _LONGEST_NAME) or NAMELESS


def shown(text: str) -> str:
    """A vendor's text for a message: one line, short, without secrets."""
    line = " ".join(redact(_head(text)).split())
    if not line.isprintable():
        line = "".join(one if one.isprintable() else "?" for one in line)
    return shortened(line, LONGEST_SHOWN)


def shape(value: Any) -> str:
    """A few words on what came."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        names = ", ".join(list(value)[:6])
        return f"an object with {shown(names)}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return f"text: {shown(value)}" if value.strip() else "an empty text"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 64:
        return f"a number of {value.bit_length()} bits"
    return str(value).lower() if isinstance(value, bool) else str(value)


def span(seconds: float) -> str:
    """A length of time in one unit: `45 s`, `12 min`, `3 h`, `7 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _head(text: str) -> str:
    """As much of a text as is looked at: without its last word where it is cut, which may be half of a secret."""
    return text if len(text) <= _LOOKED_AT else text[:_LOOKED_AT].rpartition(" ")[0]
