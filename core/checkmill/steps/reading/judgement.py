"""Reads the keys of a rule that decide: levels, selection, expectations."""

from __future__ import annotations

import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from checkmill.model.levels import Levels, Limits, Range, glob_matches, plain
from checkmill.model.rule import Expect, Pattern, Selection
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.model.units import amount
from checkmill.steps.reading.findings import FILL_IN, Findings
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Scalar, Sequence, is_empty, is_reference, quoted, shown
from checkmill.steps.reading.reach import check_reach

L = TypeVar("L", float, Range)

#: No source has that many samples.
LONGEST_COUNT = 12
LEVEL_KEYS = ("above", "below", "range", "states")


def levels_from(
    written: Mapping[str, tuple[Node, str]], metric: Metric[Any, Any, Any] | None, findings: Findings
) -> Levels | None:
    """Read the levels of a rule, given the node and path of each key present; none given is the metric's own.

    Where the metric is not known, for it was misspelt, what can be wrong without it is told all the same.
    """
    if not written:
        return None if metric is None else metric.levels or (Levels(states=metric.states) if metric.is_state else None)
    for key, (node, path) in written.items():
        if metric is not None and (key == "states") != metric.is_state:
            kind, use = ("words", "'states'") if metric.is_state else ("numbers", "'above', 'below' or 'range'")
            findings.add(
                f"the metric {metric.name!r} yields {kind}; {key!r} means nothing for it",
                node.place,
                path,
                f"use {use}",
            )
            return None
    before = len(findings.problems)
    above = below = outside = states = None
    unit = None if metric is None else metric.unit
    if "above" in written:
        above = _limits(*written["above"], findings, lambda text: amount(text, unit), "a limit")
        _check_order(above, *written["above"], findings, sign=1)
    if "below" in written:
        below = _limits(*written["below"], findings, lambda text: amount(text, unit), "a limit")
        _check_order(below, *written["below"], findings, sign=-1)
    if "range" in written:
        outside = _limits(*written["range"], findings, _range, "a Nagios range")
    if "states" in written:
        states = _states(*written["states"], metric, findings)
    levels = Levels(above=above, below=below, range=outside, states=states)
    if metric is not None and len(findings.problems) == before:
        check_reach(levels, written, metric, findings)
    return levels


def _range(text: str | float) -> Range:
    parsed = Range.parse(str(text))
    if parsed.start == -math.inf and parsed.end == math.inf:
        raise ValueError(f"the range {text!r} {'always' if parsed.inside else 'never'} alerts; give it an end")
    return parsed


def _limits(
    node: Node, path: str, findings: Findings, read: Callable[[str | float], L], expected: str
) -> Limits[L] | None:
    if isinstance(node, Scalar):
        crit = findings.amount(node, path, read, expected)
        return None if crit is None else Limits(crit=crit)
    if isinstance(node, Sequence):
        findings.add(f"{expected} is expected, found {shown(node)}", node.place, path, "write {warn: ..., crit: ...}")
        return None
    pair = findings.map(node, path, ("warn", "crit"))
    if pair is None:
        return None
    if not pair.entries:
        findings.add("neither warn nor crit is given", node.place, path, "write {warn: ..., crit: ...}")
        return None
    read_limits = {
        key: findings.amount(entry.value, f"{path}.{key}", read, expected)
        for key, entry in pair
        if key in {"warn", "crit"}
    }
    return Limits(read_limits.get("warn"), read_limits.get("crit"))


def _check_order(limits: Limits[float] | None, node: Node, path: str, findings: Findings, *, sign: int) -> None:
    if limits is None or limits.warn is None or limits.crit is None or limits.crit * sign >= limits.warn * sign:
        return
    if not isinstance(node, Map):
        return
    crit, warn = (
        shown(value) if is_reference(value) else plain(limit)
        for value, limit in ((node.entries[key].value, getattr(limits, key)) for key in ("crit", "warn"))
    )
    other = "below" if sign > 0 else "above"
    findings.add(
        f"crit {crit} is not beyond warn {warn}",
        node.entries["crit"].value.place,
        f"{path}.crit",
        f"swap them or use {other!r}",
    )


def _states(node: Node, path: str, metric: Metric[Any, Any, Any] | None, findings: Findings) -> dict[str, State] | None:
    written = findings.map(node, path)
    if written is None:
        return None
    if not written.entries:
        findings.add("no word is given", node.place, path, "write {word: crit}")
    own = dict(metric.states or {}) if metric is not None else {"*": State.UNKNOWN}
    states: dict[str, State] = {}
    for pattern, entry in written:
        if metric is not None and "*" not in own and not any(glob_matches(pattern, word) for word in own):
            findings.add(
                f"the metric {metric.name!r} never yields {quoted(pattern)}",
                entry.place,
                f"{path}.{pattern}",
                did_you_mean(pattern, own),
            )
        state = findings.state(entry.value, f"{path}.{pattern}")
        if state is not None:
            states[pattern] = state
    # Words that the rule does not name keep the meaning the metric gives them; exact words go before globs.
    covered = {word for word in own if any(glob_matches(pattern, word) for pattern in states)}
    states.update({word: state for word, state in own.items() if word not in covered})
    return states


def selection_from(node: Node, path: str, labels: tuple[str, ...] | None, findings: Findings) -> Selection | None:
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


def expect_from(node: Node, path: str, each: tuple[str, ...], findings: Findings) -> Expect | None:
    """Read `expect`: `seen`, a number, a list of values of `each`, or maps when `each` has several labels."""
    if isinstance(node, Scalar) and node.value == "seen":
        if not each:
            sentence = "'seen' expects label values, and the rule has no 'each'"
            findings.add(sentence, node.place, path, "add 'each: host' or the like")
        return Expect(seen=True)
    if isinstance(node, Scalar) and node.value == "all":
        sentence = "'expect: all' is not carried out yet"
        findings.add(sentence, node.place, path, "meanwhile: list the values, or write 'seen'")
        return None
    if isinstance(node, Scalar):
        number = _count(node.value)
        if number is None:
            findings.unexpected(node, path, "'seen', a number from 1, or a list of values")
            return None
        return Expect(count=number)
    if isinstance(node, Map) or not node.items:
        findings.unexpected(node, path, "'seen', a number from 1, or a list of values")
        return None
    if not each:
        findings.add(
            "a list of values needs 'each' to say of which label", node.place, path, "add 'each: host' or the like"
        )
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
