"""Answers that are larger than a source may send: refused, and at most the cap and a little more of memory."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from contextlib import ExitStack

import pytest

from checkmill.model.settings import MIB
from support.hostile import response
from support.hostile_vendors import VENDORS, Asked, HostileVendor
from support.loopback import Reply, Talk, http_server, raw_server
from support.stress import scale

#: What both programs measure with: memory in kB, and the peak since `begin`.
_MEASURING = """
import gc, re, sys

def memory(name):
    with open("/proc/self/status") as status:
        return int(re.search(name + r":\\s+(\\d+)", status.read())[1])

def begin():
    gc.collect()
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    return memory("VmRSS")
"""
DRIVER_PROGRAM = (
    _MEASURING
    + """
from checkmill.edges import Edges
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Job, carry_out

def fetch(path, beside):
    settings = SourceSettings(base_url=sys.argv[1], retries=0)
    jobs = [Job("shop/x", "shop", settings, lambda: settings.get(path), 30.0)]
    jobs += [Job("shop/y", "shop", settings, lambda: settings.get("/small"), 30.0)] * beside
    return carry_out(jobs, Edges())[0]

beside = int(sys.argv[3])
assert fetch("/small", beside).error is None
before = begin()
error = fetch(sys.argv[2], beside).error
print(type(error).__name__, memory("VmHWM") - before)
"""
)


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
        command = [sys.executable, "-c", DRIVER_PROGRAM, server.url, path, str(beside)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    kind, more = ran.stdout.split()
    with capsys.disabled():
        print(f"\nover the cap: {path.rpartition('/')[2]}: {int(more) / 1024:.1f} MiB more", end="")
    assert kind == "TooLargeError"
    assert int(more) * 1024 <= cap + 4 * MIB


VENDOR_PROGRAM = (
    _MEASURING
    + """
import time
from dataclasses import fields, replace
from checkmill.edges import Edges
from checkmill.model.memory import Memory
from checkmill.steps.fetching import fetch_all
from checkmill.steps.judging import Extraction, judge
from support.hostile_vendors import VENDORS, rules_on, source_of

url, name = sys.argv[1:]
vendor = next(one for one in VENDORS if one.name == name)

def results(number):
    one = source_of(vendor, url, number)
    cap = next(field.default for field in fields(one.settings) if field.name == "max_size")
    one = replace(one, settings=replace(one.settings, max_size=cap, retries=0))
    rule = rules_on(vendor, one, 30.0)[0]
    fetched = fetch_all([rule.readings[0].fetch], Edges())
    return cap, judge(rule, Extraction(fetched), Memory(), time.time()).results

results(0)
before = begin()
cap, found = results(1)
more = memory("VmHWM") - before
print(cap, more, "OK" if any(one.state.value == "OK" for one in found) else "not-OK")
print(*[one.output for one in found])
"""
)
#: Twenty million bytes, plain and as a gzip bomb.
LARGE = 20_000_000
BOMB = gzip.compress(bytes(LARGE))
REQUEST = re.compile(rb"([A-Z]+) /(\d+)(/[^ ]*) ")


@pytest.mark.parametrize("form", ["plain", "bomb"])
@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_each_plugin_refuses_a_large_answer_at_the_cap(
    vendor: HostileVendor, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: Counter[int] = Counter()
    lock = threading.Lock()

    def talk(talk: Talk) -> None:
        request = talk.read_request()
        match = REQUEST.match(request)
        if match is None:
            return
        number = int(match[2])
        body = request.partition(b"\r\n\r\n")[2].decode()
        with lock:
            asked[number] += 1
            first = asked[number] == 1
        if number and first:
            encoding = "Content-Encoding: gzip\r\n" if form == "bomb" else ""
            talk.say(response(BOMB if form == "bomb" else b"x" * LARGE, headers=encoding))
            return
        document = vendor.answer(Asked(match[1].decode(), match[3].decode(), body, time.time()))
        talk.say(response(document.body.replace(b"SITE", f"{server.url}/{number}".encode()), status=document.status))

    with raw_server(talk) as server:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-c", VENDOR_PROGRAM, server.url, vendor.name]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    figures, _, outputs = ran.stdout.partition("\n")
    cap, more, verdict = figures.split()
    with capsys.disabled():
        print(f"\n{vendor.name}, {form}: cap {int(cap) / MIB:g} MiB, {int(more) / 1024:.1f} MiB more", end="")
    assert verdict == "not-OK"
    assert "larger than" in outputs
    assert int(more) * 1024 <= int(cap) + 4 * MIB
