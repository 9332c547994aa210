"""Deliveries: what is on its way to one target of a reporter, what was tried, and how well the outbox is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Stage(Enum):
    """Where a delivery stands. PENDING waits for its first or next attempt; SENDING is being sent right now.

    All others are final: ACCEPTED, REFUSED and UNKNOWN as the receiver's answer was, SUPERSEDED by a newer state of
    the same target, EXPIRED because it grew too old to be true, DROPPED because the outbox was full.
    """

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    DROPPED = "dropped"

    @property
    def is_final(self) -> bool:
        """Whether nothing happens to such a delivery any more by itself."""
        return self not in {Stage.PENDING, Stage.SENDING}


@dataclass(frozen=True)
class Delivery:
    """One delivery; times are epoch seconds.

    Its key is `reporter`, `target` and `run_at`, the start of the run that made it. `target` is its canonical JSON,
    `body` what is sent, both without secrets. `checks` are those whose services it tells of. With `keep_all` a newer
    one of the same target does not supersede it, but waits until it is settled.
    """

    reporter: str
    target: str
    state: str
    services: tuple[str, ...]
    body: str
    created_at: float
    expires_at: float
    run_at: float = 0.0
    checks: tuple[str, ...] = ()
    repeat_unknown: bool = False
    keep_all: bool = False
    stage: Stage = Stage.PENDING
    attempts: int = 0
    next_at: float = 0.0
    outcome: str = ""
    code: str = ""
    message: str = ""
    request_id: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver: when it ended (epoch seconds), how long it took, and what the receiver said."""

    number: int
    at: float
    outcome: str
    code: str = ""
    message: str = ""
    request_id: str = ""
    elapsed_s: float | None = None


@dataclass(frozen=True)
class ReporterHealth:
    """How well the deliveries of one reporter are; times are epoch seconds, None where there was none.

    `waiting` are those not settled, `oldest_at` is when the oldest of them was made. `counts` are the settled ones
    since the outbox was made, by stage; `recent` those of the last hour. `pause_until` is when a receiver that does not
    answer is asked again, `dropped_at` when the outbox was full last.
    """

    waiting: int = 0
    waiting_bytes: int = 0
    oldest_at: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    recent: Mapping[str, int] = field(default_factory=dict)
    last_success_at: float | None = None
    dropped_at: float | None = None
    pause_until: float | None = None
    last_message: str = ""


@dataclass(frozen=True)
class OutboxHealth:
    """How well each reporter's deliveries are, by the reporter's name."""

    reporters: Mapping[str, ReporterHealth] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """How far a draining of the outbox is: attempts settled so far, deliveries that wait, and the counts by stage."""

    settled: int
    waiting: int
    counts: Mapping[str, int] = field(default_factory=dict)
