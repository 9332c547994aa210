"""How much may wait is bounded: what goes first where there is no room, that it is counted, and all the figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checkmill.model.delivery import Delivery, OutboxHealth, ReporterHealth, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store import Store
from checkmill.store.outbox import Ended, Limit, Room
from support.rules import HOUR, NOW

ONE = Delivery("nhn", "a", "OK", ("cpu",), "x" * 10, NOW, NOW + HOUR, run_at=NOW)
MANY = 1 << 20


def put(store: Store, targets: str, *, limit: Limit | None = None, at: float = NOW, **parts: Any) -> list[int]:
    """Put one in for each target; gives the numbers of those that were dropped."""
    made = [replace(ONE, target=target, created_at=at, run_at=at, **parts) for target in targets]
    dropped = store.commit("/checks.d", [], made, at, limits={} if limit is None else {"nhn": limit})
    assert all(one.stage is Stage.DROPPED and one.message == "the backlog was full" for one in dropped)
    return [one.id for one in dropped]


def begin(store: Store, at: float = NOW) -> list[Delivery]:
    return [one for group in store.outbox.turn([], at, {"nhn": Room(99, 999)}).begun for one in group]


def settle(store: Store, one: Delivery, outcome: Outcome, at: float = NOW, message: str = "", **more: Any) -> None:
    store.outbox.turn([Ended(one, Receipt(outcome, message), **{"answered": True, **more})], at, {})


def waiting(store: Store) -> list[int]:
    return [one.id for one in store.outbox.deliveries([Stage.PENDING, Stage.SENDING])]


@pytest.mark.parametrize(
    ("targets", "limit", "dropped"),
    [
        ("abc", Limit(3, MANY), []),
        ("abcd", Limit(3, MANY), [1]),
        ("abcdef", Limit(2, MANY), [1, 2, 3, 4]),
        ("abc", Limit(9, 30), []),
        ("abc", Limit(9, 29), [1]),
        ("abc", Limit(9, 9), [1, 2, 3]),
        ("abc", Limit(0, 0), [1, 2, 3]),
        ("abab", Limit(3, MANY), [1]),
        ("baab", Limit(3, MANY), [1]),
        ("bcaab", Limit(4, MANY), [1]),
        ("cbaab", Limit(4, MANY), [2]),
        ("cbaab", Limit(3, MANY), [2, 3]),
        ("cbaab", Limit(2, MANY), [1, 2, 3]),
        ("cbaab", Limit(5, 20), [1, 2, 3]),
    ],
)
def test_what_newer_ones_have_followed_goes_first_then_the_oldest(
    store: Store, targets: str, limit: Limit, dropped: list[int]
) -> None:
    assert put(store, targets, limit=limit, keep_all=True) == dropped
    assert waiting(store) == [number for number in range(1, len(targets) + 1) if number not in dropped]


def test_one_that_is_too_large_alone_takes_no_other_with_it(store: Store) -> None:
    put(store, "abc", limit=Limit(9, 50))
    assert put(store, "d", limit=Limit(9, 50), body="x" * 51) == [4]
    assert waiting(store) == [1, 2, 3]


def test_the_backlog_of_one_checks_directory_is_not_that_of_another(store: Store) -> None:
    put(store, "abc")
    made = [replace(ONE, target=target) for target in "ab"]
    assert store.commit("/other.d", [], made, NOW, limits={"nhn": Limit(2, MANY)}) == []


def test_what_is_superseded_takes_no_room(store: Store) -> None:
    for minute in range(50):
        assert put(store, "abc", limit=Limit(3, 30), at=NOW + 60 * minute) == []
    assert len(waiting(store)) == 3


def test_what_is_being_sent_takes_room_but_is_not_dropped(store: Store) -> None:
    put(store, "ab")
    begin(store)
    assert put(store, "cd", limit=Limit(3, MANY)) == [3]
    assert put(store, "ef", limit=Limit(2, MANY)) == [4, 5, 6]
    assert waiting(store) == [1, 2]


def test_the_backlog_of_one_reporter_is_not_that_of_another(store: Store) -> None:
    put(store, "abc", reporter="other")
    assert put(store, "ab", limit=Limit(2, MANY)) == []


def test_the_size_of_a_backlog_is_counted_in_bytes(store: Store) -> None:
    assert put(store, "a", limit=Limit(9, 9), body="디스크") == []
    assert put(store, "b", limit=Limit(9, 17), body="디스크") == [1]


def test_a_long_outage_leaves_an_outbox_within_its_limits(store: Store) -> None:
    """Every state is kept, ten a minute for two hours, and the receiver takes none of them."""
    limit, dropped = Limit(100, 5000), 0
    for minute in range(120):
        at = NOW + 60 * minute
        dropped += len(put(store, "abcdefghij", limit=limit, at=at, keep_all=True, expires_at=at + 90 * 60))
        store.outbox.recover(at)
        assert len(waiting(store)) <= 100
    health = store.outbox.health(NOW + 120 * 60).reporters["nhn"]
    assert (health.waiting, health.waiting_bytes) == (100, 1000)
    assert health.counts == {"dropped": dropped} == {"dropped": 1100}
    newest = {one.target: one.created_at for one in store.outbox.deliveries([Stage.PENDING])}
    assert newest == dict.fromkeys("abcdefghij", NOW + 119 * 60)


# Figures


def test_an_outbox_that_nothing_came_into_has_no_figures(store: Store) -> None:
    assert store.outbox.health(NOW) == OutboxHealth({})


def test_the_figures_of_what_waits(store: Store) -> None:
    put(store, "ab")
    put(store, "c", at=NOW + 5, body="long" * 10)
    begin(store, NOW + 6)
    put(store, "d", at=NOW + 7, reporter="other")
    assert store.outbox.health(NOW + 8) == OutboxHealth(
        {
            "nhn": ReporterHealth(waiting=3, waiting_bytes=60, oldest_at=NOW),
            "other": ReporterHealth(waiting=1, waiting_bytes=10, oldest_at=NOW + 7),
        }
    )


def test_the_figures_of_what_ended(store: Store) -> None:
    put(store, "abcdefg")
    outcomes = [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.NOT_SENT]
    for number, (one, outcome) in enumerate(zip(begin(store), outcomes, strict=False)):
        settle(store, one, outcome, NOW + number, f"answer {number}")
    health = store.outbox.health(NOW + 10).reporters["nhn"]
    assert health.counts == health.recent == {"accepted": 2, "refused": 1, "unknown": 1}
    assert (health.waiting, health.last_success_at, health.dropped_at) == (3, NOW + 1, None)
    assert health.last_message == "answer 4"


def test_the_last_words_are_forgotten_with_the_next_success(store: Store) -> None:
    put(store, "ab")
    first, second = begin(store)
    settle(store, first, Outcome.REFUSED, NOW, "no such scenario")
    assert store.outbox.health(NOW).reporters["nhn"].last_message == "no such scenario"
    settle(store, second, Outcome.ACCEPTED, NOW + 1)
    assert store.outbox.health(NOW).reporters["nhn"].last_message == ""


def test_counts_outlive_their_rows_and_those_of_the_last_hour_do_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkmill.store.outbox.KEPT", 5)
    for number in range(12):
        at = NOW + 600 * number
        put(store, "a", at=at, expires_at=at + HOUR)
        (one,) = begin(store, at)
        settle(store, one, Outcome.ACCEPTED, at)
        store.outbox.recover(at)
    at = NOW + 600 * 11
    health = store.outbox.health(at).reporters["nhn"]
    assert len(store.outbox.deliveries()) == 5
    assert health.counts == {"accepted": 12}
    assert health.recent == {"accepted": 6}
    assert health.last_success_at == at
    assert store.outbox.health(at + HOUR).reporters["nhn"].recent == {}


def test_when_the_backlog_was_full_last_is_told(store: Store) -> None:
    put(store, "ab", limit=Limit(1, MANY), at=NOW + 3)
    health = store.outbox.health(NOW + 9).reporters["nhn"]
    assert (health.dropped_at, health.counts, health.recent) == (NOW + 3, {"dropped": 1}, {"dropped": 1})


def test_what_an_operator_removes_is_no_overflow(store: Store) -> None:
    put(store, "ab")
    assert store.outbox.drop([1]) == {}
    health = store.outbox.health(NOW).reporters["nhn"]
    assert (health.waiting, health.dropped_at, health.counts) == (1, None, {})


def test_the_hour_of_a_clock_that_was_ahead_is_not_counted_as_the_last_one(store: Store) -> None:
    put(store, "a", expires_at=NOW + 1e9)
    (one,) = begin(store, NOW + 1e6)
    settle(store, one, Outcome.ACCEPTED, NOW + 1e6)
    assert store.outbox.health(NOW).reporters["nhn"].recent == {}
    store.outbox.recover(NOW)
    assert store.outbox.health(NOW + 1e6).reporters["nhn"].recent == {}
