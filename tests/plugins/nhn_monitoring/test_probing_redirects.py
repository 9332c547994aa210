"""Redirects of API scenarios: followed as a browser does, within reach alone, and within the scenario's time-out."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import ConnectError, Response, Secret
from checkmill_nhn_monitoring.verdict import Verdict
from plugins.nhn_monitoring.test_probing_http import NOT_CARRIED_OUT, REACH, carried_out, definition, response


def leads(status: int, location: str) -> Response:
    return response(status, location=location)


@pytest.mark.parametrize(
    ("status", "method", "location", "following"),
    [
        (301, "GET", "/new", ("GET", "https://shop.example/new", b"b", {"X-A": "1", "Content-Type": "t"})),
        (302, "GET", "?y=2", ("GET", "https://shop.example/health?y=2", b"b", {"X-A": "1", "Content-Type": "t"})),
        (302, "GET", "//shop.example/n", ("GET", "https://shop.example/n", b"b", {"X-A": "1", "Content-Type": "t"})),
        (301, "POST", "/new", ("GET", "https://shop.example/new", None, {"X-A": "1"})),
        (302, "POST", "/new", ("GET", "https://shop.example/new", None, {"X-A": "1"})),
        (303, "POST", "/new", ("GET", "https://shop.example/new", None, {"X-A": "1"})),
        (303, "DELETE", "/new", ("GET", "https://shop.example/new", None, {"X-A": "1"})),
        (303, "POST", "https://m.shop.example/", ("GET", "https://m.shop.example/", None, {})),
        (307, "POST", "/new", ("POST", "https://shop.example/new", b"b", {"X-A": "1", "Content-Type": "t"})),
        (308, "PUT", "/new", ("PUT", "https://shop.example/new", b"b", {"X-A": "1", "Content-Type": "t"})),
        (302, "PUT", "/new", ("PUT", "https://shop.example/new", b"b", {"X-A": "1", "Content-Type": "t"})),
        (302, "POST", "https://m.shop.example/x", ("GET", "https://m.shop.example/x", None, {})),
        (302, "POST", "https://shop.example:8443/x", ("GET", "https://shop.example:8443/x", None, {})),
    ],
)
def test_a_redirect_is_followed_as_a_browser_does(
    status: int, method: str, location: str, following: tuple[str, str, bytes | None, dict[str, str]]
) -> None:
    sent = definition(httpMethod=method, requestBody="b", headers={"X-A": "1", "Content-Type": "t"})
    verdict, asked = carried_out(sent, leads(status, location), response())
    assert verdict == Verdict("passed", "after 1 redirect: HTTP 200", 0.5)
    assert (asked[1].method, asked[1].path, asked[1].content, asked[1].headers) == following
    assert asked[1].reach == REACH
    assert asked[1].timeout_s == 4.75


def test_credentials_go_along_when_a_site_turns_to_tls() -> None:
    sent = definition(url="http://shop.example/", headers={"Authorization": "Bearer sssssssss"})
    _, asked = carried_out(sent, leads(301, "https://shop.example/"), response())
    assert asked[1].headers == {"Authorization": Secret("Bearer sssssssss")}


@pytest.mark.parametrize(
    ("members", "status", "location", "reason"),
    [
        (
            {},
            302,
            "https://evil.example/x?t=1",
            "HTTP 302 leads elsewhere: evil.example:443 is not in the list of hosts",
        ),
        ({}, 302, "https://127.0.0.1/", "HTTP 302 leads elsewhere: 127.0.0.1:443 is not in the list of hosts"),
        ({}, 302, "http://169.254.169.254/", "HTTP 302 leads to 169.254.169.254:80 without TLS"),
        ({}, 301, "http://shop.example/", "HTTP 301 leads to shop.example:80 without TLS"),
        ({}, 307, "file:///etc/passwd", "HTTP 307 leads to what is no http or https address"),
        ({}, 307, "gopher://shop.example/", "HTTP 307 leads to what is no http or https address"),
        ({}, 308, "https://[", "HTTP 308 leads to what is no http or https address"),
        ({}, 308, "https://shop.example:x/", "HTTP 308 leads to what is no http or https address"),
        (
            {"requestBody": "pin=0815", "httpMethod": "POST"},
            307,
            "https://m.shop.example/",
            "HTTP 307 leads to m.shop.example:443; a body is not sent on to another host",
        ),
    ],
)
def test_a_redirect_elsewhere_is_not_followed(members: dict[str, Any], status: int, location: str, reason: str) -> None:
    verdict, asked = carried_out(definition(**members), leads(status, location))
    assert verdict.word == NOT_CARRIED_OUT
    assert verdict.reason.startswith(reason)
    assert len(asked) == 1


def test_an_allowed_redirect_is_an_answer() -> None:
    validation = {"responseCodes": ["302"]}
    verdict, asked = carried_out(definition(validation), leads(302, "https://evil.example/"))
    assert verdict == Verdict("passed", "HTTP 302", 0.25)
    assert len(asked) == 1


def test_five_redirects_are_followed_and_no_sixth() -> None:
    hops = [leads(302, f"/{number}") for number in range(6)]
    assert carried_out(definition(), *hops[:5], response())[0] == Verdict("passed", "after 5 redirects: HTTP 200", 1.5)
    verdict, asked = carried_out(definition(), *hops, response())
    assert verdict == Verdict("not_carried_out", "it is still redirected after 5 redirects")
    assert len(asked) == 6


def test_redirects_share_the_timeout() -> None:
    slow = response(302, elapsed_s=2.0, location="/x")
    verdict, asked = carried_out(definition({"timeout": 5000}), slow, slow, slow, response())
    assert verdict == Verdict("failed", "after 2 redirects: the answer took 6 s, longer than its time-out of 5 s", 6.0)
    assert [request.timeout_s for request in asked] == [5.0, 3.0, 1.0]


def test_a_host_that_is_led_to_may_fail() -> None:
    verdict, _ = carried_out(definition(), leads(302, "https://m.shop.example/"), ConnectError("no connection"))
    assert verdict == Verdict("failed", "after 1 redirect: connect: no connection")
