"""Feeds that end early, and feeds whose own parts fail: every job that was given is answered for all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Done, Job, carry_out, carry_out_fed
from support.loopback import raw_server

Given = tuple[Sequence[Job], float | None]

PROGRAM = """
import sys, time
from checkmill.edges import Edges
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import LAST_RESORT, Job, carry_out_fed
from support import blocking

LAST_RESORT.enable()
kind = sys.argv[1]
batches = [[Job("quick/x", "quick", SourceSettings(), lambda: 1, 0.3)]]
if kind == "catastrophe":
    batches.append([Job("bad/x", "bad", SourceSettings(), lambda: blocking.catastrophe(None, None), 0.3)])

def turn(ended):
    if ended and kind == "slow turn":
        time.sleep(1.3)
    return (batches.pop(0) if batches else ()), (0.0 if batches else None)

carry_out_fed(turn, Edges())
print("over")
"""


class StopError(Exception):
    """What a turn raises that wants no more."""


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a plugin that blocks waits for; it is let go when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def job(name: str, start: Any, group: str = "shop", timeout_s: float = 30.0) -> Job:
    return Job(name, group, SourceSettings(workers=1), start, timeout_s)


def fates(told: Sequence[tuple[Job, Done]]) -> dict[str, str]:
    """What was told of each job: done, or whether it may have arrived."""
    assert len({one.name for one, _ in told}) == len(told)
    return {
        one.name: "done" if done.error is None else "may have arrived" if done.error.arrived else "not begun"
        for one, done in told
    }


@pytest.mark.parametrize("ends_in_time", [True, False])
def test_a_turn_that_raises_is_told_once_more_of_all_that_it_has_not_heard_of(
    ends_in_time: bool, stuck: threading.Event
) -> None:
    calls: list[Sequence[tuple[Job, Done]]] = []
    has_begun = threading.Event()

    def under_way() -> None:
        has_begun.set()
        stuck.wait(5)

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        calls.append(list(ended))
        if len(calls) == 1:
            return [job("first", lambda: 1), job("under way", under_way), job("waiting", lambda: 1)], None
        if len(calls) == 2:
            assert has_begun.wait(5)
            if ends_in_time:
                stuck.set()
            raise StopError
        return [job("too late", lambda: 1)], None

    started = time.monotonic()
    with pytest.raises(StopError):
        carry_out_fed(turn, Edges())
    assert time.monotonic() - started < 1.5
    assert len(calls) == 3
    told = fates(calls[2])
    assert told["first"] == "done"
    if ends_in_time:
        # One worker: it may have come to the next one before it was told not to.
        assert told["under way"] == "done"
        assert set(told) == {"first", "under way", "waiting"}
    else:
        assert told == {"first": "done", "under way": "may have arrived", "waiting": "not begun"}


def test_what_was_given_back_is_not_begun_afterwards(stuck: threading.Event) -> None:
    begun: list[str] = []
    told: list[tuple[Job, Done]] = []

    def first() -> None:
        begun.append("first")
        stuck.wait(5)

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        told.extend(ended)
        if told:
            return (), None
        if begun:
            raise StopError
        return [job("first", first), *(job(f"{n}", lambda n=n: begun.append(f"{n}")) for n in range(5))], 0.05

    with pytest.raises(StopError):
        carry_out_fed(turn, Edges())
    stuck.set()
    until = time.monotonic() + 5
    while any(one.name == "checkmill-shop" for one in threading.enumerate()) and time.monotonic() < until:
        pass
    assert begun == ["first"]
    assert fates(told) == {"first": "may have arrived", **{f"{n}": "not begun" for n in range(5)}}


def test_a_signal_whose_handler_raises_ends_the_feed_in_good_order() -> None:
    told: list[tuple[Job, Done]] = []

    def interrupted(number: int, frame: object) -> None:
        raise StopError

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        told.extend(ended)
        if told:
            return (), None
        return [
            job("signalling", lambda: os.kill(os.getpid(), signal.SIGUSR1)),
            job("long", lambda: over.wait(5)),
        ], 60.0

    over = threading.Event()
    before = signal.signal(signal.SIGUSR1, interrupted)
    try:
        with pytest.raises(StopError):
            carry_out_fed(turn, Edges())
    finally:
        signal.signal(signal.SIGUSR1, before)
        over.set()
    assert fates(told)["signalling"] == "done"
    assert set(fates(told)) == {"signalling", "long"}


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_crew_that_fails_itself_leaves_no_job_without_an_end(jobs: int) -> None:
    main = threading.current_thread()

    def now() -> float:
        if threading.current_thread() is not main:
            raise OSError("no clock")
        return 0.0

    edges = Edges(now=now)
    batch = [job(f"{n}", lambda: 1) for n in range(jobs)]
    told: list[tuple[Job, Done]] = []
    batches = [batch, [job("later", lambda: 1)]]

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        told.extend(ended)
        return (batches.pop(0) if batches else ()), None

    carry_out_fed(turn, edges)
    words = {str(done.error) for _, done in told} | {str(done.error) for done in carry_out(batch, edges)}
    assert words == {"Checkmill itself failed; the log has the traceback"}
    assert sorted(one.name for one, _ in told) == sorted([*(f"{n}" for n in range(jobs)), "later"])


def test_a_system_that_gives_no_thread_is_told_of_and_ends_the_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    told: list[tuple[Job, Done]] = []
    batches = [[job("a", lambda: 1), job("b", lambda: 1)], [job("c", lambda: 1, "other")]]

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        told.extend(ended)
        return (batches.pop(0) if batches else ()), None

    monkeypatch.setattr(threading.Thread, "start", refuse)
    carry_out_fed(turn, Edges())
    assert {str(done.error) for _, done in told} == {"the system gave no thread to ask this source"}
    assert fates(told) == dict.fromkeys("abc", "not begun")


def test_all_that_was_under_way_beside_a_plugin_that_blocks_ends_by_its_own_deadline(stuck: threading.Event) -> None:
    with raw_server(lambda talk: talk.hang()) as server:
        settings = SourceSettings(base_url=server.url, workers=4)
        jobs = [Job(f"{n}", "shop", settings, lambda: settings.get("/"), 0.3) for n in range(3)]
        jobs.append(Job("blocking", "shop", settings, lambda: stuck.wait(10), 0.2))
        told: list[tuple[Job, Done]] = []
        batches: list[Sequence[Job]] = [jobs]

        def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
            told.extend(ended)
            return (batches.pop(0) if batches else ()), None

        started = time.monotonic()
        carry_out_fed(turn, Edges())
        assert time.monotonic() - started < 1.5
    assert all(isinstance(done.error, DeadlineError) for _, done in told)
    assert fates(told) == dict.fromkeys(["0", "1", "2", "blocking"], "may have arrived")


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("catastrophe", 3, ""),
        # Longer than the deadline of the job before it, and than the patience after that.
        ("slow turn", 0, "over\n"),
    ],
)
def test_the_last_resort_ends_a_process_for_a_plugin_and_not_for_a_slow_turn(kind: str, code: int, said: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PROGRAM, kind]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stdout) == (code, said)
