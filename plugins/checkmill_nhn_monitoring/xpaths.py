"""Reads XPath expressions for what decides how far a result can be trusted: names without prefix, and what is computed
with.

libxml2 gives a number, a text or yes/no for a path that finds nothing, and no word that it found nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = r"[^\W\d][\w.-]*"
_LITERAL = r"\"[^\"]*\"|'[^']*'"
#: What an expression is made of; the last is whatever else there is, each character alone.
_TOKEN = re.compile(
    rf"(?P<literal>{_LITERAL}|\d+(?:\.\d*)?|\.\d+)"
    rf"|(?P<variable>\$\s*{_NAME}(?::{_NAME})?)"
    rf"|(?P<node>(?:text|node|comment|processing-instruction)\s*\(\s*(?:{_LITERAL})?\s*\))"
    rf"|(?P<axis>{_NAME}\s*::)"
    rf"|(?P<call>{_NAME}(?::{_NAME})?)\s*\("
    rf"|(?P<qualified>{_NAME}:(?:{_NAME}|\*))"
    rf"|(?P<name>{_NAME})"
    r"|(?P<sign>!=|<=|>=|//|\.\.|\S)"
)
_COMPUTING = {"=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod"}
_ASKING = {"and", "or"}
#: After these, and at the beginning, `*` and `div` are the names of elements.
_BEFORE_NAMES = {"", "@", "(", "[", ",", "/", "//", "|", *_COMPUTING, *_ASKING}
#: Functions that tell the truth of a path that finds nothing.
_ABOUT_PRESENCE = {"count", "not", "boolean"}


@dataclass(frozen=True)
class _Token:
    """A token at its place; `kind` is a group of the pattern, or `operator`."""

    kind: str
    text: str
    start: int
    end: int


@dataclass
class _Piece:
    """What stands between two brackets, commas or operators of one level, in the brackets of `function` or of none."""

    text: str
    function: str
    is_computed: bool = False


def has_plain_names(expression: str) -> bool:
    """Whether an expression asks for elements by a name without prefix."""
    before = ""
    for token in _tokens(expression):
        if token.kind == "name" and before not in {"@", "attribute::"}:
            return True
        before = "".join(token.text.split())
    return False


def operands_in(expression: str) -> list[str]:
    """What an expression computes with: arguments of functions, and what operators stand beside.

    Left out is what is only asked whether it is there, by `count`, `not`, `boolean`, `and` and `or`, and all within
    predicates, which are about one node each.
    """
    found = [
        piece.text
        for piece in _pieces(expression)
        if piece.text and (piece.is_computed or (piece.function and piece.function not in _ABOUT_PRESENCE))
    ]
    return list(dict.fromkeys(found))


def _pieces(expression: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    #: Of each open bracket: the function that its content is an argument of, and whether it is the function's own.
    open_brackets: list[tuple[str, bool]] = []
    begin, predicates, is_computed = 0, 0, False
    follows_bracket = follows_group = False
    for token in _tokens(expression):
        predicates += (token.text == "[") - (token.text == "]")
        is_operator = token.kind == "operator"
        if predicates or not (is_operator or token.kind == "call" or token.text in {"(", ")", ","}):
            continue
        # What follows a bracket goes on with what stands in it, and is no path of its own.
        text = "" if follows_bracket else expression[begin : token.start].strip()
        computes = is_operator and token.text in _COMPUTING
        if follows_group:
            pieces[-1].is_computed |= computes
        function = open_brackets[-1][0] if open_brackets else ""
        pieces.append(_Piece(text, function, is_computed or computes))
        begin, follows_bracket, follows_group = token.end, token.text == ")", False
        if token.kind == "call":
            open_brackets.append((token.text, True))
            is_computed = False
        elif token.text == "(":
            open_brackets.append((function, False))
        else:
            is_computed = computes
            if token.text == ")" and open_brackets:
                follows_group = not open_brackets.pop()[1]
    if not follows_bracket:
        pieces.append(_Piece(expression[begin:].strip(), "", is_computed))
    return pieces


def _tokens(expression: str) -> Iterator[_Token]:
    before = ""
    for match in _TOKEN.finditer(expression):
        kind = match.lastgroup or ""
        text = match[kind]
        words = _COMPUTING | _ASKING
        if text in words and kind in {"name", "sign"} and not (before in _BEFORE_NAMES or before.endswith("::")):
            kind = "operator"
        yield _Token(kind, text, match.start(), match.end())
        # A name that is called like an operator is none.
        is_name = kind == "name" or (text == "*" and kind == "sign")
        before = "(" if kind == "call" else "a name" if is_name else text
