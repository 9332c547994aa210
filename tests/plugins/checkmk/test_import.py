"""Importing the plugin costs nothing that only reading rules, sending requests or reading answers needs."""

import subprocess
import sys

from checkmill_checkmk import checkmill_sources
from checkmill_checkmk.metrics import CHECKMK


def test_importing_the_plugin_stays_light() -> None:
    heavy = "{'pydantic', 'pydantic_core', 'httpx', 'pluggy', 'asyncio', 'ssl', 'jinja2', 'yaml', 'zoneinfo', 'lxml'}"
    code = f"import sys, checkmill_checkmk; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_plugin_offers_one_source_type() -> None:
    assert list(checkmill_sources()) == [CHECKMK]
    assert CHECKMK.type == "checkmk"


def test_the_plugin_offers_the_metrics_that_are_promised() -> None:
    promised = {"sla_broken", "sla_deviation", "sla_deviation_state", "sla_state_percentage", "sla_period_elapsed"}
    assert promised <= {one.name for one in CHECKMK.metrics}
