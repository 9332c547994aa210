"""A small imitation of Nezha: a dashboard of generation v0, and behind a login one of v1 that watches the same servers.

A real dashboard is of one generation. Here the address answers as v0 does until somebody logs in as only v1 lets one.
"""

from __future__ import annotations

from checkmill.api.v1 import Answer, App, Asked, Sandbox, World
from checkmill_nezha.sandbox import v0, v1


def start(world: World) -> App:
    """Start both dashboards behind one address."""
    older, newer = v0.start(world), v1.start(world)

    def answer(asked: Asked) -> Answer:
        logs_in = asked.method == "POST" and asked.path == v1.LOGIN_PATH
        logged_in = asked.path in v1.PATHS and asked.headers.get("authorization", "").startswith("Bearer ")
        return newer(asked) if logs_in or logged_in else older(asked)

    return answer


SANDBOX = Sandbox(start=start, settings={"token": v0.TOKEN, "username": v1.USERNAME, "password": v1.PASSWORD})
