"""Notices input and output: a plugin's flows and samples are pure, and what they want of the world they yield."""

from __future__ import annotations

import sys
import sysconfig
import threading
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: What Python's audit events begin with where code reaches beyond its own memory, and how that is called.
_REACHING = {
    "socket.": "uses a socket",
    "subprocess.": "starts a process",
    "os.system": "starts a process",
    "os.fork": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.exec": "starts a process",
    "os.remove": "changes files",
    "os.rename": "changes files",
    "os.mkdir": "changes files",
    "os.rmdir": "changes files",
    "os.truncate": "changes files",
    "os.putenv": "changes the environment",
    "shutil.": "changes files",
    "sqlite3.connect": "opens a database",
    "time.sleep": "sleeps",
    "open": "opens a file",
}
_WRITING = set("wax+")
#: What importing a module opens.
_OF_PYTHON = (".py", ".pyc", ".so", ".pth", ".zip")

_state = threading.local()
_hooked = threading.Lock()
_hooks: list[bool] = []


@contextmanager
def io_noted() -> Iterator[list[str]]:
    """Collect what the code of this thread does to the world, in words; reading code and time zones does not count."""
    with _hooked:
        if not _hooks:  # an audit hook cannot be taken away again
            sys.addaudithook(_note)
            _hooks.append(True)
    noted: list[str] = []
    _state.noted = noted
    try:
        yield noted
    finally:
        _state.noted = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    noted = getattr(_state, "noted", None)
    if noted is None:
        return
    for beginning, words in _REACHING.items():
        if event == beginning or (beginning.endswith(".") and event.startswith(beginning)):
            if event == "open" and _is_harmless(*arguments[:2]):
                return
            if words not in noted:
                noted.append(words)
            return


def _is_harmless(path: object, mode: object) -> bool:
    """Whether a file is only read, and is part of Python, of a module or of the time zones."""
    if isinstance(mode, str) and set(mode) & _WRITING:
        return False
    if not isinstance(path, str | bytes):
        return False
    name = path.decode(errors="replace") if isinstance(path, bytes) else path
    homes = [*zoneinfo.TZPATH, *sysconfig.get_paths().values(), sys.prefix, sys.base_prefix]
    return name.endswith(_OF_PYTHON) or any(Path(name).is_relative_to(home) for home in homes)
