"""Dashboards of generation v1: what is left out is zero, times are texts, groups are tags, and a login ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkmill.api.v1 import ParseError, Sample
from checkmill_nezha.metrics import NEZHA
from plugins.nezha.documented import (
    GROUPS,
    NOW,
    REPORTED,
    SERVERS,
    V1_GROUP,
    V1_NEVER,
    V1_SERVER,
    Vendor,
    only,
    samples,
    v1,
)

LABELS = {"host": "Server1", "id": "1"}


def of_v1(name: str, *rows: Any, groups: Any = (V1_GROUP,), **more: Any) -> list[Sample]:
    """What a metric gives for some servers of generation v1."""
    settings = more.pop("settings", v1())
    answers = {SERVERS: {"success": True, "data": list(rows)}, GROUPS: {"success": True, "data": list(groups)}}
    return samples(name, answers, settings, **more)


def with_state(**state: Any) -> dict[str, Any]:
    return {**V1_SERVER, "state": {**V1_SERVER["state"], **state}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cpu", 0),
        ("memory_used", 25.0),
        ("memory_used_bytes", 2000),
        ("swap_used", 0.0),
        ("swap_used_bytes", 0),
        ("disk_used", 25.0),
        ("disk_free", 75.0),
        ("disk_free_bytes", 75000),
        ("net_in", 1000),
        ("net_out", 0),
        ("net_in_transfer", 10),
        ("net_out_transfer", 0),
        ("load1", 0.5),
        ("load15", 0),
        ("load1_per_core", 0.125),
        ("uptime", 331080),
        ("tcp_connections", 12),
        ("udp_connections", 0),
        ("processes", 99),
        ("temperature_max", 50),
        ("gpu", 80),
        ("agent_version", "1.4.1"),
    ],
)
def test_what_is_left_out_of_a_live_state_is_zero(name: str, value: Any) -> None:
    found = only(of_v1(name, V1_SERVER))
    assert (found.value, found.labels) == (value, LABELS)
    assert found.at == pytest.approx(REPORTED + 0.123457, abs=1e-5)


@pytest.mark.parametrize("name", ["cpu", "memory_used_bytes", "net_in", "uptime", "processes", "temperature_max"])
@pytest.mark.parametrize("state", [{}, None, [], "x", 7], ids=str)
def test_a_state_that_is_left_out_is_no_zero(name: str, state: Any) -> None:
    found = only(of_v1(name, {**V1_SERVER, "state": state}))
    assert found.is_missing


FIGURES = [one.name for one in NEZHA.metrics if one.dataset.name == "server_details" and one.name != "agent_version"]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    ("state", "lacking"),
    [
        ({"cpu_usage": 99, "memory": 5}, "mem_used and no uptime"),
        ({"CPU": 99, "MemUsed": 5, "Uptime": 7}, "mem_used and no uptime"),
        ({"mem_used": 2000}, "uptime"),
        ({"uptime": 7, "cpu": 3}, "mem_used"),
        ({"uptime": 0, "mem_used": 2000}, "uptime"),
        ({"uptime": True, "mem_used": 2000}, "uptime"),
        ({"uptime": 7, "mem_used": "2000"}, "mem_used"),
        ({"uptime": 7, "mem_used": float("nan")}, "mem_used"),
    ],
    ids=str,
)
def test_a_state_without_what_every_live_host_has_is_none(name: str, state: Any, lacking: str) -> None:
    host = {**V1_SERVER["host"], "gpu": ["NVIDIA A2"]}
    found = only(of_v1(name, {**V1_SERVER, "state": state, "host": host}))
    assert found.is_missing
    assert f"its state has no {lacking} above zero, as every live host has: an object with " in found.reason


@pytest.mark.parametrize("name", ["disk_used", "disk_free", "disk_used_bytes", "disk_free_bytes"])
def test_no_disk_is_empty(name: str) -> None:
    state = {key: value for key, value in V1_SERVER["state"].items() if key != "disk_used"}
    assert only(of_v1(name, {**V1_SERVER, "state": state})).reason == "it came without DiskUsed"


@pytest.mark.parametrize("name", ["memory_used", "disk_used", "disk_free_bytes"])
@pytest.mark.parametrize("host", [{}, None], ids=str)
def test_a_total_that_is_left_out_is_no_total(name: str, host: Any) -> None:
    found = only(of_v1(name, {**V1_SERVER, "host": host}))
    assert found.reason.endswith("is 0: the agent has not described its machine yet, or cannot")


def test_a_server_without_swap_is_left_out() -> None:
    host = {key: value for key, value in V1_SERVER["host"].items() if key != "swap_total"}
    assert of_v1("swap_used", {**V1_SERVER, "host": host}) == []


@pytest.mark.parametrize(
    ("gpu", "outcome"),
    [
        ([12.5, 80], 80),
        ([7], 7),
        ([0], 0),
        ([], None),
        (None, None),
        ([1, "x"], "GPU should be a number, but is a list of 2"),
        ([True], "GPU should be a number, but is a list of 1"),
        ({"a": 1}, "GPU should be a number, but is an object with a"),
        ([1 << 2000], "GPU should be a number, but is a number of 2001 bits"),
        ([101], "GPU is 101 %, more than the whole"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_of_several_gpus_the_busiest_counts(gpu: Any, outcome: Any) -> None:
    host = {**V1_SERVER["host"], **({"gpu": ["NVIDIA A2"]} if gpu else {})}
    found = of_v1("gpu", {**with_state(gpu=gpu), "host": host})
    if outcome is None:
        assert found == []
    else:
        assert (only(found).reason if only(found).is_missing else only(found).value) == outcome


@pytest.mark.parametrize(
    ("stamp", "age"),
    [
        ("2022-05-20T02:50:42Z", 8.0),
        ("2022-05-20T10:50:42+08:00", 8.0),
        ("2022-05-19T16:50:42.5-10:00", 7.5),
        ("2022-05-20T02:50:42.123456789Z", 7.877),
    ],
)
def test_a_time_is_read_with_its_offset(stamp: str, age: float) -> None:
    found = only(of_v1("agent_age", {**V1_SERVER, "last_active": stamp}))
    assert found.value == pytest.approx(age, abs=0.001)


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00Z", "0001-01-01T08:05:43+08:05", "0000-12-31T16:00:00-08:00"])
def test_the_zero_time_is_never(stamp: str) -> None:
    row = {**V1_SERVER, "last_active": stamp}
    assert of_v1("never_reported", row, {**V1_SERVER, "id": 5}) == [_counted(1, "Server1 (id 1) never")]
    missing = of_v1("cpu", row, {**V1_SERVER, "id": 5})[0]
    assert missing.reason == "never reported since the dashboard started"


def _counted(value: float, reason: str) -> Sample:
    sample = Sample(value)
    sample.reason = reason
    return sample


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        "",
        1653015042,
        True,
        "2022-05-20T02:50:42",
        "2022-05-20 02:50:42Z",
        "20220520T025042Z",
        "2022-13-20T02:50:42Z",
        "2022-05-20T25:50:42Z",
        "yesterday",
        ["2022-05-20T02:50:42Z"],
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["cpu", "agent_age", "inactive_agents"])
def test_a_time_that_is_none_leaves_no_value(name: str, stamp: Any) -> None:
    found = only(of_v1(name, {**V1_SERVER, "last_active": stamp}))
    assert found.is_missing
    assert "its last_active " in found.reason


def test_a_silent_server_has_no_value_in_this_generation_either() -> None:
    found = only(of_v1("cpu", V1_SERVER, at=REPORTED + 3600.0))
    assert found == Sample.missing("its last report is 60 min old, so its figures are too", **LABELS)  # type: ignore[arg-type]


# Groups.


def test_servers_are_counted_in_each_of_their_groups() -> None:
    groups = [
        V1_GROUP,
        {"group": {"id": 2, "name": "db"}, "servers": [1, 2]},
        {"group": {"name": "empty"}, "servers": None},
    ]
    rows = [V1_SERVER, V1_NEVER, {**V1_SERVER, "id": 3, "name": "alone"}]
    by_tag = of_v1("tag_servers", *rows, groups=groups)
    assert {one.labels["tag"]: one.value for one in by_tag} == {"(no tag)": 1, "db": 2, "eu": 1}
    assert only(of_v1("servers", *rows, groups=groups)).value == 3
    only_db = of_v1("tag_inactive_agents", *rows, groups=groups, tag="db")
    assert only(only_db).labels == {"tag": "db"}
    assert only(only_db).value == 1


@pytest.mark.parametrize("tag", ["empty", "Eu", "none"])
def test_a_group_without_servers_is_missing(tag: str) -> None:
    groups = [V1_GROUP, {"group": {"id": 2, "name": "empty"}, "servers": []}]
    found = only(of_v1("inactive_agents", V1_SERVER, groups=groups, tag=tag))
    assert found.reason == f"no server is in the group {tag!r}: it is empty, or its name is written differently"


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        "eu",
        {},
        {"group": None},
        {"group": {"id": 1}},
        {"group": {"name": 5}, "servers": []},
        {**V1_GROUP, "servers": 1},
        {"group": V1_GROUP["group"]},
    ],
    ids=str,
)
def test_a_group_that_is_none_leaves_no_tag_known(row: Any) -> None:
    with pytest.raises(ParseError, match="entry 2 of the server groups is no group with servers"):
        of_v1("cpu", V1_SERVER, groups=[V1_GROUP, row])


@pytest.mark.parametrize("member", [None, "1", "", 0, -1, True, 1.0, {"id": 2}, [2], 1 << 64], ids=str)
@pytest.mark.parametrize("name", ["cpu", "tag_servers", "tag_inactive_agents"])
def test_a_member_that_is_no_id_leaves_no_tag_known(name: str, member: Any) -> None:
    groups = [V1_GROUP, {"group": {"name": "db"}, "servers": [1, member]}]
    with pytest.raises(ParseError, match="entry 2 of the server groups has a member that is no id: "):
        of_v1(name, V1_SERVER, groups=groups)


def test_a_member_that_is_not_listed_is_nobody() -> None:
    groups = [{"group": {"name": "eu"}, "servers": [99]}]
    assert only(of_v1("tag_servers", V1_SERVER, groups=groups)).labels == {"tag": "(no tag)"}


@pytest.mark.parametrize("path", [SERVERS, GROUPS])
def test_an_empty_list_is_left_out_too(path: str) -> None:
    found = samples("servers", {path: {"success": True}}, v1())
    assert only(found).value == (0 if path == SERVERS else 2)


@pytest.mark.parametrize("row", [None, [], {"name": "x"}, {**V1_SERVER, "id": "1"}], ids=str)
def test_an_entry_that_names_no_server_may_be_any(row: Any) -> None:
    found = of_v1("cpu", V1_SERVER, row)
    assert found[0].reason.startswith("entry 2 of the servers ")
    assert found[1].value == 0


def test_what_is_asked_for_by_id_is_selected_here() -> None:
    found = of_v1("cpu", V1_SERVER, V1_NEVER, id=(1, 7))
    assert [one.labels for one in found] == [{"id": "7"}, LABELS]
    assert found[0].reason == "the dashboard has no server with the id 7"


def test_the_documented_answers_are_json() -> None:
    assert json.loads(json.dumps(V1_SERVER)) == V1_SERVER
    assert Vendor().asked == []
    assert NOW > REPORTED
