"""Metrics of single servers: figures of live ones as samples, everything else missing with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from checkmill.api.v1 import Dataset, Metric, Sample, State
from checkmill_nezha import calls, figures
from checkmill_nezha.fleet import Fleet, NoValueError
from checkmill_nezha.servers import Server
from checkmill_nezha.settings import Servers, Settings

SERVER = ("host", "id")
SENSOR = ("host", "id", "sensor")
DETAILS = Dataset("server_details", calls.server_details, Servers)

#: Why nobody knows whether a server has something.
UNDESCRIBED = "its agent has not described its machine yet"

#: Gives a figure of a live server, or raises `NoValueError`.
Figure = Callable[[Server], float | str]
#: Whether a server has such a thing at all; None where nobody knows.
Has = Callable[[Server], bool | None]
Samples = Callable[[Fleet, Servers], Iterator[Sample]]


def of_live(figure: Figure, has: Has = lambda _: True) -> Samples:
    """Make the function that gives one figure of each server: of live ones the value, else why there is none."""

    def samples(fleet: Fleet, _: Servers) -> Iterator[Sample]:
        yield from fleet.gaps()
        for server in fleet.servers:
            known = has(server)
            if known is False:
                continue
            try:
                at = _measured_at(fleet, server, known=known)
                yield Sample(figure(server), at=at, **server.labels)
            except NoValueError as error:
                yield _missing(server, str(error), known=known)

    return samples


def temperatures(fleet: Fleet, _: Servers) -> Iterator[Sample]:
    """The temperature of each sensor of each server that has any."""
    yield from fleet.gaps()
    for server in fleet.servers:
        known = figures.has_sensors(server)
        if known is False:
            continue
        try:
            at = _measured_at(fleet, server, known=known)
            for sensor, degrees in figures.sensors(server).items():
                yield Sample(degrees, at=at, **server.labels, sensor=sensor)
        except NoValueError as error:
            yield _missing(server, str(error), known=known)


def network(name: str) -> Samples:
    """Make the function that gives a speed, which is none beyond the line rate."""

    def samples(fleet: Fleet, query: Servers) -> Iterator[Sample]:
        figure = partial(figures.speed, name=name, line_rate=fleet.line_rate)
        yield from of_live(figure)(fleet, query)

    return samples


def _measured_at(fleet: Fleet, server: Server, *, known: bool | None) -> float:
    """When the figures of a server were reported. Raises `NoValueError` where it has none that count."""
    at = fleet.fresh_at(server)
    if known is None:
        raise NoValueError(server.state_doubt or UNDESCRIBED)
    return at


def _missing(server: Server, reason: str, *, known: bool | None) -> Sample:
    """Why a server has no value. Where nobody knows whether it has such a thing, its name is no label.

    A service of that name, once seen, would be expected to stay.
    """
    if known is None:
        return Sample.missing(f"{server.host}: {reason}", id=server.id)
    return Sample.missing(reason, **server.labels)


def _state(name: str) -> Figure:
    return lambda server: figures.amount(figures.state_of(server), name)


def _share(name: str) -> Figure:
    return lambda server: figures.percent(figures.state_of(server), name)


def _used(what: str) -> Figure:
    return lambda server: figures.used(server, f"{what}Used", f"{what}Total")


def _per_core(name: str) -> Figure:
    return lambda server: figures.amount(figures.state_of(server), name) / figures.cores(server)


def _disk_free(server: Server) -> float:
    return round(100.0 - figures.used(server, "DiskUsed", "DiskTotal"), 6)


def _disk_free_bytes(server: Server) -> float:
    return figures.free(server, "DiskUsed", "DiskTotal")


def _hottest(server: Server) -> float:
    return max(figures.sensors(server).values())


def _metric(
    name: str, unit: str, samples: Samples, meaning: str, labels: tuple[str, ...] = SERVER, minimum: float | None = 0
) -> Metric[Settings, Servers, Fleet]:
    maximum = 100 if unit == "%" else None
    return Metric(name, DETAILS, samples, unit=unit, labels=labels, help=meaning, minimum=minimum, maximum=maximum)


_has_swap, _has_load = figures.has_swap, figures.has_load

METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    _metric("cpu", "%", of_live(_share("CPU")), "CPU use of each server"),
    _metric("memory_used", "%", of_live(_used("Mem")), "memory in use: what is not available to programs"),
    _metric("memory_used_bytes", "B", of_live(_state("MemUsed")), "memory in use"),
    _metric("swap_used", "%", of_live(_used("Swap"), _has_swap), "swap in use; servers without swap are left out"),
    _metric("swap_used_bytes", "B", of_live(_state("SwapUsed"), _has_swap), "swap in use, where there is any"),
    _metric("disk_used", "%", of_live(_used("Disk")), "disk space in use, of all counted file systems together"),
    _metric("disk_free", "%", of_live(_disk_free), "disk space free, of all counted file systems together"),
    _metric("disk_used_bytes", "B", of_live(_state("DiskUsed")), "disk space in use, of all counted file systems"),
    _metric("disk_free_bytes", "B", of_live(_disk_free_bytes), "disk space free, of all counted file systems"),
    _metric("net_in", "B/s", network("NetInSpeed"), "incoming traffic, of all counted interfaces together"),
    _metric("net_out", "B/s", network("NetOutSpeed"), "outgoing traffic, of all counted interfaces together"),
    _metric(
        "net_in_transfer",
        "B",
        of_live(_state("NetInTransfer")),
        "bytes received since the server started",
    ),
    _metric(
        "net_out_transfer",
        "B",
        of_live(_state("NetOutTransfer")),
        "bytes sent since the server started",
    ),
    _metric("load1", "", of_live(_state("Load1"), _has_load), "load average of one minute; Windows has none"),
    _metric("load5", "", of_live(_state("Load5"), _has_load), "load average of five minutes"),
    _metric("load15", "", of_live(_state("Load15"), _has_load), "load average of fifteen minutes"),
    _metric("load1_per_core", "", of_live(_per_core("Load1"), _has_load), "load average of one minute per CPU core"),
    _metric("uptime", "s", of_live(_state("Uptime")), "time since the server started"),
    _metric(
        "tcp_connections",
        "",
        of_live(partial(figures.connections, name="TcpConnCount")),
        "TCP connections, where its agent counts them",
    ),
    _metric(
        "udp_connections",
        "",
        of_live(partial(figures.connections, name="UdpConnCount")),
        "UDP connections, where its agent counts them",
    ),
    _metric("processes", "", of_live(figures.processes), "processes, where its agent counts them"),
    _metric(
        "temperature_max",
        "",
        of_live(_hottest, figures.has_sensors),
        "temperature of the hottest sensor in °C; servers without sensors are left out",
        minimum=None,
    ),
    _metric("temperature", "", temperatures, "temperature of each sensor in °C", SENSOR, minimum=None),
    _metric(
        "gpu",
        "%",
        of_live(_share("GPU"), figures.has_gpu),
        "use of the GPU, of several the busiest; servers without are left out",
    ),
    Metric(
        "agent_version",
        DETAILS,
        of_live(figures.version),
        labels=SERVER,
        states={"*": State.UNKNOWN},
        help="version of each agent; a rule says under states which are right",
    ),
)
