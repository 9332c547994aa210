"""Ends long work in good order: the first signal asks it to begin nothing more, the second ends the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from checkmill.cli.streams import Streams

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable(streams: Streams, said: str, last_words: str) -> Iterator[Callable[[], bool]]:
    """Give what tells whether to stop. `said` is told at the first signal, `last_words` by one that ends the process.

    What is said is written as it stands: a handler runs amid anything, a write to stderr included.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            # None stands for a handler that was not set from Python.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def ask_to_stop(_number: int, _frame: object) -> None:
        stop.set()
        restore()
        streams.last_words = last_words
        # On a terminal the line is not empty: it echoes the key, or shows how far the work is.
        lead = "\n" if streams.err_is_terminal else ""
        if not streams.quiet:
            with suppress(OSError):
                os.write(2, f"{lead}checkmill: {said}\n".encode())

    for number in SIGNALS:
        signal.signal(number, ask_to_stop)
    try:
        yield stop.is_set
    finally:
        restore()
        streams.last_words = ""
