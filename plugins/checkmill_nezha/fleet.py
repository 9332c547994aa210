"""What a rule asked for, as answered: the servers with their ages, what did not come, what cannot be used.

The gate of every figure stands here: a server that is silent keeps its last figures for ever, and one that has not
reported since the dashboard started has zeros that look healthy. Neither has a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checkmill.api.v1 import Sample
from checkmill_nezha.clock import Clock, clock_of
from checkmill_nezha.servers import Server, told_apart
from checkmill_nezha.settings import Servers, Settings
from checkmill_nezha.wording import label, shown, span

NEVER = "never reported since the dashboard started"
RESTARTED = (
    "none of the servers has reported since the dashboard started: it was restarted a moment ago, or no agent runs"
)


class NoValueError(Exception):
    """There is no value; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The servers asked for, by id. Times are in seconds, `line_rate` in bytes a second.

    `unusable` are sentences about entries that name no server, `absent` the ids that were asked for and are not there,
    `tag` the group that was asked for. `restarted` says that no server of the whole dashboard has reported, as far as
    was answered: it keeps reports in memory alone.
    """

    servers: tuple[Server, ...]
    clock: Clock
    stale_after: float
    line_rate: float
    unusable: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    tag: str | None = None
    restarted: bool = False

    def age(self, server: Server) -> float:
        """How old the last report of a server is. Raises `NoValueError` where nobody can tell."""
        if server.doubt:
            raise NoValueError(server.doubt)
        if server.reported is None:
            raise NoValueError(RESTARTED if self.restarted else NEVER)
        if self.clock.fault:
            raise NoValueError(self.clock.fault)
        age = self.clock.age_of(server.reported)
        if age < 0:
            raise NoValueError(
                f"clock skew: its last report lies {span(-age)} in the future; set the clocks, or raise skew"
            )
        return age

    def fresh_at(self, server: Server) -> float:
        """When the figures of a server were reported, in epoch seconds of our clock.

        Raises `NoValueError` for figures that are not of now.
        """
        age = self.age(server)
        if age > self.stale_after:
            raise NoValueError(f"its last report is {span(age)} old, so its figures are too")
        return self.clock.now - age

    def gaps(self, *, with_id: bool = True) -> Iterator[Sample]:
        """What was asked for and has no sample: entries that name no server, ids and a group that do not exist."""
        for sentence in self.unusable:
            yield Sample.missing(sentence)
        for server_id in self.absent:
            reason = f"the dashboard has no server with the id {server_id}"
            yield Sample.missing(reason, id=server_id) if with_id else Sample.missing(reason)
        if self.tag is not None and not self.servers and not self.unusable:
            yield Sample.missing(
                f"no server is in the group {shown(self.tag)!r}: it is empty, or its name is written differently"
            )


def fleet_of(
    entries: Iterable[Server | str], settings: Settings, query: Servers, *, now: float, date: float | None
) -> Fleet:
    """Make a fleet of what was answered, and of that only what was asked for, or may be.

    `now` is our time when the answer was here, `date` that of its Date header, in epoch seconds.
    """
    read = list(entries)
    servers = told_apart(one for one in read if isinstance(one, Server))
    restarted = bool(servers) and all(one.reported is None and not one.doubt for one in servers)
    ids = [str(one) for one in query.ids]
    if query.tag is not None:
        group = label(query.tag)
        servers = tuple(one for one in servers if one.tag_doubt or group in one.tags)
    elif ids:
        wanted = frozenset(ids)
        servers = tuple(one for one in servers if one.id in wanted)
    stale_after = settings.stale_after if query.stale_after is None else query.stale_after
    there = frozenset(one.id for one in servers)
    return Fleet(
        servers=servers,
        clock=clock_of(now, date, skew_s=settings.skew),
        stale_after=stale_after,
        line_rate=settings.line_rate,
        unusable=tuple(one for one in read if isinstance(one, str)),
        absent=tuple(one for one in ids if one not in there),
        tag=query.tag,
        restarted=restarted,
    )
