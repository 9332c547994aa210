"""Last step of a run: results become deliveries, and deliveries are sent.

A delivery is what one target of one reporter gets of one run: the worst state, and all services that report there. It
is in the outbox before it is sent, and its body holds no secret: those join on the wire. What makes two targets the
same, and targets that each service fills in for itself, are in `targeting`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from checkmill.edges import Edges
from checkmill.model.delivery import Delivery
from checkmill.model.errors import LoginError, RateLimitError, RedirectError, SourceError, StatusError
from checkmill.model.moments import iso_utc
from checkmill.model.reporter import ConfiguredReporter, Outcome, Receipt, Report
from checkmill.model.result import Result, result_as_json
from checkmill.model.rule import Rule
from checkmill.model.secret import redact
from checkmill.model.settings import Target
from checkmill.model.state import State, worst_of
from checkmill.model.templates import LONGEST_BODY, TemplateError, filled
from checkmill.steps.reporting.targeting import (
    TargetError,
    may_be_same,
    reports_for,
    stored_target,
    target_text,
)

__all__ = [
    "TargetError",
    "deliveries_of",
    "may_be_same",
    "send",
    "sendings_of",
    "stored_target",
    "target_text",
]

#: A state that old is not the state any more.
EXPIRES_S = 3600.0
#: Deadline of one delivery, unless the reporter's settings say otherwise.
TIMEOUT_S = 10.0
HTTP_UNAVAILABLE = 503

log = logging.getLogger("checkmill.reporting")


@dataclass(frozen=True)
class Sending:
    """Deliveries with one body that go to one reporter together, and the targets they are for."""

    reporter: ConfiguredReporter
    targets: tuple[Target, ...]
    deliveries: tuple[Delivery, ...]


def deliveries_of(
    results: Iterable[tuple[Rule, Sequence[Result]]],
    now: float,
    only: Collection[str] | None = None,
    broken: Iterable[tuple[Report, Sequence[Result]]] = (),
) -> tuple[list[Delivery], list[str]]:
    """Make the deliveries of a run, and say which could not be made.

    With `only`, the names of checks, no others than those to targets that one of these reports to. `broken` are the
    services of rules that cannot be read any more, with the targets that used to hear of them.
    """
    gathered: dict[tuple[str, str], tuple[Report, list[Result]]] = {}
    wanted: set[tuple[str, str]] = set()
    complaints: list[str] = []
    for rule, own in results:
        for key, report, services in reports_for(rule, own, complaints):
            gathered.setdefault(key, (report, []))[1].extend(services)
            if only is None or rule.name in only:
                wanted.add(key)
    for report, unknown in broken:
        key = (report.reporter.name, target_text(report.key))
        gathered.setdefault(key, (report, []))[1].extend(unknown)
        wanted.add(key)
    deliveries: list[Delivery] = []
    for (name, target), (report, services) in gathered.items():
        if (name, target) not in wanted:
            continue
        try:
            body = body_of(report, services)
        except (TemplateError, ValueError) as error:
            complaints.append(f"reporter {name}: the body for {target} cannot be made: {redact(str(error))}")
            continue
        deliveries.append(
            Delivery(
                reporter=name,
                target=target,
                state=worst_of(one.state for one in services).value,
                services=tuple(dict.fromkeys(one.service for one in services)),
                checks=tuple(dict.fromkeys(one.check for one in services)),
                body=body,
                created_at=now,
                expires_at=now + EXPIRES_S,
                repeat_unknown=report.target is not None and report.target.repeat_unknown,
            )
        )
    return deliveries, complaints


def body_of(report: Report, services: Sequence[Result]) -> str:
    """Fill in the body of one delivery. Raises TemplateError, or ValueError when it is not what the reporter takes."""
    states = [one.state for one in services]
    worst = worst_of(states)
    lead = next(one for one in services if one.state is worst)
    count = sum(1 for state in states if state is not State.OK)
    summary = f"{count} of {len(services)} services not OK: {lead.service}: {lead.output}"
    well = lead.output if len(services) == 1 else f"{len(services)} services OK"
    checked_at = min(one.checked_at for one in services)
    text = filled(
        report.reporter.body,
        {
            "state": worst.value,
            "exit_code": worst.exit_code,
            "output": summary if count and len(services) > 1 else well,
            "checked_at": iso_utc(checked_at),
            "services": [result_as_json(one, iso_utc(one.checked_at)) for one in services],
            "counts": {state.value: states.count(state) for state in State},
            "target": dict(report.key),
        },
        LONGEST_BODY,
    )
    text = _clean(text)
    if report.reporter.type.content == "json object" and not _is_json_object(text):
        raise ValueError("the template gives no JSON object")
    return text


def _is_json_object(text: str) -> bool:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return isinstance(json.loads(text, parse_constant=refuse), dict)
    except (ValueError, RecursionError):
        return False


def sendings_of(deliveries: Iterable[Delivery], reports: Mapping[tuple[str, str], Report]) -> list[Sending]:
    """Put together what one call can deliver: equal bodies for several targets of one reporter.

    `reports` gives the reporter and the target of each, by the names that deliveries have for them.
    """
    gathered: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in deliveries:
        gathered.setdefault((delivery.reporter, delivery.body), []).append(delivery)
    sendings = []
    for same in gathered.values():
        reporter = reports[same[0].reporter, same[0].target].reporter
        groups = [same] if reporter.type.deliver_many is not None else [[one] for one in same]
        for group in groups:
            targets = (reports[one.reporter, one.target].target for one in group)
            sendings.append(Sending(reporter, tuple(one for one in targets if one is not None), tuple(group)))
    return sendings


CarryOut = Callable[..., list[Any]]
Settle = Callable[[Delivery, Receipt], None]


def send(
    sendings: Sequence[Sending], edges: Edges, carry_out: CarryOut, job: Callable[..., Any], settle: Settle
) -> None:
    """Carry out sendings; each delivery is settled as soon as its outcome is known."""
    jobs = [
        job(
            name=f"reporter {one.reporter.name}",
            group=f"reporter {one.reporter.name}",
            settings=one.reporter.settings,
            start=_start(one),
            timeout_s=one.reporter.settings.timeout or TIMEOUT_S,
            merge_reads=False,
        )
        for one in sendings
    ]

    def done(index: int, outcome: Any) -> None:
        for delivery, receipt in zip(sendings[index].deliveries, _receipts(sendings[index], outcome), strict=True):
            settle(delivery, receipt)

    carry_out(jobs, edges, on_done=done)


def _start(sending: Sending) -> Callable[[], Any]:
    kind, settings = sending.reporter.type, sending.reporter.settings
    body = sending.deliveries[0].body
    if kind.deliver_many is not None and len(sending.targets) > 1:
        many = kind.deliver_many
        return lambda: many(settings, sending.targets, body)
    return lambda: kind.deliver(settings, sending.targets[0], body)


def _receipts(sending: Sending, done: Any) -> list[Receipt]:
    """A receipt for each delivery, without secrets; a flow that failed has told the outcome by its error."""
    if done.error is not None:
        return [_storable(_receipt_of(done.error))] * len(sending.deliveries)
    given = done.value if isinstance(done.value, list | tuple) else [done.value]
    if len(given) == len(sending.deliveries) and all(isinstance(one, Receipt) for one in given):
        return [_storable(one) for one in given]
    log.error("reporter %s gave no receipt for each delivery", sending.reporter.name)
    return [Receipt(Outcome.UNKNOWN, "the plugin gave no receipt")] * len(sending.deliveries)


def _receipt_of(error: SourceError) -> Receipt:
    return Receipt(_outcome_of(error), error.sentence, retry_after_s=error.retry_after_s)


def _outcome_of(error: SourceError) -> Outcome:
    """What a failure means for a delivery whose flow did not say so itself."""
    if not error.arrived or isinstance(error, RateLimitError):
        return Outcome.NOT_SENT
    if isinstance(error, StatusError):
        if error.status == HTTP_UNAVAILABLE:
            return Outcome.NOT_SENT
        return Outcome.REFUSED if 400 <= error.status <= 499 else Outcome.UNKNOWN
    return Outcome.REFUSED if isinstance(error, RedirectError | LoginError) else Outcome.UNKNOWN


def _storable(receipt: Receipt) -> Receipt:
    """The receipt as it can be kept: a receiver may echo a secret."""
    return replace(
        receipt, message=_clean(receipt.message), code=_clean(receipt.code), request_id=_clean(receipt.request_id)
    )


def _clean(text: str) -> str:
    """The text without secrets, and without halves of surrogate pairs, which can neither be stored nor sent."""
    return redact(str(text)).encode(errors="replace").decode()
