"""What `run` says and exits with when deliveries are not accepted: a person is called for what nobody tries again."""

from __future__ import annotations

import pytest

from support.commands import Desk
from support.loopback import Reply
from support.whatap_vendor import Batchmon, Vendor, as_json

ONE = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
TWO = "12962600-5c39-11ea-bd8f-0bbd7856015c"
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, tries: 1, backlog: <backlog>}
    checks:
      - {name: cpu, source: shop, metric: cpu, above: 90, report: [{to: nhn, scenario: <one>}]}
      - {name: two, source: shop, metric: cpu, above: 80, report: [{to: nhn, scenario: <two>}]}
      - {name: hosts, source: shop, metric: hosts, above: 1000}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    write(desk, vendor, batchmon, backlog=100)


def write(desk: Desk, vendor: Vendor, batchmon: Batchmon, backlog: int) -> None:
    desk.write(RULES, url=vendor.url, nhn=batchmon.url, one=ONE, two=TWO, backlog=backlog)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (as_json({}, 503), "deliveries: 2 pending\n"),
        (as_json({}, 500), "deliveries: 2 unknown\n"),
        (as_json({}, 404), "deliveries: 2 refused\n"),
    ],
    ids=["waiting", "unknown", "refused"],
)
def test_what_can_be_seen_to_later_is_told_and_no_failure(
    desk: Desk, batchmon: Batchmon, reply: Reply, said: str
) -> None:
    batchmon.reply = reply

    ran = desk("run")

    assert (ran.code, said in ran.err) == (0, True)


def test_what_took_the_place_of_older_news_is_not_worth_a_mail(desk: Desk, batchmon: Batchmon) -> None:
    batchmon.reply = as_json({}, 503)
    desk("run")
    batchmon.reply = None
    desk.clock.now += 300

    ran = desk("run")

    assert (ran.code, ran.err, len(batchmon.taken)) == (0, "", 2)
    assert [one["stage"] for one in desk("outbox list --all --format json").json] == ["superseded"] * 2 + [
        "accepted"
    ] * 2


def test_what_expired_calls_for_a_person(desk: Desk, batchmon: Batchmon) -> None:
    batchmon.reply = as_json({}, 503)
    desk("run")
    desk.clock.now += 7200

    ran = desk("run hosts")
    after = desk("run hosts")

    assert (ran.code, after.code) == (3, 0)
    assert ran.err == (
        "checkmill: 2 deliveries expired, and no receiver was told what they say; "
        "see 'checkmill outbox list --stage expired'\n"
        "deliveries: 2 expired\n"
    )
    assert after.err == ""
    assert desk("outbox list --stage expired").out.count("expired") >= 2


def test_what_had_no_room_calls_for_a_person(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    write(desk, vendor, batchmon, backlog=1)

    ran = desk("run")

    assert ran.code == 3
    assert "reporter nhn: its backlog is full, and 1 delivery was dropped" in ran.err
    assert "deliveries: 1 accepted, 1 dropped\n" in ran.err
    assert desk("check checkmill-outbox").line.startswith("CRITICAL - nhn: 1 dropped for want of room in the last hour")
