"""What a rule file holds, each value with its place: read by libyaml's composer, with the meaning of YAML 1.2.

So `no` and `12:30` are text, `0o17` is a number and `017` is seventeen. Merge keys (`<<`) are resolved here, so that
the rest sees plain maps; a key that stands twice is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from checkmill.model.problem import Place, Problem

if TYPE_CHECKING:
    import yaml

#: How deep a rule file may nest, and how many values its aliases may unfold to.
DEEPEST = 50
MOST_VALUES = 1_000_000


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: `value` by YAML 1.2 (text, number, true/false, None), `text` as it was written."""

    place: Place
    value: str | int | float | bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map, its place, and its value."""

    place: Place
    value: Node


@dataclass(frozen=True, slots=True)
class Map:
    """A map from text keys, in the order written."""

    place: Place
    entries: dict[str, Entry]

    def get(self, key: str) -> Node | None:
        """The value of a key, if it is there."""
        entry = self.entries.get(key)
        return entry.value if entry else None

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return iter(self.entries.items())


Node: TypeAlias = Scalar | Sequence | Map


def is_empty(node: Node | None) -> bool:
    """Whether a value was left out: nothing after the colon, or `null`."""
    return node is None or (isinstance(node, Scalar) and node.value is None)


def shown(node: Node) -> str:
    """A value as it is quoted in a message: unexpanded, shortened."""
    if isinstance(node, Scalar):
        text = node.text
        quoted = repr(text) if isinstance(node.value, str) else text
        return quoted if len(quoted) <= 60 else quoted[:57] + "..."
    return f"a list of {len(node.items)}" if isinstance(node, Sequence) else "a map"


def has_wildcard(text: str) -> bool:
    """Whether a text is a glob and not a plain name."""
    return any(character in text for character in "*?[")


def data_of(node: Node) -> Any:
    """The plain value of a node: text, numbers, lists, dicts."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [data_of(item) for item in node.items]
    return {key: data_of(entry.value) for key, entry in node}


def parse(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Read the text of one file. A file that is no YAML gives no node and says where it breaks."""
    # PyYAML is imported only when rules are read from their files.
    import yaml

    problems: list[Problem] = []
    try:
        root = _composed(text)
        if root is None:
            return None, problems
        return _Converter(file, problems).node(root, (), 0), problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        problems.append(Problem(_sentence(error), place))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = (
            f"U+{ord(error.character):04X}" if isinstance(error.character, str) else f"byte {error.character:#x}"
        )
        problems.append(
            Problem(f"the character {character} is not allowed in YAML", Place(file, line, 1), hint="remove it")
        )
    except (yaml.YAMLError, _TooMuchError, RecursionError) as error:
        problems.append(Problem(f"the file cannot be read as YAML: {error}", Place(file)))
    return None, problems


class _TooMuchError(Exception):
    """The file unfolds to more than a rule file can mean."""


def _composed(text: str) -> yaml.Node | None:
    loader = _loader_class()(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return node


def _loader_class() -> Any:
    """The loader with the implicit types of YAML 1.2's core schema in place of 1.1's."""
    global _LOADER  # made once, and only when a file is read, since yaml is imported late
    if _LOADER is None:
        import yaml

        base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

        class Yaml12Loader(base):  # type: ignore[misc]
            """libyaml's composer, resolving plain scalars as YAML 1.2 does."""

            yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own name

        tag = "tag:yaml.org,2002:"
        for name, pattern, first in (
            ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
            ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
            ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
            (
                "float",
                r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
                list("-+.0123456789"),
            ),
        ):
            Yaml12Loader.add_implicit_resolver(tag + name, re.compile(f"(?:{pattern})$"), first)
        _LOADER = Yaml12Loader
    return _LOADER


_LOADER: Any = None


class _Converter:
    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems
        self._values = 0

    def node(self, node: yaml.Node, above: tuple[int, ...], depth: int) -> Node:
        self._values += 1
        if self._values > MOST_VALUES:
            raise _TooMuchError(f"its aliases unfold to more than {MOST_VALUES} values")
        if depth > DEEPEST:
            raise _TooMuchError(f"it nests deeper than {DEEPEST} levels")
        place = self._place(node)
        if id(node) in above:
            self._problems.append(Problem("the alias stands for a value that contains it", place))
            return Scalar(place, None, "")
        above = (*above, id(node))
        kind = str(node.id)  # type: ignore[attr-defined] # its subclasses have it
        if kind == "sequence":
            return Sequence(place, tuple(self.node(item, above, depth + 1) for item in node.value))
        if kind == "mapping":
            return self._map(node, place, above, depth)
        return self._scalar(node, place)

    def _map(self, node: yaml.Node, place: Place, above: tuple[int, ...], depth: int) -> Map:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            at = self._place(key_node)
            if key_node.id != "scalar":
                self._problems.append(
                    Problem(f"a key must be text, found a {key_node.id}", at, hint="put it in quotes")
                )
                continue
            key = str(key_node.value)
            value = self.node(value_node, above, depth + 1)
            if key == "<<" and key_node.style is None:
                self._merge(value, merged)
            elif key in own:
                first = own[key].place
                self._problems.append(
                    Problem(
                        f"the key {key!r} stands twice in one map, first in line {first.line}", at, hint="remove one"
                    )
                )
            else:
                own[key] = Entry(at, value)
        return Map(place, {**merged, **own})

    def _merge(self, value: Node, merged: dict[str, Entry]) -> None:
        sources = value.items if isinstance(value, Sequence) else (value,)
        for source in sources:
            if isinstance(source, Map):
                for key, entry in source:
                    merged.setdefault(key, entry)
            else:
                self._problems.append(
                    Problem(
                        f"'<<' merges maps, found {shown(source)}", source.place, hint="write '<<: *name' of an &name"
                    )
                )

    def _scalar(self, node: yaml.Node, place: Place) -> Scalar:
        text = str(node.value)
        kind = node.tag.rpartition(":")[2]
        if kind == "null":
            return Scalar(place, None, text)
        if kind == "bool":
            return Scalar(place, text.lower() == "true", text)
        if kind == "int":
            return Scalar(place, _whole(text), text)
        if kind == "float":
            return Scalar(place, float(text.lower().replace(".inf", "inf").replace(".nan", "nan")), text)
        if kind != "str":
            self._problems.append(
                Problem(
                    f"the tag {node.tag!r} means nothing here",
                    place,
                    hint="put the value in quotes if it begins with '!'",
                )
            )
        return Scalar(place, text, text)

    def _place(self, node: yaml.Node) -> Place:
        mark = node.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)


def _whole(text: str) -> int | str:
    if text.startswith("0o"):
        return int(text, 0)
    if text.startswith("0x"):
        return int(text, 0)
    return int(text) if len(text) <= 300 else text


def _sentence(error: Any) -> str:
    problem = str(error.problem or "the file is no YAML")
    context = f" ({error.context})" if error.context else ""
    return f"the file cannot be read as YAML: {problem}{context}"
