"""Service levels that Checkmk computes, read over its Web API (Enterprise editions 1.5 to 2.1)."""

from collections.abc import Iterable
from typing import Any

from checkmill.api.v1 import Source, hookimpl
from checkmill_checkmk.metrics import CHECKMK


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    """Give the source type `checkmk`."""
    return [CHECKMK]
