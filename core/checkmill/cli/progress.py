"""A line on the terminal that shows how far a long drain is: how many, how fast, how long still, and what became of it.

It is drawn on stderr and taken back before anything else is written there; nothing of it reaches a log or a pipe.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from checkmill.cli.deliveries import counted
from checkmill.cli.fitting import cut
from checkmill.cli.streams import Streams
from checkmill.edges import Edges

#: How long nobody is shown anything, and how often a line is drawn at most.
QUIET_S, REDRAW_S = 0.5, 0.1
#: The speed is that of the last seconds.
WINDOW_S = 15.0
#: How wide the bar is, and the width of a terminal with no room for one.
BAR, NARROW = 20, 60
_DEFAULT_WIDTH = 80
#: To the beginning of the line, and nothing behind it.
_ERASE = "\r\x1b[K"


class Line:
    """The line. `write` puts text on the terminal, `width` gives its columns, `monotonic` the time in seconds."""

    def __init__(
        self, write: Callable[[str], object], width: Callable[[], int], monotonic: Callable[[], float]
    ) -> None:
        self._write = write
        self._width = width
        self._monotonic = monotonic
        self._drawn_at = monotonic() + QUIET_S - REDRAW_S
        self._is_drawn = False
        self._seen = deque([(monotonic(), 0)])
        # What is logged comes from other threads too.
        self._lock = threading.RLock()

    def show(self, settled: int, waiting: int, counts: Mapping[str, int]) -> None:
        """Draw the line, unless that was done just now."""
        now = self._monotonic()
        self._seen.append((now, settled))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        if now - self._drawn_at < REDRAW_S:
            return
        text = self._text(settled, waiting, counts)
        with self._lock:
            # The last column stays free: some terminals go on to the next line there.
            self._write(f"{_ERASE}{cut(text, max(self._width() - 1, 1))}")
            self._drawn_at, self._is_drawn = now, True

    def take_back(self) -> None:
        """Leave nothing of the line on the terminal."""
        with self._lock:
            if self._is_drawn:
                self._write(_ERASE)
                self._is_drawn = False

    def _text(self, settled: int, waiting: int, counts: Mapping[str, int]) -> str:
        whole = settled + waiting
        share = settled / whole if whole else 1.0
        filled = int(share * BAR)
        bar = f"[{'#' * filled}{'.' * (BAR - filled)}] " if self._width() > NARROW else ""
        parts = [f"{bar}{settled:,} of {whole:,}", f"{int(share * 100)}%"]
        rate = self._rate()
        if rate > 0:
            parts += [f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s", f"{_span(waiting / rate)} left"]
        return "  ".join([*parts, counted(counts)]).rstrip()

    def _rate(self) -> float:
        (began, before), (now, settled) = self._seen[0], self._seen[-1]
        return (settled - before) / (now - began) if now > began else 0.0


@contextmanager
def shown(streams: Streams, edges: Edges) -> Iterator[Line | None]:
    """A line on stderr while the body runs; None where stderr is no terminal, or one that cannot take a line back."""
    if not streams.err_is_terminal or streams.quiet or edges.environ.get("TERM", "dumb") == "dumb":
        yield None
        return
    line = Line(_write, _width, edges.monotonic)

    def makes_way(_: logging.LogRecord) -> bool:
        line.take_back()
        return True

    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(makes_way)
    try:
        yield line
    finally:
        for handler in handlers:
            handler.removeFilter(makes_way)
        line.take_back()


def _span(seconds: float) -> str:
    """A time that is left: `45s`, `3m05s`, `2h10m`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60:,}h{minutes % 60:02}m"


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def _width() -> int:
    try:
        return os.get_terminal_size(2).columns or _DEFAULT_WIDTH
    except OSError:
        return _DEFAULT_WIDTH
