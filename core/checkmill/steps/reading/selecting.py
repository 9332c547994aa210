"""Reads the keys of a rule that say which samples are meant and which must be there: `where`, `except`, `expect`."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Collection

from checkmill.model.rule import Expect, Pattern, Selection
from checkmill.steps.reading.findings import FILL_IN, Findings
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Scalar, Sequence, is_empty, is_reference, quoted, shown

#: No source has a number of samples with so many digits.
LONGEST_COUNT = 12


def selection_from(node: Node, path: str, labels: Collection[str] | None, findings: Findings) -> Selection | None:
    """Read `where` or `except`: a map of labels to patterns, or a list of such maps; `labels` None are not known."""
    written = node.items if isinstance(node, Sequence) else (node,)
    if not written:
        findings.add("the list is empty", node.place, path, "leave the key out to select all")
    alternatives = []
    for index, item in enumerate(written):
        where = f"{path}[{index}]" if isinstance(node, Sequence) else path
        one = findings.map(item, where)
        if one is None:
            continue
        if not one.entries:
            findings.add("no label is given", item.place, where, "write {host: 'web-*'}")
        alternative = {}
        for label, entry in one:
            if labels is not None and label not in labels:
                hint = did_you_mean(label, labels)
                findings.add(f"unknown label {quoted(label)}", entry.place, f"{where}.{label}", hint)
            alternative[label] = _patterns(entry.value, f"{where}.{label}", findings)
        alternatives.append(alternative)
    return Selection(tuple(alternatives))


def _patterns(node: Node, path: str, findings: Findings) -> tuple[Pattern, ...]:
    if isinstance(node, Sequence):
        if not node.items:
            findings.add("the list is empty", node.place, path, FILL_IN)
        return tuple(p for index, item in enumerate(node.items) for p in _patterns(item, f"{path}[{index}]", findings))
    if isinstance(node, Map):
        regex = findings.map(node, path, ("regex",))
        entry = node.entries.get("regex")
        text = findings.text(entry.value, f"{path}.regex") if regex and entry else None
        if entry is None:
            findings.add(
                "a pattern is expected, found a map without 'regex'", node.place, path, "write {regex: 'web-[0-9]+'}"
            )
        if text is None or entry is None:
            return ()
        why = _why_no_regex(text)
        if why:
            # With a `${...}` filled in, the reason may quote any part of its value.
            because = "" if is_reference(entry.value) else f": {why}"
            sentence = f"{shown(entry.value)} is no regular expression{because}"
            findings.add(
                sentence, entry.value.place, f"{path}.regex", "see Python's re module; it matches whole values"
            )
            return ()
        return (Pattern(text, is_regex=True),)
    text = findings.text(node, path)
    return () if text is None else (Pattern(text),)


def _why_no_regex(text: str) -> str:
    with warnings.catch_warnings():
        # What Python only warns of means something else in its next version, and a warning is text on stderr.
        warnings.simplefilter("error")
        try:
            re.compile(unicodedata.normalize("NFC", text))
        except (re.error, OverflowError, RecursionError, Warning) as error:
            return str(error)
    return ""


def expect_from(
    node: Node, path: str, each: tuple[str, ...], offered: tuple[str, ...], findings: Findings
) -> Expect | None:
    """Read `expect`: `seen`, a number, a list of values of `each`, or maps when `each` has several labels.

    `offered` are the labels that `each` could have.
    """
    add_each = f"add 'each: {offered[0]}' or the like" if offered else "remove the key; there is one value, or none"
    if isinstance(node, Scalar) and node.value == "seen":
        if not each:
            sentence = "'seen' expects label values, and the rule has no 'each'"
            findings.add(sentence, node.place, path, add_each)
        return Expect(seen=True)
    if isinstance(node, Scalar) and node.value == "all":
        return Expect(all=True)
    if isinstance(node, Scalar):
        number = _count(node.value)
        if number is None:
            findings.unexpected(node, path, "'seen', 'all', a number from 1, or a list of values")
            return None
        return Expect(count=number)
    if isinstance(node, Map) or not node.items:
        findings.unexpected(node, path, "'seen', 'all', a number from 1, or a list of values")
        return None
    if not each:
        findings.add("a list of values needs 'each' to say of which label", node.place, path, add_each)
        return None
    values = [_expected(item, f"{path}[{index}]", each, findings) for index, item in enumerate(node.items)]
    return Expect(values=tuple(dict.fromkeys(value for value in values if value is not None)))


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < LONGEST_COUNT:
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 10**LONGEST_COUNT
    return value if is_count and isinstance(value, int) else None


def _expected(node: Node, path: str, each: tuple[str, ...], findings: Findings) -> tuple[tuple[str, str], ...] | None:
    if isinstance(node, Map):
        missing = [label for label in each if is_empty(node.get(label))]
        findings.map(node, path, each)
        if missing:
            sentence, hint = f"no value for {', '.join(missing)}", "each expected entry gives every label of 'each'"
            findings.add(sentence, node.place, path, hint)
            return None
        labels = {label: findings.text(node.get(label), f"{path}.{label}") for label in each}
        return tuple(sorted((label, text) for label, text in labels.items() if text is not None))
    if len(each) > 1:
        findings.unexpected(node, path, f"a map {{{', '.join(f'{label}: ...' for label in each)}}}")
        return None
    text = findings.text(node, path)
    return None if text is None else ((each[0], text),)
