"""A vendor with an inventory and a receiver of teams, declared as a plugin would, for the tests of reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from checkmill.api.v1 import (
    Dataset,
    Doc,
    Flow,
    Inventory,
    Metric,
    Query,
    Receipt,
    Reporter,
    ReporterSettings,
    Sample,
    Source,
    SourceSettings,
    Target,
    hookimpl,
)
from checkmill.model.flow import send


@dataclass(frozen=True, kw_only=True)
class Window(Query):
    window: Annotated[float, Doc("how far back")] = 300.0


def _answer(settings: Any, query: Any) -> Flow[Any]:
    return (yield from send(settings.request("GET", "/")))


def _samples(payload: Any, query: Any) -> Iterator[Sample]:
    yield Sample(1.0)


def _entities(payload: Any, query: Any) -> Iterator[Mapping[str, str | tuple[str, ...]]]:
    yield {"host": "web-1", "tag": ("web", "edge")}


NOW = Dataset("now", _answer)
SERIES = Dataset("series", _answer, query=Window)

FLEET = Source(
    type="fleet",
    settings=SourceSettings,
    metrics=[
        Metric("cpu", NOW, _samples, unit="%", labels=("host",), minimum=0.0, maximum=100.0),
        Metric("disk_used", SERIES, _samples, unit="%", labels=("host", "mount"), max_age_s=60.0),
        Metric("disk_free_bytes", SERIES, _samples, unit="B", labels=("host", "mount"), minimum=0.0),
        Metric("agents", NOW, _samples, minimum=0.0),
    ],
    inventory=Inventory(Dataset("machines", _answer), _entities, "host", ("host", "tag", "team")),
)


@dataclass(frozen=True, kw_only=True)
class RoomTarget(Target):
    room: Annotated[str, Doc("which room")]
    floor: Annotated[int, Doc("on which floor")] = 0

    def __post_init__(self) -> None:
        if " " in self.room:
            raise ValueError(f"the room {self.room!r} has a blank in it")


def _deliver(settings: Any, target: RoomTarget, body: str) -> Flow[Receipt]:
    yield from send(settings.request("POST", "/"))
    raise AssertionError("never delivered")


ROOMS = Reporter(type="rooms", settings=ReporterSettings, target=RoomTarget, deliver=_deliver, body="{}")


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    return [FLEET]


@hookimpl
def checkmill_reporters() -> Iterable[Reporter[Any, Any]]:
    return [ROOMS]
