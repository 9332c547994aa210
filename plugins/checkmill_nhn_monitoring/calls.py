"""The vendor's calls: requests out, responses in.

    post_single      POST   /v1.0/monitoring/batchmon/appkey/{appkey}/scenarios/{scenario}
    post_multiple    POST   /v1.0/monitoring/batchmon
    create_scenario  POST   /open-api/v1.0/appkey/{appkey}/scenarios
    get_scenario     GET    /open-api/v1.0/appkey/{appkey}/scenarios/{scenario}
    delete_scenario  DELETE the same
    modify_scenario  PUT    the same, or POST by `modify_method`

Reading alone is safe to repeat. A batch scenario may judge by the number of posts in a period, so that one sent again
counts twice, and a creation sent again makes a second scenario. Both posts want every status as a response, because the
answer's header may say more than the status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import Flow, ParseError, Response, send
from checkmill_nhn_monitoring.envelope import body_of, one_line
from checkmill_nhn_monitoring.scenario import Scenario, scenario_from
from checkmill_nhn_monitoring.settings import BatchmonSettings, Settings

_JSON = {"Content-Type": "application/json"}
_SCENARIOS = "/open-api/v1.0/appkey/{appkey}/scenarios"
_SCENARIO = _SCENARIOS + "/{scenario}"


@dataclass(frozen=True)
class Given:
    """A scenario as the service gave it, and how long that took in seconds."""

    scenario: Scenario
    elapsed_s: float


def get_scenario(settings: Settings, scenario: str) -> Flow[Given]:
    """Read one scenario.

    Raises `RefusedError` where the answer's header says failure, and `ParseError` for an answer that is none, or is
    about another scenario.
    """
    response = yield from settings.get(
        _SCENARIO, values={"appkey": settings.appkey, "scenario": scenario}, headers=_JSON
    )
    return Given(_answered(response, f"scenario {scenario}", scenario), response.elapsed_s)


def create_scenario(settings: Settings, definition: Mapping[str, Any]) -> Flow[Scenario]:
    """Create a scenario from a request body; gives it as the service has it, with its id. Raises as `get_scenario`."""
    response = yield from settings.post(
        _SCENARIOS, values={"appkey": settings.appkey}, headers=_JSON, json=dict(definition)
    )
    return _answered(response, "creating a scenario")


def modify_scenario(settings: Settings, scenario: str, definition: Mapping[str, Any]) -> Flow[Scenario]:
    """Replace a scenario as a whole by a request body; gives it as the service has it. Raises as `get_scenario`."""
    response = yield from send(
        settings.request(
            settings.modify_method,
            _SCENARIO,
            values={"appkey": settings.appkey, "scenario": scenario},
            headers=_JSON,
            json=dict(definition),
        )
    )
    return _answered(response, f"modifying scenario {scenario}", scenario)


def delete_scenario(settings: Settings, scenario: str) -> Flow[Scenario]:
    """Delete a scenario; gives it as it was. Raises as `get_scenario`."""
    response = yield from send(
        settings.request("DELETE", _SCENARIO, values={"appkey": settings.appkey, "scenario": scenario}, headers=_JSON)
    )
    return _answered(response, f"deleting scenario {scenario}", scenario)


def post_single(settings: BatchmonSettings, scenario: str, data: str) -> Flow[Response]:
    """Post one JSON object to one scenario; `data` is its text, sent as it is.

    The service Appkey is part of the path and the only credential.
    """
    return settings.post(
        "/v1.0/monitoring/batchmon/appkey/{appkey}/scenarios/{scenario}",
        values={"appkey": settings.appkey, "scenario": scenario},
        headers=_JSON,
        content=data.encode(),
        any_status=True,
        timeout_s=settings.delivery_s,
    )


def post_multiple(settings: BatchmonSettings, scenarios: Sequence[str], data: str) -> Flow[Response]:
    """Post one JSON object to several scenarios. Here the object travels as a string, and the Appkey in the body.

    All or nothing: when one Appkey or id is not known, the data is verified for none of them.
    """
    return settings.post(
        "/v1.0/monitoring/batchmon",
        headers=_JSON,
        json={"target": [{"appkey": settings.appkey, "scenarioIdList": list(scenarios)}], "data": data},
        any_status=True,
        timeout_s=settings.delivery_s,
    )


def _answered(response: Response, what: str, scenario: str = "") -> Scenario:
    given = scenario_from(body_of(response, what))
    if scenario and given.id.lower() != scenario.lower():
        raise ParseError(one_line(f"the answer is about scenario {given.id}, and {scenario} was asked for"))
    return given
