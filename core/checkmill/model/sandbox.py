"""What a plugin's imitation of its vendor is made of. Core serves it on loopback; nothing here opens a socket."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as the sandbox sees it. Header names are in lower case; `path` has no query."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the sandbox answers: `json` if given, else `body`. `remark` is a line for whoever watches the sandbox."""

    status: int = 200
    json: Any = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""

    def sent_body(self) -> bytes:
        """The bytes on the wire."""
        return self.body if self.json is None else json.dumps(self.json, ensure_ascii=False).encode()


@dataclass(frozen=True)
class World:
    """The time and the chance of a simulated vendor: the same seed and time give the same values."""

    clock: Callable[[], float]
    seed: int = 1

    def wave(self, *name: object, low: float, high: float, period_s: float = 3600.0) -> float:
        """A value of its own for each name that moves smoothly between low and high."""
        return wave(self.clock(), self.seed, *name, low=low, high=high, period_s=period_s)

    def chance(self, *name: object) -> float:
        """A number in [0, 1) of its own for each name that never changes."""
        return _chance(self.seed, *name)


def wave(at: float, seed: int, *name: object, low: float, high: float, period_s: float = 3600.0) -> float:
    """The value of a wave at a time, for histories: see `World.wave`."""
    step, within = divmod(at / period_s, 1.0)
    before, after = _chance(seed, *name, int(step)), _chance(seed, *name, int(step) + 1)
    blend = (1 - math.cos(within * math.pi)) / 2
    return low + (high - low) * (before + (after - before) * blend)


def _chance(*name: object) -> float:
    digest = hashlib.blake2b("\0".join(map(str, name)).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / (1 << 48)


App: TypeAlias = Callable[[Asked], Answer]


@dataclass(frozen=True)
class Sandbox:
    """A simulated vendor: `start(world)` gives the function that answers.

    `settings` are the values that secrets and every `${...}` in the settings take under `--sandbox`; `target` the same
    for what rules say under `report:`.
    """

    start: Callable[[World], App]
    settings: Mapping[str, object] = field(default_factory=dict)
    target: Mapping[str, object] = field(default_factory=dict)
