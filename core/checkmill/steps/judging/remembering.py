"""What earlier answers showed of the services of a rule, and what is to be remembered after these."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from checkmill.model.memory import LastGood, Memory, Seen
from checkmill.model.result import Identity, Result
from checkmill.model.rule import Rule
from checkmill.steps.judging import members
from checkmill.steps.judging.amounts import duration
from checkmill.steps.judging.answers import Answers
from checkmill.steps.judging.grouping import Group, Grouped


class Remembering:
    """The memory of one rule beside what was answered now.

    `known` are the services of its sources that earlier good answers showed, `expected` those of them that are not
    forgotten by these answers.
    """

    def __init__(self, rule: Rule, memory: Memory, answers: Answers, grouped: Grouped, now: float) -> None:
        self._rule = rule
        self._answers = answers
        self._grouped = grouped
        self._now = now
        self._last_goods = memory.last_good
        sources = {one.source.name for one in rule.readings}
        self.known = {identity: seen for identity, seen in memory.seen.items() if identity.source in sources}
        after = ((identity, self._after(identity, seen)) for identity, seen in self.known.items())
        self.expected = {identity: seen for identity, seen in after if seen is not None}

    # What is told of it

    def last_good(self, identity: Identity) -> str:
        """The last state of a service that was measured, as the end of a text; nothing where there is none."""
        good = self._last_goods.get(identity)
        if good is None:
            return ""
        return f"; last good state {good.state.value}, {duration(max(0.0, self._now - good.at))} ago"

    def last_seen(self, identity: Identity) -> str:
        """When a known service was there last, as the end of a text."""
        ago = duration(max(0.0, self._now - self.known[identity].last_seen))
        good = self._last_goods.get(identity)
        return f"; last seen {ago} ago" + (f", {good.state.value} then" if good is not None else "")

    def members_gone(self, identity: Identity, group: Group) -> tuple[list[str], int]:
        """Of several things behind one service, those that are not there any more, and how many there were."""
        known = self.known.get(identity)
        if (
            known is None
            or not self._rule.expect.seen
            or len(known.members) < 2
            or not members.have_one_name(self._rule)
        ):
            return [], 0
        return members.gone(known.members, members.members_of(group.samples)), len(known.members)

    # What is remembered from now on

    def after(self, results: Iterable[Result], well_measured: Collection[Identity], lasting: set[Identity]) -> Memory:
        """The memory after these results. The last good state of what is `lasting` is kept, seen or not."""
        seen = dict(self.expected)
        for identity, group in self._grouped.groups.items() if self._rule.each else ():
            known = self.known.get(identity)
            if known is not None and all(one.is_missing for one in group.samples):
                # Named without a value: it is there, but a missing sample may carry fewer labels than a real one.
                seen[identity] = replace(known, labels={**known.labels, **group.labels})
            else:
                measured_at = self._answers.measured_at
                seen[identity] = Seen(measured_at, group.labels, members=self._members_after(known, group))
        kept = {one: good for one, good in self._last_goods.items() if one in lasting or one in seen}
        new = {
            result.identity: LastGood(result.state, self._answers.measured_at)
            for result in results
            if result.identity in well_measured
        }
        return Memory(self._rule.selection_digest, seen, {**kept, **new})

    def _after(self, identity: Identity, seen: Seen) -> Seen | None:
        """What is known of a service after these answers; None when good answers have not shown it for too long."""
        measured_at = self._answers.measured_at
        answered = identity.source in self._answers.samples and identity.source not in self._answers.silences
        if not answered or not self._grouped.selected or any(self._grouped.concerning(identity, seen.labels)):
            return replace(seen, missed_at=None)
        if identity in self._grouped.groups:
            return seen
        since = measured_at if seen.missed_at is None else seen.missed_at
        missed_s = seen.missed_s + max(0.0, measured_at - since)
        if not self._rule.expect.seen or missed_s > self._rule.forget_s:
            return None
        return replace(seen, missed_s=missed_s, missed_at=measured_at)

    def _members_after(self, known: Seen | None, group: Group) -> dict[str, float]:
        if not members.have_one_name(self._rule):
            return {}
        present = members.members_of(group.samples)
        if known is None:
            return dict.fromkeys(present, 0.0)
        passed_s = max(0.0, self._answers.measured_at - known.last_seen)
        partial = any(self._grouped.concerning(group.identity, dict(group.identity.labels)))
        return members.after(known.members, present, 0.0 if partial else passed_s, self._rule.forget_s)
