"""Dashboards on loopback, and what the commands say of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from plugins.nezha.documented import TOKEN, success
from support.commands import NOW, Desk
from support.loopback import Got, Reply, Server, http_server


def lines(desk: Desk, words: str = "run") -> dict[str, str]:
    """State and text of each service."""
    return {one["service"]: f"{one['state']} {one['output']}" for one in desk(f"{words} --format json").json}


class Dashboard:
    """Answers by path, each a document or what gives one; counts what it is asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = answers
        self.server = Server(0)

    def __call__(self, got: Got) -> Reply:
        found = self.answers.get(urlsplit(got.target).path, Reply(404, b"<html>404</html>"))
        document = found(got) if callable(found) else found
        return document if isinstance(document, Reply) else Reply(200, json.dumps(document).encode())

    @property
    def asked(self) -> list[str]:
        return [f"{got.method} {got.target}" for got in self.server.got]


@contextmanager
def serving(dashboard: Dashboard) -> Iterator[Dashboard]:
    with http_server(dashboard) as running:
        dashboard.server = running
        yield dashboard


def v0_with_token(rows: list[Any]) -> Callable[[Got], Any]:
    def answer(got: Got) -> Any:
        if got.headers.get("authorization") != TOKEN:
            return {"code": 403, "message": "访问此接口需要认证"}
        return success(*rows)

    return answer


V0 = """
    sources:
      nezha: {type: nezha, base_url: <url>, token: <token>, retries: 0}
    checks:
"""


def fresh(row: dict[str, Any], age: float = 5) -> dict[str, Any]:
    return {**row, "last_active": int(NOW - age)}
