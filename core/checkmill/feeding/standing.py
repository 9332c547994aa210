"""What a target is told of rules that nobody measures now: their last results, as long as those may be told."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from checkmill.edges import Edges
from checkmill.model.moments import age
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.steps.judging.extracting import Extraction
from checkmill.steps.judging.jobs import last_told, overdue, untold
from checkmill.steps.judging.unknown import unknown, whole
from checkmill.store import Store, Stored, StoreError
from checkmill.store.locking import locked

#: How long another process is waited for that puts together what a target is told.
WAIT_S = 10.0

log = logging.getLogger("checkmill.run")


@contextmanager
def alone(store: Store | None, edges: Edges) -> Iterator[None]:
    """Have nobody else put together what a target is told while the body reads what is known and stores deliveries.

    While a run measures, a job may end, and while one ends, a run may measure. If the last to store a delivery were not
    the last to have looked, an old state would supersede a new one.
    """
    with ExitStack() as stack:
        if store is not None:
            try:
                stack.enter_context(locked(store.directory, "commit", edges, WAIT_S))
            except StoreError as error:
                log.warning("%s", error)
        yield


def standing(rule: Rule, stored: Stored | None, now: float) -> Sequence[Result]:
    """The last results of a rule that measures; one that is too old to be delivered says nothing of its state."""
    if stored is None or not stored.results:
        return [replace(whole(rule, "it was not measured yet"), checked_at=now, good_until=now)]
    expires_s = min((one.reporter.settings.expires for one in rule.reports), default=0.0)
    if stored.is_fresh(rule, now) or 0 <= now - stored.measured_at <= expires_s:
        return stored.results
    last = (
        unknown(one, f"last measured {age(one.checked_at, now)} ({one.state.value})", now, now)
        for one in stored.results
    )
    return list(last)


def of_job(
    rule: Rule, stored: Stored | None, now: float, *, is_readable: bool
) -> tuple[Sequence[Result], Extraction | None]:
    """What the job of a rule told last, as long as that stands; else what the rule is to be judged on instead."""
    if not is_readable:
        return (), untold(rule, "without a usable state directory nobody knows how its job ended", now)
    # What was forgotten is good no longer.
    results = stored.results if stored is not None and stored.good_until else ()
    last, stands = last_told(rule, results, now)
    return (results, None) if stands else ((), overdue(rule, last, now))
