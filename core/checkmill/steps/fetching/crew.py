"""The thread of one source: carries out the jobs it is given and reports the end of each to the calling thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from checkmill.edges import Edges
from checkmill.model.errors import PluginError, SourceError
from checkmill.model.secret import redact
from checkmill.steps.fetching.flowing import log_crash, performing
from checkmill.steps.fetching.group import Group
from checkmill.steps.fetching.jobs import Done, Job
from checkmill.steps.fetching.moves import Terms
from checkmill.steps.fetching.sessions import Visit

if TYPE_CHECKING:
    import asyncio

    from checkmill.steps.fetching.side_by_side import SideBySide


@dataclass(frozen=True)
class Began:
    """When a job began, in epoch seconds; `deadline` is a time of `edges.monotonic()`."""

    at: float
    deadline: float


@dataclass(eq=False)
class Task:
    """A job and how far it is. `began` is set by the thread that carries it out, all else by the calling thread."""

    number: int
    job: Job
    crew: Crew
    began: Began | None = None
    done: Done | None = None


@dataclass(frozen=True)
class Ended:
    """A job has ended."""

    task: Task
    done: Done


@dataclass(frozen=True)
class Left:
    """The thread of a crew ends; nothing more comes from it."""

    crew: Crew


Event: TypeAlias = Ended | Left


@dataclass(eq=False)
class Crew:
    """The thread of one group, with its client and connections, and the jobs it was given.

    `todo` holds what nobody has begun. Adding to it and taking from it are atomic, so the calling thread can give more
    at any time, and take over what a stuck thread will never come to; `ran_dry` is set when nothing is left in it. A
    crew that is `plain` works without asyncio, one job after the other. `unfinished` counts the jobs that it was given
    and that have not ended, as the calling thread knows of it.
    """

    group: Group
    edges: Edges
    give_up_at: float | None
    tell: Callable[[Event], None]
    ran_dry: threading.Event
    todo: deque[Task] = field(default_factory=deque)
    plain: bool = False
    unfinished: int = 0
    _closed: bool = False
    _look: Callable[[], object] | None = None

    def start(self) -> None:
        """Start the thread. Raises RuntimeError if the system has no thread to give."""
        threading.Thread(target=self._work, name=f"checkmill-{self.group.name}", daemon=True).start()

    def wake(self) -> None:
        """Have the thread look at `todo` again; it waits without looking while there is nothing to do."""
        look = self._look
        if look is not None:
            with suppress(RuntimeError):  # the loop is closed: its end is being told, and `todo` answered for
                look()

    def close(self) -> None:
        """Let the thread end when it has done what it was given."""
        self._closed = True
        self.wake()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more may be given to it."""
        return self._closed

    def _work(self) -> None:
        try:
            if self.plain:
                self._work_plainly()
            elif self.todo or not self._closed:
                self._work_side_by_side()
        except BaseException as crash:  # noqa: BLE001 - our own failure: the calling thread answers for the jobs left
            log_crash(self.group.name, crash)
        finally:
            self.tell(Left(self))

    def _work_plainly(self) -> None:
        # Imported here and below: each executor brings what only it needs.
        from checkmill.steps.fetching.plain import Plain

        with Plain(self.group) as executor:
            for task in taken(self.todo):
                began = self._begin(task)
                try:
                    done = self._done(began, executor.run(performing(task.job.start, self._terms(task.job, began))))
                except BaseException as error:  # noqa: BLE001 - every job ends with a Done, ours to answer for too
                    done = self._failed(task.job, began, error)
                self.tell(Ended(task, done))

    def _work_side_by_side(self) -> None:
        from checkmill.steps.fetching.side_by_side import new_runner

        with new_runner() as runner:
            runner.run(self._work_in_loop())

    async def _work_in_loop(self) -> None:
        import asyncio

        from checkmill.steps.fetching.side_by_side import SideBySide

        executor = SideBySide(self.group)
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        hands: set[asyncio.Task[None]] = set()

        def man() -> None:
            """Have a hand for each job that waits, no more than may work at a time; end once all is done and closed."""
            for _ in range(min(len(self.todo), self.group.workers - len(hands))):
                hand = loop.create_task(self._work_through(executor))
                hands.add(hand)
                hand.add_done_callback(dismiss)
            if self._closed and not hands and not over.done():
                over.set_result(None)

        def dismiss(hand: asyncio.Task[None]) -> None:
            hands.discard(hand)
            failure = None if hand.cancelled() else hand.exception()
            if failure is not None and not over.done():
                over.set_exception(failure)
            man()

        # Whatever was put into `todo` before this is seen right below, and all after it wakes the loop.
        self._look = partial(loop.call_soon_threadsafe, man)
        try:
            man()
            await over
        finally:
            await executor.aclose()

    async def _work_through(self, executor: SideBySide) -> None:
        for task in taken(self.todo):
            began = self._begin(task)
            try:
                done = self._done(began, await executor.run(performing(task.job.start, self._terms(task.job, began))))
            except BaseException as error:  # noqa: BLE001 - every job ends with a Done, ours to answer for too
                done = self._failed(task.job, began, error)
            self.tell(Ended(task, done))

    def _begin(self, task: Task) -> Began:
        deadline = self.edges.monotonic() + task.job.timeout_s
        if self.give_up_at is not None:
            deadline = min(deadline, self.give_up_at)
        task.began = Began(at=self.edges.now(), deadline=deadline)
        if not self.todo:
            self.ran_dry.set()
        return task.began

    def _terms(self, job: Job, began: Began) -> Terms:
        return Terms(
            name=job.name,
            settings=job.settings,
            deadline=began.deadline,
            max_size=job.settings.max_size if job.max_size is None else job.max_size,
            merge_reads=job.merge_reads,
            edges=self.edges,
            visit=None if self.group.login is None else Visit(self.group.login),
            watch=job.watch,
        )

    def _done(self, began: Began, value: Any) -> Done:
        return Done(started_at=began.at, ended_at=self.edges.now(), value=value)

    def _failed(self, job: Job, began: Began, error: BaseException) -> Done:
        if not isinstance(error, SourceError):
            log_crash(job.name, error)
            error = SourceError(
                f"Checkmill itself failed on {job.name} ({type(error).__name__}); the log has the traceback"
            )
        return Done(started_at=began.at, ended_at=self.edges.now(), error=_cleaned(error))


def taken(todo: deque[Task]) -> Iterator[Task]:
    """Take jobs until none is left; the other side may take some too."""
    while True:
        try:
            task = todo.popleft()
        except IndexError:
            return
        yield task


def _cleaned(error: SourceError) -> SourceError:
    """An error fit to be kept: no secret in its words, none in what led to it."""
    try:
        error.args = (redact(str(error)), *error.args[1:])
    except Exception as crash:  # noqa: BLE001 - an error class of a plugin's own may not even have words
        return PluginError(f"the plugin's {type(error).__name__} cannot be shown ({type(crash).__name__})")
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
