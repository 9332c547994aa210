"""The policy for one request: deadline, retries with backoff, redirects, and which failure is worth another try.

No I/O: it yields moves, and both executors make them alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from checkmill.model.errors import ConnectError, DeadlineError, RedirectError, error_for_status
from checkmill.model.flow import Request, Response
from checkmill.model.secret import redact, shortened
from checkmill.steps.fetching.moves import Answer, Failure, Once, Outgoing, Steps, Terms, Transmit, Wait
from checkmill.steps.fetching.outgoing import MOST_HOPS, REDIRECTS, outgoing_of, redirected
from checkmill.steps.fetching.watching import Following

FIRST_BACKOFF_S = 0.2
#: Statuses that a healthy vendor gives for a moment.
PASSING_STATUSES = {500, 502, 503, 504}
#: Statuses whose Retry-After says when to come back.
WAITING_STATUSES = {429, 503}
PROXY_LOGIN_NEEDED = 407
PARTIAL = 206
LONGEST_EXCERPT = 120
_MOST_EXCERPTED = 1 << 16
_SECONDS = re.compile(r"\d{1,9}(?:\.\d*)?", re.ASCII)


def reading(request: Request, terms: Terms) -> Steps:
    """Send a request, or share the answer of an equal read of this group. Gives a `Response`."""
    outgoing = outgoing_of(request)
    if not (terms.merge_reads and request.repeatable and request.method == "GET" and request.reach is None):
        return (yield from _sending(request, outgoing, terms))
    key = (
        outgoing.url,
        tuple(sorted(outgoing.headers)),
        outgoing.body,
        request.any_status,
        request.timeout_s,
        terms.max_size,
        # What an ended session was answered is no answer for the next one.
        None if terms.visit is None else terms.visit.used,
    )
    return (yield Once(key, terms.deadline, _sending(request, outgoing, terms)))


def _sending(request: Request, outgoing: Outgoing, terms: Terms) -> Steps:
    for _ in range(MOST_HOPS + 1):
        with Following(terms, outgoing.method, outgoing.shown) as following:
            answer = yield from _trying(request, outgoing, terms, following)
        if request.any_status or answer.status not in REDIRECTS:
            return Response(
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                url=outgoing.shown,
                elapsed_s=answer.elapsed_s,
            )
        outgoing = redirected(request, outgoing, answer, terms.settings)
    raise RedirectError(f"{outgoing.where} redirects more than {MOST_HOPS} times")


def _trying(request: Request, outgoing: Outgoing, terms: Terms, following: Following) -> Steps:
    """Send until there is an answer worth having, or no further try is allowed. Gives an `Answer`."""
    tries = 0
    while True:
        if terms.left_s() <= 0:
            late = DeadlineError(f"no time was left to ask {outgoing.where}")
            late.arrived = tries > 0
            raise late
        following.try_once()
        outcome = yield _transmission(request, outgoing, terms)
        if isinstance(outcome, Answer):
            following.came(status=outcome.status, size=len(outcome.body))
        if not isinstance(outcome, Answer):
            failure = outcome
        elif _is_refusal(outcome, request, outgoing, terms):
            failure = _refusal(outcome, outgoing, terms.edges.now())
        elif outcome.broken is None:
            return outcome
        else:
            failure = outcome.broken
        again_at = _next_try(failure, tries, request, terms)
        if again_at is None:
            raise failure.error
        tries += 1
        yield Wait(again_at)


def _transmission(request: Request, outgoing: Outgoing, terms: Terms) -> Transmit:
    settings = terms.settings
    return Transmit(
        outgoing=outgoing,
        deadline=terms.deadline,
        timeout_s=float("inf") if request.timeout_s is None else request.timeout_s,
        connect_timeout_s=settings.connect_timeout,
        read_timeout_s=settings.read_timeout,
        max_size=terms.max_size,
    )


def _is_refusal(answer: Answer, request: Request, outgoing: Outgoing, terms: Terms) -> bool:
    """Whether an answer is told as an error by its status.

    Of one whose body cannot be read the status is all that is known, also to who wants every status. Only where the
    address was named by a vendor that is left to who asked: the status of whatever is there means little.
    """
    if not request.any_status:
        return not _is_answer(answer, request)
    if outgoing.reach is not None:
        return False
    if answer.status == PROXY_LOGIN_NEEDED and outgoing.scheme == "http" and terms.settings.proxy is not None:
        return True
    return answer.broken is not None and not 200 <= answer.status <= 299


def _is_answer(answer: Answer, request: Request) -> bool:
    """Whether the status is a success, or a redirect that says where to. A part nobody asked for is no success."""
    if answer.status == PARTIAL and not any(name.lower() == "range" for name in request.headers):
        return False
    return 200 <= answer.status <= 299 or (answer.status in REDIRECTS and "location" in answer.headers)


def _next_try(failure: Failure, tries: int, request: Request, terms: Terms) -> float | None:
    """When to try again, or None: not passing, not safe, tried enough, or not before the deadline."""
    if not failure.passing or tries >= terms.settings.retries or request.reach is not None:
        return None
    if not request.repeatable and failure.error.arrived:
        return None
    backoff_s = FIRST_BACKOFF_S * 2**tries * (0.5 + terms.edges.chance())
    wait_s = max(backoff_s, failure.error.retry_after_s or 0.0)
    return terms.edges.monotonic() + wait_s if wait_s < terms.left_s() else None


def _refusal(answer: Answer, outgoing: Outgoing, now: float) -> Failure:
    """What a status without success means."""
    if answer.status == PROXY_LOGIN_NEEDED and outgoing.reach is None:
        return Failure(ConnectError(f"the proxy before {outgoing.where} wants a login (HTTP 407)"))
    retry_after_s = retry_after(answer.headers, now)
    error = error_for_status(
        answer.status, outgoing.shown, retry_after_s=retry_after_s, said="" if answer.broken else excerpt(answer)
    )
    asked_to_wait = answer.status in WAITING_STATUSES and retry_after_s is not None
    return Failure(error, passing=asked_to_wait or answer.status in PASSING_STATUSES)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The Retry-After of an answer in seconds from now: a number or an HTTP date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    if not text or text[0].isdigit() or text[0] == "-":
        return None
    # Imported here: few answers carry a date, and the parser of mail dates is not small.
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def excerpt(answer: Answer) -> str:
    """What the vendor said, in one short line without secrets; nothing for HTML or what is no text."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and not (kind == "text/plain" or kind.endswith(("/json", "+json"))):
        return ""
    try:
        # Redacted whole: a secret that is cut in two is not found any more.
        text = redact(answer.body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return ""
    line = " ".join(text[:_MOST_EXCERPTED].split())
    if line.startswith("<") or not line.isprintable():
        return ""
    return shortened(line, LONGEST_EXCERPT)
