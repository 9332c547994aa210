"""What becomes of a delivery: written before it is sent, settled by its outcome, never overtaken by an older one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store import Store
from support.rules import HOUR, NOW

TARGET = '{"scenario": "a"}'
DELIVERY = Delivery("nhn", TARGET, "CRITICAL", ("cpu web-1", "디스크"), '{"state": "CRITICAL"}', NOW, NOW + HOUR)
ACCEPTED = Receipt(Outcome.ACCEPTED, "queued", code="0", request_id="r-1")
REFUSED = Receipt(Outcome.REFUSED, "SCENARIO NOT FOUND", code="-40002")
NOT_SENT = Receipt(Outcome.NOT_SENT, "connect: refused")
UNKNOWN = Receipt(Outcome.UNKNOWN, "read: no answer")


def put(store: Store, *deliveries: Delivery) -> None:
    store.commit("/checks.d", [], deliveries, NOW)


def take(store: Store, at: float = NOW, *targets: str) -> list[Delivery]:
    return store.outbox.take_due(at, [("nhn", target) for target in targets or (TARGET,)])


def stages(store: Store) -> list[str]:
    return [one.stage.value for one in store.outbox.deliveries()]


def test_a_delivery_waits_in_the_outbox_with_all_its_parts(store: Store, opened: Callable[..., Store]) -> None:
    put(store, DELIVERY)
    assert opened().outbox.deliveries() == [replace(DELIVERY, id=1)]
    assert store.outbox.find(1) == replace(DELIVERY, id=1)
    assert store.outbox.find(2) is None


def test_deliveries_are_listed_by_stage(store: Store) -> None:
    put(store, DELIVERY, replace(DELIVERY, target="b"))
    take(store)
    assert [one.target for one in store.outbox.deliveries([Stage.PENDING])] == ["b"]
    assert [one.target for one in store.outbox.deliveries([Stage.SENDING, Stage.PENDING])] == [TARGET, "b"]
    assert store.outbox.deliveries([Stage.REFUSED]) == []


def test_what_is_taken_is_marked_before_it_is_sent(store: Store, opened: Callable[..., Store]) -> None:
    put(store, DELIVERY)
    assert [one.id for one in take(store)] == [1]
    assert [(one.stage, one.attempts) for one in opened().outbox.deliveries()] == [(Stage.SENDING, 1)]
    assert take(store) == []


def test_only_the_targets_that_rules_name_are_taken(store: Store) -> None:
    put(store, DELIVERY, replace(DELIVERY, target="b"), replace(DELIVERY, reporter="other"))
    assert [one.id for one in take(store, NOW, "b", "c")] == [2]
    assert stages(store) == ["pending", "sending", "pending"]


@pytest.mark.parametrize(
    ("receipt", "repeat_unknown", "stage"),
    [
        (ACCEPTED, False, Stage.ACCEPTED),
        (REFUSED, False, Stage.REFUSED),
        (REFUSED, True, Stage.REFUSED),
        (NOT_SENT, False, Stage.PENDING),
        (UNKNOWN, False, Stage.UNKNOWN),
        (UNKNOWN, True, Stage.PENDING),
    ],
    ids=lambda value: value.outcome.value if isinstance(value, Receipt) else "",
)
def test_an_outcome_leads_to_a_stage(store: Store, receipt: Receipt, repeat_unknown: bool, stage: Stage) -> None:
    put(store, replace(DELIVERY, repeat_unknown=repeat_unknown))
    (taken,) = take(store)
    assert store.outbox.settle(taken, receipt, NOW) is stage
    found = store.outbox.find(1)
    assert found is not None
    assert (found.stage, found.outcome, found.code, found.message, found.request_id) == (
        stage,
        receipt.outcome.value,
        receipt.code,
        receipt.message,
        receipt.request_id,
    )


def waits(store: Store, *receipts: Receipt) -> list[float]:
    put(store, replace(DELIVERY, expires_at=NOW + 1e9))
    now, waited = NOW, []
    for receipt in receipts:
        (taken,) = take(store, now)
        store.outbox.settle(taken, receipt, now)
        found = store.outbox.find(1)
        assert found is not None
        assert take(store, found.next_at - 0.1) == []
        waited.append(found.next_at - now)
        now = found.next_at
    return waited


def test_what_was_not_sent_is_tried_again_after_growing_waits(store: Store) -> None:
    assert waits(store, *[NOT_SENT] * 9) == [5, 10, 20, 40, 80, 160, 300, 300, 300]


@pytest.mark.parametrize(("retry_after_s", "wait_s"), [(60, 60), (1000, 1000), (1, 5), (0, 5), (None, 5)])
def test_retry_after_is_waited_for(store: Store, retry_after_s: float | None, wait_s: float) -> None:
    assert waits(store, replace(NOT_SENT, retry_after_s=retry_after_s)) == [wait_s]


def test_a_newer_delivery_supersedes_the_older_one_that_waits(store: Store) -> None:
    put(store, DELIVERY)
    put(store, replace(DELIVERY, target="b"))
    put(store, replace(DELIVERY, state="OK"))
    assert stages(store) == ["superseded", "pending", "pending"]
    assert [one.state for one in take(store)] == ["OK"]


@pytest.mark.parametrize("receipt", [NOT_SENT, UNKNOWN], ids=lambda receipt: receipt.outcome.value)
def test_what_a_newer_one_overtook_while_it_was_sent_is_not_sent_again(store: Store, receipt: Receipt) -> None:
    put(store, replace(DELIVERY, repeat_unknown=True))
    (taken,) = take(store)
    put(store, replace(DELIVERY, state="OK"))
    store.outbox.settle(taken, receipt, NOW)
    assert stages(store) == ["superseded", "pending"]


@pytest.mark.parametrize(("repeat_unknown", "stage"), [(False, "unknown"), (True, "pending")])
def test_what_an_ended_process_was_sending(store: Store, repeat_unknown: bool, stage: str) -> None:
    put(store, replace(DELIVERY, repeat_unknown=repeat_unknown))
    take(store)
    store.outbox.recover(NOW + 60)
    (found,) = store.outbox.deliveries()
    assert (found.stage.value, found.outcome, found.attempts) == (stage, "unknown", 1)
    assert found.message == "the process ended while it was being sent"
    assert len(take(store, NOW + 60)) == (1 if repeat_unknown else 0)


def test_what_an_ended_process_was_sending_does_not_overtake_what_came_since(store: Store) -> None:
    put(store, replace(DELIVERY, repeat_unknown=True))
    take(store)
    put(store, replace(DELIVERY, state="OK"))
    store.outbox.recover(NOW + 60)
    assert stages(store) == ["superseded", "pending"]


@pytest.mark.parametrize(("passed_s", "stage"), [(HOUR, "pending"), (HOUR + 1, "expired"), (-HOUR, "pending")])
def test_a_delivery_expires(store: Store, passed_s: float, stage: str) -> None:
    put(store, DELIVERY)
    store.outbox.recover(NOW + passed_s)
    assert stages(store) == [stage]


@pytest.mark.parametrize(
    ("receipt", "changed", "stage"),
    [
        (REFUSED, 1, "pending"),
        (UNKNOWN, 1, "pending"),
        (NOT_SENT, 1, "pending"),
        (ACCEPTED, 0, "accepted"),
        (None, 0, "sending"),
    ],
    ids=lambda value: value.outcome.value if isinstance(value, Receipt) else "being sent" if value is None else "",
)
def test_retry_tries_once_more_now(store: Store, receipt: Receipt | None, changed: int, stage: str) -> None:
    put(store, DELIVERY)
    (taken,) = take(store)
    if receipt is not None:
        store.outbox.settle(taken, receipt, NOW)
    assert store.outbox.retry([1, 77]) == changed
    assert stages(store) == [stage]
    assert len(take(store)) == changed


def test_retry_outlives_the_age_at_which_a_delivery_expires(store: Store) -> None:
    put(store, DELIVERY)
    store.outbox.recover(NOW + 2 * HOUR)
    assert store.outbox.retry([1]) == 1
    store.outbox.recover(NOW + 3 * HOUR)
    assert len(take(store, NOW + 3 * HOUR)) == 1


def test_retry_does_not_tell_a_state_of_the_past(store: Store) -> None:
    put(store, DELIVERY)
    (taken,) = take(store)
    store.outbox.settle(taken, REFUSED, NOW)
    put(store, replace(DELIVERY, state="OK"))
    assert store.outbox.retry([1]) == 0
    assert stages(store) == ["refused", "pending"]


def test_drop_removes_what_waits_or_was_settled(store: Store) -> None:
    put(store, *(replace(DELIVERY, target=target) for target in "abc"))
    (sending,) = take(store, NOW, "b")
    assert store.outbox.drop([1, 2, 77]) == 1
    assert [one.id for one in store.outbox.deliveries()] == [2, 3]
    store.outbox.settle(sending, REFUSED, NOW)
    assert store.outbox.drop([2]) == 1


def test_old_settled_deliveries_are_cleared_and_open_ones_are_not(store: Store) -> None:
    put(store, *(replace(DELIVERY, target=f"t{number}") for number in range(1100)))
    with closing(sqlite3.connect(store.directory / "state.db")) as other, other:
        other.execute("UPDATE deliveries SET stage = 'accepted' WHERE id != 8")
    store.outbox.recover(NOW)
    kept = [one.id for one in store.outbox.deliveries()]
    assert (kept[:2], len(kept)) == ([8, 101], 1001)


def test_a_results_and_its_delivery_are_committed_together_or_not_at_all(store: Store) -> None:
    broken: Any = replace(DELIVERY, target=None)
    with pytest.raises(Exception, match="NOT NULL"):
        put(store, DELIVERY, broken)
    assert store.outbox.deliveries() == []
