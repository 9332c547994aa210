"""Validates settings, queries, targets and documents with pydantic, and puts what it says into words with a place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from checkmill.model.secret import Secret
from checkmill.steps.reading.keys import nearest
from checkmill.steps.reading.nodes import Map, Node, Scalar, Sequence, data_of, is_reference, is_unfilled, shown
from checkmill.steps.reading.shapes import Shape, hints_of, joined, shapes_of

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

    from checkmill.steps.reading.findings import Findings

T = TypeVar("T")


def validated(
    kind: type[T],
    written: Map,
    path: str,
    findings: Findings,
    *,
    beside: tuple[str, ...] = (),
    told: Set[str] = frozenset(),
) -> T | None:
    """Read a map into a frozen dataclass; all that is wrong becomes findings.

    `beside` are keys that belong to someone else; `told` are those that were left out for a reason already told.
    """
    known = {field.name for field in fields(kind) if field.init}  # type: ignore[arg-type] # every kind is a dataclass
    before = len(findings.problems)
    mine: dict[str, Any] = {}
    for key, entry in written:
        if key in beside:
            continue
        if key not in known:
            findings.unknown_key(key, entry, f"{path}.{key}", {*known, *beside})
        else:
            mine[key] = data_of(entry.value)
    # Most settings are flat, and a check that is waited for has no time for what they are not.
    shapes = list(_shapes(kind, written, path)) if any(_is_deep(entry.value) for _, entry in written) else []
    _refuse_unknown(shapes[1:], findings)
    top = shapes[:1] or [Shape(kind, written, path)]
    value = _read(kind, mine, _Written(written, path, (*top, *shapes[1:])), findings, not_missing={*beside, *told})
    return value if len(findings.problems) == before else None


def value_of(annotation: Any, node: Node, path: str, findings: Findings) -> Any:
    """Read a node into a value of any type; all that is wrong becomes findings, and None is given."""
    before = len(findings.problems)
    shapes = tuple(_shapes(annotation, node, path))
    _refuse_unknown(shapes, findings)
    value = _read(annotation, data_of(node), _Written(node, path, shapes), findings)
    return value if len(findings.problems) == before else None


@dataclass(frozen=True)
class _Written:
    """What is read: a node, its path, and which dataclass each map in it is read into."""

    node: Node
    path: str
    shapes: tuple[Shape, ...]

    def at(self, path: str) -> Shape | None:
        """The shape of the map at a path."""
        return next((one for one in self.shapes if one.path == path), None)

    def words(self, spot: str) -> tuple[Any, ...]:
        """The words that may stand at a spot, whichever of several classes is meant; none where any may."""
        return next(
            (words for one in self.shapes for name, words in one.words.items() if joined(one.path, name) == spot), ()
        )

    def is_secret(self, spot: str) -> bool:
        """Whether what stands at a spot may be a secret, or hold one."""
        inside = [one for one in self.shapes if spot.startswith((f"{one.path}.", f"{one.path}[")) or not one.path]
        if not inside:
            return False
        innermost = inside[-1]
        name = re.split(r"[.\[]", spot[len(innermost.path) :].removeprefix("."))[0]
        return name in _holding_secrets(innermost.kind)


def _read(
    annotation: Any, data: Any, written: _Written, findings: Findings, *, not_missing: Set[str] = frozenset()
) -> Any:
    # pydantic is imported only while rules are read.
    from pydantic import ValidationError

    try:
        return adapter_of(annotation).validate_python(data)
    except ValidationError as error:
        _report(error.errors(include_url=False), written, findings, not_missing)
    except Exception as error:  # noqa: BLE001 - the wall round a plugin: these are its own annotations and validators
        # What it raised is not quoted: it may hold the value that it did not like.
        kind = f"class {annotation.__module__}.{annotation.__qualname__}" if isinstance(annotation, type) else "type"
        sentence = f"the plugin's {kind} fails with {type(error).__name__}"
        findings.add(sentence, written.node.place, written.path, "report it to the plugin's author")
    return None


def _is_deep(node: Node) -> bool:
    return isinstance(node, Map) or (isinstance(node, Sequence) and any(map(_is_deep, node.items)))


def _shapes(annotation: Any, node: Node, path: str) -> Iterable[Shape]:
    try:
        return list(shapes_of(annotation, node, path))
    except Exception:  # noqa: BLE001 - the wall round a plugin: pydantic fails on these annotations too, and is told
        return []


def _refuse_unknown(shapes: Iterable[Shape], findings: Findings) -> None:
    for shape in shapes:
        for key, entry in shape.node:
            if key not in shape.keys:
                findings.unknown_key(key, entry, joined(shape.path, key), shape.keys)


_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """The validator of a type, made once."""
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def annotations_of(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields, with their `Annotated` extras."""
    return hints_of(kind)


def secrets_of(kind: type[Any]) -> set[str]:
    """The names of the fields that hold a Secret; all of them where the plugin's annotations cannot be read."""
    try:
        return {name for name, annotation in annotations_of(kind).items() if Secret in _parts(annotation)}
    except Exception:  # noqa: BLE001 - the wall round a plugin: these are its own annotations
        return {field.name for field in fields(kind)}


def _holding_secrets(kind: type[Any], outer: frozenset[type[Any]] = frozenset()) -> set[str]:
    """The names of the fields that hold a Secret, however deep."""
    found = secrets_of(kind)
    if kind in outer:
        return found
    for name, annotation in annotations_of(kind).items():
        inner = [one for one in _parts(annotation) if is_dataclass(one) and isinstance(one, type)]
        if any(_holding_secrets(one, outer | {kind}) for one in inner):
            found.add(name)
    return found


