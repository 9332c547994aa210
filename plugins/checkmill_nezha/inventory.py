"""All servers of a dashboard with their groups: for `expect: all`, and for the label tag of everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from checkmill.api.v1 import Inventory, Sample
from checkmill_nezha.fleet import Fleet
from checkmill_nezha.metrics_counts import LIST
from checkmill_nezha.metrics_servers import SERVER
from checkmill_nezha.settings import Servers, Settings


def servers(fleet: Fleet, _: Servers) -> Iterator[Sample]:
    """Each server with its group, or with all of several.

    One of several servers of a name is found by both of its names: a rule that asks for a group may see it alone there.
    One whose groups nobody knows is missing.
    """
    yield from fleet.gaps()
    named = Counter(server.name for server in fleet.servers)
    for server in fleet.servers:
        if server.tag_doubt:
            yield Sample.missing(server.tag_doubt, **server.labels)
            continue
        labels: dict[str, Any] = {**server.labels, "tag": server.tags}
        if named[server.name] > 1:
            labels["host"] = (server.host, server.name)
        yield Sample(1, **labels)


INVENTORY: Inventory[Settings, Fleet] = Inventory(LIST, servers, key="id", labels=(*SERVER, "tag"))
