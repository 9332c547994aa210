"""Keys, dashes, commas and brackets that do not stand where YAML needs them."""

from __future__ import annotations

import re
from typing import Any

from checkmill.model.problem import Problem
from checkmill.steps.reading.lookalikes import in_line
from checkmill.steps.reading.quoting import behind_value, colon_in_value, must_be_quoted, reference, template
from checkmill.steps.reading.spots import Spot

_LONGEST_KEY = 1024
_TOO_LONG = (f"a key is longer than {_LONGEST_KEY} characters", "shorten it")
_SHALLOW_TEXT = "the text is not indented deeper than its key"
#: Longer lines are not repeated in a hint.
_LONGEST_SHOWN = 30
_DASH_WORD = re.compile(r" *-(?=[\w\"'])")
_GLUED = re.compile(r" *(?:- +)*(?P<key>[A-Za-z_][\w.-]*):(?=[^\s:/])")
_WORD = re.compile(r" *(?:- +)*(?P<key>[A-Za-z_][\w.-]*)(?= |$)")
_BLOCK_TEXT = re.compile(r"[|>][-+]?[0-9]?[-+]? *(?:#.*)?$")
_LAST_WORD = re.compile(r"(?P<word>[\w.-]+)[\"']? *$")


def second_colon(spot: Spot, _: str) -> Problem | None:
    """`mapping values are not allowed`: two keys in a line, or the line above is no key."""
    own = spot.key_of(spot.line)
    if own is not None and spot.before.count(":"):
        return colon_in_value(spot, own.name, len(spot.before) - len(spot.before.partition(":")[2].lstrip()))
    if spot.column > _LONGEST_KEY:
        return spot.here(*_TOO_LONG)
    above = spot.content_above(spot.line)
    if above < 0:
        return None
    slip = _no_key(spot, above)
    if slip is not None or own is None:
        return slip
    return _deeper(spot, above, own.column, own.name)


def _deeper(spot: Spot, above: int, column: int, name: str) -> Problem | None:
    beside = spot.key_of(above)
    if beside is None or column <= beside.column:
        return None
    hint = f"begin it in column {beside.column + 1} too"
    return spot.problem(spot.line, column, f"{name!r} is indented deeper than {beside}", hint)


def _no_key(spot: Spot, line: int) -> Problem | None:
    """What keeps a line from being a key and a value."""
    text = spot.at(line)
    lookalike = in_line(text)
    if lookalike:
        return spot.problem(line, lookalike.offset, lookalike.sentence, lookalike.hint)
    dash, glued, word = (one.match(text) for one in (_DASH_WORD, _GLUED, _WORD))
    if dash:
        rest = text[dash.end() :].rstrip()
        shown = rest if len(rest) < _LONGEST_SHOWN and spot.top_key(line) == "checks" else "..."
        return spot.problem(line, dash.end() - 1, "a blank is missing after the '-'", f"write - {shown}")
    if glued:
        key, value, after, hint = glued["key"], text[glued.end() :].strip(), "this ':'", "write ': '"
        if spot.may_be_told(key, line):
            shown = value if spot.is_open(key, line) and len(value) < _LONGEST_SHOWN else "..."
            after, hint = repr(f"{key}:"), f"write {key}: {shown}"
        return spot.problem(line, glued.end() - 1, f"a blank is missing after {after}", hint)
    if word and spot.key_of(line) is None:
        key, after, hint = word["key"], "this", "write 'key: value'"
        if spot.may_be_told(key, line):
            after, hint = repr(key), f"write {key}: ..."
        return spot.problem(line, word.end("key"), f"a ':' is missing after {after}", hint)
    return None


def no_colon(spot: Spot, _: str) -> Problem | None:
    """`could not find expected ':'`: the line where the key began is none."""
    if len(spot.at(spot.begin_line)) > _LONGEST_KEY:
        return spot.begun(*_TOO_LONG)
    above = spot.content_above(spot.begin_line)
    if _BLOCK_TEXT.search(spot.at(above)):
        return spot.begun(_SHALLOW_TEXT, f"indent it below line {above + 1}")
    slip = _no_key(spot, spot.begin_line)
    return slip or spot.begun("this line is no key with a value", "write 'key: value', or put the text in quotes")


def list_in_line(spot: Spot, _: str) -> Problem | None:
    """`block sequence entries are not allowed`: a list in the line of its key."""
    key = spot.key_before(spot.line, spot.column)
    if not key:
        return None
    return spot.here(f"a list cannot begin in the line of {key!r}", f"begin it in the next line, or write {key}: [...]")


