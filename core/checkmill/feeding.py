"""Feeds the reporters: which rules share a target, what broken rules' targets are told, and what is sent.

A target hears of all rules that report to it, whichever of them were run, and of those that cannot be read any more:
half of what it is told about would be a false state.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from checkmill.edges import Edges
from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt, Report
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.secret import redact
from checkmill.steps.fetching import Job, carry_out
from checkmill.steps.reading import Book
from checkmill.steps.reporting import TargetError, may_be_same, send, sendings_of, stored_target, target_text
from checkmill.store import Store, StoreError

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

    def partners_of(self, wanted: Sequence[Rule]) -> list[Rule]:
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

    def told_of(self, broken: Iterable[Result], store: Store) -> list[tuple[Report, Sequence[Result]]]:
        """The services of rules that cannot be read any more, and the targets that were told of them before."""
        services: dict[str, list[Result]] = {}
        for result in broken:
            services.setdefault(result.check, []).append(result)
        if not services:
            return []
        try:
            targets = store.outbox.targets_of(services)
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

    def send(self, rules: Iterable[Rule], store: Store) -> dict[str, int]:
        """Send what is due in the outbox, whichever rule it came from, and count the outcomes by stage.

        The targets are those that rules name, or what the reporters of the book make of the stored ones. To be called
        by the one who holds the feeder's lock.
        """
        counts: dict[str, int] = {}
        outbox = store.outbox
        now = self._edges.now()
        try:
            outbox.recover(now)
            reports = self._reports_of(outbox.deliveries([Stage.PENDING]), rules)
            due = outbox.take_due(now, list(reports))
        except StoreError as error:
            self._trouble.add(f"nothing is reported: {error}")
            return counts

        def settle(delivery: Delivery, receipt: Receipt) -> None:
            receipt = _cleaned(receipt)
            try:
                stage = outbox.settle(delivery, receipt, self._edges.now())
            except StoreError as error:
                self._trouble.add(str(error))
                return
            counts[stage.value] = counts.get(stage.value, 0) + 1
            _log_outcome(delivery, receipt)

        send(sendings_of(due, reports), self._edges, carry_out, Job, settle)
        return counts

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
