"""A plugin of a distribution of its own, built and installed, gets the same treatment as those in the tree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.loopback import Reply, Server, http_server
from support.readme import README

RULES = """
sources:
  tally:
    type: tally
    base_url: {url}
    token: tally-token-1234
checks:
  - name: queues
    source: tally
    metric: length
    each: queue
    above: {{warn: 10, crit: 20}}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's first plugin, built by its own build backend and installed by pip into a folder."""
    text = README.read_text(encoding="utf-8")
    project, target = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site")
    for language, name in (("python", "checkmill_tally.py"), ("toml", "pyproject.toml")):
        match = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
        assert match is not None
        (project / name).write_text(match[1], encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(target), str(project)], check=True, capture_output=True)
    return target


@pytest.fixture
def vendor() -> Iterator[Server]:
    with http_server(lambda _: Reply(200, json.dumps({"mail": 3, "print": "12", "fax": None}).encode())) as server:
        yield server


def checkmill(installed: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(installed), "CHECKMILL_STATE_DIR": str(tmp_path / "state")}
    command = [sys.executable, "-m", "checkmill", "--checks-dir", str(tmp_path / "checks.d"), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def write_rules(tmp_path: Path, url: str) -> None:
    (tmp_path / "checks.d").mkdir()
    (tmp_path / "checks.d" / "tally.yaml").write_text(RULES.format(url=url), encoding="utf-8")


def test_it_is_listed_with_its_distribution(installed: Path, tmp_path: Path) -> None:
    listed = json.loads(checkmill(installed, tmp_path, "plugins", "--format", "json").stdout)
    assert [one for one in listed if one["type"] == "tally"] == [
        {
            "type": "tally",
            "kind": "source",
            "distribution": "checkmill-tally",
            "version": "1.0",
            "status": "ok",
            "commands": [],
        }
    ]


def test_it_is_measured_and_judged(installed: Path, tmp_path: Path, vendor: Server) -> None:
    write_rules(tmp_path, vendor.url)
    done = checkmill(installed, tmp_path, "run", "--format", "json")
    states = {result["service"]: (result["state"], result["output"]) for result in json.loads(done.stdout)}
    assert states == {
        "queues mail": ("OK", "length 3"),
        "queues print": ("WARNING", "length 12 above 10"),
        "queues fax": ("UNKNOWN", "length has no value: null came"),
    }
    assert done.returncode == 0


def test_its_secret_reaches_its_vendor_and_nothing_else(installed: Path, tmp_path: Path, vendor: Server) -> None:
    write_rules(tmp_path, vendor.url)
    done = checkmill(installed, tmp_path, "run", "--log-level", "debug")
    assert vendor.got[0].headers["x-tally-token"] == "tally-token-1234"
    assert "tally-token-1234" not in done.stdout + done.stderr
    stored = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"queues" in stored
    assert b"tally-token-1234" not in stored
