"""What may be written next on a line, from declarations, rule files, store and plugins, whatever state they are in."""

from __future__ import annotations

import io
from contextlib import chdir, redirect_stderr
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.cli.arguments import COMMANDS, FORMATS, QUIET, command_of
from checkmill.cli.quoting import for_bash, quoted, unquoted
from checkmill.edges import Edges
from checkmill.entry import run_command
from checkmill.host import Host
from checkmill.steps.rendering import FORMATS as RENDERED
from support.commands import Captured, Desk
from support.whatap_vendor import CPU, Vendor

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
      two: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: 90, tags: [host, "per team"]}
      - {name: cpu-all, source: shop, metric: cpu, above: 90, tags: ["${TEAM:-nobody}", "{{ 7 * 6 }}", "$(touch x)"]}
      - {name: both, source: [shop, two], metric: cpu, each: [source, host], above: 90}
"""

#: What is installed, and the words that a command may begin with.
HOST = Host()
FIRST = [*COMMANDS, *dict.fromkeys(command.words[0] for command in HOST.commands())]


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor) -> None:
    vendor.show(CPU, {"web-1": 10, "db 1": 20, "o'clock": 30, "가": 40})
    desk.write(RULES, url=vendor.url)
    desk("run")


def asked(desk: Desk, shell: str, *words: str) -> list[str]:
    """The answer to a completion script: its lines."""
    argv = ["__complete", shell, *words]
    environ = {
        **desk.environ,
        "CHECKMILL_CHECKS_DIR": str(desk.checks_dir),
        "CHECKMILL_STATE_DIR": str(desk.state_dir),
        "HOME": str(desk.home),
    }
    streams, noise = Captured(quiet=command_of(argv) in QUIET), io.StringIO()
    with redirect_stderr(noise):
        code = run_command(argv, streams, Edges(now=desk.clock, environ=environ))
    assert (code, streams.remarks, noise.getvalue(), len(streams.written)) == (0, [], "", 1)
    return streams.written[0].removesuffix("\n").split("\n")


def words_after(desk: Desk, line: str) -> list[str]:
    """The words that may follow a line, whose last word is the current one."""
    kind, *words = asked(desk, "zsh", *line.split(" "))
    assert kind == "words"
    return [word.partition("\t")[0] for word in words]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("check ", ["cpu", "cpu-all", "both"]),
        ("check cp", ["cpu", "cpu-all", "both"]),
        ("--sandbox check ", ["cpu", "cpu-all", "both"]),
        ("--log-level debug check ", ["cpu", "cpu-all", "both"]),
        ("check -t 5 -v ", ["cpu", "cpu-all", "both"]),
        ("check -- ", ["cpu", "cpu-all", "both"]),
        ("check -- cpu ", []),
        ("run cpu ", ["cpu-all", "both"]),
        ("forget cpu both ", ["cpu-all"]),
        ("run --tag ", ["host", "per team", "nobody", "{{ 7 * 6 }}", "$(touch x)"]),
        ("local --tag=h", ["--tag=host", "--tag=per team", "--tag=nobody", "--tag={{ 7 * 6 }}", "--tag=$(touch x)"]),
        ("list --tag host --tag ", ["per team", "nobody", "{{ 7 * 6 }}", "$(touch x)"]),
        ("check cpu --item ", ["host=db 1", "host=o'clock", "host=web-1", "host=가"]),
        ("check cpu --item host=web", ["host=db 1", "host=o'clock", "host=web-1", "host=가"]),
        ("check cpu --item we", ["host=db 1", "host=o'clock", "host=web-1", "host=가", "web-1"]),
        ("check cpu --item=host=w", ["--item=host=db 1", "--item=host=o'clock", "--item=host=web-1", "--item=host=가"]),
        ("forget both --item host=web-1 --item ", ["source=shop", "source=two"]),
        ("check cpu-all --item ", []),
        ("check gone --item ", []),
        ("check --item ", []),
        ("run --format ", list(FORMATS)),
        ("outbox ", ["list", "show", "flush", "retry", "drop"]),
        ("outbox --format ", ["table", "json"]),
        ("outbox show ", []),
        ("metrics ", [source.type for source in HOST.sources()]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("run --log-level ", ["debug", "info", "warning", "error"]),
        ("check cpu -t ", []),
        ("sandbox --port ", []),
        ("frob ", []),
        ("frob --", []),
        ("check --frob=", []),
        ("", FIRST),
        ("--sandbox ", FIRST),
        ("--format j", FIRST),
    ],
)
def test_words_follow_from_the_line(desk: Desk, line: str, words: list[str]) -> None:
    assert words_after(desk, line) == words


def test_metrics_are_those_of_the_type(desk: Desk) -> None:
    assert {"cpu", "disk_used", "server_status"} <= set(words_after(desk, "metrics whatap "))
    assert "cpu" not in words_after(desk, "metrics whatap cpu ")
    assert words_after(desk, "metrics nhn-batchmon ") == []


@pytest.mark.parametrize(
    ("line", "there", "missing"),
    [
        ("run -", {"--tag", "--due", "--format", "--checks-dir", "--help"}, {"-V", "--item"}),
        ("run --due --tag host -", {"--tag", "--format"}, {"--due"}),
        ("check cpu ", {"--item", "--verbose"}, {"cpu", "--tag"}),
        ("check cpu --item host=web-1 -v --verbose -", {"--item", "--verbose"}, set()),
        ("validate ", {"--checks-dir", "--sandbox"}, {"--tag"}),
        ("-", {"--checks-dir", "--version"}, {"--due"}),
    ],
)
def test_options_follow_where_they_may_stand(desk: Desk, line: str, there: set[str], missing: set[str]) -> None:
    words = set(words_after(desk, line))

    assert there <= words
    assert not missing & words


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("--checks-dir ", "directory"),
        ("run --state-dir=x", "directory"),
        ("init ", "directory"),
        ("run --output ", "file"),
        ("run --output=a", "file"),
    ],
)
def test_paths_are_left_to_the_shell(desk: Desk, line: str, kind: str) -> None:
    assert asked(desk, "fish", *line.split(" ")) == [kind]


def test_words_come_with_their_meaning_where_a_shell_shows_it(desk: Desk) -> None:
    assert asked(desk, "fish", "check", "c") == ["words", "cpu\tshop cpu", "cpu-all\tshop cpu", "both\tshop, two cpu"]
    assert asked(desk, "zsh", "validat")[6] == "validate\tread rules and settings, without any network"
    assert asked(desk, "bash", "", "check", "c") == ["words", "cpu", "cpu-all"]


@pytest.mark.parametrize(
    ("head", "typed", "words"),
    [
        ("", "", [r"host=db\ 1", r"host=o\'clock", "host=web-1", "host=가"]),
        ("", "host=d", [r"host=db\ 1"]),
        ("host=", "host=", [r"db\ 1", r"o\'clock", "web-1", "가"]),
        ("host=", "host=o", [r"o\'clock"]),
        ("host=", r"host=db\ ", [r"db\ 1"]),
        ("", '"host=d', ["host=db 1"]),
        ("", "'host=o", [r"host=o'\''clock"]),
        ('"host"=', '"host"=w', ["web-1"]),
        ("host=", 'host="d', ["db 1"]),
        ("", "x", []),
        ("", "web", ["web-1"]),
    ],
)  # fmt: skip
def test_bash_gets_what_takes_the_place_of_the_typed(desk: Desk, head: str, typed: str, words: list[str]) -> None:
    assert asked(desk, "bash", head, "check", "cpu", "--item", typed) == ["words", *words]


def test_the_line_says_which_rules_and_state_are_meant(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    other.write("checks: [{name: other, source: x, metric: y}]")

    assert words_after(desk, f"--checks-dir {other.checks_dir} check ") == ["other"]
    assert words_after(desk, "--checks-dir ~/other/checks.d check ") == ["other"]
    assert words_after(desk, f"--state-dir={other.state_dir} check cpu --item ") == []
    assert words_after(desk, "check cpu --sandbox --item ") == []
    assert not other.state_dir.exists()


@pytest.mark.parametrize(
    "broken",
    ["checks: [", "checks: {name: x}", "", "- {{ x }}", "\0", "checks:\n- {name: cpu}\n- {source: x}\n- 7\n"],
    ids=["yaml", "map", "empty", "template", "control character", "checks"],
)
def test_of_broken_rule_files_what_can_be_read_is_completed(desk: Desk, broken: str) -> None:
    desk.write(broken, name="z.yaml")

    assert words_after(desk, "check ") == ["cpu", "cpu-all", "both"]


def test_without_rules_or_state_there_are_no_words_and_nothing_is_made(desk: Desk) -> None:
    for path in (*desk.checks_dir.iterdir(), *desk.state_dir.iterdir()):
        path.unlink()
    desk.checks_dir.rmdir()
    desk.state_dir.rmdir()

    assert words_after(desk, "check ") == []
    assert words_after(desk, "check cpu --item ") == []
    assert not desk.state_dir.exists()


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 100])
def test_a_store_that_is_none_gives_no_words(desk: Desk, content: bytes) -> None:
    for path in desk.state_dir.iterdir():
        path.unlink()
    (desk.state_dir / "state.db").write_bytes(content)

    assert words_after(desk, "check cpu --item ") == []


def test_deliveries_are_known_by_number(desk: Desk) -> None:
    desk.arguments = ["--sandbox"]
    desk.write(
        """
        sources: {s: {type: whatap, pcode: 1, token: x}}
        reporters: {nhn: {type: nhn-batchmon, appkey: x}}
        checks: [{name: c, source: s, metric: hosts, above: 1, report: [{to: nhn, scenario: "${X}"}]}]
        """
    )
    desk("run c")

    numbers = asked(desk, "zsh", "--sandbox", "outbox", "show", "")

    assert [line.partition("\t")[0] for line in numbers] == ["words", "1"]


@pytest.mark.parametrize("words", [[], ["bash"], ["bash", ""], ["zsh"], ["csh", "x"], ["zsh", "--item"], ["fish", "'"]])
def test_no_question_fails(desk: Desk, words: list[str]) -> None:
    argv = ["__complete", *words]
    streams = Captured(quiet=True)

    assert run_command(argv, streams, Edges(environ={})) == 0
    assert streams.written[0].startswith("words\n")


def test_nothing_of_a_rule_file_is_carried_out(desk: Desk) -> None:
    with chdir(desk.home):
        assert "$(touch x)" in words_after(desk, "run --tag ")
        assert asked(desk, "bash", "", "run", "--tag", "$") == ["words", r"\$\(touch\ x\)"]

    assert not (desk.home / "x").exists()


def test_a_process_is_quiet_whatever_it_meets(desk: Desk) -> None:
    desk.environ["CHECKMILL_CHECKS_DIR"] = str(desk.home / "nowhere")
    desk.argv = lambda words: list(words)  # the words are the shell's

    ran = desk.process(["__complete", "bash", "", "check", ""])

    assert (ran.code, ran.out, ran.err, ran.writes) == (0, "words\n", "", 1)


def test_the_formats_of_the_command_line_are_those_that_are_rendered() -> None:
    assert tuple(RENDERED) == FORMATS


@given(st.text(), st.sampled_from(["", "'", '"']))
def test_what_is_quoted_for_bash_is_read_back(text: str, quote: str) -> None:
    assert unquoted(quote + quoted(text, quote) + quote).text == text


@given(st.text(), st.integers(0, 20))
def test_a_word_is_found_by_any_quoted_beginning_of_it(text: str, length: int) -> None:
    assert for_bash([text], quoted(text[:length]), "") == [quoted(text)]


@given(st.text(alphabet="'\"\\ a=:$"))
def test_any_beginning_of_a_word_can_be_unquoted(typed: str) -> None:
    found = unquoted(typed)

    assert len(found.text) <= len(typed)
    assert found.quote in ("", "'", '"')
    assert not found.quote or typed[found.begin - 1] == found.quote
