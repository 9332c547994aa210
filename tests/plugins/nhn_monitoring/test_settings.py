"""What can be configured, read the way rules are read; and what importing the plugin costs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from checkmill.api.v1 import Doc, Secret
from checkmill_nhn_monitoring import checkmill_reporters
from checkmill_nhn_monitoring.reporting import NHN_BATCHMON
from checkmill_nhn_monitoring.settings import BatchmonSettings, BatchmonTarget

SETTINGS = TypeAdapter(BatchmonSettings)
TARGET = TypeAdapter(BatchmonTarget)


def test_the_hook_gives_the_reporter() -> None:
    assert list(checkmill_reporters()) == [NHN_BATCHMON]
    assert NHN_BATCHMON.type == "nhn-batchmon"


def test_an_appkey_is_all_it_takes() -> None:
    settings = SETTINGS.validate_python({"appkey": "81713f1cc96b4eae834f7535ec4fae7a"})
    assert settings == BatchmonSettings(appkey=Secret("81713f1cc96b4eae834f7535ec4fae7a"))
    assert settings.base_url == "https://api-service-monitoring.cloud.toast.com"
    assert "81713f1c" not in repr(settings)


@pytest.mark.parametrize("written", [{}, {"appkey": ""}, {"appkey": 7}, {"appkey": "a", "app_key": "b"}])
def test_settings_without_a_usable_appkey_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SETTINGS.validate_python(written)


@pytest.mark.parametrize(
    "scenario", ["b00699c0-96f4-11e9-a68b-a7aaea9ae346", "B-1", "a%2Fb", "한글", "{{ labels.id }}"]
)
def test_an_id_need_not_be_a_uuid(scenario: str) -> None:
    assert TARGET.validate_python({"scenario": scenario}) == BatchmonTarget(scenario=scenario)


@pytest.mark.parametrize(
    "scenario", ["", " ", "a b", "a\n", "\ta", "a\x00", "a\u200b", "a\u00a0b", "a/b", "https://x/y", ".", "..", 7, None]
)
def test_what_cannot_stand_in_a_path_is_no_id(scenario: Any) -> None:
    with pytest.raises(ValidationError):
        TARGET.validate_python({"scenario": scenario})


def test_an_unknown_key_of_a_target_is_refused() -> None:
    with pytest.raises(ValidationError):
        TARGET.validate_python({"scenario": "a", "scenarios": ["b"]})


@pytest.mark.parametrize("kind", [BatchmonSettings, BatchmonTarget])
def test_every_field_says_what_it_is_for(kind: type[Any]) -> None:
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        assert any(isinstance(extra, Doc) for extra in hints[field.name].__metadata__), field.name


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    heavy = "{'pydantic', 'pydantic_core', 'httpx', 'pluggy', 'jinja2', 'asyncio', 'ssl', 'yaml', 'lxml', 'jsonpath'}"
    code = f"import sys, checkmill_nhn_monitoring; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
