"""The first line of a service, compared whole: reason first, what, value, limit, how many of how many."""

from __future__ import annotations

import math
from typing import Any

import pytest

from checkmill.model.levels import Levels, Range
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.steps.judging.amounts import duration, plural, shown_limit, shown_range, shown_value
from support.rules import above, below, hosts, judged, lines, metric, rule, source, within

DISK = metric("disk_used", labels=("host", "id", "mount", "project"))
STATUS = metric("server_status", "", ("host",), states={"up": State.OK, "slow": State.WARNING, "down": State.CRITICAL})
WHOLE = metric("failed", "", ())
COUNT = metric("inactive_agents", "", ("project",))


def mount(value: Any, host: str, mount: str) -> Sample:
    return Sample(value, host=host, mount=mount, id=f"id of {host}", project="p")


@pytest.mark.parametrize(
    ("of", "levels", "samples", "expected"),
    [
        (metric(), above(90), hosts(97.2), "CRITICAL web-1: cpu 97.2% above 90%"),
        (metric(), above(90), hosts(35.0), "OK web-1: cpu 35%"),
        (metric(), above(90), hosts(97.2, 12, 99), "CRITICAL 2 of 3 hosts above 90%: web-3 99%, web-1 97.2%"),
        (
            metric(),
            above(90, 80),
            hosts(85, 91, 12, 81),
            "CRITICAL 1 of 4 hosts above 90%: web-2 91%; 2 above 80%: web-1 85%, web-4 81%",
        ),
        (
            metric(),
            above(10),
            hosts(*range(11, 18)),
            "CRITICAL 7 of 7 hosts above 10%: web-7 17%, web-6 16%, web-5 15%, web-4 14%, web-3 13%, ...",
        ),
        (metric(), above(90), hosts(35, 72.25, 3), "OK 3 hosts, cpu at most 72.2% (web-2)"),
        (metric(), below(1), hosts(35, 72.25, 3), "OK 3 hosts, cpu at least 3% (web-3)"),
        (metric(), below(40), hosts(35, 72.25, 3), "CRITICAL 2 of 3 hosts below 40%: web-3 3%, web-1 35%"),
        (metric(), within("10:40"), hosts(5, 20, 50), "CRITICAL 2 of 3 hosts outside 10% to 40%: web-3 50%, web-1 5%"),
        (metric(), None, hosts(5, 20), "OK 2 hosts, cpu at most 20% (web-2)"),
        (
            metric(),
            above(90),
            hosts(97, Sample.missing("HTTP 500")),
            "CRITICAL 1 of 2 hosts above 90%: web-1 97%; 1 without value: web-2 (HTTP 500)",
        ),
        (
            metric(),
            above(90),
            hosts(7, Sample.missing("HTTP 500"), math.nan),
            "UNKNOWN 2 of 3 hosts without value: web-2 (HTTP 500), web-3 (nan is no value)",
        ),
        (
            metric(),
            above(90),
            [*hosts(95, 2), Sample.missing("login: HTTP 401", project="p7")],
            "CRITICAL 1 of 2 hosts above 90%: web-1 95%; cpu has no value for project p7: login: HTTP 401",
        ),
        (STATUS, None, hosts("up", "up", "up"), "OK 3 hosts: 3 up"),
        (STATUS, None, hosts("up", "down", "slow"), "CRITICAL 1 of 3 hosts down: web-2; 1 slow: web-3"),
        (STATUS, None, hosts("down"), "CRITICAL web-1: server_status down"),
        (STATUS, None, hosts("up", "odd"), "UNKNOWN 1 of 2 hosts 'odd', a word without a meaning: web-2"),
        (COUNT, above(0), [Sample(3, project="shop")], "CRITICAL inactive_agents 3 above 0"),
        (
            WHOLE,
            above(0),
            [Sample.missing("1 of 5 not carried out: web"), Sample(3)],
            "CRITICAL failed 3 above 0; without value: 1 of 5 not carried out: web",
        ),
        (
            WHOLE,
            above(5),
            [Sample(3), Sample.missing("1 of 5 not carried out: web")],
            "UNKNOWN without value: 1 of 5 not carried out: web; failed 3",
        ),
        (
            WHOLE,
            above(5),
            [Sample.missing("b is late"), Sample.missing("c is late")],
            "UNKNOWN without value: b is late; without value: c is late",
        ),
        (
            COUNT,
            above(0),
            [Sample(3, project="shop"), Sample(0, project="pay")],
            "CRITICAL 1 of 2 projects above 0: shop 3",
        ),
        (
            DISK,
            above(90),
            [mount(97, "web-1", "/var"), mount(9, "web-1", "/"), mount(91, "db-1", "/var")],
            "CRITICAL 2 of 3 mounts above 90%: web-1 /var 97%, db-1 /var 91%",
        ),
        (metric(labels=()), above(90), [Sample(97), Sample(1)], "CRITICAL 1 of 2 values above 90%: 97%"),
        (metric("free", "B"), below(20 * 2**30), hosts(5.5 * 2**30), "CRITICAL web-1: free 5.5 GiB below 20 GiB"),
        (metric("free", "B"), below(2e9), hosts(1.5e9), "CRITICAL web-1: free 1.5 GB below 2 GB"),
        (metric("rate", "B/s"), above(1e6), hosts(3e6), "CRITICAL web-1: rate 3 MB/s above 1 MB/s"),
        (metric("age", "s"), above(3600), hosts(3601), "CRITICAL web-1: age 1h 1s above 1h"),
        (metric("rate", "bit/s"), above(1000), hosts(12345.678), "CRITICAL web-1: rate 12346 bit/s above 1000 bit/s"),
    ],
    ids=lambda value: value.split(" ", 1)[1][:50] if isinstance(value, str) else "",
)
def test_the_text_leads_with_the_reason(
    of: Metric, levels: Levels | None, samples: list[Sample], expected: str
) -> None:
    assert lines(judged(rule(of=of, levels=levels), samples)) == [expected.replace(" ", " check: ", 1)]


