"""Answers in the shapes that WhaTap documents, and how tests ask for them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from checkmill.api.v1 import Metric, Request, Response, Sample, Secret
from checkmill.testing import play
from checkmill_whatap.metrics import WHATAP
from checkmill_whatap.settings import Settings

PCODE = "35"
TOKEN = "X4V3Q6PROJECTTOKEN000001"
ACCOUNT_TOKEN = "X4V3Q6ACCOUNTTOKEN000001"

#: One minute after the row that began at 1572341400 ended.
NOW = 1572341760.0

DISK_ROOT = {
    "usedPercent": 69.1,
    "freePercent": 30.9,
    "ioPercent": 0.26,
    "usedSpace": 8589934592,
    "freeSpace": 3841982464,
    "totalSpace": 12884901888,
    "readBps": 0.0,
    "writeBps": 4447.892,
    "readIops": 0.0,
    "writeIops": 0.774,
    "queueLength": 0.01,
    "blksize": 4096,
    "count": 1,
    "fileSystem": "xfs",
    "mountPoint": "/",
    "display": True,
}
SNAPSHOT = {
    "disk": {"/": DISK_ROOT, "/boot": {**DISK_ROOT, "usedPercent": 6.54, "mountPoint": "/boot"}},
    "memory": {
        "total": 2088476672,
        "used": 994172928,
        "free": 120000000,
        "available": 1094303744,
        "cached": 900000000,
        "buffers": 1000,
        "shared": 2000,
        "slab": 3000,
        "swaptotal": 2147479552,
        "swapused": 330956800,
        "pused": 47.6,
        "pavailable": 52.4,
        "swappused": 15.41,
        "pagefaults": 12.5,
    },
    "cpu": {
        "usr": 2.1,
        "sys": 1.5,
        "idle": 95.92,
        "iowait": 0.3,
        "nice": 0.0,
        "irq": 0.0,
        "softirq": 0.1,
        "steal": 0.08,
        "load1": 0.5,
        "load5": 0.25,
        "load15": 0.1,
    },
    "open_filedescriptors": 1824,
    "netstat": {"established": 12, "listen": 9, "syn_rcv": 1},
    "uptime": 16313689,
    "network": {
        "eth0": {
            "trafficIn": 12113.57,
            "trafficOut": 19447.73,
            "packetIn": 10.5,
            "packetOut": 8.183,
            "errorIn": 1.0,
            "errorOut": 2.0,
            "droppedIn": 0.0,
            "droppedOut": 0.5,
            "hwAddr": "",
        }
    },
}
SERVER = {
    "oid": -1359816680,
    "oname": "h-db-prx-01",
    "isActive": True,
    "os_status": "ok",
    "actTime": 1572000000000,
    "inactTime": 0,
    "startTime": 1572000000000,
    "agent_created": "49572130779",
    "cpu_cores": "2",
    "os_memory": "2088476672",
    "os_name": "linux",
    "ip": "10.0.0.1,172.17.0.1",
    "tags": ["@PRX"],
}
COUNT = {"total": 9, "ok": 3, "warning": 2, "fatal": 1, "inactive": 1, "paused": 1, "close": 1}
ROW = {
    "time": 1572341400000,
    "cpu": 4.08,
    "memory_pused": 47.6,
    "memory_swappused": 15.41,
    "usedPercent": 69.1,
    "ioPercent": 0.26,
    "trafficIn": 12113.57,
    "trafficOut": 24781.08,
}
PROJECT_ROW = {
    "groupName": "",
    "projectCode": 35,
    "projectName": "SERVER_TEST",
    "createTime": "2018-10-19 07:17:03.774",
    "status": "subscribe",
    "productType": "SMS",
    "platform": "INFRA",
    "apiToken": "X4V3Q6OWNTOKEN0000000035",
}
MEMBER = {"email": "kim@whatap.example", "name": "Kim", "typeKey": "super_admin", "typeName": "Super Admin"}

#: A good answer of every documented call, by path.
ANSWERS: dict[str, Any] = {
    "/open/api/json/projects": {"data": [PROJECT_ROW], "accountEmail": "kim@whatap.example", "total": 1},
    "/open/api/json/project/35/members": {"data": [MEMBER, MEMBER], "total": 2},
    "/open/api/json/groups": {"data": [{"groupName": "ops", "groupKey": "G1", "description": ""}], "total": 1},
    "/open/api/json/group/G1/members": {"data": [MEMBER], "total": 1},
    "/open/json/project": {
        "pname": "LOCAL_INFRA",
        "timezone": 9,
        "regionName": "LOCAL",
        "values": {"servers": [{**SERVER, "oid": "-1359816680", "actTime": "1572000000000", "okind": ""}]},
    },
    "/open/json/act_agent": {"pname": "LOCAL_INFRA", "values": "57.0"},
    "/open/json/inact_agent": {"pname": "LOCAL_INFRA", "values": "0.0"},
    "/open/json/host": {"pname": "LOCAL_INFRA", "values": "57.0"},
    "/open/json/cpucore": {"pname": "LOCAL_INFRA", "values": "124.0"},
    "/open/json/infra_cpu": {"pname": "LOCAL_INFRA", "values": {"h-db-prx-01": 2.802803, "서버-2": 93.5}},
    "/open/json/infra_disk_iops": {
        "pname": "LOCAL_INFRA",
        "values": {"h-db-prx-01": {"bps": 4447.892, "iops": 0.77481234}},
    },
    "/open/json/infra_net_traffic": {"pname": "LOCAL_INFRA", "values": {"h-db-prx-01": 4487137.014340188}},
    "/open/json/sm_proc": {
        "pname": "LOCAL_INFRA",
        "values": {
            "h-db-prx-01": [
                {"memoryBytes": 1274269696, "bps": 819.2, "cmd1": "java", "cpu": 102.5},
                {"memoryBytes": 1000000, "bps": 0.8, "cmd1": "java", "cpu": 2.5},
                {"memoryBytes": 5000, "bps": 0.0, "cmd1": "sshd", "cpu": 0.0},
            ]
        },
    },
    "/open/json/sm_servers": {
        "pname": "LOCAL_INFRA",
        "values": [
            {
                "os.status": "ok",
                "oname": "h-db-prx-01",
                "os.name": "linux",
                "oid": -1359816680,
                "isActive": True,
            }
        ],
    },
    "/open/json/sm": {
        "pname": "LOCAL_INFRA",
        "values": {
            "servers": [{**SERVER, "snapshot": SNAPSHOT}],
            "max": {"disk": {"totalSpace": 9.223372e18, "freeSpace": 0, "freespace": 1.58926471e11}},
            "count": COUNT,
            "tags": {},
        },
    },
    "/open/json/stat/sm_stat": {"servers": [{"oid": "-1359816680", "timeData": [ROW]}]},
}


def project_settings(**more: Any) -> Settings:
    """Settings of one project."""
    return Settings(**{"pcode": int(PCODE), "token": Secret(TOKEN), **more})


def account_settings(**more: Any) -> Settings:
    """Settings of an account."""
    return Settings(account_token=Secret(ACCOUNT_TOKEN), **more)


def settings_for(metric: Metric[Any, Any, Any]) -> Settings:
    """The settings that a metric needs."""
    names = {"projects", "project_status", "project_members", "groups", "group_members"}
    return account_settings() if metric.name in names else project_settings()


@dataclass
class Vendor:
    """Answers by path, with the requests that came; a number is a status, bytes are a body, all else is JSON.

    What is a response already is given as it is.
    """

    answers: dict[str, Any] = field(default_factory=dict)
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
        return Response(status=200, body=found if isinstance(found, bytes) else json.dumps(found).encode())


def metric(name: str) -> Metric[Any, Any, Any]:
    """The metric of that name."""
    found = WHATAP.metric(name)
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
    payload = play(asked.dataset.flow(settings or settings_for(asked), how), vendor, at)
    return list(asked.samples(payload, how))


def only(found: list[Sample]) -> Sample:
    """The single sample of a list."""
    assert len(found) == 1, found
    return found[0]
