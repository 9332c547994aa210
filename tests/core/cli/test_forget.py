"""`forget`: a host that is really gone stops being UNKNOWN at once, and nothing else is touched."""

from __future__ import annotations

import os

import pytest

from checkmill.model.memory import Judgement, Memory
from checkmill.store import Store
from support.commands import NOW, Desk
from support.whatap_vendor import CPU, Vendor

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
      two: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90}}
      - {name: cpu-all, source: shop, metric: cpu, above: {warn: 80, crit: 90}}
      - {name: both, source: [shop, two], metric: cpu, each: [source, host], above: {warn: 80, crit: 90}}
      - {name: new, source: shop, metric: cpu, above: 100, where: {host: "web-*"}}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor) -> None:
    """Three hosts were seen by all checks but the new one; then web-2 went, which is UNKNOWN."""
    vendor.show(CPU, {"web-1": 10, "web-2": 20, "가": 95})
    desk.write(RULES, url=vendor.url)
    desk("run cpu cpu-all both")
    vendor.show(CPU, {"web-1": 10, "가": 95})
    desk.clock.now += 100
    desk("run cpu cpu-all both")


def services(desk: Desk, check: str) -> dict[str, str]:
    return {one["service"]: one["state"] for one in desk(["run", check, "--format", "json"]).json}


def test_a_host_that_is_gone_is_no_longer_expected(desk: Desk) -> None:
    assert desk("check cpu --item web-2").code == 3

    ran = desk("forget cpu --item host=web-2")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "cpu: forgot 1 of 3 services: host=web-2; measured anew by the next check\n"
    assert desk("check cpu").line == "CRITICAL - 1 of 2 services not OK: cpu 가: cpu 95% above 90%"
    assert services(desk, "cpu") == {"cpu web-1": "OK", "cpu 가": "CRITICAL"}


def test_a_host_that_comes_back_is_there_again(desk: Desk, vendor: Vendor) -> None:
    desk("forget cpu --item web-2")
    vendor.show(CPU, {"web-1": 10, "web-2": 20})

    assert services(desk, "cpu") == {"cpu web-1": "OK", "cpu web-2": "OK", "cpu 가": "UNKNOWN"}


def test_the_next_check_measures_what_was_forgotten_and_nothing_else(desk: Desk, vendor: Vendor) -> None:
    before = vendor.requests.count(CPU)
    desk("check cpu")
    assert vendor.requests.count(CPU) == before

    desk("forget cpu --item web-2")
    desk("check cpu-all")
    assert vendor.requests.count(CPU) == before
    desk("check cpu")
    assert vendor.requests.count(CPU) == before + 1


def test_without_an_item_all_of_a_check_is_forgotten(desk: Desk, vendor: Vendor) -> None:
    ran = desk("forget cpu")
    vendor.show(CPU, {"web-9": 1})

    assert (ran.code, ran.out) == (
        0,
        "cpu: forgot 3 of 3 services: host=web-1, host=web-2, host=가; measured anew by the next check\n",
    )
    assert services(desk, "cpu") == {"cpu web-9": "OK"}


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ("cpu-all", "cpu-all: forgot its service; measured anew by the next check\n"),
        ("new", "new: nothing is remembered\n"),
        ("cpu-* new", "cpu-all: forgot its service; measured anew by the next check\nnew: nothing is remembered\n"),
        ("cpu cpu --item web-2", "cpu: forgot 1 of 3 services: host=web-2; measured anew by the next check\n"),
        # Combined of its parts, and of a check of which all labels may be named.
        ("cpu --item \u1100\u1161", "cpu: forgot 1 of 3 services: host=가; measured anew by the next check\n"),
        (
            "both --item source=two --item host=web-2",
            "both: forgot 1 of 6 services: host=web-2 source=two; measured anew by the next check\n",
        ),
        (
            "both --item host=web-2",
            (
                "both: forgot 2 of 6 services: host=web-2 source=shop, host=web-2 source=two; "
                "measured anew by the next check\n"
            ),
        ),
        ("c* --item web-2", "cpu: forgot 1 of 3 services: host=web-2; measured anew by the next check\n"),
    ],
)
def test_it_says_what_was_dropped(desk: Desk, words: str, out: str) -> None:
    ran = desk(f"forget {words}")

    assert (ran.code, ran.out, ran.err) == (0, out, "")


