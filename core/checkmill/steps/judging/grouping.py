"""Which samples make which service: `where`, `except` and `each`, and what missing samples concern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from checkmill.model.result import Identity
from checkmill.model.rule import Rule, Several, values_of
from checkmill.model.sample import Sample
from checkmill.steps.judging.entities import Candidate, agree


@dataclass
class Group:
    """The samples of one service, and the labels they have in common."""

    identity: Identity
    samples: list[Sample] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        """Take a sample in."""
        if self.samples:
            self.labels = {name: value for name, value in self.labels.items() if sample.labels.get(name) == value}
        else:
            self.labels = dict(sample.labels)
        self.samples.append(sample)


@dataclass
class Grouped:
    """The selected samples of one rule by service.

    `partial` are missing samples that concern many services; `of_entities` those of which an inventory knows what they
    are of.
    """

    groups: dict[Identity, Group] = field(default_factory=dict)
    partial: list[Sample] = field(default_factory=list)
    of_entities: list[Candidate] = field(default_factory=list)
    selected: int = 0

    def group(self, identity: Identity) -> Group:
        """The group of a service, made when it is the first time."""
        return self.groups.setdefault(identity, Group(identity))

    def concerning(self, identity: Identity, labels: Mapping[str, str]) -> Iterator[Sample]:
        """The missing samples that stand for many and concern a service with these labels."""
        return (one for one in self.partial if one.labels.get("source") == identity.source and concerns(one, labels))


def whole_identity(rule: Rule) -> Identity:
    """The service of a rule as a whole."""
    return Identity(rule.name, rule.readings[0].source.name if len(rule.readings) == 1 else "")


def grouped(rule: Rule, candidates: Iterable[Candidate]) -> Grouped:
    """Select the samples that a rule means, and put them together by service."""
    result = Grouped()
    for candidate in candidates:
        if not candidate.is_selected(rule):
            continue
        sample = candidate.sample
        if candidate.entities:
            result.of_entities.append(candidate)
        if not sample.is_missing:
            result.selected += 1
        if not rule.each:
            result.group(whole_identity(rule)).add(sample)
        elif sample.is_missing and any(label not in sample.labels for label in rule.each):
            result.partial.append(sample)
        else:
            for one in _for_each(rule, sample):
                result.group(identity_of(rule, one.labels)).add(one)
    return result


def identity_of(rule: Rule, labels: Mapping[str, str]) -> Identity:
    """The service of a rule with `each` that these labels belong to."""
    own = tuple(sorted((label, labels[label]) for label in rule.each if label in labels))
    return Identity(rule.name, labels.get("source", ""), own)


def identities_of(rule: Rule, labels: Mapping[str, str]) -> Iterator[Identity]:
    """The services that labels belong to: one, unless a label of `each` has several values."""
    for one in _single(rule, labels):
        yield identity_of(rule, one) if rule.each else whole_identity(rule)


def concerns(partial: Sample, labels: Mapping[str, str]) -> bool:
    """Whether a missing sample with partial labels concerns a service: nothing they both say differs."""
    return agree(partial.labels, labels)


def _for_each(rule: Rule, sample: Sample) -> Iterator[Sample]:
    """The sample, once for each value that a label of `each` has."""
    if not any(isinstance(sample.labels.get(label), Several) for label in rule.each):
        yield sample
        return
    for labels in _single(rule, sample.labels):
        yield sample.labelled(labels)


def _single(rule: Rule, labels: Mapping[str, str]) -> Iterator[dict[str, str]]:
    names = [label for label in rule.each if label in labels]
    for values in product(*(values_of(labels[name]) for name in names)):
        yield {**labels, **dict(zip(names, values, strict=True))}
