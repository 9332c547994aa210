"""A source in the sandbox for tests of commands: plans and carries out as core does, and keeps what was sent."""

from __future__ import annotations

from typing import Any

from checkmill.api.v1 import App, Plan, Request, Response, Secret, World
from checkmill.testing import play, vendor
from checkmill_nhn_monitoring.commands import Defined, Shown, get
from checkmill_nhn_monitoring.sandbox import APPKEY, PRODUCT_APPKEY, SANDBOX, WATCHED
from checkmill_nhn_monitoring.settings import Settings
from plugins.nhn_monitoring.reading import definitions, written

NOON = 1_767_268_800.0
ENVIRON = {"LOGIN_AUTHORIZATION": "sandbox-value", "LOGIN_PASSWORD": "sandbox-value"}
NEW = "{name: new shop, url: https://shop.example/health, interval: 60s, timeout: 3s}"


def source(**more: Any) -> Settings:
    keys = {"appkey": Secret(APPKEY), "product_appkey": Secret(PRODUCT_APPKEY)}
    return Settings(**{**keys, "scenarios": WATCHED, **more})


class Desk:
    """A source in the sandbox: plans and carries out as core does, and keeps what was sent."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or source()
        self.app: App = SANDBOX.start(World(lambda: NOON))
        self.sent: list[Request] = []

    def respond(self, request: Request) -> Response:
        self.sent.append(request)
        return vendor(self.app)(request)

    def plan(self, command: Any, asked: Any) -> Plan:
        self.sent.clear()
        plan = play(command(self.settings, asked), self.respond)
        assert all(request.method == "GET" for request in self.sent), "planning changes nothing"
        self.sent.clear()
        return plan

    def carry_out(self, plan: Plan) -> list[str]:
        assert plan.problems == []
        return [play(change.carry_out(), self.respond) for change in plan.changes]

    def text(self, *ids: str) -> str:
        plan = self.plan(get, Shown(ids=ids))
        assert plan.problems == []
        return written(plan.data)


def defined(text: str) -> Defined:
    return Defined(definitions=definitions(text, ENVIRON))


def summaries(plan: Plan) -> list[str]:
    return [change.summary for change in plan.changes]
