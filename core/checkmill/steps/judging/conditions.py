"""Further conditions: what other metrics of the same source say of what a sample is of, joined on shared labels.

A sample counts only as far as all conditions do: it is OK if any of them is, else UNKNOWN if any is, else as bad as the
least bad one. Where several samples of another metric fit, such as all mounts of a host, the worst of them counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.model.levels import Levels, Verdict
from checkmill.model.rule import Condition
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.steps.judging.entities import agree

MISSING = Verdict(State.UNKNOWN, "missing")


@dataclass(frozen=True, slots=True)
class Partner:
    """What one condition says of a sample: the sample of the other metric that decides, and what it means."""

    metric: Metric[Any, Any, Any]
    levels: Levels
    sample: Sample
    verdict: Verdict


class Partners:
    """Finds the samples of one condition that belong to a sample of the rule's own metric."""

    def __init__(self, condition: Condition, labels: Sequence[str], samples: Iterable[Sample]) -> None:
        self._condition = condition
        self._shared = tuple(label for label in labels if label in condition.metric.labels)
        self._whole: dict[tuple[str | None, ...], list[Sample]] = {}
        self._partial: list[Sample] = []
        for sample in samples:
            if sample.is_missing and any(label not in sample.labels for label in self._shared):
                self._partial.append(sample)
            else:
                self._whole.setdefault(self._key(sample), []).append(sample)

    def of(self, sample: Sample) -> Partner:
        """The one that decides for a sample."""
        found = [*self._whole.get(self._key(sample), ())]
        found += [one for one in self._partial if agree(one.labels, sample.labels)]
        if not found:
            shared = " and ".join(self._shared)
            reason = f"there is no {self._condition.metric.name}{' of the same ' if shared else ''}{shared}"
            found = [Sample.missing(reason).labelled(sample.labels)]
        judged = [(one, self._verdict_on(one)) for one in found]
        worst, verdict = max(judged, key=lambda pair: pair[1].state.badness)
        return Partner(self._condition.metric, self._condition.levels, worst, verdict)

    def _verdict_on(self, sample: Sample) -> Verdict:
        if sample.value is None:
            return MISSING
        vendor = sample.levels if self._condition.levels is self._condition.metric.levels else None
        return (vendor or self._condition.levels).verdict_on(sample.value)

    def _key(self, sample: Sample) -> tuple[str | None, ...]:
        return (sample.labels.get("source"), *(sample.labels.get(label) for label in self._shared))


def together(own: Verdict, partners: Sequence[Partner]) -> Verdict:
    """What a sample means under all conditions; the limit that it broke stays its own."""
    states = [own.state, *(partner.verdict.state for partner in partners)]
    if State.OK in states:
        state = State.OK
    elif State.UNKNOWN in states:
        state = State.UNKNOWN
    else:
        state = min(states, key=lambda one: one.badness)
    return Verdict(state, own.broken, own.limit)
