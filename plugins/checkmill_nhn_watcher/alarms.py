"""Alarms: rules that say whom to tell of which events. Rows of the list, and one alarm with all that belongs to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checkmill.api.v1 import ParseError, Secret
from checkmill_nhn_watcher.answers import Labels, Members, id_in, list_in, object_in, shape, text_in
from checkmill_nhn_watcher.paging import Listing
from checkmill_nhn_watcher.privacy import Veil, label, people_in, shown

#: The labels of an alarm.
ALARM = ("alarm", "id")
#: What an alarm shown alone says of the people it tells.
_PROFILE = ("uuid", "name", "email", "userId")
#: What the vendor says of an alarm: on, off, deleted.
STATUSES = ("STABLE", "DISABLED", "CLOSED")


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One row of the list of alarms.

    `name` is as the vendor has it, `label` tells it from others of that name. `changed` is the time of its last change
    as sent. `problem` says why it cannot be relied on, and is empty when it can.
    """

    id: str
    name: str
    label: str
    status: str
    rule: str = ""
    changed: Any = None
    problem: str = ""

    @property
    def labels(self) -> Labels:
        """Its labels, as far as they are known."""
        return {name: value for name, value in (("alarm", self.label), ("id", self.id)) if value}

    @property
    def complaint(self) -> str:
        """Its problem where nothing else says whose it is; empty when there is none."""
        return f"alarm {shown(self.label)}: {self.problem}" if self.problem and self.id else self.problem


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Whom an alarm tells. Nothing of it but `kind`, and for a role its id, may be shown.

    `kind` is the vendor's `alarmTargetTypeCode`; `email` and `sms` are None where the vendor says neither yes nor no.
    """

    kind: str
    target: str = ""
    email: bool | None = None
    sms: bool | None = None
    url: Secret | None = None
    secret: Secret | None = None
    host: str = ""


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One alarm with all that belongs to it; `groups` and `tags` are of resources, as id and name.

    `veil` hides the people it tells: `description`, and the alarm's own name, are as the vendor has them.
    """

    alarm: Alarm
    description: str
    recipients: tuple[Recipient, ...]
    events: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, str], ...]
    tags: tuple[tuple[int, str], ...]
    veil: Veil = field(default_factory=Veil, compare=False, repr=False)


def id_of(row: Any) -> str:
    """The id of an alarm, or ""."""
    return id_in(row, "alarmId")


def alarms_of(listing: Listing) -> tuple[Alarm, ...]:
    """The alarms of a list, those of one name told apart by their ids."""
    alarms = tuple(_alarm(number, row, listing.twice) for number, row in enumerate(listing.rows, start=1))
    return told_apart(alarms)


