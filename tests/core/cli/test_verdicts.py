"""What a check says of a vendor's answers, over real HTTP: nothing that is no measurement is OK."""

from __future__ import annotations

import pytest

from support.commands import Desk
from support.loopback import Reply, unused_port
from support.whatap_vendor import ACCOUNT_TOKEN, CPU, HOSTS, Answering, Vendor, as_json, values

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0, timeout: 0.5s}
    checks:
      - {name: cpu, source: shop, metric: cpu, above: {warn: 80, crit: 90}}
      - {name: each, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90}}
      - {name: low, source: shop, metric: hosts, below: {warn: 50, crit: 10}}
      - {name: web-2, source: shop, metric: cpu, where: {host: web-2}, above: 90}
      - {name: lenient, source: shop, metric: cpu, above: 90, on_error: warn, on_empty: ok, on_missing: crit}
"""


@pytest.mark.parametrize(
    ("percent", "code", "line"),
    [
        (0, 0, "OK - web-1: cpu 0%"),
        (79.9, 0, "OK - web-1: cpu 79.9%"),
        (80, 0, "OK - web-1: cpu 80%"),
        (80.1, 1, "WARNING - web-1: cpu 80.1% above 80%"),
        (90, 1, "WARNING - web-1: cpu 90% above 80%"),
        (90.1, 2, "CRITICAL - web-1: cpu 90.1% above 90%"),
        (100, 2, "CRITICAL - web-1: cpu 100% above 90%"),
        ("57.0", 0, "OK - web-1: cpu 57%"),
        ("95.5", 2, "CRITICAL - web-1: cpu 95.5% above 90%"),
    ],
    ids=lambda value: str(value),
)
def test_the_state_is_that_of_the_value(desk: Desk, vendor: Vendor, percent: object, code: int, line: str) -> None:
    desk.write(RULES, url=vendor.url)
    vendor.show(CPU, {"web-1": percent})

    ran = desk("check cpu")

    assert (ran.code, ran.line) == (code, line)


@pytest.mark.parametrize(
    ("count", "code"),
    [("57.0", 0), ("50.0", 0), ("49.0", 1), ("10.0", 1), ("9.0", 2), (0, 2), (57, 0)],
    ids=lambda value: str(value),
)
def test_a_limit_below_is_strict_too(desk: Desk, vendor: Vendor, count: object, code: int) -> None:
    desk.write(RULES, url=vendor.url)
    vendor.show(HOSTS, count)

    assert desk("check low").code == code


NO_MEASUREMENTS: list[tuple[Answering, str]] = [
    (values({}), "answered without a single value"),
    (values({"web-1": "n/a"}), "n/a"),
    (values({"web-1": None}), "cpu has no value"),
    (values({"web-1": True}), "cpu has no value"),
    (values({"web-1": -3}), "below zero"),
    (values({"web-1": []}), "a number was expected"),
    (Reply(200, b'{"pname": "x", "values": {"web-1": NaN}}', {"Content-Type": "application/json"}), "cpu has no value"),
    (
        Reply(200, b'{"pname": "x", "values": {"web-1": 1e999}}', {"Content-Type": "application/json"}),
        "cpu has no value",
    ),
    (values(None), "parse: "),
    (as_json({}), "parse: "),
    (as_json([]), "parse: "),
    (as_json({"error": "expired"}), "parse: WhaTap answered with an error: expired"),
    (Reply(200, b"<html><body>Login</body></html>", {"Content-Type": "text/html"}), "parse: "),
    (Reply(200, b'{"pname": "x", "values": {"web-1": 4'), "parse: "),
    (Reply(200, b""), "parse: "),
    (Reply(200, b"ab", {"Content-Length": "100"}), "read: "),
    (Reply(204), "parse: "),
    (as_json({"error": "invalid token"}, 401), "login: HTTP 401"),
    (as_json({"error": "no"}, 403), "login: HTTP 403"),
    (as_json({}, 404), "read: HTTP 404"),
    (as_json({}, 429, **{"Retry-After": "120"}), "rate limit: HTTP 429"),
    (as_json({}, 429), "rate limit: HTTP 429"),
    (as_json({}, 500), "read: HTTP 500"),
    (as_json({}, 503), "read: HTTP 503"),
    (Reply(302, b"", {"Location": "https://elsewhere.invalid/login"}), "read: "),
]
_IDS = ["empty", "text", "null", "true", "negative", "list", "NaN", "infinite", "no-values", "no-object", "array"]
_IDS += ["error-with-200", "html-with-200", "truncated-json", "no-body", "broken-off", "204", "401", "403", "404"]
_IDS += ["429-with-retry-after", "429", "500", "503", "redirect"]


@pytest.mark.parametrize("name", ["cpu", "each"])
@pytest.mark.parametrize(("answer", "said"), NO_MEASUREMENTS, ids=_IDS)
def test_what_is_no_measurement_is_unknown_and_says_why(
    desk: Desk, vendor: Vendor, answer: Answering, said: str, name: str
) -> None:
    desk.write(RULES, url=vendor.url)
    vendor.answers[CPU] = answer

    ran = desk(f"check {name}")

    assert (ran.code, ran.writes, ran.err) == (3, 1, "")
    assert ran.line.startswith("UNKNOWN - ")
    assert said in ran.out


def test_a_hanging_server_is_unknown_when_the_rule_says_so(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)
    vendor.hanging.add(CPU)

    ran = desk("check cpu")

    assert (ran.code, ran.line[:30]) == (3, "UNKNOWN - source shop failed: ")
    assert "read: " in ran.line


def test_a_hanging_server_is_unknown_when_the_command_says_so(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES.replace("timeout: 0.5s", "timeout: 20s"), url=vendor.url)
    vendor.hanging.add(CPU)

    ran = desk("check cpu -t 0.2")

    assert (ran.code, ran.line[:30]) == (3, "UNKNOWN - source shop failed: ")


def test_a_refused_connection_is_unknown(desk: Desk) -> None:
    desk.write(RULES, url=f"http://127.0.0.1:{unused_port()}")

    ran = desk("check cpu")

    assert ran.code == 3
    assert "source shop failed: connect: " in ran.line


def test_a_host_that_is_not_there_is_unknown(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)

    ran = desk("check web-2")

    assert (ran.code, ran.line) == (3, "UNKNOWN - none of 1 values is selected by 'where' and 'except'")


def test_a_host_that_is_gone_is_unknown_without_any_key_for_it(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)
    vendor.show(CPU, {"web-1": 10, "web-2": 20})
    desk("run each")
    vendor.show(CPU, {"web-1": 10})
    desk.clock.now += 120

    ran = desk("run each --format json")

    assert {result["service"]: result["state"] for result in ran.json} == {"each web-1": "OK", "each web-2": "UNKNOWN"}
    assert (desk("check each --item web-1").code, desk("check each --item web-2").code, desk("check each").code) == (
        0,
        3,
        3,
    )


@pytest.mark.parametrize(
    ("answer", "code"),
    [(as_json({}, 500), 1), (values({}), 0), (values({"web-1": None}), 3), (values({"web-1": 91}), 2)],
    ids=["on_error-warn", "on_empty-ok", "a-missing-sample", "a-value"],
)
def test_the_policies_of_the_rule_decide_what_failures_are(
    desk: Desk, vendor: Vendor, answer: Reply, code: int
) -> None:
    desk.write(RULES, url=vendor.url)
    vendor.answers[CPU] = answer

    assert desk("check lenient").code == code


def test_one_of_twenty_projects_that_refuses_takes_only_its_own_services_along(desk: Desk, vendor: Vendor) -> None:
    vendor.projects = {f"prod-{number}": f"PROJECTTOKEN{number:012}" for number in range(1, 21)}

    def cpu(got: object) -> Reply:
        code = got.headers["x-whatap-pcode"]  # type: ignore[attr-defined] # a request of the server's
        return as_json({"error": "no"}, 401) if code == "7" else values({f"host-{code}": 10})

    vendor.answers[CPU] = cpu
    desk.environ["WHATAP_ACCOUNT"] = ACCOUNT_TOKEN
    desk.write(
        """
        sources:
          all: {type: whatap, base_url: <url>, account_token: "${WHATAP_ACCOUNT}", projects: "prod-*", retries: 0}
        checks:
          - {name: cpu, source: all, metric: cpu, each: [project, host], above: 90}
        """,
        url=vendor.url,
    )

    results = desk("run --format json").json

    states = {result["labels"]["project"]: (result["state"], result["output"]) for result in results}
    assert len(states) == 20
    assert [name for name, (state, _) in states.items() if state != "OK"] == ["prod-7"]
    assert states["prod-7"][0] == "UNKNOWN"
    assert "login: HTTP 401" in states["prod-7"][1]


def test_of_two_hosts_with_one_name_the_sick_one_does_not_get_lost(desk: Desk, vendor: Vendor) -> None:
    """Two projects have a web-1 each; when one project refuses its token, the other's web-1 is not the whole truth."""
    vendor.projects = {"a": "TOKENOFPROJECTAAAAAAAAA", "b": "TOKENOFPROJECTBBBBBBBBB"}
    sick = {"TOKENOFPROJECTAAAAAAAAA": 99.0, "TOKENOFPROJECTBBBBBBBBB": 5.0}
    vendor.answers[CPU] = lambda got: values({"web-1": sick[got.headers["x-whatap-token"]]})
    desk.write(
        """
        sources: {all: {type: whatap, base_url: <url>, account_token: "${ACCOUNT}", retries: 0}}
        checks: [{name: cpu, source: all, metric: cpu, each: host, above: 90}]
        """,
        url=vendor.url,
    )
    desk.environ |= {"ACCOUNT": vendor.account_token}
    assert desk("check cpu --item web-1").code == 2
    desk.clock.now += 120
    healthy = vendor.answers[CPU]
    vendor.answers[CPU] = lambda got: (
        as_json({"error": "invalid token"}, 401) if "AAAA" in got.headers["x-whatap-token"] else healthy(got)
    )

    ran = desk("check cpu --item web-1")

    assert (ran.code, ran.line.startswith("UNKNOWN - ")) == (3, True)


def test_another_token_does_not_get_the_results_of_the_last_one(desk: Desk, vendor: Vendor) -> None:
    desk.write(
        """
        sources: {shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}}
        checks: [{name: cpu, source: shop, metric: cpu, each: host, above: 90}]
        """,
        url=vendor.url,
    )
    assert desk("check cpu").code == 0
    desk.environ |= {"WHATAP_TOKEN": "ANOTHERTOKENALTOGETHER00"}

    ran = desk("check cpu")

    assert (ran.code, "login: HTTP 401" in ran.out) == (3, True)
