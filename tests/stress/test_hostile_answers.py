"""A hostile WhaTap through the real driver, a real server and real judging. CHECKMILL_STRESS=full: 10,000 answers."""

from __future__ import annotations

import gzip
import json
import logging
import os
import re
import subprocess
import sys
import time
import zlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import pytest

from checkmill.api.v1 import Secret
from checkmill.edges import Edges
from checkmill.model.errors import PluginError
from checkmill.model.fetch import Fetch
from checkmill.model.memory import Memory
from checkmill.model.rule import Rule
from checkmill.model.settings import MIB, NoQuery
from checkmill.model.source import ConfiguredSource
from checkmill.model.state import State
from checkmill.steps.fetching import fetch_all
from checkmill.steps.judging import Extraction, judge
from checkmill_whatap.metrics import WHATAP
from checkmill_whatap.settings import Settings
from support.hostile import HOSTS, KINDS, cpu_answer, hostility, response
from support.loopback import Reply, Server, Talk, http_server, raw_server
from support.rules import above, rule
from support.stress import scale

ANSWERS = scale(150, 10_000)
#: As many sources are asked at the same time.
AT_ONCE = 50
DEADLINE_S = 1.0
DOCUMENTED = json.dumps(cpu_answer()).encode()
NUMBER = re.compile(rb"/(\d+)/open/json/")


def source(server: Server, number: int) -> ConfiguredSource:
    settings = Settings(
        base_url=f"{server.url}/{number}", pcode=5490, token=Secret("tok-of-the-hostile"), max_size=MIB, retries=1
    )
    return ConfiguredSource(f"shop-{number}", WHATAP, settings, labels={}, file="", digest="")


def rules_on(one: ConfiguredSource) -> list[Rule]:
    """A service for each host, and one for all hosts together: both above 90 % are wrong."""
    cpu = WHATAP.metric("cpu")
    assert cpu is not None
    rules = [
        rule("each", of=cpu, sources=[one], each="host", levels=above(crit=90.0)),
        rule("worst", of=cpu, sources=[one], levels=above(crit=90.0)),
    ]
    fetch = Fetch(one, cpu.dataset, NoQuery(), DEADLINE_S)
    return [
        replace(r, readings=tuple(replace(reading, fetch=fetch) for reading in r.readings), inventories={})
        for r in rules
    ]


def test_no_hostile_answer_is_ever_ok_or_a_traceback_or_late(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    bomb = gzip.compress(bytes(8 * MIB))
    kinds: Counter[str] = Counter()
    states: Counter[str] = Counter()
    stages: Counter[str] = Counter()
    worst_late_s = -DEADLINE_S
    wrong: list[str] = []

    def talk(talk: Talk) -> None:
        asked = NUMBER.search(talk.read_request())
        if asked is None:  # cut off before it could ask
            return
        number = int(asked[1])
        # The first of all answers as documented, so that the hosts are known.
        talk.say(response(DOCUMENTED)) if number == 0 else hostility(number, bomb).talk(talk)

    started = time.monotonic()
    with raw_server(talk) as server:
        healthy = source(server, 0)
        memories = {r.name: judged(r, [healthy], Memory())[1] for r in rules_on(healthy)}
        for first in range(1, ANSWERS + 1, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, ANSWERS + 1))
            sources = [source(server, number) for number in numbers]
            rules = [rules_on(one) for one in sources]
            asked_at = time.monotonic()
            fetched = fetch_all([r.readings[0].fetch for one in rules for r in one], Edges())
            worst_late_s = max(worst_late_s, time.monotonic() - asked_at - DEADLINE_S)
            extraction = Extraction(fetched)
            for number, own in zip(numbers, rules, strict=True):
                kind = hostility(number, bomb).kind
                kinds[kind] += 1
                one = fetched[own[0].readings[0].fetch.key]
                stages["answered" if one.error is None else one.error.stage] += 1
                if isinstance(one.error, PluginError):
                    wrong.append(f"{number} ({kind}): {one.error.sentence}")
                for each in own:
                    results = judge(each, extraction, memories[each.name], one.ended_at).results
                    states.update(result.state.value for result in results)
                    fine = [result for result in results if result.state is State.OK]
                    wrong += [f"{number} ({kind}): {result.service}: {result.output}" for result in fine]
                    if not results:
                        wrong.append(f"{number} ({kind}): no result")
            wrong += [f"plugin: {error.sentence}" for error in extraction.plugin_errors()]
    lasted_s = time.monotonic() - started
    tracebacks = [one for one in caplog.records if one.exc_info or one.levelno >= logging.ERROR]
    with capsys.disabled():
        print(f"\nhostile answers: {ANSWERS} in {lasted_s:.0f} s: {dict(kinds)}\n  {dict(stages)}, {dict(states)}")
        print(f"  false OK {states['OK']}, tracebacks {len(tracebacks)}, worst {worst_late_s:+.2f} s past the deadline")
    assert wrong == []
    assert tracebacks == []
    assert worst_late_s < 1.0
    assert set(kinds) == set(KINDS)


