"""Requests whose address a vendor named: looked up once, checked, and sent to the very address that was checked.

Each has a client of its own: no proxy, which would look the name up again, and no connection that another name shares.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import closing

from checkmill.model.reach import Reach
from checkmill.steps.fetching.clients import PlainClient, SideClient
from checkmill.steps.fetching.group import Group
from checkmill.steps.fetching.moves import Answer, Failure, Outgoing, Transmit
from checkmill.steps.fetching.outgoing import at_address
from checkmill.steps.fetching.resolving import Found, allowed, found_by, found_within
from checkmill.steps.fetching.trail import Trail


def reach(order: Transmit, group: Group) -> Answer | Failure:
    """Send a request whose reach is limited, within its limit. Raises `SourceError`, as `Failure` says it."""
    trail = Trail(order, None, group.edges)
    left_s = trail.begin()
    if left_s <= 0:
        return Failure(trail.late())
    trail.look_up()
    outgoing = order.outgoing
    try:
        found = found_within(left_s, group.edges, outgoing.host, outgoing.port, socket.SOCK_STREAM)
    except TimeoutError:
        return Failure(trail.late())
    outcome: Answer | Failure | None = None
    with closing(PlainClient(group.settings, group.trust(), direct=True)) as client:
        for _ in trail.try_each(_ways(outgoing, found)):
            outcome = client.send(trail)
            if not _gave_no_connection(outcome):
                break
    return Failure(trail.late()) if outcome is None else outcome


async def reach_alongside(trail: Trail, group: Group) -> Answer | Failure:
    """Send a request whose reach is limited; whoever awaits keeps the limit. Raises `SourceError`."""
    # Imported here: asyncio is for those who send side by side.
    from checkmill.steps.fetching.side_by_side import in_thread

    trail.look_up()
    outgoing = trail.order.outgoing
    host, port = outgoing.host, outgoing.port
    found = await in_thread(lambda: found_by(group.edges, host, port, socket.SOCK_STREAM), "checkmill-dns")
    outcome: Answer | Failure | None = None
    client = SideClient(group.settings, group.trust(), direct=True)
    try:
        for _ in trail.try_each(_ways(outgoing, found)):
            outcome = await client.send(trail)
            if not _gave_no_connection(outcome):
                break
    finally:
        await client.aclose()
    return Failure(trail.late()) if outcome is None else outcome


def _ways(outgoing: Outgoing, found: Sequence[Found]) -> list[Outgoing]:
    """The request for each address that it may be sent to. Raises `ConfigurationError` if there is none."""
    fit = allowed(found, outgoing.reach or Reach(()), outgoing.host, outgoing.port)
    return [at_address(outgoing, one[4][0]) for one in fit]


def _gave_no_connection(outcome: Answer | Failure) -> bool:
    """Whether another address may do better: nothing of the request was sent, and no certificate was wrong."""
    return isinstance(outcome, Failure) and outcome.passing and not outcome.error.arrived
