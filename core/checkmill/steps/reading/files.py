"""Finds the rule files of a directory and reads their text, whatever lies there in their place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from checkmill.model.problem import Place, Problem

#: A rule file larger than this is no rule file.
LARGEST_FILE = 32 * 1024 * 1024


def rule_files(directory: Path, problems: list[Problem]) -> list[Path]:
    """All `*.yaml` and `*.yml` of a directory, in the order of their names."""
    place = Place(str(directory))
    try:
        entries = sorted(directory.iterdir(), key=lambda path: path.name)
    except OSError as error:
        hint = "name the directory with --checks-dir or $CHECKMILL_CHECKS_DIR"
        problems.append(Problem(f"the checks directory cannot be read: {error.strerror}", place, hint=hint))
        return []
    files = [path for path in entries if path.suffix in {".yaml", ".yml"} and not path.name.startswith(".")]
    if not files:
        sentence = "there is no *.yaml file in the checks directory"
        problems.append(Problem(sentence, place, hint="write a first rule there"))
    return files


def text_of(path: Path, problems: list[Problem]) -> str | None:
    """The text of one file; None with a problem when it cannot be read."""
    place = Place(str(path))
    try:
        raw = content_of(path, LARGEST_FILE + 1)
    except OSError as error:
        problems.append(Problem(f"the file cannot be read: {error.strerror}", place, hint="check its owner and mode"))
        return None
    if raw is None:
        problems.append(Problem("this is no file", place, hint="move it away, or give it another ending"))
        return None
    if len(raw) > LARGEST_FILE:
        problems.append(Problem(f"the file is larger than {LARGEST_FILE} bytes", place, hint="split it"))
        return None
    return decoded(raw, str(path), problems)


def decoded(raw: bytes, name: str, problems: list[Problem]) -> str | None:
    """The text that a file holds; None with a problem when it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_begin = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[line_begin : error.start].decode("utf-8-sig", "replace")) + 1
        spot = Place(name, raw.count(b"\n", 0, error.start) + 1, column)
        problems.append(Problem("the file is not UTF-8 text", spot, hint="save it as UTF-8"))
        return None


def content_of(path: Path, most: int) -> bytes | None:
    """Up to `most` bytes of a regular file; None for anything else. Never waits for a pipe's other end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with open(descriptor, "rb") as opened:  # noqa: PTH123 - a descriptor has no Path
        return opened.read(most)
