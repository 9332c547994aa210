"""`checkmill exec` as a process: streams, mask, signals, and what outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.commands import Desk
from support.jobs import EAST, PATIENCE_S, RULES, job, until
from support.loopback import Got, Reply
from support.whatap_vendor import Batchmon


@pytest.fixture
def rules(desk: Desk, batchmon: Batchmon) -> Desk:
    desk.write(RULES, nhn=batchmon.url)
    return desk


@pytest.fixture
def process(rules: Desk) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `checkmill exec` as a process in a session of its own; none is left behind."""
    rules.environ["PATH"] = os.environ["PATH"]
    started: list[subprocess.Popen[bytes]] = []

    def start(text: str, **options: object) -> subprocess.Popen[bytes]:
        started.append(rules.start(job(text), start_new_session=True, **options))
        return started[-1]

    yield start
    for one in started:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
        one.communicate(timeout=PATIENCE_S)


def test_a_process_passes_its_job_through(rules: Desk, process: Callable[..., subprocess.Popen[bytes]]) -> None:
    data = bytes(range(256)) * 4096
    one = process("cat; umask; echo $0 $# >&2; exit 42", stdin=subprocess.PIPE, shell='umask 027; exec "$@"')
    out, err = one.communicate(data, timeout=PATIENCE_S)

    assert (one.returncode, out, err) == (42, data + b"0027\n", b"sh 0\n")
    modes = {oct(path.stat().st_mode & 0o7777) for path in rules.state_dir.iterdir() if path.is_file()}
    assert modes == {"0o660"}


def test_a_process_that_is_told_to_end_tells_its_job_and_reports_the_end(
    rules: Desk, batchmon: Batchmon, process: Callable[..., subprocess.Popen[bytes]]
) -> None:
    one = process("trap 'echo cleaned up; exit 9' TERM; echo ready; while :; do sleep 0.02; done 2>&-")
    assert one.stdout is not None
    assert one.stdout.readline() == b"ready\n"
    one.send_signal(signal.SIGTERM)
    out, _ = one.communicate(timeout=PATIENCE_S)

    assert (one.returncode, out) == (9, b"cleaned up\n")
    assert batchmon.states() == [(EAST, "CRITICAL")]
    assert batchmon.taken[0][1]["output"].endswith(": cleaned up")


def test_what_the_caller_wants_ignored_the_job_ignores(process: Callable[..., subprocess.Popen[bytes]]) -> None:
    one = process("kill -HUP $$ $PPID; echo still here", shell='trap "" HUP; exec "$@"')
    out, _ = one.communicate(timeout=PATIENCE_S)

    assert (one.returncode, out) == (0, b"still here\n")


def test_a_process_that_is_told_to_end_while_it_reports_does_so_with_the_job_s_code(
    rules: Desk, batchmon: Batchmon, process: Callable[..., subprocess.Popen[bytes]]
) -> None:
    def hang(_: Got) -> Reply:
        batchmon.over.wait(PATIENCE_S)
        return Reply(200)

    batchmon.reply = hang
    one = process("exit 6")
    until(lambda: batchmon.server.got)
    began = time.monotonic()
    one.send_signal(signal.SIGTERM)
    if one.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            one.wait(3)
    if one.poll() is None:
        one.send_signal(signal.SIGTERM)

    assert one.wait(PATIENCE_S) == 6
    assert time.monotonic() - began < 10
    rules.clock.now = time.time()
    assert rules("check backup").line.startswith("CRITICAL - exit 6 after ")


def test_a_job_is_run_by_an_installation_that_can_tell_nothing(rules: Desk) -> None:
    broken = rules.home / "site" / "sqlite3.py"
    broken.parent.mkdir()
    broken.write_text("raise ImportError('no sqlite3 here')\n")
    rules.environ |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(broken.parent)}

    ran = rules.process(job("echo done; exit 0"))

    assert (ran.code, ran.out) == (3, "done\n")
    assert ran.err.splitlines()[-1] == (
        "checkmill: the end of the job is not reported: Checkmill failed with ImportError: no sqlite3 here"
    )


ASKING = """
import os, time
name = input("name? ")
print("hello", name, os.isatty(0), os.isatty(1), flush=True)
time.sleep(600)
"""
#: Runs a command at a terminal of its own, types a name and Ctrl-C as a person would, and prints all that is seen.
AT_A_TERMINAL = """
import os, pty, sys
keys = [(b"name? ", b"Ada\\n"), (b"hello Ada", b"\\x03")]
process, terminal = pty.fork()
if process == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    seen += piece
    if not piece:
        break
    if keys and keys[0][0] in seen:
        os.write(terminal, keys.pop(0)[1])
print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), seen.decode().splitlines())
"""


def test_at_a_terminal_the_job_asks_and_hears_a_key_once(rules: Desk) -> None:
    rules.environ["PATH"] = os.environ["PATH"]
    words = ["exec", "--check", "backup", sys.executable, "-c", ASKING]
    command = [sys.executable, "-c", AT_A_TERMINAL, sys.executable, "-m", "checkmill", *rules.argv(words)]
    ran = subprocess.run(command, env=rules.environ, capture_output=True, text=True, timeout=PATIENCE_S, check=True)

    assert ran.stdout.startswith("130 ['name? Ada', 'hello Ada True False', '^CTraceback ")
    assert ran.stdout.count("Traceback") == 1


def test_a_daemon_of_the_job_outlives_us(rules: Desk, process: Callable[..., subprocess.Popen[bytes]]) -> None:
    one = process(f"sleep 600 > /dev/null 2>&1 & echo $! > {rules.home}/daemon")
    one.communicate(timeout=PATIENCE_S)
    daemon = int((rules.home / "daemon").read_text())

    try:
        assert one.returncode == 0
        assert Path(f"/proc/{daemon}").exists()
    finally:
        os.kill(daemon, signal.SIGKILL)
