"""Values for graphs: labels that every consumer takes, numbers that every consumer reads, limits in each one's words.

Nagios and Icinga read `label=value[unit];warn;crit;min;max` with single blanks between metrics. Checkmk's MRPE splits
the same at white space without regard for quotes and keeps quotes as part of the name, so labels here never need any.
Checkmk's local checks join `name=value;warn;crit;min;max` with pipes and know no units.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from checkmill.model.levels import Range, plain
from checkmill.model.result import Perf
from checkmill.steps.rendering.cleaning import cut
from checkmill.steps.rendering.labels import Spelling, safe_labels

#: The units of the monitoring-plugins guidelines; a consumer that does not know a unit may misread the number.
NAGIOS_UNITS = frozenset({"s", "us", "ms", "%", "B", "KB", "MB", "GB", "TB", "c"})
#: Checkmk gives metric names it knows (`current`, `temp`) their own unit and scale; no name of ours is one of those.
CHECKMK_PREFIX = "cm_"
#: Nagios, Icinga and Checkmk take more, but not alike; these need no quotes anywhere.
UNQUOTED = Spelling(re.compile(r"[^A-Za-z0-9_.-]"), joint="-")


@dataclass(frozen=True, slots=True)
class Graphed:
    """What can be graphed of some values: those that are finite, each with its safe label, and the labels of others."""

    values: tuple[tuple[str, Perf], ...]
    not_finite: tuple[str, ...]

    @property
    def note(self) -> str:
        """A remark for the text when values were left out, else nothing."""
        if not self.not_finite:
            return ""
        named = ", ".join(cut(label, 24) for label in self.not_finite[:2])
        others = f" and {len(self.not_finite) - 2} more" if len(self.not_finite) > 2 else ""
        return f" (not finite, left out: {named}{others})"


def graphed(perfdata: Sequence[Perf]) -> Graphed:
    """Give every value its safe label and set aside those that are no finite number."""
    labelled = tuple(zip(safe_labels([perf.label for perf in perfdata], UNQUOTED), perfdata, strict=True))
    return Graphed(
        tuple((label, perf) for label, perf in labelled if is_finite(perf.value)),
        tuple(label for label, perf in labelled if not is_finite(perf.value)),
    )


def nagios_metric(label: str, perf: Perf) -> str:
    """Write one value as Nagios, Icinga and Checkmk's MRPE read it. The unit is dropped unless it is one of theirs."""
    value = plain(perf.value) + (perf.unit if perf.unit in NAGIOS_UNITS else "")
    return _fields(label, value, _nagios_limit(perf.warn), _nagios_limit(perf.crit), perf)


def checkmk_metric(label: str, perf: Perf) -> str:
    """Write one value as a Checkmk local check has it: no unit, limits as `upper` or `lower:upper`."""
    return _fields(
        CHECKMK_PREFIX + label, plain(perf.value), _checkmk_limit(perf.warn), _checkmk_limit(perf.crit), perf
    )


def is_finite(value: float | None) -> bool:
    """Whether a value is a number that a double can hold."""
    try:
        return value is not None and math.isfinite(value)
    except OverflowError:
        return False


def _fields(label: str, value: str, warn: str, crit: str, perf: Perf) -> str:
    return f"{label}={value};{warn};{crit};{_bound(perf.min)};{_bound(perf.max)}".rstrip(";")


def _bound(value: float | None) -> str:
    return plain(value) if value is not None and is_finite(value) else ""


def _nagios_limit(limit: Range | None) -> str:
    """A limit as a Nagios range; a mere upper limit is the bare number.

    A bare number also means "below 0" to Nagios, but it is the only spelling that Icinga and MRPE draw, and nobody
    judges by it: the state is decided already.
    """
    if limit is None or not _is_limit(limit):
        return ""
    if limit.inside:
        return str(limit)
    return _upper_or(limit, f"{_bound(limit.start)}:{_bound(limit.end)}")


def _checkmk_limit(limit: Range | None) -> str:
    """A limit as Checkmk has it, where `@` does not exist."""
    if limit is None or not _is_limit(limit) or limit.inside:
        return ""
    return _upper_or(limit, f"{_bound(limit.start)}:{_bound(limit.end)}")


def _upper_or(limit: Range, otherwise: str) -> str:
    is_upper = limit.start in {0.0, -math.inf} and is_finite(limit.end)
    return plain(limit.end) if is_upper else otherwise


def _is_limit(limit: Range) -> bool:
    known = not (math.isnan(limit.start) or math.isnan(limit.end))
    return known and (is_finite(limit.start) or is_finite(limit.end))
