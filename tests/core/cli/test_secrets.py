"""A secret of the configuration reaches the vendor and nothing else, even when the vendor sends it back."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import pytest

from support.commands import Desk
from support.loopback import Got, Reply
from support.whatap_vendor import CPU, HOSTS, SERVERS, Answering, Batchmon, Vendor, as_json, values

TOKEN = "T0p/se cret+token=&7"
FILED = "filed-secret-of-the-rules"
ACCOUNT = "acc0unt-secret-of-everything"
PROJECT = "pr0ject-secret-from-the-list"
APPKEY = "appkey|secret/%41"
SECRETS = (TOKEN, FILED, ACCOUNT, PROJECT, APPKEY)
COMMANDS = ("check cpu -vv", "check all -vv", "local", "run", "run --format json", "outbox show 1", "outbox --all")
COMMANDS += ("outbox --all --format json", "validate", "list --format json", "schema", "check nope", "run nope")

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
      filed: {type: whatap, base_url: <url>, pcode: 5490, token: "${file:token.txt}", retries: 0}
      all: {type: whatap, base_url: <url>, account_token: "${ACCOUNT}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: 90,
         report: [{to: nhn, scenario: one}, {to: nhn, scenario: two}]}
      - {name: hosts, source: filed, metric: hosts, above: 900, report: [{to: nhn, scenario: three}]}
      - {name: status, source: shop, metric: server_status, each: host}
      - {name: all, source: all, metric: cpu, each: [project, host], above: 90}
"""


def spellings(secret: str) -> set[str]:
    """How a secret may stand in a text."""
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}


def echo_of(got: Got) -> str:
    """What a request brought along, as a careless vendor says it back."""
    return " ".join((got.headers.get("x-whatap-token", ""), unquote(got.target), got.body.decode()))


def in_refusals(got: Got) -> Reply:
    return Reply(401, echo_of(got).encode(), {"Content-Type": "text/plain", "X-Echo": quote(echo_of(got))})


def in_host_names(got: Got) -> Reply:
    return values({echo_of(got): 95})


def in_values(got: Got) -> Reply:
    return values({"web-1": echo_of(got)})


def in_errors_with_200(got: Got) -> Reply:
    return as_json({"error": echo_of(got)})


def in_redirects(got: Got) -> Reply:
    return Reply(302, b"", {"Location": f"https://elsewhere.invalid/?said={quote(echo_of(got))}"})


def in_html(got: Got) -> Reply:
    return Reply(200, f"<html>{echo_of(got)}</html>".encode(), {"Content-Type": "text/html"})


def servers(got: Got) -> Reply:
    return values([{"os.status": echo_of(got), "oname": "web-1", "os.name": "linux", "oid": -1, "isActive": True}])


def refusing_post(got: Got) -> Reply:
    header = {"isSuccessful": False, "resultCode": 7, "resultMessage": echo_of(got)}
    return as_json({"header": header, "body": {"pk": {"requestId": echo_of(got)}}})


@pytest.mark.parametrize("echo", [in_refusals, in_host_names, in_values, in_errors_with_200, in_redirects, in_html])
def test_no_secret_is_found_anywhere(desk: Desk, vendor: Vendor, batchmon: Batchmon, echo: Answering) -> None:
    desk.environ = {"WHATAP_TOKEN": TOKEN, "ACCOUNT": ACCOUNT, "NHN_APPKEY": APPKEY}
    (desk.checks_dir / "token.txt").write_text(FILED + "\n")
    desk.write(RULES, url=vendor.url, nhn=batchmon.url)
    vendor.projects, vendor.account_token = {"prod": PROJECT}, ACCOUNT
    vendor.answers |= {CPU: echo, HOSTS: echo, SERVERS: servers}
    batchmon.reply = refusing_post
    desk.arguments = ["--log-level", "debug"]

    said = {words: desk(words) for words in COMMANDS}

    texts = {f"{words} {kind}": getattr(ran, kind) for words, ran in said.items() for kind in ("out", "err")}
    texts |= {name: content.decode("utf-8", "replace") for name, content in desk.files().items()}
    assert {"checkmill.log", "state.db"} <= texts.keys()
    assert len(texts["checkmill.log"]) > 500
    assert {got.headers["x-whatap-token"] for got in vendor.server.got} == {TOKEN, FILED, ACCOUNT, PROJECT}
    assert any(quote(APPKEY, safe="") in got.target for got in batchmon.server.got)
    found = [
        (name, secret)
        for name, text in texts.items()
        for secret in SECRETS
        for spelling in spellings(secret)
        if spelling in text
    ]
    assert found == []


def test_a_process_shows_no_secret_in_its_arguments(desk: Desk, vendor: Vendor) -> None:
    vendor.hanging.add(HOSTS)
    desk.write(
        """
        sources:
          shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
        checks: [{name: hosts, source: shop, metric: hosts, above: 900}]
        """,
        url=vendor.url,
    )

    with desk.start("check hosts") as process:
        assert vendor.asked.wait(5)
        line = Path(f"/proc/{process.pid}/cmdline").read_text()
        process.terminate()
        process.communicate(timeout=5)

    assert line.split("\0")[-3:-1] == ["check", "hosts"]
    assert desk.environ["WHATAP_TOKEN"] not in line


def test_what_is_wrong_with_a_secret_is_said_without_it(desk: Desk) -> None:
    desk.environ = {"BAD": f"{TOKEN}\nsecond line"}
    desk.write(
        """
        sources:
          a: {type: whatap, pcode: "${BAD}", token: "${BAD}"}
          b: {type: whatap, pcode: 1, token: "${BAD}", tokn: "${BAD}"}
          c: {type: whatap, pcode: 1, token: "${BAD}", base_url: "${BAD}"}
        checks: [{name: x, source: c, metric: hosts, above: "${BAD}"}]
        """
    )

    for words in ("validate", "run", "check x", "local", "list"):
        ran = desk(words)
        assert TOKEN not in ran.out + ran.err, words
