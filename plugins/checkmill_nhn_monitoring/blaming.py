"""Whose failure it is that no answer came: the other side's, which is a verdict, or ours, by which nothing is known."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass

from checkmill.api.v1 import (
    ConnectError,
    DeadlineError,
    DnsError,
    ReadError,
    RedirectError,
    SourceError,
    TlsError,
    TooLargeError,
)

#: What the system refuses to us before anything is sent.
_OURS = {
    os.strerror(code).lower()
    for code in (
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EACCES,
        errno.EPERM,
        errno.ENETDOWN,
        errno.ENETUNREACH,
    )
}
#: A look-up that came to no answer, as core says it: the name service's trouble, not that of the host.
_UNASKED = re.compile(r"name service|no thread")
#: A connection, or its handshake, that was waited for.
_WAITED = re.compile(r" within [\d.]+ s$| in time$")


def is_theirs(error: SourceError) -> bool:
    """Whether an error is the other side's failure to answer."""
    if isinstance(error, TooLargeError | RedirectError) or (isinstance(error, DeadlineError) and not error.arrived):
        return False
    said = str(error)
    if isinstance(error, DnsError):
        return not _UNASKED.search(said)
    if isinstance(error, ConnectError):
        return said.rpartition(": ")[2] not in _OURS
    return isinstance(error, TlsError | ReadError)


@dataclass(frozen=True)
class Waits:
    """How long we wait ourselves: the source's `read_timeout` and `connect_timeout`, in seconds."""

    silence_s: float
    connect_s: float

    def impatience(self, error: SourceError, timeout_s: float) -> str:
        """That one of ours may have ended before a scenario's own time-out, as a sentence; "" if none did."""
        if isinstance(error, DeadlineError):
            name, ours_s = "read_timeout", self.silence_s
        elif isinstance(error, ConnectError | TlsError) and _WAITED.search(str(error)):
            name, ours_s = "connect_timeout", self.connect_s
        else:
            return ""
        if timeout_s <= ours_s:
            return ""
        return f"{error}; its own time-out, {timeout_s:g} s, is longer than {name}, {ours_s:g} s"
