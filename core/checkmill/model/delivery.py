"""Deliveries: what is on its way to one target of a reporter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """Where a delivery stands. PENDING waits for its first or next attempt; SENDING is being sent right now.

    All others are final: ACCEPTED, REFUSED and UNKNOWN as the receiver's answer was, SUPERSEDED by a newer state of
    the same target, EXPIRED because it grew too old to be true.
    """

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Delivery:
    """One delivery; times are epoch seconds.

    `target` is its canonical JSON, `body` what is sent, both without secrets. `checks` are those whose services it
    tells of.
    """

    reporter: str
    target: str
    state: str
    services: tuple[str, ...]
    body: str
    created_at: float
    expires_at: float
    checks: tuple[str, ...] = ()
    repeat_unknown: bool = False
    stage: Stage = Stage.PENDING
    attempts: int = 0
    next_at: float = 0.0
    outcome: str = ""
    code: str = ""
    message: str = ""
    request_id: str = ""
    id: int = 0
