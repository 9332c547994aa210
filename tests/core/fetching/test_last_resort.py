"""The end of a process of Checkmill's own: nothing a plugin started is left, and nothing a plugin does keeps it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from checkmill.steps.fetching.descendants import children_of, descendants_of, end_descendants

PROGRAM = """
import os, subprocess, sys, time
from checkmill.edges import Edges
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import LAST_RESORT, Job, carry_out
from support import blocking

def catastrophe():
    blocking.catastrophe(None, None)
    yield

def starting():
    return blocking.starting_flow(SourceSettings(), None)

def quick():
    return 1

spared = subprocess.Popen(blocking.LONG_SLEEP.split(), **blocking.QUIETLY) if "spared" in sys.argv else None
if "enabled" in sys.argv:
    LAST_RESORT.enable()
jobs = [Job(f"{name}/x", name, SourceSettings(), globals()[name], 0.5) for name in sys.argv[1].split("+")]
dones = carry_out(jobs, Edges())
print(*(done.value or type(done.error).__name__ for done in dones), flush=True)
LAST_RESORT.end_children()
os._exit(0)
"""


@pytest.fixture
def mark() -> Iterator[str]:
    """What the sleeping programs of this test are called by; none is left behind by the test itself."""
    mark = secrets.token_hex(4).translate(str.maketrans("abcdef", "012345"))
    yield mark
    for process in sleepers(mark):
        os.kill(process, signal.SIGKILL)


def run(mark: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "CHECKMILL_TEST_MARK": mark}
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def sleepers(mark: str) -> list[int]:
    """The sleeping programs of one test that live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if (entry / "cmdline").read_bytes().endswith(f"sleep\x00600.{mark}\x00".encode()):
                    found.append(int(entry.name))
    return found


def test_programs_that_a_flow_started_are_ended_also_those_without_a_parent(mark: str) -> None:
    ran = run(mark, "starting+quick", "enabled")
    assert (ran.stdout, ran.returncode) == ("DeadlineError 1\n", 0)
    assert sleepers(mark) == []


def test_children_from_before_are_spared(mark: str) -> None:
    assert run(mark, "quick", "enabled", "spared").returncode == 0
    assert len(sleepers(mark)) == 1


def test_in_a_process_that_is_not_checkmills_own_nothing_is_ended(mark: str) -> None:
    assert run(mark, "starting").stdout == "DeadlineError\n"
    assert len(sleepers(mark)) == 2


def test_code_that_holds_the_interpreter_ends_the_process_with_a_3(mark: str) -> None:
    started = time.monotonic()
    ran = run(mark, "catastrophe+quick", "enabled")
    lasted_s = time.monotonic() - started
    assert (ran.returncode, ran.stdout) == (3, "")
    # Deadline and patience, and some for the start of an interpreter on a busy machine.
    assert lasted_s < 0.5 + 1.0 + 3.0


def test_a_run_that_ends_in_time_is_not_ended_by_it(mark: str) -> None:
    assert run(mark, "quick", "enabled").returncode == 0


@pytest.mark.parametrize("spared", [True, False])
def test_descendants_are_found_and_ended_unless_spared(spared: bool) -> None:
    before = children_of(os.getpid())
    process = subprocess.Popen(["/bin/sh", "-c", "sleep 600 & exec sleep 600"])
    until = time.monotonic() + 10
    while len(descendants_of(process.pid)) < 1 and time.monotonic() < until:
        pass
    assert process.pid in children_of(os.getpid())
    assert end_descendants(spare=before | ({process.pid} if spared else set())) == []
    assert (process.pid in children_of(os.getpid())) is spared
    if spared:
        assert end_descendants(spare=before) == []
    process.returncode = -signal.SIGKILL  # it was waited for already


def test_a_process_that_is_gone_has_no_children() -> None:
    assert children_of(2**22 + 1) == set()
