"""`checkmill outbox flush`: what it sends, what it says of the rest, and how it shares and ends."""

from __future__ import annotations

import itertools
import os
import pty
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from checkmill.edges import Edges
from checkmill.entry import run_command
from checkmill.model.delivery import Delivery, Stage
from checkmill.store import StoreError
from checkmill.store.locking import locked
from support.commands import Captured, Desk, read_line
from support.deliveries import delivery, put, stages
from support.loopback import Got, Reply
from support.whatap_vendor import Batchmon, as_json

DEADLINE_S = 20
RULES = """
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, tries: 1, drain: <drain>}
      ops: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, tries: 1}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, batchmon: Batchmon) -> None:
    desk.write(RULES, nhn=batchmon.url, drain="1000/s")


def waiting(desk: Desk, *scenarios: str, reporter: str = "nhn") -> list[Delivery]:
    """Deliveries that cannot go together, since their bodies differ."""
    return [
        delivery(desk, one, reporter=reporter, body=f'{{"state": "OK", "number": {number}}}')
        for number, one in enumerate(scenarios)
    ]


class Held:
    """A receiver that keeps all waiting for its answers until it is let go."""

    def __init__(self, batchmon: Batchmon) -> None:
        self.asked, self.free = threading.Semaphore(0), threading.Event()
        self._batchmon = batchmon
        batchmon.reply = self.answer

    def answer(self, got: Got) -> Reply:
        self.asked.release()
        self.free.wait(DEADLINE_S)
        return replace(self._batchmon, reply=None, taken=[]).answer(got)

    def wait_for(self, number: int) -> None:
        for _ in range(number):
            assert self.asked.acquire(timeout=DEADLINE_S)


def test_all_that_is_due_is_sent_and_counted(desk: Desk, batchmon: Batchmon) -> None:
    batchmon.unknown = {"two"}
    put(desk, *waiting(desk, "one", "two", "three"), delivery(desk, "old", Stage.UNKNOWN))

    ran = desk("outbox flush")

    assert (ran.code, ran.out) == (0, "2 accepted, 1 refused\n")
    assert "reporter nhn" in ran.err
    assert stages(desk) == {1: "accepted", 2: "refused", 3: "accepted", 4: "unknown"}
    again = desk("outbox flush")
    assert (again.code, again.out, again.err) == (0, "nothing was due\n", "")


def test_what_has_to_wait_is_said_with_the_reason(desk: Desk, batchmon: Batchmon) -> None:
    batchmon.reply = Reply(503, headers={"Retry-After": "90"})
    put(desk, *waiting(desk, *"abcdefgh"))

    ran = desk("outbox flush")

    assert ran.code == 0
    first, second, third = ran.out.splitlines()
    assert (first, second) == ("8 pending", "8 wait, the next try is in 1m")
    assert third.startswith("reporter nhn: the receiver does not answer and is asked again in 1m; nothing was accepted")
    asked = len(batchmon.requests)
    assert desk("outbox flush").out.splitlines()[:2] == ["nothing was due", "8 wait, the next try is in 1m"]
    assert len(batchmon.requests) == asked


def test_only_the_reporters_that_are_meant_are_fed(desk: Desk, batchmon: Batchmon) -> None:
    put(desk, *waiting(desk, "a", "b"), *waiting(desk, "c", reporter="ops"))

    assert desk("outbox flush --reporter o*").out == "1 accepted\n"
    assert stages(desk) == {1: "pending", 2: "pending", 3: "accepted"}
    slip = desk("outbox flush --reporter frob")
    assert (slip.code, slip.out) == (3, "")
    assert "there is no reporter 'frob'" in slip.err
    assert desk("outbox flush --reporter nhn --reporter ops").out == "2 accepted\n"


def test_deliveries_of_a_reporter_that_is_gone_are_told_with_a_remedy(desk: Desk, batchmon: Batchmon) -> None:
    put(desk, *waiting(desk, "a"), *waiting(desk, "b", "c", reporter="old"))

    ran = desk("outbox flush")

    assert (ran.code, ran.out) == (3, "1 accepted\n")
    assert ran.err == (
        f"checkmill: 2 deliveries wait for the reporter old: no rule file of {desk.checks_dir} has such a reporter;"
        " write it, or 'checkmill outbox drop --stage pending --reporter old'\n"
    )
    assert desk("outbox drop --stage pending --reporter old --yes").out == "2 deliveries dropped\n"
    assert desk("outbox flush").code == 0


def test_deliveries_of_a_reporter_with_a_mistake_are_told_with_its_place(desk: Desk, batchmon: Batchmon) -> None:
    put(desk, *waiting(desk, "a"))
    path = desk.write(RULES.replace("tries: 1, drain", "trys: 1, drain"), nhn=batchmon.url, drain="1000/s")

    ran = desk("outbox flush")

    assert (ran.code, ran.out) == (3, "nothing was due\n")
    assert f"checkmill: 1 delivery waits for the reporter nhn: {path}:3:" in ran.err
    assert "reporters.nhn.trys" in ran.err


def test_what_grew_too_old_is_not_sent_and_is_told(desk: Desk, batchmon: Batchmon) -> None:
    put(desk, *waiting(desk, "a"))
    desk.clock.now += 3700

    ran = desk("outbox flush")

    assert (ran.code, ran.out, batchmon.requests) == (0, "1 expired\n", [])
    said = "1 delivery had grown too old to be true and was not sent; see 'checkmill outbox list --stage expired'"
    assert ran.err == f"checkmill: {said}\n"


# Sharing the lock


def test_a_run_that_does_not_end_is_not_waited_for_for_ever(desk: Desk) -> None:
    put(desk, *waiting(desk, "a"))
    ticks = itertools.count(0.0, 1.0)
    desk.monotonic = lambda: next(ticks)

    with locked(desk.state_dir, "run", Edges(), 0.0):
        ran = desk("outbox flush")

    assert (ran.code, ran.out) == (3, "nothing was due\n1 waits, the next try is with the next run\n")
    assert "checkmill: another run" in ran.err
    assert f"holds {desk.state_dir}/run.lock" in ran.err
    assert stages(desk) == {1: "pending"}


def test_who_waits_at_a_terminal_is_told_for_what(desk: Desk, batchmon: Batchmon) -> None:
    put(desk, *waiting(desk, "a"))
    streams = Captured(err_is_terminal=True)
    now, lock = [0.0], locked(desk.state_dir, "run", Edges(), 0.0)
    lock.__enter__()

    def sleep(_: float) -> None:
        now[0] += 0.5
        if now[0] == 5.0:
            lock.__exit__(None, None, None)

    edges = Edges(desk.clock, lambda: now[0] + time.monotonic(), sleep, environ=desk.environ)
    assert run_command(desk.argv("outbox flush"), streams, edges) == 0

    assert streams.remarks == ["checkmill: waiting for a run that is under way"]
    assert streams.written == ["1 accepted\n"]


def test_a_long_drain_lets_a_waiting_run_have_its_turn(desk: Desk, batchmon: Batchmon) -> None:
    """The clock runs forty times as fast: of a drain of half a minute, nobody has to wait for the whole."""
    put(desk, *(one for one in waiting(desk, *map(str, range(60)))))
    desk.write(RULES, nhn=batchmon.url, drain="2/s")
    turns: list[int] = []
    began = time.monotonic()

    def monotonic() -> float:
        return (time.monotonic() - began) * 40

    def sleep(_: float) -> None:
        with suppress(StoreError), locked(desk.state_dir, "run", Edges(), 0.0):
            turns.append(len(batchmon.taken))

    streams = Captured()
    edges = Edges(lambda: desk.clock.now + monotonic(), monotonic, sleep, environ=desk.environ)
    assert run_command(desk.argv("outbox flush"), streams, edges) == 0

    assert streams.written == ["60 accepted\n"]
    assert len(turns) >= 2
    assert 0 < turns[0] < turns[1] <= 60


# Ending it


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_when_what_is_under_way_is_settled(desk: Desk, batchmon: Batchmon, number: int) -> None:
    put(desk, *waiting(desk, *map(str, range(40))))
    held = Held(batchmon)
    process = desk.start("outbox flush")
    held.wait_for(8)

    process.send_signal(number)
    said = read_line(process.stderr)
    held.free.set()
    out, err = process.communicate(timeout=DEADLINE_S)

    assert said == "checkmill: stopping: what is under way is settled first; once more ends it at once\n"
    assert process.returncode == 3
    counts = list(stages(desk).values())
    assert set(counts) == {"accepted", "pending"}
    left = counts.count("pending")
    assert left >= 20
    assert len(out.decode().splitlines()) == 1
    assert f"{40 - left} accepted" in out.decode()
    assert err.decode().endswith(f"checkmill: stopped: {left} wait for the next run or 'checkmill outbox flush'\n")


def test_a_second_signal_ends_it_at_once(desk: Desk, batchmon: Batchmon) -> None:
    put(desk, *waiting(desk, *map(str, range(40))))
    held = Held(batchmon)
    process = desk.start("outbox flush")
    held.wait_for(8)
    process.send_signal(signal.SIGINT)
    read_line(process.stderr)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 3
    assert b"Checkmill was ended by SIGINT; what was being sent then is settled as unknown" in err
    held.free.set()
    assert "sending" in stages(desk).values()


# At a terminal


def test_a_terminal_shows_how_far_it_is_and_keeps_nothing_of_it(desk: Desk, batchmon: Batchmon) -> None:
    put(desk, *waiting(desk, *map(str, range(30))))
    held = Held(batchmon)
    desk.environ["TERM"] = "xterm"
    master, terminal = pty.openpty()
    process = desk.start("outbox flush", stdin=terminal, stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    shown = ""
    while "0 of 30" not in shown:
        shown += os.read(master, 65536).decode()
    held.free.set()
    with suppress(OSError):  # Linux says so when the last process has closed the terminal
        while piece := os.read(master, 65536):
            shown += piece.decode()
    os.close(master)
    out, _ = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, out) == (0, b"30 accepted\n")
    assert shown.startswith("\r\x1b[K[....................] 0 of 30  0%")
    assert shown.endswith("\r\x1b[K")
    assert "\n" not in shown


def test_a_pipe_is_shown_nothing_of_it(desk: Desk, batchmon: Batchmon) -> None:
    put(desk, *waiting(desk, "a"))
    desk.environ["TERM"] = "xterm"
    held = Held(batchmon)
    process = desk.start("outbox flush")
    held.wait_for(1)
    # Longer than the line would be waited for.
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.7)
    held.free.set()
    assert process.communicate(timeout=DEADLINE_S) == (b"1 accepted\n", b"")


def test_a_broken_answer_is_settled_and_no_failure(desk: Desk, batchmon: Batchmon) -> None:
    batchmon.reply = as_json({}, 500)
    put(desk, *waiting(desk, "a"))
    ran = desk("outbox flush")
    assert (ran.code, ran.out) == (0, "1 unknown\n")
