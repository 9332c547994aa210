"""What a source measures where NHN gives some of its scenarios, and refuses or loses others."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import DeadlineError
from checkmill_nhn_monitoring.metrics import NHN_MONITORING
from plugins.nhn_monitoring.documented import API_BODY, API_ID, BAD, TCP_ID, Vendor, answer, settings
from plugins.nhn_monitoring.test_metrics import NOON, by_name, measured


@pytest.mark.parametrize(
    ("message", "word"),
    [("no", None), ("internal error", None), ("UNKNOWN ERROR", None), ("scenario is not found", "absent")],
)
def test_only_what_is_said_of_the_scenario_makes_it_absent(message: str, word: str | None) -> None:
    refusal = answer(None, {"isSuccessful": False, "resultCode": -1, "resultMessage": message})
    samples = measured(
        "scenario_exists", settings(scenarios={"a": API_ID, "b": TCP_ID}), Vendor(answer(API_BODY), refusal), NOON
    )
    assert by_name(samples) == {"a": "exists", "b": word}


@pytest.mark.parametrize(
    ("failure", "missing"),
    [(DeadlineError("no whole answer"), True), (answer(API_BODY, status=502), True), (answer(None, BAD), False)],
    ids=["late", "502", "refused"],
)
def test_a_response_time_says_which_answers_never_came(failure: Any, missing: bool) -> None:
    asked = settings(scenarios={"a": API_ID, "b": TCP_ID})
    number, *beside = measured("api_response_time", asked, Vendor(answer(API_BODY), failure), NOON)
    assert not number.is_missing
    assert [one.is_missing for one in beside] == [True] * missing
    if missing:
        assert beside[0].reason.startswith("1 of 2 definitions did not come: b (read: ")


def test_the_example_of_every_metric_can_be_broken() -> None:
    regions = NHN_MONITORING.metric("scenario_regions")
    assert regions is not None
    assert (regions.minimum, regions.example) == (1, "each: scenario, below: {warn: 2}")