def judged(one: Rule, sources: list[ConfiguredSource], memory: Memory) -> tuple[list[State], Memory]:
    fetched = fetch_all([reading.fetch for reading in one.readings], Edges())
    judgement = judge(one, Extraction(fetched), memory, time.time())
    states = [result.state for result in judgement.results]
    assert states == [State.CRITICAL] * (len(HOSTS) if one.each else 1), [r.output for r in judgement.results]
    return states, judgement.memory


MEMORY_PROGRAM = """
import gc, re, sys
from checkmill.edges import Edges
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Job, carry_out

def memory(name):
    with open("/proc/self/status") as status:
        return int(re.search(name + r":\\s+(\\d+)", status.read())[1])

def fetch(path, beside):
    settings = SourceSettings(base_url=sys.argv[1], retries=0)
    jobs = [Job("shop/x", "shop", settings, lambda: settings.get(path), 30.0)]
    jobs += [Job("shop/y", "shop", settings, lambda: settings.get("/small"), 30.0)] * beside
    return carry_out(jobs, Edges())[0]

beside = int(sys.argv[3])
assert fetch("/small", beside).error is None
gc.collect()
with open("/proc/self/clear_refs", "w") as refs:
    refs.write("5")
before = memory("VmRSS")
error = fetch(sys.argv[2], beside).error
print(type(error).__name__, memory("VmHWM") - before)
"""


@pytest.mark.parametrize("beside", [0, 1], ids=["plain client", "side by side"])
@pytest.mark.parametrize("path", ["/bomb", "/chunked", "/plain", "/bombs", "/deflate"][: scale(2, 5)])
def test_an_answer_over_the_cap_costs_at_most_the_cap_and_4_mb(
    path: str, beside: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cap = 16 * MIB
    big = bytes(4 * cap)
    answers = {
        "/small": Reply(200, b"{}"),
        "/bomb": Reply(200, gzip.compress(big), {"Content-Encoding": "gzip"}),
        "/bombs": Reply(200, gzip.compress(bytes(cap)) * 4, {"Content-Encoding": "gzip"}),
        "/deflate": Reply(200, zlib.compress(big), {"Content-Encoding": "deflate"}),
    }

    def answer(talk: Talk) -> None:
        talk.read_request()
        talk.say(b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n\r\n" if path == "/chunked" else b"\r\n"))
        piece = b"x" * MIB
        for _ in range(64):
            talk.say(b"100000\r\n" + piece + b"\r\n" if path == "/chunked" else piece)

    with ExitStack() as stack:
        if path in answers:
            server = stack.enter_context(http_server(lambda got: answers[got.target]))
        else:
            over = stack.enter_context(raw_server(answer))
            small = stack.enter_context(http_server(lambda _: answers["/small"]))
            server, path = small, f"{over.url}/x"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-c", MEMORY_PROGRAM, server.url, path, str(beside)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    kind, more = ran.stdout.split()
    with capsys.disabled():
        print(f"\nover the cap: {path.rpartition('/')[2]}: {int(more) / 1024:.1f} MiB more", end="")
    assert kind == "TooLargeError"
    assert int(more) * 1024 <= cap + 4 * MIB
