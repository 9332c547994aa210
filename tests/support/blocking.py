"""Functions and flows that do what a plugin must not: block, loop, fork, refuse to end. For child processes to call."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import Any

from checkmill.model.errors import ParseError, SessionExpired, StatusError
from checkmill.model.flow import Flow, heavy
from checkmill.model.secret import Secret
from checkmill.model.settings import SourceSettings

FOREVER_S = 600
#: A program that lasts, marked so that a test finds its own.
LONG_SLEEP = f"sleep {FOREVER_S}.{os.environ.get('CHECKMILL_TEST_MARK', '0')}"
QUIETLY: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)


def add(one: int, other: int) -> int:
    return one + other


def nothing() -> None:
    return None


def measured(settings: SourceSettings, query: Any) -> dict[str, float]:
    """A dataset that is a plain function."""
    return {"web-1": float(len(settings.base_url))}


def describing(settings: SourceSettings, query: Any):  # type: ignore[no-untyped-def] # as a plugin without types
    return settings.get("/described")


def process_ids() -> tuple[int, int]:
    return os.getpid(), os.getppid()


def session_id() -> int:
    return os.getsid(0)


def reversed_secret(token: Secret) -> tuple[str, Secret, str, str]:
    """What is known of a secret in the child: itself reversed, itself, the arguments and the environment."""
    with open("/proc/self/cmdline", encoding="utf-8") as arguments:  # noqa: PTH123 - not a file
        return token.reveal()[::-1], token, arguments.read(), repr(dict(os.environ))


def large(size: int) -> bytes:
    return bytes(size)


def chatty() -> str:
    print("printed by a plugin", flush=True)
    os.write(1, b"written by a plugin\n")
    return "quiet"


def crashing(word: str) -> None:
    raise KeyError(f"no {word} here")


def leaving() -> None:
    sys.exit(0)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refusing() -> None:
    raise StatusError("HTTP 500 from vendor:443", status=500, retry_after_s=3.0)


def failing_parse() -> None:
    raise ParseError("the answer holds no host")


def expiring() -> None:
    raise SessionExpired("HTTP 401 from vendor:443")


def unpicklable() -> Any:
    return lambda: None


def sleeping(settings: Any, query: Any) -> None:
    time.sleep(FOREVER_S)


def looping(settings: Any, query: Any) -> None:
    while True:
        pass


def forking(settings: Any, query: Any) -> None:
    """Children, grandchildren, sessions of their own, and programs that a shell leaves behind."""
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(FOREVER_S)
            os._exit(0)
    subprocess.Popen(["/bin/sh", "-c", f"sleep {FOREVER_S} & exec sleep {FOREVER_S}"], start_new_session=True)
    time.sleep(FOREVER_S)


def forking_and_done() -> str:
    """A result, and a process left behind."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(FOREVER_S)
    return "done"


def ignoring(settings: Any, query: Any) -> None:
    """No signal that can be ignored ends it."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(FOREVER_S)


def catastrophe(settings: Any, query: Any) -> object:
    """A parse that takes a minute and longer, in C, with the interpreter's lock held."""
    return re.match(r"(a|aa)+$", "a" * 80 + "b")


def parsing(settings: Any, query: Any) -> Flow[object]:
    """A flow whose parse is marked heavy."""
    return (yield from heavy(catastrophe, settings, query))


def sleeping_flow(settings: Any, query: Any) -> Flow[None]:
    """A flow that blocks in its own code."""
    time.sleep(FOREVER_S)
    yield settings.request("GET", "/")


def starting_flow(settings: Any, query: Any) -> Flow[None]:
    """A flow that starts programs, one of which has lost its parent."""
    command = f"{LONG_SLEEP} & exec {LONG_SLEEP}"
    subprocess.Popen(["/bin/sh", "-c", command], start_new_session=True, **QUIETLY)
    time.sleep(FOREVER_S)
    yield settings.request("GET", "/")


#: What a dataset may be that never gives a payload, and how a person would call it.
NEVER_DONE = {
    "loops": looping,
    "sleeps for ever": sleeping,
    "forks": forking,
    "ignores SIGTERM": ignoring,
    "parses for a minute": parsing,
    "parses for a minute as a function": catastrophe,
}
