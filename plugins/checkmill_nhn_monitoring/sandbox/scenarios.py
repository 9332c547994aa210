"""The scenarios of the imitation: read, created, replaced and deleted, with the checks and the rewriting of the vendor.

A scenario comes back otherwise than it was sent: an interval as a cron expression of seven fields, the second of the
server's choosing; sets in another order; defaults filled in; the time of the change without a colon in its zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import unquote, urlsplit

from checkmill.api.v1 import Answer, Asked, World
from checkmill_nhn_monitoring import cron as crons
from checkmill_nhn_monitoring.envelope import one_line
from checkmill_nhn_monitoring.sandbox import shop
from checkmill_nhn_monitoring.sandbox.answering import (
    APPKEY,
    BAD_DATA,
    NO_APPKEY,
    NO_PRODUCT_APPKEY,
    NO_SCENARIO,
    PRODUCT_APPKEY,
    RefusedError,
    demand_json,
    demand_method,
    object_in,
    refusal,
    success,
    text_of,
    uuid,
)
from checkmill_nhn_monitoring.sandbox.batch import is_scenario_id

PATH = re.compile("/open-api/v1.0/appkey/([^/]+)/scenarios(?:/([^/]+))?")

#: Where the sandbox answers for a caller that does not say whom it asked.
_HOST = "127.0.0.1"
_METHODS = ("GET", "POST", "DELETE", "PUT")
_REGIONS = ("KOR", "US")
_KINDS = ("JSON", "HTML", "XML")
_OPERATORS = ("CONTAINS", "NOT_CONTAINS", "EQ", "NE", "GT", "GTE", "LT", "LTE")
_WITHOUT_OPERAND = ("CONTAINS", "NOT_CONTAINS")
_SHORTEST_INTERVAL_S = 30
#: What a request may hold; the rest is left out.
_FIELDS = (
    "url",
    "headers",
    "httpMethod",
    "requestBody",
    "browserOption",
    "validation",
    "scenarioType",
    "scenarioName",
    "description",
    "monitoringRegion",
    "monitoringInterval",
    "monitoringCron",
    "errorLimitCount",
    "ip",
)


class Scenarios:
    """What has become of the scenarios since the beginning."""

    def __init__(self, world: World) -> None:
        self._world = world
        #: What was created or modified by id; None is deleted.
        self._changed: dict[str, dict[str, Any] | None] = {}
        self._created = count(1)
        self._answered = count(1)

    def is_deleted(self, scenario: str) -> bool:
        """Whether a scenario was deleted."""
        return scenario in self._changed and self._changed[scenario] is None

    def answer(self, asked: Asked) -> Answer:
        """Answer what is asked below the path of scenarios."""
        try:
            return self._answer(asked)
        except RefusedError as refused:
            return refusal(refused)

    def _answer(self, asked: Asked) -> Answer:
        match = PATH.fullmatch(asked.path)
        if match is None:
            raise RefusedError(404, "NOT FOUND", status=404)
        appkey, scenario = unquote(match[1]), unquote(match[2] or "")
        # The older documents name POST for a modification; the service takes PUT.
        demand_method(asked, *(("GET", "PUT", "DELETE") if scenario else ("POST",)))
        demand_json(asked)
        if appkey != APPKEY:
            raise RefusedError(NO_APPKEY, "APPKEY NOT FOUND")
        if asked.headers.get("toast_product_appkey") != PRODUCT_APPKEY:
            raise RefusedError(NO_PRODUCT_APPKEY, "PRODUCT APPKEY IS NOT VALID")
        host = asked.headers.get("host", _HOST)
        if not scenario:
            return self._success(self._create(asked, host), "created")
        found = self._found(scenario, host)
        if asked.method == "PUT":
            return self._success(self._modify(asked, found), "modified")
        if asked.method == "DELETE":
            self._changed[scenario] = None
            return self._success(found, "deleted")
        return self._success(found)

    def _success(self, scenario: dict[str, Any], done: str = "") -> Answer:
        remark = f"scenario {done}: {one_line(str(scenario['scenarioName']), 40)}" if done else ""
        return success(scenario, remark=remark, body_first=next(self._answered) % 2 == 0)

    def _found(self, scenario: str, host: str) -> dict[str, Any]:
        if not (scenario in self._changed or is_scenario_id(scenario)) or self.is_deleted(scenario):
            raise RefusedError(NO_SCENARIO, "SCENARIO NOT FOUND")
        return self._changed.get(scenario) or shop.scenarios(host).get(scenario) or shop.other(scenario, host)

    def _create(self, asked: Asked, host: str) -> dict[str, Any]:
        sent = _checked(object_in(text_of(asked.body)))
        scenario = uuid(self._world, "scenario", next(self._created), host)
        return self._kept(sent, scenario, "temporary")

    def _modify(self, asked: Asked, found: Mapping[str, Any]) -> dict[str, Any]:
        sent = _checked(object_in(text_of(asked.body)))
        if found["scenarioType"] != "API":
            raise RefusedError(BAD_DATA, "SCENARIOTYPE CANNOT BE CHANGED")
        return self._kept(sent, str(found["scenarioId"]), str(found["status"]))

    def _kept(self, sent: dict[str, Any], scenario: str, status: str) -> dict[str, Any]:
        """Keep what was sent as the service has it from now on."""
        second = int(self._world.chance("second", scenario) * 60)
        at = datetime.fromtimestamp(self._world.clock(), tz=UTC)
        kept = {
            "scenarioId": scenario,
            **{name: sent[name] for name in _FIELDS if name in sent},
            "browserOption": sent.get("browserOption") or {"OPT_LOCALE": "kr"},
            "ip": sent.get("ip") or urlsplit(sent["url"]).hostname,
            "monitoringRegion": sorted(set(sent["monitoringRegion"])),
            "amendedTime": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000",
            "status": status,
        }
        codes = sent["validation"].get("responseCodes")
        if codes:
            kept["validation"] = {**sent["validation"], "responseCodes": sorted(set(codes), reverse=True)}
        answered = _cron_of(sent, second)
        if answered:
            kept["monitoringCron"] = answered
            kept.pop("monitoringInterval", None)
        self._changed[scenario] = kept
        return kept


def _cron_of(sent: Mapping[str, Any], second: int) -> str:
    """The seven fields that come back; nothing for an interval that no expression keeps."""
    if "monitoringCron" in sent:
        fields = sent["monitoringCron"].split()
        return " ".join([str(second), *fields, *(["*"] if len(fields) == 5 else [])])
    interval_s = sent["monitoringInterval"]
    if interval_s <= 60:
        return f"{second} * * * * ? *"
    for unit_s, whole, form in ((60, 60, "{0} 0/{1} * * * ? *"), (3600, 24, "{0} 0 0/{1} * * ? *")):
        steps, rest = divmod(interval_s, unit_s)
        if not rest and steps < whole and whole % steps == 0:
            return form.format(second, steps)
    return f"{second} 0 0 * * ? *" if interval_s == 86400 else ""


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """Refuse a body that the tables of the documentation do not allow; null counts as absent."""
    sent = {name: value for name, value in body.items() if value is not None}
    validation = sent.get("validation")
    for holds, otherwise in (
        (_is_text(sent.get("url")) and sent["url"].startswith(("http://", "https://")), "URL"),
        (sent.get("httpMethod") in _METHODS, "HTTPMETHOD"),
        (isinstance(validation, dict), "VALIDATION"),
        (sent.get("scenarioType") == "API", "SCENARIOTYPE"),
        (_is_text(sent.get("scenarioName")) and sent["scenarioName"].strip() != "", "SCENARIONAME"),
        (_is_text(sent.get("description")), "DESCRIPTION"),
        (_are_texts(sent.get("monitoringRegion"), _REGIONS.__contains__), "MONITORINGREGION"),
        (_is_count(sent.get("errorLimitCount")), "ERRORLIMITCOUNT"),
        (("monitoringInterval" in sent) != ("monitoringCron" in sent), "MONITORINGINTERVAL OR MONITORINGCRON"),
        (_is_count(sent.get("monitoringInterval", _SHORTEST_INTERVAL_S), _SHORTEST_INTERVAL_S), "MONITORINGINTERVAL"),
        (_is_cron(sent.get("monitoringCron", "* * * * ?")), "MONITORINGCRON"),
        (_is_map(sent.get("headers", {})), "HEADERS"),
        (_is_map(sent.get("browserOption", {})), "BROWSEROPTION"),
        (_is_text(sent.get("requestBody", "")), "REQUESTBODY"),
        (_is_text(sent.get("ip", "")), "IP"),
    ):
        if not holds:
            raise RefusedError(BAD_DATA, f"{otherwise} IS NOT VALID")
    _check_validation(validation if isinstance(validation, dict) else {})
    return sent


def _check_validation(validation: Mapping[str, Any]) -> None:
    codes = validation.get("responseCodes", [])
    text = validation.get("textValidation", {})
    infos = text.get("textValidationInfos", []) if isinstance(text, dict) else []
    for holds, otherwise in (
        (_is_count(validation.get("timeout", 0)), "TIMEOUT"),
        (codes == [] or _are_texts(codes, str.isdecimal), "RESPONSECODES"),
        (_is_text(validation.get("avoidingValidationText", "")), "AVOIDINGVALIDATIONTEXT"),
        (isinstance(text, dict) and (not text or text.get("textValidationType") in _KINDS), "TEXTVALIDATIONTYPE"),
        (isinstance(infos, list) and all(_is_info(info) for info in infos), "TEXTVALIDATIONINFOS"),
    ):
        if not holds:
            raise RefusedError(BAD_DATA, f"VALIDATION.{otherwise} IS NOT VALID")


def _is_info(info: object) -> bool:
    if not isinstance(info, dict) or info.get("operator") not in _OPERATORS:
        return False
    without = info["operator"] in _WITHOUT_OPERAND and "operand" not in info
    return _is_text(info.get("expression")) and (without or _is_text(info.get("operand")))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(one) for one in value.values())


def _are_texts(value: object, fits: Callable[[str], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) and fits(one) for one in value)


def _is_cron(value: object) -> bool:
    try:
        return isinstance(value, str) and crons.sent(value) == " ".join(value.upper().split())
    except ValueError:
        return False
