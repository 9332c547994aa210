"""What is counted: all servers or those of each group, the silent and the never heard, and what cannot be told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkmill.api.v1 import NoQuery, Request, Response, Sample, StatusError
from checkmill.testing import play
from checkmill_nezha.fleet import RESTARTED
from checkmill_nezha.inventory import INVENTORY
from checkmill_nezha.settings import Servers
from plugins.nezha.documented import DETAILS, ENTRY, LIST, NEVER, NOW, Vendor, samples, success, v0, v1


def entry(number: int, tag: str = "", age: float | None = 5, **more: Any) -> dict[str, Any]:
    """An entry of the list: `age` None for never."""
    stamp = NEVER if age is None else int(NOW - age)
    return {**ENTRY, "id": number, "name": f"s{number}", "tag": tag, "last_active": stamp, **more}


FLEET = [
    entry(1, "web"),
    entry(2, "web", 59),
    entry(3, "db", 3600),
    entry(4, "db", None),
    entry(5, "", 300),
    entry(6, "db"),
]


def counts(name: str, rows: list[Any], **query: Any) -> list[tuple[Any, str | None, str]]:
    """Value, group and reason of each sample."""
    found = samples(name, {LIST: success(*rows)}, **query)
    assert {label for sample in found for label in sample.labels} <= {"tag"}
    return [(sample.value, sample.labels.get("tag"), sample.reason) for sample in found]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("servers", 6, ""),
        ("inactive_agents", 3, "s3 60 min ago, s4 never, s5 5 min ago"),
        ("inactive_share", 50.0, "s3 60 min ago, s4 never, s5 5 min ago"),
        ("never_reported", 1, "s4 never"),
    ],
)
def test_all_servers_are_one_number(name: str, value: float, reason: str) -> None:
    assert counts(name, FLEET) == [(value, None, reason)]
    assert counts(name, FLEET[::-1]) == [(value, None, reason)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("servers", [(1, "(no tag)", ""), (3, "db", ""), (2, "web", "")]),
        (
            "inactive_agents",
            [(1, "(no tag)", "s5 5 min ago"), (2, "db", "s3 60 min ago, s4 never"), (0, "web", "")],
        ),
        (
            "inactive_share",
            [(100.0, "(no tag)", "s5 5 min ago"), (66.666667, "db", "s3 60 min ago, s4 never"), (0.0, "web", "")],
        ),
        ("never_reported", [(0, "(no tag)", ""), (1, "db", "s4 never"), (0, "web", "")]),
    ],
)
def test_each_group_is_a_number(name: str, expected: list[Any]) -> None:
    assert counts(f"tag_{name}", FLEET) == expected


def test_one_group_may_be_asked_for() -> None:
    assert counts("inactive_agents", FLEET, tag="db") == [(2, None, "s3 60 min ago, s4 never")]
    assert counts("tag_inactive_agents", FLEET, tag="web") == [(0, "web", "")]


@pytest.mark.parametrize(("after", "value"), [(10.0, 4), (60.0, 3), (600.0, 2), (86400.0, 1)])
def test_when_an_agent_is_inactive_is_configured(after: float, value: int) -> None:
    assert counts("inactive_agents", FLEET, stale_after=after)[0][0] == value
    assert samples("inactive_agents", {LIST: success(*FLEET)}, v0(stale_after=after))[0].value == value


def test_a_limit_equal_to_the_age_is_fine() -> None:
    assert counts("inactive_agents", [entry(1, age=60)]) == [(0, None, "")]
    assert counts("inactive_agents", [entry(1, age=61)])[0][0] == 1


def test_many_names_are_cut() -> None:
    rows = [entry(0 + number, age=None) for number in range(1, 10)] + [entry(99)]
    assert counts("never_reported", rows) == [(9, None, "s1 never, s2 never, s3 never, s4 never, s5 never, ...")]


# A dashboard that was restarted, or has nothing.


@pytest.mark.parametrize("name", ["inactive_agents", "inactive_share", "never_reported"])
@pytest.mark.parametrize("query", [{}, {"tag": "web"}], ids=["all", "a group"])
def test_when_nobody_has_reported_the_dashboard_was_restarted(name: str, query: dict[str, str]) -> None:
    rows = [entry(number, "web", None) for number in (1, 2)]
    assert counts(name, rows, **query) == [(None, None, RESTARTED)]
    assert counts(f"tag_{name}", rows, **query) == [(None, "web", RESTARTED)]
    assert counts("servers", rows, **query) == [(2, None, "")]


@pytest.mark.parametrize("name", ["inactive_agents", "never_reported"])
def test_a_group_that_never_reported_beside_one_that_did_is_no_restart(name: str) -> None:
    rows = [entry(1, "web"), entry(2, "db", None)]
    assert counts(f"tag_{name}", rows) == [(1, "db", "s2 never"), (0, "web", "")]


@pytest.mark.parametrize(
    ("whole", "outcome"),
    [
        ([entry(1, "web"), entry(2, "db", None)], (1, None, "s2 never")),
        ([entry(1, "web", None), entry(2, "db", None)], (None, None, RESTARTED)),
        ([], (None, None, RESTARTED)),
        (503, (None, None, RESTARTED)),
    ],
    ids=["others report", "nobody reports", "nobody is there", "nobody knows"],
)
@pytest.mark.parametrize("name", ["inactive_agents", "never_reported"])
def test_when_a_group_never_reported_the_others_are_looked_at(name: str, whole: Any, outcome: Any) -> None:
    """Asked for alone, it cannot tell a restart from agents that do not run."""

    def answer(request: Request) -> Response:
        if request.params:
            return Response(status=200, body=json.dumps(success(entry(2, "db", None))).encode())
        if isinstance(whole, int):
            raise StatusError("HTTP 503", status=whole)
        return Response(status=200, body=json.dumps(success(*whole)).encode())

    vendor = Vendor({LIST: answer})
    found = samples(name, vendor, tag="db")
    assert [(one.value, one.labels.get("tag"), one.reason) for one in found] == [outcome]
    assert vendor.paths == [f"{LIST}?tag=db", LIST]


def test_a_dashboard_without_servers_has_none_and_nothing_is_well() -> None:
    assert counts("servers", []) == [(0, None, "")]
    for name in ("inactive_agents", "inactive_share", "never_reported"):
        assert counts(name, []) == [(None, None, "the dashboard has no server")]
    for name in ("tag_servers", "tag_inactive_agents"):
        assert counts(name, []) == []
    for name in ("cpu", "agent_age"):
        assert samples(name, {LIST: success(), DETAILS: success()}) == []


# Doubts.


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        (
            "inactive_agents",
            [entry(1, age=600), entry(2, last_active="soon")],
            [
                (None, "s2: its last_active should be epoch seconds, but is text: soon"),
                (1, "s1 10 min ago"),
            ],
        ),
        (
            "inactive_agents",
            [entry(1), entry(2, last_active=None), entry(3, last_active=None)],
            [(None, "s2: its last_active should be epoch seconds, but is null (and 1 more)")],
        ),
        (
            "inactive_share",
            [entry(1, age=600), entry(2, last_active=None)],
            [(None, "s2: its last_active should be epoch seconds, but is null")],
        ),
        (
            "never_reported",
            [entry(1, age=None), entry(2, last_active=None)],
            [(None, "s2: its last_active should be epoch seconds, but is null"), (1, "s1 never")],
        ),
        ("servers", [entry(1), entry(2, last_active=None)], [(2, "")]),
    ],
)
def test_what_cannot_be_told_is_missing_beside_what_is_sure(name: str, rows: list[Any], expected: list[Any]) -> None:
    assert [(value, reason) for value, _, reason in counts(name, rows)] == expected


def test_a_server_that_never_reported_is_inactive_whatever_the_clocks_say() -> None:
    rows = [entry(1, age=-7200), entry(2, age=None)]
    found = counts("inactive_agents", rows)
    assert found[0][2].startswith("s1: clock skew: its last report lies 2 h in the future")
    assert found[1] == (1, None, "s2 never")


# The inventory.


def entities(rows: list[Any], settings: Any = None) -> list[Sample]:
    fleet = play(INVENTORY.dataset.flow(settings or v0(), Servers()), Vendor({LIST: success(*rows)}), NOW, session="x")
    return [one for one in INVENTORY.entities(fleet, NoQuery()) if isinstance(one, Sample)]


def test_the_inventory_lists_each_server_with_its_group() -> None:
    assert [one.labels for one in entities(FLEET[3:])] == [
        {"host": "s4", "id": "4", "tag": ("db",)},
        {"host": "s5", "id": "5", "tag": ("(no tag)",)},
        {"host": "s6", "id": "6", "tag": ("db",)},
    ]


def test_servers_of_one_name_are_found_by_either_of_their_names() -> None:
    rows = [entry(1, "a", name="web"), entry(2, "b", name="web")]
    assert [one.labels["host"] for one in entities(rows)] == [("web (id 1)", "web"), ("web (id 2)", "web")]


def test_an_entry_that_names_no_server_leaves_the_inventory_open() -> None:
    assert [one.is_missing for one in entities([entry(1), None])] == [True, False]


def test_a_server_of_several_groups_has_all_of_them() -> None:
    found = entities([], v1())
    assert [one.labels["tag"] for one in found] == [("eu", "db"), ("db",)]
    assert INVENTORY.key == "id"
