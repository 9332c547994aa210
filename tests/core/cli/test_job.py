"""A job is run as if it were called by itself: its end, its time, its signals, and what is left of it."""

from __future__ import annotations

import os
import shlex
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from checkmill.cli.job import Job
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.steps.fetching.descendants import children_of
from support.jobs import is_there, py, reading, run, run_into, sh, until

# How it ends


@pytest.mark.parametrize(
    ("argv", "word", "code"),
    [
        (["true"], "succeeded", 0),
        (["false"], "exit 1", 1),
        (sh("exit 255"), "exit 255", 255),
        (sh("kill -KILL $$"), "killed by SIGKILL", 137),
        (sh("kill -TERM $$"), "killed by SIGTERM", 143),
        (sh("kill -ABRT $$"), "killed by SIGABRT", 134),
        (py("import os; os.kill(os.getpid(), 40)"), "killed by signal 40", 168),
        (sh("exit 124"), "exit 124", 124),
        (["/no/such/program"], "not started", 127),
        (["no-such-program"], "not started", 127),
        ([""], "not started", 127),
        (["/etc/hostname/x"], "not started", 127),
        (["/etc"], "not started", 126),
        ([__file__], "not started", 126),
        (["true", "a\0b"], "not started", 126),
    ],
    ids=lambda value: repr(value) if isinstance(value, list) else "",
)
def test_every_end_has_a_word_and_the_exit_code_a_shell_would_give(argv: list[str], word: str, code: int) -> None:
    ended = run(argv).ended

    assert (ended.word, ended.code) == (word, code)
    assert (ended.reason != "") == (word == "not started")


def test_what_cannot_be_started_says_which_program_and_why() -> None:
    assert run(["/no/such/program", "--now"]).ended.reason == "'/no/such/program': No such file or directory"


def test_a_script_that_names_no_interpreter_is_run_by_the_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$1" "$#"\n')
    script.chmod(0o755)

    assert run([str(script), "a b", "c"]).out == b"a b 2\n"


def test_words_of_the_command_arrive_as_they_are() -> None:
    odd = ["", "$HOME", "a b", "*", "--check", "가", os.fsdecode(b"\xff\xfe")]
    ran = run(py("import os,sys; os.write(1, b'|'.join(map(os.fsencode, sys.argv[1:])))") + odd)

    assert ran.out == b"|".join(map(os.fsencode, odd))


# What it leaves


def test_a_daemon_that_holds_the_streams_keeps_nobody_waiting_and_lives_on(tmp_path: Path) -> None:
    before = time.monotonic()
    ran = run(sh(f"sleep 600 & echo $! > {tmp_path}/daemon; echo started"))
    took_s = time.monotonic() - before
    daemon = int((tmp_path / "daemon").read_text())

    try:
        assert (ran.ended.word, ran.out) == ("succeeded", b"started\n")
        assert took_s < 5
        assert is_there(daemon)
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_a_daemon_that_goes_on_writing_keeps_nobody_waiting(tmp_path: Path) -> None:
    ran = run(sh(f"(echo x; exec yes) & echo $! > {tmp_path}/daemon; exit 6"))
    with suppress(ProcessLookupError):
        os.kill(int((tmp_path / "daemon").read_text()), signal.SIGKILL)

    assert ran.ended.word == "exit 6"


def test_what_lost_its_parent_to_us_does_not_stay_in_the_table() -> None:
    before = children_of(os.getpid())

    ran = run(sh("i=0; while [ $i -lt 30 ]; do (true &); i=$((i + 1)); done; sleep 0.05"))

    assert ran.ended.word == "succeeded"
    until(lambda: not any(_is_zombie(child) for child in children_of(os.getpid()) - before))


def _is_zombie(process: int) -> bool:
    with suppress(OSError):
        os.waitpid(process, os.WNOHANG)
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    return False


# What it has from us


def test_the_job_has_our_directory_descriptors_and_signals_and_the_environment_that_is_given() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    program = f"import os, signal; os.write({writer}, b'inherited'); print(os.getcwd(), sorted(os.environ), end=' ')"
    program += "; print(signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN)"
    # What this process ignores for Python's sake a program in C does not.
    shell = "kill -PIPE $$"

    with reading() as (out, pieces):
        with Job(
            py(program), Streams(out), Edges(environ={"LC_ALL": "C.UTF-8", "X": "1"}), 1.0, at_terminal=False
        ) as job:
            ended = job.start() or job.wait()
            job.finish()
        assert run_into(sh(shell), out).ended.word == "killed by SIGPIPE"

    assert ended.word == "succeeded"
    assert os.read(reader, 100) == b"inherited"
    assert b"".join(pieces).decode() == f"{Path.cwd()} ['LC_ALL', 'X'] True\n"
    os.close(reader)
    os.close(writer)


