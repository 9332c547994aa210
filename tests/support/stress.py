"""How much a stress test does: a few seconds in the ordinary suite, all of it with CHECKMILL_STRESS=full."""

from __future__ import annotations

import os


def scale(short: int, full: int) -> int:
    """How often to try: `short` in the ordinary suite, `full` when CHECKMILL_STRESS=full is set."""
    return full if os.environ.get("CHECKMILL_STRESS") == "full" else short
