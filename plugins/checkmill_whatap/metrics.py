"""All that a WhaTap source can measure: payloads in, samples out, one module for each kind of answer."""

from __future__ import annotations

from checkmill.api.v1 import Source
from checkmill_whatap import metrics_counts, metrics_hosts, metrics_servers, metrics_statistics
from checkmill_whatap.inventory import INVENTORY
from checkmill_whatap.sandbox import SANDBOX
from checkmill_whatap.settings import Settings

WHATAP = Source(
    type="whatap",
    settings=Settings,
    metrics=(
        *metrics_hosts.METRICS,
        *metrics_servers.METRICS,
        *metrics_statistics.METRICS,
        *metrics_counts.METRICS,
    ),
    help="WhaTap server monitoring: one project, or all projects of an account",
    sandbox=SANDBOX,
    inventory=INVENTORY,
)
