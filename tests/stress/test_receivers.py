"""Receivers that misbehave: what each way ends in, and how often they are asked. CHECKMILL_STRESS=full: longer.

A feeder is called again and again, as impatiently as nobody would, on a clock that the test moves. What the receiver
got is counted by itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from checkmill.host import Host
from checkmill.model.delivery import Attempt, Delivery, Stage
from checkmill.model.rule import Rule
from checkmill.run import Run
from checkmill.steps.reading import read
from checkmill.store import Store
from support.batchmon import (
    Manner,
    Receiver,
    accepting,
    breaking_off,
    hanging_up,
    leaving_out_the_last,
    naming_others,
    refusing,
    resetting,
    scenario,
    silent,
    slowly,
    unreadable,
    with_status,
)
from support.commands import Desk
from support.simulated import SimulatedTime
from support.stress import scale
from support.whatap_vendor import APPKEY, CPU, TOKEN, Vendor, serving

ENVIRON = {"WHATAP_TOKEN": TOKEN, "NHN_APPKEY": APPKEY}
#: One delivery for each host, which is called like its scenario.
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", drain: 50/s<settings>}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: 90,
         report: [{to: nhn, scenario: "{{ labels.host }}", repeat_unknown: <repeat>}]}
"""
#: A body that is the same for all.
ALIKE = """, body: '{"state": {{ state | tojson }}}'"""
#: How long the feeder is called, and how often, in simulated seconds.
LASTING_S, EVERY_S = 600.0, scale(5, 1)
#: Waits before what failed is sent again: the shortest, by chance, and the longest.
SHORTEST_WAIT_S, LONGEST_WAIT_S = 2.5, 120.0
#: With waits twice as long each time, and chance at its shortest, no more fits into that time.
MOST_ATTEMPTS = 16


@dataclass
class Way:
    """How a receiver behaves, and what comes of one attempt; `code` and `words` are what is kept of its answer."""

    manner: Manner
    outcome: str
    code: str = ""
    words: str = ""
    prepare: Callable[[Receiver], object] = lambda _: None
    retry_after_s: float = 0.0
    settings: str = ""
    lasting_s: float = LASTING_S


def rude(receiver: Receiver) -> None:
    receiver.is_rude = True


WAYS = {
    "accepts": Way(accepting, "accepted", "0"),
    "accepts slowly": Way(slowly(0.15), "accepted", "0"),
    "refuses with a code and text": Way(
        refusing(-40012, "DATA IS NOT WANTED"), "refused", "-40012", "DATA IS NOT WANTED"
    ),
    "refuses with status 400 as well": Way(refusing(-4, "BAD DATA", 400), "refused", "-4", "BAD DATA"),
    "404": Way(with_status(404), "refused", words="404"),
    "302": Way(with_status(302, Location="/elsewhere"), "refused", words="302"),
    "429 with Retry-After": Way(with_status(429, Retry_After="200"), "not sent", words="429", retry_after_s=200.0),
    "429": Way(with_status(429), "not sent", words="429"),
    "503 with Retry-After": Way(with_status(503, Retry_After="45"), "not sent", words="503", retry_after_s=45.0),
    "503": Way(with_status(503), "not sent", words="503"),
    "connection refused": Way(accepting, "not sent", words="refused", prepare=Receiver.down),
    "500": Way(with_status(500), "unknown", words="500"),
    "502": Way(with_status(502), "unknown", words="502"),
    "504 with Retry-After": Way(with_status(504, Retry_After="45"), "unknown", words="504"),
    "half an answer": Way(breaking_off, "unknown", words="broke off"),
    "closes after reading": Way(hanging_up, "unknown", words="broke off"),
    "resets after reading": Way(resetting, "unknown"),
    "resets before reading": Way(accepting, "unknown", prepare=rude),
    "names wrong ids": Way(naming_others, "unknown", "0", words="does not name scenario"),
    "leaves an id out": Way(leaving_out_the_last, "unknown", "0", words="does not name scenario"),
    "a page instead of an answer": Way(unreadable, "unknown", words="JSON"),
    "never answers": Way(silent, "unknown", settings=", timeout: 500ms", lasting_s=120.0),
}


