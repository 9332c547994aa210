"""Answers in the shapes that Resource Watcher documents, and how tests ask for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from checkmill.api.v1 import Change, Command, Flow, Metric, Plan, Request, Response, Sample, Secret
from checkmill.testing import play
from checkmill_nhn_watcher.commands import COMMANDS
from checkmill_nhn_watcher.metrics import WATCHER
from checkmill_nhn_watcher.settings import Settings

APPKEY = "aPPkey0000000042"
ACCESS_KEY = "uSERaccess000042"
SECRET_KEY = "sECRETaccess0042"
BASE_URL = "https://resource-watcher.example"
ROOT = f"/resource-watcher/v1.0/appkeys/{APPKEY}"
KEYS = {"X-TC-AUTHENTICATION-ID": ACCESS_KEY, "X-TC-AUTHENTICATION-SECRET": SECRET_KEY}

#: 2026-11-21 12:00:00 UTC.
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
HEADER = {"isSuccessful": True, "resultCode": 0, "resultMessage": ""}

#: What must never be seen of anybody.
PERSONAL = (
    "3f1c2d77-9b1e-4c55-8a3f-0d5e6f7a8b90",
    "hana.lee",
    "이하나",
    "hana.lee@personal.example",
    "203.0.113.77",
    "Mozilla/5.0 (Hana)",
    "b2a5c9d0-1111-4222-8333-944455566677",
    "Doyun Choi",
    "doyun@personal.example",
    "iam-doyun-77",
)
HOOK = "https://hooks.watcher.example/services/T00TOKEN/B00TOKEN"
HOOK_SECRET = "hOOKsecret0042"


def at(seconds_ago: float) -> str:
    """A time before now, as the vendor writes it in UTC."""
    return datetime.fromtimestamp(NOW - seconds_ago, UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def alarm(key: str = "al-1", name: str = "deploys", status: str = "STABLE", **more: Any) -> dict[str, Any]:
    """A row of the list of alarms."""
    return {
        "alarmId": key,
        "alarmName": name,
        "alarmRule": {
            "alarmRuleDescription": "",
            "alarmRuleId": "ar-1",
            "alarmRuleName": "everything",
            "alarmRuleStatusCode": "STABLE",
            "resourceTypes": [""],
        },
        "alarmStatusCode": status,
        "appKey": APPKEY,
        "cabAlarmKey": "",
        "delDatetime": "",
        "description": "",
        "modDatetime": at(86400),
        "operatorUuid": PERSONAL[0],
        "regDatetime": at(10 * 86400),
        **more,
    }


def record(key: str = "ah-1", ago: float = 60.0, result: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    """A record of the history; `more` are members of its event, or of its resource where they are called like one."""
    event = {
        "alarmId": "al-1",
        "appKey": APPKEY,
        "eventDatetime": at(ago),
        "eventId": "event_id.instance.create",
        "eventSourceType": "CONSOLE",
        "eventTarget": {
            "targetMembers": [
                {"emailAddress": PERSONAL[8], "idNo": PERSONAL[6], "name": PERSONAL[7], "userCode": PERSONAL[9]}
            ]
        },
        "eventUser": {
            "userAgent": PERSONAL[5],
            "userId": PERSONAL[2],
            "userIdNo": PERSONAL[0],
            "userIp": PERSONAL[4],
        },
        "regDatetime": at(ago - 2),
    }
    resource = {
        "appKey": APPKEY,
        "cloudResourceName": "org1:pr-1:INSTANCE:KR1:i-1",
        "createDatetime": at(ago),
        "delDatetime": "",
        "description": "",
        "iaasTenantId": "",
        "modDatetime": at(ago),
        "orgId": "org1",
        "productId": "pd-1",
        "projectId": "pr-1",
        "projectName": "shop",
        "regDatetime": at(ago),
        "regionCode": "KR1",
        "resourceAppKey": "oTHERappkey00042",
        "resourceCreationTypeCode": "USER",
        "resourceId": "i-1",
        "resourceKey": "rk-1",
        "resourceName": "web-1",
        "resourceStatusCode": "STABLE",
        "resourceTypeCode": "INSTANCE",
    }
    for name, value in more.items():
        (resource if name in resource and name != "regDatetime" else event)[name] = value
    return {"alarmHistoryId": key, "alarmSendResultTypeCode": result, "event": event, "resource": resource}


def detail(key: str = "al-1", name: str = "deploys", **more: Any) -> dict[str, Any]:
    """The whole answer of 1.2."""
    return {
        "header": HEADER,
        "alarm": alarm(key, name, description="instances"),
        "alarmTargetAlarmKeys": [{"alarmGroupDesc": "", "alarmGroupName": "on call", "alarmKey": "ak-0123456789ab"}],
        "alarmTargetMemberProfiles": [
            {
                "corporationName": "",
                "email": PERSONAL[3],
                "memberType": "IAM",
                "name": PERSONAL[2],
                "userId": PERSONAL[1],
                "uuid": PERSONAL[0],
            }
        ],
        "alarmTargetRoles": [{"description": "", "roleId": "ADMIN", "roleName": "Admin", "type": "ORG"}],
        "alarmTargets": [
            target("UUID", alarmTarget=PERSONAL[0], emailAlarm="Y", smsAlarm="N"),
            target("ROLE", alarmTarget="ADMIN", emailAlarm="Y", smsAlarm="Y"),
            target("ALARM_KEY", alarmTarget="ak-0123456789ab"),
            target("WEBHOOK", webhookUrl=HOOK, webhookSecret=HOOK_SECRET),
        ],
        "events": [{"eventId": "event_id.instance.create", "productId": "pd-1"}],
        "target": {
            "resourceGroups": [{"resourceGroupId": "rg-1", "resourceGroupName": "production"}],
            "resourceTags": [{"tagId": 7, "tagName": "env=prod"}],
        },
        **more,
    }


def target(kind: str, **more: str) -> dict[str, str]:
    """A recipient as 1.2 has it: what does not apply is an empty text."""
    empty = dict.fromkeys(("alarmTarget", "emailAlarm", "smsAlarm", "webhookSecret", "webhookUrl"), "")
    return {**empty, "alarmTargetTypeCode": kind, **more}


def listed(key: str, rows: Sequence[Any], total: int | None = None) -> dict[str, Any]:
    """A page of a list."""
    return {"header": HEADER, key: list(rows), "totalItems": len(rows) if total is None else total}


def alarms(*rows: Any, total: int | None = None) -> dict[str, Any]:
    """A page of the list of alarms."""
    return listed("alarms", rows, total)


def records(*rows: Any, total: int | None = None) -> dict[str, Any]:
    """A page of a history."""
    return listed("alarmHistories", rows, total)


def kind(event: str = "event_id.instance.create", product: str = "pd-1", name: str = "Instance") -> dict[str, str]:
    """A row of the list of event kinds."""
    return {"eventId": event, "productId": product, "productName": name}


SEARCH = "POST /event-alarms/search"
HISTORY = "GET /alarms/al-1/alarm-history"
DETAIL = "GET /event-alarms/al-1"
RECORD = "GET /alarms/al-1/alarm-history/ah-1"
EVENTS = "GET /events"

#: A good answer of every documented call that reads.
ANSWERS: dict[str, Any] = {
    SEARCH: alarms(alarm()),
    HISTORY: records(record()),
    DETAIL: detail(),
    RECORD: {
        "header": HEADER,
        "alarm": {"alarmId": "al-1", "alarmName": "deploys", "description": ""},
        "alarmHistory": record(),
        "alarmRule": {"alarmRuleDescription": "", "alarmRuleId": "ar-1", "alarmRuleName": "everything"},
        "projectName": "shop",
    },
    EVENTS: {**listed("events", [kind()]), "eventPage": ""},
}


@dataclass
class Vendor:
    """Answers by method and path, with the requests that came; a number is a status, bytes are a body, else JSON.

    A list is one answer after the other, of which the last stays.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        name = f"{request.method} {urlsplit(request.url()).path.removeprefix(ROOT)}"
        found = {**ANSWERS, **self.answers}.get(name, 404)
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            found = found(request)
        if isinstance(found, int) and not isinstance(found, bool):
            return Response(status=found)
        return Response(status=200, body=found if isinstance(found, bytes) else json.dumps(found).encode())

    @property
    def calls(self) -> list[str]:
        """Method and path of all that came."""
        return [f"{one.method} {urlsplit(one.url()).path.removeprefix(ROOT)}" for one in self.asked]


