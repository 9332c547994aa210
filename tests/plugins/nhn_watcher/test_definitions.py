"""Alarms as files: what is refused before the vendor sees it, and the request that a good one becomes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from checkmill.api.v1 import Secret
from checkmill_nhn_watcher.definitions import AlarmDefinition
from plugins.nhn_watcher.documented import HOOK, HOOK_SECRET, body_of, make

ROLE = {"type": "ROLE", "id": "ADMIN", "email": True}
EVENT = {"product": "pd-1", "event": "event_id.instance.create"}
GOOD = {"name": "deploys", "description": "instances", "recipients": [ROLE], "events": [EVENT]}


def definition(**more: Any) -> AlarmDefinition:
    """A definition as it is read from a file."""
    return TypeAdapter(AlarmDefinition).validate_python({**GOOD, **more})


def sent(one: AlarmDefinition) -> Any:
    """The body that a definition becomes on the wire."""
    return body_of(make().request("POST", "/", json=one.body()))


def test_a_whole_definition_becomes_the_documented_body() -> None:
    one = definition(
        recipients=[
            {"type": "UUID", "id": "u-1", "email": True, "sms": True},
            ROLE,
            {"type": "ALARM_KEY", "id": "ak-1"},
            {"type": "WEBHOOK", "url": HOOK, "secret": HOOK_SECRET},
        ],
        resource_groups=["rg-1", "rg-2"],
        resource_tags=[7, "8"],
    )
    assert sent(one) == {
        "alarm": {"alarmName": "deploys", "description": "instances"},
        "alarmTargets": [
            {"alarmTargetTypeCode": "UUID", "alarmTarget": "u-1", "emailAlarm": "Y", "smsAlarm": "Y"},
            {"alarmTargetTypeCode": "ROLE", "alarmTarget": "ADMIN", "emailAlarm": "Y", "smsAlarm": "N"},
            {"alarmTargetTypeCode": "ALARM_KEY", "alarmTarget": "ak-1"},
            {"alarmTargetTypeCode": "WEBHOOK", "webhookUrl": HOOK, "webhookSecret": HOOK_SECRET},
        ],
        "events": [{"productId": "pd-1", "eventId": "event_id.instance.create"}],
        "target": {"resourceGroupIds": ["rg-1", "rg-2"], "resourceTagIds": [7, 8]},
    }


@pytest.mark.parametrize(
    ("more", "absent"),
    [
        ({}, "target"),
        ({"events": [], "resource_groups": ["rg-1"]}, "events"),
        ({"events": [], "resource_tags": [7]}, "events"),
    ],
)
def test_all_events_and_all_resources_are_said_by_leaving_them_out(more: Any, absent: str) -> None:
    assert absent not in sent(definition(**more))


def test_only_the_ids_that_there_are_are_sent() -> None:
    assert sent(definition(resource_tags=[7]))["target"] == {"resourceTagIds": [7]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": ""}, "name has 0 characters"),
        ({"name": "x" * 256}, "name has 256 characters"),
        ({"description": "x" * 1001}, "description has 1001 characters"),
        ({"recipients": []}, "tells nobody"),
        ({"events": []}, "every event of every resource"),
        ({"events": [{"product": "", "event": "e"}]}, "needs product and event"),
        ({"events": [EVENT, EVENT]}, "events holds one entry twice"),
        ({"recipients": [ROLE, ROLE]}, "recipients holds one entry twice"),
        ({"resource_groups": [" "]}, "empty id"),
        ({"resource_groups": ["a", "a"]}, "resource_groups holds one entry twice"),
        ({"resource_tags": [True]}, "numbers"),
        ({"resource_tags": [-1]}, "numbers"),
        ({"resource_tags": ["env=prod"]}, "integer"),
        ({"recipients": [{"type": "UUID", "email": True}]}, "names nobody"),
        ({"recipients": [{"type": "UUID", "id": "u-1"}]}, "told nothing"),
        ({"recipients": [{"type": "ROLE", "id": "ADMIN"}]}, "told nothing"),
        ({"recipients": [{"type": "ROLE", "id": "ADMIN", "email": True, "url": HOOK}]}, "neither url nor secret"),
        ({"recipients": [{"type": "ALARM_KEY", "id": "ak", "sms": True}]}, "neither email nor sms"),
        ({"recipients": [{"type": "ALARM_KEY", "id": "ak", "secret": "hush-hush"}]}, "neither url nor secret"),
        ({"recipients": [{"type": "WEBHOOK"}]}, "needs an address"),
        ({"recipients": [{"type": "WEBHOOK", "url": "ftp://hooks.example"}]}, "needs an address"),
        ({"recipients": [{"type": "WEBHOOK", "url": HOOK, "id": "x"}]}, "neither id"),
        ({"recipients": [{"type": "WEBHOOK", "url": HOOK, "email": True}]}, "neither id"),
        ({"recipients": [{"type": "MAIL", "id": "x"}]}, "UUID"),
        ({"recipients": [{**ROLE, "emails": True}]}, "Unexpected keyword"),
        ({"target": {}}, "Unexpected keyword"),
    ],
)
def test_what_the_vendor_does_not_take_is_refused_here(more: Any, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        definition(**more)
    assert said in str(refused.value)
    assert HOOK not in str(refused.value)


@pytest.mark.parametrize("more", [{"name": "x" * 255}, {"description": "x" * 1000}, {"resource_tags": [0]}])
def test_limits_themselves_are_fine(more: Any) -> None:
    assert sent(definition(**more))


def test_addresses_and_secrets_of_webhooks_are_secrets() -> None:
    one = definition(recipients=[{"type": "WEBHOOK", "url": HOOK, "secret": HOOK_SECRET}])
    assert isinstance(one.recipients[0].url, Secret)
    assert isinstance(one.recipients[0].secret, Secret)
    assert HOOK not in repr(one)
    assert HOOK_SECRET not in repr(one)
