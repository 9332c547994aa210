"""Steps through a plugin's flow, inside a wall: whatever the plugin does, the outside sees a value or a SourceError."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from dataclasses import replace
from typing import Any

from checkmill.model.errors import ConfigurationError, DeadlineError, PluginError, SessionExpired, SourceError
from checkmill.model.flow import Attempt, Exchange, Flow, Heavy, Now, Request, Session, Together
from checkmill.model.secret import redact
from checkmill.steps.fetching.moves import LOGIN_OF, AllOf, Apart, Converse, GaveFlow, Once, Steps, Terms
from checkmill.steps.fetching.sending import reading
from checkmill.steps.fetching.sessions import Login, failed_login, refused
from checkmill.steps.fetching.watching import Following

_CALLS = (Request, Together, Attempt, Now, Session, Exchange, Heavy)


def performing(start: Callable[[], Flow[Any] | Any], terms: Terms) -> Steps:
    """Start a job and step through its flow; a start that is no flow has the result already.

    A flow whose session has ended starts once more, with another.
    """
    asked = False
    while True:
        try:
            return (yield from _performing(start, terms, asked=asked))
        except SessionExpired as expired:
            if terms.visit is None:
                raise
            if not terms.visit.may_renew():
                raise refused(expired, terms.visit) from None
            terms, asked = replace(terms, visit=terms.visit.renewed()), True


def _performing(start: Callable[[], Flow[Any] | Any], terms: Terms, *, asked: bool = True) -> Steps:
    started = _inside_wall(terms.name, start)
    if isinstance(started, Coroutine):
        started.close()
        raise PluginError(f"{terms.name} is a coroutine; write a generator that yields requests")
    if isinstance(started, Generator):
        return (yield from _flowing(started, terms, asked=asked))
    return started


def _flowing(flow: Flow[Any], terms: Terms, *, asked: bool = True) -> Steps:
    """Step through a flow; `asked` says whether something of its job may have been sent before."""
    answer: Any = None
    error: SourceError | None = None
    try:
        while True:
            ended, call = _inside_wall(terms.name, _next_call, flow, answer, error)
            if ended:
                return call
            if not isinstance(call, (*_CALLS, Generator)):
                raise PluginError(f"{terms.name} yields a {type(call).__name__}, which is neither a call nor a flow")
            if terms.left_s() <= 0:
                # Not thrown in: a flow that answers every failure with one more call would never end.
                raise error if isinstance(error, DeadlineError) else _too_late(terms.name, asked)
            answer = error = None
            asked = True
            try:
                answer = yield from _answering(call, terms)
            except SourceError as failure:
                error = failure
    finally:
        _close(flow, terms.name)


def _answering(call: object, terms: Terms) -> Steps:
    match call:
        case Request():
            return (yield from reading(call, terms))
        case Now():
            return terms.edges.now()
        case Together():
            return (yield AllOf(tuple(_answering(item, terms) for item in call.items)))
        case Attempt():
            return (yield from _attempting(call, terms))
        case Session():
            return (yield from _visiting(call, terms))
        case Exchange():
            return (yield from _conversing(call, terms))
        case Heavy():
            return (yield from _apart(call, terms))
        case Generator():
            return (yield from _flowing(call, terms))
    raise PluginError(f"{terms.name} asks for a {type(call).__name__}, which is neither a call nor a flow")


def _attempting(call: Attempt, terms: Terms) -> Steps:
    try:
        return (yield from _answering(call.item, terms))
    except SessionExpired as expired:
        if terms.visit is not None and terms.visit.may_renew():
            # Not a value yet: with another session it may well be an answer.
            raise
        return expired
    except SourceError as failure:
        return failure


def _visiting(call: Session, terms: Terms) -> Steps:
    """Give the value of the source's login, which the first to ask has carried out."""
    visit = terms.visit
    if visit is None or visit.login.flow is not call.login:
        name = getattr(call.login, "__name__", "it")
        raise PluginError(f"{terms.name} asks for a session, but the source does not declare session={name}")
    generation = visit.come()
    try:
        return (yield Once(("session", generation), terms.deadline, _logging_in(visit.login, terms)))
    except SourceError as error:
        raise failed_login(error) from None


def _logging_in(login: Login, terms: Terms) -> Steps:
    terms = replace(terms, name=LOGIN_OF + terms.name, visit=None, merge_reads=False)
    return (yield from _performing(lambda: login.flow(login.settings), terms))


def _conversing(call: Exchange, terms: Terms) -> Steps:
    if call.refusal:
        raise ConfigurationError(redact(call.refusal))
    with Following(terms, call.protocol.upper(), call.where) as following:
        following.try_once()
        exchanged = yield _conversation(call, terms)
        following.came(size=len(exchanged.data))
        return exchanged


def _conversation(call: Exchange, terms: Terms) -> Converse:
    return Converse(
        exchange=call,
        deadline=terms.deadline,
        timeout_s=float("inf") if call.timeout_s is None else call.timeout_s,
        connect_timeout_s=terms.settings.connect_timeout,
        read_timeout_s=terms.settings.read_timeout,
        max_size=terms.max_size if call.max_size is None else call.max_size,
    )


def _apart(call: Heavy, terms: Terms) -> Steps:
    with Following(terms, "call", getattr(call.function, "__qualname__", type(call.function).__name__)) as following:
        following.try_once()
        deadline = terms.deadline
        if call.timeout_s is not None:
            deadline = min(deadline, terms.edges.monotonic() + call.timeout_s)
        result = yield Apart(terms.name, call.function, call.arguments, deadline, terms.max_size)
    if not isinstance(result, GaveFlow):
        return result
    # It only described what to ask for: that is asked here, where the connections are.
    return (yield from _performing(lambda: call.function(*call.arguments), terms))


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
    # Imported here and below: a run without a crash pays for neither.
    import traceback

    log_traceback(name, "".join(traceback.format_exception(crash)))


def log_traceback(name: str, text: str) -> None:
    """Write the text of a traceback to the log, without secrets."""
    import logging

    logging.getLogger("checkmill").error("%s failed:\n%s", name, redact(text))


def _too_late(name: str, asked: bool) -> DeadlineError:
    late = DeadlineError(f"{name} was not done at its deadline")
    late.arrived = asked
    return late
