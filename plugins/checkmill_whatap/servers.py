"""Servers: the rows that list them, with their differing spellings made one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checkmill.api.v1 import Sample, number_of
from checkmill_whatap.answers import Labels, Members, label, server_id, shape, shown, yes_or_no


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server. `active` is None where the row does not say; `doubt` says why its state cannot be read.

    `row` is what WhaTap sent, with `os.status` and `os_status` under either name.
    """

    id: str
    host: str
    active: bool | None
    doubt: str
    inactive_since: str
    status: Any
    row: Members

    @property
    def labels(self) -> Labels:
        """Its labels: two servers of one name differ in their id."""
        return {"host": self.host, "id": self.id}

    @property
    def stale(self) -> str:
        """Why its figures are not of now, or ""."""
        if self.active is False:
            return f"inactive since {self.inactive_since}" if self.inactive_since else "inactive"
        return self.doubt


def servers_in(rows: Sequence[Any]) -> Iterator[Server | Sample]:
    """Read the rows of a server list; a row that names none becomes a missing sample, for it may be any."""
    for number, row in enumerate(rows, start=1):
        server = _server(row)
        if server is not None:
            yield server
        elif isinstance(row, dict):
            yield Sample.missing(f"row {number} of the servers has neither oid nor oname")
        else:
            yield Sample.missing(f"row {number} of the servers should be an object, but is {shape(row)}")


def server_status(found: Iterable[Server | Sample]) -> Iterator[Sample]:
    """The status of each server in WhaTap's words; of one that is not active, `inactive` (or `paused`, `close`)."""
    for server in found:
        if isinstance(server, Sample):
            yield server
        elif server.doubt:
            yield Sample.missing(server.doubt, **server.labels)
        else:
            yield _status(server)


def server_active(found: Iterable[Server | Sample]) -> Iterator[Sample]:
    """Whether the agent of each server is active."""
    for server in found:
        if isinstance(server, Sample):
            yield server
        elif server.active is None:
            yield Sample.missing(server.doubt or "the row has no isActive", **server.labels)
        else:
            yield Sample("active" if server.active else "inactive", **server.labels)


def _status(server: Server) -> Sample:
    word = server.status.strip().lower() if isinstance(server.status, str) else ""
    if server.active is False and word not in {"paused", "close"}:
        return Sample("inactive", **server.labels)
    if not word:
        return Sample.missing(f"the status should be a word, but is {shape(server.status)}", **server.labels)
    return Sample(shown(word), **server.labels)


def _server(row: Any) -> Server | None:
    if not isinstance(row, dict):
        return None
    number = server_id(row.get("oid"))
    name = row.get("oname")
    host = label(name) if isinstance(name, str) and name.strip() else number
    if not host:
        return None
    since = number_of(row.get("inactTime"))
    active = yes_or_no(row.get("isActive"))
    doubt = ""
    if "isActive" in row and active is None:
        doubt = f"isActive should be true or false, but is {shape(row['isActive'])}"
    elif active is None and since is not None and since > 0:
        active = False
    return Server(
        id=number,
        host=host,
        active=active,
        doubt=doubt,
        inactive_since=_moment(since),
        status=row.get("os.status", row.get("os_status")),
        row=row,
    )


def _moment(milliseconds: float | None) -> str:
    if milliseconds is None or milliseconds <= 0:
        return ""
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return ""
