"""`checkmill init`: a first checks directory, with a rule file for each installed type that brings a sandbox."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from checkmill.cli.session import Session
from checkmill.cli.starter import Starter
from checkmill.host import Host
from checkmill.model.problem import Problem
from checkmill.model.reporter import Reporter
from checkmill.model.source import Source
from checkmill.steps.reading import read
from checkmill.steps.reading.files import rule_files

FAILED = 3
FILE_MODE = 0o640
DIRECTORY_MODE = 0o750
DEFAULT_DIRECTORY = "checks.d"
#: How many files that are in the way are named.
MOST_NAMED = 3


class InitError(Exception):
    """The directory cannot be written. `str()` says why and what to do; nothing of it is left."""


def init(session: Session) -> int:
    """Write the files, all or none, and print what to type next."""
    host = Host()
    starters, remarks = starters_of(host)
    for sentence in (*remarks, *map(str, host.problems)):
        session.streams.remark(f"checkmill: {sentence}")
    if not starters:
        session.streams.remark("checkmill: no installed plugin brings a sandbox; see 'checkmill plugins'")
        return FAILED
    arguments = session.arguments
    directory = Path(arguments.directory or arguments.checks_dir or DEFAULT_DIRECTORY)
    try:
        texts = {one.file: one.text() for one in starters}
        refuse_other_rules(directory, texts)
        write_all(directory, texts)
    except InitError as error:
        session.streams.remark(f"checkmill: {error}")
        return FAILED
    session.streams.results(_said(directory, starters))
    return FAILED if remarks or host.problems else 0


def starters_of(host: Host) -> tuple[list[Starter], list[str]]:
    """A file for each working type with a sandbox; what does not hold when it is read is left out, and said."""
    plugins = host.plugins()
    reporters = [one.reporter for one in plugins if one.reporter is not None and one.reporter.sandbox is not None]
    shown = reporters[0] if reporters else None
    starters, remarks = [], []
    for plugin in plugins:
        source = plugin.source if plugin.source is not None and plugin.source.sandbox is not None else None
        reporter = plugin.reporter if plugin.reporter in reporters else None
        if source is None and reporter is None:
            continue
        starter = Starter(plugin.type, source, reporter, shown)
        broken, problems = _read(starter, host)
        if broken:
            starter = replace(starter, without=frozenset(broken))
            _, problems = _read(starter, host)
        if problems:
            remarks.append(f"no rule file is written for type {plugin.type}: {problems[0]}")
        else:
            starters.append(starter)
    return starters, remarks


def _read(starter: Starter, host: Host) -> tuple[list[str], list[Problem]]:
    """Read a file as the sandbox would: the names of its checks that do not hold, and all that is wrong."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, starter.file).write_text(starter.text(), encoding="utf-8")
        book = read(Path(directory), host, {}, _Addresses())
        book.validate_everything()
    return list(book.rejected), [replace(problem, place=None) for problem in book.problems]


class _Addresses:
    """A sandbox in which nothing is asked."""

    def base_url(self, kind: Source[Any] | Reporter[Any, Any]) -> str | None:
        return None if kind.sandbox is None else f"http://127.0.0.1:9/{kind.type}"


def refuse_other_rules(directory: Path, texts: Mapping[str, str]) -> None:
    """Raise `InitError` where other rules are: the files of a directory are read as one, and change each other."""
    there = [path.name for path in rule_files(directory, [])] if directory.is_dir() else []
    if there and not texts.keys() & set(there):
        named = ", ".join(there[:MOST_NAMED]) + (", ..." if len(there) > MOST_NAMED else "")
        raise InitError(f"{directory} holds rules already ({named}), and nothing is written; name another directory")


def write_all(directory: Path, texts: Mapping[str, str]) -> None:
    """Write files into a directory, which is made if need be. Raises `InitError`; then nothing was written."""
    there = [str(directory / name) for name in texts if os.path.lexists(directory / name)]
    if there:
        verb = "is" if len(there) == 1 else "are"
        raise InitError(f"{', '.join(there)} {verb} there already, and nothing is written; name another directory")
    path = directory
    with ExitStack() as undo:
        try:
            if not directory.is_dir():
                _make(directory, undo)
            for name, text in texts.items():
                path = directory / name
                _write(path, text, undo)
        except OSError as error:
            raise InitError(f"{path} cannot be written: {error.strerror}; nothing is written") from None
        undo.pop_all()


def _make(directory: Path, undo: ExitStack) -> None:
    if os.path.lexists(directory):
        raise InitError(f"{directory} is no directory; name another")
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        undo.callback(one.rmdir)
    directory.chmod(DIRECTORY_MODE)


def _write(path: Path, text: str, undo: ExitStack) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    undo.callback(path.unlink, missing_ok=True)
    with open(descriptor, "w", encoding="utf-8") as opened:  # noqa: PTH123 - a descriptor has no Path
        os.fchmod(descriptor, FILE_MODE)
        opened.write(text)


def _said(directory: Path, starters: list[Starter]) -> str:
    place = shlex.quote(str(directory))
    variables = dict.fromkeys(name for one in starters for name in one.variables)
    lines = [f"wrote {directory / one.file}" for one in starters]
    lines += [
        "",
        "Next, without an account anywhere:",
        f"  checkmill validate --sandbox --checks-dir {place}",
        f"  checkmill run --sandbox --checks-dir {place}",
    ]
    if variables:
        lines += [
            f"Then for the real vendors, with these set: {' '.join(variables)}",
            f"  checkmill run --checks-dir {place}",
        ]
    return "\n".join(lines) + "\n"
