"""A small imitation of WhaTap: its sixteen calls over a few simulated projects, and what it refuses."""

from __future__ import annotations

from checkmill.api.v1 import Sandbox
from checkmill_whatap.sandbox.fleet import ACCOUNT_TOKEN, PROJECT_TOKEN, PROJECTS
from checkmill_whatap.sandbox.service import start

SANDBOX = Sandbox(
    start=start,
    settings={
        "pcode": PROJECTS[0].pcode,
        "token": PROJECT_TOKEN,
        "account_token": ACCOUNT_TOKEN,
        "projects": "*",
        "process_path": "/open/json/sm_proc",
        "traffic_unit": "bit/s",
    },
)
