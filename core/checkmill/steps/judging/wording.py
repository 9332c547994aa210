"""The default words of a result: the reason first; what, value, the limit it broke, how many of how many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.model.levels import Range, Verdict, plain
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State

#: How many things a text names before it says "...".
NAMED = 5
#: How many lines the details have before they say how many more there are.
LISTED = 200

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@dataclass(frozen=True)
class Judged:
    """One sample and what it means; `entity` is what tells it from the others of its service."""

    sample: Sample
    verdict: Verdict
    entity: str = ""


def entities_of(samples: Sequence[Sample], each: Sequence[str]) -> tuple[str, list[str]]:
    """Tell samples apart: what such a thing is called (`host`), and a name for each sample.

    The labels that differ among them make the name; those of `each` are in the service's name already.
    """
    names = list(dict.fromkeys(name for sample in samples for name in sample.labels if name not in each))
    if len(samples) == 1:
        telling = [name for name in names if name != "source"]
        return (telling[-1] if telling else "value"), [""]
    telling = [name for name in names if len({sample.labels.get(name) for sample in samples}) > 1]
    labels = [" ".join(filter(None, (sample.labels.get(name, "") for name in telling))) for sample in samples]
    return (telling[-1] if telling else "value"), labels


def text_of(judged: Sequence[Judged], metric: Metric[Any, Any, Any], thing: str) -> str:
    """The first line of a service that was measured; `judged` is worst first."""
    bad = [one for one in judged if one.verdict.state is not State.OK]
    if len(judged) == 1:
        return _single(judged[0], metric)
    if not bad:
        return _all_well(judged, metric, thing)
    parts: list[str] = []
    for group in _by_reason(bad):
        lead = f"{len(group)} of {len(judged)} {plural(thing)}" if not parts else str(len(group))
        named = ", ".join(_named(one, metric) for one in group[:NAMED]) + (", ..." if len(group) > NAMED else "")
        parts.append(f"{lead} {reason_of(group[0], metric)}: {named}")
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


def shown_value(value: float | str | None, unit: str, *, beside: float | None = None) -> str:
    """A value for people: rounded, with its unit, but never so far that it looks equal to a limit beside it."""
    if value is None:
        return "no value"
    if isinstance(value, str):
        return value
    if unit == "B":
        return _bytes(value, beside)
    if unit == "s":
        return duration(value)
    gap = "" if unit in {"", "%"} else " "
    return _rounded(value, beside) + gap + unit


def duration(seconds: float) -> str:
    """A duration for people: `45s`, `3m`, `2h 5m`, `3d 4h`."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.3g}s"
    whole = round(seconds)
    for size, unit, smaller, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size}{unit}" + (f" {rest}{small_unit}" if rest else "")
    return f"{whole}s"


def plural(thing: str) -> str:
    """Several of a thing."""
    return thing + ("es" if thing.endswith(("s", "x", "ch")) else "s")


def reason_of(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    """Why a sample is not OK: the limit it broke."""
    verdict = one.verdict
    if one.sample.is_missing:
        return "without value"
    if verdict.broken == "range":
        limit = verdict.limit
        inside = isinstance(limit, Range) and limit.inside
        return f"{'inside' if inside else 'outside'} {str(limit).removeprefix('@')}"
    if verdict.broken == "is":
        return str(verdict.limit)
    if verdict.broken == "unknown word":
        return f"{verdict.limit!r}, a word without a meaning"
    return f"{verdict.broken} {shown_value(verdict.limit, metric.unit)}"  # type: ignore[arg-type] # a number here


def _single(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return f"{metric.name} has no value: {one.sample.reason}"
    return f"{metric.name} {_full(one, metric)}"


def _full(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return one.sample.reason
    shown = _value(one, metric)
    if one.verdict.broken in {"", "is"}:
        return shown
    if one.verdict.broken == "unknown word":
        return f"{shown!r} is a word without a meaning; say under 'states' what it means"
    return f"{shown} {reason_of(one, metric)}"


def _named(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return f"{one.entity} ({one.sample.reason})"
    if metric.is_state:
        return one.entity
    return f"{one.entity} {_value(one, metric)}".strip()


def _value(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    limit = one.verdict.limit
    return shown_value(one.sample.value, metric.unit, beside=limit if isinstance(limit, float) else None)


def _by_reason(bad: Iterable[Judged]) -> list[list[Judged]]:
    groups: dict[tuple[Any, ...], list[Judged]] = {}
    for one in bad:
        key = (one.sample.is_missing, one.verdict.state, one.verdict.broken, one.verdict.limit)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _all_well(judged: Sequence[Judged], metric: Metric[Any, Any, Any], thing: str) -> str:
    count = f"{len(judged)} {plural(thing)}"
    if metric.is_state:
        words: dict[str, int] = {}
        for one in judged:
            words[str(one.sample.value)] = words.get(str(one.sample.value), 0) + 1
        return f"{count}: " + ", ".join(f"{number} {word}" for word, number in words.items())
    worst = judged[0]
    return f"{count}, {metric.name} at worst {_value(worst, metric)} ({worst.entity})"


def _rounded(value: float, beside: float | None) -> str:
    if isinstance(value, int) or float(value).is_integer():
        return plain(value)
    for digits in range(3, 18):
        text = f"{value:.{digits}g}"
        if beside is None or float(text) != beside:
            return plain(float(text))
    return plain(value)


def _bytes(value: float, beside: float | None) -> str:
    power = 0
    while abs(value) >= 1024 ** (power + 1) and power < len(_BYTES) - 1:
        power += 1
    scaled = value / 1024**power
    other = None if beside is None else beside / 1024**power
    return f"{_rounded(scaled, other)} {_BYTES[power]}"
