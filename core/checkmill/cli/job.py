"""Runs a job: starts it, hands on to it what its caller signals, ends it when it takes too long, and says how it ended.

The job has our standard input, environment, directory and descriptors. What it writes goes through a pipe, so that its
last lines can be told; where both streams lead to the same place it is one pipe, and their order is kept.

Without a terminal the job is a process group of its own, which hears all that we hear. At a terminal it stays in ours,
so that it can ask a person something, and that Ctrl-C and Ctrl-Z reach it as if it had been called directly.
"""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from checkmill.cli.passing import Passing, begun
from checkmill.cli.streams import Streams
from checkmill.cli.tail import Tail
from checkmill.edges import Edges
from checkmill.model.job import (
    CODE_KILLED,
    CODE_NOT_FOUND,
    CODE_NOT_RUNNABLE,
    CODE_TIMED_OUT,
    NOT_STARTED,
    TIMED_OUT,
    Ended,
    word_of_exit,
    word_of_signal,
)
from checkmill.steps.fetching.descendants import adopt_orphans, children_of, descendants_of, end_descendants

#: What is handed on to the job. All of these would end us.
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_ENDING = frozenset(HANDED_ON) - {signal.SIGUSR1, signal.SIGUSR2}
#: What Python has turned off in this process, and no program expects to be.
_PYTHONS_OWN = (signal.SIGPIPE, signal.SIGXFSZ)
#: How long something that the job left behind is listened to after its end, if it holds its streams.
LINGER_S = 0.5
#: How long killed processes may take to be gone.
_GONE_WITHIN_S = 5.0
#: How often processes that were told to end are looked for.
_LOOK_AGAIN_S = 0.05
#: How often is looked for what has not been told yet.
_LOOKS = 3
#: How often a job is looked at where the system does not say when it ends.
_LOOK_AT_JOB_S = 0.1
_SHELL = "/bin/sh"


