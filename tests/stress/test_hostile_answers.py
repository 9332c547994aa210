"""Hostile vendors through the real driver, a real server and real judging. CHECKMILL_STRESS=full: 10,000 each."""

from __future__ import annotations

import gzip
import logging
import re
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import PluginError
from checkmill.model.memory import Memory
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.settings import MIB
from checkmill.model.state import State
from checkmill.steps.fetching import fetch_all
from checkmill.steps.judging import Extraction, judge
from support.hostile import KINDS, Document, hostility, response
from support.hostile_vendors import VENDORS, Asked, HostileVendor, rules_on, source_of
from support.loopback import Talk, raw_server
from support.stress import scale

ANSWERS = scale(48, 10_000)
DEADLINE_S = 2.0
REQUEST = re.compile(rb"([A-Z]+) /(\d+)(/[^ ]*) ")
BOMB = gzip.compress(bytes(8 * MIB))


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
        healthy = source_of(vendor, server.url, 0)
        memories = {r.name: documented(vendor, r) for r in rules_on(vendor, healthy, DEADLINE_S)}
        for first in range(1, ANSWERS + 1, vendor.at_once):
            numbers = range(first, min(first + vendor.at_once, ANSWERS + 1))
            sources = [source_of(vendor, server.url, number) for number in numbers]
            rules = [rules_on(vendor, one, DEADLINE_S) for one in sources]
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
