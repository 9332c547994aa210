"""`checkmill outbox show`: everything about a delivery, for people and for programs."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.cli.deliveries import document, rows, whole, whole_document
from checkmill.cli.presenting import json_text
from checkmill.model.delivery import Attempt, Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt
from support.commands import Desk
from support.deliveries import attempt, delivery, put

REQUEST = "3f136280-9d6a-11e9-83b4-ff39d67ddecf"
REFUSED = Receipt(Outcome.REFUSED, "SCENARIO NOT FOUND", code="-40002", request_id=REQUEST)


def test_everything_about_a_delivery_is_shown(desk: Desk) -> None:
    put(desk, delivery(desk, "shop", age=60))
    attempt(desk, Receipt(Outcome.NOT_SENT, "HTTP 503 from nhn.example: try later"), took_s=12.25)
    desk.clock.now += 30
    attempt(desk, REFUSED, tries=1)
    desk.clock.now += 30

    ran = desk("outbox show 1")

    assert (ran.code, ran.err, ran.writes) == (0, "", 1)
    assert ran.out == (
        "delivery: 1\n"
        "stage: refused\n"
        "what now: the receiver would say no again: when the cause is mended, 'checkmill outbox retry 1'\n"
        "reporter: nhn\n"
        "target: scenario=shop\n"
        "run: 2033-05-18T03:32:19.000+00:00 (2m ago)\n"
        "state: CRITICAL\n"
        "services: cpu web-1, cpu web-2\n"
        "checks: cpu\n"
        "made: 2033-05-18T03:32:20.000+00:00 (2m ago)\n"
        "expires: 2033-05-18T04:32:20.000+00:00 (in 58m)\n"
        "next try: -\n"
        "tries: 2\n"
        "last answer: refused: SCENARIO NOT FOUND (code -40002)\n"
        f"request id: {REQUEST}\n"
        "keep: latest\n"
        "repeat unknown: no\n"
        "attempts:\n"
        "  TRY  ENDED                                    TOOK   OUTCOME   CODE    REQUEST ID                          "
        "  MESSAGE\n"
        "  1    2033-05-18T03:33:20.000+00:00 (1m ago)   12.2s  not sent  -       -                                   "
        "  HTTP 503 from nhn.example: try later\n"
        f"  2    2033-05-18T03:33:50.000+00:00 (30s ago)  84ms   refused   -40002  {REQUEST}  SCENARIO NOT FOUND\n"
        "body:\n"
        "  {\n"
        '    "state": "CRITICAL",\n'
        '    "output": "web-1 97.2% above 90%"\n'
        "  }\n"
    )


def test_json_holds_the_delivery_as_it_is_listed_and_its_history(desk: Desk) -> None:
    put(desk, delivery(desk, "shop"))
    attempt(desk, REFUSED)

    (shown,) = desk("outbox show 1 --format json").json
    (listed,) = desk("outbox --format json").json

    assert shown.pop("history") == [
        {
            "number": 1,
            "at": "2033-05-18T03:33:20.000+00:00",
            "elapsed_s": 0.084,
            "outcome": "refused",
            "code": "-40002",
            "message": "SCENARIO NOT FOUND",
            "request_id": REQUEST,
        }
    ]
    assert shown == listed


def test_what_was_never_tried_has_no_history(desk: Desk) -> None:
    put(desk, delivery(desk, "shop"))
    assert desk("outbox show 1").out.split("\n")[17] == "attempts: none yet"
    assert desk("outbox show 1 --format json").json[0]["history"] == []


def test_several_are_shown_in_the_order_that_was_asked_for(desk: Desk) -> None:
    put(desk, delivery(desk, "a"), delivery(desk, "b"), delivery(desk, "c"))

    ran = desk("outbox show 3 1 9")

    assert ran.code == 3
    assert [line for line in ran.out.split("\n") if line.startswith("delivery")] == ["delivery: 3", "delivery: 1"]
    assert "\n\ndelivery: 1\n" in ran.out
    assert ran.err == "checkmill: there is no delivery 9; see 'checkmill outbox list --all'\n"


@pytest.mark.parametrize(
    ("stage", "hint"),
    [
        (Stage.PENDING, "'checkmill outbox flush'"),
        (Stage.SENDING, "being sent right now"),
        (Stage.ACCEPTED, "the receiver has it"),
        (Stage.REFUSED, "'checkmill outbox retry 1'"),
        (Stage.UNKNOWN, "look at the receiver before 'checkmill outbox retry 1', which it may count twice"),
        (Stage.SUPERSEDED, "a newer state of the same target took its place"),
        (Stage.EXPIRED, "a state of the past"),
        (Stage.DROPPED, "the outbox was full"),
    ],
    ids=lambda value: value.value if isinstance(value, Stage) else "",
)
def test_each_stage_says_what_there_is_to_do(desk: Desk, stage: Stage, hint: str) -> None:
    put(desk, delivery(desk, "shop", stage))
    assert hint in desk("outbox show 1").out.split("\n")[2]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"b":1,"a":{"디스크":null}}', '  {\n    "b": 1,\n    "a": {\n      "디스크": null\n    }\n  }\n'),
        ("disk full\n\x1b[2Jweb-1\n", "  disk full\n  \\x1b[2Jweb-1\n"),
        ('{"state": NaN', '  {"state": NaN\n'),
        ("NaN", "  NaN\n"),
        ("[" * 5000, f"  {'[' * 5000}\n"),
        ("", ""),
    ],
    ids=["an object", "text", "broken JSON", "no JSON", "too deep", "nothing"],
)
def test_a_body_is_shown_as_it_is_easiest_to_read(desk: Desk, body: str, shown: str) -> None:
    put(desk, delivery(desk, "shop", body=body))
    assert desk("outbox show 1").out.endswith(f"\nbody:\n{shown}")


def test_a_target_of_several_labels_is_written_as_words(desk: Desk) -> None:
    target = '{"port": 443, "scenario": "a b", "tls": true}'
    put(desk, delivery(desk, "", target=target))
    assert "\ntarget: port=443 scenario=a b tls=true\n" in desk("outbox show 1").out
    assert desk("outbox show 1 --format json").json[0]["target"] == {"port": 443, "scenario": "a b", "tls": True}
    assert [one["id"] for one in desk("outbox --format json --target port=443").json] == [1]
    assert [one["id"] for one in desk("outbox --format json --target tls=true").json] == [1]


# Whatever is stored

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.floats(0, 4e9) | st.just(math.inf)
DELIVERIES = st.builds(
    Delivery,
    reporter=ANY,
    target=ANY | st.dictionaries(ANY, ANY | st.integers() | st.none(), max_size=3).map(json.dumps),
    state=st.sampled_from(["OK", "UNKNOWN"]),
    services=st.lists(ANY, max_size=3).map(tuple),
    body=ANY | st.dictionaries(ANY, ANY, max_size=3).map(json.dumps),
    created_at=TIMES,
    expires_at=TIMES,
    run_at=TIMES,
    next_at=TIMES,
    stage=st.sampled_from(Stage),
    attempts=st.integers(0, 99),
    outcome=ANY,
    code=ANY,
    message=ANY,
    request_id=ANY,
    id=st.integers(1, 10**12),
)
ATTEMPTS = st.builds(Attempt, st.integers(1, 9), TIMES, ANY, ANY, ANY, ANY, st.none() | st.floats(0, 1e6))


@given(one=DELIVERIES, attempts=st.lists(ATTEMPTS, max_size=2), now=TIMES, width=st.none() | st.integers(1, 200))
def test_whatever_is_stored_is_shown_and_moves_no_terminal(
    one: Delivery, attempts: list[Attempt], now: float, width: int | None
) -> None:
    table, text = rows([one, one], now, width), whole(one, attempts, now, width)
    data = whole_document(one, attempts)

    assert table.count("\n") == 3
    assert (table + text).replace("\n", "").isprintable()
    assert json.loads(json_text(data)) == data
    assert list(data) == [*document(one), "history"]
