"""The standard streams, kept so that results alone reach stdout, whatever plugins print.

The real stdout is moved to a descriptor of its own that children do not inherit; what remains as descriptor 1 leads to
stderr, or for `check` and `local`, whose callers read both streams as one, into nothing.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass


@dataclass
class Streams:
    """Where text goes. `out` is the descriptor of the real stdout, None when there is none.

    `begun` tells that results were written or are being written, `broken` that they could not be. `last_words` is what
    there is to say if a signal ends the process now, and `asking` that somebody is at a prompt.
    """

    out: int | None
    quiet: bool = False
    out_is_terminal: bool = False
    err_is_terminal: bool = False
    in_is_terminal: bool = False
    begun: bool = False
    broken: bool = False
    last_words: str = ""
    asking: bool = False

    def results(self, text: str) -> None:
        """Write results to stdout with one call; `broken` tells afterwards that nobody read them."""
        self.begun = True
        data = text.encode("utf-8", "replace")
        if self.out is None:
            self.broken = True
            return
        try:
            while data:
                data = data[os.write(self.out, data) :]
        except OSError:
            self.broken = True

    def remark(self, text: str) -> None:
        """Write a line to stderr, unless the caller takes stderr for output."""
        if self.quiet:
            return
        try:
            sys.stderr.write(text.rstrip("\n") + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.quiet = True

    def ask(self, question: str) -> str:
        """Ask a question on stderr and give the line that is answered; "" when there is none."""
        self.asking = True
        try:
            sys.stderr.write(question)
            sys.stderr.flush()
            answer = _line()
        except (OSError, ValueError):
            return ""
        finally:
            self.asking = False
        if not answer.endswith("\n"):
            self.remark("")
        return answer.strip()

    def standard_input(self, most: int) -> bytes:
        """Read up to so many bytes of standard input. Raises OSError."""
        pieces: list[bytes] = []
        while most > 0 and (piece := os.read(0, min(most, 1 << 16))):
            pieces.append(piece)
            most -= len(piece)
        return b"".join(pieces)


def _line() -> str:
    """A line of standard input, as far as it comes."""
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(0, 1)):
        line += piece
    return line.decode("utf-8", "replace")


def taken(*, quiet: bool) -> Streams:
    """Take the streams of this process. With `quiet`, nothing but results leaves it."""
    for descriptor in (0, 1, 2):
        if not _is_open(descriptor):
            if descriptor == 1:
                _fill(1)
                return _redirected(None, quiet=quiet)
            _fill(descriptor)
    import fcntl

    return _redirected(fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3), quiet=quiet)


def _redirected(out: int | None, *, quiet: bool) -> Streams:
    if not _is_open(2):
        _fill(2)
    out_is_terminal = out is not None and os.isatty(out)
    err_is_terminal, in_is_terminal = os.isatty(2), os.isatty(0)
    if quiet:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    else:
        os.dup2(2, 1)
    for stream, descriptor in (("stdout", 1), ("stderr", 2)):
        setattr(sys, stream, open(descriptor, "w", encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115 - lives as long as the process
    return Streams(out, quiet, out_is_terminal, err_is_terminal, in_is_terminal)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _fill(descriptor: int) -> None:
    """Put the null device in the place of a closed stream, so that no file is opened there by chance."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)
