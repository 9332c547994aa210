"""Makes moves side by side in an asyncio loop, for a source with several jobs and for flows that ask for it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError, SourceError
from checkmill.steps.fetching.group import Group
from checkmill.steps.fetching.moves import AllOf, Answer, Apart, Converse, Failure, Move, Once, Steps, Transmit, Wait

if TYPE_CHECKING:
    from checkmill.steps.fetching.clients import SideClient
    from checkmill.steps.fetching.trail import Trail

T = TypeVar("T")


class SideBySide:
    """An executor in a running loop; at most `workers` requests of the group are under way at a time."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._client: SideClient | None = None
        self._free_workers = asyncio.Semaphore(group.workers)
        self._under_way: dict[Hashable, asyncio.Event] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def run(self, steps: Steps) -> Any:
        """Make all moves of some steps and give what they return."""
        outcome: Any = None
        error: SourceError | None = None
        try:
            while True:
                try:
                    move = steps.send(outcome) if error is None else steps.throw(error)
                except StopIteration as end:
                    return end.value
                outcome = error = None
                try:
                    outcome = await self._make(move)
                except SourceError as failure:
                    error = failure
        finally:
            steps.close()

    async def _make(self, move: Move) -> Any:
        if isinstance(move, Transmit):
            return await self._transmit(move)
        if isinstance(move, Once):
            return await self._once(move)
        if isinstance(move, AllOf):
            return await self.all_of(move)
        if isinstance(move, Converse | Apart):
            return await self._aside(move)
        await self._wait(move)
        return None

    async def all_of(self, move: AllOf) -> list[Any]:
        """Make several branches side by side. The first failure is raised and ends the others."""
        tasks = [asyncio.ensure_future(self.run(branch)) for branch in move.branches]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, move: Wait) -> None:
        await asyncio.sleep(max(0.0, move.until - self._group.edges.monotonic()))

    async def _once(self, once: Once) -> Any:
        while True:
            read = self._group.known(once)
            if read is not None:
                return read.give()
            under_way = self._under_way.get(once.key)
            if under_way is None:
                break
            try:
                async with asyncio.timeout(max(0.0, once.deadline - self._group.edges.monotonic())):
                    await under_way.wait()
            except TimeoutError:
                raise DeadlineError("an equal request that was under way brought no answer in time") from None
        ended = self._under_way[once.key] = asyncio.Event()
        try:
            read = self._group.keep(once, await self.run(once.steps), None)
        except SourceError as error:
            read = self._group.keep(once, None, error)
        finally:
            # Whoever waits looks again, also when this one was cancelled and leaves nothing.
            del self._under_way[once.key]
            ended.set()
        return read.give()

    async def _transmit(self, order: Transmit) -> Answer | Failure:
        # Imported here and below: jobs that send nothing do without httpx.
        from checkmill.steps.fetching.clients import proxy_shown
        from checkmill.steps.fetching.trail import Trail

        group = self._group
        limited = order.outgoing.reach is not None
        trail = Trail(order, None if limited else proxy_shown(group.settings), group.edges)
        try:
            send = self._reach if limited else self._shared_client().send
            async with asyncio.timeout(max(0.0, order.deadline - group.edges.monotonic())) as limit:
                async with self._free_workers:
                    wait_s = group.pace.wait_s(group.edges.monotonic(), order.deadline)
                    if wait_s:
                        await asyncio.sleep(wait_s)
                    left_s = trail.begin()
                    if left_s <= 0:
                        return Failure(trail.late())
                    limit.reschedule(asyncio.get_running_loop().time() + left_s)
                    return await send(trail)
        except TimeoutError:
            return trail.late_outcome()
        except SourceError as error:
            return Failure(error)

    def _shared_client(self) -> SideClient:
        from checkmill.steps.fetching.clients import SideClient

        if self._client is None:
            self._client = SideClient(self._group.settings, self._group.trust())
        return self._client

    async def _reach(self, trail: Trail) -> Answer | Failure:
        from checkmill.steps.fetching.reaching import reach_alongside

        return await reach_alongside(trail, self._group)

    async def _aside(self, move: Converse | Apart) -> Any:
        """Make a move that blocks, in a thread of its own; it ends at its deadline or when nobody wants it any more."""
        edges = self._group.edges
        try:
            async with asyncio.timeout(max(0.0, move.deadline - edges.monotonic())):
                await self._free_workers.acquire()
        except TimeoutError:
            raise DeadlineError("no worker was free before the deadline") from None
        try:
            if isinstance(move, Converse):
                await asyncio.sleep(self._group.pace.wait_s(edges.monotonic(), move.deadline))
            work = _work(move, edges)
            try:
                return await in_thread(work.run, "checkmill-aside")
            except asyncio.CancelledError:
                work.cut()
                raise
        finally:
            self._free_workers.release()


class Work(Protocol):
    """What blocks until it is done, and can be ended from another thread."""

    def run(self) -> Any:
        """Do it. Raises `SourceError`."""

    def cut(self) -> None:
        """End it."""


def _work(move: Converse | Apart, edges: Edges) -> Work:
    # Imported here: each brings what only it needs.
    if isinstance(move, Converse):
        from checkmill.steps.fetching.exchanging import Conversation

        return Conversation(move, edges)
    from checkmill.steps.fetching.children import Child

    return Child(move, edges)


class OwnLoop:
    """A loop of its own for a thread that is not asynchronous; it and its connections live until `close`."""

    def __init__(self, group: Group) -> None:
        self._runner = new_runner()
        self._group = group
        self._executor: SideBySide | None = None

    def run_all(self, move: AllOf) -> list[Any]:
        """Make several branches side by side."""
        return self._runner.run(self._run_all(move))

    def close(self) -> None:
        """Close connections and loop."""
        if self._executor is not None:
            self._runner.run(self._executor.aclose())
        self._runner.close()

    async def _run_all(self, move: AllOf) -> list[Any]:
        if self._executor is None:
            self._executor = SideBySide(self._group)
        return await self._executor.all_of(move)


def new_runner() -> asyncio.Runner:
    """Give a runner for a thread of a group."""
    return asyncio.Runner(loop_factory=_Loop)


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose name look-ups run in daemon threads.

    asyncio's own executor is joined when the interpreter ends, so a name service that hangs would keep the process
    alive long past every deadline.
    """

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - asyncio calls it so
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """Look a name up, like `socket.getaddrinfo`."""
        return await in_thread(lambda: socket.getaddrinfo(host, port, family, type, proto, flags), "checkmill-dns")


async def in_thread(work: Callable[[], T], name: str) -> T:
    """Have something that blocks done in a daemon thread, which nobody waits for when the interpreter ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(value: Any, error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(value)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as failure:  # noqa: BLE001 - handed over to the thread of the loop
            error = failure
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it any more
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
