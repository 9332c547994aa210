"""What a source watches: reads the definition of each scenario, and finds out how each fares.

NHN has no call that lists failures, so each scenario is carried out from here. A scenario whose definition cannot be
read keeps that to itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checkmill.api.v1 import ConfigurationError, Flow, NoQuery, SourceError, attempt, now, together
from checkmill_nhn_monitoring.calls import Given, get_scenario
from checkmill_nhn_monitoring.envelope import RefusedError
from checkmill_nhn_monitoring.probing import probe
from checkmill_nhn_monitoring.settings import Settings, Watched
from checkmill_nhn_monitoring.verdict import Verdict


@dataclass(frozen=True)
class Definitions:
    """What the service answered for each watched scenario, and when that was asked, in epoch seconds."""

    at: float
    answers: Sequence[tuple[Watched, Given | SourceError]]


#: The verdict on each watched scenario, or what kept it from being carried out.
Verdicts = Sequence[tuple[Watched, Verdict | SourceError]]


def definitions(settings: Settings, _: NoQuery) -> Flow[Definitions]:
    """Read the watched scenarios side by side.

    Raises `ConfigurationError` where none is configured, and the first failure where all fail and none is about a
    scenario that is not there: it is the keys or the service then.
    """
    at = yield from now()
    return Definitions(at, (yield from _answers(settings)))


def verdicts(settings: Settings, _: NoQuery) -> Flow[Verdicts]:
    """Read the watched scenarios, and carry them out side by side. Raises as `definitions`."""
    answers = yield from _answers(settings)
    found = yield from together([attempt(_verdict(settings, answer)) for _, answer in answers])
    return [(watched, verdict) for (watched, _), verdict in zip(answers, found, strict=True)]


def is_absent(error: SourceError) -> bool:
    """Whether the service says that a scenario is not there."""
    return isinstance(error, RefusedError) and error.says_absent


def _answers(settings: Settings) -> Flow[Sequence[tuple[Watched, Given | SourceError]]]:
    watched = settings.watched
    if not watched:
        raise ConfigurationError("no scenario is watched; write their ids under 'scenarios' in the source's settings")
    found = yield from together([attempt(get_scenario(settings, one.id)) for one in watched])
    answers = list(zip(watched, found, strict=True))
    failures = [answer for answer in found if isinstance(answer, SourceError)]
    if len(failures) == len(found) and not any(map(is_absent, failures)):
        raise failures[0]
    return answers


def _verdict(settings: Settings, answer: Given | SourceError) -> Flow[Verdict]:
    if isinstance(answer, SourceError):
        raise answer
    waits = {"silence_s": settings.read_timeout, "connect_s": settings.connect_timeout}
    return (yield from probe(answer.scenario, settings.reach, **waits))
