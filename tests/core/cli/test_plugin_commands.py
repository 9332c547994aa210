"""Commands that a plugin brings: which one is meant, what it is told, what it shows, what keeps it from being done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
import yaml

from support.commands import Desk, Ran
from support.loopback import Reply, Server
from support.signals import KEY, Yard, served

NORTH = {"name": "north", "color": "red", "track": 1, "on": True, "tags": ["a", "b"]}
SOUTH = {"name": "south 2", "color": "green", "track": 12, "on": False, "tags": []}
MIDDLE = {"name": "중앙", "color": None, "track": 0.5, "on": True, "tags": ["x"]}


@pytest.fixture
def yard() -> Yard:
    return Yard(NORTH, SOUTH, MIDDLE)


@pytest.fixture(autouse=True)
def server(yard: Yard, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with served(yard, desk, monkeypatch) as server:
        yield server


def refused(ran: Ran) -> str:
    assert (ran.code, ran.out) == (3, "")
    return ran.err


# What it shows

TABLE = """\
NAME     COLOR  TRACK  ON   TAGS
north    red    1      yes  a, b
south 2  green  12     no   -
중앙     -      0.5    yes  x
"""


def test_rows_are_a_table(desk: Desk) -> None:
    ran = desk("yard signal list")

    assert (ran.code, ran.out, ran.err) == (0, TABLE, "")


def test_a_real_process_does_the_same(desk: Desk) -> None:
    ran = desk.process("yard signal list")

    assert (ran.code, ran.out, ran.err, ran.writes) == (0, TABLE, "", 1)


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_read_back_what_the_vendor_said(desk: Desk, form: str) -> None:
    ran = desk(f"yard signal list --format {form}")

    assert (ran.code, ran.err) == (0, "")
    assert (json.loads if form == "json" else yaml.safe_load)(ran.out) == [NORTH, SOUTH, MIDDLE]


def test_what_is_no_list_of_rows_is_yaml(desk: Desk) -> None:
    shown = "name: north\ncolor: red\ntrack: 1\n'on': true\ntags:\n  - a\n  - b\n"

    assert desk("yard signal get north").out == shown
    assert desk("yard signal get north --format table").out == shown


def test_where_there_is_nothing_the_plugin_says_so(desk: Desk) -> None:
    ran = desk("yard signal list nope")

    assert (ran.code, ran.out, ran.err) == (0, "there is no such signal\n", "")
    assert desk("yard signal list nope --format json").json == []


# What it is told


@pytest.mark.parametrize(
    ("words", "names", "target"),
    [
        ("", ["north", "south 2", "중앙"], "/signals?since=3600"),
        ("north", ["north"], "/signals?since=3600"),
        ("--since 5m", ["north", "south 2", "중앙"], "/signals?since=300"),
        ("--since=1.5h --color green", ["north", "south 2", "중앙"], "/signals?since=5400&color=green"),
        ("--limit 2 --no-wait --track 1 --track 12", ["north", "south 2"], "/signals?since=3600"),
        ("중앙 north", ["north", "중앙"], "/signals?since=3600"),
        ("중앙 --since 5m north", ["north", "중앙"], "/signals?since=300"),
        ("--since 5m -- 중앙 -x -1", ["중앙"], "/signals?since=300"),
        ("north -1 --limit 5", ["north"], "/signals?since=3600"),
    ],
)
def test_words_become_what_the_plugin_declares(
    desk: Desk, yard: Yard, words: str, names: list[str], target: str
) -> None:
    shown = desk(f"yard signal list --format json {words}").json

    assert [row["name"] for row in shown] == names
    assert [one.target for one in yard.got] == [target]


@pytest.mark.parametrize("words", ["--log-level error yard signal list", "yard --log-level error signal list"])
def test_common_options_stand_anywhere(desk: Desk, words: str) -> None:
    assert desk(words).out == TABLE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("yard signal lst", "there is no command 'yard signal lst'; did you mean 'checkmill yard signal list'?"),
        ("yard signal ls", "there is no command 'yard signal ls'; did you mean 'checkmill yard signal list'?"),
        ("yard sgnal list", "there is no command 'yard sgnal'; did you mean 'checkmill yard signal'?"),
        ("signal list", "there is no command 'signal'; did you mean 'checkmill yard signal list'?"),
        ("yrad signal list", "there is no command 'yrad'; did you mean 'checkmill yard'?"),
        ("vallidate", "there is no command 'vallidate'; did you mean 'checkmill validate'?"),
        ("yard signal list --colour red", "there is no option '--colour'; did you mean '--color'?"),
        ("yard signal list --no-wiat", "there is no option '--no-wiat'; did you mean '--no-wait'?"),
        ("yard signal list --frob=1", "there is no option '--frob'; see 'checkmill yard signal list --help'"),
        ("yard read x --file y", "'x' is one word too many; see 'checkmill yard read --help'"),
        ("yard signal list --color", "argument --color: expected one argument; see"),
        ("yard signal get north south", "'south' is one word too many; see 'checkmill yard signal get --help'"),
        (
            "yard signal get",
            "the following arguments are required: NAME; see 'checkmill yard signal get --help'",
        ),
        (
            "yard signal list --color gren",
            "argument --color: 'gren' is none of red, yellow, green; did you mean 'green'?; see 'checkmill yard signal",
        ),
        ("yard signal list --limit 0", "--limit 0 shows nothing; write 1 or more; see 'checkmill yard signal list"),
        ("yard signal list --yes", "there is no option '--yes'"),
        (
            "yard signal list --since soon --limit five --track 1 --track x",
            (
                "--track: a whole number is expected, found 'x'\n"
                "  --since: 'soon' is not a duration; write it like 30s, 5m or 24h\n"
                "  --limit: a whole number is expected, found 'five'\n"
                "  see 'checkmill yard signal list --help'"
            ),
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_the_nearest_right_word(desk: Desk, yard: Yard, words: str, said: str) -> None:
    assert refused(desk(words)).startswith(f"checkmill: usage: {said}")
    assert yard.got == []


SIGNAL_COMMANDS = """\
  yard signal apply   make signals as a file says
  yard signal delete  delete signals
  yard signal diff    what apply would change
  yard signal get     one signal whole
  yard signal list    the signals; 100% of them
