"""Answers of a Nezha dashboard of generation v0, made of a table of servers as the rule files' stories write it.

A server: {id: 1, host: web-1, tag: web, age: 5s, version: 0.20.3, cpu: 42, memory_used: 40, uptime: 12d}; all but the
first four optional. `age` is that of its agent's last report, or `never`: none came since the dashboard started.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any, TypeAlias

from checkmill.model.units import seconds
from support.loopback import Reply
from support.operations.question import CREDENTIALS, Question, as_json

Server: TypeAlias = Mapping[str, Any]
#: What the dashboard gives in place of a time for an agent that has not reported since it started: the year 1.
NEVER = -62135596800
_MEMORY = 64 * 10**9
_DISK = 10**12


def answer(question: Question, servers: Sequence[Server]) -> Reply:
    """What a dashboard answers of its servers: in no order, since it keeps them in none, and dated by its clock."""
    reply = _answer(question, servers)
    return replace(reply, headers={**reply.headers, "Date": formatdate(question.at, usegmt=True)})


def _answer(question: Question, servers: Sequence[Server]) -> Reply:
    if question.headers.get("authorization") != CREDENTIALS["NEZHA_TOKEN"]:
        return as_json({"code": 403, "message": "访问此接口需要认证"})
    entry = {"/api/v1/server/list": _entry, "/api/v1/server/details": _details}.get(question.path)
    if entry is None:
        return Reply(404, b"<!DOCTYPE html><title>404</title>", {"Content-Type": "text/html"})
    result = [entry(server, question.at) for server in reversed(servers)]
    return as_json({"code": 0, "message": "success", "result": result})


def _entry(server: Server, now: float) -> dict[str, Any]:
    """A server of the list."""
    address = f"192.0.2.{server['id']}"
    return {
        "id": server["id"],
        "name": server["host"],
        "tag": server["tag"],
        "last_active": NEVER if server["age"] == "never" else int(now - seconds(server["age"])),
        "ipv4": address,
        "ipv6": "",
        "valid_ip": address,
        "display_index": 0,
        "hide_for_guest": False,
    }


def _details(server: Server, now: float) -> dict[str, Any]:
    """The same with what its agent sent last; nothing, that is zeros, where it sent nothing."""
    uptime = int(seconds(server["uptime"])) if "uptime" in server else 0
    return {
        **_entry(server, now),
        "host": {
            "Platform": "debian",
            "PlatformVersion": "12.1",
            "CPU": ["AMD EPYC 7543 4 Virtual Core"],
            "MemTotal": _MEMORY,
            "DiskTotal": _DISK,
            "SwapTotal": 0,
            "Arch": "x86_64",
            "Virtualization": "kvm",
            "BootTime": int(now) - uptime,
            "CountryCode": "kr",
            "Version": server.get("version", ""),
            "GPU": None,
        },
        "status": {
            "CPU": server.get("cpu", 0),
            "MemUsed": _MEMORY * server.get("memory_used", 0) // 100,
            "SwapUsed": 0,
            "DiskUsed": 0 if server["age"] == "never" else _DISK // 2,
            "NetInTransfer": 0,
            "NetOutTransfer": 0,
            "NetInSpeed": 0,
            "NetOutSpeed": 0,
            "Uptime": uptime,
            "Load1": 0,
            "Load5": 0,
            "Load15": 0,
            "TcpConnCount": 0,
            "UdpConnCount": 0,
            "ProcessCount": 0,
            "Temperatures": None,
            "GPU": 0,
        },
    }
