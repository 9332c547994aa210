"""NHN Cloud Resource Watcher: the alarms that tell people of changed resources, and what became of their notices."""

from collections.abc import Iterable
from typing import Any

from checkmill.api.v1 import Command, Source, hookimpl
from checkmill_nhn_watcher.commands import COMMANDS
from checkmill_nhn_watcher.metrics import WATCHER


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    """Give the source type `nhn-watcher`."""
    return [WATCHER]


@hookimpl
def checkmill_commands() -> Iterable[Command[Any, Any]]:
    """Give the commands `nhn alarm ...`."""
    return COMMANDS
