"""Moves: what the policy asks an executor to do next, so that the policy itself does no I/O and is written once.

A policy is a generator of moves. An executor makes each move and sends back what came of it; a `SourceError` that ends
a branch is thrown in at the move that asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from checkmill.edges import Edges
from checkmill.model.errors import SourceError
from checkmill.model.flow import Exchange
from checkmill.model.reach import Reach
from checkmill.model.settings import HttpSettings

if TYPE_CHECKING:
    from checkmill.steps.fetching.sessions import Visit
    from checkmill.steps.fetching.watching import Watch


#: How the steps of a login are called, before the name of the job that was the first to want it.
LOGIN_OF = "the login of "


@dataclass(frozen=True)
class Terms:
    """What holds for everything a job does. `deadline` is a time of `edges.monotonic()`.

    `visit` is its way to the source's session; None where there is none, and while logging in. `watch` hears of its
    requests.
    """

    name: str
    settings: HttpSettings
    deadline: float
    max_size: int
    merge_reads: bool
    edges: Edges
    visit: Visit | None = None
    watch: Watch | None = None

    def left_s(self) -> float:
        """Seconds until the deadline, negative once it has passed."""
        return self.deadline - self.edges.monotonic()


@dataclass(frozen=True)
class Outgoing:
    """A request as it goes out, with secrets revealed; `shown` and `where` are what people may see of it.

    `home` says that it goes to the source's own address, with the source's own headers. Where `reach` limits where it
    may go, `host` and `port` are what is looked up and checked.
    """

    method: str
    scheme: str
    where: str
    shown: str
    home: bool
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(repr=False)
    reach: Reach | None = None
    host: str = ""
    port: int = 0


@dataclass(frozen=True)
class Answer:
    """What a vendor answered: header names in lower case, and why its body could not be read, if so."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_s: float
    broken: Failure | None = None


@dataclass(frozen=True)
class Failure:
    """Why there is no answer; `passing` says that it may go better in a moment."""

    error: SourceError
    passing: bool = False


@dataclass(frozen=True)
class Wait:
    """Do nothing until a time of `edges.monotonic()`."""

    until: float


@dataclass(frozen=True)
class Transmit:
    """Send one request once, when a worker and the rate limit allow it; gives an `Answer` or a `Failure`.

    `timeout_s` counts from when it is sent, `deadline` is absolute and covers the wait for a worker too.
    """

    outgoing: Outgoing
    deadline: float
    timeout_s: float
    connect_timeout_s: float
    read_timeout_s: float
    max_size: int


@dataclass(frozen=True)
class Once:
    """Make these steps, unless equal ones were made or are being made: then give what came of those."""

    key: Hashable
    deadline: float
    steps: Steps


@dataclass(frozen=True)
class AllOf:
    """Make several branches side by side; gives the list of what they return. The first failure is raised."""

    branches: tuple[Steps, ...]


@dataclass(frozen=True)
class Converse:
    """Carry out one exchange over TCP or UDP, when a worker and the rate limit allow it; gives an `Exchanged`.

    `deadline` is absolute, `timeout_s` counts from when it begins; `max_size` in bytes.
    """

    exchange: Exchange
    deadline: float
    timeout_s: float
    connect_timeout_s: float
    read_timeout_s: float
    max_size: int


@dataclass(frozen=True)
class Apart:
    """Call a function in a child process, which ends at the deadline; gives its result, or a `GaveFlow`.

    `name` is the job's, for sentences; `max_size` bounds the result, in bytes as it is handed over.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = field(repr=False)
    deadline: float
    max_size: int


class GaveFlow:
    """Stands for the result of a function that gave a flow, which can only be carried out here."""


Move: TypeAlias = Wait | Transmit | Once | AllOf | Converse | Apart
Steps: TypeAlias = Generator[Move, Any, Any]


def seconds_text(seconds: float) -> str:
    """Write a duration for a sentence: `3 s`, `0.25 s`."""
    return f"{round(seconds, 1 if seconds >= 1 else 2):g} s"
