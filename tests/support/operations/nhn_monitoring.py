"""Answers of NHN Cloud Service Monitoring and of the sites that its scenarios lead to, made of a table of scenarios.

A scenario: {status: enable, took: 650ms, says: OK, type: API}; all of it optional. Its definition demands of the site
that it answers with HTTP 200 and the state OK; `says` is what the site gives as its state, `took` how long that takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from checkmill.model.units import seconds
from support.loopback import Reply
from support.operations.question import CREDENTIALS, Question, as_json

Scenarios: TypeAlias = Mapping[str, Mapping[str, Any]]
_PATH = re.compile(r"/open-api/v1\.0/appkey/([^/]+)/scenarios/([^/]+)")
_SITES = "/site/"


def answer(question: Question, scenarios: Scenarios) -> Reply:
    """What the service answers of its scenarios, and what their sites answer."""
    if question.path.startswith(_SITES):
        site = scenarios[question.path.removeprefix(_SITES)]
        question.take(seconds(site["took"]))
        return as_json({"state": site.get("says", "OK")})
    match = _PATH.fullmatch(question.path)
    if match is None:
        return Reply(404)
    keys = (match[1], question.headers.get("toast_product_appkey"))
    if keys != (CREDENTIALS["NHN_APPKEY"], CREDENTIALS["NHN_PRODUCT_APPKEY"]):
        return as_json({"header": {"isSuccessful": False, "resultCode": 401, "resultMessage": "unknown appkey"}})
    names = {scenario_id: name for name, scenario_id in question.settings["scenarios"].items()}
    name = names.get(match[2], "")
    if name not in scenarios:
        return as_json({"header": {"isSuccessful": False, "resultCode": 404, "resultMessage": "no such scenario"}})
    header = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
    return as_json({"header": header, "body": _definition(match[2], name, scenarios[name], question.url)})


def _definition(scenario_id: str, name: str, scenario: Mapping[str, Any], url: str) -> dict[str, Any]:
    """A scenario as the console makes it, rewritten by the service as it does: a cron of seven fields."""
    return {
        "scenarioId": scenario_id,
        "scenarioName": name,
        "scenarioType": scenario.get("type", "API"),
        "description": "",
        "url": f"{url}{_SITES}{name}",
        "httpMethod": "GET",
        "headers": {"Accept": "application/json"},
        "browserOption": {"OPT_LOCALE": "kr"},
        "monitoringRegion": ["KOR"],
        "monitoringCron": "7 * * * * ? *",
        "errorLimitCount": 0,
        "status": scenario.get("status", "enable"),
        "amendedTime": "2032-09-03T08:49:01.197+0000",
        "validation": {
            "textValidation": {
                "textValidationType": "JSON",
                "textValidationInfos": [{"operator": "EQ", "expression": "$.state", "operand": "OK"}],
            },
            "timeout": 5000,
            "responseCodes": ["200"],
        },
    }
