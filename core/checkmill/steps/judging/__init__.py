"""Judges one rule on what was fetched: pure functions from samples and memory to results and memory.

No sample is ever OK by accident: what is missing, empty, stale, gone or failed has a state of its own, and a fetch that
fails or answers nothing forgets nothing.

    extracting   samples from what was fetched, behind a wall round the plugin
    freshness    samples that are too old
    entities     the inventory of a source, whose labels join those of the samples; absence is what it alone shows
    grouping     which samples make which service
    conditions   what other metrics say of the same thing
    tolerating   how many samples may breach
    services     the result of one service, with naming, wording and amounts for its text, graphing for its values
    here         services that have no samples: gone, expected, failed, empty; and what is remembered
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from checkmill.model.errors import SourceError
from checkmill.model.memory import Judgement, LastGood, Memory, Seen
from checkmill.model.result import Identity, Result
from checkmill.model.rule import Reading, Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State
from checkmill.steps.judging import members
from checkmill.steps.judging.absence import Gap, absence
from checkmill.steps.judging.amounts import duration, plural
from checkmill.steps.judging.conditions import Partners
from checkmill.steps.judging.entities import Candidate, candidate, entities_of
from checkmill.steps.judging.extracting import Extraction, extractor
from checkmill.steps.judging.freshness import fresh
from checkmill.steps.judging.grouping import Group, concerns, grouped, identity_of, whole_identity
from checkmill.steps.judging.services import Absent, Floor, ServiceJudge, stamped

__all__ = ["Extraction", "extractor", "judge"]

#: A failure is kept for this long at most, so that a vendor that is back is noticed soon; unless the vendor said how
#: long to wait, which is believed up to the second limit.
FAILURE_KEPT_S = 60.0
LONGEST_WAIT_S = 3600.0


def judge(rule: Rule, extraction: Extraction, memory: Memory, now: float) -> Judgement:
    """Judge one rule. `memory` is what was remembered of it, `now` the time of judging (epoch seconds)."""
    if memory.selection_digest != rule.selection_digest:
        memory = Memory(rule.selection_digest)
    return _Judging(rule, extraction, memory, now).judgement()


class _Judging:
    def __init__(self, rule: Rule, extraction: Extraction, memory: Memory, now: float) -> None:
        self._rule = rule
        self._now = now
        extracted = [(reading, extraction.of(reading)) for reading in rule.all_readings]
        # A source fails with the first of its fetches that does.
        self._failures = {one.source.name: its.error for one, its in reversed(extracted) if its.error is not None}
        self._down = [its.failure for _, its in extracted if its.failure is not None]
        samples = {
            _key(one): [fresh(sample, self._limit_s(one), now) for sample in its.samples] for one, its in extracted
        }
        self._answers = {
            one.source.name: samples[_key(one)] for one in rule.readings if one.source.name not in self._failures
        }
        self._inventories = {
            name: entities_of(one, samples[_key(one)])
            for name, one in rule.inventories.items()
            if name in self._answers
        }
        self._silent = {name: _silence_text(name) for name, own in self._answers.items() if not own}
        for name, inventory in self._inventories.items():
            if inventory.is_empty:
                self._answers[name], self._silent[name] = [], f"the inventory of source {name} is empty"
        self._measured_at = min([now, *(its.at for _, its in extracted)])
        self._last_goods = memory.last_good
        self._grouped = grouped(rule, self._candidates())
        self._absence = absence(rule, self._inventories, self._grouped)
        partners = [
            Partners(condition, rule.metric.labels, [one for own in condition.readings for one in samples[_key(own)]])
            for condition in rule.conditions
        ]
        self._judge = ServiceJudge(rule, self._measured_at, partners)
        self._well_measured: set[Identity] = set()
        sources = {one.source.name for one in rule.readings}
        self._known = {identity: seen for identity, seen in memory.seen.items() if identity.source in sources}
        self._still_known = self._not_forgotten()

    def judgement(self) -> Judgement:
        good_until = self._good_until()
        results = self._each() if self._rule.each else [self._whole()]
        return Judgement(
            tuple(stamped(result, good_until) for result in results), self._remembered(results), good_until
        )

    def _limit_s(self, reading: Reading) -> float | None:
        return reading.metric.max_age_s if self._rule.max_age_s is None else self._rule.max_age_s

    def _candidates(self) -> Iterator[Candidate]:
        for name, samples in self._answers.items():
            inventory = self._inventories.get(name)
            yield from map(candidate, samples) if inventory is None else inventory.joined(samples)

    # One service

    def _whole(self) -> Result:
        rule = self._rule
        identity = whole_identity(rule)
        group = self._grouped.groups.get(identity, Group(identity))
        floor = [(rule.on_error, _failure_text(name, error)) for name, error in self._failures.items()]
        if self._failures:
            floor[0] = (floor[0][0], floor[0][1] + self._last_good(identity))
        expected, gap = rule.expect.count, self._absence.gaps.get(identity)
        if expected is not None and self._grouped.selected < expected:
            if rule.tolerate is not None and not self._failures:
                absent = max(0, expected - self._judge.number_of(group.samples))
                return self._judged(group, floor, Absent(unnamed=absent))
            if not self._failures:
                floor.append(self._shortfall(self._grouped.selected, expected, self._judge.thing(group.samples)))
        elif gap is None:
            floor += [(rule.on_empty, text) for text in self._silent.values()]
            if not group.samples and not floor:
                floor.append((rule.on_empty, self._nothing_selected()))
        return self._judged(group, floor, gap)

    # A service for each label value

    def _each(self) -> list[Result]:
        results: dict[Identity, Result] = {}
        for identity, group in self._grouped.groups.items():
            floor = [
                (State.UNKNOWN, self._judge.without(partial, identity))
                for partial in self._grouped.partial
                if _is_of(partial, identity) and concerns(partial, group.labels)
            ]
            floor += self._without_members(identity, group)
            results[identity] = self._judged(group, floor, self._absence.gaps.get(identity))
        self._add_known(results)
        self._add_expected(results)
        self._add_absent(results)
        self._add_unplaced(results)
        self._add_failures(results)
        self._add_silent(results)
        self._add_count(results)
        if not results:
            identity = whole_identity(self._rule)
            results[identity] = self._stated(identity, self._rule.on_empty, self._nothing_selected())
        return list(results.values())

    def _add_known(self, results: dict[Identity, Result]) -> None:
        """Services that earlier good answers showed and this one does not."""
        for identity, seen in self._known.items():
            if identity in results:
                continue
            failure = self._failures.get(identity.source)
            partial = self._concerning(identity, seen.labels)
            if failure is not None:
                text = _failure_text(identity.source, failure) + self._last_good(identity)
                results[identity] = self._stated(identity, self._rule.on_error, text)
            elif partial is not None:
                text = self._judge.without(partial, identity) + self._last_good(identity)
                results[identity] = self._stated(identity, State.UNKNOWN, text)
            elif self._rule.expect.seen and identity in self._still_known:
                results[identity] = self._stated(identity, self._rule.on_missing, self._gone(identity, seen))

    def _add_expected(self, results: dict[Identity, Result]) -> None:
        """Values that the rule lists and no answer shows."""
        present = {identity.labels for identity in results}
        for labels in self._rule.expect.values:
            if labels in present:
                continue
            identity = Identity(self._rule.name, whole_identity(self._rule).source, labels)
            partial = next((one for one in self._grouped.partial if concerns(one, dict(labels))), None)
            if self._failures:
                name, error = next(iter(self._failures.items()))
                results[identity] = self._stated(identity, self._rule.on_error, _failure_text(name, error))
            elif partial is not None:
                results[identity] = self._stated(identity, State.UNKNOWN, self._judge.without(partial, identity))
            else:
                text = f"{_named(identity)} is expected and absent{self._last_good(identity)}"
                results[identity] = self._stated(identity, self._rule.on_missing, text)

    def _add_absent(self, results: dict[Identity, Result]) -> None:
        """Services of the inventory of which no answer shows anything."""
        for identity, gap in self._absence.gaps.items():
            if identity not in results:
                results[identity] = self._judged(Group(identity, labels=dict(gap.labels)), [], gap)
        for identity, (partial, labels) in self._absence.doubted.items():
            if identity not in results:
                text = self._judge.without(partial, identity)
                results[identity] = self._judge.stated(identity, State.UNKNOWN, text, labels)

    def _add_unplaced(self, results: dict[Identity, Result]) -> None:
        """Missing samples that concern no service known so far: they must be seen all the same."""
        unplaced: dict[Identity, list[str]] = {}
        for partial in self._grouped.partial:
            if not any(_is_of(partial, one) and concerns(partial, self._labels_of(one)) for one in results):
                identity = identity_of(self._rule, partial.labels)
                unplaced.setdefault(identity, []).append(self._judge.without(partial, identity))
        for identity, texts in unplaced.items():
            several = f" (and {len(texts) - 1} more like this)" if len(texts) > 1 else ""
            results[identity] = self._stated(identity, State.UNKNOWN, texts[0] + several)

    def _add_failures(self, results: dict[Identity, Result]) -> None:
        """A source that failed and of which no service is known shows as one of its own."""
        for name, error in self._failures.items():
            if not any(identity.source == name for identity in results):
                identity = Identity(self._rule.name, name)
                results[identity] = self._stated(identity, self._rule.on_error, _failure_text(name, error))

    def _add_silent(self, results: dict[Identity, Result]) -> None:
        """A source that answered without a single value and of which nothing is known or expected."""
        for name, text in self._silent.items():
            if self._rule.expect.count is None and not any(identity.source == name for identity in results):
                identity = Identity(self._rule.name, name)
                results[identity] = self._stated(identity, self._rule.on_empty, text)

    def _add_count(self, results: dict[Identity, Result]) -> None:
        """`expect: N` with `each` is a service of the check itself."""
        expected = self._rule.expect.count
        identity = whole_identity(self._rule)
        if expected is None or identity in results:
            return
        groups = self._grouped.groups.values()
        there = sum(1 for group in groups if any(not one.is_missing for one in group.samples))
        thing = self._rule.each[-1]
        if there >= expected:
            text = f"{there} {plural(thing)}, at least {expected} expected"
            results[identity] = self._stated(identity, State.OK, text, failed=False)
        else:
            results[identity] = self._stated(identity, *self._shortfall(there, expected, thing))

    def _without_members(self, identity: Identity, group: Group) -> list[Floor]:
        """Of several things behind one service, those that earlier answers showed and this one does not."""
        known = self._known.get(identity)
        if known is None or not self._rule.expect.seen or len(known.members) < 2:
            return []
        gone = members.gone(known.members, members.members_of(group.samples))
        things = f"{len(gone)} of {len(known.members)} behind {_named(identity)}"
        return [(self._rule.on_missing, f"{things} gone: {', '.join(gone[:3])}")] if gone else []

    def _members_after(self, known: Seen | None, group: Group) -> dict[str, float]:
        present = members.members_of(group.samples)
        if known is None:
            return dict.fromkeys(present, 0.0)
        passed_s = max(0.0, self._measured_at - known.last_seen)
        partial = self._concerning(group.identity, dict(group.identity.labels)) is not None
        return members.after(known.members, present, 0.0 if partial else passed_s, self._rule.forget_s)

    # What is remembered

    def _remembered(self, results: list[Result]) -> Memory:
        seen = dict(self._still_known)
        for identity, group in self._grouped.groups.items() if self._rule.each else ():
            known = self._known.get(identity)
            if known is not None and all(one.is_missing for one in group.samples):
                # Named without a value: it is there, but a missing sample may carry fewer labels than a real one.
                seen[identity] = replace(known, labels={**known.labels, **group.labels})
            else:
                seen[identity] = Seen(self._measured_at, group.labels, members=self._members_after(known, group))
        whole = whole_identity(self._rule)
        lasting = {whole, *seen, *(Identity(whole.check, whole.source, labels) for labels in self._rule.expect.values)}
        lasting |= {*self._absence.gaps, *self._absence.doubted}
        kept = {identity: good for identity, good in self._last_goods.items() if identity in lasting}
        new = {
            result.identity: LastGood(result.state, self._measured_at)
            for result in results
            if result.identity in self._well_measured
        }
        return Memory(self._rule.selection_digest, seen, {**kept, **new})

    def _not_forgotten(self) -> dict[Identity, Seen]:
        """What stays known of the services that earlier answers showed."""
        after = ((identity, self._after(identity, seen)) for identity, seen in self._known.items())
        return {identity: seen for identity, seen in after if seen is not None}

    def _after(self, identity: Identity, seen: Seen) -> Seen | None:
        """What is known of a service after these answers; None when good answers have not shown it for too long."""
        answered = identity.source in self._answers and identity.source not in self._silent
        if not answered or not self._grouped.selected or self._concerning(identity, seen.labels) is not None:
            return replace(seen, missed_at=None)
        if identity in self._grouped.groups:
            return seen
        since = self._measured_at if seen.missed_at is None else seen.missed_at
        missed_s = seen.missed_s + max(0.0, self._measured_at - since)
        if not self._rule.expect.seen or missed_s > self._rule.forget_s:
            return None
        return replace(seen, missed_s=missed_s, missed_at=self._measured_at)

    # Help

    def _judged(self, group: Group, floor: list[Floor], absent: Gap | Absent | None = None) -> Result:
        if isinstance(absent, Gap):
            # What a tolerance counts among the samples is for others a reason of its own.
            text = absent.text + self._last_good(group.identity)
            if self._rule.tolerate is None:
                floor = [*floor, (self._rule.on_missing, text)]
            absent = Absent(tuple(absent.names)) if self._rule.tolerate is not None else None
        if group.samples and not floor and not absent and not any(one.is_missing for one in group.samples):
            self._well_measured.add(group.identity)
        return self._judge.result(group, floor, absent)

    def _stated(self, identity: Identity, state: State, text: str, *, failed: bool = True) -> Result:
        return self._judge.stated(identity, state, text, self._labels_of(identity), failed=failed)

    def _labels_of(self, identity: Identity) -> Mapping[str, str]:
        found = self._grouped.groups.get(identity) or self._known.get(identity)
        return dict(identity.labels) if found is None else found.labels

    def _concerning(self, identity: Identity, labels: Mapping[str, str]) -> Sample | None:
        """The missing sample that stands for many and concerns a service, if there is one."""
        candidates = (one for one in self._grouped.partial if _is_of(one, identity))
        return next((one for one in candidates if concerns(one, labels)), None)

    def _shortfall(self, there: int, expected: int, thing: str) -> tuple[State, str]:
        """The state of fewer values than expected; what may be among those without value is not known to be absent."""
        missing = any(one.is_missing for group in self._grouped.groups.values() for one in group.samples)
        state = self._rule.on_missing
        if self._failures:
            state = self._rule.on_error
        elif missing or self._grouped.partial:
            state = State.UNKNOWN
        return state, f"{there} of {expected} expected {plural(thing)}"

    def _nothing_selected(self) -> str:
        offered = sum(map(len, self._answers.values()))
        if not offered:
            return next(iter(self._silent.values()))
        return f"none of {offered} values is selected by 'where' and 'except'"

    def _gone(self, identity: Identity, seen: Seen) -> str:
        ago = duration(max(0.0, self._now - seen.last_seen))
        good = self._last_goods.get(identity)
        lead = self._silent.get(identity.source, f"{_named(identity)} is gone")
        return f"{lead}; last seen {ago} ago" + (f", {good.state.value} then" if good is not None else "")

    def _last_good(self, identity: Identity) -> str:
        good = self._last_goods.get(identity)
        if good is None:
            return ""
        return f"; last good state {good.state.value}, {duration(max(0.0, self._now - good.at))} ago"

    def _good_until(self) -> float:
        failures = [*self._failures.values(), *self._down]
        kept_s = [_kept_s(error, self._rule.interval_s) for error in failures]
        return self._measured_at + min([*kept_s, *([self._rule.good_for_s] if self._answers else [])])


def _key(reading: Reading) -> tuple[Any, ...]:
    return (reading.fetch.key, reading.metric.name)


def _kept_s(error: SourceError, interval_s: float) -> float:
    wait_s = error.retry_after_s
    return min(wait_s, LONGEST_WAIT_S) if wait_s is not None and wait_s > 0 else min(interval_s, FAILURE_KEPT_S)


def _is_of(partial: Sample, identity: Identity) -> bool:
    return partial.labels.get("source") == identity.source


def _failure_text(name: str, error: SourceError) -> str:
    return f"source {name} failed: {error.sentence}"


def _silence_text(name: str) -> str:
    return f"source {name} answered without a single value"


def _named(identity: Identity) -> str:
    return " ".join(f"{label} {value}" for label, value in identity.labels) or identity.check