class Job:
    """One job. To be used in the main thread, as a context: while it lasts, signals are the job's.

    `kill_after_s` is how long a job that takes too long has between being told to end and being killed; `at_terminal`
    says that somebody may press keys for it.
    """

    def __init__(
        self, argv: Sequence[str], streams: Streams, edges: Edges, kill_after_s: float, *, at_terminal: bool
    ) -> None:
        self._argv = list(argv)
        self._streams = streams
        self._edges = edges
        self._kill_after_s = kill_after_s
        self._limit_s: float | None = None
        self._tail = Tail()
        self._passing: list[Passing] = []
        self._process = 0
        self._began = 0.0
        self._is_over = False
        self._code = 0
        self._own_group = not at_terminal
        self._spared = frozenset(_children())
        self._pending: list[int] = []
        self._handlers: dict[int, Any] = {}
        # Without a descriptor to be had, the job is looked at from time to time.
        self._wake_reader, self._wake_writer = 0, 0
        with suppress(OSError):
            self._wake_reader, self._wake_writer = os.pipe()
        self._wake_before = -1
        self._waking = threading.Lock()

    def __enter__(self) -> Job:
        if self._wake_writer:
            for end in (self._wake_reader, self._wake_writer):
                os.set_blocking(end, False)
            self._wake_before = signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in HANDED_ON:
            # What whoever called us wants ignored, as `nohup` does, the job is to ignore too.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._take)
        # Where children are disowned, nobody would learn how they end.
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _wake)
        return self

    def __exit__(self, *_: object) -> None:
        if self._wake_writer:
            signal.set_wakeup_fd(self._wake_before)
        for number, handler in self._handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for end in filter(None, (self._wake_reader, self._wake_writer)):
            os.close(end)

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process > 0 and not self._is_over

    @property
    def is_told_to_end(self) -> bool:
        """Whether somebody wants an end since the job has ended."""
        return self._is_over and not _ENDING.isdisjoint(self._pending)

    @property
    def failures(self) -> list[str]:
        """Why what the job wrote could not be passed on whole."""
        return list(dict.fromkeys(one.failure for one in self._passing if one.failure))

    def end_after(self, limit_s: float) -> None:
        """Have it ended when it takes longer, counted from its start. From any thread."""
        self._limit_s = limit_s
        # A thread that comes late must not write where something else is open by now.
        with self._waking:
            if not self._is_over and self._wake_writer:
                with suppress(BlockingIOError):
                    os.write(self._wake_writer, b".")

    def start(self) -> Ended | None:
        """Start it; gives its end at once when it cannot be started."""
        # A Python without ctypes cannot; the job is run all the same.
        with suppress(Exception):
            adopt_orphans()
        inside, actions = self._pipes()
        self._began = self._edges.monotonic()
        try:
            self._process = self._spawned(actions)
        except OSError as error:
            code = CODE_NOT_FOUND if error.errno in {errno.ENOENT, errno.ENOTDIR} else CODE_NOT_RUNNABLE
            reason = f"{self._argv[0]!r}: {error.strerror}"
            return Ended(NOT_STARTED, code, self._edges.now(), reason=reason)
        except ValueError:
            return Ended(NOT_STARTED, CODE_NOT_RUNNABLE, self._edges.now(), reason="a word of the command holds a null")
        finally:
            for end in inside:
                os.close(end)
            for one in self._passing:
                one.go()
        return None

    def wait(self) -> Ended:
        """Wait for its end."""
        is_late = self._wait_for_end()
        took_s = self._edges.monotonic() - self._began
        at = self._edges.now()
        if is_late:
            self._end_the_rest()
        with self._waking:
            # From here on the number of the process may be another's.
            self._is_over = True
        self._pending.clear()
        word, code = (TIMED_OUT, CODE_TIMED_OUT) if is_late else self._status()
        self._code = code
        if is_late:
            with suppress(ChildProcessError):
                os.waitpid(self._process, os.WNOHANG)
        for one in self._passing:
            one.read_ahead()
        return Ended(word, code, at, took_s, self._tail.lines())

    def finish(self) -> None:
        """Wait until all that it wrote is where it belongs, or somebody wants an end."""
        until = time.monotonic() + LINGER_S
        for one in self._passing:
            one.finish(max(until - time.monotonic(), 0.0), lambda: not self.is_told_to_end)

    # Starting

    def _pipes(self) -> tuple[list[int], Sequence[tuple[Any, ...]]]:
        """The ends of the pipes that the job writes into, and what puts them where it looks for them."""
        targets: list[tuple[int | None, tuple[int, ...]]] = [(self._streams.out, (1,)), (2, (2,))]
        if self._streams.out is not None and os.path.sameopenfile(self._streams.out, 2):
            targets = [(2, (1, 2))]
        inside: list[int] = []
        actions: list[tuple[int, ...]] = []
        try:
            for target, numbers in targets:
                passing, writer = begun(target, self._tail)
                inside.append(writer)
                actions += [(os.POSIX_SPAWN_DUP2, writer, number) for number in numbers]
                passing.first = self._passing[0] if self._passing else None
                self._passing.append(passing)
        except (OSError, RuntimeError):
            # No descriptor or no thread is to be had: the job writes where we would, and what it wrote is not known.
            for writer in inside:
                os.close(writer)
            for one in self._passing:
                one.go()
                one.finish(LINGER_S, lambda: False)
            self._passing.clear()
            return [], self._unseen()
        return inside, actions

    def _unseen(self) -> list[tuple[Any, ...]]:
        """What has the job write straight to where its streams belong."""
        if self._streams.out is None:
            return [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        return [(os.POSIX_SPAWN_DUP2, self._streams.out, 1)]

    def _spawned(self, actions: Sequence[tuple[Any, ...]]) -> int:
        if not self._argv[0]:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        environ: Mapping[str, str] = self._edges.environ
        options: dict[str, Any] = {"file_actions": actions, "setsigdef": _PYTHONS_OWN}
        if self._own_group:
            options["setpgroup"] = 0
        try:
            return os.posix_spawnp(self._argv[0], self._argv, environ, **options)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
        # A script that does not say what runs it is the shell's, as it is in a crontab.
        path = shutil.which(self._argv[0], path=environ.get("PATH")) or self._argv[0]
        return os.posix_spawn(_SHELL, ["sh", path, *self._argv[1:]], environ, **options)

    # Waiting

    def _wait_for_end(self) -> bool:
        """Wait until the job itself has ended; whether that was because it took too long."""
        told_at: float | None = None
        with _watched(self._process) as handle:
            poll = select.poll()
            for descriptor in filter(None, (self._wake_reader, handle)):
                poll.register(descriptor, select.POLLIN)
            while not self._has_ended():
                now = self._edges.monotonic()
                deadline = None if self._limit_s is None else self._began + self._limit_s
                if told_at is not None:
                    deadline = told_at + self._kill_after_s
                if deadline is None or now < deadline:
                    left_s = None if deadline is None else deadline - now
                    is_woken = handle and self._wake_reader
                    self._pause(poll, left_s if is_woken else min(left_s or _LOOK_AT_JOB_S, _LOOK_AT_JOB_S))
                elif told_at is None:
                    told_at = now
                    self._tell_all_to_end()
                else:
                    # What is not gone then cannot be waited for.
                    self._kill_all()
                    break
        return told_at is not None

    def _pause(self, poll: select.poll, seconds: float | None) -> None:
        # A poll takes whole milliseconds, and no more of them than an int holds.
        poll.poll(None if seconds is None else min(int(seconds * 1000) + 1, 1 << 30))
        with suppress(BlockingIOError):
            while self._wake_reader and os.read(self._wake_reader, 512):
                pass
        self._hand_on()
        self._reap_orphans()

    def _has_ended(self) -> bool:
        """Whether the job is over. It is not waited for yet, so that its number stays its own."""
        try:
            return os.waitid(os.P_PID, self._process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _status(self) -> tuple[str, int]:
        """The word for how the job ended, and the exit code that a shell would give."""
        _, status = os.waitpid(self._process, 0)
        if os.WIFSIGNALED(status):
            return word_of_signal(os.WTERMSIG(status)), CODE_KILLED + os.WTERMSIG(status)
        return word_of_exit(os.WEXITSTATUS(status)), os.WEXITSTATUS(status)

    def _reap_orphans(self) -> None:
        """Take leave of what lost its parent to us and has ended, so that it does not stay in the table."""
        for child in _children() - self._spared - {self._process}:
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)

    # Signals

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self.is_told_to_end and number in _ENDING:
            # The second time, whatever hangs.
            with suppress(OSError):
                os.write(2, b"checkmill: ended before all was told of the end of the job\n")
            os._exit(self._code)
        self._pending.append(number)

    def _hand_on(self) -> None:
        while self._pending:
            number = self._pending.pop(0)
            # At a terminal, what its keys send has reached the job as it has reached us.
            if self._own_group or number not in {signal.SIGINT, signal.SIGQUIT}:
                self._signal(number)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if self._own_group:
                os.killpg(self._process, number)
            else:
                os.kill(self._process, number)

    # Taking too long

    def _tell_all_to_end(self) -> None:
        told = {self._process}
        away = self._others()
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)
        for _ in range(_LOOKS):
            for process in away:
                with suppress(OSError):
                    if not self._own_group or os.getpgid(process) != self._process:
                        os.kill(process, signal.SIGTERM)
                        os.kill(process, signal.SIGCONT)
            told.update(away)
            # What lost its parent while it was looked for was nowhere to be seen.
            away = [process for process in self._others() if process not in told]

    def _others(self) -> list[int]:
        """What the job started and is not over, wherever it has gone."""
        try:
            below = descendants_of(os.getpid(), self._spared)
        except OSError:
            # No descriptor is to be had to look for them.
            return []
        return [process for process in below if process != self._process and not _is_zombie(process)]

    def _end_the_rest(self) -> None:
        """Give what a job left that took too long the rest of its time, and kill what is there then."""
        until = self._edges.monotonic() + self._kill_after_s
        while self._others() and self._edges.monotonic() < until and not self._pending:
            self._edges.sleep(_LOOK_AGAIN_S)
            self._reap_orphans()
        if self._others():
            self._kill_all()

    def _kill_all(self) -> None:
        self._signal(signal.SIGKILL)
        left = end_descendants(self._spared, _GONE_WITHIN_S)
        if left:
            numbers = ", ".join(map(str, left))
            self._streams.remark(f"checkmill: killed and not gone: process {numbers}; look what it waits for")


@contextmanager
def _watched(process: int) -> Iterator[int]:
    """A descriptor that can be read once a process has ended; 0 where the system has none."""
    try:
        handle = os.pidfd_open(process)
    except (OSError, AttributeError):
        yield 0
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _wake(_number: int, _frame: FrameType | None) -> None:
    """A signal that wakes who polls, by the pipe that Python writes to, and is no more than that."""


def _children() -> set[int]:
    """The processes below this one, none where no descriptor is to be had to look for them."""
    try:
        return children_of(os.getpid())
    except OSError:
        return set()


def has_terminal() -> bool:
    """Whether this process has a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _is_zombie(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", "rb") as stat:  # noqa: PTH123 - as short as it is read
            return stat.read().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    except (OSError, IndexError):
        return True
