"""What the simulated vendor demands of the body of an alarm, and of every other thing it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", re.ASCII)
_TYPES = ("UUID", "ROLE", "ALARM_KEY", "WEBHOOK")
_WHEN_MEMBER = ("emailAlarm", "smsAlarm")

BAD_REQUEST = -40001
BAD_KEY = -40101
NOT_FOUND = -40401


class RefusedError(Exception):
    """The vendor says no. The codes are the sandbox's own, since no list of them is published."""

    def __init__(self, message: str, code: int = BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise RefusedError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise RefusedError("the body is not a JSON object")
    return value


def check_alarm(body: Mapping[str, Any]) -> None:
    """Refuse what is no alarm."""
    alarm = body.get("alarm")
    if not isinstance(alarm, dict) or not _is_text(alarm.get("alarmName"), 255):
        raise RefusedError("alarm.alarmName is required, with at most 255 characters")
    if "description" in alarm and not _is_text(alarm["description"], 1000, empty=True):
        raise RefusedError("alarm.description has at most 1000 characters")
    targets = body.get("alarmTargets")
    if not isinstance(targets, list) or not targets:
        raise RefusedError("alarmTargets is required")
    for target in targets:
        _check_target(target)
    events, target = body.get("events"), body.get("target")
    if not events and not target:
        raise RefusedError("all events of all resources is not allowed")
    for event in _list(events, "events"):
        if (
            not isinstance(event, dict)
            or not _is_text(event.get("productId"), 255)
            or not _is_text(event.get("eventId"), 255)
        ):
            raise RefusedError("an event needs productId and eventId")
    if target is not None and not isinstance(target, dict):
        raise RefusedError("target is not an object")
    if not all(_is_text(one, 255) for one in _list((target or {}).get("resourceGroupIds"), "resourceGroupIds")):
        raise RefusedError("resourceGroupIds are texts")
    if not all(type(one) is int for one in _list((target or {}).get("resourceTagIds"), "resourceTagIds")):
        raise RefusedError("resourceTagIds are numbers")


def whole_number(params: Mapping[str, str], name: str, default: int, lowest: int) -> int:
    """A number of the query."""
    text = params.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < lowest:
        raise RefusedError(f"{name} is not a number")
    return int(text)


def date_in(text: Any, name: str) -> float | None:
    """A time in the documented form, in UTC as everything here; None for none."""
    if text is None:
        return None
    refused = RefusedError(f"{name} is not like yyyy-MM-ddTHH:mm:ss")
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise refused
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise refused from None


def _check_target(target: Any) -> None:
    kind = target.get("alarmTargetTypeCode") if isinstance(target, dict) else None
    if kind not in _TYPES:
        raise RefusedError(f"alarmTargetTypeCode is one of {', '.join(_TYPES)}")
    if kind == "WEBHOOK":
        if not str(target.get("webhookUrl", "")).startswith(("http://", "https://")):
            raise RefusedError("webhookUrl starts with http:// or https://")
    elif not _is_text(target.get("alarmTarget"), 255):
        raise RefusedError("alarmTarget is required")
    if kind in {"WEBHOOK", "ALARM_KEY"} and any(name in target for name in _WHEN_MEMBER):
        raise RefusedError(f"{kind} takes neither emailAlarm nor smsAlarm")
    if any(target.get(name, "Y") not in {"Y", "N"} for name in _WHEN_MEMBER):
        raise RefusedError("emailAlarm and smsAlarm are Y or N")


def _list(value: Any, name: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise RefusedError(f"{name} is not a list")
    return value or []


def _is_text(value: Any, longest: int, *, empty: bool = False) -> bool:
    return isinstance(value, str) and len(value) <= longest and (empty or bool(value.strip()))
