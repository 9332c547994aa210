"""The thread of one source: runs its jobs and reports each beginning and end to the calling thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
    from checkmill.steps.fetching.side_by_side import SideBySide


@dataclass(frozen=True)
class Began:
    """A job has begun; `deadline` is a time of `edges.monotonic()`."""

    crew: Crew
    index: int
    at: float
    deadline: float


@dataclass(frozen=True)
class Ended:
    """A job has ended."""

    index: int
    done: Done


@dataclass(frozen=True)
class Left:
    """The thread of a crew ends; nothing more comes from it."""

    crew: Crew


Event: TypeAlias = Began | Ended | Left


@dataclass(eq=False)
class Crew:
    """Some jobs of one group and the thread that carries them out.

    `todo` holds the numbers of the jobs that nobody has begun. Taking from it is atomic, so the calling thread can
    take over what a stuck thread will never come to.
    """

    group: Group
    todo: deque[int]
    jobs: Sequence[Job]
    edges: Edges
    give_up_at: float | None
    tell: Callable[[Event], None]
    under_way: set[int] = field(default_factory=set)

    def start(self) -> None:
        """Start the thread. Raises RuntimeError if the system has no thread to give."""
        threading.Thread(target=self._work, name=f"checkmill-{self.group.name}", daemon=True).start()

    def _work(self) -> None:
        try:
            if len(self.todo) == 1:
                self._work_plainly()
            elif self.todo:
                self._work_side_by_side()
        except BaseException as crash:  # noqa: BLE001 - our own failure: the calling thread answers for the jobs left
            log_crash(self.group.name, crash)
        finally:
            self.tell(Left(self))

    def _work_plainly(self) -> None:
        # Imported here and below: each executor brings what only it needs.
        from checkmill.steps.fetching.plain import Plain

        with Plain(self.group) as executor:
            for index in taken(self.todo):
                began = self._begin(index)
                try:
                    done = self._done(began, executor.run(performing(self.jobs[index].start, self._terms(began))))
                except BaseException as error:  # noqa: BLE001 - every job ends with a Done, ours to answer for too
                    done = self._failed(began, error)
                self.tell(Ended(index, done))

    def _work_side_by_side(self) -> None:
        from checkmill.steps.fetching.side_by_side import new_runner

        with new_runner() as runner:
            runner.run(self._work_in_loop())

    async def _work_in_loop(self) -> None:
        import asyncio

        from checkmill.steps.fetching.side_by_side import SideBySide

        executor = SideBySide(self.group)
        try:
            hands = min(self.group.workers, len(self.todo))
            await asyncio.gather(*(self._work_through(executor) for _ in range(hands)))
        finally:
            await executor.aclose()

    async def _work_through(self, executor: SideBySide) -> None:
        for index in taken(self.todo):
            began = self._begin(index)
            try:
                done = self._done(began, await executor.run(performing(self.jobs[index].start, self._terms(began))))
            except BaseException as error:  # noqa: BLE001 - every job ends with a Done, ours to answer for too
                done = self._failed(began, error)
            self.tell(Ended(index, done))

    def _begin(self, index: int) -> Began:
        deadline = self.edges.monotonic() + self.jobs[index].timeout_s
        if self.give_up_at is not None:
            deadline = min(deadline, self.give_up_at)
        began = Began(self, index, at=self.edges.now(), deadline=deadline)
        self.tell(began)
        return began

    def _terms(self, began: Began) -> Terms:
        job = self.jobs[began.index]
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

    def _failed(self, began: Began, error: BaseException) -> Done:
        if not isinstance(error, SourceError):
            name = self.jobs[began.index].name
            log_crash(name, error)
            error = SourceError(
                f"Checkmill itself failed on {name} ({type(error).__name__}); the log has the traceback"
            )
        return Done(started_at=began.at, ended_at=self.edges.now(), error=_cleaned(error))


def taken(todo: deque[int]) -> Iterator[int]:
    """Take jobs until none is left; the other side may take some too."""
    while True:
        try:
            index = todo.popleft()
        except IndexError:
            return
        yield index


def _cleaned(error: SourceError) -> SourceError:
    """An error fit to be kept: no secret in its words, none in what led to it."""
    try:
        error.args = (redact(str(error)), *error.args[1:])
    except Exception as crash:  # noqa: BLE001 - an error class of a plugin's own may not even have words
        return PluginError(f"the plugin's {type(error).__name__} cannot be shown ({type(crash).__name__})")
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
