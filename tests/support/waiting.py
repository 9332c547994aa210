"""Waits for what another process or thread does, and never for longer than a test may take."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], within_s: float = 15.0) -> None:
    """Look again and again until a condition holds; fails when it does not in time."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, f"not so within {within_s:g} s"
        time.sleep(0.005)
