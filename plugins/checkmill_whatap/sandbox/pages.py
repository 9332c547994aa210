"""The answers of the simulated WhaTap, in the shapes its documentation shows, oddities included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkmill.api.v1 import World
from checkmill_whatap.sandbox.fleet import GIB, GROUPS, MEMBERS, PROJECTS, Health, Project, health_of

#: Width of the rows of the time series by `filter`, in seconds.
ROW_S = {"s5": 5, "m5": 300, "h1": 3600}

_STATUSES = ("ok", "warning", "fatal", "inactive", "paused", "close")
_SOCKETS = ("listen", "time_wait", "close_wait", "syn_sent", "syn_rcv", "fin_wait1", "fin_wait2", "last_ack", "closing")


def projects() -> Any:
    """A1."""
    data = [
        {
            "groupName": project.group,
            "projectCode": project.pcode,
            "projectName": project.name,
            "createTime": "2018-10-19 07:17:03.774",
            "lastUpdateTime": "2018-10-19 07:46:05.167",
            "status": project.status,
            "productType": project.product,
            "platform": project.platform,
            "gatewayName": "LOCAL",
            "apiToken": project.token,
        }
        for project in PROJECTS
    ]
    return {"data": data, "accountEmail": MEMBERS[0][0], "total": len(data)}


def groups() -> Any:
    """A3."""
    data = [{"groupName": name, "groupKey": key, "description": about} for name, key, about in GROUPS]
    return {"data": data, "total": len(data)}


def members(key: str) -> Any:
    """A2 and A4: all of them, but one less in what ends in an even digit."""
    found = MEMBERS[:-1] if key[-1] in "02468" else MEMBERS
    data = [{"email": email, "name": name, "typeKey": kind, "typeName": role} for email, name, kind, role in found]
    return {"data": data, "total": len(data)}


def project(world: World, of: Project) -> Any:
    """P1: ids and times are text here, and numbers everywhere else."""
    servers = []
    for health in health_of(world, of):
        server = _server(health)
        as_text = {name: str(server[name]) for name in ("oid", "actTime", "startTime")}
        servers.append({**server, **as_text, "okind": ""})
    return {"pname": of.name, "timezone": 9, "regionName": "sandbox", "values": {"servers": servers}}


def act_agent(world: World, of: Project) -> Any:
    """S1."""
    return _count(of, sum(health.active for health in health_of(world, of)))


def inact_agent(world: World, of: Project) -> Any:
    """S2."""
    return _count(of, sum(not health.active for health in health_of(world, of)))


def hosts(world: World, of: Project) -> Any:
    """S3."""
    return _count(of, sum(1 for _ in health_of(world, of)))


def cpucore(world: World, of: Project) -> Any:
    """S4."""
    return _count(of, sum(health.machine.cores for health in health_of(world, of)))


def infra_cpu(world: World, of: Project) -> Any:
    """S5."""
    at = world.clock()
    return _by_host(of, {health.machine.name: health.cpu(at) for health in _active(world, of)})


def infra_disk_iops(world: World, of: Project) -> Any:
    """S6."""
    at = world.clock()
    rates = {
        h.machine.name: {"bps": h.at(at, "bps", 1e3, 4e6), "iops": h.at(at, "iops", 0.2, 180.0)}
        for h in _active(world, of)
    }
    return _by_host(of, rates)


def infra_net_traffic(world: World, of: Project) -> Any:
    """S7."""
    at = world.clock()
    return _by_host(
        of, {h.machine.name: round(h.traffic(at, "in") + h.traffic(at, "out"), 6) for h in _active(world, of)}
    )


def processes(world: World, of: Project) -> Any:
    """S8."""
    at = world.clock()
    listed = {}
    for health in _active(world, of):
        listed[health.machine.name] = [
            {
                "memoryBytes": int(health.at(at, f"memory {number}", 2e7, 1.5e9, 7200.0)),
                "bps": health.at(at, f"io {number}", 0.0, 2e5, 300.0),
                "cmd1": command,
                "cpu": health.at(at, f"cpu {number}", 0.0, 20.0, 300.0),
            }
            for number, command in enumerate(health.machine.processes)
        ]
    return _by_host(of, listed)


def sm_servers(world: World, of: Project) -> Any:
    """S9: keys with dots."""
    rows = [
        {
            "os.status": health.status,
            "oname": health.machine.name,
            "os.name": health.machine.os,
            "oid": health.oid,
            "isActive": health.active,
        }
        for health in health_of(world, of)
    ]
    return {"pname": of.name, "values": rows}


def sm(world: World, of: Project) -> Any:
    """S10. The inactive server keeps the figures of the moment it fell silent."""
    found = list(health_of(world, of))
    servers = [{**_server(health), "snapshot": _snapshot(health, _seen(health))} for health in found]
    counts = {status: sum(health.status == status for health in found) for status in _STATUSES}
    count = {"total": len(found), **counts}
    limits = {"disk": {"totalSpace": 9.223372e18, "freeSpace": 0, "freespace": 1.58926471e11}, "nic": {}}
    return {"pname": of.name, "values": {"servers": servers, "max": limits, "count": count, "tags": {}}}


def sm_stat(world: World, of: Project, since: int, until: int, width: int, oid: str | None) -> Any:
    """T1: rows that begin from `since` to before `until` (epoch seconds), none later than now."""
    until = min(until, int(world.clock()) + 1)
    servers = []
    for health in health_of(world, of):
        if oid is not None and int(oid) != health.oid:
            continue
        end = until if health.active else min(until, int(health.silent_since))
        begins = range(-(-since // width) * width, end, width)
        servers.append({"oid": str(health.oid), "timeData": [_row(health, begin) for begin in begins]})
    return {"servers": servers}


def _row(health: Health, at: int) -> Any:
    mount = health.machine.mounts[0]
    return {
        "time": at * 1000,
        "cpu": health.cpu(at),
        "memory_pused": health.memory_used(at),
        "memory_swappused": health.swap_used(at),
        "usedPercent": health.disk_used(at, mount),
        "ioPercent": health.disk_busy(at, mount),
        "trafficIn": health.traffic(at, "in"),
        "trafficOut": health.traffic(at, "out"),
    }


def _active(world: World, of: Project) -> Iterator[Health]:
    return (health for health in health_of(world, of) if health.active)


def _seen(health: Health) -> float:
    return health.world.clock() if health.active else health.silent_since


def _count(of: Project, number: int) -> Any:
    return {"pname": of.name, "values": f"{number}.0"}


def _by_host(of: Project, values: Any) -> Any:
    return {"pname": of.name, "values": values}


def _server(health: Health) -> dict[str, Any]:
    machine = health.machine
    started = int(health.started * 1000)
    return {
        "oid": health.oid,
        "oname": machine.name,
        "isActive": health.active,
        "os_status": health.status,
        "actTime": started,
        "inactTime": 0 if health.active else int(health.silent_since * 1000),
        "startTime": started,
        "agent_created": "49572130779",
        "cpu_cores": str(machine.cores),
        "os_memory": str(machine.memory),
        "os_name": machine.os,
        "os_arch": "amd64",
        "os_cpuvendor": "sandbox",
        "version": "1.7.2",
        "ip": "10.0.0.11,172.17.0.1",
        "public_ip": "192.0.2.11",
        "tags": ["network:10.0.0.0/8", f"@{machine.name.split('-')[0].upper()}"],
    }


def _snapshot(health: Health, at: float) -> Any:
    machine = health.machine
    nics = {"eth0": 1.0} if machine.os == "windows" else {"lo": 0.001, "eth0": 1.0}
    return {
        "disk": {mount: _disk(health, at, mount) for mount in machine.mounts},
        "memory": _memory(health, at),
        "cpu": _cpu(health, at),
        "open_filedescriptors": int(health.at(at, "files", 900, 9000)),
        "netstat": {
            "established": int(health.at(at, "established", 20, 400, 600.0)),
            **{state: int(health.at(at, state, 0, 9, 600.0)) for state in _SOCKETS},
            "unknown": 0,
        },
        "uptime": int(at - health.started),
        "network": {nic: _nic(health, at, nic, share) for nic, share in nics.items()},
    }


def _cpu(health: Health, at: float) -> Any:
    used = health.cpu(at)
    load = used / 100 * health.machine.cores
    parts = {"usr": 0.6, "sys": 0.25, "iowait": 0.1, "nice": 0.0, "irq": 0.01, "softirq": 0.02, "steal": 0.02}
    return {
        **{part: round(used * share, 6) for part, share in parts.items()},
        "idle": round(100 - used, 6),
        "load1": round(load * 1.1, 2),
        "load5": round(load, 2),
        "load15": round(load * 0.9, 2),
    }


def _memory(health: Health, at: float) -> Any:
    total, percent, swapped = health.machine.memory, health.memory_used(at), health.swap_used(at)
    used = int(total * percent / 100)
    return {
        "total": total,
        "used": used,
        "free": (total - used) // 3,
        "available": total - used,
        "cached": (total - used) // 2,
        "buffers": GIB // 8,
        "shared": GIB // 16,
        "slab": GIB // 8,
        "sreclaimable": GIB // 16,
        "sunreclaim": GIB // 16,
        "pused": percent,
        "pavailable": round(100 - percent, 6),
        "pagefaults": health.at(at, "faults", 0.0, 900.0, 300.0),
        "swaptotal": health.machine.swap,
        "swapused": int(health.machine.swap * swapped / 100),
        "swappused": swapped,
    }


def _disk(health: Health, at: float, mount: str) -> Any:
    total = 200 * GIB if mount == health.machine.mounts[-1] else 40 * GIB
    percent = health.disk_used(at, mount)
    used = int(total * percent / 100)
    return {
        "usedPercent": percent,
        "freePercent": round(100 - percent, 6),
        "usedSpace": used,
        "freeSpace": total - used,
        "totalSpace": total,
        "ioPercent": health.disk_busy(at, mount),
        "readBps": health.at(at, f"read {mount}", 0.0, 2e6, 300.0),
        "writeBps": health.at(at, f"write {mount}", 1e3, 2e6, 300.0),
        "readIops": health.at(at, f"reads {mount}", 0.0, 60.0, 300.0),
        "writeIops": health.at(at, f"writes {mount}", 0.1, 120.0, 300.0),
        "queueLength": health.at(at, f"queue {mount}", 0.0, 2.0, 300.0),
        "blksize": 4096,
        "count": 1,
        "fileSystem": "NTFS" if health.machine.os == "windows" else "ext4",
        "mountPoint": mount,
        "mountOption": "rw",
        "deviceId": f"disk of {mount}",
        "display": True,
    }


def _nic(health: Health, at: float, nic: str, share: float) -> Any:
    return {
        "trafficIn": round(health.traffic(at, "in") * share, 6),
        "trafficOut": round(health.traffic(at, "out") * share, 6),
        "packetIn": round(health.at(at, f"packets in {nic}", 5.0, 9e3, 600.0) * share, 6),
        "packetOut": round(health.at(at, f"packets out {nic}", 5.0, 9e3, 600.0) * share, 6),
        "errorIn": 0.0,
        "errorOut": 0.0,
        "droppedIn": 0.0,
        "droppedOut": 0.0,
        "hwAddr": "" if nic == "lo" else "02:00:00:00:00:0b",
        "ip": "127.0.0.1" if nic == "lo" else "10.0.0.11",
        "desc": nic,
        "count": 1,
    }
