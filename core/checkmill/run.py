"""A run: calls the steps in order. What is fresh is shown, the rest is measured, judged and stored; then reported."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from checkmill.edges import Edges
from checkmill.feeding import Feeder, Trouble
from checkmill.feeding.handing import handed_of, is_told_already
from checkmill.feeding.standing import alone, of_job, standing
from checkmill.model.delivery import Delivery, Progress
from checkmill.model.errors import PluginError
from checkmill.model.job import Ended
from checkmill.model.memory import Judgement, Memory
from checkmill.model.problem import Problem
from checkmill.model.reporter import Report
from checkmill.model.result import Identity, Result
from checkmill.model.rule import Rule
from checkmill.model.state import State
from checkmill.steps.fetching import LAST_RESORT, fetch_all
from checkmill.steps.fetching.last_resort import OverdueError
from checkmill.steps.judging import FAILURE_KEPT_S, Extraction, extractor, judge
from checkmill.steps.judging.jobs import ended
from checkmill.steps.judging.unknown import suspects, unknown, whole
from checkmill.steps.planning import cut_short_of, fetches_of, is_impatient, served_by
from checkmill.steps.reading import Book
from checkmill.steps.reporting import deliveries_of, may_be_same
from checkmill.store import Store, Stored, StoreError

log = logging.getLogger("checkmill.run")

#: A check is due this share of its interval early, so that a cron that is a second early does not skip a turn.
EARLY = 0.1
#: Judging takes milliseconds. So long it may take at most and at least, and the deliveries of a run altogether.
JUDGING_S, LEAST_JUDGING_S, REPORTS_WITHIN_S = 10.0, 1.0, 5.0


class Run:
    """Measures the rules of a book. `store` is None when there is no usable state directory."""

    def __init__(self, book: Book, store: Store | None, edges: Edges, *, give_up_at: float | None = None) -> None:
        self._book = book
        self._store = store
        self._edges = edges
        self._give_up_at = give_up_at
        self._checks_dir = os.path.realpath(book.directory)
        self._stored: dict[str, Stored] = {}
        self._looked_up: set[str] = set()
        self._cut_off: set[str] = set()
        self._lost_s = 0.0
        self._began_at = edges.now()
        self.trouble = Trouble()
        self._feeder = Feeder(book, edges, self.trouble)

    # What is shown

    def reused(self, rules: Iterable[Rule]) -> dict[str, Sequence[Result]]:
        """The results of those rules that are still good; of a check of a job always, since there is no better one."""
        now = self._edges.now()
        wanted = list(rules)
        stored = self._stored_of(rule.name for rule in wanted)
        found = ((rule, stored.get(rule.name)) for rule in wanted)
        good = {rule.name: one.results for rule, one in found if one is not None and one.is_fresh(rule, now)}
        return good | {rule.name: self._of_job(rule, now) for rule in wanted if rule.is_of_job}

    def due(self, rules: Iterable[Rule], *, took_s: Mapping[str, float] | None = None) -> list[Rule]:
        """The rules whose interval is over, and that can be measured.

        A result is as old as the end of its measuring. `took_s` says for checks how long that was, in seconds: by so
        much sooner they are due, or whoever measures at fixed times would skip every other one.
        """
        now = self._edges.now()
        asked = [rule for rule in rules if not rule.is_of_job]
        stored = self._stored_of(rule.name for rule in asked)
        took = {} if took_s is None else took_s
        return [rule for rule in asked if not _is_current(stored.get(rule.name), rule, now, took.get(rule.name, 0.0))]

    def measured(
        self, wanted: Sequence[Rule], others: Sequence[Rule] = (), *, report: bool = False
    ) -> dict[str, Sequence[Result]]:
        """Measure the wanted rules, and with the same fetches judge all others they serve; store all of it.

        With `report`, the results of the wanted ones become deliveries in the same transaction. A target that other
        rules share gets their results too, measured along where they are not good any more: half of what it is told
        about would be a false state.

        A vendor that said when to come back is not asked before: the failure that is stored stands until then. Of a
        check of a job there is nothing to measure, and no result.
        """
        of_jobs = {rule.name: () for rule in wanted if rule.is_of_job}
        wanted = [rule for rule in wanted if not rule.is_of_job]
        if not wanted:
            self._store_all([], [], (), self._edges.now(), only=None if report else ())
            return {**of_jobs}
        asked = {rule.name for rule in wanted}
        partners = self._feeder.partners_of(wanted) if report else []
        waiting = self._told_to_wait(wanted)
        wanted = [rule for rule in wanted if rule.name not in waiting]
        reused = self.reused(partners)
        wanted = [*wanted, *(rule for rule in partners if rule.name not in reused)]
        names = {rule.name for rule in wanted}
        beside = [rule for rule in served_by(others, wanted) if rule.name not in names]
        served = [*wanted, *beside]
        extract = extractor(reading for rule in served for reading in rule.all_readings)
        fetches = fetches_of(wanted)
        fetched = fetch_all(fetches, self._edges, give_up_at=self._give_up_at, extract=extract)
        for one in fetched.values():
            if isinstance(one.error, PluginError):
                self.trouble.add(one.error.sentence)
        extraction = Extraction(fetched)
        now = self._edges.now()
        self._stored_of(rule.name for rule in served)
        judged = [(rule, self._judged(rule, extraction, now)) for rule in wanted]
        judged += self._judged_beside((rule for rule in beside if not is_impatient(rule, fetches, fetched)), extraction)
        for error in extraction.plugin_errors():
            self.trouble.add(error.sentence)
        results = [(rule, judgement.results) for rule, judgement in judged]
        reported: list[tuple[Rule, Sequence[Result]]] = []
        if report:
            reported = [(rule, own) for rule, own in results if rule.name in names]
            reported += waiting.values()
        cut_short = set() if self._give_up_at is None else cut_short_of(fetches, fetched)
        kept = [
            (rule, one) for rule, one in judged if not cut_short & _keys_of(rule) and rule.name not in self._cut_off
        ]
        fresh = [rule for rule in partners if rule.name in reused]
        self._store_all(kept, reported, asked, now, fresh, None if report else ())
        return {**of_jobs, **{rule.name: own for rule, own in (*results, *waiting.values())}}

    def told(self, rule: Rule, job: Ended) -> Sequence[Result]:
        """Judge how a job of a rule ended, and store that with what its targets are told, in one transaction.

        Of other rules that share a target, it is told what is known: nobody is asked while the job's caller waits.
        """
        self._stored_of([rule.name])
        now = self._edges.now()
        judgement = self._judged(rule, ended(rule, job), now)
        partners = self._feeder.partners_of([rule])
        self._store_all([(rule, judgement)], [(rule, judgement.results)], {rule.name}, now, partners, rule.reports)
        return judgement.results

    def remembered_of_broken(self, tags: Sequence[str] = ()) -> list[Result]:
        """Services known from rules that cannot be read any more: UNKNOWN, with the problem as the reason.

        With tags, only those that had one of them.
        """
        results = []
        for name, stored in self._all_stored().items():
            problem = self._book.rejected.get(name) or self._why_unreadable(name, stored)
            if problem is not None:
                results += [self._broken(result, problem) for result in stored.results]
        return [result for result in results if not tags or set(tags) & set(result.tags)]

    def send_deliveries(
        self,
        rules: Iterable[Rule],
        *,
        for_s: float | None = None,
        progress: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] | None = None,
        patient: bool = False,
    ) -> dict[str, int]:
        """Send what is due in the outbox, and count by stage what came to it: see `Feeder.send`."""
        if self._store is None:
            return {}
        return self._feeder.send(rules, self._store, for_s=for_s, progress=progress, stop=stop, patient=patient)

    def forget_deleted(self) -> None:
        """Drop what is stored of checks that were deleted from healthy files."""
        if self._store is None:
            return
        written = {*self._book.drafts, *self._book.rejected}
        stored = self._all_stored()
        gone = [name for name in stored if name not in written and not self._why_unreadable(name, stored[name])]
        if gone:
            try:
                self._store.forget_checks(self._checks_dir, gone)
            except StoreError as error:
                self.trouble.add(str(error))

    # Help

    def _told_to_wait(self, rules: Sequence[Rule]) -> dict[str, tuple[Rule, Sequence[Result]]]:
        """The rules whose vendor said when to come back, before that time; with the failures that told so."""
        now = self._edges.now()
        stored = self._stored_of(rule.name for rule in rules)
        found = ((rule, stored.get(rule.name)) for rule in rules)
        return {
            rule.name: (rule, one.results)
            for rule, one in found
            if one is not None and one.memory.wait_until > now and one.is_fresh(rule, now)
        }

    def _why_unreadable(self, name: str, stored: Stored) -> Problem | None:
        """The problem that may hide a check which is not among those written, if there is one.

        A problem of a check that has a name hides no other. A check may have been moved into a file that broke, or got
        another name with it, since it was measured last.
        """
        if name in self._book.drafts:
            return None
        places = {*stored.files, str(self._book.directory)}
        nameless = (one for one in self._book.problems if one.place is not None and not one.check)
        found = next((one for one in nameless if one.place is not None and one.place.file in places), None)
        if found is not None:
            return found
        # One directory may be named in many ways, but its files in one.
        there = {Path(file).name for file in self._book.files}
        gone = any(Path(file).name not in there for file in stored.files)
        for one in self._book.hiding.checks:
            if one.place is not None and (gone or not stored.is_newer_than(one.place.file)):
                return one
        return None

    def _stored_of(self, names: Iterable[str]) -> dict[str, Stored]:
        """What is stored of those checks, each looked up once."""
        new = set(names) - self._looked_up
        if new:
            self._looked_up |= new
            self._read_store(new)
        return self._stored

    def _all_stored(self) -> dict[str, Stored]:
        """What is stored of all checks of the directory, written or not; what is known already stays as it was."""
        self._read_store(None)
        return self._stored

    def _read_store(self, names: set[str] | None) -> None:
        if self._store is None:
            return
        try:
            found = self._store.stored(self._checks_dir, names)
        except StoreError as error:
            self.trouble.add(str(error))
            self._store = None
        else:
            self._stored = {**found, **self._stored}

    def _store_all(
        self,
        judged: Sequence[tuple[Rule, Judgement]],
        reported: Sequence[tuple[Rule, Sequence[Result]]],
        asked: Collection[str],
        now: float,
        beside: Sequence[Rule] = (),
        only: Sequence[Report] | None = None,
    ) -> None:
        """Store what was judged, with the deliveries of what is reported and of what is known of the `beside` ones.

        Targets of rules that are broken are told so; with `only`, no others than these reports may mean.
        """
        broken = self._told_of_broken(only, now, is_alone=not reported)
        names = {rule.name for rule in (*(rule for rule, _ in reported), *beside)}
        beside = [*beside, *self._feeder.telling([report for report, _ in broken], names)]
        with alone(self._store, self._edges) if beside else nullcontext():
            known = [(rule, self._standing(rule, now)) for rule in self._read_again(beside)]
            self._store_together(judged, reported, known, broken, asked, now)

    def _store_together(
        self,
        judged: Sequence[tuple[Rule, Judgement]],
        reported: Sequence[tuple[Rule, Sequence[Result]]],
        known: Sequence[tuple[Rule, Sequence[Result]]],
        broken: Sequence[tuple[Report, Sequence[Result]]],
        asked: Collection[str],
        now: float,
    ) -> None:
        deliveries, complaints = self._deliveries_of([*reported, *known], now, asked, broken)
        for complaint in complaints:
            self.trouble.add(complaint)
        if self._store is None and deliveries:
            self.trouble.add("nothing is reported: without a state directory there is no outbox")
        if self._store is None or not (judged or deliveries):
            return
        try:
            changed = [rule.name for rule, one in judged if _states(one.results) != self._stored_states(rule.name)]
            memories = {rule.name: self._memory_of(rule) for rule, _ in judged}
            limits, handed = self._feeder.limits_of(deliveries), handed_of(reported, broken, deliveries)
            dropped = self._store.commit(self._checks_dir, judged, deliveries, now, changed, memories, limits, handed)
        except StoreError as error:
            told = "neither kept nor reported" if deliveries else "not kept"
            self.trouble.add(f"{error}; what was measured is {told}")
        else:
            self._feeder.note_dropped(dropped)

    def _read_again(self, rules: Sequence[Rule]) -> Sequence[Rule]:
        """Those rules, with what is stored of them by now."""
        names = {rule.name for rule in rules}
        if names:
            self._stored = {name: one for name, one in self._stored.items() if name not in names}
            self._looked_up |= names
            self._read_store(names)
        return rules

    def _of_job(self, rule: Rule, now: float) -> Sequence[Result]:
        """What the job of a rule told last; after its time, that it should have told more since."""
        results, missing = of_job(rule, self._stored.get(rule.name), now, is_readable=self._store is not None)
        return results if missing is None else self._judged(rule, missing, now).results

    def _standing(self, rule: Rule, now: float) -> Sequence[Result]:
        return self._of_job(rule, now) if rule.is_of_job else standing(rule, self._stored.get(rule.name), now)

    def _deliveries_of(
        self,
        reported: Sequence[tuple[Rule, Sequence[Result]]],
        now: float,
        asked: Collection[str],
        broken: Sequence[tuple[Report, Sequence[Result]]],
    ) -> tuple[list[Delivery], list[str]]:
        try:
            making = functools.partial(deliveries_of, reported, now, asked, broken, run_at=self._began_at)
            return LAST_RESORT.bounded(making, REPORTS_WITHIN_S)
        except OverdueError:
            sentence = f"nothing is reported: the deliveries were not made within {REPORTS_WITHIN_S:g} s"
            return [], [f"{sentence}; look at the templates under 'report' and of the reporters' bodies"]

    def _told_of_broken(
        self, only: Sequence[Report] | None, now: float, *, is_alone: bool
    ) -> list[tuple[Report, Sequence[Result]]]:
        if only is not None and not only:
            return []
        remembered = self.remembered_of_broken()
        told = [] if self._store is None else self._feeder.told_of(remembered, self._store)
        if self._store is None or (is_alone and is_told_already(told, self._store, self._checks_dir, now)):
            return []
        return [one for one in told if only is None or any(may_be_same(one[0], own) for own in only)]

    def _stored_states(self, name: str) -> dict[Identity, State]:
        stored = self._stored.get(name)
        return _states(stored.results) if stored is not None else {}

    def _broken(self, result: Result, problem: Problem) -> Result:
        now = self._edges.now()
        return unknown(result, f"the rule cannot be read: {problem}", now, now)

    # Judging, which what an operator wrote may keep from coming to an end

    def _judged(self, rule: Rule, extraction: Extraction, now: float) -> Judgement:
        """Judge one rule; where that does not come to an end, whatever is known of it is UNKNOWN.

        It may take as long as the rule's fetch, less what others took that did not come to an end.
        """
        limit_s = full_s = max(min(rule.timeout_s, JUDGING_S - self._lost_s), LEAST_JUDGING_S)
        if self._give_up_at is not None:
            limit_s = min(full_s, max(self._give_up_at - self._edges.monotonic(), LEAST_JUDGING_S / 2))
        try:
            return LAST_RESORT.bounded(lambda: judge(rule, extraction, self._memory_of(rule), now), limit_s)
        except OverdueError:
            self._lost_s += limit_s
        if limit_s < full_s:
            # What the caller's own deadline cuts off says nothing of the rule.
            self._cut_off.add(rule.name)
        sentence = f"the rule was not judged within {limit_s:.2g} s{suspects(rule)}"
        self.trouble.add(f"check {rule.name}: {sentence}")
        known = self._stored.get(rule.name)
        good_until = now + min(rule.interval_s, FAILURE_KEPT_S)
        services = (known.results if known else ()) or [whole(rule, sentence)]
        results = [unknown(one, sentence, now, good_until) for one in services]
        return Judgement(tuple(results), self._memory_of(rule), good_until)

    def _judged_beside(self, rules: Iterable[Rule], extraction: Extraction) -> Iterator[tuple[Rule, Judgement]]:
        """Judge rules that nobody waits for; the first that does not come to an end is left alone, with the rest."""
        now = self._edges.now()
        for rule in rules:
            one = functools.partial(judge, rule, extraction, self._memory_of(rule), now)
            try:
                judgement = LAST_RESORT.bounded(one, LEAST_JUDGING_S)
            except OverdueError:
                log.warning("check %s was not judged beside another within %g s", rule.name, LEAST_JUDGING_S)
                return
            yield rule, judgement

    def _memory_of(self, rule: Rule) -> Memory:
        known = self._stored.get(rule.name)
        return known.memory if known else Memory()


def _keys_of(rule: Rule) -> set[Any]:
    return {reading.fetch.key for reading in rule.all_readings}


def _states(results: Iterable[Result]) -> dict[Identity, State]:
    return {result.identity: result.state for result in results}


def _is_current(stored: Stored | None, rule: Rule, now: float, took_s: float) -> bool:
    if stored is None or not stored.is_fresh(rule, now):
        return False
    return now < stored.measured_at - min(took_s, rule.interval_s / 2) + rule.interval_s * (1 - EARLY)
