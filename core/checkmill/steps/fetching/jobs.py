"""Jobs: flows to be carried out, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from checkmill.model.errors import SourceError
from checkmill.model.flow import Flow
from checkmill.model.settings import HttpSettings
from checkmill.steps.fetching.watching import Watch


@dataclass(frozen=True)
class Job:
    """One flow to carry out.

    `name` is shown to people. Jobs of one `group` share a client, a rate limit and, with `merge_reads`, the answers to
    equal reads; the groups know nothing of each other. `start` gives the flow, or the result itself where no request
    is needed. `timeout_s` counts from when the job starts. `max_size` in bytes goes before the settings' own. `login`
    is the flow that opens the session of the group; all jobs of a group name the same. `watch` hears of its requests.
    """

    name: str
    group: str
    settings: HttpSettings
    start: Callable[[], Flow[Any] | Any]
    timeout_s: float
    max_size: int | None = None
    merge_reads: bool = True
    login: Callable[[Any], Flow[Any]] | None = None
    watch: Watch | None = None


@dataclass(frozen=True)
class Done:
    """What came of a job: the value its flow returned, or the error that ended it. Times are epoch seconds."""

    started_at: float
    ended_at: float
    value: Any = None
    error: SourceError | None = None


#: What feeds jobs while others are under way. It is called in the calling thread: first with nothing, then whenever
#: jobs have ended, with all that have since the last time, and after the seconds it gave last although none has. It
#: gives the jobs to begin now and the seconds until it wants to be called even if nothing ends; None is no such wish.
Turn: TypeAlias = Callable[[Sequence[tuple[Job, Done]]], tuple[Sequence[Job], float | None]]
