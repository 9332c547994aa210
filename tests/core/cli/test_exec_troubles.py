"""Whatever is wrong with what is told of it, the job is run, and its own exit code wins."""

from __future__ import annotations

import os
import time

import pytest

from checkmill.edges import Edges
from checkmill.store.locking import locked
from support.commands import Desk
from support.jobs import EAST, PATIENCE_S, RULES, job
from support.loopback import Reply
from support.whatap_vendor import APPKEY, Batchmon


@pytest.fixture
def rules(desk: Desk, batchmon: Batchmon) -> Desk:
    desk.write(RULES, nhn=batchmon.url)
    return desk


BROKEN: dict[str, tuple[str, str]] = {
    "no such check": (RULES.replace("backup", "bakup"), "there is no check 'backup': did you mean 'bakup'?"),
    "no YAML": ("checks: [", "there is no check 'backup' that can be read: "),
    "a broken rule": (RULES.replace("metric: job", "metric: jbo"), "the rule of check 'backup' cannot be read: "),
    "a source that is no job's": (
        "sources: {s: {type: whatap, pcode: 1, token: abcdefgh}}\nchecks: [{name: backup, source: s, metric: cpu}]",
        "check 'backup' measures 'cpu' of a source of type 'whatap', and is of no job",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(("own", "code"), [(0, 3), (5, 5)])
def test_a_job_is_run_whatever_is_wrong_with_the_rules(
    desk: Desk, batchmon: Batchmon, broken: str, own: int, code: int
) -> None:
    text, why = BROKEN[broken]
    desk.write(text, nhn=batchmon.url)

    ran = desk(job(f": > {desk.home}/done; exit {own}"))

    assert (ran.code, ran.out, (desk.home / "done").exists()) == (code, "", True)
    assert ran.err.startswith(f"checkmill: the end of the job is not reported: {why}")


def test_what_is_wrong_is_said_while_the_job_runs(rules: Desk, batchmon: Batchmon) -> None:
    """Whoever mends it by then is told the end."""
    rules.write(RULES.replace("metric: job", "metric: jbo"), nhn=batchmon.url)
    rules.environ["PATH"] = os.environ["PATH"]
    process = rules.start(job(f"until [ -e {rules.home}/go ]; do sleep 0.02; done; exit 1"))
    assert process.stderr is not None
    said = process.stderr.readline().decode()
    rules.write(RULES, nhn=batchmon.url)
    (rules.home / "go").touch()
    _, rest = process.communicate(timeout=PATIENCE_S)

    assert said.startswith("checkmill: the rule of check 'backup' cannot be read: ")
    assert said.endswith("the job runs all the same, and its end is reported if this is mended by then\n")
    assert (process.returncode, rest.decode()) == (1, "")
    assert batchmon.states() == [(EAST, "CRITICAL")]


@pytest.mark.parametrize(("own", "code"), [(0, 3), (5, 5)])
def test_a_job_is_run_without_a_state_directory(rules: Desk, batchmon: Batchmon, own: int, code: int) -> None:
    rules.state_dir.write_text("no directory")

    ran = rules(job(f": > {rules.home}/done; exit {own}"))

    assert (ran.code, (rules.home / "done").exists(), batchmon.taken) == (code, True, [])
    assert f"{rules.state_dir} is no directory" in ran.err or "cannot be made" in ran.err
    assert "nothing is reported: without a state directory there is no outbox" in ran.err


@pytest.mark.parametrize(
    ("reply", "said"), [(Reply(503), "1 pending"), (Reply(404), "1 pending"), (Reply(500), "1 unknown")]
)
def test_a_receiver_in_trouble_touches_no_exit_code(rules: Desk, batchmon: Batchmon, reply: Reply, said: str) -> None:
    batchmon.reply = reply
    ran = rules(job("exit 0"))

    assert ran.code == 0
    assert f"deliveries: {said}" in ran.err.splitlines()


def test_what_could_not_be_sent_goes_with_the_next_run(rules: Desk, batchmon: Batchmon) -> None:
    batchmon.reply = Reply(503)
    rules(job("exit 1"))
    batchmon.reply = None
    rules.clock.now += 600
    rules("run")

    assert batchmon.states() == [(EAST, "CRITICAL")]


def test_a_feeder_at_work_is_waited_for_a_while_and_then_it_is_said(rules: Desk, batchmon: Batchmon) -> None:
    slept = [0.0]
    rules.sleep = slept.append
    rules.monotonic = lambda: time.monotonic() + sum(slept)
    rules("run")
    with locked(rules.state_dir, "run", Edges(), 1.0):
        ran = rules(job("exit 1"))

    assert (ran.code, batchmon.taken) == (1, [])
    assert "checkmill: the delivery waits for the next run or exec: another run" in ran.err
    assert rules(job("exit 2")).code == 2
    assert batchmon.states() == [(EAST, "CRITICAL")]


def test_what_checkmill_itself_gets_wrong_is_said_and_ends_no_job(rules: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"oops {APPKEY}")

    monkeypatch.setattr("checkmill.cli.telling.Run.told", fail)

    assert rules(job("exit 4")).code == 4
    ran = rules(job("exit 0"))
    assert (ran.code, ran.err) == (
        3,
        "checkmill: the end of the job is not reported: Checkmill failed with RuntimeError: oops ***\n",
    )