@dataclass
class Feed:
    """A feeder, its outbox and its receiver, on a clock of the test's."""

    home: Path
    vendor: Vendor
    receiver: Receiver
    time: SimulatedTime = field(default_factory=SimulatedTime)
    store: Store = field(init=False)
    runner: Run = field(init=False)
    rules: list[Rule] = field(init=False)

    @contextmanager
    def open(self, hosts: Sequence[str], settings: str = "", *, repeat: bool = False) -> Iterator[Feed]:
        """Measure once: a delivery for each host."""
        self.vendor.show(CPU, dict.fromkeys(hosts, 42.5))
        self.receiver.clock = self.time.passed_s
        self.store = Store.open(self.home / "state")
        try:
            self.read(settings, repeat=repeat)
            self.runner.measured(self.rules, report=True)
            yield self
        finally:
            self.store.close()

    def read(self, settings: str = "", *, repeat: bool = False) -> None:
        """Read the rules, with settings of the reporter's."""
        desk = Desk(self.home, ENVIRON)
        words = {"settings": settings, "repeat": str(repeat).lower()}
        desk.write(RULES, url=self.vendor.url, nhn=self.receiver.url, **words)
        book = read(desk.checks_dir, Host(), ENVIRON)
        self.rules = list(book.rules(book.drafts))
        assert book.problems == []
        self.runner = Run(book, self.store, self.time.edges(ENVIRON, seed=7))

    def send(self) -> Mapping[str, int]:
        counts = self.runner.send_deliveries(self.rules)
        assert self.runner.trouble.sentences == []
        return counts

    def keep_sending(self, lasting_s: float, every_s: float = EVERY_S) -> None:
        """Send again and again."""
        until = self.time.passed_s() + lasting_s
        while self.time.passed_s() < until:
            at = self.time.passed_s()
            self.send()
            self.time.leap_to(at + every_s)

    @property
    def deliveries(self) -> list[Delivery]:
        return self.store.outbox.deliveries()

    def attempts(self) -> dict[int, Sequence[Attempt]]:
        return {one.id: self.store.outbox.history(one.id) for one in self.deliveries}

    def requests(self) -> int:
        """How many posts the receiver read, or connections it was rude to."""
        return self.receiver.connections if self.receiver.is_rude else len(self.receiver.posts)


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    vendor = Vendor()
    with serving(vendor), Receiver() as receiver:
        yield Feed(tmp_path, vendor, receiver)


def gaps(attempts: Sequence[Attempt]) -> list[float]:
    return [later.at - earlier.at for earlier, later in pairwise(attempts)]


@pytest.mark.parametrize(
    ("name", "repeat"),
    [
        *(pytest.param(name, False, id=name) for name in WAYS),
        *(pytest.param(name, True, id=f"{name}, repeated") for name, way in WAYS.items() if way.outcome == "unknown"),
    ],
)
def test_each_way_has_its_outcome_and_no_hot_loop(
    feed: Feed, name: str, capsys: pytest.CaptureFixture[str], *, repeat: bool
) -> None:
    way = WAYS[name]
    feed.receiver.manner = way.manner
    way.prepare(feed.receiver)
    with feed.open([scenario(1)], way.settings, repeat=repeat) as fed:
        fed.keep_sending(way.lasting_s)
        (delivery,) = fed.deliveries
        attempts = fed.attempts()[delivery.id]
        requests = fed.requests()
    with capsys.disabled():
        print(f"\n{name}, repeat_unknown {repeat}: {delivery.stage.value} after {len(attempts)} attempts", end="")

    assert {one.outcome for one in attempts} == {way.outcome}
    assert {one.code for one in attempts} == {way.code}
    assert all(way.words in one.message for one in attempts), attempts[0].message
    assert [one.number for one in attempts] == list(range(1, len(attempts) + 1))
    assert requests == (0 if name == "connection refused" else len(attempts))
    match way.outcome:
        case "accepted":
            assert (delivery.stage, len(attempts)) == (Stage.ACCEPTED, 1)
        case "refused":
            assert (delivery.stage, len(attempts)) == (Stage.REFUSED, 3)
        case "unknown" if not repeat:
            assert (delivery.stage, len(attempts)) == (Stage.UNKNOWN, 1)
        case _:
            assert delivery.stage is Stage.PENDING
            assert 3 <= len(attempts) <= MOST_ATTEMPTS
    assert all(gap >= max(SHORTEST_WAIT_S, way.retry_after_s) for gap in gaps(attempts))
    # What is due is found the next time that somebody looks.
    longest_s = max(LONGEST_WAIT_S, way.retry_after_s)
    assert all(gap <= longest_s + EVERY_S + 2 for gap in gaps(attempts))


