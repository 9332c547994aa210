"""`run --every` as a real process: it ends within a second at any moment, and nothing is lost or told twice by that."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checkmill.edges import Edges
from checkmill.store.locking import locked
from support.commands import Desk, read_line
from support.loopback import Got, Reply
from support.stress import scale
from support.waiting import wait_for
from support.whatap_vendor import CPU, Batchmon, Vendor, as_json

ONE = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
TWO = "12962600-5c39-11ea-bd8f-0bbd7856015c"
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0}
    checks:
      - {name: one, source: shop, metric: cpu, above: 90, report: [{to: nhn, scenario: <one>}]}
      - {name: two, source: shop, metric: cpu, above: 80, report: [{to: nhn, scenario: <two>}]}
"""
#: From the signal to the end of the process.
AT_MOST_S = 1.0
ENDLESS = """
import threading
from checkmill.api.v1 import Dataset, Metric, Sample, Source, SourceSettings, hookimpl

def flow(settings, query):
    for _ in range(120):
        threading.Thread(target=threading.Event().wait).start()
    return 7
    yield

def samples(payload, query):
    yield Sample(payload)

@hookimpl
def checkmill_sources():
    return [Source(type="endless", settings=SourceSettings, metrics=[Metric("well", Dataset("data", flow), samples)])]
"""


SLOWLY = RULES.replace("retries: 0}\n    checks", "retries: 0, drain: 1/s}\n    checks")


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    write(desk, vendor, batchmon, RULES)


def write(desk: Desk, vendor: Vendor, batchmon: Batchmon, rules: str) -> None:
    desk.write(rules, url=vendor.url, nhn=batchmon.url, one=ONE, two=TWO)


@contextmanager
def serving(desk: Desk, words: str = "run --every 5s --log-level info") -> Iterator[subprocess.Popen[bytes]]:
    """A process that has begun to serve."""
    with desk.start(words) as process:
        try:
            assert "a cycle every" in read_line(process.stderr)
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> tuple[int, float, str]:
    """Tell a process to end; gives its exit code, how long that took, and the rest of its log."""
    began = time.monotonic()
    process.send_signal(number)
    code = process.wait(10)
    took_s = time.monotonic() - began
    assert process.stderr is not None
    return code, took_s, process.stderr.read().decode()


def stages(desk: Desk) -> list[str]:
    return [one["stage"] for one in desk("outbox list --all --format json").json]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_it_ends_at_once_while_it_sleeps(desk: Desk, number: signal.Signals) -> None:
    with serving(desk) as process:
        while "; took " not in read_line(process.stderr):
            pass
        code, took_s, log = end(process, number)
        out = process.stdout.read() if process.stdout else b""

    assert (code, out) == (0, b"")
    assert took_s < AT_MOST_S
    # On a machine that is slow enough it ends before it has said so.
    assert log in {"INFO checkmill.every: told to end\n", ""}


