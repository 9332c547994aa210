"""A fetch: one dataset of one source, carried out at most once per run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkmill.model.errors import SourceError
from checkmill.model.source import ConfiguredSource, Dataset


@dataclass(frozen=True)
class Fetch:
    """What to fetch. Equal fetches of one run are carried out once.

    `timeout_s` is the deadline of the whole flow, retries included, counted from the moment it starts.
    """

    source: ConfiguredSource
    dataset: Dataset[Any, Any, Any]
    query: Any
    timeout_s: float

    @property
    def name(self) -> str:
        """How a person calls it: `shop/infra_cpu`."""
        return f"{self.source.name}/{self.dataset.name}"

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two fetches equal: source, dataset, query."""
        return (self.source.name, self.dataset.name, repr(self.query))


@dataclass(frozen=True)
class Fetched:
    """What came of a fetch: a payload, or the error that ended it. Times are epoch seconds."""

    started_at: float
    ended_at: float
    payload: Any = None
    error: SourceError | None = None
