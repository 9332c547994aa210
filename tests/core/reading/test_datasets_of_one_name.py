"""Datasets are told apart by their names: two of one name in one source would share a fetch, and are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from checkmill.api.v1 import ContractError, Dataset, Flow, Inventory, Metric, Sample, Source, SourceSettings


def _one(settings: Any, query: Any) -> Flow[Any]:
    return (yield from settings.get("/one"))


def _other(settings: Any, query: Any) -> Flow[Any]:
    return (yield from settings.get("/other"))


def _samples(payload: Any, query: Any) -> Iterator[Sample]:
    yield Sample(1.0)


def _entities(payload: Any, query: Any) -> Iterator[Mapping[str, str]]:
    yield {"host": "a"}


def _source(*datasets: Dataset[Any, Any, Any], listed: Dataset[Any, Any, Any] | None = None) -> Source[Any]:
    return Source(
        type="vendor",
        settings=SourceSettings,
        metrics=[Metric(f"m{number}", dataset, _samples) for number, dataset in enumerate(datasets)],
        inventory=None if listed is None else Inventory(listed, _entities, "host", ("host",)),
    )


MAIN = Dataset("main", _one)


@pytest.mark.parametrize("other", [Dataset("main", _other), Dataset("main", _one, timeout_s=60.0)])
def test_other_datasets_of_one_name_break_the_contract(other: Dataset[Any, Any, Any]) -> None:
    for made in (lambda: _source(MAIN, other), lambda: _source(MAIN, listed=other)):
        with pytest.raises(ContractError, match=r"source type vendor: two datasets are called 'main'"):
            made()


def test_one_dataset_is_shared_however_often_it_is_written() -> None:
    assert len(tuple(_source(MAIN, MAIN, Dataset("main", _one), Dataset("other", _other), listed=MAIN).metrics)) == 4
