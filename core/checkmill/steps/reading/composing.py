"""Reads the text of one rule file into nodes: libyaml's events, with the meaning of YAML 1.2.

So `no` and `12:30` are text, `0o17` is a number and `017` is seventeen. Anchors, aliases and merge keys (`<<`) are
resolved here, so that the rest sees plain maps. What is wrong with one value is a flaw of it and of all that holds it:
the values beside it can be used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from checkmill.model.problem import Place, Problem
from checkmill.steps.reading.lookalikes import Lookalike, in_glued_key, in_key, in_value
from checkmill.steps.reading.nodes import Entry, Map, Node, Scalar, Sequence, quoted, shown
from checkmill.steps.reading.quoting import template_problem
from checkmill.steps.reading.slips import problem_of, unreadable_character
from checkmill.steps.reading.spots import lines_of

if TYPE_CHECKING:
    import yaml

#: How deep a rule file may nest, and how many values its aliases may unfold to.
DEEPEST = 50
MOST_VALUES = 1_000_000
#: A number with more digits is kept as the text it is: nothing here counts so far.
MOST_DIGITS = 300

_TAG = "tag:yaml.org,2002:"
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")
#: What a plain value of another meaning than text can begin with.
_BEGINNINGS = frozenset("~nNtTfF-+.0123456789")
#: The explicit tags that mean something, and what a value must be to bear one.
_SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    f"{_TAG}null": (type(None),),
    f"{_TAG}bool": (bool,),
    f"{_TAG}int": (int,),
    f"{_TAG}float": (float, int),
}


def parse(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Read the text of one file. A file that is no YAML gives no node and says where it breaks."""
    roots, problems = _roots(text, file, several=False)
    return (roots[0] if roots else None), problems


def parse_documents(text: str, file: str) -> tuple[list[Node], list[Problem]]:
    """Read the text of a file that may hold several documents, which `---` parts."""
    return _roots(text, file, several=True)


def _roots(text: str, file: str, *, several: bool) -> tuple[list[Node], list[Problem]]:
    # PyYAML is imported only when rules are read from their files.
    import yaml

    try:
        roots = _Composer(text, file, several=several).roots(_events(text))
    except yaml.reader.ReaderError:
        return [], [unreadable_character(text, file)]
    except yaml.MarkedYAMLError as error:
        return [], [problem_of(error, text, file)]
    except _StopError as stop:
        return [], [stop.problem]
    return roots, list(dict.fromkeys(flaw for root in roots for flaw in root.flaws))


class _StopError(Exception):
    """The file means nothing that a rule file can mean."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _events(text: str) -> Iterator[Any]:
    import yaml

    events: Iterator[Any] = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return events


@dataclass(slots=True)
class _Done:
    """A node, how many values it unfolds to, and how deep it nests."""

    node: Node
    values: int = 1
    height: int = 0


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not been read yet."""

    place: Place
    path: str
    is_map: bool
    is_flow: bool
    anchor: str | None
    values: int = 1
    height: int = 0
    flaws: list[Problem] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    own: dict[str, Entry] = field(default_factory=dict)
    merged: dict[str, Entry] = field(default_factory=dict)
    #: The key that waits for its value, with whether it is `<<`; None where a key comes next.
    key: tuple[str | None, Place, bool] | None = None
    #: What is wrong with the whole of it, so that it has no value at all.
    void: Problem | None = None

    def inner_path(self) -> str:
        """The path of what comes next."""
        if not self.is_map:
            return f"{self.path}[{len(self.items)}]"
        key = self.key[0] if self.key is not None else None
        if key is None:
            return self.path
        return f"{self.path}.{key}" if self.path else key


