"""Slips of the hand in rule files, and what must hold of whatever comes of them: nothing is lost, nothing is silent."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from checkmill.host import Host
from checkmill.model.problem import Place
from checkmill.steps.reading import Book, read

CHARACTERS = "abz019 .:-_'\"{}[]()&*!|>%@`#?,~$\\/\t\n\r\0\x85\u2028\ufeff\u00a0\u3000\uff1a\u201c가é"
#: What people type where it does not belong.
FRAGMENTS = (
    *(
        "*",
        "*-web",
        "&x",
        "!x",
        "{{ x }}",
        "${T}",
        "${",
        "}",
        "]",
        "{",
        "[",
        "- ",
        "-",
        ": ",
        ":",
        "'",
        '"',
        "#",
        "---\n",
    ),
    *("\t", "  ", "\n", "<<: *x", "null", "~", "true", "0", "-1", "1e999", ".nan", "80%", "5m", "20GiB", "seen", "all"),
    *("name: a\n", "checks:\n", "sources:\n", "x-y: 1\n", "warn: 1", "host", "web-*", "(", "\\", "가나", "x" * 70),
)


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to four slips, each of a kind that hands make."""
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(_SLIPS)(text, chance)
    return text


def _typed(text: str, chance: random.Random) -> str:
    at, gone = chance.randint(0, len(text)), chance.randint(0, 3)
    added = "".join(chance.choices(CHARACTERS, k=chance.randint(0, 3)))
    return text[:at] + added + text[at + gone :]


def _pasted(text: str, chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(FRAGMENTS) + text[at + chance.choice([0, 0, 1, 5]) :]


def _lines(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.choice(["delete", "double", "swap", "indent", "dedent", "tab", "comment", "cut"]):
        case "delete":
            del lines[at]
        case "double":
            lines.insert(other, lines[at])
        case "swap":
            lines[at], lines[other] = lines[other], lines[at]
        case "indent":
            lines[at] = chance.choice([" ", "  ", "    "]) + lines[at]
        case "dedent":
            lines[at] = lines[at][chance.randint(1, 4) :]
        case "tab":
            lines[at] = "\t" + lines[at].lstrip(" ")
        case "comment":
            lines[at] = "#" + lines[at]
        case _:
            del lines[at:]
    return "".join(lines)


def _value(text: str, chance: random.Random) -> str:
    """Another value behind some colon."""
    colons = [index for index, sign in enumerate(text) if sign == ":"]
    if not colons:
        return text
    at = chance.choice(colons) + 1
    end = min([found for found in (text.find(sign, at) for sign in ",}\n") if found >= 0], default=len(text))
    return f"{text[:at]} {chance.choice(FRAGMENTS)}{text[end:]}"


_SLIPS = (_typed, _typed, _pasted, _lines, _lines, _value, _value)


def holds(directory: Path, files: Mapping[str, bytes], host: Host, environ: Mapping[str, str]) -> Counter[str]:
    """Read files and see that all checks written in them are loaded, or rejected with a place; how many were which.

    Written are the items that YAML sees below `checks`, as `written_in` counts them; in a file that does not parse
    none, for all of it is rejected together. Loaded is an item of which there is a rule, at its very place. Rejected is
    one of which a problem is told: its own, that of the name it shares, or that of what it stands on.
    """
    for name, content in files.items():
        (directory / name).write_bytes(content)
    book = read(directory, host, environ)
    book.validate_everything()
    rules = {rule.place: rule for rule in book.rules(book.drafts)}
    assert {rule.name for rule in rules.values()}.isdisjoint(book.rejected)
    assert {rule.name for rule in rules.values()} | set(book.rejected) == set(book.drafts)
    _see_that_problems_are_told_well(book, directory, files, environ)
    count: Counter[str] = Counter(loaded=len(rules))
    for name, content in files.items():
        file = str(directory / name)
        written = written_in(content.decode("utf-8-sig"))
        count["broken files" if written is None or file in book.broken_files else "whole files"] += 1
        if written is None:
            assert file in book.broken_files
            assert [problem for problem in book.problems if problem.place and problem.place.file == file]
            assert not [place for place in rules if place.file == file]
            continue
        count["written"] += len(written)
        count["rejected"] += _rejected(book, file, written)
    assert count["loaded"] + count["rejected"] == count["written"], dict(count)
    return count


def _rejected(book: Book, file: str, written: list[Item]) -> int:
    """How many of the items of a file a problem is told of; each is that, or there is a rule of its own."""
    rejected = 0
    loaded = {(rule.place.line, rule.place.column) for rule in book.rules(book.drafts) if rule.place.file == file}
    named = {_spot(draft.own.place): name for name, draft in book.drafts.items()}
    paths = [problem.path for problem in book.problems if problem.place and problem.place.file == file]
    for index, item in enumerate(written):
        path = f"checks[{index}]"
        is_rejected = (
            file in book.broken_files
            or (item.repeated and "checks" in paths)
            or named.get((file, item.line, item.column)) in book.rejected
            or any(one == path or one.startswith((f"{path}.", f"{path}[")) for one in paths)
        )
        is_loaded = (item.line, item.column) in loaded
        assert is_rejected != is_loaded, f"item {index} is {'both' if is_loaded else 'neither'}"
        rejected += is_rejected
    assert len(loaded) <= len(written)
    return rejected


def _spot(place: Place) -> tuple[str, int, int]:
    return place.file, place.line, place.column


def _see_that_problems_are_told_well(
    book: Book, directory: Path, files: Mapping[str, bytes], environ: Mapping[str, str]
) -> None:
    secrets = [value for name, value in environ.items() if name.endswith(("TOKEN", "APPKEY"))]
    for problem in book.problems:
        assert problem.place is not None, problem
        assert problem.place.file in {str(directory / name) for name in files}, problem
        assert problem.place.line > 0, problem
        assert str(problem).isprintable(), problem
        assert not [secret for secret in secrets if secret in str(problem)]


@dataclass(frozen=True)
class Item:
    """One item below `checks`: its line and column, from 1; `repeated` if the key of its list stood before."""

    line: int
    column: int
    repeated: bool


@dataclass
class _Node:
    event: Any
    inner: list[_Node] = field(default_factory=list)


def written_in(text: str) -> list[Item] | None:
    """The items below `checks` at the top of a file; None if it does not parse as one document.

    They are counted from libyaml's events, without Checkmill.
    """
    try:
        documents = _trees(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return None
    if len(documents) > 1:
        return None
    items: list[Item] = []
    lists = 0
    for root in documents:
        pairs = zip(root.inner[::2], root.inner[1::2], strict=True) if _is(root, yaml.MappingStartEvent) else ()
        for key, value in pairs:
            if _is(key, yaml.ScalarEvent) and key.event.value == "checks":
                marks = [item.event.start_mark for item in value.inner] if _is(value, yaml.SequenceStartEvent) else []
                items += [Item(mark.line + 1, mark.column + 1, repeated=lists > 0) for mark in marks]
                lists += 1
    return items


def _trees(events: Iterable[Any]) -> list[_Node]:
    """The documents of a file, each as its root; an alias is what it stands for, if it stands for anything."""
    anchors: dict[str, _Node] = {}
    top = _Node(None)
    stack = [top]
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            node = anchors.get(event.anchor, _Node(event)) if isinstance(event, yaml.AliasEvent) else _Node(event)
            if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
                anchors[event.anchor] = node
            stack[-1].inner.append(node)
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append(node)
    return top.inner


def _is(node: _Node, kind: type[Any]) -> bool:
    return isinstance(node.event, kind)
