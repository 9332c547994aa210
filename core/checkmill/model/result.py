"""Results: what one service is reported as, from which every output is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checkmill.model.levels import Range
from checkmill.model.state import State


@dataclass(frozen=True, slots=True)
class Perf:
    """One value for graphs, in base units. `warn` and `crit` alert as Nagios ranges do; None is absent.

    `metric` is what was measured where it is another than the result's own.
    """

    label: str
    value: float
    unit: str = ""
    warn: Range | None = None
    crit: Range | None = None
    min: float | None = None
    max: float | None = None
    metric: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a service the same one over time: check, source, label values of `each`."""

    check: str
    source: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Result:
    """State, text and values of one service at one time.

    `output` is one line that leads with the reason, without the state word; `details` are further lines. `labels` are
    those of `each`; `common` are all that its samples have in common, for templates. Times are epoch seconds. `failed`
    says that nothing could be measured.
    """

    check: str
    service: str
    state: State
    output: str
    source: str = ""
    metric: str = ""
    host: str = ""
    details: str = ""
    perfdata: tuple[Perf, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    checked_at: float = 0.0
    good_until: float = 0.0
    failed: bool = False
    common: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """The service this result is of."""
        return Identity(self.check, self.source, tuple(sorted(self.labels.items())))


def result_as_json(result: Result, when: str) -> dict[str, Any]:
    """The public form of a result, as `--format json` and report bodies show it; `when` is `checked_at` in ISO 8601."""
    return {
        "check": result.check,
        "service": result.service,
        "host": result.host or None,
        "source": result.source,
        "metric": result.metric,
        "state": result.state.value,
        "exit_code": result.state.exit_code,
        "output": result.output,
        "details": result.details,
        "perfdata": [
            {
                "label": perf.label,
                "value": perf.value,
                "unit": perf.unit,
                "warn": _limit(perf.warn),
                "crit": _limit(perf.crit),
                "min": perf.min,
                "max": perf.max,
            }
            for perf in result.perfdata
        ],
        "labels": dict(result.labels),
        "checked_at": when,
        "tags": list(result.tags),
    }


def _limit(limit: Range | None) -> float | str | None:
    """A plain upper limit as the number it is, any other as a Nagios range."""
    if limit is None:
        return None
    if not limit.inside and limit.start in {0, -math.inf} and math.isfinite(limit.end):
        return limit.end
    return str(limit)
