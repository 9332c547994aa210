"""Checkmk's call `get_sla`: requests out, results in, one request after the other.

Each request asks for one time range, so that the answer needs no guess about which range a result is of, and for so few
results that its answer stays small. All parameters go in the form body, which no access log holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from checkmill.api.v1 import ConfigurationError, Flow, Response, TooLargeError, heavy, now
from checkmill_checkmk.agreements import Agreement
from checkmill_checkmk.answers import refusal, text_of
from checkmill_checkmk.periods import Period
from checkmill_checkmk.reading import Refused, read
from checkmill_checkmk.results import Results, results_from
from checkmill_checkmk.settings import Service, Settings, SlaQuery, listed, services_in

T = TypeVar("T")
#: How far the site's clock may be from the one here, in seconds, to be taken for the one that its periods go by. An
#: answer that claims more may be a copy of an old one.
CLOCKS_APART_S = 900.0
_DATE = re.compile(r"[A-Za-z]{3}, [0-9]{2} [A-Za-z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")


@dataclass(frozen=True)
class Batch:
    """What one request asks for: every SLA of every service, over one time range."""

    slas: tuple[str, ...]
    period: Period
    services: tuple[Service, ...]


def get_sla(settings: Settings, query: SlaQuery) -> Flow[Results]:
    """What is known of every SLA of every service over every time range that is asked for.

    Raises `ConfigurationError` where neither the query nor the source names SLAs and services, and the first failure.
    """
    slas = listed(query.sla) or listed(settings.sla)
    services = services_in(query.services) or services_in(settings.services)
    if not slas:
        raise ConfigurationError("no SLA is named; write sla: [id, ...] in the source or under query")
    if not services:
        raise ConfigurationError(
            "no service is named; write services: [[host, service], ...] in the source or in query"
        )
    answers: list[tuple[Batch, float, Sequence[Agreement]]] = []
    waited_s = 0.0
    for batch in batches(slas, query.periods, services, settings.batch):
        agreements, asked_at, elapsed_s = yield from _ask(settings, batch)
        answers.append((batch, asked_at, agreements))
        waited_s += elapsed_s
    found = (
        result
        for batch, asked_at, agreements in answers
        for result in results_from(batch.slas, batch.services, batch.period, agreements, asked_at)
    )
    return Results.gathered(found, waited_s, settings.time_zone)


def batches(slas: Sequence[str], periods: Sequence[Period], services: Sequence[Service], most: int) -> Iterator[Batch]:
    """Cut what is asked for into requests with at most `most` results each, or with one service and SLA."""
    for period in periods:
        room = max(1, most // period.most)
        for some_slas in _pieces(slas, room):
            for some_services in _pieces(services, max(1, room // len(some_slas))):
                yield Batch(tuple(some_slas), period, tuple(some_services))


def request_text(batch: Batch, request_format: str) -> str:
    """The request object of a batch as text: one entry of SLAs, one time range, and services."""
    pairs = dict.fromkeys((one.host, one.service) for one in batch.services)
    entry = [list(batch.slas), [batch.period.text], [list(pair) for pair in pairs]]
    return json.dumps({"query": [entry]}) if request_format == "json" else _python({"query": [entry]})


def _ask(settings: Settings, batch: Batch) -> Flow[tuple[Sequence[Agreement], float, float]]:
    """The agreements of a batch, when they were asked for (epoch seconds by the site's clock), and how long it took."""
    asked_at = yield from now()
    form = {
        "action": "get_sla",
        "_username": settings.username,
        "_secret": settings.secret,
        "request_format": settings.request_format,
        # Answers have tuples for keys, which JSON cannot write.
        "output_format": "python",
        "request": request_text(batch, settings.request_format),
    }
    try:
        # Any status, since a redirect leads to a login and must not be followed, and a 404 says which version answers.
        response = yield from settings.post(settings.path, form=form, any_status=True)
        answer = yield from heavy(read, text_of(response, settings.username))
    except TooLargeError as error:
        smaller = f"; a smaller batch than {settings.batch} asks for less at once" if "batch" not in str(error) else ""
        raise TooLargeError(f"{error}{smaller}") from None
    if isinstance(answer, Refused):
        raise refusal(answer.said, settings.username)
    site_at = _date_of(response)
    if site_at is not None and abs(site_at - (yield from now())) <= CLOCKS_APART_S:
        asked_at = site_at - response.elapsed_s
    return answer, asked_at, response.elapsed_s


def _date_of(response: Response) -> float | None:
    """The time of the site's clock, as its answer's header says it (RFC 9110, 6.6.1)."""
    header = response.headers.get("date", "").strip()
    if not _DATE.fullmatch(header):
        return None
    # Imported only where an answer has the header.
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(header).timestamp()
    except (ValueError, OverflowError):
        return None


def _pieces(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def _python(value: object) -> str:
    """A Python literal in ASCII that versions 2 and 3 read alike: text beyond ASCII is marked as such."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_python(name)}: {_python(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_python, value)) + "]"
    text = str(value)
    return ascii(text) if text.isascii() else f"u{text!a}"
