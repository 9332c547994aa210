"""What is counted rather than measured: projects, groups, members, servers, agents, cores; and the projects' status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from checkmill.api.v1 import Dataset, Flow, Metric, NoQuery, Sample, SourceError, State
from checkmill_whatap import calls
from checkmill_whatap.answers import Members, counted, shown
from checkmill_whatap.projects import PROJECT, PerProject, Project, per_project
from checkmill_whatap.servers import servers_in
from checkmill_whatap.settings import Settings

#: Words of the project list; what else comes is UNKNOWN. WhaTap's newer documentation names the set.
PROJECT_STATES = {
    "subscribe": State.OK,
    "trial": State.OK,
    "pending": State.WARNING,
    "trial_limited": State.WARNING,
    "limited": State.WARNING,
    "close_pending": State.WARNING,
    "closed": State.CRITICAL,
}


def projects(found: tuple[Project, ...], _: NoQuery) -> Iterator[Sample]:
    """How many projects the account token sees and `projects` selects."""
    yield Sample(len(found))


def project_status(found: tuple[Project, ...], _: NoQuery) -> Iterator[Sample]:
    """The status of each selected project, in WhaTap's words."""
    for project in found:
        if project.status:
            yield Sample(shown(project.status), **project.labels)
        else:
            yield Sample.missing(project.problem or "the list of projects gives no status", **project.labels)


def groups(count: int, _: NoQuery) -> Iterator[Sample]:
    """How many groups the account has."""
    yield Sample(count)


def group_members(found: tuple[calls.Group, ...], _: NoQuery) -> Iterator[Sample]:
    """How many members each group has."""
    for group in found:
        if isinstance(group.members, SourceError):
            yield Sample.missing(group.members.sentence, **group.labels)
        else:
            yield Sample(group.members, **group.labels)


def project_members(count: int, _: NoQuery) -> Iterator[Sample]:
    """How many members a project has."""
    yield Sample(count)


def project_servers(values: Members, _: NoQuery) -> Iterator[Sample]:
    """How many servers a project lists; none can be told if a row of the list is broken."""
    found = list(servers_in(values["servers"]))
    broken = [row for row in found if isinstance(row, Sample)]
    yield broken[0] if broken else Sample(len(found))


def count(raw: Any, _: NoQuery) -> Iterator[Sample]:
    """The one count of a project."""
    yield counted(raw)


def agents(pair: tuple[Any, Any], _: NoQuery) -> Iterator[Sample]:
    """The numbers of active and of inactive agents."""
    active, inactive = pair
    yield counted(active, state="active")
    yield counted(inactive, state="inactive")


def _count(
    name: str, flow: Callable[[Settings, NoQuery], Flow[PerProject[Any]]], meaning: str
) -> Metric[Settings, NoQuery, PerProject[Any]]:
    dataset = Dataset(flow.__name__, flow)
    return Metric(name, dataset, per_project(count), labels=PROJECT, minimum=0, help=meaning)


ACCOUNT = Dataset("projects", calls.projects)

METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    Metric("projects", ACCOUNT, projects, minimum=0, help="projects that the account sees and `projects` selects"),
    Metric(
        "project_status",
        ACCOUNT,
        project_status,
        labels=PROJECT,
        states=PROJECT_STATES,
        help="WhaTap's status of each project: subscribe, trial, limited, closed ...",
    ),
    Metric("groups", Dataset("groups", calls.groups), groups, minimum=0, help="groups of the account"),
    Metric(
        "group_members",
        Dataset("group_members", calls.group_members),
        group_members,
        labels=("group", "id"),
        minimum=0,
        help="members of each group of the account",
    ),
    Metric(
        "project_members",
        Dataset("project_members", calls.project_members),
        per_project(project_members),
        labels=PROJECT,
        minimum=0,
        help="members of each project",
    ),
    Metric(
        "project_servers",
        Dataset("project", calls.project),
        per_project(project_servers),
        labels=PROJECT,
        minimum=0,
        help="servers that each project lists",
    ),
    _count("active_agents", calls.act_agent, "agents that are active"),
    _count("inactive_agents", calls.inact_agent, "agents that are inactive"),
    Metric(
        "agents",
        Dataset("agents", calls.agents),
        per_project(agents),
        labels=("state", *PROJECT),
        minimum=0,
        help="agents by state: active, inactive",
    ),
    _count("hosts", calls.host, "hosts of each project"),
    _count("cpu_cores", calls.cpucore, "CPU cores of all hosts together"),
)
