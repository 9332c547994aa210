"""The inventory of a source: finds the entity that a sample is of, and gives it that entity's labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from checkmill.model.rule import Reading, Rule, values_of
from checkmill.model.sample import Sample

Labels = Mapping[str, str]


class Ambiguous(Sample):
    """A value that may be of several entities: it has the labels that they share, and `ways` are those of each."""

    __slots__ = ("ways",)
    ways: Sequence[Labels]

    @classmethod
    def among(cls, sample: Sample, labels: Labels, ways: Sequence[Labels]) -> Ambiguous:
        """The value of a sample with the labels that are certain."""
        one = cls(sample.value, at=sample.at, levels=sample.levels)
        one.reason, one.labels, one.ways = sample.reason, dict(labels), ways
        return one

    def labelled(self, labels: Labels) -> Sample:
        """The same with other labels that are certain."""
        return Ambiguous.among(self, labels, [{**way, **labels} for way in self.ways])


def ways_of(sample: Sample) -> Sequence[Labels]:
    """The labels by which a sample may be judged: its own, or those of each entity that it may be of."""
    return sample.ways if isinstance(sample, Ambiguous) else (sample.labels,)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sample and how it may be selected.

    `ways` are the labels by which it may be: more than one where several entities may be meant. `known` are the labels
    of which it is known that the sample has none where it has none; `entities` the numbers of those it is of.
    """

    sample: Sample
    ways: Sequence[Labels]
    known: Collection[str] = ()
    entities: tuple[int, ...] = ()

    def is_selected(self, rule: Rule) -> bool:
        """Whether a rule selects it; what is missing gets the benefit of the doubt."""
        if self.sample.is_missing:
            return any(rule.may_select(labels, self.known) for labels in self.ways)
        return any(rule.selects(labels) for labels in self.ways)


def candidate(sample: Sample) -> Candidate:
    """A sample that stands for itself, where no inventory is needed."""
    return Candidate(sample, (sample.labels,))


class Entities:
    """The entities of one source; `carried` are the labels that they have, as far as they have them."""

    def __init__(self, samples: Iterable[Sample], key: str, carried: Iterable[str]) -> None:
        self._key = key
        self._known = frozenset({*carried, "source"})
        self._all: list[Labels] = []
        self._unknown: list[Sample] = []
        self._by_key: dict[str, list[int]] = {}
        identified: set[tuple[tuple[str, str], ...]] = set()
        for sample in samples:
            name = sample.labels.get(key)
            told = tuple(sorted(sample.labels.items()))
            if sample.is_missing or not name:
                self._unknown.append(sample if sample.is_missing else _nameless(sample, key))
            elif told not in identified:
                # With an id the same again is no second thing: pages move while they are read.
                if "id" in sample.labels:
                    identified.add(told)
                self._by_key.setdefault(name, []).append(len(self._all))
                self._all.append(sample.labels)

    @property
    def is_empty(self) -> bool:
        """Whether the list holds nothing, and nothing of it is missing."""
        return not self._all and not self._unknown

    @property
    def key(self) -> str:
        """The label by which an entity is known."""
        return self._key

    def joined(self, samples: Sequence[Sample]) -> Iterator[Candidate]:
        """The samples with the labels of their entities, and what is missing because a part of the list is."""
        for sample in samples:
            yield self._joined(sample)
        told = {tuple(sorted(one.labels.items())) for one in samples if one.is_missing}
        for part in self._unknown:
            if tuple(sorted(part.labels.items())) not in told:
                yield candidate(part)

    def selected(self, rule: Rule) -> dict[int, Labels]:
        """The labels of the entities that a rule selects, by number."""
        return {number: one for number, one in enumerate(self._all) if rule.may_select(one, self._known)}

    def _joined(self, sample: Sample) -> Candidate:
        named = self._by_key.get(sample.labels.get(self._key, ""), ())
        found = tuple(number for number in named if agree(self._all[number], sample.labels))
        if not found:
            return self._lost(sample)
        ways = [{**self._all[number], **sample.labels} for number in found]
        shared = {name: value for name, value in ways[0].items() if all(way.get(name) == value for way in ways)}
        if len(ways) > 1 and not sample.is_missing:
            return Candidate(Ambiguous.among(sample, shared, ways), ways, self._known, found)
        return Candidate(sample.labelled(shared), ways, self._known, found)

    def _lost(self, sample: Sample) -> Candidate:
        """A sample without an entity; where a part of the inventory is not known, nobody knows what it is."""
        if not sample.is_missing:
            for part in self._unknown:
                if agree(part.labels, sample.labels):
                    return candidate(Sample.missing(part.reason).labelled(sample.labels))
        return candidate(sample)


def entities_of(reading: Reading, samples: Iterable[Sample]) -> Entities:
    """The inventory of a source, which this reading gave as samples."""
    inventory = reading.source.type.inventory
    key = "" if inventory is None else inventory.key
    return Entities(samples, key, [*reading.metric.labels, *reading.source.labels])


def agree(one: Labels, other: Labels) -> bool:
    """Whether nothing that both say differs."""
    return all(name not in other or _meet(value, other[name]) for name, value in one.items())


def _meet(one: str, other: str) -> bool:
    return one == other or not set(values_of(one)).isdisjoint(values_of(other))


def _nameless(sample: Sample, key: str) -> Sample:
    return Sample.missing(f"an entry of the inventory has no {key}").labelled(sample.labels)
