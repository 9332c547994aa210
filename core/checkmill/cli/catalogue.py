"""`list`, `metrics`, `plugins`, `schema`: what there is, without any network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from checkmill.cli.examples import example_of
from checkmill.cli.session import Session
from checkmill.cli.tables import columns
from checkmill.host import Host, Plugin
from checkmill.model.builtin import metrics_of
from checkmill.model.levels import Levels, glob_matches, plain
from checkmill.model.rule import Rule
from checkmill.model.source import Metric, Source
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.schema import schema_of

FAILED = 3


def list_checks(session: Session) -> int:
    """Print the checks that can run, and on stderr what is wrong with the others."""
    with session.book() as (book, host):
        names, _ = book.select(tags=session.arguments.tag)
        rules = book.rules(names)
        problems = [*book.problems, *host.problems]
    rows = [_rule_row(rule) for rule in rules]
    _print(session, ["name", "source", "metric", "each", "interval_s", "tags", "place"], rows)
    for problem in problems:
        session.streams.remark(str(problem))
    return FAILED if problems else 0


def metrics(session: Session) -> int:
    """Print what the source types can measure."""
    host = Host()
    wanted = session.arguments.type
    kinds = host.sources()
    if wanted is not None:
        kinds = [kind for kind in kinds if kind.type == wanted]
        if not kinds:
            plugin = host.failed(wanted)
            hint = did_you_mean(wanted, [kind.type for kind in host.sources()])
            reason = str(plugin.problems[0]) if plugin and plugin.problems else hint
            session.streams.remark(f"checkmill: there is no source type {wanted!r}: {reason}")
            return FAILED
    found = [(kind, metric) for kind in kinds for metric in metrics_of(kind)]
    names = session.arguments.metrics
    unknown = [name for name in names if not any(glob_matches(name, metric.name) for _, metric in found)]
    for name in unknown:
        hint = did_you_mean(name, {metric.name for _, metric in found})
        session.streams.remark(f"checkmill: {wanted} has no metric {name!r}: {hint}")
    if unknown:
        return FAILED
    rows = [
        _metric_row(kind, metric)
        for kind, metric in found
        if not names or any(glob_matches(name, metric.name) for name in names)
    ]
    _print(session, ["type", "metric", "unit", "labels", "levels", "query", "help", "example"], rows)
    return 0


def plugins(session: Session) -> int:
    """Print the installed plugins with their commands, and what is wrong with them."""
    host = Host()
    host.commands()
    rows = [_plugin_row(one) for one in host.plugins()]
    _print(session, ["type", "kind", "distribution", "version", "status", "commands"], rows)
    for problem in host.problems:
        session.streams.remark(str(problem))
    return FAILED if host.problems else 0


def schema(session: Session) -> int:
    """Print the JSON Schema of rule files for the installed plugins."""
    host = Host()
    session.streams.results(json.dumps(schema_of(host), indent=2, ensure_ascii=False) + "\n")
    return FAILED if host.problems else 0


def _rule_row(rule: Rule) -> list[Any]:
    return [
        rule.name,
        [reading.source.name for reading in rule.readings],
        rule.metric.name,
        list(rule.each),
        rule.interval_s,
        list(rule.tags),
        str(rule.place),
    ]


def _metric_row(kind: Source[Any], metric: Metric[Any, Any, Any]) -> list[Any]:
    query = [field.name for field in fields(metric.dataset.query_type)]
    unit = "words" if metric.is_state else metric.unit or "number"
    example = example_of(kind, metric)
    return [kind.type, metric.name, unit, list(metric.labels), _levels_text(metric), query, metric.help, example]


def _plugin_row(plugin: Plugin) -> list[Any]:
    kinds = [name for name, kind in (("source", plugin.source), ("reporter", plugin.reporter)) if kind is not None]
    kinds += ["commands"] if plugin.commands else []
    status = "; ".join(problem.sentence for problem in plugin.problems) or "ok"
    commands = sorted(command.name for command in plugin.commands)
    return [plugin.type, ", ".join(kinds) or "-", plugin.distribution, plugin.version, status, commands]


def _levels_text(metric: Metric[Any, Any, Any]) -> str:
    if metric.states is not None:
        return ", ".join(f"{word}: {state.value}" for word, state in metric.states.items())
    levels = metric.levels or Levels()
    parts = []
    for name, limits in (("above", levels.above), ("below", levels.below)):
        if limits is not None:
            parts.append(f"{name} {'/'.join('-' if one is None else plain(one) for one in (limits.warn, limits.crit))}")
    return ", ".join(parts)


def _print(session: Session, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if session.arguments.format == "json":
        documents = [dict(zip(head, row, strict=True)) for row in rows]
        session.streams.results(json.dumps(documents, ensure_ascii=False, indent=2) + "\n")
        return
    texts = [[",".join(cell) if isinstance(cell, list) else _cell(cell) for cell in row] for row in rows]
    session.streams.results(columns([name.upper() for name in head], texts))


def _cell(value: Any) -> str:
    return plain(value) if isinstance(value, float) else str(value)
