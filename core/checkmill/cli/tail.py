"""The end of what a job wrote, kept in bounds while it passes: its last lines are what a person reads first."""

from __future__ import annotations

import re
import threading
from collections import deque

#: So many bytes are kept of each stream, and so many lines of both are given.
KEPT_BYTES = 16 * 1024
KEPT_LINES = 20

#: What terminals act on: sequences that begin with an escape, those of colours and cursors first.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]+")


class Tail:
    """Keeps the end of several streams, in the order in which their pieces came. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._kept: dict[int, int] = {}
        self._is_cut: set[int] = set()

    def feed(self, stream: int, piece: bytes) -> None:
        """Take what came next on a stream."""
        with self._lock:
            if len(piece) > KEPT_BYTES:
                self._is_cut.add(stream)
                piece = piece[-KEPT_BYTES:]
            if self._pieces and self._pieces[-1][0] == stream and len(self._pieces[-1][1]) < KEPT_BYTES // 8:
                # A job that writes byte by byte must not be kept byte by byte.
                piece = self._drop(-1) + piece
            self._pieces.append((stream, piece))
            self._kept[stream] = self._kept.get(stream, 0) + len(piece)
            while self._kept[stream] > KEPT_BYTES:
                self._shorten(stream)

    def lines(self) -> tuple[str, ...]:
        """The last lines that show something, oldest first, without controls.

        A line stands where its last piece came. One whose beginning is not kept is left out, unless there is no other.
        """
        with self._lock:
            pieces, is_cut = list(self._pieces), set(self._is_cut)
        found: list[str] = []
        open_lines: dict[int, bytes] = {}
        left_out = {cut: _cut_short(b"".join(piece for stream, piece in pieces if stream == cut)) for cut in is_cut}
        for stream, piece in pieces:
            skipped = min(left_out.get(stream, 0), len(piece))
            if skipped:
                left_out[stream] -= skipped
            *lines, rest = (open_lines.pop(stream, b"") + piece[skipped:]).split(b"\n")
            found += map(_shown, lines)
            if rest:
                open_lines[stream] = rest
        found += map(_shown, open_lines.values())
        return tuple([line for line in found if line][-KEPT_LINES:])

    def _shorten(self, stream: int) -> None:
        """Leave out the oldest piece of a stream."""
        index = next(index for index, (number, _) in enumerate(self._pieces) if number == stream)
        piece = self._drop(index)
        left = piece[self._kept[stream] + len(piece) - KEPT_BYTES :]
        self._is_cut.add(stream)
        if left:
            self._pieces.insert(index, (stream, left))
            self._kept[stream] += len(left)

    def _drop(self, index: int) -> bytes:
        stream, piece = self._pieces[index]
        del self._pieces[index]
        self._kept[stream] -= len(piece)
        return piece


def _cut_short(kept: bytes) -> int:
    """How much of what begins amid a line is left out: there may stand half a secret, by which nobody knows it."""
    line_end = kept.find(b"\n") + 1
    return line_end if kept[line_end:].strip() and line_end else len(kept) // 2


def _shown(line: bytes) -> str:
    """A line as it stood on a terminal in the end: what was written over it counts, not what was there before."""
    text = _ESCAPES.sub("", line.decode("utf-8", "replace"))
    parts = [part for part in text.split("\r") if part.strip()]
    return _CONTROLS.sub(" ", parts[-1]).replace("\t", " ").strip() if parts else ""
