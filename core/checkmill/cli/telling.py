"""Tells how a job ended: reads its rule, judges, stores and delivers. `exec` does this beside its job and after it."""

from __future__ import annotations

import argparse

from checkmill.cli.arguments import UsageError
from checkmill.cli.deliveries import counted
from checkmill.cli.job import Job
from checkmill.cli.logs import log_to_stderr
from checkmill.cli.session import session
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.model.delivery import Stage
from checkmill.model.job import Ended
from checkmill.model.rule import Rule
from checkmill.model.secret import redact
from checkmill.run import Run
from checkmill.steps.reading import Book
from checkmill.steps.reading.keys import did_you_mean
from checkmill.store import Store, StoreError
from checkmill.store.locking import locked

#: How long a feeder that is at work is waited for, and how long new deliveries are begun: a caller waits.
LOCK_WAIT_S, SEND_S = 5.0, 5.0


class Teller:
    """Tells of one job; to be used as a context, in one thread."""

    def __init__(self, arguments: argparse.Namespace, streams: Streams, edges: Edges, job: Job) -> None:
        log_to_stderr(arguments.log_level, sandbox=arguments.sandbox)
        self._session = session(arguments, streams, edges)
        self._job = job

    def __enter__(self) -> Teller:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.__exit__()

    def look(self) -> str:
        """Have the job ended when its check says, unless the command line does; gives what is wrong with the check."""
        arguments = self._session.arguments
        try:
            with self._session.book() as (book, _):
                rule, wrong = self._rule(book)
        except UsageError as error:
            return str(error)
        if rule is not None and rule.job_ends_after_s is not None and arguments.timeout is None:
            self._job.end_after(rule.job_ends_after_s)
        return wrong

    def tell(self, ended: Ended) -> str | None:
        """Judge the end, store it and deliver it. Gives why that could not be done; "" where the log has said it."""
        try:
            with self._session.book() as (book, _):
                rule, wrong = self._rule(book)
                return wrong if rule is None else self._told(book, rule, ended)
        except UsageError as error:
            return str(error)

    def _told(self, book: Book, rule: Rule, ended: Ended) -> str | None:
        store = self._session.store()
        run = Run(book, store, self._session.edges)
        run.told(rule, ended)
        if store is not None and rule.reports:
            self._send(run, store, rule)
        return "" if run.trouble.sentences or self._session.store_problem else None

    def _send(self, run: Run, store: Store, rule: Rule) -> None:
        """Send what is due, within a time that a caller may wait; the rest goes with the next run."""
        try:
            with locked(store.directory, "run", self._session.edges, LOCK_WAIT_S):
                counts = run.send_deliveries([rule], for_s=SEND_S, stop=lambda: self._job.is_told_to_end)
        except StoreError as error:
            self._session.streams.remark(
                f"checkmill: the delivery waits for the next run or exec: {redact(str(error))}"
            )
            return
        # Cron, which mails every word, hears only of what was not accepted.
        if counts and (self._session.streams.err_is_terminal or set(counts) != {Stage.ACCEPTED.value}):
            self._session.streams.remark(f"deliveries: {counted(counts)}")

    def _rule(self, book: Book) -> tuple[Rule | None, str]:
        """The rule of the check; else what is wrong."""
        name = self._session.arguments.check
        rule = book.rule(name) if name in book.drafts else None
        if rule is not None and rule.is_of_job:
            return rule, ""
        if rule is not None:
            kind = rule.readings[0].source.type.type
            return None, f"check {name!r} measures {rule.metric.name!r} of a source of type {kind!r}, and is of no job"
        if name in book.rejected:
            return None, f"the rule of check {name!r} cannot be read: {book.rejected[name]}"
        if book.problems:
            return None, f"there is no check {name!r} that can be read: {book.problems[0]}"
        return None, f"there is no check {name!r}: {did_you_mean(name, book.drafts)}"
