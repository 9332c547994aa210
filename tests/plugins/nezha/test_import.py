"""Importing the plugin costs nothing that only reading rules or sending requests needs."""

from __future__ import annotations

import subprocess
import sys

import checkmill_nezha
from checkmill.testing.conformance import failures_of
from checkmill_nezha.metrics import NEZHA


def test_importing_the_plugin_stays_light() -> None:
    heavy = "{'pydantic', 'pydantic_core', 'httpx', 'pluggy', 'asyncio', 'ssl', 'jinja2', 'yaml', 'email'}"
    code = f"import sys, checkmill_nezha; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_plugin_offers_one_source_type() -> None:
    assert list(checkmill_nezha.checkmill_sources()) == [NEZHA]
    assert NEZHA.type == "nezha"


def test_the_plugin_conforms() -> None:
    assert failures_of(checkmill_nezha) == []
