"""Answers of NHN Cloud Resource Watcher, made of a table of alarms as the rule files' stories write it.

An alarm: {status: STABLE, sent: [{result: SUCCESS, ago: 5m}]}; both optional. `sent` are the notifications of its
history, each with its result and how long ago its event happened. Times are in UTC, and do not say so.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from checkmill.model.units import seconds
from support.loopback import Reply
from support.operations.question import CREDENTIALS, Question, as_json

Alarms: TypeAlias = Mapping[str, Mapping[str, Any]]
_DELETED = "CLOSED"
_PATH = re.compile(r"/resource-watcher/v1\.0/appkeys/([^/]+)/(event-alarms/search|alarms/([^/]+)/alarm-history)")
_KEYS = ("x-tc-authentication-id", "x-tc-authentication-secret")


def answer(question: Question, alarms: Alarms) -> Reply:
    """What the service answers: HTTP 200 always, even where it refuses."""
    match = _PATH.fullmatch(question.path)
    if match is None:
        return Reply(404)
    keys = (match[1], *(question.headers.get(name) for name in _KEYS))
    if keys != tuple(CREDENTIALS[f"WATCHER_{name}"] for name in ("APPKEY", "ACCESS_KEY", "SECRET_KEY")):
        header = {"isSuccessful": False, "resultCode": -4010, "resultMessage": "Unauthorized"}
        return as_json({"header": header})
    if match[3] is None:
        wanted = json.loads(question.body).get("alarmStatusCodes")
        rows = [_alarm(name, one) for name, one in alarms.items() if _is_meant(_status(one), wanted)]
        return _page("alarms", rows, question)
    name = next(name for name in alarms if _id(name) == match[3])
    records = [
        _record(name, number, one, question.at)
        for number, one in enumerate(alarms[name].get("sent", ()))
        if one["result"] in question.params.get("alarmSendResultTypeCodes", one["result"]).split(",")
    ]
    since = question.params.get("regDateFrom", "")
    return _page("alarmHistories", [one for one in records if one["event"]["regDatetime"] >= since], question)


def _page(key: str, rows: list[Any], question: Question) -> Reply:
    page, size = int(question.params.get("page", 0)), int(question.params.get("size", 10))
    header = {"isSuccessful": True, "resultCode": 0, "resultMessage": ""}
    return as_json({"header": header, key: rows[page * size :][:size], "totalItems": len(rows)})


def _status(alarm: Mapping[str, Any]) -> str:
    status: str = alarm.get("status", "STABLE")
    return status


def _is_meant(status: str, wanted: list[str] | None) -> bool:
    """Whether a search is for alarms of a status; deleted ones must be asked for."""
    return status != _DELETED if wanted is None else status in wanted


def _id(name: str) -> str:
    """An id for each name, the same in every run."""
    return f"{zlib.crc32(name.encode()):08x}"


def _alarm(name: str, alarm: Mapping[str, Any]) -> dict[str, Any]:
    """An alarm of the list."""
    return {
        "alarmId": _id(name),
        "alarmName": name,
        "alarmRule": {"alarmRuleId": "rule-1", "alarmRuleName": "changes", "alarmRuleStatusCode": "STABLE"},
        "alarmStatusCode": _status(alarm),
        "appKey": CREDENTIALS["WATCHER_APPKEY"],
        "description": "",
        "regDatetime": "2032-01-01T00:00:00",
        "modDatetime": "2032-01-02T00:00:00",
        "delDatetime": "",
    }


def _record(name: str, number: int, sent: Mapping[str, Any], now: float) -> dict[str, Any]:
    """A record of an alarm's history; its event was registered when it happened."""
    at = datetime.fromtimestamp(now - seconds(sent["ago"]), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "alarmHistoryId": f"{_id(name)}-{number}",
        "alarmSendResultTypeCode": sent["result"],
        "resource": {"resourceKey": f"key-{number}", "resourceName": "vm", "resourceStatusCode": "STABLE"},
        "event": {
            "alarmId": _id(name),
            "eventId": "event_id.instance.delete",
            "eventDatetime": at,
            "regDatetime": at,
            "eventUser": {"userIdNo": "77aa", "userId": "kim", "userIp": "192.0.2.77", "userAgent": "console"},
        },
    }
