"""Jobs that come while others are under way: what a turn is told and when, what is shared, and what is isolated."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import ConnectError, DeadlineError, PluginError
from checkmill.model.flow import Flow
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Done, Job, carry_out_fed
from support.loopback import Reply, Server, http_server, raw_server, unused_port

Given = tuple[Sequence[Job], float | None]

ONE_REQUEST = """
import sys
from checkmill.edges import Edges
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching import Job, carry_out_fed
settings = SourceSettings(base_url=sys.argv[1])
batches = [[Job("a/b", "a", settings, lambda: settings.get("/x"), 5.0)]]
told = []
def turn(ended):
    told.extend(ended)
    return (batches.pop(), eval(sys.argv[2])) if batches else ((), None)
carry_out_fed(turn, Edges())
assert told[0][1].value.text() == "/x", told
print(*sys.modules)
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


class Feed:
    """Gives one batch of jobs after the other, a batch a call, and keeps what it was told and where."""

    def __init__(self, *batches: Sequence[Job], wait_s: float | None = None) -> None:
        self.told: list[tuple[Job, Done]] = []
        self.calls: list[Sequence[tuple[Job, Done]]] = []
        self.threads: set[threading.Thread] = set()
        self._batches = list(batches)
        self._wait_s = wait_s

    def __call__(self, ended: Sequence[tuple[Job, Done]]) -> Given:
        self.calls.append(list(ended))
        self.told.extend(ended)
        self.threads.add(threading.current_thread())
        if not self._batches:
            return (), None
        return self._batches.pop(0), self._wait_s if self._batches else None

    @property
    def values(self) -> dict[str, Any]:
        return {job.name: done.value for job, done in self.told}

    @property
    def errors(self) -> dict[str, Any]:
        return {job.name: done.error for job, done in self.told}


def job(name: str, start: Any, group: str = "shop", timeout_s: float = 3.0, **settings: Any) -> Job:
    return Job(name, group, SourceSettings(**settings), start, timeout_s)


def asking(server: Server, name: str, group: str = "shop", **parts: Any) -> Job:
    """A job that gives the text of an answer, which is its own path."""
    settings = SourceSettings(base_url=server.url)

    def flow() -> Flow[str]:
        return (yield from settings.get(f"/{name}")).text()

    return job(name, flow, group, **{"base_url": server.url, **parts})


def test_a_turn_that_gives_nothing_and_wants_nothing_is_the_last() -> None:
    feed = Feed()
    carry_out_fed(feed, Edges())
    assert feed.calls == [[]]


def test_jobs_that_come_later_use_the_thread_and_the_connection_of_the_first(server: Server) -> None:
    threads = []

    def noting(one: Job) -> Job:
        def start() -> Any:
            threads.append(threading.current_thread())
            return one.start()

        return job(one.name, start, base_url=server.url)

    # Each batch is given when the one before has ended, so that one connection is enough. A first job that is single
    # has a client of its own.
    batches = [[noting(asking(server, f"{turn}"))] for turn in range(5)]
    feed = Feed([job("other", lambda: "/other", "other"), *batches[0]], [], *batches[1:], wait_s=60.0)
    carry_out_fed(feed, Edges())
    assert feed.values == {"other": "/other", **{f"{turn}": f"/{turn}" for turn in range(5)}}
    assert server.connections == 1
    assert len(set(threads)) == 1
    assert feed.threads == {threading.current_thread()}


def test_all_that_ended_while_a_turn_lasted_is_told_together(stuck: threading.Event) -> None:
    calls: list[list[str]] = []
    last_has_begun = threading.Event()

    def last() -> None:
        last_has_begun.set()
        stuck.wait(5)

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        calls.append([one.name for one, _ in ended])
        if len(calls) == 1:
            # One worker: when the last one begins, the end of all before it has been reported.
            return [*(job(name, lambda: None, workers=1) for name in "abcd"), job("last", last, workers=1)], None
        if len(calls) == 2:
            assert last_has_begun.wait(5)
            stuck.set()
        return (), None

    carry_out_fed(turn, Edges())
    assert [*calls[1], *calls[2]][:4] == list("abcd")
    assert [name for names in calls for name in names] == [*"abcd", "last"]


