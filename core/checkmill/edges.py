"""The edges of the program: the clocks, the chance and the environment, injected so that tests can be exact."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edges:
    """What a run may know of the world.

    `now` is the wall clock (epoch seconds), `monotonic` the clock that deadlines are measured on, `sleep` waits,
    `chance` gives a number in [0, 1) for jitter.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = field(default=random.random)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
