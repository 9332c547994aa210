"""Draining over real connections: what each answer leads to, and that nothing is begun, repeated or lost beyond it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.edges import Edges
from checkmill.feeding import pacing
from checkmill.feeding.draining import AHEAD, Drain
from checkmill.feeding.pacing import Pace, Start
from checkmill.model.delivery import Delivery, Progress, Stage
from checkmill.model.flow import Flow
from checkmill.model.reporter import ConfiguredReporter, Outcome, Receipt, Report, Reporter
from checkmill.model.settings import ReporterSettings
from checkmill.steps.reporting import target_text
from checkmill.store import Store, StoreError
from checkmill.store.outbox import Ended, Outbox, Room, Turn
from support import posting
from support.loopback import Got, Reply, Server, Talk, http_server, raw_server, unused_port
from support.rules import HOUR, NOW

#: Long enough for whatever a test waits for.
SOON_S = 10.0
EDGES = Edges(now=lambda: NOW, chance=lambda: 0.0)


def deliver(settings: ReporterSettings, target: posting.Room, body: str) -> Flow[Receipt]:
    """A receiver whose every success is a success: all else is for core to tell by its errors."""
    response = yield from settings.post(f"/{target.room}", content=body.encode())
    return Receipt(Outcome.ACCEPTED, response.text())


def deliver_many(settings: ReporterSettings, targets: Sequence[posting.Room], body: str) -> Flow[Sequence[Receipt]]:
    rooms = ",".join(target.room for target in targets)
    yield from settings.post(f"/{rooms}", content=body.encode())
    return [Receipt(Outcome.ACCEPTED)] * len(targets)


def hook(url: str, *, many: bool = False, **settings: Any) -> ConfiguredReporter:
    kind: Reporter[Any, Any] = Reporter("hook", ReporterSettings, posting.Room, deliver, deliver_many if many else None)
    own = ReporterSettings(base_url=url, **{"tries": 1, "retries": 2, **settings})
    return ConfiguredReporter("hook", kind, own, "{}", "checks.d/hook.yaml", "digest")


class Anything:
    """Reporters that know every target."""

    def __init__(self, *reporters: ConfiguredReporter) -> None:
        self.reporters = reporters

    def find(self, reporter: str, target: str) -> Report | None:
        (own,) = (one for one in self.reporters if one.name == reporter)
        values = json.loads(target)
        return Report(own, posting.Room(**values), values) if values.get("room") else None


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "state")
    yield opened
    opened.close()


def put(store: Store, *rooms: str, **parts: Any) -> None:
    made = [
        Delivery("hook", target_text({"room": room}), "OK", (room,), "{}", NOW, NOW + HOUR, run_at=NOW)
        for room in rooms
    ]
    store.commit("/checks.d", [], [replace(one, **parts) for one in made], NOW)


def drain(store: Store, *reporters: ConfiguredReporter, outbox: Outbox | None = None, **options: Any) -> Drain:
    """Drain the outbox; what is told goes to `told`, which is the list of a test or nobody's."""
    told = options.pop("told", [])
    edges = options.pop("edges", EDGES)
    one = Drain(outbox or store.outbox, Anything(*reporters), edges, told.append, **options)
    one.run()
    return one


def stages(store: Store) -> list[str]:
    return [one.stage.value for one in store.outbox.deliveries()]


def rooms(store: Store, *stages: Stage) -> list[str]:
    return [json.loads(one.target)["room"] for one in store.outbox.deliveries(stages)]


def until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.005)


# What an answer leads to

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


def saying(data: bytes, *, reset: bool = False) -> Callable[[Talk], None]:
    def talk(talk: Talk) -> None:
        talk.read_request()
        if data:
            talk.say(data)
        if reset:
            talk.reset()

    return talk


def silent(talk: Talk) -> None:
    talk.read_request()
    talk.hang()


def status(code: int, **headers: str) -> Callable[[], AbstractContextManager[Server]]:
    return lambda: http_server(lambda _: Reply(code, headers={n.replace("_", "-"): v for n, v in headers.items()}))


