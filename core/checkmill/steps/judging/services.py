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
from checkmill.steps.judging.naming import entities_of, entity_labels, thing_of
from checkmill.steps.judging.wording import NAMED, Judged, details_of, missing_text, text_of

log = logging.getLogger("checkmill.judging")

_MISSING = Verdict(State.UNKNOWN, "missing")


class ServiceJudge:
    """Judges the services of one rule. `measured_at` is epoch seconds."""

    def __init__(self, rule: Rule, measured_at: float) -> None:
        self._rule = rule
        self._measured_at = measured_at
        self._entity_labels = entity_labels(rule.metric, rule.each)

    def result(self, group: Group, floor: Sequence[tuple[State, str]] = ()) -> Result:
        """Judge the samples of one service. `floor` are states with reasons that hold whatever the samples say."""
        judged = self._judged(group.samples)
        state = worst_of([*(one.verdict.state for one in judged), *(state for state, _ in floor)])
        reasons = sorted(dict.fromkeys(floor), key=lambda one: -one[0].badness)
        parts = [text for _, text in reasons[:NAMED]] + ["..."] * (len(reasons) > NAMED)
        if judged:
            falling = _is_falling(self._levels_for(judged[0].sample))
            own = text_of(judged, self._rule.metric, self.thing(group.samples), falling=falling)
            first = not reasons or judged[0].verdict.state.is_worse_than(reasons[0][0])
            parts = [own, *parts] if first else [*parts, own]
        details = details_of(judged, self._rule.metric)
        failed = all(one.sample.is_missing for one in judged)
        return self._made(group.identity, state, "; ".join(parts), details, group.labels, judged, failed=failed)

    def stated(
        self, identity: Identity, state: State, text: str, labels: Mapping[str, str], *, failed: bool = True
    ) -> Result:
        """The result of a service that has no samples: what is gone, absent, failed or empty."""
        return self._made(identity, state, text, "", labels, [], failed=failed)

    def thing(self, samples: Sequence[Sample]) -> str:
        """What one sample of a service is of: `host`."""
        return thing_of(samples, self._entity_labels)

    def without(self, sample: Sample, identity: Identity) -> str:
        """Why a service has no value, given the missing sample that concerns it."""
        own = {label for label, _ in identity.labels if label in sample.labels}
        return missing_text(self._rule.metric, sample, "" if own else self._scope(sample))

    def _scope(self, sample: Sample) -> str:
        """What a missing sample stands for that has too few labels to name one thing: `project p7`."""
        hidden = {"source", *self._rule.each, *(label for one in self._rule.readings for label in one.source.labels)}
        return " ".join(f"{label} {value}" for label, value in sample.labels.items() if label not in hidden)

    def _judged(self, samples: Sequence[Sample]) -> list[Judged]:
        entities = entities_of(samples, self._entity_labels, self._rule.each)
        judged = [self._judged_one(sample, entity) for sample, entity in zip(samples, entities, strict=True)]
        return sorted(judged, key=self._worst_first)

    def _judged_one(self, sample: Sample, entity: str) -> Judged:
        value = sample.value
        if value is not None:
            levels = self._levels_for(sample)
            return Judged(sample, Verdict(State.OK) if levels is None else levels.verdict_on(value), entity)
        partial = any(label not in sample.labels for label in self._entity_labels)
        return Judged(sample, _MISSING, self._scope(sample) if partial else entity, partial)

    def _levels_for(self, sample: Sample) -> Levels | None:
        """The rule's levels; the vendor's own for this sample where the rule has none of its own."""
        own, vendor = self._rule.levels, sample.levels
        return vendor if vendor is not None and own is self._rule.metric.levels else own

    def _worst_first(self, one: Judged) -> tuple[Any, ...]:
        value = one.sample.value
        sign = 1 if _is_falling(self._levels_for(one.sample)) else -1
        rank = sign * value if isinstance(value, int | float) else 0
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
        names: dict[str, Any] = {
            "check": rule.name,
            "source": source,
            "metric": rule.metric.name,
            "labels": {"source": source, **labels, **dict(identity.labels)},
            "tags": list(rule.tags),
        }
        service = self._name(rule.service_template, names) or self._default_name(identity)
        host = self._name(rule.host_template, names)
        text = " ".join(text.split())
        variables = {**names, "service": service, "host": host, "state": state.value, "text": text}
        variables |= self._measured(judged)
        output = " ".join(self._text(rule.text_template, variables, text).split())
        return Result(
            check=rule.name,
            service=redact(service),
            state=state,
            output=redact(output or text),
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

    def _measured(self, judged: Sequence[Judged]) -> dict[str, Any]:
        """What templates may know of the samples."""
        lead = judged[0] if judged else None
        limit = lead.verdict.limit if lead else None
        return {
            "value": lead.sample.value if lead else None,
            "unit": self._rule.metric.unit,
            "limit": str(limit) if isinstance(limit, Range) else limit,
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

    def _default_name(self, identity: Identity) -> str:
        values = dict(identity.labels)
        several = len(self._rule.readings) > 1 and "source" not in values
        lead = [self._rule.name, identity.source if several else ""]
        return " ".join(filter(None, [*lead, *(values.get(label) for label in self._rule.each)]))

    def _name(self, template: str, variables: Mapping[str, Any]) -> str:
        """A name from a template; nothing where it cannot be filled in."""
        try:
            return " ".join(filled(template, variables).split())
        except TemplateError as error:
            self._complain(template, error)
            return ""

    def _text(self, template: str, variables: Mapping[str, Any], otherwise: str) -> str:
        """A text from a template; the default one where there is none, and with a remark where it fails."""
        if not template:
            return otherwise
        try:
            return filled(template, variables)
        except TemplateError as error:
            self._complain(template, error)
            return f"{otherwise} (its template failed: {error})".lstrip()

    def _complain(self, template: str, error: TemplateError) -> None:
        log.warning("check %s: the template %r cannot be filled in: %s", self._rule.name, template, error)

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


def stamped(result: Result, good_until: float) -> Result:
    """The result with the time until which it is good."""
    return replace(result, good_until=good_until)


def _is_falling(levels: Levels | None) -> bool:
    """Whether low values are the bad ones."""
    return levels is not None and levels.below is not None and levels.above is None


def _range(levels: Levels, state: State) -> Range | None:
    """The limits of one state as the range outside which it alerts."""
    above = levels.above.for_state(state) if levels.above else None
    below = levels.below.for_state(state) if levels.below else None
    start, end = -math.inf if below is None else below, math.inf if above is None else above
    if above is None and below is None:
        return levels.range.for_state(state) if levels.range else None
    return Range(start, end) if start <= end else None
