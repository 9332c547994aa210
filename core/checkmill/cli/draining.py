"""`checkmill outbox flush`: send what is due, however much it is, without keeping the runs of cron from their turn."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from checkmill.cli.choosing import is_meant
from checkmill.cli.deliveries import counted
from checkmill.cli.health import ailments
from checkmill.cli.interrupting import stoppable
from checkmill.cli.paragraphs import printable
from checkmill.cli.progress import Line, shown
from checkmill.cli.session import Session
from checkmill.edges import Edges
from checkmill.model.delivery import Delivery, Progress, Stage
from checkmill.model.moments import age
from checkmill.model.reporter import ConfiguredReporter
from checkmill.run import Run
from checkmill.steps.reading import Book
from checkmill.store import Store, StoreError
from checkmill.store.locking import locked
from checkmill.store.outbox import Outbox

FAILED = 3
#: So long new deliveries are begun before a waiting run gets the lock, and so long it lies open then.
SLICE_S, OPEN_S = 10.0, 0.2
STOPPING = "stopping: what is under way is settled first; once more ends it at once"
#: How long it waits for a run that is under way, and how long without a word to a person.
LOCK_WAIT_S, PATIENCE_S = 45.0, 1.0
REMEDY = "write it, or 'checkmill outbox drop --stage pending --reporter {}'"
TOO_OLD = "had grown too old to be true and was not sent; see 'checkmill outbox list --stage expired'"
CUT_OFF = "what was being sent then is settled as unknown by the next run"


class _Narrowed(Book):
    """A book whose only reporters are those that some names or globs mean; of no words, all."""

    def __init__(self, book: Book, patterns: Sequence[str]) -> None:
        # What the book has read and will read is shared with it.
        vars(self).update(vars(book))
        self._patterns = patterns

    def reporter(self, name: str) -> ConfiguredReporter | None:
        """The reporter of that name, if it is meant and there is one without problems."""
        return super().reporter(name) if is_meant(self._patterns, name) else None


def flush(session: Session, store: Store) -> int:
    """Send what is due; 0 when all of that was settled or waits for its next try, 3 when something kept it from that.

    Raises `StoreError`.
    """
    with session.book() as (whole, _):
        book = _Narrowed(whole, session.arguments.reporter)
        outbox = store.outbox_of(os.path.realpath(book.directory))
        if session.arguments.reporter:
            # Whoever names one wants to know whether it is there again.
            outbox.ask_again(name for name in outbox.reporters() if is_meant(session.arguments.reporter, name))
        drained = _drained(session, store, book)
        try:
            left = _left(session, outbox)
        except StoreError as error:
            left, drained.trouble = [], [*drained.trouble, str(error)]
        known = {name: book.reporter(name) is not None for name in {one.reporter for one in left}}
        lost = [one for one in left if not known[one.reporter]]
        waiting = [] if drained.is_stopped else [one for one in left if known[one.reporter]]
        session.streams.results(_said(session, store, drained.counts, waiting))
        sentences = [*drained.trouble, *_without_reporter(book, lost)]
    if old := drained.counts[Stage.EXPIRED.value]:
        what = "1 delivery" if old == 1 else f"{old:,} deliveries"
        session.streams.remark(f"checkmill: {what} {TOO_OLD}")
    if drained.is_stopped:
        sentences.append(f"stopped: {len(left):,} wait for the next run or 'checkmill outbox flush'")
    for sentence in sentences:
        session.streams.remark(f"checkmill: {sentence}")
    return FAILED if sentences or drained.is_troubled else 0


@dataclass
class _Drained:
    """What became of all that was sent, by stage; whether somebody wanted it to stop, and what is to be told."""

    counts: Counter[str] = field(default_factory=Counter)
    is_stopped: bool = False
    is_troubled: bool = False
    trouble: list[str] = field(default_factory=list)


class _StoppedError(Exception):
    """Somebody wants it to stop while it waits."""


def _drained(session: Session, store: Store, book: Book) -> _Drained:
    """Send what is due, slice by slice."""
    rules, run = book.rules(book.drafts), Run(book, store, session.edges)
    drained, monotonic = _Drained(), session.edges.monotonic
    with shown(session.streams, session.edges) as line, stoppable(session.streams, STOPPING, CUT_OFF) as is_stopped:
        goes_on = True
        while goes_on:
            try:
                with locked(store.directory, "run", _heeding(session, line, is_stopped), LOCK_WAIT_S):
                    began_at, progress = monotonic(), _shower(line, drained.counts)
                    sent = run.send_deliveries(rules, for_s=SLICE_S, progress=progress, stop=is_stopped, patient=True)
            except _StoppedError:
                break
            except StoreError as error:
                drained.trouble.append(str(error))
                break
            drained.counts.update(sent)
            # What ends before its time has nothing more that is due.
            goes_on = bool(sent) and monotonic() - began_at >= SLICE_S
            goes_on = goes_on and not (is_stopped() or run.trouble.sentences)
            if goes_on:
                session.edges.sleep(OPEN_S)
        drained.is_stopped = is_stopped()
    drained.is_troubled = bool(run.trouble.sentences)
    return drained


def _heeding(session: Session, line: Line | None, is_stopped: Callable[[], bool]) -> Edges:
    """Edges whose sleep, in which a lock is waited for, says so to a person, and ends when it is to stop."""
    edges, is_told = session.edges, not session.streams.err_is_terminal
    told_at = edges.monotonic() + PATIENCE_S

    def sleep(seconds: float) -> None:
        nonlocal is_told
        if is_stopped():
            raise _StoppedError
        if not is_told and edges.monotonic() >= told_at:
            is_told = True
            if line is not None:
                line.take_back()
            session.streams.remark("checkmill: waiting for a run that is under way")
        edges.sleep(seconds)

    return replace(edges, sleep=sleep)


def _shower(line: Line | None, before: Counter[str]) -> Callable[[Progress], None] | None:
    """What shows the progress of one slice after those before it."""
    if line is None:
        return None
    earlier = Counter(before)

    def show(progress: Progress) -> None:
        line.show(earlier.total() + progress.settled, progress.waiting, earlier + Counter(progress.counts))

    return show


def _left(session: Session, outbox: Outbox) -> list[Delivery]:
    waiting = outbox.deliveries([Stage.PENDING])
    return [one for one in waiting if is_meant(session.arguments.reporter, one.reporter)]


def _said(session: Session, store: Store, counts: Counter[str], left: Sequence[Delivery]) -> str:
    """What became of what was sent, what waits for when, and why."""
    text = f"{counted(counts) or 'nothing was due'}\n"
    if not left:
        return text
    now = session.edges.now()
    next_at = min(one.next_at for one in left)
    when = age(next_at, now) if next_at - now >= 1 else "with the next run"
    wait = "1 waits" if len(left) == 1 else f"{len(left):,} wait"
    names = {one.reporter for one in left}
    ill = ailments(store.outbox.health(now), now, tuple(names))
    return "".join([text, f"{wait}, the next try is {when}\n", *(f"{sentence}\n" for sentence in ill)])


def _without_reporter(book: Book, lost: Sequence[Delivery]) -> list[str]:
    """Why deliveries have nobody to send them, and what to do."""
    sentences = []
    for name, number in sorted(Counter(one.reporter for one in lost).items()):
        wait = "1 delivery waits" if number == 1 else f"{number:,} deliveries wait"
        problem = next((one for one in book.problems if one.path.startswith(f"reporters.{name}")), None)
        unnamed = f"no rule file of {book.directory} has such a reporter; {REMEDY.format(printable(name))}"
        why = unnamed if problem is None else str(problem)
        sentences.append(f"{wait} for the reporter {printable(name)}: {why}")
    return sentences
