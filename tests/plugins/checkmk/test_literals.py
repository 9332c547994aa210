"""The text of an answer: what is a literal, what is refused before any parser sees it, and nothing else."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import ParseError, SourceError, TooLargeError
from checkmill_checkmk.literals import DEEPEST, MOST_VALUES, literal_from
from checkmill_checkmk.reading import Refused, read
from plugins.checkmk.documented import SEED, envelope, of_one

LITERALS = {
    "a dict": ("{'a': 1}", {"a": 1}),
    "tuple keys": (
        "{(('h', 's'), 'x', ('r', (0, 1)), 'weekly'): {}}",
        {(("h", "s"), "x", ("r", (0, 1)), "weekly"): {}},
    ),
    "a negative key": ("{-1: 2.5, 0: 1e-05}", {-1: 2.5, 0: 1e-05}),
    "unicode of Python 2": ("{u'Gr\\xf6\\xdfe': U\"x\"}", {"Größe": "x"}),
    "bytes of Python 2": ("{'Gr\\xc3\\xb6': 1}", {"GrÃ¶": 1}),
    "constants": ("[True, False, None]", [True, False, None]),
    "quotes in texts": ("""{'a': "it's", 'b': '"', 'c': 'it\\'s \\\\'}""", {"a": "it's", "b": '"', "c": "it's \\"}),
    "brackets in texts": ("{'a': '" + "([{" * 100 + "'}", {"a": "([{" * 100}),
    "a hash in a text": ("{'a': '# no comment'}", {"a": "# no comment"}),
    "a text in pieces": ("{'a': ('x '\n  'y')}", {"a": "x y"}),
    "an odd escape": ("{'a': '\\d'}", {"a": "\\d"}),
    "blanks around": ("\n {'a': 1}\n ", {"a": 1}),
    "trailing commas": ("{'a': (1,), 'b': [1, 2,],}", {"a": (1,), "b": [1, 2]}),
    "JSON": ('{"a": [true, false, null, -1.5e3], "\\u00e9": {}}', {"a": [True, False, None, -1500.0], "é": {}}),
    "JSON with pairs of surrogates": ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
    "nothing": ("{}", {}),
    "as deep as may be": ("[" * DEEPEST + "]" * DEEPEST, None),
    "three quotes": ("{'a': '''x'''}", {"a": "x"}),
    "double quotes in Python": ("""{"it's": (1, '"'), "\\x41": .5}""", {"it's": (1, '"'), "A": 0.5}),
    "an infinity": ("{'a': 1e999}", {"a": math.inf}),
}


@pytest.mark.parametrize("name", LITERALS)
def test_a_literal_is_read(name: str) -> None:
    text, value = LITERALS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = literal_from(text)
    assert value is None or found == value


