"""One run as it is seen from outside, and the plan by which it is ended with kill -9."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event
from typing import TypeAlias

from support.preloaded import Process

#: Longer than any run that a test waits for.
DEADLINE_S = 60.0

#: A delivery, as the receiver sees it: a scenario, and when the run measured.
Key: TypeAlias = tuple[str, str]


@dataclass
class Plan:
    """When a run is to be killed: so many seconds after an event, or at that very instant.

    Events are `start`, `asked` (the vendor), `read 2` and `answered 2` (the second post), and `never`.
    """

    event: str
    delay_s: float = 0.0


@dataclass
class Course:
    """What is known of one run from outside: when what happened, in seconds since its start."""

    plan: Plan
    started: float = field(default_factory=time.monotonic)
    at: dict[str, float] = field(default_factory=dict)
    read: set[Key] = field(default_factory=set)
    answered: set[Key] = field(default_factory=set)
    posts: int = 0
    process: Process | None = None
    _begun: Event = field(default_factory=Event)
    _due: Event = field(default_factory=Event)

    def begins(self, process: Process) -> None:
        """Take note of the process of the run."""
        self.process = process
        self._begun.set()

    def happens(self, event: str) -> None:
        """Note an event; where the process is to be killed by it, that is done at this very instant, or soon."""
        self.at.setdefault(event, time.monotonic() - self.started)
        if event == self.plan.event:
            if not self.plan.delay_s:
                self.running.kill()
            self._due.set()

    @property
    def running(self) -> Process:
        """The process, as soon as it is known."""
        self._begun.wait(DEADLINE_S)
        assert self.process is not None
        return self.process

    def ends(self) -> None:
        """Wait for the end of the run, and bring it about as planned."""
        process = self.running
        while self.plan.event != "start" and not self._due.wait(0.001):
            if process.ends_within(0):
                break
        else:
            elapsed_s = time.monotonic() - self.started if self.plan.event == "start" else 0.0
            if not process.ends_within(self.plan.delay_s - elapsed_s):
                process.kill()
        assert process.ends_within(DEADLINE_S), "a run did not end"
        self.at["end"] = time.monotonic() - self.started
