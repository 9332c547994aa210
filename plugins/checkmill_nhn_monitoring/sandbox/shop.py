"""A simulated web shop: the scenarios that watch it, and the pages that they ask, one of which never works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from checkmill.api.v1 import Answer, Asked, World

FRONT = "0c96cff0-edc2-11ea-9760-8d94f461e6d4"
LOGIN = "2b1f7a60-edc2-11ea-9760-8d94f461e6d4"
SEARCH = "3d5c8e10-edc2-11ea-9760-8d94f461e6d4"
ORDERS = "4f99a1c0-edc2-11ea-9760-8d94f461e6d4"
FEED = "61d6b570-edc2-11ea-9760-8d94f461e6d4"
PORT = "be50d2a0-e353-11ea-a3c2-ebd9a267dbb2"
#: Needs a browser; stands in no list of scenarios to watch.
CHECKOUT = "7413c920-edc2-11ea-9760-8d94f461e6d4"

#: The scenarios that a source in the sandbox watches.
WATCHED = {"front": FRONT, "login": LOGIN, "search": SEARCH, "orders": ORDERS, "feed": FEED, "port": PORT}

#: Where the pages lie, seen from outside.
PREFIX = "/nhn-monitoring"
SITE = "/site/"
#: What the login page wants: what every `${...}` of a file stands for in a sandbox, so that `get` and `apply` agree.
CREDENTIAL = "sandbox-value"

#: The slowest that the search may be, in the eyes of its scenario.
SLOWEST_SEARCH_MS = 400
_PAGE = "<!doctype html><html><head><title>Shop</title></head><body><h1>Welcome back</h1></body></html>"
_FEED = '<?xml version="1.0"?><feed><status>OK</status><entry id="1">New lamps</entry></feed>'


def scenarios(host: str) -> dict[str, dict[str, Any]]:
    """The scenarios by id, as the service answers them; `host` is where the sandbox answers: `127.0.0.1:8123`."""
    name, _, port = host.rpartition(":") if ":" in host else (host, "", "80")
    site = f"http://{host}{PREFIX}{SITE}"
    shared = {"ip": name, "monitoringRegion": ["KOR"], "errorLimitCount": 0, "status": "enable"}
    http = {"scenarioType": "API", "httpMethod": "GET", "browserOption": {"OPT_LOCALE": "kr"}, **shared}
    return {
        FRONT: {
            "scenarioId": FRONT,
            "url": f"{site}front",
            "validation": {
                "textValidation": _text("JSON", ("$.isSuccess", "EQ", "true"), ("$.products", "GT", "0")),
                "timeout": 3000,
                "responseCodes": ["200", "201"],
            },
            **http,
            "scenarioName": "front page",
            "description": "the shop answers and has products",
            "amendedTime": "2026-09-03T08:49:01.197+0000",
            "monitoringCron": "7 * * * * ? *",
        },
        LOGIN: {
            "scenarioId": LOGIN,
            "url": f"{site}login",
            **http,
            "httpMethod": "POST",
            "headers": {"Authorization": CREDENTIAL, "Content-Type": "application/json"},
            "requestBody": json.dumps({"user": "probe", "password": CREDENTIAL}),
            "validation": {"textValidation": _text("HTML", ("//h1", "CONTAINS", "Welcome")), "timeout": 5000},
            "scenarioName": "login",
            "description": "the probe's own user can log in",
            "monitoringRegion": ["US", "KOR"],
            "amendedTime": "2026-10-12T02:15:40.003+0000",
            "registeredTime": "2026-10-12T02:15:40.003+0000",
            "monitoringInterval": 300,
            "monitoringCron": "23 0/5 * * * ? *",
        },
        SEARCH: {
            "scenarioId": SEARCH,
            "url": f"{site}search?q=lamp",
            **http,
            "validation": {"textValidation": _text("JSON", ("$.took_ms", "LT", str(SLOWEST_SEARCH_MS)))},
            "scenarioName": "search",
            "description": "the search is fast enough",
            "amendedTime": "2026-11-01T11:00:00.000+0000",
            "monitoringCron": "41 0/5 * * * ? *",
            "errorLimitCount": 2,
        },
        ORDERS: {
            "scenarioId": ORDERS,
            "url": f"{site}orders",
            **http,
            "validation": {"responseCodes": ["200"], "timeout": 3000, "avoidingValidationText": "planned maintenance"},
            "scenarioName": "orders",
            "description": "orders are taken",
            "amendedTime": "2026-11-02T09:30:00.500+0000",
            "monitoringCron": "12 30 8 ? * 2-6 *",
            "status": "temporary",
        },
        FEED: {
            "scenarioId": FEED,
            "url": f"{site}feed",
            **http,
            "validation": {
                "textValidation": _text("XML", ("/feed/status", "EQ", "OK")),
                "responseCodes": ["200"],
            },
            "scenarioName": "product feed",
            "description": "product feed",
            "amendedTime": "2026-11-03T00:00:00.000+0000",
            "monitoringCron": "55 0 * * * ? *",
        },
        PORT: {
            "scenarioId": PORT,
            "validation": {
                "timeout": 5000,
                "responseValidation": [
                    {"position": 0, "validationText": "HTTP/1."},
                    {"position": 9, "validationText": "200"},
                ],
            },
            **shared,
            "scenarioType": "TCP",
            "scenarioName": "port",
            "description": "the port answers",
            "amendedTime": "2026-09-01T05:54:58.861+0000",
            "monitoringCron": "9 * * * * ? *",
            "request": f"GET {PREFIX}{SITE}port HTTP/1.0\r\n\r\n",
            "port": int(port),
        },
        CHECKOUT: {
            "scenarioId": CHECKOUT,
            "url": f"{site}front",
            **http,
            "scenarioType": "WEB",
            "validation": {"imageValidationPaths": ["/images/checkout.png"]},
            "scenarioName": "checkout",
            "description": "a browser buys a lamp",
            "amendedTime": "2026-08-20T07:00:00.000+0000",
            "monitoringCron": "30 0/10 * * * ? *",
        },
    }


def other(scenario: str, host: str) -> dict[str, Any]:
    """Some scenario for an id that is somebody's own, so that any rule file can be tried in the sandbox."""
    front = scenarios(host)[FRONT]
    url = f"http://{host}{PREFIX}{SITE}of/{scenario}"
    return {**front, "scenarioId": scenario, "url": url, "scenarioName": f"scenario {scenario[:8]}"}


