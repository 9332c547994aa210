"""Judges the answer to an API scenario: its code, its time, its text, and whether a failure is to be propagated."""

from __future__ import annotations

import re

from checkmill.api.v1 import DeadlineError, Flow, Response, SourceError, attempt, heavy
from checkmill_nhn_monitoring.scenario import Scenario, TextValidation, Validation
from checkmill_nhn_monitoring.texts import judged, needs_parsing, text_of
from checkmill_nhn_monitoring.verdict import NotCarriedOut, Outcome, Verdict, failed, not_carried_out, passed

#: What NHN's console sets where nothing is said.
DEFAULT_CODES = ("200",)
_CODE = re.compile(r"[1-5]\d\d", re.ASCII)


def judged_answer(answer: Response, validation: Validation, spent_s: float, timeout_s: float) -> Flow[Verdict]:
    """The verdict on an answer that took `spent_s` seconds, redirects included.

    A failure is not propagated where the answer holds `avoidingValidationText`, which is how a service says that it is
    being worked on: the scenario passes then, and the reason says of what it was spared.
    """
    verdict = yield from _judged(answer, validation, spent_s, timeout_s)
    if verdict.word == "failed" and _is_avoided(answer, validation.avoiding_text):
        spared = f'not propagated, since the answer contains "{validation.avoiding_text}"; otherwise {verdict.reason}'
        return passed(spared, spent_s)
    return verdict


def unverified(scenario: Scenario) -> str:
    """What a scenario demands that nobody here verifies, or ""."""
    validation = scenario.validation
    is_api = scenario.type == "API"
    demands = [
        *(["imageValidationPaths"] if validation.image_paths else []),
        *(["textValidation"] if validation.text is not None and not is_api else []),
        *(["responseValidation"] if validation.response_validations and is_api else []),
        *(["lengthValidation"] if validation.length_validation is not None and is_api else []),
        *validation.unknown,
    ]
    return f"{', '.join(demands)} is not verified for {scenario.type} scenarios" if demands else ""


def _judged(answer: Response, validation: Validation, spent_s: float, timeout_s: float) -> Flow[Verdict]:
    if spent_s > timeout_s:
        return failed(f"the answer took {spent_s:.3g} s, longer than its time-out of {timeout_s:g} s", spent_s)
    allowed = validation.response_codes or DEFAULT_CODES
    if str(answer.status) not in allowed:
        odd = next((code for code in allowed if not _CODE.fullmatch(code)), None)
        if odd is not None:
            raise NotCarriedOut(f"HTTP {answer.status} came, and {odd!r} of its responseCodes is no code")
        verb = "are" if len(allowed) > 1 else "is"
        return failed(f"HTTP {answer.status}, where {', '.join(allowed)} {verb} allowed", spent_s)
    if validation.text is None:
        return passed(f"HTTP {answer.status}", spent_s)
    outcomes = yield from _outcomes(answer, validation.text)
    # One check that does not hold decides, whatever is unknown of the others.
    for holds, verdict in ((False, failed), (None, not_carried_out)):
        reason = next((outcome.reason for outcome in outcomes if outcome.holds is holds), None)
        if reason is not None:
            return verdict(f"HTTP {answer.status}, but {reason}", spent_s)
    if len(outcomes) == 1:
        return passed(f"HTTP {answer.status}, {outcomes[0].reason}", spent_s)
    return passed(f"HTTP {answer.status}, all {len(outcomes)} text checks hold", spent_s)


def _outcomes(answer: Response, validation: TextValidation) -> Flow[tuple[Outcome, ...]]:
    """What comes of the text checks. Raises `NotCarriedOut` where they were not done in time."""
    content_type = answer.headers.get("content-type", "")
    if not needs_parsing(validation):
        return judged(answer.body, content_type, validation)
    outcomes = yield from attempt(heavy(judged, answer.body, content_type, validation))
    if isinstance(outcomes, DeadlineError):
        raise NotCarriedOut(f"HTTP {answer.status}, but its text was not judged: that took too long and was ended")
    if isinstance(outcomes, SourceError):
        raise NotCarriedOut(f"HTTP {answer.status}, but its text was not judged: {outcomes}")
    return outcomes


def _is_avoided(answer: Response, text: str) -> bool:
    if not text.strip():
        return False
    try:
        return text in text_of(answer.body, answer.headers.get("content-type", "")).text
    except NotCarriedOut:
        return False
