"""For each plugin: a source, rules that everything it is told breaks, and the documented answers that say so.

What each vendor answers is written here by its documents, in its own shapes, and not by the plugins' own sandboxes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from checkmill.api.v1 import Secret
from checkmill.model.fetch import Fetch
from checkmill.model.levels import Levels
from checkmill.model.rule import Rule
from checkmill.model.settings import MIB, Query, SourceSettings
from checkmill.model.source import ConfiguredSource, Source
from checkmill.model.state import State
from checkmill_checkmk.metrics import CHECKMK
from checkmill_checkmk.settings import Settings as CheckmkSettings
from checkmill_checkmk.settings import SlaQuery
from checkmill_nezha.metrics import NEZHA
from checkmill_nezha.settings import Settings as NezhaSettings
from checkmill_nhn_monitoring.metrics import NHN_MONITORING
from checkmill_nhn_monitoring.settings import Settings as MonitoringSettings
from checkmill_nhn_watcher.metrics import WATCHER
from checkmill_nhn_watcher.settings import Events, Expected, ExpectedAlarms, Window
from checkmill_nhn_watcher.settings import Settings as WatcherSettings
from checkmill_whatap.metrics import WHATAP
from checkmill_whatap.settings import Settings as WhatapSettings
from support import hostile_nezha
from support.hostile import Document, as_literal
from support.rules import above, rule

HOSTS = ("web-1", "web-2", "db-1", "웹-3")
#: Above every limit of a rule on percent.
FAR_ABOVE = 99.0
SECRET = "tok-of-the-hostile"


@dataclass(frozen=True)
class Asked:
    """One request: `path` without the number of the source, `body` as it came."""

    method: str
    path: str
    body: str
    at: float


@dataclass(frozen=True)
class Watched:
    """One metric and the rule on it: a numeric one is wrong above `crit`, of a state metric every word is."""

    metric: str
    each: tuple[str, ...] = ()
    crit: float = 0.0
    query: Query | None = None


@dataclass(frozen=True)
class HostileVendor:
    """`settings` gives those of a source at an address, `answer` what is documented; one fetch asks `requests` times.

    As many sources are asked at the same time as `at_once`: fewer where a fetch asks often or starts processes.

    `services` is how many things each rule with `each` must see in the documented answers, all of them CRITICAL.
    """

    name: str
    source: Source[Any]
    settings: Callable[[str], SourceSettings]
    answer: Callable[[Asked], Document]
    watched: tuple[Watched, ...]
    requests: int = 1
    services: int = 4
    at_once: int = 50
    states: Mapping[str, State] = field(default_factory=dict)


def _common(url: str) -> dict[str, Any]:
    return {"base_url": url, "max_size": MIB, "retries": 1}


# WhaTap: every host at 99 % CPU.


def _whatap(_: Asked) -> Document:
    return Document({"pname": "LOCAL_INFRA", "values": dict.fromkeys(HOSTS, FAR_ABOVE)})


WHATAP_HOSTILE = HostileVendor(
    "whatap",
    WHATAP,
    lambda url: WhatapSettings(**_common(url), pcode=5490, token=Secret(SECRET)),
    _whatap,
    (Watched("cpu", ("host",), 90.0), Watched("cpu", (), 90.0)),
)


# Nezha: every server is used up by its details, and silent by the list.

NEZHA_HOSTILE = HostileVendor(
    "nezha",
    NEZHA,
    lambda url: NezhaSettings(**_common(url), token=Secret(SECRET), api="v0"),
    lambda asked: hostile_nezha.v0(asked, HOSTS),
    (
        *(Watched(name, ("host",), 90.0) for name in ("cpu", "memory_used", "swap_used", "disk_used", "processes")),
        *(Watched(name, (), 90.0) for name in ("load1", "net_in", "temperature_max")),
        Watched("agent_age", ("host",), 300.0),
        Watched("inactive_agents"),
        Watched("inactive_share"),
        Watched("tag_inactive_agents", ("tag",)),
        Watched("tag_inactive_share", ("tag",)),
        Watched("tag_servers", ("tag",)),
    ),
    requests=2,
    at_once=25,
)

NEZHA_MONITORS_HOSTILE = HostileVendor(
    "nezha monitors",
    NEZHA,
    lambda url: NezhaSettings(**_common(url), token=Secret(SECRET), api="v0"),
    lambda asked: hostile_nezha.monitors(asked, HOSTS),
    (
        Watched("latency_avg", ("host",), 0.25),
        Watched("latency_last", ("host",), 0.25),
        Watched("latency_last", (), 0.25),
    ),
    requests=5,
    at_once=15,
)

NEZHA_V1_HOSTILE = HostileVendor(
    "nezha v1",
    NEZHA,
    lambda url: NezhaSettings(**_common(url), username="ops", password=Secret(SECRET), api="v1"),
    lambda asked: hostile_nezha.v1(asked, HOSTS, SECRET),
    (
        # What may be zero is left out where it is, so that an answer without it is one that is well.
        *(Watched(name, ("host",), 90.0) for name in ("memory_used", "disk_used")),
        Watched("memory_used_bytes", (), 90.0),
        Watched("tag_servers", ("tag",)),
    ),
    requests=5,
    at_once=15,
)


# Checkmk: every SLA broken.


def _checkmk(asked: Asked) -> Document:
    form = {name: values[0] for name, values in parse_qs(asked.body).items()}
    sites: dict[str, Any] = {"mysite": {}}
    until = asked.at // 604800 * 604800
    for slas, _, services in json.loads(form["request"])["query"]:
        for host, service in services:
            for sla in slas:
                key = ((host, service), sla, ("sla_period_range", (1, 0)), "weekly")
                sites["mysite"].setdefault(host, {}).setdefault(service, {})[key] = _broken_sla(sla, until)
    return Document({"result_code": 0, "result": sites}, write=as_literal)


def _broken_sla(sla: str, until: float) -> dict[str, Any]:
    period = {
        "timerange": (until - 604800.0, until),
        "duration": 604800.0,
        "sla_broken": True,
        "statistics": {"duration": {0: 60480.0, 2: 544320.0}, "percentage": {0: 10.0, 2: 90.0}},
        "subresults": [
            {
                "requirement": (0, "min", 99.0),
                "sla_broken": True,
                "error_instances": [],
                "deviation_info": {"deviation": -89.0, "deviation_state": 2, "levels": (5.0, 1.0), "limit": 0.0},
            }
        ],
    }
    plugin = {"plugin_id": "service_state_percentage", "timerange_sla_duration": 604800.0, "period_results": [period]}
    return {"sla_id": sla, "sla_period": "weekly", "plugin_results": [plugin]}


_SLA = SlaQuery(sla="gold", services=tuple((host, "CPU load") for host in HOSTS))

CHECKMK_HOSTILE = HostileVendor(
    "checkmk",
    CHECKMK,
    lambda url: CheckmkSettings(**_common(url), username="automation", secret=Secret(SECRET)),
    _checkmk,
    at_once=10,
    watched=(Watched("sla_broken", ("host",), query=_SLA), Watched("sla_broken", (), query=_SLA)),
)


# NHN Cloud Resource Watcher: every alarm switched off, every notification failed, or stuck, of what nobody expected.


def _watcher(asked: Asked) -> Document:
    header = {"isSuccessful": True, "resultCode": 0, "resultMessage": ""}
    if "/alarm-history" in asked.path:
        result = "SENDING" if "alarmSendResultTypeCodes=SENDING" in asked.path else "FAILURE"
        records = [_record(number, asked.at, result) for number in range(3)]
        return Document({"header": header, "alarmHistories": records, "totalItems": len(records)})
    alarms = [
        {
            "alarmId": f"alarm-{number}",
            "alarmName": host,
            "alarmStatusCode": "DISABLED",
            "alarmRule": {"alarmRuleId": "rule-1", "alarmRuleName": "all", "alarmRuleStatusCode": "STABLE"},
            "description": "",
            "regDatetime": "2026-01-01T00:00:00",
            "modDatetime": "2026-01-02T00:00:00",
            "delDatetime": "",
        }
        for number, host in enumerate(HOSTS)
        if "DISABLED" in (json.loads(asked.body).get("alarmStatusCodes") or ["DISABLED"])
    ]
    size = int(parse_qs(asked.path.partition("?")[2])["size"][0])
    return Document({"header": header, "alarms": alarms[:size], "totalItems": len(alarms)})


def _record(number: int, at: float, result: str) -> dict[str, Any]:
    happened = datetime.fromtimestamp(at - 60 * (number + 1), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "alarmHistoryId": f"record-{number}",
        "alarmSendResultTypeCode": result,
        "resource": {
            "resourceKey": "r-1",
            "cloudResourceName": "org-1:project-1:INSTANCE:KR1:vm",
            "resourceName": "vm",
            "resourceStatusCode": "CLOSED",
            "productId": "product-1",
            "projectId": "project-1",
            "projectName": "shop",
        },
        "event": {
            "alarmId": "a",
            "eventId": "event_id.vm.create",
            "eventSourceType": "CONSOLE",
            "eventUser": {"userIdNo": "7d1f0c52", "userId": "ops", "userIp": "198.51.100.9", "userAgent": ""},
            "eventDatetime": happened,
            "regDatetime": happened,
        },
    }


#: Two of the four alarms: by a glob, and by a name.
_ALARMS = ("db-*", "웹-3")
_PROJECT = Window(project="project-1", product=("product-1", "product-2"))
_MACHINE = Window(resource=("r-1", "r-2"), source_type="CONSOLE", event="event_id.vm.create")


WATCHER_HOSTILE = HostileVendor(
    "nhn-watcher",
    WATCHER,
    lambda url: WatcherSettings(
        **_common(url),
        appkey=Secret(SECRET),
        user_access_key=Secret(SECRET),
        secret_access_key=Secret(SECRET),
        alarms=_ALARMS,
        zone="UTC",
    ),
    _watcher,
    (
        Watched("alarm_status", ("alarm",)),
        Watched("alarm_change_age", ("alarm",)),
        Watched("alarms"),
        Watched("alarms_by_status"),
        Watched("expected_alarm", ("alarm",), query=ExpectedAlarms(alarm=("db-1", "웹-3"))),
        *(Watched(name, ("alarm",)) for name in ("failed_notifications", "deleted_resources", "resource_events")),
        Watched("failed_share", ("alarm",), 90.0),
        *(Watched(name, ("alarm",), query=_PROJECT) for name in ("notifications", "project_events")),
        *(Watched(name, ("alarm",), query=_MACHINE) for name in ("failed_notifications", "events")),
        Watched("stuck_notifications", ("alarm",), 30.0, query=Events(project="project-1")),
        Watched("newest_event_age", ("alarm",), 30.0),
        Watched("unexpected_events", ("alarm",), query=Expected(user="somebody else")),
        Watched("unexpected_events", (), query=Expected(address="10.0.0.0/8", anonymous=False)),
    ),
    requests=22,
    services=2,
    at_once=5,
)


# NHN Cloud Service Monitoring: every scenario demands what its site does not answer.

_SCENARIOS = {host: f"12962600-5c39-11ea-bd8f-0bbd7856015{number}" for number, host in enumerate(HOSTS)}


def _monitoring(asked: Asked) -> Document:
    if asked.path.startswith("/site"):
        return Document({"state": "DOWN"}, status="500 Oops")
    number = asked.path.rpartition("/")[2]
    body = {
        "scenarioId": number,
        "scenarioName": "front",
        "scenarioType": "API",
        "description": "",
        "url": "SITE/site",
        "httpMethod": "GET",
        "headers": {"Accept": "application/json"},
        "browserOption": {"OPT_LOCALE": "kr"},
        "monitoringRegion": ["KOR"],
        "monitoringCron": "7 * * * * ? *",
        "errorLimitCount": 0,
        "status": "temporary",
        "amendedTime": "2020-09-03T08:49:01.197+0000",
        "validation": {
            "textValidation": {
                "textValidationType": "JSON",
                "textValidationInfos": [{"operator": "EQ", "expression": "$.state", "operand": "OK"}],
            },
            "timeout": 900,
            "responseCodes": ["200"],
        },
    }
    return Document({"header": {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}, "body": body})


MONITORING_HOSTILE = HostileVendor(
    "nhn-monitoring",
    NHN_MONITORING,
    lambda url: MonitoringSettings(
        **_common(url), appkey=Secret(SECRET), product_appkey=Secret(SECRET), scenarios=_SCENARIOS
    ),
    _monitoring,
    (Watched("scenario", ("scenario",)), Watched("failed_scenarios"), Watched("scenario_status", ("scenario",))),
    requests=8,
    at_once=5,
)

VENDORS = (
    WHATAP_HOSTILE,
    NEZHA_HOSTILE,
    NEZHA_MONITORS_HOSTILE,
    NEZHA_V1_HOSTILE,
    CHECKMK_HOSTILE,
    WATCHER_HOSTILE,
    MONITORING_HOSTILE,
)


def source_of(vendor: HostileVendor, url: str, number: int) -> ConfiguredSource:
    """The source of a number: its number leads every path that it asks for."""
    settings = vendor.settings(f"{url}/{number}")
    return ConfiguredSource(f"shop-{number}", vendor.source, settings, labels={}, file="", digest="")


def rules_on(vendor: HostileVendor, one: ConfiguredSource, deadline_s: float) -> list[Rule]:
    """The vendor's rules on one source: whatever it says breaks them."""
    rules = []
    for number, watched in enumerate(vendor.watched):
        metric = vendor.source.metric(watched.metric)
        assert metric is not None, watched.metric
        levels = Levels(states={"*": State.CRITICAL}) if metric.is_state else above(crit=watched.crit)
        made = rule(f"rule-{number}", of=metric, sources=[one], each=watched.each, levels=levels)
        query = watched.query or metric.dataset.query_type()
        fetch = Fetch(one, metric.dataset, query, deadline_s)
        readings = tuple(replace(reading, query=query, fetch=fetch) for reading in made.readings)
        rules.append(replace(made, readings=readings, inventories={}))
    return rules
