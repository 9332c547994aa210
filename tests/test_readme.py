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


EXAMPLES = blocks("yaml")
#: A name and what stands below `sources:` or `reporters:` of any example.
NAMED = re.compile(r"^  ([\w-]+):.*\n(?:(?:    .*)?\n)+", re.MULTILINE)


def below(key: str, example: str) -> dict[str, str]:
    """The entries below a top-level key, by name, as they are written."""
    part = re.search(rf"^{key}:.*\n((?:(?: .*)?\n)*)", example, re.MULTILINE)
    return {match[1]: match[0] for match in NAMED.finditer(part[1])} if part else {}


def completed(example: str) -> str:
    """The sources and reporters that an example leaves out, as other examples of the README have them."""
    text = (
        "sources:\n  shop: {type: whatap, pcode: 1, token: abcdefgh}\n" if "sources:" not in example else "sources:\n"
    )
    rest = {"sources": "", "reporters": ""}
    for key in rest:
        known = {name: entry for other in EXAMPLES for name, entry in below(key, other).items()}
        known.pop("shop", None)
        rest[key] = "".join(entry for name, entry in known.items() if name not in below(key, example))
    return text + rest["sources"] + (f"reporters:\n{rest['reporters']}" if rest["reporters"] else "")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n", 1)[0].rstrip(":"))
def test_every_example_of_rules_is_valid(example: str, tmp_path: Path) -> None:
    directory = tmp_path / "checks.d"
    directory.mkdir()
    (directory / "example.yaml").write_text(example, encoding="utf-8")
    (directory / "rest.yaml").write_text(completed(example), encoding="utf-8")
    streams = Captured()
    argv = ["validate", "--sandbox", "--checks-dir", str(directory), "--state-dir", str(tmp_path / "state")]
    code = run_command(argv, streams, Edges(environ={}))
    assert (code, streams.text.splitlines()[0].partition(";")[0]) == (0, "no problems"), streams.text


@pytest.mark.parametrize(
    ("example", "command"),
    list(zip(blocks("yml"), ["nhn scenario diff", "nhn alarm create --duplicate --dry-run"], strict=True)),
    ids=["a scenario", "an alarm"],
)
def test_every_definition_is_read_by_its_command(example: str, command: str, tmp_path: Path) -> None:
    definition = tmp_path / "definition.yaml"
    definition.write_text(example, encoding="utf-8")
    streams = Captured()
    argv = [*command.split(), str(definition), "--sandbox", "--checks-dir", str(ROOT / "checks.d")]
    options = ["--source", "nhn-shop"] if "scenario" in command else []
    code = run_command([*argv, *options, "--state-dir", str(tmp_path / "state")], streams, Edges(environ={}))
    assert (code, streams.remarks) == (0, []), streams.text
    assert "front page" in streams.text or "deploys" in streams.text


def test_the_first_plugin_is_described_by_a_project_that_builds() -> None:
    project = tomllib.loads(blocks("toml")[0])
    assert project["project"]["entry-points"]["checkmill"] == {"tally": "checkmill_tally"}
    compile(blocks("python")[0], "checkmill_tally.py", "exec")


def test_every_linked_file_and_heading_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link]
    headings = {f"#{line.lstrip('# ').lower().replace(' ', '-')}" for line in TEXT.splitlines() if line.startswith("#")}
    assert links
    assert [link for link in links if link not in headings and not (ROOT / link).exists()] == []
