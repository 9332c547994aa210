"""NHN Cloud Service Monitoring: the batchmon reporter."""

from collections.abc import Iterable
from typing import Any

from checkmill.api.v1 import Reporter, hookimpl
from checkmill_nhn_monitoring.reporting import NHN_BATCHMON


@hookimpl
def checkmill_reporters() -> Iterable[Reporter[Any, Any]]:
    """Give `nhn-batchmon`."""
    return [NHN_BATCHMON]
