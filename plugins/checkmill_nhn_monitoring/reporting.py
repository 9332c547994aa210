"""The `nhn-batchmon` reporter: results pushed to batch scenarios, and what became of each delivery.

The service stores what is posted and compares it later, unseen by the caller, with the validation that was entered
when the scenario was made in the console. Enter there, for the default body:

    JSONPath $.state      operator EQ   operand OK

or `$.exit_code` EQ `0`, `$.counts.CRITICAL` EQ `0` and so on. An accepted delivery says "queued for verification" and
never that the scenario is well. Silence is a signal too, for scenarios that count posts: OK results are posted as well.

An outcome is decided by the HTTP status and by `header`, never by `serviceCode`, which is the number of the service:

    accepted   2xx, a header that says success, and the scenario's id echoed
    refused    2xx with a header that says failure, 3xx, 4xx but 429
    not sent   429, 503, and whatever fails before a request can arrive: DNS, connect, TLS, configuration
    unknown    a later time-out, a reset, any other 5xx, a 2xx that cannot be read, an id that is not echoed

A multiple post is unknown as well after 408, 425 and 499, with which somebody on the way gives up waiting: it is posted
one by one only if the service itself refused it. An id that is a UUID is the same in capitals; it is sent as written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from checkmill.api.v1 import (
    Flow,
    LoginError,
    Outcome,
    ParseError,
    RateLimitError,
    Receipt,
    RedirectError,
    Reporter,
    Response,
    SourceError,
    StatusError,
    attempt,
    now,
    together,
)
from checkmill_nhn_monitoring.calls import post_multiple, post_single
from checkmill_nhn_monitoring.envelope import Envelope, envelope_of, one_line
from checkmill_nhn_monitoring.sandbox import BATCHMON_SANDBOX
from checkmill_nhn_monitoring.settings import BatchmonSettings, BatchmonTarget

#: The default body. The service keeps and echoes what it gets, so hosts, labels and details stay at home.
DEFAULT_BODY = (
    '{"state": {{ state | tojson }}, "exit_code": {{ exit_code | tojson }}, "output": {{ output | tojson }},'
    ' "checked_at": {{ checked_at | tojson }}, "counts": {{ counts | tojson }}, "services": ['
    "{% for service in services %}"
    '{"check": {{ service.check | tojson }}, "service": {{ service.service | tojson }},'
    ' "state": {{ service.state | tojson }}, "output": {{ service.output | tojson }}}'
    '{{ "" if loop.last else ", " }}'
    "{% endfor %}]}"
)

QUEUED = "accepted (queued for verification)"

#: How long the single posts after a refused multiple post may be begun, in times of one delivery: as long as that one
#: may have taken, and as long once more. What is begun last has a time of its own then.
_TIMES_TO_BEGIN = 2

_NOT_NOW = {429, 503}
_GIVEN_UP = {408, 425, 499}
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_WAIT_DIGITS = 9


def deliver(settings: BatchmonSettings, target: BatchmonTarget, body: str) -> Flow[Receipt]:
    """Post a body, the text of a JSON object, to one scenario."""
    answer = yield from attempt(post_single(settings, target.scenario, _sendable(body)))
    taken = _taken(answer, (yield from _wait_of(answer)))
    if isinstance(taken, Receipt):
        return taken
    return _receipt_for(target.scenario, taken, [taken.body])


def deliver_many(settings: BatchmonSettings, targets: Sequence[BatchmonTarget], body: str) -> Flow[Sequence[Receipt]]:
    """Post one body to several scenarios: as one multiple post, and one by one if that is refused.

    A refused multiple post was verified for no scenario, so posting again counts nothing twice, and one wrong id does
    not silence the rest. After any other failure nothing is posted again. Ids that stand twice go one by one at once,
    since it is not documented what the service makes of them. Single posts for which no time is left are not begun. The
    receipts are in the order of the targets.
    """
    if not targets:
        return []
    if len(targets) == 1:
        return [(yield from deliver(settings, targets[0], body))]
    until = (yield from now()) + _TIMES_TO_BEGIN * settings.delivery_s
    scenarios = [target.scenario for target in targets]
    if len({_as_known(scenario) for scenario in scenarios}) < len(scenarios):
        return (yield from _one_by_one(settings, targets, body, until))
    answer = yield from attempt(post_multiple(settings, scenarios, _sendable(body)))
    taken = _taken(answer, (yield from _wait_of(answer)))
    if isinstance(taken, Envelope):
        echoes = taken.body if isinstance(taken.body, list) else []
        return [_receipt_for(scenario, taken, echoes) for scenario in scenarios]
    if taken.outcome is not Outcome.REFUSED:
        return [taken for _ in targets]
    if isinstance(answer, Response | StatusError) and answer.status in _GIVEN_UP:
        return [replace(taken, outcome=Outcome.UNKNOWN) for _ in targets]
    return (yield from _one_by_one(settings, targets, body, until))


def _one_by_one(
    settings: BatchmonSettings, targets: Sequence[BatchmonTarget], body: str, until: float
) -> Flow[Sequence[Receipt]]:
    """Post to one scenario after the other, as many side by side as may be; none is begun after `until`."""
    receipts: list[Receipt] = []
    at_once = max(1, settings.workers)
    for first in range(0, len(targets), at_once):
        if (yield from now()) >= until:
            late = Receipt(Outcome.NOT_SENT, "the posts before it left no time for it")
            return receipts + [late] * (len(targets) - first)
        wave = targets[first : first + at_once]
        receipts += yield from together([deliver(settings, target, body) for target in wave])
    return receipts


def _taken(answer: Response | SourceError, wait_s: float | None) -> Envelope | Receipt:
    """The envelope of a post that the service took, or the receipt of one that it did not take, or may not have."""
    if isinstance(answer, SourceError):
        return Receipt(_outcome_of_error(answer), one_line(answer.sentence), retry_after_s=wait_s)
    try:
        envelope = envelope_of(answer)
    except ParseError as error:
        if answer.ok:
            return Receipt(Outcome.UNKNOWN, one_line(error.sentence))
        return Receipt(_outcome_of_status(answer.status), f"HTTP {answer.status}", retry_after_s=wait_s)
    if answer.ok and envelope.successful:
        return envelope
    said = envelope.message or "no reason given"
    return Receipt(
        Outcome.REFUSED if answer.ok else _outcome_of_status(answer.status),
        said if answer.ok else f"HTTP {answer.status}: {said}",
        code=envelope.code,
        request_id=_request_id_of(envelope.body),
        retry_after_s=wait_s,
    )


def _receipt_for(scenario: str, envelope: Envelope, echoes: Sequence[Any]) -> Receipt:
    for echo in echoes:
        named = echo.get("scenarioId") if isinstance(echo, dict) else None
        if isinstance(named, str) and _as_known(named) == _as_known(scenario):
            return Receipt(Outcome.ACCEPTED, QUEUED, code=envelope.code, request_id=_request_id_of(echo))
    message = one_line(f"parse: the answer says success but does not name scenario {scenario}")
    return Receipt(Outcome.UNKNOWN, message, code=envelope.code)


def _as_known(scenario: str) -> str:
    """An id as it is compared: the letters of a UUID are the same in capitals, those of any other id are not."""
    return scenario.lower() if _UUID.fullmatch(scenario) else scenario


def _outcome_of_status(status: int) -> Outcome:
    """What an HTTP status without success means for a post."""
    if status in _NOT_NOW:
        return Outcome.NOT_SENT
    return Outcome.REFUSED if 300 <= status <= 499 else Outcome.UNKNOWN


def _outcome_of_error(error: SourceError) -> Outcome:
    """What a failure means for a post; a driver may also raise a status as an error."""
    if not error.arrived or isinstance(error, RateLimitError):
        return Outcome.NOT_SENT
    if isinstance(error, StatusError):
        return _outcome_of_status(error.status)
    return Outcome.REFUSED if isinstance(error, RedirectError | LoginError) else Outcome.UNKNOWN


def _request_id_of(body: Any) -> str:
    """The id under which the vendor's support finds a post."""
    pk = body.get("pk") if isinstance(body, dict) else None
    request_id = pk.get("requestId") if isinstance(pk, dict) else None
    return one_line(request_id) if isinstance(request_id, str) else ""


