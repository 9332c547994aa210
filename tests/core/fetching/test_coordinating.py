"""The calling thread: order, isolation of sources, deadlines, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError, PluginError
from checkmill.model.fetch import Fetch
from checkmill.model.flow import Flow
from checkmill.model.settings import NoQuery, SourceSettings
from checkmill.model.source import ConfiguredSource, Dataset, Source
from checkmill.steps.fetching import Done, Job, carry_out, fetch_all
from support.loopback import Reply, Server, http_server, raw_server

ONE_REQUEST = """
from checkmill.edges import Edges
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Job, carry_out
settings = SourceSettings(base_url={url!r})
done = carry_out([Job("a/b", "a", settings, lambda: settings.get("/x"), 5.0)], Edges())[0]
assert done.value.text() == "/x", done
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server(lambda got: Reply(200, got.target.encode())) as serving:
        yield serving


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a plugin that blocks waits for; it is let go when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def job(name: str, start: Any, group: str = "shop", timeout_s: float = 3.0, **settings: Any) -> Job:
    return Job(name, group, SourceSettings(**settings), start, timeout_s)


def test_nothing_to_do_is_nothing_done() -> None:
    assert carry_out([], Edges()) == []


def test_what_is_done_comes_in_the_order_of_the_jobs(server: Server) -> None:
    settings = SourceSettings(base_url=server.url)
    heard: dict[int, Done] = {}
    threads = set()

    def on_done(index: int, done: Done) -> None:
        heard[index] = done
        threads.add(threading.current_thread())

    jobs = [
        job(f"{n}", lambda n=n: settings.get(f"/{n}"), group=f"group {n % 3}", base_url=server.url) for n in range(30)
    ]
    dones = carry_out(jobs, Edges(), on_done=on_done)
    assert [done.value.text() for done in dones] == [f"/{n}" for n in range(30)]
    assert [heard[n] for n in range(30)] == dones
    assert threads == {threading.current_thread()}


def test_single_and_many_give_the_same_answer(server: Server) -> None:
    settings = SourceSettings(base_url=server.url)
    one = job("one", lambda: settings.get("/x"), base_url=server.url)
    alone = carry_out([one], Edges())[0].value
    among = carry_out([one, job("two", lambda: settings.get("/y"), base_url=server.url)], Edges())[0].value
    assert (alone.status, alone.body, alone.url) == (among.status, among.body, among.url)
    assert set(alone.headers) == set(among.headers)


@pytest.mark.parametrize("how", ["blocks", "loops"])
def test_a_plugin_that_never_gives_control_back_delays_no_other_source(
    how: str, server: Server, stuck: threading.Event
) -> None:
    def blocked() -> None:
        if how == "blocks":
            stuck.wait(10)
        while not stuck.is_set():
            pass

    settings = SourceSettings(base_url=server.url)
    started = time.monotonic()
    done_at: dict[int, float] = {}
    dones = carry_out(
        [
            job("bad/one", blocked, group="bad", timeout_s=0.2),
            job("good/one", lambda: settings.get("/x"), group="good", base_url=server.url),
        ],
        Edges(),
        on_done=lambda index, _: done_at.setdefault(index, time.monotonic()),
    )
    assert isinstance(dones[0].error, DeadlineError)
    assert str(dones[0].error) == "bad/one was not done after 0.2 s"
    assert dones[1].error is None
    assert done_at[1] < done_at[0]
    assert time.monotonic() - started < 2


def test_jobs_behind_one_that_blocks_are_carried_out_all_the_same(server: Server, stuck: threading.Event) -> None:
    settings = SourceSettings(base_url=server.url)

    def blocked() -> None:
        stuck.wait(10)

    jobs = [job("bad", blocked, timeout_s=0.2, workers=1)]
    jobs += [job(f"good {n}", lambda n=n: settings.get(f"/{n}"), base_url=server.url) for n in range(3)]
    dones = carry_out(jobs, Edges())
    assert isinstance(dones[0].error, DeadlineError)
    assert [done.value.text() for done in dones[1:]] == ["/0", "/1", "/2"]


