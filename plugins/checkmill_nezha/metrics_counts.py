"""What is counted over the servers, or over those of each group; and how old the last report of each is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from checkmill.api.v1 import Dataset, Levels, Limits, Metric, Sample
from checkmill_nezha import calls
from checkmill_nezha.fleet import RESTARTED, Fleet, NoValueError
from checkmill_nezha.metrics_servers import SERVER
from checkmill_nezha.servers import Labels, Server
from checkmill_nezha.settings import Servers, Settings
from checkmill_nezha.wording import label, span

LIST = Dataset("server_list", calls.server_list, Servers)
#: How many names a text tells.
_NAMED = 5

#: Whether one server counts. Raises `NoValueError` where that cannot be told.
Counts = Callable[[Fleet, Server], bool]
#: What is counted together, with its labels.
Groups = Callable[[Fleet, Servers], Iterator[tuple[Labels, Sequence[Server]]]]
Samples = Callable[[Fleet, Servers], Iterator[Sample]]


def all_together(fleet: Fleet, _: Servers) -> Iterator[tuple[Labels, Sequence[Server]]]:
    """All servers that were asked for, if it is known which they are."""
    if fleet.servers or not any(True for _ in fleet.gaps()):
        yield {}, fleet.servers


def by_tag(fleet: Fleet, query: Servers) -> Iterator[tuple[Labels, Sequence[Server]]]:
    """The servers of each group, in order of its name; a server may be in several.

    A server whose groups nobody knows may be in any: it is in each here, and in one without a name for all others.
    """
    only = None if query.tag is None else label(query.tag)
    doubted = [server for server in fleet.servers if server.tag_doubt]
    groups: dict[str, list[Server]] = {only: []} if only is not None and doubted else {}
    for server in fleet.servers:
        for tag in server.tags:
            if only is None or tag == only:
                groups.setdefault(tag, []).append(server)
    for tag, members in sorted(groups.items()):
        yield {"tag": tag}, [*members, *doubted]
    if only is None and doubted:
        yield {}, doubted


def how_many(groups: Groups, *, grouped: bool = False) -> Samples:
    """Make the function that gives how many servers there are; not where it is in doubt which are in a group."""

    def samples(fleet: Fleet, query: Servers) -> Iterator[Sample]:
        yield from fleet.gaps(with_id=False)
        for labels, members in groups(fleet, query):
            # All servers are so many in whatever groups they are.
            by_group = grouped or query.tag is not None
            doubts = [f"{one.host}: {one.tag_doubt}" for one in members if one.tag_doubt] if by_group else []
            yield _doubtful(doubts, labels) if doubts else Sample(len(members), **labels)

    return samples


def counted(groups: Groups, counts: Counts, *, share: bool = False) -> Samples:
    """Make the function that counts servers, or gives their share in percent.

    A server of which it cannot be told is missing beside what is counted without it.
    """

    def samples(fleet: Fleet, query: Servers) -> Iterator[Sample]:
        yield from fleet.gaps(with_id=False)
        for labels, members in groups(fleet, query):
            yield from _of_group(fleet, members, labels, counts, share=share)

    return samples


def agent_age(fleet: Fleet, _: Servers) -> Iterator[Sample]:
    """How old the last report of each server is."""
    yield from fleet.gaps()
    for server in fleet.servers:
        try:
            age = fleet.age(server)
            yield Sample(round(age, 3), at=fleet.clock.now, **server.labels)
        except NoValueError as error:
            yield Sample.missing(str(error), **server.labels)


def _of_group(
    fleet: Fleet, members: Sequence[Server], labels: Labels, counts: Counts, *, share: bool
) -> Iterator[Sample]:
    if fleet.restarted or not members:
        yield Sample.missing(RESTARTED if members else "the dashboard has no server", **labels)
        return
    found, doubts = [], []
    for server in members:
        try:
            if counts(fleet, server):
                found.append(_named(fleet, server))
        except NoValueError as error:
            doubts.append(f"{server.host}: {error}")
    if doubts:
        yield _doubtful(doubts, labels)
    # Of a share with servers in doubt nothing is sure; of a number, that there are as many.
    if not doubts or (found and not share):
        sample = Sample(round(len(found) / len(members) * 100, 6) if share else len(found), **labels)
        sample.reason = ", ".join([*found[:_NAMED], *(["..."] if len(found) > _NAMED else [])])
        yield sample


def _doubtful(doubts: Sequence[str], labels: Labels) -> Sample:
    """That a number is not known, for the sake of some servers."""
    more = f" (and {len(doubts) - 1} more)" if len(doubts) > 1 else ""
    return Sample.missing(f"{doubts[0]}{more}", **labels)


def _is_inactive(fleet: Fleet, server: Server) -> bool:
    """Whether a report is overdue; one that never came since the dashboard started is."""
    if server.reported is None and not server.doubt:
        return True
    return fleet.age(server) > fleet.stale_after


def _is_unheard(_: Fleet, server: Server) -> bool:
    if server.doubt:
        raise NoValueError(server.doubt)
    return server.reported is None


def _named(fleet: Fleet, server: Server) -> str:
    if server.reported is None:
        return f"{server.host} never"
    return f"{server.host} {span(fleet.age(server))} ago"


def _metric(name: str, samples: Samples, meaning: str, unit: str = "") -> Metric[Settings, Servers, Fleet]:
    return Metric(name, LIST, samples, unit=unit, minimum=0, maximum=100 if unit == "%" else None, help=meaning)


def _of_tag(name: str, samples: Samples, meaning: str, unit: str = "") -> Metric[Settings, Servers, Fleet]:
    return replace(_metric(name, samples, meaning, unit), labels=("tag",))


METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    _metric("servers", how_many(all_together), "servers of the dashboard"),
    _metric(
        "inactive_agents",
        counted(all_together, _is_inactive),
        "agents whose last report is overdue, those that never reported since the dashboard started included",
    ),
    _metric("inactive_share", counted(all_together, _is_inactive, share=True), "the same as a share of all", "%"),
    _metric(
        "never_reported",
        counted(all_together, _is_unheard),
        "agents that never reported since the dashboard started",
    ),
    _of_tag("tag_servers", how_many(by_tag, grouped=True), "servers of each group"),
    _of_tag("tag_inactive_agents", counted(by_tag, _is_inactive), "inactive agents of each group"),
    _of_tag("tag_inactive_share", counted(by_tag, _is_inactive, share=True), "the same as a share of its servers", "%"),
    _of_tag("tag_never_reported", counted(by_tag, _is_unheard), "agents of each group that never reported"),
    Metric(
        "agent_age",
        LIST,
        agent_age,
        unit="s",
        labels=SERVER,
        levels=Levels(above=Limits(60.0, 300.0)),
        minimum=0,
        help="how old the last report of each agent is",
    ),
)
