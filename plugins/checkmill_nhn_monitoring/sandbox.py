"""A small imitation of Service Monitoring: it takes batch posts, refuses what the vendor refuses, and shows the rest.

Every id in the shape of a UUID is a scenario here, but for `UNKNOWN_SCENARIO`. `GET /received` gives what was taken.
The vendor publishes no failure codes; the ones below are the sandbox's own, sent with HTTP 200 as its sister services
do. What never reaches the service proper (path, method, content type) is refused by its HTTP status.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any, NoReturn
from urllib.parse import unquote

from checkmill.api.v1 import Answer, App, Asked, Sandbox, World
from checkmill_nhn_monitoring.envelope import one_line

APPKEY = "5a4db0c05a4db0c05a4db0c05a4db0c0"
SCENARIO = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
UNKNOWN_SCENARIO = "00000000-0000-0000-0000-000000000000"

NO_APPKEY = -40001
NO_SCENARIO = -40002
BAD_DATA = -40003

#: How many posts are remembered.
MOST_RECEIVED = 1000

_MULTIPLE = "/v1.0/monitoring/batchmon"
_SINGLE = re.compile(re.escape(_MULTIPLE) + "/appkey/([^/]+)/scenarios/([^/]+)")
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAMED_IN_REMARK = 3


class _RefusedError(Exception):
    """The vendor says no."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class _Batchmon:
    def __init__(self, world: World) -> None:
        self._world = world
        self._requests = count(1)
        self._received: deque[dict[str, Any]] = deque(maxlen=MOST_RECEIVED)

    def answer(self, asked: Asked) -> Answer:
        try:
            return self._answer(asked)
        except _RefusedError as refused:
            header = {"isSuccessful": False, "resultCode": refused.code, "resultMessage": str(refused)}
            remark = f"batchmon refused: {refused}"
            return Answer(status=refused.status, json={"header": header, "body": None}, remark=remark)

    def _answer(self, asked: Asked) -> Answer:
        if asked.path == "/received":
            _demand_method("GET", asked)
            return Answer(body=json.dumps(list(self._received)).encode())
        single = _SINGLE.fullmatch(asked.path)
        if single is None and asked.path != _MULTIPLE:
            raise _RefusedError(404, "NOT FOUND", status=404)
        _demand_method("POST", asked)
        if asked.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise _RefusedError(415, "CONTENT TYPE IS NOT APPLICATION/JSON", status=415)
        text = _text_of(asked.body)
        if single is not None:
            scenarios = [_known_scenario(unquote(single[1]), unquote(single[2]))]
            data = _object_in(text)
            echo = self._take(scenarios, text, data)[0]
            return _taken({**echo, "status": "beforeValidation"}, scenarios, data)
        post = _object_in(text)
        scenarios = _scenarios_of(post.get("target"))
        inner = post.get("data")
        if not isinstance(inner, str):
            raise _RefusedError(BAD_DATA, "DATA IS NOT A STRING")
        data = _object_in(inner)
        return _taken(self._take(scenarios, inner, data), scenarios, data)

    def _take(self, scenarios: Sequence[str], text: str, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Remember a post and give its echo for each scenario."""
        at = datetime.fromtimestamp(self._world.clock(), tz=UTC)
        echoes = []
        for number, scenario in enumerate(scenarios):
            self._received.append({"time": at.isoformat(), "scenario": scenario, "body": data})
            pk = {"serviceId": self._uuid("service"), "requestId": self._uuid("request", next(self._requests))}
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

    def _uuid(self, *name: object) -> str:
        digits = "".join(f"{int(self._world.chance(*name, part) * 2**48):012x}" for part in range(3))
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def _taken(body: Any, scenarios: Sequence[str], data: dict[str, Any]) -> Answer:
    header = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
    return Answer(json={"header": header, "body": body}, remark=_remark(scenarios, data))


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


def _demand_method(method: str, asked: Asked) -> None:
    if asked.method != method:
        raise _RefusedError(405, "METHOD NOT ALLOWED", status=405)


def _known_scenario(appkey: str, scenario: str) -> str:
    if appkey != APPKEY:
        raise _RefusedError(NO_APPKEY, "APPKEY NOT FOUND")
    if not _UUID.fullmatch(scenario) or scenario == UNKNOWN_SCENARIO:
        raise _RefusedError(NO_SCENARIO, "SCENARIO NOT FOUND")
    return scenario


def _scenarios_of(target: Any) -> list[str]:
    """The scenarios of a multiple post, all of them known, or none."""
    scenarios = []
    for entry in _full_list(target, "TARGET"):
        appkey = entry.get("appkey") if isinstance(entry, dict) else None
        for scenario in _full_list(entry.get("scenarioIdList") if isinstance(entry, dict) else None, "SCENARIOIDLIST"):
            scenarios.append(_known_scenario(str(appkey), str(scenario)))
    return scenarios


def _full_list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise _RefusedError(BAD_DATA, f"{name} IS NOT A LIST WITH ENTRIES")
    return value


def _text_of(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _RefusedError(BAD_DATA, "BODY IS NOT UTF-8") from None


def _object_in(text: str) -> dict[str, Any]:
    try:
        text.encode()  # data that no UTF-8 can carry is refused, since it could not be echoed
        value = json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        raise _RefusedError(BAD_DATA, "DATA IS NOT JSON") from None
    if not isinstance(value, dict):
        raise _RefusedError(BAD_DATA, "DATA IS NOT A JSON OBJECT")
    return value


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _start(world: World) -> App:
    return _Batchmon(world).answer


SANDBOX = Sandbox(start=_start, settings={"appkey": APPKEY}, target={"scenario": SCENARIO})
