"""`checkmill run`: measure, print, report. Only this command hands results to reporters."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from checkmill.cli.local import book_is_empty
from checkmill.cli.output import write_whole
from checkmill.cli.session import Session
from checkmill.model.delivery import Stage
from checkmill.model.problem import Problem
from checkmill.model.result import Result
from checkmill.model.state import worst_of
from checkmill.run import Run
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.rendering import FORMATS, Look
from checkmill.store import Store, StoreError
from checkmill.store.locking import locked

#: How long a run waits for another one that holds the state directory.
LOCK_WAIT_S = 30.0
FAILED = 3


def run(session: Session) -> int:
    """Run the selected checks; 0 when that could be done, whatever their states, else 3."""
    arguments = session.arguments
    with session.book() as (book, host), ExitStack() as stack:
        names, unknown = book.select(arguments.names, arguments.tag)
        rules = book.rules(names)
        store = session.store()
        problems = [*book.problems, *host.problems]
        for name in unknown:
            session.streams.remark(f"checkmill: there is no check {name!r}: {did_you_mean(name, book.drafts)}")
        nothing = book_is_empty(book, names, arguments.tag)
        for sentence in nothing:
            session.streams.remark(f"checkmill: {sentence}")
        failed = bool(problems or unknown or nothing or session.store_problem)
        if store is not None and not _lock(session, store, stack):
            return FAILED
        one = Run(book, store, session.edges)
        chosen = one.due(rules) if arguments.due else rules
        reporting = not arguments.no_report
        measured = one.measured(chosen, report=reporting)
        shown = [result for rule in chosen for result in measured[rule.name]]
        whole = not arguments.names and not arguments.tag
        if whole:
            shown += one.remembered_of_broken()
            one.forget_deleted()
        failed = not _print(session, shown) or failed
        _tell(session, problems)
        if reporting:
            _tell_deliveries(session, one.send_deliveries(rules))
        failed = failed or bool(one.trouble.sentences)
    if failed:
        return FAILED
    if arguments.exit_state:
        return worst_of(result.state for result in shown).exit_code
    return 0


def _lock(session: Session, store: Store, stack: ExitStack) -> bool:
    try:
        stack.enter_context(locked(store.directory, "run", session.edges, LOCK_WAIT_S))
    except StoreError as error:
        session.streams.remark(f"checkmill: {error}")
        return False
    return True


def _print(session: Session, results: Sequence[Result]) -> bool:
    """Print the results, or write them to the file that was asked for; False when that could not be."""
    output = session.arguments.output
    terminal = session.streams.out_is_terminal and output is None
    width = shutil.get_terminal_size().columns if terminal else None
    look = Look(now=session.edges.now(), width=width, color=terminal and "NO_COLOR" not in session.edges.environ)
    text = FORMATS[session.arguments.format](results, look)
    if output is None:
        session.streams.results(text)
        return True
    try:
        write_whole(Path(output), text)
    except OSError as error:
        session.streams.remark(f"checkmill: {output} cannot be written: {error.strerror}")
        return False
    return True


def _tell(session: Session, problems: Sequence[Problem]) -> None:
    for problem in problems:
        session.streams.remark(str(problem))


def _tell_deliveries(session: Session, counts: dict[str, int]) -> None:
    """Say what became of the deliveries; cron, which mails every word, hears only of what was not accepted."""
    if counts and (session.streams.err_is_terminal or set(counts) != {Stage.ACCEPTED.value}):
        words = ", ".join(f"{number} {stage}" for stage, number in sorted(counts.items()))
        session.streams.remark(f"deliveries: {words}")
