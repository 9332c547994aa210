"""Puts deliveries into the outbox of a desk, and has attempts made at them as a feeder does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store import Store
from checkmill.store.outbox import Ended, Limit, Room
from support.commands import Desk

HOUR = 3600.0
#: What stays as it is for as long as a test likes.
AT_REST: dict[Stage, dict[str, Any]] = {
    Stage.REFUSED: {"attempts": 3, "outcome": "refused", "message": "SCENARIO NOT FOUND", "code": "-40002"},
    Stage.UNKNOWN: {"attempts": 1, "outcome": "unknown", "message": "read: no whole answer within 10 s"},
    Stage.EXPIRED: {"attempts": 9, "outcome": "not sent", "message": "connect: 10.1.2.3:443 refuses the connection"},
    Stage.ACCEPTED: {"attempts": 1, "outcome": "accepted", "message": "SUCCESS", "code": "0"},
    Stage.SUPERSEDED: {},
    Stage.DROPPED: {},
    Stage.SENDING: {"attempts": 1},
    Stage.PENDING: {},
}


def delivery(desk: Desk, scenario: str, stage: Stage = Stage.PENDING, *, age: float = 60.0, **parts: Any) -> Delivery:
    """A delivery to a scenario, made so many seconds ago by a run that began a second before."""
    made = desk.clock.now - age
    told = {"state": "CRITICAL", "services": ("cpu web-1", "cpu web-2"), "checks": ("cpu",)} | AT_REST[stage] | parts
    return Delivery(
        **{
            "reporter": "nhn",
            "target": json.dumps({"scenario": scenario}, ensure_ascii=False),
            "body": json.dumps({"state": told["state"], "output": "web-1 97.2% above 90%"}),
            "created_at": made,
            "expires_at": made + HOUR,
            "run_at": made - 1,
            "stage": stage,
            **told,
        }
    )


def put(desk: Desk, *deliveries: Delivery, limits: dict[str, Limit] | None = None) -> None:
    """Have a run commit them; they get the numbers from 1 on."""
    with opened(desk) as store:
        store.commit(str(desk.checks_dir), [], deliveries, desk.clock.now, limits=limits)


def attempt(
    desk: Desk, receipt: Receipt, *, reporter: str = "nhn", took_s: float = 0.084, tries: int = 3, begin: int = 1
) -> None:
    """Have what is due first sent, with this outcome."""
    with opened(desk) as store:
        room = Room(begin, begin)
        begun = store.outbox.turn([], desk.clock.now, {reporter: room}).begun
        answered = receipt.outcome in {Outcome.ACCEPTED, Outcome.REFUSED}
        ended = [Ended(one, receipt, took_s, answered, tries=tries) for group in begun for one in group]
        store.outbox.turn(ended, desk.clock.now, {})


def begin(desk: Desk, reporter: str = "nhn") -> None:
    """Have a process begin to send what is due first, and die."""
    with opened(desk) as store:
        assert store.outbox.turn([], desk.clock.now, {reporter: Room(1, 1)}).begun


def stages(desk: Desk) -> dict[int, str]:
    """The stage of each delivery, by its number."""
    with opened(desk) as store:
        return {one.id: one.stage.value for one in store.outbox.deliveries()}


@contextmanager
def opened(desk: Desk) -> Iterator[Store]:
    """The store of a desk."""
    with closing(Store.open(desk.state_dir)) as store:
        yield store
