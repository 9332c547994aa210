"""Which configured source a command of a plugin works with: the one that is named, or the only one of its type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkmill.cli.starter import source_lines
from checkmill.host import Host
from checkmill.model.command import Command
from checkmill.model.problem import Problem
from checkmill.model.source import ConfiguredSource
from checkmill.steps.reading import Book
from checkmill.steps.reading.keys import did_you_mean, nearest


class RefusedError(Exception):
    """A command cannot do what was asked: what is wrong in files, and sentences that say why."""

    def __init__(self, *sentences: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__("; ".join([*map(str, problems), *sentences]))
        self.sentences = sentences
        self.problems = tuple(problems)


def source_for(command: Command[Any, Any], name: str | None, book: Book, host: Host) -> ConfiguredSource:
    """The source that a command works with.

    What is wrong elsewhere in the rule files does not matter. Raises `RefusedError` for a source that has problems, for
    none, and for several of which none was named.
    """
    types = book.source_types()
    fitting = [one for one, kind in types.items() if kind == command.source]
    if name is None and len(fitting) == 1:
        name = fitting[0]
    elif name is None and fitting:
        raise RefusedError(
            f"there are several sources of type {command.source!r}: {', '.join(fitting)}; name one with --source"
        )
    elif name is None:
        raise _none_of_the_type(command, types, book, host)
    if name not in types:
        hint = did_you_mean(name, fitting or types)
        raise RefusedError(f"there is no source {name!r}: {hint}", problems=_of_unreadable_files(book))
    found = book.source(name)
    if isinstance(found, tuple):
        raise RefusedError(f"the source {name!r} cannot be used", problems=found)
    if found.type.type != command.source:
        there = f"; of that type there is {', '.join(fitting)}" if fitting else ""
        raise RefusedError(
            f"the source {name!r} is of type {found.type.type!r}, and '{command.name}' works with "
            f"{command.source!r}{there}"
        )
    return found


def unreadable_beside(book: Book) -> str:
    """A remark where files that cannot be read may hold another source; "" where all can be."""
    if not book.broken_files:
        return ""
    files = ", ".join(sorted(book.broken_files))
    return f"{files} cannot be read; a source in there would not be known"


def _none_of_the_type(command: Command[Any, Any], types: dict[str, str], book: Book, host: Host) -> RefusedError:
    problems = _of_unreadable_files(book)
    for name, written in types.items():
        misspelt = written not in host.types and nearest(written, [command.source])
        if misspelt or (not written and nearest(name, [command.source])):
            found = book.source(name)
            problems += found if isinstance(found, tuple) else ()
    kind = host.source_type(command.source)
    lines = [] if kind is None else source_lines(kind)
    what = f"no source of type {command.source!r} is configured in {book.directory}; write one into a file there:"
    return RefusedError("\n".join([what, *(f"    {line}" for line in lines)]), problems=problems)


def _of_unreadable_files(book: Book) -> list[Problem]:
    """What keeps whole files, or the directory, from being read."""
    return [one for one in book.problems if one.place and (not one.place.line or one.place.file in book.broken_files)]