def told_apart(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """The same with labels that differ wherever names are equal and ids are not."""
    found = tuple(alarms)
    names = Counter(alarm.label for alarm in found)
    return tuple(
        replace(alarm, label=f"{alarm.label} ({alarm.id})") if names[alarm.label] > 1 and alarm.id else alarm
        for alarm in found
    )


def alarm_of(members: Members, veil: Veil | None = None) -> Alarm:
    """An alarm as it is shown alone."""
    return _alarm(1, members, frozenset(), veil)


def detail_of(document: Members, asked: str) -> Detail:
    """An alarm with all that belongs to it. Raises `ParseError` for another alarm than asked for, or a broken one.

    An absent list counts as empty, but the recipients: every alarm has some.
    """
    veil = _veil_of(document)
    alarm = alarm_of(object_in(document, "alarm"), veil)
    _require(alarm, asked)
    target = document.get("target")
    if target is not None and not isinstance(target, dict):
        raise ParseError(f"target should be an object, but is {shape(target)}")
    return Detail(
        alarm=alarm,
        description=text_in(document["alarm"], "description"),
        recipients=tuple(_recipient(row) for row in list_in(document, "alarmTargets")),
        events=tuple((_id(row, "productId"), _id(row, "eventId")) for row in _optional(document, "events")),
        groups=tuple(
            (_id(row, "resourceGroupId"), veil.over(text_in(row, "resourceGroupName")))
            for row in _optional(target or {}, "resourceGroups")
        ),
        tags=tuple((_tag(row), veil.over(text_in(row, "tagName"))) for row in _optional(target or {}, "resourceTags")),
        veil=veil,
    )


def recipients_in(document: Members, asked: str) -> int:
    """How many recipients an alarm has; who they are is not looked at. Raises `ParseError` as `detail_of` does."""
    _require(alarm_of(object_in(document, "alarm")), asked)
    rows = list_in(document, "alarmTargets")
    for row in rows:
        _require_object(row)
    return len(rows)


def _veil_of(document: Members) -> Veil:
    """Hides everybody whom the answer about one alarm names."""
    targets = document.get("alarmTargets")
    members = [
        row.get("alarmTarget")
        for row in (targets if isinstance(targets, list) else ())
        if isinstance(row, dict) and row.get("alarmTargetTypeCode") == "UUID"
    ]
    operator = text_in(document.get("alarm"), "operatorUuid")
    return Veil(people_in([document.get("alarmTargetMemberProfiles"), members, operator], _PROFILE))


def _alarm(number: int, row: Any, twice: frozenset[str], veil: Veil | None = None) -> Alarm:
    if not isinstance(row, dict):
        problem = f"row {number} of the list of alarms should be an object, but is {shape(row)}"
        return Alarm(id="", name="", label="", status="", problem=problem)
    key, name = id_of(row), text_in(row, "alarmName")
    over = label if veil is None else veil.over
    problem = ""
    if not key:
        problem = f"row {number} of the list of alarms has no usable alarmId"
    elif key in twice:
        problem = "it came twice, and not alike"
    elif not isinstance(row.get("alarmName", ""), str | None):
        problem = f"its alarmName should be a text, but is {shape(row['alarmName'])}"
    return Alarm(
        id=key,
        name=name,
        label=over(name) or key,
        status=text_in(row, "alarmStatusCode"),
        rule=shown(over(text_in(row.get("alarmRule"), "alarmRuleName"))),
        changed=row.get("modDatetime"),
        problem=problem,
    )


def _recipient(row: Any) -> Recipient:
    _require_object(row)
    url, secret = text_in(row, "webhookUrl"), text_in(row, "webhookSecret")
    return Recipient(
        kind=id_in(row, "alarmTargetTypeCode"),
        target=text_in(row, "alarmTarget"),
        email=_yes(row.get("emailAlarm")),
        sms=_yes(row.get("smsAlarm")),
        url=Secret(url) if url else None,
        secret=Secret(secret) if secret else None,
        host=host_of(url),
    )


def host_of(url: str) -> str:
    """The host of a webhook's address, which alone may be shown of it; "" where none can be made out."""
    # Imported here: only what looks at recipients needs it.
    from urllib.parse import urlsplit

    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host if host.isprintable() else ""


def _require(alarm: Alarm, asked: str) -> None:
    if alarm.id != asked:
        raise ParseError("the answer is about another alarm than the one asked for")


def _require_object(row: Any) -> None:
    if not isinstance(row, dict):
        raise ParseError(f"an entry of alarmTargets should be an object, but is {shape(row)}")


def _yes(value: Any) -> bool | None:
    return {"Y": True, "N": False}.get(value.strip().upper()) if isinstance(value, str) else None


def _optional(members: Members, key: str) -> Sequence[Any]:
    return () if members.get(key) is None else list_in(members, key)


def _id(row: Any, key: str) -> str:
    found = id_in(row, key)
    if not found:
        raise ParseError(f"an entry has no usable {key}")
    return found


def _tag(row: Any) -> int:
    value = row.get("tagId") if isinstance(row, dict) else None
    if type(value) is not int:
        raise ParseError(f"tagId should be a number, but is {shape(value)}")
    return value
