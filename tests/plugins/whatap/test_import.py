"""Importing the plugin costs nothing that only reading rules or sending requests needs."""

import subprocess
import sys

from checkmill_whatap import checkmill_sources
from checkmill_whatap.metrics import WHATAP


def test_importing_the_plugin_stays_light() -> None:
    heavy = "{'pydantic', 'pydantic_core', 'httpx', 'pluggy', 'asyncio', 'ssl', 'jinja2', 'yaml'}"
    code = f"import sys, checkmill_whatap; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_plugin_offers_one_source_type() -> None:
    assert list(checkmill_sources()) == [WHATAP]
    assert WHATAP.type == "whatap"
