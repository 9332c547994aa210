"""Passes on what a job writes, byte for byte and as it comes, and lets its end be looked at."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import termios
import threading
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress

from checkmill.cli.tail import Tail

_PIECE = 1 << 16
#: How often somebody who waits for a stream looks whether it is to go on.
_LOOK_AGAIN_S = 0.2


def begun(target: int | None, tail: Tail) -> tuple[Passing, int]:
    """Have what passes on what is written into a pipe, and the end to write into. It reads from its `go` on.

    Raises OSError or RuntimeError where no descriptor or no thread is to be had.
    """
    with ExitStack() as on_failure:
        reader, writer = os.pipe()
        for end in (reader, writer):
            on_failure.callback(os.close, end)
        passing = Passing(reader, target, tail)
        on_failure.callback(passing.close)
        passing.start()
        on_failure.pop_all()
    return passing, writer


class Passing:
    """One stream of a job on its way from the pipe it writes into to where it belongs, in a thread of its own.

    It reads no faster than its reader does, so that a job is slowed down as it would be without it, and where the
    reader is gone, the pipe is closed and the job is told so by its next write. Without a `target` the stream ends
    here. `failure` is why the target could not be written, but for a reader that is gone, which is no failure.
    """

    def __init__(self, source: int, target: int | None, tail: Tail) -> None:
        self._source = source
        self._target = target
        self._tail = tail
        self._lock = threading.Lock()
        self._ahead: deque[bytes] = deque()
        self._is_over = False
        self._leaves = False
        self.failure = ""
        #: The one of the stream that is taken first where both have something.
        self.first: Passing | None = None
        os.set_blocking(source, False)
        self._wake_reader, self._wake_writer = os.pipe()
        for end in (self._wake_reader, self._wake_writer):
            os.set_blocking(end, False)
        self._may_go, self._goes = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._pass, name=f"passing {source}", daemon=True)

    def start(self) -> None:
        """Have the thread; it reads from `go` on."""
        self._thread.start()

    def go(self) -> None:
        """Begin."""
        self._may_go.set()
        self._goes.wait(_LOOK_AGAIN_S)

    def read_ahead(self) -> None:
        """Take all that is in the pipe by now, whether anybody takes it from us or not."""
        with self._lock:
            left = self._waiting()
            with suppress(BlockingIOError):
                while left > 0 and (piece := self._read()):
                    self._ahead.append(piece)
                    left -= len(piece)

    def let_go_first(self) -> None:
        """Have what is in the pipe by now stand before what comes on another stream; nothing where it lags behind."""
        if not self._ahead:
            self.read_ahead()
            if self._ahead:
                self._wake()

    def _wake(self) -> None:
        with suppress(OSError):
            os.write(self._wake_writer, b".")

    def finish(self, linger_s: float, goes_on: Callable[[], bool]) -> None:
        """Wait until all is passed on, as long as it takes and `goes_on` says.

        A pipe that something else still holds, such as a daemon that the job left, is listened to for `linger_s` only.
        """
        self._thread.join(linger_s)
        self._leaves = True
        self._wake()
        while self._thread.is_alive() and goes_on():
            self._thread.join(_LOOK_AGAIN_S)
        if not self._thread.is_alive():
            self.close()

    def close(self) -> None:
        """Give back what only this needs, when it is over or was never begun."""
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    # In the thread

    def _pass(self) -> None:
        self._may_go.wait()
        self._goes.set()
        while (piece := self._next()) and self._write(piece):
            pass
        with self._lock:
            self._is_over = True
            os.close(self._source)

    def _next(self) -> bytes:
        """The next piece; nothing at the end."""
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._wake_reader, select.POLLIN)
        while True:
            with self._lock:
                if self._ahead:
                    return self._ahead.popleft()
                if self._leaves:
                    return b""
            poll.poll()
            with suppress(OSError):
                os.read(self._wake_reader, _PIECE)
            if self.first is not None:
                self.first.let_go_first()
            with self._lock:
                # What was read ahead meanwhile comes before what is in the pipe by now.
                if not self._ahead and not self._leaves:
                    with suppress(BlockingIOError):
                        return self._read()

    def _write(self, piece: bytes) -> bool:
        """Write a piece whole; False when nobody reads it any more."""
        view = memoryview(piece)
        while view and self._target is not None:
            try:
                view = view[os.write(self._target, view) :]
            except BlockingIOError:
                # Whoever gave us this descriptor does not want to wait at it; we do.
                poll = select.poll()
                poll.register(self._target, select.POLLOUT)
                poll.poll()
            except OSError as error:
                if error.errno == errno.EPIPE:
                    return False
                self.failure = error.strerror or str(error)
                self._target = None
        return True

    # With the lock

    def _read(self) -> bytes:
        piece = os.read(self._source, _PIECE)
        self._tail.feed(self._source, piece)
        return piece

    def _waiting(self) -> int:
        """How many bytes are in the pipe."""
        if self._is_over:
            return 0
        count: int = struct.unpack("i", fcntl.ioctl(self._source, termios.FIONREAD, b"\0" * 4))[0]
        return count
