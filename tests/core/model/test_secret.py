"""A secret prints as stars, however it is asked, and is found in text however it was quoted."""

import copy
import json
import pickle
from urllib.parse import quote

import pytest

from checkmill.model.secret import Secret, redact


@pytest.mark.parametrize(
    "text",
    [
        str(Secret("hush-1")),
        repr(Secret("hush-1")),
        f"{Secret('hush-1')}",
        f"{Secret('hush-1'):>8}",
        repr([Secret("hush-1")]),
    ],
)
def test_secret_prints_as_stars(text: str) -> None:
    assert "***" in text
    assert "hush" not in text


def test_secret_compares_and_is_true_by_its_value() -> None:
    assert Secret("hush-1") == Secret("hush-1") != Secret("hush-2")
    assert len({Secret("hush-1"), Secret("hush-1")}) == 1
    assert (bool(Secret("")), bool(Secret("x"))) == (False, True)
    assert Secret("hush-1").reveal() == "hush-1"


@pytest.mark.parametrize("keep", [pickle.dumps, copy.deepcopy])
def test_secret_cannot_be_written_down(keep: object) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        keep(Secret("hush-1"))  # type: ignore[operator] # either function


@pytest.mark.parametrize("spell", [str, lambda value: quote(value, safe=""), json.dumps, repr])
def test_secret_is_found_in_text_however_it_was_quoted(spell: object) -> None:
    value = 'a/b "c" \u00e9\\+&'
    Secret(value)
    assert redact(f"x {spell(value)} y").strip("x y\"'") == "***"  # type: ignore[operator] # any of the functions


@pytest.mark.parametrize("spell", [str, json.dumps, repr, lambda text: json.dumps(text, ensure_ascii=False)])
def test_a_secret_whose_utf_8_was_read_as_latin_1_is_found(spell: object) -> None:
    Secret("비밀 \u00e9\u00fc 길")
    garbled = "비밀 \u00e9\u00fc 길".encode().decode("latin-1")
    assert redact(f"x {spell(garbled)} y").strip("x y\"'") == "***"  # type: ignore[operator] # any of the functions


@pytest.mark.parametrize("spell", [str.upper, str.lower, str.swapcase, lambda value: quote(value, safe="").lower()])
def test_a_long_secret_is_found_in_any_case(spell: object) -> None:
    Secret("81713f1cc96b/AE834F7535ec")
    assert redact(f"key {spell('81713f1cc96b/AE834F7535ec')}, and more") == "key ***, and more"  # type: ignore[operator]


def test_a_short_secret_is_found_as_it_is_and_words_like_it_stay() -> None:
    Secret("change")
    assert redact("Change change CHANGE") == "Change *** CHANGE"


def test_a_secret_that_no_utf_8_can_carry_is_found() -> None:
    Secret("hush-\udcff-hush")
    assert redact("x hush-\udcff-hush y") == "x *** y"
