"""Hostile definitions and answers: always a verdict, never a secret in its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import DeadlineError, Response
from checkmill_nhn_monitoring.verdict import Verdict
from plugins.nhn_monitoring.test_probing_http import (
    FAILED,
    JSON_OK,
    NOT_CARRIED_OUT,
    PASSED,
    carried_out,
    definition,
    response,
    texts,
)


def test_secrets_of_a_definition_are_not_in_a_reason() -> None:
    sent = definition(texts(*JSON_OK), headers={"Authorization": "Bearer zzzzzzzzz-1"})
    verdict, _ = carried_out(sent, response(body=json.dumps({"state": "token zzzzzzzzz-1 refused\nx"})))
    assert verdict.reason == 'HTTP 200, but $.state EQ OK does not hold: it is "token *** refused x"'


ODD = st.sampled_from(["", "\ud800", "\n", "a|b;c", "https://shop.example/\x00", "200", "GET", "{}", "%", "정"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    members=st.dictionaries(st.sampled_from(["url", "httpMethod", "requestBody", "ip"]), ODD, max_size=3),
    headers=st.dictionaries(ODD, ODD, max_size=2),
    validation=st.fixed_dictionaries(
        {},
        optional={
            "responseCodes": st.lists(ODD, max_size=2),
            "avoidingValidationText": ODD,
            "textValidation": st.fixed_dictionaries(
                {
                    "textValidationType": st.sampled_from(["JSON", "HTML", "XML", "x"]),
                    "textValidationInfos": st.lists(
                        st.fixed_dictionaries(
                            {"operator": st.sampled_from(["EQ", "CONTAINS", "x"]), "expression": ODD}
                        ),
                        max_size=2,
                    ),
                }
            ),
        },
    ),
    answer=st.builds(
        lambda status, body, location: response(status, body, location=location),
        st.integers(100, 599),
        st.binary(max_size=20),
        st.text(max_size=20) | ODD,
    ),
)
def test_whatever_comes_there_is_a_verdict(
    members: dict[str, str], headers: dict[str, str], validation: dict[str, Any], answer: Response
) -> None:
    verdict, _ = carried_out(definition(validation, **members, headers=headers), *[answer] * 6)
    assert verdict.word in {PASSED, FAILED, NOT_CARRIED_OUT}


def test_a_crash_of_the_judge_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    from checkmill_nhn_monitoring import judging

    def ended(*_: object) -> Callable[..., Any]:
        raise DeadlineError("judged was still at work after 8 s and was ended")

    monkeypatch.setattr(judging, "judged", ended)
    verdict, _ = carried_out(definition(texts(*JSON_OK)), response(body='{"state":"OK"}'))
    assert verdict == Verdict(
        "not_carried_out",
        "HTTP 200, but its text was not judged: that took too long and was ended",
    )
