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
from checkmill_nhn_watcher.privacy import Veil, people_in
from checkmill_nhn_watcher.settings import Events, Expected, is_whole_name, listed
from checkmill_nhn_watcher.times import SKEW_S, duration, moment_of, shown

#: What became of a notification. FAILURE is of some or all recipients; SENDING is passing, unless it is old.
SUCCESS, FAILURE, SENDING = RESULTS = ("SUCCESS", "FAILURE", "SENDING")
#: What a record says of a person that might also stand in the name of a resource.
_PERSONAL = ("userIdNo", "userId", "userIp", "idNo", "name", "userCode", "emailAddress")
#: What events are told apart by.
_EVENT_CODES = ("eventId", "eventSourceType")
#: What of the one who caused an event is held against those who are expected.
_USER_TEXTS = ("userIdNo", "userId", "userIp")
_RESOURCE_CODES = ("productId", "projectId", "resourceKey", "cloudResourceName", "resourceStatusCode")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One notification; `at` is when its event happened (epoch seconds), None where that cannot be told.

    `resource`, `resource_key` and `project_name` are fit to be shown; `key` and `whole_name` (`cloudResourceName`) are
    the resource's as the vendor has them, and `own_key` is either, to tell it from others. `status` is that of the
    resource. `is_flawed` is whether an id or a code is none, or somebody who is to be compared is nobody.
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
    whole_name: str = field(default="", repr=False)
    unexpected: bool | None = None
    is_flawed: bool = False

    @property
    def own_key(self) -> str:
        """What tells its resource from others."""
        return self.key or self.whole_name

    def is_about(self, entry: str) -> bool:
        """Whether its resource has this key or whole name."""
        return bool(entry) and entry in {self.key, self.whole_name}


@dataclass(frozen=True)
class History:
    """The records of one alarm that a rule asks for, and why they may not be all of them, or not only those.

    `is_cut` is whether that is because there are more than are read.
    """

    records: tuple[Record, ...]
    gap: str = ""
    is_cut: bool = False


def history_of(listing: Listing, query: Events, zone: tzinfo, now: float, since: float = float("-inf")) -> History:
    """The records of a list that the query means, of events since then (epoch seconds)."""
    veil = veil_of(listing.rows)
    parsed = [record_of(row, veil, query, zone, now) for row in listing.rows]
    gap = listing.gap or next(_problems(listing, parsed, query, zone, now, since), "")
    found = (one for one in parsed if one is not None and one.at is not None and one.at >= since)
    return History(tuple(one for one in found if is_meant(one, query)), gap, listing.is_cut)


def id_of(row: Any) -> str:
    """The id of a record, or "": the vendor's sample gives it one name, its table the other."""
    return id_in(row, "alarmHistoryId") or id_in(row, "alarmHistoriesId")


def veil_of(rows: Iterable[Any]) -> Veil:
    """Hides everybody whom any of these records names, in the names of resources and projects."""
    private: set[str] = set()
    for row in rows:
        event = _object(row, "event")
        target = event.get("eventTarget")
        people = [event.get("eventUser"), target, _object(event, "eventTarget").get("targetMembers")]
        private |= people_in(people, _PERSONAL)
    return Veil(private)


def record_of(row: Any, veil: Veil, query: Events | None, zone: tzinfo, now: float) -> Record | None:
    """One record as sent; None for what is no object."""
    if not isinstance(row, dict):
        return None
    event, resource = _object(row, "event"), _object(row, "resource")
    at = moment_of(event.get("eventDatetime"), zone, now)
    if at is None:
        at = moment_of(event.get("regDatetime"), zone, now)
    key, whole_name = id_in(resource, "resourceKey"), id_in(resource, "cloudResourceName")
    shown_key = veil.over(key or whole_name)
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
        whole_name=whole_name,
        is_flawed=not (
            all(isinstance(row.get(name), dict | None) for name in ("event", "resource"))
            and all(is_text_or_none(event, name) for name in _EVENT_CODES)
            and all(is_text_or_none(resource, name) for name in _RESOURCE_CODES)
            and all(isinstance(resource.get(name), str | None) for name in ("resourceName", "projectName"))
            and not (isinstance(query, Expected) and _is_nobody(event.get("eventUser")))
        ),
        unexpected=_is_unexpected(_object(event, "eventUser"), query) if isinstance(query, Expected) else None,
    )


def _problems(
    listing: Listing, parsed: list[Record | None], query: Events, zone: tzinfo, now: float, since: float
) -> Iterator[str]:
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
    ):
        if without_it:
            yield f"{without_it} of {count} records have {what}"
    yield from unsaid((record for record in records if record.at is not None and record.at >= since), query, count)
    newest = max((record.at for record in records if record.at is not None), default=now)
    if newest > now + SKEW_S:
        ahead = f"{duration(newest - now)} ahead of now ({shown(newest, zone)})"
        yield f"the newest event lies {ahead}; does the setting zone fit the vendor?"


def is_meant(record: Record, query: Events) -> bool:
    """Whether a query asks for the event of a record, whenever it happened, and the record says so."""
    return all(is_so for _, is_so in _answers(record, query))


def unsaid(records: Iterable[Record], query: Events, count: int) -> Iterator[str]:
    """What keeps a query from knowing whether it means some of these `count` records: they do not say what they are."""
    lacking: dict[str, int] = {}
    for record in records:
        answers = list(_answers(record, query))
        what = next((what for what, is_so in answers if is_so is None), "")
        if what and not any(is_so is False for _, is_so in answers):
            lacking[what] = lacking.get(what, 0) + 1
    yield from (f"{number} of {count} records have no {what}" for what, number in lacking.items())


def _answers(record: Record, query: Events) -> Iterator[tuple[str, bool | None]]:
    """For each thing asked for whether the record is such; None where it does not say, with what it should say."""
    for what, asked, own in (
        ("event id", query.event, record.event),
        ("product id", query.product, record.product),
        ("project id", query.project, record.project),
        ("source type", query.source_type, record.source_type),
    ):
        if asked:
            yield what, own in listed(asked) if own else None
    resources = listed(query.resource)
    if any(record.is_about(entry) for entry in resources):
        yield "resource", True
    elif not record.key and not all(is_whole_name(entry) for entry in resources):
        yield "resource key", None
    elif not record.whole_name and any(is_whole_name(entry) for entry in resources):
        yield "cloudResourceName", None
    elif resources:
        yield "resource", False


def _is_unexpected(user: Members, query: Expected) -> bool:
    names = [name for name in (text_in(user, "userIdNo"), text_in(user, "userId")) if name]
    users, networks = listed(query.user), listed(query.address)
    if users and not (any(_matches(n, u) for n in names for u in users) if names else query.anonymous):
        return True
    address = text_in(user, "userIp")
    return bool(networks) and not (_is_within(address, networks) if address else query.anonymous)


def _is_nobody(user: Any) -> bool:
    """Whether what should be the one who caused an event is neither that nor nothing."""
    if not isinstance(user, dict):
        return user is not None
    return not all(isinstance(user.get(name), str | None) for name in _USER_TEXTS)


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
