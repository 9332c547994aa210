"""`checkmill check NAME`: one check as a Nagios plugin. Exactly one write to stdout, nothing on stderr, exit 0 to 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checkmill.cli.arguments import OUTBOX, UsageError
from checkmill.cli.items import is_meant, known, may_be_meant
from checkmill.cli.session import Session
from checkmill.model.result import Result
from checkmill.model.state import State
from checkmill.model.units import seconds
from checkmill.run import Run
from checkmill.steps.reading import Book
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.rendering import combined, nagios


def check(session: Session) -> int:
    """Print one check, and give the exit code that is its state."""
    arguments = session.arguments
    give_up_at = deadline(session)
    with session.book() as (book, _):
        if arguments.name == OUTBOX:
            return _check_outbox(session, book)
        results = _results(session, book, arguments.name, give_up_at)
        results = [_without_memory(one, session.store_problem) for one in picked(results, arguments.item)]
    one = combined(results) if len(results) != 1 else results[0]
    session.streams.results(nagios(results, verbosity=arguments.verbose))
    return one.state.exit_code


def _check_outbox(session: Session, book: Book) -> int:
    # Imported here: no other check needs it.
    from checkmill.cli.outboxservice import outbox_service

    result = outbox_service(session, book, session.store(), session.arguments.item)
    session.streams.results(nagios([result], verbosity=session.arguments.verbose))
    return result.state.exit_code


def deadline(session: Session) -> float | None:
    """The time that `-t` leaves, on the clock of deadlines."""
    given = session.arguments.timeout
    if given is None:
        return None
    try:
        return session.edges.monotonic() + seconds(given)
    except ValueError as error:
        raise UsageError(f"-t {error}") from None


def stated(name: str, sentence: str, now: float = 0.0) -> Result:
    """A result that says why there is none."""
    return Result(name, name, State.UNKNOWN, sentence, checked_at=now, good_until=now, failed=True)


def picked(results: Sequence[Result], items: Sequence[str]) -> Sequence[Result]:
    """The services that `--item` means: `label=value`, or a value where `each` has one label.

    Beside them stands what failed and may hide another that is meant, such as a source that never answered.
    """
    if not items:
        return results
    chosen = [result for result in results if is_meant(result.identity, items)]
    if chosen:
        return [one for one in results if is_meant(one.identity, items) or _may_hide(one, items, chosen)]
    whole = [result for result in results if not result.labels]
    if whole and all(result.failed for result in whole):
        return whole
    name = results[0].check if results else ""
    hint = known(result.identity for result in results)
    return [stated(name, f"there is no service {' '.join(items)} of this check{hint}")]


def _may_hide(result: Result, items: Sequence[str], chosen: Sequence[Result]) -> bool:
    """Whether a result stands for services that nobody has seen, of which one may be meant and is not chosen yet."""
    own = result.labels
    if not result.failed or result.state is State.OK or not result.source or not may_be_meant(result.identity, items):
        return False
    is_for_many = any(own.keys() < one.labels.keys() for one in chosen)
    return is_for_many and not any(one.source == result.source and own.items() <= one.labels.items() for one in chosen)


def _without_memory(result: Result, store_problem: str) -> Result:
    """Where there is no memory, what is gone goes unnoticed; whoever reads the result must know."""
    if not store_problem or result.failed:
        return result
    return replace(result, output=f"{result.output} (what is gone goes unnoticed: {store_problem})")


def _results(session: Session, book: Book, name: str, give_up_at: float | None) -> Sequence[Result]:
    now = session.edges.now()
    if name not in book.drafts:
        if name in book.rejected:
            return [stated(name, f"the rule cannot be read: {book.rejected[name]}", now)]
        if book.problems:
            return [stated(name, f"there is no check {name!r} that can be read: {book.problems[0]}", now)]
        return [stated(name, f"there is no check {name!r}: {did_you_mean(name, book.drafts)}", now)]
    rule = book.rule(name)
    if rule is None:
        count = len([problem for problem in book.problems if problem.check == name])
        more = f" (and {count - 1} more; see checkmill validate)" if count > 1 else ""
        return [stated(name, f"the rule cannot be read: {book.rejected[name]}{more}", now)]
    run = Run(book, session.store(), session.edges, give_up_at=give_up_at)
    reused = run.reused([rule])
    if name in reused:
        return reused[name]
    others = book.rules(book.sharing_sources_with(rule))
    return run.measured([rule], others)[name]
