"""What the sources answered a rule, before it selects: their samples, who failed, who said nothing, the inventories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checkmill.model.errors import SourceError
from checkmill.model.rule import Condition, Reading, Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State, worst_of
from checkmill.steps.judging.conditions import Partners
from checkmill.steps.judging.entities import Candidate, candidate, entities_of
from checkmill.steps.judging.extracting import Extraction
from checkmill.steps.judging.freshness import fresh


@dataclass(frozen=True)
class Silence:
    """A source that answered without a single value, or whose inventory is empty or failed (`of_inventory`).

    `dropped` is how many values came that nobody can place without the inventory. Where the source `hides` services,
    they may be there and well or not: nothing is known of them.
    """

    text: str
    state: State
    of_inventory: bool = False
    dropped: int = 0
    hides: bool = False


class Answers:
    """What was fetched for one rule; `now` (epoch seconds) decides what is too old.

    `failures` are the sources that failed with what is measured, `samples` and `inventories` those of the others,
    `silences` the ones among these that said nothing of what there is. `setbacks` are errors that failed no source: a
    failure that is a verdict, that of an inventory or of a further condition. `measured_at` is the time of the oldest
    answer.
    """

    def __init__(self, rule: Rule, extraction: Extraction, now: float) -> None:
        self._rule = rule
        self._now = now
        self._extracted = {_key(one): extraction.of(one) for one in rule.all_readings}
        self.failures = {
            one.source.name: error for one in rule.readings if (error := self._extracted[_key(one)].error) is not None
        }
        others = [error for its in self._extracted.values() for error in (its.error, its.failure) if error is not None]
        self.setbacks = [one for one in others if one not in self.failures.values()]
        self.measured_at = min([now, *(its.at for its in self._extracted.values())])
        answering = [one for one in rule.readings if one.source.name not in self.failures]
        self.samples = {one.source.name: self._samples_of(one) for one in answering}
        self.inventories = {
            name: entities_of(one, self._samples_of(one))
            for name, one in rule.inventories.items()
            if name in self.samples and self._error(one) is None
        }
        silences = {one.source.name: self._silence(one) for one in answering}
        self.silences = {name: one for name, one in silences.items() if one is not None}
        for name, silence in self.silences.items():
            if silence.dropped:
                self.samples[name] = []

    @property
    def hidden(self) -> bool:
        """Whether there may be services or values of which these answers say nothing."""
        return bool(self.failures) or any(one.hides for one in self.silences.values())

    def candidates(self) -> Iterator[Candidate]:
        """The samples as they may be selected."""
        for name, samples in self.samples.items():
            inventory = self.inventories.get(name)
            yield from map(candidate, samples) if inventory is None else inventory.joined(samples)

    def partners(self) -> list[Partners]:
        """The samples of each further condition. A fetch of one that failed leaves its partners without value."""
        return [Partners(one, self._rule.metric.labels, self._partners_in(one)) for one in self._rule.conditions]

    def _partners_in(self, condition: Condition) -> Iterator[Sample]:
        for reading in condition.readings:
            error = self._error(reading)
            if error is None:
                yield from self._samples_of(reading)
            else:
                yield Sample.missing(error.sentence).labelled({"source": reading.source.name})

    def _silence(self, reading: Reading) -> Silence | None:
        rule, name = self._rule, reading.source.name
        came, listing, entities = len(self.samples[name]), rule.inventories.get(name), self.inventories.get(name)
        if listing is not None and (entities is None or entities.is_empty):
            dropped = came if _needs_inventory(rule, reading) else 0
            hides = bool(dropped) or rule.expect.all
            error = self._error(listing)
            if error is not None:
                text = f"the inventory of {failure_text(name, error)}"
                return Silence(text, rule.on_error, of_inventory=True, dropped=dropped, hides=hides)
            # Samples of things that no list knows contradict the list; `on_empty` is for where there is nothing.
            state = worst_of([rule.on_empty, State.UNKNOWN]) if came else rule.on_empty
            text = f"the inventory of source {name} is empty"
            return Silence(text, state, of_inventory=True, dropped=dropped, hides=hides)
        return None if came else Silence(f"source {name} answered without a single value", rule.on_empty)

    def _samples_of(self, reading: Reading) -> list[Sample]:
        limit_s = reading.metric.max_age_s if self._rule.max_age_s is None else self._rule.max_age_s
        return [fresh(sample, limit_s, self._now) for sample in self._extracted[_key(reading)].samples]

    def _error(self, reading: Reading) -> SourceError | None:
        return self._extracted[_key(reading)].error


def failure_text(name: str, error: SourceError) -> str:
    """That a source failed, at which stage and how."""
    return f"source {name} failed: {error.sentence}"


def _needs_inventory(rule: Rule, reading: Reading) -> bool:
    """Whether samples of a source cannot be selected, grouped or held against their levels without the inventory."""
    overrides = (one for own in rule.overrides for one in (own.where, own.exclude))
    selections = (one for one in (rule.where, rule.exclude, *overrides) if one is not None)
    used = {*rule.each, *(label for one in selections for label in one.labels)}
    return not used <= {"source", *reading.metric.labels, *reading.source.labels}


def _key(reading: Reading) -> tuple[Any, ...]:
    return (reading.fetch.key, reading.metric.name)
