"""What `explain` says of a check, before it is put into words: nothing in it is secret, and times are epoch seconds.

The field names are the keys of the JSON form, so that both forms say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checkmill.model.levels import Levels
from checkmill.model.state import State


@dataclass(frozen=True)
class Setting:
    """A setting of a source, or what a rule asks of a metric; `unit` is `s`, `B`, `1/s` or nothing."""

    name: str
    value: Any
    unit: str = ""


@dataclass(frozen=True)
class SourceFacts:
    """A source, with the settings that are not their defaults."""

    name: str
    type: str
    labels: Mapping[str, str]
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class LevelFacts:
    """Levels and whose they are: `rule`, `metric`, `vendor`, `override 1`, or `none`; `line` is where they stand."""

    origin: str
    levels: Levels | None
    line: int = 0


@dataclass(frozen=True)
class OverrideFacts:
    """Other levels for some samples; the selections as texts, "" for none."""

    where: str
    exclude: str
    levels: Levels
    line: int = 0


@dataclass(frozen=True)
class ConditionFacts:
    """A further condition."""

    metric: str
    unit: str
    query: tuple[Setting, ...]
    levels: Levels


@dataclass(frozen=True)
class MetricFacts:
    """What is measured and how it is judged; `judged_unit` is that of its aggregate."""

    name: str
    help: str
    unit: str
    judged_unit: str
    labels: tuple[str, ...]
    query: tuple[Setting, ...]
    levels: LevelFacts
    overrides: tuple[OverrideFacts, ...]
    conditions: tuple[ConditionFacts, ...]
    aggregate: str
    tolerate: Mapping[str, str]
    max_age_s: float | None


@dataclass(frozen=True)
class RequestFacts:
    """One request with all its attempts, and what came."""

    method: str
    url: str
    login: bool
    attempts: int
    status: int | None
    bytes: int | None
    elapsed_ms: float
    error: str


@dataclass(frozen=True)
class FetchFacts:
    """One fetch: its requests, and the stage and sentence of its failure, "" where it did not fail."""

    name: str
    requests: tuple[RequestFacts, ...]
    error: str


@dataclass(frozen=True)
class Excluded:
    """Samples that `where` or `except` leaves out, for one reason: the key, its pattern, the line it stands in."""

    key: str
    pattern: str
    line: int
    count: int
    examples: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class MissingFacts:
    """Selected samples without a value, for one reason."""

    reason: str
    count: int
    examples: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class SilentFacts:
    """A source that said nothing, why, and how many of its samples nobody could place for that reason."""

    source: str
    reason: str
    dropped: int


@dataclass(frozen=True)
class SampleFacts:
    """How many samples came, and what became of them: dropped with a silent source, excluded, selected or missing."""

    came: int
    selected: int
    excluded: tuple[Excluded, ...]
    missing: tuple[MissingFacts, ...]
    silent: tuple[SilentFacts, ...] = ()


@dataclass(frozen=True)
class Expected:
    """One thing that is expected: `there`, `without value`, `absent`, or `unknown` where nobody could look."""

    labels: Mapping[str, str]
    source: str
    found: str
    last_seen: float | None = None


@dataclass(frozen=True)
class Expectation:
    """What must be there: `seen`, `all`, `number`, `list` or `nothing`; of `number`, `number` of which `there` are."""

    kind: str
    number: int | None = None
    there: int | None = None
    forget_s: float | None = None
    things: tuple[Expected, ...] = ()


@dataclass(frozen=True)
class ServiceFacts:
    """One service: its verdict and why, the value that decided with the levels it was judged by."""

    name: str
    host: str
    source: str
    labels: Mapping[str, str]
    state: State
    why: str
    value: Any
    limit: Any
    levels: LevelFacts
    samples: int | None


@dataclass(frozen=True)
class Remembered:
    """What earlier runs left: when a service was seen, its last good state and when that was."""

    source: str
    labels: Mapping[str, str]
    last_seen: float | None
    state: State | None
    at: float | None


@dataclass(frozen=True)
class ReportFacts:
    """Where a check reports to; a value with braces is a template."""

    reporter: str
    type: str
    target: Mapping[str, Any]


@dataclass(frozen=True)
class Variable:
    """What a template may use: what it means, and what it is now; `known` is False where that is not stored."""

    name: str
    meaning: str
    value: Any
    known: bool = True


@dataclass(frozen=True)
class Variables:
    """The variables of templates: those under `as` and of report targets by name, those of texts as of one service."""

    names: tuple[str, ...]
    service: str
    texts: tuple[Variable, ...]


@dataclass(frozen=True)
class StoredFacts:
    """The stored result that is explained; `changed` says that the rule is another now."""

    measured_at: float
    good_until: float
    fresh: bool
    changed: bool


@dataclass(frozen=True)
class Explanation:
    """All that can be said of a check. `data` is `live`, `sandbox` or `stored`; `stored` is None where none is."""

    check: str
    file: str
    line: int
    tags: tuple[str, ...]
    each: tuple[str, ...]
    interval_s: float
    good_for_s: float
    timeout_s: float | None
    policies: Mapping[str, State]
    sources: tuple[SourceFacts, ...]
    metric: MetricFacts
    data: str
    at: float
    stored: StoredFacts | None
    fetches: tuple[FetchFacts, ...]
    samples: SampleFacts | None
    expectation: Expectation
    services: tuple[ServiceFacts, ...]
    remembered: tuple[Remembered, ...]
    reports: tuple[ReportFacts, ...]
    variables: Variables
