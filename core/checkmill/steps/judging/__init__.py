"""Judges one rule on what was fetched: pure functions from samples and memory to results and memory.

No sample is ever OK by accident: what is missing, empty, stale, gone or failed has a state of its own, and a fetch that
fails or answers nothing forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from checkmill.model.errors import SourceError
from checkmill.model.memory import Judgement, LastGood, Memory, Seen
from checkmill.model.result import Identity, Result
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State
from checkmill.steps.judging.extracting import Extraction
from checkmill.steps.judging.grouping import Group, Grouped, concerns, grouped, identity_of, whole_identity
from checkmill.steps.judging.services import ServiceJudge
from checkmill.steps.judging.wording import duration, plural

__all__ = ["Extraction", "judge"]

#: A failure is kept for this long at most, so that a vendor that is back is noticed soon.
FAILURE_KEPT_S = 60.0


def judge(rule: Rule, extraction: Extraction, memory: Memory, now: float) -> Judgement:
    """Judge one rule. `memory` is what was remembered of it, `now` the time of judging (epoch seconds)."""
    if memory.selection_digest != rule.selection_digest:
        memory = Memory(rule.selection_digest)
    return _Judging(rule, extraction, memory, now).judgement()


class _Judging:
    def __init__(self, rule: Rule, extraction: Extraction, memory: Memory, now: float) -> None:
        self._rule = rule
        self._now = now
        extracted = {reading.source.name: extraction.of(reading) for reading in rule.readings}
        self._answers = {name: one for name, one in extracted.items() if one.error is None}
        self._failures = {name: one.error for name, one in extracted.items() if one.error is not None}
        self._measured_at = min([now, *(one.at for one in extracted.values())])
        self._memory = memory
        samples = [self._fresh(sample) for one in self._answers.values() for sample in one.samples]
        self._grouped: Grouped = grouped(rule, samples)
        self._judge = ServiceJudge(rule, self._measured_at)
        self._known = {
            identity: seen
            for identity, seen in memory.seen.items()
            if not identity.source or identity.source in extracted
        }

    def judgement(self) -> Judgement:
        results = self._each() if self._rule.each else [self._whole()]
        good_until = self._good_until()
        results = [self._judge.stamped(result, good_until) for result in results]
        return Judgement(tuple(results), self._remembered(results), good_until)

    # One service

    def _whole(self) -> Result:
        rule = self._rule
        identity = whole_identity(rule)
        group = self._grouped.groups.get(identity, Group(identity))
        floor: list[tuple[State, str]] = [
            (rule.on_error, _failure_text(name, error)) for name, error in self._failures.items()
        ]
        if not self._failures or self._answers:
            floor += [(rule.on_empty, f"source {name} answered without a single value") for name in self._silent()]
            if self._grouped.selected == 0 and not group.samples and not floor:
                floor.append((rule.on_empty, self._nothing_selected()))
        expected = rule.expect.count
        if expected is not None and self._grouped.selected < expected and not self._failures:
            text = f"{self._grouped.selected} of {expected} expected values"
            floor = [(rule.on_missing, text)] + [one for one in floor if group.samples]
        if self._failures:
            floor[0] = (floor[0][0], floor[0][1] + self._last_good(identity))
        return self._judge.result(group, floor, failed=bool(self._failures) and not group.samples)

    # A service for each label value

    def _each(self) -> list[Result]:
        results: dict[Identity, Result] = {}
        for identity, group in self._grouped.groups.items():
            floor = [
                (State.UNKNOWN, f"{_partially(partial)}: {partial.reason}")
                for partial in self._grouped.partial
                if identity.source == partial.labels.get("source") and concerns(partial, group.labels)
            ]
            results[identity] = self._judge.result(group, floor)
        self._add_known(results)
        self._add_expected(results)
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
            covering = self._covering(identity.source, seen.labels)
            if failure is not None:
                text = _failure_text(identity.source, failure) + self._last_good(identity)
                results[identity] = self._stated(identity, self._rule.on_error, text, failed=True)
            elif covering is not None:
                text = f"{covering.reason}{self._last_good(identity)}"
                results[identity] = self._stated(identity, State.UNKNOWN, text, failed=True)
            elif self._rule.expect.seen and not self._is_forgotten(identity, seen):
                ago = duration(max(0.0, self._now - seen.last_seen))
                text = f"{_named(identity)} is gone: last seen {ago} ago{self._last_good(identity)}"
                results[identity] = self._stated(identity, self._rule.on_missing, text)

    def _add_expected(self, results: dict[Identity, Result]) -> None:
        """Values that the rule lists and no answer shows."""
        present = {identity.labels for identity in results}
        for labels in self._rule.expect.values:
            if labels in present:
                continue
            identity = Identity(self._rule.name, whole_identity(self._rule).source, labels)
            covering = next((one for one in self._grouped.partial if concerns(one, dict(labels))), None)
            if self._failures:
                name, error = next(iter(self._failures.items()))
                text = _failure_text(name, error) + self._last_good(identity)
                results[identity] = self._stated(identity, self._rule.on_error, text, failed=True)
            elif covering is not None:
                results[identity] = self._stated(identity, State.UNKNOWN, covering.reason, failed=True)
            else:
                text = f"{_named(identity)} is expected and absent{self._last_good(identity)}"
                results[identity] = self._stated(identity, self._rule.on_missing, text)

    def _add_unplaced(self, results: dict[Identity, Result]) -> None:
        """Missing samples that concern no service known so far: they must be seen all the same."""
        for partial in self._grouped.partial:
            placed = any(
                identity.source == partial.labels.get("source") and concerns(partial, self._labels_of(identity))
                for identity in results
            )
            if not placed:
                identity = identity_of(self._rule, partial.labels)
                text = f"{_partially(partial)}: {partial.reason}"
                results[identity] = self._stated(identity, State.UNKNOWN, text, failed=True)

    def _add_failures(self, results: dict[Identity, Result]) -> None:
        """A source that failed and of which no service is known shows as one of its own."""
        for name, error in self._failures.items():
            if not any(identity.source == name and result.failed for identity, result in results.items()):
                identity = Identity(self._rule.name, name)
                text = _failure_text(name, error)
                results[identity] = self._stated(identity, self._rule.on_error, text, failed=True)

    def _add_silent(self, results: dict[Identity, Result]) -> None:
        """A source that answered without a single value and of which no service is known."""
        for name in self._silent():
            if not any(identity.source == name for identity in results):
                identity = Identity(self._rule.name, name)
                text = f"source {name} answered without a single value"
                results[identity] = self._stated(identity, self._rule.on_empty, text)

    def _add_count(self, results: dict[Identity, Result]) -> None:
        """`expect: N` with `each` is a service of the check itself."""
        expected = self._rule.expect.count
        if expected is None:
            return
        identity = whole_identity(self._rule)
        if identity in results:
            return
        there = sum(1 for group in self._grouped.groups.values() if any(not one.is_missing for one in group.samples))
        things = plural(self._rule.each[-1])
        if there >= expected:
            results[identity] = self._stated(identity, State.OK, f"{there} {things}, at least {expected} expected")
        else:
            state = self._rule.on_error if self._failures else self._rule.on_missing
            results[identity] = self._stated(identity, state, f"{there} of {expected} expected {things}")

    # What is remembered

    def _remembered(self, results: list[Result]) -> Memory:
        seen: dict[Identity, Seen] = {}
        if self._rule.each:
            for identity, known in self._known.items():
                if identity.source in self._failures or not self._is_forgotten(identity, known):
                    seen[identity] = known
            for identity, group in self._grouped.groups.items():
                seen[identity] = Seen(self._measured_at, group.labels)
        last_good = {
            result.identity: LastGood(result.state, self._measured_at)
            for result in results
            if not result.failed and result.identity in self._grouped.groups
        }
        kept = {
            identity: good
            for identity, good in self._memory.last_good.items()
            if identity in seen or identity == whole_identity(self._rule) or identity.labels in self._rule.expect.values
        }
        return Memory(self._rule.selection_digest, seen, {**kept, **last_good})

    def _is_forgotten(self, identity: Identity, seen: Seen) -> bool:
        """Whether a good answer that does not show a service any more ends its being known."""
        if self._grouped.selected == 0 or identity.source in self._silent():
            return False
        if any(concerns(partial, seen.labels) for partial in self._grouped.partial):
            return False
        return not self._rule.expect.seen or self._now - seen.last_seen > self._rule.forget_s

    # Help

    def _stated(self, identity: Identity, state: State, text: str, *, failed: bool = False) -> Result:
        return self._judge.stated(identity, state, text, self._labels_of(identity), failed=failed)

    def _labels_of(self, identity: Identity) -> dict[str, str]:
        group = self._grouped.groups.get(identity)
        if group is not None:
            return group.labels
        known = self._known.get(identity)
        return dict(known.labels) if known is not None else dict(identity.labels)

    def _covering(self, source: str, labels: Mapping[str, str]) -> Sample | None:
        """The missing sample that concerns a service of a source, if there is one."""
        candidates = (one for one in self._grouped.partial if one.labels.get("source") == source)
        return next((one for one in candidates if concerns(one, labels)), None)

    def _silent(self) -> list[str]:
        return [name for name, one in self._answers.items() if not one.samples]

    def _nothing_selected(self) -> str:
        offered = sum(len(one.samples) for one in self._answers.values())
        if not offered:
            return "the source answered without a single value"
        return f"none of {offered} values is selected by 'where' and 'except'"

    def _last_good(self, identity: Identity) -> str:
        good = self._memory.last_good.get(identity)
        if good is None:
            return ""
        return f"; last good state {good.state.value}, {duration(max(0.0, self._now - good.at))} ago"

    def _fresh(self, sample: Sample) -> Sample:
        limit = self._rule.metric.max_age_s
        if limit is None or sample.at is None or self._now - sample.at <= limit:
            return sample
        age = duration(self._now - sample.at)
        return Sample.missing(f"measured {age} ago, older than {duration(limit)}", **sample.labels)

    def _good_until(self) -> float:
        if not self._failures:
            return self._measured_at + self._rule.good_for_s
        kept = min(self._rule.interval_s, FAILURE_KEPT_S)
        waits = [error.retry_after_s for error in self._failures.values() if error.retry_after_s is not None]
        return self._measured_at + (max(waits) if waits else kept)


def _failure_text(name: str, error: SourceError) -> str:
    return f"source {name} failed: {error.sentence}"


def _named(identity: Identity) -> str:
    return " ".join(f"{label} {value}" for label, value in identity.labels) or identity.check


def _partially(partial: Sample) -> str:
    return " ".join(f"{name} {value}" for name, value in partial.labels.items() if name != "source") or "a value"
