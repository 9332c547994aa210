"""Batch posts to the imitation. Every id in the shape of a UUID is a batch scenario, but for one, and deleted ones.

`GET /received` gives what was taken.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import unquote

from checkmill.api.v1 import Answer, Asked, World
from checkmill_nhn_monitoring.envelope import one_line
from checkmill_nhn_monitoring.sandbox.answering import (
    APPKEY,
    BAD_DATA,
    NO_APPKEY,
    NO_SCENARIO,
    RefusedError,
    demand_json,
    demand_method,
    object_in,
    refusal,
    success,
    text_of,
    uuid,
)

SCENARIO = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
UNKNOWN_SCENARIO = "00000000-0000-0000-0000-000000000000"

#: How many posts are remembered.
MOST_RECEIVED = 1000
RECEIVED = "/received"
MULTIPLE = "/v1.0/monitoring/batchmon"

_SINGLE = re.compile(re.escape(MULTIPLE) + "/appkey/([^/]+)/scenarios/([^/]+)")
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAMED_IN_REMARK = 3


def is_scenario_id(scenario: str) -> bool:
    """Whether an id looks like one that the imitation has."""
    return bool(_UUID.fullmatch(scenario)) and scenario != UNKNOWN_SCENARIO


class Batchmon:
    """Takes posts and remembers them. `is_deleted` says which scenarios are gone."""

    def __init__(self, world: World, is_deleted: Callable[[str], bool]) -> None:
        self._world = world
        self._is_deleted = is_deleted
        self._requests = count(1)
        self._received: deque[dict[str, Any]] = deque(maxlen=MOST_RECEIVED)

    def answer(self, asked: Asked) -> Answer:
        """Answer what is asked below its path, and what was received."""
        try:
            return self._answer(asked)
        except RefusedError as refused:
            answer = refusal(refused)
            return Answer(status=answer.status, json=answer.json, remark=f"batchmon refused: {refused}")

    def _answer(self, asked: Asked) -> Answer:
        if asked.path == RECEIVED:
            demand_method(asked, "GET")
            return Answer(body=json.dumps(list(self._received)).encode())
        single = _SINGLE.fullmatch(asked.path)
        if single is None and asked.path != MULTIPLE:
            raise RefusedError(404, "NOT FOUND", status=404)
        demand_method(asked, "POST")
        demand_json(asked)
        text = text_of(asked.body)
        if single is not None:
            scenarios = [self._known_scenario(unquote(single[1]), unquote(single[2]))]
            data = object_in(text)
            echo = self._take(scenarios, text, data)[0]
            return success({**echo, "status": "beforeValidation"}, remark=_remark(scenarios, data))
        post = object_in(text)
        scenarios = self._scenarios_of(post.get("target"))
        inner = post.get("data")
        if not isinstance(inner, str):
            raise RefusedError(BAD_DATA, "DATA IS NOT A STRING")
        data = object_in(inner)
        return success(self._take(scenarios, inner, data), remark=_remark(scenarios, data), body_first=True)

    def _take(self, scenarios: Sequence[str], text: str, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Remember a post and give its echo for each scenario."""
        at = datetime.fromtimestamp(self._world.clock(), tz=UTC)
        echoes = []
        for number, scenario in enumerate(scenarios):
            self._received.append({"time": at.isoformat(), "scenario": scenario, "body": data})
            request = next(self._requests)
            pk = {"serviceId": uuid(self._world, "service"), "requestId": uuid(self._world, "request", request)}
            echoes.append(
                {
                    "pk": pk,
                    "scenarioId": scenario,
                    "ipaddr": "127.0.0.1",
                    "requestTime": at.replace(tzinfo=None).isoformat(timespec="milliseconds"),
                    "requestData": {"body": text},
                    "serviceCode": number,
                }
            )
        return echoes

    def _known_scenario(self, appkey: str, scenario: str) -> str:
        if appkey != APPKEY:
            raise RefusedError(NO_APPKEY, "APPKEY NOT FOUND")
        if not is_scenario_id(scenario) or self._is_deleted(scenario):
            raise RefusedError(NO_SCENARIO, "SCENARIO NOT FOUND")
        return scenario

    def _scenarios_of(self, target: Any) -> list[str]:
        """The scenarios of a multiple post, all of them known, or none."""
        scenarios = []
        for entry in _full_list(target, "TARGET"):
            appkey = entry.get("appkey") if isinstance(entry, dict) else None
            ids = _full_list(entry.get("scenarioIdList") if isinstance(entry, dict) else None, "SCENARIOIDLIST")
            scenarios += [self._known_scenario(str(appkey), str(scenario)) for scenario in ids]
        return scenarios


def _remark(scenarios: Sequence[str], data: dict[str, Any]) -> str:
    names = ", ".join(f"{scenario[:8]}…" for scenario in scenarios[:_NAMED_IN_REMARK])
    if len(scenarios) > _NAMED_IN_REMARK:
        names += f" and {len(scenarios) - _NAMED_IN_REMARK} more"
    state, services = data.get("state"), data.get("services")
    shown = []
    if isinstance(state, str):
        shown.append("state " + one_line(state, 40))
    if isinstance(services, list):
        shown.append(f"{len(services)} service" + ("" if len(services) == 1 else "s"))
    return f"batchmon received for {names}: " + (", ".join(shown) or f"an object of {len(data)} keys")


def _full_list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise RefusedError(BAD_DATA, f"{name} IS NOT A LIST WITH ENTRIES")
    return value
