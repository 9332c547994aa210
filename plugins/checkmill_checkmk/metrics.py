"""All that can be measured of a site's SLAs: results in, samples out, one module for each kind of question."""

from __future__ import annotations

from checkmill.api.v1 import Source
from checkmill_checkmk import metrics_margins, metrics_shares, metrics_verdicts
from checkmill_checkmk.sandbox import SANDBOX
from checkmill_checkmk.settings import Settings

CHECKMK = Source(
    type="checkmk",
    settings=Settings,
    metrics=(*metrics_verdicts.METRICS, *metrics_margins.METRICS, *metrics_shares.METRICS),
    help="SLAs that a Checkmk site computes, read over its Web API (Enterprise editions 1.5 to 2.1)",
    sandbox=SANDBOX,
)
