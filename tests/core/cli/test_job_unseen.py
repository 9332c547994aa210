"""A job runs also where its output cannot be listened to, and where nobody watches it any more."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from pathlib import Path

import pytest

from checkmill.cli import job as jobs
from checkmill.cli.job import Job
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from support.commands import Desk
from support.jobs import PATIENCE_S, RULES, JobRan, is_there, job, run, sh, until
from support.whatap_vendor import Batchmon


def descriptors() -> set[int]:
    """The numbers of what this process has open, that of looking for them included."""
    return {int(path.name) for path in Path("/proc/self/fd").iterdir()}


def no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def spoken(tmp_path: Path) -> JobRan:
    """A job that writes on both streams, into a file: no thread of the test reads it."""
    with (tmp_path / "out").open("wb") as out:
        with Job(sh("echo said; exit 7"), Streams(out.fileno()), Edges(), 1.0, at_terminal=False) as one:
            ended = one.start() or one.wait()
            one.finish()
        return JobRan(ended, (tmp_path / "out").read_bytes(), one.failures)


def test_where_no_thread_is_to_be_had_the_job_writes_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    ran = spoken(tmp_path)

    assert (ran.ended.word, ran.ended.code, ran.out) == ("exit 7", 7, b"said\n")
    assert descriptors() == before


def test_where_no_descriptor_is_to_be_had_the_job_writes_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_pipe() -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pipe", no_pipe)
    ran = spoken(tmp_path)

    assert (ran.ended.word, ran.ended.code, ran.out) == ("exit 7", 7, b"said\n")


def test_a_job_runs_at_the_limit_of_open_files(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (tmp_path / "out").open("wb") as out:
        highest = max(descriptors())
        taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(highest)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken) + 1, hard))
        try:
            with Job(sh("echo said; exit 7"), Streams(out.fileno()), Edges(), 1.0, at_terminal=False) as one:
                ended = one.start() or one.wait()
                one.finish()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in taken:
                os.close(descriptor)
    assert (ended.code, (tmp_path / "out").read_bytes()) == (7, b"said\n")


def test_a_python_without_ctypes_runs_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    monkeypatch.setattr(jobs, "adopt_orphans", lambda: __import__("ctypes"))

    assert run(sh("echo said; exit 7")).out == b"said\n"


def test_a_job_is_not_ended_because_what_watches_it_is_killed(desk: Desk, batchmon: Batchmon) -> None:
    desk.write(RULES, nhn=batchmon.url)
    desk.environ["PATH"] = os.environ["PATH"]
    go, done = desk.home / "go", desk.home / "done"
    process = desk.start(job(f"echo $$ > {desk.home}/number; until [ -e {go} ]; do sleep 0.02; done; : > {done}"))
    until(lambda: (desk.home / "number").exists() and (desk.home / "number").read_text())
    number = int((desk.home / "number").read_text())
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE_S)

    assert is_there(number)
    go.touch()
    until(done.exists)
    process.communicate(timeout=PATIENCE_S)
