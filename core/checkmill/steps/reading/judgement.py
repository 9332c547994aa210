"""Reads the keys of a rule that decide: levels, selection, expectations."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from checkmill.model.levels import Levels, Limits, Range, glob_matches, plain
from checkmill.model.rule import Expect, Pattern, Selection
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.model.units import amount
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Scalar, Sequence, is_empty, shown

L = TypeVar("L", float, Range)

LEVEL_KEYS = ("above", "below", "range", "states")


def levels_from(
    written: Mapping[str, tuple[Node, str]], metric: Metric[Any, Any, Any], findings: Findings
) -> Levels | None:
    """Read the levels of a rule, given the node and path of each key present; none given is the metric's own."""
    if not written:
        return metric.levels or (Levels(states=metric.states) if metric.is_state else None)
    for key, (node, path) in written.items():
        if (key == "states") != metric.is_state:
            kind, use = ("words", "'states'") if metric.is_state else ("numbers", "'above', 'below' or 'range'")
            findings.add(
                f"the metric {metric.name!r} yields {kind}; {key!r} means nothing for it",
                node.place,
                path,
                f"use {use}",
            )
            return None
    above = below = outside = states = None
    if "above" in written:
        above = _limits(*written["above"], findings, _amounts(metric.unit))
        _check_order(above, *written["above"], findings, sign=1)
        _check_reach(above, *written["above"], findings, metric, sign=1)
    if "below" in written:
        below = _limits(*written["below"], findings, _amounts(metric.unit))
        _check_order(below, *written["below"], findings, sign=-1)
        _check_reach(below, *written["below"], findings, metric, sign=-1)
    if "range" in written:
        outside = _limits(*written["range"], findings, _range)
    if "states" in written:
        states = _states(*written["states"], metric, findings)
    return Levels(above=above, below=below, range=outside, states=states)


def _amounts(unit: str) -> Callable[[str | float], float]:
    return lambda text: amount(text, unit)


def _range(text: str | float) -> Range:
    parsed = Range.parse(str(text))
    everything = parsed.start == -math.inf and parsed.end == math.inf
    if everything:
        raise ValueError(f"the range {text!r} {'always alerts' if parsed.inside else 'never alerts'}; give it an end")
    return parsed


def _limits(node: Node, path: str, findings: Findings, read: Callable[[str | float], L]) -> Limits[L] | None:
    if isinstance(node, Scalar):
        crit = findings.amount(node, path, read)
        return None if crit is None else Limits(crit=crit)
    if isinstance(node, Sequence):
        findings.add(f"a limit is expected, found {shown(node)}", node.place, path, "write {warn: 80, crit: 90}")
        return None
    pair = findings.map(node, path, ("warn", "crit"))
    if pair is None:
        return None
    if not pair.entries:
        findings.add("neither warn nor crit is given", node.place, path, "write {warn: 80, crit: 90}")
        return None
    read_limits = {
        key: findings.amount(entry.value, f"{path}.{key}", read) for key, entry in pair if key in {"warn", "crit"}
    }
    return Limits(read_limits.get("warn"), read_limits.get("crit"))


def _check_order(limits: Limits[float] | None, node: Node, path: str, findings: Findings, *, sign: int) -> None:
    if limits is None or limits.warn is None or limits.crit is None or limits.crit * sign >= limits.warn * sign:
        return
    place = node.entries["crit"].value.place if isinstance(node, Map) else node.place
    other = "below" if sign > 0 else "above"
    findings.add(
        f"crit {plain(limits.crit)} is not beyond warn {plain(limits.warn)}",
        place,
        f"{path}.crit",
        f"swap them or use {other!r}",
    )


def _check_reach(
    limits: Limits[float] | None, node: Node, path: str, findings: Findings, metric: Metric[Any, Any, Any], *, sign: int
) -> None:
    """Refuse limits that no value or every value of the metric breaks."""
    if limits is None:
        return
    lowest, highest = (metric.minimum, metric.maximum) if sign > 0 else (metric.maximum, metric.minimum)
    for key, limit in (("warn", limits.warn), ("crit", limits.crit)):
        if limit is None:
            continue
        never = highest is not None and limit * sign >= highest * sign
        always = lowest is not None and limit * sign < lowest * sign
        if never or always:
            entry = node.entries.get(key) if isinstance(node, Map) else None
            bounds = f"{metric.name} lies between {_bound(metric.minimum)} and {_bound(metric.maximum)}"
            findings.add(
                f"{key} {plain(limit)}{metric.unit} {'never' if never else 'always'} alerts: {bounds}",
                entry.value.place if entry else node.place,
                f"{path}.{key}" if entry else path,
                "choose a limit inside",
            )


