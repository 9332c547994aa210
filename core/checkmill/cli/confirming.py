"""Asks a person before anything is changed at a vendor."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from checkmill.cli.paragraphs import printable
from checkmill.cli.sourcing import RefusedError
from checkmill.cli.streams import Streams
from checkmill.model.source import ConfiguredSource

log = logging.getLogger("checkmill")

_YES = {"y", "yes"}
UNCHANGED = "nothing was changed"


def confirm(streams: Streams, count: int, source: ConfiguredSource, *, sandbox: bool, unseen: str) -> None:
    """Ask once whether so many things may be changed. Raises `RefusedError` unless the answer is yes.

    `unseen` is what would change, where it is not on the terminal yet: whoever is asked must see what about.
    """
    if not (streams.in_is_terminal and streams.err_is_terminal):
        raise RefusedError(
            f"{UNCHANGED}: there is no terminal to ask at; say --yes to change without being asked, "
            "or --dry-run to look only"
        )
    if unseen:
        streams.remark(unseen)
    what = "1 thing" if count == 1 else f"{count} things"
    streams.last_words = UNCHANGED
    _forget_what_was_typed()
    answer = streams.ask(f"change {what} at {printable(source.name)}, {_where(source, sandbox=sandbox)}? [y/N] ")
    streams.last_words = ""
    if answer.lower() not in _YES:
        raise RefusedError(UNCHANGED)


def _forget_what_was_typed() -> None:
    """Drop what was typed or pasted before the question could be read: it answers another one."""
    import termios

    try:
        termios.tcflush(0, termios.TCIFLUSH)
    except (OSError, termios.error):
        log.debug("what was typed before the question could not be dropped")


def _where(source: ConfiguredSource, *, sandbox: bool) -> str:
    host = printable(urlsplit(source.settings.base_url).netloc.rpartition("@")[2])
    return f"the sandbox at {host}" if sandbox else host