# Taking too long


def test_a_job_that_takes_too_long_is_told_to_end(tmp_path: Path) -> None:
    program = f"trap 'echo told; exit 0' TERM; echo begun; : > {tmp_path}/begun; while :; do sleep 0.01; done 2>&-"

    ran = run(sh(program), late_when=(tmp_path / "begun").exists)

    assert (ran.ended.word, ran.ended.code, ran.out) == ("timed out", 124, b"begun\ntold\n")


def test_a_job_that_does_not_heed_that_is_killed(tmp_path: Path) -> None:
    program = f"trap '' TERM; : > {tmp_path}/begun; while :; do sleep 0.01; done"

    ran = run(sh(program), late_when=(tmp_path / "begun").exists, kill_after_s=0.2)

    assert (ran.ended.word, ran.ended.code) == ("timed out", 124)
    assert ran.ended.duration_s > 0.2


def test_a_stopped_job_is_ended_too(tmp_path: Path) -> None:
    stopped = sh(f"echo $$ > {tmp_path}/number; kill -STOP $$; exit 0")

    ran = run(stopped, late_when=lambda: _state(tmp_path / "number") == "T")

    assert ran.ended.word == "timed out"


def _state(number: Path) -> str:
    try:
        stat = Path(f"/proc/{int(number.read_text())}/stat").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    return stat.rpartition(")")[2].split()[0]


def test_nothing_is_left_of_a_job_that_took_too_long_wherever_it_has_gone(tmp_path: Path) -> None:
    away = f"""
import os, signal, time
for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
for name in "abc":
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        open("{tmp_path}/" + name, "w").write(str(os.getpid()))
        time.sleep(600)
time.sleep(600)
"""
    there = [tmp_path / name for name in "abc"]

    ran = run(sh(f"{shlex.join(py(away))} & sleep 600"), late_when=lambda: all(map(_state, there)), kill_after_s=0.2)

    assert ran.ended.word == "timed out"
    assert [one.name for one in there if is_there(int(one.read_text()))] == []


def test_what_a_late_job_leaves_may_end_in_good_order(tmp_path: Path) -> None:
    child = f"trap 'echo so > {tmp_path}/so; exit' TERM; : > {tmp_path}/begun; while :; do sleep 0.01; done"

    ran = run(sh(f"setsid sh -c {shlex.quote(child)} & sleep 600"), late_when=(tmp_path / "begun").exists)

    assert ran.ended.word == "timed out"
    assert (tmp_path / "so").exists()


# Signals, sent by the job itself to whoever runs it


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"])
def test_a_signal_is_handed_on_to_the_job(name: str) -> None:
    before = signal.getsignal(getattr(signal, f"SIG{name}"))

    ran = run(py(HANDED_ON.format(name=name)))

    assert (ran.ended.word, ran.ended.output) == ("exit 7", (f"got SIG{name}",))
    assert signal.getsignal(getattr(signal, f"SIG{name}")) == before


HANDED_ON = """
import os, signal, sys, time
number = signal.SIG{name}
def take(number, _):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(7)
signal.signal(number, take)
os.kill(os.getppid(), number)
time.sleep(600)
"""


def test_a_signal_that_kills_the_job_is_its_end() -> None:
    assert run(sh("kill -TERM $PPID; sleep 600")).ended.word == "killed by SIGTERM"


def test_all_of_the_job_hears_a_signal() -> None:
    ran = run(sh("trap 'exit 9' TERM; (kill -TERM $PPID; exec sleep 600); exit 8"))

    assert ran.ended.word == "exit 9"


@pytest.mark.parametrize(("name", "word"), [("INT", "exit 3"), ("TERM", "killed by SIGTERM")])
def test_at_a_terminal_what_its_keys_send_is_not_sent_twice(name: str, word: str) -> None:
    program = f"import os, signal, time; os.kill(os.getppid(), signal.SIG{name}); time.sleep(0.1); os._exit(3)"

    assert run(py(program), at_terminal=True).ended.word == word
