"""What an operator configures of a reporter, and what `run` says when deliveries do not get through as they should."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from support.commands import Desk
from support.loopback import Got, Reply
from support.whatap_vendor import CPU, Batchmon, Vendor, as_json, serving

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, <settings>}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90},
         report: [{to: nhn, scenario: "scenario-{{ labels.host }}", repeat_unknown: <repeat>}]}
"""
HOSTS = ("web-1", "web-2", "web-3", "web-4")
NOT_NOW = as_json({}, 503)


@pytest.fixture
def feed(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> Any:
    """Write the rules, with settings of the reporter."""
    vendor.show(CPU, dict.fromkeys(HOSTS, 42.5))

    def write(settings: str = "keep: latest", repeat: str = "false") -> Desk:
        desk.write(RULES, url=vendor.url, nhn=batchmon.url, settings=settings, repeat=repeat)
        return desk

    return write


def stages(desk: Desk) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in desk("outbox list --all --format json").json:
        found[one["stage"]] = found.get(one["stage"], 0) + 1
    return found


def minutes(desk: Desk, number: int = 1) -> list[int]:
    """Run every minute; gives the exit codes."""
    codes = []
    for _ in range(number):
        codes.append(desk("run").code)
        desk.clock.now += 60
    return codes


def test_only_the_newest_state_is_sent_after_an_outage(feed: Any, vendor: Vendor, batchmon: Batchmon) -> None:
    desk = feed("keep: latest")
    batchmon.reply = NOT_NOW
    assert minutes(desk, 3) == [0, 0, 0]
    batchmon.reply = None
    vendor.show(CPU, {**dict.fromkeys(HOSTS, 42.5), "web-1": 95})
    desk.clock.now += 600
    assert minutes(desk) == [0]
    assert sorted(batchmon.states()) == [
        ("scenario-web-1", "CRITICAL"),
        *((f"scenario-{host}", "OK") for host in HOSTS[1:]),
    ]
    assert stages(desk) == {"superseded": 12, "accepted": 4}


def test_all_states_are_sent_in_their_order_after_an_outage(feed: Any, vendor: Vendor, batchmon: Batchmon) -> None:
    desk = feed("keep: all")
    batchmon.reply = NOT_NOW
    for value in (42.5, 95, 85):
        vendor.show(CPU, {"web-1": value})
        minutes(desk)
    batchmon.reply = None
    desk.clock.now += 600
    vendor.show(CPU, {"web-1": 42.5})
    desk("outbox flush")
    assert desk("outbox flush").out == "nothing was due\n"
    told = [state for scenario, state in batchmon.states() if scenario == "scenario-web-1"]
    assert told == ["OK", "CRITICAL", "WARNING"]


def test_what_is_refused_is_sent_again_and_laid_aside_after_its_tries(feed: Any, batchmon: Batchmon) -> None:
    desk = feed("tries: 3")
    batchmon.unknown = {"scenario-web-2"}
    desk("run")
    asked = len(batchmon.requests)
    for _ in range(4):
        desk.clock.now += 200
        desk("outbox flush")
    assert len(batchmon.requests) - asked == 2
    assert stages(desk) == {"accepted": 3, "refused": 1}
    (refused,) = desk("outbox list --format json").json
    assert (refused["code"], refused["message"], refused["attempts"]) == ("-4", "NO SCENARIO", 3)


def test_what_is_refused_every_minute_is_shown_as_refused(feed: Any, batchmon: Batchmon) -> None:
    desk = feed("tries: 3")
    batchmon.unknown = {"scenario-web-2"}
    minutes(desk, 3)
    assert stages(desk) == {"accepted": 9, "refused": 2, "pending": 1}


def test_a_full_backlog_is_told_and_the_run_exits_with_3(feed: Any, batchmon: Batchmon) -> None:
    desk = feed("backlog: 3")
    batchmon.reply = NOT_NOW
    ran = desk("run")
    assert ran.code == 3
    assert "reporter nhn: its backlog is full, and 1 delivery was dropped, the oldest first" in ran.err
    assert stages(desk) == {"dropped": 1, "pending": 3}


def test_a_backlog_that_takes_too_much_room_is_told(feed: Any, batchmon: Batchmon) -> None:
    desk = feed("keep: all, backlog_size: 1kB")
    batchmon.reply = NOT_NOW
    assert minutes(desk, 4)[-1] == 3
    sizes = [len(one["body"].encode()) for one in desk("outbox list --format json --stage pending").json]
    assert sum(sizes) <= 1000


def test_what_grew_too_old_is_told_and_not_sent(feed: Any, batchmon: Batchmon) -> None:
    desk = feed("expires: 5m")
    batchmon.reply = NOT_NOW
    desk("run")
    batchmon.reply = None
    desk.clock.now += 301
    flushed = desk("outbox flush")
    assert "4 expired" in flushed.out + flushed.err
    assert batchmon.states() == []
    assert stages(desk) == {"expired": 4}


def test_expiry_in_a_run_is_told(feed: Any, vendor: Vendor, batchmon: Batchmon) -> None:
    desk = feed("expires: 5m, keep: all")
    batchmon.reply = NOT_NOW
    desk("run")
    batchmon.reply = None
    desk.clock.now += 301
    ran = desk("run")
    assert re.search(r"4 (deliveries )?(have )?expired", ran.err)
    assert len(batchmon.states()) == 4


@pytest.mark.parametrize(("repeat", "stage", "posts"), [("false", "unknown", 1), ("true", "accepted", 2)])
def test_an_unknown_outcome_is_repeated_only_where_the_target_says_so(
    feed: Any, vendor: Vendor, batchmon: Batchmon, repeat: str, stage: str, posts: int
) -> None:
    vendor.show(CPU, {"web-1": 42.5})
    desk = feed("tries: 1", repeat)
    batchmon.reply = as_json({}, 500)
    desk("run")
    batchmon.reply = None
    desk.clock.now += 60
    desk("outbox flush")
    assert stages(desk) == {stage: 1}
    assert len(batchmon.requests) == posts


def test_a_receiver_that_is_down_is_asked_once_a_run_by_one_delivery(feed: Any, batchmon: Batchmon) -> None:
    desk = feed("workers: 1, drain: 1000/s")
    batchmon.reply = lambda got: Reply(502) if got else Reply()
    desk("run")
    first = len(batchmon.requests)
    for number in range(1, 6):
        desk.clock.now += 240
        desk("run")
        assert len(batchmon.requests) == first + number
    batchmon.reply = None
    desk.clock.now += 240
    desk("run")
    assert sorted(scenario for scenario, _ in batchmon.states()) == [f"scenario-{host}" for host in HOSTS]


def test_one_that_limits_its_rate_gets_the_rest_with_the_next_runs(feed: Any, batchmon: Batchmon) -> None:
    """The receiver takes two posts a minute, and says 429 to all others."""
    desk = feed("expires: 1d")
    taken: list[str] = []

    def limited(got: Got) -> Reply:
        if len(taken) < 2 and "appkey" in got.target:
            taken.append(got.target)
            batchmon.reply = None
            try:
                return batchmon.answer(got)
            finally:
                batchmon.reply = limited
        return Reply(429)

    batchmon.reply = limited
    for _ in range(3):
        desk("outbox flush") if batchmon.taken else desk("run")
        desk.clock.now += 600
        taken.clear()
    assert desk("outbox list --format json --stage pending").json == []


def test_a_clock_that_was_ahead_does_not_keep_deliveries_waiting(feed: Any, batchmon: Batchmon) -> None:
    desk = feed()
    batchmon.reply = NOT_NOW
    desk.clock.now += 86400 * 365
    desk("run")
    desk.clock.now -= 86400 * 365
    batchmon.reply = None
    assert "4 accepted" in desk("outbox flush").out


# What others do beside the runs


def test_what_check_measures_takes_no_delivery_back(feed: Any, vendor: Vendor, batchmon: Batchmon) -> None:
    """The failure waits, and nobody would tell of it any more."""
    vendor.show(CPU, {"web-1": 95})
    desk = feed()
    batchmon.reply = NOT_NOW
    desk("run")
    vendor.show(CPU, {"web-1": 42.5})
    desk.clock.now += 100
    assert desk("check cpu").code == 0
    batchmon.reply = None
    assert "1 accepted" in desk("outbox flush").out
    assert batchmon.states() == [("scenario-web-1", "CRITICAL")]


def test_an_ok_that_check_knows_better_waits_for_the_next_run(feed: Any, vendor: Vendor, batchmon: Batchmon) -> None:
    vendor.show(CPU, {"web-1": 42.5})
    desk = feed()
    batchmon.reply = NOT_NOW
    desk("run")
    vendor.show(CPU, {"web-1": 95})
    desk.clock.now += 100
    assert desk("check cpu").code == 2
    batchmon.reply = None
    assert desk("outbox flush").out.startswith("nothing was due\n1 waits")
    assert batchmon.states() == []
    desk.clock.now += 60
    desk("run")
    assert batchmon.states() == [("scenario-web-1", "CRITICAL")]
    assert stages(desk) == {"superseded": 1, "accepted": 1}


def test_a_run_of_another_checks_directory_sends_what_is_its_own(
    feed: Any, tmp_path: Path, batchmon: Batchmon, vendor: Vendor
) -> None:
    desk = feed()
    batchmon.reply = NOT_NOW
    desk("run")
    batchmon.reply = None
    other = Desk(tmp_path / "other", desk.environ)
    other.clock.now = desk.clock.now + 60
    elsewhere = Batchmon()
    with serving(elsewhere):
        other.write(RULES, url=vendor.url, nhn=elsewhere.url, settings="keep: latest", repeat="false")
        other(["--state-dir", str(desk.state_dir), "outbox", "flush"])
        assert elsewhere.states() == []
    desk.clock.now += 60
    assert "4 accepted" in desk("outbox flush").out


def test_naming_a_reporter_asks_it_again_at_once(feed: Any, batchmon: Batchmon) -> None:
    desk = feed("workers: 1, drain: 1000/s, expires: 1d")
    batchmon.reply = Reply(503, headers={"Retry-After": "999999999"})
    desk("run")
    asked = len(batchmon.requests)
    batchmon.reply = None
    desk.clock.now += 60
    desk("outbox flush")
    assert len(batchmon.requests) == asked
    desk.clock.now += 2700
    assert "4 accepted" in desk("outbox flush --reporter nhn").out
