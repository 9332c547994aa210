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
