"""Feeds the reporters: which rules share a target, what broken rules' targets are told, and what is sent.

A target hears of all rules that report to it, whichever of them were run, and of those that cannot be read any more:
half of what it is told about would be a false state.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from checkmill.edges import Edges
from checkmill.model.delivery import Delivery, Progress, Stage
from checkmill.model.reporter import Report
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.steps.reading import Book
from checkmill.steps.reporting import TargetError, may_be_same, stored_target, target_text
from checkmill.store import Store, StoreError
from checkmill.store.outbox import Limit

log = logging.getLogger("checkmill.run")


@dataclass
class Trouble:
    """What went wrong beside the verdicts; `run` exits 3 when there is any."""

    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """Note one sentence, once, and log it."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)
            log.error("%s", sentence)


class Feeder:
    """Feeds the reporters of a book; what goes wrong is noted as trouble."""

    def __init__(self, book: Book, edges: Edges, trouble: Trouble) -> None:
        self._book = book
        self._edges = edges
        self._trouble = trouble
        self._dropped = 0
        self._checks_dir = os.path.realpath(book.directory)

    def partners_of(self, wanted: Sequence[Rule]) -> list[Rule]:
        """The other rules that may report to a target of one of these."""
        reports = [report for rule in wanted for report in rule.reports]
        return self.telling(reports, {rule.name for rule in wanted})

    def telling(self, reports: Sequence[Report], names: Collection[str]) -> list[Rule]:
        """The rules but those of these names that may report to a target of one of these reports."""
        if not reports:
            return []
        reporting = [name for name, draft in self._book.drafts.items() if name not in names and draft.key("report")]
        return [
            rule
            for rule in self._book.rules(reporting)
            if any(may_be_same(own, report) for own in rule.reports for report in reports)
        ]

    def told_of(self, broken: Iterable[Result], store: Store) -> list[tuple[Report, Sequence[Result]]]:
        """The services of rules that cannot be read any more, and the targets that were told of them before."""
        services: dict[str, list[Result]] = {}
        for result in broken:
            services.setdefault(result.check, []).append(result)
        if not services:
            return []
        try:
            targets = store.outbox_of(self._checks_dir).targets_of(services)
        except StoreError as error:
            self._trouble.add(str(error))
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

    def limits_of(self, deliveries: Iterable[Delivery]) -> dict[str, Limit]:
        """How much of each reporter's may wait, of those that these deliveries are for."""
        found = (self._book.reporter(name) for name in {one.reporter for one in deliveries})
        return {one.name: Limit(one.settings.backlog, one.settings.backlog_size) for one in found if one is not None}

    def note_dropped(self, dropped: Iterable[Delivery]) -> None:
        """Note as trouble that there was no room in the outbox for these; the next `send` counts them."""
        numbers = Counter(one.reporter for one in dropped)
        self._dropped += numbers.total()
        for name, number in sorted(numbers.items()):
            lost = "1 delivery was dropped" if number == 1 else f"{number:,} deliveries were dropped"
            self._trouble.add(
                f"reporter {name}: its backlog is full, and {lost}, the oldest first; see 'checkmill outbox list', "
                "and raise its 'backlog' or 'backlog_size' if it should hold more"
            )

    def send(
        self,
        rules: Iterable[Rule],
        store: Store,
        *,
        for_s: float | None = None,
        progress: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] | None = None,
        patient: bool = False,
    ) -> dict[str, int]:
        """Send what is due of the checks directory, whichever rule it came from, and count by stage what came to it.

        The targets are those that rules name, or what the reporters of the book make of the stored ones. `for_s` bounds
        how long new deliveries are begun. `stop` is asked before, and often while any is under way, whether to leave
        off: at once, or, when `patient`, as soon as what is under way has ended. `progress` hears of every turn. What
        expired, was superseded or dropped on the way is counted too. To be called by the one who holds the feeder's
        lock.
        """
        outbox = store.outbox_of(self._checks_dir)
        counts = {Stage.DROPPED.value: self._dropped} if self._dropped else {}
        self._dropped = 0
        try:
            for stage, number in outbox.recover(self._edges.now()).items():
                counts[stage] = counts.get(stage, 0) + number
            waiting = outbox.reporters()
        except StoreError as error:
            self._trouble.add(f"nothing is reported: {error}")
            return counts
        reports = _Reports(self._book, rules, waiting)
        if reports.reporters:
            # Imported here: a check that Nagios calls makes deliveries of nothing and sends none.
            from checkmill.feeding.draining import Drain

            drain = Drain(outbox, reports, self._edges, self._trouble.add, for_s, progress, stop, patient, counts)
            drain.run()
        return counts


class _Reports:
    """The reporters of a book that something waits for, and their targets, each made out once."""

    def __init__(self, book: Book, rules: Iterable[Rule], waiting: Iterable[str]) -> None:
        found = (book.reporter(name) for name in waiting)
        self.reporters = [one for one in found if one is not None]
        self._by_name = {one.name: one for one in self.reporters}
        fixed = [report for rule in rules for report in rule.reports if report.target is not None]
        self._named = {(one.reporter.name, target_text(one.key)): one for one in fixed}
        self._found: dict[tuple[str, str], Report | None] = {}

    def find(self, reporter: str, target: str) -> Report | None:
        """The target of a reporter that a delivery names; None where it is none of it any more."""
        key = (reporter, target)
        if key not in self._found:
            self._found[key] = self._named.get(key) or self._made_out(*key)
        return self._found[key]

    def _made_out(self, reporter: str, target: str) -> Report | None:
        try:
            return stored_target(self._by_name[reporter], target)
        except TargetError as error:
            log.warning("reporter %s: %s is no target of it any more: %s", reporter, target, error)
            return None
