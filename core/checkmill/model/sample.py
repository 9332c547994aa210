"""Samples: what a metric yields, one measured value with its labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from checkmill.model.secret import shortened

if TYPE_CHECKING:
    from checkmill.model.levels import Levels

#: As much of what is no number is shown.
_LONGEST_SHOWN = 60


class Sample:
    """One measured value: a number, a state word, or missing with a reason.

    `at` is the time of measurement (epoch seconds), where the vendor says it; `levels` the vendor's own levels for
    this sample. All other keywords are labels: `Sample(97.2, host="web-1")`.
    """

    __slots__ = ("at", "labels", "levels", "reason", "value")

    def __init__(
        self,
        value: float | str | None,
        /,
        *,
        at: float | None = None,
        levels: Levels | None = None,
        **labels: str,
    ) -> None:
        self.value = value
        self.at = at
        self.levels = levels
        self.labels: dict[str, str] = labels
        self.reason = "" if value is not None else "null came"

    @classmethod
    def missing(cls, reason: str, /, **labels: str) -> Sample:
        """Say that a value which should be there is not, and why; its service becomes UNKNOWN.

        Labels may be partial: `missing("HTTP 401", project="shop")` concerns every service of that project.
        """
        sample = cls(None, at=None, levels=None, **labels)
        sample.reason = reason
        return sample

    @classmethod
    def number(cls, raw: Any, /, *, at: float | None = None, scale: float = 1.0, **labels: str) -> Sample:
        """A sample of whatever a vendor sent where a number should be: a number, `"57.0"`, or missing and why."""
        value = number_of(raw)
        if value is None:
            return cls.missing(_why_no_number(raw), **labels)
        return cls(value if scale == 1.0 else value * scale, at=at, levels=None, **labels)

    def labelled(self, labels: Mapping[str, str]) -> Sample:
        """The same sample with these labels, whatever they are called, instead of its own."""
        copy = Sample(self.value, at=self.at, levels=self.levels)
        copy.reason = self.reason
        copy.labels = dict(labels)
        return copy

    @property
    def is_missing(self) -> bool:
        """Whether this sample only says that there is no value."""
        return self.value is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sample) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((self.value, self.reason, tuple(sorted(self.labels.items()))))

    def __repr__(self) -> str:
        what = f"missing {self.reason!r}" if self.is_missing else repr(self.value)
        return f"Sample({', '.join([what, *(f'{k}={v!r}' for k, v in self.labels.items())])})"

    def _identity(self) -> tuple[Any, ...]:
        return (self.value, self.reason, self.at, self.levels, self.labels)


def number_of(raw: Any) -> float | int | None:
    """The finite number that a vendor's value stands for, or None: text like `"57.0"` counts, a boolean does not."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw if abs(raw) < 1 << 1023 else None
    if isinstance(raw, str):
        if not raw.isascii() or "_" in raw:
            return None
        try:
            raw = float(raw)
        except ValueError:
            return None
        if raw.is_integer() and abs(raw) < 1 << 53:
            return int(raw)
    if isinstance(raw, float) and math.isfinite(raw):
        return raw
    return None


def _why_no_number(raw: Any) -> str:
    if raw is None:
        return "null came"
    if isinstance(raw, float):
        return "NaN came" if math.isnan(raw) else f"{'-' if raw < 0 else ''}Infinity came"
    if isinstance(raw, int) and not isinstance(raw, bool):
        return f"a number of {raw.bit_length()} bits came"
    kind = {str: "text", bool: "yes/no", list: "a list", dict: "an object"}.get(type(raw), type(raw).__name__)
    return f"a number was expected, {kind} came: {shortened(repr(raw), _LONGEST_SHOWN)}"
