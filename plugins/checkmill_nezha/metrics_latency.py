"""Metrics of monitors: the latency from each server to what a monitor watches, and when it was last measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import Dataset, Metric, Sample, SourceError
from checkmill_nezha import calls
from checkmill_nezha.calls import Histories
from checkmill_nezha.clock import Clock
from checkmill_nezha.figures import amount
from checkmill_nezha.fleet import NoValueError
from checkmill_nezha.servers import id_of, with_id
from checkmill_nezha.settings import Monitored, Settings
from checkmill_nezha.wording import NAMELESS, Members, label, shape, span

MONITOR = Dataset("monitor", calls.monitor, Monitored, timeout_s=30.0)
LABELS = ("host", "id", "monitor")
#: Nezha cuts the time of a measurement to the minute.
_MINUTE_S = 60.0
#: A latency whose last measurement is older is none of now, unless a rule's max_age says otherwise.
_OLDEST_S = 1800.0


@dataclass(frozen=True)
class Point:
    """One measurement: when, in epoch seconds of our clock, and how long it took, in seconds.

    A delay of 0 was none: so Nezha writes down that nothing was reached. It averages pings over failed ones as well, so
    that a point of which only some failed is a delay that is too short, and looks like any other.
    """

    at: float
    delay_s: float


#: Gives the sample of a monitor's measurements, which are at least one, in order of time.
Read = Callable[[Sequence[Point], Monitored, Clock], Sample]


def of_monitors(read: Read, *, live: bool = True) -> Callable[[Histories, Monitored], Iterator[Sample]]:
    """Make the function that gives one figure of each monitor of each server; if `live`, of live servers alone."""

    def samples(histories: Histories, query: Monitored) -> Iterator[Sample]:
        fleet = histories.fleet
        yield from fleet.gaps()
        for history in histories.servers:
            labels = history.server.labels
            if isinstance(history.answer, SourceError):
                yield Sample.missing(history.answer.sentence, **labels)
                continue
            if not history.answer:
                yield Sample.missing("no monitor measured it in the last 24 hours", **labels)
            names = _names_of(history.answer)
            for name, row in zip(names, history.answer, strict=True):
                try:
                    if live:
                        fleet.fresh_at(history.server)
                    sample = read(_points_of(row, fleet.clock), query, fleet.clock)
                except NoValueError as error:
                    sample = Sample.missing(str(error))
                yield sample.labelled({**labels, "monitor": name})

    return samples


def average(points: Sequence[Point], query: Monitored, clock: Clock) -> Sample:
    """The mean of the measurements in the window, if each of them reached what the monitor watches."""
    within = _within(points, query, clock)
    unreached = sum(1 for point in within if point.delay_s == 0)
    if unreached:
        raise NoValueError(
            f"{unreached} of its {len(within)} measurements of the last {span(query.window)} reached nothing: delay 0"
        )
    return Sample(round(sum(point.delay_s for point in within) / len(within), 9), at=within[-1].at)


def last(points: Sequence[Point], query: Monitored, clock: Clock) -> Sample:
    """The last measurement in the window, if it reached what the monitor watches."""
    within = _within(points, query, clock)
    point = within[-1]
    # Times are cut to the minute: several may be the last.
    if any(one.delay_s == 0 for one in within if one.at == point.at):
        raise NoValueError("its last measurement reached nothing: delay 0")
    return Sample(point.delay_s, at=point.at)


def gap(points: Sequence[Point], _: Monitored, clock: Clock) -> Sample:
    """How long ago the last measurement was."""
    return Sample(max(0.0, round(clock.now - points[-1].at, 3)), at=clock.now)


def _within(points: Sequence[Point], query: Monitored, clock: Clock) -> Sequence[Point]:
    since = clock.now - query.window - _MINUTE_S
    within = [point for point in points if point.at >= since]
    if not within:
        age = span(clock.now - points[-1].at)
        raise NoValueError(f"the last measurement is {age} old, none is of the last {span(query.window)}")
    return within


def _points_of(row: Any, clock: Clock) -> Sequence[Point]:
    """The measurements of a monitor in order of time. Raises `NoValueError` for any that is none."""
    if not isinstance(row, Mapping):
        raise NoValueError(f"a monitor should be an object, but is {shape(row)}")
    times, delays = row.get("created_at"), row.get("avg_delay")
    if not isinstance(times, list) or not isinstance(delays, list) or len(times) != len(delays):
        raise NoValueError(f"its times and delays should be two lists of one length: {shape(times)}, {shape(delays)}")
    if not times:
        raise NoValueError("it has no measurement")
    if clock.fault:
        raise NoValueError(clock.fault)
    points = [_point({"created_at": at, "avg_delay": delay}, clock) for at, delay in zip(times, delays, strict=True)]
    return sorted(points, key=lambda point: point.at)


def _point(measurement: Members, clock: Clock) -> Point:
    at = amount(measurement, "created_at") / 1000
    age = clock.age_of(at)
    if age < 0:
        raise NoValueError(f"clock skew: a measurement lies {span(-age)} in the future; set the clocks, or raise skew")
    return Point(clock.now - age, amount(measurement, "avg_delay") / 1000)


def _names_of(rows: Sequence[Any]) -> list[str]:
    """What the monitors are called: by their names, with their ids where those are alike."""
    named = [_name_of(row) for row in rows]
    count = Counter(name for name, _ in named)
    return [with_id(name, number) if count[name] > 1 and number else name for name, number in named]


def _name_of(row: Any) -> tuple[str, str]:
    members = row if isinstance(row, Mapping) else {}
    number = id_of(members.get("monitor_id"))
    raw = members.get("monitor_name")
    name = label(raw) if isinstance(raw, str) else NAMELESS
    return (f"monitor {number}" if name == NAMELESS and number else name), number


def _latency(name: str, read: Read, meaning: str) -> Metric[Settings, Monitored, Histories]:
    samples = of_monitors(read)
    return Metric(name, MONITOR, samples, unit="s", labels=LABELS, minimum=0, max_age_s=_OLDEST_S, help=meaning)


METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    _latency("latency_avg", average, "average latency that each server measures for each monitor over the window"),
    _latency("latency_last", last, "latest latency that each server measured for each monitor in the window"),
    Metric(
        "latency_gap",
        MONITOR,
        of_monitors(gap, live=False),
        unit="s",
        labels=LABELS,
        minimum=0,
        help="how long ago each server last measured each monitor, whether it reached anything or not",
    ),
)
