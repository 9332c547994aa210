"""An example rule for each metric, made of what its plugin declares: for `checkmill metrics` and the README."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from checkmill.cli.starter import first_limits, levels_written, telling_apart
from checkmill.model.option import written_of
from checkmill.model.source import Metric, Source
from checkmill.model.units import per_second, seconds, size
from checkmill.steps.reading.validation import annotations_of

#: Of what these words name, less is worse; of what the others name, any is bad.
_GOOD = ("available", "free", "idle", "uptime")
_BAD = (
    "broken",
    "deleted",
    "dropped",
    "error",
    "failed",
    "inactive",
    "lost",
    "missing",
    "never",
    "outage",
    "stuck",
    "unexpected",
)
#: Limits by unit, for what has no bounds of its own: warn and crit, the worse the more, and the worse the less.
_LIMITS = {
    "s": (("5m", "15m"), ("10m", "5m")),
    "B": (("80GiB", "90GiB"), ("2GiB", "1GiB")),
    "B/s": (("80MB/s", "100MB/s"), ("2kB/s", "1kB/s")),
    "bit/s": (("800000000", "900000000"), ("20000", "10000")),
    "1/s": (("1000", "2000"), ("2", "1")),
}
#: The same by what names begin with or hold, before units: times that are short, loads that are small numbers.
_SMALL = (
    (re.compile(r"load\d*_per_core"), "{warn: 1, crit: 2}"),
    (re.compile(r"load\d+"), "{warn: 4, crit: 8}"),
    (re.compile(r".*(latency|response_time|duration).*"), "{warn: 500ms, crit: 1s}"),
)
_WRITTEN: dict[Callable[[Any], float], str] = {seconds: "5m", per_second: "10/s", size: "16MiB"}


def example_of(source: Source[Any], metric: Metric[Any, Any, Any]) -> str:
    """A whole rule in one line, as it may stand in the list of checks."""
    name = f"{source.type}-{metric.name.replace('_', '-')}"
    return f"{{name: {name}, source: {source.type}, {judged(metric)}}}"


def judged(metric: Metric[Any, Any, Any]) -> str:
    """What an example rule says of its metric: `metric: cpu, each: host, above: {warn: 70%, crit: 90%}`."""
    return ", ".join(_parts(metric))


def _parts(metric: Metric[Any, Any, Any]) -> Iterator[str]:
    yield f"metric: {metric.name}"
    if metric.example:
        yield metric.example
        return
    query = ", ".join(f"{name}: {value}" for name, value in _required(metric.dataset.query_type))
    if query:
        yield f"query: {{{query}}}"
    each = telling_apart(metric)
    if each:
        labels = ", ".join(each)
        yield f"each: {labels if len(each) == 1 else f'[{labels}]'}"
    if metric.is_state:
        return  # its words have a meaning of their own
    levels = list(levels_written(metric))
    yield from levels or [_limits(metric)]


def _limits(metric: Metric[Any, Any, Any]) -> str:
    words = metric.name.split("_")
    if any(word.startswith(_BAD) for word in words) and metric.maximum is None and metric.unit != "s":
        return "above: 0"
    small = next((limits for name, limits in _SMALL if name.fullmatch(metric.name)), "")
    if small and metric.maximum is None and ("ms" not in small or metric.unit in {"s", "ms"}):
        return f"above: {small}"
    less_is_worse = any(word in _GOOD for word in words)
    if metric.unit in _LIMITS and metric.maximum is None:
        warn, crit = _LIMITS[metric.unit][less_is_worse]
        return f"{'below' if less_is_worse else 'above'}: {{warn: {warn}, crit: {crit}}}"
    if less_is_worse and metric.unit == "%":
        return "below: {warn: 20%, crit: 10%}"
    return first_limits(metric)


def _required(query: type[Any]) -> Iterator[tuple[str, str]]:
    """The keys of a query that a rule must give, each with a value that it may have."""
    try:
        annotations = annotations_of(query)
    except Exception:  # noqa: BLE001 - the wall round a plugin: these are its own annotations
        return
    for one in fields(query):
        if one.init and one.default is MISSING and one.default_factory is MISSING:
            yield one.name, _value(annotations[one.name])


def _value(annotation: Any) -> str:
    written = written_of(annotation)
    if written is not None:
        return _WRITTEN.get(written.read, written.example)
    kind = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if get_origin(kind) in {Union, types.UnionType}:
        return _value(next(one for one in get_args(kind) if one is not type(None)))
    if get_origin(kind) is Literal:
        return json.dumps(get_args(kind)[0], ensure_ascii=False)
    if get_origin(kind) is tuple:
        return f"[{_value(get_args(kind)[0])}]"
    return "true" if kind is bool else "1" if kind in {int, float} else "..."
