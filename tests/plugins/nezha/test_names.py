"""Who a figure is of: ids that hold, names that people write, entries that name nobody, order that means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import NoQuery, Sample
from checkmill.testing import play
from checkmill_nezha.inventory import INVENTORY
from checkmill_nezha.metrics import NEZHA
from checkmill_nezha.settings import Servers
from plugins.nezha.documented import (
    DETAILS,
    ENTRY,
    LIST,
    NOW,
    SERVER,
    Vendor,
    figure,
    only,
    samples,
    server,
    success,
    v0,
)


@pytest.mark.parametrize("name", [one.name for one in NEZHA.metrics])
def test_servers_come_in_order_of_their_ids_however_they_are_answered(name: str) -> None:
    rows = [server(number, f"s{number}") for number in (10, 9, 2, 1)]
    histories = {f"/api/v1/monitor/{number}": success() for number in (1, 2, 9, 10)}
    there = samples(name, {DETAILS: success(*rows), LIST: success(*rows), **histories})
    back = samples(name, {DETAILS: success(*rows[::-1]), LIST: success(*rows[::-1]), **histories})
    assert there == back
    ids = [int(sample.labels["id"]) for sample in there if "id" in sample.labels]
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("web-1", "web-1"),
        ("", "server 1"),
        ("  ", "server 1"),
        (None, "server 1"),
        (7, "server 1"),
        ("two\nlines", "two lines"),
        ("a|b;c\"d'e", "a|b;c\"d'e"),
        ("서울-1 🚀", "서울-1 🚀"),
        ("half \ud800", "half ?"),
        ("x" * 300, "x" * 197 + "..."),
    ],
    ids=lambda value: str(value)[:12].encode("ascii", "replace").decode(),
)
def test_a_name_is_one_line(name: Any, host: str) -> None:
    assert only(figure("cpu", server(name=name))).labels == {"host": host, "id": "1"}


def test_servers_of_one_name_are_told_apart_by_their_ids() -> None:
    rows = [server(3, "web"), server(7, "web"), server(8, "db")]
    found = samples("cpu", {DETAILS: success(*rows)})
    assert [sample.labels for sample in found] == [
        {"host": "web (id 3)", "id": "3"},
        {"host": "web (id 7)", "id": "7"},
        {"host": "db", "id": "8"},
    ]


@pytest.mark.parametrize(("raw", "text"), [(1, "1"), ((1 << 53) + 1, str((1 << 53) + 1)), ((1 << 64) - 1, None)])
def test_an_id_may_have_64_bits(raw: int, text: str | None) -> None:
    assert only(figure("cpu", server(number=raw))).labels["id"] == (text or str(raw))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({**SERVER, "id": None}, "entry 2 of the servers has no id that is one: null"),
        ({**SERVER, "id": 0}, "entry 2 of the servers has no id that is one: 0"),
        ({**SERVER, "id": -1}, "entry 2 of the servers has no id that is one: -1"),
        ({**SERVER, "id": True}, "entry 2 of the servers has no id that is one: true"),
        ({**SERVER, "id": "2"}, "entry 2 of the servers has no id that is one: text: 2"),
        ({**SERVER, "id": 1.5}, "entry 2 of the servers has no id that is one: 1.5"),
        ({**SERVER, "id": 1 << 64}, "entry 2 of the servers has no id that is one: a number of 65 bits"),
        ([SERVER], "entry 2 of the servers should be an object, but is a list of 1"),
        (None, "entry 2 of the servers should be an object, but is null"),
        ("Server2", "entry 2 of the servers should be an object, but is text: Server2"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else str(value)[:40],
)
@pytest.mark.parametrize("name", ["cpu", "agent_age", "servers", "inactive_agents", "never_reported", "swap_used"])
def test_an_entry_that_names_no_server_may_be_any(name: str, row: Any, says: str) -> None:
    found = samples(name, {DETAILS: success(SERVER, row), LIST: success(ENTRY, row)})
    assert found[0] == Sample.missing(says)
    assert not found[1].is_missing


@pytest.mark.parametrize("name", ["cpu", "agent_age", "inactive_agents", "never_reported"])
def test_an_id_that_stands_twice_is_nobody(name: str) -> None:
    rows = [SERVER, server(name="other"), SERVER]
    found = only(samples(name, {DETAILS: success(*rows), LIST: success(*rows)}))
    assert found.is_missing
    assert "the id 1 stands twice in the answer, with different data" in found.reason


def test_the_same_entry_twice_is_one_server() -> None:
    assert figure("cpu", SERVER) == samples("cpu", {DETAILS: success(SERVER, SERVER)})


@pytest.mark.parametrize("tag", [None, 7, ["a"]])
@pytest.mark.parametrize("name", ["cpu", "inactive_agents"])
def test_a_tag_that_is_no_text_leaves_its_server_in_doubt(name: str, tag: Any) -> None:
    row = server(tag=tag)
    found = only(samples(name, {DETAILS: success(row), LIST: success(row)}))
    assert "its tag should be a text, but is" in found.reason


# A server whose groups nobody knows may be in any.

UNTOLD = [None, 5, ["web"], "left out"]


def untold(tag: Any, number: int = 2, **more: Any) -> dict[str, Any]:
    """A server with a tag that is none, or without one."""
    row = server(number, f"s{number}", tag=tag, **more)
    return {name: value for name, value in row.items() if name != "tag"} if tag == "left out" else row


@pytest.mark.parametrize("tag", UNTOLD, ids=str)
@pytest.mark.parametrize("name", sorted({one.name for one in NEZHA.metrics if one.dataset.name != "monitor"} - {"gpu"}))
def test_a_server_of_an_unknown_group_is_in_doubt_in_the_one_asked_for(name: str, tag: Any) -> None:
    rows = [untold(tag, last_active=1)]
    found = samples(name, {DETAILS: success(*rows), LIST: success(*rows)}, tag="web")
    assert found
    assert all(one.is_missing and "its tag should be a text, but is " in one.reason for one in found)


@pytest.mark.parametrize("tag", UNTOLD, ids=str)
@pytest.mark.parametrize("name", ["tag_servers", "tag_inactive_agents", "tag_inactive_share", "tag_never_reported"])
def test_a_server_of_an_unknown_group_leaves_every_group_in_doubt(name: str, tag: Any) -> None:
    rows = [server(1, "s1", tag="web"), untold(tag), server(3, "s3", tag="db")]
    found = samples(name, {LIST: success(*rows)})
    assert [one.labels for one in found] == [{"tag": "db"}, {"tag": "web"}, {}]
    assert all(one.reason.startswith("s2: its tag should be a text, but is ") for one in found)
    alone = samples(name, {LIST: success(untold(tag))})
    assert [(one.is_missing, one.labels) for one in alone] == [(True, {})]


def test_what_is_sure_of_a_group_is_told_beside_the_doubt() -> None:
    rows = [server(1, "s1", tag="web", last_active=int(NOW) - 600), untold(None)]
    found = samples("tag_inactive_agents", {LIST: success(*rows)}, tag="web")
    assert [(one.value, one.labels) for one in found] == [(None, {"tag": "web"}), (1, {"tag": "web"})]


def test_how_many_servers_there_are_is_known_whatever_their_groups() -> None:
    found = samples("servers", {LIST: success(SERVER, untold(None))})
    assert [one.value for one in found] == [2]


@pytest.mark.parametrize("name", ["tag_servers", "tag_inactive_agents"])
def test_an_id_that_stands_twice_in_two_groups_may_be_in_either(name: str) -> None:
    found = samples(name, {LIST: success(server(tag="web"), server(tag="db"), server(2, "b", tag="web"))})
    assert [(one.is_missing, one.labels) for one in found] == [(True, {"tag": "web"}), (True, {})]


@pytest.mark.parametrize("tag", UNTOLD, ids=str)
def test_the_inventory_does_not_place_a_server_of_an_unknown_group(tag: Any) -> None:
    vendor = Vendor({LIST: success(untold(tag), server(3, "s3", tag="db"))})
    fleet = play(INVENTORY.dataset.flow(v0(), Servers()), vendor, NOW)
    missing, known = INVENTORY.entities(fleet, NoQuery())
    assert isinstance(missing, Sample)
    assert isinstance(known, Sample)
    assert missing.reason.startswith("its tag should be a text, but is ")
    assert missing.labels == {"host": "s2", "id": "2"}
    assert (known.value, known.labels["tag"]) == (1, ("db",))


def test_a_thousand_servers_are_a_thousand_samples() -> None:
    rows = [server(number, f"s{number % 300}") for number in range(1, 1501)]
    found = samples("cpu", {DETAILS: success(*rows)})
    assert len({sample.labels["host"] for sample in found}) == 1500
