"""A run: calls the steps in order. What is fresh is shown, the rest is measured, judged and stored; then reported."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checkmill.edges import Edges
from checkmill.model.delivery import Delivery, Stage
from checkmill.model.errors import DeadlineError, PluginError
from checkmill.model.fetch import Fetched
from checkmill.model.memory import Judgement, Memory
from checkmill.model.problem import Problem
from checkmill.model.reporter import Outcome, Receipt, Report
from checkmill.model.result import Identity, Result
from checkmill.model.rule import Rule
from checkmill.model.secret import redact
from checkmill.model.state import State
from checkmill.steps.fetching import Job, carry_out, fetch_all
from checkmill.steps.judging import Extraction, extractor, judge
from checkmill.steps.planning import fetches_of, served_by
from checkmill.steps.reading import Book
from checkmill.steps.reporting import (
    TargetError,
    deliveries_of,
    may_be_same,
    send,
    sendings_of,
    stored_target,
    target_text,
)
from checkmill.store import Store, Stored, StoreError

log = logging.getLogger("checkmill.run")

#: A check is due this share of its interval early, so that a cron that is a second early does not skip a turn.
EARLY = 0.1


@dataclass
class Trouble:
    """What went wrong beside the verdicts; `run` exits 3 when there is any."""

    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """Note one sentence, once, and log it."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)
            log.error("%s", sentence)


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
        self.trouble = Trouble()

    # What is shown

    def reused(self, rules: Iterable[Rule]) -> dict[str, Sequence[Result]]:
        """The results of those rules that are still good."""
        now = self._edges.now()
        wanted = list(rules)
        stored = self._stored_of(rule.name for rule in wanted)
        found = ((rule, stored.get(rule.name)) for rule in wanted)
        return {rule.name: one.results for rule, one in found if one is not None and one.is_fresh(rule, now)}

    def due(self, rules: Iterable[Rule]) -> list[Rule]:
        """The rules whose interval is over."""
        now = self._edges.now()
        asked = list(rules)
        stored = self._stored_of(rule.name for rule in asked)
        return [rule for rule in asked if not _is_current(stored.get(rule.name), rule, now)]

    def measured(
        self, wanted: Sequence[Rule], others: Sequence[Rule] = (), *, report: bool = False
    ) -> dict[str, Sequence[Result]]:
        """Measure the wanted rules, and with the same fetches judge all others they serve; store all of it.

        With `report`, the results of the wanted ones become deliveries in the same transaction. A target that other
        rules share gets their results too, measured along where they are not good any more: half of what it is told
        about would be a false state.
        """
        if not wanted:
            return {}
        asked = {rule.name for rule in wanted}
        partners = self._sharing_targets_with(wanted) if report else []
        reused = self.reused(partners)
        wanted = [*wanted, *(rule for rule in partners if rule.name not in reused)]
        names = {rule.name for rule in wanted}
        served = [*wanted, *(rule for rule in served_by(others, wanted) if rule.name not in names)]
        extract = extractor(reading for rule in served for reading in rule.all_readings)
        fetched = fetch_all(fetches_of(wanted), self._edges, give_up_at=self._give_up_at, extract=extract)
        for one in fetched.values():
            if isinstance(one.error, PluginError):
                self.trouble.add(one.error.sentence)
        extraction = Extraction(fetched)
        now = self._edges.now()
        judged: list[tuple[Rule, Judgement]] = []
        stored = self._stored_of(rule.name for rule in served)
        for rule in served:
            known = stored.get(rule.name)
            judged.append((rule, judge(rule, extraction, known.memory if known else Memory(), now)))
        for error in extraction.plugin_errors():
            self.trouble.add(error.sentence)
        results = [(rule, judgement.results) for rule, judgement in judged]
        reported: list[tuple[Rule, Sequence[Result]]] = []
        if report:
            reported = [(rule, own) for rule, own in results if rule.name in names]
            reported += [(rule, reused[rule.name]) for rule in partners if rule.name in reused]
        cut_short = self._cut_short(wanted, fetched)
        kept = [(rule, one) for rule, one in judged if not cut_short & _keys_of(rule)]
        self._store_all(kept, reported, asked, now)
        return {rule.name: own for rule, own in results}

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

    # What is sent

    def send_deliveries(self, rules: Iterable[Rule]) -> dict[str, int]:
        """Send what is due in the outbox, whichever rule it came from, and count the outcomes by stage.

        The targets are those that rules name, or what the reporters of the book make of the stored ones. To be called
        by the one who holds the feeder's lock.
        """
        counts: dict[str, int] = {}
        if self._store is None:
            return counts
        outbox = self._store.outbox
        now = self._edges.now()
        try:
            outbox.recover(now)
            reports = self._reports_of(outbox.deliveries([Stage.PENDING]), rules)
            due = outbox.take_due(now, list(reports))
        except StoreError as error:
            self.trouble.add(f"nothing is reported: {error}")
            return counts

        def settle(delivery: Delivery, receipt: Receipt) -> None:
            receipt = _cleaned(receipt)
            try:
                stage = outbox.settle(delivery, receipt, self._edges.now())
            except StoreError as error:
                self.trouble.add(str(error))
                return
            counts[stage.value] = counts.get(stage.value, 0) + 1
            _log_outcome(delivery, receipt)

        send(sendings_of(due, reports), self._edges, carry_out, Job, settle)
        return counts

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

    def _reports_of(self, deliveries: Iterable[Delivery], rules: Iterable[Rule]) -> dict[tuple[str, str], Report]:
        """The reporter and target of each delivery that can still be made out."""
        fixed = [report for rule in rules for report in rule.reports if report.target is not None]
        named = {(report.reporter.name, target_text(report.key)): report for report in fixed}
        found: dict[tuple[str, str], Report] = {}
        for key in dict.fromkeys((one.reporter, one.target) for one in deliveries):
            reporter = self._book.reporter(key[0])
            if key in named:
                found[key] = named[key]
            elif reporter is not None:
                try:
                    found[key] = stored_target(reporter, key[1])
                except TargetError as error:
                    log.warning("reporter %s: %s is no target of it any more: %s", *key, error)
        return found

    def _sharing_targets_with(self, wanted: Sequence[Rule]) -> list[Rule]:
        """The other rules that may report to a target of one of these."""
        reports = [report for rule in wanted for report in rule.reports]
        if not reports:
            return []
        names = {rule.name for rule in wanted}
        reporting = [name for name, draft in self._book.drafts.items() if name not in names and draft.key("report")]
        return [
            rule
            for rule in self._book.rules(reporting)
            if any(may_be_same(own, report) for own in rule.reports for report in reports)
        ]

    def _why_unreadable(self, name: str, stored: Stored) -> Problem | None:
        """The problem that may hide a check which is not among those written, if there is one.

        A problem of a check that has a name hides no other.
        """
        if name in self._book.drafts:
            return None
        places = {*stored.files, str(self._book.directory)}
        nameless = (one for one in self._book.problems if one.place is not None and not one.check)
        return next((one for one in nameless if one.place is not None and one.place.file in places), None)

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
    ) -> None:
        broken = self._told_of_broken() if reported else []
        deliveries, complaints = deliveries_of(reported, now, asked, broken)
        for complaint in complaints:
            self.trouble.add(complaint)
        if self._store is None:
            if deliveries:
                self.trouble.add("nothing is reported: without a state directory there is no outbox")
            return
        try:
            changed = [rule.name for rule, one in judged if _states(one.results) != self._stored_states(rule.name)]
            self._store.commit(self._checks_dir, judged, deliveries, now, changed)
        except StoreError as error:
            self.trouble.add(str(error))

    def _cut_short(self, wanted: Sequence[Rule], fetched: Mapping[Any, Fetched]) -> set[Any]:
        """The fetches that the caller's own deadline ended: what that says of the vendor must not outlive this call."""
        if self._give_up_at is None:
            return set()
        return {
            fetch.key
            for fetch in fetches_of(wanted)
            if isinstance(fetched[fetch.key].error, DeadlineError)
            and fetched[fetch.key].ended_at - fetched[fetch.key].started_at < fetch.timeout_s * 0.99
        }

    def _told_of_broken(self) -> list[tuple[Report, Sequence[Result]]]:
        """The services of rules that cannot be read any more, and the targets that were told of them before."""
        services: dict[str, list[Result]] = {}
        for result in self.remembered_of_broken():
            services.setdefault(result.check, []).append(result)
        if self._store is None or not services:
            return []
        try:
            targets = self._store.outbox.targets_of(services)
        except StoreError as error:
            self.trouble.add(str(error))
            return []
        told: list[tuple[Report, Sequence[Result]]] = []
        for check, keys in targets.items():
            for name, target in sorted(keys):
                reporter = self._book.reporter(name)
                if reporter is not None:
                    try:
                        told.append((stored_target(reporter, target), services[check]))
                    except TargetError as error:
                        log.warning("reporter %s: %s is no target of it any more: %s", name, target, error)
        return told

    def _stored_states(self, name: str) -> dict[Identity, State]:
        stored = self._stored.get(name)
        return _states(stored.results) if stored is not None else {}

    def _broken(self, result: Result, problem: Problem) -> Result:
        now = self._edges.now()
        return Result(
            check=result.check,
            service=result.service,
            state=State.UNKNOWN,
            output=f"the rule cannot be read: {problem}",
            source=result.source,
            metric=result.metric,
            host=result.host,
            labels=result.labels,
            tags=result.tags,
            checked_at=now,
            good_until=now,
            failed=True,
        )


def _keys_of(rule: Rule) -> set[Any]:
    return {reading.fetch.key for reading in rule.all_readings}


def _states(results: Iterable[Result]) -> dict[Identity, State]:
    return {result.identity: result.state for result in results}


def _is_current(stored: Stored | None, rule: Rule, now: float) -> bool:
    if stored is None or not stored.is_fresh(rule, now):
        return False
    return now < stored.measured_at + rule.interval_s * (1 - EARLY)


def _cleaned(receipt: Receipt) -> Receipt:
    """A receipt fit to be kept: receivers echo what they were sent, secrets included."""
    return replace(
        receipt,
        message=redact(receipt.message),
        code=redact(receipt.code),
        request_id=redact(receipt.request_id),
    )


def _log_outcome(delivery: Delivery, receipt: Receipt) -> None:
    level = logging.INFO if receipt.outcome is Outcome.ACCEPTED else logging.WARNING
    code = f" (code {receipt.code})" if receipt.code else ""
    words = (delivery.reporter, delivery.target, receipt.outcome.value, receipt.message, code)
    log.log(level, "reporter %s, %s: %s: %s%s", *words)
