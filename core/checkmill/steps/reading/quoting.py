"""Values that YAML reads as something else, or not at all, as they stand: most belong in quotes."""

from __future__ import annotations

import re

from checkmill.model.problem import Place, Problem
from checkmill.steps.reading.lookalikes import quote_in
from checkmill.steps.reading.spots import Spot

#: Keys that hold a map, which people write behind them in the same line.
_MAP_KEYS = {"above", "below", "where", "except", "states", "query", "as", "labels"}
_TEMPLATE = "a template must stand in quotes"


def must_be_quoted(spot: Spot, line: int, column: int) -> Problem:
    """A value begins with a character that means something else to YAML."""
    sign = spot.at(line)[column : column + 1]
    value = spot.value_at(line, column)
    key = spot.key_before(line, column)
    if spot.at(line)[column - 1 : column + 1] == "{%":
        key = spot.key_before(line, column - 1)
        return spot.problem(line, column - 1, _TEMPLATE, f"write {_pair(key, '{% ... %}')}")
    limit = re.fullmatch(r"[<>]=? *([0-9.]+[%\w]*)", value)
    if limit and key in {"above", "below", "warn", "crit"}:
        return spot.problem(line, column, f"a limit is written without {sign!r}", f"write {key}: {limit[1]}")
    if sign == "%" and re.fullmatch(r"%[0-9.]+", value) and spot.is_open(key, line):
        return spot.problem(line, column, "the '%' stands before the number", f"write {key}: {value[1:]}%")
    hint = f"write {spot.quoted_pair(line, column, f'{sign}...')}"
    return spot.problem(line, column, f"a value that begins with {sign!r} must stand in quotes", hint)


def alias_or_anchor(spot: Spot, context: str) -> Problem | None:
    """A `*` or `&` at the beginning of a value or key that names nothing."""
    if "directive" in context:
        return None
    line, column = spot.begin_line, spot.begin_column
    value = spot.value_at(line, column)
    if re.match(r"[*&][^:\s]*:( |$)", value):
        key = value.partition(":")[0] if spot.top_key(line) == "checks" else f"{value[0]}..."
        return spot.problem(line, column, f"a key that begins with {key[:1]!r} must stand in quotes", f"write '{key}':")
    return must_be_quoted(spot, line, column)


def no_token(spot: Spot, _: str) -> Problem | None:
    """A sign with which no value can begin."""
    if spot.after.startswith("\t"):
        return tab(spot, "")
    return must_be_quoted(spot, spot.line, spot.column)


def tab(spot: Spot, _: str) -> Problem:
    """A tab where only blanks may stand."""
    if spot.before.strip():
        return spot.here("a tab stands between the signs of this line", "type a blank instead")
    return spot.here("this line is indented with a tab", "indent it with blanks")


def escape(spot: Spot, _: str) -> Problem:
    """A backslash in double quotes that escapes nothing: a regular expression, or a path of Windows."""
    column = spot.column if spot.after.startswith("\\") else max(spot.before.rfind("\\"), 0)
    sentence = "in double quotes '\\' begins an escape, and this is none"
    return spot.problem(spot.line, column, sentence, "use single quotes")


def block_text(spot: Spot, _: str) -> Problem:
    """A `|` or `>` with the text behind it, instead of below."""
    return must_be_quoted(spot, spot.begin_line, spot.begin_column)


def tag(spot: Spot, _: str) -> Problem:
    """An `!` at the beginning of a value."""
    return must_be_quoted(spot, spot.begin_line, spot.begin_column)


def unclosed_quote(spot: Spot, _: str) -> Problem:
    """A quote that goes on to the end of the file."""
    sign = spot.at(spot.begin_line)[spot.begin_column : spot.begin_column + 1]
    return spot.begun("this quote is never closed", f"write {sign} at the end of the value")


def colon_in_flow_value(spot: Spot, _: str) -> Problem:
    """A colon at the end of a value in braces: `{warn: 10:}`."""
    line, column = spot.begin_line, spot.begin_column
    key = spot.key_before(line, column)
    value = spot.before[column:] + ":"
    shown = value if spot.is_open(key, line) else "...:"
    return spot.here("a value with a ':' at its end must stand in quotes", f"write {_pair(key, shown)}")


def colon_in_value(spot: Spot, key: str, value_column: int) -> Problem:
    """A second colon in a line, and where the value begins that holds it."""
    inner = spot.before[value_column:].strip()
    lookalike = quote_in(inner)
    if lookalike:
        return spot.problem(spot.line, value_column, lookalike.sentence, lookalike.hint)
    if (key in _MAP_KEYS or inner in {"warn", "crit"}) and re.fullmatch(r"[\w.-]+", inner):
        return spot.here(f"{key!r} is followed by another key in its line", f"write {key}: {{{inner}: ...}}")
    shown = spot.quoted_pair(spot.line, value_column, "...: ...").rstrip()
    return spot.here(f"the value of {key!r} holds a ':'", f"put the value in quotes: {shown}")


def behind_value(spot: Spot) -> Problem | None:
    """Something follows a value that had ended."""
    before = spot.before.rstrip()
    if spot.after[:1] in {"]", "}"}:
        return spot.here(f"this {spot.after[0]!r} closes nothing", "remove it, or put the value in quotes")
    if before.endswith("}}"):
        return template(spot, spot.before.find("{{"))
    if before.endswith(("'", '"')):
        return _behind_quote(spot, before[-1])
    star = re.search(r"[*&!][^\s]*$", before)
    if star:
        return must_be_quoted(spot, spot.line, star.start())
    return spot.here("something follows a value that has ended", "put the whole value in quotes")


def _behind_quote(spot: Spot, sign: str) -> Problem:
    quotes = [token for token in spot.tokens_before() if getattr(token, "plain", True) is False]
    if quotes and quotes[-1].start_mark.line < spot.line:
        opened = quotes[-1].start_mark
        sentence = f"this quote is closed only in line {spot.line + 1}"
        return spot.problem(opened.line, opened.column, sentence, f"write {sign} at the end of the value")
    hint = "put the whole value in one pair of quotes"
    if spot.before[-1:] == sign and spot.after[:1].isalnum():
        hint = "inside '...' write '' for '" if sign == "'" else 'inside "..." write \\" for "'
    return spot.here("something follows the closing quote", hint)


def reference(spot: Spot, inside: str) -> Problem:
    """A `${NAME}` in braces, where YAML takes its own braces for a map."""
    begin = re.search(r"[^\s,:\[{]*\$$", spot.before)
    column = begin.start() if begin else spot.column - 1
    name = re.match(r"\{\w+\}", spot.after)
    shown = "${" + (name[0][1:] if name and spot.column - 1 == column else "...}")
    key = spot.key_before(spot.line, column)
    sentence = f"inside {inside} a reference must stand in quotes"
    return spot.problem(spot.line, column, sentence, f"write {_pair(key, shown)}")


def template(spot: Spot, column: int) -> Problem:
    """A `{{ ... }}` that YAML takes for a map in a map."""
    key = spot.key_before(spot.line, column)
    return spot.problem(spot.line, column, _TEMPLATE, f"write {_pair(key, '{{ ... }}')}")


def template_problem(place: Place, path: str) -> Problem:
    """The problem of a value that begins with `{{`: to YAML a map whose key is a map."""
    key = "" if path.endswith("]") else path.rpartition(".")[2]
    return Problem(_TEMPLATE, place, path, f"write {_pair(key, '{{ ... }}')}")


def _pair(key: str, value: str) -> str:
    return f"{key}: '{value}'" if key else f"'{value}'"
