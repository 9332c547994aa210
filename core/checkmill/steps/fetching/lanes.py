"""Lanes: connections side by side, each with one request at a time, so that none looks through all the others.

A pool of httpcore's looks at every connection it has, and asks the system about each that is idle, whenever a request
begins and ends. So each lane is a pool of one connection: what a request costs does not grow with how many there are.
"""

from __future__ import annotations

from typing import Any

import httpx

#: Where a connection leads: scheme, and host with port.
Origin = tuple[str, str]


class Lane:
    """One connection to one origin, made when it is first needed and again when it has ended."""

    def __init__(self, origin: Origin, options: dict[str, Any]) -> None:
        """`options` are those of `httpx.AsyncHTTPTransport`."""
        self.origin = origin
        self.transport = httpx.AsyncHTTPTransport(
            **options, limits=httpx.Limits(max_connections=1, max_keepalive_connections=1)
        )


class Lanes:
    """Gives a lane to whoever sends a request, and keeps those that are free, at most so many."""

    def __init__(self, most_free: int, options: dict[str, Any]) -> None:
        self._most_free = most_free
        self._options = options
        self._all: set[Lane] = set()
        # The one that was used last is taken first: it is the least likely to have been closed meanwhile.
        self._free: list[Lane] = []

    def take(self, origin: Origin) -> Lane:
        """A lane that leads there."""
        for index in range(len(self._free) - 1, -1, -1):
            if self._free[index].origin == origin:
                return self._free.pop(index)
        lane = Lane(origin, self._options)
        self._all.add(lane)
        return lane

    async def give_back(self, lane: Lane, *, sound: bool) -> None:
        """Take back a lane whose request is over. One that is not `sound`, since its request was not, is closed."""
        if sound:
            self._free.append(lane)
            if len(self._free) <= self._most_free:
                return
            lane = self._free.pop(0)
        self._all.discard(lane)
        await lane.transport.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._all:
            await lane.transport.aclose()
        self._all.clear()
        self._free.clear()
