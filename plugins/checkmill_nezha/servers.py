"""Servers: the entries of a v0 dashboard's lists, one noun for both generations, sorted and told apart by their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checkmill_nezha.settings import LARGEST_ID
from checkmill_nezha.wording import NAMELESS, label, shape

#: Labels by name. All are text; as `Any` they can be handed on as keywords.
Labels = dict[str, Any]
#: The tag of servers that are in no group.
UNTAGGED = "(no tag)"
#: No stamp is as large; a double holds every whole number up to here.
LARGEST_EXACT = 1 << 53


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server. `host` is its name, with its id behind it where another server has the same name.

    `reported` is when the dashboard last had a report of it (epoch seconds of the dashboard's clock), None if never
    since the dashboard started; `doubt` says why that cannot be told, or why nothing of the server is believed.
    `tag_doubt` says why nobody knows its groups: it may be in any. `machine` and `state` are what the agent last sent,
    as the dashboard gave it but with the names of generation v0; None where the call does not give them, or where
    `state_doubt` says why it cannot be used.
    """

    id: str
    name: str
    tags: tuple[str, ...]
    reported: float | None
    doubt: str = ""
    tag_doubt: str = ""
    host: str = ""
    machine: Any = None
    state: Any = None
    state_doubt: str = ""

    @property
    def labels(self) -> Labels:
        """What its samples are labelled with."""
        return {"host": self.host, "id": self.id}

    @property
    def number(self) -> int:
        """Its id as a number."""
        return int(self.id)


def entries_of(rows: Sequence[Any]) -> Iterator[Server | str]:
    """Read the rows of a v0 dashboard; for a row that names no server, the sentence that says so."""
    for number, row in enumerate(rows, start=1):
        server_id = id_of(row.get("id")) if isinstance(row, Mapping) else ""
        if not server_id:
            yield no_server(number, row)
            continue
        reported, doubt = _reported(row)
        tag = row.get("tag")
        tag_doubt = "" if isinstance(tag, str) else f"its tag should be a text, but is {shape(tag)}"
        yield Server(
            id=server_id,
            name=name_of(row, server_id),
            tags=() if tag_doubt else (label(tag),) if tag.strip() else (UNTAGGED,),
            reported=reported,
            doubt=doubt or tag_doubt,
            tag_doubt=tag_doubt,
            machine=row.get("host"),
            state=row.get("status"),
        )


def told_apart(servers: Iterable[Server]) -> tuple[Server, ...]:
    """The servers by id, in that order, each with a `host` of its own; an id that stands twice is in doubt.

    The dashboard gives them in random order, and names may be alike.
    """
    by_id: dict[str, Server] = {}
    for server in servers:
        known = by_id.get(server.id)
        if known is not None and known != server:
            twice = f"the id {server.id} stands twice in the answer, with different data"
            tag_doubt = server.tag_doubt or known.tag_doubt or (twice if known.tags != server.tags else "")
            server = replace(server, doubt=twice, tag_doubt=tag_doubt, tags=() if tag_doubt else server.tags)
        by_id[server.id] = server
    found = sorted(by_id.values(), key=lambda one: one.number)
    named = Counter(server.name for server in found)
    hosts = [with_id(one.name, one.id) if named[one.name] > 1 else one.name for one in found]
    return tuple(replace(server, host=host) for server, host in zip(found, hosts, strict=True))


def with_id(name: str, server_id: str) -> str:
    """A name that several servers have, with what tells them apart."""
    return f"{name} (id {server_id})"


def id_of(raw: Any) -> str:
    """The id of a server as text; empty for what is none."""
    whole = isinstance(raw, int) and not isinstance(raw, bool)
    return str(raw) if whole and 0 < raw <= LARGEST_ID else ""


def name_of(row: Mapping[str, Any], server_id: str) -> str:
    """The name of a server; of one without, `server` and its id."""
    name = row.get("name")
    called = label(name) if isinstance(name, str) else NAMELESS
    return f"server {server_id}" if called == NAMELESS else called


def no_server(number: int, row: Any) -> str:
    """What is wrong with a row that names no server."""
    if isinstance(row, Mapping):
        return f"entry {number} of the servers has no id that is one: {shape(row.get('id'))}"
    return f"entry {number} of the servers should be an object, but is {shape(row)}"


def _reported(row: Mapping[str, Any]) -> tuple[float | None, str]:
    """When a server last reported, and why that cannot be told. Everything up to zero is Go's zero time: never."""
    raw = row.get("last_active")
    if isinstance(raw, bool) or not isinstance(raw, int) or raw > LARGEST_EXACT:
        return None, f"its last_active should be epoch seconds, but is {shape(raw)}"
    return (float(raw), "") if raw > 0 else (None, "")
