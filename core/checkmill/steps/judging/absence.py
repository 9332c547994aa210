"""What the inventory expects and no answer shows: entities that a rule selects and of which there is no sample."""

from __future__ import annotations

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
    """What is absent, by service, and the entities of which a missing sample keeps from knowing, with that sample."""

    gaps: dict[Identity, Gap] = field(default_factory=dict)
    doubted: dict[Identity, tuple[Sample, Labels]] = field(default_factory=dict)


def absence(rule: Rule, inventories: Mapping[str, Entities], grouped: Grouped) -> Absence:
    """Hold the selected samples of a rule against the inventories of its sources, if it expects all of those."""
    found = Absence()
    for name, entities in inventories.items() if rule.expect.all else ():
        doubts = [one for one in _missing(grouped) if entities.key not in one.labels]
        for number, labels in entities.selected(rule).items():
            shown = (name, number) in grouped.entities
            doubt = None if shown else next((one for one in doubts if concerns(one, labels)), None)
            for identity in identities_of(rule, labels):
                gap = found.gaps.setdefault(identity, Gap(entities.key))
                gap.expected += 1
                if doubt is not None:
                    found.doubted[identity] = (doubt, labels)
                elif not shown:
                    gap.names.append(labels[entities.key])
                    gap.labels = {**labels, **dict(identity.labels)}
    found.gaps = {identity: gap for identity, gap in found.gaps.items() if gap.names}
    return found


def _missing(grouped: Grouped) -> Iterator[Sample]:
    yield from grouped.partial
    for group in grouped.groups.values():
        yield from (one for one in group.samples if one.is_missing)
