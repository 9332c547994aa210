"""Values as the site writes them: Python text, dictionaries in whatever order they happen to have."""

from __future__ import annotations

from checkmill.api.v1 import World
from checkmill_checkmk.sandbox.estate import Octets, Unicode


def written(value: object, world: World) -> str:
    """Write a value as Python does, and where it is marked so, as Python 2 did. The order changes with the minute."""
    minute = int(world.clock() // 60)

    def by_chance(pair: tuple[object, object]) -> float:
        return world.chance("order", minute, repr(pair[0]))

    def text_of(one: object) -> str:
        if isinstance(one, dict):
            pairs = sorted(one.items(), key=by_chance)
            return "{" + ", ".join(f"{text_of(key)}: {text_of(inner)}" for key, inner in pairs) + "}"
        if isinstance(one, list):
            return "[" + ", ".join(map(text_of, one)) + "]"
        if isinstance(one, tuple):
            return "(" + ", ".join(map(text_of, one)) + ("," if len(one) == 1 else "") + ")"
        if isinstance(one, Unicode):
            return "u" + ascii(str(one))
        if isinstance(one, Octets):
            return ascii(one.encode().decode("latin-1"))
        return repr(one)

    return text_of(value)
