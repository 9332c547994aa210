"""By which levels a sample is judged: those of the first override that fits, else the rule's, else the vendor's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checkmill.model.levels import Levels, Verdict
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State
from checkmill.steps.judging.conditions import Partner, together
from checkmill.steps.judging.entities import Labels, ways_of


@dataclass(frozen=True)
class Levelled:
    """What a value means, by which levels (the `override`th of the rule's if that is not None), for which labels."""

    verdict: Verdict
    levels: Levels | None
    override: int | None
    labels: Labels


def levelled(rule: Rule, sample: Sample, partners: Sequence[Partner] = ()) -> Levelled:
    """Judge one value under all conditions. Where it may be of several entities, the one it would be worst for counts.

    An aggregate is judged once, by the rule's levels: its samples mean nothing by themselves.
    """
    ways = [_levelled(rule, sample, labels, partners) for labels in ways_of(sample)]
    return max(ways, key=lambda one: one.verdict.state.badness)


def _levelled(rule: Rule, sample: Sample, labels: Labels, partners: Sequence[Partner]) -> Levelled:
    levels, override = _levels_for(rule, sample, labels)
    verdict = Verdict(State.OK)
    if levels is not None and sample.value is not None and not rule.aggregate:
        verdict = together(levels.verdict_on(sample.value), partners)
    return Levelled(verdict, levels, override, labels)


def _levels_for(rule: Rule, sample: Sample, labels: Labels) -> tuple[Levels | None, int | None]:
    for number, override in enumerate(rule.overrides):
        if override.matches(labels):
            return override.levels, number
    own, vendor = rule.levels, sample.levels
    return (vendor if vendor is not None and own is rule.metric.levels else own), None
