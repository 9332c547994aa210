"""Results that no judging gives: of services that are known, and whose state is not."""

from __future__ import annotations

from checkmill.model.result import Result
from checkmill.model.rule import Rule, Selection
from checkmill.model.state import State
from checkmill.model.templates import is_template


def unknown(result: Result, output: str, now: float, good_until: float) -> Result:
    """A service that is known, in a state that is not. Times are epoch seconds."""
    return Result(
        check=result.check,
        service=result.service,
        state=State.UNKNOWN,
        output=output,
        source=result.source,
        metric=result.metric,
        host=result.host,
        labels=result.labels,
        tags=result.tags,
        checked_at=now,
        good_until=good_until,
        failed=True,
    )


def whole(rule: Rule, output: str) -> Result:
    """A rule of which no service is known, in a state that is not."""
    source = rule.readings[0].source.name if len(rule.readings) == 1 else ""
    return Result(rule.name, rule.name, State.UNKNOWN, output, source=source, tags=rule.tags)


def suspects(rule: Rule) -> str:
    """Where to look for what keeps judging a rule from coming to an end, as the end of a sentence."""
    overrides = [one for own in rule.overrides for one in (own.where, own.exclude)]
    templates = {"as": rule.service_template + rule.host_template, "text": rule.text_template}
    keys = [key for key, one in (("where", rule.where), ("except", rule.exclude)) if _has_regex(one)]
    keys += ["overrides"] if any(map(_has_regex, overrides)) else []
    keys += [key for key, text in {**templates, "details": rule.details_template}.items() if is_template(text)]
    return f"; look at its {' and '.join(map(repr, keys))}" if keys else ""


def _has_regex(selection: Selection | None) -> bool:
    alternatives = () if selection is None else selection.alternatives
    return any(pattern.is_regex for one in alternatives for patterns in one.values() for pattern in patterns)
