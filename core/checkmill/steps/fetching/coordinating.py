"""The calling thread: gives jobs to a crew per source, listens, and waits for nobody longer than their deadlines."""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from types import TracebackType

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError, SourceError
from checkmill.steps.fetching.crew import Crew, Ended, Event, Task, taken
from checkmill.steps.fetching.group import Group
from checkmill.steps.fetching.jobs import Done, Job, Turn
from checkmill.steps.fetching.last_resort import LAST_RESORT
from checkmill.steps.fetching.moves import seconds_text
from checkmill.steps.fetching.sessions import Login

#: How long after its deadline a job may still report by itself, with the better sentence.
GRACE_S = 0.25
#: Most sources at the same time.
MOST_CREWS = 64
#: How long the rest of a run may take when a plugin is still at work that should have ended.
AFTERMATH_S = 30.0
#: How long a turn of a feed may take: it writes to a disk, which may be slow or in use.
TURN_S = 30.0
#: How long the end of one job of a feed may wait for those of others, so that fewer turns are taken.
GATHERING_S = 0.02
#: How long is waited for what is under way when a feed is broken off.
PARTING_S = 0.5
#: So many jobs that have ended are borne among those that have not.
MOST_PAST = 256
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
    dones: dict[int, Done] = {}

    def hear(ended: Sequence[Task]) -> tuple[Sequence[Job], None]:
        for task in ended:
            if task.done is not None:
                dones[task.number] = task.done
                if on_done is not None:
                    on_done(task.number, task.done)
        return ((), None) if ended else (jobs, None)

    with _Coordination(hear, edges, give_up_at, at_once=True) as coordination:
        coordination.run()
    return [dones[number] for number in range(len(jobs))]


def carry_out_fed(turn: Turn, edges: Edges, *, give_up_at: float | None = None) -> None:
    """Carry out flows that come while others are under way, each under the same guarantees as with `carry_out`.

    `turn` says what to begin, as `Turn` tells; each job that it gives is told to it as ended exactly once. It is over
    when nothing is under way and the turn gives no jobs and no time. The jobs of one group share a thread, a client and
    its connections from the first to the last; only a first turn's single job has its own, without asyncio, and what
    its group is given meanwhile waits for it. What is given after `give_up_at` ends at once, with an error whose
    `arrived` is False.

    What `turn` raises, or a signal's handler meanwhile, ends the feed: nothing more is begun, what is under way may end
    within `PARTING_S`, and `turn` is called once more with all that it has not heard of, the jobs of the call that
    failed included; what was not begun has an error with `arrived` False. What it gives then is not looked at.
    """
    unheard: Sequence[tuple[Job, Done]] = ()

    def hear(ended: Sequence[Task]) -> tuple[Sequence[Job], float | None]:
        nonlocal unheard
        unheard = _pairs(ended)
        LAST_RESORT.expect_by(TURN_S)
        given = turn(unheard)
        unheard = ()
        return given

    with _Coordination(hear, edges, give_up_at, at_once=False) as coordination:
        try:
            coordination.run()
        except BaseException:
            left = _pairs(coordination.break_off())
            LAST_RESORT.expect_by(TURN_S)
            turn([*unheard, *left])
            raise


def _pairs(tasks: Iterable[Task]) -> list[tuple[Job, Done]]:
    return [(task.job, task.done) for task in tasks if task.done is not None]


