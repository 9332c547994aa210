"""The simulated alarms: those that are there from the beginning, and what the calls that change do to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checkmill.api.v1 import World
from checkmill_nhn_watcher.sandbox.organisation import APPKEY, DAY_S, KINDS, MEMBERS

HOOK = "https://hooks.sandbox.example/T0SANDBOX/B0TOKEN"
HOOK_SECRET = "SANDBOXhooksecret"  # noqa: S105 - signs simulated messages alone
GROUP, GROUP_NAME = "rg-0001", "shop production"
TAG, TAG_NAME = 4711, "env=prod"
RECIPIENTS, RECIPIENTS_NAME = "ak-0001", "on call"


@dataclass
class SimulatedAlarm:
    """One alarm; times are epoch seconds. `targets`, `events` are kept as they were sent."""

    id: str
    name: str
    description: str = ""
    status: str = "STABLE"
    rule: str = ""
    registered: float = 0.0
    changed: float = 0.0
    deleted: float | None = None
    targets: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    told: bool = True


_UUID = {"alarmTarget": MEMBERS[0].uuid, "alarmTargetTypeCode": "UUID", "emailAlarm": "Y", "smsAlarm": "N"}
_ROLE = {"alarmTarget": "ADMIN", "alarmTargetTypeCode": "ROLE", "emailAlarm": "Y", "smsAlarm": "N"}
_ON_CALL = {"alarmTarget": RECIPIENTS, "alarmTargetTypeCode": "ALARM_KEY", "emailAlarm": "", "smsAlarm": ""}
_HOOK = {"alarmTargetTypeCode": "WEBHOOK", "webhookUrl": HOOK, "webhookSecret": HOOK_SECRET}


def first_alarms(world: World) -> Iterator[SimulatedAlarm]:
    """The alarms that are there from the beginning."""
    day = world.clock() // DAY_S * DAY_S
    kinds = [{"productId": kind.product, "eventId": kind.event} for kind in KINDS]
    for number, alarm in enumerate(
        (
            SimulatedAlarm("", "deploys", "instances come and go", targets=[_ROLE, _HOOK], events=kinds[:3]),
            SimulatedAlarm("", "members", "who may do what", targets=[_UUID], events=kinds[5:7]),
            SimulatedAlarm("", "databases", targets=[_ON_CALL], groups=[GROUP], tags=[TAG]),
            SimulatedAlarm("", "결제 네트워크", targets=[_UUID, _ON_CALL], events=kinds[7:]),
            SimulatedAlarm("", "old-project", status="DISABLED", targets=[_ROLE], groups=[GROUP]),
            SimulatedAlarm("", "gone", status="CLOSED", targets=[_ROLE], events=kinds[:1]),
        )
    ):
        alarm.id = f"5a0d7b1e-{number:04d}-4f5b-8a11-0c0ffee00000"
        alarm.rule = "every resource"
        alarm.registered = day - (90 + number) * DAY_S
        alarm.changed = day - (1 + 9 * number) * DAY_S
        if alarm.status == "CLOSED":
            alarm.deleted, alarm.told = alarm.changed, False
        yield alarm


def fill(alarm: SimulatedAlarm, body: Mapping[str, Any], at: float) -> None:
    """Make an alarm what a body says that was found right; what it leaves out is lost."""
    target = body.get("target") or {}
    alarm.name = body["alarm"]["alarmName"]
    alarm.description = body["alarm"].get("description", "")
    alarm.targets = list(body["alarmTargets"])
    alarm.events = list(body.get("events") or [])
    alarm.groups = list(target.get("resourceGroupIds") or [])
    alarm.tags = list(target.get("resourceTagIds") or [])
    alarm.changed = at


def listed(alarm: SimulatedAlarm, date: Any) -> dict[str, Any]:
    """An alarm as the list has it; `date` writes a time."""
    return {
        "alarmId": alarm.id,
        "alarmName": alarm.name,
        "alarmRule": {
            "alarmRuleDescription": "",
            "alarmRuleId": "ar-0001",
            "alarmRuleName": alarm.rule,
            "alarmRuleStatusCode": "STABLE",
            "resourceTypes": [],
        },
        "alarmStatusCode": alarm.status,
        "appKey": APPKEY,
        "cabAlarmKey": "",
        "delDatetime": date(alarm.deleted),
        "description": alarm.description,
        "modDatetime": date(alarm.changed),
        "operatorUuid": MEMBERS[0].uuid,
        "regDatetime": date(alarm.registered),
    }


def whole(alarm: SimulatedAlarm, date: Any) -> dict[str, Any]:
    """An alarm with all that belongs to it, people by name included."""
    kinds = {target["alarmTargetTypeCode"] for target in alarm.targets}
    named = {target.get("alarmTarget") for target in alarm.targets}
    return {
        "alarm": listed(alarm, date),
        "alarmTargetAlarmKeys": [{"alarmKey": RECIPIENTS, "alarmGroupName": RECIPIENTS_NAME, "alarmGroupDesc": ""}]
        if "ALARM_KEY" in kinds
        else [],
        "alarmTargetMemberProfiles": [
            {
                "uuid": member.uuid,
                "memberType": "TOAST_CLOUD",
                "name": member.name,
                "corporationName": "Sandbox",
                "email": member.email,
                "userId": member.user,
            }
            for member in MEMBERS
            if member.uuid in named
        ],
        "alarmTargetRoles": [{"type": "ORG", "roleId": "ADMIN", "roleName": "Admin", "description": ""}]
        if "ROLE" in kinds
        else [],
        "alarmTargets": [
            {
                "alarmTarget": "",
                "emailAlarm": "",
                "smsAlarm": "",
                "webhookSecret": "",
                "webhookUrl": "",
                **target,
            }
            for target in alarm.targets
        ],
        "events": alarm.events,
        "target": {
            "resourceGroups": [{"resourceGroupId": one, "resourceGroupName": GROUP_NAME} for one in alarm.groups],
            "resourceTags": [{"tagId": one, "tagName": TAG_NAME} for one in alarm.tags],
        },
    }
