"""Reads one entry of `checks` into a Rule, against the sources and reporters it names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checkmill.model.aggregate import aggregated_metric
from checkmill.model.job import TIME_TAKEN, grace_s
from checkmill.model.levels import Levels
from checkmill.model.rule import Condition, Expect, Override, Reading, Rule, Selection, Tolerate
from checkmill.model.source import ConfiguredSource, Metric
from checkmill.model.state import State
from checkmill.model.templates import labels_in
from checkmill.steps.reading.alike import refuse_foreign_levels
from checkmill.steps.reading.drafts import Draft, Keys, Surroundings
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.judgement import (
    LEVEL_KEYS,
    aggregate_from,
    job_levels_from,
    levels_from,
    overrides_from,
    tolerate_from,
)
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.measuring import BESIDE, Measuring
from checkmill.steps.reading.nodes import Map, Node, Scalar, data_of, shown
from checkmill.steps.reading.reports import reports_from
from checkmill.steps.reading.selecting import expect_from, selection_from
from checkmill.steps.reading.templates import check_labels, check_template

DEFAULT_INTERVAL_S = 60.0
DEFAULT_FORGET_S = 86400.0
#: What means nothing where there is one sample, which is told when it comes to be.
_NOT_OF_JOBS = ("aggregate", "tolerate", "and", "expect", "forget", "max_age")
#: Names of checks and services that Checkmill uses for itself.
RESERVED_NAMES = ("checkmill", "checkmill-outbox")


def rule_from(draft: Draft, around: Surroundings, findings: Findings) -> Rule | None:
    """Read one check. What is wrong becomes findings and gives no rule."""
    return _CheckReader(draft, around, findings).rule()


class _CheckReader:
    def __init__(self, draft: Draft, around: Surroundings, findings: Findings) -> None:
        self._draft = draft
        self._around = around
        self._findings = findings
        self._keys = Keys(draft, around, findings)

    def rule(self) -> Rule | None:
        measuring = Measuring(self._keys)
        metric = measuring.metric
        # A service for each value of a label needs a label that all samples have; a selection may use any.
        carried = measuring.labels()
        labels = tuple(dict.fromkeys(label for own in carried for label in own)) if carried else None
        common = tuple(label for label in labels or () if all(label in own for own in carried))
        each = self._each(common if carried else None)
        offered = _naming(metric) or (metric.labels if metric is not None else ())
        expect = self._keys.read("expect", lambda node, path: expect_from(node, path, each, offered, self._findings))
        expect = expect or Expect(seen=bool(each))
        readings = measuring.readings()
        simple = self._independent_of_metric()
        aggregate = self._keys.read("aggregate", lambda node, path: aggregate_from(node, path, metric, self._findings))
        judged = aggregated_metric(metric, aggregate) if metric is not None and aggregate else metric
        levels = self._levels(judged, [aggregated_metric(one, aggregate or "") for one in measuring.metrics])
        where, exclude = self._selection("where", labels), self._selection("except", labels)
        overrides = self._overrides(metric, labels)
        conditions = measuring.conditions()
        tolerate = self._keys.read("tolerate", lambda node, path: tolerate_from(node, path, self._findings))
        if conditions and metric is not None and levels is None and not overrides:
            self._refuse_without_levels(metric)
        if measuring.is_of_job:
            self._check_job(measuring, simple["on_stale"])
        self._check_combinations(overrides)
        self._check_tolerance(measuring, each, tolerate)
        self._check_labels_of_templates(measuring.sources, each, labels)
        self._check_times(expect, None if measuring.is_of_job else metric)
        selections = [where, exclude, *(one for own in overrides for one in (own.where, own.exclude))]
        used = {label for one in selections if one is not None for label in one.labels} | {*each, *self._templated()}
        inventories = measuring.inventories(used, all_expected=expect.all)
        if self._findings.problems or metric is None or not readings:
            return None
        interval_s = self._keys.amount("interval") or metric.dataset.interval_s or DEFAULT_INTERVAL_S
        timeout_s, job_ends_after_s = _longest_timeout(readings, conditions, inventories), None
        if measuring.is_of_job:
            # What a file says of fetches must not end a backup: only what the check itself says is for its job.
            job_ends_after_s = None if self._keys.own("timeout") is None else self._keys.amount("timeout")
            timeout_s = grace_s(interval_s) if job_ends_after_s is None else job_ends_after_s
        return Rule(
            name=self._draft.name,
            place=self._draft.own.place,
            files=self._files(measuring.sources),
            readings=readings,
            levels=levels,
            where=where,
            exclude=exclude,
            each=each,
            expect=expect,
            overrides=overrides,
            conditions=conditions,
            aggregate=aggregate or "",
            tolerate=tolerate,
            inventories=inventories,
            forget_s=self._keys.amount("forget") or DEFAULT_FORGET_S,
            max_age_s=self._keys.amount("max_age"),
            on_empty=simple["on_empty"] or State.UNKNOWN,
            on_missing=simple["on_missing"] or (State.UNKNOWN if expect.seen else State.CRITICAL),
            on_stale=simple["on_stale"] or State.UNKNOWN,
            on_error=simple["on_error"] or State.UNKNOWN,
            interval_s=interval_s,
            timeout_s=timeout_s,
            job_ends_after_s=job_ends_after_s,
            service_template=simple["service"],
            host_template=simple["host"],
            text_template=simple["text"],
            details_template=simple["details"],
            reports=simple["reports"],
            tags=simple["tags"],
            digest=self._digest(measuring.sources, metric, leave_out=("report", "tags")),
            selection_digest=self._digest(measuring.sources, metric, only=("query", "where", "except", "each")),
        )

    # What it selects and how it judges

    def _each(self, labels: tuple[str, ...] | None) -> tuple[str, ...]:
        found = self._keys.node("each")
        if found is None:
            return ()
        each = self._findings.named(*found)
        for label, node, path in each:
            if labels is not None and label not in labels:
                self._findings.add(f"unknown label {shown(node)}", node.place, path, did_you_mean(label, labels))
        return tuple(label for label, _, _ in each)

    def _levels(self, metric: Metric[Any, Any, Any] | None, of_each: Sequence[Metric[Any, Any, Any]]) -> Levels | None:
        # A check that has levels of its own has none of its file's defaults.
        own = [key for key in LEVEL_KEYS if key in self._draft.own.entries]
        found = {key: self._keys.node(key) for key in own or LEVEL_KEYS}
        written = {key: node for key, node in found.items() if node is not None}
        if metric is not None and metric.dataset is TIME_TAKEN.dataset:
            return job_levels_from(written, metric, self._findings)
        levels = levels_from(written, metric, self._findings)
        spot = self._keys.node("metric")
        if spot is not None:
            refuse_foreign_levels(of_each, written, spot, self._findings)
        return levels

    def _overrides(self, metric: Metric[Any, Any, Any] | None, labels: tuple[str, ...] | None) -> tuple[Override, ...]:
        # Those of the defaults belong to the levels of the defaults.
        has_own = any(key in self._draft.own.entries for key in LEVEL_KEYS)
        found = self._keys.own("overrides") if has_own else self._keys.node("overrides")
        return () if found is None else overrides_from(*found, metric, labels, self._findings)

    def _selection(self, key: str, labels: tuple[str, ...] | None) -> Selection | None:
        found = self._keys.node(key)
        return None if found is None else selection_from(*found, labels, self._findings)

    # What does not go together

    def _check_job(self, measuring: Measuring, on_stale: State | None) -> None:
        found = self._keys.node("source")
        if found is not None and len(measuring.sources) > 1:
            sentence = f"a job is of one source, and {len(measuring.sources)} are named"
            self._findings.add(sentence, found[0].place, found[1], "write a check for each job")
        for key in _NOT_OF_JOBS:
            found = self._keys.own(key)
            if found is not None:
                sentence = f"{key!r} means nothing for a job, which has one end at a time"
                self._findings.add(sentence, found[0].place, found[1], "remove the key")
        found = self._keys.node("on_stale")
        if found is not None and on_stale is State.OK:
            sentence = "a job that did not end in time is never ok"
            self._findings.add(sentence, found[0].place, found[1], "write warn, crit or unknown")

    def _check_combinations(self, overrides: tuple[Override, ...]) -> None:
        if self._keys.node("aggregate") is not None:
            self._refuse_beside_aggregate("tolerate", "no single sample breaches", "remove one of the two")
            self._refuse_beside_aggregate("and", "no single sample is left to join", "write two checks")
            if overrides:
                hint = "write a second check with its own 'where'"
                self._refuse_beside_aggregate("overrides", "one value has one set of levels", hint)

    def _check_tolerance(self, measuring: Measuring, each: tuple[str, ...], tolerate: Tolerate | None) -> None:
        found = self._keys.node("tolerate")
        if found is None or tolerate is None or not (tolerate.warn.count or tolerate.crit.count):
            return
        if not measuring.has_one_sample(each):
            return
        service, hint = "the check", "remove it, and choose a limit that leaves room"
        if each:
            service = f"with 'each: {', '.join(each)}' a service"
            if _naming(measuring.metric):
                hint = "remove 'each', or choose a share"
        sentence = f"{service} has one sample, and one is tolerated: this never alerts"
        self._findings.add(sentence, found[0].place, found[1], hint)

    def _check_labels_of_templates(
        self, sources: Sequence[ConfiguredSource], each: tuple[str, ...], labels: tuple[str, ...] | None
    ) -> None:
        """Services are remembered with their labels; of a check without them, those of its sources are sure."""
        if labels is None:
            return
        own = [set(source.labels.items()) for source in sources]
        lasting = labels if each else ("source", *(label for label, _ in set.intersection(*own)))
        for key in ("as", "text", "details", "report"):
            found = self._draft.key(key) if key == "report" else self._keys.node(key)
            for node, path in () if found is None else _scalars_in(*found):
                sure = lasting if key == "as" else labels
                check_labels(str(node.value), node, path, labels, sure, self._findings)

    def _refuse_without_levels(self, metric: Metric[Any, Any, Any]) -> None:
        node, path = self._keys.node("and") or (self._draft.own, self._draft.path)
        sentence = f"without levels {metric.name!r} is always ok, so the check never alerts"
        self._findings.add(sentence, node.place, path, "add 'above', 'below' or 'range'")

    def _refuse_beside_aggregate(self, key: str, why: str, hint: str) -> None:
        found = self._keys.node(key)
        if found is not None:
            self._findings.add(f"{key!r} means nothing beside 'aggregate': {why}", found[0].place, found[1], hint)

    def _check_times(self, expect: Expect, metric: Metric[Any, Any, Any] | None) -> None:
        found = self._keys.own("forget")
        if found is not None and not expect.seen and self._keys.amount("forget") is not None:
            sentence = "'forget' is for values that are expected because they were seen, and this check expects none"
            self._findings.add(sentence, found[0].place, found[1], "remove it, or write 'expect: seen'")
        found = self._keys.own("on_stale")
        if found is not None and metric is not None and metric.max_age_s is None and self._keys.node("max_age") is None:
            sentence = f"nothing is ever stale: the metric {metric.name!r} has no limit of age"
            self._findings.add(sentence, found[0].place, found[1], "add 'max_age'")

    # What does not depend on the metric, so that its errors are told even when the metric is unknown

    def _independent_of_metric(self) -> dict[str, Any]:
        keys = self._keys
        for key in ("interval", "timeout", "forget", "max_age"):
            keys.amount(key)
        words = ("on_empty", "on_missing", "on_stale", "on_error")
        states = {key: keys.read(key, self._findings.state) for key in words}
        keys.read("as", lambda node, path: self._findings.map(node, path, ("service", "host")))
        report = self._draft.key("report")
        return {
            **states,
            "service": self._name_template("service"),
            "host": self._name_template("host"),
            "text": keys.read("text", lambda node, path: self._template(node, path, "text")) or "",
            "details": keys.read("details", lambda node, path: self._template(node, path, "details")) or "",
            "tags": keys.read("tags", self._findings.texts) or (),
            "reports": () if report is None else reports_from(*report, self._around, self._findings),
        }

    def _name_template(self, key: str) -> str:
        found = self._keys.node("as")
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

    def _templated(self) -> set[str]:
        """The labels that templates of this check name."""
        found = (self._draft.key(key) for key in ("as", "text", "details", "report"))
        texts = (text for one in found if one is not None for text in _texts_in(data_of(one[0])))
        return {label for text in texts for label in labels_in(text)}

    # Help

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
            found = self._keys.node(key) if key not in leave_out and (only is None or key in only) else None
            if found is not None:
                written.append((key, data_of(found[0])))
        # What is remembered of a source outlives the coming and going of others: they are no part of the selection.
        named = [(source.name, source.digest) for source in sources] if only is None else []
        return hashlib.blake2b(repr((named, metric.name, written)).encode(), digest_size=16).hexdigest()


def _longest_timeout(
    readings: tuple[Reading, ...], conditions: tuple[Condition, ...], inventories: Mapping[str, Reading]
) -> float:
    others = [reading for condition in conditions for reading in condition.readings]
    return max(reading.fetch.timeout_s for reading in [*readings, *others, *inventories.values()])


def _naming(metric: Metric[Any, Any, Any] | None) -> tuple[str, ...]:
    """The labels that say what a sample is of."""
    return () if metric is None else tuple(label for label in metric.labels if label not in BESIDE)


def _scalars_in(node: Node, path: str) -> Iterator[tuple[Scalar, str]]:
    if isinstance(node, Map):
        for key, entry in node:
            yield from _scalars_in(entry.value, f"{path}.{key}")
    elif isinstance(node, Scalar):
        yield node, path
    else:
        for index, item in enumerate(node.items):
            yield from _scalars_in(item, f"{path}[{index}]")


def _texts_in(data: Any) -> list[str]:
    if isinstance(data, dict | list):
        values = data.values() if isinstance(data, dict) else data
        return [text for value in values for text in _texts_in(value)]
    return [data] if isinstance(data, str) else []
