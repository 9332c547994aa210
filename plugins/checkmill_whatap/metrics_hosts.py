"""Figures that WhaTap gives by host name: CPU, disk rates, traffic, processes.

Hosts of one name cannot be told apart there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from checkmill.api.v1 import Dataset, Metric, NoQuery, Sample
from checkmill_whatap import calls
from checkmill_whatap.answers import Members, label, measured, measured_in, shape, total
from checkmill_whatap.levels import CPU_LEVELS
from checkmill_whatap.projects import PROJECT, per_project
from checkmill_whatap.settings import Processes, Settings


def cpu(by_host: Members, _: NoQuery) -> Iterator[Sample]:
    """CPU use of each host in percent."""
    for host, percent in by_host.items():
        yield measured(percent, host=label(host))


def net_traffic(traffic: calls.Traffic, _: NoQuery) -> Iterator[Sample]:
    """Traffic of each host, in and out together, in bits a second as far as the source's `traffic_unit` is right."""
    for host, amount in traffic.by_host.items():
        yield measured(amount, scale=traffic.bits, host=label(host))


def disk_rate(member: str) -> Callable[[Members, NoQuery], Iterator[Sample]]:
    """Make the function that gives one rate of all disks of each host: `bps` or `iops`."""

    def of_hosts(by_host: Members, _: NoQuery) -> Iterator[Sample]:
        for host, rates in by_host.items():
            if isinstance(rates, dict):
                yield measured_in(rates, member, host=label(host))
            else:
                yield Sample.missing(f"an object with {member} was expected, {shape(rates)} came", host=label(host))

    return of_hosts


def process_count(by_host: Members, _: Processes) -> Iterator[Sample]:
    """How many processes of each command run on each host."""
    yield from _of_commands(by_host, lambda host, name, found: Sample(len(found), host=host, process=name))


def process_figure(member: str) -> Callable[[Members, Processes], Iterator[Sample]]:
    """Make the function that gives one figure of each command: the sum or the maximum over its processes."""

    def of_hosts(by_host: Members, query: Processes) -> Iterator[Sample]:
        def one_command(host: str, name: str, found: list[Members]) -> Sample:
            figures = [measured_in(process, member, host=host, process=name) for process in found]
            values = [figure.value for figure in figures if isinstance(figure.value, int | float)]
            if len(values) < len(figures):
                return next(figure for figure in figures if figure.is_missing)
            return measured(max(values) if query.of == "max" else total(values), host=host, process=name)

        yield from _of_commands(by_host, one_command)

    return of_hosts


def _of_commands(by_host: Members, give: Callable[[str, str, list[Members]], Sample]) -> Iterator[Sample]:
    for raw_host, processes in by_host.items():
        host = label(raw_host)
        if not isinstance(processes, list):
            yield Sample.missing(f"a list of processes was expected, {shape(processes)} came", host=host)
            continue
        if not processes:
            yield Sample.missing("the list of its processes is empty", host=host)
        commands: dict[str, list[Members]] = {}
        for process in processes:
            name = process.get("cmd1") if isinstance(process, dict) else None
            if isinstance(name, str):
                commands.setdefault(label(name), []).append(process)
            else:
                yield Sample.missing("a process came without its command, cmd1", host=host)
        for name, found in commands.items():
            yield give(host, name, found)


CPU = Dataset("infra_cpu", calls.infra_cpu)
DISK = Dataset("infra_disk_iops", calls.infra_disk_iops)
TRAFFIC = Dataset("infra_net_traffic", calls.infra_net_traffic)
PROCESSES = Dataset("sm_proc", calls.sm_proc, Processes)
HOST = ("host", *PROJECT)
PROCESS = ("host", "process", *PROJECT)

METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    Metric(
        "cpu",
        CPU,
        per_project(cpu),
        unit="%",
        labels=HOST,
        levels=CPU_LEVELS,
        minimum=0,
        maximum=100,
        help="CPU use of each host",
    ),
    Metric(
        "disk_bps",
        DISK,
        per_project(disk_rate("bps")),
        unit="B/s",
        labels=HOST,
        minimum=0,
        help="bytes a second, read and written, of all disks of each host; the unit is not documented",
    ),
    Metric(
        "disk_iops",
        DISK,
        per_project(disk_rate("iops")),
        unit="1/s",
        labels=HOST,
        minimum=0,
        help="operations a second of all disks of each host",
    ),
    Metric(
        "net_traffic",
        TRAFFIC,
        per_project(net_traffic),
        unit="bit/s",
        labels=HOST,
        minimum=0,
        help="traffic of each host, in and out together; the unit is unconfirmed, see the setting traffic_unit",
    ),
    Metric(
        "process_count",
        PROCESSES,
        per_project(process_count),
        labels=PROCESS,
        minimum=0,
        help="running processes of each command",
    ),
    Metric(
        "process_cpu",
        PROCESSES,
        per_project(process_figure("cpu")),
        unit="%",
        labels=PROCESS,
        minimum=0,
        help="CPU use of each command; above 100 % where it uses several cores",
    ),
    Metric(
        "process_memory",
        PROCESSES,
        per_project(process_figure("memoryBytes")),
        unit="B",
        labels=PROCESS,
        minimum=0,
        help="memory of each command",
    ),
    Metric(
        "process_bps",
        PROCESSES,
        per_project(process_figure("bps")),
        unit="B/s",
        labels=PROCESS,
        minimum=0,
        help="bytes a second, read and written, of each command; the unit is not documented",
    ),
)
