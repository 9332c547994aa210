"""Alarms in words for people: what one is, and how it would differ. Recipients keep their secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checkmill.api.v1 import redact
from checkmill_nhn_watcher.alarms import Alarm, Detail, Recipient, host_of
from checkmill_nhn_watcher.definitions import AlarmDefinition, RecipientDefinition
from checkmill_nhn_watcher.privacy import label, shown
from checkmill_nhn_watcher.settings import Settings
from checkmill_nhn_watcher.times import moment_of
from checkmill_nhn_watcher.times import shown as time_shown

#: So much of an id is shown that may be a person's, and only of one that is much longer.
_SHOWN_OF_ID = 4


def row_of(alarm: Alarm, settings: Settings, now: float) -> dict[str, str]:
    """An alarm as a row of a table."""
    changed = moment_of(alarm.changed, settings.time_zone, now)
    return {
        "alarm": plain(alarm.label),
        "id": alarm.id,
        "status": shown(alarm.status),
        "rule": alarm.rule,
        "changed": time_shown(changed, settings.time_zone),
    }


def description_of(detail: Detail, settings: Settings, now: float) -> dict[str, Any]:
    """An alarm with all that belongs to it."""
    return {
        **row_of(detail.alarm, settings, now),
        "description": shown(detail.veil.over(detail.description)),
        "recipients": [in_words(one) for one in detail.recipients],
        "events": [{"product": product, "event": event} for product, event in detail.events] or "all",
        "resource_groups": [_named(*group) for group in detail.groups],
        "resource_tags": [_named(*tag) for tag in detail.tags],
    }


def recipient_of(definition: RecipientDefinition) -> Recipient:
    """A recipient that a file defines, as the vendor would have it."""
    told = definition.type in {"UUID", "ROLE"}
    return Recipient(
        kind=definition.type,
        target=definition.id,
        email=definition.email if told else None,
        sms=definition.sms if told else None,
        url=definition.url,
        secret=definition.secret,
        # The host alone is shown.
        host=host_of(definition.url.reveal()) if definition.url is not None else "",
    )


def in_words(recipient: Recipient) -> str:
    """A recipient: its kind, of its id no more than tells it from others, of a webhook the host."""
    if recipient.kind == "WEBHOOK":
        return f"webhook at {shown(recipient.host) or 'an address'}{', with a secret' if recipient.secret else ''}"
    ways = [way for way, is_on in (("e-mail", recipient.email), ("SMS", recipient.sms)) if is_on]
    by = f" by {' and '.join(ways)}" if ways else ""
    if recipient.kind == "ROLE":
        return f"role {shown(recipient.target)}{by}"
    kind = {"UUID": "member", "ALARM_KEY": "group of recipients"}.get(
        recipient.kind, shown(recipient.kind) or "unknown"
    )
    return f"{kind} {_masked(recipient.target)}{by}"


def lines_of(definition: AlarmDefinition) -> list[str]:
    """All of a new alarm as lines of a diff."""
    return [f"+ {line}" for line in _lines(definition)]


def difference(present: Detail, definition: AlarmDefinition) -> list[str]:
    """What would be another, in lines of a diff; empty where the two mean the same.

    The vendor answers with groups and tags as objects, and takes them as ids; the order of entries means nothing.
    """
    names, tags = dict(present.groups), dict(present.tags)
    over = present.veil.over
    lines: list[str] = []
    for what, before, after in (
        ("name", present.alarm.name, definition.name),
        ("description", present.description, definition.description),
    ):
        if before.strip() != after.strip():
            both = (("-", before), ("+", after))
            lines += [f"{sign} {what}: {shown(over(text))}" for sign, text in both if text.strip()]
    lines += _changed(
        "recipient",
        {_meaning(one): in_words(one) for one in present.recipients},
        {_meaning(one): in_words(one) for one in map(recipient_of, definition.recipients)},
    )
    lines += _changed(
        "event",
        {pair: _pair(*pair) for pair in present.events},
        {(one.product, one.event): _pair(one.product, one.event) for one in definition.events},
        everything="every event",
    )
    lines += _changed(
        "resources",
        {**{group: f"group {_named(group, name)}" for group, name in names.items()}, **_tags(tags)},
        {
            **{group: f"group {_named(group, names.get(group, ''))}" for group in definition.resource_groups},
            **_tags({int(tag): tags.get(int(tag), "") for tag in definition.resource_tags}),
        },
        everything="every resource",
    )
    return lines


def lost_secrets(present: Detail, definition: AlarmDefinition) -> list[str]:
    """The webhooks that would keep their address and lose their secret, in words."""
    kept = {one.url for one in definition.recipients if one.type == "WEBHOOK" and one.secret is None}
    return [in_words(one) for one in present.recipients if one.secret is not None and one.url in kept]


def plain(text: str) -> str:
    """A label on one line."""
    return " ".join("".join(one if one.isprintable() else " " for one in redact(label(text))).split())


def _lines(definition: AlarmDefinition) -> Iterator[str]:
    yield f"name: {shown(definition.name)}"
    if definition.description:
        yield f"description: {shown(definition.description)}"
    for recipient in definition.recipients:
        yield f"recipient: {in_words(recipient_of(recipient))}"
    for event in definition.events:
        yield f"event: {_pair(event.product, event.event)}"
    yield from ("event: every event",) if not definition.events else ()
    for group in definition.resource_groups:
        yield f"resources: group {_named(group)}"
    for tag in definition.resource_tags:
        yield f"resources: tag {_named(int(tag))}"
    yield from ("resources: every resource",) if not (definition.resource_groups or definition.resource_tags) else ()


def _changed(what: str, before: Mapping[Any, str], after: Mapping[Any, str], everything: str = "") -> Iterator[str]:
    """The lines of what goes and comes; `everything` is what an empty side stands for."""
    gone = [text for key, text in before.items() if key not in after]
    come = [text for key, text in after.items() if key not in before]
    if everything and (gone or come):
        gone += [everything] if not before else []
        come += [everything] if not after else []
    yield from (f"- {what}: {text}" for text in gone)
    # Two may differ in what must not be shown alone.
    yield from (f"+ {what}: {text}{' (another one)' if text in gone else ''}" for text in come)


def _meaning(recipient: Recipient) -> tuple[Any, ...]:
    ways = (bool(recipient.email), bool(recipient.sms)) if recipient.kind in {"UUID", "ROLE"} else ()
    return (recipient.kind, recipient.target, ways, recipient.url, recipient.secret)


def _tags(tags: Mapping[int, str]) -> dict[Any, str]:
    return {("tag", tag): f"tag {_named(tag, name)}" for tag, name in tags.items()}


def _named(key: str | int, name: str = "") -> str:
    return f"{shown(str(key))} ({shown(name)})" if name else shown(str(key))


def _pair(product: str, event: str) -> str:
    return f"{shown(event)} of product {shown(product)}"


def _masked(text: str) -> str:
    return f"{shown(text)[:_SHOWN_OF_ID]}..." if len(text) > 3 * _SHOWN_OF_ID else "..."
