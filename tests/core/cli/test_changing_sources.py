"""Sources come and go under a glob: what is remembered of the others stays."""

from __future__ import annotations

from support.commands import Desk
from support.whatap_vendor import CPU, Vendor

GLOB = """
    sources: {shop-a: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}}
    checks: [{name: cpu, source: "shop-*", metric: cpu, each: host, above: 90}]
"""
OTHER = """
    sources: {shop-b: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}}
"""


def _states(desk: Desk) -> dict[str, str]:
    return {f"{one['source']} {one['labels'].get('host')}": one["state"] for one in desk("run --format json").json}


def test_a_new_source_does_not_void_what_is_known_of_the_others(desk: Desk, vendor: Vendor) -> None:
    desk.write(GLOB, name="a.yaml", url=vendor.url)
    vendor.show(CPU, {"h1": 10, "h2": 10})
    desk("run")
    vendor.show(CPU, {"h1": 10})
    desk.clock.now += 120
    desk.write(OTHER, name="b.yaml", url=vendor.url)

    assert _states(desk) == {"shop-a h1": "OK", "shop-a h2": "UNKNOWN", "shop-b h1": "OK"}


def test_a_source_that_goes_takes_only_its_own_along(desk: Desk, vendor: Vendor) -> None:
    desk.write(GLOB, name="a.yaml", url=vendor.url)
    other = desk.write(OTHER, name="b.yaml", url=vendor.url)
    vendor.show(CPU, {"h1": 10, "h2": 10})
    desk("run")
    vendor.show(CPU, {"h1": 10})
    desk.clock.now += 120
    other.unlink()

    assert _states(desk) == {"shop-a h1": "OK", "shop-a h2": "UNKNOWN"}
