"""The metrics that core makes itself for every source: `source_up`, and the inventory as samples for judging."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkmill.model.job import JOBS
from checkmill.model.sample import Sample
from checkmill.model.source import Dataset, Inventory, Metric, Source
from checkmill.model.state import State

SOURCE_UP = "source_up"
UP, DOWN = "up", "down"
INVENTORY = "source_inventory"


def metric_of(source: Source[Any], name: str) -> Metric[Any, Any, Any] | None:
    """The metric of that name: a plugin's own, or `source_up`, which every source has that can be asked at all."""
    return source_up(source) if name == SOURCE_UP else source.metric(name)


def metrics_of(source: Source[Any]) -> tuple[Metric[Any, Any, Any], ...]:
    """All metrics of a source, `source_up` last."""
    up = source_up(source)
    own = tuple(metric for metric in source.metrics if metric.name != SOURCE_UP)
    return own if up is None else (*own, up)


def source_up(source: Source[Any]) -> Metric[Any, Any, Any] | None:
    """Whether a source answers. A failed fetch is its verdict; judging says `down` with the stage then.

    It asks for the inventory if there is one, else for what the first metric asks that needs no query. Jobs are not
    asked at all.
    """
    if source is JOBS:
        return None
    datasets = [metric.dataset for metric in source.metrics]
    if source.inventory is not None:
        datasets.insert(0, source.inventory.dataset)
    dataset: Dataset[Any, Any, Any] | None = next((one for one in datasets if one.needs_no_query), None)
    if dataset is None:
        return None
    return Metric(
        SOURCE_UP,
        dataset,
        _up,
        states={UP: State.OK, DOWN: State.CRITICAL},
        help="whether the source answers; a fetch that fails is down, with the stage at which it failed",
    )


def inventory_metric(inventory: Inventory[Any, Any]) -> Metric[Any, Any, Any]:
    """The entities of a source as samples of a metric, whose labels may have several values."""

    def samples(payload: Any, query: Any) -> Iterator[Sample]:
        for entity in inventory.entities(payload, query):
            yield entity if isinstance(entity, Sample) else Sample(1).labelled(entity)  # type: ignore[arg-type] # tuples

    return Metric(INVENTORY, inventory.dataset, samples, labels=inventory.labels)


def _up(_: Any, __: Any) -> Iterator[Sample]:
    yield Sample(UP)
