"""Whatever comes in, ends, crashes or is retried: no older state follows a newer one, and nothing vanishes."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store import Store
from checkmill.store.outbox import Ended, Limit, Room
from support.rules import HOUR, NOW
from support.stress import scale

TARGETS = "abc"

puts = st.tuples(
    st.just("put"),
    st.lists(st.sampled_from(TARGETS), min_size=1, max_size=4),
    st.booleans(),
    st.booleans(),
)
by_themselves = st.one_of(
    puts,
    st.tuples(st.just("begin"), st.integers(0, 4), st.integers(1, 3)),
    st.tuples(st.just("begin"), st.just(9), st.integers(1, 3)),
    st.tuples(st.just("end"), st.integers(0, 5), st.sampled_from(Outcome), st.booleans()),
    st.tuples(st.just("crash")),
    st.tuples(st.just("pass"), st.sampled_from([1.0, 5.0, 130.0, HOUR + 1, -2 * HOUR])),
    st.tuples(st.just("drop"), st.integers(1, 12)),
    st.tuples(st.just("squeeze"), st.integers(1, 4)),
)
moves = st.one_of(by_themselves, by_themselves, by_themselves, st.tuples(st.just("retry"), st.integers(1, 12)))


def many(some: st.SearchStrategy[tuple[object, ...]]) -> st.SearchStrategy[list[tuple[object, ...]]]:
    """Enough moves that something happens, after one that puts something in."""
    return st.tuples(puts, st.lists(some, min_size=12, max_size=30)).map(lambda parts: [parts[0], *parts[1]])


@dataclass
class Feeding:
    """A feeder, its clock, and a wire that remembers what went over it."""

    store: Store
    now: float = NOW
    made: int = 0
    removed: int = 0
    wire: list[Delivery] = field(default_factory=list)
    under_way: list[Delivery] = field(default_factory=list)
    retried: set[int] = field(default_factory=set)

    def put(self, targets: list[str], keep_all: bool, repeat_unknown: bool, most: int = 99) -> None:
        made = [
            Delivery("nhn", target, "OK", (), target, self.now, self.now + HOUR, run_at=self.now) for target in targets
        ]
        ready = [replace(one, keep_all=keep_all, repeat_unknown=repeat_unknown) for one in made]
        self.store.commit("/checks.d", [], ready, self.now, limits={"nhn": Limit(most, 1 << 20)})
        self.made += len(ready)

    def begin(self, most: int, together: int) -> None:
        begun = self.store.outbox.turn([], self.now, {"nhn": Room(most, 99, together=together)}).begun
        for group in begun:
            self.under_way += group
            self.wire += group

    def end(self, which: int, outcome: Outcome, answered: bool = True) -> None:
        if self.under_way:
            one = self.under_way.pop(which % len(self.under_way))
            self.store.outbox.turn([Ended(one, Receipt(outcome), answered=answered, tries=2)], self.now, {})

    def crash(self) -> None:
        self.under_way.clear()
        self.store.outbox.recover(self.now)

    def retry(self, number: int) -> None:
        if not self.store.outbox.retry([number]):
            self.retried.add(number)

    def drop(self, number: int) -> None:
        one = self.store.outbox.find(number)
        if not self.store.outbox.drop([number]) and one is not None and not one.stage.is_final:
            self.removed += 1

    def make(self, move: tuple[object, ...]) -> None:
        name, *values = move
        if name == "pass":
            self.now += float(str(values[0]))
        elif name == "squeeze":
            self.put(["a"], True, False, int(str(values[0])))
        else:
            getattr(self, str(name))(*values)

    def check(self) -> None:
        waiting = self.store.outbox.deliveries([Stage.PENDING, Stage.SENDING])
        health = self.store.outbox.health(self.now).reporters.get("nhn")
        counts = Counter(health.counts if health is not None else {})
        assert self.made == len(waiting) + counts.total() + self.removed
        assert {one.id for one in self.under_way} == {one.id for one in waiting if one.stage is Stage.SENDING}
        assert len({one.target for one in self.under_way}) == len(self.under_way)
        for target in TARGETS:
            told = [one.id for one in self.wire if one.target == target]
            assert told == sorted(told)
        rows = self.store.outbox.deliveries()
        # What an operator removed after it was settled stays counted.
        assert Counter(one.stage.value for one in rows if one.stage.is_final) <= counts


@contextmanager
def feeding() -> Iterator[Feeding]:
    with tempfile.TemporaryDirectory() as directory:
        store = Store.open(Path(directory) / "state")
        # What is checked here is what is written, not how durably.
        store._connection.execute("PRAGMA synchronous = OFF")
        try:
            yield Feeding(store)
        finally:
            store.close()


@settings(max_examples=scale(40, 3000), deadline=None)
@given(many(moves))
def test_no_older_state_follows_a_newer_one_and_nothing_vanishes(steps: list[tuple[object, ...]]) -> None:
    with feeding() as feeder:
        for step in steps:
            feeder.make(step)
            feeder.check()


@settings(max_examples=scale(30, 2000), deadline=None)
@given(many(by_themselves))
def test_an_unknown_outcome_is_not_repeated_unless_the_target_says_so(steps: list[tuple[object, ...]]) -> None:
    with feeding() as feeder:
        unknown: set[int] = set()
        for step in steps:
            before = len(feeder.wire)
            if step[0] == "crash":
                unknown |= {one.id for one in feeder.under_way if not one.repeat_unknown}
            feeder.make(step)
            assert unknown.isdisjoint(one.id for one in feeder.wire[before:])
            unknown |= {one.id for one in feeder.store.outbox.deliveries([Stage.UNKNOWN])}


@settings(max_examples=scale(30, 2000), deadline=None)
@given(many(moves))
def test_everything_comes_to_an_end_once_the_receiver_takes_it(steps: list[tuple[object, ...]]) -> None:
    with feeding() as feeder:
        for step in steps:
            feeder.make(step)
        for _ in range(99):
            feeder.now += 200
            feeder.begin(99, 1)
            while feeder.under_way:
                feeder.end(0, Outcome.ACCEPTED)
        assert feeder.store.outbox.deliveries([Stage.PENDING, Stage.SENDING]) == []


def test_a_retried_delivery_is_not_sent_after_a_newer_one_whose_row_is_cleared(
    store: Store, opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    feeder = Feeding(store)
    feeder.put(["a"], False, False)
    feeder.begin(1, 1)
    feeder.end(0, Outcome.REFUSED)
    feeder.now += 10
    feeder.begin(1, 1)
    feeder.end(0, Outcome.REFUSED)
    feeder.put(["a"], False, False)
    feeder.begin(1, 1)
    feeder.end(0, Outcome.ACCEPTED)
    monkeypatch.setattr("checkmill.store.outbox.KEPT", 0)
    store.outbox.recover(feeder.now)
    assert [one.stage for one in opened().outbox.deliveries()] == [Stage.REFUSED]
    why = "delivery 1 was followed by a newer one for the same target, which says it better"
    assert store.outbox.retry([1]) == {1: why}
