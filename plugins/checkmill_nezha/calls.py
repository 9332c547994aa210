"""Nezha's calls: requests out, checked answers in. None changes anything.

A dashboard of generation v0 answers `server/list`, `server/details` and `monitor/{id}`, one of generation v1 a login,
`server` and `server-group`. Where the generation is not configured, the answer to the first call tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checkmill.api.v1 import (
    ConfigurationError,
    Flow,
    Request,
    Response,
    SourceError,
    StatusError,
    attempt,
    now,
    send,
    session,
    together,
)
from checkmill_nezha.answers import V1_FOUND, OtherGenerationError, is_v1, listed, object_of, result_of, rows_of
from checkmill_nezha.clock import epoch_of
from checkmill_nezha.fleet import Fleet, fleet_of
from checkmill_nezha.login import HTTP_NOT_FOUND, log_in
from checkmill_nezha.servers import Server, entries_of
from checkmill_nezha.servers_v1 import entries_of_v1
from checkmill_nezha.settings import Monitored, Servers, Settings

LIST_PATH = "/api/v1/server/list"
DETAILS_PATH = "/api/v1/server/details"
MONITOR_PATH = "/api/v1/monitor/{server_id}"
V1_SERVERS_PATH = "/api/v1/server"
V1_GROUPS_PATH = "/api/v1/server-group"
_V0_ALONE = "the monitor history is read from dashboards of generation v0 alone"


@dataclass(frozen=True, kw_only=True)
class History:
    """What the monitors of one server measured, as sent, or the error that kept it from being read."""

    server: Server
    answer: Sequence[Any] | SourceError


@dataclass(frozen=True, kw_only=True)
class Histories:
    """The histories of the servers asked for."""

    fleet: Fleet
    servers: tuple[History, ...]


def server_list(settings: Settings, query: Servers) -> Flow[Fleet]:
    """The servers with the time of their last report, without figures."""
    return (yield from _fleet(settings, query, LIST_PATH))


def server_details(settings: Settings, query: Servers) -> Flow[Fleet]:
    """The servers with their latest figures."""
    return (yield from _fleet(settings, query, DETAILS_PATH))


def monitor(settings: Settings, query: Monitored) -> Flow[Histories]:
    """What the monitors of each server measured in the last 24 hours: one request for each, side by side."""
    if not settings.asks_v0:
        raise ConfigurationError(_V0_ALONE)
    try:
        fleet = yield from _fleet_v0(settings, query, LIST_PATH)
    except OtherGenerationError:
        raise ConfigurationError(_V0_ALONE + ", and this one is of generation v1") from None
    answers = yield from together([attempt(_history(settings, server)) for server in fleet.servers])
    histories = (History(server=one, answer=answer) for one, answer in zip(fleet.servers, answers, strict=True))
    return Histories(fleet=fleet, servers=tuple(histories))


def _fleet(settings: Settings, query: Servers, path: str) -> Flow[Fleet]:
    if settings.asks_v0:
        try:
            return (yield from _fleet_v0(settings, query, path))
        except OtherGenerationError:
            if not settings.may_ask_v1:
                raise
    return (yield from _fleet_v1(settings, query))


# Generation v0.


def _fleet_v0(settings: Settings, query: Servers, path: str) -> Flow[Fleet]:
    """The servers of a v0 dashboard, asked for by tag or id, never both; the list can be asked for by tag alone."""
    params: dict[str, str] = {}
    if query.tag is not None:
        params["tag"] = query.tag
    elif query.ids:
        path, params["id"] = DETAILS_PATH, ",".join(map(str, query.ids))
    answer = yield from attempt(_get_v0(settings, path, params=params))
    if isinstance(answer, StatusError) and answer.status == HTTP_NOT_FOUND:
        raise (yield from _why_not_found(settings, answer))
    if isinstance(answer, SourceError):
        raise answer
    fleet = yield from _made(answer, entries_of(listed(result_of(answer), "servers")), settings, query)
    if params and fleet.restarted:
        return replace(fleet, restarted=not (yield from _any_reported(settings)))
    return fleet


def _any_reported(settings: Settings) -> Flow[bool]:
    """Whether any server has reported since the dashboard started, since none of those asked for has."""
    whole = yield from attempt(_fleet_v0(settings, Servers(), LIST_PATH))
    return isinstance(whole, Fleet) and any(one.reported is not None for one in whole.servers)


def _history(settings: Settings, server: Server) -> Flow[Sequence[Any]]:
    answer = yield from attempt(_get_v0(settings, MONITOR_PATH, values={"server_id": server.id}))
    if isinstance(answer, StatusError) and answer.status == HTTP_NOT_FOUND:
        raise StatusError(
            f"{answer}: the server is gone, or the dashboard is older than v0.16.0 and keeps no history",
            status=HTTP_NOT_FOUND,
        )
    if isinstance(answer, SourceError):
        raise answer
    result = result_of(answer)
    return [] if result is None else listed(result, "monitors")


def _get_v0(settings: Settings, path: str, **parts: Any) -> Flow[Response]:
    return (yield from send(_request_v0(settings, path, **parts)))


def _request_v0(settings: Settings, path: str, **parts: Any) -> Request:
    """A GET with the token as it is: a dashboard compares the whole header, and knows no word before it."""
    token = {} if settings.token is None else {"authorization": settings.token}
    return settings.request("GET", path, headers=token, **parts)


def _why_not_found(settings: Settings, failure: StatusError) -> Flow[SourceError]:
    """Why there is no call of generation v0: generation v1 lives there, or no Nezha does."""
    answer = yield from attempt(_get_v0(settings, LIST_PATH, any_status=True))
    if not isinstance(answer, SourceError):
        try:
            document = object_of(answer)
        except SourceError:
            document = {}
        if is_v1(document):
            return OtherGenerationError(V1_FOUND)
    return StatusError(f"{failure}: no Nezha dashboard answers there, see base_url", status=failure.status)


# Generation v1.


def _fleet_v1(settings: Settings, query: Servers) -> Flow[Fleet]:
    """All servers of a v1 dashboard and its groups, of which only what was asked for is kept."""
    login = {"authorization": (yield from session(log_in))}
    servers, groups = yield from together(
        [settings.get(V1_SERVERS_PATH, headers=login), settings.get(V1_GROUPS_PATH, headers=login)]
    )
    entries = entries_of_v1(rows_of(servers, "servers"), rows_of(groups, "server groups"))
    return (yield from _made(servers, entries, settings, query))


def _made(response: Response, entries: Iterable[Server | str], settings: Settings, query: Servers) -> Flow[Fleet]:
    at = yield from now()
    return fleet_of(entries, settings, query, now=at, date=epoch_of(response.headers.get("date", "")))