def test_hosts_of_one_name_are_told_apart_by_as_little_as_it_takes() -> None:
    of = metric(labels=("host", "id", "project"))
    samples = [
        Sample(91, host="web", id="1", project="a"),
        Sample(92, host="web", id="2", project="b"),
        Sample(93, host="db", id="3", project="b"),
        Sample(94, host="twin", id="4", project="b"),
        Sample(95, host="twin", id="5", project="b"),
    ]
    (result,) = judged(rule(of=of, levels=above(90)), samples)
    assert result.output == "5 of 5 hosts above 90%: twin 5 95%, twin 4 94%, db 93%, web b 92%, web a 91%"


def test_several_sources_are_named_where_hosts_have_the_same_name() -> None:
    check = rule(levels=above(90), sources=[source("seoul"), source("busan")])
    (result,) = judged(check, hosts(91, 5), hosts(92))
    assert result.output == "2 of 3 hosts above 90%: web-1 busan 92%, web-1 seoul 91%"


def test_what_the_vendor_says_of_a_value_stands_behind_the_limit_that_it_broke() -> None:
    sample = Sample(4)
    sample.reason = "web-1 an hour ago, web-2 never"
    assert lines(judged(rule(of=metric("inactive_agents", "", ()), levels=above(1)), [sample])) == [
        "CRITICAL check: inactive_agents 4 above 1: web-1 an hour ago, web-2 never"
    ]


def test_details_list_every_sample_worst_first() -> None:
    samples = hosts(5, 97.2, Sample.missing("HTTP 500"), 85)
    (result,) = judged(rule(levels=above(90, 80)), samples)
    assert result.details.splitlines() == [
        "[CRITICAL] web-2: 97.2% above 90%",
        "[UNKNOWN] web-3: HTTP 500",
        "[WARNING] web-4: 85% above 80%",
        "[OK] web-1: 5%",
    ]


