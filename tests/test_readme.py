"""The README and the code agree: tables, samples, examples, hooks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from checkmill import hookspecs
from checkmill.edges import Edges
from checkmill.entry import run_command
from support.readme import README, ROOT, Captured, expected

TEXT = README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_tables_and_samples_are_what_the_code_gives() -> None:
    made = expected()
    different = [(there, now) for there, now in zip(TEXT.splitlines(), made.splitlines(), strict=False) if there != now]
    assert made == TEXT, f"run: PYTHONPATH=tests python -m support.readme; first difference: {different[:1]}"


def test_every_hook_has_a_row() -> None:
    hooks = [name for name in vars(hookspecs) if name.startswith("checkmill_")]
    assert hooks
    assert [name for name in hooks if f"| `{name}` |" not in TEXT] == []


def test_the_commands_that_install_and_test_are_one_line_each() -> None:
    commands = [block.strip() for block in blocks("sh")]
    assert "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/checkmill run --sandbox" in commands
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest -q" in commands


@pytest.mark.parametrize("example", blocks("yaml"), ids=lambda text: text.split("\n", 1)[0].rstrip(":"))
def test_every_example_of_rules_is_valid(example: str, tmp_path: Path) -> None:
    directory = tmp_path / "checks.d"
    directory.mkdir()
    (directory / "example.yaml").write_text(example, encoding="utf-8")
    if "sources:" not in example:
        shop = "sources: {shop: {type: whatap, pcode: 1, token: abcdefgh}}\n"
        (directory / "sources.yaml").write_text(shop, encoding="utf-8")
    streams = Captured()
    argv = ["validate", "--sandbox", "--checks-dir", str(directory), "--state-dir", str(tmp_path / "state")]
    code = run_command(argv, streams, Edges(environ={}))
    assert (code, streams.text.splitlines()[0].partition(";")[0]) == (0, "no problems"), streams.text


def test_the_first_plugin_is_described_by_a_project_that_builds() -> None:
    project = tomllib.loads(blocks("toml")[0])
    assert project["project"]["entry-points"]["checkmill"] == {"tally": "checkmill_tally"}
    compile(blocks("python")[0], "checkmill_tally.py", "exec")


def test_every_linked_file_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
