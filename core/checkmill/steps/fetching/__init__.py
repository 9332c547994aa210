"""Fetching: carries out what plugins ask of their vendors, with every deadline, retry, limit and rule in one place.

    jobs           what is to be carried out and what came of it
    coordinating   the calling thread: gives jobs to one crew per source, keeps their deadlines, waits for nobody stuck
    crew           the thread of one source: runs its jobs plainly (one) or side by side (several)
    flowing        steps through a plugin's flow, inside the wall that keeps its crashes in
    sending        the policy for one request: deadline, retries, redirects; no I/O, it yields moves
    moves          what a policy can ask for: wait, transmit, once, all of these
    plain          makes moves one after the other; side_by_side makes them in an asyncio loop
    clients        httpx, used by both; trail and classifying say in which stage it failed, and why
    lanes          the connections of those that send side by side, one request at a time on each
    group          what the jobs of one source share: pacing, trust, the answers to equal reads
    sessions       one login per source and run, and when there is another
    outgoing, body a request on its way out, an answer's body on its way in
    exchanging     one exchange over TCP or UDP
    resolving      names looked up within a limit, and only the addresses that may be connected to
    reaching       requests whose address a vendor named: checked, and sent to the very address that was checked
    children       a function in a child process; child is that process; descendants finds and ends what it started
    watching       tells who wants to know of every request and what came of it
    last_resort    for a process of Checkmill's own: ends what plugins leave, and itself if they hold the interpreter

Importing this package imports neither httpx nor asyncio: a run that finds everything fresh needs neither.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any

from checkmill.edges import Edges
from checkmill.model.fetch import Fetch, Fetched
from checkmill.model.flow import Flow, heavy
from checkmill.steps.fetching.coordinating import carry_out, carry_out_fed
from checkmill.steps.fetching.jobs import Done, Job, Turn
from checkmill.steps.fetching.last_resort import LAST_RESORT
from checkmill.steps.fetching.watching import Watch

__all__ = ["LAST_RESORT", "Done", "Job", "Turn", "Watch", "carry_out", "carry_out_fed", "fetch_all"]

_CO_GENERATOR = 0x20


def fetch_all(
    fetches: Iterable[Fetch],
    edges: Edges,
    *,
    give_up_at: float | None = None,
    watch: Watch | None = None,
    extract: Callable[[Fetch, Any], Any] | None = None,
) -> dict[tuple[str, str, str], Fetched]:
    """Carry out fetches and give what came of each, by `Fetch.key`.

    Equal fetches are carried out once, with the longest of their deadlines. `give_up_at` is an absolute
    `edges.monotonic()` time after which nothing is waited for. `watch` hears of every request. What `extract` makes of
    a payload stands in its place; it runs where the fetch does, under its deadline. Never raises for what a plugin or a
    vendor does.
    """
    wanted: dict[tuple[str, str, str], Fetch] = {}
    for fetch in fetches:
        known = wanted.get(fetch.key)
        if known is None or known.timeout_s < fetch.timeout_s:
            wanted[fetch.key] = fetch
    dones = carry_out([_job(fetch, watch, extract) for fetch in wanted.values()], edges, give_up_at=give_up_at)
    return {
        key: Fetched(started_at=done.started_at, ended_at=done.ended_at, payload=done.value, error=done.error)
        for key, done in zip(wanted, dones, strict=True)
    }


def _job(fetch: Fetch, watch: Watch | None, extract: Callable[[Fetch, Any], Any] | None) -> Job:
    return Job(
        name=fetch.name,
        group=fetch.source.name,
        settings=fetch.source.settings,
        start=_start(fetch) if extract is None else _extracting(fetch, extract),
        timeout_s=fetch.timeout_s,
        max_size=fetch.dataset.max_size,
        login=fetch.source.type.session,
        watch=watch,
    )


def _extracting(fetch: Fetch, extract: Callable[[Fetch, Any], Any]) -> Callable[[], Any]:
    start = _start(fetch)

    def extracted(flow: Flow[Any]) -> Flow[Any]:
        return extract(fetch, (yield from flow))

    def begin() -> Any:
        started = start()
        if isinstance(started, Generator):
            return extracted(started)
        return started if isinstance(started, Coroutine) else extract(fetch, started)

    return begin


def _start(fetch: Fetch) -> Callable[[], Any]:
    flow, settings, query = fetch.dataset.flow, fetch.source.settings, fetch.query
    if _is_plain_function(flow):
        return lambda: heavy(flow, settings, query)
    return lambda: flow(settings, query)


def _is_plain_function(flow: Callable[..., Any]) -> bool:
    """Whether a dataset is a function that a child process can find and that does not say it gives a flow."""
    code = getattr(flow, "__code__", None)
    if code is None or code.co_flags & _CO_GENERATOR or any(word in _gives(flow) for word in ("Flow", "Generator")):
        return False
    return getattr(sys.modules.get(flow.__module__), flow.__name__, None) is flow


def _gives(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__annotations__", {}).get("return", ""))
