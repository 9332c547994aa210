"""History records: one notification each that an alarm sent, or tried to send, because of one event.

A record names the people behind an event. Nothing of that leaves this module but whether they were expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from fnmatch import fnmatchcase
from typing import Any

from checkmill_nhn_watcher.answers import Members, id_in, is_text_or_none, text_in
from checkmill_nhn_watcher.paging import Listing
from checkmill_nhn_watcher.privacy import Veil
from checkmill_nhn_watcher.settings import Expected, Window, listed
from checkmill_nhn_watcher.times import SKEW_S, duration, moment_of, shown

#: What became of a notification. FAILURE is of some or all recipients; SENDING is passing, unless it is old.
SUCCESS, FAILURE, SENDING = RESULTS = ("SUCCESS", "FAILURE", "SENDING")
#: What a record says of a person that might also stand in the name of a resource.
_PERSONAL = ("userIdNo", "userId", "userIp", "idNo", "name", "userCode", "emailAddress")
#: What events are told apart by.
_EVENT_CODES = ("eventId", "eventSourceType")
_RESOURCE_CODES = ("productId", "projectId", "resourceKey", "cloudResourceName", "resourceStatusCode")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One notification; `at` is when its event happened (epoch seconds), None where that cannot be told.

    `resource`, `resource_key` and `project_name` are fit to be shown; `key` is the resource's as the vendor has it.
    `status` is that of the resource. `is_flawed` is whether an id or a code is none.
    """

    id: str
    at: float | None
    result: str
    event: str
    source_type: str = ""
    product: str = ""
    project: str = ""
    project_name: str = ""
    resource: str = ""
    resource_key: str = ""
    resource_type: str = ""
    region: str = ""
    status: str = ""
    key: str = field(default="", repr=False)
    unexpected: bool | None = None
    is_flawed: bool = False


@dataclass(frozen=True)
class History:
    """The records of one alarm that a rule asks for, and why they may not be all of them, or not only those."""

    records: tuple[Record, ...]
    gap: str = ""


def history_of(listing: Listing, query: Window, zone: tzinfo, now: float, *, everything: bool = False) -> History:
    """The records of a list that the query means; with `everything`, whenever they happened."""
    veil = veil_of(listing.rows)
    parsed = [record_of(row, veil, query, zone, now) for row in listing.rows]
    gap = listing.gap or next(_problems(listing, parsed, query, zone, now), "")
    since = float("-inf") if everything else now - query.window
    return History(
        tuple(r for r in parsed if r is not None and r.at is not None and r.at >= since and is_meant(r, query)), gap
    )


def id_of(row: Any) -> str:
    """The id of a record, or "": the vendor's sample gives it one name, its table the other."""
    return id_in(row, "alarmHistoryId") or id_in(row, "alarmHistoriesId")


def veil_of(rows: Iterable[Any]) -> Veil:
    """Hides everybody whom any of these records names, in the names of resources and projects."""
    private = set()
    for row in rows:
        event = _object(row, "event")
        members = _object(event, "eventTarget").get("targetMembers")
        people = [_object(event, "eventUser"), *(members if isinstance(members, list) else ())]
        private |= {text_in(one, name) for one in people for name in _PERSONAL}
    return Veil(private)


def record_of(row: Any, veil: Veil, query: Window | None, zone: tzinfo, now: float) -> Record | None:
    """One record as sent; None for what is no object."""
    if not isinstance(row, dict):
        return None
    event, resource = _object(row, "event"), _object(row, "resource")
    at = moment_of(event.get("eventDatetime"), zone, now)
    if at is None:
        at = moment_of(event.get("regDatetime"), zone, now)
    key = id_in(resource, "resourceKey") or id_in(resource, "cloudResourceName")
    shown_key = veil.over(key)
    return Record(
        id=id_of(row),
        at=at,
        result=text_in(row, "alarmSendResultTypeCode"),
        event=id_in(event, "eventId"),
        source_type=id_in(event, "eventSourceType"),
        product=id_in(resource, "productId"),
        project=id_in(resource, "projectId"),
        project_name=veil.over(text_in(resource, "projectName")),
        resource=veil.over(text_in(resource, "resourceName")) or shown_key,
        resource_key=shown_key,
        resource_type=id_in(resource, "resourceTypeCode"),
        region=id_in(resource, "regionCode"),
        status=text_in(resource, "resourceStatusCode"),
        key=key,
        is_flawed=not (
            all(isinstance(row.get(name), dict | None) for name in ("event", "resource"))
            and all(is_text_or_none(event, name) for name in _EVENT_CODES)
            and all(is_text_or_none(resource, name) for name in _RESOURCE_CODES)
            and all(isinstance(resource.get(name), str | None) for name in ("resourceName", "projectName"))
        ),
        unexpected=_is_unexpected(_object(event, "eventUser"), query) if isinstance(query, Expected) else None,
    )


def _problems(listing: Listing, parsed: list[Record | None], query: Window, zone: tzinfo, now: float) -> Iterator[str]:
    """What keeps the records from being counted, the first thing first."""
    count = len(parsed)
    broken = sum(record is None for record in parsed)
    if broken:
        yield f"{broken} of {count} records are no objects"
    records = [record for record in parsed if record is not None]
    if listing.twice:
        yield f"{len(listing.twice)} of {count} records came twice, and not alike"
    for what, without_it in (
        ("no id", sum(not record.id for record in records)),
        ("an id or a code that is none", sum(record.is_flawed for record in records)),
        ("no usable time", sum(record.at is None for record in records)),
        ("no event id", sum(not record.event for record in records) if query.event else 0),
        ("no resource key", sum(not record.key for record in records) if query.resource else 0),
    ):
        if without_it:
            yield f"{without_it} of {count} records have {what}"
    newest = max((record.at for record in records if record.at is not None), default=now)
    if newest > now + SKEW_S:
        ahead = f"{duration(newest - now)} ahead of now ({shown(newest, zone)})"
        yield f"the newest event lies {ahead}; does the setting zone fit the vendor?"


def is_meant(record: Record, query: Window) -> bool:
    """Whether a query asks for the events of a record, whenever they happened."""
    for asked, own in (
        (query.event, record.event),
        (query.product, record.product),
        (query.project, record.project),
        (query.resource, record.key),
        (query.source_type, record.source_type),
    ):
        if asked and own not in listed(asked):
            return False
    return True


def _is_unexpected(user: Members, query: Expected) -> bool:
    names = [name for name in (text_in(user, "userIdNo"), text_in(user, "userId")) if name]
    users, networks = listed(query.user), listed(query.address)
    if users and not (any(_matches(n, u) for n in names for u in users) if names else query.anonymous):
        return True
    address = text_in(user, "userIp")
    return bool(networks) and not (_is_within(address, networks) if address else query.anonymous)


def _matches(name: str, entry: str) -> bool:
    return name == entry or fnmatchcase(name, entry)


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    # Imported here: few rules ask for it.
    from ipaddress import ip_address, ip_network

    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(network.strip(), strict=False) for network in networks)


def _object(members: Any, key: str) -> Members:
    value = members.get(key) if isinstance(members, dict) else None
    return value if isinstance(value, dict) else {}
