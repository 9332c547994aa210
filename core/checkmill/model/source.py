"""What a plugin declares of its vendor: source types, their datasets and metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from checkmill.model.flow import Flow
from checkmill.model.levels import Levels
from checkmill.model.sample import Sample
from checkmill.model.sandbox import Sandbox
from checkmill.model.settings import NoQuery, SourceSettings
from checkmill.model.state import State

S = TypeVar("S")
Q = TypeVar("Q")
P = TypeVar("P")

#: `type[X]`, for the classes below that have a field called `type`.
ClassOf: TypeAlias = type[S]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TYPE = re.compile(r"[a-z][a-z0-9-]*")


class ContractError(TypeError):
    """A plugin declares something that cannot work; the host turns it into a Problem."""


@dataclass(frozen=True)
class Dataset(Generic[S, Q, P]):
    """One vendor answer that several metrics share: a flow that is carried out at most once per run and query.

    `interval_s` is how long an answer is good unless the rule says otherwise (default 60), `timeout_s` the deadline of
    the whole flow (default 8), `max_size` the largest answer in bytes (default: the source's).
    """

    name: str
    flow: Callable[[S, Q], Flow[P]]
    query: type[Q] | None = None
    interval_s: float | None = None
    timeout_s: float | None = None
    max_size: int | None = None

    def __post_init__(self) -> None:
        _check(bool(_NAME.fullmatch(self.name)), f"dataset name {self.name!r} is not like 'infra_cpu'")
        _check(callable(self.flow), f"dataset {self.name}: its flow is not callable")
        _check(is_dataclass(self.query_type), f"dataset {self.name}: its query is not a dataclass")

    @property
    def query_type(self) -> type[Any]:
        """The dataclass that a rule's `query:` is read into."""
        return self.query or NoQuery


@dataclass(frozen=True)
class Metric(Generic[S, Q, P]):
    """Something a source can measure: samples extracted from one dataset by a pure function of payload and query.

    A numeric metric has a `unit` (`%`, `B`, `s`, `` for counts, `B/s` and the like for rates); a state metric has
    `states`, the meaning of each word by default. `labels` are those its samples carry. `levels` are the vendor's own
    default levels; `minimum` and `maximum` bound the value; `max_age_s` how old a measurement may be.
    """

    name: str
    dataset: Dataset[S, Q, P]
    samples: Callable[[P, Q], Iterable[Sample]]
    unit: str = ""
    labels: tuple[str, ...] = ()
    help: str = ""
    states: Mapping[str, State] | None = None
    levels: Levels | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_age_s: float | None = None

    def __post_init__(self) -> None:
        _check(bool(_NAME.fullmatch(self.name)), f"metric name {self.name!r} is not like 'cpu_avg'")
        _check(isinstance(self.dataset, Dataset), f"metric {self.name}: its dataset is not a Dataset")
        _check(callable(self.samples), f"metric {self.name}: its samples are not callable")
        _check(
            isinstance(self.labels, tuple) and all(isinstance(label, str) for label in self.labels),
            f"metric {self.name}: its labels are not a tuple of names",
        )
        _check(
            self.states is None or all(isinstance(state, State) for state in self.states.values()),
            f"metric {self.name}: its states do not all map a word to a State",
        )

    @property
    def is_state(self) -> bool:
        """Whether its samples are words."""
        return self.states is not None


@dataclass(frozen=True)
class Source(Generic[S]):
    """A kind of source: what users write after `type:`, its settings, and what it can measure."""

    type: str
    settings: ClassOf[S]
    metrics: Iterable[Metric[S, Any, Any]]
    help: str = ""
    sandbox: Sandbox | None = None

    def __post_init__(self) -> None:
        _check(bool(_TYPE.fullmatch(self.type)), f"source type {self.type!r} is not like 'nhn-monitoring'")
        _check(
            isinstance(self.settings, type) and issubclass(self.settings, SourceSettings),
            f"source type {self.type}: its settings are not a dataclass derived from SourceSettings",
        )
        _check(is_dataclass(self.settings), f"source type {self.type}: its settings are not a dataclass")
        metrics = tuple(self.metrics)
        object.__setattr__(self, "metrics", metrics)
        _check(
            all(isinstance(metric, Metric) for metric in metrics),
            f"source type {self.type}: its metrics are not all Metric objects",
        )
        names = [metric.name for metric in metrics]
        twice = {name for name in names if names.count(name) > 1}
        _check(not twice, f"source type {self.type}: metric {', '.join(sorted(twice))} stands twice")

    def metric(self, name: str) -> Metric[S, Any, Any] | None:
        """The metric of that name, if there is one."""
        return next((metric for metric in self.metrics if metric.name == name), None)


@dataclass(frozen=True, eq=False)
class ConfiguredSource:
    """One source of the rule files: a name, its type, and settings that hold.

    `labels` are put on every sample beside `source`; `digest` changes with anything written about it.
    """

    name: str
    type: Source[Any]
    settings: SourceSettings
    labels: Mapping[str, str]
    file: str
    digest: str


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ContractError(otherwise)
