"""Folders, packages and entry points agree, and the wheel holds what an editable install shows."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").exists())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(target.glob("checkmill-*.whl"))


def test_every_plugin_folder_is_packed() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(packages) == sorted(["core/checkmill", *(f"plugins/{name}" for name in PLUGINS)])


def test_every_plugin_folder_has_an_entry_point() -> None:
    modules = {value.partition(":")[0] for value in PROJECT["project"]["entry-points"]["checkmill"].values()}
    assert modules == set(PLUGINS)


def test_source_roots_are_no_packages() -> None:
    assert [root for root in ("core", "plugins") if (ROOT / root / "__init__.py").exists()] == []


def test_the_wheel_holds_every_module(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        packed = {name for name in opened.namelist() if ".dist-info/" not in name}
    roots = [ROOT / "core", *(ROOT / "plugins" for _ in PLUGINS[:1])]
    tree = {
        str(path.relative_to(root))
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and path.suffix in {".py", ".typed"} and "egg-info" not in str(path)
    }
    assert packed == tree


def test_the_wheel_names_licence_readme_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        info = {name.partition(".dist-info/")[2]: name for name in opened.namelist() if ".dist-info/" in name}
        metadata = opened.read(info["METADATA"]).decode()
        entry_points = opened.read(info["entry_points.txt"]).decode()
    assert "License-Expression: MIT" in metadata
    assert "Description-Content-Type: text/markdown" in metadata
    assert "checkmill = checkmill.entry:main" in entry_points
    assert "licenses/LICENSE" in info


def test_every_dependency_has_a_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index("dependencies = [")
    block = lines[start + 1 : lines.index("]", start)]
    unexplained = [
        line for before, line in zip(["", *block], block, strict=False) if line.strip()[0] == '"' and "#" not in before
    ]
    assert unexplained == []


def test_no_file_leads_out_of_the_project() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout: an unpacked sdist has no list of files")
    outside = "../" + "shared"
    leading = [
        name
        for name in tracked.stdout.split("\0")
        if name and (ROOT / name).is_file() and outside in (ROOT / name).read_text(encoding="utf-8", errors="replace")
    ]
    assert leading == []
