"""NHN Cloud Service Monitoring: its scenarios as a source and as code, and the batchmon reporter."""

from collections.abc import Iterable
from typing import Any

from checkmill.api.v1 import Command, Reporter, Source, hookimpl
from checkmill_nhn_monitoring.commands import COMMANDS
from checkmill_nhn_monitoring.metrics import NHN_MONITORING
from checkmill_nhn_monitoring.reporting import NHN_BATCHMON


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    """Give `nhn-monitoring`."""
    return [NHN_MONITORING]


@hookimpl
def checkmill_reporters() -> Iterable[Reporter[Any, Any]]:
    """Give `nhn-batchmon`."""
    return [NHN_BATCHMON]


@hookimpl
def checkmill_commands() -> Iterable[Command[Any, Any]]:
    """Give `checkmill nhn scenario ...`."""
    return COMMANDS
