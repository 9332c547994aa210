"""What a Nezha dashboard answers when everything is as bad as can be, each server in a group of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from support.hostile import Document

if TYPE_CHECKING:
    from support.hostile_vendors import Asked

Hosts: TypeAlias = Sequence[str]
#: In percent, and above every limit of a rule on it.
USED_UP = 99.0


def _entry(number: int, host: str, reported: float) -> dict[str, Any]:
    address = "192.0.2.1"
    names = {"id": number, "name": host, "tag": f"group of {host}"}
    return {**names, "last_active": int(reported), "ipv4": address, "ipv6": "", "valid_ip": address}


def _machine(at: float) -> dict[str, Any]:
    return {
        "Platform": "debian",
        "PlatformVersion": "12",
        "CPU": ["Model 4 Virtual Core"],
        "MemTotal": 10**9,
        "DiskTotal": 10**12,
        "SwapTotal": 10**9,
        "Arch": "amd64",
        "Virtualization": "kvm",
        "BootTime": int(at) - 86400,
        "CountryCode": "kr",
        "Version": "0.20.1",
    }


_STATE: dict[str, Any] = {
    "CPU": USED_UP,
    "MemUsed": 10**9 * 99 // 100,
    "SwapUsed": 10**9 * 99 // 100,
    "DiskUsed": 10**12 * 99 // 100,
    "NetInTransfer": 1,
    "NetOutTransfer": 1,
    "NetInSpeed": 10**8,
    "NetOutSpeed": 10**8,
    "Uptime": 86400,
    "Load1": USED_UP,
    "Load5": USED_UP,
    "Load15": USED_UP,
    "TcpConnCount": 10**5,
    "UdpConnCount": 1,
    "ProcessCount": 10**5,
    "Temperatures": [{"Name": "core", "Temperature": USED_UP}],
}


def _success(result: Any) -> Document:
    return Document({"code": 0, "message": "success", "result": result})


def v0(asked: Asked, hosts: Hosts) -> Document:
    """Details of servers that report and are used up, and a list in which all of them fell silent."""
    lists = asked.path.endswith("/list")
    entries = [_entry(number, host, asked.at - 3600 * lists) for number, host in enumerate(hosts, start=1)]
    if lists:
        return _success(entries)
    return _success([{**one, "host": _machine(asked.at), "status": _STATE} for one in entries])


# Monitors.


def monitors(asked: Asked, hosts: Hosts) -> Document:
    """Servers that report, to which everything is far away."""
    if asked.path.endswith("/list"):
        return _success([_entry(number, host, asked.at) for number, host in enumerate(hosts, start=1)])
    minute = int(asked.at) // 60 * 60
    row = {
        "monitor_id": 1,
        "server_id": int(asked.path.rpartition("/")[2]),
        "monitor_name": "gateway",
        "server_name": "a server",
        "created_at": [(minute - back) * 1000 for back in (1800, 900, 0)],
        "avg_delay": [9000.5, 9100.25, 9200.75],
    }
    return _success([row])


# Generation v1.

_NAMES_OF_V1 = {
    "MemTotal": "mem_total",
    "DiskTotal": "disk_total",
    "SwapTotal": "swap_total",
    "CPU": "cpu",
    "MemUsed": "mem_used",
    "SwapUsed": "swap_used",
    "DiskUsed": "disk_used",
    "NetInSpeed": "net_in_speed",
    "Uptime": "uptime",
    "Load1": "load_1",
    "TcpConnCount": "tcp_conn_count",
    "ProcessCount": "process_count",
    "Temperatures": "temperatures",
}


def v1(asked: Asked, hosts: Hosts, token: str) -> Document:
    """The same servers as those of v0, behind a login."""
    if asked.path.endswith("/login"):
        return _success_of_v1({"token": token, "expire": "2099-01-01T00:00:00Z"})
    if asked.path.endswith("-group"):
        groups = enumerate(hosts, start=1)
        return _success_of_v1(
            [{"group": {"id": number, "name": f"group of {host}"}, "servers": [number]} for number, host in groups]
        )
    stamp = datetime.fromtimestamp(int(asked.at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    machine, state = (
        {_NAMES_OF_V1[name]: value for name, value in members.items() if name in _NAMES_OF_V1}
        for members in (_machine(asked.at), _STATE)
    )
    return _success_of_v1(
        [
            {"id": number, "name": host, "host": machine, "state": state, "last_active": stamp}
            for number, host in enumerate(hosts, start=1)
        ]
    )


def _success_of_v1(data: Any) -> Document:
    return Document({"success": True, "data": data})