@pytest.mark.parametrize(
    ("receiver", "stage", "message"),
    [
        (status(200), "accepted", ""),
        (status(204), "accepted", ""),
        (status(302, Location="https://elsewhere.example/"), "refused", "read: "),
        (status(304), "refused", "read: HTTP 304"),
        (status(400), "refused", "read: HTTP 400"),
        (status(401), "refused", "login: HTTP 401"),
        (status(404), "refused", "read: HTTP 404"),
        (status(429), "pending", "rate limit: HTTP 429"),
        (status(429, Retry_After="1"), "pending", "rate limit: HTTP 429"),
        (status(503), "pending", "read: HTTP 503"),
        (status(503, Retry_After="1"), "pending", "read: HTTP 503"),
        (status(500), "unknown", "read: HTTP 500"),
        (status(502), "unknown", "read: HTTP 502"),
        (status(504), "unknown", "read: HTTP 504"),
        (lambda: raw_server(saying(b"")), "unknown", "read: "),
        (lambda: raw_server(saying(b"", reset=True)), "unknown", "read: "),
        (lambda: raw_server(saying(WHOLE + b"x")), "unknown", "read: "),
        (lambda: raw_server(saying(WHOLE + b"x", reset=True)), "unknown", "read: "),
        (lambda: raw_server(saying(b"whatever\r\n\r\n")), "unknown", "read: "),
        (lambda: raw_server(silent), "unknown", "read: "),
    ],
    ids=[
        *("200", "204", "302", "304", "400", "401", "404", "429", "429 with a wait", "503", "503 with a wait", "500"),
        *("502", "504", "ends at once", "resets at once", "ends half way", "resets half way", "no HTTP", "silent"),
    ],
)
def test_an_answer_leads_to_a_stage_and_is_not_asked_for_twice(
    store: Store, receiver: Callable[[], AbstractContextManager[Server]], stage: str, message: str
) -> None:
    put(store, "a")
    with receiver() as server:
        drained = drain(
            store, hook(server.url, read_timeout=0.1 if (stage, message) == ("unknown", "read: ") else SOON_S)
        )
        until(lambda: server.connections > 0)
        assert (server.connections, len(server.got)) in {(1, 1), (1, 0)}
    (found,) = store.outbox.deliveries()
    assert found.stage.value == stage
    assert found.message.startswith(message)
    assert drained.counts == {stage: 1}
    assert [one.outcome for one in store.outbox.history(1)] == [found.outcome]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (lambda: f"http://127.0.0.1:{unused_port()}", "connect: "),
        (lambda: "http://nowhere.invalid.", "DNS: "),
        (lambda: "http://", "configuration: "),
    ],
    ids=["nobody listens", "no such name", "no address"],
)
def test_what_can_not_have_arrived_waits_to_be_sent_again(store: Store, url: Callable[[], str], message: str) -> None:
    put(store, "a")
    drain(store, hook(url(), retries=1))
    (found,) = store.outbox.deliveries()
    assert (found.stage, found.outcome, found.next_at) == (Stage.PENDING, "not sent", NOW + 5)
    assert found.message.startswith(message)


def test_a_handshake_that_fails_waits_to_be_sent_again(store: Store) -> None:
    put(store, "a")
    with http_server(lambda _: Reply()) as server:
        drain(store, hook(server.url.replace("http:", "https:")))
    (found,) = store.outbox.deliveries()
    assert (found.stage, found.message.partition(":")[0]) == (Stage.PENDING, "TLS")


def test_a_connection_that_is_not_made_in_time_waits_to_be_sent_again(store: Store) -> None:
    """A listening socket with a full queue answers no more, as a host behind a firewall does not."""
    import socket

    put(store, "a")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        drain(store, hook(f"http://127.0.0.1:{port}", connect_timeout=0.1, retries=0))
        for one in waiting:
            one.close()
    (found,) = store.outbox.deliveries()
    assert (found.stage, found.message.partition(":")[0]) == (Stage.PENDING, "connect")


def test_the_wait_that_the_receiver_asked_for_is_kept(store: Store) -> None:
    put(store, "a")
    with status(503, Retry_After="77")() as server:
        drain(store, hook(server.url))
    (found,) = store.outbox.deliveries()
    assert found.next_at == NOW + 77