REFUSED = {
    "a call": ("{'a': __import__('os').system('true')}", "breaks at character 7"),
    "a call alone": ("__import__('os')", "breaks at character 1"),
    "a name": ("{'a': nan}", "breaks at character 7"),
    "a long of Python 2": ("{'a': 123L}", "breaks at character 7"),
    "infinity by name": ("{'a': inf}", "breaks at character 7"),
    "hexadecimal": ("{'a': 0x10}", "breaks at character 7"),
    "underscores": ("{'a': 1_000}", "breaks at character 7"),
    "an attribute": ("{'a': 'b'.upper}", "breaks at character 10"),
    "an index": ("{'a': 'b'[0]}", "breaks at character 10"),
    "a sum": ("{'a': 1+1}", "breaks at character 8"),
    "a difference": ("{'a': 1 -1}", "breaks at character 9"),
    "many signs": ("{'a': " + "-" * 100_000 + "1}", "breaks at character 7"),
    "many indexes": ("{'a': x" + "[0]" * 100_000, "breaks at character 7"),
    "a comment": ("{'a': 1} # x", "breaks at character 10"),
    "a formatted text": ("{'a': f'{1}'}", "breaks at character 7"),
    "bytes": ("{'a': b'x'}", "breaks at character 7"),
    "a comprehension": ("[x for x in (1, 2)]", "breaks at character 2"),
    "a star": ("{**{}}", "breaks at character 2"),
    "two values": ("{'a': 1 'b'}", "breaks at character 9"),
    "words alone": ("{'a': TRUE}", "breaks at character 7"),
    "a line in a text": ("{'a': 'x\ny'}", "breaks at character 7"),
    "a NUL": ("{'a': \0}", "breaks at character 7"),
    "a backslash": ("{'a': \\\n1}", "breaks at character 7"),
    "an ellipsis": ("{'a': ...}", "breaks at character 7"),
    "a leading zero": ("{'a': 007}", "SyntaxError"),
    "no colon": ("{'a' 1}", "breaks at character 6"),
    "a text without end": ("{'a': 'x", "breaks off in the middle, after 8 characters"),
    "a text that ends in a backslash": ("{'a': 'x\\", "breaks off in the middle"),
    "a dict without end": ("{'a': {'b': 1}", "breaks off in the middle, after 14 characters"),
    "a bracket too many": ("{'a': 1}}", "SyntaxError"),
    "brackets that do not fit": ("{'a': [1)}", "SyntaxError"),
    "a list for a key": ("{[1]: 2}", "TypeError"),
    "a key twice": ("{'a': True, 'a': False}", "one key stands twice"),
    "a key twice in other words": ("{0: True, 0.0: False}", "one key stands twice"),
    "a tuple key twice": ("{('a', 1): 1, ('a', 1): 2}", "one key stands twice"),
    "a key twice, far inside": ("{'x': [({'a': 1, 'a': 2},)]}", "one key stands twice"),
    "a key twice in JSON": ('{"a": 1, "a": 2}', "one key stands twice"),
    "NaN in JSON": ('{"a": NaN}', "breaks at character 7"),
    "two JSON texts": ('{"a": 1} {"b": 2}', "breaks at character 10"),
    "too deep": ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nests deeper than 50 levels"),
    "deep without end": ("{'a':" * 100_000, "nests deeper than 50 levels"),
    "a huge number": ("{'a': " + "9" * 5000 + "}", "a number of 5000 digits"),
    "numbers that collide": ("{" + f"{(1 << 61) - 1}: 1" + "}", "a number of 19 digits"),
    "a long fraction": ("{'a': 0." + "9" * 100 + "}", "a number of 102 digits"),
    "nothing": ("", "SyntaxError"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_literal_is_refused_without_showing_it(name: str) -> None:
    text, says = REFUSED[name]
    with pytest.raises(ParseError) as caught:
        literal_from(text)
    assert says in str(caught.value)
    assert "import" not in str(caught.value)


def test_more_values_than_any_answer_has_are_refused() -> None:
    with pytest.raises(TooLargeError, match=f"more than {MOST_VALUES} values"):
        literal_from("[" + "(),0," * (MOST_VALUES // 2) + "]")


def test_the_documented_answer_is_read_as_it_stands() -> None:
    found = read("{'result_code': 0, 'result': " + SEED + "}")
    assert not isinstance(found, Refused)
    (agreement,) = found
    assert (agreement.site, agreement.host, agreement.service) == ("mysite", "myhost", "CPU load")
    assert [len(one.spans) for one in agreement.computations] == [2]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner).map(tuple)
        | st.dictionaries(
            st.text(max_size=8) | st.integers(-9, 9) | st.tuples(st.text(max_size=8), st.integers(-9, 9)), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=80)
@given(st.dictionaries(st.text(max_size=8), values))
def test_whatever_python_writes_is_read_back(value: Any) -> None:
    assert literal_from(repr(value)) == value


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=80)
@given(st.dictionaries(st.text(max_size=8), json_values), st.booleans())
def test_whatever_json_writes_is_read_back(value: Any, ascii_only: bool) -> None:
    assert literal_from(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(st.text(max_size=200))
@example("{" + "-" * 50 + "1}")
@example("(" * 49)
@example("u'\\N{DIGIT ONE}'")
@example("'\\x'")
@example("'\\N{no such thing}'")
@example("{'a':1,}}")
@example("\ufeff{}")
def test_any_text_gives_a_value_or_a_declared_error(text: str) -> None:
    _read_or_refuse(text)
    _read_or_refuse("{" + text + "}")


@settings(max_examples=300)
@given(st.data())
def test_a_mutated_answer_gives_agreements_or_a_declared_error(data: st.DataObject) -> None:
    text = envelope(of_one())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(text) - 1))
        length = data.draw(st.integers(0, 30))
        piece = data.draw(
            st.sampled_from(
                ["", "(", "{", "]", "'", '"', ",", ":", "-", "None", "True", "1e999", "{}", "[]", "()", "u'"]
            )
            | st.text(max_size=4)
        )
        text = text[:position] + piece + text[position + length :]
        if not text:
            break
    _read_or_refuse(text)


def _read_or_refuse(text: str) -> None:
    """Read a text; anything but a value or a `SourceError` fails the test, warnings included."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = read(text)
        except SourceError:
            return
    assert isinstance(found, tuple | Refused)
