"""A plugin of somebody else's: what a first rule file must be made from without knowing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from checkmill.api.v1 import (
    Answer,
    App,
    Asked,
    Dataset,
    Doc,
    Flow,
    Metric,
    NoQuery,
    Query,
    Receipt,
    Reporter,
    ReporterSettings,
    Sample,
    Sandbox,
    Secret,
    Source,
    SourceSettings,
    Target,
    World,
    hookimpl,
)
from checkmill.model.reporter import Outcome


@dataclass(frozen=True, kw_only=True)
class TallySettings(SourceSettings):
    site_id: Annotated[int, Doc("number of the site:\n  it stands in the address bar")]
    token: Annotated[Secret, Doc("API token")]
    queues: Annotated[tuple[str, ...], Doc("which queues to read")]
    note: Annotated[str | None, Doc("what is told to the tally")] = None
    tries: int = 3

    def headers(self) -> dict[str, Secret]:
        return {"x-tally-token": self.token}


@dataclass(frozen=True, kw_only=True)
class Day(Query):
    day: Annotated[str, Doc("which day")]


@dataclass(frozen=True, kw_only=True)
class GrimSettings(SourceSettings):
    number: Annotated[int, Doc("a number that its sandbox does not give")]


@dataclass(frozen=True, kw_only=True)
class BellSettings(ReporterSettings):
    base_url: Annotated[str, Doc("where the bell hangs")] = "https://bell.example"
    rope: Annotated[Secret, Doc("what is pulled")]


@dataclass(frozen=True, kw_only=True)
class BellTarget(Target):
    tower: Annotated[str, Doc("which tower")]


def _queues(settings: TallySettings, query: Any) -> Flow[dict[str, Any]]:
    response = yield from settings.get("/queues")
    return dict(response.json())


def _length(payload: dict[str, Any], query: NoQuery) -> Iterator[Sample]:
    for name, value in payload.items():
        yield Sample.number(value, queue=name)


def _no_samples(payload: Any, query: Any) -> Iterator[Sample]:
    return iter(())


def _nothing(settings: Any, query: Any) -> Flow[dict[str, Any]]:
    response = yield from settings.get("/")
    return dict(response.json())


def _tally(world: World) -> App:
    def app(asked: Asked) -> Answer:
        if asked.headers.get("x-tally-token") != "tally-sandbox-token":
            return Answer(status=403, json={"message": "wrong token"})
        return Answer(json={"mail": 3, "print": 12})

    return app


def _bell(world: World) -> App:
    def app(asked: Asked) -> Answer:
        return Answer(json={})

    return app


def _deliver(settings: BellSettings, target: BellTarget, body: str) -> Flow[Receipt]:
    yield from settings.post(f"/{target.tower}", body=body.encode())
    return Receipt(Outcome.ACCEPTED)


QUEUES: Dataset[TallySettings, NoQuery, dict[str, Any]] = Dataset("queues", _queues)
TALLY = Source(
    type="tally",
    settings=TallySettings,
    metrics=[
        Metric("of_day", Dataset("days", _queues, query=Day), _no_samples),
        Metric("length", QUEUES, _length, labels=("queue",), minimum=0.0, help="how long each queue is"),
        Metric("full", QUEUES, _length, unit="%", labels=("queue", "id"), minimum=0.0, maximum=100.0),
        # Whatever limit is put first, nothing is above it.
        Metric("stuck", QUEUES, _length, unit="%", labels=("queue",), minimum=100.0, maximum=100.0),
        Metric("share", QUEUES, _length, labels=("queue",), minimum=0.0, maximum=1.0),
    ],
    sandbox=Sandbox(_tally, settings={"site_id": 7, "token": "tally-sandbox-token", "queues": ["mail", "print: 2"]}),
)
GRIM = Source(
    type="grim",
    settings=GrimSettings,
    metrics=[Metric("mood", Dataset("moods", _nothing), _no_samples)],
    sandbox=Sandbox(_tally),
)
PLAIN = Source(type="plain", settings=SourceSettings, metrics=[])
BELL = Reporter(
    type="bell",
    settings=BellSettings,
    target=BellTarget,
    deliver=_deliver,
    body='{"state": "{{ state }}"}',
    sandbox=Sandbox(_bell, settings={"rope": "long-rope"}, target={"tower": "north"}),
)


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    return [TALLY, GRIM, PLAIN]


@hookimpl
def checkmill_reporters() -> Iterable[Reporter[Any, Any]]:
    return [BELL]
