"""What the alarms themselves say: how many there are, which are on, when they were changed, whom they tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from checkmill.api.v1 import ConfigurationError, Dataset, Levels, Limits, Metric, NoQuery, Sample, SourceError, State
from checkmill_nhn_watcher import reading
from checkmill_nhn_watcher.alarms import ALARM, STATUSES, Alarm
from checkmill_nhn_watcher.answers import Labels, id_in, shape, text_in
from checkmill_nhn_watcher.privacy import label, shown
from checkmill_nhn_watcher.reading import EventKinds, Known, PerAlarm
from checkmill_nhn_watcher.settings import ExpectedAlarms, Products, Settings, is_everything, listed
from checkmill_nhn_watcher.times import SKEW_S, duration, moment_of

#: An alarm that is off tells nobody anything, which is as silent as an alarm without news.
ALARM_STATES = {"STABLE": State.OK, "DISABLED": State.CRITICAL, "CLOSED": State.CRITICAL}
PRESENT, ABSENT = "present", "missing"


def alarms(known: Known, _: NoQuery) -> Iterator[Sample]:
    """How many alarms are watched; a list that was not read whole cannot be counted."""
    broken = next((one.complaint for one in known.watched if one.problem), "")
    yield Sample.missing(known.gap or broken) if known.gap or broken else Sample(len(known.watched))


def alarms_by_status(counts: dict[str, int | SourceError], _: NoQuery) -> Iterator[Sample]:
    """How many alarms there are of each status."""
    for status, count in counts.items():
        if isinstance(count, SourceError):
            yield Sample.missing(count.sentence, status=status)
        else:
            yield Sample(count, status=status)


def alarm_status(known: Known, _: NoQuery) -> Iterator[Sample]:
    """The vendor's status of each alarm."""
    for alarm in each_watched(known):
        if isinstance(alarm, Sample):
            yield alarm
        elif alarm.status in STATUSES:
            yield Sample(alarm.status, **alarm.labels)
        else:
            yield without_status(alarm)


def alarm_change_age(known: Known, _: NoQuery) -> Iterator[Sample]:
    """How long ago each alarm was changed."""
    zone = known.settings.time_zone
    for alarm in each_watched(known):
        if isinstance(alarm, Sample):
            yield alarm
            continue
        at = moment_of(alarm.changed, zone, known.asked_at)
        if at is None:
            yield Sample.missing(f"modDatetime should be a time, but is {shape(alarm.changed)}", **alarm.labels)
        elif at > known.asked_at + SKEW_S:
            ahead = duration(at - known.asked_at)
            reason = f"its last change lies {ahead} ahead of now; does the setting zone fit the vendor?"
            yield Sample.missing(reason, **alarm.labels)
        else:
            yield Sample(max(0.0, known.asked_at - at), **alarm.labels)


def expected_alarm(known: Known, query: ExpectedAlarms) -> Iterator[Sample]:
    """Whether each alarm that must exist does, or one that a glob matches.

    Raises `ConfigurationError` if no alarm is named.
    """
    wanted = listed(query.alarm) or tuple(entry for entry in known.settings.chosen if not is_everything(entry))
    if not wanted:
        raise ConfigurationError(
            "no alarm is named: write names or ids of those that must exist, query: {alarm: [...]}"
        )
    broken = next((one.complaint for one in known.everything if one.problem), "")
    there = [one for one in known.everything if one.status != "CLOSED" and not one.problem]
    for entry in wanted:
        named = next((one for one in there if entry in {one.name, one.id}), None)
        if named is not None:
            yield Sample(PRESENT, alarm=label(entry), id=named.id)
        elif not query.alarm and reading.meant_by(entry, there):
            yield Sample(PRESENT, alarm=label(entry))
        elif known.gap or broken:
            yield Sample.missing(known.gap or broken, alarm=label(entry))
        else:
            yield Sample(ABSENT, alarm=label(entry))


def recipients(found: PerAlarm[int], _: NoQuery) -> Iterator[Sample]:
    """How many recipients each alarm has."""
    if found.gap:
        yield Sample.missing(found.gap)
    for one in found.answers:
        if isinstance(one.answer, SourceError):
            yield Sample.missing(one.answer.sentence, **one.labels)
        else:
            yield Sample(one.answer, **one.labels)


def event_kinds(found: EventKinds, query: Products) -> Iterator[Sample]:
    """How many kinds of event each product has."""
    only = listed(query.product)
    if found.gap:
        yield Sample.missing(found.gap)
        return
    for number, row in enumerate(found.rows, start=1):
        if not id_in(row, "productId") or not id_in(row, "eventId"):
            yield Sample.missing(f"row {number} of the list of events has no usable productId and eventId")
            return
    counts = Counter(id_in(row, "productId") for row in found.rows)
    names = {id_in(row, "productId"): label(text_in(row, "productName")) for row in found.rows}
    for product in only or counts:
        named: Labels = {"product_name": names[product]} if names.get(product) else {}
        yield Sample(counts[product], product=product, **named)


def each_watched(known: Known) -> Iterator[Alarm | Sample]:
    """Every watched alarm, or what there is to say of it."""
    if known.gap:
        yield Sample.missing(known.gap)
    for alarm in known.watched:
        yield Sample.missing(alarm.problem, **alarm.labels) if alarm.problem else alarm
    for entry in known.absent:
        yield Sample.missing(reading.absence_of(entry), alarm=label(entry))


def without_status(alarm: Alarm) -> Sample:
    """What is missing of an alarm whose status is none that the vendor documents."""
    said = f"the status {shown(alarm.status)!r}" if alarm.status else "no status"
    return Sample.missing(f"it came with {said} instead of {', '.join(STATUSES)}", **alarm.labels)


ALARMS = Dataset("alarms", reading.watched)
EXPECTED = Dataset("expected_alarms", reading.expected, query=ExpectedAlarms)

METRICS: tuple[Metric[Settings, Any, Any], ...] = (
    Metric("alarms", ALARMS, alarms, minimum=0, help="alarms that `alarms` selects, without those that are deleted"),
    Metric(
        "alarms_by_status",
        Dataset("alarm_totals", reading.totals),
        alarms_by_status,
        labels=("status",),
        minimum=0,
        help="alarms of the whole organisation by status: STABLE (on), DISABLED, CLOSED (deleted)",
    ),
    Metric(
        "alarm_status",
        ALARMS,
        alarm_status,
        labels=ALARM,
        states=ALARM_STATES,
        help="the vendor's status of each alarm: STABLE (on), DISABLED (off, tells nobody), CLOSED (deleted)",
    ),
    Metric(
        "alarm_change_age",
        ALARMS,
        alarm_change_age,
        unit="s",
        labels=ALARM,
        minimum=0,
        help="how long ago each alarm was last changed",
    ),
    Metric(
        "expected_alarm",
        EXPECTED,
        expected_alarm,
        labels=ALARM,
        states={PRESENT: State.OK, ABSENT: State.CRITICAL},
        help="whether each alarm that must exist does, on or off",
    ),
    Metric(
        "recipients",
        Dataset("recipients", reading.recipients, interval_s=300.0, timeout_s=30.0),
        recipients,
        labels=ALARM,
        minimum=0,
        levels=Levels(below=Limits(crit=1)),
        help="recipients of each alarm: members, roles, groups and webhooks; without any it tells nobody",
    ),
    Metric(
        "event_kinds",
        Dataset("event_kinds", reading.event_kinds, query=Products, interval_s=3600.0, timeout_s=30.0),
        event_kinds,
        labels=("product", "product_name"),
        minimum=0,
        help="kinds of event of each product that an alarm can be about",
    ),
)
