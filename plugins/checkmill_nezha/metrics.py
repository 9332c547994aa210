"""All that a Nezha source can measure: payloads in, samples out, one module for each kind of answer."""

from __future__ import annotations

from dataclasses import replace

from checkmill.api.v1 import Source
from checkmill_nezha import metrics_counts, metrics_latency, metrics_servers
from checkmill_nezha.inventory import INVENTORY
from checkmill_nezha.login import log_in
from checkmill_nezha.sandbox import SANDBOX
from checkmill_nezha.settings import Settings

#: Example rules where what core makes up from unit and name would mislead.
_EXAMPLES = {
    "servers": "below: {crit: 3}",
    "tag_servers": "each: tag, below: {crit: 2}",
    "inactive_share": "above: {warn: 10%, crit: 30%}",
    "tag_inactive_share": "each: tag, above: {warn: 10%, crit: 30%}",
    "tcp_connections": "each: host, above: {warn: 5000, crit: 20000}",
    "udp_connections": "each: host, above: {warn: 1000, crit: 5000}",
    "processes": "each: host, above: {warn: 500, crit: 1000}",
    "agent_version": 'each: host, states: {"0.20.*": ok, "*": warn}',
    "latency_gap": "each: [host, monitor], above: {warn: 10m, crit: 30m}",
    "net_in_transfer": "each: host, above: {warn: 800GiB, crit: 1TiB}",
    "net_out_transfer": "each: host, above: {warn: 800GiB, crit: 1TiB}",
}

NEZHA = Source(
    type="nezha",
    settings=Settings,
    metrics=[
        replace(metric, example=_EXAMPLES.get(metric.name, ""))
        for metric in (*metrics_counts.METRICS, *metrics_servers.METRICS, *metrics_latency.METRICS)
    ],
    help="Nezha dashboard: servers and their agents, of generation v0 or v1",
    sandbox=SANDBOX,
    session=log_in,
    inventory=INVENTORY,
)
