"""`checkmill run`: measure, print, report. Only this command and `exec` hand results to reporters.

One run holds the feeder's lock from before it measures until its deliveries are sent. Were it held for the sending
alone, of two runs that overlap the one that measured first could report last, and tell a state of the past as the
newest; and both would ask the vendors for the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from checkmill.cli.deliveries import counted
from checkmill.cli.local import book_is_empty
from checkmill.cli.output import write_whole
from checkmill.cli.session import Session
from checkmill.cli.stopping import Stop
from checkmill.host import Host
from checkmill.model.delivery import Stage
from checkmill.model.problem import Problem
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.state import worst_of
from checkmill.run import Run
from checkmill.steps.reading import Book
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.rendering import FORMATS, Look
from checkmill.store import Store, StoreError
from checkmill.store.locking import HeldError, locked

#: How long a run waits for another one that holds the state directory: less than cron's shortest turn, so that no more
#: than one ever waits.
LOCK_WAIT_S = 30.0
#: How long a run begins new deliveries; what is left goes with the next one.
DRAIN_S = 30.0
DEFAULT_FORMAT = "table"
FAILED = 3
#: Counts of deliveries that cron, which mails every word, need not hear of.
_QUIET = {Stage.ACCEPTED.value, Stage.SUPERSEDED.value}


@dataclass(frozen=True)
class Manner:
    """How a run is carried out; the defaults are those of a run by itself.

    `tell` is given what an operator must know that is not logged anyway. With `beside`, results that are still good are
    shown beside those measured. `took_s` says of checks how long measuring took when they were measured last. `drain_s`
    gives how long new deliveries may be begun, `progress` is called while they are sent, and `counts_waiting` asks for
    how many wait then. Once `stop` is set, nothing more is begun.
    """

    tell: Callable[[str | Problem], None]
    due: bool = False
    prints: bool = True
    beside: bool = False
    took_s: Mapping[str, float] = field(default_factory=dict)
    lock_wait_s: float = LOCK_WAIT_S
    drain_s: Callable[[], float] = lambda: DRAIN_S
    progress: Callable[[object], None] | None = None
    counts_waiting: bool = False
    stop: Stop = field(default_factory=Stop)


@dataclass
class Outcome:
    """What came of a run. `is_held` is False where another process held the lock, so that nothing was done.

    `checks` are those selected, `measured` the results of those measured, by name, `shown` the results to print.
    `took_s` is how long measuring took, `counts` are the deliveries by stage, `waiting` those that nobody took yet,
    None where it was not asked or cannot be known.
    """

    is_held: bool = True
    is_failed: bool = False
    checks: Sequence[Rule] = ()
    measured: Mapping[str, Sequence[Result]] = field(default_factory=dict)
    shown: Sequence[Result] = ()
    took_s: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    waiting: int | None = None


def run(session: Session) -> int:
    """Run the selected checks; 0 when that could be done, whatever their states, else 3."""
    remark = session.streams.remark

    def tell(said: str | Problem) -> None:
        remark(str(said) if isinstance(said, Problem) else f"checkmill: {said}")

    with session.book() as (book, host):
        outcome = carried_out(session, book, host, Manner(tell, due=session.arguments.due))
    counts = outcome.counts
    if counts and (session.streams.err_is_terminal or not _QUIET.issuperset(counts)):
        remark(f"deliveries: {counted(counts)}")
    if outcome.is_failed:
        return FAILED
    if session.arguments.exit_state:
        return worst_of(result.state for result in outcome.shown).exit_code
    return 0


def carried_out(session: Session, book: Book, host: Host, manner: Manner) -> Outcome:
    """Run the selected checks of a book once: measure, store, print, report."""
    arguments = session.arguments
    with ExitStack() as stack:
        names, unknown = book.select(arguments.names, arguments.tag)
        rules = book.rules(names)
        store = session.store()
        problems = [*book.problems, *host.problems]
        wrong = [f"there is no check {name!r}: {did_you_mean(name, book.drafts)}" for name in unknown]
        wrong += book_is_empty(book, names, arguments.tag)
        for sentence in wrong:
            manner.tell(sentence)
        for rule in rules:
            if rule.is_of_job and rule.name in arguments.names:
                manner.tell(f"check {rule.name!r} is of a job, which 'checkmill exec' runs: there is none to run")
        try:
            if store is not None:
                stack.enter_context(locked(store.directory, "run", session.edges, manner.lock_wait_s))
        except HeldError as error:
            manner.tell(str(error))
            return Outcome(is_held=False, is_failed=True)
        except StoreError as error:
            manner.tell(f"{error}; results are not kept")
            store, session.store_problem = None, str(error)
        one = Run(book, store, session.edges)
        chosen = one.due(rules, took_s=manner.took_s) if manner.due else rules
        began = session.edges.monotonic()
        measured = one.measured(chosen, report=not arguments.no_report)
        outcome = Outcome(checks=rules, measured=measured, took_s=session.edges.monotonic() - began)
        if manner.stop.is_set():
            return outcome
        with manner.stop.settling():
            outcome.shown = _shown(one, rules, measured, manner)
            if not arguments.names and not arguments.tag:
                outcome.shown = [*outcome.shown, *one.remembered_of_broken()]
                one.forget_deleted()
            is_printed = _print(session, outcome.shown, manner)
            for problem in problems:
                manner.tell(problem)
            if not arguments.no_report:
                _report(session, one, store, book, rules, manner, outcome)
        failed = [wrong, problems, session.store_problem, one.trouble.sentences, _expired(outcome.counts)]
        outcome.is_failed = any(failed) or not is_printed
    return outcome


def _shown(
    one: Run, rules: Sequence[Rule], measured: Mapping[str, Sequence[Result]], manner: Manner
) -> Sequence[Result]:
    good = one.reused(rule for rule in rules if rule.name not in measured) if manner.beside else {}
    return [result for rule in rules for result in measured.get(rule.name) or good.get(rule.name, ())]


def _report(
    session: Session, one: Run, store: Store | None, book: Book, rules: Sequence[Rule], manner: Manner, outcome: Outcome
) -> None:
    """Send what is due, and note what became of it and how much waits."""
    stop, progress = manner.stop.is_set, manner.progress
    outcome.counts = one.send_deliveries(rules, for_s=manner.drain_s(), progress=progress, stop=stop)
    if store is not None:
        _note_without_reporter(one, store, book)
    if expired := _expired(outcome.counts):
        manner.tell(expired)
    if manner.counts_waiting and store is not None:
        try:
            health = store.outbox.health(session.edges.now())
        except StoreError as error:
            one.trouble.add(str(error))
        else:
            outcome.waiting = sum(reporter.waiting for reporter in health.reporters.values())


def _note_without_reporter(one: Run, store: Store, book: Book) -> None:
    """Note as trouble what waits for reporters that no rule file has any more: nobody sends it, and it expires."""
    try:
        waiting = store.outbox_of(os.path.realpath(book.directory)).reporters()
    except StoreError as error:
        one.trouble.add(str(error))
        return
    for name in waiting:
        if book.reporter(name) is None:
            problem = next((found for found in book.problems if found.path.startswith(f"reporters.{name}")), None)
            drop = f"write it, or 'checkmill outbox drop --stage pending --reporter {name}'"
            why = f"no rule file of {book.directory} has it; {drop}" if problem is None else str(problem)
            one.trouble.add(f"what waits for the reporter {name} is not sent: {why}")


def _expired(counts: Mapping[str, int]) -> str:
    """That states were never told, nor will be, if that is so."""
    number = counts.get(Stage.EXPIRED.value, 0)
    what = "1 delivery" if number == 1 else f"{number:,} deliveries"
    listed = "see 'checkmill outbox list --stage expired'"
    return f"{what} expired, and no receiver was told what they say; {listed}" if number else ""


def _print(session: Session, results: Sequence[Result], manner: Manner) -> bool:
    """Print the results, or write them to the file that was asked for; False when that could not be."""
    output = session.arguments.output
    if output is None and not manner.prints:
        return True
    terminal = session.streams.out_is_terminal and output is None
    width = shutil.get_terminal_size().columns if terminal else None
    look = Look(now=session.edges.now(), width=width, color=terminal and "NO_COLOR" not in session.edges.environ)
    text = FORMATS[session.arguments.format or DEFAULT_FORMAT](results, look)
    if output is None:
        session.streams.results(text)
        return True
    try:
        write_whole(Path(output), text)
    except OSError as error:
        manner.tell(f"{output} cannot be written: {error.strerror}")
        return False
    return True
