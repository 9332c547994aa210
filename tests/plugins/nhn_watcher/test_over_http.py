"""The source over real HTTP on loopback: what is on the wire, what is tried again, and the shipped rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from plugins.nhn_watcher.documented import (
    ACCESS_KEY,
    ANSWERS,
    APPKEY,
    HOOK,
    HOOK_SECRET,
    NOW,
    PERSONAL,
    ROOT,
    SECRET_KEY,
    alarms,
    at,
    record,
    records,
)
from support.commands import Clock, Desk
from support.loopback import Got, Reply, http_server

RULES = """
    sources:
      audit:
        type: nhn-watcher
        base_url: <url>
        appkey: aPPkey0000000042
        user_access_key: uSERaccess000042
        secret_access_key: sECRETaccess0042
        retries: 1
    checks:
      - {name: failed, source: audit, metric: failed_notifications, each: alarm, above: 0}
"""
SHIPPED = Path(__file__).parents[3] / "checks.d" / "nhn-watcher.yaml"


def now_at(home: Path) -> Desk:
    """A desk at the time of the documented answers."""
    return Desk(home, clock=Clock(NOW))


class Wire:
    """The documented answers on loopback; `first` are replies that go before them, by path."""

    def __init__(self, **first: list[Reply]) -> None:
        self.first = first

    def __call__(self, got: Got) -> Reply:
        path = urlsplit(got.target).path.removeprefix(ROOT)
        waiting = self.first.get(path.rpartition("/")[2].replace("-", "_"), [])
        if waiting:
            return waiting.pop(0)
        return Reply(body=json.dumps(ANSWERS[f"{got.method} {path}"]).encode())


def test_the_wire_holds_what_is_documented(tmp_path: Path) -> None:
    with http_server(Wire()) as server:
        desk = now_at(tmp_path)
        desk.write(RULES, url=server.url)
        ran = desk("run --format json")
    assert ran.code == 0, ran.err
    assert ran.json[0]["state"] == "OK"
    search, history = server.got
    assert (search.method, search.target, search.body) == (
        "POST",
        f"{ROOT}/event-alarms/search?page=0&size=100",
        b"{}",
    )
    assert search.headers["content-type"] == "application/json"
    assert (history.method, history.body) == ("GET", b"")
    assert urlsplit(history.target).path == f"{ROOT}/alarms/al-1/alarm-history"
    assert [name for name, _ in parse_qsl(urlsplit(history.target).query)] == ["regDateFrom", "page", "size"]
    for got in server.got:
        assert got.headers["x-tc-authentication-id"] == ACCESS_KEY
        assert got.headers["x-tc-authentication-secret"] == SECRET_KEY


@pytest.mark.parametrize("reply", [Reply(503), Reply(502, b"<html>"), Reply(500)])
def test_reading_alarms_is_tried_again_although_it_is_a_post(tmp_path: Path, reply: Reply) -> None:
    with http_server(Wire(search=[reply])) as server:
        desk = now_at(tmp_path)
        desk.write(RULES, url=server.url)
        ran = desk("run --format json")
    assert ran.json[0]["state"] == "OK", ran.out
    assert [got.method for got in server.got] == ["POST", "POST", "GET"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(401, b'{"message": "who"}'), "login: HTTP 401"),
        (Reply(429, b"", {"Retry-After": "30"}), "rate limit: HTTP 429"),
        (Reply(200, b"<html>log in</html>"), "HTML"),
        (
            Reply(200, b'{"header": {"isSuccessful": false, "resultCode": 7, "resultMessage": "no"}}'),
            "resultCode 7: no",
        ),
        (Reply(200, json.dumps(alarms(total=5)).encode()), "the list is empty although totalItems is 5"),
        (Reply(302, b"", {"Location": "https://elsewhere.example/login"}), "a POST is not sent elsewhere"),
    ],
)
def test_every_failure_is_unknown_and_says_why(tmp_path: Path, reply: Reply, said: str) -> None:
    with http_server(Wire(search=[reply, reply])) as server:
        desk = now_at(tmp_path)
        desk.write(RULES, url=server.url)
        ran = desk("run --format json")
    (result,) = ran.json
    assert result["state"] == "UNKNOWN"
    assert said.lower() in result["output"].lower()
    for secret in (APPKEY, ACCESS_KEY, SECRET_KEY):
        assert secret not in ran.out + ran.err


def test_nothing_of_anybody_reaches_an_output_or_a_file(tmp_path: Path) -> None:
    rows = records(
        record("a", resourceName=PERSONAL[2]), record("b", result="FAILURE"), record("c", eventDatetime=at(5))
    )
    replies = [Reply(body=json.dumps(rows).encode())] * 20
    with http_server(Wire(alarm_history=replies)) as server:
        desk = now_at(tmp_path)
        desk.write(
            RULES
            + """\
      - {name: things, source: audit, metric: resource_events, each: [alarm, resource], above: 0}
      - {name: whom, source: audit, metric: recipients, each: alarm, below: 1}
""",
            url=server.url,
        )
        texts = [desk(f"run --format {form}").out for form in ("table", "json", "nagios", "checkmk", "openmetrics")]
        texts += [desk("explain things").out, desk("check things -v").out, desk("local").out]
        texts += [desk("nhn alarm get al-1").out, desk("nhn alarm history al-1 --format json").out]
    assert any("(member)" in text for text in texts)
    texts += [str(content) for content in desk.files().values()]
    texts += [content.decode("utf-8", "replace") for content in desk.files().values()]
    for secret in (*PERSONAL, HOOK, HOOK_SECRET, APPKEY, ACCESS_KEY, SECRET_KEY, "oTHERappkey00042"):
        for text in texts:
            assert secret not in text


def test_the_shipped_rules_show_ok_and_not_ok_in_the_sandbox(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    shutil.copy(SHIPPED, desk.checks_dir)
    ran = desk("run --sandbox --format json")
    assert ran.code == 0, ran.err
    states: dict[str, set[str]] = {}
    for result in ran.json:
        states.setdefault(result["check"], set()).add(result["state"])
    assert states == {
        "audit-alarm-status": {"OK", "CRITICAL"},
        "audit-failed-notifications": {"OK", "WARNING"},
        "audit-stuck-notifications": {"OK", "CRITICAL"},
        "audit-newest-event": {"OK", "CRITICAL"},
        "audit-instances-deleted": {"OK"},
    }


def test_labels_of_the_inventory_select(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    rules: dict[str, Any] = {"name": "on", "metric": "newest_event_age", "where": "{status: STABLE}"}
    desk.write(
        SHIPPED.read_text(encoding="utf-8").partition("checks:")[0]
        + f"""checks:
  - name: {rules["name"]}
    source: audit
    metric: {rules["metric"]}
    where: {rules["where"]}
    each: alarm
    expect: all
    above: {{crit: 2d}}
"""
    )
    ran = desk("run --sandbox --format json")
    assert ran.code == 0, ran.err
    assert {result["labels"]["alarm"] for result in ran.json} == {"deploys", "members", "databases", "결제 네트워크"}
    assert {result["state"] for result in ran.json} == {"OK"}
