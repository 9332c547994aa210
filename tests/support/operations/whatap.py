"""WhaTap's answers, made of a table of hosts as the rule files' stories write it.

A host of a project: {cpu: 42, load1: 3.5, cores: 4, disks: {/data: {used: 96, free: 400GiB, busy: 71}},
processes: {postgres: 2, java: 1}, memory_of: {java: 5GiB}, rows: [95, 97], silent: 30m, tags: [db], active: false}; all
of it optional. `rows` are CPU use in the latest five-minute rows, oldest first; `silent` is how long ago they ended.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

from checkmill.model.units import seconds, size
from support.loopback import Reply
from support.operations.question import Question, as_json

Hosts: TypeAlias = Mapping[str, Mapping[str, Any]]
#: How many seconds a row of the time series covers.
ROW_S = 300


def answer(question: Question, hosts: Hosts) -> Reply:
    """What WhaTap answers of the hosts of a project."""
    if question.path == "/open/json/stat/sm_stat":
        return as_json({"servers": [_series(name, one, question.at) for name, one in hosts.items() if "rows" in one]})
    active = {name: host for name, host in hosts.items() if host.get("active", True)}
    values: dict[str, Any] = {
        "/open/json/act_agent": f"{len(active)}.0",
        "/open/json/inact_agent": f"{len(hosts) - len(active)}.0",
        "/open/json/host": f"{len(hosts)}.0",
        "/open/json/infra_cpu": {name: host["cpu"] for name, host in active.items() if "cpu" in host},
        "/open/json/sm_proc": {name: _processes(host) for name, host in active.items() if "processes" in host},
        "/open/json/sm_servers": [_row(name, host) for name, host in hosts.items()],
        "/open/json/sm": {
            "servers": [{**_row(name, host), "snapshot": _snapshot(host)} for name, host in hosts.items()]
        },
    }
    if question.path not in values:
        return Reply(404)
    return as_json({"pname": question.source, "values": values[question.path]})


def _row(name: str, host: Mapping[str, Any]) -> dict[str, Any]:
    """A server of a list."""
    active = host.get("active", True)
    cores = str(host.get("cores", 1))
    tags = host.get("tags", [])
    return {"oname": name, "oid": _id(name), "isActive": active, "os_status": "ok", "cpu_cores": cores, "tags": tags}


def _id(name: str) -> int:
    """A number for each name, the same in every run; WhaTap's are negative as often as not."""
    return -(zlib.crc32(name.encode()) % (1 << 31))


def _snapshot(host: Mapping[str, Any]) -> dict[str, Any]:
    disks = {
        mount: {"usedPercent": disk["used"], "freeSpace": size(disk["free"]), "ioPercent": disk.get("busy", 0.0)}
        for mount, disk in host.get("disks", {"/": {"used": 10, "free": "90GiB"}}).items()
    }
    return {
        "cpu": {"load1": host.get("load1", 0.1), "idle": 100 - (host.get("cpu") or 0)},
        "disk": disks,
    }


def _processes(host: Mapping[str, Any]) -> list[dict[str, Any]]:
    memory = host.get("memory_of", {})
    return [
        {"cmd1": command, "memoryBytes": size(memory.get(command, "10MiB")), "bps": 0.0, "cpu": 0.1}
        for command, count in host["processes"].items()
        for _ in range(count)
    ]


def _series(name: str, host: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Rows of CPU use, oldest first; the last one ended with the last whole five minutes, or so long before."""
    end = now // ROW_S * ROW_S - seconds(host["silent"]) if "silent" in host else now // ROW_S * ROW_S
    begin = int(end) - ROW_S * len(host["rows"])
    rows = [{"time": (begin + ROW_S * number) * 1000, "cpu": cpu} for number, cpu in enumerate(host["rows"])]
    return {"oid": str(_id(name)), "timeData": rows}
