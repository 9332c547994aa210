"""`checkmill forget NAME`: drop what checks remember, so that what is gone for good stops being UNKNOWN at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from checkmill.cli.items import is_meant, known, words_of
from checkmill.cli.session import Session
from checkmill.model.levels import glob_matches
from checkmill.model.result import Identity
from checkmill.steps.reading.keys import did_you_mean
from checkmill.store import Store, Stored, StoreError
from checkmill.store.forgetting import known_services, without
from checkmill.store.locking import locked

FAILED = 3
LOCK_WAIT_S = 10.0
#: How many of the dropped services are named.
MOST_NAMED = 8


def forget(session: Session) -> int:
    """Drop what is stored of checks, or of some of their services; nothing at all when a name or item is unknown."""
    store = session.store()
    if store is None:
        session.streams.remark(f"checkmill: {session.store_problem}")
        return FAILED
    with session.book() as (book, _):
        checks_dir, written = os.path.realpath(book.directory), [*book.drafts, *book.rejected]
    try:
        # A run that is under way remembers what it read before: it is waited for.
        with locked(store.directory, "run", session.edges, LOCK_WAIT_S):
            return _forget(session, store, checks_dir, written)
    except StoreError as error:
        session.streams.remark(f"checkmill: {error}")
        return FAILED


def _forget(session: Session, store: Store, checks_dir: str, written: Sequence[str]) -> int:
    items = session.arguments.item
    stored = store.stored(checks_dir)
    checks = sorted({*stored, *written})
    chosen: dict[str, Sequence[Identity]] = {}
    wrong = []
    for name in session.arguments.names:
        matching = [check for check in checks if glob_matches(name, check)]
        if not matching:
            wrong.append(f"there is no check {name!r}: {did_you_mean(name, checks)}")
        meant = {check: _meant(stored.get(check), items) for check in matching}
        if matching and items and not any(meant.values()):
            services = [service for check in matching if check in stored for service in known_services(stored[check])]
            hint = known(services) or "; nothing is remembered of it"
            wrong.append(f"there is no service {' '.join(items)} of check {name}{hint}")
        chosen.update(meant)
    if wrong:
        for sentence in wrong:
            session.streams.remark(f"checkmill: {sentence}")
        return FAILED
    dropping = {name: services for name, services in chosen.items() if services}
    now = session.edges.now()
    store.revise(checks_dir, list(dropping), lambda one: without(one, dropping[one.name]), now)
    session.streams.results("".join(_said(name, chosen[name], stored) for name in chosen if chosen[name] or not items))
    return 0


def _meant(stored: Stored | None, items: Sequence[str]) -> list[Identity]:
    services = [] if stored is None else known_services(stored)
    return [service for service in services if is_meant(service, items)]


def _said(name: str, dropped: Sequence[Identity], stored: Mapping[str, Stored]) -> str:
    if not dropped:
        return f"{name}: nothing is remembered\n"
    there = len(known_services(stored[name]))
    words = sorted({_words_of(service, dropped) for service in dropped} - {""})
    named = f": {', '.join(words[:MOST_NAMED])}{', ...' if len(words) > MOST_NAMED else ''}" if words else ""
    services = f"{len(dropped)} of {there} services" if there > 1 or words else "its service"
    return f"{name}: forgot {services}{named}; measured anew by the next check\n"


def _words_of(service: Identity, among: Sequence[Identity]) -> str:
    """The items that mean one of some services, with the source where there are several."""
    words = words_of(service)
    if not service.source or "source" in dict(service.labels) or len({one.source for one in among}) < 2:
        return words
    return f"source={service.source} {words}".rstrip()