@pytest.mark.parametrize("number", [30, 200])
def test_a_receiver_that_is_not_there_is_left_alone_at_once(store: Store, number: int) -> None:
    put(store, *(f"r{n}" for n in range(number)))
    port = unused_port()
    drained = drain(store, hook(f"http://127.0.0.1:{port}", retries=0, workers=4))
    tried = [one for one in store.outbox.deliveries() if one.attempts]
    assert 3 <= len(tried) <= 4 + AHEAD + 4
    assert drained.counts == {"pending": len(tried)}
    health = store.outbox.health(NOW).reporters["hook"]
    assert (health.pause_until, health.waiting) == (NOW + 5, number)


def test_a_receiver_that_resets_every_connection_costs_few_unknown_outcomes(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(100)))
    with raw_server(saying(b"", reset=True)) as server:
        drain(store, hook(server.url, workers=4))
        assert server.connections <= 4 + AHEAD + 4
    assert stages(store).count("unknown") == server.connections
    assert stages(store).count("pending") == 100 - server.connections


def test_a_proxy_without_a_receiver_behind_it_is_left_alone_too(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(40)))
    with status(502)() as server:
        drain(store, hook(server.url, drain=1000.0, workers=2))
        assert len(server.got) <= 2 + AHEAD + 2


def test_a_receiver_that_answers_500_is_asked_once_for_each(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(40)))
    with status(500)() as server:
        drain(store, hook(server.url, drain=1000.0))
        assert len(server.got) == 40
    assert stages(store) == ["unknown"] * 40


def test_after_a_pause_one_asks_and_its_answer_lets_the_rest_go(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(50)), expires_at=NOW + 1e6)
    reporter = hook(f"http://127.0.0.1:{unused_port()}", retries=0, workers=2)
    drain(store, reporter)
    with raw_server(saying(b"", reset=True)) as server:
        later = replace(EDGES, now=lambda: NOW + 5)
        drain(store, hook(server.url), edges=later)
        assert server.connections == 1
    seen: list[int] = []
    alone = threading.Event()

    def answer(_: Got) -> Reply:
        seen.append(len(seen))
        if len(seen) == 1:
            # All others would come within this time.
            alone.wait(0.1)
            assert len(seen) == 1
        return Reply()

    with http_server(answer) as server:
        drain(store, hook(server.url, drain=1000.0), edges=replace(EDGES, now=lambda: NOW + 500))
    assert stages(store).count("accepted") == len(seen) == 49
    assert stages(store).count("unknown") == 1


# How much at a time


def test_no_more_is_marked_as_being_sent_than_the_workers_and_a_few(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(60)))
    most: list[int] = []

    def answer(_: Got) -> Reply:
        eyes = Store.open(store.directory)
        most.append(len(eyes.outbox.deliveries([Stage.SENDING])))
        eyes.close()
        return Reply()

    with http_server(answer) as server:
        drain(store, hook(server.url, workers=3, drain=1000.0))
    assert stages(store) == ["accepted"] * 60
    assert 3 <= max(most) <= 3 + AHEAD


def test_equal_bodies_go_together_up_to_what_the_drain_rate_allows(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(9)))
    put(store, "alone", body="{1}")
    with http_server(lambda _: Reply()) as server:
        drain(store, hook(server.url, many=True, drain=4.0), for_s=0.0)
        assert server.got == []
        drain(store, hook(server.url, many=True, drain=4.0), stop=lambda: False, for_s=0.5)
        assert [got.target for got in server.got] == ["/r0,r1,r2,r3"]
        drain(store, hook(server.url, many=True, drain=1000.0))
        assert sorted(got.target for got in server.got[1:]) == ["/alone", "/r4,r5,r6,r7,r8"]


def test_the_drain_rate_is_kept_over_runs_that_follow_one_another(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(9)))
    with http_server(lambda _: Reply()) as server:
        for _ in range(4):
            drain(store, hook(server.url, drain=5.0), for_s=0.05)
        assert len(server.got) == 5
        drain(store, hook(server.url, drain=5.0), for_s=0.05, edges=replace(EDGES, now=lambda: NOW + 1))
        assert len(server.got) == 9


