"""What the words of `checkmill exec` mean, and who else knows of jobs."""

from __future__ import annotations

import json

import pytest

from checkmill.cli.arguments import parsed
from checkmill.edges import Edges
from checkmill.entry import run_command
from support.commands import Captured, Desk
from support.jobs import RULES, job
from support.whatap_vendor import Batchmon


@pytest.fixture
def rules(desk: Desk, batchmon: Batchmon) -> Desk:
    desk.write(RULES, nhn=batchmon.url)
    return desk


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("exec --check x -- tar --version", ["tar", "--version"]),
        ("exec --check x tar --version", ["tar", "--version"]),
        ("exec --check=x tar -h --check y --help", ["tar", "-h", "--check", "y", "--help"]),
        ("exec --check x --timeout 5s --kill-after 1s -- run --sandbox", ["run", "--sandbox"]),
        ("exec --sandbox --check x -- -- a", ["--", "a"]),
        ("exec --check x a -- b", ["a", "--", "b"]),
        ("--log-level info exec --check x --log-level debug -- a --log-level b", ["a", "--log-level", "b"]),
        ("exec --check exec exec exec", ["exec", "exec"]),
    ],
)
def test_what_belongs_to_the_job_is_never_ours(words: str, command: list[str]) -> None:
    assert parsed(words.split()).job == command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("exec", "the following arguments are required: --check, COMMAND"),
        ("exec --check backup", "the following arguments are required: COMMAND"),
        ("exec --check backup --", "the following arguments are required: COMMAND"),
        ("exec touch done", "the following arguments are required: --check"),
        ("exec -- touch done --check backup", "the following arguments are required: --check"),
        ("exec --check", "argument --check: expected one argument"),
        ("exec --check backup --timeout soon touch done", "argument --timeout: 'soon' is not a duration"),
        ("exec --check backup --timeout 0 touch done", "argument --timeout: '0' is not above zero"),
        ("exec --check backup --timeuot=5 touch done", "unrecognized arguments: --timeuot=5"),
        ("exec --check backup --timeuot 5 touch done", "unrecognized arguments: --timeuot"),
    ],
)
def test_what_is_wrong_with_our_own_words_runs_nothing(desk: Desk, words: str, said: str) -> None:
    ran = desk(words.replace("done", str(desk.home / "done")))

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith(f"checkmill: usage: {said}")
    assert not (desk.home / "done").exists()


def test_help_is_ours_only_before_the_command(rules: Desk) -> None:
    assert rules("exec --help").out.startswith("usage: checkmill exec --check NAME")
    assert rules("exec --check backup -- sh --help").code in {0, 2}
    assert rules("check backup").code != 3


def test_the_sandbox_is_told_what_a_receiver_would_be(desk: Desk) -> None:
    desk.write(RULES, nhn="https://nowhere.example")
    ran = desk(["--sandbox", *job("exit 1")])

    assert ran.code == 1
    assert "batchmon received for b00699c0…: state CRITICAL, 1 service" in ran.err
    assert desk("--sandbox check backup").line.startswith("CRITICAL - exit 1")


def test_jobs_are_listed_explained_and_described(rules: Desk) -> None:
    assert rules("validate").out.startswith("no problems; 1 of 1 checks can run")
    assert "backup  jobs    job           86400" in rules("list").out
    assert "{name: exec-job, source: exec, metric: job, interval: 24h}" in rules("metrics exec").out
    explained = rules("explain backup").out
    assert "nothing is stored of this check; 'checkmill exec' tells of it" in explained
    assert "no job of it has ended yet, expected every 1d" in explained
    rules(job("exit 1"))
    explained = rules("explain backup").out
    assert "CRITICAL backup" in explained
    assert "good for 1d 2h" in explained
    rules.clock.now += 30 * 3600
    assert "the job last ended 1d 6h ago (CRITICAL)" in rules("explain backup").out
    assert "exec" in json.loads(rules("schema").out)["$defs"]["source.exec"]["description"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sources: {j: {type: exec, base_url: 'http://x'}}", "sources.j.base_url: unknown key 'base_url'"),
        ("sources: {j: {type: exec, timeout: 5s}}", "sources.j.timeout: unknown key 'timeout'"),
        ("sources: {j: {typ: exec}}", "installed types: checkmk, exec, "),
        ("checks: [{name: a, source: [jobs, more], metric: job}]", "a job is of one source, and 2 are named"),
        ("checks: [{name: a, source: jobs, metric: source_up}]", "have no metric 'source_up'"),
        ("checks: [{name: a, source: jobs, metric: job, tolerate: 10%}]", "'tolerate' means nothing for a job"),
        ("checks: [{name: a, source: jobs, metric: job, max_age: 1h}]", "'max_age' means nothing for a job"),
        ("checks: [{name: a, source: jobs, metric: job, query: {window: 1h}}]", "takes no query"),
        ("checks: [{name: a, source: jobs, metric: job, states: {sucess: warn}}]", "never yields 'sucess'"),
        ('checks: [{name: a, source: jobs, metric: job, states: {"exit *": ok, "*": ok}}]', "so this never alerts"),
        ("checks: [{name: a, source: jobs, metric: job, above: {warn: 2h, crit: 1h}}]", "is not beyond warn"),
        ("checks: [{name: a, source: jobs, metric: job, above: 90%}]", "has the unit '%'"),
    ],
)
def test_what_makes_no_sense_for_a_job_is_told(desk: Desk, text: str, problem: str) -> None:
    sources = "sources: {jobs: {type: exec}, more: {type: exec}}\n"
    desk.write(("" if text.startswith("sources") else sources) + text)
    ran = desk("validate")

    assert ran.code == 3
    assert problem in ran.out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["exec", "--check", ""], ["words", "backup\tjobs"]),
        (["exec", "--check="], ["words", "--check=backup\tjobs"]),
        (["exec", "--check", "backup", ""], ["command 4"]),
        (["exec", "--check", "backup", "--", ""], ["command 5"]),
        (["exec", "--check", "backup", "--", "tar", "--"], ["command 5"]),
        (["--sandbox", "exec", "--check=backup", "--timeout", "5m", "tar", "x"], ["command 6"]),
        (["exec", "--check", "backup", "tar", "--check", ""], ["command 4"]),
    ],
)
def test_a_prompt_is_told_where_the_command_of_a_job_begins(rules: Desk, words: list[str], answer: list[str]) -> None:
    other = "\n      shop: {type: whatap, pcode: 1, token: abcdefgh}\n    reporters:"
    text = RULES.replace("\n    reporters:", other) + "      - {name: cpu, source: shop, metric: cpu}\n"
    rules.write(text, nhn="http://x.example")
    rules.environ |= {"CHECKMILL_CHECKS_DIR": str(rules.checks_dir), "CHECKMILL_STATE_DIR": str(rules.state_dir)}
    streams = Captured()

    run_command(["__complete", "zsh", *words], streams, Edges(environ=rules.environ))

    assert "".join(streams.written).splitlines() == answer
