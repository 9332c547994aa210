"""`checkmill outbox`: what is on its way to the reporters, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from checkmill.cli.arguments import UsageError
from checkmill.cli.session import Session
from checkmill.cli.tables import columns
from checkmill.model.delivery import Delivery, Stage
from checkmill.model.moments import age, iso_utc
from checkmill.run import Run
from checkmill.store import StoreError
from checkmill.store.locking import locked

FAILED = 3
OPEN = (Stage.PENDING, Stage.SENDING, Stage.REFUSED, Stage.UNKNOWN, Stage.EXPIRED)
LOCK_WAIT_S = 10.0


def outbox(session: Session) -> int:
    """List, show, flush, retry or drop deliveries."""
    arguments = session.arguments
    if arguments.action in {"show", "retry", "drop"} and not arguments.ids:
        raise UsageError(f"outbox {arguments.action} needs the number of a delivery; see 'checkmill outbox list'")
    store = session.store()
    if store is None:
        session.streams.remark(f"checkmill: {session.store_problem}")
        return FAILED
    try:
        if arguments.action in {"list", "show"}:
            found = store.outbox.deliveries(() if arguments.all or arguments.ids else OPEN)
            found = [one for one in found if not arguments.ids or one.id in arguments.ids]
            missing = sorted(set(arguments.ids) - {one.id for one in found})
            if found or not missing:
                _print(session, found, whole=arguments.action == "show")
            for number in missing:
                session.streams.remark(f"checkmill: there is no delivery {number}; see 'checkmill outbox list --all'")
            return FAILED if missing else 0
        with locked(store.directory, "run", session.edges, LOCK_WAIT_S):
            if arguments.action == "flush":
                return _flush(session, store)
            change = store.outbox.retry if arguments.action == "retry" else store.outbox.drop
            count = change(arguments.ids)
            session.streams.results(f"{count} of {len(arguments.ids)} deliveries changed\n")
            return 0 if count == len(arguments.ids) else FAILED
    except StoreError as error:
        session.streams.remark(f"checkmill: {error}")
        return FAILED


def _flush(session: Session, store: Any) -> int:
    with session.book() as (book, _):
        run = Run(book, store, session.edges)
        counts = run.send_deliveries(book.rules(book.drafts))
    words = ", ".join(f"{number} {stage}" for stage, number in sorted(counts.items())) or "nothing was due"
    session.streams.results(words + "\n")
    return FAILED if run.trouble.sentences else 0


def _print(session: Session, found: Sequence[Delivery], *, whole: bool) -> None:
    if session.arguments.format == "json":
        session.streams.results(json.dumps([_document(one) for one in found], ensure_ascii=False, indent=2) + "\n")
        return
    if whole:
        blocks = ["".join(f"{name}: {value}\n" for name, value in _document(one).items()) for one in found]
        session.streams.results("\n".join(blocks))
        return
    now = session.edges.now()
    rows = [_row(one, now) for one in found]
    head = ["ID", "STAGE", "REPORTER", "TARGET", "STATE", "TRIES", "MADE", "LAST ANSWER"]
    session.streams.results(columns(head, rows) if rows else "the outbox is empty\n")


def _row(one: Delivery, now: float) -> list[str]:
    made = age(one.created_at, now)
    return [
        str(one.id),
        one.stage.value,
        one.reporter,
        one.target,
        one.state,
        str(one.attempts),
        made,
        one.message,
    ]


def _document(one: Delivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "stage": one.stage.value,
        "reporter": one.reporter,
        "target": json.loads(one.target),
        "state": one.state,
        "services": list(one.services),
        "attempts": one.attempts,
        "outcome": one.outcome,
        "code": one.code,
        "message": one.message,
        "request_id": one.request_id,
        "created_at": iso_utc(one.created_at),
        "next_at": iso_utc(one.next_at) if one.stage is Stage.PENDING and one.next_at else None,
        "body": one.body,
    }
