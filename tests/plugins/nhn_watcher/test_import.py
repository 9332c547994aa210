"""Importing the plugin costs nothing that only reading rules or sending requests needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import checkmill_nhn_watcher
from checkmill.testing.conformance import failures_of
from checkmill_nhn_watcher.metrics import WATCHER

PACKAGE = Path(checkmill_nhn_watcher.__file__).parent
#: What design and rules rely on.
FIXED = (
    "alarms alarm_status notifications failed_notifications failed_share stuck_notifications newest_event_age events"
)


def test_importing_the_plugin_stays_light() -> None:
    heavy = "{'pydantic', 'pydantic_core', 'httpx', 'pluggy', 'asyncio', 'ssl', 'jinja2', 'yaml', 'zoneinfo'}"
    code = f"import sys, checkmill_nhn_watcher; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_plugin_offers_one_source_type_and_its_commands() -> None:
    assert list(checkmill_nhn_watcher.checkmill_sources()) == [WATCHER]
    assert WATCHER.type == "nhn-watcher"
    assert {one.source for one in checkmill_nhn_watcher.checkmill_commands()} == {"nhn-watcher"}


def test_the_metrics_that_rules_rely_on_are_there() -> None:
    names = [one.name for one in WATCHER.metrics]
    assert set(FIXED.split()) <= set(names)
    assert WATCHER.inventory is not None


def test_only_commands_that_change_may_change() -> None:
    changing = {one.name for one in checkmill_nhn_watcher.checkmill_commands() if one.changes}
    assert changing == {"nhn alarm create", "nhn alarm update", "nhn alarm delete"}


def test_the_plugin_conforms() -> None:
    assert failures_of(checkmill_nhn_watcher) == []


def test_no_file_is_long() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 400, path
