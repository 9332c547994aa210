"""One rule over sources of several types: what their metrics of one name have in common, and where they differ.

A plugin gives its metric bounds, levels and meanings of words; those of one type say nothing of another's values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from checkmill.model.levels import Levels, glob_matches
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.nodes import Map, Node

AnyMetric = Metric[Any, Any, Any]


def within_common_bounds(metrics: Sequence[AnyMetric]) -> list[AnyMetric]:
    """The same metrics, each with the bounds that hold for the values of all of them."""
    lowest, highest = [one.minimum for one in metrics], [one.maximum for one in metrics]
    if len({*lowest}) <= 1 and len({*highest}) <= 1:
        return list(metrics)
    lows = [one for one in lowest if one is not None]
    highs = [one for one in highest if one is not None]
    minimum = min(lows) if len(lows) == len(metrics) else None
    maximum = max(highs) if len(highs) == len(metrics) else None
    return [replace(one, minimum=minimum, maximum=maximum) for one in metrics]


def standing_for(metrics: Sequence[AnyMetric]) -> AnyMetric | None:
    """The metric that levels are read for: the first one's, with all words that any of them yields.

    A word that does not mean the same for all has no meaning of its own, and is UNKNOWN where a rule gives it none.
    """
    if not metrics:
        return None
    first = metrics[0]
    differing = _differing_words(metrics)
    if not differing:
        return first
    words = {word: state for one in metrics for word, state in (one.states or {}).items()}
    return replace(first, states={**words, **dict.fromkeys(differing, State.UNKNOWN)})


def refuse_foreign_levels(
    metrics: Sequence[AnyMetric],
    written: Mapping[str, tuple[Node, str]],
    spot: tuple[Node, str],
    findings: Findings,
) -> None:
    """Note levels of one type that would count for all: where none are written, or not for each word that differs.

    `spot` is the node that names the metric, and its path.
    """
    name = metrics[0].name if metrics else ""
    if not written and any((one.levels, one.states) != (metrics[0].levels, metrics[0].states) for one in metrics):
        sentence = f"the sources are of several types, whose own levels for {name!r} differ"
        findings.add(sentence, spot[0].place, spot[1], "write the levels")
    states = written.get("states")
    if states is None or not isinstance(states[0], Map):
        return
    patterns = states[0].entries
    left = [word for word in _differing_words(metrics) if not any(glob_matches(one, word) for one in patterns)]
    if left:
        words = ", ".join(map(repr, left))
        sentence = f"the sources are of several types, for which {words} of {name!r} does not mean the same"
        findings.add(sentence, states[0].place, states[1], "give it a state here too")


def _differing_words(metrics: Sequence[AnyMetric]) -> list[str]:
    """The words that do not mean the same for all types that yield them."""
    meanings = [Levels(states=one.states) for one in metrics if one.states is not None]
    words = dict.fromkeys(word for one in meanings for word in one.states or ())
    return [word for word in words if len({one.verdict_on(word).state for one in meanings if _yields(one, word)}) > 1]


def _yields(own: Levels, word: str) -> bool:
    return any(glob_matches(pattern, word) for pattern in own.states or ())
