"""A small imitation of Service Monitoring: batch posts, scenarios, and the sites that its scenarios ask.

The vendor publishes no failure codes; the ones here are the sandbox's own, sent with HTTP 200 as its sister services
do. What never reaches the service proper (path, method, content type) is refused by its HTTP status.
"""

from __future__ import annotations

from checkmill.api.v1 import Sandbox
from checkmill_nhn_monitoring.sandbox.answering import APPKEY, PRODUCT_APPKEY
from checkmill_nhn_monitoring.sandbox.batch import MOST_RECEIVED, SCENARIO, UNKNOWN_SCENARIO
from checkmill_nhn_monitoring.sandbox.service import start
from checkmill_nhn_monitoring.sandbox.shop import WATCHED

__all__ = [
    "APPKEY",
    "BATCHMON_SANDBOX",
    "MOST_RECEIVED",
    "PRODUCT_APPKEY",
    "SANDBOX",
    "SCENARIO",
    "UNKNOWN_SCENARIO",
    "WATCHED",
]

#: The imitation, with the settings of a source.
SANDBOX = Sandbox(
    start=start,
    settings={"appkey": APPKEY, "product_appkey": PRODUCT_APPKEY, "scenarios": WATCHED},
    target={"scenario": SCENARIO},
)
#: The same, with the settings of a reporter.
BATCHMON_SANDBOX = Sandbox(start=start, settings={"appkey": APPKEY}, target={"scenario": SCENARIO})
