"""Results as OpenMetrics, for Prometheus and for the textfile collector of its node_exporter.

    checkmill_state{check="cpu",service="cpu web-1",source="shop",metric="cpu",host="web-1"} 2
    checkmill_checked_at_seconds{...} 1753000000.25
    checkmill_cpu_percent{...} 97.2

One text serves both. The textfile collector reads the older text format, to which `# UNIT` and `# EOF` are comments;
it refuses times of samples and types of metrics that came later, so there are no times, and all metrics are gauges.
What is told of a metric follows from its name alone, since the collector refuses files that tell it in two ways.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from checkmill.model.levels import plain
from checkmill.model.result import Perf, Result
from checkmill.steps.rendering.cleaning import unique, without_controls
from checkmill.steps.rendering.labels import Spelling, safe_labels
from checkmill.steps.rendering.perfdata import is_finite

STATE = "checkmill_state"
CHECKED_AT = "checkmill_checked_at_seconds"

_OWN_HELP = {
    STATE: "State of the service: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
    CHECKED_AT: "When the service was measured, in seconds since 1970.",
}
#: What the name of a metric ends with, by unit. Values are as all other forms show them: percent is no ratio here.
_UNITS = {
    "%": "percent",
    "B": "bytes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "B/s": "bytes_per_second",
    "bit/s": "bits_per_second",
}
_WORD = re.compile(r"[^A-Za-z0-9_]")
_METRIC_NAME = Spelling(_WORD, joint="_")
_LABEL_NAME = Spelling(_WORD, joint="_", lead="label_")

#: What a result says of itself, in the order written; a label of the same name fills the place of one that is empty.
_OF_THE_RESULT = ("check", "service", "host", "source", "metric")
#: The label of a value where it is not just the name of the metric, and the number of what would be there twice.
_VALUE, _REPEAT = "perfdata", "repeat"
_TAKEN = frozenset({*_OF_THE_RESULT, _VALUE, _REPEAT})

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def openmetrics(results: Sequence[Result]) -> str:
    """Write the state, the time and every finite value of all results; no series stands twice."""
    lines: dict[str, list[str]] = {STATE: [], CHECKED_AT: []}
    for result, labels in zip(results, _told_apart(results), strict=True):
        lines[STATE].append(_line(STATE, labels, result.state.exit_code))
        if is_finite(result.checked_at):
            lines[CHECKED_AT].append(_line(CHECKED_AT, labels, result.checked_at))
        for label, perf in _values(result):
            name = _name(perf.metric or result.metric, perf.unit)
            lines.setdefault(name, []).append(_line(name, labels + _written({_VALUE: label}), perf.value))
    names = [STATE, CHECKED_AT, *sorted(lines.keys() - _OWN_HELP)]
    return "".join(_family(name, lines[name]) for name in names if lines[name]) + "# EOF\n"


def _told_apart(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    """The labels of every result as they are written; equal ones are numbered."""
    seen: Counter[frozenset[tuple[str, str]]] = Counter()
    for result in results:
        labels = _labels(result)
        key = frozenset(labels.items())
        seen[key] += 1
        yield _written({**labels, _REPEAT: str(seen[key]) if seen[key] > 1 else ""})


def _labels(result: Result) -> dict[str, str]:
    """The labels of a result by name, without those that are empty, which to Prometheus are absent."""
    own = {name: str(getattr(result, name)) for name in _OF_THE_RESULT}
    others: list[tuple[str, str]] = []
    for name, value in result.labels.items():
        if name in own and own[name] in {"", value}:
            own[name] = value
        else:
            others.append((f"label_{name}" if name in _TAKEN else name, value))
    names = _label_names(tuple(name for name, _ in others))
    pairs = [*own.items(), *zip(names, (value for _, value in others), strict=True)]
    cleaned = ((name, without_controls(value)) for name, value in pairs)
    return {name: value for name, value in cleaned if value}


# Ten thousand services have a handful of label names and metrics between them.
@lru_cache(maxsize=1024)
def _label_names(names: tuple[str, ...]) -> Sequence[str]:
    return safe_labels(names, _LABEL_NAME)


def _values(result: Result) -> Iterator[tuple[str, Perf]]:
    """The finite values, each with its label; that of the metric itself is not repeated and so empty."""
    metric = without_controls(result.metric)
    labels = [without_controls(perf.label) or metric for perf in result.perfdata]
    for label, perf in zip(unique(labels, lambda label, number: f"{label}-{number}"), result.perfdata, strict=True):
        if is_finite(perf.value):
            yield "" if label == metric else label, perf


@lru_cache(maxsize=1024)
def _name(metric: str, unit: str) -> str:
    """The name of a metric's values: `checkmill_disk_used_percent`."""
    (safe,) = safe_labels([metric], _METRIC_NAME)
    name, ending = f"checkmill_{safe}", _ending(_UNITS.get(unit, ""))
    name = name.removesuffix(ending) + ending
    if name in _OWN_HELP:
        ending = _ending(_unit_of(name))
        name = f"{name.removesuffix(ending)}_value{ending}"
    return name


def _unit_of(name: str) -> str:
    return next((unit for unit in _UNITS.values() if name.endswith(f"_{unit}")), "")


def _ending(unit: str) -> str:
    return f"_{unit}" if unit else ""


def _family(name: str, lines: Sequence[str]) -> str:
    """The lines of one metric under what is told of it."""
    unit = _unit_of(name)
    told = _OWN_HELP.get(name) or f"What checks measured as {name.removeprefix('checkmill_')}."
    unit_line = f"# UNIT {name} {unit}\n" if unit else ""
    return f"# HELP {name} {told}\n# TYPE {name} gauge\n{unit_line}{''.join(lines)}"


def _written(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items() if value)


def _line(name: str, labels: Sequence[str], value: float) -> str:
    written = f"{{{','.join(labels)}}}" if labels else ""
    return f"{name}{written} {plain(value)}\n"
