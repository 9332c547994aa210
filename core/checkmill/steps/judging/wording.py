"""The default words of a result: the reason first; what, value, the limit it broke, how many of how many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.model.levels import Range, Verdict
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.steps.judging.amounts import plural, shown_limit, shown_range, shown_value

#: How many things a text names before it says "...".
NAMED = 5
#: How many lines the details have before they say how many more there are.
LISTED = 200


@dataclass(frozen=True)
class Judged:
    """One sample and what it means.

    `entity` is what tells it from the others of its service; `partial` says that it is a missing one that stands for
    an unknown number of values, such as all of a project.
    """

    sample: Sample
    verdict: Verdict
    entity: str = ""
    partial: bool = False


def text_of(judged: Sequence[Judged], metric: Metric[Any, Any, Any], thing: str, *, falling: bool = False) -> str:
    """The first line of a service that was measured; `judged` is worst first, `falling` when low values are bad."""
    if len(judged) == 1:
        return _single(judged[0], metric)
    bad = [one for one in judged if one.verdict.state is not State.OK]
    if not bad:
        return _all_well(judged, metric, thing, falling=falling)
    counted = sum(1 for one in judged if not one.partial)
    parts: list[str] = []
    for group in _by_reason(bad):
        if group[0].partial:
            parts += _named_few([missing_text(metric, one.sample, one.entity) for one in group], "; ")
            continue
        lead = f"{len(group)} of {counted} {plural(thing)}" if not parts else str(len(group))
        parts.append(f"{lead} {_reason(group[0], metric)}: " + _named_few([_named(one, metric) for one in group])[0])
    return "; ".join(parts)


def details_of(judged: Sequence[Judged], metric: Metric[Any, Any, Any]) -> str:
    """One line a sample, worst first; nothing when the text says it all."""
    if len(judged) < 2:
        return ""
    lines = [
        f"[{one.verdict.state.value}] {one.entity or metric.name}: {_full(one, metric)}" for one in judged[:LISTED]
    ]
    if len(judged) > LISTED:
        lines.append(f"... and {len(judged) - LISTED} more")
    return "\n".join(lines)


def missing_text(metric: Metric[Any, Any, Any], sample: Sample, entity: str) -> str:
    """That there is no value, of what, and why."""
    return f"{metric.name} has no value{' for ' if entity else ''}{entity}: {sample.reason}"


def _single(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return missing_text(metric, one.sample, one.entity)
    lead = f"{one.entity}: " if one.entity else ""
    return f"{lead}{metric.name} {_full(one, metric)}"


def _full(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return one.sample.reason
    if one.verdict.broken == "unknown word":
        return f"{one.sample.value!r} is a word without a meaning; say under 'states' what it means"
    shown = _value(one, metric)
    return shown if one.verdict.broken in {"", "is"} else f"{shown} {_reason(one, metric)}"


def _reason(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    """Why a sample is not OK: the limit it broke."""
    limit = one.verdict.limit
    if one.sample.is_missing:
        return "without value"
    if isinstance(limit, Range):
        return shown_range(limit, metric.unit)
    if isinstance(limit, str):
        return limit if one.verdict.broken == "is" else f"{limit!r}, a word without a meaning"
    return f"{one.verdict.broken} {shown_limit(limit or 0.0, metric.unit)}"


def _named(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return f"{one.entity} ({one.sample.reason})".strip()
    return (one.entity if metric.is_state else f"{one.entity} {_value(one, metric)}").strip()


def _value(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    value, limit = one.sample.value, one.verdict.limit
    if isinstance(limit, Range) and isinstance(value, int | float):
        ends = [end for end in (limit.start, limit.end) if not limit.inside and abs(end) != float("inf")]
        limit = min(ends, key=lambda end: abs(value - end), default=None)
    return shown_value(value, metric.unit, beside=limit if isinstance(limit, int | float) else None)


def _named_few(names: Sequence[str], separator: str = ", ") -> list[str]:
    return [separator.join([*names[:NAMED], *(["..."] if len(names) > NAMED else [])])]


def _by_reason(bad: Iterable[Judged]) -> list[list[Judged]]:
    groups: dict[tuple[Any, ...], list[Judged]] = {}
    for one in bad:
        key = (one.partial, one.sample.is_missing, one.verdict.state, one.verdict.broken, one.verdict.limit)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _all_well(judged: Sequence[Judged], metric: Metric[Any, Any, Any], thing: str, *, falling: bool) -> str:
    count = f"{len(judged)} {plural(thing)}"
    if metric.is_state:
        words: dict[str, int] = {}
        for one in judged:
            words[str(one.sample.value)] = words.get(str(one.sample.value), 0) + 1
        return f"{count}: " + ", ".join(f"{number} {word}" for word, number in words.items())
    extreme = judged[0]
    which = f" ({extreme.entity})" if extreme.entity else ""
    return f"{count}, {metric.name} at {'least' if falling else 'most'} {_value(extreme, metric)}{which}"
