"""The levels that WhaTap's own event templates have; rules without levels take them."""

from __future__ import annotations

from checkmill.api.v1 import Levels, Limits

CPU_LEVELS = Levels(above=Limits(70.0, 90.0))
DISK_LEVELS = Levels(above=Limits(90.0, 95.0))