class _Composer:
    """Builds nodes from events, without recursion, so that no file can exhaust the stack."""

    def __init__(self, text: str, file: str, *, several: bool) -> None:
        self._text = text
        self._file = file
        self._several = several
        self._lines: list[str] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Done | None] = {}
        self._roots: list[Node] = []

    def roots(self, events: Iterator[Any]) -> list[Node]:
        """The documents, of which there is one at most unless there may be several."""
        import yaml

        documents = 0
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._add(self._scalar(event), event)
            elif isinstance(event, yaml.AliasEvent):
                self._add(self._alias(event), event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event, is_map=isinstance(event, yaml.MappingStartEvent))
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end()
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                # No name is known beyond the document that gives it.
                self._anchors.clear()
                if documents > 1 and not self._several:
                    hint = "remove the '---', or make it a file of its own"
                    self._stop("a second YAML document begins here", self._at(event), hint)
        return self._roots

    # Events

    def _scalar(self, event: yaml.ScalarEvent) -> _Done:
        text = str(event.value)
        place = self._at(event)
        is_plain, is_text = event.implicit
        if is_plain and event.tag != "!":
            done = _Done(self._plain(text, place, event))
        elif self._swallows(event):
            done = _Done(Scalar(place, None, "", (self._unclosed(event, place),)))
        elif is_text or event.tag == f"{_TAG}str" or (event.tag == "!" and text):
            done = _Done(Scalar(place, text, text))
        else:
            value = plain_value(text)
            kinds = _SCALAR_TAGS.get(str(event.tag))
            if kinds is not None and isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
                done = _Done(Scalar(place, value, text))
            else:
                done = _Done(Scalar(place, text or None, text, (self._tag_problem(place),)))
        if event.anchor is not None:
            self._anchors[event.anchor] = done
        return done

    def _plain(self, text: str, place: Place, event: yaml.ScalarEvent) -> Scalar:
        outer = self._stack[-1] if self._stack else None
        is_key = outer is not None and outer.is_map and outer.key is None
        if not text and event.anchor is not None:
            sentence = "'&' names a value, and none follows"
            return Scalar(place, None, "", (Problem(sentence, place, self._path(), "put it in quotes if it is text"),))
        if text.isascii() or is_key or outer is None:
            return Scalar(place, plain_value(text), text)
        found = in_value(text, in_flow=outer.is_flow, is_item=not outer.is_map)
        if found is None:
            return Scalar(place, text, text)
        return Scalar(place, found.meant or None, found.meant, (self._lookalike(found, place, self._path()),))

    def _lookalike(self, found: Lookalike, place: Place, path: str) -> Problem:
        return Problem(found.sentence, replace(place, column=place.column + found.offset), path, found.hint)

    def _swallows(self, event: Any) -> bool:
        """Whether a quoted text goes on in lines that are indented no deeper than its key.

        Then its end is the beginning of another, and whatever stands between is lost.
        """
        if event.style not in {"'", '"'} or event.end_mark.line == event.start_mark.line:
            return False
        block = next((outer for outer in reversed(self._stack) if not outer.is_flow), None)
        if block is None:
            return False
        self._lines = self._lines or lines_of(self._text)
        further = self._lines[event.start_mark.line + 1 : event.end_mark.line + 1]
        return any(line.strip() and len(line) - len(line.lstrip(" ")) < block.place.column for line in further)

    def _unclosed(self, event: Any, place: Place) -> Problem:
        sentence = f"this quote is closed only in line {event.end_mark.line + 1}"
        return Problem(sentence, place, self._path(), f"write {event.style} at the end of the value")

    def _alias(self, event: yaml.AliasEvent) -> _Done:
        place = self._at(event)
        name = str(event.anchor)
        known = self._anchors.get(name)
        if known is None:
            # The name is not quoted: the value may be a password that begins with '*'.
            sentence, hint = "'*' refers to a value that no '&' named before", "put the value in quotes"
            if name in self._anchors:
                sentence, hint = "the alias stands for a value that contains it", "write the value out"
            return _Done(Scalar(place, None, "", (Problem(sentence, place, self._path(), hint),)))
        if len(self._stack) + known.height > DEEPEST:
            self._stop_too_deep(place)
        return known

    def _begin(self, event: yaml.CollectionStartEvent, *, is_map: bool) -> None:
        place = self._at(event)
        if len(self._stack) >= DEEPEST:
            self._stop_too_deep(place)
        opened = _Open(place, self._path(), is_map, bool(event.flow_style), event.anchor)
        if not event.implicit and event.tag not in {"!", f"{_TAG}{'map' if is_map else 'seq'}"}:
            opened.flaws.append(self._tag_problem(place))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(opened)

    def _end(self) -> None:
        closed = self._stack.pop()
        flaws = tuple(dict.fromkeys(closed.flaws))
        node: Node
        if closed.void is not None:
            node = Scalar(closed.place, None, "", (closed.void,))
        elif closed.is_map:
            node = Map(closed.place, {**closed.merged, **closed.own}, flaws)
        else:
            node = Sequence(closed.place, tuple(closed.items), flaws)
        done = _Done(node, closed.values, closed.height + 1)
        if closed.anchor is not None:
            self._anchors[closed.anchor] = done
        self._add(done, None)

    def _add(self, done: _Done, event: Any) -> None:
        """Put a finished node where it belongs: into the list or map that is open, as key or as value."""
        if not self._stack:
            self._roots.append(done.node)
            return
        outer = self._stack[-1]
        outer.values += done.values
        outer.height = max(outer.height, done.height)
        if outer.values > MOST_VALUES:
            self._stop(f"the file unfolds to more than {MOST_VALUES} values", done.node.place, "use fewer aliases")
        outer.flaws.extend(done.node.flaws)
        if not outer.is_map:
            outer.items.append(done.node)
        elif outer.key is None:
            outer.key = self._key(done.node, event, outer)
        else:
            key, place, is_merge = outer.key
            if is_merge:
                _merge(done.node, outer)
            elif key is not None:
                key, value = self._glued(key, place, done.node, outer)
                if value is not done.node:
                    outer.flaws.extend(value.flaws)
                self._set(key, Entry(place, value), outer)
            outer.key = None

    def _key(self, node: Node, event: Any, outer: _Open) -> tuple[str | None, Place, bool]:
        place = node.place if event is None else self._at(event)
        if isinstance(node, Scalar):
            is_plain = getattr(event, "implicit", (False,))[0]
            found = in_key(node.text) if is_plain and not node.text.isascii() else None
            if found is not None:
                outer.flaws.append(self._lookalike(found, place, outer.path))
                return found.meant or None, place, False
            return node.text, place, is_plain and node.text == "<<"
        if outer.is_flow and isinstance(node, Map) and not outer.own and outer.place.column == place.column - 1:
            outer.void = template_problem(outer.place, outer.path)
        else:
            hint = "put it in quotes if it begins with [ or {"
            outer.flaws.append(Problem(f"a key is text, found {shown(node)}", place, outer.path, hint))
        return None, place, False

    def _glued(self, key: str, place: Place, value: Node, outer: _Open) -> tuple[str, Node]:
        """A key inside braces and its value, where the key holds both: `{warn:80}`."""
        if not outer.is_flow or not isinstance(value, Scalar) or value.text or value.value is not None or value.flaws:
            return key, value
        # A key in quotes that holds a colon is meant so.
        found = in_glued_key(key) if value.place.column == place.column + len(key) else None
        if found is None:
            return key, value
        path = f"{outer.path}.{found.meant}" if outer.path else found.meant
        return found.meant, Scalar(place, None, "", (self._lookalike(found, place, path),))

    def _set(self, key: str, entry: Entry, outer: _Open) -> None:
        first = outer.own.get(key)
        if first is None:
            outer.own[key] = entry
            return
        sentence = f"the key {quoted(key)} stands twice, first in line {first.place.line}"
        problem = Problem(sentence, entry.place, outer.inner_path(), "remove one of the two")
        outer.flaws.append(problem)
        outer.own[key] = Entry(first.place, replace(first.value, flaws=(*first.value.flaws, problem)))

    # Help

    def _path(self) -> str:
        return self._stack[-1].inner_path() if self._stack else ""

    def _at(self, event: Any) -> Place:
        return _place(self._file, event.start_mark)

    def _tag_problem(self, place: Place) -> Problem:
        # The tag is not quoted: the value may be a password that begins with '!'.
        return Problem("a tag ('!...') means nothing here", place, self._path(), "put the value in quotes")

    def _stop_too_deep(self, place: Place) -> None:
        self._stop(f"the file nests deeper than {DEEPEST} levels", place, "a rule needs no more than ten")

    def _stop(self, sentence: str, place: Place, hint: str) -> None:
        raise _StopError(Problem(sentence, place, hint=hint))


def _merge(value: Node, outer: _Open) -> None:
    for source in value.items if isinstance(value, Sequence) else (value,):
        if isinstance(source, Map):
            for key, entry in source:
                outer.merged.setdefault(key, entry)
        elif not source.flaws:
            sentence = f"'<<' merges maps, found {shown(source)}"
            hint = "write '<<: *name' for a map that '&name' names"
            outer.flaws.append(Problem(sentence, source.place, outer.inner_path(), hint))


def plain_value(text: str) -> str | int | float | bool | None:
    """The meaning of a plain scalar in YAML 1.2's core schema."""
    if text and text[0] not in _BEGINNINGS:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if len(text) > MOST_DIGITS:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        number = int(text, 0)
        return number if number < 10**MOST_DIGITS else text
    if _FLOAT.fullmatch(text):
        return float(text)
    infinite = _INFINITE.fullmatch(text)
    if infinite:
        return -math.inf if infinite[1] == "-" else math.inf
    return math.nan if _NAN.fullmatch(text) else text


def _place(file: str, mark: Any) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)
