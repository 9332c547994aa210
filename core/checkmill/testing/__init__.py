"""For plugin authors: flows played with plain values, the plugin's own sandbox as the vendor, a conformance suite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from checkmill.model.errors import SourceError, error_for_status
from checkmill.model.flow import Attempt, Call, Flow, Now, Request, Response, Together
from checkmill.model.sandbox import App, Asked

T = TypeVar("T")
Responder = Callable[[Request], Response]


def play(flow: Flow[T], respond: Responder, at: float = 0.0) -> T:
    """Carry out a flow with a function that answers each request, and give what the flow returns.

    A response without success raises in the flow what the driver would raise; `respond` may raise a `SourceError`.
    `at` is the time (epoch seconds) that a flow which asks for it is told.
    """
    answer: Any = None
    error: SourceError | None = None
    while True:
        try:
            call = flow.send(answer) if error is None else flow.throw(error)
        except StopIteration as end:
            value: T = end.value
            return value
        answer = error = None
        try:
            answer = _carry_out(call, respond, at)
        except SourceError as failure:
            error = failure


def vendor(app: App) -> Responder:
    """Make a responder of a sandbox's function, so that flows can be played against the simulated vendor."""

    def respond(request: Request) -> Response:
        url = urlsplit(request.url())
        asked = Asked(
            method=request.method,
            path=url.path,
            params=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in request.sent_headers().items()},
            body=request.sent_body() or b"",
        )
        answer = app(asked)
        return Response(status=answer.status, headers=answer.headers, body=answer.sent_body(), url=request.shown_url())

    return respond


def _carry_out(call: Call | Flow[Any], respond: Responder, at: float) -> Any:
    if isinstance(call, Request):
        response = respond(call)
        if not (response.ok or call.any_status):
            raise error_for_status(response.status, call.shown_url())
        return response
    if isinstance(call, Together):
        return [_carry_out(item, respond, at) for item in call.items]
    if isinstance(call, Attempt):
        try:
            return _carry_out(call.item, respond, at)
        except SourceError as failure:
            return failure
    if isinstance(call, Now):
        return at
    return play(call, respond, at)
