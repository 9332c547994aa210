"""Two small vendors and a receiver, declared as a plugin would, for the tests of what reads rules and loads plugins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from checkmill.api.v1 import (
    Dataset,
    Doc,
    Flow,
    Metric,
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
    hookimpl,
)
from checkmill.model.flow import send


@dataclass(frozen=True, kw_only=True)
class CloudSettings(SourceSettings):
    base_url: Annotated[str, Doc("where the cloud answers")] = "https://cloud.example"
    pcode: Annotated[int, Doc("project code")]
    token: Annotated[Secret, Doc("API token")]
    zones: Annotated[tuple[str, ...], Doc("zones")] = ()
    plan: Annotated[Literal["small", "medium", "large"], Doc("what was bought")] = "small"

    def __post_init__(self) -> None:
        if "mars" in self.zones:
            raise ValueError(f"no zone is called {', '.join(self.zones)}; write earth")


@dataclass(frozen=True, kw_only=True)
class Window(Query):
    window: Annotated[Seconds, Doc("how far back")] = 300.0
    kind: Annotated[str, Doc("of what kind")] = "any"


@dataclass(frozen=True, kw_only=True)
class Sla(Query):
    sla: Annotated[str, Doc("id of the SLA")]


def _answer(settings: Any, query: Any) -> Flow[Any]:
    response = yield from send(settings.request("GET", "/"))
    return response


def _samples(payload: Any, query: Any) -> Iterator[Sample]:
    yield Sample(1.0)


HOSTS = Dataset("hosts", _answer, interval_s=30.0, timeout_s=5.0)
SERIES = Dataset("series", _answer, query=Window)
SLAS = Dataset("slas", _answer, query=Sla)

CLOUD = Source(
    type="cloud",
    settings=CloudSettings,
    metrics=[
        Metric("cpu", HOSTS, _samples, unit="%", labels=("host",), minimum=0.0, maximum=100.0, help="CPU use"),
        Metric("disk_used", HOSTS, _samples, unit="%", labels=("host", "mount"), minimum=0.0, maximum=100.0),
        Metric("memory_used_bytes", HOSTS, _samples, unit="B", labels=("host",), minimum=0.0),
        Metric("net_traffic", HOSTS, _samples, unit="B/s", labels=("host",), minimum=0.0),
        Metric("uptime", HOSTS, _samples, unit="s", labels=("host",), minimum=0.0),
        Metric("inactive_agents", HOSTS, _samples, minimum=0.0),
        Metric("cpu_avg", SERIES, _samples, unit="%", labels=("host",), minimum=0.0, maximum=100.0),
        Metric(
            "server_status",
            HOSTS,
            _samples,
            labels=("host",),
            states={"normal": State.OK, "warning": State.WARNING, "fatal": State.CRITICAL},
        ),
    ],
    help="a cloud that is not there",
    sandbox=Sandbox(lambda _: lambda _: None, settings={"pcode": 1, "token": "sandbox-token"}),  # type: ignore[arg-type,return-value] # never asked
)

SITE = Source(
    type="site",
    settings=SourceSettings,
    metrics=[
        Metric("cpu", HOSTS, _samples, unit="%", labels=("host", "site")),
        Metric("memory_used_bytes", HOSTS, _samples, unit="%", labels=("host",)),
        Metric("sla_broken", SLAS, _samples, labels=("sla",), states={"broken": State.CRITICAL, "fulfilled": State.OK}),
    ],
)


@dataclass(frozen=True, kw_only=True)
class PagerSettings(ReporterSettings):
    base_url: str = "https://pager.example"
    appkey: Annotated[Secret, Doc("key")]


@dataclass(frozen=True, kw_only=True)
class PagerTarget(Target):
    scenario: Annotated[str, Doc("which scenario")]


def _deliver(settings: PagerSettings, target: PagerTarget, body: str) -> Flow[Receipt]:
    yield from send(settings.request("POST", "/"))
    raise AssertionError("never delivered")


PAGER = Reporter(
    type="pager", settings=PagerSettings, target=PagerTarget, deliver=_deliver, body='{"state": "{{ state }}"}'
)


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    return [CLOUD, SITE]


@hookimpl
def checkmill_reporters() -> Iterable[Reporter[Any, Any]]:
    return (reporter for reporter in [PAGER])
