"""What a process started and what those started: found and ended, those that hide behind a dead parent included."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1
_PROC = Path("/proc")
_PAUSE_S = 0.002
#: How often nothing may be found before it is believed: what forks as it is looked for can slip through once.
_LOOKS = 2


def adopt_orphans() -> bool:
    """Make every process below this one that loses its parent a child of this one. False where the system cannot."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> bool:
    """Have this process killed when the thread that forked it ends. False where the system cannot."""
    return _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def children_of(process: int) -> set[int]:
    """The processes that a process started and has not waited for; empty where there is no /proc."""
    found: set[int] = set()
    try:
        threads = list((_PROC / str(process) / "task").iterdir())
    except OSError:
        return found
    for thread in threads:
        with suppress(ProcessLookupError):
            try:
                found.update(map(int, (thread / "children").read_text().split()))
            except FileNotFoundError:
                if thread.exists():  # a kernel without these lists
                    return _children_by_parent(process)
    return found


def descendants_of(process: int, spare: Collection[int] = ()) -> list[int]:
    """All processes below a process, nearest first, without those of its children that are spared."""
    found = [child for child in sorted(children_of(process)) if child not in spare]
    for child in found:
        found += sorted(children_of(child) - set(found))
    return found


def end_descendants(
    spare: Collection[int] = (), within_s: float = 1.0, clock: Callable[[], float] = time.monotonic
) -> list[int]:
    """Kill all processes below this one and wait for them; gives those that would not end in time."""
    until = clock() + within_s
    looks = 0
    while looks < _LOOKS:
        alive = [process for process in descendants_of(os.getpid(), spare) if not _is_over(process)]
        looks = 0 if alive else looks + 1
        for process in alive:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        if alive:
            if clock() > until:
                return alive
            time.sleep(_PAUSE_S)
    return []


def _is_over(process: int) -> bool:
    """Whether a process has ended; a child of this one is waited for, so that it leaves the list."""
    with suppress(OSError):
        if os.waitpid(process, os.WNOHANG)[0]:
            return True
    try:
        return _stat_of(process)[0] in {"Z", "X"}
    except (OSError, IndexError):
        return True


def _stat_of(process: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: state, parent, ..."""
    return (_PROC / str(process) / "stat").read_text(errors="replace").rpartition(")")[2].split()


def _children_by_parent(process: int) -> set[int]:
    found = set()
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                if int(_stat_of(int(entry.name))[1]) == process:
                    found.add(int(entry.name))
    return found


def _prctl(option: int, value: int) -> bool:
    # Imported here: only for those who have something to guard.
    import ctypes

    try:
        return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)) == 0
    except (AttributeError, OSError):
        return False
