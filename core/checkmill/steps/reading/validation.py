"""Validates settings, queries and targets with pydantic, and puts what it says into words with a place."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from checkmill.model.secret import Secret
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Sequence, data_of, shown

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

    from checkmill.steps.reading.findings import Findings

T = TypeVar("T")


def validated(kind: type[T], written: Map, path: str, findings: Findings, *, beside: tuple[str, ...] = ()) -> T | None:
    """Read a map into a frozen dataclass; all that is wrong becomes findings.

    `beside` are keys of the map that belong to someone else.
    """
    # pydantic is imported only while rules are read.
    from pydantic import ValidationError

    known = {field.name for field in fields(kind)}  # type: ignore[arg-type] # every kind is checked to be a dataclass
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
        secret = secrets_of(kind)
        for details in error.errors(include_url=False):
            _report(details, written, path, findings, known, secret)
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
    """The names of the fields that hold a Secret."""
    return {name for name, annotation in annotations_of(kind).items() if Secret in _parts(annotation)}


def _parts(annotation: Any) -> set[Any]:
    from typing import get_args

    found = {annotation} if isinstance(annotation, type) else set()
    for part in get_args(annotation):
        found |= _parts(part)
    return found


def _report(
    details: ErrorDetails, written: Map, path: str, findings: Findings, known: set[str], secret: set[str]
) -> None:
    node, spot = _located(written, path, details["loc"])
    name = str(details["loc"][0]) if details["loc"] else ""
    kind = details["type"]
    if kind in {"missing", "missing_argument", "missing_keyword_only_argument"}:
        present = written.entries.keys() - known
        guess = next((key for key in present if did_you_mean(key, [name]).startswith("did you mean")), "")
        findings.add(f"{name!r} is missing", node.place, path, f"rename {guess!r}" if guess else "")
        return
    if kind == "unexpected_keyword_argument":
        findings.add(f"unknown key {details['loc'][-1]!r}", node.place, spot)
        return
    if kind == "value_error":
        sentence, _, hint = str(details["ctx"]["error"]).partition("; ")
        findings.add(sentence, node.place, spot, hint)
        return
    said = details["msg"].replace("Input should be", "it should be").partition(", ")[0]
    found = "a value" if name in secret else shown(node)
    hint = "put it in quotes" if kind == "string_type" else ""
    findings.add(f"found {found}; {said}", node.place, spot, hint)


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
