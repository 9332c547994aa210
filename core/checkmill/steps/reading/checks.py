"""Reads one entry of `checks` into a Rule, against the sources and reporters it names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checkmill.model.fetch import Fetch
from checkmill.model.levels import Levels, glob_matches
from checkmill.model.reporter import ConfiguredReporter, Report
from checkmill.model.rule import Expect, Reading, Rule, Selection
from checkmill.model.secret import Secret
from checkmill.model.settings import Target
from checkmill.model.source import ConfiguredSource, Metric
from checkmill.model.state import State
from checkmill.model.units import seconds
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.judgement import LEVEL_KEYS, expect_from, levels_from, selection_from
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Scalar, Sequence, data_of, has_wildcard
from checkmill.steps.reading.sandboxed import in_sandbox
from checkmill.steps.reading.templates import check_template
from checkmill.steps.reading.validation import validated

DEFAULT_INTERVAL_S = 60.0
DEFAULT_TIMEOUT_S = 8.0


@dataclass(frozen=True)
class Draft:
    """A check as it is written: its own keys and the defaults of its file, nothing understood yet but its name.

    `index` is its place in the list of its file, which messages count from 0 as `checks[1]`.
    """

    name: str
    index: int
    own: Map
    defaults: Map | None

    @property
    def path(self) -> str:
        """How messages call it."""
        return f"checks[{self.index}]"

    def key(self, name: str) -> tuple[Node, str] | None:
        """The node of a key and its path: the check's own, else the file's default."""
        node = self.own.get(name)
        if node is not None:
            return node, f"{self.path}.{name}"
        node = self.defaults.get(name) if self.defaults else None
        return None if node is None else (node, f"defaults.{name}")

    def sources(self) -> tuple[str, ...]:
        """The names and globs under `source`, as far as they are texts."""
        found = self.key("source")
        if found is None:
            return ()
        items = found[0].items if isinstance(found[0], Sequence) else (found[0],)
        return tuple(item.text for item in items if isinstance(item, Scalar))


@dataclass(frozen=True)
class Surroundings:
    """What a check may refer to: sources and reporters by name, read when they are named, and the environment.

    A name that is known but could not be read gives None: its problems are told where it is written.
    """

    source_names: tuple[str, ...]
    source: Callable[[str], ConfiguredSource | None]
    reporter_names: tuple[str, ...]
    reporter: Callable[[str], ConfiguredReporter | None]
    expansion: Expansion
    sandbox: bool


def rule_from(draft: Draft, around: Surroundings, findings: Findings) -> Rule | None:
    """Read one check. What is wrong becomes findings and gives no rule."""
    return _CheckReader(draft, around, findings).rule()


class _CheckReader:
    def __init__(self, draft: Draft, around: Surroundings, findings: Findings) -> None:
        self._draft = draft
        self._around = around
        self._findings = findings
        self._expanded: dict[str, tuple[Node, str] | None] = {}
        self._amounts: dict[str, float | None] = {}

    def rule(self) -> Rule | None:
        sources = self._sources()
        metrics = self._metrics(sources)
        if not metrics:
            self._independent_of_metric()
            return None
        metric = metrics[0]
        labels = tuple(
            dict.fromkeys(["source", *metric.labels, *(label for source in sources for label in source.labels)])
        )
        each = self._each(labels)
        expect = self._with("expect", lambda node, path: expect_from(node, path, each, self._findings))
        if expect is None:
            expect = Expect(seen=bool(each))
        readings = self._readings(sources, metrics)
        common = self._independent_of_metric()
        levels = self._levels(metric)
        where, exclude = self._selection("where", labels), self._selection("except", labels)
        if self._findings.problems or not readings:
            return None
        on_missing = common["on_missing"] or (State.UNKNOWN if expect.seen else State.CRITICAL)
        return Rule(
            name=self._draft.name,
            place=self._draft.own.place,
            files=self._files(sources),
            readings=readings,
            levels=levels,
            where=where,
            exclude=exclude,
            each=each,
            expect=expect,
            on_empty=common["on_empty"] or State.UNKNOWN,
            on_missing=on_missing,
            on_error=common["on_error"] or State.UNKNOWN,
            interval_s=self._interval(metric),
            timeout_s=max(reading.fetch.timeout_s for reading in readings),
            service_template=common["service"],
            host_template=common["host"],
            text_template=common["text"],
            details_template=common["details"],
            reports=common["reports"],
            tags=common["tags"],
            digest=self._digest(sources, metric, leave_out=("report", "tags")),
            selection_digest=self._digest(sources, metric, only=("query", "where", "except", "each")),
        )

    # What a check measures

    def _sources(self) -> list[ConfiguredSource]:
        found = self._node("source")
        if found is None:
            self._missing("source", self._around.source_names)
            return []
        node, path = found
        names: list[str] = []
        for written in self._findings.texts(node, path):
            if has_wildcard(written):
                matching = [name for name in self._around.source_names if glob_matches(written, name)]
                if not matching:
                    self._unknown("no source matches", written, node, path, self._around.source_names)
                names.extend(matching)
            elif written not in self._around.source_names:
                self._unknown("unknown source", written, node, path, self._around.source_names)
            else:
                names.append(written)
        sources = [self._around.source(name) for name in dict.fromkeys(names)]
        if None in sources:
            broken = ", ".join(
                name for name, source in zip(dict.fromkeys(names), sources, strict=True) if source is None
            )
            self._findings.add(
                f"its source {broken} has problems of its own", node.place, path, "mend the source first"
            )
        return [source for source in sources if source is not None]

    def _metrics(self, sources: list[ConfiguredSource]) -> list[Metric[Any, Any, Any]]:
        found = self._node("metric")
        if found is None:
            offered = sources[0].type.metrics if sources else ()
            self._missing("metric", tuple(metric.name for metric in offered))
            return []
        node, path = found
        name = self._findings.text(node, path)
        if name is None:
            return []
        metrics: list[Metric[Any, Any, Any]] = []
        for source in sources:
            metric = source.type.metric(name)
            if metric is None:
                names = tuple(one.name for one in source.type.metrics)
                self._unknown(f"sources of type {source.type.type!r} have no metric", name, node, path, names)
            else:
                metrics.append(metric)
        if len(metrics) < len(sources):
            return []
        if len({(metric.unit, metric.is_state) for metric in metrics}) > 1:
            units = ", ".join(sorted({metric.unit or "plain numbers" for metric in metrics}))
            self._findings.add(
                f"the metric {name!r} is measured in {units} by its sources", node.place, path, "write a check for each"
            )
            return []
        return metrics

    def _readings(self, sources: list[ConfiguredSource], metrics: list[Metric[Any, Any, Any]]) -> tuple[Reading, ...]:
        readings = []
        for source, metric in zip(sources, metrics, strict=True):
            query = self._query(metric)
            if query is None:
                return ()
            timeout_s = self._timeout(source, metric)
            readings.append(Reading(source, metric, query, Fetch(source, metric.dataset, query, timeout_s)))
        return tuple(readings)

    def _query(self, metric: Metric[Any, Any, Any]) -> Any:
        kind = metric.dataset.query_type
        found = self._node("query")
        node, path = found or (Map(self._draft.own.place, {}), self._draft.path)
        written = self._findings.map(node, path)
        return None if written is None else validated(kind, written, path, self._findings)

    def _interval(self, metric: Metric[Any, Any, Any]) -> float:
        return self._amount("interval") or metric.dataset.interval_s or DEFAULT_INTERVAL_S

    def _timeout(self, source: ConfiguredSource, metric: Metric[Any, Any, Any]) -> float:
        return self._amount("timeout") or source.settings.timeout or metric.dataset.timeout_s or DEFAULT_TIMEOUT_S

    # What it selects and how it judges

    def _each(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        found = self._node("each")
        if found is None:
            return ()
        node, path = found
        each = self._findings.texts(node, path)
        for label in each:
            if label not in labels:
                self._unknown("unknown label", label, node, path, labels)
        return tuple(label for label in each if label in labels)

    def _levels(self, metric: Metric[Any, Any, Any]) -> Levels | None:
        # A check that has levels of its own has none of its file's defaults.
        own = any(self._draft.own.get(key) is not None for key in LEVEL_KEYS)
        found = {key: self._node(key) for key in LEVEL_KEYS if not own or self._draft.own.get(key) is not None}
        written = {key: node for key, node in found.items() if node is not None}
        return levels_from(written, metric, self._findings)

    def _selection(self, key: str, labels: tuple[str, ...]) -> Selection | None:
        found = self._node(key)
        return None if found is None else selection_from(*found, labels, self._findings)

    # What does not depend on the metric, so that its errors are told even when the metric is unknown

    def _independent_of_metric(self) -> dict[str, Any]:
        self._amount("interval")
        self._amount("timeout")
        states = {key: self._with(key, self._findings.state) for key in ("on_empty", "on_missing", "on_error")}
        names = self._with("as", lambda node, path: self._findings.map(node, path, ("service", "host")))
        return {
            **states,
            "service": self._name_template(names, "service"),
            "host": self._name_template(names, "host"),
            "text": self._with("text", lambda node, path: self._template(node, path, "text")) or "",
            "details": self._with("details", lambda node, path: self._template(node, path, "details")) or "",
            "tags": self._with("tags", self._findings.texts) or (),
            "reports": self._reports(),
        }

    def _name_template(self, names: Map | None, key: str) -> str:
        node = names.get(key) if names else None
        return "" if node is None else self._template(node, f"{self._draft.path}.as.{key}", "as") or ""

    def _template(self, node: Node, path: str, purpose: str) -> str | None:
        text = self._findings.text(node, path)
        if text is not None:
            check_template(text, node, path, purpose, self._findings)
        return text

    def _reports(self) -> tuple[Report, ...]:
        found = self._draft.key("report")
        if found is None:
            return ()
        node, path = found
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self._findings.add("the list is empty", node.place, path)
        reports = (
            self._report(item, f"{path}[{index}]" if isinstance(node, Sequence) else path)
            for index, item in enumerate(items)
        )
        return tuple(report for report in reports if report is not None)

    def _report(self, node: Node, path: str) -> Report | None:
        written = self._findings.map(node, path)
        if written is None:
            return None
        to = written.get("to")
        if to is None:
            self._findings.add("'to' is missing", node.place, path, did_you_mean("", self._around.reporter_names))
            return None
        name = self._findings.text(to, f"{path}.to")
        if name is None:
            return None
        if name not in self._around.reporter_names:
            self._unknown("unknown reporter", name, to, f"{path}.to", self._around.reporter_names)
            return None
        reporter = self._around.reporter(name)
        if reporter is None:
            self._findings.add(f"its reporter {name} has problems of its own", to.place, f"{path}.to", "mend it first")
            return None
        own = Map(written.place, {key: entry for key, entry in written if key != "to"})
        kind = reporter.type.target
        if self._around.sandbox:
            own = in_sandbox(kind, reporter.type.sandbox.target if reporter.type.sandbox else {}, own)
        expanded = self._around.expansion.node(own, path, self._findings.problems)
        target: Target | None = validated(kind, expanded, path, self._findings) if isinstance(expanded, Map) else None
        if target is None:
            return None
        key = {name: value for name, value in vars(target).items() if not isinstance(value, Secret)}
        return Report(reporter, target, key)

    # Help

    def _node(self, key: str) -> tuple[Node, str] | None:
        """The expanded node of a key and its path; a reference that cannot be filled in is told once."""
        if key not in self._expanded:
            found = self._draft.key(key)
            if found is not None:
                found = (self._around.expansion.node(*found, self._findings.problems), found[1])
            self._expanded[key] = found
        return self._expanded[key]

    def _with(self, key: str, read: Callable[[Node, str], Any]) -> Any:
        found = self._node(key)
        return None if found is None else read(*found)

    def _amount(self, key: str) -> float | None:
        if key not in self._amounts:
            self._amounts[key] = self._with(key, lambda node, path: self._findings.amount(node, path, seconds))
        return self._amounts[key]

    def _missing(self, key: str, known: tuple[str, ...]) -> None:
        self._findings.add(f"{key!r} is missing", self._draft.own.place, self._draft.path, did_you_mean("", known))

    def _unknown(self, what: str, name: str, node: Node, path: str, known: tuple[str, ...]) -> None:
        item = (
            next((i for i in node.items if isinstance(i, Scalar) and i.text == name), node)
            if isinstance(node, Sequence)
            else node
        )
        self._findings.add(f"{what} {name!r}", item.place, path, did_you_mean(name, known))

    def _files(self, sources: list[ConfiguredSource]) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self._draft.own.place.file, *(source.file for source in sources)]))

    def _digest(
        self,
        sources: list[ConfiguredSource],
        metric: Metric[Any, Any, Any],
        *,
        only: tuple[str, ...] | None = None,
        leave_out: tuple[str, ...] = (),
    ) -> str:
        keys = {*self._draft.own.entries, *(self._draft.defaults.entries if self._draft.defaults else ())}
        written = []
        for key in sorted(keys):
            found = self._node(key) if key not in leave_out and (only is None or key in only) else None
            if found is not None:
                written.append((key, data_of(found[0])))
        named = [(source.name, source.digest if only is None else "") for source in sources]
        return hashlib.blake2b(repr((named, metric.name, written)).encode(), digest_size=16).hexdigest()
