"""Reads the text of an answer: a Python literal as the Web API writes it, or JSON. Runs in a child process.

The text is looked through before any parser sees it: nothing but brackets, separators, texts, numbers and the names of
constants may stand in it, one after the other as in a literal, nested and many only to a limit. So there is nothing to
call, to index or to add up, and memory and time are bounded by the number of values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from checkmill.api.v1 import ParseError, TooLargeError

if TYPE_CHECKING:
    import ast

#: Answers of get_sla nest about twelve deep.
DEEPEST = 50
#: As many values may stand in one answer; a full one of 2 MiB has fewer. Each costs up to a kilobyte while it is read.
MOST_VALUES = 250_000

_TOKEN = re.compile(
    r"""
    (?P<blank> [ \t\r\n]++ )
  | (?P<open>  [\[({] )
  | (?P<close> [\])}] )
  | (?P<comma> [,:] )
  | (?P<text>  [uU]? (?: '(?:[^'\\\r\n]|\\.)*+' | "(?:[^"\\\r\n]|\\.)*+" ) )
  | (?P<value> (?: -?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+ | [A-Za-z]{4,5} ) (?![\w.]) )
    """,
    re.VERBOSE | re.DOTALL,
)
#: A text that was begun and never ended.
_UNENDED = re.compile(r"""[uU]?(?:'(?:[^'\\\r\n]|\\.)*+\\?|"(?:[^"\\\r\n]|\\.)*+\\?)\Z""", re.DOTALL)
#: No amount or time of an answer has more digits; numbers that have could be made to collide as keys.
_LONGEST_WHOLE, _LONGEST_NUMBER = 18, 60
_CONSTANTS = frozenset({"True", "False", "None", "true", "false", "null"})
_IS_JSON = re.compile(r'\{\s*"')


def literal_from(text: str) -> Any:
    """Give the value that a text stands for: dicts, lists, tuples, texts, numbers, booleans, None.

    Raises `ParseError` for what is no literal, broken off, too deep or ambiguous, `TooLargeError` for too many values.
    """
    text = text.strip()
    _refuse_odd(text)
    if _IS_JSON.match(text):
        # Python writes text in double quotes where a single one stands in it.
        with suppress(ValueError, MemoryError, RecursionError):
            return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unambiguous)
    return _python_from(text)


def _python_from(text: str) -> Any:
    # Imported in the child alone: a run whose answers are fresh parses nothing.
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            # Python remarks on odd escapes and odd constants; a vendor's text is no code of ours.
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval")
        for keys in _keys_in(tree.body):
            _refuse_twice([ast.literal_eval(key) for key in keys])
        return ast.literal_eval(tree)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ParseError(f"the answer is neither a Python literal nor JSON ({type(error).__name__})") from None


def _keys_in(body: ast.expr) -> Iterator[list[ast.expr]]:
    """The keys of every dictionary in a literal."""
    import ast

    pending: list[ast.expr | None] = [body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Dict):
            yield [key for key in node.keys if key is not None]
            pending += [*node.keys, *node.values]
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            pending += node.elts


def _refuse_odd(text: str) -> None:
    """Refuse what no literal looks like, by the kinds of its tokens alone."""
    depth = values = position = 0
    before = "comma"
    while position < len(text):
        token = _TOKEN.match(text, position)
        kind = token.lastgroup if token is not None else None
        if token is None or kind is None or (kind == "value" and not _is_constant(token[0])):
            raise _broken(text, position)
        position = token.end()
        if kind == "blank":
            continue
        if kind == "close":
            depth -= 1
        elif kind != "comma":
            # Values stand behind a bracket or a separator; a long text may be written in several pieces.
            if before not in {"open", "comma"} and not (kind == before == "text"):
                raise _broken(text, token.start())
            if kind == "value":
                _refuse_long(token[0])
            values += 1
            depth += kind == "open"
        if values > MOST_VALUES:
            raise TooLargeError(f"the answer holds more than {MOST_VALUES} values; ask for fewer with a smaller batch")
        if depth > DEEPEST:
            raise ParseError(f"the answer nests deeper than {DEEPEST} levels")
        before = kind
    if depth > 0:
        raise ParseError(f"the answer breaks off in the middle, after {len(text)} characters")


def _refuse_long(number: str) -> None:
    longest = _LONGEST_WHOLE if number.removeprefix("-").isdigit() else _LONGEST_NUMBER
    if len(number.removeprefix("-")) > longest:
        raise ParseError(f"the answer holds a number of {len(number)} digits, which no SLA has")


def _is_constant(word: str) -> bool:
    return not word[0].isalpha() or word in _CONSTANTS


def _broken(text: str, position: int) -> ParseError:
    if _UNENDED.match(text, position):
        return ParseError(f"the answer breaks off in the middle, after {len(text)} characters")
    # What stands there is not shown: it may be anything.
    return ParseError(f"the answer is no Python literal: it breaks at character {position + 1} of {len(text)}")


def _no_constant(name: str) -> None:
    raise ParseError(f"the answer holds {name}, which is no value")


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _refuse_twice([key for key, _ in pairs])
    return dict(pairs)


def _refuse_twice(keys: list[Any]) -> None:
    # Which of two values counts would be a guess, and one of them may well be the better one.
    if len(set(keys)) < len(keys):
        raise ParseError("one key stands twice in one dictionary of the answer")
