"""The completion scripts in the shells they are for; zsh and fish only where they are installed."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checkmill.cli.arguments import FORMATS
from checkmill.cli.completion import SCRIPTS
from support.commands import Desk
from support.whatap_vendor import CPU, Vendor

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: 90, tags: [per team, "$(touch x)", "`touch x`"]}
      - {name: load.all, source: shop, metric: cpu, above: 90}
"""
HOSTS = {"web-1": 10, "web-2": 10, "db 1": 20, "o'clock": 30, "c:d": 35, "가": 40, '"$HOME`*': 50}
#: How long a shell may take for everything it is asked in one test.
DEADLINE_S = 30

needs_zsh = pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
needs_fish = pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")


@pytest.fixture(autouse=True)
def shell(desk: Desk, vendor: Vendor) -> None:
    """Rules with results, and a `checkmill` on the path that tells in the file `said` what else it is called with."""
    vendor.show(CPU, HOSTS)
    desk.write(RULES, url=vendor.url)
    desk("run")
    (desk.home / "bin").mkdir()
    program = desk.home / "bin" / "checkmill"
    program.write_text(f"""#!/bin/sh
[ "$1" = __complete ] && exec {shlex.quote(sys.executable)} -m checkmill "$@"
for word in "$@"; do printf '%s\\n' "$word"; done >> "$HOME/said"
echo . >> "$HOME/said"
""")
    program.chmod(0o755)
    desk.environ |= {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(desk.home),
        "CHECKMILL_CHECKS_DIR": str(desk.checks_dir),
        "CHECKMILL_STATE_DIR": str(desk.state_dir),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "HISTFILE": "",
    }
    for name, script in SCRIPTS.items():
        (desk.home / f"completion.{name}").write_text(script, encoding="utf-8")
    (desk.home / "folder").mkdir()
    (desk.home / "folder 2").mkdir()
    (desk.home / "fo.prom").write_text("")


