"""The parts of an explanation: why samples are left out, levels in words, lines of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.cli.levelwords import levels_text, limit_text, value_text
from checkmill.cli.paragraphs import WIDTH, Paragraphs, width_of
from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.sample import Sample
from checkmill.model.secret import Secret
from checkmill.model.state import State
from checkmill.steps.explaining import sample_facts
from checkmill.steps.explaining.settings import shown
from checkmill.steps.judging.entities import candidate
from support.rules import rule, selection

WORDS = Levels(states={"up": State.OK, "slow": State.WARNING, "down": State.CRITICAL, "*": State.UNKNOWN})


@pytest.mark.parametrize(
    ("levels", "unit", "words"),
    [
        (None, "%", "no value is bad"),
        (Levels(above=Limits(80.0, 90.0)), "%", "warn above 80%, crit above 90%"),
        (Levels(above=Limits(None, 0.0)), "", "crit above 0"),
        (Levels(below=Limits(-5.0, -10.0)), "", "warn below -5, crit below -10"),
        (Levels(below=Limits(None, 20 * 2.0**30)), "B", "crit below 20 GiB"),
        (Levels(above=Limits(300.0, None)), "s", "warn above 5m"),
        (
            Levels(above=Limits(None, 90.0), below=Limits(10.0, None)),
            "%",
            "crit above 90%, warn below 10%",
        ),
        (Levels(range=Limits(Range(10, 20), Range(0, math.inf))), "%", "warn outside 10% to 20%, crit below 0%"),
        (Levels(range=Limits(None, Range(1, 2, inside=True))), "", "crit inside 1 to 2"),
        (WORDS, "", "ok: up; warn: slow; crit: down; unknown: *"),
    ],
)
def test_levels_are_told_in_words(levels: Levels | None, unit: str, words: str) -> None:
    assert levels_text(levels, unit) == words


@pytest.mark.parametrize(
    ("value", "limit", "unit", "words"),
    [
        (0, None, "%", "0%"),
        (-1.5, None, "", "-1.5"),
        (90.001, 90.0, "%", "90.001%"),
        (90.0, 90.0, "%", "90%"),
        ("down", "down", "", "down"),
        (math.inf, None, "", "inf"),
        (True, None, "", "True"),
    ],
)
def test_a_value_is_as_exact_as_its_limit_asks_for(value: object, limit: object, unit: str, words: str) -> None:
    assert value_text(value, limit, unit) == words


@pytest.mark.parametrize(
    ("limit", "words"), [(0.0, "0%"), (90, "90%"), ("10:20", "outside 10% to 20%"), ("down", "down")]
)
def test_a_limit_is_told_as_what_it_forbids(limit: object, words: str) -> None:
    assert limit_text(limit, "%") == words


LABELS = [{"host": "web-1", "room": "n"}, {"host": "db-1", "room": "n"}, {"host": "db-2", "room": "s"}]
LINES = {"where": [7], "except": [8, 9]}


@pytest.mark.parametrize(
    ("where", "exclude", "reasons"),
    [
        ([], [], []),
        ([{"host": "web-*"}], [], [("where", "{host: web-*}", 7, 2)]),
        # Of several labels, the one that does not match is the news.
        (
            [{"host": "db-*", "room": "s"}],
            [],
            [("where", "{host: db-*}", 7, 1), ("where", "{room: s}", 7, 1)],
        ),
        ([{"host": "web-1"}, {"room": "s"}], [], [("where", "{host: web-1} or {room: s}", 7, 1)]),
        ([{"rack": "1"}], [], [("where", "{rack: 1}", 7, 3)]),
        ([], [{"room": "n"}], [("except", "{room: n}", 8, 2)]),
        ([], [{"host": "x"}, {"host": "/db-./"}], [("except", "{host: /db-./}", 9, 2)]),
        # What both leave out, `where` left out first.
        ([{"host": "db-*"}], [{"host": "web-1"}], [("where", "{host: db-*}", 7, 1)]),
    ],
    ids=["all", "where", "where-both", "where-either", "where-no-label", "except", "except-second", "where-and-except"],
)
def test_each_sample_that_is_left_out_has_its_reason(
    where: list[Mapping[str, str]], exclude: list[Mapping[str, str]], reasons: list[tuple[str, str, int, int]]
) -> None:
    one = rule(where=selection(*where) if where else None, exclude=selection(*exclude) if exclude else None)
    offered = [candidate(Sample(0.0, **labels)) for labels in LABELS]

    facts = sample_facts(one, offered, LINES)

    assert [(its.key, its.pattern, its.line, its.count) for its in facts.excluded] == reasons
    assert (facts.came, facts.selected) == (3, 3 - sum(count for *_, count in reasons))


def test_no_samples_have_no_reasons() -> None:
    facts = sample_facts(rule(), [], {})

    assert (facts.came, facts.selected, facts.excluded, facts.missing) == (0, 0, (), ())


def test_samples_without_value_are_told_by_their_reason() -> None:
    offered = [
        candidate(Sample.missing("HTTP 401", host="web-1")),
        candidate(Sample.missing("HTTP 401", host="web-2")),
        candidate(Sample.missing("null came", host="web-3")),
        candidate(Sample(0.0, host="web-4")),
    ]

    facts = sample_facts(rule(), offered, {})

    assert facts.selected == 1
    assert [(one.reason, one.count, list(one.examples)) for one in facts.missing] == [
        ("HTTP 401", 2, [{"host": "web-1"}, {"host": "web-2"}]),
        ("null came", 1, [{"host": "web-3"}]),
    ]


@pytest.mark.parametrize(
    ("value", "is_shown"),
    [
        (Secret("a-secret"), "***"),
        ("http://me:word@host/path", "http://host/path"),
        ("with a-secret inside", "with *** inside"),
        ((Secret("a-secret"), 1), ["***", 1]),
        ({"key": Secret("a-secret")}, {"key": "***"}),
        (0, 0),
        (False, False),
        (None, None),
    ],
    ids=["secret", "login in an address", "inside a text", "in a list", "in a map", "zero", "no", "nothing"],
)
def test_settings_are_shown_without_secrets(value: object, is_shown: object) -> None:
    known = Secret("a-secret")

    assert shown(value) == is_shown
    assert known.reveal() not in str(shown(value))


@given(st.text(), st.integers(0, 20))
def test_lines_are_no_longer_than_a_terminal_is_wide(text: str, indent: int) -> None:
    paragraphs = Paragraphs(whole=False)
    paragraphs.line(text, indent=indent)
    paragraphs.field("name", text, indent=indent)
    lines = str(paragraphs).splitlines()

    assert [line for line in lines if not line.isprintable() or line != line.rstrip()] == []
    assert [line for line in lines if width_of(line) > WIDTH and len(line.removeprefix("name").split()) > 2] == []


@given(st.lists(st.text("abc가", min_size=1, max_size=30), min_size=1))
def test_wrapping_loses_no_word(words: list[str]) -> None:
    paragraphs = Paragraphs(whole=True)
    paragraphs.line(" ".join(words))

    assert str(paragraphs).split() == words


@pytest.mark.parametrize(
    ("number", "whole", "lines"),
    [
        (0, False, []),
        (2, False, ["  0", "  1"]),
        (3, False, ["  0", "  1", "  ... and 1 more"]),
        (3, True, ["  0", "  1", "  2"]),
    ],
    ids=["none", "as many as may", "one more", "the whole"],
)
def test_a_list_is_cut_and_says_so(number: int, whole: bool, lines: list[str]) -> None:
    paragraphs = Paragraphs(whole=whole)
    paragraphs.items(list(map(str, range(number))), 2)

    assert str(paragraphs).splitlines() == lines
