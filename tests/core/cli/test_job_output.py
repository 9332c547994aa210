"""What a job writes passes byte for byte, as it comes and no faster than it is read, and its end is known at once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import struct
import termios
import threading
from pathlib import Path

import pytest

from checkmill.cli.job import Job
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from support.jobs import PATIENCE_S, py, reading, run, run_into, sh, until
from support.stress import scale


def test_output_passes_byte_for_byte(tmp_path: Path) -> None:
    size = scale(8, 100) * 1_000_000
    data = random.Random(1).randbytes(1_000_000) * (size // 1_000_000)
    (tmp_path / "data").write_bytes(data)

    ran = run(["cat", str(tmp_path / "data")])

    assert hashlib.sha256(ran.out).digest() == hashlib.sha256(data).digest()
    assert ran.ended.word == "succeeded"


def test_both_streams_pass_each_to_its_own_place(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    data = bytes(range(256)) * 1000
    program = "import os; d = bytes(range(256)) * 1000\nfor _ in range(4): os.write(1, d); os.write(2, d[::-1])"

    ran = run(py(program))

    assert ran.out == data * 4
    assert capfdbinary.readouterr().err == data[::-1] * 4


def test_the_order_is_kept_where_both_streams_lead_to_one_place(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    program = "import os\nfor n in range(500): os.write(1 + n % 2, b'%d\\n' % n)"

    run_into(py(program), os.dup(2))

    assert capfdbinary.readouterr().err == b"".join(b"%d\n" % number for number in range(500))


def test_output_arrives_while_the_job_goes_on() -> None:
    reader, writer = os.pipe()
    seen: list[bytes] = []
    # The job waits for an answer to what it wrote without ending the line.
    answer_reader, answer_writer = os.pipe()
    os.set_inheritable(answer_reader, True)

    def answer() -> None:
        seen.append(os.read(reader, 100))
        os.write(answer_writer, b"x")

    thread = threading.Thread(target=answer)
    thread.start()
    ran = run_into(py(f"import os; os.write(1, b'well?'); os.read({answer_reader}, 1)"), writer)
    thread.join(PATIENCE_S)
    for end in (reader, writer, answer_reader, answer_writer):
        os.close(end)

    assert (ran.ended.word, seen) == ("succeeded", [b"well?"])


def test_a_job_whose_reader_is_gone_is_told_so_as_without_us() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    ran = run_into(["yes"], writer)

    os.close(writer)
    assert (ran.ended.word, ran.ended.code, ran.failures) == ("killed by SIGPIPE", 141, [])


def test_a_job_waits_for_a_reader_that_does_not_read(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    done = tmp_path / "done"
    program = f"import os, pathlib; os.write(1, bytes(1 << 20)); pathlib.Path({str(done)!r}).touch()"
    read: list[bytes] = []

    def read_late() -> None:
        until(lambda: _waiting(reader) == 1 << 16)
        assert not done.exists()
        while sum(map(len, read)) < 1 << 20:
            read.append(os.read(reader, 1 << 16))

    thread = threading.Thread(target=read_late)
    thread.start()
    ran = run_into(py(program), writer)
    thread.join(PATIENCE_S)
    os.close(reader)
    os.close(writer)

    assert (ran.ended.word, b"".join(read)) == ("succeeded", bytes(1 << 20))


def _waiting(pipe: int) -> int:
    count: int = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
    return count


def test_the_end_is_known_while_its_reader_still_does_not_read() -> None:
    reader, writer = os.pipe()
    with Job(sh("head -c 100000 /dev/zero; echo; echo last"), Streams(writer), Edges(), 1.0, at_terminal=False) as job:
        assert job.start() is None
        ended = job.wait()
        assert (ended.word, ended.output) == ("succeeded", ("last",))
        thread = threading.Thread(target=lambda: [os.read(reader, 1 << 17) for _ in range(3)])
        thread.start()
        job.finish()
        os.close(writer)
        thread.join(PATIENCE_S)
    os.close(reader)
    assert not thread.is_alive()


def test_a_descriptor_that_does_not_want_to_wait_is_waited_for() -> None:
    with reading() as (out, pieces):
        os.set_blocking(out, False)
        run_into(py("import os; os.write(1, bytes(1 << 20))"), out)

    assert b"".join(pieces) == bytes(1 << 20)


def test_output_that_cannot_be_written_ends_no_job() -> None:
    out = os.open("/dev/full", os.O_WRONLY)

    ran = run_into(py("import os; os.write(1, bytes(1 << 20)); print('done')"), out)

    os.close(out)
    assert (ran.ended.word, ran.ended.output) == ("succeeded", ("done",))
    assert ran.failures == ["No space left on device"]


@pytest.mark.parametrize("out", [None, "closed"])
def test_a_job_without_stdout_runs_and_is_heard(out: str | None) -> None:
    descriptor = None
    if out is not None:
        reader, descriptor = os.pipe()
        os.close(reader)

    ran = run_into(sh("trap '' PIPE; echo heard; exit 4"), descriptor)

    if descriptor is not None:
        os.close(descriptor)
    assert ran.ended.word == "exit 4"
    assert ran.ended.output[:1] == ("heard",)


def test_a_job_that_closes_its_streams_goes_on(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def let_go() -> None:
        fifo.write_text("x")

    thread = threading.Thread(target=let_go)
    thread.start()
    ran = run(sh(f"echo last words; exec >&- 2>&- <&-; read line < {fifo}; exit 5"))
    thread.join(PATIENCE_S)

    assert (ran.ended.word, ran.ended.output) == ("exit 5", ("last words",))
