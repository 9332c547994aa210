"""All that a Resource Watcher source can measure: payloads in, samples out."""

from __future__ import annotations

from checkmill.api.v1 import Source
from checkmill_nhn_watcher import metrics_alarms, metrics_history
from checkmill_nhn_watcher.inventory import INVENTORY
from checkmill_nhn_watcher.sandbox import SANDBOX
from checkmill_nhn_watcher.settings import Settings

WATCHER = Source(
    type="nhn-watcher",
    settings=Settings,
    metrics=(*metrics_alarms.METRICS, *metrics_history.METRICS),
    help="NHN Cloud Resource Watcher: alarms about changed resources, and their notifications",
    sandbox=SANDBOX,
    inventory=INVENTORY,
)
