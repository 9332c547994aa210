"""WhaTap server monitoring, read over its Open API."""

from collections.abc import Iterable
from typing import Any

from checkmill.api.v1 import Source, hookimpl
from checkmill_whatap.metrics import WHATAP


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    """Give the source type `whatap`."""
    return [WHATAP]