class _Coordination:
    """Carries out what a turn gives. `at_once` says that all jobs come with the first one."""

    def __init__(
        self,
        turn: Callable[[Sequence[Task]], tuple[Sequence[Job], float | None]],
        edges: Edges,
        give_up_at: float | None,
        *,
        at_once: bool,
    ) -> None:
        self._turn = turn
        self._edges = edges
        self._give_up_at = give_up_at
        self._at_once = at_once
        self._given = 0
        self._open: dict[int, Task] = {}
        self._ended: list[Task] = []
        # For each job that has not ended, a time before which it cannot be overdue.
        self._bounds: list[tuple[float, int, Task]] = []
        self._turn_at: float | None = None
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._ran_dry = threading.Event()
        self._groups: dict[str, Group] = {}
        self._crews: dict[str, Crew] = {}
        self._waiting: deque[Crew] = deque()
        self._at_work: set[Crew] = set()
        self._stuck = False

    def __enter__(self) -> _Coordination:
        LAST_RESORT.before_plugins()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A plugin that is stuck may yet take the interpreter with it.
        LAST_RESORT.expect_by(AFTERMATH_S if self._stuck else None)
        for crew in self._at_work:
            crew.todo.clear()
            crew.close()

    def run(self) -> None:
        """Take turns until there is nothing more to do."""
        self._take_turn()
        while self._open or self._turn_at is not None:
            # What ended in time while a turn lasted is not overdue.
            self._note_all()
            self._settle_overdue()
            self._start_crews()
            if not self._ended:
                self._hear(self._next_look())
            self._gather()
            if self._ended or (self._turn_at is not None and self._turn_at <= self._edges.monotonic()):
                self._take_turn()
        self._see_off()

    def break_off(self) -> list[Task]:
        """Begin nothing more, wait a moment for what is under way, and give all that no turn has heard of."""
        for crew in {task.crew for task in self._open.values()}:
            for task in taken(crew.todo):
                self._settle_as(task, DeadlineError(f"{task.job.name} was not begun any more"), begun=False)
        until = self._edges.monotonic() + PARTING_S
        while self._open and self._hear(until):
            pass
        for task in list(self._open.values()):
            self._stuck = True
            self._settle_as(task, DeadlineError(f"{task.job.name} was not awaited any more"))
        return self._ended

    # Giving

    def _take_turn(self) -> None:
        ended, self._ended = self._ended, []
        jobs, wait_s = self._turn(ended)
        now = self._edges.monotonic()
        self._turn_at = None if wait_s is None else now + wait_s
        if self._turn_at is not None and self._give_up_at is not None:
            end = self._give_up_at + GRACE_S
            self._turn_at = None if end <= now else min(self._turn_at, end)
        # The first job of a feed is often the only one; whatever comes after it has another crew.
        is_alone = self._given == 0 and len(jobs) == 1
        for crew in {self._give(job, now) for job in jobs}:
            if crew in self._at_work:
                crew.wake()
            elif self._at_once or is_alone:
                # A single job does without asyncio.
                crew.plain = len(crew.todo) == 1
                self._release(crew)

    def _give(self, job: Job, now: float) -> Crew:
        """Put a job on the list of its group's crew."""
        crew = self._crews.get(job.group)
        if crew is None:
            if job.group not in self._groups:
                login = None if job.login is None else Login(job.login, job.settings)
                self._groups[job.group] = Group(job.group, job.settings, self._edges, login)
            crew = self._crews[job.group] = self._new_crew(self._groups[job.group])
            self._waiting.append(crew)
        task = Task(self._given, job, crew)
        self._given += 1
        self._open[task.number] = task
        heapq.heappush(self._bounds, (now + job.timeout_s, task.number, task))
        crew.unfinished += 1
        crew.todo.append(task)
        return crew

    def _new_crew(self, group: Group) -> Crew:
        return Crew(group, self._edges, self._give_up_at, self._events.put, self._ran_dry)

    def _release(self, crew: Crew) -> None:
        """Give nothing more to a crew; it ends when it is done."""
        if self._crews.get(crew.group.name) is crew:
            del self._crews[crew.group.name]
        crew.close()

    def _start_crews(self) -> None:
        """Have the crews that wait begin, one of a group at a time, as long as there is room."""
        for _ in range(len(self._waiting)):
            if len(self._at_work) >= MOST_CREWS:
                self._make_room(len(self._waiting))
                return
            crew = self._waiting.popleft()
            if any(other.group is crew.group for other in self._at_work):
                self._waiting.append(crew)
                continue
            # A plugin may take the interpreter before this thread so much as waits.
            LAST_RESORT.expect_by(self._wait_s(self._next_look()))
            # Before it starts: the handler of a signal may raise at any point, and none is to be forgotten.
            self._at_work.add(crew)
            try:
                crew.start()
            except RuntimeError:
                self._at_work.discard(crew)
                self._dissolve(crew, lambda: SourceError("the system gave no thread to ask this source"))

    def _make_room(self, wanted: int) -> None:
        idle = [crew for crew in self._at_work if not crew.unfinished and not crew.is_closed]
        for crew in idle[:wanted]:
            self._release(crew)

    # Listening

    def _next_look(self) -> float | None:
        """When to look again although nothing was heard."""
        while self._bounds and self._bounds[0][2].done is not None:
            heapq.heappop(self._bounds)
        if len(self._bounds) > 2 * len(self._open) + MOST_PAST:
            # Nor are they kept until their time has come.
            self._bounds = [bound for bound in self._bounds if bound[2].done is None]
            heapq.heapify(self._bounds)
        times = [self._bounds[0][0] + GRACE_S] if self._bounds else []
        if self._give_up_at is not None and self._open:
            times.append(self._give_up_at + GRACE_S)
        if self._turn_at is not None:
            times.append(self._turn_at)
        return min(times, default=None)

    def _wait_s(self, until: float | None) -> float:
        wait_s = 0.0 if until is None else until - self._edges.monotonic()
        return min(max(wait_s, 0.0), _LONGEST_WAIT_S)

    def _hear(self, until: float | None) -> bool:
        """Take note of all that has happened; wait if nothing has, as long as there is time. Says whether anything."""
        wait_s = self._wait_s(until)
        LAST_RESORT.expect_by(wait_s)
        if not self._open and not self._waiting and self._turn_at is not None:
            # Nobody is at work, so nothing can be heard: this is but a pause.
            self._edges.sleep(wait_s)
            wait_s = 0.0
        if not self._note_next(wait_s):
            return False
        self._note_all()
        return True

    def _gather(self) -> None:
        """Let more jobs end, for a moment, as long as the crews of those that have ended have others to begin."""
        if self._at_once or not self._ended:
            return
        self._ran_dry.clear()
        if all(crew.todo for crew in {task.crew for task in self._ended}):
            self._ran_dry.wait(GATHERING_S)
            self._note_all()

    def _note_all(self) -> None:
        """Take note of all that has happened."""
        while self._note_next(0.0):
            pass

    def _note_next(self, wait_s: float) -> bool:
        """Take note of the next that happens within so many seconds, if anything does."""
        try:
            event = self._events.get(timeout=max(wait_s, 0.0))
        except Empty:
            return False
        if isinstance(event, Ended):
            self._settle(event.task, event.done)
        else:
            self._at_work.discard(event.crew)
            self._dissolve(event.crew, lambda: SourceError("Checkmill itself failed; the log has the traceback"))
        return True

    # Settling

    def _settle_overdue(self) -> None:
        now = self._edges.monotonic()
        while self._bounds and self._bounds[0][0] + GRACE_S <= now:
            _, number, task = heapq.heappop(self._bounds)
            if task.done is not None:
                continue
            if task.began is None:
                heapq.heappush(self._bounds, (now + task.job.timeout_s, number, task))
            elif task.began.deadline + GRACE_S > now:
                heapq.heappush(self._bounds, (task.began.deadline, number, task))
            else:
                within = seconds_text(task.job.timeout_s)
                self._settle_as(task, DeadlineError(f"{task.job.name} was not done after {within}"))
                self._leave_behind(task.crew)
        if self._give_up_at is not None and self._give_up_at + GRACE_S <= now:
            for crew in {task.crew for task in self._open.values()}:
                self._dissolve(crew, lambda: DeadlineError("the time for all fetches was up"))
            self._waiting.clear()

    def _leave_behind(self, crew: Crew) -> None:
        """Wait no longer for a thread that is stuck; what it has not begun goes to a new one."""
        self._stuck = True
        self._at_work.discard(crew)
        successor = self._new_crew(crew.group)
        for task in taken(crew.todo):
            task.crew = successor
            successor.todo.append(task)
        left = successor.unfinished = len(successor.todo)
        crew.unfinished -= left
        is_fed = self._crews.get(crew.group.name) is crew
        self._release(crew)
        if not left:
            return
        if is_fed:
            self._crews[crew.group.name] = successor
        else:
            successor.plain = left == 1
            successor.close()
        self._waiting.append(successor)

    def _dissolve(self, crew: Crew, error: Callable[[], SourceError]) -> None:
        """Have all that a crew has not done end with the same error, and give it no more."""
        self._release(crew)
        for task in taken(crew.todo):
            self._settle_as(task, error(), begun=False)
        if crew.unfinished:
            for task in [task for task in self._open.values() if task.crew is crew]:
                self._settle_as(task, error())

    def _settle_as(self, task: Task, error: SourceError, *, begun: bool = True) -> None:
        """Have a job end with an error; one that this thread took back from its crew was surely not begun."""
        now = self._edges.now()
        began = task.began
        if not begun:
            error.arrived = False
        self._settle(task, Done(started_at=now if began is None else began.at, ended_at=now, error=error))

    def _settle(self, task: Task, done: Done) -> None:
        if task.done is not None:
            return
        task.done = done
        task.crew.unfinished -= 1
        del self._open[task.number]
        self._ended.append(task)

    def _see_off(self) -> None:
        """Let the threads that are done close their connections, for a moment."""
        for crew in list(self._at_work):
            self._release(crew)
        until = self._edges.monotonic() + GRACE_S
        while self._at_work and self._hear(until):
            pass
