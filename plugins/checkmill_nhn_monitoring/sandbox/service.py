"""Which part of the imitation answers what is asked of it. All parts share one state."""

from __future__ import annotations

from dataclasses import replace

from checkmill.api.v1 import Answer, App, Asked, World
from checkmill_nhn_monitoring.sandbox import shop
from checkmill_nhn_monitoring.sandbox.batch import Batchmon
from checkmill_nhn_monitoring.sandbox.scenarios import Scenarios


def start(world: World) -> App:
    """Start a service of its own."""
    scenarios = Scenarios(world)
    batchmon = Batchmon(world, scenarios.is_deleted)

    def answer(asked: Asked) -> Answer:
        # Core takes the type away that the address begins with; a flow that is played comes with it.
        inside = replace(asked, path=asked.path.removeprefix(shop.PREFIX))
        if inside.path.startswith(shop.SITE):
            return shop.page(world, inside)
        if inside.path.startswith("/open-api/v1.0/appkey/"):
            return scenarios.answer(inside)
        return batchmon.answer(inside)

    return answer
