"""Follows the type of what is read along what is written: which dataclass each map is read into, and which not.

pydantic tells of every alternative of a union what is wrong with it, and drops the keys of a dataclass that does not
refuse them itself. A person meant one alternative, and every key that was written.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from checkmill.steps.reading.nodes import Map, Node, Scalar, Sequence

_LISTS = (tuple, list, set, frozenset)


@dataclass(frozen=True)
class Shape:
    """A map and the dataclass it is read into.

    `rejected` are the names of the classes that it could have been too; `words` the values that a key may have in any
    of them, where they are listed.
    """

    kind: type[Any]
    node: Map
    path: str
    rejected: frozenset[str] = frozenset()
    words: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """The keys that mean something."""
        return {one.name for one in fields(self.kind) if one.init}


def shapes_of(annotation: Any, node: Node, path: str) -> Iterator[Shape]:
    """Each map below a node that is read into a dataclass, the outer ones first.

    Raises what the plugin's annotations raise.
    """
    kind = _bare(annotation)
    members = [one for one in _members(kind) if one is not type(None)]
    if isinstance(node, Map):
        classes = [one for one in members if isinstance(one, type) and is_dataclass(one)]
        if classes:
            best = max(classes, key=lambda one: _likeness(one, node))
            rejected = frozenset(one.__name__ for one in classes if one is not best)
            yield Shape(best, node, path, rejected, _all_words(classes))
            hints = hints_of(best)
            for key, entry in node:
                if key in hints:
                    yield from shapes_of(hints[key], entry.value, joined(path, key))
            return
        for member in members:
            if _is_mapping(member) and len(get_args(member)) == 2:
                for key, entry in node:
                    yield from shapes_of(get_args(member)[1], entry.value, joined(path, key))
                return
    if isinstance(node, Sequence):
        for member in members:
            items = get_args(member)
            if get_origin(member) in _LISTS and items:
                several = get_origin(member) is not tuple or items[1:] == (Ellipsis,)
                for index, item in enumerate(node.items):
                    if several or index < len(items):
                        yield from shapes_of(items[0] if several else items[index], item, f"{path}[{index}]")
                return


def hints_of(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields, with their `Annotated` extras."""
    return get_type_hints(kind, include_extras=True)


def joined(path: str, key: str) -> str:
    """The path of a key."""
    return f"{path}.{key}" if path else key


def _likeness(kind: type[Any], node: Map) -> tuple[int, int, int]:
    """How well a map fits a class: the words that name it first, then the keys it has, then those it lacks."""
    hints = hints_of(kind)
    own = [one for one in fields(kind) if one.init]
    named = 0
    for one in own:
        values = _words(hints[one.name])
        found = node.get(one.name)
        if values and isinstance(found, Scalar):
            named += 1 if found.value in values else -1
    known = {one.name for one in own}
    required = {one.name for one in own if one.default is MISSING and one.default_factory is MISSING}
    there = node.entries.keys()
    return named, len(known & there) - len(there - known), -len(required - there)


def _all_words(classes: Iterable[type[Any]]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for kind in classes:
        for name, annotation in hints_of(kind).items():
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *_words(annotation))))
    return {name: words for name, words in found.items() if words}


def _words(annotation: Any) -> tuple[Any, ...]:
    kind = _bare(annotation)
    return get_args(kind) if get_origin(kind) is Literal else ()


def _members(kind: Any) -> Iterator[Any]:
    if get_origin(kind) in {Union, types.UnionType}:
        for one in get_args(kind):
            yield from _members(_bare(one))
    else:
        yield kind


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)
