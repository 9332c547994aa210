"""Resource Watcher's nine documented calls: requests out, checked answers in.

Alarms live below `event-alarms`, their history below `alarms`. Reading alarms is a POST that does no harm when it is
sent twice. The vendor lists no keys for the list of event kinds; they are sent along, as with every other call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import ConfigurationError, Flow, ReadError, Request, Response, send
from checkmill_nhn_watcher.answers import Members, Page, answer_of, page_of
from checkmill_nhn_watcher.settings import Settings

#: Parameters by name: a text, or several.
Parameters = Mapping[str, str | Sequence[str]]

_ROOT = "/resource-watcher/{version}/appkeys/{appkey}"
#: The one version of the calls that have no other. The guide of v2.0 prints the change of an alarm with it as well.
_V1 = "v1.0"


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Which page of a list, of how many rows, and in which order; without `sort` in the vendor's own."""

    number: int = 0
    size: int
    sort: str = ""

    @property
    def params(self) -> Parameters:
        """As query parameters."""
        order = {"sort": self.sort} if self.sort else {}
        return {"page": str(self.number), "size": str(self.size), **order}


# Alarms.


def create_alarm(settings: Settings, body: Mapping[str, Any]) -> Flow[Members]:
    """1.1: create an alarm. Version 2.0 answers the header alone."""
    response = yield from _send(settings, "POST", "/event-alarms", version=settings.api, json=body)
    return answer_of(response)


def get_alarm(settings: Settings, alarm: str) -> Flow[Members]:
    """1.2: one alarm with all that belongs to it. Raises `ReadError` if there is none."""
    response = yield from _send(settings, "GET", "/event-alarms/{alarm}", {"alarm": alarm}, version=settings.api)
    document = answer_of(response)
    if document.get("alarm") is None:
        raise ReadError("Resource Watcher knows no such alarm")
    return document


def search_alarms(settings: Settings, asked: Slice, body: Mapping[str, Any]) -> Flow[Page]:
    """1.3: one page of the alarms that a filter means; an empty one means all that are not deleted."""
    response = yield from _send(
        settings, "POST", "/event-alarms/search", version=settings.api, params=asked.params, json=body, repeatable=True
    )
    return page_of(response, "alarms")


def modify_alarm(settings: Settings, alarm: str, body: Mapping[str, Any]) -> Flow[Members]:
    """1.4: replace an alarm whole; what the body does not hold is lost."""
    response = yield from _send(settings, "PUT", "/event-alarms/{alarm}", {"alarm": alarm}, json=body)
    return answer_of(response)


def delete_alarm(settings: Settings, alarm: str) -> Flow[Members]:
    """1.5: delete an alarm, and with it its history, for good."""
    response = yield from _send(settings, "DELETE", "/event-alarms/{alarm}", {"alarm": alarm}, version=settings.api)
    return answer_of(response)


def delete_alarms(settings: Settings, alarms: Sequence[str]) -> Flow[Members]:
    """1.6: delete several alarms, and with them their history, for good."""
    params = {"alarmIds": alarms}
    response = yield from _send(settings, "DELETE", "/event-alarms", version=settings.api, params=params)
    return answer_of(response)


# History.


def get_record(settings: Settings, alarm: str, record: str) -> Flow[Members]:
    """2.1: one record of an alarm's history. Raises `ReadError` if there is none."""
    values = {"alarm": alarm, "record": record}
    response = yield from _send(settings, "GET", "/alarms/{alarm}/alarm-history/{record}", values)
    document = answer_of(response)
    if document.get("alarmHistory") is None:
        raise ReadError("Resource Watcher knows no such record of this alarm")
    return document


def list_history(settings: Settings, alarm: str, asked: Slice, filters: Parameters) -> Flow[Page]:
    """2.2: one page of the notifications that an alarm sent."""
    params = {**filters, **asked.params}
    response = yield from _send(settings, "GET", "/alarms/{alarm}/alarm-history", {"alarm": alarm}, params=params)
    return page_of(response, "alarmHistories")


# Event kinds.


def list_events(settings: Settings, asked: Slice, filters: Parameters) -> Flow[Page]:
    """3.1: one page of the kinds of event that an alarm can be about."""
    params = {**filters, **asked.params}
    response = yield from _send(settings, "GET", "/events", params=params, headers={"lang": settings.lang})
    return page_of(response, "events")


def _send(
    settings: Settings,
    method: str,
    path: str,
    values: Mapping[str, str] | None = None,
    *,
    version: str = _V1,
    params: Parameters | None = None,
    **parts: Any,
) -> Flow[Response]:
    names, asked = values or {}, params or {}
    for name, value in names.items():
        if not value.strip() or not value.isprintable():
            raise ConfigurationError(f"{value!r} cannot be the id of any {name}")
    for name, one in asked.items():
        if not "".join(one).isprintable():
            raise ConfigurationError(f"{name} {one!r} cannot be asked for: it holds what no line of text may")
    pairs, query = _written(asked, settings.lists)
    request: Request = settings.request(
        method,
        _ROOT + path + query,
        values={"version": version, "appkey": settings.appkey, **names, **pairs},
        params={name: value for name, value in asked.items() if isinstance(value, str)},
        **parts,
    )
    return (yield from send(request))


def _written(params: Parameters, how: str) -> tuple[dict[str, str], str]:
    """The values of the parameters that may have several, and the query in which they stand as `{name}`."""
    values: dict[str, str] = {}
    parts = []
    for name, several in params.items():
        if isinstance(several, str) or not several:
            continue
        if any("," in one for one in several):
            raise ConfigurationError(f"{name}: a value with a comma would be taken for two")
        for number, value in enumerate([",".join(several)] if how == "comma" else several):
            key = f"{name}.{number}"
            values[key] = value
            parts.append(f"{name}={{{key}}}")
    return values, "?" + "&".join(parts) if parts else ""
