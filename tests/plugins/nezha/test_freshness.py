"""The gate before every figure: silent servers, those that never reported, a dashboard that was restarted."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import Sample
from checkmill_nezha.fleet import RESTARTED
from checkmill_nezha.metrics import NEZHA
from plugins.nezha.documented import (
    DETAILS,
    ENTRY,
    HOST,
    LIST,
    NEVER,
    NEVER_SERVER,
    NO_HOST,
    NO_STATUS,
    NOW,
    REPORTED,
    SERVER,
    STATUS,
    figure,
    only,
    samples,
    server,
    success,
    v0,
)

FIGURES = [one.name for one in NEZHA.metrics if one.dataset.name == "server_details"]
WITH_ALL = {"host": {**HOST, "GPU": ["NVIDIA A2"]}, "status": {**STATUS, "GPU": 5}}
OTHER = server(9, "alive", **WITH_ALL)


def of_server1(name: str, row: dict[str, Any], **more: Any) -> list[Sample]:
    """What a metric gives for one entry beside a live server."""
    found = samples(name, {DETAILS: success(row, OTHER), LIST: success(row, OTHER)}, **more)
    assert any(not sample.is_missing and sample.labels.get("id") == "9" for sample in found)
    return [sample for sample in found if sample.labels.get("id") != "9"]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (61, "its last report is 61 s old, so its figures are too"),
        (7 * 86400, "its last report is 7 d old, so its figures are too"),
    ],
)
def test_a_silent_server_has_no_value_but_a_reason(name: str, age: int, reason: str) -> None:
    row = server(last_active=int(NOW) - age, **WITH_ALL)
    assert of_server1(name, row) == [Sample.missing(reason, host="Server1", id="1")]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("age", [0, 59, 60])
def test_a_server_that_reported_lately_has_its_value(name: str, age: int) -> None:
    found = of_server1(name, server(last_active=int(NOW) - age, **WITH_ALL))
    assert found
    assert all(not sample.is_missing and sample.at == NOW - age for sample in found)


@pytest.mark.parametrize("stamp", [NEVER, 0, -1, NEVER - 1, -(1 << 62)])
def test_a_server_that_never_reported_has_no_value(stamp: int) -> None:
    for name in FIGURES:
        (found,) = of_server1(name, server(last_active=stamp, **WITH_ALL))
        assert found.is_missing
        assert found.reason == "never reported since the dashboard started"


@pytest.mark.parametrize("name", FIGURES)
def test_the_zeros_of_a_server_that_never_reported_are_no_values(name: str) -> None:
    (found,) = of_server1(name, {**NEVER_SERVER, "id": 1, "name": "Server1"})
    assert found.is_missing
    assert found.reason.removeprefix("Server1: ") == "never reported since the dashboard started"


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_before_the_restart_do_not_count_until_a_report_comes(name: str) -> None:
    """The host part may be there already while no report is."""
    row = {**server(last_active=NEVER, **WITH_ALL), "status": NO_STATUS}
    assert all(sample.is_missing for sample in of_server1(name, row))


@pytest.mark.parametrize("name", FIGURES)
def test_a_half_filled_entry_has_values_of_what_is_there(name: str) -> None:
    """The status may be live while the machine is not described yet."""
    (found, *_) = of_server1(name, server(host=NO_HOST))
    described = {"memory_used", "disk_used", "disk_free", "disk_free_bytes", "load1_per_core", "agent_version"}
    optional = {"swap_used", "swap_used_bytes", "gpu"}
    assert found.is_missing == (name in described | optional)


@pytest.mark.parametrize(
    ("stamp", "says"),
    [
        (None, "null"),
        (True, "true"),
        ("1653015042", "text: 1653015042"),
        (1653015042.5, "1653015042.5"),
        ([1653015042], "a list of 1"),
        ((1 << 53) + 1, str((1 << 53) + 1)),
        (1 << 2000, "a number of 2001 bits"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_time_that_is_none_leaves_no_value(stamp: Any, says: str) -> None:
    reason = f"its last_active should be epoch seconds, but is {says}"
    for name in (*FIGURES, "agent_age"):
        found = of_server1(name, server(last_active=stamp, **WITH_ALL))
        assert found == [Sample.missing(reason, host="Server1", id="1")]


def test_milliseconds_for_seconds_lie_in_the_future() -> None:
    (found,) = of_server1("cpu", server(last_active=REPORTED * 1000))
    assert found.reason.startswith("clock skew: its last report lies ")


@pytest.mark.parametrize("name", FIGURES)
def test_after_a_restart_the_reason_is_the_dashboard(name: str) -> None:
    rows = [server(number, f"s{number}", last_active=NEVER, **WITH_ALL) for number in (1, 2, 3)]
    found = samples(name, {DETAILS: success(*rows)})
    assert [sample.reason for sample in found] == [RESTARTED] * 3


@pytest.mark.parametrize("name", ["cpu", "agent_age", "inactive_agents"])
def test_one_server_in_doubt_is_no_restart(name: str) -> None:
    rows = [{**ENTRY, "last_active": NEVER}, {**ENTRY, "id": 2, "name": "b", "last_active": None}]
    found = samples(name, {DETAILS: success(*rows), LIST: success(*rows)})
    assert all(RESTARTED not in sample.reason for sample in found)


@pytest.mark.parametrize("name", ["cpu", "memory_used", "uptime"])
@pytest.mark.parametrize(
    ("settings", "query", "fresh"),
    [
        ({}, {}, False),
        ({"stale_after": 600.0}, {}, True),
        ({}, {"stale_after": 600.0}, True),
        ({"stale_after": 600.0}, {"stale_after": 10.0}, False),
    ],
    ids=["by default", "of the source", "of the rule", "the rule's goes before"],
)
def test_how_old_a_report_may_be_is_configured(
    name: str, settings: dict[str, Any], query: dict[str, Any], fresh: bool
) -> None:
    found = figure(name, server(last_active=int(NOW) - 300), settings=v0(**settings), **query)
    assert only(found).is_missing is not fresh


@pytest.mark.parametrize("name", ["agent_age"])
@pytest.mark.parametrize(("age", "value"), [(0, 0.0), (61, 61.0), (7 * 86400, 604800.0)])
def test_the_age_itself_passes_the_gate(name: str, age: int, value: float) -> None:
    found = only(samples(name, {LIST: success({**ENTRY, "last_active": int(NOW) - age})}))
    assert (found.value, found.labels, found.at) == (value, {"host": "Server1", "id": "1"}, NOW)


def test_a_server_that_never_reported_has_no_age() -> None:
    found = samples("agent_age")
    assert found[1] == Sample.missing("never reported since the dashboard started", host="Server2", id="2")
    assert SERVER["last_active"] == REPORTED
