"""Rules: what one check measures, selects and judges, after everything a person wrote has been understood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checkmill.model.fetch import Fetch
from checkmill.model.levels import Levels, glob_matches
from checkmill.model.problem import Place
from checkmill.model.reporter import Report
from checkmill.model.source import ConfiguredSource, Metric
from checkmill.model.state import State


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text, a glob or a regex (on the whole value), compared after NFC normalisation."""

    text: str
    is_regex: bool = False

    def matches(self, value: str) -> bool:
        """Whether a label value is meant."""
        value = unicodedata.normalize("NFC", value)
        pattern = unicodedata.normalize("NFC", self.text)
        if self.is_regex:
            return re.fullmatch(pattern, value) is not None
        return pattern == value or glob_matches(pattern, value)

    def __str__(self) -> str:
        return f"/{self.text}/" if self.is_regex else self.text


@dataclass(frozen=True, slots=True)
class Selection:
    """Which samples are meant: any of the alternatives may match, and within one every label must.

    An alternative maps a label to patterns, of which one must match.
    """

    alternatives: tuple[Mapping[str, tuple[Pattern, ...]], ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels are meant; a label that is absent matches nothing."""
        return any(
            all(name in labels and _any_matches(patterns, labels[name]) for name, patterns in alternative.items())
            for alternative in self.alternatives
        )

    def may_match(self, labels: Mapping[str, str]) -> bool:
        """Whether labels of which some are not known could be meant."""
        return any(
            all(name not in labels or _any_matches(patterns, labels[name]) for name, patterns in alternative.items())
            for alternative in self.alternatives
        )


def _any_matches(patterns: tuple[Pattern, ...], value: str) -> bool:
    return any(pattern.matches(value) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Expect:
    """What must be there: what the last good answers showed (`seen`), at least a number, or label values by name."""

    seen: bool = False
    count: int | None = None
    values: tuple[tuple[tuple[str, str], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a rule's samples come from: one metric of one source with its query, and the fetch that brings it."""

    source: ConfiguredSource
    metric: Metric[Any, Any, Any]
    query: Any
    fetch: Fetch


@dataclass(frozen=True, eq=False)
class Rule:
    """One check. Texts that are templates are kept as written.

    `digest` changes with anything that decides what a result means; `selection_digest` with anything that decides
    which services there are, so that what was remembered under another selection is not expected.
    """

    name: str
    place: Place
    files: tuple[str, ...]
    readings: tuple[Reading, ...]
    levels: Levels | None
    interval_s: float
    timeout_s: float
    digest: str
    selection_digest: str
    where: Selection | None = None
    exclude: Selection | None = None
    each: tuple[str, ...] = ()
    expect: Expect = field(default_factory=Expect)
    forget_s: float = 86400.0
    on_empty: State = State.UNKNOWN
    on_missing: State = State.UNKNOWN
    on_error: State = State.UNKNOWN
    service_template: str = ""
    host_template: str = ""
    text_template: str = ""
    details_template: str = ""
    reports: tuple[Report, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def metric(self) -> Metric[Any, Any, Any]:
        """The metric; with several sources, the first one's, whose name and unit the others share."""
        return self.readings[0].metric

    @property
    def good_for_s(self) -> float:
        """How long a result is good: the interval and the time that the next measurement may take."""
        return self.interval_s + self.timeout_s

    def selects(self, labels: Mapping[str, str], *, partial: bool = False) -> bool:
        """Whether `where` and `except` let a sample through; `partial` labels get the benefit of the doubt."""
        if self.where is not None and not (self.where.may_match(labels) if partial else self.where.matches(labels)):
            return False
        return self.exclude is None or not self.exclude.matches(labels)