"""


@pytest.mark.parametrize("words", ["yard", "yard signal"])
def test_the_beginning_of_a_command_is_no_success_and_tells_what_follows(desk: Desk, words: str) -> None:
    said = refused(desk(words))

    assert said.startswith(f"checkmill: usage: a word is missing after 'checkmill {words}'; there are:\n")
    assert SIGNAL_COMMANDS in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--help", "\ncommands of plugins:\n"),
        ("--help", "\n  yard {odd,read}\n  yard signal {apply,delete,diff,get,list}\n"),
        ("-h yard", "usage: checkmill yard {odd,read,signal} ...\n"),
        ("yard --help", SIGNAL_COMMANDS),
        ("yard signal -h", f"usage: checkmill yard signal {{apply,delete,diff,get,list}} ...\n\n{SIGNAL_COMMANDS}"),
        ("yard signal list --help", "the signals; 100% of them\n"),
        ("yard signal list --help", "which signals; 100% of them without\n"),
        ("yard signal list --help", "(default: 3600s)\n"),
        ("yard signal list --help", "{red,yellow,green}"),
        ("yard signal apply --help", "--dry-run"),
        ("yard signal apply --help", "FILE"),
        ("yard signal -V", "checkmill "),
    ],
)
def test_help_at_every_level_tells_what_there_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: str, told: str
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    ran = desk(words)

    assert (ran.code, ran.err) == (0, "")
    assert told in ran.out


def test_only_commands_that_change_something_can_be_told_to(desk: Desk) -> None:
    assert "--dry-run" not in desk("yard signal list --help").out
    assert "--yes" not in desk("yard signal diff --help").out


# What keeps it from being done


def test_a_vendor_that_fails_is_told_with_the_source_and_the_stage(desk: Desk, server: Server) -> None:
    said = refused(desk("yard signal get nope"))

    assert said == f"checkmill: source 'main': read: HTTP 404 from {server.url}/signals/nope: there is none\n"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("crash", "checkmill: source 'main': plugin: yard odd failed with KeyError; the log has the traceback\n"),
        ("list", "checkmill: the plugin of 'yard odd' gave a list, not a Plan; report it to its author\n"),
        (
            "object",
            "gave an object of type object, which is no plain data; report it to its author\n",
        ),
        (
            "change",
            "gave changes that are not a list of Change; report it to its author\n",
        ),
    ],
)
def test_a_plugin_that_fails_is_told_in_a_sentence(desk: Desk, word: str, said: str) -> None:
    assert said in refused(desk(f"yard odd {word} --yes"))


def test_a_plugin_that_hangs_ends_with_its_time(desk: Desk, server: Server) -> None:
    rules = "sources: {main: {type: signals, base_url: <url>, key: '${KEY}', retries: 0, timeout: 2s}}\n"
    desk.write(rules, url=server.url)

    ran = desk.process("yard odd hang")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("checkmill: source 'main': read: ")


def test_what_a_plugin_starts_and_leaves_ends_with_the_command(desk: Desk) -> None:
    ran = desk.process("yard odd leave --format json")

    with pytest.raises(ProcessLookupError):
        os.kill(json.loads(ran.out)["data"]["pid"], 0)


def test_nothing_that_is_shown_holds_a_secret_or_moves_a_terminal(desk: Desk) -> None:
    for words in (
        "yard odd secret",
        "yard odd secret --format json",
        "yard odd harmful",
        "yard odd harmful --format yaml",
    ):
        ran = desk(words)
        assert KEY not in ran.out + ran.err
        assert (ran.out + ran.err).replace("\n", "").isprintable()
    assert "***" in desk("yard odd secret").out
    assert desk("yard odd harmful --format json").json["data"] == [{"name": "\x1b[2Jweb\n1", "note": "a\u202eb"}]


def test_what_a_vendor_echoes_of_a_secret_is_not_shown(desk: Desk, yard: Yard) -> None:
    yard.replies["GET /signals"] = Reply(500, f"no such key {KEY}".encode())

    assert "no such key ***" in refused(desk("yard signal list"))
