"""The snapshot of all servers: what each server's agent measured last, by server, mount point and network interface.

Figures of a server that is not active are old; they become missing samples, as does whatever a server does not send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from checkmill.api.v1 import NoQuery, Sample, number_of
from checkmill_whatap.answers import (
    Labels,
    Members,
    counted,
    label,
    measured,
    measured_in,
    rounded,
    shape,
    total,
    whole,
)
from checkmill_whatap.calls import Snapshot
from checkmill_whatap.servers import Server, servers_in

#: A figure's samples, of one server's row and its snapshot.
Figure = Callable[[Server, Members], Iterable[Sample]]
Samples = Callable[[Snapshot, NoQuery], Iterator[Sample]]

#: What `idle` may exceed 100 by, from adding up rounded parts.
_IDLE_NOISE = 0.5


def servers(snapshot: Snapshot, _: NoQuery) -> Iterator[Sample]:
    """How many servers are in each status; their total is left out, for it is no status."""
    count = snapshot.values.get("count")
    if not isinstance(count, dict):
        yield Sample.missing(f"values.count should be an object, but is {shape(count)}")
        return
    for status, number in count.items():
        if status != "total":
            yield counted(number, status=label(status))


def each_server(figure: Figure) -> Samples:
    """Make a metric of a figure: the figures of every server that is active and sends a snapshot."""

    def of_snapshot(snapshot: Snapshot, _: NoQuery) -> Iterator[Sample]:
        for server in servers_in(snapshot.values["servers"]):
            if isinstance(server, Sample):
                yield server
                continue
            figures = server.row.get("snapshot")
            if server.stale:
                yield Sample.missing(server.stale, **server.labels)
            elif not isinstance(figures, dict):
                yield Sample.missing(f"its snapshot should be an object, but is {shape(figures)}", **server.labels)
            else:
                yield from figure(server, figures)

    return of_snapshot


def amount(*path: str) -> Samples:
    """Make a metric of one number of the snapshot."""
    return each_server(lambda server, figures: [_measured_at(figures, path, **server.labels)])


def count(member: str) -> Samples:
    """Make a metric of one count of the snapshot."""

    def of_server(server: Server, figures: Members) -> Iterator[Sample]:
        absent = Sample.missing(f"it came without {member}", **server.labels)
        yield counted(figures[member], **server.labels) if member in figures else absent

    return each_server(of_server)


def disk(member: str) -> Samples:
    """Make a metric of one number of each mount point."""

    def of_server(server: Server, figures: Members) -> Iterator[Sample]:
        for mount, sent in _parts(server, figures, "disk", "mount"):
            yield sent if isinstance(sent, Sample) else measured_in(sent, member, mount=mount, **server.labels)

    return each_server(of_server)


def network(*members: str) -> Samples:
    """Make a metric of one number of each network interface; of several, their sum."""

    def of_server(server: Server, figures: Members) -> Iterator[Sample]:
        for nic, sent in _parts(server, figures, "network", "nic"):
            yield sent if isinstance(sent, Sample) else _sum(sent, members, nic=nic, **server.labels)

    return each_server(of_server)


def traffic(member: str) -> Samples:
    """Make a metric of the traffic of each network interface, in bits a second as far as `traffic_unit` is right."""

    def of_snapshot(snapshot: Snapshot, query: NoQuery) -> Iterator[Sample]:
        for sample in sent(snapshot, query):
            labels: Labels = {**sample.labels}
            yield sample if sample.is_missing else measured(sample.value, scale=snapshot.bits, **labels)

    sent = network(member)
    return of_snapshot


@each_server
def cpu_used(server: Server, figures: Members) -> Iterator[Sample]:
    """CPU use in percent: what is not idle."""
    idle = _measured_at(figures, ("cpu", "idle"), **server.labels)
    if not isinstance(idle.value, int | float):
        yield idle
    elif idle.value > 100 + _IDLE_NOISE:
        yield Sample.missing(f"cpu.idle is {idle.value} percent", **server.labels)
    else:
        yield Sample(max(0.0, rounded(100 - idle.value)), **server.labels)


@each_server
def swap_used(server: Server, figures: Members) -> Iterator[Sample]:
    """Swap use in percent; of a server without swap 0, for it has none that could run out."""
    memory = figures.get("memory")
    if isinstance(memory, dict) and number_of(memory.get("swaptotal")) == 0:
        if number_of(memory.get("swapused")) in {0, None}:
            yield Sample(0.0, **server.labels)
        else:
            yield Sample.missing("it uses swap, but says that it has none", **server.labels)
    else:
        yield _measured_at(figures, ("memory", "swappused"), **server.labels)


@each_server
def load1_per_core(server: Server, figures: Members) -> Iterator[Sample]:
    """The load average of one minute, divided by the number of cores."""
    cores = whole(server.row.get("cpu_cores"))
    load = _measured_at(figures, ("cpu", "load1"), **server.labels)
    if isinstance(load.value, int | float) and cores is not None and cores > 0:
        yield measured(rounded(load.value / cores), **server.labels)
    elif load.is_missing:
        yield load
    else:
        came = shape(server.row.get("cpu_cores"))
        yield Sample.missing(f"cpu_cores should be a count above zero, but is {came}", **server.labels)


@each_server
def sockets(server: Server, figures: Members) -> Iterator[Sample]:
    """How many sockets are in each state; `syn_recv` of newer agents is `syn_rcv` too."""
    states = figures.get("netstat")
    if not isinstance(states, dict) or not states:
        yield Sample.missing(f"netstat should be an object, but is {shape(states)}", **server.labels)
        return
    for state, number in states.items():
        if state != "syn_recv":
            yield counted(number, state=label(state), **server.labels)
        elif "syn_rcv" not in states:
            yield counted(number, state="syn_rcv", **server.labels)


def _measured_at(figures: Members, path: tuple[str, ...], **labels: Any) -> Sample:
    """The amount at a path of member names; missing where a member of the path is absent or no object."""
    for name in path[:-1]:
        part = figures.get(name)
        if not isinstance(part, dict):
            return Sample.missing(f"{name} should be an object, but is {shape(part)}", **labels)
        figures = part
    return measured_in(figures, path[-1], **labels)


def _parts(server: Server, figures: Members, member: str, kind: str) -> Iterator[tuple[str, Members | Sample]]:
    """Give name and members of each disk or interface; in place of members that cannot be read, a missing sample."""
    parts = figures.get(member)
    if not isinstance(parts, dict) or not parts:
        yield "", Sample.missing(f"{member} should be an object with entries, but is {shape(parts)}", **server.labels)
        return
    for raw_name, part in parts.items():
        name = label(raw_name)
        if isinstance(part, dict):
            yield name, part
        else:
            labels = {kind: name, **server.labels}
            yield name, Sample.missing(f"{member} {name} should be an object, but is {shape(part)}", **labels)


def _sum(part: Members, members: tuple[str, ...], **labels: Any) -> Sample:
    figures = [measured_in(part, member, **labels) for member in members]
    values = [figure.value for figure in figures if isinstance(figure.value, int | float)]
    if len(values) < len(figures):
        return next(figure for figure in figures if figure.is_missing)
    return figures[0] if len(figures) == 1 else measured(total(values), **labels)
