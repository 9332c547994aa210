"""Hostile vendors through the real driver, a real server and real judging. CHECKMILL_STRESS=full: 10,000 each."""

from __future__ import annotations

import gzip
import logging
import os
import re
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import PluginError
from checkmill.model.fetch import Fetch
from checkmill.model.levels import Levels
from checkmill.model.memory import Memory
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.settings import MIB
from checkmill.model.source import ConfiguredSource
from checkmill.model.state import State
from checkmill.steps.fetching import fetch_all
from checkmill.steps.judging import Extraction, judge
from support.hostile import KINDS, Document, hostility, response
from support.hostile_vendors import VENDORS, Asked, HostileVendor
from support.loopback import Reply, Server, Talk, http_server, raw_server
from support.rules import above, rule
from support.stress import scale

ANSWERS = scale(60, 10_000)
DEADLINE_S = 2.0
REQUEST = re.compile(rb"([A-Z]+) /(\d+)(/[^ ]*) ")
BOMB = gzip.compress(bytes(8 * MIB))


def source(vendor: HostileVendor, server: Server, number: int) -> ConfiguredSource:
    settings = vendor.settings(f"{server.url}/{number}")
    return ConfiguredSource(f"shop-{number}", vendor.source, settings, labels={}, file="", digest="")


def rules_on(vendor: HostileVendor, one: ConfiguredSource) -> list[Rule]:
    """The vendor's rules on one source: whatever it says breaks them."""
    rules = []
    for number, watched in enumerate(vendor.watched):
        metric = vendor.source.metric(watched.metric)
        assert metric is not None, watched.metric
        levels = Levels(states={"*": State.CRITICAL}) if metric.is_state else above(crit=watched.crit)
        made = rule(f"rule-{number}", of=metric, sources=[one], each=watched.each, levels=levels)
        query = watched.query or metric.dataset.query_type()
        fetch = Fetch(one, metric.dataset, query, DEADLINE_S)
        readings = tuple(replace(reading, query=query, fetch=fetch) for reading in made.readings)
        rules.append(replace(made, readings=readings, inventories={}))
    return rules


class Hostile:
    """The server of one vendor: source 0 is answered as documented, any other once in a hostile way."""

    def __init__(self, vendor: HostileVendor) -> None:
        self.vendor = vendor
        self.url = ""
        self._asked: Counter[int] = Counter()
        self._lock = threading.Lock()

    def kind_of(self, number: int) -> str:
        return hostility(number, BOMB, Document({"a": 1})).kind

    def talk(self, talk: Talk) -> None:
        request = talk.read_request()
        asked = REQUEST.match(request)
        if asked is None:  # cut off before it could ask
            return
        number = int(asked[2])
        body = request.partition(b"\r\n\r\n")[2].decode(errors="replace")
        document = self.vendor.answer(Asked(asked[1].decode(), asked[3].decode(), body, time.time()))
        site = f"{self.url}/{number}".encode()
        written = document.write
        document = replace(document, write=lambda value: written(value).replace(b"SITE", site))
        with self._lock:
            turn = self._asked[number]
            self._asked[number] += 1
        if number and turn == number % self.vendor.requests:
            hostility(number, BOMB, document).talk(talk)
        else:
            talk.say(response(document.body, status=document.status))


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_no_hostile_answer_is_ever_ok_or_a_traceback_or_late(
    vendor: HostileVendor, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds: Counter[str] = Counter()
    states: Counter[str] = Counter()
    stages: Counter[str] = Counter()
    worst_late_s = -DEADLINE_S
    wrong: list[str] = []
    hostile = Hostile(vendor)

    started = time.monotonic()
    with raw_server(hostile.talk) as server:
        hostile.url = server.url
        healthy = source(vendor, server, 0)
        memories = {r.name: documented(vendor, r) for r in rules_on(vendor, healthy)}
        for first in range(1, ANSWERS + 1, vendor.at_once):
            numbers = range(first, min(first + vendor.at_once, ANSWERS + 1))
            sources = [source(vendor, server, number) for number in numbers]
            rules = [rules_on(vendor, one) for one in sources]
            asked_at = time.monotonic()
            fetched = fetch_all([r.readings[0].fetch for one in rules for r in one], Edges())
            worst_late_s = max(worst_late_s, time.monotonic() - asked_at - DEADLINE_S)
            extraction = Extraction(fetched)
            for number, own in zip(numbers, rules, strict=True):
                kind = hostile.kind_of(number)
                kinds[kind] += 1
                for each in own:
                    one = fetched[each.readings[0].fetch.key]
                    stages["answered" if one.error is None else one.error.stage] += 1
                    if isinstance(one.error, PluginError):
                        wrong.append(f"{number} ({kind}): {one.error.sentence}")
                    results = judge(each, extraction, memories[each.name], one.ended_at).results
                    states.update(result.state.value for result in results)
                    wrong += [f"{number} ({kind}): {result.service}: {result.output}" for result in fine(results)]
                    if not results:
                        wrong.append(f"{number} ({kind}): no result")
            wrong += [f"plugin: {error.sentence}" for error in extraction.plugin_errors()]
    lasted_s = time.monotonic() - started
    tracebacks = [one for one in caplog.records if one.exc_info or one.levelno >= logging.ERROR]
    with capsys.disabled():
        print(f"\n{vendor.name}: {ANSWERS} hostile answers in {lasted_s:.0f} s: {dict(kinds)}")
        print(f"  {dict(stages)}, {dict(states)}")
        print(f"  false OK {states['OK']}, tracebacks {len(tracebacks)}, worst {worst_late_s:+.2f} s past the deadline")
    assert wrong == []
    assert tracebacks == []
    assert worst_late_s < 1.0
    assert set(kinds) == set(KINDS)


def fine(results: tuple[Result, ...]) -> list[Result]:
    return [result for result in results if result.state is State.OK]


def documented(vendor: HostileVendor, one: Rule) -> Memory:
    """Judge the documented answer, of which everything is wrong, and give what the rule remembers then."""
    fetched = fetch_all([reading.fetch for reading in one.readings], Edges())
    judgement = judge(one, Extraction(fetched), Memory(), time.time())
    states = [result.state for result in judgement.results]
    count = vendor.services if one.each else 1
    assert states == [State.CRITICAL] * count, [result.output for result in judgement.results]
    return judgement.memory


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
