"""What the history of the alarms says: how many notifications, which failed or are stuck, of which events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from checkmill.api.v1 import ConfigurationError, Dataset, Metric, Sample, SourceError
from checkmill_nhn_watcher import reading
from checkmill_nhn_watcher.alarms import ALARM
from checkmill_nhn_watcher.answers import Labels
from checkmill_nhn_watcher.privacy import shown
from checkmill_nhn_watcher.reading import PerAlarm
from checkmill_nhn_watcher.records import FAILURE, RESULTS, SENDING, History, Record
from checkmill_nhn_watcher.settings import Events, Expected, Settings, Silence, Window, listed
from checkmill_nhn_watcher.times import span

Q = TypeVar("Q", bound=Events)
#: Samples of one alarm, from its records, the query and the time at which they were asked for.
OfOne = Callable[[tuple[Record, ...], Q, float], Iterable[Sample]]


def per_alarm(samples: OfOne[Q]) -> Callable[[PerAlarm[History], Q], Iterator[Sample]]:
    """Make a metric of one alarm one of all of them; what cannot be counted is missing, never a smaller count."""

    def of_all(found: PerAlarm[History], query: Q) -> Iterator[Sample]:
        if found.gap:
            yield Sample.missing(found.gap)
        for one in found.answers:
            if isinstance(one.answer, SourceError):
                yield Sample.missing(one.answer.sentence, **one.labels)
            elif one.answer.gap:
                yield Sample.missing(one.answer.gap, **one.labels)
            else:
                for sample in samples(one.answer.records, query, found.asked_at):
                    sample.labels.update(one.labels)
                    yield sample

    return of_all


def notifications(records: tuple[Record, ...], _: Window, __: float) -> Iterator[Sample]:
    """How many notifications there were."""
    yield Sample(len(records))


def failed_notifications(records: tuple[Record, ...], _: Window, __: float) -> Iterator[Sample]:
    """How many did not reach some or all of their recipients."""
    yield _without_result(records) or Sample(_failures(records))


def failed_share(records: tuple[Record, ...], query: Window, _: float) -> Iterator[Sample]:
    """The share of them; of no notification there is none, which is not the same as none failed."""
    if records:
        yield _without_result(records) or Sample(round(100 * _failures(records) / len(records), 6))
    else:
        yield Sample.missing(f"nothing was sent in the last {span(query.window)}")


def stuck_notifications(records: tuple[Record, ...], _: Events, asked_at: float) -> Iterator[Sample]:
    """The age of the oldest notification that is still being sent; 0 if there is none."""
    ages = [asked_at - record.at for record in records if record.result == SENDING and record.at is not None]
    yield _without_result(records) or Sample(max([0.0, *ages]))


def newest_event_age(records: tuple[Record, ...], _: Window, asked_at: float) -> Iterator[Sample]:
    """The age of the newest event."""
    times = [record.at for record in records if record.at is not None]
    yield Sample(max(0.0, asked_at - max(times))) if times else Sample.missing("its history holds no such event")


def events(records: tuple[Record, ...], query: Window, _: float) -> Iterator[Sample]:
    """How many events there were of each kind; of one that cannot be told, nobody knows which it adds to."""
    unknown = sum(not record.event for record in records)
    if unknown:
        yield Sample.missing(f"{unknown} of {len(records)} records have no event id")
        return
    yield from _counted("event", [record.event for record in records], listed(query.event))


def project_events(records: tuple[Record, ...], query: Window, _: float) -> Iterator[Sample]:
    """How many events there were in each project."""
    names = {record.project: record.project_name for record in records}
    for sample in _counted("project", [record.project for record in records], listed(query.project)):
        if names.get(sample.labels.get("project", "")):
            sample.labels["project_name"] = names[sample.labels["project"]]
        yield sample


def resource_events(records: tuple[Record, ...], query: Window, _: float) -> Iterator[Sample]:
    """How many events there were on each resource: those of one name are told apart by their key."""
    unknown = sum(not record.own_key for record in records)
    if unknown:
        yield Sample.missing(f"{unknown} of {len(records)} records have no resource key")
        return
    asked = listed(query.resource)
    by_key: dict[str, list[Record]] = {}
    for record in records:
        # Called as the rule calls it: by its key or by its whole name.
        for key in [entry for entry in asked if record.is_about(entry)] or [record.own_key]:
            by_key.setdefault(key, []).append(record)
    for key in dict.fromkeys([*asked, *by_key]):
        of_key = by_key.get(key, [])
        if of_key:
            last = of_key[-1]
            shown_key = key if key in asked else last.resource_key
            labels: Labels = {"resource": last.resource, "key": shown_key, "project": last.project}
            yield Sample(len(of_key), **{name: value for name, value in labels.items() if value})
        else:
            yield Sample(0, key=key)
    if not records and not query.resource:
        yield Sample(0)


def deleted_resources(records: tuple[Record, ...], _: Window, __: float) -> Iterator[Sample]:
    """How many resources with events are gone."""
    unknown = sum(record.status not in {"STABLE", "CLOSED"} for record in records)
    if unknown:
        yield Sample.missing(f"{unknown} of {len(records)} records do not say whether their resource is deleted")
    else:
        yield Sample(len({record.own_key or record.id for record in records if record.status == "CLOSED"}))


def unexpected_events(records: tuple[Record, ...], query: Expected, _: float) -> Iterator[Sample]:
    """How many events were caused by somebody, or from somewhere, that was not expected."""
    if not query.user and not query.address:
        raise ConfigurationError("nobody is expected: write who is, query: {user: [...]} or {address: [...]}")
    yield Sample(sum(record.unexpected is not False for record in records))


def _counted(name: str, values: Sequence[str], asked: tuple[str, ...]) -> Iterator[Sample]:
    """A count for each value and for each that is asked for; without any, 0 for the alarm."""
    counts = Counter(values)
    for value in dict.fromkeys([*asked, *counts]) or [""]:
        labels: Labels = {name: value} if value else {}
        yield Sample(counts[value], **labels)


def _failures(records: tuple[Record, ...]) -> int:
    return sum(record.result == FAILURE for record in records)


def _without_result(records: tuple[Record, ...]) -> Sample | None:
    """What is missing where a notification says nothing that the vendor documents of what became of it."""
    odd = [record for record in records if record.result not in RESULTS]
    if not odd:
        return None
    said = f"the result {shown(odd[0].result)!r}" if odd[0].result else "no result"
    return Sample.missing(
        f"{len(odd)} of {len(records)} notifications came with {said} instead of {', '.join(RESULTS)}"
    )


HISTORY = Dataset("history", reading.history, query=Window, timeout_s=30.0)


def _metric(name: str, samples: OfOne[Q], what: str, unit: str = "", **more: Any) -> Metric[Settings, Any, Any]:
    labels = (*more.pop("labels", ()), *ALARM)
    dataset = more.pop("dataset", HISTORY)
    return Metric(name, dataset, per_alarm(samples), unit=unit, labels=labels, minimum=0, help=what, **more)


METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    _metric("notifications", notifications, "notifications that each alarm sent or tried to send in the window"),
    _metric(
        "failed_notifications",
        failed_notifications,
        "notifications in the window that failed for some or all recipients",
    ),
    _metric(
        "failed_share",
        failed_share,
        "share of the notifications in the window that failed; without any it is UNKNOWN",
        "%",
        maximum=100,
    ),
    _metric(
        "stuck_notifications",
        stuck_notifications,
        "age of the oldest notification that is still being sent, however old; 0 without one",
        "s",
        dataset=Dataset("unfinished", reading.unfinished, query=Events, timeout_s=30.0),
    ),
    _metric(
        "newest_event_age",
        newest_event_age,
        "how long ago the newest event happened that each alarm told of",
        "s",
        dataset=Dataset("newest", reading.newest, query=Silence, timeout_s=30.0),
    ),
    _metric("events", events, "events of each kind in the window", labels=("event",)),
    _metric("resource_events", resource_events, "events on each resource", labels=("resource", "key", "project")),
    _metric("project_events", project_events, "events in each project", labels=("project", "project_name")),
    _metric("deleted_resources", deleted_resources, "resources with events in the window that are deleted"),
    _metric(
        "unexpected_events",
        unexpected_events,
        "events in the window that nobody expected caused; who did is not shown",
        dataset=Dataset("users", reading.history, query=Expected, timeout_s=30.0),
    ),
)
