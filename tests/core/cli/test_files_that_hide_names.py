"""A file that cannot be read may hold sources that a glob means, and checks that were moved: they are not gone."""

from __future__ import annotations

import pytest

from support.commands import Desk
from support.whatap_vendor import CPU, Vendor

GLOB = """
    sources: {shop-a: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}}
    checks:
      - {name: cpu, source: "shop-*", metric: cpu, each: host, above: 90}
      - {name: plain, source: shop-a, metric: cpu, above: 90}
"""
OTHER = """\
sources:
  shop-b: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
"""
BROKEN = {
    "a brace that is never closed": OTHER.replace("0}", "0"),
    "a misspelt key": OTHER.replace("sources:", "source:"),
    "a key that was left out": OTHER.replace("sources:\n  ", ""),
    "an empty key": OTHER.replace("sources:\n  ", "sources:\n"),
    "a list": OTHER.replace("  shop-b", "- shop-b"),
    "a second document": OTHER + "---\nchecks: []\n",
    "the same key twice": f"sources: {{other: {{type: whatap, pcode: 1, token: x}}}}\n{OTHER}",
    "an alias without a value": "sources: *others\n",
    "a merge without a value": "sources:\n  <<: *others\n",
    "a merge of whole files": "<<: *others\n",
    "a name that is no text": OTHER.replace("shop-b", "[shop-b]"),
    "another encoding": "\x00",
}


@pytest.fixture
def asked(desk: Desk, vendor: Vendor) -> Vendor:
    """A vendor that was asked by two sources, and the check of both is known to be OK."""
    desk.write(GLOB, name="a.yaml", url=vendor.url)
    desk.write(OTHER, name="b.yaml", url=vendor.url)
    assert desk("run").code == 0
    desk.clock.now += 30
    return vendor


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_glob_of_sources_is_not_judged_while_a_file_may_hide_one_of_them(
    desk: Desk, asked: Vendor, broken: str
) -> None:
    desk.write(broken, name="b.yaml", url=asked.url)

    ran = desk("check cpu")
    services = {one["service"]: one["state"] for one in desk("run --format json").json}

    assert (ran.code, ran.line.startswith(f"UNKNOWN - the rule cannot be read: {desk.checks_dir}/b.yaml:")) == (3, True)
    assert services == {"cpu shop-a web-1": "UNKNOWN", "cpu shop-b web-1": "UNKNOWN", "plain": "OK"}
    assert '\n3 "cpu shop-b web-1" ' in desk("local").out


@pytest.mark.parametrize(
    "fine",
    ["x-source: {shop-b: {type: whatap}}\n", "chekcs: []\n", "reporters: 5\n", "defaults: {above: x}\n", "# nothing\n"],
)
def test_a_file_that_can_hide_no_source_does_not_stop_a_glob(desk: Desk, vendor: Vendor, fine: str) -> None:
    desk.write(GLOB, name="a.yaml", url=vendor.url)
    desk.write(fine, name="b.yaml")

    assert desk("check cpu").code == 0


def test_a_source_that_is_named_does_not_depend_on_other_files(desk: Desk, asked: Vendor) -> None:
    desk.write(BROKEN["a list"], name="b.yaml", url=asked.url)
    asked.show(CPU, {"web-1": 10})

    assert desk("check plain").code == 0


MOVED = "checks: [{name: moved, source: shop-a, metric: cpu, above: 90}]"


def _states(desk: Desk) -> dict[str, str]:
    results = desk("run --format json").json
    return {one["service"]: one["state"] for one in results if one["check"] == "moved"}


def test_checks_of_a_file_that_got_another_name_and_a_slip_are_unknown(desk: Desk, asked: Vendor) -> None:
    old = desk.write(MOVED, name="shop.yaml")
    assert _states(desk) == {"moved": "OK"}
    old.unlink()
    desk.clock.now += 60
    desk.write(MOVED.rstrip("]"), name="shop2.yaml")

    assert _states(desk) == {"moved": "UNKNOWN"}
    assert _states(desk) == {"moved": "UNKNOWN"}
    desk.write(MOVED, name="shop2.yaml")
    assert _states(desk) == {"moved": "OK"}


def test_checks_that_were_moved_into_a_file_that_broke_are_unknown(desk: Desk, asked: Vendor) -> None:
    desk.write(MOVED, name="shop.yaml")
    assert _states(desk) == {"moved": "OK"}
    desk.clock.now += 60
    desk.write("checks: []", name="shop.yaml")
    desk.write(MOVED.replace("checks:", "check:"), name="web.yaml")

    assert _states(desk) == {"moved": "UNKNOWN"}


def test_a_check_that_is_deleted_is_not_held_by_a_file_that_broke_before(desk: Desk, asked: Vendor) -> None:
    desk.write("checks: [", name="web.yaml")
    desk.write(MOVED, name="shop.yaml")
    desk.clock.now += 60
    assert _states(desk) == {"moved": "OK"}
    desk.clock.now += 60
    desk.write("checks: []", name="shop.yaml")

    assert _states(desk) == {}


def test_a_file_that_is_deleted_takes_its_checks_along_when_no_other_can_hide_them(desk: Desk, asked: Vendor) -> None:
    old = desk.write(MOVED, name="shop.yaml")
    desk("run")
    old.unlink()
    desk.write("sources: {odd: {type: nope}}", name="web.yaml")

    assert _states(desk) == {}
