"""The keys, requests and answers of the vendor's documents, for the tests of this plugin."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from checkmill.api.v1 import Request, Response, Secret, SourceError
from checkmill_nhn_monitoring.settings import Settings

APPKEY = "81713f1cc96b4eae834f7535ec4fae7a"
PRODUCT = "aBcDeFgH12345678"
API_ID = "0c96cff0-edc2-11ea-9760-8d94f461e6d4"
TCP_ID = "be50d2a0-e353-11ea-a3c2-ebd9a267dbb2"
HOST = "https://api-service-monitoring.cloud.toast.com"
GOOD = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
BAD = {"isSuccessful": False, "resultCode": -404, "resultMessage": "scenario is not found"}

#: What the documents send to create and modify a scenario.
SENT = {
    "url": "http://toast.com",
    "httpMethod": "GET",
    "validation": {
        "textValidation": {
            "textValidationType": "JSON",
            "textValidationInfos": [{"expression": "$.isSuccess", "operator": "EQ", "operand": "true"}],
        },
        "responseCodes": ["200", "201"],
    },
    "browserOption": {"OPT_LOCALE": "ko"},
    "ip": "toast.com",
    "scenarioType": "API",
    "scenarioName": "API test",
    "description": "API test",
    "monitoringRegion": ["KOR"],
    "monitoringInterval": 30,
    "errorLimitCount": 0,
}
#: What they are answered.
API_BODY = {
    **{name: value for name, value in SENT.items() if name != "monitoringInterval"},
    "scenarioId": API_ID,
    "amendedTime": "2020-09-03T08:49:01.197+0000",
    "monitoringCron": "7 * * * * ? *",
    "status": "temporary",
}
TCP_BODY = {
    "scenarioId": TCP_ID,
    "validation": {
        "timeout": 5000,
        "responseValidation": [
            {"position": 0, "validationText": "Hello World!"},
            {"position": 13, "validationText": "It's new world!"},
        ],
        "lengthValidation": {"ENDIAN": "BIG", "POS": "4", "TYPE": "INT", "BASE": "15"},
    },
    "ip": "127.0.0.1",
    "scenarioType": "TCP",
    "scenarioName": "TCP Scenario Test",
    "description": "TCP Scenario Test",
    "monitoringRegion": ["KOR"],
    "amendedTime": "2020-09-01T05:54:58.861+0000",
    "monitoringCron": "9 * * * * ? *",
    "status": "temporary",
    "errorLimitCount": 0,
    "request": "Hello World!",
    "port": 8080,
}


def settings(**more: Any) -> Settings:
    """Settings of a source with two keys."""
    keys = {"appkey": Secret(APPKEY), "product_appkey": Secret(PRODUCT)}
    return Settings(**{**keys, "scenarios": (), **more})


def answer(body: Any, header: Any = GOOD, status: int = 200) -> Response:
    """An answer in its envelope."""
    return Response(status=status, body=json.dumps({"body": body, "header": header}).encode())


def changed(body: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy of a scenario with other members; one that is `...` is taken away."""
    copied = copy.deepcopy(dict(body))
    for name, value in changes.items():
        if value is ...:
            copied.pop(name, None)
        else:
            copied[name] = value
    return copied


class Vendor:
    """Answers requests in turn, the last answer again and again, and keeps what it was asked."""

    def __init__(self, *answers: Response | SourceError) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, SourceError):
            raise given
        return given
