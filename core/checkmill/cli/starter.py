"""The text of a first rule file for a type, made of what its plugin declares: settings, metrics, levels, targets."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from checkmill.model.levels import Levels, Limits, Range, plain
from checkmill.model.reporter import Reporter
from checkmill.model.settings import Doc, HttpSettings, ReporterSettings
from checkmill.model.source import Metric, Source
from checkmill.model.state import State
from checkmill.steps.reading.expansion import IN_SANDBOX
from checkmill.steps.reading.validation import adapter_of, annotations_of, secrets_of

#: As many checks as show the shapes there are, no more than a person reads.
MOST_CHECKS = 3
WIDTH = 100
#: Labels that say more about a thing whose name another label holds.
_ATTRIBUTES = frozenset({"id", "pcode", "project", "site", "source", "tag"})
#: How states are written in rules.
_STATE = {State.OK: "ok", State.WARNING: "warn", State.CRITICAL: "crit", State.UNKNOWN: "unknown"}
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SUFFIX = {"%": "%", "B": "B", "s": "s"}


@dataclass(frozen=True)
class Starter:
    """One rule file to begin with: of a source type, a reporter type, or both where they share a name.

    `reporter_to_show` is a reporter type whose use is shown as a comment; `without` are names of checks left out.
    """

    type: str
    source: Source[Any] | None = None
    reporter: Reporter[Any, Any] | None = None
    reporter_to_show: Reporter[Any, Any] | None = None
    without: frozenset[str] = field(default=frozenset())

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.type}.yaml"

    @property
    def variables(self) -> list[str]:
        """The environment variables that its file refers to."""
        kinds = [kind for kind in (self.source, self.reporter) if kind is not None]
        return [_variable(self.type, name) for kind in kinds for name in needed(kind) if not _is_example(kind, name)]

    def text(self) -> str:
        """The whole file."""
        help_text = next((one.help for one in (self.source, self.reporter) if one is not None and one.help), self.type)
        head = [_sentence(help_text), "It runs as it stands against the sandbox: checkmill run --sandbox"]
        if self.variables:
            head.append(f"For the real vendor set {', '.join(self.variables)}, and leave --sandbox out.")
        head.append("A file whose vendor is not yours can be deleted.")
        blocks = [[line for sentence in head for line in _comment(sentence, "")]]
        if self.source is not None:
            what = "any name; it becomes the label source of all it measures"
            blocks.append(["sources:", f"  {self.type}:{' ' * 4}# {what}", *self._settings(self.source)])
        if self.reporter is not None:
            what = "any name; a rule says it under 'report' as 'to'"
            blocks.append(["reporters:", f"  {self.type}:{' ' * 4}# {what}", *self._settings(self.reporter)])
        checks = [] if self.source is None else [*self._checks(self.source)]
        if checks:
            blocks += [["checks:", *checks[0]], *checks[1:]]
        return "\n\n".join("\n".join(block) for block in blocks) + "\n"

    # Settings

    def _settings(self, kind: Source[Any] | Reporter[Any, Any]) -> Iterator[str]:
        yield f"    type: {self.type}"
        first = needed(kind)
        base = ReporterSettings if issubclass(kind.settings, ReporterSettings) else HttpSettings
        inherited = {one.name for one in fields(base)} - {"base_url"}
        later = [one for one in fields(kind.settings) if one.name not in {*first, *inherited} and one.init]
        for name in first:
            yield from _comment(_doc(kind.settings, name), "    ")
            value = _flow(kind.sandbox.settings[name]) if kind.sandbox and _is_example(kind, name) else None
            yield f"    {name}: {value or _reference(self.type, name)}"
        if later:
            yield from _comment("Not needed to begin with:", "    ")
        for one in later:
            yield from _comment(_doc(kind.settings, one.name), "    ")
            value = _default(one)
            yield f"    # {one.name}: {_reference(self.type, one.name) if value is None else value}"

    # Checks

    def _checks(self, source: Source[Any]) -> Iterator[list[str]]:
        for index, metric in enumerate(one for one in chosen(source) if self._name(one) not in self.without):
            lines = [
                *_comment(_sentence(metric.help or metric.name), "  "),
                f"  - name: {self._name(metric)}",
                f"    source: {self.type}",
                f"    metric: {metric.name}",
            ]
            each = telling_apart(metric)
            if each:
                labels = each[0] if len(each) == 1 else f"[{', '.join(each)}]"
                said = "" if index else "    # a service for each; without it one, and the worst value decides"
                lines.append(f"    each: {labels}{said}")
            if _has_own_levels(metric):
                lines.append("    # The limits of the metric itself count; write yours in their place:")
                lines += [f"    # {line}" for line in levels_written(metric)]
            else:
                lines.append("    # The metric has no limits of its own; write yours:")
                lines.append(f"    {first_limits(metric)}")
            lines.append(f"    tags: [{self.type}]")
            if index == 0 and self.reporter_to_show is not None:
                lines += self._report(self.reporter_to_show)
            yield lines

    def _name(self, metric: Metric[Any, Any, Any]) -> str:
        return f"{self.type}-{metric.name.replace('_', '-')}"

    def _report(self, reporter: Reporter[Any, Any]) -> Iterator[str]:
        yield "    # Where `checkmill run` pushes the results:"
        yield "    # report:"
        target = [f"{name}: {json.dumps(_reference(reporter.type, name))}" for name in _required(reporter.target)]
        yield f"    #   - {{{', '.join([f'to: {reporter.type}', *target])}}}"


def source_lines(source: Source[Any]) -> list[str]:
    """The least that configures a source: what to write into a rule file to begin with."""
    settings = [f"    {name}: {_reference(source.type, name)}" for name in needed(source)]
    return ["sources:", f"  {source.type}:", f"    type: {source.type}", *settings]


def chosen(source: Source[Any]) -> list[Metric[Any, Any, Any]]:
    """A few metrics to begin with: those with limits of their own, each for other things, before those without."""
    usable = [one for one in source.metrics if not _required(one.dataset.query_type)]
    judged = [
        one for one in usable if _has_own_levels(one) and (not one.is_state or State.OK in (one.states or {}).values())
    ]
    various: dict[object, Metric[Any, Any, Any]] = {}
    for metric in sorted(judged, key=lambda one: _ATTRIBUTES.issuperset(one.labels)):
        various.setdefault((*telling_apart(metric), metric.is_state), metric)
    others = sorted((one for one in usable if not one.is_state), key=lambda one: one.unit != "%")
    return (list(various.values()) or others)[:MOST_CHECKS]


def telling_apart(metric: Metric[Any, Any, Any]) -> list[str]:
    """The labels of a metric that tell its things apart; only where there are no others, those that say more."""
    return [label for label in metric.labels if label not in _ATTRIBUTES] or list(metric.labels[:1])


def levels_written(metric: Metric[Any, Any, Any]) -> Iterator[str]:
    """The metric's own levels as a rule has them."""
    if metric.states is not None:
        yield f"states: {{{', '.join(f'{_word(word)}: {_STATE[state]}' for word, state in metric.states.items())}}}"
    levels = metric.levels or Levels()
    for name, limits in (("above", levels.above), ("below", levels.below), ("range", levels.range)):
        if limits is not None:
            yield f"{name}: {_limits(limits, metric.unit)}"


