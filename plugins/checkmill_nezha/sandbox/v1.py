"""The simulated dashboard of generation v1: its login, servers and groups, with everything that is zero left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from checkmill.api.v1 import Answer, App, Asked, World
from checkmill_nezha.sandbox.machines import Health, health_of

USERNAME = "checkmill"
PASSWORD = "sandbox-password-of-nezha"  # noqa: S105 - opens the simulated dashboard alone

LOGIN_PATH = "/api/v1/login"
PATHS = ("/api/v1/server", "/api/v1/server-group")
#: How long a login lasts, and how many that fail in a row lock their address out for how long.
LASTING_S = 3600
MOST_FAILURES = 5
LOCKED_S = 600.0

_UNAUTHORIZED = {"error": "ApiErrorUnauthorized"}
_BLOCKED_PAGE = b"<!DOCTYPE html><html><body>Blocked by the dashboard</body></html>"
_KEYS = {
    "CPU": "cpu",
    "MemUsed": "mem_used",
    "SwapUsed": "swap_used",
    "DiskUsed": "disk_used",
    "NetInTransfer": "net_in_transfer",
    "NetOutTransfer": "net_out_transfer",
    "NetInSpeed": "net_in_speed",
    "NetOutSpeed": "net_out_speed",
    "Uptime": "uptime",
    "Load1": "load_1",
    "Load5": "load_5",
    "Load15": "load_15",
    "TcpConnCount": "tcp_conn_count",
    "UdpConnCount": "udp_conn_count",
    "ProcessCount": "process_count",
    "Temperatures": "temperatures",
}


class Dashboard:
    """One dashboard, and who failed to log in to it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._failures = 0
        self._locked_until = 0.0

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        if self._world.clock() < self._locked_until:
            return Answer(status=403, body=_BLOCKED_PAGE, headers={"content-type": "text/html; charset=utf-8"})
        if asked.method == "POST" and asked.path == LOGIN_PATH:
            return self._log_in(asked)
        if asked.method != "GET" or asked.path not in PATHS:
            return Answer(json={"error": "404 Not Found"})
        if not self._is_valid(asked.headers.get("authorization", "")):
            return Answer(json=_UNAUTHORIZED, remark="nezha refused a wrong or missing login")
        found = health_of(self._world)
        return _success(_groups(found) if asked.path.endswith("-group") else [_server(one) for one in found])

    def _log_in(self, asked: Asked) -> Answer:
        try:
            body = json.loads(asked.body)
        except ValueError:
            body = None
        if not isinstance(body, dict) or not body.get("username") or body.get("password") != PASSWORD:
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                self._failures, self._locked_until = 0, self._world.clock() + LOCKED_S
            return Answer(json=_UNAUTHORIZED, remark="nezha refused a login")
        self._failures = 0
        until = int(self._world.clock()) + LASTING_S
        return _success({"token": self._token(until), "expire": datetime.fromtimestamp(until, UTC).isoformat()})

    def _token(self, until: int) -> str:
        """A token that is good until then, and that only this world would give."""
        return f"sandbox.{until}.{int(self._world.chance('jwt', until) * 2**48):012x}"

    def _is_valid(self, header: str) -> bool:
        word, _, token = header.partition(" ")
        until = token.split(".")[1] if token.count(".") == 2 else ""
        if word != "Bearer" or not until.isdecimal() or int(until) <= self._world.clock():
            return False
        return token == self._token(int(until))


def start(world: World) -> App:
    """Start a dashboard of generation v1."""
    return Dashboard(world).answer


def _success(data: Any) -> Answer:
    return Answer(json={"success": True, "data": data} if data else {"success": True})


def _groups(found: list[Health]) -> list[dict[str, Any]]:
    names = sorted({name for one in found for name in (one.machine.tag, one.machine.second_group) if name})
    groups = []
    for number, name in enumerate(names, start=1):
        members = [one.machine.id for one in found if name in {one.machine.tag, one.machine.second_group}]
        groups.append({"group": {"id": number, "name": name}, "servers": members})
    return groups


def _server(health: Health) -> dict[str, Any]:
    machine, reported = health.machine, health.reported
    state = {} if reported is None else health.state()
    figures = {_KEYS[name]: value for name, value in state.items() if name in _KEYS and value}
    if machine.gpus:
        figures["gpu"] = [state["GPU"]]
    described = reported is not None and machine.ailment != "bare"
    stamp = "0001-01-01T00:00:00Z"
    if reported is not None:
        stamp = datetime.fromtimestamp(reported, UTC).isoformat().replace("+00:00", "Z")
    return {
        "id": machine.id,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "name": machine.name,
        "display_index": 0,
        "host": _host(health) if described else {},
        "state": figures,
        "geoip": {"ip": {}},
        "last_active": stamp,
    }


def _host(health: Health) -> dict[str, Any]:
    machine = health.machine
    host = {
        "platform": machine.platform,
        "platform_version": "12.8",
        "cpu": ["AMD EPYC 7B13 8 Virtual Core"],
        "mem_total": machine.memory,
        "disk_total": health.disk,
        "swap_total": machine.swap,
        "arch": "amd64",
        "virtualization": "kvm",
        "boot_time": health.started,
        "version": "1.4.1",
        "gpu": list(machine.gpus),
    }
    return {name: value for name, value in host.items() if value}
