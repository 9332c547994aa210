"""Jobs: how a batch job that `checkmill exec` ran came to its end, and the source type `exec`, which is core's own.

A job is never asked. It tells, once, when it ends; a check of it shows what it told last.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from checkmill.model.errors import ConfigurationError
from checkmill.model.flow import Flow
from checkmill.model.sample import Sample
from checkmill.model.settings import NoQuery, SourceSettings
from checkmill.model.source import Dataset, Metric, Source
from checkmill.model.state import State

EXEC = "exec"
JOB = "job"

SUCCEEDED, TIMED_OUT, NOT_STARTED = "succeeded", "timed out", "not started"
#: Exit codes as shells and `timeout` use them: of a job that took too long, cannot be run, is not there, was killed.
CODE_TIMED_OUT, CODE_NOT_RUNNABLE, CODE_NOT_FOUND, CODE_KILLED = 124, 126, 127, 128

#: How often a job is expected to end, unless its check says so.
EXPECTED_EVERY_S = 86400.0
#: A job without a time-out may end this share of its interval later than the last time, at least so many seconds.
GRACE, LEAST_GRACE_S = 0.1, 60.0


@dataclass(frozen=True)
class Ended:
    """The end of one job.

    `word` is the value of the metric `job`, `code` the exit code for whoever called. `ended_at` is epoch seconds.
    `output` are the last lines that it wrote, without controls, oldest first; `reason` is why it was not started.
    """

    word: str
    code: int
    ended_at: float
    duration_s: float = 0.0
    output: tuple[str, ...] = ()
    reason: str = ""

    @property
    def was_started(self) -> bool:
        """Whether there was a process at all."""
        return self.word != NOT_STARTED


def word_of_exit(code: int) -> str:
    """The word for a job that exited by itself."""
    return f"exit {code}" if code else SUCCEEDED


def word_of_signal(number: int) -> str:
    """The word for a job that a signal killed."""
    try:
        return f"killed by {signal.Signals(number).name}"
    except ValueError:
        return f"killed by signal {number}"


def grace_s(interval_s: float) -> float:
    """How much later than an interval after the last one a job without a time-out may end."""
    return max(interval_s * GRACE, LEAST_GRACE_S)


def _never(_: SourceSettings, __: NoQuery) -> Flow[Any]:
    raise ConfigurationError("a job is not asked; it tells when 'checkmill exec' runs it")
    yield


def _none(_: Any, __: NoQuery) -> Iterable[Sample]:
    return ()


_ENDS = Dataset("ends", _never, interval_s=EXPECTED_EVERY_S)

#: The source type. It has no settings: what is run, and how long it may take, is said where it is run.
JOBS = Source(
    type=EXEC,
    settings=SourceSettings,
    metrics=[
        Metric(
            JOB,
            _ENDS,
            _none,
            help="how a job that `checkmill exec` ran came to its end; `above` and `below` are for the time it took",
            states={
                SUCCEEDED: State.OK,
                "exit *": State.CRITICAL,
                "killed by *": State.CRITICAL,
                TIMED_OUT: State.CRITICAL,
                NOT_STARTED: State.CRITICAL,
            },
            example="interval: 24h",
        )
    ],
    help="batch jobs that `checkmill exec` runs",
)

#: The time that a job took, as a metric to read limits for.
TIME_TAKEN = Metric(JOB, _ENDS, _none, unit="s", minimum=0.0)
