"""What libyaml says of a file that is no YAML, in an operator's words: what was typed, and what to type instead.

Each function in the table takes the spot of one of libyaml's messages and says what people have typed when it comes.
None means that it does not know, and libyaml's own words are used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from checkmill.model.problem import Place, Problem
from checkmill.steps.reading import layout, quoting
from checkmill.steps.reading.spots import Spot

_MERGE_MARK = re.compile(r"(<{7}|={7}|>{7})( |$)")


def problem_of(error: Any, text: str, file: str) -> Problem:
    """The problem of a file, of what libyaml says about it."""
    spot = Spot(text, file, error)
    said = str(error.problem or "")
    slip = _merge_mark(spot)
    for about, words in _WORDS:
        if slip is None and about in said:
            slip = words(spot, str(error.context or ""))
    if slip is not None:
        return slip
    context = f" ({error.context})" if error.context else ""
    sentence = f"the file cannot be read as YAML: {said or 'it is none'}{context}"
    place = Place(file) if error.problem_mark is None and error.context_mark is None else None
    return Problem(sentence, place) if place else spot.here(sentence, "put the value in quotes if it is text")


def unreadable_character(text: str, file: str) -> Problem:
    """The problem of a file with a character that YAML does not allow."""
    import yaml

    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return Problem("the file holds a character that YAML does not allow", Place(file), hint="remove it")
    line = text.count("\n", 0, found.start()) + 1
    column = found.start() - text.rfind("\n", 0, found.start())
    sentence = f"the character U+{ord(found[0]):04X} is not allowed in YAML"
    return Problem(sentence, Place(file, line, column), hint="remove it")


def _merge_mark(spot: Spot) -> Problem | None:
    for line in range(min(spot.line, len(spot.lines) - 1), -1, -1):
        if _MERGE_MARK.match(spot.at(line)):
            hint = "keep one version, without <<<<<<<, ======= and >>>>>>>"
            return spot.problem(line, 0, "a merge was not finished here", hint)
    return None


def _second_start(spot: Spot, _: str) -> Problem | None:
    above = spot.content_above(spot.line)
    if spot.at(above).startswith("..."):
        return spot.problem(above, 0, "'...' ends the file, and something follows", "remove the line")
    if spot.after[:1] in {"]", "}"}:
        return spot.here(f"this {spot.after[0]!r} closes nothing", "remove it")
    if spot.is_at_line_start and spot.key_of(spot.line):
        return spot.here("this line begins further left than the first key", "begin both in column 1")
    return spot.here("something follows the end of the document", "remove it, or put the value in quotes")


def _directive(spot: Spot, _: str) -> Problem:
    return spot.here("a line that begins with '%' is a directive of YAML", "remove the line")


#: Parts of libyaml's messages, and the function that knows what was typed.
_WORDS: tuple[tuple[str, Callable[[Spot, str], Problem | None]], ...] = (
    ("directive", _directive),
    ("incompatible YAML document", _directive),
    ("expected alphabetic or numeric character", quoting.alias_or_anchor),
    ("cannot start any token", quoting.no_token),
    ("tab character", quoting.tab),
    ("unknown escape character", quoting.escape),
    ("hexdecimal number", quoting.escape),
    ("invalid Unicode character escape", quoting.escape),
    ("comment or line break", quoting.block_text),
    ("unexpected end of stream", quoting.unclosed_quote),
    ("unexpected document indicator", quoting.unclosed_quote),
    ("unexpected ':'", quoting.colon_in_flow_value),
    ("mapping values are not allowed", layout.second_colon),
    ("could not find expected ':'", layout.no_colon),
    ("block sequence entries are not allowed", layout.list_in_line),
    ("mapping keys are not allowed", quoting.no_token),
    ("expected '-' indicator", layout.no_dash),
    ("expected key", layout.no_expected_key),
    ("expected ',' or", layout.not_separated),
    ("expected node content", layout.no_content),
    ("<document start>", _second_start),
    ("the expected '>'", quoting.tag),
    ("whitespace or line break", quoting.tag),
    ("undefined tag handle", quoting.tag),
)