def page(world: World, asked: Asked) -> Answer:
    """Answer as the shop does."""
    name = asked.path.removeprefix(SITE)
    if asked.method != ("POST" if name == "login" else "GET"):
        return Answer(status=405, json={"message": "method not allowed"})
    if name == "front" or name.startswith("of/"):
        return Answer(json={"isSuccess": True, "products": round(world.wave("products", low=900, high=1100))})
    if name == "login":
        return _login(asked)
    if name == "search":
        took_ms = round(world.wave("search", low=50, high=750, period_s=1800.0))
        return Answer(json={"took_ms": took_ms, "hits": 12})
    if name == "orders":
        return Answer(status=503, json={"status": "DOWN", "reason": "the database is away"})
    if name == "feed":
        return Answer(body=_FEED.encode(), headers={"content-type": "application/xml"})
    if name == "port":
        return Answer(body=b"here", headers={"content-type": "text/plain"})
    return Answer(status=404, json={"message": "no such page"})


def _login(asked: Asked) -> Answer:
    try:
        given = json.loads(asked.body)
    except ValueError:
        given = None
    password = given.get("password") if isinstance(given, dict) else None
    if asked.headers.get("authorization") != CREDENTIAL or password != CREDENTIAL:
        return Answer(status=401, json={"message": "who are you?"})
    return Answer(body=_PAGE.encode(), headers={"content-type": "text/html; charset=utf-8"})


def _text(kind: str, *conditions: tuple[str, str, str]) -> Mapping[str, Any]:
    infos = [{"operator": operator, "expression": path, "operand": operand} for path, operator, operand in conditions]
    return {"textValidationType": kind, "textValidationInfos": infos}
