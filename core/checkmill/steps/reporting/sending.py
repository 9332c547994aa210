"""Sends deliveries: what one call is to say to which targets, and what came of it for each of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checkmill.model.delivery import Delivery
from checkmill.model.errors import LoginError, RateLimitError, RedirectError, SourceError, StatusError
from checkmill.model.reporter import ConfiguredReporter, Outcome, Receipt, Report
from checkmill.model.settings import Target
from checkmill.steps.reporting.making import cleaned

#: How long deliveries that go together may take, in times of one: the call for all of them, the beginning of calls for
#: each alone where that was refused, and the last of these calls.
TIMES_TOGETHER = 3
HTTP_UNAVAILABLE = 503

log = logging.getLogger("checkmill.reporting")


@dataclass(frozen=True)
class Sending:
    """Deliveries with one body that go to one reporter together, and the targets they are for."""

    reporter: ConfiguredReporter
    targets: tuple[Target, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def timeout_s(self) -> float:
        """How long it may take altogether."""
        one_s = self.reporter.settings.delivery_s
        return one_s * TIMES_TOGETHER if self.goes_together else one_s

    @property
    def goes_together(self) -> bool:
        """Whether one flow delivers to several targets."""
        return self.reporter.type.deliver_many is not None and len(self.targets) > 1


def sending_of(deliveries: Sequence[Delivery], reports: Sequence[Report]) -> Sending:
    """Put deliveries with one body together; `reports` are the reporter and the target of each."""
    targets = tuple(report.target for report in reports if report.target is not None)
    return Sending(reports[0].reporter, targets, tuple(deliveries))


def start_of(sending: Sending) -> Callable[[], Any]:
    """What begins the flow of a sending."""
    kind, settings = sending.reporter.type, sending.reporter.settings
    body = sending.deliveries[0].body
    many = kind.deliver_many
    if many is not None and sending.goes_together:
        return lambda: many(settings, sending.targets, body)
    return lambda: kind.deliver(settings, sending.targets[0], body)


def receipts_of(sending: Sending, value: Any, error: SourceError | None) -> list[Receipt]:
    """A receipt for each delivery, without secrets; a flow that failed has told the outcome by its error."""
    if error is not None:
        return [_storable(_receipt_of(error))] * len(sending.deliveries)
    given = value if isinstance(value, list | tuple) else [value]
    if len(given) == len(sending.deliveries) and all(map(_is_receipt, given)):
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


def _is_receipt(value: Any) -> bool:
    if not isinstance(value, Receipt) or not isinstance(value.outcome, Outcome):
        return False
    return value.retry_after_s is None or isinstance(value.retry_after_s, int | float)


def _storable(receipt: Receipt) -> Receipt:
    """The receipt as it can be kept: a receiver may echo a secret."""
    return replace(
        receipt,
        message=cleaned(receipt.message),
        code=cleaned(receipt.code),
        request_id=cleaned(receipt.request_id),
    )
