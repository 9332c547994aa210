"""`checkmill local`: all services as Checkmk local-check lines, and one of Checkmill's own for what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from checkmill.cli.check import deadline
from checkmill.cli.outboxservice import outbox_line
from checkmill.cli.session import Session
from checkmill.model.problem import Problem
from checkmill.model.result import Result
from checkmill.model.state import State
from checkmill.run import Run
from checkmill.steps.reading import Book
from checkmill.steps.rendering import checkmk_local

OWN_SERVICE = "checkmill"


def local(session: Session) -> int:
    """Print all services; the exit code is 0 whatever their states, since Checkmk throws away any other output."""
    give_up_at = deadline(session)
    with session.book() as (book, host):
        names, _ = book.select(tags=session.arguments.tag)
        rules = book.rules(names)
        store = session.store()
        run = Run(book, store, session.edges, give_up_at=give_up_at)
        reused = run.reused(rules)
        stale = [rule for rule in rules if rule.name not in reused]
        measured = run.measured(stale)
        shown = [result for rule in rules for result in {**reused, **measured}[rule.name]]
        shown += run.remembered_of_broken(session.arguments.tag)
        problems = [*book.problems, *host.problems]
        trouble = [*run.trouble.sentences, *book_is_empty(book, names, session.arguments.tag)]
        own = [own_service(problems, trouble, session.store_problem, len(rules), session.edges.now())]
        own += outbox_line(session, book, store, names)
    # Checkmill's own lines come first: of two services with one name, the first keeps it.
    session.streams.results(checkmk_local([*own, *shown]))
    return 0


def book_is_empty(book: Book, names: Sequence[str], tags: Sequence[str]) -> list[str]:
    """Say so when there is nothing to check, since that must not look as if all were well."""
    if not book.drafts and not book.problems:
        return [f"there is no check in {book.directory}"]
    if tags and not names:
        return [f"no check that is meant has the tag {' or '.join(map(repr, tags))}"]
    return []


def own_service(
    problems: Sequence[Problem], trouble: Sequence[str], store_problem: str, checks: int, now: float
) -> Result:
    """The service that tells whether Checkmill itself is well."""
    sentences = [*map(str, problems), *trouble, *([store_problem] if store_problem else [])]
    if not sentences:
        return Result(OWN_SERVICE, OWN_SERVICE, State.OK, f"{checks} checks, no problems", checked_at=now)
    more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
    details = "\n".join(sentences) if more else ""
    return Result(OWN_SERVICE, OWN_SERVICE, State.UNKNOWN, sentences[0] + more, details=details, checked_at=now)
