"""Metrics of single servers: their status from the list of servers, their figures from the snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from checkmill.api.v1 import Dataset, Levels, Metric, NoQuery, Sample, State
from checkmill_whatap import calls, servers
from checkmill_whatap import metrics_snapshot as snapshot
from checkmill_whatap.levels import CPU_LEVELS, DISK_LEVELS
from checkmill_whatap.projects import PROJECT, PerProject, per_project
from checkmill_whatap.settings import Settings

#: WhaTap's words for a server; what else comes is UNKNOWN.
SERVER_STATES = {
    "ok": State.OK,
    "warning": State.WARNING,
    "fatal": State.CRITICAL,
    "inactive": State.CRITICAL,
    "close": State.CRITICAL,
    "paused": State.WARNING,
}


def server_status(rows: Sequence[Any], _: NoQuery) -> Iterator[Sample]:
    """The status of each server."""
    yield from servers.server_status(servers.servers_in(rows))


def server_active(rows: Sequence[Any], _: NoQuery) -> Iterator[Sample]:
    """Whether the agent of each server is active."""
    yield from servers.server_active(servers.servers_in(rows))


LIST = Dataset("sm_servers", calls.sm_servers)
SNAPSHOT = Dataset("sm", calls.sm)
SERVER = ("host", "id", *PROJECT)
MOUNT = ("host", "id", "mount", *PROJECT)
NIC = ("host", "id", "nic", *PROJECT)


def _metric(
    name: str, unit: str, labels: tuple[str, ...], samples: snapshot.Samples, meaning: str, levels: Levels | None = None
) -> Metric[Settings, NoQuery, PerProject[calls.Snapshot]]:
    return Metric(
        name,
        SNAPSHOT,
        per_project(samples),
        unit=unit,
        labels=labels,
        levels=levels,
        minimum=0,
        maximum=100 if unit == "%" else None,
        help=meaning,
    )


_amount, _count, _disk = snapshot.amount, snapshot.count, snapshot.disk
_network, _traffic = snapshot.network, snapshot.traffic

METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    Metric(
        "server_status",
        LIST,
        per_project(server_status),
        labels=SERVER,
        states=SERVER_STATES,
        help="WhaTap's status of each server: ok, warning, fatal, paused, close; inactive if its agent is",
    ),
    Metric(
        "server_active",
        LIST,
        per_project(server_active),
        labels=SERVER,
        states={"active": State.OK, "inactive": State.CRITICAL},
        help="whether the agent of each server is active",
    ),
    _metric(
        "servers", "", ("status", *PROJECT), snapshot.servers, "servers by status: ok, warning, fatal, inactive ..."
    ),
    _metric("cpu_used", "%", SERVER, snapshot.cpu_used, "CPU use of each server: 100 less idle", CPU_LEVELS),
    _metric("cpu_user", "%", SERVER, _amount("cpu", "usr"), "CPU time in user code"),
    _metric("cpu_sys", "%", SERVER, _amount("cpu", "sys"), "CPU time in the kernel"),
    _metric("cpu_idle", "%", SERVER, _amount("cpu", "idle"), "CPU time with nothing to do"),
    _metric("cpu_iowait", "%", SERVER, _amount("cpu", "iowait"), "CPU time waiting for disks"),
    _metric("cpu_steal", "%", SERVER, _amount("cpu", "steal"), "CPU time that the hypervisor gave to others"),
    _metric("cpu_nice", "%", SERVER, _amount("cpu", "nice"), "CPU time of processes with low priority"),
    _metric("cpu_irq", "%", SERVER, _amount("cpu", "irq"), "CPU time in interrupts"),
    _metric("cpu_softirq", "%", SERVER, _amount("cpu", "softirq"), "CPU time in soft interrupts"),
    _metric("load1", "", SERVER, _amount("cpu", "load1"), "load average of one minute"),
    _metric("load5", "", SERVER, _amount("cpu", "load5"), "load average of five minutes"),
    _metric("load15", "", SERVER, _amount("cpu", "load15"), "load average of fifteen minutes"),
    _metric("load1_per_core", "", SERVER, snapshot.load1_per_core, "load average of one minute per CPU core"),
    _metric("memory_used", "%", SERVER, _amount("memory", "pused"), "memory in use, caches not counted"),
    _metric("memory_available", "%", SERVER, _amount("memory", "pavailable"), "memory available to programs"),
    _metric("memory_used_bytes", "B", SERVER, _amount("memory", "used"), "memory in use"),
    _metric("memory_available_bytes", "B", SERVER, _amount("memory", "available"), "memory available to programs"),
    _metric("memory_total_bytes", "B", SERVER, _amount("memory", "total"), "memory in all"),
    _metric("memory_free_bytes", "B", SERVER, _amount("memory", "free"), "memory that nothing uses"),
    _metric("memory_cached_bytes", "B", SERVER, _amount("memory", "cached"), "memory in file caches"),
    _metric("memory_buffers_bytes", "B", SERVER, _amount("memory", "buffers"), "memory in buffers"),
    _metric("memory_shared_bytes", "B", SERVER, _amount("memory", "shared"), "shared memory"),
    _metric("memory_slab_bytes", "B", SERVER, _amount("memory", "slab"), "memory of kernel structures"),
    _metric(
        "page_faults", "", SERVER, _amount("memory", "pagefaults"), "page faults; per which time is not documented"
    ),
    _metric("swap_used", "%", SERVER, snapshot.swap_used, "swap in use; 0 without swap"),
    _metric("swap_used_bytes", "B", SERVER, _amount("memory", "swapused"), "swap in use"),
    _metric("swap_total_bytes", "B", SERVER, _amount("memory", "swaptotal"), "swap in all; 0 without swap"),
    _metric("disk_used", "%", MOUNT, _disk("usedPercent"), "disk space in use, as df counts it", DISK_LEVELS),
    _metric("disk_free", "%", MOUNT, _disk("freePercent"), "disk space free"),
    _metric("disk_used_bytes", "B", MOUNT, _disk("usedSpace"), "disk space in use"),
    _metric("disk_free_bytes", "B", MOUNT, _disk("freeSpace"), "disk space free"),
    _metric("disk_total_bytes", "B", MOUNT, _disk("totalSpace"), "disk space in all"),
    _metric("disk_io", "%", MOUNT, _disk("ioPercent"), "time the disk was busy; some kinds of disk report it wrongly"),
    _metric("disk_read_bps", "B/s", MOUNT, _disk("readBps"), "bytes read a second"),
    _metric("disk_write_bps", "B/s", MOUNT, _disk("writeBps"), "bytes written a second"),
    _metric("disk_read_iops", "1/s", MOUNT, _disk("readIops"), "reads a second"),
    _metric("disk_write_iops", "1/s", MOUNT, _disk("writeIops"), "writes a second"),
    _metric("disk_queue", "", MOUNT, _disk("queueLength"), "requests waiting for the disk"),
    _metric("net_in", "bit/s", NIC, _traffic("trafficIn"), "incoming traffic; unit unconfirmed, see traffic_unit"),
    _metric("net_out", "bit/s", NIC, _traffic("trafficOut"), "outgoing traffic; unit unconfirmed, see traffic_unit"),
    _metric("net_packets_in", "1/s", NIC, _network("packetIn"), "packets received a second"),
    _metric("net_packets_out", "1/s", NIC, _network("packetOut"), "packets sent a second"),
    _metric("net_errors", "", NIC, _network("errorIn", "errorOut"), "network errors, in and out"),
    _metric("net_dropped", "", NIC, _network("droppedIn", "droppedOut"), "packets dropped, in and out"),
    _metric(
        "sockets", "", ("state", *SERVER), snapshot.sockets, "sockets by state: established, listen, time_wait ..."
    ),
    _metric("open_files", "", SERVER, _count("open_filedescriptors"), "open file descriptors"),
    _metric("uptime", "s", SERVER, _amount("uptime"), "time since the server started"),
)
