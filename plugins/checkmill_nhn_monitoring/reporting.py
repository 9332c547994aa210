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
"""

from __future__ import annotations

from collections.abc import Sequence
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

_NOT_NOW = {429, 503}
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
    since it is not documented what the service makes of them. The receipts are in the order of the targets.
    """
    scenarios = [target.scenario for target in targets]
    if not targets:
        return []
    if len(targets) == 1:
        return [(yield from deliver(settings, targets[0], body))]
    if len(set(scenarios)) < len(scenarios):
        return (yield from _one_by_one(settings, targets, body))
    answer = yield from attempt(post_multiple(settings, scenarios, _sendable(body)))
    taken = _taken(answer, (yield from _wait_of(answer)))
    if isinstance(taken, Envelope):
        echoes = taken.body if isinstance(taken.body, list) else []
        return [_receipt_for(scenario, taken, echoes) for scenario in scenarios]
    if taken.outcome is Outcome.REFUSED:
        return (yield from _one_by_one(settings, targets, body))
    return [taken for _ in targets]


def _one_by_one(settings: BatchmonSettings, targets: Sequence[BatchmonTarget], body: str) -> Flow[Sequence[Receipt]]:
    return (yield from together([deliver(settings, target, body) for target in targets]))


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
        if isinstance(echo, dict) and echo.get("scenarioId") == scenario:
            return Receipt(Outcome.ACCEPTED, QUEUED, code=envelope.code, request_id=_request_id_of(echo))
    message = one_line(f"parse: the answer says success but does not name scenario {scenario}")
    return Receipt(Outcome.UNKNOWN, message, code=envelope.code)


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
