"""Which samples make which service: `where`, `except` and `each`, and what missing samples concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from checkmill.model.result import Identity
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample


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
    """The selected samples of one rule by service; `partial` are missing samples that concern many services."""

    groups: dict[Identity, Group] = field(default_factory=dict)
    partial: list[Sample] = field(default_factory=list)
    selected: int = 0

    def group(self, identity: Identity) -> Group:
        """The group of a service, made when it is the first time."""
        return self.groups.setdefault(identity, Group(identity))


def whole_identity(rule: Rule) -> Identity:
    """The service of a rule as a whole."""
    return Identity(rule.name, rule.readings[0].source.name if len(rule.readings) == 1 else "")


def grouped(rule: Rule, samples: Iterable[Sample]) -> Grouped:
    """Select the samples that a rule means, and put them together by service."""
    result = Grouped()
    for sample in samples:
        if not rule.selects(sample.labels, partial=sample.is_missing):
            continue
        if not sample.is_missing:
            result.selected += 1
        if not rule.each:
            result.group(whole_identity(rule)).add(sample)
        elif sample.is_missing and any(label not in sample.labels for label in rule.each):
            result.partial.append(sample)
        else:
            result.group(identity_of(rule, sample.labels)).add(sample)
    return result


def identity_of(rule: Rule, labels: Mapping[str, str]) -> Identity:
    """The service of a rule with `each` that these labels belong to."""
    own = tuple(sorted((label, labels[label]) for label in rule.each if label in labels))
    return Identity(rule.name, labels.get("source", ""), own)


def concerns(partial: Sample, labels: Mapping[str, str]) -> bool:
    """Whether a missing sample with partial labels concerns a service: nothing they both say differs."""
    return all(labels.get(name, value) == value for name, value in partial.labels.items())
