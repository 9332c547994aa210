"""The command line: what is wrong with it is said where the caller looks, and exits 3."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkmill import __version__
from checkmill.cli.arguments import COMMANDS, command_of, parser
from support.commands import Desk
from support.whatap_vendor import CPU, Vendor

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
      two: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90}}
      - {name: both, source: [shop, two], metric: cpu, each: [source, host], above: {warn: 80, crit: 90}}
      - {name: hosts, source: shop, metric: hosts, above: 1000}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor) -> None:
    vendor.show(CPU, {"web-1": 85, "web=2": 10, "가": 95})
    desk.write(RULES, url=vendor.url)


def test_every_command_is_known_before_the_line_is_parsed() -> None:
    (commands,) = [action for action in parser()._actions if action.dest == "command"]

    assert tuple(commands.choices or ()) == COMMANDS


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("check run", "check"),
        ("run check", "run"),
        ("--checks-dir check run", "run"),
        ("--state-dir=local check x", "check"),
        ("--sandbox --log-level debug local", "local"),
        ("-t 5 check x", "check"),
        ("-h", ""),
        ("", ""),
        ("chekc", ""),
    ],
)
def test_the_command_is_found_whatever_stands_before_it(words: str, command: str) -> None:
    assert command_of(words.split()) == command


@pytest.mark.parametrize(
    "words",
    [
        "check",
        "check a b",
        "check cpu --frob",
        "check cpu -t",
        "check cpu -t 0",
        "check cpu -t -1",
        "check cpu -t nan",
        "check cpu -t 1e999",
        "check cpu -t soon",
        "check cpu --item",
        "check cpu --verb",
        "check cpu --log-level loud",
        "--sandbox-seed x check cpu",
        "-t 5 check cpu",
    ],
)
def test_what_check_does_not_understand_is_unknown(desk: Desk, words: str) -> None:
    ran = desk(words)

    assert (ran.code, ran.writes, ran.err) == (3, 1, "")
    assert ran.line.startswith("UNKNOWN - usage: ")
    assert ran.out.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "checkmill: usage: the following arguments are required: COMMAND; see 'checkmill --help'\n"),
        ("exec cpu", "checkmill: usage: the following arguments are required: --check; see 'checkmill exec --help'\n"),
        ("run --frob", "checkmill: usage: unrecognized arguments: --frob; see 'checkmill --help'\n"),
        ("outbox show", "checkmill: usage: outbox show needs the number of a delivery; see 'checkmill outbox list'\n"),
    ],
)
def test_what_another_command_does_not_understand_is_a_sentence(desk: Desk, words: str, said: str) -> None:
    ran = desk(words)

    assert (ran.code, ran.out, ran.err) == (3, "", said)


@pytest.mark.parametrize(
    "words",
    [
        "frob",
        "run --format xml",
        "outbox frob",
        "outbox show x",
        "metrics frob",
        "sandbox --port x",
        "list --tag",
        "validate x",
        "schema x",
        "plugins --frob",
    ],
)
def test_usage_errors_of_every_command_exit_with_3(desk: Desk, words: str) -> None:
    ran = desk(words)

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("checkmill: ")


@pytest.mark.parametrize(("words", "code"), [("check", 3), ("local", 0), ("run", 0), ("", 0)])
@pytest.mark.parametrize("option", ["-h", "--help", "-V", "--version"])
def test_help_and_version_are_written_to_stdout(desk: Desk, words: str, option: str, code: int) -> None:
    ran = desk(f"{words} {option}")

    assert (ran.code, ran.writes, ran.err) == (code, 1, "")
    assert ran.out == f"checkmill {__version__}\n" if option in {"-V", "--version"} else "usage: checkmill" in ran.out


def test_common_options_stand_before_or_after_the_command(desk: Desk) -> None:
    where = desk.argv("")
    desk.home.joinpath("nowhere").mkdir()

    before = desk(["run", "--no-report", "hosts"])
    desk.arguments = ["--checks-dir", str(desk.home / "nowhere")]
    after = desk(["run", "--no-report", "hosts", *where])

    assert (before.code, after.code, before.out) == (0, 0, after.out)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ("cpu --item web-1", 1, "WARNING - cpu 85% above 80%"),
        ("cpu --item host=web-1", 1, "WARNING - cpu 85% above 80%"),
        ("cpu --item web=2", 0, "OK - cpu 10%"),
        ("cpu --item host=web=2", 0, "OK - cpu 10%"),
        # The same letter, composed of its parts.
        ("cpu --item \u1100\u1161", 2, "CRITICAL - cpu 95% above 90%"),
        ("cpu --item web-9", 3, "UNKNOWN - there is no service web-9 of this check, known: host=web-1, host=web=2"),
        ("cpu --item mount=/", 3, "UNKNOWN - there is no service mount=/ of this check"),
        ("both --item source=two --item host=web-1", 1, "WARNING - cpu 85% above 80%"),
        ("hosts --item web-1", 3, "UNKNOWN - there is no service web-1 of this check"),
    ],
)  # fmt: skip
def test_an_item_is_one_service(desk: Desk, words: str, code: int, line: str) -> None:
    ran = desk(f"check {words}")

    assert (ran.code, ran.line[: len(line)]) == (code, line)


def test_without_an_item_the_worst_service_decides(desk: Desk) -> None:
    ran = desk("check cpu")

    assert (ran.code, ran.line) == (
        2,
        "CRITICAL - 2 of 3 services not OK: cpu 가: cpu 95% above 90%, cpu web-1: cpu 85% above 80%",
    )


def test_an_unknown_check_names_the_nearest(desk: Desk) -> None:
    assert desk("check host").line == "UNKNOWN - there is no check 'host': did you mean 'hosts'?"


def test_a_healthy_check_works_beside_a_broken_file(desk: Desk) -> None:
    desk.write("checks: [", name="z.yaml")

    assert desk("check hosts").code == 0
    assert desk("validate").code == 3


@pytest.mark.parametrize("command", ["run", "check", "local", "validate", "list"])
def test_the_shipped_rules_run_in_the_sandbox_with_nothing_set(desk: Desk, command: str) -> None:
    shipped = Path(__file__).parents[3] / "checks.d"
    desk.environ.clear()
    desk.arguments = ["--checks-dir", str(shipped), "--sandbox"]
    words = command if command != "check" else f"check {desk('list --format json').json[0]['name']}"

    ran = desk(words)

    assert ran.code in ({0, 1, 2} if command == "check" else {0})
    assert "problem" not in ran.out.replace("no problems", "")
