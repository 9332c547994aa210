"""Steps through a plugin's flow, inside a wall: whatever the plugin does, the outside sees a value or a SourceError."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any

from checkmill.model.errors import DeadlineError, PluginError, SourceError
from checkmill.model.flow import Attempt, Flow, Now, Request, Together
from checkmill.model.secret import redact
from checkmill.steps.fetching.moves import AllOf, Steps, Terms
from checkmill.steps.fetching.sending import reading


def performing(start: Callable[[], Flow[Any] | Any], terms: Terms) -> Steps:
    """Start a job and step through its flow; a start that is no flow has the result already."""
    started = _inside_wall(terms.name, start)
    if isinstance(started, Coroutine):
        started.close()
        raise PluginError(f"{terms.name} is a coroutine; write a generator that yields requests")
    if isinstance(started, Generator):
        return (yield from _flowing(started, terms))
    return started


def _flowing(flow: Flow[Any], terms: Terms) -> Steps:
    answer: Any = None
    error: SourceError | None = None
    try:
        while True:
            ended, call = _inside_wall(terms.name, _next_call, flow, answer, error)
            if ended:
                return call
            if not isinstance(call, Request | Together | Attempt | Now | Generator):
                raise PluginError(f"{terms.name} yields a {type(call).__name__}, which is neither a call nor a flow")
            if terms.left_s() <= 0:
                # Not thrown in: a flow that answers every failure with one more call would never end.
                raise error if isinstance(error, DeadlineError) else _too_late(terms.name)
            answer = error = None
            try:
                answer = yield from _answering(call, terms)
            except SourceError as failure:
                error = failure
    finally:
        _close(flow, terms.name)


def _answering(call: object, terms: Terms) -> Steps:
    if isinstance(call, Request):
        return (yield from reading(call, terms))
    if isinstance(call, Now):
        return terms.edges.now()
    if isinstance(call, Together):
        return (yield AllOf(tuple(_answering(item, terms) for item in call.items)))
    if isinstance(call, Attempt):
        try:
            return (yield from _answering(call.item, terms))
        except SourceError as failure:
            return failure
    if isinstance(call, Generator):
        return (yield from _flowing(call, terms))
    raise PluginError(f"{terms.name} asks for a {type(call).__name__}, which is neither a call nor a flow")


def _next_call(flow: Flow[Any], answer: Any, error: SourceError | None) -> tuple[bool, Any]:
    """The next call of a flow, or what it returned: whether it has ended, and which."""
    try:
        return False, flow.send(answer) if error is None else flow.throw(error)
    except StopIteration as end:
        return True, end.value


def _inside_wall(name: str, act: Callable[..., Any], *parts: Any) -> Any:
    try:
        return act(*parts)
    except SourceError:
        raise
    except BaseException as crash:  # noqa: BLE001 - the wall: a plugin may raise anything, sys.exit included
        raise crashed(name, crash) from None


def _close(flow: Flow[Any], name: str) -> None:
    try:
        flow.close()
    except BaseException as crash:  # noqa: BLE001 - the wall again: a flow may refuse to close
        crashed(name, crash)


def crashed(name: str, crash: BaseException) -> PluginError:
    """Log the traceback of a plugin's crash without secrets, and give the error that stands for it."""
    log_crash(name, crash)
    return PluginError(f"{name} failed with {type(crash).__name__}; the log has the traceback")


def log_crash(name: str, crash: BaseException) -> None:
    """Write a traceback to the log, without secrets."""
    # Imported here: a run without a crash pays for neither.
    import logging
    import traceback

    text = "".join(traceback.format_exception(crash))
    logging.getLogger("checkmill").error("%s failed:\n%s", name, redact(text))


def _too_late(name: str) -> DeadlineError:
    return DeadlineError(f"{name} was not done at its deadline")
