"""A small imitation of Resource Watcher: its nine calls over one simulated organisation, and what it refuses."""

from __future__ import annotations

from checkmill.api.v1 import Sandbox
from checkmill_nhn_watcher.sandbox.organisation import APPKEY, SECRET_ACCESS_KEY, USER_ACCESS_KEY
from checkmill_nhn_watcher.sandbox.service import start

SANDBOX = Sandbox(
    start=start,
    settings={
        "appkey": APPKEY,
        "user_access_key": USER_ACCESS_KEY,
        "secret_access_key": SECRET_ACCESS_KEY,
        "alarms": "*",
        "zone": "UTC",
    },
)
