"""The time series: averages, minima and maxima over whole rows of a window, and how old the newest row is.

A row covers 5 minutes, or 5 seconds in windows below that. The row that is still being filled is never used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import Dataset, Levels, Metric, Sample, number_of
from checkmill_whatap import calls
from checkmill_whatap.answers import Labels, measured, rounded, server_id, shape, total
from checkmill_whatap.calls import Statistics
from checkmill_whatap.levels import CPU_LEVELS, DISK_LEVELS
from checkmill_whatap.projects import PROJECT, per_project
from checkmill_whatap.servers import servers_in
from checkmill_whatap.settings import LongWindow, Settings, Window

#: How long after its end a row may still be missing because the vendor has not written it yet. What then is the newest
#: row ended one width earlier; what ended before that is old, however long the window.
GRACE_S = 60.0

Combine = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Series:
    """The rows of one server by the time they begin (epoch seconds), oldest first.

    `stale` says why its figures cannot be of now, as the list of servers has it.
    """

    labels: Labels
    rows: Sequence[tuple[float, dict[str, Any]]]
    stale: str = ""


def average(values: Sequence[float]) -> float:
    """The mean of some values."""
    return values[0] if len(values) == 1 else rounded(total(values) / len(values))


def span(seconds: float) -> str:
    """A duration as a rule writes it: `45s`, `5m`, `1h 10m`; seconds only below an hour."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (0 if hours else left, "s"))
    return " ".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def over_window(member: str, combine: Combine, *, traffic: bool = False) -> Callable[[Statistics, Window], Any]:
    """Make the function that combines one number of the whole rows of the window, for each server."""

    def of_servers(statistics: Statistics, _: Window) -> Iterator[Sample]:
        scale = statistics.bits if traffic else 1.0
        for series in _series(statistics):
            yield series if isinstance(series, Sample) else _combined(statistics, series, member, combine, scale)

    return of_servers


def data_age(statistics: Statistics, query: Window) -> Iterator[Sample]:
    """How many seconds ago the newest row of each server began."""
    for series in _series(statistics):
        if isinstance(series, Sample):
            yield series
        elif not series.rows:
            reason = f"no row in the last {span(query.window)}"
            yield Sample.missing(f"{series.stale}; {reason}" if series.stale else reason, **series.labels)
        else:
            age = statistics.asked_at - series.rows[-1][0]
            if age < -GRACE_S:
                yield Sample.missing(f"its newest row begins {span(-age)} in the future", **series.labels)
            else:
                yield Sample(max(0.0, rounded(age)), **series.labels)


def _combined(statistics: Statistics, series: Series, member: str, combine: Combine, scale: float) -> Sample:
    width = statistics.width_s
    over = [row for row in series.rows if row[0] + width <= statistics.asked_at]
    rows = [row for row in over if row[0] >= statistics.since] or over[-1:]
    with_figure = [row for row in rows if row[1].get(member) is not None]
    newest = with_figure[-1][0] + width if with_figure else None
    reason = _why_old(statistics, series.stale, over[-1][0] + width if over else None, newest, member)
    if reason or newest is None:
        return Sample.missing(reason, **series.labels)
    figures = [measured(row[member], scale=scale, **series.labels) for _, row in with_figure]
    values = [figure.value for figure in figures if isinstance(figure.value, int | float)]
    if len(values) < len(figures):
        return next(figure for figure in figures if figure.is_missing)
    return measured(combine(values), at=newest, **series.labels)


def _why_old(statistics: Statistics, stale: str, last: float | None, newest: float | None, member: str) -> str:
    """Why what a server sent says nothing of now, or "".

    `last` is when its last whole row ended, `newest` when the last one of the window that has the figure did. A server
    that is down leaves rows behind, and a window may be an hour long: only what is recent may be OK.
    """
    if last is None:
        found = f"no whole {span(statistics.width_s)} row in the last {span(statistics.until - statistics.since)}"
    else:
        found = f"its newest row ended {span(statistics.asked_at - last)} ago"
    if stale:
        return f"{stale}; {found}"
    oldest = statistics.asked_at - statistics.width_s - GRACE_S
    if last is None or last < oldest:
        return found
    if newest is None:
        return f"its rows have no {member}; {found}"
    return f"its newest row with {member} ended {span(statistics.asked_at - newest)} ago" if newest < oldest else ""