def _wait_of(answer: Response | SourceError) -> Flow[float | None]:
    """How long the service wants to be left alone, in seconds: its Retry-After, a number of them or a date."""
    if isinstance(answer, SourceError):
        return answer.retry_after_s
    said = answer.headers.get("retry-after", "").strip()
    if answer.status not in _NOT_NOW or not said.isascii():
        return None
    if said.isdigit():
        return float(said) if len(said) <= _LONGEST_WAIT_DIGITS else None
    until = _moment(said)
    return None if until is None else max(0.0, until - (yield from now()))


def _moment(said: str) -> float | None:
    """The epoch seconds of a date as HTTP writes it; None for anything else."""
    if not said[:1].isalpha():
        return None
    # Imported here: few answers carry a date, and the parser of mail dates is not small.
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(said)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _sendable(body: str) -> str:
    """The text without lone surrogates, which no UTF-8 can carry."""
    return body.encode(errors="replace").decode()


NHN_BATCHMON = Reporter(
    type="nhn-batchmon",
    settings=BatchmonSettings,
    target=BatchmonTarget,
    deliver=deliver,
    deliver_many=deliver_many,
    body=DEFAULT_BODY,
    content="json object",
    help="batch monitoring of NHN Cloud Service Monitoring",
    sandbox=BATCHMON_SANDBOX,
)
