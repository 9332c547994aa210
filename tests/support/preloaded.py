"""Processes of Checkmill that begin where its imports are done: forked from one that has them, and killed like any.

A start costs most of a second otherwise, and a thousand of them would be most of what a stress test takes.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType

from checkmill.cli.arguments import command_of
from checkmill.cli.streams import taken
from checkmill.edges import Edges
from checkmill.entry import main, run_command


class Process:
    """A process that runs, by its descriptor: whoever ended meanwhile, no other process is meant."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._descriptor = os.pidfd_open(number)

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end so long."""
        return bool(select.select([self._descriptor], [], [], max(seconds, 0.0))[0])

    def kill(self) -> None:
        """End it with SIGKILL; nothing happens where it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def close(self) -> None:
        """Let the descriptor go."""
        os.close(self._descriptor)


class Preloaded:
    """Starts commands as processes, one after the other, in an environment and with stderr to a file.

    `rehearsal` is a command that is run once to the end, to learn what to import.
    """

    def __init__(self, environ: Mapping[str, str], rehearsal: Sequence[str], log: Path) -> None:
        program = [sys.executable, "-W", "error", "-c", "from support.preloaded import serve; serve()"]
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        given = {**environ, **paths}
        self._parent = subprocess.Popen(
            [*program, str(log), *rehearsal], env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._told("ready?")

    def __enter__(self) -> Preloaded:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(20)
        self._parent.stdout.close()

    def start(self, argv: Sequence[str]) -> Process:
        """Start a command; `ended` has to be called before the next one."""
        return Process(int(self._told(json.dumps(list(argv)))))

    def ended(self) -> int:
        """Wait for the end of the command, and give what `Popen.returncode` would be."""
        return os.waitstatus_to_exitcode(int(self._told("end")))

    def _told(self, line: str) -> str:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(line + "\n")
        self._parent.stdin.flush()
        said = self._parent.stdout.readline()
        assert said, "the process that commands are forked from has ended"
        return said


def serve() -> None:
    """What the process does that commands are forked from: it has one thread and no connection of any kind."""
    log, *rehearsal = sys.argv[1:]
    for name in _modules_of(rehearsal):
        with suppress(ImportError):
            import_module(name)
    print(sys.stdin.readline(), end="", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line), log)
        print(child, flush=True)
        sys.stdin.readline()
        print(os.waitpid(child, 0)[1], flush=True)


def _become(argv: Sequence[str], log: str) -> None:
    """Be the program, as if it had been called so."""
    null = os.open(os.devnull, os.O_RDWR)
    errors = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number, descriptor in enumerate((null, null, errors)):
        os.dup2(descriptor, number)
    sys.argv = ["checkmill", *argv]
    main()


def _modules_of(argv: Sequence[str]) -> list[str]:
    """The modules that a command imports, in a process of its own."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        run_command(argv, taken(quiet=command_of(argv) == ""), Edges())
        os.write(theirs, json.dumps(list(sys.modules)).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as told:
        names: list[str] = json.loads(told.read())
    os.waitpid(child, 0)
    return names
