"""Watching: who wants to know hears of every request, once it is over. It changes nothing about it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from checkmill.model.errors import SourceError
from checkmill.model.secret import redact
from checkmill.model.sent import Sent
from checkmill.steps.fetching.moves import LOGIN_OF, Terms

NOT_AWAITED = "read: not awaited any more, since another part of the fetch had failed"


class Watch:
    """Collects the requests of a run. All threads of all sources may tell the same one."""

    def __init__(self) -> None:
        self._numbers = count()
        self._heard: list[tuple[int, Sent]] = []

    @property
    def sent(self) -> list[Sent]:
        """The requests that are over, in the order in which they began."""
        return [sent for _, sent in sorted(self._heard, key=lambda heard: heard[0])]

    def begin(self) -> int:
        """A number for a request that begins now."""
        return next(self._numbers)

    def hear(self, number: int, sent: Sent) -> None:
        """Take note of a request that is over."""
        self._heard.append((number, sent))


class Following:
    """Follows one request: as long as a `with` block takes, whose error is what came of it."""

    def __init__(self, terms: Terms, method: str, shown: str) -> None:
        self._terms = terms
        fetch = terms.name.removeprefix(LOGIN_OF)
        self._sent = Sent(fetch, method, shown, attempts=0, login=fetch != terms.name)
        self._number = 0
        self._began = 0.0

    def try_once(self) -> None:
        """Count one more attempt; what came of the one before counts no more."""
        self._sent = replace(self._sent, status=None, size=None, attempts=self._sent.attempts + 1)

    def came(self, *, status: int | None = None, size: int | None = None) -> None:
        """Take note of an answer."""
        self._sent = replace(self._sent, status=status, size=size)

    def __enter__(self) -> Following:
        self._began = self._terms.edges.monotonic()
        if self._terms.watch is not None:
            self._number = self._terms.watch.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._terms.watch is None:
            return
        said = redact(error.sentence) if isinstance(error, SourceError) else NOT_AWAITED if error is not None else ""
        elapsed_s = self._terms.edges.monotonic() - self._began
        self._terms.watch.hear(self._number, replace(self._sent, elapsed_s=elapsed_s, error=said))
