"""The log of a process that does the same again and again: what is wrong is said when it begins, and its end too."""

from __future__ import annotations

import logging
import re

#: More different messages than this are said each time: they are never the same for long.
MOST = 1000

#: What a record carries as `extra` that tells of an event: it is always written, and is never over.
EVENT = {"is_event": True}

#: Numbers that stand alone change from one cycle to the next: how long, how many. Those in a name or a place do not.
_NUMBER = re.compile(r"(?:^|(?<=[\s(]))\d+(?:[.,]\d+)*(?=(?:ms|[smhd%])?(?:[\s,;)]|$))")


class Repeats(logging.Filter):
    """Keeps back warnings and errors that the cycle before had too, whatever the numbers in them."""

    def __init__(self) -> None:
        super().__init__()
        self._before: dict[str, str] = {}
        self._now: dict[str, str] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is to be written."""
        if record.levelno < logging.WARNING or hasattr(record, "is_event"):
            return True
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - of a plugin's own making; logging tells of it in its own way
            return True
        kind = f"{record.name} {record.levelno} {_NUMBER.sub('#', message)}"
        if kind in self._before:
            self._now.setdefault(kind, message)
            return False
        is_new = self._now.get(kind) != message
        if len(self._now) < MOST:
            self._now[kind] = message
        return is_new

    def cycle_over(self, *, whole: bool = True) -> list[str]:
        """Begin another cycle, and give what was said in the one before the last and in the last no more.

        A cycle that was not `whole` says nothing of what it did not come to.
        """
        if not whole:
            self._before = dict([*self._before.items(), *self._now.items()][-MOST:])
            self._now = {}
            return []
        over = [message for kind, message in self._before.items() if kind not in self._now]
        self._before, self._now = self._now, {}
        return over
