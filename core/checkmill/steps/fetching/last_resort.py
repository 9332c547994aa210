"""What keeps a plugin from living on: its children are ended with the run, and a hung interpreter with its time.

Threads keep nobody waiting for a plugin that blocks or loops. Code in C that never lets go of the interpreter's lock,
such as a catastrophic regular expression, stops every thread, the one that keeps the deadlines included; no Python code
can end it. So the coordinating thread sets a timer in the kernel whenever it begins to wait: if it does not come back
in time, the signal's action is `_exit` of the C library itself, which asks nobody. The number of the signal is the exit
code, and SIGQUIT is number 3: UNKNOWN. Nothing is printed then, and nothing that was not OK becomes so.

What an operator wrote can hang as well: a regular expression, a template with loops in loops. These are tried in the
main thread, where an alarm ends them with an exception: Python looks for signals between its steps, and within a search
of `re` and the arithmetic of large numbers. Only what heeds no alarm meets the kernel's timer.

All of it is for a process of Checkmill's own, which says so by `enable`; nothing here is done in another's.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from checkmill.steps.fetching.descendants import adopt_orphans, children_of, end_descendants

#: How much later than it wanted the coordinating thread may come back.
PATIENCE_S = 0.6
#: How much longer than its alarm something may hold the interpreter, since an answer is better than an end.
PATIENCE_WITH_ALARM_S = 2.0
#: How often the alarm rings until it is heard.
AGAIN_S = 0.5

T = TypeVar("T")


class OverdueError(BaseException):
    """Something that should have come to an end did not. No wall round a template may take it for the template's."""


class LastResort:
    """The guard of this process. Until `enable`, its methods do nothing."""

    def __init__(self) -> None:
        self._enabled = False
        self._stack: list[tuple[Callable[[float], None], frozenset[int]]] = []
        self._until: float | None = None

    def enable(self) -> None:
        """Say that this process is Checkmill's own; costs nothing before something is fetched."""
        self._enabled = True

    def before_plugins(self) -> None:
        """Take note of the children there are, and adopt all that plugins will leave: once, in a few milliseconds."""
        if not self._enabled or self._stack:
            return
        spare = frozenset(children_of(os.getpid()))
        adopt_orphans()
        self._stack.append((_timer(), spare))

    def expect_by(self, seconds: float | None) -> None:
        """End the process unless this is called again within so many seconds and some patience; None is no limit."""
        self._set(None if seconds is None else time.monotonic() + max(seconds, 0.0) + PATIENCE_S)

    def bounded(self, act: Callable[[], T], seconds: float) -> T:
        """What a function gives. Raises `OverdueError` in it when it takes longer; to be called in the main thread."""
        if not self._enabled or threading.current_thread() is not threading.main_thread():
            return act()
        before, alarm = self._until, _Alarm()
        end = time.monotonic() + seconds + PATIENCE_WITH_ALARM_S
        self._set(end if before is None else min(before, end))
        try:
            alarm.set(seconds)
            return act()
        finally:
            # First of all, and without a call: an alarm that comes from here on is for nobody.
            alarm.over = True
            alarm.clear()
            self._set(before)

    def _set(self, until: float | None) -> None:
        """Have this process ended at a time of the monotonic clock, or not at all."""
        self._until = until
        if self._stack:
            # A timer that is set to nothing at all is never over.
            self._stack[0][0](0.0 if until is None else max(until - time.monotonic(), 0.001))

    def end_children(self) -> None:
        """Kill whatever plugins started and left, at the end of the process."""
        if self._stack:
            end_descendants(self._stack[0][1])


class _Alarm:
    """A signal that raises `OverdueError` in the main thread once its time has come, until it is `over`."""

    def __init__(self) -> None:
        self.over = False
        self._before = signal.signal(signal.SIGALRM, self._ring)

    def set(self, seconds: float) -> None:
        """Have it ring after so many seconds, and again: where an object is being disposed of nobody hears it."""
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), AGAIN_S)

    def clear(self) -> None:
        """Silence it."""
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, self._before)

    def _ring(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - what the system calls
        if not self.over:
            raise OverdueError


#: The one of this process.
LAST_RESORT = LastResort()


def _timer() -> Callable[[float], None]:
    """Give a function that sets the time, in seconds from now, at which the kernel ends this process; 0 is never."""
    # Imported here: only for a process that is Checkmill's own and fetches something.
    import ctypes

    class Event(ctypes.Structure):
        """`struct sigevent`, which the system wants 64 bytes long."""

        _fields_ = (
            ("value", ctypes.c_void_p),
            ("signo", ctypes.c_int),
            ("notify", ctypes.c_int),
            ("pad", ctypes.c_char * 48),
        )

    class Setting(ctypes.Structure):
        """`struct itimerspec`: the interval and the time until the first, each in seconds and nanoseconds."""

        _fields_ = (("again", ctypes.c_long * 2), ("first", ctypes.c_long * 2))

    library = ctypes.CDLL(None, use_errno=True)
    timer = ctypes.c_void_p()
    event = Event(None, signal.SIGQUIT, 0, b"")
    try:
        library.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
        library.signal.restype = ctypes.c_void_p
        created = library.timer_create(1, ctypes.byref(event), ctypes.byref(timer)) == 0  # 1: CLOCK_MONOTONIC
        end_at_once = ctypes.cast(library["_exit"], ctypes.c_void_p)
    except AttributeError:
        created = False
    if not created:
        return lambda _: None
    library.signal(signal.SIGQUIT, end_at_once)
    settle = library.timer_settime
    settle.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def set_to(seconds: float) -> None:
        whole = int(seconds)
        first = (ctypes.c_long * 2)(whole, int((seconds - whole) * 1e9))
        settle(timer, 0, ctypes.byref(Setting((ctypes.c_long * 2)(0, 0), first)), None)

    return set_to