def _parts(annotation: Any) -> set[Any]:
    from typing import get_args

    found = {annotation} if isinstance(annotation, type) else set()
    for part in get_args(annotation):
        found |= _parts(part)
    return found


#: What pydantic means, in the words of a rule file.
_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a map",
    "dataclass_type": "a map",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "frozen_set_type": "a list",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_type": "a whole number",
    "list_type": "a list",
    "mapping_type": "a map",
    "set_type": "a list",
    "string_type": "a text",
    "tuple_type": "a list",
}
_MISSING = {"missing", "missing_argument", "missing_keyword_only_argument"}


@dataclass(frozen=True)
class _Told:
    """One thing that pydantic says: of which node, and between which alternatives it had a choice on the way there."""

    details: ErrorDetails
    node: Node
    spot: str
    choices: tuple[str, ...]


def _report(errors: list[ErrorDetails], written: _Written, findings: Findings, not_missing: Set[str]) -> None:
    spots: set[str] = set()
    incomplete = isinstance(written.node, Map) and any(is_unfilled(entry.value) for _, entry in written.node)
    for told in _meant(errors, written):
        details, node, spot = told.details, told.node, told.spot
        if not details["loc"] and incomplete:
            continue  # what a plugin says of all settings together means nothing while one of them is not known
        if details["type"] == "unexpected_keyword_argument":
            continue  # told already, with the key that was probably meant
        if details["type"] in _MISSING:
            missing = str(details["loc"][-1])
            if missing in not_missing and spot == written.path:
                continue
            shape = written.at(spot)
            present = node.entries.keys() - shape.keys if isinstance(node, Map) and shape is not None else set()
            guess = next((key for key in sorted(present) if nearest(key, [missing])), "")
            findings.add(f"{missing!r} is missing", node.place, spot, f"rename {guess!r}" if guess else "")
        elif spot not in spots and not is_unfilled(node):
            # Of the alternatives that a value could have been, the first says enough.
            spots.add(spot)
            is_secret, words = written.is_secret(spot), written.words(spot)
            _report_value(details, node, spot, findings, is_secret=is_secret, words=words)


def _meant(errors: list[ErrorDetails], written: _Written) -> list[_Told]:
    """What is said of the alternatives that were meant: the class that a map fits, and what was looked into."""
    located = [(details, _located(written, details)) for details in errors]
    told = [one for _, one in located if one is not None]
    entered = {choice for one in told for choice in one.choices if one.spot != choice}
    return [one for one in told if one.spot not in one.choices or one.spot not in entered]


def _report_value(
    details: ErrorDetails, node: Node, spot: str, findings: Findings, *, is_secret: bool, words: tuple[Any, ...]
) -> None:
    kind = details["type"]
    found = "a value" if is_secret and not is_reference(node) else shown(node)
    if kind == "value_error":
        sentence, _, hint = str(details.get("ctx", {}).get("error", details["msg"])).partition("; ")
        if is_reference(node):
            # The sentence may quote any part of the value; the hint says what is expected.
            sentence = f"what {found} stands for does not fit"
        findings.add(_unexpanded(sentence, node), node.place, spot, _unexpanded(hint, node))
    elif kind in _EXPECTED:
        hint = "put it in quotes" if kind == "string_type" and isinstance(node, Scalar) else ""
        findings.add(f"{_EXPECTED[kind]} is expected, found {found}", node.place, spot, hint)
    else:
        said = details["msg"].replace("Input should be", "it should be")
        if kind == "literal_error":
            words = words or tuple(re.findall(r"'([^']*)'", details["msg"]))
            said = f"it should be {_either(words)}" if words else said
        hint = _nearest_word(node, words) if kind == "literal_error" else ""
        findings.add(f"found {found}; {said}", node.place, spot, hint)


def _either(words: tuple[Any, ...]) -> str:
    *others, last = map(repr, words)
    return f"{', '.join(others)} or {last}" if others else last


def _nearest_word(node: Node, words: tuple[Any, ...]) -> str:
    """The word that was probably meant where only certain ones are allowed."""
    if not isinstance(node, Scalar) or is_reference(node):
        return ""
    allowed = {one.lower(): one for one in words if isinstance(one, str)}
    guess = allowed.get(nearest(node.text, allowed), "")
    return f"did you mean {guess!r}?" if guess else ""


def _unexpanded(sentence: str, node: Node) -> str:
    """A plugin's sentence with references in the place of what they stand for."""
    if isinstance(node, Scalar):
        return sentence.replace(str(node.value), node.text) if is_reference(node) and node.value else sentence
    values = node.items if isinstance(node, Sequence) else tuple(entry.value for _, entry in node)
    for value in values:
        sentence = _unexpanded(sentence, value)
    return sentence


def _located(written: _Written, details: ErrorDetails) -> _Told | None:
    """What an error is about, as deep as its location can be followed; None for an alternative that was not meant."""
    node, path = written.node, written.path
    choices: list[str] = []
    *_, last = range(len(details["loc"]) or 1)
    for index, part in enumerate(details["loc"]):
        shape = written.at(path)
        if isinstance(node, Map) and isinstance(part, str) and part in node.entries:
            node = node.entries[part].value
            path = joined(path, part)
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            path = f"{path}[{part}]"
        elif shape is not None and part in shape.rejected:
            return None
        elif index < last or details["type"] not in _MISSING:
            choices.append(path)
    return _Told(details, node, path, tuple(choices))
