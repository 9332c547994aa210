"""All that a source of Service Monitoring can measure: definitions and verdicts in, samples out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from checkmill.api.v1 import Dataset, Inventory, Levels, Limits, Metric, NoQuery, Sample, Source, SourceError, State
from checkmill_nhn_monitoring import cron as crons
from checkmill_nhn_monitoring.calls import Given
from checkmill_nhn_monitoring.envelope import RefusedError, one_line
from checkmill_nhn_monitoring.sandbox import SANDBOX
from checkmill_nhn_monitoring.scenario import Scenario
from checkmill_nhn_monitoring.settings import Settings
from checkmill_nhn_monitoring.watching import Definitions, Verdicts, definitions, is_absent, verdicts

#: What a scenario is known by.
SCENARIO = ("scenario", "id")
#: How long reading and carrying out all scenarios may take; a single one waits a few seconds at most.
PROBES_TIMEOUT_S = 30.0
DEFINITIONS_TIMEOUT_S = 15.0
INTERVAL_S = 60.0

#: How far the clocks may be apart before a change seems to be in the future.
_CLOCK_SKEW_S = 60.0
_NAMED = 5
_LONGEST_NAME = 80

DEFINITIONS: Dataset[Settings, NoQuery, Definitions] = Dataset(
    "scenarios", definitions, interval_s=INTERVAL_S, timeout_s=DEFINITIONS_TIMEOUT_S
)
PROBES: Dataset[Settings, NoQuery, Verdicts] = Dataset(
    "probes", verdicts, interval_s=INTERVAL_S, timeout_s=PROBES_TIMEOUT_S
)


def failed_scenarios(found: Verdicts, _: NoQuery) -> Iterator[Sample]:
    """How many scenarios fail, and as missing how many are not known to; beside those, no failure is no number."""
    failed, unknown = [], []
    for watched, verdict in found:
        if isinstance(verdict, SourceError):
            unknown.append(f"{watched.name} ({verdict.sentence})")
        elif verdict.word == "failed":
            failed.append(f"{watched.name} ({verdict.reason})")
        elif verdict.word != "passed":
            unknown.append(f"{watched.name} ({verdict.reason})")
    if failed or not unknown:
        number = Sample(len(failed))
        number.reason = _few(failed)
        yield number
    if unknown:
        yield Sample.missing(f"{len(unknown)} of {len(found)} scenarios not carried out: {_few(unknown)}")


def scenario(found: Verdicts, _: NoQuery) -> Iterator[Sample]:
    """Whether each scenario passes, with the reason; one that could not be carried out is missing."""
    for watched, verdict in found:
        if isinstance(verdict, SourceError):
            yield Sample.missing(verdict.sentence, **watched.labels)
        elif verdict.word in {"passed", "failed"}:
            sample = Sample(verdict.word, **watched.labels)
            sample.reason = verdict.reason
            yield sample
        else:
            yield Sample.missing(f"not carried out: {verdict.reason}", **watched.labels)


def scenario_response_time(found: Verdicts, _: NoQuery) -> Iterator[Sample]:
    """How long the answer to each scenario took, where one came."""
    for watched, verdict in found:
        if isinstance(verdict, SourceError):
            yield Sample.missing(verdict.sentence, **watched.labels)
        elif verdict.response_time_s is None:
            why = "no answer" if verdict.word in {"passed", "failed"} else "not carried out"
            yield Sample.missing(f"{why}: {verdict.reason}", **watched.labels)
        else:
            yield Sample(verdict.response_time_s, **watched.labels)


def scenario_exists(found: Definitions, _: NoQuery) -> Iterator[Sample]:
    """Whether the service has each scenario; a failure that is about something else is missing."""
    for watched, answer in found.answers:
        if isinstance(answer, Given):
            yield Sample("exists", **watched.labels)
        elif is_absent(answer):
            sample = Sample("absent", **watched.labels)
            sample.reason = answer.sentence
            yield sample
        else:
            yield Sample.missing(answer.sentence, **watched.labels)


def api_response_time(found: Definitions, _: NoQuery) -> Iterator[Sample]:
    """How long the service took for the slowest of the definitions, and as missing that some never came.

    A refusal came in its time; it says nothing of the service's.
    """
    took = [answer.elapsed_s for _, answer in found.answers if isinstance(answer, Given)]
    lost = [
        f"{watched.name} ({answer.sentence})"
        for watched, answer in found.answers
        if isinstance(answer, SourceError) and not isinstance(answer, RefusedError)
    ]
    if took:
        yield Sample(max(took))
    if lost:
        yield Sample.missing(f"{len(lost)} of {len(found.answers)} definitions did not come: {_few(lost)}")
    elif not took:
        yield Sample.missing("no scenario was answered")


def _of_each(
    measure: Callable[[Scenario, float], Sample | float | str],
) -> Callable[[Definitions, NoQuery], Iterator[Sample]]:
    """Make samples of each scenario from a function of it and of the time in epoch seconds.

    The function gives a number, or a sample whose labels are added here; a text is why there is no value.
    """

    def samples(found: Definitions, _: NoQuery) -> Iterator[Sample]:
        for watched, answer in found.answers:
            if isinstance(answer, SourceError):
                yield Sample.missing(answer.sentence, **watched.labels)
                continue
            value = measure(answer.scenario, found.at)
            if isinstance(value, str):
                yield Sample.missing(value, **watched.labels)
            elif isinstance(value, Sample):
                yield value.labelled(watched.labels)
            else:
                yield Sample(value, **watched.labels)

    samples.__doc__ = measure.__doc__
    return samples


def _status(one: Scenario, _: float) -> Sample | str:
    """What the service says of a scenario, in its words."""
    word = one_line(one.status, _LONGEST_NAME)
    return Sample(word) if word else "NHN says no status"


def _interval(one: Scenario, _: float) -> Sample | float | str:
    """How often a scenario is carried out by NHN; by its cron expression where there is no interval."""
    if one.interval_s is not None:
        return one.interval_s
    period_s = crons.interval_s(one.cron)
    if period_s is None:
        return f"no interval, and the cron is {one_line(one.cron, _LONGEST_NAME)!r}" if one.cron else "no interval"
    sample = Sample(period_s)
    sample.reason = f"by the cron {one_line(one.cron, _LONGEST_NAME)}"
    return sample


def _timeout(one: Scenario, _: float) -> float | str:
    """How long NHN waits for the answer."""
    return "no timeout is set" if one.validation.timeout_s is None else one.validation.timeout_s


def _tolerated_errors(one: Scenario, _: float) -> float | str:
    """How many errors in a row NHN tolerates."""
    return "NHN says no errorLimitCount" if one.error_limit is None else one.error_limit


def _regions(one: Scenario, _: float) -> float | str:
    """From how many regions NHN carries a scenario out."""
    return len(set(one.regions)) or "NHN says no monitoringRegion"


def _age(one: Scenario, at: float) -> float | str:
    """How long ago a scenario was changed, or made."""
    changed_at = one.registered_at if one.amended_at is None else one.amended_at
    if changed_at is None:
        return "NHN says no time of change"
    if changed_at > at + _CLOCK_SKEW_S:
        return f"its time of change is {changed_at - at:.0f}s in the future"
    return max(0.0, at - changed_at)


def scenarios(found: Definitions, _: NoQuery) -> Iterator[dict[str, str | tuple[str, ...]] | Sample]:
    """Each watched scenario with its type and regions; one whose definition cannot be read is missing."""
    for watched, answer in found.answers:
        if isinstance(answer, SourceError):
            yield Sample.missing(answer.sentence, **watched.labels)
        else:
            yield {
                **watched.labels,
                "type": one_line(answer.scenario.type, _LONGEST_NAME),
                "region": tuple(one_line(region, _LONGEST_NAME) for region in answer.scenario.regions),
            }


def _few(names: list[str]) -> str:
    return ", ".join([*names[:_NAMED], *([f"{len(names) - _NAMED} more"] if len(names) > _NAMED else [])])


def _of_definition(
    name: str, measure: Callable[[Scenario, float], Sample | float | str], meaning: str, **parts: Any
) -> Metric[Settings, NoQuery, Definitions]:
    return Metric(name, DEFINITIONS, _of_each(measure), labels=SCENARIO, help=meaning, **parts)


METRICS: tuple[Metric[Settings, NoQuery, Any], ...] = (
    Metric(
        "failed_scenarios",
        PROBES,
        failed_scenarios,
        help="watched scenarios that fail when Checkmill carries them out from where it runs",
        levels=Levels(above=Limits(None, 0.0)),
        minimum=0,
    ),
    Metric(
        "scenario",
        PROBES,
        scenario,
        labels=SCENARIO,
        help="whether each scenario passes when Checkmill carries it out",
        states={"passed": State.OK, "failed": State.CRITICAL},
    ),
    Metric(
        "scenario_response_time",
        PROBES,
        scenario_response_time,
        unit="s",
        labels=SCENARIO,
        help="time until the whole answer to each scenario was there",
        minimum=0,
    ),
    _of_definition(
        "scenario_status",
        _status,
        "NHN's own status of each scenario; only temporary and enable are documented",
        states={"enable": State.OK, "temporary": State.WARNING, "*": State.UNKNOWN},
    ),
    Metric(
        "scenario_exists",
        DEFINITIONS,
        scenario_exists,
        labels=SCENARIO,
        help="whether NHN has each watched scenario",
        states={"exists": State.OK, "absent": State.CRITICAL},
    ),
    _of_definition("scenario_interval", _interval, "how often NHN carries each scenario out", unit="s", minimum=0),
    _of_definition("scenario_timeout", _timeout, "how long NHN waits for each answer", unit="s", minimum=0),
    _of_definition("tolerated_errors", _tolerated_errors, "errors in a row that are no failure to NHN yet", minimum=0),
    _of_definition("scenario_regions", _regions, "regions that NHN carries each scenario out from", minimum=1),
    _of_definition("scenario_age", _age, "time since each scenario was last changed", unit="s", minimum=0),
    Metric(
        "api_response_time",
        DEFINITIONS,
        api_response_time,
        unit="s",
        help="time that NHN's API took for the slowest of the definitions",
        minimum=0,
    ),
)

#: Example rules where what core makes up from unit and name would mislead.
_EXAMPLES = {
    "scenario_timeout": "each: scenario, above: {warn: 5s, crit: 10s}",
    "scenario_regions": "each: scenario, below: {warn: 2}",
    "scenario_age": "each: scenario, below: {warn: 1h}",
    "tolerated_errors": "each: scenario, above: {warn: 2, crit: 5}",
}

NHN_MONITORING = Source(
    type="nhn-monitoring",
    settings=Settings,
    metrics=[replace(metric, example=_EXAMPLES.get(metric.name, "")) for metric in METRICS],
    help="NHN Cloud Service Monitoring: its scenarios, read over the API and carried out from here",
    sandbox=SANDBOX,
    inventory=Inventory(DEFINITIONS, scenarios, key="scenario", labels=(*SCENARIO, "type", "region")),
)
