"""What the fields of a command's `Arguments` are on the command line: flags, words, files."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from checkmill.model.secret import Secret
from checkmill.model.settings import Doc, Written
from checkmill.model.source import ContractError

#: The options that every command of a plugin has from core. An argument of that name would hide one of them.
OWN_OPTIONS = frozenset(
    {
        "help",
        "version",
        "checks_dir",
        "state_dir",
        "sandbox",
        "sandbox_seed",
        "log_level",
        "source",
        "format",
        "dry_run",
        "yes",
    }
)
_SCALARS = (str, int, float, date, datetime, time)


@dataclass(frozen=True, slots=True)
class Positional:
    """Marks a field of `Arguments` that is given without a name; `metavar` is what help calls it."""

    metavar: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """Marks a field of `Arguments` that is read from a YAML file, `-` for standard input.

    The field is a frozen dataclass, or a tuple of one: then the file holds one or a list of them.
    """


@dataclass(frozen=True, kw_only=True)
class Option:
    """One field as the command line has it.

    `annotation` is what its words are read into, `written` how a person writes the amount it is. `repeats` says that
    several may be given; of a file, that it may hold several. `choices` are all values there are, where they are
    listed; `document` is the class that a file is read into. `default` means nothing where it is `required`.
    """

    name: str
    help: str
    annotation: Any
    written: Written | None = None
    flag: bool = False
    positional: bool = False
    repeats: bool = False
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    document: type[Any] | None = None
    metavar: str = ""

    @property
    def spelling(self) -> str:
        """What people write or help calls it: `--no-wait`, `ID`."""
        return self.metavar if self.positional else f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True)
class _Shape:
    """What the type of a field allows: one value or several, of which kind, and which."""

    repeats: bool = False
    flag: bool = False
    choices: tuple[Any, ...] = ()
    document: type[Any] | None = None


def options_of(arguments: type[Any]) -> tuple[Option, ...]:
    """The options of a class derived from `Arguments`, in the order of its fields.

    Raises `ContractError` for what cannot be an option: no `Doc`, a type that no word can be read into, a name that is
    core's own, an order of positional arguments that no command line can have.
    """
    if "__dataclass_fields__" not in vars(arguments):
        name = arguments.__name__
        raise ContractError(f"{name} is no dataclass; write @dataclass(frozen=True, kw_only=True) above it")
    annotations = get_type_hints(arguments, include_extras=True)
    found = tuple(_option(one, annotations[one.name]) for one in fields(arguments) if one.init)
    words = [one for one in found if one.positional]
    for before, after in pairwise(words):
        if before.repeats and before.document is None:
            raise ContractError(f"{before.name!r} takes all words that are left, and {after.name!r} follows it")
        if after.required and not before.required:
            raise ContractError(f"{after.name!r} is required, and {before.name!r} before it is not")
    return found


def _option(field: Field[Any], annotation: Any) -> Option:
    metadata = getattr(annotation, "__metadata__", ())
    doc = next((one.text for one in metadata if isinstance(one, Doc)), "")
    if not doc.strip():
        raise ContractError(f"{field.name!r} has no Doc")
    mark = next((one for one in metadata if isinstance(one, Positional)), None)
    is_document = any(isinstance(one, Document) for one in metadata)
    shape = _document_shape(annotation, field.name) if is_document else _shape(annotation, field.name)
    required = field.default is MISSING and field.default_factory is MISSING
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    if shape.flag and mark is not None:
        raise ContractError(f"{field.name!r} is a flag, which cannot be given without a name")
    if shape.flag and default not in {False, MISSING}:
        raise ContractError(f"the flag {field.name!r} is on by default, so that nobody can turn it off")
    if mark is None and field.name in OWN_OPTIONS:
        raise ContractError(f"--{field.name.replace('_', '-')} is Checkmill's own option; choose another name")
    metavar = "FILE" if is_document else field.name.upper()
    return Option(
        name=field.name,
        help=" ".join(doc.split()),
        annotation=annotation,
        written=written_of(annotation),
        flag=shape.flag,
        positional=mark is not None,
        repeats=shape.repeats,
        required=required and not shape.flag,
        default=None if required else default,
        choices=shape.choices,
        document=shape.document,
        metavar=(mark.metavar if mark is not None else "") or metavar,
    )


def _document_shape(annotation: Any, name: str) -> _Shape:
    kinds = list(_members(annotation))
    if len(kinds) == 1:
        repeats = get_origin(kinds[0]) is tuple and get_args(kinds[0])[1:] == (Ellipsis,)
        kind = _bare(get_args(kinds[0])[0]) if repeats else kinds[0]
        if isinstance(kind, type) and is_dataclass(kind) and getattr(kind, "__dataclass_params__").frozen:  # noqa: B009 - no stub knows it
            return _Shape(repeats=repeats, document=kind)
    raise ContractError(f"the document {name!r} is no frozen dataclass, nor a tuple of one: tuple[X, ...]")


def _shape(annotation: Any, name: str) -> _Shape:
    if _bare(annotation) is bool:
        return _Shape(flag=True)
    repeats = False
    choices: list[Any] = []
    open_ended = False
    for member in _members(annotation):
        kind = member
        if get_origin(kind) is tuple and get_args(kind)[1:] == (Ellipsis,):
            repeats = True
            kinds = list(_members(get_args(kind)[0]))
        else:
            kinds = [kind]
        for one in kinds:
            if get_origin(one) is Literal:
                choices += [value for value in get_args(one) if value not in choices]
            elif isinstance(one, type) and issubclass(one, _SCALARS) and not issubclass(one, bool):
                open_ended = True
            else:
                raise ContractError(f"{name!r} is of a type that no word can be read into: {_named(one)}")
    return _Shape(repeats=repeats, choices=() if open_ended else tuple(choices))


def written_of(annotation: Any) -> Written | None:
    """How an amount is written, wherever in the type that is said."""
    for part in getattr(annotation, "__metadata__", ()):
        if isinstance(part, Written):
            return part
    return next(filter(None, map(written_of, get_args(annotation))), None)


def _members(annotation: Any) -> Iterator[Any]:
    """The alternatives of a type, None and `Annotated` left aside."""
    kind = _bare(annotation)
    if get_origin(kind) in {Union, types.UnionType}:
        for one in get_args(kind):
            yield from _members(one)
    elif kind is not type(None):
        yield kind


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _named(kind: Any) -> str:
    if kind is Secret:
        return "Secret, which the list of processes would show; read it from a Document"
    if kind is bool:
        return "bool among others; a flag is a bool alone"
    if isinstance(kind, type) and is_dataclass(kind):
        return f"{kind.__name__}; mark it with Document()"
    return str(getattr(kind, "__name__", kind) if get_origin(kind) is None else kind)