def test_what_ended_in_time_while_a_turn_lasted_past_its_deadline_is_done() -> None:
    """A disk may be slow, or another process may hold the database."""
    at = [0.0]
    turn_has_begun, others_have_ended = threading.Event(), threading.Event()
    told: list[tuple[Job, Done]] = []

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        told.extend(ended)
        if not told:
            # One worker: when the last one begins, the end of the one before it has been reported.
            slow = job("slow", lambda: turn_has_begun.wait(5), "other", timeout_s=1.0, workers=1)
            last = job("last", others_have_ended.set, "other", timeout_s=60.0, workers=1)
            return [job("first", lambda: 1), slow, last], None
        if len(told) == 1:
            turn_has_begun.set()
            assert others_have_ended.wait(5)
            at[0] = 30.0
        return (), None

    carry_out_fed(turn, Edges(now=lambda: at[0], monotonic=lambda: at[0]))
    assert {one.name: done.error for one, done in told} == {"first": None, "slow": None, "last": None}


def test_the_turn_is_called_after_the_seconds_it_gave_although_nothing_ended(stuck: threading.Event) -> None:
    calls: list[int] = []

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        calls.append(len(ended))
        if len(calls) == 1:
            return [job("hanging", lambda: stuck.wait(5))], 0.05
        stuck.set()
        return (), None

    started = time.monotonic()
    carry_out_fed(turn, Edges())
    assert calls == [0, 0, 1]
    assert 0.05 <= time.monotonic() - started < 2


def test_a_pause_with_nothing_under_way_is_waited_through_the_edges() -> None:
    """Whoever brings a clock of his own lets a day pass in a moment."""
    at = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        at[0] += seconds

    def turn(ended: Sequence[tuple[Job, Done]]) -> Given:
        if ended:
            return (), (600.0 if at[0] < 86_400 else None)
        return [job(f"{at[0]}", lambda: None)], 600.0

    started = time.monotonic()
    carry_out_fed(turn, Edges(now=lambda: at[0], monotonic=lambda: at[0], sleep=sleep))
    assert slept == [600.0] * 144
    assert time.monotonic() - started < 2


def test_each_job_is_told_of_once_however_many_come_when(server: Server) -> None:
    chance = random.Random(7)
    batches = []
    for turn in range(40):
        kinds: list[Callable[[str, str], Job]] = [
            lambda name, group: asking(server, name, group),
            lambda name, group: job(name, lambda: name, group),
            lambda name, group: job(name, lambda: 1 / 0, group),
        ]
        batches.append(
            [chance.choice(kinds)(f"{turn}.{n}", f"group {chance.randrange(5)}") for n in range(chance.randrange(6))]
        )
    feed = Feed(*batches, wait_s=0.001)
    carry_out_fed(feed, Edges())
    given = [one.name for batch in batches for one in batch]
    assert Counter(one.name for one, _ in feed.told) == Counter(given)
    assert all(
        done.value in {one.name, f"/{one.name}"} or isinstance(done.error, PluginError) for one, done in feed.told
    )


def test_a_job_that_is_given_twice_is_told_of_twice() -> None:
    one = job("same", lambda: 1)
    feed = Feed([one, one], [one], wait_s=0.0)
    carry_out_fed(feed, Edges())
    assert [done.value for told, done in feed.told if told is one] == [1, 1, 1]


def test_a_group_never_has_more_requests_under_way_than_workers() -> None:
    under_way, most, lock = [0], [0], threading.Lock()

    def answer(_: Any) -> Reply:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.005)  # the vendor's own time
        with lock:
            under_way[0] -= 1
        return Reply(200)

    with http_server(answer) as server:
        batches = [[asking(server, f"{turn}.{n}", workers=3) for n in range(5)] for turn in range(6)]
        feed = Feed(*batches, wait_s=0.0)
        carry_out_fed(feed, Edges())
        assert server.connections <= 3
    assert len(feed.told) == 30
    assert most[0] <= 3


@pytest.mark.parametrize("how", ["blocks", "loops"])
def test_a_plugin_that_never_gives_control_back_delays_no_other_group(
    how: str, server: Server, stuck: threading.Event
) -> None:
    def blocked() -> None:
        if how == "blocks":
            stuck.wait(10)
        while not stuck.is_set():
            pass

    batches = [[asking(server, f"{n}", "good")] for n in range(3)]
    feed = Feed([job("bad", blocked, "bad", timeout_s=0.5)], *batches, wait_s=0.001)
    started = time.monotonic()
    carry_out_fed(feed, Edges())
    *others, (last, done) = feed.told
    assert (last.name, str(done.error)) == ("bad", "bad was not done after 0.5 s")
    assert sorted(one.value for _, one in others) == [f"/{n}" for n in range(3)]
    assert time.monotonic() - started < 2


