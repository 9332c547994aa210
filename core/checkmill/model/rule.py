"""Rules: what one check measures, selects and judges, after everything a person wrote has been understood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checkmill.model.aggregate import aggregated_metric
from checkmill.model.fetch import Fetch
from checkmill.model.job import JOBS
from checkmill.model.levels import Levels, glob_matches, plain
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

    An alternative maps a label to patterns, of which one must match; of a label with several values, any may.
    """

    alternatives: tuple[Mapping[str, tuple[Pattern, ...]], ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels are meant; a label that is absent matches nothing."""
        return any(
            all(name in labels and _any_matches(patterns, labels[name]) for name, patterns in alternative.items())
            for alternative in self.alternatives
        )

    def may_match(self, labels: Mapping[str, str], known: Collection[str] = ()) -> bool:
        """Whether labels of which some are not known could be meant; `known` are those whose absence is known."""
        return any(
            all(
                _any_matches(patterns, labels[name]) if name in labels else name not in known
                for name, patterns in alternative.items()
            )
            for alternative in self.alternatives
        )

    @property
    def labels(self) -> set[str]:
        """The labels that are looked at."""
        return {name for alternative in self.alternatives for name in alternative}


def _any_matches(patterns: tuple[Pattern, ...], value: str) -> bool:
    return any(pattern.matches(one) for one in values_of(value) for pattern in patterns)


class Several(str):
    """The text of a label that has several values, such as the tags of a server: `edge, web`."""

    __slots__ = ("values",)
    values: tuple[str, ...]

    def __new__(cls, values: Iterable[str]) -> Several:
        """Make one of its values."""
        values = tuple(dict.fromkeys(values))
        text = super().__new__(cls, ", ".join(values))
        text.values = values
        return text


def values_of(label: str) -> tuple[str, ...]:
    """The values of a label: one, unless it is `Several`."""
    return label.values if isinstance(label, Several) else (label,)


@dataclass(frozen=True, slots=True)
class Expect:
    """What must be there.

    What the last good answers showed (`seen`), the source's inventory (`all`), at least a number, or label values.
    """

    seen: bool = False
    count: int | None = None
    values: tuple[tuple[tuple[str, str], ...], ...] = ()
    all: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """Other levels for some of the samples of a rule."""

    levels: Levels
    where: Selection | None = None
    exclude: Selection | None = None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these levels are for a sample with those labels."""
        return _passes(self.where, self.exclude, labels)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many of a service's samples may breach: a number, or a share in percent."""

    count: int = 0
    percent: float | None = None

    def is_exceeded(self, breaching: int, of: int) -> bool:
        """Whether more breach than may."""
        if self.percent is None:
            return breaching > self.count
        # 29 of 100 are 29%, whatever floating point makes of it.
        return breaching * 100 > self.percent * of * (1 + 1e-12)

    def __str__(self) -> str:
        return str(self.count) if self.percent is None else f"{plain(self.percent)}%"


@dataclass(frozen=True, slots=True)
class Tolerate:
    """What may breach the limit of warn or crit, and the limit of crit, before the state counts."""

    warn: Tolerance = Tolerance()
    crit: Tolerance = Tolerance()


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a rule's samples come from: one metric of one source with its query, and the fetch that brings it."""

    source: ConfiguredSource
    metric: Metric[Any, Any, Any]
    query: Any
    fetch: Fetch


@dataclass(frozen=True)
class Condition:
    """A further condition of a rule: another metric of the same sources, a reading for each, and its levels."""

    readings: tuple[Reading, ...]
    levels: Levels

    @property
    def metric(self) -> Metric[Any, Any, Any]:
        """The metric; with several sources, the first one's."""
        return self.readings[0].metric


@dataclass(frozen=True, eq=False)
class Rule:
    """One check. Texts that are templates are kept as written.

    `conditions` must be broken too for a sample to count. `aggregate` is the function that makes one value of all
    samples of a service, if there is one. `inventories` are the lists of entities, by source, where one is needed.

    `digest` changes with anything that decides what a result means; `selection_digest` with anything that decides
    which services there are, so that what was remembered under another selection is not expected.

    `job_ends_after_s` is how long the job of a check of one may take, None where it may take as long as it likes.
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
    overrides: tuple[Override, ...] = ()
    conditions: tuple[Condition, ...] = ()
    aggregate: str = ""
    tolerate: Tolerate | None = None
    inventories: Mapping[str, Reading] = field(default_factory=dict)
    forget_s: float = 86400.0
    max_age_s: float | None = None
    on_empty: State = State.UNKNOWN
    on_missing: State = State.UNKNOWN
    on_stale: State = State.UNKNOWN
    on_error: State = State.UNKNOWN
    service_template: str = ""
    host_template: str = ""
    text_template: str = ""
    details_template: str = ""
    reports: tuple[Report, ...] = ()
    tags: tuple[str, ...] = ()
    job_ends_after_s: float | None = None

    @property
    def is_of_job(self) -> bool:
        """Whether it is told by a job when that ends, so that there is nothing to fetch."""
        return self.readings[0].source.type is JOBS

    @property
    def metric(self) -> Metric[Any, Any, Any]:
        """The metric; with several sources, the first one's, whose name and unit the others share."""
        return self.readings[0].metric

    @property
    def judged_metric(self) -> Metric[Any, Any, Any]:
        """What is judged: the metric, or what `aggregate` makes of it."""
        return aggregated_metric(self.metric, self.aggregate) if self.aggregate else self.metric

    @property
    def all_readings(self) -> Iterator[Reading]:
        """Everything that must be read to judge it."""
        yield from self.readings
        for condition in self.conditions:
            yield from condition.readings
        yield from self.inventories.values()

    @property
    def good_for_s(self) -> float:
        """How long a result is good: the interval and the time that the next measurement may take."""
        return self.interval_s + self.timeout_s

    def selects(self, labels: Mapping[str, str], *, partial: bool = False) -> bool:
        """Whether `where` and `except` let a sample through; `partial` labels get the benefit of the doubt."""
        if partial and self.where is not None:
            return self.where.may_match(labels) and _passes(None, self.exclude, labels)
        return _passes(self.where, self.exclude, labels)

    def may_select(self, labels: Mapping[str, str], known: Collection[str]) -> bool:
        """Whether an entity could have a sample that is selected; `known` are the labels that entities carry."""
        if self.where is not None and not self.where.may_match(labels, known):
            return False
        return self.exclude is None or not self.exclude.matches(labels)


def _passes(where: Selection | None, exclude: Selection | None, labels: Mapping[str, str]) -> bool:
    if where is not None and not where.matches(labels):
        return False
    return exclude is None or not exclude.matches(labels)
