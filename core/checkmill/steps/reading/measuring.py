"""Reads what a check measures: sources, metrics and queries, further conditions, the inventory where it is needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields
from typing import Any

from checkmill.model.builtin import SOURCE_UP, inventory_metric, metric_of, metrics_of
from checkmill.model.fetch import Fetch
from checkmill.model.job import JOBS
from checkmill.model.levels import glob_matches
from checkmill.model.rule import Condition, Reading
from checkmill.model.source import ConfiguredSource, Metric
from checkmill.steps.reading.alike import refuse_foreign_levels, standing_for, within_common_bounds
from checkmill.steps.reading.drafts import Keys
from checkmill.steps.reading.findings import FILL_IN
from checkmill.steps.reading.judgement import LEVEL_KEYS, levels_from
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Sequence, has_wildcard, is_empty, shown
from checkmill.steps.reading.validation import validated

DEFAULT_TIMEOUT_S = 8.0
#: Labels that a sample has beside those that say what it is of.
BESIDE = frozenset({"source", "project", "pcode", "id"})
#: Labels of which there is one value where a source is of one project, which it says with a setting of that name.
_OF_PROJECTS = frozenset({"project", "pcode"})
_WHERE_FROM = {"source": "name one of 'sources'", "metric": "see `checkmill metrics`"}

AnyMetric = Metric[Any, Any, Any]


class Measuring:
    """The sources and metrics of one check; `metric` stands for those of all sources where levels are read."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._findings = keys.findings
        self.sources = self._sources()
        self.metrics = self._main_metrics()
        self.metric = standing_for(self.metrics)

    @property
    def is_of_job(self) -> bool:
        """Whether what is measured is told by jobs."""
        return any(source.type is JOBS for source in self.sources)

    # Labels

    def own_labels(self) -> list[tuple[str, ...]]:
        """The labels of the samples of each source, in order; without a metric none are known."""
        if not self.metrics:
            return []
        return [
            tuple(dict.fromkeys(["source", *metric.labels, *source.labels]))
            for source, metric in zip(self.sources, self.metrics, strict=True)
        ]

    def labels(self) -> list[tuple[str, ...]]:
        """The same, with those that the inventory adds."""
        # Without a metric there are no labels of its own; what is wrong was told.
        pairs = zip(self.sources, self.own_labels(), strict=False)
        return [tuple(dict.fromkeys([*own, *_of_inventory(source, own)])) for source, own in pairs]

    def has_one_sample(self, each: Collection[str]) -> bool:
        """Whether there is never more than one sample for each value of those labels, as far as that is known."""
        if self.metric is None:
            return False
        naming = set(self.metric.labels) - BESIDE
        if naming:
            return naming <= set(each)
        if len(self.sources) > 1 and "source" not in each:
            return False
        left = set(self.metric.labels) - {"source"} - set(each)
        if _OF_PROJECTS & set(each) or all(_is_of_one_project(source) for source in self.sources):
            left -= _OF_PROJECTS
        return not left

    # Readings

    def readings(self) -> tuple[Reading, ...]:
        """A reading for each source; none where something is wrong."""
        return self._read_from(self.metrics, self._keys.node("query"), f"{self._keys.draft.path}.query")

    def conditions(self) -> tuple[Condition, ...]:
        """What `and` adds."""
        found = self._keys.node("and")
        if found is None:
            return ()
        node, path = found
        if isinstance(node, Sequence) and not node.items:
            self._findings.add("the list is empty", node.place, path, FILL_IN)
        items = (
            [(item, f"{path}[{index}]") for index, item in enumerate(node.items)]
            if isinstance(node, Sequence)
            else [(node, path)]
        )
        read = [self._condition(item, spot) for item, spot in items]
        return tuple(one for one in read if one is not None)

    def inventories(self, used: Collection[str], *, all_expected: bool) -> dict[str, Reading]:
        """The inventory of each source of which a label is used or everything is expected."""
        found: dict[str, Reading] = {}
        for source, own in zip(self.sources, self.own_labels(), strict=False):
            inventory = source.type.inventory
            joined = _of_inventory(source, own)
            if all_expected and not joined:
                self._without_inventory(source)
            elif inventory is not None and joined and (all_expected or set(used) & (set(joined) - set(own))):
                metric = inventory_metric(inventory)
                query = metric.dataset.query_type()
                found[source.name] = Reading(source, metric, query, self._fetch(source, metric, query))
        return found

    def _without_inventory(self, source: ConfiguredSource) -> None:
        node, path = self._keys.node("expect") or (self._keys.draft.own, self._keys.draft.path)
        inventory = source.type.inventory
        if inventory is None:
            sentence = f"sources of type {source.type.type!r} have no inventory that could be expected"
        else:
            name = self.metrics[0].name
            sentence = f"'all' expects each {inventory.key} of the inventory, and {name!r} has no such label"
        own = self.metrics[0].labels
        naming = next((label for label in (*(one for one in own if one not in BESIDE), *own)), "")
        hint = "list the values, or write 'seen'"
        if self._keys.node("each") is None:
            hint = f"write 'each: {naming}', and list the values or write 'seen'" if naming else "remove the key"
        self._findings.add(sentence, node.place, path, hint)

    def _read_from(
        self, metrics: Iterable[AnyMetric], query: tuple[Node, str] | None, path: str
    ) -> tuple[Reading, ...]:
        readings: list[Reading] = []
        queries: dict[type[Any], Any] = {}
        # Without a metric there are no readings; what is wrong was told.
        for source, metric in zip(self.sources, metrics, strict=False):
            kind = metric.dataset.query_type
            if kind not in queries:
                queries[kind] = self._query(kind, metric, query, path)
            if queries[kind] is None:
                return ()
            fetch = self._fetch(source, metric, queries[kind])
            readings.append(Reading(source, metric, queries[kind], fetch))
        return tuple(readings)

    def _query(self, kind: type[Any], metric: AnyMetric, found: tuple[Node, str] | None, path: str) -> Any:
        if found is not None and (not fields(kind) or metric.name == SOURCE_UP):
            self._findings.add(f"the metric {metric.name!r} takes no query", found[0].place, found[1], "remove the key")
            return None
        node, path = found or (Map(self._keys.draft.own.place, {}), path)
        written = self._findings.map(node, path)
        return None if written is None else validated(kind, written, path, self._findings)

    def _fetch(self, source: ConfiguredSource, metric: AnyMetric, query: Any) -> Fetch:
        timeout_s = self._keys.amount("timeout") or source.settings.timeout or metric.dataset.timeout_s
        return Fetch(source, metric.dataset, query, timeout_s or DEFAULT_TIMEOUT_S)

    def _condition(self, node: Node, path: str) -> Condition | None:
        written = self._findings.map(node, path, ("metric", "query", *LEVEL_KEYS))
        if written is None:
            return None
        for key, entry in written:
            if is_empty(entry.value) and not entry.value.flaws:
                self._findings.add(f"{key!r} has no value", entry.place, f"{path}.{key}", FILL_IN)
        given = {key: (entry.value, f"{path}.{key}") for key, entry in written if not is_empty(entry.value)}
        if "metric" not in written.entries:
            self._findings.add("'metric' is missing", node.place, path, _WHERE_FROM["metric"])
        metrics = self._metrics_named(*given["metric"]) if "metric" in given else []
        metric = standing_for(metrics)
        own = {key: given[key] for key in LEVEL_KEYS if key in given}
        levels = levels_from(own, metric, self._findings)
        if metrics:
            refuse_foreign_levels(metrics, own, given["metric"], self._findings)
        if metric is not None and levels is None and not set(LEVEL_KEYS) & written.entries.keys():
            sentence = f"without levels {metric.name!r} is always ok, so the check never alerts"
            self._findings.add(sentence, node.place, path, "add 'above', 'below' or 'range'")
        readings = self._read_from(metrics, given.get("query"), f"{path}.query")
        return Condition(readings, levels) if levels is not None and readings else None

    # Sources and metrics

    def _sources(self) -> list[ConfiguredSource]:
        found = self._keys.node("source")
        around = self._keys.around
        if found is None:
            self._missing("source", around.source_names)
            return []
        known = around.source_names
        names: dict[str, None] = {}
        for written, node, path in self._findings.named(*found):
            if has_wildcard(written):
                matching = [name for name in known if glob_matches(written, name)]
                if not matching:
                    self._findings.add(f"no source matches {shown(node)}", node.place, path, did_you_mean("", known))
                names.update(dict.fromkeys(matching))
                # A source that nobody can read would be left out without a word.
                self._findings.problems.extend(around.hiding_sources)
            elif written not in known:
                self._unknown("unknown source", written, node, path, known)
            else:
                names[written] = None
        sources: list[ConfiguredSource] = []
        for source in map(around.source, names):
            if isinstance(source, ConfiguredSource):
                sources.append(source)
            else:
                # The place to mend it is the source's own; a check has nothing to add.
                self._findings.problems.extend(source)
        return sources

    def _main_metrics(self) -> list[AnyMetric]:
        found = self._keys.node("metric")
        if found is None:
            offered = metrics_of(self.sources[0].type) if self.sources else ()
            self._missing("metric", tuple(metric.name for metric in offered))
            return []
        return self._metrics_named(*found)

    def _metrics_named(self, node: Node, path: str) -> list[AnyMetric]:
        """The metric of that name of each source, which all must have, measured in the same unit."""
        name = self._findings.text(node, path)
        if name is None:
            return []
        metrics: list[AnyMetric] = []
        for source in self.sources:
            metric = metric_of(source.type, name)
            if metric is not None:
                metrics.append(metric)
        kinds = {source.type.type: source.type for source in self.sources if metric_of(source.type, name) is None}
        for kind in kinds.values():
            names = tuple(metric.name for metric in metrics_of(kind))
            self._unknown(f"sources of type {kind.type!r} have no metric", name, node, path, names)
        if len(metrics) < len(self.sources):
            return []
        if len({(metric.unit, metric.is_state) for metric in metrics}) > 1:
            units = ", ".join(sorted({_unit_of(metric) for metric in metrics}))
            sentence = f"the sources measure {name!r} differently: in {units}"
            self._findings.add(sentence, node.place, path, "write a check for each type of source")
            return []
        return within_common_bounds(metrics)

    def _missing(self, key: str, known: tuple[str, ...]) -> None:
        draft = self._keys.draft
        if not draft.names(key):
            hint = did_you_mean("", known) if known else _WHERE_FROM[key]
            self._findings.add(f"{key!r} is missing", draft.own.place, draft.path, hint)

    def _unknown(self, what: str, name: str, node: Node, path: str, known: tuple[str, ...]) -> None:
        self._findings.add(f"{what} {shown(node)}", node.place, path, did_you_mean(name, known))


def _of_inventory(source: ConfiguredSource, own: Collection[str]) -> tuple[str, ...]:
    """The labels of a source's inventory, if samples with those labels of their own are found again in it."""
    inventory = source.type.inventory
    return inventory.labels if inventory is not None and inventory.key in own else ()


def _is_of_one_project(source: ConfiguredSource) -> bool:
    return any(getattr(source.settings, label, None) is not None for label in _OF_PROJECTS)


def _unit_of(metric: AnyMetric) -> str:
    return "words" if metric.is_state else metric.unit or "plain numbers"
