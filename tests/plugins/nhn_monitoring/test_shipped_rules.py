"""The rules that are shipped run as they stand in the sandbox, over real HTTP and TCP, and show both ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.commands import Desk

SHIPPED = Path(__file__).parents[3] / "checks.d"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    one = Desk(tmp_path)
    for name in ("nhn-monitoring.yaml", "nhn-batchmon.yaml"):
        shutil.copy(SHIPPED / name, one.checks_dir / name)
    return one


def test_every_rule_holds(desk: Desk) -> None:
    assert desk("validate --sandbox").code == 0
    desk.environ.update(
        NHN_APPKEY="a-service-appkey",
        NHN_INTRANET_APPKEY="another-appkey",
        NHN_PRODUCT_APPKEY="a-product-appkey",
        NHN_SCENARIO="b00699c0-96f4-11e9-a68b-a7aaea9ae346",
    )
    assert desk("validate").code == 0


def test_failed_scenarios_are_seen_in_ok_and_not_ok(desk: Desk) -> None:
    ran = desk("run --sandbox --format json")
    assert ran.code == 0
    states = {one["service"]: one["state"] for one in ran.json}
    assert states["nhn-failed-scenarios nhn-shop"] == "CRITICAL"
    assert states["nhn-failed-scenarios nhn-intranet"] == "OK"
    assert states["nhn-scenario orders"] == "CRITICAL"
    assert {states[f"nhn-scenario {name}"] for name in ("front", "login", "feed", "port")} == {"OK"}
    assert states["nhn-status"] == "WARNING"
    assert "UNKNOWN" not in states.values()
    failed = next(one for one in ran.json if one["service"] == "nhn-failed-scenarios nhn-shop")
    assert "orders (HTTP 503, where 200 is allowed)" in failed["output"]
    scenario = next(one for one in ran.json if one["service"] == "nhn-scenario orders")
    assert scenario["output"] == "scenario failed: HTTP 503, where 200 is allowed"
    assert scenario["labels"] == {"scenario": "orders"}


def test_the_verdict_on_a_private_scenario_is_reported_to_a_batch_scenario(desk: Desk) -> None:
    ran = desk("run --sandbox")
    assert "batchmon received for b00699c0…: state OK, 2 services" in ran.err


def test_a_scenario_that_needs_a_browser_is_unknown_in_every_rule(desk: Desk) -> None:
    desk.write(
        """
        sources:
          web:
            type: nhn-monitoring
            appkey: ${A}
            product_appkey: ${B}
            scenarios: {front: 0c96cff0-edc2-11ea-9760-8d94f461e6d4, checkout: 7413c920-edc2-11ea-9760-8d94f461e6d4}
        checks:
          - {name: number, source: web, metric: failed_scenarios}
          - {name: tolerant, source: web, metric: failed_scenarios, above: {crit: 5}}
          - {name: each, source: web, metric: scenario, each: scenario, expect: all}
          - {name: time, source: web, metric: scenario_response_time, above: 1m}
        """
    )
    states = {
        one["service"]: one["state"] for one in desk("run number tolerant each time --sandbox --format json").json
    }
    assert states == {
        "number": "UNKNOWN",
        "tolerant": "UNKNOWN",
        "each front": "OK",
        "each checkout": "UNKNOWN",
        "time": "UNKNOWN",
    }
