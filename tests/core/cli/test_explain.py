"""`explain`: a check from its rule to each verdict. Whole texts at a fixed time stand in the folder `explained`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checkmill.cli.paragraphs import WIDTH, width_of
from support.commands import Desk
from support.explaining import explained, part
from support.loopback import Reply, Server, http_server, unused_port
from support.racks import KEY, Racks, site

EXPLAINED = Path(__file__).parent / "explained"
RULES = """\
sources:
  barn:
    type: racks
    base_url: <url>
    key: ${RACK_KEY}
    rooms: [north, south]
    retries: 0
    rate: 100/s
    labels: {env: prod}
reporters:
  pager: {type: rack-pager, key: "${RACK_KEY}"}
checks:
  - name: load
    source: barn
    metric: load
    where: {host: ["web-*", "db-*"]}
    except:
      - {host: web-9}
      - {host: {regex: "db-[0-9]+"}}
    each: host
    above: {warn: 80%, crit: 90%}
    tags: [host, night]
    report:
      - {to: pager, team: ops}
  - {name: power, source: barn, metric: power}
  - {name: average, source: barn, metric: load_avg, query: {window: 10m}, above: 50, expect: 3}
  - {name: listed, source: barn, metric: load, each: host, expect: [web-1, web-77], interval: 5m, timeout: 2s}
  - name: batch
    source: barn
    metric: load
    each: host
    where: {host: "web-*"}
    above: {warn: 40%, crit: 80%}
    overrides:
      - {where: {host: web-1}, except: {env: test}, above: {warn: 90%, crit: 95%}}
      - {where: {host: "web-3"}, range: {crit: "20:60"}}
  - {name: mean, source: barn, metric: load, aggregate: avg, above: {warn: 50%, crit: 60%}}
  - {name: share, source: barn, metric: load, tolerate: {warn: 1, crit: 50%}, above: {warn: 60%, crit: 95%}}
  - name: both
    source: barn
    metric: load
    above: 80%
    and:
      - {metric: memory, above: 2GiB}
  - {name: edge, source: barn, metric: load, where: {tag: edge}, each: host, expect: all, max_age: 5m, on_stale: warn}
  - {name: up, source: barn, metric: source_up}
"""
BROKEN = """\
checks:
  - {name: typo, source: barn, metric: laod, above: 101%, fro: 5m}
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where distributions are looked for is the interpreter's affair; nothing of Checkmill is patched.
    monkeypatch.syspath_prepend(str(site(tmp_path)))


@pytest.fixture
def racks() -> Racks:
    gib = 1 << 30
    return Racks(
        {"host": "web-1", "load": 85, "memory": 3 * gib, "power": "on"},
        {"host": "web-2", "load": None, "memory": gib, "power": "off"},
        {"host": "web-3", "load": 12.5, "memory": gib, "power": "on"},
        {"host": "web-9", "load": 99, "memory": gib, "power": "on"},
        {"host": "db-1", "load": 5, "memory": gib, "power": "on"},
        {"host": "old-1", "load": 1, "memory": gib, "power": "on", "at": 1_999_999_500},
        tags={"web-1": "edge", "old-1": "edge", "new-1": "edge", "db-1": "core"},
    )


@pytest.fixture
def server(racks: Racks) -> Iterator[Server]:
    with http_server(racks.answer) as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, server: Server) -> Desk:
    desk = Desk(tmp_path, {"RACK_KEY": KEY}, monotonic=lambda: 0.0)
    desk.write(RULES, url=server.url)
    return desk


def text_of(name: str) -> str:
    return (EXPLAINED / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "check", ["load", "power", "average", "listed", "batch", "mean", "share", "both", "edge", "up"]
)
def test_a_check_is_explained(room: Desk, check: str) -> None:
    ran = explained(room, check)

    assert (ran.code, ran.err, ran.writes) == (0, "", 1)
    assert ran.out == text_of(f"{check}.txt")


def test_a_source_that_fails_is_explained(room: Desk, racks: Racks) -> None:
    room("run load --no-report")
    racks.replies["/KEY/hosts"] = Reply(503, b"back soon", {"Content-Type": "text/plain"})
    room.clock.now += 300

    ran = explained(room, "load")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == text_of("load-failed.txt")


def test_a_source_that_is_not_there_is_explained(room: Desk) -> None:
    room.write(RULES, url=f"http://127.0.0.1:{unused_port()}")

    ran = explained(room, "up")

    assert ran.code == 0
    assert part(ran.out, "requests") == (
        "requests, answered at 2033-05-18T03:33:20.000+00:00\n"
        "  barn/inventory\n"
        "    GET http://127.0.0.1:PORT_/inventory\n"
        "      0 ms\n"
        "      connect: no connection to 127.0.0.1:PORT_: connection refused"
    )
    assert "  CRITICAL up\n" in part(ran.out, "services")


def test_what_earlier_runs_left_is_explained(room: Desk) -> None:
    room("run load --no-report")
    room.clock.now += 300

    ran = explained(room, "load")

    assert part(ran.out, "expected") == (
        "expected\n"
        "  every host that good answers showed, until it is gone for 1d:\n"
        "    host=web-1, there, seen 5m ago\n"
        "    host=web-2, without value, seen 5m ago\n"
        "    host=web-3, there, seen 5m ago"
    )
    assert part(ran.out, "remembered") == (
        "remembered of earlier runs\n"
        "  host=web-1: last good state WARNING, 5m ago; seen 5m ago\n"
        "  host=web-2: never well measured; seen 5m ago\n"
        "  host=web-3: last good state OK, 5m ago; seen 5m ago"
    )


