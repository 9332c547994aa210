"""The front of the simulated Resource Watcher: which call is asked, whether the caller may, and what is answered.

It answers HTTP 200 whatever happens; only the header tells success. Its times are in UTC, and name no zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from checkmill.api.v1 import Answer, App, Asked, World
from checkmill_nhn_watcher.sandbox import alarms
from checkmill_nhn_watcher.sandbox.alarms import SimulatedAlarm
from checkmill_nhn_watcher.sandbox.bodies import (
    BAD_KEY,
    NOT_FOUND,
    RefusedError,
    check_alarm,
    date_in,
    json_object,
    whole_number,
)
from checkmill_nhn_watcher.sandbox.organisation import (
    APPKEY,
    KINDS,
    ORGANISATION,
    SECRET_ACCESS_KEY,
    USER_ACCESS_KEY,
    Event,
    events_of,
)

_PATH = re.compile(r"/resource-watcher/(v[12]\.0)/appkeys/([^/]+)(/.+)")
_HISTORY = re.compile(r"/alarms/([^/]+)/alarm-history(?:/([^/]+))?")
_ALARM = re.compile(r"/event-alarms/([^/]+)")
_SORT = {
    "alarms": re.compile(r"(alarmName|modDatetime|regDatetime), ?(ASC|DESC)"),
    "events": re.compile(r"(productName|eventName):(ASC|DESC)(,(productName|eventName):(ASC|DESC))*"),
}
_STATUSES = {"STABLE", "DISABLED", "CLOSED"}
_RESULTS = {"SUCCESS", "FAILURE", "SENDING"}
_LANGUAGES = {"ko", "en", "ja", "zh"}


def start(world: World) -> App:
    """Give the function that answers as Resource Watcher does in this world."""
    return _Service(world).answer


class _Service:
    def __init__(self, world: World) -> None:
        self._world = world
        self._alarms = {alarm.id: alarm for alarm in alarms.first_alarms(world)}

    def answer(self, asked: Asked) -> Answer:
        header: dict[str, Any] = {"isSuccessful": True, "resultCode": 0, "resultMessage": ""}
        try:
            data, remark = self._answer(asked)
        except RefusedError as refused:
            header = {"isSuccessful": False, "resultCode": refused.code, "resultMessage": str(refused)}
            data, remark = {}, f"resource watcher refused: {refused}"
        return Answer(json={"header": header, **data}, remark=remark)

    def _answer(self, asked: Asked) -> tuple[dict[str, Any], str]:
        path = _PATH.fullmatch(asked.path)
        if path is None or (path[1] == "v2.0" and not path[3].startswith("/event-alarms")):
            raise RefusedError("no such call", NOT_FOUND)
        self._demand_keys(path[2], asked.headers, optional=path[3] == "/events")
        history, alarm = _HISTORY.fullmatch(path[3]), _ALARM.fullmatch(path[3])
        match asked.method, path[3]:
            case "POST", "/event-alarms":
                return self._create(asked, echo=path[1] == "v1.0")
            case "DELETE", "/event-alarms":
                return self._delete(_several(asked.params, "alarmIds"))
            case "POST", "/event-alarms/search":
                return self._search(asked), ""
            case "GET", "/events":
                return self._events(asked), ""
            case "GET", _ if history is not None:
                return (self._record(*history.groups()) if history[2] else self._history(history[1], asked)), ""
            case "GET", _ if alarm is not None:
                return alarms.whole(self._found(alarm[1]), _date), ""
            case "PUT", _ if alarm is not None:
                return self._modify(alarm[1], asked)
            case "DELETE", _ if alarm is not None:
                return self._delete([alarm[1]])
        raise RefusedError("no such call", NOT_FOUND)

    def _demand_keys(self, appkey: str, headers: Mapping[str, str], *, optional: bool) -> None:
        if appkey != APPKEY:
            raise RefusedError("the appkey is not valid", BAD_KEY)
        for name, key in (("id", USER_ACCESS_KEY), ("secret", SECRET_ACCESS_KEY)):
            if headers.get(f"x-tc-authentication-{name}", key if optional else "") != key:
                raise RefusedError("the access key is not valid", BAD_KEY)

    def _found(self, alarm: str) -> SimulatedAlarm:
        if alarm not in self._alarms:
            raise RefusedError("the alarm does not exist", NOT_FOUND)
        return self._alarms[alarm]

    # What changes.

    def _create(self, asked: Asked, *, echo: bool) -> tuple[dict[str, Any], str]:
        body = json_object(asked.body)
        check_alarm(body)
        now = self._world.clock()
        number = int(self._world.chance("alarm", len(self._alarms)) * 2**48)
        alarm = SimulatedAlarm(f"5a0d7b1e-{len(self._alarms):04d}-4f5b-8a11-{number:012x}", "", registered=now)
        alarms.fill(alarm, body, now)
        self._alarms[alarm.id] = alarm
        return (alarms.whole(alarm, _date) if echo else {}), f"resource watcher created the alarm {alarm.id}"

    def _modify(self, key: str, asked: Asked) -> tuple[dict[str, Any], str]:
        alarm, body = self._found(key), json_object(asked.body)
        if alarm.status == "CLOSED":
            raise RefusedError("the alarm is deleted", NOT_FOUND)
        check_alarm(body)
        alarms.fill(alarm, body, self._world.clock())
        return {}, f"resource watcher replaced the alarm {key}"

    def _delete(self, keys: Sequence[str]) -> tuple[dict[str, Any], str]:
        if not keys:
            raise RefusedError("alarmIds is required")
        found = [self._found(key) for key in keys]
        if any(alarm.status == "CLOSED" for alarm in found):
            raise RefusedError("the alarm is deleted", NOT_FOUND)
        for alarm in found:
            alarm.status, alarm.told = "CLOSED", False
            alarm.deleted = alarm.changed = self._world.clock()
        return {}, f"resource watcher deleted {len(found)} alarm{'' if len(found) == 1 else 's'} with all history"

    # What is read.

    def _search(self, asked: Asked) -> dict[str, Any]:
        asks = json_object(asked.body)
        statuses = asks.get("alarmStatusCodes") or ["STABLE", "DISABLED"]
        if not set(statuses) <= _STATUSES:
            raise RefusedError("alarmStatusCodes are STABLE, DISABLED, CLOSED")
        since, until = (date_in(asks.get(name), name) for name in ("modDateFrom", "modDateTo"))
        _check_sort(asked.params, "alarms")
        found = [
            alarm
            for alarm in self._alarms.values()
            if alarm.status in statuses
            and (not asks.get("alarmIds") or alarm.id in asks["alarmIds"])
            and (not asks.get("alarmRuleIds") or "ar-0001" in asks["alarmRuleIds"])
            and (not asks.get("operatorUuids") or alarms.listed(alarm, _date)["operatorUuid"] in asks["operatorUuids"])
            and (not asks.get("resourceGroupIds") or set(alarm.groups) & set(asks["resourceGroupIds"]))
            and str(asks.get("alarmNameAnyLike", "")) in alarm.name
            and str(asks.get("descriptionAnyLike", "")) in alarm.description
            and (since is None or alarm.changed >= since)
            and (until is None or alarm.changed <= until)
        ]
        found.sort(key=lambda alarm: (-alarm.changed, alarm.id))
        return _page("alarms", [alarms.listed(alarm, _date) for alarm in found], asked.params)

    def _history(self, key: str, asked: Asked) -> dict[str, Any]:
        params = asked.params
        results = _several(params, "alarmSendResultTypeCodes")
        if not set(results) <= _RESULTS:
            raise RefusedError("alarmSendResultTypeCodes are SENDING, SUCCESS, FAILURE")
        since, until = (date_in(params.get(name), name) for name in ("regDateFrom", "regDateTo"))
        asks: list[tuple[list[str], Callable[[Event], str]]] = [
            (results, lambda event: event.result),
            (_several(params, "eventIds"), lambda event: event.kind.event),
            (_several(params, "productIds"), lambda event: event.thing.product),
            (_several(params, "projectIds"), lambda event: event.thing.project.id),
            (_several(params, "resourceKeys"), lambda event: event.thing.key),
            (_several(params, "eventSourceTypes"), _source_type),
        ]
        found = [
            _record(key, event)
            for event in self._events_of(key)
            if all(not wanted or own(event) in wanted for wanted, own in asks)
            and params.get("resourceNameAnyLike", "") in event.thing.name
            and (since is None or event.at + 2 >= since)
            and (until is None or event.at + 2 <= until)
        ]
        return _page("alarmHistories", found, params)

    def _record(self, key: str, record: str) -> dict[str, Any]:
        alarm = self._found(key)
        event = next((one for one in self._events_of(key) if _record_id(key, one) == record), None)
        if event is None:
            raise RefusedError("the alarm history does not exist", NOT_FOUND)
        return {
            "alarm": {"alarmId": alarm.id, "alarmName": alarm.name, "description": alarm.description},
            "alarmHistory": _record(key, event),
            "alarmRule": {"alarmRuleDescription": "", "alarmRuleId": "ar-0001", "alarmRuleName": alarm.rule},
            "projectName": event.thing.project.name,
        }

    def _events(self, asked: Asked) -> dict[str, Any]:
        lang = asked.headers.get("lang", "ko")
        if lang not in _LANGUAGES:
            raise RefusedError("lang is one of ko, en, ja, zh")
        _check_sort(asked.params, "events")
        products = _several(asked.params, "productIdList")
        found = [
            {"eventId": kind.event, "productId": kind.product, "productName": kind.product_name(lang)}
            for kind in sorted(KINDS, key=lambda kind: (kind.product_name(lang), kind.name))
            if (not products or kind.product in products)
            and asked.params.get("productNameLike", "") in kind.product_name(lang)
            and asked.params.get("eventNameLike", "") in kind.name
        ]
        return {"eventPage": "", **_page("events", found, asked.params)}

    def _events_of(self, key: str) -> Sequence[Event]:
        alarm = self._found(key)
        return tuple(events_of(self._world, alarm.name)) if alarm.told else ()


def _record(key: str, event: Event) -> dict[str, Any]:
    thing, member, target = event.thing, event.member, event.thing.member
    closed = event.kind.event.endswith(".delete")
    by_system = thing.by_system
    return {
        "alarmHistoryId": _record_id(key, event),
        "alarmSendResultTypeCode": event.result,
        "event": {
            "alarmId": key,
            "appKey": APPKEY,
            "eventDatetime": _date(event.at),
            "eventId": event.kind.event,
            "eventSourceType": _source_type(event),
            "eventTarget": {
                "targetMembers": [
                    {"emailAddress": target.email, "idNo": target.uuid, "name": target.name, "userCode": target.user}
                ]
                if target is not None
                else []
            },
            "eventUser": {
                "userAgent": "" if by_system else "Mozilla/5.0 (sandbox)",
                "userId": "" if by_system else member.name,
                "userIdNo": "" if by_system else member.uuid,
                "userIp": "" if by_system else member.address,
            },
            "regDatetime": _date(event.at + 2),
        },
        "resource": {
            "appKey": APPKEY,
            "cloudResourceName": thing.ncrn,
            "createDatetime": _date(event.at),
            "delDatetime": _date(event.at) if closed else "",
            "description": "",
            "iaasTenantId": "",
            "modDatetime": _date(event.at),
            "orgId": ORGANISATION,
            "productId": thing.product,
            "projectId": thing.project.id,
            "projectName": thing.project.name,
            "regDatetime": _date(event.at + 2),
            "regionCode": "KR1",
            "resourceAppKey": "SANDBOXproduct01",
            "resourceCreationTypeCode": "SYSTEM" if by_system else "USER",
            "resourceId": thing.id,
            "resourceKey": thing.key,
            "resourceName": thing.name,
            "resourceStatusCode": "CLOSED" if closed else "STABLE",
            "resourceTypeCode": thing.type,
        },
    }


def _record_id(key: str, event: Event) -> str:
    return f"ah-{key[9:13]}-{event.number}"


def _source_type(event: Event) -> str:
    return "SYSTEM" if event.thing.by_system else "CONSOLE"


def _page(key: str, rows: Sequence[Any], params: Mapping[str, str]) -> dict[str, Any]:
    number, size = whole_number(params, "page", 0, 0), whole_number(params, "size", 10, 1)
    return {key: list(rows[number * size : (number + 1) * size]), "totalItems": len(rows)}


def _several(params: Mapping[str, str], name: str) -> list[str]:
    return [one for one in params.get(name, "").split(",") if one]


def _check_sort(params: Mapping[str, str], what: str) -> None:
    if "sort" in params and not _SORT[what].fullmatch(params["sort"]):
        raise RefusedError("sort is not understood")


def _date(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(int(at), UTC).replace(tzinfo=None).isoformat()
