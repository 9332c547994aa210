"""What a run hands to the reporters, and what of it needs no telling again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from checkmill.model.delivery import Delivery
from checkmill.model.reporter import Report
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.store import Store, StoreError
from checkmill.store.outbox.handing import Handed

#: By themselves, rules that cannot be read are told of this often, in seconds, as what failed is measured.
AGAIN_S = 54.0


def handed_of(
    reported: Iterable[tuple[Rule, Sequence[Result]]],
    broken: Iterable[tuple[Report, Sequence[Result]]],
    deliveries: Collection[Delivery],
) -> list[Handed]:
    """The checks that deliveries hand over, beside those of which they tell what is known from before.

    A check of which there is no service has nothing to hand over, and did.
    """
    told = {(check, one.reporter) for one in deliveries for check in one.checks}
    found = {}
    for report, services in broken:
        for one in services:
            found[one.check, report.reporter.name] = Handed(one.check, report.reporter.name, None)
    for rule, results in reported:
        lasting_s = rule.interval_s + rule.timeout_s
        for name in {report.reporter.name for report in rule.reports}:
            if not results or (rule.name, name) in told:
                found[rule.name, name] = Handed(rule.name, name, lasting_s)
    return list(found.values())


def is_told_already(
    broken: Iterable[tuple[Report, Sequence[Result]]], store: Store, checks_dir: str, now: float
) -> bool:
    """Whether the targets of all these were told a moment ago that their rules cannot be read."""
    pairs = {(one.check, report.reporter.name) for report, services in broken for one in services}
    try:
        handed = store.handed(checks_dir)
    except StoreError:
        return False
    return pairs <= {(one.name, one.reporter) for one in handed if one.is_broken and 0 <= now - one.handed_at < AGAIN_S}
