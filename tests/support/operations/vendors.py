"""The vendors of the operations team that have no plugin of their own here: names, units, labels and words, no more.

Each answers one request, `/table`, with its samples as a rule file's story writes them; see `stories`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from checkmill.api.v1 import (
    Dataset,
    Doc,
    Flow,
    Inventory,
    Metric,
    NoQuery,
    Query,
    Sample,
    Seconds,
    Source,
    SourceSettings,
    State,
    hookimpl,
    now,
)
from checkmill.model.units import seconds, size

Row: TypeAlias = dict[str, Any]
#: All are text; as `Any` they can be handed on as keywords.
Labels: TypeAlias = dict[str, Any]
Samples: TypeAlias = Callable[["Table", Any], Iterator[Sample]]
#: A word for an agent that never reported since the dashboard started.
NEVER = "never"


@dataclass(frozen=True)
class Table:
    """The rows that a vendor answered, and when it was asked (epoch seconds)."""

    rows: Sequence[Row]
    asked_at: float


@dataclass(frozen=True, kw_only=True)
class Window(Query):
    window: Annotated[Seconds, Doc("how far back")] = 3600.0


def table(settings: SourceSettings, query: Any) -> Flow[Table]:
    """All rows; a window is for the metric to cut out."""
    asked_at = yield from now()
    response = yield from settings.get("/table")
    return Table(response.json(), asked_at)


def each_row(figure: str, labels: Sequence[str], read: Callable[[Any], Any] = lambda value: value) -> Samples:
    """One sample of each row: the figure under its labels, missing where the row has none."""

    def samples(payload: Table, _: Any) -> Iterator[Sample]:
        for row in payload.rows:
            own: Labels = {label: str(row[label]) for label in labels if label in row}
            value = row.get(figure)
            if value is None:
                yield Sample.missing(f"no {figure} came", **own)
            else:
                yield Sample(read(value), **own)

    return samples


# NHN Cloud Service Monitoring: scenarios are carried out from this place.

SCENARIOS = Dataset("scenarios", table)
SCENARIO = ("scenario",)


def failed_scenarios(payload: Table, _: NoQuery) -> Iterator[Sample]:
    yield Sample(sum(1 for row in payload.rows if row["scenario_state"] == "failed"))


NHN_MONITORING = Source(
    type="nhn-monitoring",
    settings=SourceSettings,
    metrics=[
        Metric("failed_scenarios", SCENARIOS, failed_scenarios, minimum=0, help="scenarios that fail from here"),
        Metric(
            "scenario",
            SCENARIOS,
            each_row("scenario_state", SCENARIO),
            labels=SCENARIO,
            states={"passed": State.OK, "failed": State.CRITICAL, "not carried out": State.UNKNOWN},
            help="what came of each scenario, carried out from here",
        ),
        Metric(
            "scenario_status",
            SCENARIOS,
            each_row("status", SCENARIO),
            labels=SCENARIO,
            states={"enable": State.OK, "temporary": State.WARNING},
            help="what NHN says of each scenario",
        ),
        Metric(
            "scenario_response_time",
            SCENARIOS,
            each_row("time", SCENARIO, seconds),
            unit="s",
            labels=SCENARIO,
            minimum=0,
        ),
    ],
)


# NHN Cloud Resource Watcher: alarms, and the notifications that each of them sent.

ALARMS = Dataset("alarms", table)
HISTORY = Dataset("history", table, query=Window)
ALARM = ("alarm",)


def _sent(payload: Table, query: Window, result: str = "") -> Iterator[tuple[str, list[Row]]]:
    """Each alarm, and what it sent within the window: all, or what ended so."""
    for row in payload.rows:
        recent = [one for one in row["sent"] if seconds(one["ago"]) <= query.window]
        yield row["alarm"], [one for one in recent if result in {"", one["result"]}]


def sent_count(result: str = "") -> Samples:
    def samples(payload: Table, query: Window) -> Iterator[Sample]:
        for alarm, found in _sent(payload, query, result):
            yield Sample(len(found), alarm=alarm)

    return samples


def failed_share(payload: Table, query: Window) -> Iterator[Sample]:
    failed = dict(_sent(payload, query, "FAILURE"))
    for alarm, found in _sent(payload, query):
        if found:
            yield Sample(100 * len(failed[alarm]) / len(found), alarm=alarm)
        else:
            yield Sample.missing("nothing was sent", alarm=alarm)


def newest_event_age(payload: Table, query: Window) -> Iterator[Sample]:
    for alarm, found in _sent(payload, query):
        if found:
            yield Sample(min(seconds(one["ago"]) for one in found), alarm=alarm)
        else:
            yield Sample.missing(f"no event in the last {query.window:g} s", alarm=alarm)


NHN_WATCHER = Source(
    type="nhn-watcher",
    settings=SourceSettings,
    metrics=[
        Metric(
            "alarm_status",
            ALARMS,
            each_row("status", ALARM),
            labels=ALARM,
            states={"STABLE": State.OK, "DISABLED": State.WARNING, "CLOSED": State.CRITICAL},
        ),
        Metric("notifications", HISTORY, sent_count(), labels=ALARM, minimum=0),
        Metric("failed_notifications", HISTORY, sent_count("FAILURE"), labels=ALARM, minimum=0),
        Metric("stuck_notifications", HISTORY, sent_count("SENDING"), labels=ALARM, minimum=0),
        Metric("failed_share", HISTORY, failed_share, unit="%", labels=ALARM, minimum=0, maximum=100),
        Metric("newest_event_age", HISTORY, newest_event_age, unit="s", labels=ALARM, minimum=0),
    ],
)


# Checkmk: what its SLA computation says of each service.

SLAS = Dataset("slas", table)
SLA = ("site", "host", "service", "sla", "period")


def state_percentage(payload: Table, _: NoQuery) -> Iterator[Sample]:
    for row in payload.rows:
        for state, percent in row["states"].items():
            labels: Labels = {label: str(row[label]) for label in SLA}
            yield Sample(percent, state=state, **labels)


CHECKMK = Source(
    type="checkmk",
    settings=SourceSettings,
    metrics=[
        Metric(
            "sla_broken",
            SLAS,
            each_row("agreement", SLA),
            labels=SLA,
            states={"broken": State.CRITICAL, "fulfilled": State.OK},
        ),
        Metric("sla_deviation", SLAS, each_row("deviation", SLA), unit="%", labels=SLA),
        Metric(
            "sla_state_percentage", SLAS, state_percentage, unit="%", labels=(*SLA, "state"), minimum=0, maximum=100
        ),
        Metric("sla_period_elapsed", SLAS, each_row("elapsed", SLA, seconds), unit="s", labels=SLA, minimum=0),
    ],
)


# Nezha: a dashboard that lists servers by id and tag, and keeps the last figures of those that died.

LIST = Dataset("list", table)
DETAILS = Dataset("details", table)
SERVER = ("host", "id")
#: A figure that an agent sent longer ago than this says nothing of now.
FRESH_S = 300.0


def _server(row: Row) -> Labels:
    return {"host": row["host"], "id": str(row["id"])}


def server_list(payload: Table, _: NoQuery) -> Iterator[Mapping[str, str]]:
    """Every server that the dashboard knows, whether it sends figures or not."""
    for row in payload.rows:
        yield {**_server(row), "tag": row["tag"]}


def agent_age(payload: Table, _: NoQuery) -> Iterator[Sample]:
    for row in payload.rows:
        if row["age"] == NEVER:
            yield Sample.missing("never reported since the dashboard started", **_server(row))
        else:
            yield Sample(seconds(row["age"]), **_server(row))


def inactive_agents(payload: Table, _: NoQuery) -> Iterator[Sample]:
    yield Sample(sum(1 for row in payload.rows if row["age"] == NEVER or seconds(row["age"]) > FRESH_S))


def never_reported(payload: Table, _: NoQuery) -> Iterator[Sample]:
    yield Sample(sum(1 for row in payload.rows if row["age"] == NEVER))


def live(figure: str, read: Callable[[Any], Any] = lambda value: value) -> Samples:
    """A figure of each server that sends any, with the time at which its agent sent it."""

    def samples(payload: Table, _: NoQuery) -> Iterator[Sample]:
        for row in payload.rows:
            if figure in row and row["age"] != NEVER:
                yield Sample(read(row[figure]), at=payload.asked_at - seconds(row["age"]), **_server(row))

    return samples


def agent_version(payload: Table, _: NoQuery) -> Iterator[Sample]:
    for row in payload.rows:
        if row.get("version"):
            yield Sample(row["version"], **_server(row))
        else:
            yield Sample.missing("the dashboard knows no version", **_server(row))


def _live(name: str, unit: str = "", read: Callable[[Any], Any] = lambda value: value) -> Metric[Any, Any, Any]:
    most = 100 if unit == "%" else None
    return Metric(name, DETAILS, live(name, read), unit=unit, labels=SERVER, minimum=0, maximum=most, max_age_s=FRESH_S)


NEZHA = Source(
    type="nezha",
    settings=SourceSettings,
    metrics=[
        Metric("servers", LIST, lambda payload, _: [Sample(len(payload.rows))], minimum=0),
        Metric("inactive_agents", LIST, inactive_agents, minimum=0),
        Metric("never_reported", LIST, never_reported, minimum=0),
        Metric("agent_age", LIST, agent_age, unit="s", labels=SERVER, minimum=0),
        Metric("agent_version", LIST, agent_version, labels=SERVER, states={"*": State.UNKNOWN}),
        _live("cpu", "%"),
        _live("memory_used", "%"),
        _live("disk_used_bytes", "B", size),
        _live("load1"),
        _live("uptime", "s", seconds),
        _live("tcp_connections"),
        _live("processes"),
    ],
    inventory=Inventory(LIST, server_list, key="host", labels=("host", "id", "tag")),
)


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    return [NHN_MONITORING, NHN_WATCHER, CHECKMK, NEZHA]