def params_of(request: Request) -> list[tuple[str, str]]:
    """The parameters of a request as they are sent, in order."""
    return parse_qsl(urlsplit(request.url()).query, keep_blank_values=True)


def body_of(request: Request) -> Any:
    """The body of a request as it is sent."""
    sent = request.sent_body()
    return None if sent is None else json.loads(sent)


def make(**more: Any) -> Settings:
    """Settings of the organisation."""
    given = {
        "base_url": BASE_URL,
        "appkey": Secret(APPKEY),
        "user_access_key": Secret(ACCESS_KEY),
        "secret_access_key": Secret(SECRET_KEY),
        **more,
    }
    return Settings(**given)


def metric(name: str) -> Metric[Any, Any, Any]:
    """The metric of that name."""
    found = WATCHER.metric(name)
    assert found is not None, f"no metric {name}"
    return found


def samples(
    name: str, answers: dict[str, Any] | Vendor | None = None, settings: Settings | None = None, **query: Any
) -> list[Sample]:
    """What a metric gives for some answers, in order; the rest of the vendor answers well."""
    asked = metric(name)
    vendor = answers if isinstance(answers, Vendor) else Vendor(answers or {})
    how = asked.dataset.query_type(**query)
    return list(asked.samples(play(asked.dataset.flow(settings or make(), how), vendor, NOW), how))


def values(name: str, *args: Any, **query: Any) -> dict[str, Any]:
    """The values of a metric by alarm."""
    return {sample.labels["alarm"]: sample.value for sample in samples(name, *args, **query)}


def reason(found: list[Sample]) -> str:
    """Why the only sample of a list is missing."""
    assert len(found) == 1, found
    assert found[0].is_missing, found
    return found[0].reason


def command(name: str) -> Command[Any, Any]:
    """The command `nhn alarm NAME`."""
    return next(one for one in COMMANDS if one.name == f"nhn alarm {name}")


def plan(
    name: str, answers: dict[str, Any] | Vendor | None = None, settings: Settings | None = None, /, **arguments: Any
) -> Plan:
    """What a command plans."""
    asked = command(name)
    vendor = answers if isinstance(answers, Vendor) else Vendor(answers or {})
    flow: Flow[Plan] = asked.flow(settings or make(), asked.arguments(**arguments))
    return play(flow, vendor, NOW)


def carry_out(change: Change, vendor: Callable[[Request], Response]) -> str:
    """Carry a change out, and give what is said of it."""
    return play(change.carry_out(), vendor, NOW)
