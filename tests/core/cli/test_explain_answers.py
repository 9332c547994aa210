"""`explain` takes what the sources said as judging does: silent ones, empty inventories, hosts of one name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import Desk
from support.explaining import explained, part
from support.loopback import Reply, Server, http_server
from support.racks import KEY, Racks, site

RULES = """\
sources:
  barn: {type: racks, base_url: <url>, key: "${RACK_KEY}", retries: 0}
  shed: {type: racks, base_url: <url>/shed, key: "${RACK_KEY}", retries: 0}
checks:
  - {name: edge, source: barn, metric: load, where: {tag: edge}, each: host, expect: all}
  - {name: whole, source: barn, metric: load, expect: all}
  - {name: two, source: [barn, shed], metric: load, where: {host: "web-*"}, expect: all, tolerate: 50%, above: 90}
  - name: twins
    source: barn
    metric: load
    where: {host: web-1}
    overrides:
      - {where: {tag: core}, above: 80}
    above: 90
  - {name: tags, source: barn, metric: load, each: tag, expect: 5}
  - {name: accents, source: barn, metric: load, each: host, expect: [<decomposed>, web-77]}
  - {name: pair, source: barn, metric: load, above: 80, and: [{metric: load_avg, above: 50}]}
"""


@pytest.fixture
def racks() -> Racks:
    return Racks(
        {"host": "web-1", "load": 85},
        {"host": "web-2", "load": None},
        {"host": "web-3", "load": 12.5},
        {"host": "web-9", "load": 99},
        {"host": "db-1", "load": 5},
        {"host": "old-1", "load": 1},
        tags={"web-1": "edge", "old-1": "edge", "new-1": "edge", "db-1": "core"},
    )


@pytest.fixture
def server(racks: Racks) -> Iterator[Server]:
    with http_server(racks.answer) as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Desk:
    # Where distributions are looked for is the interpreter's affair; nothing of Checkmill is patched.
    monkeypatch.syspath_prepend(str(site(tmp_path)))
    desk = Desk(tmp_path, {"RACK_KEY": KEY}, monotonic=lambda: 0.0)
    desk.write(RULES, url=server.url, decomposed=unicodedata.normalize("NFD", "wéb"))
    return desk


def test_values_that_nobody_can_select_without_the_inventory_are_told(room: Desk, racks: Racks) -> None:
    racks.tags = {}

    out = explained(room, "edge").out

    assert part(out, "samples") == (
        "samples\n"
        "  came      6\n"
        "  selected  0\n"
        "  excluded  0\n"
        "  missing   0\n"
        "  silent    the inventory of source barn is empty, without which 6 values cannot\n"
        "            be selected"
    )
    assert part(out, "services") == (
        "services\n  UNKNOWN edge\n    why       the inventory of source barn is empty\n    samples   0"
    )


def test_values_that_need_no_inventory_are_explained_as_they_are_judged(room: Desk, racks: Racks) -> None:
    racks.tags = {}

    out = explained(room, "whole").out

    assert part(out, "samples").splitlines()[1:3] == ["  came      6", "  selected  5"]
    assert part(out, "samples").endswith("\n  silent    the inventory of source barn is empty")
    assert part(out, "services").startswith(
        "services\n  CRITICAL whole\n    why       1 of 6 hosts above 90%: web-9 99%;"
    )


def test_of_several_sources_the_one_that_said_nothing_is_told(room: Desk, racks: Racks) -> None:
    for path in ("/shed/KEY/hosts", "/shed/inventory"):
        racks.replies[path] = Reply(200, b"[]", {"Content-Type": "application/json"})

    out = explained(room, "two").out

    assert part(out, "samples").endswith("\n  silent    the inventory of source shed is empty")
    assert "the inventory of source shed is empty" in part(out, "services")
    silent = [{"source": "shed", "reason": "the inventory of source shed is empty", "dropped": 0}]
    assert explained(room, "two --format json").json["samples"]["silent"] == silent


def test_a_value_that_may_be_of_either_of_two_is_explained_by_the_levels_that_decided(room: Desk, racks: Racks) -> None:
    racks.replies["/inventory"] = Reply(
        200,
        b'[{"host": "web-1", "tag": "edge"}, {"host": "web-1", "tag": "core"}]',
        {"Content-Type": "application/json"},
    )

    out = explained(room, "twins").out

    assert part(out, "services") == (
        "services\n"
        "  CRITICAL twins\n"
        "    why       web-1: load 85% above 80%\n"
        "    value     85%\n"
        "    limit     80%\n"
        "    levels    crit above 80% (override 1, line 13)"
    )


def test_only_what_has_the_label_of_each_is_counted(room: Desk) -> None:
    assert part(explained(room, "tags").out, "expected") == "expected\n  at least 5 tags; 2 are there"


def test_what_is_listed_is_found_however_its_accents_are_composed(room: Desk, racks: Racks) -> None:
    racks.rows = [{"host": "wéb", "load": 5}]

    lines = part(explained(room, "accents").out, "expected").splitlines()

    assert [line.rpartition(", ")[2] for line in lines[2:]] == ["there", "absent"]


def test_a_condition_that_fails_takes_no_sample_away(room: Desk, racks: Racks) -> None:
    racks.replies["/history"] = Reply(500, b"no", {"Content-Type": "text/plain"})

    out = explained(room, "pair").out

    assert part(out, "samples").splitlines()[1:3] == ["  came      6", "  selected  5"]
    assert "      HTTP 500, 2 bytes, 0 ms\n" in part(out, "requests")
    assert part(out, "services").startswith("services\n  UNKNOWN pair\n")
