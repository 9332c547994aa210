"""Validates settings, queries and targets with pydantic, and puts what it says into words with a place."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from checkmill.model.secret import Secret
from checkmill.steps.reading.keys import nearest
from checkmill.steps.reading.nodes import Map, Node, Scalar, Sequence, data_of, is_reference, is_unfilled, shown

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
    # pydantic is imported only while rules are read.
    from pydantic import ValidationError

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
    try:
        value: T = adapter_of(kind).validate_python(mine)
    except ValidationError as error:
        _report(error.errors(include_url=False), written, path, findings, kind, {*beside, *told})
        return None
    except Exception as error:  # noqa: BLE001 - the wall round a plugin: these are its own annotations and validators
        # What it raised is not quoted: it may hold the value that it did not like.
        sentence = f"the plugin's class {kind.__module__}.{kind.__qualname__} fails with {type(error).__name__}"
        findings.add(sentence, written.place, path, "report it to the plugin's author")
        return None
    return value if len(findings.problems) == before else None


_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


def adapter_of(kind: type[T]) -> TypeAdapter[T]:
    """The validator of a dataclass, made once."""
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def annotations_of(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields, with their `Annotated` extras."""
    from typing import get_type_hints

    return get_type_hints(kind, include_extras=True)


def secrets_of(kind: type[Any]) -> set[str]:
    """The names of the fields that hold a Secret; all of them where the plugin's annotations cannot be read."""
    try:
        return {name for name, annotation in annotations_of(kind).items() if Secret in _parts(annotation)}
    except Exception:  # noqa: BLE001 - the wall round a plugin: these are its own annotations
        return {field.name for field in fields(kind)}


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


def _report(
    errors: list[ErrorDetails],
    written: Map,
    path: str,
    findings: Findings,
    kind: type[Any],
    not_missing: set[str],
) -> None:
    known = {field.name for field in fields(kind)}
    secret = secrets_of(kind)
    spots: set[str] = set()
    incomplete = any(is_unfilled(entry.value) for _, entry in written)
    for details in errors:
        if not details["loc"] and incomplete:
            continue  # what a plugin says of all settings together means nothing while one of them is not known
        node, spot = _located(written, path, details["loc"])
        name = str(details["loc"][0]) if details["loc"] else ""
        if details["type"] in _MISSING:
            missing = str(details["loc"][-1])
            if missing in not_missing:
                continue
            present = node.entries.keys() - known if isinstance(node, Map) else set()
            guess = next((key for key in sorted(present) if nearest(key, [missing])), "")
            findings.add(f"{missing!r} is missing", node.place, spot, f"rename {guess!r}" if guess else "")
        elif spot not in spots and not is_unfilled(node):
            # Of the alternatives that a value could have been, the first says enough.
            spots.add(spot)
            _report_value(details, node, spot, findings, is_secret=name in secret)


def _report_value(details: ErrorDetails, node: Node, spot: str, findings: Findings, *, is_secret: bool) -> None:
    kind = details["type"]
    found = "a value" if is_secret and not is_reference(node) else shown(node)
    if kind == "unexpected_keyword_argument":
        findings.add(f"unknown key {details['loc'][-1]!r}", node.place, spot)
    elif kind == "value_error":
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
        findings.add(f"found {found}; {said}", node.place, spot)


def _unexpanded(sentence: str, node: Node) -> str:
    """A plugin's sentence with references in the place of what they stand for."""
    if isinstance(node, Scalar):
        return sentence.replace(str(node.value), node.text) if is_reference(node) and node.value else sentence
    values = node.items if isinstance(node, Sequence) else tuple(entry.value for _, entry in node)
    for value in values:
        sentence = _unexpanded(sentence, value)
    return sentence


def _located(written: Map, path: str, location: tuple[int | str, ...]) -> tuple[Node, str]:
    """The node that an error is about, as deep as its location can be followed."""
    node: Node = written
    for part in location:
        if isinstance(node, Map) and isinstance(part, str) and part in node.entries:
            node = node.entries[part].value
            path = f"{path}.{part}"
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            path = f"{path}[{part}]"
    return node, path
