"""How a process that goes on and on is told to end, or to look at once: by signals, whatever its threads are at.

Python runs the handler of a signal in the main thread and between two of its steps, so one that waits for a locked
database hears nothing. The system's own handler writes to a pipe at once; a thread reads from it, and sees to it that
the process ends in time.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: How long what is on its way may take to be settled, once the process is told to end.
SETTLING_S = 0.8
#: How long the main thread has to end by itself where nothing is on its way.
AT_ONCE_S = 0.3
_LOOK_AGAIN_S = 0.01


class Stop(threading.Event):
    """Set once the process is told to end."""

    def __init__(self) -> None:
        super().__init__()
        self._told = threading.Event()
        self._unsettled = 0

    def set(self) -> None:
        """Have the process end."""
        super().set()
        self._told.set()

    def hurry(self) -> None:
        """Have whoever pauses go on at once."""
        self._told.set()

    def pause(self, seconds: float) -> bool:
        """Wait so long, or until told something; whether that was so, since the pause before or in this one."""
        told = self._told.wait(seconds)
        self._told.clear()
        return told

    @property
    def is_unsettled(self) -> bool:
        """Whether something is on its way that should not be cut off."""
        return self._unsettled > 0

    @contextmanager
    def settling(self) -> Iterator[None]:
        """While the body runs something is on its way: an end waits for it, though not for long."""
        self._unsettled += 1
        try:
            yield
        finally:
            self._unsettled -= 1


def heed(stop: Stop, end: Callable[[], object], *, hang_up_ends: bool) -> None:
    """From now on SIGTERM and SIGINT set `stop`, and `end` is called when the process has not ended by then.

    SIGHUP, which is sent when a terminal goes, ends too with `hang_up_ends`; else it hurries. To be called in the main
    thread.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    ending = {signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hang_up_ends else [])}

    def listen() -> None:
        while not stop.is_set():
            for number in os.read(reader, 64):
                if number in ending:
                    stop.set()
                elif number == signal.SIGHUP:
                    stop.hurry()
        _end_in_time(stop, end)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Who was started by nohup keeps what that is for.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _left_to_the_pipe)
    # A pipe that is full holds enough to be read.
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=listen, name="signals", daemon=True).start()


def _end_in_time(stop: Stop, end: Callable[[], object]) -> None:
    began = time.monotonic()
    while time.monotonic() < began + (SETTLING_S if stop.is_unsettled else AT_ONCE_S):
        time.sleep(_LOOK_AGAIN_S)
    end()


def _left_to_the_pipe(number: int, frame: object) -> None:
    """What Python does on its own when the signal has been written to the pipe: nothing."""
