"""The calling thread: starts a crew per source, listens, and waits for nobody longer than their deadlines."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError, SourceError
from checkmill.steps.fetching.crew import Began, Crew, Ended, Event, taken
from checkmill.steps.fetching.group import Group
from checkmill.steps.fetching.jobs import Done, Job
from checkmill.steps.fetching.last_resort import LAST_RESORT
from checkmill.steps.fetching.moves import seconds_text
from checkmill.steps.fetching.sessions import Login

#: How long after its deadline a job may still report by itself, with the better sentence.
GRACE_S = 0.25
#: Most sources at the same time.
MOST_CREWS = 64
#: How long the rest of a run may take when a plugin is still at work that should have ended.
AFTERMATH_S = 30.0
_LONGEST_WAIT_S = 3600.0


def carry_out(
    jobs: Sequence[Job],
    edges: Edges,
    *,
    give_up_at: float | None = None,
    on_done: Callable[[int, Done], None] | None = None,
) -> list[Done]:
    """Carry out many flows and give what came of each, in the order of the jobs.

    Never raises for what a flow or a vendor does, and returns at the latest when the deadlines of all jobs, or
    `give_up_at` (a time of `edges.monotonic()`), have passed, even when a plugin never gives control back. `on_done` is
    called in the calling thread with the number of each job that is done.
    """
    return _Coordination(jobs, edges, give_up_at, on_done).carry_out()


class _Coordination:
    def __init__(
        self,
        jobs: Sequence[Job],
        edges: Edges,
        give_up_at: float | None,
        on_done: Callable[[int, Done], None] | None,
    ) -> None:
        self._jobs = jobs
        self._edges = edges
        self._give_up_at = give_up_at
        self._on_done = on_done
        self._done: dict[int, Done] = {}
        self._began: dict[int, Began] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._waiting = deque(self._crews())
        self._at_work: set[Crew] = set()
        self._longest_s = max((job.timeout_s for job in jobs), default=0.0)
        self._stuck = False

    def carry_out(self) -> list[Done]:
        LAST_RESORT.before_plugins()
        try:
            while len(self._done) < len(self._jobs):
                self._start_crews()
                self._hear(self._next_deadline())
                self._settle_overdue()
            self._see_off()
        finally:
            # A plugin that is stuck may yet take the interpreter with it.
            LAST_RESORT.expect_by(AFTERMATH_S if self._stuck else None)
            for crew in self._at_work:
                crew.todo.clear()
        return [self._done[index] for index in range(len(self._jobs))]

    def _crews(self) -> list[Crew]:
        numbers: dict[str, deque[int]] = {}
        for index, job in enumerate(self._jobs):
            numbers.setdefault(job.group, deque()).append(index)
        return [self._crew(self._group(name, self._jobs[todo[0]]), todo) for name, todo in numbers.items()]

    def _group(self, name: str, first: Job) -> Group:
        login = None if first.login is None else Login(first.login, first.settings)
        return Group(name, first.settings, self._edges, login)

    def _crew(self, group: Group, todo: deque[int]) -> Crew:
        return Crew(group, todo, self._jobs, self._edges, self._give_up_at, self._events.put)

    def _start_crews(self) -> None:
        while self._waiting and len(self._at_work) < MOST_CREWS:
            crew = self._waiting.popleft()
            # A plugin may take the interpreter before this thread so much as waits.
            LAST_RESORT.expect_by(self._longest_s)
            try:
                crew.start()
            except RuntimeError:
                self._dissolve(crew, SourceError("the system gave no thread to ask this source"))
            else:
                self._at_work.add(crew)

    def _next_deadline(self) -> float | None:
        """When to look again although nothing was heard."""
        while self._deadlines and self._deadlines[0][1] in self._done:
            heapq.heappop(self._deadlines)
        times = [self._deadlines[0][0] + GRACE_S] if self._deadlines else []
        if self._give_up_at is not None:
            times.append(self._give_up_at + GRACE_S)
        return min(times, default=None)

    def _hear(self, until: float | None) -> None:
        """Take note of the next event, if one comes in time."""
        if not self._at_work and self._events.empty() and not self._deadlines:
            return
        wait_s = _LONGEST_WAIT_S if until is None else until - self._edges.monotonic()
        # A job that has begun may hold the interpreter before its beginning is heard of.
        LAST_RESORT.expect_by(self._longest_s if until is None else wait_s)
        try:
            event = self._events.get(timeout=min(max(wait_s, 0.0), _LONGEST_WAIT_S))
        except Empty:
            return
        if isinstance(event, Began):
            self._began[event.index] = event
            event.crew.under_way.add(event.index)
            heapq.heappush(self._deadlines, (event.deadline, event.index))
        elif isinstance(event, Ended):
            self._settle(event.index, event.done)
        else:
            self._at_work.discard(event.crew)
            self._dissolve(event.crew, SourceError("Checkmill itself failed; the log has the traceback"))

    def _settle_overdue(self) -> None:
        now = self._edges.monotonic()
        while self._deadlines and self._deadlines[0][0] + GRACE_S <= now:
            _, index = heapq.heappop(self._deadlines)
            if index not in self._done:
                job = self._jobs[index]
                self._settle_as(index, DeadlineError(f"{job.name} was not done after {seconds_text(job.timeout_s)}"))
                self._leave_behind(self._began[index].crew)
        if self._give_up_at is not None and self._give_up_at + GRACE_S <= now:
            for crew in [*self._waiting, *self._at_work]:
                self._dissolve(crew, DeadlineError("the time for all fetches was up"))
            self._waiting.clear()

    def _leave_behind(self, crew: Crew) -> None:
        """Wait no longer for a thread that is stuck; what it has not begun goes to a new one."""
        self._stuck = True
        self._at_work.discard(crew)
        todo = deque(taken(crew.todo))
        if todo:
            self._waiting.append(self._crew(crew.group, todo))

    def _dissolve(self, crew: Crew, error: SourceError) -> None:
        """Give all that a crew has not done the same error."""
        for index in [*crew.under_way, *taken(crew.todo)]:
            self._settle_as(index, error)

    def _settle_as(self, index: int, error: SourceError) -> None:
        now = self._edges.now()
        began = self._began.get(index)
        self._settle(index, Done(started_at=now if began is None else began.at, ended_at=now, error=error))

    def _settle(self, index: int, done: Done) -> None:
        if index in self._done:
            return
        self._done[index] = done
        if index in self._began:
            self._began[index].crew.under_way.discard(index)
        if self._on_done is not None:
            self._on_done(index, done)

    def _see_off(self) -> None:
        """Let the threads that are done close their connections, for a moment."""
        until = self._edges.monotonic() + GRACE_S
        while self._at_work and self._edges.monotonic() < until:
            self._hear(until)