def test_what_is_stored_is_explained_without_a_request(room: Desk, server: Server) -> None:
    room("run load --no-report")
    server.got.clear()
    room.clock.now += 30

    ran = explained(room, "load --stored")

    assert (ran.code, ran.err, server.got) == (0, "", [])
    assert ran.out == text_of("load-stored.txt")


@pytest.mark.parametrize(
    ("later_s", "rules", "said"),
    [
        (68, RULES, "good until 2033-05-18T03:34:28.000+00:00, 0s ago"),
        (69, RULES, "good until 2033-05-18T03:34:28.000+00:00, 1s ago: not good any more"),
        (1, RULES.replace("80%, crit: 90%", "81%, crit: 90%"), "changed since; what is stored was judged by another"),
    ],
    ids=["at its end", "past its end", "of another rule"],
)
def test_a_stored_result_says_what_it_is_worth(room: Desk, server: Server, later_s: int, rules: str, said: str) -> None:
    room("run load --no-report")
    room.write(rules, url=server.url)
    room.clock.now += later_s

    assert said in part(explained(room, "load --stored").out, "stored")


def test_where_nothing_is_stored_that_is_said_and_nothing_made(room: Desk) -> None:
    ran = explained(room, "load --stored")

    assert (ran.code, ran.err) == (0, "")
    assert part(ran.out, "stored") == (
        "stored, as of 2033-05-18T03:33:20.000+00:00\n"
        "  nothing is stored of this check; without --stored it is measured now"
    )
    assert not room.state_dir.exists()


def test_the_sandbox_answers_where_it_is_asked_to(room: Desk, server: Server) -> None:
    ran = explained(room, "load --sandbox")

    assert (ran.code, ran.err, server.got) == (0, "", [])
    assert ran.out == text_of("load-sandbox.txt")


def test_a_broken_rule_is_told_with_its_problems(room: Desk) -> None:
    room.write(BROKEN, name="broken.yaml")

    ran = explained(room, "typo")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == text_of("typo.err")


def test_an_unknown_check_is_told_with_the_nearest(room: Desk) -> None:
    ran = explained(room, "laod")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "checkmill: there is no check 'laod': did you mean 'load'?\n"


def test_an_unknown_check_is_told_with_the_files_that_may_hide_it(room: Desk) -> None:
    room.write("checks: [\n", name="torn.yaml")

    ran = explained(room, "torn")

    assert ran.code == 3
    assert ran.err.startswith("CHECKS/torn.yaml:")
    assert "there is no check 'torn'" in ran.err


@pytest.mark.parametrize("how", ["", "--stored", "--sandbox", "--format json", "--stored --format json", "-v"])
def test_nothing_is_stored_and_nothing_reported(room: Desk, how: str) -> None:
    room("run load --no-report")
    before = room.files()
    room.clock.now += 300

    assert explained(room, f"load {how}").code == 0
    after = room.files()
    assert {name: text for name, text in after.items() if "-shm" not in name} == {
        name: text for name, text in before.items() if "-shm" not in name
    }
    assert room("outbox list --all --format json").json == []


@pytest.mark.parametrize("how", ["", "--format json", "--stored", "--sandbox -v"])
def test_no_secret_is_shown(room: Desk, racks: Racks, how: str) -> None:
    shown = explained(room, f"load {how}")
    racks.replies["/KEY/hosts"] = Reply(401, f'{{"said": "{KEY}"}}'.encode(), {"Content-Type": "application/json"})
    refused = explained(room, f"load {how}")
    room.write(RULES.replace("retries: 0", "proxy: http://user:pass-word-9@127.0.0.1:1"), url="http://127.0.0.1:2")
    proxied = explained(room, f"load {how}")

    for ran in (shown, refused, proxied):
        assert (ran.code, "***" in ran.out) == (0, True)
        assert [one for one in (KEY, "pass-word-9") if one in ran.out + ran.err] == []
    assert "--sandbox" in how or "http://127.0.0.1:PORT_" in proxied.out or "http://127.0.0.1:1" in proxied.out


def test_all_is_said_as_json_too(room: Desk) -> None:
    ran = explained(room, "load --format json")

    assert (ran.code, ran.err, ran.writes) == (0, "", 1)
    assert ran.out == text_of("load.json")


def test_long_lists_are_cut_unless_the_whole_is_asked_for(room: Desk, racks: Racks) -> None:
    racks.rows = [{"host": f"web-{number:02}", "load": number} for number in range(1, 31)]
    racks.rows += [{"host": f"old-{number:02}", "load": number} for number in range(1, 8)]

    short, whole = explained(room, "load").out, explained(room, "load -v").out

    assert part(short, "services").count("\n  OK load") == 8
    assert part(short, "services").endswith("\n  ... and 22 more")
    assert part(whole, "services").count("\n  OK load") == 30
    assert "    7 by 'where' {host: [web-*, db-*]} (line 16)\n      host=old-01, " in short
    assert "host=old-05, ... and 2\n        more" in part(short, "samples")


@pytest.mark.parametrize("name", sorted(path.name for path in EXPLAINED.glob("*.txt")))
def test_it_reads_well_on_a_narrow_terminal(name: str) -> None:
    lines = text_of(name).splitlines()
    wide = [line for line in lines if width_of(line) > WIDTH and len(line.split()) > 2]

    assert lines
    assert wide == []
    assert [line for line in lines if line != line.rstrip() or not line.isprintable()] == []


def test_what_a_vendor_sends_moves_no_terminal(room: Desk, racks: Racks) -> None:
    racks.rows = [{"host": "web-\x1b[31m1\n2", "load": 95}]

    out = explained(room, "load").out

    assert "\\x1b" in out
    assert "\x1b" not in out
