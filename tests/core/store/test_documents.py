"""What the store holds comes back as it was, and what is no such document is said to be unreadable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.model.levels import Range
from checkmill.model.memory import LastGood, Memory, Seen
from checkmill.model.result import Identity, Perf, Result
from checkmill.model.state import State
from checkmill.store.documents import UNREADABLE, memory_from, memory_text, results_from, results_text, sealed, unsealed

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=())).filter(lambda text: len(text) < 40)
LABELS = st.dictionaries(TEXT, TEXT, max_size=3)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    start, end = sorted(draw(st.tuples(FINITE, FINITE)))
    ends = draw(st.sampled_from([(start, end), (float("-inf"), end), (start, float("inf")), (0.0, abs(end))]))
    return Range(*ends, inside=draw(st.booleans()))


NUMBERS = st.one_of(FINITE, st.integers())
PERF = st.builds(
    Perf,
    TEXT,
    NUMBERS,
    TEXT,
    st.none() | ranges(),
    st.none() | ranges(),
    st.none() | NUMBERS,
    st.none() | NUMBERS,
)
RESULTS = st.lists(
    st.builds(
        Result,
        check=TEXT,
        service=TEXT,
        state=st.sampled_from(State),
        output=TEXT,
        source=TEXT,
        metric=TEXT,
        host=TEXT,
        details=TEXT,
        perfdata=st.lists(PERF, max_size=2).map(tuple),
        labels=LABELS,
        tags=st.lists(TEXT, max_size=2).map(tuple),
        checked_at=FINITE,
        good_until=FINITE,
        failed=st.booleans(),
    ),
    max_size=3,
).map(tuple)
IDENTITIES = st.builds(Identity, TEXT, TEXT, LABELS.map(lambda labels: tuple(sorted(labels.items()))))
MEMORIES = st.builds(
    Memory,
    TEXT,
    st.dictionaries(IDENTITIES, st.builds(Seen, FINITE, LABELS, FINITE, st.none() | FINITE), max_size=3),
    st.dictionaries(IDENTITIES, st.builds(LastGood, st.sampled_from(State), FINITE), max_size=3),
)


@given(RESULTS)
def test_results_come_back_as_they_were(results: tuple[Result, ...]) -> None:
    text = results_text(results)
    assert text.isascii()
    assert results_from(text) == results


@given(MEMORIES)
def test_a_memory_comes_back_as_it_was(memory: Memory) -> None:
    text = memory_text(memory)
    assert text.isascii()
    assert memory_from(text) == memory


GOOD = json.loads(
    results_text((Result("c", "s", State.OK, "fine", perfdata=(Perf("cpu", 1.0),), labels={"host": "a"}),))
)[0]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "FINE"},
        {"output": None},
        {"service": 5},
        {"labels": ["host"]},
        {"labels": {"host": 5}},
        {"perfdata": [["cpu", 1]]},
        {"perfdata": [["cpu", "much", "", None, None, None, None]]},
        {"perfdata": [["cpu", 1, "", "20:10", None, None, None]]},
        {"checked_at": "today"},
        {"tags": [1]},
    ],
    ids=json.dumps,
)
def test_a_result_with_anything_wrong_is_unreadable(change: dict[str, Any]) -> None:
    assert results_from(json.dumps([GOOD]))
    with pytest.raises(UNREADABLE):
        results_from(json.dumps([{**GOOD, **change}]))


@pytest.mark.parametrize("text", ["", "{}x", "null", "5", '["c"]', "[[]]", "[{}]", "[" * 100_000])
def test_what_is_no_list_of_results_is_unreadable(text: str) -> None:
    with pytest.raises(UNREADABLE):
        results_from(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"selection": 5, "seen": [], "last_good": []}',
        '{"selection": "", "seen": [[["c", "s", []], 1, {}]], "last_good": []}',
        '{"selection": "", "seen": [[["c", "s", [["host"]]], 1, {}, 0, null]], "last_good": []}',
        '{"selection": "", "seen": [], "last_good": [[["c", "s", []], "FINE", 1]]}',
    ],
)
def test_what_is_no_memory_is_unreadable(text: str) -> None:
    with pytest.raises(UNREADABLE):
        memory_from(text)


@given(RESULTS, st.integers(0), st.integers(0, 6))
def test_a_bit_that_turned_over_is_noticed(results: tuple[Result, ...], place: int, bit: int) -> None:
    text = sealed(results_text(results))
    assert unsealed(text) == results_text(results)
    place %= len(text)
    damaged = text[:place] + chr(ord(text[place]) ^ 1 << bit) + text[place + 1 :]
    with pytest.raises(UNREADABLE):
        results_from(unsealed(damaged))


def test_what_an_earlier_checkmill_stored_bears_no_seal() -> None:
    assert results_from(unsealed(json.dumps([GOOD])))
