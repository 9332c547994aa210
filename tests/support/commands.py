"""Calls commands as their users do: in this process with clock and streams of the test's, or as real processes."""

from __future__ import annotations

import io
import json
import logging
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from checkmill.cli.arguments import QUIET, command_of
from checkmill.cli.stopping import Stop
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.entry import run_command
from support.secrets import own_secrets

#: 2033, later than any file a test writes.
NOW = 2_000_000_000.0
#: Larger than any output of a test, so that one write is one datagram.
_LARGEST_DATAGRAM = 1 << 17


@dataclass
class Clock:
    """The wall clock of commands that run in this process."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Captured(Streams):
    """Streams that keep what is written; stdout is written to once for each entry."""

    out: int | None = None
    written: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def results(self, text: str) -> None:
        self.begun = True
        self.written.append(text)

    def remark(self, text: str) -> None:
        if not self.quiet:
            self.remarks.append(text)


@dataclass(frozen=True)
class Ran:
    """What a command did. `writes` is how often it wrote to stdout; `err` holds remarks and the log."""

    code: int
    out: str
    err: str
    writes: int

    @property
    def line(self) -> str:
        """The first line, without values."""
        return self.out.partition("\n")[0].partition(" | ")[0]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """A checks directory, a state directory, an environment and a clock: what the commands of one test share."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    arguments: list[str] = field(default_factory=list)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = lambda _: None
    chance: float = 0.0

    def __post_init__(self) -> None:
        self.checks_dir.mkdir(parents=True, exist_ok=True)

    @property
    def checks_dir(self) -> Path:
        return self.home / "checks.d"

    @property
    def state_dir(self) -> Path:
        return self.home / "state"

    def write(self, text: str, name: str = "rules.yaml", **values: object) -> Path:
        """Write a rule file; `<name>` in it stands for a value."""
        text = textwrap.dedent(text)
        for key, value in values.items():
            text = text.replace(f"<{key}>", str(value))
        path = self.checks_dir / name
        path.write_text(text, encoding="utf-8")
        # The files of a test are as old as its clock says.
        os.utime(path, (self.clock.now - 1, self.clock.now - 1))
        return path

    def argv(self, words: str | Sequence[str]) -> list[str]:
        given = words.split() if isinstance(words, str) else list(words)
        where = ["--checks-dir", str(self.checks_dir), "--state-dir", str(self.state_dir)]
        return [*where, *self.arguments, *given]

    def __call__(self, words: str | Sequence[str], *, stop: Stop | None = None) -> Ran:
        """Run a command in this process; `stop` ends one that goes on."""
        argv = self.argv(words)
        streams = Captured(quiet=command_of(argv) in QUIET)
        edges = Edges(self.clock, self.monotonic, self.sleep, chance=lambda: self.chance, environ=self.environ)
        noise = io.StringIO()
        with own_secrets(), _own_logging(), redirect_stderr(noise):
            code = run_command(argv, streams, edges, stop)
        err = "".join(f"{remark}\n" for remark in streams.remarks) + noise.getvalue()
        return Ran(code, "".join(streams.written), err, len(streams.written))

    def files(self) -> dict[str, bytes]:
        """Every file of the state directory, by its path inside."""
        found = (path for path in sorted(self.state_dir.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.state_dir)): path.read_bytes() for path in found}

    def start(self, words: str | Sequence[str], *, shell: str = "", **options: Any) -> subprocess.Popen[bytes]:
        """Start a command as a process of its own, with the environment of the test and nothing else.

        `shell` is a line for the shell in which `exec "$@"` is the command: `exec "$@" >&-`.
        """
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("cwd", self.home)
        program = [sys.executable, "-W", "error", "-m", "checkmill"]
        if shell:
            program = ["/bin/sh", "-c", shell, "sh", *program]
        return subprocess.Popen([*program, *self.argv(words)], env=self.environ, **options)

    def process(self, words: str | Sequence[str], **options: Any) -> Ran:
        """Run a command as a process of its own, and count its writes to stdout."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _LARGEST_DATAGRAM)
            process = self.start(words, stdout=theirs, **options)
            theirs.close()
            pieces = list(iter(lambda: ours.recv(_LARGEST_DATAGRAM), b""))
            _, err = process.communicate(timeout=20)
        return Ran(process.returncode, b"".join(pieces).decode(), (err or b"").decode(), len(pieces))


def read_line(stream: IO[bytes] | None) -> str:
    """The next line that a process writes."""
    assert stream is not None
    return stream.readline().decode()


@contextmanager
def _own_logging() -> Iterator[None]:
    """Give the command a log of its own, and pytest its handlers back."""
    root = logging.getLogger()
    names = ("", "checkmill", "checkmill.sandbox", "httpx", "httpcore")
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, raising = list(root.handlers), logging.raiseExceptions
    try:
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                # As at the end of a process, where the disk may be full.
                with suppress(OSError):
                    handler.close()
        root.handlers[:] = handlers
        logging.raiseExceptions = raising
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