def no_dash(spot: Spot, _: str) -> Problem | None:
    """`did not find expected '-' indicator`: what follows a list item is neither its key nor another item."""
    above = spot.content_above(spot.line)
    if _DASH_WORD.match(spot.at(spot.line)):
        return _no_key(spot, spot.line)
    if _BLOCK_TEXT.search(spot.at(above)):
        return spot.here(_SHALLOW_TEXT, f"indent it below line {above + 1}")
    if not spot.is_at_line_start:
        return behind_value(spot)
    own = spot.key_of(spot.line)
    first = None
    for key in spot.keys_above(spot.line):
        if key.column <= spot.begin_column:
            break
        first = key
    if own is None or first is None:
        return spot.here("this line belongs to no list item", "begin it with '- ', or indent it below the item")
    return spot.here(f"{own.name!r} is not indented like {first}", f"begin it in column {first.column + 1}")


def no_expected_key(spot: Spot, _: str) -> Problem | None:
    """`did not find expected key`: something behind a value, or a line that fits no indentation."""
    if not spot.is_at_line_start:
        return behind_value(spot)
    if spot.after.startswith("- "):
        return _stray_item(spot)
    own = spot.key_of(spot.line)
    if own is None:
        return _no_key(spot, spot.line)
    above = list(spot.keys_above(spot.line))
    deeper = [key for key in above if key.column > own.column]
    shallower = [key for key in above if key.column <= own.column]
    # The nearest column on either side is what was meant.
    columns = ", or ".join(f"{key.column + 1} as {key.name!r}" for key in (*deeper[-1:], *shallower[:1]))
    if not columns:
        return None
    return spot.here(f"{own.name!r} is indented like no key above it", f"begin it in column {columns}")


def _stray_item(spot: Spot) -> Problem:
    # What looks like a check belongs beside the others; a single word belongs below the key above.
    for above in range(spot.line - 1, -1, -1) if spot.key_of(spot.line) else ():
        column = len(spot.at(above)) - len(spot.at(above).lstrip(" "))
        if spot.at(above)[column:].startswith("- ") and column != spot.column:
            sentence = f"this list item is not indented like the one in line {above + 1}"
            return spot.here(sentence, f"begin it in column {column + 1}")
    return spot.here("a list item stands among keys", "indent it below the key of its list")


def not_separated(spot: Spot, _: str) -> Problem | None:
    """`did not find expected ',' or '}'`: a comma or the end is missing, or the value needed quotes."""
    opening = spot.at(spot.begin_line)[spot.begin_column : spot.begin_column + 1]
    closing = "}" if opening == "{" else "]"
    if spot.after.startswith("{") and spot.before.endswith("$"):
        return reference(spot, f"{opening}...{closing}")
    if spot.before.rstrip().endswith("}}") and "{{" in spot.before:
        return template(spot, spot.before.rfind("{{"))
    if spot.after[:1] in {"]", "}"} - {closing}:
        return spot.here(f"{opening!r} is closed with {spot.after[0]!r}", f"write {closing!r} for it")
    if spot.after.startswith(":") and spot.column - spot.begin_column > _LONGEST_KEY:
        return spot.here(*_TOO_LONG)
    if spot.line != spot.begin_line and not spot.at(spot.begin_line)[spot.begin_column + 1 :].strip() and spot.after:
        above = spot.content_above(spot.line)
        return spot.problem(above, len(spot.at(above).rstrip()), "a ',' is missing after this", "write it there")
    if spot.line != spot.begin_line:
        return _unclosed(spot, spot.begin_line, spot.begin_column)
    last = _LAST_WORD.search(spot.before) if spot.after.startswith(":") else None
    if last is None:
        return spot.here("a ',' is missing before this", "separate the values by ', ', or put the text in quotes")
    key = spot.key_before(spot.line, last.start())
    if key:
        return colon_in_value(spot, key, last.start())
    word = repr(last["word"]) if spot.may_be_told(last["word"], spot.line) else "this key"
    return spot.problem(spot.line, last.start(), f"a ',' is missing before {word}", "write ', ' between the two")


def _never_closed(spot: Spot) -> Problem | None:
    import yaml

    opened: list[Any] = []
    for token in spot.tokens_before():
        if isinstance(token, (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)):
            opened.append(token)
        elif isinstance(token, (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)) and opened:
            opened.pop()
    if not opened:
        return None
    mark = opened[-1].start_mark
    return _unclosed(spot, mark.line, mark.column)


def _unclosed(spot: Spot, line: int, column: int) -> Problem:
    opening = spot.at(line)[column : column + 1]
    hint = "write ']' at the end of the list" if opening == "[" else "write '}' at the end of the map"
    return spot.problem(line, column, f"this {opening!r} is never closed", hint)


def no_content(spot: Spot, context: str) -> Problem | None:
    """`did not find expected node content`: a dash or a comma with nothing where a value should be."""
    sign = spot.after[:1]
    if sign == "-":
        return spot.here("inside brackets a list has no '-'", "remove the '-', and separate the values by ', '")
    if "flow" in context and sign == ",":
        return spot.here("no value stands before this ','", "remove the ','")
    if not spot.after.strip() and "flow" in context:
        return _never_closed(spot)
    if sign in {"]", "}", ","}:
        return must_be_quoted(spot, spot.line, spot.column)
    return None
