"""All that a Resource Watcher source can measure: payloads in, samples out."""

from __future__ import annotations

from dataclasses import replace

from checkmill.api.v1 import Source
from checkmill_nhn_watcher import metrics_alarms, metrics_history
from checkmill_nhn_watcher.inventory import INVENTORY
from checkmill_nhn_watcher.sandbox import SANDBOX
from checkmill_nhn_watcher.settings import Settings

#: Example rules where what core makes up from unit and name would mislead.
_EXAMPLES = {
    "alarms": "below: {crit: 1}",
    "alarms_by_status": "where: {status: DISABLED}, above: 0",
    "alarm_change_age": "each: alarm, below: {warn: 1h}",
    "expected_alarm": "query: {alarm: [deploys, members]}, each: alarm",
    "event_kinds": "each: product, below: {crit: 1}",
    "notifications": "query: {window: 1h}, each: alarm, above: {warn: 50, crit: 200}",
    "failed_share": "each: alarm, above: {warn: 10%, crit: 50%}",
    "newest_event_age": "each: alarm, above: {warn: 7d, crit: 10d}",
    "events": "query: {event: event_id.instance.delete, window: 1h}, each: event, above: 0",
    "resource_events": "query: {window: 1h}, each: resource, above: {warn: 10, crit: 50}",
    "project_events": "query: {window: 1h}, each: project_name, above: {warn: 50, crit: 200}",
    "unexpected_events": "query: {address: [10.0.0.0/8]}, above: 0",
}

WATCHER = Source(
    type="nhn-watcher",
    settings=Settings,
    metrics=[
        replace(metric, example=_EXAMPLES.get(metric.name, ""))
        for metric in (*metrics_alarms.METRICS, *metrics_history.METRICS)
    ],
    help="NHN Cloud Resource Watcher: alarms about changed resources, and their notifications",
    sandbox=SANDBOX,
    inventory=INVENTORY,
)
