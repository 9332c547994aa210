"""What is forgotten while a check is under way stays forgotten, whatever the check had in mind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.commands import Desk
from support.loopback import Got, Reply
from support.whatap_vendor import CPU, Vendor, as_json, values

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
      two: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    defaults: {timeout: 20s}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: 90}
      - {name: both, source: [shop, two], metric: cpu, each: host, above: 90}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor) -> None:
    """web-2 was seen and went, which is UNKNOWN."""
    desk.write(RULES, url=vendor.url)
    vendor.show(CPU, {"web-1": 10, "web-2": 20})
    desk("run")
    vendor.show(CPU, {"web-1": 10})
    desk.clock.now += 100


def forgetting(desk: Desk, words: str, reply: Reply) -> Callable[[Got], Reply]:
    """An answer during which somebody forgets."""

    def answer(_: Got) -> Reply:
        assert desk.process(f"forget {words}").code == 0
        return reply

    return answer


def states(desk: Desk) -> dict[str, str]:
    return {one["service"]: one["state"] for one in desk("run cpu --format json").json}


@pytest.mark.parametrize(
    ("words", "reply", "then"),
    [
        ("cpu --item web-2", values({"web-1": 10}), {"cpu web-1": "OK"}),
        ("cpu", values({"web-1": 10}), {"cpu web-1": "OK"}),
        ("cpu --item web-2", as_json({}, 500), {"cpu web-1": "OK"}),
        ("cpu --item web-2", values({"web-1": 10, "web-2": 5}), {"cpu web-1": "OK", "cpu web-2": "UNKNOWN"}),
        ("cpu --item web-1", values({"web-2": 5}), {"cpu web-1": "OK", "cpu web-2": "UNKNOWN"}),
    ],
    ids=["one", "all", "while the source fails", "one that is back", "another"],
)
def test_a_check_under_way_does_not_undo_it(
    desk: Desk, vendor: Vendor, words: str, reply: Reply, then: dict[str, str]
) -> None:
    vendor.answers[CPU] = forgetting(desk, words, reply)
    desk("check cpu")
    vendor.show(CPU, {"web-1": 10})
    desk.clock.now += 100

    assert states(desk) == then


def test_what_nobody_forgot_is_still_expected(desk: Desk, vendor: Vendor) -> None:
    vendor.answers[CPU] = forgetting(desk, "both --item web-2", values({"web-1": 10}))
    desk("check cpu")
    vendor.show(CPU, {"web-1": 10})

    assert states(desk) == {"cpu web-1": "OK", "cpu web-2": "UNKNOWN"}


def test_services_of_several_sources_are_told_with_their_source(desk: Desk) -> None:
    assert desk("forget both --item web-2").out == (
        "both: forgot 2 of 4 services: source=shop host=web-2, source=two host=web-2; measured anew by the next check\n"
    )
    assert desk("forget both --item web-1 --item source=two").out == (
        "both: forgot 1 of 2 services: host=web-1; measured anew by the next check\n"
    )
