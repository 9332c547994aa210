"""The program during which the power fails: a feeder's life of some hours, told to a log as far as it knows of it.

Noted are a result that is printed and a command that has ended, with what the outbox held then. A file of its own, for
it is run in a process that is watched.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checkmill.edges import Edges
from checkmill.entry import run_command
from checkmill.store import Store
from support.commands import Captured, Clock
from support.power_loss import note

#: Seconds between two commands; longer than any wait for a next try.
TURN_S = 200.0
DAMAGE = "damage"
COMMIT = "commit"
#: The commands, one after the other. While `held` another process has the database open, so that its log grows.
SCRIPT = (
    "run",
    "run",
    "outbox list",
    "run",
    "held run",
    "held check one",
    "held run",
    "held outbox flush",
    "held run",
    "run",
    "outbox retry --stage refused --yes",
    "local",
    "outbox drop --stage unknown --yes",
    "run",
    DAMAGE,
    "run",
    "run --no-report",
    "forget two",
    "run",
)


@dataclass
class Noting(Captured):
    """Streams that note what is printed when it is printed."""

    log: Path = Path()
    step: int = 0

    def results(self, text: str) -> None:
        super().results(text)
        note(self.log, printed=self.step, text=text)


@dataclass
class Player:
    """What plays the script: where the checks and the state directory are, and the log."""

    checks_dir: Path
    state_dir: Path
    log: Path
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Clock = field(default_factory=Clock)

    def play(self, script: tuple[str, ...] = SCRIPT) -> None:
        """Play the whole script."""
        for step, words in enumerate(script):
            self.clock.now += TURN_S
            note(self.log, begun=step, words=words, now=self.clock.now)
            if words == DAMAGE:
                self._damage()
                continue
            with self._held(words.startswith("held ")):
                streams = Noting(log=self.log, step=step)
                code = self.call(words.removeprefix("held "), streams)
                note(self.log, ended=step, code=code, err="".join(streams.remarks), **self.known())

    def call(self, words: str, streams: Captured) -> int:
        """One command."""
        where = ["--checks-dir", str(self.checks_dir), "--state-dir", str(self.state_dir)]
        edges = Edges(self.clock, sleep=lambda _: None, chance=lambda: 0.5, environ=self.environ)
        streams.quiet = words.startswith(("check ", "local"))
        formed = ["--format", "json"] if words.startswith("run") else []
        code = run_command([*where, *words.split(), *formed], streams, edges)
        logging.getLogger().handlers[:] = []
        return code

    def known(self) -> dict[str, Any]:
        """What the store holds, as one who looks at it finds it."""
        with closing(Store.open(self.state_dir)) as store:
            deliveries = store.outbox.deliveries()
            stored = store.stored(os.path.realpath(self.checks_dir))
        return {
            "outbox": {one.id: [one.target, one.stage.value, one.attempts, one.run_at, one.body] for one in deliveries},
            "measured": {name: one.measured_at for name, one in stored.items()},
            "remembered": {name: len(one.memory.seen) for name, one in stored.items()},
        }

    @contextmanager
    def _held(self, held: bool) -> Iterator[None]:
        if not held:
            yield
            return
        with closing(Store.open(self.state_dir)):
            yield

    def _damage(self) -> None:
        """Have the disk forget the head of the database."""
        descriptor = os.open(self.state_dir / "state.db", os.O_RDWR)
        os.pwrite(descriptor, b"\xff" * 200, 0)
        os.fsync(descriptor)
        os.close(descriptor)


def play() -> None:
    """What the process does."""
    checks_dir, state_dir, log = map(Path, sys.argv[1:4])
    Player(checks_dir, state_dir, log).play()
