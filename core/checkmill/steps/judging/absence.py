"""What the inventory expects and no answer shows: entities that a rule selects and of which there is no sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from checkmill.model.result import Identity
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.steps.judging.amounts import plural
from checkmill.steps.judging.entities import Entities, Labels
from checkmill.steps.judging.grouping import Grouped, concerns, identities_of

#: How many names a text tells.
NAMED = 5


@dataclass
class Gap:
    """What is absent of one service: the names of its entities, how many there should be, the labels of the last."""

    key: str
    names: list[str] = field(default_factory=list)
    expected: int = 0
    labels: Labels = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What is absent, in words."""
        if len(self.names) == 1 == self.expected:
            return f"{self.key} {self.names[0]} of the inventory is absent"
        named = ", ".join([*self.names[:NAMED], *(["..."] if len(self.names) > NAMED else [])])
        return f"{len(self.names)} of {self.expected} {plural(self.key)} of the inventory absent: {named}"


@dataclass
class Absence:
    """What is absent, by service, and what is in doubt.

    `doubted` are the entities of which a missing sample keeps from knowing, with that sample; `mingled` those that have
    a name with others and fewer samples than there are of them, in words.
    """

    gaps: dict[Identity, Gap] = field(default_factory=dict)
    doubted: dict[Identity, tuple[Sample, Labels]] = field(default_factory=dict)
    mingled: dict[Identity, dict[str, Labels]] = field(default_factory=dict)


def absence(rule: Rule, inventories: Mapping[str, Entities], grouped: Grouped) -> Absence:
    """Hold the selected samples of a rule against the inventories of its sources, if it expects all of those."""
    found = Absence()
    for name, entities in inventories.items() if rule.expect.all else ():
        doubts = [one for one in _missing(grouped) if entities.key not in one.labels]
        shown, mingled = _shown(name, grouped)
        for number, labels in entities.selected(rule).items():
            # A number in both has a sample that is its own for certain.
            others = 0 if number in shown else mingled.get(number, 0)
            is_there = number in shown or others > 0
            doubt = None if is_there else next((one for one in doubts if concerns(one, labels)), None)
            for identity in identities_of(rule, labels):
                gap = found.gaps.setdefault(identity, Gap(entities.key))
                gap.expected += 1
                if others:
                    text = _mingled_text(entities.key, labels[entities.key], others)
                    found.mingled.setdefault(identity, {})[text] = labels
                elif doubt is not None:
                    found.doubted[identity] = (doubt, labels)
                elif not is_there:
                    gap.names.append(labels[entities.key])
                    gap.labels = {**labels, **dict(identity.labels)}
    found.gaps = {identity: gap for identity, gap in found.gaps.items() if gap.names}
    return found


def _shown(source: str, grouped: Grouped) -> tuple[set[int], dict[int, int]]:
    """The entities of a source that have a sample for certain, and for the others that may have one, of how many.

    Samples that have all labels alike are of so many entities; the others may be parts of one, such as its mounts.
    """
    shown: set[int] = set()
    alike: dict[tuple[int, ...], Counter[tuple[tuple[str, str], ...]]] = {}
    for one in grouped.of_entities:
        labels = one.sample.labels
        if labels.get("source") != source:
            continue
        if len(one.entities) == 1:
            shown.update(one.entities)
        else:
            alike.setdefault(one.entities, Counter())[tuple(sorted(labels.items()))] += 1
    mingled: dict[int, int] = {}
    for entities, counted in alike.items():
        if max(counted.values()) >= len(entities):
            shown.update(entities)
        else:
            mingled.update(dict.fromkeys(entities, len(entities)))
    return shown, mingled


def _mingled_text(key: str, name: str, number: int) -> str:
    things = f"{number} {plural(key)} of the inventory"
    return f"{things} are called {name} and cannot be told apart: there are fewer values than {plural(key)}"


def _missing(grouped: Grouped) -> Iterator[Sample]:
    yield from grouped.partial
    for group in grouped.groups.values():
        yield from (one for one in group.samples if one.is_missing)
