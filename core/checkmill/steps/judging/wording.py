"""The default words of a result: the reason first; what, value, the limit it broke, how many of how many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.model.levels import Levels, Range, Verdict
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State
from checkmill.steps.judging.amounts import plural, shown_limit, shown_range, shown_value
from checkmill.steps.judging.conditions import Partner

#: How many things a text names before it says "...".
NAMED = 5
#: How many lines the details have before they say how many more there are.
LISTED = 200


@dataclass(frozen=True)
class Judged:
    """One sample and what it means.

    `entity` is what tells it from the others of its service; `partial` says that it is a missing one that stands for
    an unknown number of values, such as all of a project. `levels` are those that it was judged by, the `override`th of
    the rule's if that is not None; `partners` what further conditions say of it.
    """

    sample: Sample
    verdict: Verdict
    entity: str = ""
    partial: bool = False
    levels: Levels | None = None
    override: int | None = None
    partners: tuple[Partner, ...] = ()


@dataclass(frozen=True)
class Count:
    """How many samples there should be, those of them that are absent by name, and how the words go on after a reason.

    `note` gives what is said behind the reason of a group, `named` whether its members are named.
    """

    total: int
    absent: Sequence[str] = ()
    unnamed_absent: int = 0
    note: Callable[[State], str] = lambda _: ""
    absent_state: State = State.CRITICAL
    named: bool = True


def text_of(
    judged: Sequence[Judged],
    metric: Metric[Any, Any, Any],
    thing: str,
    *,
    falling: bool = False,
    count: Count | None = None,
) -> str:
    """The first line of a service that was measured; `judged` is worst first, `falling` when low values are bad."""
    absent = 0 if count is None else len(count.absent) + count.unnamed_absent
    bad = [one for one in judged if one.verdict.state is not State.OK]
    if len(judged) == 1 and not absent:
        note = (
            count.note(judged[0].verdict.state) if count is not None and bad and not judged[0].sample.is_missing else ""
        )
        return _single(judged[0], metric) + note
    valued = sum(not one.sample.is_missing for one in judged)
    if valued <= 1 and not absent and not any(one.entity for one in judged):
        return _one_value(judged, metric, count)
    if not bad and not absent:
        return _all_well(judged, metric, thing, falling=falling)
    count = count or Count(sum(1 for one in judged if not one.partial))
    parts: list[str] = []
    for group in _by_reason(bad):
        if group[0].partial:
            parts += _named_few([missing_text(metric, one.sample, one.entity) for one in group], "; ")
            continue
        missing = group[0].sample.is_missing
        note = "" if missing else count.note(group[0].verdict.state)
        names = [_named(one, metric) for one in group] if missing or count.named else []
        parts.append(
            _part(len(group), _reason(group[0], metric) + note, names, None if parts else (count.total, thing))
        )
    if absent:
        names = [*count.absent] if count.named else []
        part = _part(absent, f"absent{count.note(count.absent_state)}", names, None if parts else (count.total, thing))
        parts.append(part)
    return "; ".join(parts)


def _one_value(judged: Sequence[Judged], metric: Metric[Any, Any, Any], count: Count | None) -> str:
    """One value, and what is known to be not in it, the worse first: no two things to be counted."""
    parts = []
    for one in judged:
        if one.sample.is_missing:
            parts.append(f"without value: {one.sample.reason}")
        else:
            is_bad = one.verdict.state is not State.OK
            parts.append(_single(one, metric) + (count.note(one.verdict.state) if count is not None and is_bad else ""))
    return _named_few(parts, "; ")[0]


def _part(number: int, reason: str, names: Sequence[str], of: tuple[int, str] | None) -> str:
    """`3 of 120 hosts above 90%: web-1 97.2%, ...`; behind another part only `3 above 90%: ...`."""
    lead = str(number) if of is None else f"{number} of {of[0]} {plural(of[1])}"
    return f"{lead} {reason}" + (f": {_named_few(names)[0]}" if any(names) else "")


def aggregate_text(
    value: Judged, missing: Sequence[Judged], number: int, metric: Metric[Any, Any, Any], thing: str, how: str
) -> str:
    """The first line of a service of whose samples one value is made: `avg of 12 hosts: cpu 83.2% above 80%`."""
    things = thing if number == 1 and how != "count" else plural(thing)
    lead = f"count of {things}: " if how == "count" else f"{how} of {number} {things}: {metric.name} "
    own = lead + (_full(value, metric) if not value.sample.is_missing else value.sample.reason)
    if not missing:
        return own
    if number == 0:
        return text_of(missing, metric, thing)
    without = f"{len(missing)} without value: " + _named_few([_named(one, metric) for one in missing])[0]
    return f"{own}; {without}" if value.verdict.state is State.CRITICAL else f"{without}; {own}"


def details_of(judged: Sequence[Judged], metric: Metric[Any, Any, Any], *, with_states: bool = True) -> str:
    """One line a sample, worst first; nothing when the text says it all."""
    if len(judged) < 2:
        return ""
    lines = [
        f"[{one.verdict.state.value}] {one.entity or metric.name}: {_full(one, metric)}"
        if with_states
        else f"{one.entity or metric.name}: {_full(one, metric)}"
        for one in judged[:LISTED]
    ]
    if len(judged) > LISTED:
        lines.append(f"... and {len(judged) - LISTED} more")
    return "\n".join(lines)


def missing_text(metric: Metric[Any, Any, Any], sample: Sample, entity: str) -> str:
    """That there is no value, of what, and why."""
    return f"{metric.name} has no value{' for ' if entity else ''}{entity}: {sample.reason}"


def _single(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return missing_text(metric, one.sample, one.entity)
    lead = f"{one.entity}: " if one.entity else ""
    return f"{lead}{metric.name} {_full(one, metric)}"


def _full(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return one.sample.reason
    if one.verdict.broken == "unknown word":
        return f"{one.sample.value!r} is a word without a meaning; say under 'states' what it means"
    broken = "" if one.verdict.broken in {"", "is"} else f" {_broken(one.verdict, one.sample, metric)}"
    reason = f": {one.sample.reason}" if one.sample.reason else ""
    return _value(one, metric) + broken + reason + _with_partners(one)


def _with_partners(one: Judged) -> str:
    """What further conditions add to a value that broke its own limit."""
    if not one.partners or not one.verdict.broken:
        return ""
    if one.verdict.state is State.OK:
        saving = next(partner for partner in one.partners if partner.verdict.state is State.OK)
        return f", but {_partner_text(saving)}"
    doubted = [partner for partner in one.partners if partner.verdict.state is State.UNKNOWN]
    if doubted:
        return f", but {_partner_text(doubted[0])}"
    return "".join(f" and {_partner_text(partner)}" for partner in one.partners)


def _partner_text(partner: Partner) -> str:
    as_judged = Judged(partner.sample, partner.verdict)
    if partner.sample.is_missing:
        return missing_text(partner.metric, partner.sample, "")
    return f"{partner.metric.name} {_full(as_judged, partner.metric)}"


def _reason(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    """Why a sample is not OK: the limits it broke."""
    own = _broken(one.verdict, one.sample, metric)
    doubted = [partner for partner in one.partners if partner.verdict.state is State.UNKNOWN]
    if doubted and not one.sample.is_missing:
        return f"{own}, {doubted[0].metric.name} unknown"
    others = [f" and {one.metric.name} {_broken(one.verdict, one.sample, one.metric)}" for one in one.partners]
    return own if one.sample.is_missing else own + "".join(others)


def _broken(verdict: Verdict, sample: Sample, metric: Metric[Any, Any, Any]) -> str:
    limit = verdict.limit
    if sample.is_missing:
        return "without value"
    if isinstance(limit, Range):
        return shown_range(limit, metric.unit)
    if isinstance(limit, str):
        return limit if verdict.broken == "is" else f"{limit!r}, a word without a meaning"
    return f"{verdict.broken} {shown_limit(limit or 0.0, metric.unit)}"


def _named(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    if one.sample.is_missing:
        return f"{one.entity} ({one.sample.reason})".strip()
    name = one.entity if metric.is_state else f"{one.entity} {_value(one, metric)}"
    reason = f" ({one.sample.reason})" if one.sample.reason else ""
    doubted = [partner for partner in one.partners if partner.verdict.state is State.UNKNOWN]
    if doubted:
        return f"{name}{reason} ({doubted[0].sample.reason or doubted[0].sample.value})".strip()
    others = [_value(Judged(one.sample, one.verdict), one.metric) for one in one.partners if not one.metric.is_state]
    return (name + reason + "".join(f" and {other}" for other in others)).strip()


def _value(one: Judged, metric: Metric[Any, Any, Any]) -> str:
    value, limit = one.sample.value, one.verdict.limit
    if isinstance(limit, Range) and isinstance(value, int | float):
        ends = [end for end in (limit.start, limit.end) if not limit.inside and abs(end) != float("inf")]
        limit = min(ends, key=lambda end: abs(value - end), default=None)
    return shown_value(value, metric.unit, beside=limit if isinstance(limit, int | float) else None)


def _named_few(names: Sequence[str], separator: str = ", ") -> list[str]:
    return [separator.join([*names[:NAMED], *(["..."] if len(names) > NAMED else [])])]


def _by_reason(bad: Iterable[Judged]) -> list[list[Judged]]:
    groups: dict[tuple[Any, ...], list[Judged]] = {}
    for one in bad:
        partners = [(partner.verdict.state, partner.verdict.broken, partner.verdict.limit) for partner in one.partners]
        own = (one.verdict.state, one.verdict.broken, one.verdict.limit)
        groups.setdefault((one.partial, one.sample.is_missing, *own, *partners), []).append(one)
    return list(groups.values())


def _all_well(judged: Sequence[Judged], metric: Metric[Any, Any, Any], thing: str, *, falling: bool) -> str:
    count = f"{len(judged)} {plural(thing)}"
    there = [one for one in judged if not one.sample.is_missing]
    old = [one for one in judged if one.sample.is_missing]
    without = f"; {len(old)} without value: {_named_few([_named(one, metric) for one in old])[0]}" if old else ""
    if not there:
        return f"{count}, none with a value: {_named_few([_named(one, metric) for one in old])[0]}"
    if metric.is_state:
        words: dict[str, int] = {}
        for one in there:
            words[str(one.sample.value)] = words.get(str(one.sample.value), 0) + 1
        return f"{count}: " + ", ".join(f"{number} {word}" for word, number in words.items()) + without
    extreme = there[0]
    which = f" ({extreme.entity})" if extreme.entity else ""
    text = f"{count}, {metric.name} at {'least' if falling else 'most'} {_value(extreme, metric)}{which}"
    return text + _with_partners(extreme) + without
