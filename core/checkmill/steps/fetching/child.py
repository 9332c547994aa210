"""The child process of `children`: a guard, and below it the worker that calls the function.

The guard is forked from before any of the plugin's code is imported, so nothing the plugin does reaches it. When the
worker has ended, or the other side has closed its socket or is gone, it ends everything below it and then itself.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import sys
import traceback
from collections.abc import Generator
from contextlib import suppress
from typing import Any, BinaryIO, NoReturn

from checkmill.model.errors import SourceError
from checkmill.model.secret import redact
from checkmill.steps.fetching.children import LENGTH, packed
from checkmill.steps.fetching.descendants import adopt_orphans, die_with_parent, end_descendants
from checkmill.steps.fetching.moves import GaveFlow

#: How long the guard tries to end what the worker left behind.
CLEARING_S = 1.0


def main(link: socket.socket, incoming: BinaryIO) -> NoReturn:
    """Guard one call. `incoming` reads from `link`."""
    code = 1
    try:
        call = incoming.read(int.from_bytes(incoming.read(LENGTH), "big"))
        adopt_orphans()
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        worker = os.fork()
        if worker == 0:
            _work(link, call)
        _wait(worker, link, woken)
        with suppress(OSError):
            os.killpg(worker, signal.SIGKILL)
        end_descendants(within_s=CLEARING_S)
        code = 0
    finally:
        # Nothing of the interpreter's own end is wanted: no buffers twice, no hooks of a plugin.
        os._exit(code)


def _wait(worker: int, link: socket.socket, woken: int) -> None:
    """Until the worker has ended or nobody wants its answer any more."""
    waiting = select.poll()
    waiting.register(link, select.POLLRDHUP | select.POLLHUP)
    waiting.register(woken, select.POLLIN)
    while True:
        # A look now and then, should a signal have been lost.
        for descriptor, _ in waiting.poll(1000):
            if descriptor == link.fileno():
                return
            os.read(woken, 4096)
        if os.waitpid(worker, os.WNOHANG)[0]:
            return


def _work(link: socket.socket, call: bytes) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        die_with_parent()
        answer = _answer(call)
        # A function that answers too late finds the socket closed.
        with suppress(OSError):
            link.sendall(len(answer).to_bytes(LENGTH, "big") + answer)
    finally:
        os._exit(0)


def _answer(call: bytes) -> bytes:
    """Call the function; gives the message that says what came of it."""
    most = 0
    try:
        function, arguments, most = pickle.loads(call)  # noqa: S301 - from the process that started this one
        answer = packed(("value", _result(function, arguments)))
    except SourceError as error:
        answer = packed(("error", error.with_traceback(None)))
    except BaseException as crash:  # noqa: BLE001 - the wall round a plugin: what it did is told on the other side
        answer = packed(("crash", type(crash).__name__, redact("".join(traceback.format_exception(crash)))[-20_000:]))
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    return answer if len(answer) <= most or not most else packed(("large",))


def _result(function: Any, arguments: tuple[Any, ...]) -> Any:
    result = function(*arguments)
    return GaveFlow() if isinstance(result, Generator) else result
