"""The vendor's calls: requests out, responses in.

Neither post is safe to repeat: a scenario may judge by the number of posts in a period, so that one sent again may
count twice. Both want every status as a response, because the answer's header may say more than the status.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkmill.api.v1 import Flow, Response
from checkmill_nhn_monitoring.settings import BatchmonSettings

_JSON = {"Content-Type": "application/json"}


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
    )
