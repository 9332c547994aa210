"""Nezha server monitoring, read over the API of its dashboard."""

from collections.abc import Iterable
from typing import Any

from checkmill.api.v1 import Source, hookimpl
from checkmill_nezha.metrics import NEZHA


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    """Give the source type `nezha`."""
    return [NEZHA]
