"""Runs of cron that overlap: one feeder at a time, told who keeps it, and nothing is sent twice by that."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from checkmill.edges import Edges
from checkmill.store import StoreError
from checkmill.store.locking import locked
from support.commands import Desk
from support.cycling import clocks_of
from support.loopback import Got, Reply
from support.waiting import wait_for
from support.whatap_vendor import CPU, Batchmon, Vendor

ONE = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0}
    checks:
      - {name: cpu, source: shop, metric: cpu, above: 90, report: [{to: nhn, scenario: <one>}]}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    desk.write(RULES, url=vendor.url, nhn=batchmon.url, one=ONE)


@dataclass
class Held:
    """A receiver that keeps its first caller waiting until it is let go."""

    batchmon: Batchmon
    asked: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.batchmon.reply = self.answer

    def answer(self, got: Got) -> Reply:
        self.asked.set()
        self.let_go.wait(15)
        self.batchmon.reply = None
        return self.batchmon.answer(got)


@contextmanager
def holding(desk: Desk, batchmon: Batchmon) -> Iterator[tuple[subprocess.Popen[bytes], Held]]:
    """A run that is sending, and the receiver that keeps it at that."""
    held = Held(batchmon)
    with desk.start("run") as first:
        try:
            assert held.asked.wait(10)
            yield first, held
        finally:
            held.let_go.set()
            first.kill()


def stages(desk: Desk) -> list[tuple[str, int]]:
    found = desk("outbox list --all --format json").json
    return [(one["stage"], one["attempts"]) for one in found]


def test_a_run_waits_for_the_one_before_it_and_each_result_is_sent_once(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    with holding(desk, batchmon) as (first, held), desk.start("run") as second:
        wait_for(lambda: waits_for_lock(second))
        measured = len(vendor.requests)
        vendor.show(CPU, {"web-1": 95})
        held.let_go.set()
        ends = [one.communicate(timeout=20) and one.returncode for one in (first, second)]

    assert ends == [0, 0]
    # It measures when it is its turn, not before: what it tells is newer than what the first one told.
    assert (measured, len(vendor.requests)) == (1, 2)
    assert batchmon.states() == [(ONE, "OK"), (ONE, "CRITICAL")]
    assert stages(desk) == [("accepted", 1), ("accepted", 1)]


def test_a_run_that_waited_in_vain_says_who_kept_it_and_touches_nothing(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    with holding(desk, batchmon) as (first, held):
        clocks_of(desk).now = time.time()
        ran = desk("run")
        sent = len(batchmon.requests)
        held.let_go.set()
        _, err = first.communicate(timeout=20)

    assert (ran.code, ran.out) == (3, "")
    found = re.fullmatch(
        r"checkmill: another run \(process (\d+), since \S+, \d+ s ago\) holds (\S+), and 30 s of waiting did not"
        r" help; let the runs of cron lie further apart, or end that one\n",
        ran.err,
    )
    assert found is not None
    assert (int(found[1]), found[2]) == (first.pid, str(desk.state_dir / "run.lock"))
    assert (first.returncode, err, sent, len(vendor.requests)) == (0, b"", 1, 1)


def test_a_run_that_is_killed_lets_go_and_what_it_was_sending_is_not_sent_again(desk: Desk, batchmon: Batchmon) -> None:
    with holding(desk, batchmon) as (first, _), desk.start("run") as second:
        wait_for(lambda: waits_for_lock(second))
        batchmon.reply = None
        first.kill()
        out, err = second.communicate(timeout=20)

    assert second.returncode == 0
    assert "deliveries: 1 accepted, 1 unknown\n" in err.decode()
    assert out.startswith(b"State")
    assert stages(desk) == [("unknown", 1), ("accepted", 1)]


def test_a_run_of_cron_goes_between_the_cycles_of_a_service(desk: Desk, batchmon: Batchmon) -> None:
    with desk.start("run --every 2s --log-level info") as service:
        try:
            wait_for(lambda: batchmon.taken)
            ran = desk.process("run")
        finally:
            service.terminate()
        service.communicate(timeout=10)

    assert (ran.code, ran.err) == (0, "")
    # What it was told to end before sending waits for the next one.
    assert set(stages(desk)) <= {("accepted", 1), ("pending", 0)}
    assert stages(desk).count(("accepted", 1)) == len(batchmon.taken) >= 2


# What the file of the lock says


@pytest.mark.parametrize(
    "line",
    ["", "999999999 1700000000.000\n", "nobody knows\n", "-1 5\n", "0 5\n", "12 34 56\n", "\xff\xfe", "1" * 5000],
    ids=lambda line: repr(line)[:20],
)
def test_a_line_that_nobody_who_is_there_wrote_names_nobody(tmp_path: Path, line: str) -> None:
    path = tmp_path / "run.lock"

    with locked(tmp_path, "run", Edges(), 0):
        path.write_text(line, encoding="latin-1")
        with pytest.raises(StoreError) as refused, locked(tmp_path, "run", Edges(), 0):
            pass

    assert str(refused.value).startswith(f"another run holds {path}, and 0 s of waiting did not help; ")


def test_a_lock_that_is_free_says_nothing_and_one_that_was_left_behind_is_free(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    path.write_text("1 1700000000.000\n")

    with locked(tmp_path, "run", Edges(now=lambda: 2e9), 0):
        held = path.read_text()

    assert held.endswith(" 2000000000.000\n")
    assert path.read_text() == ""


def test_a_process_that_a_plugin_forked_does_not_keep_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path, "run", Edges(), 0):
        descriptor = next(one for one in Path("/proc/self/fd").iterdir() if one.resolve() == tmp_path / "run.lock")
        child = subprocess.Popen(["sleep", "30"], pass_fds=[int(descriptor.name)])
    try:
        with locked(tmp_path, "run", Edges(), 0):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("kind", ["directory", "link"])
def test_what_is_no_lock_file_is_said(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run.lock"
    path.mkdir() if kind == "directory" else path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StoreError, match=r"run\.lock"), locked(tmp_path, "run", Edges(), 0):
        pass


def waits_for_lock(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process has the lock's file open."""
    with suppress(FileNotFoundError):
        return any(one.resolve().name == "run.lock" for one in Path(f"/proc/{process.pid}/fd").iterdir())
    return False
