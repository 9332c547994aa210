"""Words of plugins' commands at a prompt, and who pays for them: only a line whose first word is none of core's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checkmill.cli.arguments import command_of, first_word, is_of_plugin
from checkmill.edges import Edges
from checkmill.entry import run_command
from support.commands import Captured, Desk
from support.loopback import Server
from support.signals import Yard, served

TWO = """\
sources:
  main: {type: signals, base_url: "http://a.example", key: abcdefgh}
  other: {type: signals, base_url: "http://a.example", key: abcdefgh}
  shop: {type: whatap, pcode: 1, token: abcdefgh}
"""


@pytest.fixture(autouse=True)
def server(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with served(Yard(), desk, monkeypatch) as server:
        desk.write(TWO)
        yield server


def answer(desk: Desk, line: str, shell: str = "zsh") -> list[str]:
    streams = Captured(quiet=True)
    environ = {**desk.environ, "CHECKMILL_CHECKS_DIR": str(desk.checks_dir), "HOME": str(desk.home)}
    run_command(["__complete", shell, *line.split(" ")], streams, Edges(now=desk.clock, environ=environ))
    return "".join(streams.written).removesuffix("\n").split("\n")


def words(desk: Desk, line: str) -> list[str]:
    kind, *found = answer(desk, line)
    assert kind == "words"
    return [word.partition("\t")[0] for word in found]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("yard ", ["odd", "read", "signal"]),
        ("yard si", ["odd", "read", "signal"]),
        ("--sandbox yard ", ["odd", "read", "signal"]),
        ("yard signal ", ["apply", "delete", "diff", "get", "list"]),
        ("yard --sandbox signal ", ["apply", "delete", "diff", "get", "list"]),
        ("yard signal list --color ", ["red", "yellow", "green"]),
        ("yard signal list --color=g", ["--color=red", "--color=yellow", "--color=green"]),
        ("yard signal list --format ", ["table", "yaml", "json"]),
        ("yard signal list --source ", ["main", "other"]),
        ("yard signal list --source=", ["--source=main", "--source=other"]),
        ("yard signal list --since ", []),
        ("yard signal get ", []),
        ("yard sgnal ", []),
        ("yard sgnal list --", []),
        ("frob ", []),
    ],
)
def test_words_of_commands_follow(desk: Desk, line: str, found: list[str]) -> None:
    assert words(desk, line) == found


def test_the_first_word_may_be_a_plugins(desk: Desk) -> None:
    assert "yard" in words(desk, "")
    assert "check" in words(desk, "")


@pytest.mark.parametrize(
    ("line", "there", "missing"),
    [
        ("yard signal list --", {"--color", "--track", "--no-wait", "--source", "--format", "--checks-dir"}, {"--yes"}),
        ("yard signal list --track 1 --color red --no-wait --", {"--track"}, {"--color", "--no-wait"}),
        ("yard signal delete --", {"--dry-run", "--yes", "--source"}, {"--color"}),
        ("yard signal get north ", {"--format"}, {"north"}),
        ("yard --", {"--checks-dir", "--sandbox"}, {"--source"}),
    ],
)
def test_options_of_commands_follow(desk: Desk, line: str, there: set[str], missing: set[str]) -> None:
    found = set(words(desk, line))

    assert there <= found
    assert not missing & found


@pytest.mark.parametrize(
    "line",
    ["yard signal apply ", "yard signal apply a", "yard read --file ", "yard read --file=x", "yard signal diff x"],
)
def test_documents_are_files(desk: Desk, line: str) -> None:
    assert answer(desk, line) == ["file"]


def test_words_come_with_their_meaning(desk: Desk) -> None:
    assert "get\tone signal whole" in answer(desk, "yard signal ")
    assert "signal" in answer(desk, "yard ")
    assert "--color\tonly those of a color" in answer(desk, "yard signal list --", "fish")


def test_nothing_is_asked_of_a_vendor(desk: Desk, server: Server) -> None:
    for line in ("yard signal list --source ", "yard signal get ", "yard "):
        words(desk, line)

    assert server.got == []


# Who pays


@pytest.fixture
def loud(desk: Desk) -> Path:
    """A plugin that leaves a trace when it is loaded."""
    trace, about = desk.home / "loaded", desk.home / "site" / "loud-1.0.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n", "utf-8")
    about.joinpath("entry_points.txt").write_text("[checkmill]\nloud = checkmill_loud\n", "utf-8")
    about.with_name("checkmill_loud.py").write_text(f"open({str(trace)!r}, 'w').close()\n", "utf-8")
    return trace


@pytest.mark.parametrize(
    "line", ["check nope", "validate", "list", "local", "run", "run --help", "-t 5 check x", "exec x"]
)
def test_no_plugin_is_loaded_for_a_command_of_checkmill_itself(desk: Desk, loud: Path, line: str) -> None:
    desk.process(line)

    assert not loud.exists()


@pytest.mark.parametrize("line", ["yard signal list --source other", "--help", "chekc x", "plugins"])
def test_plugins_are_loaded_where_only_they_can_answer(desk: Desk, loud: Path, line: str) -> None:
    desk.process(line)

    assert loud.exists()


@pytest.mark.parametrize(
    ("line", "command", "first", "of_plugin"),
    [
        ("yard check list", "", "yard", True),
        ("--sandbox yard run", "", "yard", True),
        ("--checks-dir check yard run", "", "yard", True),
        ("--checks-dir=x --log-level debug yard check", "", "yard", True),
        ("-h yard check", "", "yard", True),
        ("check yard", "check", "check", False),
        ("-t 5 check yard", "check", "check", False),
        ("--tag foo local", "local", "local", False),
        ("--tag=foo local", "local", "local", False),
        ("exec yard", "exec", "exec", False),
        ("exec --check x -- yard run", "exec", "exec", False),
        ("__complete zsh yard", "__complete", "__complete", False),
        ("--sandbox", "", "", False),
        ("", "", "", False),
    ],
)
def test_whose_command_it_is_is_known_before_anything_is_loaded(
    line: str, command: str, first: str, of_plugin: bool
) -> None:
    argv = line.split()

    assert (command_of(argv), first_word(argv), is_of_plugin(argv)) == (command, first, of_plugin)
