"""The commands `checkmill nhn alarm ...`: those that only read, and with `changing` the list of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from checkmill.api.v1 import (
    Arguments,
    Command,
    ConfigurationError,
    Doc,
    Flow,
    ParseError,
    Plan,
    Positional,
    Seconds,
    now,
)
from checkmill_nhn_watcher import calls
from checkmill_nhn_watcher.alarms import Alarm, alarms_of, detail_of
from checkmill_nhn_watcher.answers import object_in, text_in
from checkmill_nhn_watcher.changing import CHANGING
from checkmill_nhn_watcher.describing import description_of, plain, row_of
from checkmill_nhn_watcher.privacy import Veil, shown
from checkmill_nhn_watcher.reading import kind_of, list_alarms, list_event_kinds, list_records, single
from checkmill_nhn_watcher.records import Record, is_meant, record_of, unsaid, veil_of
from checkmill_nhn_watcher.settings import DAY_S, Events, Settings, is_whole_name
from checkmill_nhn_watcher.times import moment_of, written
from checkmill_nhn_watcher.times import shown as time_shown


@dataclass(frozen=True, kw_only=True)
class ListAsked(Arguments):
    """Which alarms to list."""

    id: Annotated[tuple[str, ...], Doc("only the alarm of this id")] = ()
    name: Annotated[str, Doc("only alarms whose name holds this")] = ""
    description: Annotated[str, Doc("only alarms whose description holds this")] = ""
    status: Annotated[
        tuple[Literal["STABLE", "DISABLED", "CLOSED"], ...],
        Doc("only alarms that are on (STABLE), off or deleted; without it all but the deleted ones"),
    ] = ()
    rule: Annotated[tuple[str, ...], Doc("only alarms of the rule of this id")] = ()
    group: Annotated[tuple[str, ...], Doc("only alarms about the group of resources of this id")] = ()
    operator: Annotated[tuple[str, ...], Doc("only alarms that the member of this UUID changed last")] = ()
    changed_from: Annotated[str, Doc("only alarms last changed since, such as 2026-11-01T00:00:00")] = ""
    changed_to: Annotated[str, Doc("only alarms last changed until then")] = ""
    sort: Annotated[str, Doc("order, such as 'alarmName, ASC'; the vendor's is 'modDatetime, DESC'")] = ""


@dataclass(frozen=True, kw_only=True)
class GetAsked(Arguments):
    """Which alarm to show."""

    id: Annotated[str, Positional("ID"), Doc("id of the alarm")]


@dataclass(frozen=True, kw_only=True)
class HistoryAsked(Arguments):
    """Which notifications to show."""

    alarm: Annotated[str, Positional("ALARM"), Doc("id or name of the alarm")]
    record: Annotated[str, Doc("this one record in full, by its id")] = ""
    window: Annotated[Seconds, Doc("how far back, unless --since says")] = DAY_S
    since: Annotated[str, Doc("events since, such as 2026-11-01T00:00:00, in the source's zone")] = ""
    until: Annotated[str, Doc("events until then")] = ""
    result: Annotated[tuple[Literal["SENDING", "SUCCESS", "FAILURE"], ...], Doc("only of this result")] = ()
    event: Annotated[tuple[str, ...], Doc("only of this event, by its id")] = ()
    product: Annotated[tuple[str, ...], Doc("only of this product, by its id")] = ()
    project: Annotated[tuple[str, ...], Doc("only of this project, by its id")] = ()
    resource: Annotated[tuple[str, ...], Doc("only of this resource, by its key")] = ()
    resource_name: Annotated[str, Doc("only of resources whose name holds this")] = ""
    source_type: Annotated[tuple[str, ...], Doc("only of this kind of what caused the event")] = ()
    sort: Annotated[str, Doc("order in which the vendor sends them, which it does not document")] = ""


@dataclass(frozen=True, kw_only=True)
class EventsAsked(Arguments):
    """Which kinds of event to list."""

    product: Annotated[tuple[str, ...], Doc("only of this product, by its id")] = ()
    product_name: Annotated[str, Doc("only of products whose name holds this, in the source's language")] = ""
    name: Annotated[str, Doc("only events whose name, which is not sent, holds this")] = ""
    sort: Annotated[str, Doc("order; the vendor's is productName:ASC,eventName:ASC")] = ""


def list_(settings: Settings, asked: ListAsked) -> Flow[Plan]:
    """The alarms, one a row."""
    at = yield from now()
    times = {
        name: written(_time(text, option, settings, at), settings.time_zone)
        for name, text, option in (
            ("modDateFrom", asked.changed_from, "--changed-from"),
            ("modDateTo", asked.changed_to, "--changed-to"),
        )
        if text
    }
    filters: dict[str, Any] = {
        "alarmIds": list(asked.id),
        "alarmNameAnyLike": asked.name,
        "alarmRuleIds": list(asked.rule),
        "alarmStatusCodes": list(asked.status),
        "descriptionAnyLike": asked.description,
        "operatorUuids": list(asked.operator),
        "resourceGroupIds": list(asked.group),
    }
    _refuse_unprintable(filters)
    body = {**{name: value for name, value in filters.items() if value}, **times}
    listing = yield from list_alarms(settings, body, asked.sort)
    alarms = alarms_of(listing)
    return Plan(
        data=[row_of(alarm, settings, at) for alarm in alarms if alarm.id],
        problems=[*_gap(listing.gap), *(alarm.complaint for alarm in alarms if alarm.problem)],
        nothing="no such alarm",
    )


def get(settings: Settings, asked: GetAsked) -> Flow[Plan]:
    """One alarm with all that belongs to it."""
    at = yield from now()
    document = yield from calls.get_alarm(settings, asked.id)
    return Plan(data=description_of(detail_of(document, asked.id), settings, at))


def history(settings: Settings, asked: HistoryAsked) -> Flow[Plan]:
    """The notifications of an alarm, the newest first, or one of them in full. Who is behind them is not shown."""
    at = yield from now()
    alarm = yield from _resolved(settings, asked.alarm)
    if asked.record:
        return Plan(data=(yield from _record(settings, alarm, asked.record, at)))
    since = _time(asked.since, "--since", settings, at) if asked.since else at - asked.window
    until = _time(asked.until, "--until", settings, at) if asked.until else None
    query = Events(
        event=asked.event,
        product=asked.product,
        project=asked.project,
        resource=asked.resource,
        source_type=asked.source_type,
    )
    listing = yield from list_records(settings, alarm, _parameters(settings, asked, since, until), asked.sort)
    veil = veil_of(listing.rows)
    records = [record_of(row, veil, query, settings.time_zone, at) for row in listing.rows]
    within = [
        one
        for one in records
        if one is not None
        and (not asked.result or one.result in asked.result)
        and (one.at is None or (one.at >= since and (until is None or one.at <= until)))
    ]
    chosen = [one for one in within if is_meant(one, query)]
    chosen.sort(key=lambda one: float("-inf") if one.at is None else one.at, reverse=True)
    broken = sum(one is None for one in records)
    return Plan(
        data=[_row(one, settings) for one in chosen],
        problems=[
            *_gap(listing.gap),
            *_gap(f"{broken} records are no objects" if broken else ""),
            *unsaid(within, query, len(records)),
        ],
        nothing="no such notification",
    )


def events(settings: Settings, asked: EventsAsked) -> Flow[Plan]:
    """The kinds of event that an alarm can be about."""
    texts = {"productNameLike": asked.product_name, "eventNameLike": asked.name}
    filters = {**single({"productIdList": asked.product}), **_given(texts)}
    listing = yield from list_event_kinds(settings, filters, asked.sort)
    rows = [row for row in listing.rows if kind_of(row)]
    unusable = len(listing.rows) - len(rows)
    return Plan(
        data=[
            {
                "product": text_in(row, "productId"),
                "product_name": plain(text_in(row, "productName")),
                "event": text_in(row, "eventId"),
            }
            for row in rows
            if not asked.product or text_in(row, "productId") in asked.product
        ],
        problems=[*_gap(listing.gap), *_gap(f"{unusable} rows have no usable ids" if unusable else "")],
        nothing="no such kind of event",
    )


def _record(settings: Settings, alarm: str, record: str, at: float) -> Flow[dict[str, Any]]:
    document = yield from calls.get_record(settings, alarm, record)
    row = object_in(document, "alarmHistory")
    veil, zone = veil_of([row]), settings.time_zone
    found = record_of(row, veil, None, zone, at)
    if found is None or found.id != record:
        raise ParseError("the answer is about another record than the one asked for")
    event, resource = row.get("event"), row.get("resource")
    times = {
        name: time_shown(moment_of(text_in(event, key), zone, at), zone)
        for name, key in (("happened", "eventDatetime"), ("registered", "regDatetime"))
    }
    return {
        "id": found.id,
        "alarm": plain(veil.over(text_in(document.get("alarm"), "alarmName"))),
        "alarm_id": alarm,
        "rule": plain(veil.over(text_in(document.get("alarmRule"), "alarmRuleName"))),
        "result": shown(found.result),
        "event": {"id": found.event, "source_type": found.source_type, **times},
        "resource": {
            "name": plain(found.resource),
            "key": found.resource_key,
            "type": found.resource_type,
            "region": found.region,
            "status": shown(text_in(resource, "resourceStatusCode")),
            "created_by": shown(text_in(resource, "resourceCreationTypeCode")),
        },
        "product": found.product,
        "project": {"id": found.project, "name": _project_name(found, document, veil)},
    }


def _project_name(found: Record, document: Any, veil: Veil) -> str:
    return plain(found.project_name or veil.over(text_in(document, "projectName")))


def _row(record: Record, settings: Settings) -> dict[str, str]:
    return {
        "time": time_shown(record.at, settings.time_zone) or "(no usable time)",
        "result": shown(record.result),
        "event": record.event,
        "resource": plain(record.resource),
        "type": record.resource_type,
        "project": plain(record.project_name) or record.project,
        "id": record.id,
    }


def _parameters(settings: Settings, asked: HistoryAsked, since: float, until: float | None) -> calls.Parameters:
    """What 2.2 is asked for: more than the time that is meant, since it is not said which time it goes by."""
    lists = {
        "resourceKeys": () if any(map(is_whole_name, asked.resource)) else asked.resource,
        "eventIds": asked.event,
        "eventSourceTypes": asked.source_type,
        "projectIds": asked.project,
        "productIds": asked.product,
        "alarmSendResultTypeCodes": asked.result,
    }
    zone = settings.time_zone
    end = {} if until is None else {"regDateTo": written(until + settings.overlap, zone)}
    return {
        **single(lists),
        **_given({"resourceNameAnyLike": asked.resource_name}),
        "regDateFrom": written(since - settings.overlap, zone),
        **end,
    }


def _resolved(settings: Settings, word: str) -> Flow[str]:
    """The id of the alarm that a word means. Raises `ConfigurationError` for a name of several alarms, or of none."""
    listing = yield from list_alarms(settings, {})
    alarms: tuple[Alarm, ...] = alarms_of(listing)
    named = [alarm.id for alarm in alarms if alarm.id and alarm.name == word]
    if any(alarm.id == word for alarm in alarms):
        return word
    if len(named) > 1:
        raise ConfigurationError(f"{len(named)} alarms are called {word!r}; name one by its id: {', '.join(named[:8])}")
    if not named:
        raise ConfigurationError(f"no alarm has the name or id {word!r}{'; ' + listing.gap if listing.gap else ''}")
    return named[0]


def _time(text: str, option: str, settings: Settings, now_s: float) -> float:
    found = moment_of(text, settings.time_zone, now_s)
    if found is None:
        raise ConfigurationError(f"{option} {text!r} is no time; write it like 2026-11-01T00:00:00")
    return found


def _given(texts: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _gap(sentence: str) -> list[str]:
    return [sentence] if sentence else []


def _refuse_unprintable(filters: dict[str, Any]) -> None:
    for value in filters.values():
        text = "".join(value)
        if not text.isprintable():
            raise ConfigurationError(f"{text!r} cannot be looked for: it holds what no line of text may")


COMMANDS: tuple[Command[Settings, Any], ...] = (
    Command("nhn alarm list", "nhn-watcher", list_, ListAsked, "list alarms"),
    Command("nhn alarm get", "nhn-watcher", get, GetAsked, "show an alarm and whom it tells of what", form="yaml"),
    Command("nhn alarm history", "nhn-watcher", history, HistoryAsked, "list the notifications of an alarm"),
    Command("nhn alarm events", "nhn-watcher", events, EventsAsked, "list what alarms can be about"),
    *CHANGING,
)
