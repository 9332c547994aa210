"""All that a Nezha source can measure: payloads in, samples out, one module for each kind of answer."""

from __future__ import annotations

from checkmill.api.v1 import Source
from checkmill_nezha import metrics_counts, metrics_latency, metrics_servers
from checkmill_nezha.inventory import INVENTORY
from checkmill_nezha.login import log_in
from checkmill_nezha.sandbox import SANDBOX
from checkmill_nezha.settings import Settings

NEZHA = Source(
    type="nezha",
    settings=Settings,
    metrics=(*metrics_counts.METRICS, *metrics_servers.METRICS, *metrics_latency.METRICS),
    help="Nezha dashboard: servers and their agents, of generation v0 or v1",
    sandbox=SANDBOX,
    session=log_in,
    inventory=INVENTORY,
)
