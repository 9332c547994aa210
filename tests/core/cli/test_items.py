"""`check NAME --item`: the services that are meant, and what failed beside them and may hide one more."""

from __future__ import annotations

import pytest

from support.commands import Desk
from support.loopback import unused_port
from support.whatap_vendor import ACCOUNT_TOKEN, CPU, Vendor, as_json, values

RULES = """
    sources:
      one: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
      two: {type: whatap, base_url: <other>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    checks:
      - {name: cpu, source: [one, two], metric: cpu, each: host, above: {warn: 80, crit: 90}}
      - {name: each, source: [one, two], metric: cpu, each: [source, host], above: 90}
      - {name: lenient, source: [one, two], metric: cpu, each: host, above: 90, on_error: ok}
      - {name: counted, source: [one, two], metric: cpu, each: host, expect: 9}
"""
DOWN = "source two failed: connect: "
SILENT = "source two answered without a single value"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("cpu --item web-1", 3),
        ("cpu --item host=web-1", 3),
        ("cpu --item source=one --item host=web-1", 0),
        ("cpu --item source=two", 3),
        ("each --item host=web-1", 3),
        ("each --item source=one --item host=web-1", 0),
        ("lenient --item web-1", 0),
    ],
)
def test_a_source_that_never_answered_may_have_what_is_meant(desk: Desk, vendor: Vendor, words: str, code: int) -> None:
    desk.write(RULES, url=vendor.url, other=f"http://127.0.0.1:{unused_port()}")
    vendor.show(CPU, {"web-1": 10})

    ran = desk(f"check {words}")

    assert (ran.code, DOWN in ran.out) == (code, code == 3)


def test_what_is_known_to_be_broken_goes_before_a_source_that_never_answered(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url, other=f"http://127.0.0.1:{unused_port()}")
    vendor.show(CPU, {"web-1": 95})

    ran = desk("check cpu --item web-1")

    assert (ran.code, "cpu 95% above 90%" in ran.line) == (2, True)


def test_a_source_whose_services_are_known_hides_no_other(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url, other=vendor.url)
    vendor.show(CPU, {"web-1": 10, "web-2": 10})
    desk("run cpu --no-report")
    desk.write(RULES, url=vendor.url, other=f"http://127.0.0.1:{unused_port()}")
    vendor.show(CPU, {"web-1": 10, "web-2": 10, "web-3": 10})

    assert desk("check cpu --item web-3").code == 0
    assert desk("check cpu --item web-1").code == 3


def test_a_source_that_said_nothing_may_have_what_is_meant(desk: Desk, vendor: Vendor) -> None:
    silent = vendor.url.replace("127.0.0.1", "localhost")
    desk.write(RULES, url=vendor.url, other=silent)
    answers = {"127.0.0.1": values({"web-1": 10})}
    vendor.answers[CPU] = lambda got: answers.get(got.headers["host"].partition(":")[0], values({}))

    ran = desk("check cpu --item web-1")

    assert (ran.code, ran.line) == (3, f"UNKNOWN - 1 of 2 services not OK: cpu two: {SILENT}")


def test_a_number_that_is_not_reached_is_no_matter_of_one_service(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url, other=vendor.url)
    vendor.show(CPU, {"web-1": 10})

    assert desk("check counted").code == 2
    assert desk("check counted --item web-1").code == 0


def test_a_project_that_never_answered_may_have_what_is_meant(desk: Desk, vendor: Vendor) -> None:
    vendor.projects = {"a": "TOKENOFPROJECTAAAAAAAAA", "b": "TOKENOFPROJECTBBBBBBBBB"}
    vendor.answers[CPU] = lambda got: (
        as_json({"error": "no"}, 401) if got.headers["x-whatap-pcode"] == "2" else values({"web-1": 10})
    )
    desk.environ["ACCOUNT"] = ACCOUNT_TOKEN
    desk.write(
        """
        sources: {all: {type: whatap, base_url: <url>, account_token: "${ACCOUNT}", retries: 0}}
        checks: [{name: cpu, source: all, metric: cpu, each: [project, host], above: 90}]
        """,
        url=vendor.url,
    )

    assert desk("check cpu --item host=web-1").code == 3
    assert desk("check cpu --item project=a --item host=web-1").code == 0