@pytest.mark.parametrize(
    ("words", "err"),
    [
        ("gpu", "there is no check 'gpu': did you mean 'cpu'?"),
        ("zzz", "there is no check 'zzz': known: both, cpu, cpu-all, new"),
        ("cpu zzz", "there is no check 'zzz': known: both, cpu, cpu-all, new"),
        (
            "cpu --item web-9",
            "there is no service web-9 of check cpu; known: host=web-1, host=web-2, host=가",
        ),
        (
            "cpu --item host=web-1 --item host=web-2",
            "there is no service host=web-1 host=web-2 of check cpu; known: host=web-1, host=web-2, host=가",
        ),
        ("cpu --item mount=/", "there is no service mount=/ of check cpu; known: host=web-1, host=web-2, host=가"),
        ("cpu-all --item web-1", "there is no service web-1 of check cpu-all; nothing is remembered of it"),
        ("new --item web-1", "there is no service web-1 of check new; nothing is remembered of it"),
    ],
)
def test_what_is_unknown_names_what_is_known_and_drops_nothing(desk: Desk, words: str, err: str) -> None:
    before = desk("check cpu -v").out

    ran = desk(f"forget {words}")

    assert (ran.code, ran.out, ran.err) == (3, "", f"checkmill: {err}\n")
    assert desk("check cpu -v").out == before


def test_forgetting_twice_is_no_error(desk: Desk) -> None:
    desk("forget cpu")

    assert desk("forget cpu").out == "cpu: nothing is remembered\n"


def test_a_check_whose_file_broke_can_be_forgotten(desk: Desk) -> None:
    desk.write("checks: [", name="rules.yaml")
    assert len(desk("run --format json").json) == 3 + 1 + 6

    ran = desk("forget both --item source=shop")

    assert (ran.code, ran.out.partition(":")[0]) == (0, "both")
    assert len(desk("run --format json").json) == 3 + 1 + 3


def test_a_measurement_that_was_under_way_brings_nothing_back(desk: Desk) -> None:
    directory = os.path.realpath(desk.checks_dir)
    store = Store.open(desk.state_dir)
    stored = store.stored(directory)["cpu"]
    store.close()
    desk.clock.now += 1
    desk("forget cpu")

    class Remembered:  # as much of a rule as is stored
        name, digest, files = "cpu", stored.digest, stored.files

    store = Store.open(desk.state_dir)
    store.commit(directory, [(Remembered, Judgement(stored.results, stored.memory, NOW + 500))], [], desk.clock.now)
    found = store.stored(directory)["cpu"]
    store.close()

    assert (found.results, found.memory) == ((), Memory(stored.memory.selection_digest))


@pytest.mark.parametrize("words", ["forget", "forget cpu --item", "forget --item web-1"])
def test_what_it_does_not_understand_is_a_usage_error(desk: Desk, words: str) -> None:
    ran = desk(words)

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("checkmill: usage: ")


def test_without_a_state_directory_it_says_so(desk: Desk) -> None:
    desk.state_dir.rename(desk.home / "moved")
    desk.state_dir.write_text("no directory\n")

    ran = desk("forget cpu")

    assert (ran.code, ran.out) == (3, "")
    assert f"{desk.state_dir} is no directory; name another with --state-dir" in ran.err


def test_the_sandbox_forgets_for_itself(desk: Desk) -> None:
    desk("run --sandbox cpu")

    ran = desk("--sandbox forget cpu --item web-2")

    assert ran.out.startswith("cpu: forgot 1 of ")
    assert desk("forget cpu --item web-2").out.startswith("cpu: forgot 1 of 3 ")
