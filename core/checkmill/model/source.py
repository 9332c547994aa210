"""What a plugin declares of its vendor: source types, their datasets and metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
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

    `flow` may be a plain function of a module instead: it is called in a child process, which is ended at the deadline,
    and what it returns is the payload. Where types are checked, write a flow that yields from `heavy`.
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

    @property
    def needs_no_query(self) -> bool:
        """Whether it can be fetched without a rule's saying what to ask for."""
        optional = (one.default is not MISSING or one.default_factory is not MISSING for one in fields(self.query_type))
        return all(optional)


@dataclass(frozen=True)
class Metric(Generic[S, Q, P]):
    """Something a source can measure: samples extracted from one dataset by a pure function of payload and query.

    A numeric metric has a `unit` (`%`, `B`, `s`, `` for counts, `B/s` and the like for rates); a state metric has
    `states`, the meaning of each word by default. `labels` are those its samples carry. `levels` are the vendor's own
    default levels; `minimum` and `maximum` bound the value; `max_age_s` how old a measurement may be. `example` is the
    rest of an example rule, in one line: `where: {state: ok}, below: {crit: 99%}`; without it core makes one up.
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
    example: str = ""

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
class Inventory(Generic[S, P]):
    """The list of all entities of a source: of what `expect: all` expects a sample, and with which labels.

    `entities` gives the labels of each entity, by name; a label that has several values, such as a tag, is a tuple of
    them. `Sample.missing(reason, ...)` says that a part of the list is not known. `labels` are those that entities
    carry; `key` is the one of them by which they are found again in the samples of every metric that has it. Of other
    labels that both have, such as the project, the values must agree. The dataset takes no query, or needs none.
    """

    dataset: Dataset[S, Any, P]
    entities: Callable[[P, Any], Iterable[Mapping[str, str | tuple[str, ...]] | Sample]]
    key: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(isinstance(self.dataset, Dataset), "the inventory's dataset is not a Dataset")
        _check(self.dataset.needs_no_query, "the inventory's dataset needs a query, which no rule can give it")
        _check(callable(self.entities), "the inventory's entities are not callable")
        _check(
            isinstance(self.labels, tuple) and all(isinstance(label, str) for label in self.labels),
            "the inventory's labels are not a tuple of names",
        )
        _check(self.key in self.labels, f"the inventory's key {self.key!r} is none of its labels")


@dataclass(frozen=True)
class Source(Generic[S]):
    """A kind of source: what users write after `type:`, its settings, and what it can measure.

    `session` is the flow that logs in. It runs once per source and run, when the first flow asks for
    `session(that_flow)`, and once more when a flow raises `SessionExpired`; what it returns lives in memory only.
    `inventory` lists all entities; it is fetched only where a rule needs it.
    """

    type: str
    settings: ClassOf[S]
    metrics: Iterable[Metric[S, Any, Any]]
    help: str = ""
    sandbox: Sandbox | None = None
    session: Callable[[S], Flow[Any]] | None = None
    inventory: Inventory[S, Any] | None = None

    def __post_init__(self) -> None:
        _check(bool(_TYPE.fullmatch(self.type)), f"source type {self.type!r} is not like 'nhn-monitoring'")
        _check(
            isinstance(self.settings, type) and issubclass(self.settings, SourceSettings),
            f"source type {self.type}: its settings are not a dataclass derived from SourceSettings",
        )
        _check(is_dataclass(self.settings), f"source type {self.type}: its settings are not a dataclass")
        _check(self.session is None or callable(self.session), f"source type {self.type}: its session is not callable")
        _check(
            self.inventory is None or isinstance(self.inventory, Inventory),
            f"source type {self.type}: its inventory is not an Inventory",
        )
        metrics = tuple(self.metrics)
        object.__setattr__(self, "metrics", metrics)
        _check(
            all(isinstance(metric, Metric) for metric in metrics),
            f"source type {self.type}: its metrics are not all Metric objects",
        )
        names = [metric.name for metric in metrics]
        twice = {name for name in names if names.count(name) > 1}
        _check(not twice, f"source type {self.type}: metric {', '.join(sorted(twice))} stands twice")
        # What is fetched goes by the name of its dataset: two of one name would be given each other's payload.
        known: dict[str, Dataset[S, Any, Any]] = {}
        for dataset in [*(one.dataset for one in metrics), *([self.inventory.dataset] if self.inventory else [])]:
            alike = known.setdefault(dataset.name, dataset) == dataset
            _check(alike, f"source type {self.type}: two datasets are called {dataset.name!r}; rename one of the two")

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
