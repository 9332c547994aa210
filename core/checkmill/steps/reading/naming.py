"""The names and keys of a rule file, before anything behind them is understood: which are there, and which are not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkmill.model.problem import Place, Problem
from checkmill.steps.reading.checks import RESERVED_NAMES
from checkmill.steps.reading.findings import FILL_IN, Findings
from checkmill.steps.reading.keys import CHECK_KEYS, NOT_YET, TOP_KEYS, did_you_mean
from checkmill.steps.reading.nodes import Entry, Map, is_empty, quoted

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_KEYS = tuple(key.name for key in CHECK_KEYS)
_LIMIT_WORDS = {"warn": "warn", "warning": "warn", "crit": "crit", "critical": "crit"}
_NAME_HINT = "use letters, digits, '.', '_' and '-', a letter or digit first"


def top_level_problems(root: Map) -> Iterator[Problem]:
    """What is wrong with the keys that stand at the left margin of a file."""
    for key, entry in root:
        if key in TOP_KEYS:
            if is_empty(entry.value):
                yield Problem(f"{key!r} has no value", entry.place, key, FILL_IN)
        elif not key.startswith("x-"):
            hint = did_you_mean(key, TOP_KEYS)
            if key in _KEYS or key in NOT_YET or key in _LIMIT_WORDS:
                hint = "it belongs to a check: indent it, below '- name: ...'"
            yield Problem(f"unknown key {quoted(key)}", entry.place, key, hint)


def check_keys(written: Map, path: str, findings: Findings, without: tuple[str, ...] = ()) -> None:
    """Note the keys of a check, or of defaults, that mean nothing, are not carried out yet, or are empty."""
    known = tuple(key for key in _KEYS if key not in without)
    for key, entry in written:
        where = f"{path}.{key}"
        if key in NOT_YET:
            findings.add(f"{key!r} is not carried out yet", entry.place, where, f"meanwhile: {NOT_YET[key]}")
        elif key in _KEYS and key not in known:
            findings.add(f"{key!r} has no default", entry.place, where, "write it in each check")
        elif key not in known:
            _note_unknown(key, entry, where, findings, known)
        elif is_empty(entry.value) and not entry.value.flaws:
            findings.add(f"{key!r} has no value", entry.place, where, FILL_IN)


def refuse_empty(written: Map, path: str, findings: Findings) -> None:
    """Note the keys of a source or reporter that have no value."""
    for key, entry in written:
        if is_empty(entry.value) and not entry.value.flaws:
            findings.add(f"{quoted(key)} has no value", entry.place, f"{path}.{key}", FILL_IN)


def name_written(written: Map, path: str, findings: Findings) -> str | None:
    """The name of a check, if it has a usable one."""
    entry = written.entries.get("name")
    if entry is None:
        findings.add("'name' is missing", written.place, path, "give every check a name of its own")
        return None
    if is_empty(entry.value):
        findings.add("'name' has no value", entry.place, f"{path}.name", FILL_IN)
        return None
    name = findings.text(entry.value, f"{path}.name")
    if name is None:
        return None
    problem = name_problem(name, entry.value.place, f"{path}.name")
    if problem is None and name in RESERVED_NAMES:
        problem = Problem(f"the name {name!r} is Checkmill's own", entry.value.place, f"{path}.name", "choose another")
    if problem is not None:
        findings.problems.append(problem)
        return None
    return name


def name_problem(name: str, place: Place, path: str) -> Problem | None:
    """What is wrong with a name, if anything."""
    return None if NAME.fullmatch(name) else Problem(f"{quoted(name)} is no name", place, path, _NAME_HINT)


def written_twice(name: str, place: Place, first: Place, path: str, kind: str = "") -> Problem:
    """Two things have one name, and nobody knows which is meant."""
    of_what = kind or path.partition(".")[0]
    return Problem(f"two {of_what} are called {name!r}, the other at {first}", place, path, "rename one of the two")


def _note_unknown(key: str, entry: Entry, path: str, findings: Findings, known: tuple[str, ...]) -> None:
    if key in _LIMIT_WORDS:
        word = _LIMIT_WORDS[key]
        hint = f"write it inside 'above' or 'below', such as above: {{{word}: ...}}"
        findings.add(f"unknown key {key!r}", entry.place, path, hint)
    else:
        findings.unknown_key(key, entry, path, known)
