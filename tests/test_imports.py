"""The tree is the design: imports go in one direction, and what must be light is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core" / "checkmill"
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").exists())

#: For each part of core, the parts it may import from, itself aside.
ALLOWED = {
    "model": set(),
    "edges": set(),
    "hookspecs": {"model"},
    "api": {"model", "hookspecs"},
    "testing": {"model", "api"},
    "host": {"model", "hookspecs"},
    "sandbox": {"model"},
    "store": {"model", "edges"},
    "steps": {"model", "edges", "host"},
    "feeding": {"model", "edges", "steps", "store"},
    "run": {"model", "edges", "steps", "store", "feeding"},
    "cli": {"model", "edges", "host", "sandbox", "steps", "store", "run"},
    "entry": {"model", "edges", "cli", "steps"},
    "__main__": {"entry"},
    "__init__": set(),
}


#: What plugins use beside the standard library, and only where it is used: in functions that run in a child process.
PARSERS = {"jsonpath", "lxml"}


def imported(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)


def part_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def test_every_part_of_core_is_known() -> None:
    assert {part_of(path) for path in CORE.rglob("*.py")} == set(ALLOWED)


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_core_imports_in_one_direction(part: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in CORE.rglob("*.py")
        if part_of(path) == part
        for module, line in imported(path)
        if module.startswith("checkmill.") and module.split(".")[1] not in ALLOWED[part] | {part}
    ]
    assert wrong == []


def test_steps_meet_in_the_model_and_not_in_each_other() -> None:
    steps = CORE / "steps"
    wrong = []
    for path in steps.rglob("*.py"):
        own = path.relative_to(steps).parts[0].removesuffix(".py")
        for module, line in imported(path):
            parts = module.split(".")
            if parts[:2] == ["checkmill", "steps"] and len(parts) > 2 and parts[2] != own:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert wrong == []


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugins_import_from_the_api_alone(plugin: Path) -> None:
    wrong = []
    for path in plugin.rglob("*.py"):
        for module, line in imported(path):
            top = module.split(".")[0]
            fine = top == plugin.name or module == "checkmill.api.v1" or top in sys.stdlib_module_names | PARSERS
            if not fine:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        *((plugin.name, {"pydantic", "httpx", "pluggy", "jinja2", "yaml", "asyncio", *PARSERS}) for plugin in PLUGINS),
        ("checkmill.api.v1", {"pydantic", "httpx", "pluggy", "jinja2", "yaml", "asyncio"}),
        ("checkmill.entry", {"pydantic", "httpx", "pluggy", "jinja2", "yaml", "asyncio", "rich", "sqlite3"}),
    ],
)
def test_importing_is_light(module: str, heavy: set[str]) -> None:
    program = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert heavy & set(loaded) == set()