def test_details_have_an_end() -> None:
    (result,) = judged(rule(levels=above(1000)), hosts(*range(500)))
    assert len(result.details.splitlines()) == 201
    assert result.details.endswith("\n... and 300 more")


def test_a_line_break_of_a_vendor_does_not_break_the_line() -> None:
    (result,) = judged(rule(), [Sample.missing("no\nanswer\r\n\tat all", host="web-1")])
    assert result.output == "cpu has no value for web-1: no answer at all"


@pytest.mark.parametrize(
    ("value", "unit", "limit", "expected"),
    [
        (90.04, "%", 90.0, "90.04%"),
        (89.96, "%", 90.0, "89.96%"),
        (97.26, "%", 97.25, "97.3%"),
        (97.23, "%", 97.25, "97.2%"),
        (90.00000000000001, "%", 90.0, "90.00000000000001%"),
        (20 * 2**30 + 1, "B", 20 * 2**30, "20.000000001 GiB"),
        (2**30 - 1, "B", 2**30, "1023.999999 MiB"),
        (3600.5, "s", 3600, "3600.5s"),
        (3665, "s", 3661, "1h 1m 5s"),
        (86400 * 3 + 1, "s", 86400 * 3, "3d 1s"),
        (9.999, "s", 10, "9.999s"),
        (0.1 + 0.2, "", 0.3, "0.30000000000000004"),
        (-0.001, "", 0, "-0.001"),
    ],
    ids=repr,
)
def test_a_value_never_looks_equal_to_the_limit_it_broke(value: float, unit: str, limit: float, expected: str) -> None:
    assert shown_value(value, unit, beside=limit) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0, "%", "0%"),
        (-0.0, "%", "0%"),
        (12.345, "%", "12.3%"),
        (1234.5, "", "1234"),
        (1e15, "", "1e+15"),
        (1e300, "", "1e+300"),
        (1e-9, "", "1e-09"),
        (0.00012345, "", "0.000123"),
        (1023, "B", "1023 B"),
        (1024, "B", "1 KiB"),
        (2**60, "B", "1024 PiB"),
        (-(2**20), "B", "-1 MiB"),
        (0, "B", "0 B"),
        (1.5, "bit/s", "1.5 bit/s"),
        ("down", "%", "down"),
        (None, "%", "no value"),
    ],
    ids=repr,
)
def test_values_are_short(value: Any, unit: str, expected: str) -> None:
    assert shown_value(value, unit) == expected


@pytest.mark.parametrize(
    ("limit", "unit", "expected"),
    [
        (90.0, "%", "90%"),
        (97.25, "%", "97.25%"),
        (99.9999, "%", "99.9999%"),
        (1.5 * 2**30, "B", "1.5 GiB"),
        (500e6, "B", "500 MB"),
        (5400, "s", "1h 30m"),
        (90061, "s", "1d 1h 1m 1s"),
        (0.25, "s", "0.25s"),
        (0, "s", "0s"),
        (-60, "s", "-1m"),
    ],
)
def test_limits_are_shown_in_full(limit: float, unit: str, expected: str) -> None:
    assert shown_limit(limit, unit) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5m", "outside 0s to 5m"), ("60:", "below 1m"), ("~:60", "above 1m"), ("@0:60", "inside 0s to 1m")],
)
def test_ranges_are_told_in_words(text: str, expected: str) -> None:
    written = text.replace("5m", "300")
    assert shown_range(Range.parse(written), "s") == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (0.1234, "0.123s"),
        (59.6, "1m"),
        (60, "1m"),
        (3599, "59m 59s"),
        (7500, "2h 5m"),
        (7201, "2h"),
        (273600, "3d 4h"),
        (-90, "-1m 30s"),
        (math.inf, "infs"),
    ],
    ids=repr,
)
def test_durations_are_read_at_a_glance(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("thing", "several"),
    [("host", "hosts"), ("process", "processes"), ("query", "queries"), ("key", "keys"), ("switch", "switches")],
)
def test_several_of_a_thing(thing: str, several: str) -> None:
    assert plural(thing) == several