def _bound(value: float | None) -> str:
    return "any" if value is None else plain(value)


def _states(node: Node, path: str, metric: Metric[Any, Any, Any], findings: Findings) -> dict[str, State] | None:
    written = findings.map(node, path)
    if written is None:
        return None
    if not written.entries:
        findings.add("no word is given", node.place, path, "write {word: crit}")
    own = dict(metric.states or {})
    states: dict[str, State] = {}
    for pattern, entry in written:
        if "*" not in own and not any(glob_matches(pattern, word) for word in own):
            findings.add(
                f"the metric {metric.name!r} never yields {pattern!r}",
                entry.place,
                f"{path}.{pattern}",
                did_you_mean(pattern, own),
            )
        state = findings.state(entry.value, f"{path}.{pattern}")
        if state is not None:
            states[pattern] = state
    if not any(glob_matches(pattern, "") for pattern in states):
        # Words that the rule does not name keep the meaning the metric gives them; exact words go before globs.
        covered = {word for word in own if any(glob_matches(pattern, word) for pattern in states)}
        states.update({word: state for word, state in own.items() if word not in states and word not in covered})
    return states


def selection_from(node: Node, path: str, labels: tuple[str, ...], findings: Findings) -> Selection | None:
    """Read `where` or `except`: a map of labels to patterns, or a list of such maps."""
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
            if label not in labels:
                findings.add(f"unknown label {label!r}", entry.place, f"{where}.{label}", did_you_mean(label, labels))
            alternative[label] = _patterns(entry.value, f"{where}.{label}", findings)
        alternatives.append(alternative)
    return Selection(tuple(alternatives))


def _patterns(node: Node, path: str, findings: Findings) -> tuple[Pattern, ...]:
    if isinstance(node, Sequence):
        if not node.items:
            findings.add("the list is empty", node.place, path)
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
        try:
            re.compile(text)
        except re.error as error:
            findings.add(f"{text!r} is no regular expression: {error}", entry.value.place, f"{path}.regex")
            return ()
        return (Pattern(text, is_regex=True),)
    text = findings.text(node, path)
    return () if text is None else (Pattern(text),)


def expect_from(node: Node, path: str, each: tuple[str, ...], findings: Findings) -> Expect | None:
    """Read `expect`: `seen`, a number, a list of values of `each`, or maps when `each` has several labels."""
    if isinstance(node, Scalar) and node.value == "seen":
        if not each:
            findings.add(
                "'seen' expects label values, and the rule has no 'each'",
                node.place,
                path,
                "add 'each: host' or the like",
            )
        return Expect(seen=True)
    if isinstance(node, Scalar) and node.value == "all":
        findings.add("'expect: all' is not carried out yet", node.place, path, "list the values, or use 'seen'")
        return None
    if isinstance(node, Scalar):
        number = int(node.value) if isinstance(node.value, str) and node.value.isdecimal() else node.value
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            findings.add(f"found {shown(node)}", node.place, path, "write seen, a number from 1, or a list of values")
            return None
        return Expect(count=number)
    if isinstance(node, Map) or not node.items:
        findings.add(f"found {shown(node)}", node.place, path, "write seen, a number from 1, or a list of values")
        return None
    if not each:
        findings.add(
            "a list of values needs 'each' to say of which label", node.place, path, "add 'each: host' or the like"
        )
        return None
    values = [_expected(item, f"{path}[{index}]", each, findings) for index, item in enumerate(node.items)]
    return Expect(values=tuple(dict.fromkeys(value for value in values if value is not None)))


def _expected(node: Node, path: str, each: tuple[str, ...], findings: Findings) -> tuple[tuple[str, str], ...] | None:
    if isinstance(node, Map):
        missing = [label for label in each if is_empty(node.get(label))]
        findings.map(node, path, each)
        if missing:
            findings.add(
                f"no value for {', '.join(missing)}",
                node.place,
                path,
                "each expected entry gives every label of 'each'",
            )
            return None
        labels = {label: findings.text(node.get(label), f"{path}.{label}") for label in each}
        return tuple(sorted((label, text) for label, text in labels.items() if text is not None))
    if len(each) > 1:
        findings.add(
            f"found {shown(node)}",
            node.place,
            path,
            f"with several labels write {{{', '.join(f'{e}: ...' for e in each)}}}",
        )
        return None
    text = findings.text(node, path)
    return None if text is None else ((each[0], text),)
