"""Answers in the shapes that Nezha's documentation and its dashboards have, and how tests ask for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checkmill.api.v1 import Metric, Request, Response, Sample, Secret
from checkmill.testing import play
from checkmill_nezha.metrics import NEZHA
from checkmill_nezha.settings import Settings

URL = "https://nezha.example"
TOKEN = "Qk3Zt81mWx07LrYb59PdAe26HsUv4TcN"
PASSWORD = "correct horse battery"
BEARER = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3NTB9.c2lnbmF0dXJl"

#: When the live server of the documented answers reported, and a moment later.
REPORTED = 1653015042
NOW = REPORTED + 8.0
#: Go's zero time in epoch seconds.
NEVER = -62135596800

LIST = "/api/v1/server/list"
DETAILS = "/api/v1/server/details"
MONITOR = "/api/v1/monitor/1"
LOGIN = "/api/v1/login"
SERVERS = "/api/v1/server"
GROUPS = "/api/v1/server-group"

ENTRY: dict[str, Any] = {
    "id": 1,
    "name": "Server1",
    "tag": "Tag1",
    "last_active": REPORTED,
    "ipv4": "1.1.1.1",
    "ipv6": "",
    "valid_ip": "1.1.1.1",
}
NEVER_ENTRY = {**ENTRY, "id": 2, "name": "Server2", "tag": "Tag2", "last_active": NEVER, "ipv4": "", "valid_ip": ""}
HOST: dict[str, Any] = {
    "Platform": "darwin",
    "PlatformVersion": "12.3.1",
    "CPU": ["Apple M1 Pro 8 Physical Core"],
    "MemTotal": 17179869184,
    "DiskTotal": 2473496842240,
    "SwapTotal": 4294967296,
    "Arch": "arm64",
    "Virtualization": "",
    "BootTime": 1652683962,
    "CountryCode": "hk",
    "Version": "0.20.5",
    "GPU": None,
}
STATUS: dict[str, Any] = {
    "CPU": 17.330210772540017,
    "MemUsed": 14013841408,
    "SwapUsed": 1073741824,
    "DiskUsed": 2335048912896,
    "NetInTransfer": 2710273234,
    "NetOutTransfer": 695454765,
    "NetInSpeed": 10806,
    "NetOutSpeed": 5303,
    "Uptime": 331080,
    "Load1": 5.23486328125,
    "Load5": 4.873046875,
    "Load15": 3.99267578125,
    "TcpConnCount": 195,
    "UdpConnCount": 70,
    "ProcessCount": 437,
    "Temperatures": [{"Name": "cpu", "Temperature": 61.5}, {"Name": "ssd", "Temperature": 40}],
    "GPU": 0,
}
NO_HOST: dict[str, Any] = {name: type(value)() for name, value in HOST.items() if value is not None} | {
    "CPU": None,
    "GPU": None,
}
NO_STATUS: dict[str, Any] = dict.fromkeys(STATUS, 0) | {"Temperatures": None}
SERVER = {**ENTRY, "host": HOST, "status": STATUS}
NEVER_SERVER = {**NEVER_ENTRY, "host": NO_HOST, "status": NO_STATUS}

HISTORY: dict[str, Any] = {
    "monitor_id": 3,
    "server_id": 1,
    "monitor_name": "gateway",
    "server_name": "Server1",
    "created_at": [(REPORTED // 60 * 60 - back) * 1000 for back in (1800, 900, 0)],
    "avg_delay": [20.5, 30.25, 40.0],
}

#: A server of generation v1, which leaves out every zero: CPU, UDP connections, swap in use.
V1_SERVER: dict[str, Any] = {
    "id": 1,
    "created_at": "2024-11-30T10:00:00+08:00",
    "updated_at": "2024-11-30T10:00:00+08:00",
    "name": "Server1",
    "uuid": "7e2f",
    "display_index": 0,
    "host": {
        "platform": "debian",
        "cpu": ["Intel 4 Virtual Core"],
        "mem_total": 8000,
        "disk_total": 100000,
        "swap_total": 4000,
        "boot_time": 1652683962,
        "version": "1.4.1",
    },
    "state": {
        "mem_used": 2000,
        "disk_used": 25000,
        "net_in_transfer": 10,
        "net_in_speed": 1000,
        "uptime": 331080,
        "load_1": 0.5,
        "tcp_conn_count": 12,
        "process_count": 99,
        "temperatures": [{"Name": "cpu", "Temperature": 50}],
        "gpu": [12.5, 80],
    },
    "geoip": {"ip": {}},
    "last_active": "2022-05-20T10:50:42.123456789+08:00",
}
V1_NEVER = {**V1_SERVER, "id": 2, "name": "Server2", "host": {}, "state": {}, "last_active": "0001-01-01T00:00:00Z"}
V1_GROUP = {"group": {"id": 1, "name": "eu"}, "servers": [1]}


def success(*rows: Any) -> dict[str, Any]:
    """An answer of generation v0."""
    return {"code": 0, "message": "success", "result": list(rows)}


def server(number: int = 1, name: str = "Server1", **more: Any) -> dict[str, Any]:
    """A live server of generation v0; keys in capitals go into its status."""
    own = {key: value for key, value in more.items() if not key[0].isupper()}
    status = {key: value for key, value in more.items() if key[0].isupper()}
    return {**SERVER, "id": number, "name": name, **own, **({"status": {**STATUS, **status}} if status else {})}


#: A good answer of every documented call, by path.
ANSWERS: dict[str, Any] = {
    LIST: success(ENTRY, NEVER_ENTRY),
    DETAILS: success(SERVER, NEVER_SERVER),
    MONITOR: success(HISTORY),
    "/api/v1/monitor/2": {"code": 0, "message": "success", "result": None},
    LOGIN: {"success": True, "data": {"token": BEARER.removeprefix("Bearer "), "expire": "2025-01-01T00:00:00Z"}},
    SERVERS: {"success": True, "data": [V1_SERVER, V1_NEVER]},
    GROUPS: {"success": True, "data": [V1_GROUP, {"group": {"id": 2, "name": "db"}, "servers": [1, 2]}]},
}


def v0(**more: Any) -> Settings:
    """Settings of a dashboard of generation v0."""
    return Settings(**{"base_url": URL, "token": Secret(TOKEN), **more})


def v1(**more: Any) -> Settings:
    """Settings of a dashboard of generation v1."""
    return Settings(**{"base_url": URL, "username": "ops", "password": Secret(PASSWORD), **more})


@dataclass
class Vendor:
    """Answers by path, with the requests that came; a number is a status, bytes are a body, all else is JSON."""

    answers: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        path = request.shown_url().removeprefix(request.base_url).partition("?")[0]
        found = {**ANSWERS, **self.answers}.get(path, 404)
        if callable(found):
            found = found(request)
        if isinstance(found, Response):
            return found
        if isinstance(found, int) and not isinstance(found, bool):
            return Response(status=found)
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        return Response(status=200, headers=self.headers, body=body)

    @property
    def paths(self) -> list[str]:
        return [request.shown_url().removeprefix(request.base_url) for request in self.asked]


def metric(name: str) -> Metric[Any, Any, Any]:
    """The metric of that name."""
    found = NEZHA.metric(name)
    assert found is not None, f"no metric {name}"
    return found


def samples(
    name: str,
    answers: dict[str, Any] | Vendor | None = None,
    settings: Settings | None = None,
    at: float = NOW,
    **query: Any,
) -> list[Sample]:
    """What a metric gives for some answers, in order; the rest of the vendor answers well."""
    asked = metric(name)
    vendor = answers if isinstance(answers, Vendor) else Vendor(answers or {})
    how = asked.dataset.query_type(**query)
    payload = play(asked.dataset.flow(settings or v0(), how), vendor, at, session=Secret(BEARER))
    return list(asked.samples(payload, how))


def figure(name: str, row: dict[str, Any], **more: Any) -> list[Sample]:
    """What a metric of single servers gives for one entry of the details."""
    return samples(name, {DETAILS: success(row)}, **more)


def only(found: list[Sample]) -> Sample:
    """The single sample of a list."""
    assert len(found) == 1, found
    return found[0]
