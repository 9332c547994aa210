"""For plugin authors: flows played with plain values, the plugin's own sandbox as the vendor, a conformance suite."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from checkmill.model.errors import ConfigurationError, ReadError, SourceError, error_for_status
from checkmill.model.flow import (
    Attempt,
    Call,
    Exchange,
    Exchanged,
    Flow,
    Heavy,
    Now,
    Request,
    Response,
    Session,
    Together,
)
from checkmill.model.sandbox import App, Asked

T = TypeVar("T")
Responder = Callable[[Request], Response]


Converser = Callable[[Exchange], Exchanged | bytes]


def play(
    flow: Flow[T], respond: Responder, at: float = 0.0, *, session: Any = None, converse: Converser | None = None
) -> T:
    """Carry out a flow with a function that answers each request, and give what the flow returns.

    A response without success raises in the flow what the driver would raise; `respond` may raise a `SourceError`.
    `at` is the time (epoch seconds) that a flow which asks for it is told, `session` what it gets for the value of its
    login, and `converse` answers each exchange over TCP or UDP; it may raise a `SourceError` too. What is `heavy` is
    called here and now. A host that the `reach` of a call does not allow is refused; no name is looked up.
    """
    return _Play(respond, at, session, converse).carry_out(flow)


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


@dataclass(frozen=True)
class _Play:
    respond: Responder
    at: float
    session: Any
    converse: Converser | None

    def carry_out(self, flow: Flow[T]) -> T:
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
                answer = self._answer(call)
            except SourceError as failure:
                error = failure

    def _answer(self, call: Call | Flow[Any]) -> Any:
        match call:
            case Request() | Exchange() if call.refusal:
                raise ConfigurationError(call.refusal)
            case Request():
                response = self.respond(call)
                if not (response.ok or call.any_status):
                    raise error_for_status(response.status, call.shown_url())
                return response
            case Together():
                return [self._answer(item) for item in call.items]
            case Attempt():
                try:
                    return self._answer(call.item)
                except SourceError as failure:
                    return failure
            case Now():
                return self.at
            case Session():
                return self.session
            case Exchange():
                return self._exchanged(call)
            case Heavy():
                result = call.function(*call.arguments)
                return self.carry_out(result) if isinstance(result, Generator) else result
            case _:
                return self.carry_out(call)

    def _exchanged(self, call: Exchange) -> Exchanged:
        if self.converse is None:
            raise AssertionError(f"the flow talks to {call.where}: give play a function, converse=..., that answers")
        answer = self.converse(call)
        exchanged = Exchanged(answer, address=call.where) if isinstance(answer, bytes) else answer
        if call.read_bytes is None:
            return exchanged
        count, came = call.whole_length(exchanged.data), len(exchanged.data)
        if count is None or count > came:
            wanted = "its end" if count is None else f"{count} bytes"
            raise ReadError(f"{call.where} closed after {came} bytes, without {wanted}")
        return replace(exchanged, data=exchanged.data[:count])
