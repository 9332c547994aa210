"""Answers of a Checkmk site to `get_sla`, made of a table of SLAs and services as the rule files' stories write it.

    slas: {gold: ok min 99.5}         what share of a month, in percent, a service must be, or may be, in a state
    services:                         and what share it was, last month and in this one so far
      - {host: shop, service: HTTPS, last: {ok: 99.9, crit: 0.1}, current: {ok: 100}}

What is not in the table, or not of a month, is absent from the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from support.loopback import Reply
from support.operations.question import CREDENTIALS, Question

Shares: TypeAlias = Mapping[str, float]
SITE = "main"
#: Months begin at the midnight of the site, which stands in Seoul.
ZONE = timezone(timedelta(hours=9))
_STATES = {"unmonitored": -1, "ok": 0, "warn": 1, "crit": 2, "unknown": 3}
_MONTHS = {"sla:0:0": "current", "sla:1:0": "last"}


def answer(question: Question, told: Mapping[str, Any]) -> Reply:
    """What a site answers: Python's own notation, since the results have tuples for keys."""
    if question.path != "/check_mk/webapi.py":
        return Reply(404)
    form = {name: values[0] for name, values in parse_qs(question.body.decode()).items()}
    if form["_secret"] != CREDENTIALS["CHECKMK_SECRET"]:
        return Reply(200, f"Invalid automation secret for user {form['_username']}".encode())
    if (form["action"], form["output_format"]) != ("get_sla", "python"):
        return _written(1, "This API call requires the parameter output_format=python")
    found: dict[str, Any] = {}
    for slas, timeranges, services in json.loads(form["request"])["query"]:
        for timerange in timeranges:
            month = _MONTHS.get(timerange, "")
            for row in told["services"]:
                if [row["host"], row["service"]] in services and month in row:
                    of_service = found.setdefault(row["host"], {}).setdefault(row["service"], {})
                    for sla in (one for one in slas if one in told["slas"]):
                        period = _period(told["slas"][sla], row[month], _timerange(month, question.at))
                        of_service[_key(row, sla, timerange)] = _result(sla, period)
    return _written(0, {SITE: found} if found else {})


def _written(code: int, result: Any) -> Reply:
    return Reply(200, repr({"result_code": code, "result": result}).encode(), {"Content-Type": "text/plain"})


def _key(row: Mapping[str, Any], sla: str, timerange: str) -> tuple[Any, ...]:
    _, start, lookback = timerange.split(":")
    return (row["host"], row["service"]), sla, ("sla_period_range", (int(start), int(lookback))), "monthly"


def _result(sla: str, period: Mapping[str, Any]) -> dict[str, Any]:
    plugin = {
        "plugin_id": "service_state_percentage",
        "timerange_sla_duration": period["duration"],
        "period_results": [period],
    }
    return {"plugin_results": [plugin], "sla_id": sla, "sla_period": "monthly"}


def _period(requirement: str, shares: Shares, timerange: tuple[float, float]) -> dict[str, Any]:
    """A month of a service; states in which it never was are left out."""
    match = re.fullmatch(r"(\w+) (min|max) ([\d.]+)", requirement)
    assert match, f"{requirement!r} is not like 'ok min 99.5'"
    state, bound, limit = match[1], match[2], float(match[3])
    share = shares.get(state, 0.0)
    left = share - limit if bound == "min" else limit - share
    duration = timerange[1] - timerange[0]
    return {
        "timerange": timerange,
        "duration": duration,
        "sla_broken": left < 0,
        "statistics": {
            "duration": {_STATES[name]: duration * percent / 100 for name, percent in shares.items()},
            "percentage": {_STATES[name]: float(percent) for name, percent in shares.items()},
        },
        "subresults": [
            {
                "requirement": (_STATES[state], bound, limit),
                "sla_broken": left < 0,
                "error_instances": [],
                "deviation_info": {
                    "deviation": left,
                    "deviation_state": 2 if left <= 0 else 0,
                    "levels": (0, 0),
                    "limit": limit,
                },
            }
        ],
    }


def _timerange(month: str, now: float) -> tuple[float, float]:
    """From when to when a month lasts; this one until now."""
    this = datetime.fromtimestamp(now, ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if month == "current":
        return this.timestamp(), int(now)
    return (this - timedelta(days=1)).replace(day=1).timestamp(), this.timestamp()
