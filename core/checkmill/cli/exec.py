"""`checkmill exec --check NAME -- COMMAND...`: run a batch job as if it were called by itself, and report how it ended.

The job comes first. It is started before anything is imported that only the telling needs, and run whatever is wrong
with that, rules, state directory or reporters. Its exit code is ours; only where it succeeded and its end could not be
told, ours is 3.

The rules are read twice. Once beside the job, since its check may say how long it may take, and since what is wrong is
best said while somebody can mend it; and once after it, since hours may have passed and it may be mended.
"""

from __future__ import annotations

import argparse
import logging
import os
import threading

from checkmill.cli.job import Job, has_terminal
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.model.job import Ended
from checkmill.model.secret import redact

FAILED = 3
#: The mask of the files that Checkmill itself makes.
UMASK = 0o007
#: How long looking at the rules beside the job may go on once that is over: what hangs then would hang again.
LOOK_WITHIN_S = 10.0

log = logging.getLogger("checkmill")


def execute(arguments: argparse.Namespace, streams: Streams, edges: Edges) -> int:
    """Run the job and give its exit code; 3 where that is 0 and its end could not be told."""
    with Job(arguments.job, streams, edges, arguments.kill_after, at_terminal=has_terminal()) as job:
        if arguments.timeout is not None:
            job.end_after(arguments.timeout)
        ended = job.start()
        mask = os.umask(UMASK)
        try:
            looking = threading.Thread(target=_look, args=(arguments, streams, edges, job), name="rules", daemon=True)
            if ended is None:
                _start(looking)
                ended = job.wait()
            else:
                streams.remark(f"checkmill: {ended.word}: {ended.reason}")
            why_not = _told(arguments, streams, edges, job, ended, looking)
            if why_not:
                streams.remark(f"checkmill: the end of the job is not reported: {redact(why_not)}")
            job.finish()
        finally:
            os.umask(mask)
    for failure in job.failures:
        streams.remark(f"checkmill: what the job wrote could not be passed on whole: {failure}")
    return ended.code or (FAILED if job.failures or why_not is not None else 0)


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError:
        # Where no thread is to be had, the rules are read in the end alone.
        return


def _look(arguments: argparse.Namespace, streams: Streams, edges: Edges, job: Job) -> None:
    """Read the rule while the job runs: how long it may take, and what is wrong."""
    try:
        from checkmill.cli.telling import Teller

        with Teller(arguments, streams, edges, job) as teller:
            wrong = teller.look()
    except BaseException as error:  # noqa: BLE001 - the wall of this thread; what fails here fails again in the end
        wrong = _failure(error)
    if wrong and job.is_running:
        said = f"{wrong}; the job runs all the same, and its end is reported if this is mended by then"
        streams.remark(f"checkmill: {redact(said)}")


def _told(
    arguments: argparse.Namespace, streams: Streams, edges: Edges, job: Job, ended: Ended, looking: threading.Thread
) -> str | None:
    """Judge the end, store it and deliver it. Gives why that could not be done; "" where it has been said."""
    if looking.ident is not None:
        looking.join(LOOK_WITHIN_S)
    if looking.is_alive():
        return f"the rules could not be read within {LOOK_WITHIN_S:g} s"
    try:
        from checkmill.cli.telling import Teller

        with Teller(arguments, streams, edges, job) as teller:
            return teller.tell(ended)
    except BaseException as error:  # noqa: BLE001 - the wall between the job and what is told of it
        return _failure(error)


def _failure(error: BaseException) -> str:
    log.debug("telling how the job ended failed", exc_info=error)
    return f"Checkmill failed with {type(error).__name__}: {' '.join(str(error).split())}"
