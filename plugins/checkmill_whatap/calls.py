"""WhaTap's sixteen documented calls: requests out, checked answers in. Every one is a GET.

Account calls (projects, groups and their members) take the account's token, all others a project's own token and code.
A source that reads several projects asks each of them side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from checkmill.api.v1 import (
    ConfigurationError,
    Flow,
    NoQuery,
    ParseError,
    Response,
    SourceError,
    StatusError,
    attempt,
    now,
    together,
)
from checkmill_whatap.answers import (
    Labels,
    Members,
    count_of,
    data_of,
    hosts_of,
    label,
    server_list_of,
    servers_of,
    statistics_of,
    whole,
)
from checkmill_whatap.projects import (
    Answered,
    PerProject,
    Project,
    ask_each,
    get_each,
    matching_projects,
    require_account,
)
from checkmill_whatap.settings import LONGEST_WINDOW_S, Processes, Settings, Window

T = TypeVar("T")

GROUPS_PATH = "/open/api/json/groups"
ACTIVE_PATH = "/open/json/act_agent"
INACTIVE_PATH = "/open/json/inact_agent"
#: WhaTap's first documentation and its newer one name two paths for the same answer.
PROJECT_PATHS = ("/open/json/project", "/open/api/json/project")
PROCESS_PATHS = ("/open/json/sm_proc", "/open/json/infra_proc")
HTTP_NOT_FOUND = 404

#: Rows of `sm_stat`, by the name of their `filter`: their width in seconds.
ROWS = {"m5": 300, "s5": 5}


@dataclass(frozen=True)
class Traffic:
    """Traffic by host name, as sent, and how many bits one unit of it is."""

    by_host: Members
    bits: float


@dataclass(frozen=True)
class Snapshot:
    """`values` of the snapshot of all servers, as sent, and how many bits one unit of its traffic is."""

    values: Members
    bits: float


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group of the account, and how many members it has or the error that kept them from being counted.

    Two groups may have one name; their keys differ. `key` is empty where the list of groups gives none.
    """

    name: str
    key: str
    members: int | SourceError

    @property
    def labels(self) -> Labels:
        """Its labels."""
        return {"group": self.name, "id": self.key} if self.key else {"group": self.name}


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Rows of `sm_stat` (one per server, as sent), the list of all servers beside them, and what was asked.

    `asked_at`, `since` and `until` are epoch seconds; `since` to `until` holds whole rows of `width_s`, the last of
    which ended before `asked_at`.
    """

    series: Sequence[Any]
    servers: Sequence[Any]
    asked_at: float
    since: float
    until: float
    width_s: int
    bits: float
    only: str = ""


# The account.


def projects(settings: Settings, _: NoQuery) -> Flow[tuple[Project, ...]]:
    """A1: the projects that the account token sees and `projects` selects."""
    return (yield from matching_projects(settings))


def project_members(settings: Settings, _: NoQuery) -> Flow[PerProject[int]]:
    """A2: how many members each selected project has. Who they are is never read."""
    require_account(settings, "the members of a project")
    chosen = yield from matching_projects(settings)
    counts = yield from together([attempt(_members_of_project(settings, project)) for project in chosen])
    return tuple(Answered(project.labels, count) for project, count in zip(chosen, counts, strict=True))


def groups(settings: Settings, _: NoQuery) -> Flow[int]:
    """A3: how many groups the account has."""
    return len((yield from _groups(settings)))


def group_members(settings: Settings, _: NoQuery) -> Flow[tuple[Group, ...]]:
    """A4: the groups and how many members each has."""
    found = yield from _groups(settings)
    named = [_group(number, row) for number, row in enumerate(found, start=1)]
    counts = yield from together([attempt(_members_of_group(settings, key)) for _, key in named])
    return tuple(Group(name=name, key=key, members=count) for (name, key), count in zip(named, counts, strict=True))


# A project.


def project(settings: Settings, _: NoQuery) -> Flow[PerProject[Members]]:
    """P1: the project and its servers, without figures."""
    return (yield from ask_each(settings, lambda one: _first_found(one, PROJECT_PATHS, servers_of)))


def act_agent(settings: Settings, _: NoQuery) -> Flow[PerProject[Any]]:
    """S1: the number of active agents, as sent."""
    return (yield from get_each(settings, ACTIVE_PATH, count_of))


def inact_agent(settings: Settings, _: NoQuery) -> Flow[PerProject[Any]]:
    """S2: the number of inactive agents, as sent."""
    return (yield from get_each(settings, INACTIVE_PATH, count_of))


def agents(settings: Settings, _: NoQuery) -> Flow[PerProject[tuple[Any, Any]]]:
    """S1 and S2 side by side: the numbers of active and of inactive agents, as sent."""

    def both(one: Settings) -> Flow[tuple[str, tuple[Any, Any]]]:
        active, inactive = yield from together([one.get(ACTIVE_PATH), one.get(INACTIVE_PATH)])
        name, up = count_of(active)
        return name, (up, count_of(inactive)[1])

    return (yield from ask_each(settings, both))


def host(settings: Settings, _: NoQuery) -> Flow[PerProject[Any]]:
    """S3: the number of hosts, as sent."""
    return (yield from get_each(settings, "/open/json/host", count_of))


def cpucore(settings: Settings, _: NoQuery) -> Flow[PerProject[Any]]:
    """S4: the sum of CPU cores over all hosts, as sent."""
    return (yield from get_each(settings, "/open/json/cpucore", count_of))


def infra_cpu(settings: Settings, _: NoQuery) -> Flow[PerProject[Members]]:
    """S5: CPU use in percent by host name, as sent."""
    return (yield from get_each(settings, "/open/json/infra_cpu", hosts_of))


def infra_disk_iops(settings: Settings, _: NoQuery) -> Flow[PerProject[Members]]:
    """S6: `{"bps": ..., "iops": ...}` by host name, as sent."""
    return (yield from get_each(settings, "/open/json/infra_disk_iops", hosts_of))


def infra_net_traffic(settings: Settings, _: NoQuery) -> Flow[PerProject[Traffic]]:
    """S7: traffic in and out together, by host name, as sent."""

    def traffic_of(response: Response) -> tuple[str, Traffic]:
        name, by_host = hosts_of(response)
        return name, Traffic(by_host, settings.bits)

    return (yield from get_each(settings, "/open/json/infra_net_traffic", traffic_of))


def sm_proc(settings: Settings, _: Processes) -> Flow[PerProject[Members]]:
    """S8: a list of processes by host name, as sent."""
    paths = PROCESS_PATHS if settings.process_path is None else (settings.process_path,)
    return (yield from ask_each(settings, lambda one: _first_found(one, paths, hosts_of)))


def sm_servers(settings: Settings, _: NoQuery) -> Flow[PerProject[Sequence[Any]]]:
    """S9: the list of servers, as sent."""
    return (yield from get_each(settings, "/open/json/sm_servers", server_list_of))


def sm(settings: Settings, _: NoQuery) -> Flow[PerProject[Snapshot]]:
    """S10: every server with its latest figures, as sent."""

    def snapshot_of(response: Response) -> tuple[str, Snapshot]:
        name, values = servers_of(response)
        return name, Snapshot(values, settings.bits)

    return (yield from get_each(settings, "/open/json/sm", snapshot_of))


def sm_stat(settings: Settings, query: Window) -> Flow[PerProject[Statistics]]:
    """T1: whole rows of the time series, with S9 beside it, which alone knows the names of the servers.

    From five minutes on the rows are those of five minutes, below those of five seconds. One row more than the window
    holds is asked for where the vendor's limit of one hour allows it, for the newest may not be written yet.
    """
    if query.id is not None and settings.account_token is not None:
        raise ConfigurationError("id names a server of one project: give the source pcode and token, or drop id")
    return (yield from ask_each(settings, lambda one: _statistics(one, query)))


def _statistics(settings: Settings, query: Window) -> Flow[tuple[str, Statistics]]:
    asked_at = yield from now()
    row = "m5" if query.window >= ROWS["m5"] else "s5"
    width = ROWS[row]
    until = math.floor(asked_at / width) * width
    since = until - int(query.window // width) * width
    begin = max(since - width, until - int(LONGEST_WINDOW_S))
    params = {"stime": str(begin * 1000), "etime": str(until * 1000), "filter": row}
    if query.id is not None:
        params["oid"] = str(query.id)
    series, servers = yield from together(
        [settings.get("/open/json/stat/sm_stat", params=params), settings.get("/open/json/sm_servers")]
    )
    name, listed = server_list_of(servers)
    return name, Statistics(
        series=statistics_of(series),
        servers=listed,
        asked_at=asked_at,
        since=since,
        until=until,
        width_s=width,
        bits=settings.bits,
        only="" if query.id is None else str(query.id),
    )


def _first_found(settings: Settings, paths: Sequence[str], parse: Callable[[Response], T]) -> Flow[T]:
    for path in paths[:-1]:
        answer = yield from attempt(settings.get(path))
        if not isinstance(answer, SourceError):
            return parse(answer)
        if not (isinstance(answer, StatusError) and answer.status == HTTP_NOT_FOUND):
            raise answer
    return parse((yield from settings.get(paths[-1])))


def _members_of_project(settings: Settings, project: Project) -> Flow[int]:
    if project.pcode is None:
        raise ParseError(project.problem)
    response = yield from settings.get("/open/api/json/project/{pcode}/members", values={"pcode": project.pcode})
    return len(data_of(response, "members"))


def _groups(settings: Settings) -> Flow[Sequence[Any]]:
    require_account(settings, "the list of groups")
    response = yield from settings.get(GROUPS_PATH)
    return data_of(response, "groups")


def _members_of_group(settings: Settings, key: str) -> Flow[int]:
    if not key:
        raise ParseError("the list of groups gives it without a groupKey")
    response = yield from settings.get("/open/api/json/group/{groupid}/members", values={"groupid": key})
    return len(data_of(response, "members"))


def _group(number: int, row: Any) -> tuple[str, str]:
    members = row if isinstance(row, dict) else {}
    raw_key, raw_name = members.get("groupKey"), members.get("groupName")
    key = raw_key.strip() if isinstance(raw_key, str) else "" if whole(raw_key) is None else str(whole(raw_key))
    name = raw_name if isinstance(raw_name, str) and raw_name.strip() else key or f"row {number}"
    return label(name), key
