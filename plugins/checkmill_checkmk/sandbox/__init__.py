"""A small imitation of a Checkmk site with SLAs: `get_sla` over two sites, and what its Web API refuses."""

from __future__ import annotations

from checkmill.api.v1 import Sandbox
from checkmill_checkmk.sandbox.estate import SECRET, SERVICES, USER
from checkmill_checkmk.sandbox.service import start

SANDBOX = Sandbox(
    start=start,
    settings={
        "username": USER,
        "secret": SECRET,
        "sla": ["gold", "silver"],
        "services": sorted({(one.host, one.name) for one in SERVICES}),
    },
)
