"""What earlier runs left behind, and what a check expects because of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from checkmill.model.memory import Memory
from checkmill.model.result import Identity
from checkmill.model.rule import Rule
from checkmill.steps.explaining.facts import Expectation, Expected, Remembered


def remembered_of(memory: Memory) -> tuple[Remembered, ...]:
    """All that is remembered of a check, service by service."""
    services = dict.fromkeys([*memory.seen, *memory.last_good])
    found = []
    for identity in sorted(services, key=lambda one: (one.source, one.labels)):
        seen, good = memory.seen.get(identity), memory.last_good.get(identity)
        found.append(
            Remembered(
                source=identity.source,
                labels=dict(identity.labels),
                last_seen=None if seen is None else seen.last_seen,
                state=None if good is None else good.state,
                at=None if good is None else good.at,
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class Looked:
    """What was seen of the services: whether each has a value, of which sources nobody knows, how many are selected."""

    has_value: Mapping[Identity, bool]
    hidden: Collection[str]
    selected: int
    listed: int | None = None

    def found(self, identity: Identity) -> str:
        """What is to be said of a service; without a source in it, of the service of any."""
        if not identity.source:
            same = {self.found(one) for one in self.has_value if one.labels == identity.labels}
            named = dict(identity.labels).get("source")
            unsure = bool(self.hidden) if named is None else named in self.hidden
            return next((word for word in ("there", "without value") if word in same), self._absent(unsure))
        if identity in self.has_value:
            return "there" if self.has_value[identity] else "without value"
        return self._absent(identity.source in self.hidden)

    @staticmethod
    def _absent(unsure: bool) -> str:
        return "unknown" if unsure else "absent"


def _listed(rule: Rule, labels: Sequence[tuple[str, str]]) -> Identity:
    """The service of values that a rule lists, in the form that labels of samples have."""
    composed = ((label, unicodedata.normalize("NFC", text)) for label, text in labels)
    return Identity(rule.name, "", tuple(composed))


def expectation_of(rule: Rule, memory: Memory, looked: Looked | None) -> Expectation:
    """What a rule expects, and which of it is there; `looked` is None where nobody did."""
    expect = rule.expect
    if expect.count is not None:
        there = None if looked is None else looked.selected
        if looked is not None and rule.each:
            # What lacks a label of `each` is none of the services that are counted.
            there = sum(has for one, has in looked.has_value.items() if len(one.labels) == len(rule.each))
        return Expectation("number", number=expect.count, there=there)
    if expect.values:
        things = (
            Expected(dict(labels), "", "unknown" if looked is None else looked.found(_listed(rule, labels)))
            for labels in expect.values
        )
        return Expectation("list", number=len(expect.values), things=tuple(things))
    if expect.all:
        return Expectation("all", number=None if looked is None else looked.listed)
    if not expect.seen:
        return Expectation("nothing")
    seen = sorted(memory.seen.items(), key=lambda pair: (pair[0].source, pair[0].labels))
    return Expectation(
        "seen",
        number=len(seen),
        forget_s=rule.forget_s,
        things=tuple(
            Expected(dict(one.labels), one.source, "unknown" if looked is None else looked.found(one), known.last_seen)
            for one, known in seen
        ),
    )
