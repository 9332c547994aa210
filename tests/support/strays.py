"""A plugin that is there for its commands alone, one of which cannot be offered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checkmill.api.v1 import Arguments, Command, Flow, Plan, hookimpl


def nothing(settings: Any, asked: Arguments) -> Flow[Plan]:
    return Plan()
    yield


@hookimpl
def checkmill_commands() -> Iterable[Command[Any, Any]]:
    return [
        Command("stray list", "signals", nothing, Arguments, "list strays"),
        Command("run wild", "signals", nothing, Arguments, "run wild"),
    ]
