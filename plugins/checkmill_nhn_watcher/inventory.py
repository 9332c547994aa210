"""All alarms that a source watches, with their status: for `expect: all`, and labels to select by."""

from __future__ import annotations

from collections.abc import Iterator

from checkmill.api.v1 import Inventory, NoQuery, Sample
from checkmill_nhn_watcher.alarms import ALARM, STATUSES
from checkmill_nhn_watcher.answers import Labels
from checkmill_nhn_watcher.metrics_alarms import ALARMS, each_watched, without_status
from checkmill_nhn_watcher.reading import Known
from checkmill_nhn_watcher.settings import Settings


def entities(known: Known, _: NoQuery) -> Iterator[Sample]:
    """Each alarm; one that cannot be told is missing."""
    for alarm in each_watched(known):
        if isinstance(alarm, Sample):
            yield alarm
        elif alarm.status in STATUSES:
            rule: Labels = {"rule": alarm.rule} if alarm.rule else {}
            yield Sample(1, **alarm.labels, **rule, status=alarm.status)
        else:
            yield without_status(alarm)


INVENTORY: Inventory[Settings, Known] = Inventory(ALARMS, entities, key="alarm", labels=(*ALARM, "status", "rule"))
