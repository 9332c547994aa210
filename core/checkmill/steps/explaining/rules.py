"""What a rule says by itself: its sources, its metric, the levels in force, where it reports to; and its requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from checkmill.model.errors import SourceError
from checkmill.model.rule import Reading, Rule
from checkmill.model.secret import redact
from checkmill.model.sent import Sent
from checkmill.model.source import ConfiguredSource
from checkmill.steps.explaining.facts import (
    ConditionFacts,
    FetchFacts,
    LevelFacts,
    MetricFacts,
    OverrideFacts,
    ReportFacts,
    RequestFacts,
    SourceFacts,
)
from checkmill.steps.explaining.selecting import selection_text
from checkmill.steps.explaining.settings import query_asked, settings_that_matter, shown

Lines = Mapping[str, Sequence[int]]


def source_facts(rule: Rule) -> tuple[SourceFacts, ...]:
    """The sources of a rule."""
    sources: dict[str, ConfiguredSource] = {reading.source.name: reading.source for reading in rule.readings}
    return tuple(
        SourceFacts(one.name, one.type.type, dict(one.labels), settings_that_matter(one.settings))
        for one in sources.values()
    )


def metric_facts(rule: Rule, lines: Lines) -> MetricFacts:
    """What a rule measures, and the levels it judges by. `lines` are those of its keys."""
    metric = rule.metric
    carried = [*metric.labels, "source", *(label for reading in rule.readings for label in reading.source.labels)]
    # Labels that entities have, where the rule wants any of them.
    carried += [label for reading in rule.inventories.values() for label in reading.metric.labels]
    tolerate = rule.tolerate
    return MetricFacts(
        name=metric.name,
        help=metric.help,
        unit=metric.unit,
        # A job is judged by a word, and by the time it took.
        judged_unit="s" if rule.is_of_job else rule.judged_metric.unit,
        labels=tuple(dict.fromkeys(carried)),
        query=query_asked(rule.readings[0].query),
        levels=rule_levels(rule, lines),
        overrides=tuple(
            OverrideFacts(
                selection_text(one.where), selection_text(one.exclude), one.levels, line_of(lines, "overrides", number)
            )
            for number, one in enumerate(rule.overrides)
        ),
        conditions=tuple(
            ConditionFacts(one.metric.name, one.metric.unit, query_asked(one.readings[0].query), one.levels)
            for one in rule.conditions
        ),
        aggregate=rule.aggregate,
        tolerate={} if tolerate is None else {"warn": str(tolerate.warn), "crit": str(tolerate.crit)},
        max_age_s=metric.max_age_s if rule.max_age_s is None else rule.max_age_s,
    )


def rule_levels(rule: Rule, lines: Lines) -> LevelFacts:
    """The levels of a rule without its overrides, and whose they are."""
    if rule.levels is None:
        return LevelFacts("none", None)
    written = [line for key in ("above", "below", "range", "states") for line in lines.get(key, ())]
    return LevelFacts("rule", rule.levels, written[0]) if written else LevelFacts("metric", rule.levels)


def report_facts(rule: Rule) -> tuple[ReportFacts, ...]:
    """Where a rule reports to."""
    return tuple(
        ReportFacts(
            one.reporter.name, one.reporter.type.type, {name: shown(value) for name, value in sorted(one.key.items())}
        )
        for one in rule.reports
    )


def fetch_facts(
    readings: Iterable[Reading], sent: Sequence[Sent], errors: Mapping[str, SourceError]
) -> tuple[FetchFacts, ...]:
    """The fetches of a rule with their requests. `errors` are those that ended a fetch, by its name."""
    names = dict.fromkeys(reading.fetch.name for reading in readings)
    return tuple(
        FetchFacts(
            name,
            tuple(_request_facts(one) for one in sent if one.fetch == name),
            redact(errors[name].sentence) if name in errors else "",
        )
        for name in names
    )


def line_of(lines: Lines, key: str, index: int = 0) -> int:
    """The line of one item of a key; 0 where it is not known."""
    known = lines.get(key, ())
    return known[index] if index < len(known) else 0


def _request_facts(one: Sent) -> RequestFacts:
    return RequestFacts(
        method=one.method,
        url=one.shown,
        login=one.login,
        attempts=one.attempts,
        status=one.status,
        bytes=one.size,
        elapsed_ms=round(one.elapsed_s * 1000, 1),
        error=one.error,
    )
