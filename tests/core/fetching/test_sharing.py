"""What the requests of one source share: answers to equal reads, the rate, the workers; and what they do not."""

from __future__ import annotations

import threading
import time
from typing import Any

from checkmill.edges import Edges
from checkmill.model.errors import RateLimitError, StatusError
from checkmill.model.flow import Flow, together
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Job, carry_out
from support.loopback import Got, Reply, Script


def test_equal_reads_are_sent_once(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200, b"1")))
    settings = SourceSettings(base_url=server.url)

    def flow() -> Flow[Any]:
        first = yield from settings.get("/same")
        return [first, *(yield from together([settings.get("/same") for _ in range(5)]))]

    answers = fetch(flow, settings).value
    assert [answer.body for answer in answers] == [b"1"] * 6
    assert len(server.got) == 1


def test_equal_reads_of_many_jobs_share_response_and_failure(serve: Any, edges: Edges) -> None:
    server = serve(lambda got: Reply(404 if got.target == "/gone" else 200))
    settings = SourceSettings(base_url=server.url)
    jobs = [
        Job(f"shop/{n}", "shop", settings, lambda n=n: settings.get("/gone" if n % 2 else "/here"), 4.0)
        for n in range(20)
    ]
    dones = carry_out(jobs, edges)
    assert [isinstance(done.error, StatusError) for done in dones] == [bool(n % 2) for n in range(20)]
    assert sorted(got.target for got in server.got) == ["/gone", "/here"]


def test_reads_that_differ_are_all_sent(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200)))
    settings = SourceSettings(base_url=server.url)

    def flow() -> Flow[Any]:
        yield from settings.get("/x")
        yield from settings.get("/x", params={"a": "1"})
        yield from settings.get("/x", headers={"a": "1"})
        yield from settings.post("/x")
        yield from settings.post("/x")
        yield from settings.get("/x", repeatable=False)

    assert fetch(flow, settings).error is None
    assert len(server.got) == 6


def test_equal_reads_are_sent_each_where_merging_is_not_wanted(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200)))
    settings = SourceSettings(base_url=server.url)

    def flow() -> Flow[Any]:
        yield from settings.get("/x")
        yield from settings.get("/x")

    assert fetch(flow, settings, merge_reads=False).error is None
    assert len(server.got) == 2


def test_cookies_are_not_kept(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200, headers={"Set-Cookie": "id=1; Path=/"})))
    settings = SourceSettings(base_url=server.url)

    def flow() -> Flow[Any]:
        yield from settings.get("/a")
        yield from settings.get("/b")

    fetch(flow, settings)
    assert "cookie" not in server.got[1].headers


def test_a_rate_spaces_requests_out(serve: Any) -> None:
    sent: list[float] = []

    def answer(got: Got) -> Reply:
        sent.append(time.monotonic())
        return Reply(200)

    server = serve(answer)
    settings = SourceSettings(base_url=server.url, rate=20.0)
    jobs = [Job(f"shop/{n}", "shop", settings, lambda n=n: settings.get(f"/{n}"), 4.0) for n in range(5)]
    dones = carry_out(jobs, Edges())
    assert all(done.error is None for done in dones)
    assert max(sent) - min(sent) >= 0.15


def test_a_rate_that_leaves_no_turn_fails_at_once(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200)))
    settings = SourceSettings(base_url=server.url, rate=0.001)

    def flow() -> Flow[Any]:
        yield from settings.get("/a")
        yield from settings.get("/b")

    error = fetch(flow, settings).error
    assert isinstance(error, RateLimitError)
    assert not error.arrived
    assert len(server.got) == 1


def test_no_more_requests_than_workers_are_under_way(serve: Any, edges: Edges) -> None:
    lock, under_way, most = threading.Lock(), [0], [0]
    both = threading.Barrier(2)

    def answer(got: Got) -> Reply:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        both.wait(2)  # two at a time come through, and a third would be seen
        with lock:
            under_way[0] -= 1
        return Reply(200)

    server = serve(answer)
    settings = SourceSettings(base_url=server.url, workers=2)

    def flow() -> Flow[Any]:
        yield from together([settings.get(f"/{n}") for n in range(8)])

    done = carry_out([Job("shop/x", "shop", settings, flow, 4.0)], edges)[0]
    assert done.error is None
    assert most[0] == 2
