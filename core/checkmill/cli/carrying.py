"""Carries out the changes of a plan one after the other, and tells what came of each, or how far it came."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checkmill.cli.paragraphs import printable
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.model.command import Change
from checkmill.model.errors import (
    DeadlineError,
    LoginError,
    RateLimitError,
    SessionExpired,
    SourceError,
    StatusError,
)
from checkmill.model.flow import Flow
from checkmill.model.sent import Sent
from checkmill.model.source import ConfiguredSource
from checkmill.steps.fetching import Done, Job, Watch, carry_out

_READING = {"GET", "HEAD", "OPTIONS", "call"}
MAY_HAVE_ARRIVED = "it may have been carried out all the same; look before you repeat it"
NOT_ARRIVED = "it did not reach the vendor"
REFUSED = "the vendor refused it"
HARMLESS = "it had changed nothing yet"
#: The stage of a plugin's own error for an answer in which the vendor says no.
REFUSED_STAGE = "refused"
#: Statuses below 500 by which somebody on the way gives up waiting: what became of the request they do not say.
_GIVEN_UP = {408, 425, 499}


@dataclass(frozen=True)
class Outcome:
    """What came of one change: a sentence, or the error and what it means for the vendor; neither if it never began."""

    change: Change
    said: str = ""
    failure: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it was carried out."""
        return bool(self.said)


class _NotBegunError(SourceError):
    """An earlier change did not end well."""


class _Chain:
    """Lets each change begin only where the one before it has ended well."""

    def __init__(self) -> None:
        self._well = 0
        self._is_broken = False

    def break_off(self) -> None:
        """Let none begin any more, even if one that was given up still ends well."""
        self._is_broken = True

    def link(self, index: int, change: Change, watch: Watch) -> Callable[[], Any]:
        """What starts a change, unless an earlier one did not end well."""

        def flowing(flow: Flow[str]) -> Flow[str]:
            try:
                said = yield from flow
            except SessionExpired as expired:
                # After a new login the flow begins anew, and would do a second time what it has done.
                if _has_done(watch.sent):
                    raise LoginError(str(expired)) from None
                raise
            self._well = index + 1
            return said

        def start() -> Any:
            if self._is_broken or self._well != index:
                raise _NotBegunError("an earlier change did not end well")
            started = change.carry_out()
            if isinstance(started, Generator):
                return flowing(started)
            self._well = index + 1
            return started

        return start


def carry_out_changes(
    changes: Sequence[Change],
    source: ConfiguredSource,
    name: str,
    timeout_s: float,
    edges: Edges,
    streams: Streams,
    tell: Callable[[Outcome], None],
) -> list[Outcome]:
    """Carry out changes in order, with one login, until one fails. `tell` hears of each that began, when it is over."""
    watches = [Watch() for _ in changes]
    chain = _Chain()
    jobs = [
        Job(
            name=f"{name} ({printable(change.summary)})",
            group=source.name,
            # One after the other: an order is part of what was asked.
            settings=replace(source.settings, workers=1),
            start=chain.link(index, change, watches[index]),
            timeout_s=timeout_s,
            merge_reads=False,
            login=source.type.session,
            watch=watches[index],
        )
        for index, change in enumerate(changes)
    ]
    outcomes = [Outcome(change) for change in changes]
    streams.last_words = _last_words(changes, 0)

    def on_done(index: int, done: Done) -> None:
        if done.error is not None:
            chain.break_off()
        if not isinstance(done.error, _NotBegunError):
            outcomes[index] = _outcome(changes[index], done, watches[index].sent)
            streams.last_words = _last_words(changes, index + 1) if outcomes[index].is_done else ""
            tell(outcomes[index])

    carry_out(jobs, edges, on_done=on_done)
    streams.last_words = ""
    return outcomes


def _outcome(change: Change, done: Done, sent: Sequence[Sent]) -> Outcome:
    if done.error is None:
        said = printable(done.value) if isinstance(done.value, str) else ""
        return Outcome(change, said=said or f"done: {printable(change.summary)}")
    meaning = _meaning(done.error, [one for one in sent if not one.login])
    return Outcome(change, failure=f"{printable(done.error.sentence)}; {meaning}")


def _meaning(error: SourceError, sent: Sequence[Sent]) -> str:
    """What a failure means for the vendor. `sent` are the requests of the change, the last one last."""
    unsafe, is_about_answer = _unsafe(sent)
    answered = [one for one in (unsafe[:-1] if is_about_answer else unsafe) if not one.error]
    tried = [one for one in unsafe if one.attempts]
    if answered:
        requests = "1 request" if len(answered) == 1 else f"{len(answered)} requests"
        return f"the vendor had answered {requests} of it before; look what is there before you repeat it"
    # Of a flow that is stuck, and where Checkmill itself failed, not every request was heard of.
    if not tried and not isinstance(error, DeadlineError) and type(error) is not SourceError:
        return HARMLESS
    if not (error.arrived or is_about_answer):
        return NOT_ARRIVED
    return REFUSED if _is_refusal(error) else MAY_HAVE_ARRIVED


def _has_done(sent: Sequence[Sent]) -> bool:
    """Whether a change may have been carried out, in part at least, before its session was found to be over."""
    unsafe, is_about_answer = _unsafe([one for one in sent if not one.login])
    return any(one.attempts for one in (unsafe[:-1] if is_about_answer else unsafe))


def _unsafe(sent: Sequence[Sent]) -> tuple[list[Sent], bool]:
    """The requests that may change something, and whether an error is about the answer to the last of them.

    An answer that the flow did not like is not one that came before: the error is about it.
    """
    unsafe = [one for one in sent if one.method not in _READING]
    return unsafe, bool(unsafe) and sent[-1] is unsafe[-1] and not unsafe[-1].error


def _is_refusal(error: SourceError) -> bool:
    """Whether the vendor said no: by the HTTP status, or as a plugin read it in an answer and named its stage."""
    if isinstance(error, StatusError):
        return error.status < 500 and error.status not in _GIVEN_UP
    return isinstance(error, LoginError | RateLimitError) or error.stage == REFUSED_STAGE


def _last_words(changes: Sequence[Change], index: int) -> str:
    if index >= len(changes):
        return ""
    left = [printable(change.summary) for change in changes[index + 1 :]]
    rest = f"; not done: {'; '.join(left)}" if left else ""
    before = f"{index} of {len(changes)} changes {'was' if index == 1 else 'were'} carried out; " if index else ""
    return f"{before}under way was: {printable(changes[index].summary)}; {MAY_HAVE_ARRIVED}{rest}"
