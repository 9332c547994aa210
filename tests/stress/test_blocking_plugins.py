"""Datasets that never end, beside one that is healthy. CHECKMILL_STRESS=full: 200 runs."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError
from checkmill.model.fetch import Fetch
from checkmill.model.flow import Flow
from checkmill.model.memory import Memory
from checkmill.model.sample import Sample
from checkmill.model.settings import NoQuery, SourceSettings
from checkmill.model.source import ConfiguredSource, Dataset, Metric, Source
from checkmill.model.state import State
from checkmill.steps.fetching import fetch_all
from checkmill.steps.fetching.descendants import descendants_of
from checkmill.steps.judging import Extraction, judge
from support import blocking
from support.loopback import Reply, http_server
from support.rules import above, rule
from support.stress import scale

RUNS = scale(6, 200)
DEADLINE_S = 0.6


def hosts(settings: SourceSettings, query: NoQuery) -> Flow[str]:
    return (yield from settings.get("/hosts")).text()


def samples(payload: Any, query: NoQuery) -> list[Sample]:
    return [Sample(1.0, host="web-1")]


def source(name: str, base_url: str = "") -> ConfiguredSource:
    kind = Source("vendor", SourceSettings, ())
    return ConfiguredSource(name, kind, SourceSettings(base_url=base_url), labels={}, file="", digest="")


def metric(flow: Any) -> Metric[Any, Any, Any]:
    return Metric("cpu", Dataset("hosts", flow), samples, labels=("host",))


def test_a_dataset_that_never_ends_is_unknown_at_its_deadline_and_delays_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = set(descendants_of(os.getpid()))
    worst_late_s = worst_healthy_s = 0.0
    left = 0
    ways = list(blocking.NEVER_DONE.items())
    started = time.monotonic()
    with http_server(lambda _: Reply(200, b"fine")) as server:
        for number in range(RUNS):
            how, flow = ways[number % len(ways)]
            bad, good = metric(flow), metric(hosts)
            fetches = [
                Fetch(source("bad"), bad.dataset, NoQuery(), DEADLINE_S),
                Fetch(source("good", server.url), good.dataset, NoQuery(), 10.0),
            ]
            began = time.monotonic()
            fetched = fetch_all(fetches, Edges())
            lasted_s = time.monotonic() - began
            failed, fine = (fetched[fetch.key] for fetch in fetches)
            assert isinstance(failed.error, DeadlineError), (how, failed.error)
            assert fine.payload == "fine"
            one = rule("bad", of=bad, sources=[source("bad")], levels=above(crit=90.0))
            extraction = Extraction({one.readings[0].fetch.key: failed})
            states = [result.state for result in judge(one, extraction, Memory(), failed.ended_at).results]
            assert states == [State.UNKNOWN], how
            worst_late_s = max(worst_late_s, lasted_s - DEADLINE_S)
            worst_healthy_s = max(worst_healthy_s, fine.ended_at - fine.started_at)
            left += len(set(descendants_of(os.getpid())) - before)
    with capsys.disabled():
        print(
            f"\nblocking datasets: {RUNS} runs in {time.monotonic() - started:.0f} s, worst {worst_late_s:+.2f} s past "
            f"the deadline, healthy source at most {worst_healthy_s:.2f} s, {left} processes left"
        )
    assert left == 0
    assert worst_late_s < 1.0
    assert worst_healthy_s < DEADLINE_S
