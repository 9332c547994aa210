"""The log: to stderr, but for `check` and `local` to a rotated file in the state directory. No secret gets into it."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

from checkmill.model.secret import redact
from checkmill.store.directory import StoreError, made, prepared

LARGEST_LOG = 1024 * 1024
KEPT_LOGS = 3


class RedactingFormatter(logging.Formatter):
    """Formats a record, traceback included, without any secret."""

    def format(self, record: logging.LogRecord) -> str:
        """The line or lines of one record."""
        return redact(super().format(record))


def log_to_stderr(level: str, *, sandbox: bool) -> None:
    """Send the log to stderr; where a sandbox answers, what it remarks is shown too."""
    _install(logging.StreamHandler(), "%(levelname)s %(name)s: %(message)s", level)
    if sandbox:
        logging.getLogger("checkmill.sandbox").setLevel(min(logging.INFO, _number(level)))


def log_to_file(level: str, directory: Path | None) -> None:
    """Send the log to a file of the state directory; where that cannot be, there is no log."""
    handler: logging.Handler = logging.NullHandler()
    if directory is not None:
        try:
            path = made(prepared(directory) / "checkmill.log")
            handler = logging.handlers.RotatingFileHandler(
                path, maxBytes=LARGEST_LOG, backupCount=KEPT_LOGS, encoding="utf-8", delay=True
            )
        except (StoreError, OSError):
            handler = logging.NullHandler()
    _install(handler, "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s", level)


def _install(handler: logging.Handler, line: str, level: str) -> None:
    logging.raiseExceptions = False
    handler.setFormatter(RedactingFormatter(line))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("checkmill", *(("httpx", "httpcore") if level == "debug" else ())):
        logging.getLogger(name).setLevel(_number(level))


def _number(level: str) -> int:
    return int(logging.getLevelName(level.upper()))
