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
from checkmill.steps.reading.nodes import Entry, Map, Node, Scalar, Sequence, quoted, shown

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
    # PyYAML is imported only when rules are read from their files.
    import yaml

    try:
        root = _Composer(file).root(_events(text))
    except yaml.reader.ReaderError:
        return None, [_unreadable_character(text, file)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [Problem(_sentence(error), _place(file, mark) if mark else Place(file))]
    except _StopError as stop:
        return None, [stop.problem]
    return root, list(dict.fromkeys(root.flaws)) if root is not None else []


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
    anchor: str | None
    values: int = 1
    height: int = 0
    flaws: list[Problem] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    own: dict[str, Entry] = field(default_factory=dict)
    merged: dict[str, Entry] = field(default_factory=dict)
    #: The key that waits for its value, with whether it is `<<`; None where a key comes next.
    key: tuple[str | None, Place, bool] | None = None

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

    def __init__(self, file: str) -> None:
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Done | None] = {}
        self._root: Node | None = None

    def root(self, events: Iterator[Any]) -> Node | None:
        """The one document; None when there is nothing in the file."""
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
                if documents > 1:
                    hint = "remove the '---', or make it a file of its own"
                    self._stop("a second YAML document begins here", self._at(event), hint)
        return self._root

    # Events

    def _scalar(self, event: yaml.ScalarEvent) -> _Done:
        text = str(event.value)
        place = self._at(event)
        is_plain, is_text = event.implicit
        if is_plain and event.tag != "!":
            done = _Done(Scalar(place, _plain_value(text), text))
        elif is_text or event.tag in {"!", f"{_TAG}str"}:
            done = _Done(Scalar(place, text, text))
        else:
            value = _plain_value(text)
            kinds = _SCALAR_TAGS.get(str(event.tag))
            if kinds is not None and isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
                done = _Done(Scalar(place, value, text))
            else:
                done = _Done(Scalar(place, text, text, (self._tag_problem(place),)))
        if event.anchor is not None:
            self._anchors[event.anchor] = done
        return done

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
        opened = _Open(place, self._path(), is_map, event.anchor)
        if not event.implicit and event.tag not in {"!", f"{_TAG}{'map' if is_map else 'seq'}"}:
            opened.flaws.append(self._tag_problem(place))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(opened)

    def _end(self) -> None:
        closed = self._stack.pop()
        flaws = tuple(dict.fromkeys(closed.flaws))
        node: Node
        if closed.is_map:
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
            self._root = done.node
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
                self._set(key, Entry(place, done.node), outer)
            outer.key = None

    def _key(self, node: Node, event: Any, outer: _Open) -> tuple[str | None, Place, bool]:
        place = node.place if event is None else self._at(event)
        if isinstance(node, Scalar):
            is_merge = node.text == "<<" and getattr(event, "implicit", (False,))[0]
            return node.text, place, is_merge
        outer.flaws.append(
            Problem(
                f"a key is text, found {shown(node)}", place, outer.path, "put it in quotes if it begins with [ or {"
            )
        )
        return None, place, False

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


def _plain_value(text: str) -> str | int | float | bool | None:
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


def _unreadable_character(text: str, file: str) -> Problem:
    import yaml

    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return Problem("the file holds a character that YAML does not allow", Place(file), hint="remove it")
    line = text.count("\n", 0, found.start()) + 1
    column = found.start() - text.rfind("\n", 0, found.start())
    sentence = f"the character U+{ord(found[0]):04X} is not allowed in YAML"
    return Problem(sentence, Place(file, line, column), hint="remove it")


def _sentence(error: Any) -> str:
    problem = str(error.problem or "the file is no YAML")
    context = f" ({error.context})" if error.context else ""
    return f"the file cannot be read as YAML: {problem}{context}"