def said(desk: Desk, *command: str) -> list[str]:
    """What a shell prints: its lines."""
    ran = subprocess.run(
        command, env=desk.environ, cwd=desk.home, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


def test_completion_prints_the_script_of_each_shell(desk: Desk) -> None:
    for name, script in SCRIPTS.items():
        ran = desk(f"completion {name}")
        assert (ran.code, ran.out, ran.err) == (0, script, "")
    assert desk("completion csh").code == 3


# bash


def in_bash(desk: Desk, line: str, *words: str, with_line: bool = True) -> list[str]:
    """What bash is offered for a line that readline splits into words."""
    program = f"""
set -u
source completion.bash
{f"COMP_LINE={shlex.quote(line)} COMP_POINT=${{#COMP_LINE}}" if with_line else ""}
COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}
{"COMP_POINT=${#COMP_LINE}" if with_line else ""}
_checkmill checkmill {shlex.quote(words[-1])} 2>&1
printf '%s\\n' "${{COMPREPLY[@]-}}"
"""
    return said(desk, "bash", "--norc", "-c", program)


@pytest.mark.parametrize("with_line", [True, False], ids=["with COMP_LINE", "without"])
@pytest.mark.parametrize(
    ("line", "words", "offered"),
    [
        ("checkmill forg", ["forg"], ["forget"]),
        ("checkmill check ", ["check", ""], ["cpu", "load.all"]),
        ("checkmill check l", ["check", "l"], ["load.all"]),
        ("checkmill check cpu --item host=web", ["check", "cpu", "--item", "host", "=", "web"], ["web-1", "web-2"]),
        ("checkmill check cpu --item host=c:", ["check", "cpu", "--item", "host", "=", "c", ":"], ["d"]),
        ("checkmill check cpu --item host=d", ["check", "cpu", "--item", "host", "=", "d"], [r"db\ 1"]),
        ("checkmill run --format=j", ["run", "--format", "=", "j"], ["json", "jsonl"]),
        (
            "checkmill run --tag ",
            ["run", "--tag", ""],
            [r"per\ team", r"\$\(touch\ x\)", r"\`touch\ x\`"],
        ),
        ("checkmill --checks-dir fol", ["--checks-dir", "fol"], ["folder", "folder 2"]),
        ("checkmill run --output=fo.", ["run", "--output", "=", "fo."], ["fo.prom"]),
        ("checkmill check zzz", ["check", "zzz"], [""]),
    ],
)
def test_bash_is_offered_what_may_follow(
    desk: Desk, line: str, words: list[str], offered: list[str], with_line: bool
) -> None:
    found = in_bash(desk, line, "checkmill", *words, with_line=with_line)

    assert sorted(found) == sorted(offered)
    assert not (desk.home / "x").exists()


def test_bash_asks_about_the_line_up_to_the_cursor(desk: Desk) -> None:
    program = """
source completion.bash
COMP_LINE='checkmill check loXX --sandbox' COMP_POINT=18
COMP_WORDS=(checkmill check loXX --sandbox) COMP_CWORD=2
_checkmill checkmill
printf '%s\\n' "${COMPREPLY[@]}"
"""
    assert said(desk, "bash", "--norc", "-c", program) == ["load.all"]


TYPED = {
    "checkmill check lo\t": ["check", "load.all"],
    "checkmill check cpu --item host=web-\t2": ["check", "cpu", "--item", "host=web-2"],
    "checkmill check cpu --item host=d\t": ["check", "cpu", "--item", "host=db 1"],
    "checkmill check cpu --item 'host=d\t": ["check", "cpu", "--item", "host=db 1"],
    'checkmill check cpu --item "host=o\t': ["check", "cpu", "--item", "host=o'clock"],
    "checkmill check cpu --item host=o\t": ["check", "cpu", "--item", "host=o'clock"],
    "checkmill check cpu --item host=c\t": ["check", "cpu", "--item", "host=c:d"],
    "checkmill check cpu --item=host=가\t": ["check", "cpu", "--item=host=가"],
    'checkmill check cpu --item host=\\"\t': ["check", "cpu", "--item", 'host="$HOME`*'],
    "true; checkmill run --tag p\t --due": ["run", "--tag", "per team", "--due"],
    "checkmill run --tag \\$\t": ["run", "--tag", "$(touch x)"],
    "checkmill run --output=fo.\t": ["run", "--output=fo.prom"],
}


def test_what_bash_completes_at_a_prompt_arrives_as_it_is_meant(desk: Desk) -> None:
    master, terminal = pty.openpty()
    command = ["bash", "--norc", "--noprofile", "-i"]
    with subprocess.Popen(
        command,
        env=desk.environ,
        cwd=desk.home,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as bash:
        os.close(terminal)
        os.write(master, "".join(f"{line}\n" for line in ("source completion.bash", *TYPED, "exit 0")).encode())
        shown = b"".join(_read_all(master))
        os.close(master)
        assert bash.wait(DEADLINE_S) == 0, shown.decode("utf-8", "replace")

    calls = [call.splitlines() for call in (desk.home / "said").read_text(encoding="utf-8").split("\n.\n")]
    assert calls == [*TYPED.values(), []], shown.decode("utf-8", "replace")
    assert not (desk.home / "x").exists()


def _read_all(master: int) -> list[bytes]:
    pieces = []
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux says so when the last process has closed the terminal
            return pieces
        if not piece:
            return pieces
        pieces.append(piece)


# zsh

ZSH = """
autoload() {{ : }}
compdef() {{ print -r -- "compdef $*" }}
compset() {{ : }}
_files() {{ print -r -- "files $*" }}
compadd() {{ while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@" }}
source ./completion.zsh
words=({words}) CURRENT={current} PREFIX={prefix}
_checkmill || :
"""


@needs_zsh
@pytest.mark.parametrize(
    ("words", "prefix", "offered"),
    [
        (["check", ""], "", ["cpu", "load.all"]),
        (["check", "l"], "l", ["cpu", "load.all"]),
        (["run", "--tag", ""], "", ["per team", "$(touch x)", "`touch x`"]),
        (["run", "--tag", "per\\ t"], "per\\ t", ["per team", "$(touch x)", "`touch x`"]),
        (["check", "cpu", "--item", ""], "", sorted(f"host={name}" for name in HOSTS)),
        (["run", "--format=j"], "--format=j", [f"--format={name}" for name in FORMATS]),
        (["run", "--output", ""], "", ["files "]),
        (["--checks-dir", ""], "", ["files -/"]),
        (["outbox", "zzz", ""], "", []),
    ],
)  # fmt: skip
def test_zsh_is_offered_what_may_follow(desk: Desk, words: list[str], prefix: str, offered: list[str]) -> None:
    script = ZSH.format(words=shlex.join(["checkmill", *words]), current=len(words) + 1, prefix=shlex.quote(prefix))

    shown = said(desk, "zsh", "-f", "-c", script)

    assert shown == ["compdef _checkmill checkmill", *offered]
    assert not (desk.home / "x").exists()


# fish


@needs_fish
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("checkmill check ", ["cpu\tshop cpu", "load.all\tshop cpu"]),
        ("checkmill check l", ["load.all\tshop cpu"]),
        ("checkmill check cpu --item host=web", ["host=web-1", "host=web-2"]),
        ("checkmill check cpu --item host=db", ["host=db 1"]),
        ("checkmill check cpu --item 'host=db", ["host=db 1"]),
        ("checkmill run --tag per", ["per team"]),
        ("checkmill run --format=jsonl", ["--format=jsonl"]),
        ("checkmill validat", ["validate\tread rules and settings, without any network"]),
        ("checkmill --checks-dir fold", ["folder 2/\tDirectory", "folder/\tDirectory"]),
        ("checkmill check zzz", []),
    ],
)
def test_fish_is_offered_what_may_follow(desk: Desk, line: str, offered: list[str]) -> None:
    shown = said(desk, "fish", "--no-config", "-c", f"source completion.fish; complete -C {shlex.quote(line)}")

    assert sorted(shown) == sorted(offered)
    assert not (desk.home / "x").exists()


def test_the_scripts_mention_no_path_of_the_machine_that_wrote_them() -> None:
    for script in SCRIPTS.values():
        assert str(Path(sys.prefix)) not in script
        assert script.endswith("\n")
