"""Reads the keys of a rule that decide: levels, overrides, the aggregate, what is tolerated."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from checkmill.model.aggregate import NAMES, is_aggregate
from checkmill.model.job import TIME_TAKEN
from checkmill.model.levels import Levels, Limits, Range, glob_matches, plain
from checkmill.model.rule import Override, Tolerance, Tolerate
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.model.units import amount
from checkmill.steps.reading.findings import FILL_IN, Findings
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Scalar, Sequence, is_empty, is_reference, quoted, shown
from checkmill.steps.reading.reach import check_reach
from checkmill.steps.reading.selecting import LONGEST_COUNT, selection_from

L = TypeVar("L", float, Range)

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


def job_levels_from(
    written: Mapping[str, tuple[Node, str]], metric: Metric[Any, Any, Any], findings: Findings
) -> Levels | None:
    """Read the levels of a job: what the word for its end means, and limits of the time that it took."""
    words = {key: found for key, found in written.items() if key == "states"}
    limits = {key: found for key, found in written.items() if key != "states"}
    of_word = levels_from(words, metric, findings)
    of_time = levels_from(limits, TIME_TAKEN, findings) if limits else None
    return of_word if of_time is None or of_word is None else replace(of_time, states=of_word.states)


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
        if metric is not None and not any(_may_mean(pattern, word) for word in own):
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


def _may_mean(pattern: str, word: str) -> bool:
    """Whether a pattern of a rule may stand for a word of the metric, which may be a glob itself."""
    return word == "*" or glob_matches(pattern, word) or glob_matches(word, pattern)


def overrides_from(
    node: Node,
    path: str,
    metric: Metric[Any, Any, Any] | None,
    labels: Collection[str] | None,
    findings: Findings,
) -> tuple[Override, ...]:
    """Read `overrides`: which samples, and the levels that are theirs instead of the rule's."""
    if not isinstance(node, Sequence):
        findings.unexpected(node, path, "a list of '- {where: ..., above: ...}'")
        return ()
    if not node.items:
        findings.add("the list is empty", node.place, path, FILL_IN)
    read = [_override(item, f"{path}[{index}]", metric, labels, findings) for index, item in enumerate(node.items)]
    return tuple(one for one in read if one is not None)


def _override(
    node: Node, path: str, metric: Metric[Any, Any, Any] | None, labels: Collection[str] | None, findings: Findings
) -> Override | None:
    written = findings.map(node, path, ("where", "except", *LEVEL_KEYS))
    if written is None:
        return None
    for key, entry in written:
        if is_empty(entry.value) and not entry.value.flaws:
            findings.add(f"{key!r} has no value", entry.place, f"{path}.{key}", FILL_IN)
    given = {key: (entry.value, f"{path}.{key}") for key, entry in written if not is_empty(entry.value)}
    if not {"where", "except"} & written.entries.keys():
        hint = "add 'where', or write the levels into the check itself"
        findings.add("the override is for every sample", node.place, path, hint)
    own = {key: given[key] for key in LEVEL_KEYS if key in given}
    if not set(LEVEL_KEYS) & written.entries.keys():
        hint = "add 'above', 'below', 'range' or 'states'"
        findings.add("the override has no levels", node.place, path, hint)
    levels = levels_from(own, metric, findings) if own else None
    where, exclude = (
        selection_from(*given[key], labels, findings) if key in given else None for key in ("where", "except")
    )
    return None if levels is None else Override(levels, where, exclude)


def aggregate_from(node: Node, path: str, metric: Metric[Any, Any, Any] | None, findings: Findings) -> str:
    """Read `aggregate`: the name of a function, or nothing where it is none."""
    how = findings.text(node, path)
    if how is None:
        return ""
    if not is_aggregate(how):
        findings.add(f"{shown(node)} is no aggregate", node.place, path, f"write {', '.join(NAMES[:-2])}, or p1 to p99")
        return ""
    if metric is not None and metric.is_state and how != "count":
        sentence = f"the metric {metric.name!r} yields words, of which there is no {how}"
        findings.add(sentence, node.place, path, "use 'count', or 'states' without 'aggregate'")
        return ""
    return how


def tolerate_from(node: Node, path: str, findings: Findings) -> Tolerate | None:
    """Read `tolerate`: a count or a share of samples that may breach, for both states or for each."""
    expected = "a count such as 2, or a share such as 10%"
    if isinstance(node, Scalar):
        both = findings.amount(node, path, _tolerance, expected)
        return None if both is None else Tolerate(both, both)
    if isinstance(node, Sequence):
        findings.unexpected(node, path, expected)
        return None
    pair = findings.map(node, path, ("warn", "crit"))
    if pair is None:
        return None
    if not pair.entries:
        findings.add("neither warn nor crit is given", node.place, path, "write {warn: 10%, crit: 30%}")
    read = {
        key: findings.amount(entry.value, f"{path}.{key}", _tolerance, expected)
        for key, entry in pair
        if key in {"warn", "crit"}
    }
    return Tolerate(read.get("warn") or Tolerance(), read.get("crit") or Tolerance())


def _tolerance(written: str | float) -> Tolerance:
    text = str(written).strip() if not isinstance(written, bool) else ""
    if text.isascii() and text.isdecimal() and len(text) < LONGEST_COUNT:
        return Tolerance(int(text))
    if not text.endswith("%"):
        found = str(written).lower() if isinstance(written, bool) else repr(written)
        raise ValueError(f"{found} is no count and no share; write 2 or 10%")
    percent = amount(text, "%")
    if percent >= 100:
        raise ValueError(f"with {text} tolerated this never alerts; choose less than 100%")
    if percent < 0:
        raise ValueError(f"{text} is less than nothing; write 2 or 10%")
    return Tolerance(percent=percent)