def _has_own_levels(metric: Metric[Any, Any, Any]) -> bool:
    return any(True for _ in levels_written(metric))


def first_limits(metric: Metric[Any, Any, Any]) -> str:
    """Limits that the values of a metric can be beyond, from what it says of their bounds."""
    low, high = metric.minimum or 0.0, metric.maximum
    span = high - low if high is not None and math.isfinite(high) and high > low else 100.0
    return f"above: {_limits(Limits(low + span * 0.8, low + span * 0.9), metric.unit)}"


def _limits(limits: Limits[Any], unit: str) -> str:
    written = {"warn": limits.warn, "crit": limits.crit}
    return "{" + ", ".join(f"{name}: {_limit(one, unit)}" for name, one in written.items() if one is not None) + "}"


def _limit(limit: float | Range, unit: str) -> str:
    return json.dumps(str(limit)) if isinstance(limit, Range) else plain(limit) + _SUFFIX.get(unit, "")


def needed(kind: Source[Any] | Reporter[Any, Any]) -> list[str]:
    """The settings without which a type does not work: the required ones, and where those alone do not hold, of those
    that its sandbox declares too the first that make them hold.
    """
    declared = [one.name for one in fields(kind.settings)]
    required = {*_required(kind.settings), *(() if _base_url(kind.settings) else ("base_url",))}
    optional = [name for name in declared if kind.sandbox and name in kind.sandbox.settings and name not in required]
    for count in range(len(optional) + 1):
        names = required.union(optional[:count])
        if _holds(kind, names):
            return [name for name in declared if name in names]
    return [name for name in declared if name in required]


def _holds(kind: Source[Any] | Reporter[Any, Any], names: Iterable[str]) -> bool:
    values: Mapping[str, Any] = kind.sandbox.settings if kind.sandbox else {}
    given = {
        name: values[name] if _is_example(kind, name) else str(values.get(name, IN_SANDBOX))
        for name in names
        if name != "base_url"
    }
    try:
        adapter_of(kind.settings).validate_python(given)
    except Exception:  # noqa: BLE001 - the wall round a plugin: these are its own annotations and validators
        return False
    return True


def _is_example(kind: Source[Any] | Reporter[Any, Any], name: str) -> bool:
    """Whether a setting is a list or a map, which no environment variable holds; the sandbox's value is an example."""
    value = kind.sandbox.settings.get(name) if kind.sandbox else None
    return isinstance(value, Mapping | list | tuple) and name not in secrets_of(kind.settings)


def _required(kind: type[Any]) -> list[str]:
    return [one.name for one in fields(kind) if one.init and one.default is MISSING and one.default_factory is MISSING]


def _base_url(kind: type[Any]) -> object:
    return next((one.default for one in fields(kind) if one.name == "base_url"), "")


def _doc(kind: type[Any], name: str) -> str:
    try:
        parts = getattr(annotations_of(kind)[name], "__metadata__", ())
    except Exception:  # noqa: BLE001 - the wall round a plugin: these are its own annotations
        return ""
    return next((part.text for part in parts if isinstance(part, Doc)), "")


def _default(one: Field[Any]) -> str | None:
    """A default as YAML; None where there is none to show."""
    if one.default is MISSING or one.default is None or one.default == "":
        return None
    try:
        return _flow(one.default)
    except (TypeError, ValueError):
        return None


def _flow(value: Any) -> str:
    """A plain value as YAML in one line, which JSON is too."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _reference(type_name: str, name: str) -> str:
    return f"${{{_variable(type_name, name)}}}"


def _variable(type_name: str, name: str) -> str:
    return f"{type_name}_{name}".upper().replace("-", "_")


def _word(word: str) -> str:
    return word if _BARE.fullmatch(word) else json.dumps(word, ensure_ascii=False)


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _comment(text: str, indent: str) -> Sequence[str]:
    words = " ".join(text.split())
    return textwrap.wrap(words, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ") if words else []
