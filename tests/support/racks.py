"""A vendor of racks, as a plugin and on loopback: what `explain` is tried on, with no name of a real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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
    Seconds,
    Secret,
    Source,
    SourceSettings,
    State,
    Target,
    World,
    hookimpl,
)
from checkmill.model.levels import Levels, Limits
from checkmill.model.reporter import Outcome
from checkmill.model.source import Inventory
from support.loopback import Got, Reply

KEY = "rack-key-1234567"
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RackSettings(SourceSettings):
    key: Annotated[Secret, Doc("API key")]
    rooms: Annotated[tuple[str, ...], Doc("which rooms to read")] = ()

    def headers(self) -> dict[str, Secret]:
        return {"x-key": self.key}


@dataclass(frozen=True, kw_only=True)
class Window(Query):
    window: Annotated[Seconds, Doc("how far back")] = 300.0


@dataclass(frozen=True, kw_only=True)
class PagerSettings(ReporterSettings):
    base_url: Annotated[str, Doc("where the pager is")] = "http://pager.invalid"
    key: Annotated[Secret, Doc("API key")]


@dataclass(frozen=True, kw_only=True)
class PagerTarget(Target):
    team: Annotated[str, Doc("who is paged")]


def hosts(settings: RackSettings, query: NoQuery) -> Flow[Sequence[Row]]:
    response = yield from settings.get("/{key}/hosts", values={"key": settings.key})
    return list(response.json())


def history(settings: RackSettings, query: Window) -> Flow[Sequence[Row]]:
    response = yield from settings.get("/history", params={"window": int(query.window)})
    return list(response.json())


def inventory(settings: RackSettings, query: NoQuery) -> Flow[Sequence[Row]]:
    response = yield from settings.get("/inventory")
    return list(response.json())


def figure(name: str) -> Callable[[Sequence[Row], Any], Iterator[Sample]]:
    def samples(rows: Sequence[Row], query: Any) -> Iterator[Sample]:
        for row in rows:
            yield Sample.number(row.get(name), at=row.get("at"), host=row["host"])

    return samples


def power(rows: Sequence[Row], query: Any) -> Iterator[Sample]:
    for row in rows:
        yield Sample(row["power"], host=row["host"])


def entities(rows: Sequence[Row], query: Any) -> Iterator[Mapping[str, str]]:
    for row in rows:
        yield {"host": row["host"], "tag": row["tag"]}


HOSTS = Dataset("hosts", hosts)
RACKS = Source(
    type="racks",
    settings=RackSettings,
    metrics=[
        Metric(
            "load",
            HOSTS,
            figure("load"),
            unit="%",
            labels=("host",),
            help="how busy each host is",
            minimum=0.0,
            maximum=100.0,
            levels=Levels(above=Limits(70.0, 90.0)),
            max_age_s=600.0,
        ),
        Metric("memory", HOSTS, figure("memory"), unit="B", labels=("host",), minimum=0.0),
        Metric("power", HOSTS, power, labels=("host",), states={"on": State.OK, "off": State.CRITICAL}),
        Metric("load_avg", Dataset("history", history, query=Window), figure("load"), unit="%", labels=("host",)),
    ],
    sandbox=Sandbox(lambda world: _sandbox(world), settings={"key": KEY}),
    inventory=Inventory(Dataset("inventory", inventory), entities, key="host", labels=("host", "tag")),
)


def _sandbox(world: World) -> App:
    def app(asked: Asked) -> Answer:
        return Answer(json=[{"host": "web-1", "load": 12.5, "memory": 1 << 30, "power": "on"}])

    return app


def _deliver(settings: PagerSettings, target: PagerTarget, body: str) -> Flow[Receipt]:
    yield from settings.post(f"/{target.team}", content=body.encode())
    return Receipt(Outcome.ACCEPTED)


PAGER = Reporter(
    type="rack-pager",
    settings=PagerSettings,
    target=PagerTarget,
    deliver=_deliver,
    body='{"state": "{{ state }}"}',
    sandbox=Sandbox(lambda world: _sandbox(world), settings={"key": KEY}, target={"team": "sandbox-team"}),
)


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    return [RACKS]


@hookimpl
def checkmill_reporters() -> Iterable[Reporter[Any, Any]]:
    return [PAGER]


def site(home: Path) -> Path:
    """Lay the plugin down as an installed distribution, and give the folder for the path."""
    about = home / "site" / "racks-1.0.dist-info"
    about.mkdir(parents=True)
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: racks\nVersion: 1.0\n", "utf-8")
    lines = "racks = support.racks\nrack-pager = support.racks\n"
    about.joinpath("entry_points.txt").write_text(f"[checkmill]\n{lines}", "utf-8")
    return about.parent


class Racks:
    """The vendor: answers with its rows to who has the key, or with what a test wants by path."""

    def __init__(self, *rows: Row, tags: Mapping[str, str]) -> None:
        self.rows = list(rows)
        self.tags = tags
        self.replies: dict[str, Reply] = {}

    def answer(self, got: Got) -> Reply:
        path = got.target.partition("?")[0].replace(KEY, "KEY")
        if path in self.replies:
            return self.replies[path]
        if got.headers.get("x-key") != KEY:
            return Reply(401, b"wrong key", {"Content-Type": "text/plain"})
        rows: Any = self.rows
        if path == "/inventory":
            rows = [{"host": host, "tag": tag} for host, tag in self.tags.items()]
        return Reply(200, json.dumps(rows).encode(), {"Content-Type": "application/json"})
