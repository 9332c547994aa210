"""The simulated dashboard of generation v0: its three calls, their oddities, and what it refuses."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from checkmill.api.v1 import Answer, App, Asked, World
from checkmill_nezha.sandbox.machines import MONITORS, Health, health_of

TOKEN = "SandboxTokenOfNezha0123456789abc"  # noqa: S105 - opens the simulated dashboard alone

#: The year 1 in epoch seconds, which is what Go's zero time becomes.
NEVER = -62135596800
NOT_FOUND_PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body>404</body></html>"
_HTML = {"content-type": "text/html; charset=utf-8"}
_REFUSED = "访问此接口需要认证"
_NO_ID = "id参数错误"
_UNKNOWN_ID = "id不存在"
_MONITOR = re.compile(r"/api/v1/monitor/([^/]+)")
_LARGEST_UINT = (1 << 64) - 1

_NO_STATE: dict[str, Any] = {
    "CPU": 0,
    "MemUsed": 0,
    "SwapUsed": 0,
    "DiskUsed": 0,
    "NetInTransfer": 0,
    "NetOutTransfer": 0,
    "NetInSpeed": 0,
    "NetOutSpeed": 0,
    "Uptime": 0,
    "Load1": 0,
    "Load5": 0,
    "Load15": 0,
    "TcpConnCount": 0,
    "UdpConnCount": 0,
    "ProcessCount": 0,
    "Temperatures": None,
    "GPU": 0,
}
_NO_HOST: dict[str, Any] = {
    "Platform": "",
    "PlatformVersion": "",
    "CPU": None,
    "MemTotal": 0,
    "DiskTotal": 0,
    "SwapTotal": 0,
    "Arch": "",
    "Virtualization": "",
    "BootTime": 0,
    "CountryCode": "",
    "Version": "",
    "GPU": None,
}


class Dashboard:
    """One dashboard. It gives all servers in another order on each call, as the map that it keeps them in does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls = count(1)

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        monitor = _MONITOR.fullmatch(asked.path)
        if asked.method != "GET" or not (monitor or asked.path in {"/api/v1/server/list", "/api/v1/server/details"}):
            return Answer(status=404, body=NOT_FOUND_PAGE, headers=_HTML)
        if asked.headers.get("authorization") != TOKEN:
            return Answer(json={"code": 403, "message": _REFUSED}, remark="nezha refused a wrong or missing token")
        if monitor is not None:
            return self._history(monitor[1])
        if asked.path.endswith("/list"):
            return _success([_entry(one) for one in self._selected("", asked.params.get("tag", ""))])
        id_list, tag = asked.params.get("id", ""), asked.params.get("tag", "")
        everything = not id_list and not tag
        return _success([_detailed(one, everything=everything) for one in self._selected(id_list, tag)])

    def _selected(self, id_list: str, tag: str) -> list[Health]:
        """Which servers a call means: a tag wins over ids, which are skipped where they are none or unknown."""
        known = health_of(self._world)
        if tag:
            return [one for one in known if one.machine.tag == tag]
        if id_list:
            by_id = {one.machine.id: one for one in known}
            return [by_id[number] for part in id_list.split(",") if (number := _uint(part)) in by_id]
        call = next(self._calls)
        return sorted(known, key=lambda one: self._world.chance("order", call, one.machine.id))

    def _history(self, written: str) -> Answer:
        number = _uint(written)
        if not written.isdecimal():
            return Answer(status=400, json={"code": 400, "message": _NO_ID})
        health = next((one for one in health_of(self._world) if one.machine.id == number), None)
        if health is None:
            return Answer(status=404, json={"code": 404, "message": _UNKNOWN_ID})
        if not health.machine.monitored:
            return _success(None)
        rows = []
        for monitor, name in MONITORS:
            times, delays = health.history(monitor)
            rows.append(
                {
                    "monitor_id": monitor,
                    "server_id": health.machine.id,
                    "monitor_name": name,
                    "server_name": health.machine.name,
                    "created_at": times,
                    "avg_delay": delays,
                }
            )
        return _success(rows)


def start(world: World) -> App:
    """Start a dashboard of generation v0."""
    return Dashboard(world).answer


def _success(result: Any) -> Answer:
    return Answer(json={"code": 0, "message": "success", "result": result})


def _uint(written: str) -> int:
    """A number as the dashboard reads it: what is none is 0."""
    number = int(written) if written.isascii() and written.isdecimal() else 0
    return number if number <= _LARGEST_UINT else 0


def _entry(health: Health) -> dict[str, Any]:
    machine, reported = health.machine, health.reported
    address = "" if reported is None or machine.ailment == "bare" else f"192.0.2.{machine.id}"
    return {
        "id": machine.id,
        "name": machine.name,
        "tag": machine.tag,
        "last_active": NEVER if reported is None else int(reported),
        "ipv4": address,
        "ipv6": "",
        "valid_ip": address,
        "display_index": 0,
        "hide_for_guest": False,
    }


def _detailed(health: Health, *, everything: bool) -> dict[str, Any]:
    """An entry with its figures. Only without id and tag are its place on the page and its visibility filled in."""
    machine = health.machine
    shown = {"display_index": 100 - machine.id, "hide_for_guest": machine.tag == "db"} if everything else {}
    never = health.reported is None
    described = not never and machine.ailment != "bare"
    return {
        **_entry(health),
        **shown,
        "host": _host(health) if described else _NO_HOST,
        "status": _NO_STATE if never else health.state(),
    }


def _host(health: Health) -> dict[str, Any]:
    machine = health.machine
    return {
        "Platform": machine.platform,
        "PlatformVersion": "12.8",
        "CPU": ["AMD EPYC 7B13 8 Virtual Core"],
        "MemTotal": machine.memory,
        "DiskTotal": health.disk,
        "SwapTotal": machine.swap,
        "Arch": "amd64",
        "Virtualization": "kvm",
        "BootTime": health.started,
        "CountryCode": "kr",
        "Version": "0.20.5",
        "GPU": list(machine.gpus) or None,
    }