@pytest.mark.parametrize(("rate", "took_s"), [(20.0, 4.0), (1.0, 99.0), (0.1, 990.0), (1000.0, 0.0)])
def test_no_more_is_sent_in_any_second_than_the_drain_rate_allows(store: Store, rate: float, took_s: float) -> None:
    """Time passes only while the feeder waits for more room."""
    put(store, *(f"r{n}" for n in range(100)), expires_at=NOW + 1e6)
    passed = [0.0]
    at: list[float] = []

    class Noting(posting.Post):
        def deliver(self, _: ReporterSettings, target: posting.Room, body: str) -> Any:
            at.append(passed[0])
            return super().deliver(_, target, body)

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    edges = replace(EDGES, monotonic=lambda: passed[0], sleep=sleep)
    drain(store, replace(Noting().reporter(drain=rate), name="hook"), edges=edges)
    assert stages(store) == ["accepted"] * 100
    span_s = max(1.0, 1 / rate)
    assert all(sum(1 for one in at if start <= one < start + span_s * 0.999) <= max(1, rate) for start in at)
    assert at[-1] == pytest.approx(took_s, abs=0.5)


def test_a_slow_answer_does_not_keep_the_drain_rate_from_being_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the first second hang until those of the next one have come."""
    monkeypatch.setattr(pacing, "LATEST_S", 0.0)
    put(store, *(f"r{n}" for n in range(6)))
    over = threading.Event()

    def answer(_: Got) -> Reply:
        if len(server.got) == 6:
            over.set()
        return Reply(200 if over.wait(SOON_S) else 400)

    with http_server(answer) as server:
        drain(store, hook(server.url, drain=3.0, workers=6, read_timeout=SOON_S, timeout=SOON_S))
    assert stages(store) == ["accepted"] * 6


@given(
    st.floats(0.05, 200, allow_nan=False),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 60), st.floats(0, 1), st.floats(0, 0.99)), max_size=40),
)
def test_a_pace_lets_no_more_arrive_in_any_span_than_its_rate(
    rate: float, steps: list[tuple[float, int, float, float]]
) -> None:
    """What is handed over begins a while later, and arrives at any moment between that and its end."""
    pace, now = Pace(rate), 0.0
    arrivals: list[tuple[float, int]] = []
    waiting: list[tuple[float, float, Start]] = []
    for passed, wanted, late_s, long_s in steps:
        now += passed
        for at, ends_at, start in waiting:
            start.at = at if at <= now else None
            start.ended_at = ends_at if ends_at <= now else None
        number = min(wanted, pace.room(now))
        if number:
            start = Start(number)
            pace.add(start)
            waiting.append((now + late_s, now + late_s + long_s, start))
            arrivals.append((now + late_s + long_s * (len(arrivals) % 3) / 2, number))
    for begin, _ in arrivals:
        within = sum(number for at, number in arrivals if begin <= at < begin + pace.span_s * 0.999999)
        assert within <= max(1, rate * pace.span_s + 1e-6)


@pytest.mark.parametrize(
    ("rate", "begun", "now", "room", "wait_s"),
    [
        (50.0, [], 0.0, 50, None),
        (2.0, [9.5], 10.0, 1, 0.5),
        (2.0, [9.5, 9.9], 10.0, 0, 0.5),
        (2.0, [8.9, 9.9], 10.0, 1, 0.9),
        (0.1, [], 0.0, 1, None),
        (0.1, [1.0], 10.0, 0, 1.0),
        (0.1, [1.0], 11.0, 1, None),
        (1.5, [], 0.0, 1, None),
    ],
)
def test_a_pace_counts_what_was_begun_before(
    rate: float, begun: list[float], now: float, room: int, wait_s: float | None
) -> None:
    pace = Pace(rate, begun)
    assert pace.room(now) == room
    assert pace.wait_s(now) == (None if wait_s is None else pytest.approx(wait_s))


# When to leave off


def test_nothing_new_is_begun_when_the_time_is_up_and_what_is_under_way_is_settled(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(50)))
    moment = [0.0]

    def answer(_: Got) -> Reply:
        moment[0] = 100.0
        return Reply()

    edges = replace(EDGES, monotonic=lambda: time.monotonic() + moment[0])
    with http_server(answer) as server:
        drain(store, hook(server.url, workers=2, timeout=1000.0), for_s=30.0, edges=edges)
        assert 1 <= len(server.got) <= 2 + AHEAD
    assert stages(store).count("accepted") == len(server.got)
    assert stages(store).count("sending") == 0


def test_one_that_is_told_to_stop_before_it_began_sends_nothing(store: Store) -> None:
    put(store, "a")
    with http_server(lambda _: Reply()) as server:
        assert drain(store, hook(server.url), stop=lambda: True).counts == {}
        assert server.got == []
    assert stages(store) == ["pending"]


def test_one_that_is_told_to_stop_leaves_in_time_and_knows_what_became_of_everything(store: Store) -> None:
    """Four hang, four more wait for a worker, all others were not begun."""
    put(store, *(f"r{n}" for n in range(20)))
    hanging = threading.Event()
    over = threading.Event()

    def answer(_: Got) -> Reply:
        if len(server.got) >= 4:
            hanging.set()
        over.wait(SOON_S)
        return Reply()

    with http_server(answer) as server:
        began = time.monotonic()
        drained = drain(store, hook(server.url, workers=4), stop=hanging.is_set)
        took = time.monotonic() - began
        over.set()
        assert len(server.got) == 4
    assert took < 5
    assert rooms(store, Stage.UNKNOWN) == ["r0", "r1", "r2", "r3"]
    assert stages(store).count("pending") == 16
    assert drained.counts == {"unknown": 4}
    # Those that only waited for a worker were never tried, and it says nothing of the receiver.
    assert [one.attempts for one in store.outbox.deliveries([Stage.PENDING])] == [0] * 16
    assert store.outbox.health(NOW).reporters["hook"].pause_until is None


def test_one_that_is_patient_waits_for_what_is_under_way_however_long_that_takes(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(20)))
    asked, is_heard = threading.Event(), threading.Event()

    def answer(_: Got) -> Reply:
        asked.set()
        is_heard.wait(SOON_S)
        # Longer than one that is not patient would wait.
        time.sleep(0.7)
        return Reply()

    def stop() -> bool:
        if asked.is_set():
            is_heard.set()
        return asked.is_set()

    with http_server(answer) as server:
        drained = drain(store, hook(server.url, workers=2), stop=stop, patient=True)
        assert drained.counts == {"accepted": len(server.got)}
    assert 1 <= len(server.got) <= 2 + AHEAD
    assert stages(store).count("pending") == 20 - len(server.got)


@pytest.mark.parametrize(
    ("status_code", "number", "lines"),
    [(200, 30, 0), (400, 20, 20), (400, 33, 21)],
    ids=["accepted", "refused", "many refused"],
)
def test_the_log_tells_of_what_went_wrong_and_not_of_each_of_many(
    store: Store, caplog: pytest.LogCaptureFixture, status_code: int, number: int, lines: int
) -> None:
    put(store, *(f"r{n}" for n in range(number)))
    with caplog.at_level(logging.INFO, "checkmill.run"), http_server(lambda _: Reply(status_code)) as server:
        drain(store, hook(server.url, drain=1000.0))
    told = [one.getMessage() for one in caplog.records if one.name == "checkmill.run"]
    assert len(told) == lines
    if number > 20 and lines:
        assert told[-1] == f"reporter hook: {number - 20} more were not accepted; see 'checkmill outbox list'"


def test_what_ends_in_the_moment_that_is_left_is_noted_as_it_ended(store: Store) -> None:
    put(store, "a")
    asked = threading.Event()

    def answer(_: Got) -> Reply:
        asked.set()
        time.sleep(0.05)
        return Reply()

    with http_server(answer) as server:
        drain(store, hook(server.url), stop=asked.is_set)
    assert stages(store) == ["accepted"]


def test_progress_is_told_with_every_turn(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(25)))
    heard: list[Progress] = []
    with http_server(lambda got: Reply(404 if got.target == "/r3" else 200)) as server:
        drain(store, hook(server.url, drain=1000.0), progress=heard.append)
    assert (heard[0].settled, heard[0].waiting, heard[0].counts) == (0, 25, {})
    assert all(one.settled + one.waiting == 25 for one in heard)
    assert [one.settled for one in heard] == sorted(one.settled for one in heard)
    assert heard[-1] == Progress(25, 0, {"accepted": 24, "refused": 1})


# When the outbox fails


class Failing(Outbox):
    """An outbox whose turns fail from one on, for so many times."""

    def __init__(self, store: Store, first: int, times: int) -> None:
        own = store.outbox
        super().__init__(own._connection, own._path, own._transaction)
        self._turns = 0
        self._failing = range(first, first + times)

    def turn(self, ended: Sequence[Ended], now: float, wanted: Any) -> Turn:
        self._turns += 1
        if self._turns in self._failing:
            raise StoreError("state.db cannot be used: database or disk is full")
        return super().turn(ended, now, wanted)


@pytest.mark.parametrize("times", [1, 3])
def test_an_outbox_that_cannot_be_written_for_a_moment_loses_no_outcome(store: Store, times: int) -> None:
    put(store, *(f"r{n}" for n in range(30)))
    told: list[str] = []
    with http_server(lambda _: Reply()) as server:
        drain(store, hook(server.url, workers=2), outbox=Failing(store, 3, times), told=told)
        sent = len(server.got)
    assert stages(store).count("accepted") == sent
    assert stages(store).count("pending") == 30 - sent > 0
    assert set(told) == {"nothing more is reported: state.db cannot be used: database or disk is full"}


def test_an_outbox_that_cannot_be_written_any_more_begins_nothing_and_says_what_it_does_not_know(store: Store) -> None:
    put(store, *(f"r{n}" for n in range(30)))
    told: list[str] = []
    with http_server(lambda _: Reply()) as server:
        drain(store, hook(server.url, workers=2), outbox=Failing(store, 2, 99), told=told)
        assert len(server.got) == 2 + AHEAD
    assert stages(store).count("sending") == 2 + AHEAD
    lost = f"what became of {2 + AHEAD} deliveries could not be noted; the next run takes it for unknown"
    assert lost in told
    assert store.outbox.recover(NOW) == {"unknown": 2 + AHEAD}


def test_an_outbox_that_cannot_be_written_at_first_sends_nothing(store: Store) -> None:
    put(store, "a")
    told: list[str] = []
    with http_server(lambda _: Reply()) as server:
        drain(store, hook(server.url), outbox=Failing(store, 1, 99), told=told)
        assert server.got == []
    assert stages(store) == ["pending"]
    assert told == ["nothing more is reported: state.db cannot be used: database or disk is full"]


def test_a_disk_that_is_full_in_the_middle_of_a_drain_is_told_and_all_that_was_sent_is_unknown_at_worst(
    store: Store,
) -> None:
    put(store, *(f"r{n}" for n in range(60)), body="x" * 3000)
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    answered: list[str] = []

    def answer(got: Got) -> Reply:
        answered.append(got.target[1:])
        return Reply(body=b"x" * 3000)

    # SQLite's own way to have no room.
    store._connection.execute(f"PRAGMA max_page_count = {pages + 3}")
    told: list[str] = []
    with http_server(answer) as server:
        drain(store, hook(server.url, workers=2, drain=1000.0), told=told)
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert any("full" in sentence for sentence in told)
    assert sorted(rooms(store, Stage.SENDING, Stage.ACCEPTED)) == sorted(answered)
    store.outbox.recover(NOW)
    assert sorted(rooms(store, Stage.UNKNOWN, Stage.ACCEPTED)) == sorted(answered)
    assert 0 < len(answered) < 60


def test_a_target_that_is_none_of_its_reporter_any_more_keeps_no_other_one_waiting(store: Store) -> None:
    put(store, "", "b")
    with http_server(lambda _: Reply()) as server:
        drain(store, hook(server.url))
    assert stages(store) == ["pending", "accepted"]


def test_what_is_being_sent_is_never_begun_by_another_feeder(store: Store) -> None:
    put(store, "a")
    assert len(store.outbox.turn([], NOW, {"hook": Room(1, 1)}).begun) == 1
    with http_server(lambda _: Reply()) as server:
        drain(store, hook(server.url))
        assert server.got == []