@pytest.mark.parametrize(
    ("name", "stage", "attempts"),
    [
        ("accepts", "accepted", 1),
        ("refuses with a code and text", "refused", 2),
        ("503", "pending", 5),
        ("500", "unknown", 1),
    ],
)
def test_runs_of_cron_end_in_what_the_outbox_lists(
    tmp_path: Path, feed: Feed, name: str, stage: str, attempts: int
) -> None:
    feed.receiver.manner = WAYS[name].manner
    feed.vendor.show(CPU, {scenario(1): 42.5})
    desk = Desk(tmp_path, dict(ENVIRON))
    desk.write(RULES, url=feed.vendor.url, nhn=feed.receiver.url, settings=", tries: 2, keep: all", repeat="false")
    desk("run")
    for _ in range(4):
        desk.clock.now += 200.0
        desk("outbox flush")

    (listed,) = desk("outbox list --all --format json").json

    assert (listed["stage"], listed["attempts"], len(feed.receiver.posts)) == (stage, attempts, attempts)
    assert (listed["code"], listed["outcome"]) == (WAYS[name].code, WAYS[name].outcome)
    assert WAYS[name].words in listed["message"]


@pytest.mark.parametrize("retries", [0, 2, 5])
@pytest.mark.parametrize("name", ["503", "500", "resets after reading", "refuses with a code and text"])
def test_retries_of_the_driver_repeat_no_post(feed: Feed, name: str, retries: int) -> None:
    feed.receiver.manner = WAYS[name].manner
    with feed.open([scenario(1)], f", retries: {retries}") as fed:
        fed.send()

    assert len(feed.receiver.posts) == 1


def test_of_a_multiple_post_each_scenario_has_its_own_outcome(feed: Feed) -> None:
    feed.receiver.manner = leaving_out_the_last
    with feed.open([scenario(1), scenario(2), scenario(3)], ALIKE) as fed:
        fed.keep_sending(120.0)
        stages = {json.loads(one.target)["scenario"]: one.stage for one in fed.deliveries}

    (post,) = feed.receiver.posts
    assert post.is_multiple
    assert [stages[one] for one in post.scenarios] == [Stage.ACCEPTED, Stage.ACCEPTED, Stage.UNKNOWN]


def test_one_scenario_that_is_not_there_keeps_no_other_from_being_told(feed: Feed) -> None:
    feed.receiver.unknown = {scenario(2)}
    with feed.open([scenario(1), scenario(2), scenario(3)], ALIKE) as fed:
        fed.keep_sending(120.0)
        stages = {json.loads(one.target)["scenario"]: one.stage for one in fed.deliveries}

    got = Counter(one for post in feed.receiver.posts for one in post.scenarios)
    assert stages == {scenario(1): Stage.ACCEPTED, scenario(2): Stage.REFUSED, scenario(3): Stage.ACCEPTED}
    assert got == {scenario(1): 1, scenario(3): 1}
    # The multiple post, the single one it was split into, and two more tries.
    assert feed.receiver.refused == 4


#: Receivers that give no answer, and what they leave of what they got.
DEAD = {
    "connection refused": Stage.PENDING,
    "503": Stage.PENDING,
    "429 with Retry-After": Stage.PENDING,
    "resets after reading": Stage.UNKNOWN,
    "resets before reading": Stage.UNKNOWN,
    "closes after reading": Stage.UNKNOWN,
    "never answers": Stage.UNKNOWN,
}
WAITING = scale(150, 1000)
#: What is under way when it shows that nobody answers: the workers, twice. Who says "not now" may mean some of it only,
#: and is believed after two seconds.
IN_THE_BEGINNING, NOT_NOW = 2 * 8, 2 * 50


@pytest.mark.parametrize("name", DEAD)
def test_a_receiver_that_does_not_answer_is_probed_and_not_stormed(
    feed: Feed, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    way, left = WAYS[name], DEAD[name]
    feed.receiver.manner = way.manner
    way.prepare(feed.receiver)
    hosts = [scenario(number) for number in range(1, WAITING + 1)]
    with feed.open(hosts, way.settings) as fed:
        fed.keep_sending(way.lasting_s)
        dead = fed.attempts()
        asked = sum(map(len, dead.values()))
        stages = Counter(one.stage for one in fed.deliveries)
        assert set(stages) == {Stage.PENDING, left}
        assert asked <= IN_THE_BEGINNING + MOST_ATTEMPTS + (NOT_NOW if name == "503" else 0)
        feed.receiver.manner = accepting
        feed.receiver.is_rude = False
        feed.receiver.down()
        feed.receiver.up()
        fed.read()
        before = len(feed.receiver.posts)
        fed.keep_sending(LONGEST_WAIT_S + way.retry_after_s + 60.0)
        healed = Counter(one.stage for one in fed.deliveries)
    with capsys.disabled():
        print(f"\n{name}: {WAITING} waiting, {asked} attempts in {way.lasting_s / 60:g} minutes", end="")

    got = Counter(one for post in feed.receiver.posts[before:] for one in post.scenarios)
    unknown = stages[Stage.UNKNOWN]
    assert healed == Counter({Stage.ACCEPTED: WAITING - unknown, Stage.UNKNOWN: unknown})
    assert set(got.values()) == {1}
    assert len(got) == WAITING - unknown
