"""What commands show: reads back as it was, holds no secret, moves no terminal."""

from __future__ import annotations

import json
from enum import Enum, IntEnum
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from checkmill.cli.presenting import UnshowableError, is_table, json_text, plain_data, shown_data, yaml_text
from checkmill.model.secret import Secret
from checkmill.steps.reading.composing import parse
from checkmill.steps.reading.nodes import data_of

ODD = "a b\n'\"#:-{}[]|>&*!%@`,?~0123456789.e_\t가“\uff1a\u3000\u202e\u00a0\x1b\x85\u2028\ud800"
TEXTS = (
    st.text(max_size=30)
    | st.text(alphabet=ODD.replace("\ud800", ""), max_size=12)
    | st.sampled_from(
        [
            "no",
            "12:30",
            "0o17",
            "017",
            "1e3",
            "~",
            "null",
            "<<",
            "=",
            "2026-01-01",
            "0x1F",
            ".nan",
            "1_000",
            "- a",
            "k: v",
        ]
    )
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(DATA)
def test_yaml_reads_back_as_it_was_for_everybody(data: Any) -> None:
    text = yaml_text(data)

    root, problems = parse(text, "it.yaml")
    assert yaml.safe_load(text) == data
    assert problems == []
    assert root is not None
    assert data_of(root) == data


@given(DATA)
def test_json_reads_back_as_it_was(data: Any) -> None:
    assert json.loads(json_text(data)) == data


@given(DATA)
def test_nothing_that_is_shown_moves_a_terminal(data: Any) -> None:
    rows = [{"name": data, "other": data}] * 2
    for text in (yaml_text(data), json_text(data), shown_data(rows, "table")):
        assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("form", ["table", "yaml", "json"])
def test_half_a_character_is_shown_as_an_escape(form: str) -> None:
    assert "\\" in shown_data([{"a": "x\ud800y"}], form)


def test_texts_of_several_lines_are_blocks() -> None:
    assert yaml_text({"body": "one\n  two\n", "note": "서버: 1", "list": ["a", {"b": 1}]}) == (
        "body: |\n  one\n    two\nnote: '서버: 1'\nlist:\n  - a\n  - b: 1\n"
    )


def test_a_secret_is_stars_wherever_it_stands() -> None:
    secret = Secret("very-secret-4711")
    Secret("123456789")
    data = {"a": secret, "b": ["x very-secret-4711 y"], "very-secret-4711": 123456789, "n": 123456789.0, "k": 5}

    plain = plain_data(data)

    assert plain == {"a": "***", "b": ["x *** y"], "***": "***", "n": "***.0", "k": 5}


class Color(str, Enum):  # noqa: UP042 - one whose str() is not its value
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (Color.RED, "red"),
        (Level.HIGH, 3),
        ((1, 2), [1, 2]),
        (float("nan"), None),
        (float("inf"), None),
        ({True: None}, {"True": None}),
        ({1: "a", 2.5: "b"}, {"1": "a", "2.5": "b"}),
    ],
    ids=str,
)
def test_what_plugins_give_becomes_plain(data: Any, plain: Any) -> None:
    assert plain_data(data) == plain
    assert type(plain_data(data)) is type(plain)
    assert yaml.safe_load(yaml_text(plain_data(data))) == plain


def _endless() -> list[Any]:
    data: list[Any] = []
    data.append(data)
    return data


@pytest.mark.parametrize(
    "data",
    [object(), {1, 2}, b"x", bytearray(b"x"), [len], _endless(), iter([1]), 1j],
    ids=lambda data: type(data).__name__,
)
def test_what_is_no_plain_data_is_refused(data: Any) -> None:
    with pytest.raises(UnshowableError):
        plain_data({"it": data})


@pytest.mark.parametrize(
    ("data", "table"),
    [
        ([{"a": 1}, {"a": None}], True),
        ([{"a": [1, "x"]}], True),
        ([{"a": 1}, {"b": 1}], False),
        ([{"a": 1, "b": 2}, {"b": 1, "a": 2}], False),
        ([{"a": {"b": 1}}], False),
        ([{"a": [{}]}], False),
        ([{}], False),
        ([], False),
        ([1], False),
        ({"a": 1}, False),
        ("a", False),
        (None, False),
    ],
    ids=str,
)
def test_a_table_is_a_list_of_flat_rows_with_the_same_keys(data: Any, table: bool) -> None:
    assert is_table(data) is table


def test_cells_are_on_one_line_and_say_what_is_absent() -> None:
    rows = [
        {"full_name": "a\nb", "n": 1.5, "ok": True, "tags": ["x", None, 2.0]},
        {"full_name": None, "n": 20.0, "ok": False, "tags": []},
        {"full_name": "서버", "n": 0, "ok": None, "tags": ["\x1b[0m"]},
    ]

    assert shown_data(rows, "table") == (
        "FULL NAME  N    OK   TAGS\n"
        "a b        1.5  yes  x, -, 2\n"
        "-          20   no   -\n"
        "서버       0    -    \\x1b[0m\n"
    )
