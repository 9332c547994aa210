"""Alarms as files: what people write to create or replace one, checked here before the vendor sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from checkmill.api.v1 import Doc, Secret

LONGEST_NAME = 255
LONGEST_DESCRIPTION = 1000
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class RecipientDefinition:
    """Whom an alarm tells. Raises ValueError, with what to write instead, for fields that its type does not take."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    type: Annotated[
        Literal["UUID", "ROLE", "ALARM_KEY", "WEBHOOK"],
        Doc("a member (UUID), a role, a group of recipients (ALARM_KEY) or a webhook"),
    ]
    id: Annotated[str, Doc("UUID of the member, id of the role (such as ADMIN) or of the group; not for WEBHOOK")] = ""
    email: Annotated[bool, Doc("by e-mail; for UUID and ROLE")] = False
    sms: Annotated[bool, Doc("by SMS; for UUID and ROLE")] = False
    url: Annotated[Secret | None, Doc("address of the webhook, which often holds a token; for WEBHOOK")] = None
    secret: Annotated[Secret | None, Doc("secret by which the receiver knows the sender; for WEBHOOK")] = None

    def __post_init__(self) -> None:
        if self.type == "WEBHOOK":
            if self.id or self.email or self.sms:
                raise ValueError("WEBHOOK takes neither id nor email nor sms; write url, and secret if it has one")
            # Not to be shown, but looked at: the vendor refuses any other address.
            if self.url is None or not self.url.reveal().startswith(("http://", "https://")):
                raise ValueError("WEBHOOK needs an address; write url, beginning with http:// or https://")
            return
        if self.url is not None or self.secret is not None:
            raise ValueError(f"{self.type} takes neither url nor secret; write id")
        if not self.id.strip():
            raise ValueError(f"{self.type} names nobody; write id")
        if self.type == "ALARM_KEY" and (self.email or self.sms):
            raise ValueError("ALARM_KEY takes neither email nor sms; the group itself says how it is told")
        if self.type != "ALARM_KEY" and not (self.email or self.sms):
            raise ValueError(f"{self.type} is told nothing; write email: true, sms: true, or both")


@dataclass(frozen=True, kw_only=True)
class EventDefinition:
    """A kind of event. Raises ValueError for one that is not named."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    product: Annotated[str, Doc("id of the product")]
    event: Annotated[str, Doc("id of the event")]

    def __post_init__(self) -> None:
        if not self.product.strip() or not self.event.strip():
            raise ValueError("an event needs product and event; checkmill nhn alarm events lists them")


@dataclass(frozen=True, kw_only=True)
class AlarmDefinition:
    """One alarm. Raises ValueError, with what to write instead, for what the vendor does not take."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    id: Annotated[str, Doc("id of the alarm to replace; not for a new one")] = ""
    name: Annotated[str, Doc("its name, at most 255 characters")]
    description: Annotated[str, Doc("what it is for, at most 1000 characters")] = ""
    recipients: Annotated[tuple[RecipientDefinition, ...], Doc("whom it tells")]
    events: Annotated[tuple[EventDefinition, ...], Doc("of what; without it, of every event of the resources")] = ()
    resource_groups: Annotated[tuple[str, ...], Doc("ids of groups of resources")] = ()
    # A boolean among them would pass for a number.
    resource_tags: Annotated[
        tuple[int | bool, ...], Doc("ids, which are numbers, of tags of resources; without both, of every resource")
    ] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > LONGEST_NAME:
            raise ValueError(f"name has {len(self.name)} characters; write 1 to {LONGEST_NAME}")
        if len(self.description) > LONGEST_DESCRIPTION:
            raise ValueError(f"description has {len(self.description)} characters; at most {LONGEST_DESCRIPTION} do")
        if not self.recipients:
            raise ValueError("the alarm tells nobody; write recipients")
        if not (self.events or self.resource_groups or self.resource_tags):
            raise ValueError(
                "the vendor has no alarm about every event of every resource; write events, resource_groups or "
                "resource_tags"
            )
        if not all(group.strip() for group in self.resource_groups):
            raise ValueError("resource_groups holds an empty id; leave it out")
        if any(isinstance(tag, bool) or tag < 0 for tag in self.resource_tags):
            raise ValueError("resource_tags are ids of tags, which are numbers; the console shows them")
        for what, values in (
            ("recipients", self.recipients),
            ("events", self.events),
            ("resource_groups", self.resource_groups),
            ("resource_tags", self.resource_tags),
        ):
            if any(value in values[:number] for number, value in enumerate(values)):
                raise ValueError(f"{what} holds one entry twice; leave one of them out")

    def body(self) -> dict[str, Any]:
        """The request that makes an alarm what this says; all of it, since what is not sent is lost."""
        body: dict[str, Any] = {
            # As the vendor's names are compared: spaces around one would hide that it is the same.
            "alarm": {"alarmName": self.name.strip(), "description": self.description},
            "alarmTargets": [_target(one) for one in self.recipients],
        }
        if self.events:
            body["events"] = [{"productId": one.product, "eventId": one.event} for one in self.events]
        target = {"resourceGroupIds": list(self.resource_groups), "resourceTagIds": list(self.resource_tags)}
        if any(target.values()):
            body["target"] = {name: ids for name, ids in target.items() if ids}
        return body


def _target(recipient: RecipientDefinition) -> dict[str, Any]:
    if recipient.type == "WEBHOOK":
        secret = {} if recipient.secret is None else {"webhookSecret": recipient.secret}
        return {"alarmTargetTypeCode": recipient.type, "webhookUrl": recipient.url, **secret}
    target = {"alarmTargetTypeCode": recipient.type, "alarmTarget": recipient.id}
    if recipient.type == "ALARM_KEY":
        return target
    return {**target, "emailAlarm": _yes_or_no(recipient.email), "smsAlarm": _yes_or_no(recipient.sms)}


def _yes_or_no(value: bool) -> str:
    return "Y" if value else "N"