def _series(statistics: Statistics) -> Iterator[Series | Sample]:
    """Give the rows of every server that is listed or has rows; what cannot be read is a missing sample."""
    sent: dict[str, list[Any]] = {}
    for number, entry in enumerate(statistics.series, start=1):
        oid = server_id(entry.get("oid")) if isinstance(entry, dict) else ""
        if oid:
            sent.setdefault(oid, []).append(entry.get("timeData"))
        else:
            yield Sample.missing(f"row {number} of the time series names no server: it is {shape(entry)}")
    listed: set[str] = set()
    for server in servers_in(statistics.servers):
        if isinstance(server, Sample):
            yield server
        elif not server.id:
            yield Sample.missing("the list of servers gives it without oid", **server.labels)
        elif not statistics.only or server.id == statistics.only:
            yield _read(server.labels, sent.get(server.id, []), server.stale)
            listed.add(server.id)
    for oid in sent:
        if oid not in listed:
            yield _read({"host": oid, "id": oid}, sent[oid], "")


def _read(labels: Labels, parts: list[Any], stale: str) -> Series | Sample:
    rows: list[tuple[float, dict[str, Any]]] = []
    for part in parts:
        if not isinstance(part, list):
            return Sample.missing(f"timeData should be a list, but is {shape(part)}", **labels)
        for row in part:
            begins = number_of(row.get("time")) if isinstance(row, dict) else None
            if begins is None:
                return Sample.missing(f"a row of timeData has no time: it is {shape(row)}", **labels)
            rows.append((begins / 1000, row))
    return Series(labels, sorted(rows, key=lambda row: row[0]), stale)


STATISTICS = Dataset("sm_stat", calls.sm_stat, Window)
NEWEST = Dataset("sm_stat_newest", calls.sm_stat, LongWindow)
SERVER = ("host", "id", *PROJECT)


def _percent(
    name: str, member: str, combine: Combine, meaning: str, levels: Levels | None = None
) -> Metric[Settings, Window, Any]:
    samples = per_project(over_window(member, combine))
    return Metric(
        name,
        STATISTICS,
        samples,
        unit="%",
        labels=SERVER,
        levels=levels,
        minimum=0,
        maximum=100,
        help=f"{meaning} over the window",
    )


def _traffic(name: str, member: str, meaning: str) -> Metric[Settings, Window, Any]:
    samples = per_project(over_window(member, average, traffic=True))
    return Metric(
        name, STATISTICS, samples, unit="bit/s", labels=SERVER, minimum=0, help=f"{meaning}; the unit is unconfirmed"
    )


METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    _percent("cpu_avg", "cpu", average, "average CPU use of each server", CPU_LEVELS),
    _percent("cpu_min", "cpu", min, "lowest CPU use of each server", CPU_LEVELS),
    _percent("cpu_max", "cpu", max, "highest CPU use of each server", CPU_LEVELS),
    _percent("memory_avg", "memory_pused", average, "average memory use of each server"),
    _percent("memory_min", "memory_pused", min, "lowest memory use of each server"),
    _percent("memory_max", "memory_pused", max, "highest memory use of each server"),
    _percent("swap_avg", "memory_swappused", average, "average swap use of each server"),
    _percent(
        "disk_used_avg",
        "usedPercent",
        average,
        "average use of the server's disk (which one is not documented)",
        DISK_LEVELS,
    ),
    _percent("disk_busy_avg", "ioPercent", average, "average share of time that the server's disk was busy"),
    _traffic("traffic_in_avg", "trafficIn", "average incoming traffic of each server over the window"),
    _traffic("traffic_out_avg", "trafficOut", "average outgoing traffic of each server over the window"),
    Metric(
        "data_age",
        NEWEST,
        per_project(data_age),
        unit="s",
        labels=SERVER,
        minimum=0,
        help="how long ago the newest row of the time series began; 5-minute rows unless the window is below 5m",
    ),
)
