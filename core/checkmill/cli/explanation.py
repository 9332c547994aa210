"""An explanation as text of 80 columns, from the rule through its requests and samples to each verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from checkmill.cli.levelwords import levels_text, limit_text, origin_text, value_text
from checkmill.cli.paragraphs import Paragraphs, listed
from checkmill.model.job import EXEC
from checkmill.model.moments import age, iso_utc
from checkmill.steps.explaining import Expectation, Explanation, FetchFacts, SampleFacts, Setting
from checkmill.steps.judging.amounts import duration, plural, shown_value

#: How many of a list are shown, unless all are asked for.
MOST_SERVICES = 8
MOST_REQUESTS = 8
MOST_REASONS = 5
MOST_THINGS = 5
_LONGEST_VARIABLE = 150


def as_text(explanation: Explanation, *, whole: bool) -> str:
    """The text form; with `whole`, no list is cut."""
    text = Paragraphs(whole=whole)
    _check(explanation, text)
    _sources(explanation, text)
    _metric(explanation, text)
    _data(explanation, text)
    if explanation.samples is not None:
        _samples(explanation.samples, text)
    _expectation(explanation, text)
    _services(explanation, text)
    _remembered(explanation, text)
    _reports(explanation, text)
    _variables(explanation, text)
    return str(text)


def _check(explanation: Explanation, text: Paragraphs) -> None:
    text.heading(f"check {explanation.check}")
    text.field("file", f"{explanation.file}:{explanation.line}")
    text.field("tags", listed(explanation.tags))
    text.field("each", f"a service for each {' and '.join(explanation.each)}" if explanation.each else "one service")
    interval, good = duration(explanation.interval_s), duration(explanation.good_for_s)
    text.field("interval", f"{interval}; a result is good for {good}")
    text.field("timeout", "none" if explanation.timeout_s is None else duration(explanation.timeout_s))
    text.field("policies", listed(f"{key} {state.value}" for key, state in explanation.policies.items()))


def _sources(explanation: Explanation, text: Paragraphs) -> None:
    for source in explanation.sources:
        text.heading(f"source {source.name}")
        text.field("type", source.type)
        text.field("labels", _labels(source.labels))
        for number, setting in enumerate(source.settings):
            text.field("settings" if number == 0 else "", _setting(setting))


def _metric(explanation: Explanation, text: Paragraphs) -> None:
    metric = explanation.metric
    text.heading(f"metric {metric.name}")
    text.field("what", metric.help)
    text.field("unit", metric.unit)
    text.field("labels", listed(metric.labels))
    text.field("query", listed(map(_setting, metric.query)))
    text.field("max_age", "" if metric.max_age_s is None else duration(metric.max_age_s))
    text.field("aggregate", f"{metric.aggregate} of all samples of a service" if metric.aggregate else "")
    text.field("levels", f"{levels_text(metric.levels.levels, metric.judged_unit)} ({origin_text(metric.levels)})")
    for number, override in enumerate(metric.overrides, 1):
        meant = f"where {override.where}" if override.where else ""
        meant += f"{' ' if meant else ''}except {override.exclude}" if override.exclude else ""
        line = f" (line {override.line})" if override.line else ""
        text.field("overrides" if number == 1 else "", f"{number}. {meant}{line}:")
        text.field("", f"   {levels_text(override.levels, metric.unit)}", indent=5)
    for number, condition in enumerate(metric.conditions):
        query = f" ({listed(map(_setting, condition.query))})" if condition.query else ""
        said = f"{condition.metric}{query} {levels_text(condition.levels, condition.unit)}"
        text.field("and" if number == 0 else "", said)
    if metric.tolerate:
        warn, crit = metric.tolerate["warn"], metric.tolerate["crit"]
        told = crit if warn == crit else f"{warn} beyond warn, and {crit} beyond crit"
        text.field("tolerate", f"up to {told}, of a service's samples")


def _setting(setting: Setting) -> str:
    value = setting.value
    if setting.unit == "1/s":
        return f"{setting.name} {value:g}/s"
    if setting.unit and isinstance(value, int | float):
        return f"{setting.name} {shown_value(value, setting.unit)}"
    return f"{setting.name} {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return listed(value)
    return json.dumps(value, ensure_ascii=False)


# What came


def _data(explanation: Explanation, text: Paragraphs) -> None:
    at = iso_utc(explanation.at)
    if explanation.data != "stored":
        answered = "by the sandbox " if explanation.data == "sandbox" else ""
        text.heading(f"requests, answered {answered}at {at}")
        for fetch in explanation.fetches:
            _fetch(fetch, text)
        return
    text.heading(f"stored, as of {at}")
    stored = explanation.stored
    if stored is None:
        is_of_job = any(one.type == EXEC for one in explanation.sources)
        without = "'checkmill exec' tells of it" if is_of_job else "without --stored it is measured now"
        text.line(f"nothing is stored of this check; {without}")
        return
    text.field("measured", f"{iso_utc(stored.measured_at)}, {age(stored.measured_at, explanation.at)}")
    good = f"{iso_utc(stored.good_until)}, {age(stored.good_until, explanation.at)}"
    text.field("good until", good if stored.fresh else f"{good}: not good any more")
    text.field("rule", "changed since; what is stored was judged by another" if stored.changed else "")


def _fetch(fetch: FetchFacts, text: Paragraphs) -> None:
    text.line(fetch.name)
    shown = text.first(len(fetch.requests), MOST_REQUESTS)
    for request in fetch.requests[:shown]:
        login = "login: " if request.login else ""
        text.unbroken(f"{login}{request.method} {request.url}", indent=4)
        parts = [
            "" if request.status is None else f"HTTP {request.status}",
            "" if request.bytes is None else f"{request.bytes} bytes",
            f"{request.elapsed_ms:.0f} ms",
            f"{request.attempts} attempts" if request.attempts != 1 else "",
        ]
        text.line(listed(filter(None, parts)), indent=6)
        if request.error:
            text.line(request.error, indent=6)
    if shown < len(fetch.requests):
        text.line(f"... and {len(fetch.requests) - shown} more", indent=4)
    if not fetch.requests:
        text.line("no request of its own", indent=4)
    if fetch.error and all(request.error != fetch.error for request in fetch.requests):
        text.line(f"failed: {fetch.error}", indent=4)


def _samples(samples: SampleFacts, text: Paragraphs) -> None:
    text.heading("samples")
    text.field("came", str(samples.came))
    text.field("selected", str(samples.selected))
    out = sum(one.count for one in samples.excluded)
    text.field("excluded", str(out))
    for one in samples.excluded[: text.first(len(samples.excluded), MOST_REASONS)]:
        line = f" (line {one.line})" if one.line else ""
        text.line(f"{one.count} by '{one.key}' {one.pattern}{line}", indent=4)
        text.line(_examples(one.examples, one.count), indent=6)
    _more(len(samples.excluded), text)
    text.field("missing", str(sum(one.count for one in samples.missing)))
    for missing in samples.missing[: text.first(len(samples.missing), MOST_REASONS)]:
        text.line(f"{missing.count} because: {missing.reason}", indent=4)
        text.line(_examples(missing.examples, missing.count), indent=6)
    _more(len(samples.missing), text)
    for number, silent in enumerate(samples.silent):
        values = plural("value") if silent.dropped != 1 else "value"
        dropped = f", without which {silent.dropped} {values} cannot be selected" if silent.dropped else ""
        text.field("silent" if number == 0 else "", silent.reason + dropped)


def _more(number: int, text: Paragraphs) -> None:
    if text.first(number, MOST_REASONS) < number:
        text.line(f"... and {number - MOST_REASONS} more", indent=4)


def _examples(examples: Iterable[Mapping[str, str]], count: int) -> str:
    named = [_labels(one) or "without labels" for one in examples]
    return listed(named) + (f", ... and {count - len(named)} more" if count > len(named) else "")


def _labels(labels: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items())


def _expectation(explanation: Explanation, text: Paragraphs) -> None:
    expectation = explanation.expectation
    text.heading("expected")
    text.line(_expected(expectation, " and ".join(explanation.each)))
    things = []
    for one in expectation.things:
        there = "" if explanation.samples is None else f", {one.found}"
        seen = "" if one.last_seen is None else f", seen {age(one.last_seen, explanation.at)}"
        things.append(f"{_labels(one.labels) or one.source}{there}{seen}")
    text.items(things, MOST_THINGS, indent=4)


def _expected(expectation: Expectation, each: str) -> str:
    match expectation.kind:
        case "number":
            there = "" if expectation.there is None else f"; {expectation.there} are there"
            thing = plural(each or "value") if expectation.number != 1 else each or "value"
            return f"at least {expectation.number} {thing}{there}"
        case "list":
            return f"the listed values of {each}:"
        case "all":
            known = "" if expectation.number is None else f": {expectation.number} selected"
            return f"every entity of the source's inventory{known}"
        case "seen":
            kept = duration(expectation.forget_s or 0.0)
            lead = f"every {each} that good answers showed, until it is gone for {kept}"
            return f"{lead}:" if expectation.things else f"{lead}; none is remembered"
    return "nothing in particular"


# What came of it


def _services(explanation: Explanation, text: Paragraphs) -> None:
    services, unit = explanation.services, explanation.metric.judged_unit
    text.heading("services")
    if not services:
        text.line("none")
    for one in services[: text.first(len(services), MOST_SERVICES)]:
        text.line(f"{one.state.value} {one.name}" + (f" (host {one.host})" if one.host else ""))
        text.field("why", one.why, indent=4)
        if one.value is not None:
            text.field("value", value_text(one.value, one.limit, unit), indent=4)
        if one.limit is not None and one.limit != one.value:
            text.field("limit", limit_text(one.limit, unit), indent=4)
        if one.levels.origin in {"rule", "metric"}:
            text.field("levels", origin_text(one.levels), indent=4)
        elif one.levels.levels is not None:
            text.field("levels", f"{levels_text(one.levels.levels, unit)} ({origin_text(one.levels)})", indent=4)
        if one.samples is not None and one.samples != 1:
            text.field("samples", str(one.samples), indent=4)
    if text.first(len(services), MOST_SERVICES) < len(services):
        text.line(f"... and {len(services) - MOST_SERVICES} more")


def _remembered(explanation: Explanation, text: Paragraphs) -> None:
    text.heading("remembered of earlier runs")
    if not explanation.remembered:
        text.line("nothing")
    lines = []
    for one in explanation.remembered:
        good = "never well measured"
        if one.state is not None and one.at is not None:
            good = f"last good state {one.state.value}, {age(one.at, explanation.at)}"
        seen = "" if one.last_seen is None else f"; seen {age(one.last_seen, explanation.at)}"
        lines.append(f"{_labels(one.labels) or one.source or explanation.check}: {good}{seen}")
    text.items(lines, MOST_THINGS)


def _reports(explanation: Explanation, text: Paragraphs) -> None:
    text.heading("reports to")
    if not explanation.reports:
        text.line("nobody")
    for one in explanation.reports:
        target = listed(f"{name} {_plain(value)}" for name, value in one.target.items() if value is not False)
        text.line(f"{one.reporter} ({one.type}): {target}")


def _variables(explanation: Explanation, text: Paragraphs) -> None:
    variables = explanation.variables
    of = f", as of {variables.service}" if variables.service else ""
    text.heading(f"variables of 'text' and 'details'{of}")
    for one in variables.texts:
        value = json.dumps(one.value, ensure_ascii=False) if one.known else "not stored"
        text.field(one.name, value if len(value) <= _LONGEST_VARIABLE else f"{value[:_LONGEST_VARIABLE]}...")
    text.line(f"'as' and targets have: {listed(variables.names)}")
