"""Jobs for the tests of `checkmill exec`: run in this process by themselves, or by rules that report."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checkmill.cli.job import Job
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.model.job import Ended
from support.whatap_vendor import Batchmon

EAST, WEST = "b00699c0-96f4-11e9-a68b-a7aaea9ae346", "12962600-5c39-11ea-bd8f-0bbd7856015c"
RULES = f"""
    sources:
      jobs: {{type: exec, labels: {{env: prod}}}}
    reporters:
      nhn: {{type: nhn-batchmon, base_url: <nhn>, appkey: "${{NHN_APPKEY}}", retries: 0}}
    checks:
      - {{name: backup, source: jobs, metric: job, interval: 24h, timeout: 2h,
         report: {{to: nhn, scenario: {EAST}}}}}
"""
#: The same, and what reports to the same target: another job, and a check of a vendor.
SHARED = (
    RULES.replace(
        "    reporters:",
        """      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:""",
    )
    + f"""
      - {{name: sweep, source: jobs, metric: job, interval: 1h, report: {{to: nhn, scenario: {EAST}}}}}
      - {{name: cpu, source: shop, metric: cpu, above: 90, report: {{to: nhn, scenario: {EAST}}}}}
"""
)
#: How long something that must come is waited for.
PATIENCE_S = 20.0


def job(text: str) -> list[str]:
    """The words that run a line of the shell as the job of the check `backup`."""
    return ["exec", "--check", "backup", "--", "sh", "-c", text]


def told(batchmon: Batchmon) -> dict[str, str]:
    """The services that were told of last, with their states."""
    return {one["service"]: one["state"] for one in batchmon.taken[-1][1]["services"]}


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.005)


def timeless(text: str) -> str:
    """A text with 0.01s for whatever short time a job took."""
    return re.sub(r"after \d+(\.\d+)?s", "after 0.01s", text)


# Jobs by themselves


def sh(text: str) -> list[str]:
    """The command that runs a line of the shell."""
    return ["sh", "-c", text]


def py(text: str) -> list[str]:
    """The command that runs a program in Python."""
    return [sys.executable, "-c", text]


def is_there(process: int) -> bool:
    """Whether a process runs."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


@dataclass
class JobRan:
    """What came of a job that was run in this process."""

    ended: Ended
    out: bytes
    failures: list[str]


@contextmanager
def reading() -> Iterator[tuple[int, list[bytes]]]:
    """The end of a pipe that somebody reads, and what was read of it once it is over."""
    reader, writer = os.pipe()
    pieces: list[bytes] = []

    def read() -> None:
        while piece := os.read(reader, 1 << 16):
            pieces.append(piece)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield writer, pieces
    finally:
        os.close(writer)
        thread.join(PATIENCE_S)
        os.close(reader)


def run(argv: Sequence[str], **how: Any) -> JobRan:
    """Run a job in this process, with a stdout of its own."""
    with reading() as (out, pieces):
        ran = run_into(argv, out, **how)
    return JobRan(ran.ended, b"".join(pieces), ran.failures)


def run_into(
    argv: Sequence[str],
    out: int | None,
    *,
    late_when: Callable[[], object] | None = None,
    kill_after_s: float = PATIENCE_S,
    at_terminal: bool = False,
) -> JobRan:
    """Run a job; from the moment that something holds it has taken too long."""
    with Job(argv, Streams(out), Edges(), kill_after_s, at_terminal=at_terminal) as job:
        ended = job.start()
        # No test hangs.
        job.end_after(PATIENCE_S)
        if late_when is not None:
            threading.Thread(target=lambda: (until(late_when), job.end_after(0.001)), daemon=True).start()
        ended = ended or job.wait()
        job.finish()
        return JobRan(ended, b"", job.failures)
