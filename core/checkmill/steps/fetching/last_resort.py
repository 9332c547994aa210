"""What keeps a plugin from living on: its children are ended with the run, and a hung interpreter with its time.

Threads keep nobody waiting for a plugin that blocks or loops. Code in C that never lets go of the interpreter's lock,
such as a catastrophic regular expression, stops every thread, the one that keeps the deadlines included; no Python code
can end it. So the coordinating thread sets a timer in the kernel whenever it begins to wait: if it does not come back
in time, the signal's action is `_exit` of the C library itself, which asks nobody. The number of the signal is the exit
code, and SIGQUIT is number 3: UNKNOWN. Nothing is printed then, and nothing that was not OK becomes so.

All of it is for a process of Checkmill's own, which says so by `enable`; nothing here is done in another's.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from checkmill.steps.fetching.descendants import adopt_orphans, children_of, end_descendants

#: How much later than it wanted the coordinating thread may come back.
PATIENCE_S = 0.6


class LastResort:
    """The guard of this process. Until `enable`, its methods do nothing."""

    def __init__(self) -> None:
        self._enabled = False
        self._stack: list[tuple[Callable[[float], None], frozenset[int]]] = []

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
        if self._stack:
            self._stack[0][0](0.0 if seconds is None else max(seconds, 0.0) + PATIENCE_S)

    def end_children(self) -> None:
        """Kill whatever plugins started and left, at the end of the process."""
        if self._stack:
            end_descendants(self._stack[0][1])


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