def test_jobs_that_come_after_one_of_their_group_got_stuck_are_carried_out(
    server: Server, stuck: threading.Event
) -> None:
    bad = job("bad", lambda: stuck.wait(10), timeout_s=0.2, workers=1)
    feed = Feed([bad, asking(server, "behind", workers=1)], [asking(server, "later", workers=1)], wait_s=0.01)
    carry_out_fed(feed, Edges())
    assert isinstance(feed.errors["bad"], DeadlineError)
    assert feed.errors["bad"].arrived
    assert (feed.values["behind"], feed.values["later"]) == ("/behind", "/later")


def test_a_deadline_counts_from_when_a_job_begins() -> None:
    """Ten jobs of one worker take longer together than each may take alone."""
    with http_server(lambda _: Reply(200)) as server:
        jobs = [asking(server, f"{n}", rate=20.0, workers=1, timeout_s=0.3) for n in range(10)]
        feed = Feed(jobs[:5], jobs[5:], wait_s=0.0)
        carry_out_fed(feed, Edges())
    assert set(feed.errors.values()) == {None}


def test_more_groups_than_threads_are_all_served() -> None:
    batches = [
        [job(f"{turn}.{n}", lambda: 1, f"group {n}") for n in range(turn, turn + 40)] for turn in range(0, 160, 40)
    ]
    feed = Feed(*batches, *reversed(batches), wait_s=0.001)
    carry_out_fed(feed, Edges())
    assert len(feed.told) == 320
    assert set(feed.errors.values()) == {None}


def test_what_did_not_arrive_says_so_and_what_may_have_does_not() -> None:
    with raw_server(lambda talk: talk.hang()) as server:
        nobody = SourceSettings(base_url=f"http://127.0.0.1:{unused_port()}", retries=0)
        feed = Feed(
            [
                asking(server, "silent", timeout_s=0.2),
                Job("refused", "other", nobody, lambda: nobody.get("/"), 2.0),
                Job("refused too", "other", nobody, lambda: nobody.get("/"), 2.0),
            ]
        )
        carry_out_fed(feed, Edges())
    assert isinstance(feed.errors["refused"], ConnectError)
    assert {name: error.arrived for name, error in feed.errors.items()} == {
        "silent": True,
        "refused": False,
        "refused too": False,
    }


def test_what_is_given_after_the_time_to_give_up_ends_at_once_and_did_not_arrive(server: Server) -> None:
    feed = Feed([asking(server, f"{n}") for n in range(3)], [asking(server, "late", "other")], wait_s=60.0)
    started = time.monotonic()
    carry_out_fed(feed, Edges(), give_up_at=started - 1)
    assert time.monotonic() - started < 1
    assert {name: error.arrived for name, error in feed.errors.items()} == dict.fromkeys(["0", "1", "2", "late"], False)
    assert server.got == []


def test_a_time_to_give_up_ends_what_is_under_way_and_what_is_waited_for() -> None:
    with raw_server(lambda talk: talk.hang()) as server:
        feed = Feed([asking(server, f"{n}", workers=1, timeout_s=60) for n in range(3)], [], wait_s=600.0)
        started = time.monotonic()
        carry_out_fed(feed, Edges(), give_up_at=started + 0.2)
        assert time.monotonic() - started < 1.2
    assert {name: error.arrived for name, error in feed.errors.items()} == {"0": True, "1": False, "2": False}


@pytest.mark.parametrize("wait_s", [None, 60.0])
def test_a_single_job_does_without_asyncio(wait_s: float | None, server: Server) -> None:
    command = [sys.executable, "-c", ONE_REQUEST, server.url, f"{wait_s}"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"asyncio", "pydantic"} & set(ran.stdout.split())


def test_a_job_that_comes_while_a_single_one_is_under_way_waits_for_it_and_is_carried_out(server: Server) -> None:
    feed = Feed([asking(server, "single")], [asking(server, "next"), asking(server, "last")])
    carry_out_fed(feed, Edges())
    assert feed.values == {name: f"/{name}" for name in ("single", "next", "last")}


def test_no_thread_stays_behind(server: Server) -> None:
    feed = Feed(*([asking(server, f"{n}", f"group {n % 3}")] for n in range(6)), wait_s=0.0)
    carry_out_fed(feed, Edges())
    until = time.monotonic() + 5
    while any(one.name.startswith("checkmill-") for one in threading.enumerate()) and time.monotonic() < until:
        pass
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("checkmill-")]
