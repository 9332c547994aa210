"""A receiver that does not answer is left alone, then asked with one delivery; an answer lets all others go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checkmill.model.delivery import Delivery
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store import Store
from checkmill.store.outbox import Ended, Room
from support.rules import NOW

ONE = Delivery("nhn", "a", "OK", ("cpu",), "{}", NOW, NOW + 1e6, run_at=NOW)
ACCEPTED, REFUSED = Receipt(Outcome.ACCEPTED), Receipt(Outcome.REFUSED)
NOT_SENT, UNKNOWN = Receipt(Outcome.NOT_SENT), Receipt(Outcome.UNKNOWN)


class Wire:
    """A feeder with as many hands as it likes, and what it has under way."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        self.under_way: list[Delivery] = []

    def put(self, number: int, reporter: str = "nhn", **parts: Any) -> None:
        made = [replace(ONE, reporter=reporter, target=f"t{n}", run_at=self.now, **parts) for n in range(number)]
        self.store.commit("/checks.d", [], made, self.now)

    def begin(self, reporter: str = "nhn", room: int = 99) -> int:
        groups = self.store.outbox.turn([], self.now, {reporter: Room(room, 999)}).begun
        self.under_way += [one for group in groups for one in group]
        return len(groups)

    def end(self, *receipts: Receipt, **more: Any) -> None:
        """End as many as there are receipts, all in one turn."""
        ended = [Ended(self.under_way.pop(0), receipt, **more) for receipt in receipts]
        self.store.outbox.turn(ended, self.now, {})

    @property
    def pause_s(self) -> float | None:
        until = self.store.outbox.health(self.now).reporters["nhn"].pause_until
        return None if until is None else until - self.now


@pytest.fixture
def wire(store: Store) -> Wire:
    return Wire(store)


@pytest.mark.parametrize(
    ("receipts", "more", "pause_s"),
    [
        ([NOT_SENT] * 2, {}, None),
        ([NOT_SENT] * 3, {}, 5.0),
        ([NOT_SENT] * 8, {}, 5.0),
        ([UNKNOWN] * 3, {}, 5.0),
        ([UNKNOWN, NOT_SENT, UNKNOWN], {}, 5.0),
        ([NOT_SENT] * 3, {"chance": 0.5}, 3.75),
        ([replace(NOT_SENT, retry_after_s=60)] * 3, {}, 60.0),
        ([replace(NOT_SENT, retry_after_s=1)] * 3, {}, 5.0),
        ([replace(NOT_SENT, retry_after_s=999_999_999)] * 3, {}, 2700.0),
        ([NOT_SENT, NOT_SENT, replace(NOT_SENT, retry_after_s=60)], {"not_now": True}, 60.0),
        # One that limits its rate takes the next ones within seconds.
        ([NOT_SENT] * 9, {"not_now": True}, None),
        ([NOT_SENT] * 7 + [ACCEPTED], {}, None),
        ([NOT_SENT] * 7 + [REFUSED], {}, None),
        # It is there, whatever it says: HTTP 500, or what cannot be read.
        ([UNKNOWN] * 8, {"answered": True}, None),
    ],
)
def test_a_window_without_any_answer_is_a_pause(
    wire: Wire, receipts: list[Receipt], more: dict[str, Any], pause_s: float | None
) -> None:
    wire.put(20)
    wire.begin(room=len(receipts))
    wire.end(*receipts, **more)
    assert wire.pause_s == pause_s
    assert wire.begin() == (20 - len(receipts) if pause_s is None else 0)


def test_outcomes_without_an_answer_add_up_over_turns_and_processes(wire: Wire) -> None:
    wire.put(9)
    wire.begin()
    for _ in range(2):
        wire.end(NOT_SENT)
        assert wire.pause_s is None
    wire.store.outbox.recover(wire.now)
    wire.put(9)
    wire.under_way.clear()
    assert wire.begin() == 9
    wire.end(NOT_SENT)
    assert wire.pause_s == 5.0


def test_an_answer_in_between_begins_the_window_anew(wire: Wire) -> None:
    wire.put(9)
    wire.begin()
    wire.end(NOT_SENT, NOT_SENT)
    wire.end(ACCEPTED)
    wire.end(NOT_SENT, NOT_SENT)
    assert wire.pause_s is None


def test_a_receiver_that_says_not_now_for_seconds_is_left_alone(wire: Wire) -> None:
    wire.put(9)
    wire.begin()
    wire.end(NOT_SENT, NOT_SENT, NOT_SENT, not_now=True)
    assert wire.pause_s is None
    wire.now += 2
    wire.end(NOT_SENT, not_now=True)
    assert wire.pause_s == 5.0


def test_after_a_pause_one_delivery_asks_and_the_pauses_grow(wire: Wire) -> None:
    wire.put(50)
    wire.begin(room=8)
    wire.end(*[NOT_SENT] * 8)
    pauses = []
    for _ in range(8):
        pause_s = wire.pause_s
        assert pause_s is not None
        pauses.append(pause_s)
        wire.now += pause_s - 0.1
        assert wire.begin() == 0
        wire.now += 0.1
        assert wire.begin() == 1
        assert wire.begin() == 0
        wire.end(NOT_SENT)
    assert pauses == [5, 10, 20, 40, 80, 120, 120, 120]


