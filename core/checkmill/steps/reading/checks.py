"""Reads one entry of `checks` into a Rule, against the sources and reporters it names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from checkmill.model.fetch import Fetch
from checkmill.model.levels import Levels, glob_matches
from checkmill.model.problem import Problem
from checkmill.model.reporter import ConfiguredReporter, Report
from checkmill.model.rule import Expect, Reading, Rule, Selection
from checkmill.model.secret import Secret
from checkmill.model.settings import Target
from checkmill.model.source import ConfiguredSource, Metric
from checkmill.model.state import State
from checkmill.model.units import seconds
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.findings import FILL_IN, Findings
from checkmill.steps.reading.judgement import LEVEL_KEYS, expect_from, levels_from, selection_from
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Sequence, data_of, has_wildcard, is_empty, shown
from checkmill.steps.reading.sandboxed import in_sandbox
from checkmill.steps.reading.templates import check_template
from checkmill.steps.reading.validation import validated

DEFAULT_INTERVAL_S = 60.0
DEFAULT_TIMEOUT_S = 8.0
_WHERE_FROM = {"source": "name one of 'sources'", "metric": "see `checkmill metrics`"}
#: Names of checks and services that Checkmill uses for itself.
RESERVED_NAMES = ("checkmill", "checkmill-outbox")


@dataclass(frozen=True)
class Draft:
    """A check as it is written: its own keys and the defaults of its file, nothing understood yet but its name.

    `index` is its place in the list of its file, which messages count from 0 as `checks[1]`. `flaws` is what is wrong
    with the defaults of its file, whatever it takes from them.
    """

    name: str
    index: int
    own: Map
    defaults: Map | None
    flaws: tuple[Problem, ...] = ()

    @property
    def path(self) -> str:
        """How messages call it."""
        return f"checks[{self.index}]"

    def key(self, name: str) -> tuple[Node, str] | None:
        """The node of a key and its path: the check's own, else the file's default; what is empty is none."""
        for written, path in ((self.own, self.path), (self.defaults, "defaults")):
            node = written.get(name) if written is not None else None
            if node is not None and not is_empty(node):
                return node, f"{path}.{name}"
        return None

    def names(self, key: str) -> bool:
        """Whether a key is written, with a value or without."""
        return key in self.own.entries or (self.defaults is not None and key in self.defaults.entries)

    def texts(self, key: str, expansion: Expansion) -> tuple[str, ...]:
        """The texts under a key, as far as there are any: for questions that must not complain."""
        found = self.key(key)
        return () if found is None else Findings().texts(expansion.node(*found, []), "")


@dataclass(frozen=True)
class Surroundings:
    """What a check may refer to: sources and reporters by name, read when they are named, and the environment.

    A name that is known but could not be read gives its problems.
    """

    source_names: tuple[str, ...]
    source: Callable[[str], ConfiguredSource | tuple[Problem, ...]]
    reporter_names: tuple[str, ...]
    reporter: Callable[[str], ConfiguredReporter | tuple[Problem, ...]]
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
        metric = metrics[0] if metrics else None
        # A service for each value of a label needs a label that all samples have; a selection may use any.
        carried = [
            ["source", *one.labels, *source.labels] for source, one in zip(sources, metrics, strict=metric is not None)
        ]
        labels = tuple(dict.fromkeys(label for own in carried for label in own)) if carried else None
        common_labels = tuple(label for label in labels or () if all(label in own for own in carried))
        each = self._each(common_labels if carried else None)
        expect = self._with("expect", lambda node, path: expect_from(node, path, each, self._findings))
        if expect is None:
            expect = Expect(seen=bool(each))
        readings = self._readings(sources, metrics)
        common = self._independent_of_metric()
        levels = self._levels(metric)
        where, exclude = self._selection("where", labels), self._selection("except", labels)
        if self._findings.problems or metric is None or not readings:
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
        known = self._around.source_names
        names: dict[str, None] = {}
        for written, node, path in self._findings.named(*found):
            if has_wildcard(written):
                matching = [name for name in known if glob_matches(written, name)]
                if not matching:
                    self._findings.add(f"no source matches {shown(node)}", node.place, path, did_you_mean("", known))
                names.update(dict.fromkeys(matching))
            elif written not in known:
                self._unknown("unknown source", written, node, path, known)
            else:
                names[written] = None
        sources: list[ConfiguredSource] = []
        for source in map(self._around.source, names):
            if isinstance(source, ConfiguredSource):
                sources.append(source)
            else:
                # The place to mend it is the source's own; a check has nothing to add.
                self._findings.problems.extend(source)
        return sources

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
        without: set[str] = set()
        for source in sources:
            kind = source.type
            metric = kind.metric(name)
            if metric is not None:
                metrics.append(metric)
            elif kind.type not in without:
                without.add(kind.type)
                names = tuple(one.name for one in kind.metrics)
                self._unknown(f"sources of type {kind.type!r} have no metric", name, node, path, names)
        if len(metrics) < len(sources):
            return []
        if len({(metric.unit, metric.is_state) for metric in metrics}) > 1:
            units = ", ".join(sorted({_unit_of(metric) for metric in metrics}))
            sentence = f"the sources measure {name!r} differently: in {units}"
            self._findings.add(sentence, node.place, path, "write a check for each type of source")
            return []
        return metrics

    def _readings(self, sources: list[ConfiguredSource], metrics: list[Metric[Any, Any, Any]]) -> tuple[Reading, ...]:
        readings: list[Reading] = []
        queries: dict[type[Any], Any] = {}
        # Without a metric there are no readings; what is wrong was told.
        for source, metric in zip(sources, metrics, strict=False):
            kind = metric.dataset.query_type
            if kind not in queries:
                queries[kind] = self._query(kind, metric.name)
            query = queries[kind]
            if query is None:
                return ()
            timeout_s = self._timeout(source, metric)
            readings.append(Reading(source, metric, query, Fetch(source, metric.dataset, query, timeout_s)))
        return tuple(readings)

    def _query(self, kind: type[Any], metric: str) -> Any:
        found = self._node("query")
        if found is not None and not fields(kind):
            self._findings.add(f"the metric {metric!r} takes no query", found[0].place, found[1], "remove the key")
            return None
        node, path = found or (Map(self._draft.own.place, {}), f"{self._draft.path}.query")
        written = self._findings.map(node, path)
        return None if written is None else validated(kind, written, path, self._findings)

    def _interval(self, metric: Metric[Any, Any, Any]) -> float:
        return self._amount("interval") or metric.dataset.interval_s or DEFAULT_INTERVAL_S

    def _timeout(self, source: ConfiguredSource, metric: Metric[Any, Any, Any]) -> float:
        return self._amount("timeout") or source.settings.timeout or metric.dataset.timeout_s or DEFAULT_TIMEOUT_S

    # What it selects and how it judges

    def _each(self, labels: tuple[str, ...] | None) -> tuple[str, ...]:
        found = self._node("each")
        if found is None:
            return ()
        each = self._findings.named(*found)
        for label, node, path in each:
            if labels is not None and label not in labels:
                self._unknown("unknown label", label, node, path, labels)
        return tuple(label for label, _, _ in each)

    def _levels(self, metric: Metric[Any, Any, Any] | None) -> Levels | None:
        # A check that has levels of its own has none of its file's defaults.
        own = [key for key in LEVEL_KEYS if key in self._draft.own.entries]
        found = {key: self._node(key) for key in own or LEVEL_KEYS}
        written = {key: node for key, node in found.items() if node is not None}
        return levels_from(written, metric, self._findings)

    def _selection(self, key: str, labels: tuple[str, ...] | None) -> Selection | None:
        found = self._node(key)
        return None if found is None else selection_from(*found, labels, self._findings)

    # What does not depend on the metric, so that its errors are told even when the metric is unknown

    def _independent_of_metric(self) -> dict[str, Any]:
        self._amount("interval")
        self._amount("timeout")
        states = {key: self._with(key, self._findings.state) for key in ("on_empty", "on_missing", "on_error")}
        self._with("as", lambda node, path: self._findings.map(node, path, ("service", "host")))
        return {
            **states,
            "service": self._name_template("service"),
            "host": self._name_template("host"),
            "text": self._with("text", lambda node, path: self._template(node, path, "text")) or "",
            "details": self._with("details", lambda node, path: self._template(node, path, "details")) or "",
            "tags": self._with("tags", self._findings.texts) or (),
            "reports": self._reports(),
        }

    def _name_template(self, key: str) -> str:
        found = self._node("as")
        if found is None or not isinstance(found[0], Map):
            return ""
        node, path = found[0].get(key), f"{found[1]}.{key}"
        text = "" if node is None else self._template(node, path, "as") or ""
        if node is not None and key == "service" and text in RESERVED_NAMES:
            self._findings.add(f"the service name {text!r} is Checkmill's own", node.place, path, "choose another")
        return text

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
            self._findings.add("the list is empty", node.place, path, FILL_IN)
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
            known = self._around.reporter_names
            self._findings.add("'to' is missing", node.place, path, did_you_mean("", known))
            return None
        to = self._around.expansion.node(to, f"{path}.to", self._findings.problems)
        name = self._findings.text(to, f"{path}.to")
        if name is None:
            return None
        if name not in self._around.reporter_names:
            self._unknown("unknown reporter", name, to, f"{path}.to", self._around.reporter_names)
            return None
        own = Map(written.place, {key: entry for key, entry in written if key != "to"})
        reporter = self._around.reporter(name)
        if not isinstance(reporter, ConfiguredReporter):
            self._findings.problems.extend(reporter)
            self._around.expansion.node(own, path, self._findings.problems)
            return None
        kind = reporter.type.target
        if self._around.sandbox:
            own = in_sandbox(kind, reporter.type.sandbox.target if reporter.type.sandbox else {}, own)
        expanded = self._around.expansion.node(own, path, self._findings.problems)
        target: Target | None = None
        if isinstance(expanded, Map):
            target = validated(kind, expanded, path, self._findings)
        if target is None:
            return None
        key = {name: value for name, value in vars(target).items() if not isinstance(value, Secret)}
        return Report(reporter, target, key)

    # Help

    def _node(self, key: str) -> tuple[Node, str] | None:
        """The expanded node of a key and its path; a reference that cannot be filled in is told once."""
        if key not in self._expanded:
            found = self._draft.key(key)
            if found is not None and self._around.sandbox and self._can_be_left_out(key, found[0]):
                found = None
            if found is not None:
                found = (self._around.expansion.node(*found, self._findings.problems), found[1])
            self._expanded[key] = found
        return self._expanded[key]

    def _can_be_left_out(self, key: str, node: Node) -> bool:
        """Whether a sandbox, which has no value for a limit or a label of someone's environment, does without a key."""
        return key not in {"source", "metric"} and self._around.expansion.depends_on_environment(node)

    def _with(self, key: str, read: Callable[[Node, str], Any]) -> Any:
        found = self._node(key)
        return None if found is None else read(*found)

    def _amount(self, key: str) -> float | None:
        if key not in self._amounts:
            self._amounts[key] = self._with(
                key, lambda node, path: self._findings.amount(node, path, seconds, "a duration")
            )
        return self._amounts[key]

    def _missing(self, key: str, known: tuple[str, ...]) -> None:
        if not self._draft.names(key):
            hint = did_you_mean("", known) if known else _WHERE_FROM[key]
            self._findings.add(f"{key!r} is missing", self._draft.own.place, self._draft.path, hint)

    def _unknown(self, what: str, name: str, node: Node, path: str, known: tuple[str, ...]) -> None:
        self._findings.add(f"{what} {shown(node)}", node.place, path, did_you_mean(name, known))

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


def _unit_of(metric: Metric[Any, Any, Any]) -> str:
    return "words" if metric.is_state else metric.unit or "plain numbers"
