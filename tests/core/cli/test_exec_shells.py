"""The command of a job is completed by the shell itself, as if it stood alone."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from checkmill.cli.completion import SCRIPTS
from support.commands import Desk

DEADLINE_S = 30
RULES = """
    sources: {jobs: {type: exec}, shop: {type: whatap, pcode: 1, token: abcdefgh}}
    checks:
      - {name: backup, source: jobs, metric: job}
      - {name: cpu, source: shop, metric: cpu}
"""


@pytest.fixture(autouse=True)
def shell(desk: Desk) -> None:
    """A program to complete, a file for it, and a `checkmill` on the path."""
    desk.write(RULES)
    programs = desk.home / "bin"
    programs.mkdir()
    for name, does in (("checkmill", f'exec {shlex.quote(sys.executable)} -m checkmill "$@"'), ("bakupp", ":")):
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    desk.environ |= {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(desk.home),
        "CHECKMILL_CHECKS_DIR": str(desk.checks_dir),
        "CHECKMILL_STATE_DIR": str(desk.state_dir),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
    }
    for name, script in SCRIPTS.items():
        (desk.home / f"completion.{name}").write_text(script, encoding="utf-8")
    (desk.home / "data.tar").write_text("")


def said(desk: Desk, *command: str) -> list[str]:
    ran = subprocess.run(
        command, env=desk.environ, cwd=desk.home, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


def in_bash(desk: Desk, line: str, words: list[str], before: str = "") -> list[str]:
    program = f"""
set -u
source completion.bash
{before}
COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}
COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}
_checkmill checkmill 2>&1
printf '%s\\n' "${{COMPREPLY[@]-}}"
"""
    return said(desk, "bash", "--norc", "-c", program)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("checkmill exec --check b", ["backup"]),
        ("checkmill exec --check backup -- bakup", ["bakupp"]),
        ("checkmill exec --check backup bakup", ["bakupp"]),
        ("checkmill exec --check backup ./bin/bak", ["./bin/bakupp"]),
        ("checkmill exec --check backup -- bakupp da", ["data.tar"]),
        ("checkmill exec --check backup -- bakupp --che", [""]),
    ],
)
def test_bash_completes_the_job_by_programs_and_files(desk: Desk, line: str, offered: list[str]) -> None:
    assert in_bash(desk, line, line.split(" ")) == offered


@pytest.mark.parametrize("function", ["_command_offset", "_comp_command_offset"])
def test_bash_completes_the_job_as_the_program_s_own_completion_would(desk: Desk, function: str) -> None:
    before = f'{function}() {{ COMPREPLY=("$1 ${{COMP_WORDS[$1]}}"); }}'
    words = ["checkmill", "exec", "--check", "=", "backup", "--", "tar", "x"]

    assert in_bash(desk, "checkmill exec --check=backup -- tar x", words, before) == ["6 tar"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["exec", "--check", "backup", "--", "tar", "x"], ["job 2 of tar x"]),
        (["exec", "--check=backup", "ta"], ["job 1 of ta"]),
        (["exec", "--check", ""], ["backup"]),
    ],
)
def test_zsh_completes_the_job_as_a_line_of_its_own(desk: Desk, words: list[str], offered: list[str]) -> None:
    script = f"""
autoload() {{ : }}
compdef() {{ : }}
_normal() {{ print -r -- "job $CURRENT of $words" }}
compadd() {{ while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@" }}
source ./completion.zsh
words=({shlex.join(["checkmill", *words])}) CURRENT={len(words) + 1} PREFIX={shlex.quote(words[-1])}
_checkmill || :
"""
    assert said(desk, "zsh", "-f", "-c", script) == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("checkmill exec --check b", ["backup\tjobs"]),
        ("checkmill exec --check backup -- bakup", ["bakupp\tcommand"]),
        ("checkmill exec --check backup bakupp da", ["data.tar"]),
        ("checkmill exec --check backup -- bakupp --gz", ["--gzip"]),
    ],
)
def test_fish_completes_the_job_as_a_line_of_its_own(desk: Desk, line: str, offered: list[str]) -> None:
    program = f"source completion.fish; complete -c bakupp -l gzip; complete -C {shlex.quote(line)}"

    assert said(desk, "fish", "--no-config", "-c", program) == offered