@pytest.mark.parametrize(
    ("answer", "more"),
    [(ACCEPTED, {}), (REFUSED, {}), (UNKNOWN, {"answered": True})],
    ids=["accepted", "refused", "unknown, but an answer"],
)
def test_any_answer_lets_all_others_go(wire: Wire, answer: Receipt, more: dict[str, Any]) -> None:
    wire.put(50)
    wire.begin(room=3)
    wire.end(*[NOT_SENT] * 3)
    wire.now += 5
    wire.begin()
    wire.end(answer, **more)
    assert wire.pause_s is None
    assert wire.begin() == 49


def test_what_was_under_way_when_a_pause_began_does_not_make_it_longer(wire: Wire) -> None:
    wire.put(20)
    wire.begin(room=8)
    wire.end(*[NOT_SENT] * 3)
    for _ in range(5):
        wire.now += 1
        wire.end(UNKNOWN)
    assert wire.pause_s == 0.0
    assert wire.begin() == 1


def test_an_answer_to_what_was_under_way_when_a_pause_began_ends_it(wire: Wire) -> None:
    wire.put(20)
    wire.begin(room=4)
    wire.end(*[NOT_SENT] * 3)
    assert wire.begin() == 0
    wire.end(ACCEPTED)
    assert wire.begin() == 16


def test_another_delivery_asks_each_time(wire: Wire) -> None:
    """One that never gets an answer would keep all others waiting."""
    wire.put(5)
    wire.begin(room=3)
    wire.end(*[NOT_SENT] * 3)
    asked = []
    for _ in range(5):
        wire.now += 1000
        wire.begin()
        asked.append(wire.under_way[0].id)
        wire.end(NOT_SENT)
    assert asked == [4, 5, 1, 2, 3]


def test_a_paused_reporter_keeps_no_other_one_waiting(wire: Wire) -> None:
    wire.put(9)
    wire.put(9, reporter="other")
    wire.begin(room=3)
    wire.end(*[NOT_SENT] * 3)
    assert (wire.begin(), wire.begin("other")) == (0, 9)


def test_a_clock_that_is_set_back_ends_a_pause(wire: Wire) -> None:
    wire.put(9)
    wire.begin(room=3)
    wire.end(*[replace(NOT_SENT, retry_after_s=1e6)] * 3)
    wire.now += 1e3
    assert wire.begin() == 0
    wire.now = NOW - 1
    assert wire.begin() == 1
    wire.end(NOT_SENT)
    assert wire.pause_s == 10.0


def test_what_asks_after_a_pause_is_a_single_delivery_however_many_could_go_together(wire: Wire) -> None:
    wire.put(9)
    wire.begin(room=3)
    wire.end(*[NOT_SENT] * 3)
    wire.now += 5
    begun = wire.store.outbox.turn([], wire.now, {"nhn": Room(9, 9, together=50)}).begun
    assert [len(group) for group in begun] == [1]


def test_an_operator_who_retries_a_delivery_ends_the_pause(wire: Wire) -> None:
    wire.put(9)
    wire.begin(room=3)
    wire.end(*[NOT_SENT] * 3)
    assert wire.begin() == 0
    assert wire.store.outbox.retry([1]) == {}
    assert wire.begin() == 1
    wire.end(ACCEPTED)
    assert wire.begin() == 6


def test_nothing_asks_when_there_is_no_room(wire: Wire) -> None:
    wire.put(9)
    wire.begin(room=3)
    wire.end(*[NOT_SENT] * 3)
    wire.now += 5
    taken = wire.store.outbox.turn([], wire.now, {"nhn": Room(9, 0)})
    assert (taken.begun, taken.left) == ([], {"nhn"})


def test_an_operator_who_asks_for_a_reporter_ends_its_pause(wire: Wire) -> None:
    wire.put(9)
    wire.begin(room=3)
    wire.end(*[NOT_SENT] * 3)
    wire.store.outbox.ask_again(["other"])
    assert wire.begin() == 0
    wire.store.outbox.ask_again(["nhn"])
    assert wire.begin() == 1


def test_the_pause_of_a_reporter_for_which_nothing_waits_any_more_is_forgotten(wire: Wire) -> None:
    """It may have got another name: nobody would ever ask it again."""
    wire.put(3, expires_at=NOW + 60)
    wire.begin()
    wire.end(*[NOT_SENT] * 3)
    wire.store.outbox.recover(NOW + 59)
    assert wire.pause_s == 5.0
    wire.store.outbox.recover(NOW + 61)
    assert wire.pause_s is None


def test_a_reporter_of_one_checks_directory_does_not_pause_that_of_another(wire: Wire) -> None:
    for directory in ("/a", "/b"):
        made = [replace(ONE, target=f"{directory}{n}", run_at=NOW) for n in range(5)]
        wire.store.commit(directory, [], made, NOW)
    first, second = wire.store.outbox_of("/a"), wire.store.outbox_of("/b")
    taken = [one for (one,) in first.turn([], NOW, {"nhn": Room(3, 9)}).begun]
    first.turn([Ended(one, NOT_SENT) for one in taken], NOW, {})
    assert first.turn([], NOW, {"nhn": Room(9, 9)}).begun == []
    assert len(second.turn([], NOW, {"nhn": Room(9, 9)}).begun) == 5
    assert wire.pause_s == 5.0
