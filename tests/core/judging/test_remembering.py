"""What is gone stays expected for a while: what is remembered, told and forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.errors import ConnectError, LoginError
from checkmill.model.memory import Memory
from checkmill.model.rule import Expect, Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import (
    HOUR,
    NOW,
    Check,
    above,
    expected,
    hosts,
    judged,
    lines,
    metric,
    rule,
    source,
    tolerating,
)

REFUSED = ConnectError("shop.example:443 refused the connection")


def watched(**fields: Any) -> Check:
    check = Check(rule(each="host", **fields))
    check.judged(hosts(1, 2))
    return check


def test_a_host_that_is_gone_is_unknown_without_configuration() -> None:
    assert lines(watched().judged(hosts(1), at=NOW + 300)) == [
        "OK check web-1: cpu 1%",
        "UNKNOWN check web-2: host web-2 is gone; last seen 5m ago, OK then",
    ]


def test_a_host_that_is_back_is_well() -> None:
    check = watched()
    check.judged(hosts(1), at=NOW + 300)
    assert lines(check.judged(hosts(1, 2), at=NOW + 600)) == ["OK check web-1: cpu 1%", "OK check web-2: cpu 2%"]


@pytest.mark.parametrize(
    ("hours", "is_expected"), [(23.9, True), (24, True), (24.1, False)], ids=["before", "at", "after"]
)
def test_a_host_that_is_gone_is_forgotten_after_a_day_of_good_answers(hours: float, is_expected: bool) -> None:
    check = watched()
    check.judged(hosts(1), at=NOW + 60)
    results = check.judged(hosts(1), at=NOW + 60 + hours * HOUR)
    assert [one.labels["host"] for one in results] == (["web-1", "web-2"] if is_expected else ["web-1"])


@pytest.mark.parametrize(
    "answer",
    [REFUSED, [], [Sample.missing("HTTP 500")], hosts(None)],
    ids=["failed", "empty", "only missing", "one without value"],
)
def test_nothing_is_forgotten_by_what_is_no_good_answer(answer: Any) -> None:
    check = watched()
    check.judged(hosts(1), at=NOW + HOUR)
    for hour in range(2, 60):
        assert "check web-2" in [one.service for one in check.judged(answer, at=NOW + hour * HOUR)]
    results = check.judged(hosts(1), at=NOW + 60 * HOUR)
    assert lines(results)[1] == "UNKNOWN check web-2: host web-2 is gone; last seen 2d 12h ago, OK then"


def test_a_day_without_any_measurement_forgets_nothing() -> None:
    results = watched().judged(hosts(1), at=NOW + 48 * HOUR)
    assert lines(results)[1] == "UNKNOWN check web-2: host web-2 is gone; last seen 2d ago, OK then"


def test_an_empty_answer_is_told_as_such_to_every_known_service() -> None:
    assert lines(watched().judged([], at=NOW + 60)) == [
        "UNKNOWN check web-1: source shop answered without a single value; last seen 1m ago, OK then",
        "UNKNOWN check web-2: source shop answered without a single value; last seen 1m ago, OK then",
    ]


def test_another_clock_does_not_forget() -> None:
    check = watched()
    check.judged(hosts(1), at=NOW - 48 * HOUR)
    assert len(check.judged(hosts(1), at=NOW - 47 * HOUR)) == 2


def test_forgetting_is_as_quick_as_the_rule_says() -> None:
    check = watched(forget_s=60.0)
    check.judged(hosts(1), at=NOW + 10)
    assert len(check.judged(hosts(1), at=NOW + 71)) == 1


def test_another_selection_expects_nothing_of_the_old_one() -> None:
    check = watched()
    check.rule = rule(each="host", selection_digest="another")
    assert lines(check.judged(hosts(1), at=NOW + 60)) == ["OK check web-1: cpu 1%"]
    assert check.memory.selection_digest == "another"


def test_a_source_that_is_no_longer_asked_is_forgotten() -> None:
    check = Check(rule(each="host", sources=[source("seoul"), source("busan")]))
    check.judged(hosts(1), hosts(2))
    check.rule = rule(each="host", sources=[source("seoul")])
    assert lines(check.judged(hosts(1), at=NOW + 60)) == ["OK check web-1: cpu 1%"]


@pytest.mark.parametrize("count", [None, 1], ids=["a list", "a number"])
def test_what_a_rule_expects_itself_replaces_what_was_seen(count: int | None) -> None:
    check = watched(expect=Expect(count=count) if count else expected({"host": "web-1"}))
    assert not any("web-2" in one for one in lines(check.judged(hosts(1), at=NOW + 60)))


def test_the_last_good_state_is_one_that_was_measured() -> None:
    check = Check(rule(each="host", levels=above(90)))
    check.judged(hosts(95))
    check.judged(hosts(None), at=NOW + 60)
    check.judged(REFUSED, at=NOW + 120)
    assert lines(check.judged(REFUSED, at=NOW + 180)) == [
        f"UNKNOWN check web-1: source shop failed: connect: {REFUSED}; last good state CRITICAL, 3m ago"
    ]


def test_the_last_good_state_of_an_expected_value_is_told() -> None:
    check = watched(expect=expected({"host": "web-2"}))
    for minutes in (1, 2):
        results = check.judged(hosts(1), at=NOW + 60 * minutes)
    assert lines(results)[-1] == "UNKNOWN check web-2: host web-2 is expected and absent; last good state OK, 2m ago"


def test_a_login_that_fails_is_told_with_its_stage() -> None:
    assert lines(judged(rule(), LoginError("HTTP 401 from https://shop.example/open/api"))) == [
        "UNKNOWN check: source shop failed: login: HTTP 401 from https://shop.example/open/api"
    ]


def test_judging_remembers_nothing_by_itself() -> None:
    check: Rule = rule(each="host")
    memory = Memory()
    Check(check, memory).judged(hosts(1))
    assert memory == Memory()


# Several things behind one service

SERVER, DISK = ("host", "id", "project"), ("host", "id", "mount", "project")


def servers(*numbers: int, host: str = "", **labels: str) -> list[Sample]:
    return [Sample(5, host=host or f"web-{one}", id=str(one), project="p", **labels) for one in numbers]


@pytest.mark.parametrize("each", ["project", "tag"])
def test_of_what_merely_shares_a_service_each_may_come_and_go(each: str) -> None:
    of, tagged = metric(labels=SERVER), {"tag": "web"}
    check = Check(rule(of=of, each=each, levels=above(90), tolerate=tolerating("20%")))
    check.judged(servers(*range(1, 21), **tagged))
    later = check.judged(servers(*range(1, 20), **tagged), at=NOW + 60)
    assert [(one.state, one.output) for one in later] == [(State.OK, "19 hosts, cpu at most 5% (web-1)")]


@pytest.mark.parametrize(
    ("labels", "each", "parts"),
    [
        (SERVER, "host", [{}]),
        (DISK, "host", [{"mount": "/"}, {"mount": "/var"}]),
        (DISK, ("host", "mount"), [{"mount": "/"}]),
    ],
    ids=["hosts", "disks of hosts", "disks"],
)
def test_of_two_hosts_of_one_name_both_are_expected_to_stay(
    labels: tuple[str, ...], each: Any, parts: list[dict[str, str]]
) -> None:
    check = Check(rule(of=metric(labels=labels), each=each, levels=above(90)))
    check.judged([one for part in parts for one in servers(1, 2, host="web", **part)])
    (result,) = check.judged([one for part in parts for one in servers(2, host="web", **part)], at=NOW + 60)
    assert result.state is State.UNKNOWN
    assert "1 of 2 behind host web" in result.output


SITES = ("site", "host", "service", "sla", "period")


@pytest.mark.parametrize(
    ("labels", "each", "says"),
    [
        (SITES, ("host", "service"), "1 of 2 behind host h service s gone: site b"),
        (SITES, ("host", "service", "sla"), "1 of 2 behind host h service s sla gold gone: site b"),
        (("site", "sla"), "sla", "1 of 2 behind sla gold gone: site b"),
    ],
)
def test_a_site_that_drops_out_takes_no_trouble_with_it(labels: tuple[str, ...], each: Any, says: str) -> None:
    def of(site: str, value: float) -> Sample:
        values = {"site": site, "host": "h", "service": "s", "sla": "gold", "period": "sla:1"}
        return Sample(value, **{name: values[name] for name in labels})

    check = Check(rule(of=metric(labels=labels), each=each, levels=above(90)))
    (before,) = check.judged([of("a", 5), of("b", 95)])
    (after,) = check.judged([of("a", 5)], at=NOW + 60)
    assert (before.state, after.state) == (State.CRITICAL, State.UNKNOWN)
    assert says in after.output


def test_what_was_remembered_of_things_that_merely_share_a_service_is_dropped() -> None:
    check = Check(rule(of=metric(labels=SERVER), each="project"))
    check.judged(servers(1, 2))
    assert [one.members for one in check.memory.seen.values()] == [{}]
