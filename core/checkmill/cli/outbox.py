"""`checkmill outbox`: what is on its way to the reporters, what became of it, and what to do about it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from checkmill.cli.choosing import ASIDE, OPEN, choice_of, has_filters, is_meant, refuse_what_does_not_fit
from checkmill.cli.deliveries import counted, document, rows, summed_up, whole, whole_document
from checkmill.cli.draining import flush
from checkmill.cli.health import ailments
from checkmill.cli.paragraphs import printable
from checkmill.cli.presenting import json_text
from checkmill.cli.session import Session
from checkmill.cli.sourcing import RefusedError
from checkmill.model.delivery import Delivery, Stage
from checkmill.steps.reading.keys import did_you_mean
from checkmill.store import Store, StoreError
from checkmill.store.locking import locked
from checkmill.store.looking import can_be_written, looked_at
from checkmill.store.outbox import Outbox

FAILED = 3
#: How many rows a terminal is given unless somebody wants more, and how many reasons are told apart.
MOST_ROWS, MOST_REASONS = 50, 5
UNCHANGED = "nothing was changed"
WHEN = "by the next run, or now by 'checkmill outbox flush'"
#: What may be with the receiver already; of what was being sent when its process was killed, nobody knows either.
_MAY_HAVE_ARRIVED = (Stage.UNKNOWN, Stage.SENDING)
_YES = {"y", "yes"}


def outbox(session: Session) -> int:
    """List, show, flush, retry or drop deliveries; 3 for whatever keeps it from being done."""
    refuse_what_does_not_fit(session.arguments)
    action = session.arguments.action
    try:
        if action in _LOOKING:
            with _outbox_to_look_at(session) as found:
                return _LOOKING[action](session, found)
        store = session.store()
        if store is not None:
            _refuse_unknown_reporters(session, store)
            return _CHANGING[action](session, store)
        session.streams.remark(f"checkmill: {session.store_problem}")
    except RefusedError as refused:
        for sentence in refused.sentences:
            session.streams.remark(f"checkmill: {sentence}")
    except StoreError as error:
        session.streams.remark(f"checkmill: {error}")
    return FAILED


@contextmanager
def _outbox_to_look_at(session: Session) -> Iterator[Outbox]:
    """The outbox; where nothing can be written, as it stands. Raises `StoreError`."""
    directory = session.state_dir
    store = session.store() if directory is None or can_be_written(directory) else None
    if store is not None:
        yield store.outbox
        return
    if directory is None:
        raise StoreError(session.store_problem)
    with ExitStack() as stack:
        try:
            found = stack.enter_context(looked_at(directory))
        except StoreError as error:
            raise StoreError(session.store_problem or str(error)) from None
        why = session.store_problem or f"the state directory {directory} cannot be written"
        session.streams.remark(f"checkmill: {why}; this is what its outbox held last")
        yield found


# Looking


def _list(session: Session, outbox: Outbox) -> int:
    arguments, streams, now = session.arguments, session.streams, session.edges.now()
    if arguments.ids:
        found, missing = _by_numbers(session, outbox)
    else:
        choice = choice_of(arguments, () if arguments.all else OPEN)
        found, missing = choice.among(outbox.deliveries(choice.stages), now), []
    # Who asks for some by their numbers knows how the rest is.
    ill = [] if arguments.ids else ailments(outbox.health(now), now, tuple(arguments.reporter))
    if missing and not found:
        return FAILED
    if arguments.format == "json":
        limit = arguments.limit or len(found)
        streams.results(json_text([document(one) for one in found[:limit]]))
        for sentence in ill:
            streams.remark(f"checkmill: {sentence}")
        return FAILED if missing else 0
    limit = MOST_ROWS if streams.out_is_terminal and arguments.limit is None else arguments.limit
    paragraphs = [_table(session, found, limit or len(found), now)] if found else [_nothing(session, outbox)]
    paragraphs += ["".join(f"{sentence}\n" for sentence in ill)] if ill else []
    streams.results("\n".join(paragraphs))
    return FAILED if missing else 0


def _table(session: Session, found: Sequence[Delivery], limit: int, now: float) -> str:
    text = rows(found[:limit], now, _width(session))
    more = f"... and {len(found) - limit:,} made later; see them with --limit 0\n" if len(found) > limit else ""
    return f"{text}{more}\n{summed_up(found)}\n"


def _nothing(session: Session, outbox: Outbox) -> str:
    arguments = session.arguments
    if has_filters(arguments):
        return _no_such(session, outbox)
    settled = "" if arguments.all else counted(Counter(one.stage.value for one in outbox.deliveries()))
    return f"nothing is open; settled are {settled}, see --all\n" if settled else "the outbox is empty\n"


def _no_such(session: Session, outbox: Outbox) -> str:
    """That no delivery is meant, and whether that may be for a slip of the pen."""
    known = outbox.health(session.edges.now()).reporters
    hints = [
        f"; the outbox knows no reporter {printable(word)!r}: {did_you_mean(word, known)}"
        for word in session.arguments.reporter
        if known and not any(is_meant([word], name) for name in known)
    ]
    return f"there is no such delivery{''.join(hints)}\n"


def _show(session: Session, outbox: Outbox) -> int:
    found, missing = _by_numbers(session, outbox)
    histories = [outbox.history(one.id) for one in found]
    shown = list(zip(found, histories, strict=True))
    if session.arguments.format == "json":
        text = json_text([whole_document(one, history) for one, history in shown])
    else:
        now, width = session.edges.now(), _width(session)
        text = "\n".join(whole(one, history, now, width) for one, history in shown)
    if found:
        session.streams.results(text)
    return FAILED if missing else 0


def _by_numbers(session: Session, outbox: Outbox) -> tuple[list[Delivery], list[int]]:
    """The deliveries of the numbers that are given, and the numbers of none, which are told."""
    numbers = list(dict.fromkeys(session.arguments.ids))
    found = {number: outbox.find(number) for number in numbers}
    missing = [number for number, one in found.items() if one is None]
    for number in missing:
        session.streams.remark(f"checkmill: there is no delivery {number}; see 'checkmill outbox list --all'")
    return [one for one in found.values() if one is not None], missing


def _width(session: Session) -> int | None:
    return shutil.get_terminal_size().columns if session.streams.out_is_terminal else None


# Changing


def _refuse_unknown_reporters(session: Session, store: Store) -> None:
    """Raise `RefusedError` for a reporter that neither the outbox nor the rules know: a slip of the pen."""
    words = session.arguments.reporter
    known = {*store.outbox.health(session.edges.now()).reporters}
    missing = [word for word in words if not any(is_meant([word], name) for name in known)]
    if not missing:
        return
    with session.book() as (book, _):
        known |= {name for check in book.drafts for name in book.reporters_of(check)}
        slips = [
            word
            for word in missing
            if book.reporter(word) is None and not any(is_meant([word], name) for name in known)
        ]
    if slips:
        raise RefusedError(
            *(f"there is no reporter {printable(word)!r}: {did_you_mean(word, known)}" for word in slips), UNCHANGED
        )


def _retry(session: Session, store: Store) -> int:
    chosen, missing = _chosen(session, store)
    risky = [one for one in chosen if one.stage in _MAY_HAVE_ARRIVED]
    if risky:
        which = "it" if len(chosen) == 1 else f"{len(risky)} of them"
        warning = f"{which} may have arrived already: then the receiver counts it twice; look there first"
        _agree(session, f"send {_number(chosen)} again?", warning)
    return _changed(
        session, store, chosen, missing, "to be sent again: by the next run, or now by 'checkmill outbox flush'"
    )


def _drop(session: Session, store: Store) -> int:
    chosen, missing = _chosen(session, store)
    if chosen and not session.arguments.ids:
        stages = counted(Counter(one.stage.value for one in chosen))
        _agree(session, f"drop {_number(chosen)}?", f"these are {stages}: the receivers will not hear of them")
    return _changed(session, store, chosen, missing, "dropped")


def _chosen(session: Session, store: Store) -> tuple[list[Delivery], list[int]]:
    if session.arguments.ids:
        return _by_numbers(session, store.outbox)
    choice = choice_of(session.arguments, ASIDE)
    return choice.among(store.outbox.deliveries(choice.stages), session.edges.now()), []


def _agree(session: Session, question: str, warning: str) -> None:
    """Have a person agree. Raises `RefusedError` unless the answer is yes."""
    streams = session.streams
    if session.arguments.yes:
        return
    if not (streams.in_is_terminal and streams.err_is_terminal):
        raise RefusedError(f"{UNCHANGED}: {warning}; there is no terminal to ask at, so say --yes if that is meant")
    streams.remark(f"checkmill: {warning}")
    streams.last_words = UNCHANGED
    answer = streams.ask(f"{question} [y/N] ")
    streams.last_words = ""
    if answer.lower() not in _YES:
        raise RefusedError(UNCHANGED)


def _changed(session: Session, store: Store, chosen: Sequence[Delivery], missing: Sequence[int], what: str) -> int:
    """Change what was chosen under the lock, and say what was done and what not, and why."""
    streams, numbers = session.streams, [one.id for one in chosen]
    if not numbers:
        streams.results("" if missing else _no_such(session, store.outbox))
        return FAILED if missing else 0
    _recover(session, store)
    change = store.outbox.retry if session.arguments.action == "retry" else store.outbox.drop
    refused = change(numbers)
    done = len(numbers) - len(refused)
    share = f"{done:,} of {_number(chosen)}" if refused else _number(chosen)
    streams.results(f"{share} {what}\n" if done else f"{UNCHANGED}\n")
    if session.arguments.ids:
        for reason in refused.values():
            streams.remark(f"checkmill: {printable(reason)}")
        return FAILED if refused or missing else 0
    # Of many that have something in common, some cannot be changed: that is no failure, but said.
    reasons = Counter(reason.removeprefix(f"delivery {number} ") for number, reason in refused.items())
    for reason, number in reasons.most_common(MOST_REASONS):
        streams.results(f"{number:,} left as {'it is' if number == 1 else 'they are'}: {printable(reason)}\n")
    return 0


def _recover(session: Session, store: Store) -> None:
    """Settle what a killed process was sending, so that it can be changed; a run that is under way has done so."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(store.directory, "run", session.edges, 0.0))
        except StoreError:
            return
        settled = counted(store.outbox.recover(session.edges.now()))
        if settled:
            session.streams.remark(f"checkmill: before that, what had ended or grown too old was settled: {settled}")


def _number(deliveries: Sequence[Delivery]) -> str:
    return f"{len(deliveries):,} {'delivery' if len(deliveries) == 1 else 'deliveries'}"


_LOOKING = {"list": _list, "show": _show}
_CHANGING = {"flush": flush, "retry": _retry, "drop": _drop}
