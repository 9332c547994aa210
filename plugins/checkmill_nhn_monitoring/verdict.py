"""What carrying out a scenario comes to: it passed, it failed, or nobody can tell, each with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from checkmill.api.v1 import SourceError
from checkmill_nhn_monitoring.envelope import one_line

Word: TypeAlias = Literal["passed", "failed", "not_carried_out"]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a scenario. `reason` is one line, fit to be shown.

    `response_time_s` is how long the answer took in seconds; None where none came, or none was asked for.
    """

    word: Word
    reason: str
    response_time_s: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one check of an answer: it holds, it does not, or (None) it cannot be carried out.

    `reason` may quote the answer as it is: what knows the secrets makes it fit to be shown.
    """

    holds: bool | None
    reason: str


class NotCarriedOut(SourceError):  # noqa: N818 - the word of the verdict
    """A scenario asks for what is not done here, or is not understood."""

    stage = "scenario"
    arrived = False


class BodyError(ValueError):
    """An answer is not of the kind that the checks are for; `str()` says why, as the end of a sentence."""


def passed(reason: str, response_time_s: float | None = None) -> Verdict:
    """All that the scenario demands holds."""
    return Verdict("passed", one_line(reason), response_time_s)


def failed(reason: str, response_time_s: float | None = None) -> Verdict:
    """Something that the scenario demands does not hold."""
    return Verdict("failed", one_line(reason), response_time_s)


def not_carried_out(reason: str, response_time_s: float | None = None) -> Verdict:
    """Whether the scenario would pass is not known."""
    return Verdict("not_carried_out", one_line(reason), response_time_s)
