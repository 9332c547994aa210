"""How fast `checkmill outbox flush` drains an outbox, beside what posts the same without one.

That is a bare httpx client, and Checkmill's own driver. All post the same bodies to the same receiver, with the same
number under way at a time; every delivery goes to a target of its own. The outbox lies on a disk, and what is posted is
marked there before and settled after. From the root of the repository, with an environment that Checkmill is installed
in:

    PYTHONPATH=tests .venv/bin/python -m benchmarks.draining
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import httpx

from benchmarks.receiver import receiver
from benchmarks.rounds import Comparison, Contender, compare, write_json
from checkmill.edges import Edges
from checkmill.feeding.draining import AHEAD
from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome
from checkmill.model.secret import Secret
from checkmill.model.state import State
from checkmill.steps.fetching import Done, Job, carry_out_fed
from checkmill.steps.reporting import target_text
from checkmill.store import Store
from checkmill_nhn_monitoring.reporting import deliver
from checkmill_nhn_monitoring.settings import BatchmonSettings, BatchmonTarget

#: What the flush of a large outbox reaches at least of what goes without one.
AT_LEAST = 0.6
BARE, DRIVER, FLUSH = "bare httpx", "driver alone", "outbox flush"
APPKEY = "b7mVfAzYq0c2hK1T"
RULES = """\
reporters:
  nhn:
    type: nhn-batchmon
    appkey: {appkey}
    base_url: {url}
    workers: {workers}
    drain: 1000000/s
    backlog: {deliveries}
    expires: 1d
"""
BODY = (
    '{{"state": "WARNING", "exit_code": 1, "output": "2 of 12 hosts above 80%: web-{number} 84.2%",'
    ' "checked_at": "2033-05-18T03:33:20+00:00", "counts": {{"OK": 0, "WARNING": 1, "UNKNOWN": 0, "CRITICAL": 0}},'
    ' "services": [{{"check": "cpu", "service": "cpu web-{number}", "state": "WARNING", "output": "84.2%"}}]}}'
)


def scenario(number: int) -> str:
    """The scenario that a delivery goes to."""
    return f"b00699c0-96f4-11e9-a68b-{number:012x}"


def drained_at(concurrency: int, deliveries: int, rounds: int, directory: Path, url: str) -> Comparison:
    """Compare both at so many posts at a time; `directory` is for the outbox, `url` is where the receiver is."""
    rules = directory / f"checks-{concurrency}"
    rules.mkdir()
    filled = directory / f"filled-{concurrency}"
    _fill(filled, rules, deliveries)
    text = RULES.format(appkey=APPKEY, url=url, workers=concurrency, deliveries=deliveries)
    (rules / "reporters.yaml").write_text(text, encoding="utf-8")
    contenders = [
        Contender(BARE, lambda: _bare(url, concurrency, deliveries)),
        Contender(DRIVER, lambda: _drive(url, concurrency, deliveries)),
        Contender(FLUSH, lambda: _flush(filled, rules, directory / "state", deliveries)),
    ]
    title = f"{deliveries:,} deliveries, {concurrency} at a time, rounds: {rounds}"
    return compare(title, deliveries, "deliveries", contenders, rounds)


def _fill(state_dir: Path, rules: Path, deliveries: int) -> None:
    """Make an outbox in which so many deliveries of a checks directory wait, each for another target."""
    now = time.time()
    store = Store.open(state_dir)
    store.commit(os.path.realpath(rules), [], _deliveries(deliveries, now), now)
    store.close()


def _deliveries(number: int, now: float) -> Iterator[Delivery]:
    for one in range(number):
        yield Delivery(
            reporter="nhn",
            target=target_text({"scenario": scenario(one)}),
            state=State.WARNING.value,
            services=(f"cpu web-{one}",),
            checks=("cpu",),
            body=BODY.format(number=one),
            created_at=now,
            expires_at=now + 86_400,
            run_at=now,
        )


def _bare(url: str, concurrency: int, deliveries: int) -> float:
    """Post all with one client; gives the seconds."""
    posts = iter(range(deliveries))

    async def post_some(client: httpx.AsyncClient) -> None:
        for one in posts:
            response = await client.post(
                f"/v1.0/monitoring/batchmon/appkey/{APPKEY}/scenarios/{scenario(one)}",
                content=BODY.format(number=one).encode(),
                headers={"content-type": "application/json"},
            )
            assert response.status_code == 200, response.text

    async def post_all() -> None:
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        async with httpx.AsyncClient(base_url=url, limits=limits, trust_env=False) as client:
            await asyncio.gather(*(post_some(client) for _ in range(concurrency)))

    began = time.perf_counter()
    asyncio.run(post_all())
    return time.perf_counter() - began


def _drive(url: str, concurrency: int, deliveries: int) -> float:
    """Have Checkmill's driver carry out the reporter's flows, fed as the outbox feeds it; gives the seconds."""
    settings = BatchmonSettings(base_url=url, appkey=Secret(APPKEY), workers=concurrency)
    numbers = iter(range(deliveries))

    def job(number: int) -> Job:
        target, body = BatchmonTarget(scenario=scenario(number)), BODY.format(number=number)
        return Job("nhn", "nhn", settings, lambda: deliver(settings, target, body), 10.0, merge_reads=False)

    def turn(ended: Sequence[tuple[Job, Done]]) -> tuple[Sequence[Job], float | None]:
        for _, done in ended:
            assert done.error is None, done
            assert done.value.outcome is Outcome.ACCEPTED, done
        return [job(number) for number in islice(numbers, len(ended) or concurrency + AHEAD)], None

    began = time.perf_counter()
    carry_out_fed(turn, Edges())
    return time.perf_counter() - began


def _flush(filled: Path, rules: Path, state_dir: Path, deliveries: int) -> float:
    """Drain a copy of an outbox by the command, its start included; gives the seconds."""
    shutil.copytree(filled, state_dir)
    os.sync()
    command = [sys.executable, "-m", "checkmill", "outbox", "flush", "--checks-dir", str(rules)]
    began = time.perf_counter()
    ran = subprocess.run([*command, "--state-dir", str(state_dir)], capture_output=True, text=True, check=False)
    taken_s = time.perf_counter() - began
    store = Store.open(state_dir)
    accepted = store.outbox.health(time.time()).reporters["nhn"].counts.get(Stage.ACCEPTED.value)
    store.close()
    shutil.rmtree(state_dir)
    assert (ran.returncode, accepted) == (0, deliveries), (ran, accepted)
    return taken_s


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what it gave; 1 if a ratio is below what is promised."""
    parser = argparse.ArgumentParser(prog="benchmarks.draining", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-least", type=float, default=AT_LEAST, help="the least share of either that is fine")
    parser.add_argument("--directory", type=Path, help="where the outbox is to lie, on the disk that is to be measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    asked = parser.parse_args(words)
    comparisons = []
    with tempfile.TemporaryDirectory(dir=asked.directory) as directory, receiver() as url:
        for concurrency in asked.concurrency:
            compared = drained_at(concurrency, asked.deliveries, asked.rounds, Path(directory), url)
            print(f"{compared.as_table()}\n", flush=True)
            comparisons.append(compared)
    if asked.json is not None:
        write_json(asked.json, comparisons)
    return int(any(one.ratio(FLUSH, base) < asked.at_least for one in comparisons for base in (BARE, DRIVER)))


if __name__ == "__main__":
    sys.exit(main())
