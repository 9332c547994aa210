"""All servers of a source with their labels, from the snapshot: for `expect: all`, and tags to select by."""

from __future__ import annotations

from collections.abc import Iterator

from checkmill.api.v1 import Inventory, NoQuery, Sample
from checkmill_whatap.answers import label, shape
from checkmill_whatap.calls import Snapshot
from checkmill_whatap.metrics_servers import SERVER, SNAPSHOT
from checkmill_whatap.projects import PerProject, per_project
from checkmill_whatap.servers import Server, servers_in
from checkmill_whatap.settings import Settings


def servers(snapshot: Snapshot, _: NoQuery) -> Iterator[Sample]:
    """Each server with its tags and operating system, active or not; one whose tags cannot be read is missing."""
    for server in servers_in(snapshot.values["servers"]):
        yield server if isinstance(server, Sample) else _entity(server)


def _entity(server: Server) -> Sample:
    tags, system = server.row.get("tags"), server.row.get("os_name")
    written = tags if isinstance(tags, list) else [] if tags is None else [tags]
    if not all(isinstance(tag, str) for tag in written) or isinstance(tags, str):
        return Sample.missing(f"its tags should be a list of words, but are {shape(tags)}", **server.labels)
    labels = {**server.labels, "tag": tuple(label(tag.strip()) for tag in written if tag.strip())}
    if isinstance(system, str) and system.strip():
        labels["os"] = label(system.strip())
    return Sample(1, **labels)


INVENTORY: Inventory[Settings, PerProject[Snapshot]] = Inventory(
    SNAPSHOT, per_project(servers), key="host", labels=(*SERVER, "os", "tag")
)
