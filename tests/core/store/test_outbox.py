"""What becomes of a delivery: written before it is sent, settled by its outcome, never overtaken by an older one."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from checkmill.model.delivery import Attempt, Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store import Store, StoreError
from checkmill.store.outbox import HELD, Ended, Limit, Room, Turn
from checkmill.store.outbox.outcomes import backoff_s
from support.rules import HOUR, NOW

TARGET = '{"scenario": "a"}'
DELIVERY = Delivery(
    "nhn", TARGET, "CRITICAL", ("cpu web-1", "디스크"), '{"state": "CRITICAL"}', NOW, NOW + HOUR, run_at=NOW - 2
)
ACCEPTED = Receipt(Outcome.ACCEPTED, "queued", code="0", request_id="r-1")
REFUSED = Receipt(Outcome.REFUSED, "SCENARIO NOT FOUND", code="-40002")
NOT_SENT = Receipt(Outcome.NOT_SENT, "connect: refused")
UNKNOWN = Receipt(Outcome.UNKNOWN, "read: no answer")


def put(store: Store, *deliveries: Delivery, at: float = NOW, **limits: Limit) -> list[Delivery]:
    return store.commit("/checks.d", [], deliveries, at, limits=limits)


def turn(store: Store, *ended: Ended, at: float = NOW, room: int = 99, **more: Any) -> Turn:
    return store.outbox.turn(ended, at, {"nhn": Room(room, **{"deliveries": 999, **more})})


def take(store: Store, at: float = NOW, *targets: str) -> list[Delivery]:
    """What may be sent now, to these targets or to any."""
    begun = turn(store, at=at, knows=lambda target: not targets or target in targets).begun
    return [one for group in begun for one in group]


def settle(store: Store, delivery: Delivery, receipt: Receipt, at: float = NOW, **more: Any) -> Stage:
    ended = Ended(delivery, receipt, **{"answered": True, **more})
    (settled,) = store.outbox.turn([ended], at, {}).settled
    return settled.stage


def stages(store: Store) -> list[str]:
    return [one.stage.value for one in store.outbox.deliveries()]


def counts(store: Store) -> dict[str, int]:
    return dict(store.outbox.health(NOW).reporters["nhn"].counts)


# Looking


def test_a_delivery_waits_in_the_outbox_with_all_its_parts(store: Store, opened: Callable[..., Store]) -> None:
    one = replace(DELIVERY, checks=("cpu", "disk"), repeat_unknown=True, keep_all=True)
    put(store, one)
    assert opened().outbox.deliveries() == [replace(one, id=1)]
    assert store.outbox.find(1) == replace(one, id=1)
    assert store.outbox.find(2) is None


def test_deliveries_are_listed_by_stage(store: Store) -> None:
    put(store, DELIVERY, replace(DELIVERY, target="b"))
    take(store, NOW, TARGET)
    assert [one.target for one in store.outbox.deliveries([Stage.PENDING])] == ["b"]
    assert [one.target for one in store.outbox.deliveries([Stage.SENDING, Stage.PENDING])] == [TARGET, "b"]
    assert store.outbox.deliveries([Stage.REFUSED]) == []


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"reporters": ["nhn"]}, [1, 2]),
        ({"reporters": ["nhn", "other"], "stages": [Stage.PENDING]}, [1, 2, 3]),
        ({"reporters": ["nobody"]}, []),
        ({"targets": [TARGET]}, [1, 3]),
        ({"targets": ["a"]}, [1, 3]),
        ({"targets": ["no json", "2"]}, [2]),
        ({"checks": ["cpu"]}, [1, 2]),
        ({"checks": ["disk", "nothing"]}, [2]),
        ({"limit": 2}, [2, 3]),
        ({"limit": 1, "reporters": ["nhn"]}, [2]),
        ({"limit": 0}, []),
    ],
    ids=str,
)
def test_deliveries_are_found_by_what_they_are(store: Store, wanted: dict[str, Any], numbers: list[int]) -> None:
    put(
        store,
        replace(DELIVERY, checks=("cpu",)),
        replace(DELIVERY, target='{"floor": 2, "scenario": "b"}', checks=("cpu", "disk")),
        replace(DELIVERY, reporter="other"),
    )
    assert [one.id for one in store.outbox.deliveries(**wanted)] == numbers


def test_a_delivery_keeps_its_history(store: Store) -> None:
    put(store, DELIVERY)
    assert store.outbox.history(1) == []
    (first,) = take(store)
    settle(store, first, NOT_SENT, NOW + 1, elapsed_s=0.5)
    (second,) = take(store, NOW + 60)
    settle(store, second, ACCEPTED, NOW + 61, elapsed_s=0.25)
    assert store.outbox.history(1) == [
        Attempt(1, NOW + 1, "not sent", message="connect: refused", elapsed_s=0.5),
        Attempt(2, NOW + 61, "accepted", "0", "queued", "r-1", 0.25),
    ]


def test_of_a_long_history_the_first_attempt_and_the_last_ones_stay(store: Store) -> None:
    put(store, replace(DELIVERY, expires_at=math.inf))
    now = NOW
    for _ in range(50):
        (taken,) = take(store, now)
        settle(store, taken, NOT_SENT, now)
        now += 1000
    assert [one.number for one in store.outbox.history(1)] == [1, *range(31, 51)]


# Taking


def test_what_is_taken_is_marked_before_it_is_sent(store: Store, opened: Callable[..., Store]) -> None:
    put(store, DELIVERY)
    assert take(store) == [replace(DELIVERY, id=1, stage=Stage.SENDING, attempts=1)]
    assert [(one.stage, one.attempts) for one in opened().outbox.deliveries()] == [(Stage.SENDING, 1)]
    assert take(store) == []


def test_only_the_targets_that_are_known_are_taken(store: Store) -> None:
    put(store, DELIVERY, replace(DELIVERY, target="b"), replace(DELIVERY, reporter="other"))
    assert [one.id for one in take(store, NOW, "b", "c")] == [2]
    assert stages(store) == ["pending", "sending", "pending"]


@pytest.mark.parametrize(
    ("room", "begun", "left"),
    [
        (Room(9, 9), [[1], [2], [3], [4]], False),
        (Room(2, 9), [[1], [2]], True),
        (Room(9, 3), [[1], [2], [3]], True),
        (Room(0, 9), [], True),
        (Room(9, 0), [], True),
        (Room(-3, 9), [], True),
        (Room(9, 9, together=9), [[1, 3, 4], [2]], False),
        (Room(9, 9, together=2), [[1, 3], [2], [4]], False),
        (Room(1, 9, together=9), [[1, 3, 4]], True),
        (Room(9, 2, together=9), [[1], [2]], True),
        (Room(9, 9, knows=lambda target: target in "bc"), [[2], [3]], False),
    ],
)
def test_no_more_is_begun_than_there_is_room_for(store: Store, room: Room, begun: list[list[int]], left: bool) -> None:
    put(store, *(replace(DELIVERY, target=target, body=body) for target, body in zip("abcd", "xyxx", strict=True)))
    taken = store.outbox.turn([], NOW, {"nhn": room, "other": Room(9, 9)})
    assert sorted([one.id for one in group] for group in taken.begun) == begun
    assert taken.left == ({"nhn"} if left else set())


# Outcomes


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
    assert settle(store, taken, receipt) is stage
    found = store.outbox.find(1)
    assert found is not None
    assert (found.stage, found.outcome, found.code, found.message, found.request_id) == (
        stage,
        receipt.outcome.value,
        receipt.code,
        receipt.message,
        receipt.request_id,
    )


@pytest.mark.parametrize("tries", [1, 2, 3])
def test_a_refused_delivery_is_laid_aside_after_its_tries(store: Store, tries: int) -> None:
    put(store, DELIVERY)
    now, found = NOW, []
    for _ in range(tries):
        (taken,) = take(store, now)
        found.append(settle(store, taken, REFUSED, now, tries=tries))
        now += 200
    assert found == [Stage.PENDING] * (tries - 1) + [Stage.REFUSED]
    assert take(store, now) == []
    assert counts(store) == {"refused": 1}


def test_attempts_that_were_not_sent_are_no_tries_of_what_is_refused(store: Store) -> None:
    put(store, DELIVERY)
    for number, receipt in enumerate([NOT_SENT, NOT_SENT, REFUSED, NOT_SENT, REFUSED]):
        (taken,) = take(store, NOW + 200 * number)
        settle(store, taken, receipt, NOW + 200 * number, tries=3)
    assert stages(store) == ["pending"]


def test_what_was_refused_stays_refused_when_a_newer_one_follows_before_its_tries_are_over(store: Store) -> None:
    put(store, DELIVERY)
    (taken,) = take(store)
    assert settle(store, taken, REFUSED, tries=3) is Stage.PENDING
    put(store, replace(DELIVERY, state="OK"))
    assert stages(store) == ["refused", "pending"]
    assert counts(store) == {"refused": 1}


def test_the_outcome_of_what_is_not_being_sent_any_more_changes_nothing(store: Store) -> None:
    put(store, DELIVERY)
    (taken,) = take(store)
    store.outbox.recover(NOW)
    assert store.outbox.turn([Ended(taken, ACCEPTED)], NOW, {}).settled == []
    assert stages(store) == ["unknown"]


# Waits


def waits(store: Store, *receipts: Receipt, chance: float = 0.0) -> list[float]:
    put(store, replace(DELIVERY, expires_at=NOW + 1e10))
    now, waited = NOW, []
    for receipt in receipts:
        (taken,) = take(store, now)
        settle(store, taken, receipt, now, chance=chance)
        found = store.outbox.find(1)
        assert found is not None
        assert take(store, found.next_at - 0.1) == []
        waited.append(found.next_at - now)
        now = found.next_at
    return waited


@pytest.mark.parametrize(
    ("chance", "waited"),
    [(0.0, [5, 10, 20, 40, 80, 120, 120, 120]), (0.5, [3.75, 7.5, 15, 30, 60, 90, 90, 90])],
)
def test_what_was_not_sent_is_tried_again_after_growing_waits(store: Store, chance: float, waited: list[float]) -> None:
    assert waits(store, *[NOT_SENT] * 8, chance=chance) == waited


def test_a_wait_is_shortened_by_chance_to_half_at_most_and_never_grows_beyond_its_limit() -> None:
    for failures in [*range(1, 40), 10**6]:
        longest, shortest = backoff_s(failures, 0.0), backoff_s(failures, 0.999999)
        assert longest == min(120.0, 5.0 * 2 ** min(failures - 1, 30))
        assert longest / 2 <= shortest < longest


@pytest.mark.parametrize(
    ("retry_after_s", "wait_s"),
    [
        (60, 60),
        (1000, 1000),
        (1, 5),
        (0, 5),
        (None, 5),
        (-7, 5),
        (math.nan, 5),
        (2699, 2699),
        (999_999_999, 2700),
        (math.inf, 2700),
    ],
)
def test_retry_after_is_waited_for(store: Store, retry_after_s: float | None, wait_s: float) -> None:
    assert waits(store, replace(NOT_SENT, retry_after_s=retry_after_s)) == [wait_s]


# Order


def test_a_newer_delivery_supersedes_the_older_one_that_waits(store: Store) -> None:
    put(store, DELIVERY)
    put(store, replace(DELIVERY, target="b"))
    put(store, replace(DELIVERY, state="OK"))
    assert stages(store) == ["superseded", "pending", "pending"]
    assert [one.state for one in take(store, NOW, TARGET)] == ["OK"]
    assert counts(store) == {"superseded": 1}


@pytest.mark.parametrize("receipt", [NOT_SENT, UNKNOWN], ids=lambda receipt: receipt.outcome.value)
def test_what_a_newer_one_overtook_while_it_was_sent_is_not_sent_again(store: Store, receipt: Receipt) -> None:
    put(store, replace(DELIVERY, repeat_unknown=True))
    (taken,) = take(store)
    put(store, replace(DELIVERY, state="OK"))
    assert settle(store, taken, receipt) is Stage.SUPERSEDED
    assert stages(store) == ["superseded", "pending"]


@pytest.mark.parametrize("keep_all", [False, True], ids=["latest", "all"])
def test_nothing_is_sent_to_a_target_while_another_one_is_on_its_way_to_it(store: Store, keep_all: bool) -> None:
    one = replace(DELIVERY, keep_all=keep_all)
    put(store, one)
    (taken,) = take(store)
    put(store, one)
    assert take(store) == []
    (after,) = (one for group in turn(store, Ended(taken, ACCEPTED)).begun for one in group)
    assert after.id == 2


def test_all_states_are_told_oldest_first_where_all_are_kept(store: Store) -> None:
    put(store, *(replace(DELIVERY, keep_all=True, state=state) for state in ("OK", "WARNING", "OK")))
    told = []
    while found := take(store):
        told.append([one.id for one in found])
        settle(store, found[0], ACCEPTED)
    assert told == [[1], [2], [3]]
    assert stages(store) == ["accepted"] * 3


def test_one_that_was_not_sent_keeps_those_after_it_waiting_where_all_are_kept(store: Store) -> None:
    put(store, *[replace(DELIVERY, keep_all=True)] * 2)
    (taken,) = take(store)
    settle(store, taken, NOT_SENT)
    assert take(store, NOW + 1) == []
    assert [one.id for one in take(store, NOW + 5)] == [1]


@pytest.mark.parametrize("receipt", [REFUSED, UNKNOWN], ids=lambda receipt: receipt.outcome.value)
def test_one_that_was_laid_aside_lets_the_next_one_go_where_all_are_kept(store: Store, receipt: Receipt) -> None:
    put(store, *[replace(DELIVERY, keep_all=True)] * 2)
    (taken,) = take(store)
    settle(store, taken, receipt)
    assert [one.id for one in take(store)] == [2]


def test_one_that_expired_lets_the_next_one_go_where_all_are_kept(store: Store) -> None:
    put(store, replace(DELIVERY, keep_all=True), replace(DELIVERY, keep_all=True, expires_at=NOW + 2 * HOUR))
    assert [one.id for one in take(store, NOW + HOUR + 1)] == [2]
    assert stages(store) == ["expired", "sending"]


# What is measured without being reported


def told_ok(store: Store, **parts: Any) -> Delivery:
    one = replace(DELIVERY, state="OK", checks=("cpu",), **parts)
    put(store, one)
    return one


def test_an_ok_that_is_not_known_to_be_true_any_more_is_held_back_and_still_waits(store: Store) -> None:
    told_ok(store)
    store.commit("/checks.d", [], [], NOW, ["cpu"])
    assert take(store) == []
    (found,) = store.outbox.deliveries([Stage.PENDING])
    assert found.message == HELD
    assert store.outbox.health(NOW).reporters["nhn"].waiting == 1


def test_what_is_held_back_is_superseded_by_the_next_one_of_its_target(store: Store) -> None:
    one = told_ok(store)
    store.commit("/checks.d", [], [], NOW, ["cpu"])
    store.commit("/checks.d", [], [replace(one, state="CRITICAL")], NOW, ["cpu"])
    assert stages(store) == ["superseded", "pending"]
    assert [one.state for one in take(store)] == ["CRITICAL"]


def test_a_run_that_reports_does_not_hold_back_what_it_tells(store: Store) -> None:
    store.commit("/checks.d", [], [replace(DELIVERY, state="OK", checks=("cpu",))], NOW, ["cpu"])
    assert [one.state for one in take(store)] == ["OK"]


def test_what_is_held_back_expires_and_is_counted(store: Store) -> None:
    told_ok(store)
    store.commit("/checks.d", [], [], NOW, ["cpu"])
    assert store.outbox.recover(NOW + HOUR + 1) == {"expired": 1}


def test_an_operator_may_have_sent_what_is_held_back(store: Store) -> None:
    told_ok(store)
    store.commit("/checks.d", [], [], NOW, ["cpu"])
    assert store.outbox.retry([1]) == {}
    assert [one.id for one in take(store)] == [1]


def test_an_ok_that_was_being_sent_as_it_was_outdated_is_not_sent_again(store: Store) -> None:
    told_ok(store)
    (taken,) = take(store)
    store.commit("/checks.d", [], [], NOW, ["cpu"])
    assert settle(store, taken, NOT_SENT) is Stage.PENDING
    assert take(store, NOW + 500) == []


@pytest.mark.parametrize(
    ("parts", "directory"),
    [
        ({"state": "CRITICAL", "checks": ("backup", "cpu")}, "/checks.d"),
        ({"state": "UNKNOWN", "checks": ("cpu",)}, "/checks.d"),
        ({"state": "OK", "checks": ("disk",)}, "/checks.d"),
        ({"state": "OK", "checks": ("cpu",), "keep_all": True}, "/checks.d"),
        ({"state": "OK", "checks": ("cpu",)}, "/other.d"),
    ],
    ids=["the failure of a job", "unknown", "another check", "all states are told", "another checks directory"],
)
def test_what_is_measured_without_being_reported_keeps_nothing_else_from_being_told(
    store: Store, parts: dict[str, Any], directory: str
) -> None:
    put(store, replace(DELIVERY, **parts))
    store.commit(directory, [], [], NOW, ["cpu"])
    assert [one.id for one in take(store)] == [1]


# Two checks directories


def begun_of(store: Store, directory: str) -> list[int]:
    begun = store.outbox_of(directory).turn([], NOW, {"nhn": Room(9, 9)}).begun
    return [one.id for group in begun for one in group]


def test_a_feeder_sends_what_was_made_of_its_own_checks_directory(store: Store) -> None:
    store.commit("/a", [], [DELIVERY, replace(DELIVERY, target="b")], NOW)
    store.commit("/b", [], [DELIVERY], NOW)
    assert stages(store) == ["pending"] * 3
    assert store.outbox_of("/c").reporters() == []
    assert (begun_of(store, "/c"), begun_of(store, "/b"), begun_of(store, "/a")) == ([], [3], [1, 2])
    assert store.outbox.health(NOW).reporters["nhn"].waiting == 3
    assert [one.id for one in store.outbox_of("/b").deliveries()] == [3]


def test_a_newer_one_of_another_checks_directory_is_no_reason_not_to_retry(store: Store) -> None:
    store.commit("/a", [], [DELIVERY], NOW)
    (taken,) = take(store)
    settle(store, taken, REFUSED)
    store.commit("/b", [], [DELIVERY], NOW)
    begun_of(store, "/b")
    assert store.outbox.retry([1]) == {}


def test_what_belongs_to_no_checks_directory_is_sent_and_superseded_by_each(store: Store) -> None:
    store.commit("", [], [DELIVERY, replace(DELIVERY, target="b")], NOW)
    store.commit("/a", [], [DELIVERY], NOW)
    assert stages(store) == ["superseded", "pending", "pending"]
    assert (begun_of(store, "/b"), begun_of(store, "/a")) == ([2], [3])


def test_the_targets_that_were_told_are_those_of_the_checks_directory(store: Store) -> None:
    store.commit("/a", [], [replace(DELIVERY, checks=("cpu",))], NOW)
    assert store.outbox_of("/a").targets_of({"cpu"}) == {"cpu": {("nhn", TARGET)}}
    assert store.outbox_of("/b").targets_of({"cpu"}) == {}


# Two runs at once


@pytest.mark.parametrize("run_at", [NOW - 2, 1e18, -5.0], ids=["now", "far ahead", "before the epoch"])
def test_two_runs_that_began_in_the_same_instant_are_both_kept_apart(store: Store, run_at: float) -> None:
    one = replace(DELIVERY, run_at=run_at)
    put(store, one, replace(one, state="OK"))
    put(store, replace(one, state="WARNING"), replace(one, target="b"))
    starts = [one.run_at for one in store.outbox.deliveries(targets=[TARGET])]
    assert starts == sorted(set(starts))
    assert starts[0] == run_at
    assert starts[-1] == pytest.approx(run_at, rel=1e-12, abs=0.001)
    assert stages(store) == ["superseded", "superseded", "pending", "pending"]


def test_what_another_process_adds_while_a_feeder_is_at_work_is_sent_in_its_turn(
    store: Store, opened: Callable[..., Store]
) -> None:
    put(store, DELIVERY, replace(DELIVERY, target="b"))
    first = turn(store, room=1).begun
    other = opened()
    put(other, replace(DELIVERY, state="OK"), replace(DELIVERY, target="b", state="OK"))
    rest = turn(store, Ended(first[0][0], NOT_SENT, answered=True)).begun
    assert [one.state for group in rest for one in group] == ["OK", "OK"]
    assert stages(store) == ["superseded", "superseded", "sending", "sending"]


# Crashes


@pytest.mark.parametrize(("repeat_unknown", "stage"), [(False, "unknown"), (True, "pending")])
def test_what_an_ended_process_was_sending(store: Store, repeat_unknown: bool, stage: str) -> None:
    put(store, replace(DELIVERY, repeat_unknown=repeat_unknown))
    take(store)
    assert store.outbox.recover(NOW + 60) == ({} if repeat_unknown else {"unknown": 1})
    (found,) = store.outbox.deliveries()
    assert (found.stage.value, found.outcome, found.attempts) == (stage, "unknown", 1)
    assert found.message == "the process ended while it was being sent"
    assert [(one.number, one.outcome, one.at) for one in store.outbox.history(1)] == [(1, "unknown", NOW + 60)]
    assert len(take(store, NOW + 60)) == (1 if repeat_unknown else 0)


def test_what_an_ended_process_was_sending_does_not_overtake_what_came_since(store: Store) -> None:
    put(store, replace(DELIVERY, repeat_unknown=True))
    take(store)
    put(store, replace(DELIVERY, state="OK"))
    assert store.outbox.recover(NOW + 60) == {"superseded": 1}
    assert stages(store) == ["superseded", "pending"]


def test_a_turn_that_cannot_be_committed_begins_and_settles_nothing(store: Store, opened: Callable[..., Store]) -> None:
    put(store, DELIVERY, replace(DELIVERY, target="b"))
    (taken,) = take(store, NOW, TARGET)
    with closing(sqlite3.connect(store.directory / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            turn(store, Ended(taken, ACCEPTED))
    assert stages(opened()) == ["sending", "pending"]
    assert len(turn(store, Ended(taken, ACCEPTED)).begun) == 1
    assert stages(store) == ["accepted", "sending"]


# Age


@pytest.mark.parametrize(("passed_s", "stage"), [(HOUR, "pending"), (HOUR + 1, "expired"), (-HOUR, "pending")])
@pytest.mark.parametrize("way", ["recover", "turn"])
def test_a_delivery_expires_and_is_counted(store: Store, passed_s: float, stage: str, way: str) -> None:
    put(store, DELIVERY)
    at = NOW + passed_s
    ends = store.outbox.recover(at) if way == "recover" else store.outbox.turn([], at, {}).aside
    assert stages(store) == [stage]
    assert ends == ({"expired": 1} if stage == "expired" else {})
    assert counts(store) == ends


def test_a_delivery_that_was_made_in_the_future_is_sent_all_the_same(store: Store) -> None:
    put(store, replace(DELIVERY, created_at=NOW + 1e6, expires_at=NOW + 1e6 + HOUR, run_at=NOW + 1e6), at=NOW + 1e6)
    assert [one.id for one in take(store, NOW)] == [1]


def test_what_was_made_before_the_clock_was_set_back_expires_as_if_it_were_new(store: Store) -> None:
    put(store, replace(DELIVERY, created_at=NOW + 1e5, expires_at=NOW + 1e5 + HOUR), at=NOW + 1e5)
    assert store.outbox.recover(NOW) == {}
    assert store.outbox.recover(NOW + HOUR) == {}
    assert store.outbox.recover(NOW + HOUR + 1) == {"expired": 1}


def test_what_failed_in_the_future_is_tried_as_soon_as_the_clock_is_right_again(store: Store) -> None:
    put(store, replace(DELIVERY, expires_at=math.inf))
    (taken,) = take(store, NOW + 1e6)
    settle(store, taken, NOT_SENT, NOW + 1e6)
    assert take(store, NOW + 1e6 + 1) == []
    assert [one.id for one in take(store, NOW)] == [1]


# What an operator decides


@pytest.mark.parametrize(
    ("receipt", "why", "stage"),
    [
        (REFUSED, "", "pending"),
        (UNKNOWN, "", "pending"),
        (NOT_SENT, "", "pending"),
        (ACCEPTED, "delivery 1 was accepted", "accepted"),
        (None, "delivery 1 is being sent right now; look again when it has an outcome", "sending"),
    ],
    ids=lambda value: value.outcome.value if isinstance(value, Receipt) else "being sent" if value is None else "",
)
def test_retry_tries_once_more_now(store: Store, receipt: Receipt | None, why: str, stage: str) -> None:
    put(store, DELIVERY)
    (taken,) = take(store)
    if receipt is not None:
        settle(store, taken, receipt)
    expected = {77: "there is no delivery 77"} | ({1: why} if why else {})
    assert store.outbox.retry([1, 77]) == expected
    assert stages(store) == [stage]
    assert len(take(store)) == (0 if why else 1)


def test_a_retried_delivery_counts_once_and_has_all_its_tries_again(store: Store) -> None:
    put(store, DELIVERY)
    for now in (NOW, NOW + 200):
        (taken,) = take(store, now)
        settle(store, taken, REFUSED, now, tries=2)
    assert counts(store) == {"refused": 1}
    assert store.outbox.retry([1]) == {}
    assert counts(store) == {"refused": 0}
    (taken,) = take(store)
    assert settle(store, taken, REFUSED, tries=2) is Stage.PENDING


def test_retry_outlives_the_age_at_which_a_delivery_expires(store: Store) -> None:
    put(store, DELIVERY)
    store.outbox.recover(NOW + 2 * HOUR)
    assert store.outbox.retry([1]) == {}
    store.outbox.recover(NOW + 3 * HOUR)
    assert len(take(store, NOW + 3 * HOUR)) == 1


def test_retry_does_not_tell_a_state_of_the_past(store: Store) -> None:
    put(store, DELIVERY)
    (taken,) = take(store)
    settle(store, taken, REFUSED)
    put(store, replace(DELIVERY, state="OK"))
    why = "delivery 1 was followed by a newer one for the same target, which says it better"
    assert store.outbox.retry([1]) == {1: why}
    assert stages(store) == ["refused", "pending"]


@pytest.mark.parametrize("is_told", [False, True], ids=["the newer one waits", "the newer one was sent"])
def test_where_all_states_are_told_one_may_be_retried_until_a_newer_one_was_sent(store: Store, is_told: bool) -> None:
    put(store, replace(DELIVERY, keep_all=True))
    (taken,) = take(store)
    settle(store, taken, REFUSED)
    put(store, replace(DELIVERY, keep_all=True))
    if is_told:
        (newer,) = take(store)
        settle(store, newer, ACCEPTED)
    assert bool(store.outbox.retry([1])) is is_told
    assert [one.id for one in take(store)] == ([] if is_told else [1])


def test_drop_removes_what_waits_or_was_settled(store: Store) -> None:
    put(store, *(replace(DELIVERY, target=target) for target in "abc"))
    (sending,) = take(store, NOW, "b")
    busy = "delivery 2 is being sent right now; look again when it has an outcome"
    assert store.outbox.drop([1, 2, 77]) == {2: busy, 77: "there is no delivery 77"}
    assert [one.id for one in store.outbox.deliveries()] == [2, 3]
    settle(store, sending, REFUSED)
    assert store.outbox.drop([2]) == {}
    assert store.outbox.history(2) == []


def test_a_number_is_never_given_twice(store: Store) -> None:
    put(store, DELIVERY)
    store.outbox.drop([1])
    put(store, DELIVERY)
    assert [one.id for one in store.outbox.deliveries()] == [2]


# Clearing


def test_old_settled_deliveries_are_cleared_and_open_ones_are_not(store: Store) -> None:
    put(store, *(replace(DELIVERY, target=f"t{number}") for number in range(1100)))
    with closing(sqlite3.connect(store.directory / "state.db")) as other, other:
        other.execute("UPDATE deliveries SET stage = 'accepted' WHERE id != 8")
    store.outbox.recover(NOW)
    kept = [one.id for one in store.outbox.deliveries()]
    assert (kept[:2], len(kept)) == ([8, 101], 1001)


def test_what_went_wrong_outlives_what_went_well(store: Store) -> None:
    put(store, *(replace(DELIVERY, target=f"t{number}") for number in range(1100)))
    with closing(sqlite3.connect(store.directory / "state.db")) as other, other:
        other.execute("UPDATE deliveries SET stage = CASE WHEN id > 4 THEN 'accepted' ELSE 'unknown' END")
    store.outbox.recover(NOW)
    assert [one.id for one in store.outbox.deliveries([Stage.UNKNOWN])] == [1, 2, 3, 4]


def test_the_bodies_of_settled_deliveries_are_kept_within_bounds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkmill.store.outbox.KEPT_SIZE", 10_000)
    put(store, *(replace(DELIVERY, target=f"t{number}", body="x" * 3000) for number in range(8)))
    for one in take(store):
        settle(store, one, ACCEPTED)
    store.outbox.recover(NOW)
    assert [one.id for one in store.outbox.deliveries()] == [6, 7, 8]
    assert [number for number in range(1, 9) if store.outbox.history(number)] == [6, 7, 8]
    assert counts(store) == {"accepted": 8}


@pytest.mark.parametrize("part", [{"services": ("방\ud800",)}, {"state": "\ud800"}, {"body": "\ud800"}], ids=str)
def test_half_of_a_surrogate_pair_keeps_nothing_from_being_stored(store: Store, part: dict[str, Any]) -> None:
    put(store, replace(DELIVERY, **part))
    (found,) = take(store)
    assert "?" in f"{found.services}{found.state}{found.body}"


def test_a_results_and_its_delivery_are_committed_together_or_not_at_all(store: Store) -> None:
    broken: Any = replace(DELIVERY, target=None)
    with pytest.raises(StoreError, match="NOT NULL"):
        put(store, DELIVERY, broken)
    assert store.outbox.deliveries() == []
