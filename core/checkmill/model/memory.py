"""What outlives a run for one check: which services the last good answers showed, and the last good state of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checkmill.model.result import Identity, Result
from checkmill.model.state import State


@dataclass(frozen=True, slots=True)
class Seen:
    """A service that a good answer showed: when it last did, and the labels all its samples had in common.

    `missed_s` is for how long good answers have not shown it since; `missed_at` is when the last answer did not, and
    None when the last one was no good answer, so that the time a source was down does not count. `members` are the
    several things behind one service, such as hosts of one name, with for how long each has been missed.
    """

    last_seen: float
    labels: Mapping[str, str]
    missed_s: float = 0.0
    missed_at: float | None = None
    members: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LastGood:
    """The last state of a service that was measured, and when."""

    state: State
    at: float


@dataclass(frozen=True)
class Memory:
    """The memory of one check. It is void under another `selection_digest`: then other services are meant.

    `wait_until` is when its vendor said to come back (epoch seconds), 0 when it said nothing of the kind.
    """

    selection_digest: str = ""
    seen: Mapping[Identity, Seen] = field(default_factory=dict)
    last_good: Mapping[Identity, LastGood] = field(default_factory=dict)
    wait_until: float = 0.0


@dataclass(frozen=True)
class Judgement:
    """What judging one rule gives: a result for each service, and what to remember."""

    results: tuple[Result, ...]
    memory: Memory
    good_until: float
