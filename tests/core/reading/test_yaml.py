"""What is written in a rule file has the meaning of YAML 1.2, with the place of each value; no file can do harm."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from checkmill.model.problem import Place
from checkmill.steps.reading.composing import DEEPEST, parse
from checkmill.steps.reading.nodes import Map, Node, data_of


def _parsed(text: str) -> tuple[Any, list[str]]:
    root, problems = parse(text, "f")
    return None if root is None else data_of(root), [str(problem) for problem in problems]


def _node(text: str, *keys: str) -> Node:
    node, _ = parse(text, "f")
    for key in keys:
        assert isinstance(node, Map)
        node = node.entries[key].value
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2026-01-31", "2026-01-31"),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("+12", 12),
        ("-0", 0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", -math.inf),
        (".inf", math.inf),
        ("~", None),
        ("null", None),
        ("", None),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("'12'", "12"),
        ('"\\u0041"', "A"),
        ("! 12", "12"),
        ("!!str 12", "12"),
        ("!!int 12", 12),
        ("!!float 12", 12),
        ("[a, 1]", ["a", 1]),
        ("{a: 1, ~: 2, 3: x}", {"a": 1, "~": 2, "3": "x"}),
        ("|\n a\n b\n", "a\nb\n"),
        ("9" * 400, "9" * 400),
        ("0x" + "f" * 290, "0x" + "f" * 290),
        ("1e999", math.inf),
    ],
)
def test_value_has_the_meaning_of_yaml_1_2(written: str, meant: object) -> None:
    assert _parsed(f"a: {written}") == ({"a": meant}, [])


def test_nan_is_a_number() -> None:
    assert math.isnan(_parsed("a: .nan")[0]["a"])


def test_merge_key_gives_what_is_not_written() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 0}\n'<<': *x\n"
    assert _parsed(text)[0] == {"x": {"a": 1, "b": 2}, "y": {"b": 3, "c": 4}, "z": {"a": 0, "b": 2, "c": 4}} | {
        "<<": {"a": 1, "b": 2}
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: {x: 1, x: 2}\n", "f:2:11: b.x: the key 'x' stands twice, first in line 2; remove one of the two"),
        ("a: {<<: 5}", "f:1:9: a.<<: '<<' merges maps, found 5; write '<<: *name' for a map that '&name' names"),
        ("? [a]\n: b", "f:1:3: a key is text, found a list of 1; put it in quotes if it begins with [ or {"),
        ("a: &x [*x]", "f:1:8: a[0]: the alias stands for a value that contains it; write the value out"),
        ("a: &x {<<: *x}", "f:1:12: a.<<: the alias stands for a value that contains it; write the value out"),
        ("a: *x", "f:1:4: a: '*' refers to a value that no '&' named before; put the value in quotes"),
        ("a: !x y", "f:1:4: a: a tag ('!...') means nothing here; put the value in quotes"),
        ("a: !!int x", "f:1:4: a: a tag ('!...') means nothing here; put the value in quotes"),
        ("a: !!bool 1", "f:1:4: a: a tag ('!...') means nothing here; put the value in quotes"),
        ("a: !!set {x}", "f:1:4: a: a tag ('!...') means nothing here; put the value in quotes"),
    ],
)
def test_one_wrong_value_is_told_and_the_file_is_read(text: str, said: str) -> None:
    data, problems = _parsed(text)
    assert problems == [said]
    assert isinstance(data, dict)


def test_flaw_is_known_to_all_that_holds_it_and_to_nothing_else() -> None:
    text = "x: &x {a: 1, a: 2}\ny: [*x]\nz: {<<: *x}\nw: {a: 1}\n"
    flawed = {key: bool(_node(text, key).flaws) for key in "xyzw"}
    assert flawed == {"x": True, "y": True, "z": True, "w": False}
    assert len(_parsed(text)[1]) == 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1\nb: 2\n", Place("f", 1, 4)),
        ("a:\n\t- b\n", Place("f", 2, 1)),
        ("가나: 다: x\n", Place("f", 1, 6)),
        ("a: @b\n", Place("f", 1, 4)),
        ('a: "\\d"\n', Place("f", 1, 5)),
        ("가나\n다: \x01\n", Place("f", 2, 4)),
        ("a: \0\n", Place("f", 1, 4)),
        ("a: 1\n--- \nb: 1\n", Place("f", 2, 1)),
        ("%FOO\n---\na: b\n", Place("f", 1, 5)),
    ],
    ids=["open list", "tab", "colon", "at", "escape", "control", "NUL", "second document", "directive"],
)
def test_file_that_is_no_yaml_says_where_it_breaks(text: str, place: Place) -> None:
    root, problems = parse(text, "f")
    assert root is None
    assert [problem.place for problem in problems] == [place]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_place_counts_characters_from_one(line_end: str) -> None:
    text = line_end.join(["# 가", "가나:", "  - 'x'", "  - {다라: y}", ""])
    assert str(_node(text, "가나").place) == "f:3:3"
    items = getattr(_node(text, "가나"), "items")  # noqa: B009 - a node of any kind
    assert str(items[1].entries["다라"].value.place) == "f:4:10"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_ends_with_a_problem_and_not_with_the_stack(opening: str) -> None:
    root, problems = parse(opening * 100_000, "f")
    assert root is None
    assert [problem.sentence for problem in problems] == [f"the file nests deeper than {DEEPEST} levels"]


def _aliases(levels: int, form: Callable[[str], str]) -> str:
    lines = ["x0: &x0 [1]"]
    lines += [f"x{level}: &x{level} {form(f'*x{level - 1}')}" for level in range(1, levels)]
    return "\n".join(lines)


def test_alias_bomb_ends_with_a_problem() -> None:
    root, problems = parse(_aliases(12, lambda alias: f"[{', '.join([alias] * 10)}]"), "f")
    assert root is None
    assert [problem.sentence for problem in problems] == ["the file unfolds to more than 1000000 values"]


def test_aliases_count_for_the_depth() -> None:
    root, problems = parse(_aliases(DEEPEST + 5, lambda alias: f"[{alias}]"), "f")
    assert root is None
    assert [problem.sentence for problem in problems] == [f"the file nests deeper than {DEEPEST} levels"]


@pytest.mark.parametrize("text", ["", "# only\n# comments\n", "---\n", "~\n"])
def test_file_with_nothing_in_it_is_no_problem(text: str) -> None:
    assert _parsed(text) == (None, [])
