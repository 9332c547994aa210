"""First step of a run: the files of the checks directory become rules, and everything that is wrong becomes problems.

All problems are told at once, and what is healthy works beside what is broken. A rule is read in full only when it is
selected, so that only the plugins of selected rules are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from checkmill.model.problem import Problem
from checkmill.steps.reading.book import Book
from checkmill.steps.reading.drafts import Draft
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.files import rule_files
from checkmill.steps.reading.sources import SandboxAddresses

if TYPE_CHECKING:
    from checkmill.host import Host

__all__ = ["Book", "Draft", "SandboxAddresses", "read"]


def read(
    directory: Path,
    host: Host,
    environ: Mapping[str, str],
    sandbox: SandboxAddresses | None = None,
) -> Book:
    """Read all rule files of a directory, in name order, as one namespace."""
    book = Book(directory, host, Expansion(environ, sandbox=sandbox is not None), sandbox)
    problems: list[Problem] = []
    files = rule_files(directory, problems)
    book.tell(problems)
    for path in files:
        book.add_file(path)
    return book