def test_more_sources_than_threads_are_all_asked(server: Server) -> None:
    settings = SourceSettings(base_url=server.url)
    jobs = [job(f"{n}", lambda n=n: n, group=f"group {n}") for n in range(150)]
    jobs.append(job("real", lambda: settings.get("/x"), group="real", base_url=server.url))
    dones = carry_out(jobs, Edges())
    assert [done.value for done in dones[:150]] == list(range(150))
    assert dones[150].value.text() == "/x"


def test_a_crash_in_one_source_touches_no_other(server: Server) -> None:
    settings = SourceSettings(base_url=server.url)
    dones = carry_out(
        [
            job("bad", lambda: 1 / 0, group="bad"),
            job("worse", lambda: sys.exit(1)),
            job("good", lambda: settings.get("/x"), base_url=server.url),
        ],
        Edges(),
    )
    assert isinstance(dones[0].error, PluginError)
    assert isinstance(dones[1].error, PluginError)
    assert dones[2].value.text() == "/x"


@pytest.mark.parametrize("jobs_each", [1, 3])
def test_all_is_given_up_together(jobs_each: int) -> None:
    with raw_server(lambda talk: talk.hang()) as server:
        settings = SourceSettings(base_url=server.url)
        jobs = [
            job(f"{group}/{n}", lambda n=n: settings.get(f"/{n}"), group=f"{group}", timeout_s=60, workers=1)
            for group in range(3)
            for n in range(jobs_each)
        ]
        started = time.monotonic()
        dones = carry_out(jobs, Edges(), give_up_at=started + 0.2)
        assert time.monotonic() - started < 1.2
    assert all(isinstance(done.error, DeadlineError) for done in dones)


def test_a_time_to_give_up_that_has_passed_starts_nothing(server: Server) -> None:
    settings = SourceSettings(base_url=server.url)
    done = carry_out([job("late", lambda: settings.get("/x"))], Edges(), give_up_at=time.monotonic() - 1)[0]
    assert isinstance(done.error, DeadlineError)
    assert server.got == []


def test_a_deadline_counts_from_the_start_of_its_job() -> None:
    """Eight jobs of one worker take longer together than each may take alone."""
    with http_server(lambda _: Reply(200)) as server:
        settings = SourceSettings(base_url=server.url, rate=20.0, workers=1)
        jobs = [Job(f"{n}", "shop", settings, lambda n=n: settings.get(f"/{n}"), 0.3) for n in range(10)]
        dones = carry_out(jobs, Edges())
    assert [done.error for done in dones] == [None] * 10
    assert dones[-1].ended_at - dones[0].started_at > 0.35


def test_fetches_that_are_equal_are_carried_out_once(server: Server) -> None:
    def flow(settings: SourceSettings, query: NoQuery) -> Flow[str]:
        return (yield from settings.get("/hosts", repeatable=False)).text()

    dataset = Dataset("hosts", flow)
    source = ConfiguredSource(
        "shop",
        Source(type="vendor", settings=SourceSettings, metrics=()),
        SourceSettings(base_url=server.url),
        labels={},
        file="",
        digest="",
    )
    fetches = [Fetch(source, dataset, NoQuery(), timeout_s) for timeout_s in (0.0, 3.0, 1.0)]
    fetched = fetch_all(fetches, Edges())
    assert list(fetched) == [("shop", "hosts", "NoQuery()")]
    assert fetched[fetches[0].key].payload == "/hosts"
    assert len(server.got) == 1


def test_no_thread_stays_behind(server: Server) -> None:
    settings = SourceSettings(base_url=server.url)
    jobs = [job(f"{n}", lambda: settings.get("/x"), group=f"{n % 2}", base_url=server.url) for n in range(3)]
    carry_out(jobs, Edges())
    until = time.monotonic() + 5
    while any(one.name.startswith("checkmill-") for one in threading.enumerate()) and time.monotonic() < until:
        pass
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("checkmill-")]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import checkmill.steps.fetching", {"httpx", "asyncio", "anyio", "ssl", "pydantic", "logging"}),
        (
            ONE_REQUEST,
            {"asyncio", "pydantic"},
        ),
    ],
    ids=["importing it", "one plain request"],
)
def test_what_is_not_needed_is_not_imported(server: Server, code: str, absent: set[str]) -> None:
    program = code.replace("{url!r}", repr(server.url)) + "\nimport sys\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not absent & set(ran.stdout.split())
