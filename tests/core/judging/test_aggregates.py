"""Aggregates: one value of all samples of a service, judged once; what is missing leaves it open, unless it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.model.errors import ConnectError
from checkmill.model.levels import Levels
from checkmill.model.rule import Expect
from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import NOW, above, below, hosts, judged, lines, metric, rule, source, within

GONE = Sample.missing("HTTP 500")
PERCENT = metric(minimum=0, maximum=100)
ANY = metric("temperature", "C")
NEVER_NEGATIVE = metric("sessions", "", minimum=0)


@pytest.mark.parametrize(
    ("how", "levels", "values", "expected"),
    [
        ("avg", above(80), (83.2, 83.2), "CRITICAL avg of 2 hosts: cpu 83.2% above 80%"),
        ("avg", above(80, 60), (60, 80), "WARNING avg of 2 hosts: cpu 70% above 60%"),
        ("avg", above(80), (80, 80, 80), "OK avg of 3 hosts: cpu 80%"),
        ("avg", above(80), (0,), "OK avg of 1 host: cpu 0%"),
        ("max", above(80), (3, 99, 5), "CRITICAL max of 3 hosts: cpu 99% above 80%"),
        ("min", below(5), (3, 99, 5), "CRITICAL min of 3 hosts: cpu 3% below 5%"),
        ("sum", above(100), (60, 40.5), "CRITICAL sum of 2 hosts: cpu 100.5% above 100%"),
        ("count", above(2), (0, 0, 0), "CRITICAL count of hosts: 3 above 2"),
        ("count", below(4, 6), (1, 2, 3, 4), "WARNING count of hosts: 4 below 6"),
        ("p50", above(5), (1, 9), "OK p50 of 2 hosts: cpu 5%"),
        ("p50", above(5), (1, 2, 9), "OK p50 of 3 hosts: cpu 2%"),
        ("p95", within("0:90"), tuple(range(101)), "CRITICAL p95 of 101 hosts: cpu 95% outside 0% to 90%"),
        ("avg", None, (1, 2), "OK avg of 2 hosts: cpu 1.5%"),
        ("max", above(80), (), "UNKNOWN source shop answered without a single value"),
    ],
)
def test_one_value_is_judged(how: str, levels: Levels | None, values: tuple[float, ...], expected: str) -> None:
    found = judged(rule(levels=levels, aggregate=how), hosts(*values))
    assert lines(found) == [expected.replace(" ", " check: ", 1)]


@pytest.mark.parametrize(
    ("of", "how", "levels", "values", "state"),
    [
        (ANY, "max", above(80), (90, GONE), State.CRITICAL),
        (ANY, "max", above(80), (50, GONE), State.UNKNOWN),
        (ANY, "max", below(80), (50, GONE), State.UNKNOWN),
        (ANY, "min", below(5), (3, GONE), State.CRITICAL),
        (ANY, "min", above(1), (3, GONE), State.UNKNOWN),
        (PERCENT, "min", above(1), (3, GONE), State.UNKNOWN),
        (NEVER_NEGATIVE, "sum", above(80), (90, GONE), State.CRITICAL),
        (ANY, "sum", above(80), (90, GONE), State.UNKNOWN),
        (NEVER_NEGATIVE, "sum", below(100), (90, GONE), State.UNKNOWN),
        (PERCENT, "sum", below(200), (90, GONE), State.CRITICAL),
        (ANY, "count", above(1), (1, 1, GONE), State.CRITICAL),
        (ANY, "count", below(5), (1, 1, GONE), State.CRITICAL),
        (ANY, "count", below(3), (1, 1, GONE), State.UNKNOWN),
        (ANY, "avg", above(80), (99, 99, GONE), State.UNKNOWN),
        (PERCENT, "avg", above(80), (99, 99, GONE), State.UNKNOWN),
        (PERCENT, "avg", above(60), (99, 99, GONE), State.CRITICAL),
        (PERCENT, "p50", above(80), (99, 98, 97, GONE), State.CRITICAL),
        (PERCENT, "p50", above(80), (99, GONE, GONE), State.UNKNOWN),
        (ANY, "p95", above(80), (99, GONE), State.UNKNOWN),
        (ANY, "max", within("10:20"), (30, GONE), State.CRITICAL),
        (ANY, "max", within("@10:20"), (15, GONE), State.UNKNOWN),
        (ANY, "max", Levels(above(80).above, below(10).below), (90, GONE), State.CRITICAL),
        (ANY, "max", above(80), (GONE, GONE), State.UNKNOWN),
        (ANY, "max", above(90, 80), (85, GONE), State.UNKNOWN),
    ],
)
def test_a_missing_value_leaves_it_unknown_unless_the_rest_decides(
    of: Any, how: str, levels: Levels, values: tuple[Any, ...], state: State
) -> None:
    (result,) = judged(rule(of=of, levels=levels, aggregate=how), hosts(*values))
    assert result.state is state
    assert "without value" in result.output


@pytest.mark.parametrize(
    ("how", "levels", "state"),
    [("sum", below(200), State.UNKNOWN), ("avg", above(60), State.UNKNOWN), ("max", above(60), State.CRITICAL)],
)
def test_a_project_that_is_missing_may_hold_any_number_of_values(how: str, levels: Levels, state: State) -> None:
    samples = [*hosts(99, 99, project="p"), Sample.missing("HTTP 401", project="q")]
    of = metric(labels=("host", "project"), minimum=0, maximum=100)
    assert judged(rule(of=of, levels=levels, aggregate=how), samples)[0].state is state


def test_the_text_leads_with_what_decides() -> None:
    check = rule(levels=above(80), aggregate="max")
    assert [result.output for result in judged(check, hosts(97, 5, GONE))] == [
        "max of 2 hosts: cpu 97% above 80%; 1 without value: web-3 (HTTP 500)"
    ]
    assert [result.output for result in judged(check, hosts(7, 5, GONE))] == [
        "1 without value: web-3 (HTTP 500); max of 2 hosts: cpu 7%"
    ]


def test_a_source_that_failed_leaves_it_unknown_unless_the_rest_decides() -> None:
    check = rule(levels=above(80), aggregate="avg", sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(99), ConnectError("refused"))) == [
        "UNKNOWN check: source busan failed: connect: refused; avg of 1 host: cpu 99% above 80%"
    ]
    check = rule(levels=above(80), aggregate="max", sources=[source("seoul"), source("busan")])
    assert lines(judged(check, hosts(99), ConnectError("refused"))) == [
        "CRITICAL check: max of 1 host: cpu 99% above 80%; source busan failed: connect: refused"
    ]


def test_what_is_expected_and_absent_leaves_the_rest_open_too() -> None:
    check = rule(levels=below(80), aggregate="avg", expect=Expect(count=3), on_missing=State.WARNING)
    (result,) = judged(check, hosts(9, 9))
    assert (result.state, result.output) == (
        State.UNKNOWN,
        "avg of 2 hosts: cpu 9% below 80%; 2 of 3 expected hosts",
    )


def test_there_is_one_for_each_service() -> None:
    of = metric(labels=("host", "project"))
    samples = [*hosts(10, 30, project="p"), *hosts(90, 92, project="q")]
    assert lines(judged(rule(of=of, levels=above(80), aggregate="avg", each="project"), samples)) == [
        "OK check p: avg of 2 hosts: cpu 20%",
        "CRITICAL check q: avg of 2 hosts: cpu 91% above 80%",
    ]


def test_the_graph_shows_the_one_value_under_its_own_name() -> None:
    (result,) = judged(rule(of=PERCENT, levels=above(80, 70), aggregate="avg"), hosts(10, 20))
    (perf,) = result.perfdata
    assert (perf.label, perf.value, perf.unit, str(perf.warn), str(perf.crit)) == ("cpu_avg", 15, "%", "~:70", "~:80")
    (result,) = judged(rule(of=PERCENT, levels=above(80), aggregate="count"), hosts(10, 20))
    (perf,) = result.perfdata
    assert (perf.label, perf.value, perf.unit, perf.min, perf.max) == ("cpu_count", 2, "", 0, None)


def test_details_list_what_it_was_made_of() -> None:
    (result,) = judged(rule(levels=above(80), aggregate="avg"), hosts(10, 90, GONE))
    assert result.details == "web-3: HTTP 500\nweb-2: 90%\nweb-1: 10%"


def test_templates_see_the_one_value() -> None:
    check = rule(levels=above(80.0), aggregate="avg", text_template="{{ value }} {{ unit }} {{ limit }} {{ count }}")
    assert judged(check, hosts(90, 92))[0].output == "91.0 % 80.0 2"


def test_words_can_be_counted() -> None:
    of = metric("agent", "", states={"active": State.OK, "inactive": State.CRITICAL})
    found = judged(rule(of=of, levels=above(1), aggregate="count"), hosts("inactive", "inactive"))
    assert lines(found) == ["CRITICAL check: count of hosts: 2 above 1"]


@pytest.mark.parametrize("on_stale", [State.UNKNOWN, State.WARNING, State.CRITICAL, State.OK])
def test_a_stale_sample_is_no_part_of_it(on_stale: State) -> None:
    check = rule(levels=above(80), aggregate="avg", max_age_s=60.0, on_stale=on_stale)
    (result,) = judged(check, [Sample(10, host="a"), Sample(99, host="b", at=NOW - 90)])
    assert (result.state, result.perfdata[0].value) == (on_stale, 10)


def test_what_no_number_can_hold_is_unknown() -> None:
    (result,) = judged(rule(levels=above(80), aggregate="sum"), hosts(1.7e308, 1.7e308))
    assert (result.state, result.output) == (State.UNKNOWN, "sum of 2 hosts: cpu sum is too large to be a number")
