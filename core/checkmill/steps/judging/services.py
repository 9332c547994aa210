"""Makes the result of one service: state, text, details, values and names."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checkmill.model.aggregate import aggregate, is_surely_critical, span
from checkmill.model.levels import Levels, Range, Verdict
from checkmill.model.result import Identity, Perf, Result
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.model.secret import redact
from checkmill.model.state import State, worst_of
from checkmill.model.templates import TemplateError, filled
from checkmill.steps.judging.conditions import MISSING, Partner, Partners
from checkmill.steps.judging.extracting import composed
from checkmill.steps.judging.freshness import Stale
from checkmill.steps.judging.graphing import aggregate_perf, perfdata_of
from checkmill.steps.judging.grouping import Group
from checkmill.steps.judging.jobs import JobSample, details_of_job, job_perfdata, job_text, verdict_on_job
from checkmill.steps.judging.levelling import levelled
from checkmill.steps.judging.naming import entities_of, entity_labels, thing_of, without_ids
from checkmill.steps.judging.tolerating import tolerated_note, tolerated_state
from checkmill.steps.judging.wording import (
    NAMED,
    Count,
    Judged,
    aggregate_text,
    details_of,
    missing_text,
    text_of,
)

log = logging.getLogger("checkmill.judging")

#: What holds of a service whatever its samples say: a state and the reason.
Floor = tuple[State, str]


@dataclass(frozen=True)
class Absent:
    """What is expected of a service and not there: the names as far as they are known, and how many more."""

    names: tuple[str, ...] = ()
    unnamed: int = 0


@dataclass(frozen=True)
class _Measured:
    """What the samples of a service come to."""

    state: State
    text: str
    details: str
    perfdata: tuple[Perf, ...]
    judged: tuple[Judged, ...]
    lead: Judged | None


class ServiceJudge:
    """Judges the services of one rule. `measured_at` is epoch seconds; `partners` are those of each condition."""

    def __init__(self, rule: Rule, measured_at: float, partners: Sequence[Partners] = ()) -> None:
        self._rule = rule
        self._measured_at = measured_at
        self._partners = partners
        self._entity_labels = entity_labels(rule.metric, rule.each)

    def result(self, group: Group, floor: Sequence[Floor] = (), absent: Absent | None = None) -> Result:
        """Judge the samples of one service.

        `floor` are states with reasons that hold whatever the samples say. `absent` is counted beside them where the
        rule tolerates some.
        """
        measured = self._measured_from(group, floor, absent or Absent())
        state = worst_of([measured.state, *(state for state, _ in floor)])
        reasons = sorted(dict.fromkeys(floor), key=lambda one: -one[0].badness)
        parts = [text for _, text in reasons[:NAMED]] + ["..."] * (len(reasons) > NAMED)
        if measured.text:
            first = not reasons or measured.state.is_worse_than(reasons[0][0])
            parts = [measured.text, *parts] if first else [*parts, measured.text]
        failed = all(one.sample.is_missing for one in measured.judged)
        return self._made(group.identity, state, "; ".join(parts), group.labels, measured, failed=failed)

    def counted(self, identity: Identity, text: str) -> Result:
        """The result of a service that says of others that they are there."""
        well = _Measured(State.OK, "", "", (), (), None)
        return self._made(identity, State.OK, text, dict(identity.labels), well, failed=False)

    def number_of(self, samples: Sequence[Sample]) -> int:
        """How many things samples are of, with a value or without; those that stand for many not counted."""
        return sum(1 for one in samples if not (one.is_missing and self._stands_for_many(one)))

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
        told = {label: value for label, value in sample.labels.items() if label not in hidden}
        return " ".join(f"{label} {value}" for label, value in without_ids(told).items())

    # What the samples come to

    def _measured_from(self, group: Group, floor: Sequence[Floor], absent: Absent) -> _Measured:
        judged = self._judged(group.samples)
        if judged and isinstance(judged[0].sample, JobSample):
            return self._told(judged[0], judged[0].sample)
        count = len(absent.names) + absent.unnamed
        if not judged and not count:
            # Nothing was seen to be well, and the floor says why.
            return _Measured(floor[0][0] if floor else State.UNKNOWN, "", "", (), (), None)
        if self._rule.aggregate:
            return self._aggregated(judged, unsure=any(state is not State.OK for state, _ in floor))
        metric, thing = self._rule.metric, self.thing(group.samples)
        falling = bool(judged) and _is_falling(judged[0].levels)
        state, counted = worst_of(one.verdict.state for one in judged), None
        if self._rule.tolerate is not None:
            state, counted = self._tolerated(judged, absent)
        return _Measured(
            state,
            text_of(judged, metric, thing, falling=falling, count=counted),
            details_of(judged, metric),
            tuple(perfdata_of(judged, metric)),
            tuple(judged),
            judged[0] if judged else None,
        )

    def _told(self, one: Judged, sample: JobSample) -> _Measured:
        """What a job told of its end, or that it told nothing in time."""
        job = sample.job
        if job is None:
            state = self._rule.on_stale if sample.is_overdue else State.UNKNOWN
            lead = replace(one, verdict=replace(one.verdict, state=state))
            return _Measured(state, sample.reason, "", (), (lead,), lead)
        lead = replace(one, verdict=verdict_on_job(job, one.verdict, one.levels))
        text, details = job_text(job, lead.verdict), details_of_job(job)
        return _Measured(lead.verdict.state, text, details, job_perfdata(job, one.levels), (lead,), lead)

    def _tolerated(self, judged: Sequence[Judged], absent: Absent) -> tuple[State, Count]:
        tolerate, on_missing = self._rule.tolerate, self._rule.on_missing
        assert tolerate is not None  # noqa: S101 - for the type checker: only called where there is one
        count = len(absent.names) + absent.unnamed
        states = [*(one.verdict.state for one in judged), *[on_missing] * count]
        # Where nothing has a value, nothing was seen to be well.
        seen = any(not one.sample.is_missing for one in judged)
        unsure = any(one.sample.is_missing and one.verdict.state is not State.OK for one in judged)
        state = tolerated_state(states, tolerate, unsure=unsure) if seen else worst_of(states)
        total = sum(1 for one in judged if not one.partial) + count
        return state, Count(
            total,
            absent.names,
            absent.unnamed,
            note=lambda of: tolerated_note(tolerate, of, state),
            absent_state=on_missing,
            named=state is not State.OK,
        )

    def _aggregated(self, judged: Sequence[Judged], *, unsure: bool) -> _Measured:
        """One value of all samples; with some missing it is UNKNOWN, or CRITICAL if none of theirs could save it."""
        rule, how, metric = self._rule, self._rule.aggregate, self._rule.judged_metric
        there = [one for one in judged if not one.sample.is_missing]
        missing = [one for one in judged if one.sample.is_missing and one.verdict.state is not State.OK]
        values: list[Any] = [1 if how == "count" else one.sample.value for one in there]
        at_least = worst_of([State.OK, *(one.verdict.state for one in missing)])
        if not there:
            state = at_least if missing else State.UNKNOWN
            text = text_of(judged, rule.metric, self.thing([one.sample for one in judged]))
            return _Measured(state, text, details_of(judged, rule.metric), (), tuple(judged), judged[0])
        value = aggregate(how, values)
        sample = Sample(value) if _is_number(value) else Sample.missing(f"{how} is too large to be a number")
        verdict = MISSING if sample.is_missing else Verdict(State.OK)
        if rule.levels is not None and not sample.is_missing:
            verdict = rule.levels.verdict_on(value)
        lead = Judged(sample, verdict, levels=rule.levels)
        state = worst_of([verdict.state, at_least])
        if missing or unsure:
            more = unsure or any(one.partial for one in missing)
            least, most = span(how, values, len(missing), rule.metric, more=more)
            if verdict.state is State.CRITICAL and not is_surely_critical(rule.levels or Levels(), least, most):
                state = worst_of([State.UNKNOWN, at_least])
        lead = replace(lead, verdict=replace(verdict, state=state))
        thing = self.thing([one.sample for one in there])
        return _Measured(
            state,
            aggregate_text(lead, missing, len(there), metric, thing, how),
            details_of(judged, rule.metric, with_states=False),
            tuple(aggregate_perf(lead, metric, how)),
            tuple(judged),
            lead,
        )

    def _judged(self, samples: Sequence[Sample]) -> list[Judged]:
        entities = entities_of(samples, self._entity_labels, self._rule.each)
        judged = [self._judged_one(sample, entity) for sample, entity in zip(samples, entities, strict=True)]
        return sorted(judged, key=_worst_first)

    def _judged_one(self, sample: Sample, entity: str) -> Judged:
        value = sample.value
        if value is None:
            partial = self._stands_for_many(sample)
            verdict = replace(MISSING, state=self._rule.on_stale) if isinstance(sample, Stale) else MISSING
            return Judged(sample, verdict, self._scope(sample) if partial else entity, partial)
        partners: tuple[Partner, ...] = tuple(one.of(sample) for one in self._partners)
        by = levelled(self._rule, sample, partners)
        return Judged(sample, by.verdict, entity, levels=by.levels, override=by.override, partners=partners)

    def _stands_for_many(self, missing: Sample) -> bool:
        return any(label not in missing.labels for label in self._entity_labels)

    def _made(
        self,
        identity: Identity,
        state: State,
        text: str,
        labels: Mapping[str, str],
        measured: _Measured,
        *,
        failed: bool,
    ) -> Result:
        rule = self._rule
        source = identity.source or ",".join(reading.source.name for reading in rule.readings)
        names: dict[str, Any] = {
            "check": rule.name,
            "source": source,
            "metric": rule.metric.name,
            "labels": {**self._source_labels(identity), "source": source, **labels, **dict(identity.labels)},
            "tags": list(rule.tags),
        }
        service = self._name(rule.service_template, names) or self._default_name(identity)
        host = self._name(rule.host_template, names)
        text = " ".join(text.split())
        variables = {**names, "service": service, "host": host, "state": state.value, "text": text}
        variables |= self._variables(measured)
        output = " ".join(self._text(rule.text_template, variables, text).split())
        return Result(
            check=rule.name,
            service=redact(service),
            state=state,
            output=redact(output or text),
            source=identity.source,
            metric=rule.metric.name,
            host=redact(host),
            details=redact(self._text(rule.details_template, variables, measured.details)),
            perfdata=measured.perfdata,
            labels=dict(identity.labels),
            tags=rule.tags,
            checked_at=self._measured_at,
            failed=failed,
            common={name: redact(str(value)) for name, value in names["labels"].items()},
        )

    def _source_labels(self, identity: Identity) -> dict[str, str]:
        """The labels of the source that a service is of, or that all of its sources share, whatever came of them."""
        sources = [reading.source for reading in self._rule.readings if identity.source in {"", reading.source.name}]
        shared = set.intersection(*(set(source.labels.items()) for source in sources)) if sources else set()
        return {label: composed(value) for label, value in shared}

    def _variables(self, measured: _Measured) -> dict[str, Any]:
        """What templates may know of the samples."""
        lead, judged = measured.lead, measured.judged
        limit = lead.verdict.limit if lead else None
        return {
            "value": lead.sample.value if lead else None,
            "unit": self._rule.judged_metric.unit,
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


def stamped(result: Result, good_until: float) -> Result:
    """The result with the time until which it is good."""
    return replace(result, good_until=good_until)


def _is_falling(levels: Levels | None) -> bool:
    """Whether low values are the bad ones."""
    return levels is not None and levels.below is not None and levels.above is None


def _worst_first(one: Judged) -> tuple[Any, ...]:
    value = one.sample.value
    sign = 1 if _is_falling(one.levels) else -1
    rank = sign * value if isinstance(value, int | float) else 0
    return (-one.verdict.state.badness, one.sample.is_missing, rank, one.entity)


def _is_number(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False
