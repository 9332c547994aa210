"""`checkmill exec` runs a job and tells how it ended: with its exit code, and as the state of its check."""

from __future__ import annotations

import pytest

from support.commands import Desk
from support.jobs import EAST, RULES, job, timeless
from support.whatap_vendor import APPKEY, Batchmon


@pytest.fixture
def rules(desk: Desk, batchmon: Batchmon) -> Desk:
    desk.write(RULES, nhn=batchmon.url)
    return desk


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        (["true"], 0, "OK - succeeded after 0.01s"),
        (["sh", "-c", "echo one; echo two >&2; exit 3"], 3, "CRITICAL - exit 3 after 0.01s: two"),
        (["sh", "-c", "echo gone; kill -9 $$"], 137, "CRITICAL - killed by SIGKILL after 0.01s: gone"),
        (["/no/such"], 127, "CRITICAL - not started: '/no/such': No such file or directory"),
        (["/etc"], 126, "CRITICAL - not started: '/etc': Permission denied"),
    ],
    ids=["succeeded", "exit", "killed", "not found", "not executable"],
)
def test_the_end_of_a_job_is_its_check_s_state(
    rules: Desk, batchmon: Batchmon, command: list[str], code: int, line: str
) -> None:
    ran = rules(["exec", "--check", "backup", "--", *command])
    shown = rules("check backup")

    assert (ran.code, ran.out) == (code, "")
    assert timeless(shown.line) == line
    assert batchmon.states() == [(EAST, line.partition(" ")[0])]
    assert timeless(batchmon.taken[0][1]["output"]) == line.partition(" - ")[2]


def test_a_job_that_takes_too_long_is_told_and_exits_124(rules: Desk, batchmon: Batchmon) -> None:
    ran = rules("exec --check backup --timeout 0.2s --kill-after 5s sleep 600")

    assert ran.code == 124
    assert rules("check backup").line.startswith("CRITICAL - timed out after 0.2")
    assert batchmon.states() == [(EAST, "CRITICAL")]


def test_the_check_says_how_long_its_job_may_take_and_the_command_line_says_it_better(desk: Desk) -> None:
    desk.write("""
        sources: {jobs: {type: exec}}
        defaults: {timeout: 1ms}
        checks:
          - {name: short, source: jobs, metric: job, timeout: 100ms}
          - {name: free, source: jobs, metric: job}
    """)
    assert desk("exec --check short sleep 600").code == 124
    assert desk("exec --check short --timeout 1m sleep 0.3").code == 0
    # What the file says of fetches is not for jobs.
    assert desk("exec --check free sleep 0.3").code == 0


@pytest.mark.parametrize(
    ("levels", "command", "line"),
    [
        ('states: {"exit 1": warn, "exit *": crit}', "exit 1", "WARNING - exit 1 after 0.01s"),
        ('states: {"exit 1": warn, "exit *": crit}', "exit 2", "CRITICAL - exit 2 after 0.01s"),
        ('states: {"exit 1": warn, "exit *": crit}', "exit 0", "OK - succeeded after 0.01s"),
        ('states: {"exit 1": warn}', "exit 2", "CRITICAL - exit 2 after 0.01s"),
        ('states: {"exit 24": ok}', "exit 24", "OK - exit 24 after 0.01s"),
        ('states: {"killed by SIG[TK]*": warn}', "kill -TERM $$", "WARNING - killed by SIGTERM after 0.01s"),
        ('states: {"*": unknown, succeeded: ok}', "exit 9", "UNKNOWN - exit 9 after 0.01s"),
        ("above: {warn: 1us, crit: 10m}", "exit 0", None),
        ("above: {warn: 5m, crit: 10m}", "exit 0", "OK - succeeded after 0.01s"),
        ("above: {warn: 5m, crit: 10m}", "exit 1", "CRITICAL - exit 1 after 0.01s"),
        ("below: {warn: 1h}", "echo all 3 files", "WARNING - succeeded after 0.01s, below 1h: all 3 files"),
        ('below: 1h, states: {"exit 1": warn}', "exit 1", "CRITICAL - exit 1 after 0.01s, below 1h"),
        ('range: {warn: "60:600"}', "exit 0", "WARNING - succeeded after 0.01s, outside 1m to 10m"),
        ('text: "{{ value }}! {{ samples[0].reason }} ({{ labels.env }})"', "echo so", "OK - succeeded! so (prod)"),
        ('text: "now: {{ text }}"', "echo so; exit 4", "CRITICAL - now: exit 4 after 0.01s: so"),
    ],
)
def test_a_rule_says_what_ends_and_times_mean(desk: Desk, levels: str, command: str, line: str | None) -> None:
    rule = f"{{name: backup, source: jobs, metric: job, {levels}}}"
    desk.write(f"sources: {{jobs: {{type: exec, labels: {{env: prod}}}}}}\nchecks: [{rule}]")
    if line is None:
        assert "'1us' has the unit" in desk("validate").out
        return
    desk(job(command))

    assert timeless(desk("check backup").line) == line


def test_the_values_are_the_time_with_its_limits_and_the_exit_code(desk: Desk) -> None:
    desk.write("""
        sources: {jobs: {type: exec}}
        checks: [{name: backup, source: jobs, metric: job, above: {warn: 5m, crit: 10m}}]
    """)
    desk(job("exit 3"))
    taken, code = desk("check backup").out.partition(" | ")[2].split()

    assert taken.startswith("duration=0.")
    assert taken.endswith("s;300;600;0")
    assert code == "exit_code=3;;;0;255"


def test_the_details_are_the_last_lines(rules: Desk) -> None:
    rules(job("for n in 1 2 3 4 5 6 7 8 9; do echo line $n; echo; echo odd $n >&2; done; exit 1"))

    out = rules("check backup").out.splitlines()

    assert out[0].partition(" | ")[0].endswith(": odd 9")
    assert sorted(out[1:]) == sorted([f"line {n}" for n in range(1, 10)] + [f"odd {n}" for n in range(1, 10)])


def test_what_a_job_writes_is_cleaned_and_its_secrets_are_not_kept(rules: Desk) -> None:
    rules(job(f"printf 'first\\n\\033[31mpushed with {APPKEY}\\033[0m \\342\\200\\256now\\r\\n'; exit 1"))

    shown = rules("check backup")

    assert "pushed with *** " in shown.line
    assert not {"\x1b", "\r", "\u202e"} & set(shown.out)
    assert all(APPKEY.encode() not in content for content in rules.files().values())


def test_a_long_line_is_cut_where_it_is_told_and_not_amid_a_secret(rules: Desk) -> None:
    rules(job(f"printf '%0194d{APPKEY} and more\\n' 0; exit 1"))

    assert rules("check backup").line.endswith("0***...")
