"""Second step of a run: which fetches the rules need, each once, whichever rules share it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from checkmill.model.errors import DeadlineError
from checkmill.model.fetch import Fetch, Fetched
from checkmill.model.rule import Rule


def fetches_of(rules: Iterable[Rule]) -> list[Fetch]:
    """The fetches that rules need; equal ones once, with the longest of their deadlines."""
    plan: dict[object, Fetch] = {}
    for rule in rules:
        for reading in rule.all_readings:
            key = reading.fetch.key
            planned = plan.get(key)
            if planned is None:
                plan[key] = reading.fetch
            elif planned.timeout_s < reading.fetch.timeout_s:
                plan[key] = replace(planned, timeout_s=reading.fetch.timeout_s)
    return list(plan.values())


def served_by(rules: Iterable[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The rules that can be judged for free once the fetches of the wanted ones are there, those included."""
    fetched = {fetch.key for fetch in fetches_of(wanted)}
    return [rule for rule in rules if all(reading.fetch.key in fetched for reading in rule.all_readings)]


def is_impatient(rule: Rule, fetches: Iterable[Fetch], fetched: Mapping[Any, Fetched]) -> bool:
    """Whether a rule would have waited longer than those that were asked for, and might then have got an answer."""
    waited_s = {fetch.key: fetch.timeout_s for fetch in fetches}
    for fetch in (reading.fetch for reading in rule.all_readings):
        one, limit_s = fetched[fetch.key], waited_s[fetch.key]
        if fetch.timeout_s > limit_s and (one.error is not None or one.ended_at - one.started_at >= limit_s * 0.99):
            return True
    return False


def cut_short_of(fetches: Iterable[Fetch], fetched: Mapping[Any, Fetched]) -> set[Any]:
    """The fetches that the caller's own deadline ended: what that says of the vendor must not outlive the call."""
    return {
        fetch.key
        for fetch in fetches
        if isinstance(fetched[fetch.key].error, DeadlineError)
        and fetched[fetch.key].ended_at - fetched[fetch.key].started_at < fetch.timeout_s * 0.99
    }