def test_it_ends_while_a_vendor_hangs_and_reports_nothing_of_that_cycle(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    vendor.hanging.add(CPU)

    with serving(desk) as process:
        assert vendor.asked.wait(10)
        code, took_s, _ = end(process)

    assert code == 0
    assert took_s < AT_MOST_S
    assert (stages(desk), batchmon.requests) == ([], [])


def test_what_is_on_the_wire_is_settled_and_nothing_else_is_begun(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    write(desk, vendor, batchmon, SLOWLY)
    asked, may_answer = threading.Event(), threading.Event()

    def answer(_: Got) -> Reply:
        asked.set()
        may_answer.wait(10)
        header = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
        return as_json({"header": header, "body": {"pk": {"requestId": "r"}, "scenarioId": ONE}})

    batchmon.reply = answer

    with serving(desk) as process:
        assert asked.wait(10)
        threading.Timer(0.2, may_answer.set).start()
        code, took_s, _ = end(process)

    assert code == 0
    assert took_s < AT_MOST_S
    assert stages(desk) == ["accepted", "pending"]
    assert len(batchmon.requests) == 1


def test_what_is_not_answered_in_time_is_listed_as_unknown_and_not_sent_again(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    write(desk, vendor, batchmon, SLOWLY)
    asked, over = threading.Event(), threading.Event()

    def answer(_: Got) -> Reply:
        asked.set()
        over.wait(10)
        return Reply(500)

    batchmon.reply = answer

    with serving(desk) as process:
        assert asked.wait(10)
        code, took_s, _ = end(process)
    batchmon.reply = None
    over.set()
    desk.clock.now = time.time() + 1
    desk("outbox flush")

    assert code == 0
    assert took_s < AT_MOST_S
    assert stages(desk) == ["unknown", "accepted"]
    assert [scenario for scenario, _ in batchmon.taken] == [TWO]


def test_it_ends_while_it_waits_for_another_run(desk: Desk, vendor: Vendor) -> None:
    desk.state_dir.mkdir()
    desk.state_dir.chmod(0o2770)

    with locked(desk.state_dir, "run", Edges(), 0), serving(desk) as process:
        wait_for(lambda: is_open(process, "run.lock"))
        code, took_s, _ = end(process)

    assert code == 0
    assert took_s < AT_MOST_S
    assert vendor.requests == []


def test_it_ends_while_another_process_keeps_the_database(desk: Desk, vendor: Vendor) -> None:
    asked, may_answer = threading.Event(), threading.Event()
    usual = vendor.answers[CPU]
    assert isinstance(usual, Reply)

    def answer(_: Got) -> Reply:
        asked.set()
        may_answer.wait(10)
        return usual

    vendor.answers[CPU] = answer

    with serving(desk) as process:
        assert asked.wait(10)
        other = sqlite3.connect(desk.state_dir / "state.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        may_answer.set()
        wait_for(lambda: len(vendor.requests) == 1 and is_asleep(process))
        code, took_s, _ = end(process)
        other.close()

    assert code == 0
    assert took_s < AT_MOST_S
    assert stages(desk) == []


def test_hung_up_it_looks_at_once_and_serves_on(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    with serving(desk, "run --every 10s --log-level info") as process:
        while "; took " not in read_line(process.stderr):
            pass
        vendor.show(CPU, {"web-1": 95})
        write(desk, vendor, batchmon, RULES.replace("above: 80", "above: 70"))
        process.send_signal(signal.SIGHUP)
        lines = [read_line(process.stderr)]
        while "; took " not in lines[-1]:
            lines.append(read_line(process.stderr))
        code, _, _ = end(process)

    assert lines[0] == "INFO checkmill.every: told to look at once\n"
    assert "2 of 2 checks measured: 2 CRITICAL" in lines[-1]
    assert code == 0


def test_started_at_a_terminal_it_ends_when_that_goes(desk: Desk) -> None:
    ours, theirs = os.openpty()
    with desk.start("run --every 5s --log-level info", stderr=theirs) as process:
        try:
            os.close(theirs)
            said = b""
            while b"a cycle every" not in said:
                said += os.read(ours, 1000)
            process.send_signal(signal.SIGHUP)
            code = process.wait(10)
        finally:
            process.kill()
            os.close(ours)

    assert code == 0


def test_what_nohup_wants_ignored_stays_ignored(desk: Desk) -> None:
    with desk.start("run --every 5s --log-level info", shell="trap '' HUP; exec \"$@\"") as process:
        try:
            assert "a cycle every" in read_line(process.stderr)
            process.send_signal(signal.SIGHUP)
            code, _, log = end(process)
        finally:
            process.kill()

    assert (code, "told to look at once" in log) == (0, False)


def test_threads_that_plugins_leave_behind_end_the_process_before_they_are_too_many(desk: Desk) -> None:
    install(desk, "endless", ENDLESS)
    desk.write(
        """
        sources:
          endless: {type: endless, base_url: "http://127.0.0.1:1"}
        checks:
          - {name: well, source: endless, metric: well, above: 10}
        """
    )

    with desk.start("run --every 1s") as process:
        _, err = process.communicate(timeout=20)

    assert process.returncode == 3
    assert "threads that plugins do not let end are too many; this process ends, to be started again" in err.decode()


def test_told_to_end_at_any_moment_it_ends_with_0_in_time(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    chance = random.Random(5)
    took_s = []

    for _ in range(scale(4, 100)):
        with serving(desk, "run --every 1s --log-level info") as process:
            # The moment is what is tried here.
            time.sleep(chance.uniform(0, 1.5))
            code, took, _ = end(process)
        assert code == 0
        took_s.append(took)

    assert max(took_s) < AT_MOST_S
    assert len(batchmon.taken) == stages(desk).count("accepted")


def install(desk: Desk, name: str, code: str) -> None:
    """Lay a plugin on the path of processes, as an installed distribution."""
    about = desk.home / "plugins" / f"{name}_plugin-1.0.dist-info"
    about.mkdir(parents=True)
    (about.parent / f"{name}_plugin.py").write_text(code)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[checkmill]\n{name} = {name}_plugin\n")
    desk.environ["PYTHONPATH"] = str(about.parent)


def is_open(process: subprocess.Popen[bytes], name: str) -> bool:
    """Whether a process has a file of that name open."""
    return any(one.resolve().name == name for one in Path(f"/proc/{process.pid}/fd").iterdir())


def is_asleep(process: subprocess.Popen[bytes]) -> bool:
    """Whether SQLite waits in the main thread of a process: it sleeps between two looks at the lock."""
    return "nanosleep" in Path(f"/proc/{process.pid}/wchan").read_text()
