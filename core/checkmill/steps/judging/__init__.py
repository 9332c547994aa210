"""Judges one rule on what was fetched: pure functions from samples and memory to results and memory.

No sample is ever OK by accident: what is missing, empty, stale, gone or failed has a state of its own, and a fetch that
fails or answers nothing forgets nothing.

    extracting   samples from what was fetched, behind a wall round the plugin
    freshness    samples that are too old
    answers      what the sources answered: samples, failures, silences, inventories
    entities     the inventory of a source, whose labels join those of the samples; absence is what it alone shows
    grouping     which samples make which service
    remembering  what earlier answers showed, with members, the things of one name behind a service
    conditions   what other metrics say of the same thing
    levelling    by which levels a sample is judged
    tolerating   how many samples may breach
    services     the result of one service, with naming, wording and amounts for its text, graphing for its values
    jobs         what a job told of its end, which is judged like any sample and told in words of its own
    here         which services there are, those without samples too: gone, expected, failed, empty
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from checkmill.model.errors import SourceError
from checkmill.model.memory import Judgement, Memory
from checkmill.model.result import Identity, Result
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State, worst_of
from checkmill.steps.judging.absence import Gap, absence
from checkmill.steps.judging.amounts import plural
from checkmill.steps.judging.answers import Answers, Silence, failure_text
from checkmill.steps.judging.extracting import Extraction, composed, extractor
from checkmill.steps.judging.grouping import Group, concerns, grouped, identity_of, whole_identity
from checkmill.steps.judging.remembering import Remembering
from checkmill.steps.judging.services import Absent, Floor, ServiceJudge, stamped

__all__ = ["Answers", "Extraction", "extractor", "judge"]

#: A failure is kept for this long at most, so that a vendor that is back is noticed soon; unless the vendor said how
#: long to wait, which is believed up to the second limit.
FAILURE_KEPT_S = 60.0
LONGEST_WAIT_S = 3600.0


def judge(rule: Rule, extraction: Extraction, memory: Memory, now: float) -> Judgement:
    """Judge one rule. `memory` is what was remembered of it, `now` the time of judging (epoch seconds)."""
    if memory.selection_digest != rule.selection_digest:
        memory = Memory(rule.selection_digest)
    return _Judging(rule, Answers(rule, extraction, now), memory, now).judgement()


@dataclass
class _Service:
    """One service before it is judged: its samples, what is absent of it, and all that holds whatever they say."""

    group: Group
    floor: list[Floor] = field(default_factory=list)
    absent: Gap | Absent | None = None


class _Judging:
    def __init__(self, rule: Rule, answers: Answers, memory: Memory, now: float) -> None:
        self._rule = rule
        self._answers = answers
        self._several = len(rule.readings) > 1
        self._grouped = grouped(rule, answers.candidates())
        self._memory = Remembering(rule, memory, answers, self._grouped, now)
        self._absence = absence(rule, answers.inventories, self._grouped)
        self._judge = ServiceJudge(rule, answers.measured_at, answers.partners())
        # What a rule lists is compared in the form that labels have.
        self._listed = [tuple((label, composed(text)) for label, text in one) for one in rule.expect.values]
        self._services: dict[Identity, _Service] = {}
        self._well_measured: set[Identity] = set()

    def judgement(self) -> Judgement:
        good_until = self._good_until()
        results = self._each() if self._rule.each else self._whole()
        whole = whole_identity(self._rule)
        lasting = {whole, *map(self._listed_identity, self._listed)}
        lasting |= {*self._absence.gaps, *self._absence.doubted, *self._absence.mingled}
        memory = replace(self._memory.after(results, self._well_measured, lasting), wait_until=self._wait_until())
        return Judgement(tuple(stamped(result, good_until) for result in results), memory, good_until)

    # One service

    def _whole(self) -> list[Result]:
        rule, answers = self._rule, self._answers
        identity = whole_identity(rule)
        service = self._service(identity)
        service.absent = self._absence.gaps.get(identity)
        there, expected = self._grouped.selected, rule.expect.count
        is_short = expected is not None and there < expected
        service.floor = [(rule.on_error, failure_text(name, error)) for name, error in answers.failures.items()]
        service.floor += [
            (silence.state, silence.text)
            for silence in answers.silences.values()
            if self._is_told_apart(silence) or (service.absent is None and not is_short)
        ]
        if answers.failures or any(one.dropped for one in answers.silences.values()):
            state, text = service.floor[0]
            service.floor[0] = (state, text + self._memory.last_good(identity))
        service.floor += [(State.UNKNOWN, text) for text in self._absence.mingled.get(identity, ())]
        if expected is not None and is_short:
            samples = service.group.samples
            if not answers.hidden and rule.tolerate is not None:
                service.absent = Absent(unnamed=max(0, expected - self._judge.number_of(samples)))
            elif not answers.hidden:
                service.floor.append(self._shortfall(there, expected, self._judge.thing(samples)))
        elif service.absent is None and not service.group.samples and not service.floor:
            service.floor.append((rule.on_empty, self._nothing_selected()))
        return [self._judged(service)]

    # A service for each label value

    def _each(self) -> list[Result]:
        for identity, group in self._grouped.groups.items():
            self._add_group(identity, group)
        self._add_known()
        self._add_listed()
        self._add_absent()
        self._add_unplaced()
        self._add_failures()
        self._add_silences()
        counted = self._counted()
        if not self._services and not counted:
            self._state(whole_identity(self._rule), self._rule.on_empty, self._nothing_selected())
        return [*(self._judged(service) for service in self._services.values()), *counted]

    def _add_group(self, identity: Identity, group: Group) -> None:
        service = self._services[identity] = _Service(group, absent=self._absence.gaps.get(identity))
        service.floor += [
            (State.UNKNOWN, self._judge.without(partial, identity))
            for partial in self._grouped.concerning(identity, group.labels)
        ]
        gone, number = self._memory.members_gone(identity, group)
        if gone:
            text = f"{len(gone)} of {number} behind {_named(identity)} gone: {', '.join(gone[:3])}"
            service.floor.append((self._rule.on_missing, text))
        known = self._memory.known.get(identity)
        if known is not None and identity.source in self._answers.silences:
            # Without the inventory it has fewer labels than it had, and is called by them all the same.
            group.labels = {**known.labels, **group.labels}

    def _add_known(self) -> None:
        """Services that earlier good answers showed and this one does not."""
        for identity, seen in self._memory.known.items():
            if identity in self._services:
                continue
            last_good = self._memory.last_good(identity)
            reasons = list(self._reasons_hidden(identity.source))
            partial = self._concerning(identity, seen.labels)
            if reasons:
                for state, text in reasons:
                    self._state(identity, state, text + last_good)
            elif partial is not None:
                self._state(identity, State.UNKNOWN, self._judge.without(partial, identity) + last_good)
            elif self._rule.expect.seen and identity in self._memory.expected:
                silence = self._answers.silences.get(identity.source)
                text = f"{_named(identity)} is gone" if silence is None else silence.text
                self._state(identity, self._rule.on_missing, text + self._memory.last_seen(identity))

    def _add_listed(self) -> None:
        """Values that the rule lists and no answer shows."""
        present = {identity.labels for identity in self._services}
        for labels in self._listed:
            if labels in present:
                continue
            identity = self._listed_identity(labels)
            reasons = list(self._reasons_hidden(dict(labels).get("source", identity.source)))
            partial = next((one for one in self._grouped.partial if concerns(one, dict(labels))), None)
            if reasons:
                for state, text in reasons:
                    self._state(identity, state, text)
            elif partial is not None:
                self._state(identity, State.UNKNOWN, self._judge.without(partial, identity))
            else:
                text = f"{_named(identity)} is expected and absent{self._memory.last_good(identity)}"
                self._state(identity, self._rule.on_missing, text)

    def _add_absent(self) -> None:
        """Services of the inventory of which no answer shows anything, or none that is theirs for certain."""
        for identity, gap in self._absence.gaps.items():
            if identity not in self._services:
                self._services[identity] = _Service(Group(identity, labels=dict(gap.labels)), absent=gap)
        for identity, (partial, labels) in self._absence.doubted.items():
            if partial not in self._service(identity, labels).group.samples:
                self._state(identity, State.UNKNOWN, self._judge.without(partial, identity), labels)
        for identity, texts in self._absence.mingled.items():
            for text, labels in texts.items():
                self._state(identity, State.UNKNOWN, text, labels)

    def _add_unplaced(self) -> None:
        """Missing samples that concern no service known so far: they must be seen all the same."""
        unplaced: dict[Identity, list[str]] = {}
        for partial in self._grouped.partial:
            if not any(_is_of(partial, one) and concerns(partial, self._labels_of(one)) for one in self._services):
                identity = identity_of(self._rule, partial.labels)
                unplaced.setdefault(identity, []).append(self._judge.without(partial, identity))
        for identity, texts in unplaced.items():
            several = f" (and {len(texts) - 1} more like this)" if len(texts) > 1 else ""
            self._state(identity, State.UNKNOWN, texts[0] + several)

    def _add_failures(self) -> None:
        """A source that failed and of which no service is known shows as one of its own."""
        for name, error in self._answers.failures.items():
            if not any(identity.source == name for identity in self._services):
                self._state(Identity(self._rule.name, name), self._rule.on_error, failure_text(name, error))

    def _add_silences(self) -> None:
        """A source that said nothing shows as a service of its own, unless others tell of it as badly."""
        for name, silence in self._answers.silences.items():
            without = [
                one
                for identity, one in self._services.items()
                if identity.source == name and identity not in self._grouped.groups
            ]
            states = [state for one in without for state, _ in one.floor]
            states += [self._rule.on_missing for one in without if one.absent is not None]
            is_told = bool(without)
            if self._is_told_apart(silence):
                is_told = any(not silence.state.is_worse_than(state) for state in states)
            elif self._rule.expect.count is not None:
                is_told = True
            if not is_told:
                self._state(Identity(self._rule.name, name), silence.state, silence.text)

    def _counted(self) -> list[Result]:
        """`expect: N` with `each` is told by a service of the check itself: one of its own where all is there."""
        expected = self._rule.expect.count
        identity = whole_identity(self._rule)
        is_hidden = any(self._reasons_hidden(identity.source))
        if expected is None or (is_hidden and identity in self._services):
            return []
        there = sum(
            1
            for one, group in self._grouped.groups.items()
            if len(one.labels) == len(self._rule.each) and any(not sample.is_missing for sample in group.samples)
        )
        thing = self._rule.each[-1]
        if there < expected:
            self._state(identity, *self._shortfall(there, expected, thing))
        elif identity not in self._services:
            text = f"{there} {plural(thing)}, at least {expected} expected"
            return [self._judge.counted(identity, text)]
        return []

    # Help

    def _service(self, identity: Identity, labels: Mapping[str, str] | None = None) -> _Service:
        if identity not in self._services:
            group = self._grouped.groups.get(identity)
            if group is None:
                group = Group(identity, labels=dict(self._labels_of(identity) if labels is None else labels))
            self._services[identity] = _Service(group)
        return self._services[identity]

    def _state(self, identity: Identity, state: State, text: str, labels: Mapping[str, str] | None = None) -> None:
        """Say what holds of a service, whatever else is told of it."""
        self._service(identity, labels).floor.append((state, text))

    def _judged(self, service: _Service) -> Result:
        group, floor, absent = service.group, service.floor, service.absent
        if isinstance(absent, Gap):
            # What a tolerance counts among the samples is for others a reason of its own.
            text = absent.text + self._memory.last_good(group.identity)
            if self._rule.tolerate is None:
                floor = [*floor, (self._rule.on_missing, text)]
            absent = Absent(tuple(absent.names)) if self._rule.tolerate is not None else None
        if group.samples and not floor and not absent and not any(one.is_missing for one in group.samples):
            self._well_measured.add(group.identity)
        return self._judge.result(group, floor, absent)

    def _labels_of(self, identity: Identity) -> Mapping[str, str]:
        found = self._grouped.groups.get(identity) or self._memory.known.get(identity)
        return dict(identity.labels) if found is None else found.labels

    def _listed_identity(self, labels: tuple[tuple[str, str], ...]) -> Identity:
        """The service of values that the rule lists: of the source that they name, if they name one of the rule's."""
        named = dict(labels).get("source")
        if named is None:
            return Identity(self._rule.name, whole_identity(self._rule).source, labels)
        # What is of no source of the rule tells nothing of those that are.
        known = any(named == one.source.name for one in self._rule.readings)
        return Identity(self._rule.name, named if known else "", labels)

    def _reasons_hidden(self, name: str) -> Iterator[Floor]:
        """Why nothing is known of what a source has, or of what any of them has where none is named."""
        for source, error in self._answers.failures.items():
            if name in {"", source}:
                yield self._rule.on_error, failure_text(source, error)
        for source, silence in self._answers.silences.items():
            if silence.hides and name in {"", source}:
                yield silence.state, silence.text

    def _is_told_apart(self, silence: Silence) -> bool:
        """Whether a silence is told beside what is expected: values of other sources, or of no list, are no excuse."""
        return self._several or silence.of_inventory

    def _concerning(self, identity: Identity, labels: Mapping[str, str]) -> Sample | None:
        """The missing sample that stands for many and concerns a service, if there is one."""
        return next(self._grouped.concerning(identity, labels), None)

    def _shortfall(self, there: int, expected: int, thing: str) -> Floor:
        """The state of fewer values than expected; what may be among those without value is not known to be absent."""
        reasons = [state for state, _ in self._reasons_hidden("")]
        if self._grouped.partial or any(one.is_missing for own in self._grouped.groups.values() for one in own.samples):
            reasons.append(State.UNKNOWN)
        state = worst_of(reasons) if reasons else self._rule.on_missing
        return state, f"{there} of {expected} expected {plural(thing)}"

    def _nothing_selected(self) -> str:
        offered = sum(map(len, self._answers.samples.values()))
        if not offered:
            return next(iter(self._answers.silences.values())).text
        return f"none of {offered} values is selected by 'where' and 'except'"

    def _wait_until(self) -> float:
        """When to ask again at the earliest, where every source said so; else 0."""
        told_s = [_told_s(error) for error in self._answers.failures.values()]
        if self._answers.samples or not told_s or not all(told_s):
            return 0.0
        return self._answers.measured_at + min(told_s)

    def _good_until(self) -> float:
        failures = [*self._answers.failures.values(), *self._answers.setbacks]
        kept_s = [_kept_s(error, self._rule.interval_s) for error in failures]
        return self._answers.measured_at + min([*kept_s, *([self._rule.good_for_s] if self._answers.samples else [])])


def _told_s(error: SourceError) -> float:
    """How long the vendor said to wait, 0 when it said nothing that makes sense."""
    wait_s = error.retry_after_s
    return min(wait_s, LONGEST_WAIT_S) if wait_s is not None and wait_s > 0 else 0.0


def _kept_s(error: SourceError, interval_s: float) -> float:
    return _told_s(error) or min(interval_s, FAILURE_KEPT_S)


def _is_of(partial: Sample, identity: Identity) -> bool:
    return partial.labels.get("source") == identity.source


def _named(identity: Identity) -> str:
    return " ".join(f"{label} {value}" for label, value in identity.labels) or identity.check
