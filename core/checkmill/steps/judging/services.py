"""Makes the result of one service: state, text, details, values and names."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from checkmill.model.levels import Levels, Range, Verdict
from checkmill.model.result import Identity, Perf, Result
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.model.secret import redact
from checkmill.model.state import State, worst_of
from checkmill.model.templates import TemplateError, filled
from checkmill.steps.judging.grouping import Group
from checkmill.steps.judging.wording import Judged, details_of, entities_of, text_of

log = logging.getLogger("checkmill.judging")

_MISSING = Verdict(State.UNKNOWN, "missing")


class ServiceJudge:
    """Judges the services of one rule. `measured_at` is epoch seconds."""

    def __init__(self, rule: Rule, measured_at: float) -> None:
        self._rule = rule
        self._measured_at = measured_at

    def result(self, group: Group, floor: Sequence[tuple[State, str]] = (), *, failed: bool = False) -> Result:
        """Judge the samples of one service. `floor` are states with reasons that hold whatever the samples say."""
        judged = self._judged(group.samples)
        state = worst_of([*(one.verdict.state for one in judged), *(state for state, _ in floor)])
        thing, _ = entities_of(group.samples, self._rule.each) if group.samples else ("value", [])
        reasons = sorted(floor, key=lambda one: -one[0].badness)
        parts = [text for _, text in reasons]
        if judged:
            own = text_of(judged, self._rule.metric, thing)
            first = not reasons or judged[0].verdict.state.is_worse_than(reasons[0][0])
            parts = [own, *parts] if first else [*parts, own]
        text = "; ".join(parts)
        details = details_of(judged, self._rule.metric)
        return self._made(group.identity, state, text, details, group.labels, judged, failed=failed)

    def stated(
        self, identity: Identity, state: State, text: str, labels: Mapping[str, str], *, failed: bool = False
    ) -> Result:
        """The result of a service that has no samples: what is gone, absent, failed or empty."""
        return self._made(identity, state, text, "", labels, [], failed=failed)

    def stamped(self, result: Result, good_until: float) -> Result:
        """The result with the time until which it is good."""
        return replace(result, good_until=good_until)

    def _judged(self, samples: Sequence[Sample]) -> list[Judged]:
        if not samples:
            return []
        _, entities = entities_of(samples, self._rule.each)
        judged = [
            Judged(sample, self._verdict(sample), entity) for sample, entity in zip(samples, entities, strict=True)
        ]
        return sorted(judged, key=self._worst_first)

    def _verdict(self, sample: Sample) -> Verdict:
        if sample.value is None:
            return _MISSING
        levels = self._levels_for(sample)
        return Verdict(State.OK) if levels is None else levels.verdict_on(sample.value)

    def _levels_for(self, sample: Sample) -> Levels | None:
        own, vendor = self._rule.levels, sample.levels
        return vendor if vendor is not None and own is self._rule.metric.levels else own

    def _worst_first(self, one: Judged) -> tuple[Any, ...]:
        value = one.sample.value
        levels = self._levels_for(one.sample)
        falling = levels is not None and levels.below is not None and levels.above is None
        rank = 0.0 if not isinstance(value, int | float) else value if falling else -value
        return (-one.verdict.state.badness, one.sample.is_missing, rank, one.entity)

    def _made(
        self,
        identity: Identity,
        state: State,
        text: str,
        details: str,
        labels: Mapping[str, str],
        judged: Sequence[Judged],
        *,
        failed: bool,
    ) -> Result:
        rule = self._rule
        source = identity.source or ",".join(reading.source.name for reading in rule.readings)
        shown = {"source": source, **labels, **dict(identity.labels)}
        names = {
            "check": rule.name,
            "source": source,
            "metric": rule.metric.name,
            "labels": shown,
            "tags": list(rule.tags),
        }
        service = self._filled(rule.service_template, names) or self._default_name(identity)
        host = self._filled(rule.host_template, names)
        lead = judged[0] if judged else None
        limit = lead.verdict.limit if lead else None
        variables = {
            **names,
            "service": service,
            "host": host,
            "state": state.value,
            "value": lead.sample.value if lead else None,
            "unit": rule.metric.unit,
            "limit": str(limit) if isinstance(limit, Range) else limit,
            "text": text,
            "samples": [
                {
                    "value": one.sample.value,
                    "state": one.verdict.state.value,
                    "labels": one.sample.labels,
                    "reason": one.sample.reason,
                }
                for one in judged
            ],
            "count": len(judged),
        }
        return Result(
            check=rule.name,
            service=redact(service),
            state=state,
            output=redact(self._text(rule.text_template, variables, text)),
            source=identity.source,
            metric=rule.metric.name,
            host=redact(host),
            details=redact(self._text(rule.details_template, variables, details)),
            perfdata=tuple(self._perfdata(judged)),
            labels=dict(identity.labels),
            tags=rule.tags,
            checked_at=self._measured_at,
            failed=failed,
        )

    def _default_name(self, identity: Identity) -> str:
        several = len(self._rule.readings) > 1 and identity.source and "source" not in dict(identity.labels)
        values = dict(identity.labels)
        parts = [
            self._rule.name,
            identity.source if several else "",
            *(values.get(label, "") for label in self._rule.each),
        ]
        return " ".join(part for part in parts if part)

    def _filled(self, template: str, variables: Mapping[str, Any]) -> str:
        if not template:
            return ""
        try:
            return " ".join(filled(template, variables).split())
        except TemplateError as error:
            log.warning("check %s: the template %r cannot be filled in: %s", self._rule.name, template, error)
            return ""

    def _text(self, template: str, variables: Mapping[str, Any], otherwise: str) -> str:
        if not template:
            return otherwise
        try:
            return filled(template, variables) or otherwise
        except TemplateError as error:
            log.warning("check %s: the template %r cannot be filled in: %s", self._rule.name, template, error)
            return f"{otherwise} (its template failed: {error})"

    def _perfdata(self, judged: Sequence[Judged]) -> list[Perf]:
        metric = self._rule.metric
        values = []
        for one in sorted(judged, key=lambda one: one.entity):
            value = one.sample.value
            if isinstance(value, int | float):
                label = f"{metric.name}_{one.entity.replace(' ', '_')}" if one.entity else metric.name
                levels = self._levels_for(one.sample) or Levels()
                warn, crit = _range(levels, State.WARNING), _range(levels, State.CRITICAL)
                values.append(Perf(label, value, metric.unit, warn, crit, metric.minimum, metric.maximum))
        return values


def _range(levels: Levels, state: State) -> Range | None:
    """The limits of one state as the range outside which it alerts."""
    above = levels.above.for_state(state) if levels.above else None
    below = levels.below.for_state(state) if levels.below else None
    if above is not None or below is not None:
        return Range(-math.inf if below is None else below, math.inf if above is None else above)
    return levels.range.for_state(state) if levels.range else None
