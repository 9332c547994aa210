"""By which levels each service was judged, which value decided, and what templates may say of it.

What decided only the judge knows, so the judge is asked in the language that it answers: the check is judged once more
with `PROBE` as the template of its details, which gives every variable that a template may use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.model.levels import Levels
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.model.templates import VARIABLES
from checkmill.steps.explaining.facts import LevelFacts, ServiceFacts, Variable, Variables
from checkmill.steps.explaining.rules import Lines, line_of, rule_levels

#: As many samples of a service are shown.
SHOWN_SAMPLES = 5
_LONG = {"samples": f"samples[:{SHOWN_SAMPLES}]"}
_PARTS = ", ".join(
    f"{name!r}: ({_LONG.get(name, name)} if {name} is defined else none)" for name in VARIABLES["details"]
)
PROBE = "{{ {" + _PARTS + "} | tojson }}"


@dataclass(frozen=True)
class Judged:
    """A service with its samples and the labels they have in common; `probe` is its result with `PROBE` as details.

    `judged_by` are the labels by which each sample was judged: of several things that it may be of, those of the one
    for which it is worst. Without samples and probe it is a stored result.
    """

    result: Result
    samples: Sequence[Sample] | None
    labels: Mapping[str, str]
    probe: Result | None = None
    judged_by: Sequence[Mapping[str, str]] = ()

    @property
    def variables(self) -> dict[str, Any]:
        """What templates know of it, as far as that can be told."""
        if self.probe is None:
            return {}
        try:
            found = json.loads(self.probe.details)
        except ValueError:  # a secret that is a number is a star among numbers
            return {}
        return found if isinstance(found, dict) else {}


def service_facts(rule: Rule, services: Sequence[Judged], lines: Lines) -> tuple[ServiceFacts, ...]:
    """The services, the worst first."""
    ordered = sorted(services, key=lambda one: -one.result.state.badness)
    return tuple(_service_facts(rule, one, lines) for one in ordered)


def variables_of(rule: Rule, services: Sequence[Judged]) -> Variables:
    """The variables of templates with what they are now, for the service that is worst."""
    names = tuple(VARIABLES["as"])
    if not services:
        return Variables(names, "", ())
    one = min(services, key=lambda service: -service.result.state.badness)
    known = one.variables or _stored_variables(rule, one)
    return Variables(
        names,
        one.result.service,
        tuple(
            Variable(name, meaning, known.get(name), known=name in known) for name, meaning in VARIABLES["text"].items()
        ),
    )


def _service_facts(rule: Rule, one: Judged, lines: Lines) -> ServiceFacts:
    result, variables = one.result, one.variables
    value, limit = variables.get("value"), variables.get("limit")
    if one.samples is None and len(result.perfdata) == 1:
        value = result.perfdata[0].value
    return ServiceFacts(
        name=result.service,
        host=result.host,
        source=result.source,
        labels=dict(result.labels),
        state=result.state,
        why=result.output,
        value=value,
        limit=limit,
        levels=_levels_used(rule, one, variables, lines),
        samples=None if one.samples is None else len(one.samples),
    )


def _levels_used(rule: Rule, one: Judged, variables: Mapping[str, Any], lines: Lines) -> LevelFacts:
    """The levels of the sample that decided; of an aggregate, the rule's."""
    if one.samples is not None and not one.samples:
        return LevelFacts("none", None)
    deciding, labels = (None, one.labels) if rule.aggregate else _deciding(one, variables)
    for number, override in enumerate(rule.overrides):
        if not rule.aggregate and override.matches(labels):
            return LevelFacts(f"override {number + 1}", override.levels, line_of(lines, "overrides", number))
    own = rule_levels(rule, lines)
    vendor: Levels | None = None if deciding is None else deciding.levels
    if vendor is not None and own.origin != "rule":
        return LevelFacts("vendor", vendor)
    return own


def _deciding(one: Judged, variables: Mapping[str, Any]) -> tuple[Sample | None, Mapping[str, str]]:
    """The sample that decided, and the labels by which it was judged."""
    told = next(iter(variables.get("samples") or ()), None)
    for sample, labels in zip(one.samples or (), one.judged_by, strict=True):
        if told is None or (dict(sample.labels) == told["labels"] and sample.is_missing == (told["value"] is None)):
            return sample, labels
    return None, one.labels


def _stored_variables(rule: Rule, one: Judged) -> dict[str, Any]:
    """What a stored result tells."""
    result = one.result
    source = result.source or ",".join(reading.source.name for reading in rule.readings)
    return {
        "check": rule.name,
        "source": source,
        "metric": result.metric,
        "labels": dict(sorted({**one.labels, **result.labels}.items())),
        "service": result.service,
        "host": result.host,
        "state": result.state.value,
        "unit": rule.judged_metric.unit,
        "tags": list(rule.tags),
    }
