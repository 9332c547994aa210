"""What the log of `run --every` keeps back: what the cycle before said too, and nothing else."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.cli.repeating import EVENT, MOST, Repeats


def record(message: str, *parts: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("checkmill.run", level, "", 0, message, parts, None)


def said(cycles: list[list[str]]) -> list[list[str]]:
    """What is written of messages in some cycles, and at the end of each what is over, in brackets."""
    repeats = Repeats()
    found = []
    for messages in cycles:
        written = [message for message in messages if repeats.filter(record(message))]
        found.append([*written, *(f"({message})" for message in repeats.cycle_over())])
    return found


@pytest.mark.parametrize(
    ("first", "second", "is_repeated"),
    [
        ("the disk is full", "the disk is full", True),
        ("the cycle took 61 s, longer than 60 s", "the cycle took 75 s, longer than 60 s", True),
        ("was not done after 8.01 s", "was not done after 8.2 s", True),
        ("1 of 3 (2 left)", "2 of 3 (1 left)", True),
        ("97% of it", "98% of it", True),
        ("web-1 is down", "web-2 is down", False),
        ("z.yaml:7:12: unknown key", "z.yaml:9:12: unknown key", False),
        ("HTTP500", "HTTP503", False),
        ("to 12962600-5c39: refused", "to 12962601-5c39: refused", False),
        ("is full", "is empty", False),
    ],
)
def test_numbers_that_stand_alone_make_no_other_message(first: str, second: str, is_repeated: bool) -> None:
    expected = [[first], []] if is_repeated else [[first], [second, f"({first})"]]

    assert said([[first], [second]]) == expected


def test_what_is_over_may_come_again() -> None:
    assert said([["a"], ["a"], [], [], ["a"], []]) == [["a"], [], ["(a)"], [], ["a"], ["(a)"]]


def test_two_messages_of_one_cycle_that_differ_by_a_number_are_both_written() -> None:
    assert said([["waited 3 s", "waited 4 s"], ["waited 5 s"]]) == [["waited 3 s", "waited 4 s"], []]


def test_a_cycle_that_was_broken_off_ends_nothing() -> None:
    repeats = Repeats()
    repeats.filter(record("a"))
    repeats.cycle_over()
    repeats.filter(record("b"))

    assert repeats.cycle_over(whole=False) == []
    assert [repeats.filter(record(message)) for message in ("a", "b")] == [False, False]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_what_is_no_problem_is_always_written(level: int) -> None:
    repeats = Repeats()

    for _ in range(3):
        assert repeats.filter(record("a", level=level))
        assert repeats.cycle_over() == []


def test_an_event_is_always_written_and_never_over() -> None:
    repeats = Repeats()
    event = record("the clock was set")
    vars(event).update(EVENT)

    for _ in range(3):
        assert repeats.filter(event)
        assert repeats.cycle_over() == []


def test_a_record_that_a_plugin_made_wrongly_is_left_to_logging() -> None:
    assert Repeats().filter(record("%d", "x"))


@given(st.lists(st.lists(st.text(max_size=6), max_size=6), max_size=6))
def test_each_message_that_is_written_ends_once_it_is_not_repeated(cycles: list[list[str]]) -> None:
    repeats = Repeats()
    alive: set[str] = set()

    for messages in [*cycles, []]:
        alive |= {message for message in messages if repeats.filter(record(message.replace("%", "")))}
        alive -= set(repeats.cycle_over())

    # Of messages that differ by numbers alone one stands for all.
    assert all(any(character.isdigit() for character in message) or "%" in message for message in alive)


def test_it_remembers_no_more_than_it_must() -> None:
    repeats = Repeats()

    for cycle in range(5):
        for number in range(MOST):
            assert repeats.filter(record(f"message-{cycle}-{number} is new"))
        repeats.cycle_over(whole=False)

    kept = [name for name, value in vars(repeats).items() if isinstance(value, dict) and len(value) > MOST]
    assert kept == []
