"""`checkmill outbox list`: which deliveries are listed, how they are shown, and what is said of the way they go."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from checkmill.cli.arguments import STAGES
from checkmill.edges import Edges
from checkmill.entry import run_command
from checkmill.model.delivery import Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store.outbox import Limit
from support.commands import Captured, Desk, Ran
from support.deliveries import attempt, delivery, opened, put, stages

ONE = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
NO_ANSWER = Receipt(Outcome.NOT_SENT, "connect: 127.0.0.1:1 refuses the connection")


def at_terminal(desk: Desk, words: str) -> Ran:
    """Run a command whose stdout is a terminal."""
    streams = Captured(out_is_terminal=True)
    noise = io.StringIO()
    with redirect_stderr(noise):
        code = run_command(desk.argv(words), streams, Edges(desk.clock, environ=desk.environ))
    return Ran(code, "".join(streams.written), "".join(streams.remarks) + noise.getvalue(), len(streams.written))


def listed(desk: Desk, words: str = "") -> list[int]:
    """The numbers that are listed."""
    ran = desk(f"outbox list --format json {words}")
    assert ran.code == 0, ran.err
    return [one["id"] for one in ran.json]


def test_what_is_open_is_listed_with_what_was_said_last(desk: Desk) -> None:
    put(
        desk,
        delivery(desk, ONE, Stage.REFUSED, age=290),
        delivery(desk, "two", state="OK", age=3, next_at=desk.clock.now + 65, attempts=1, services=("cpu web-1",)),
        delivery(desk, "three", Stage.UNKNOWN, state="WARNING", age=250, reporter="ops"),
        delivery(desk, "four", state="OK", age=3),
        delivery(desk, "five", Stage.ACCEPTED, state="OK"),
        delivery(desk, "six", Stage.SUPERSEDED, state="OK"),
    )

    ran = desk("outbox")

    assert (ran.code, ran.err, ran.writes) == (0, "", 1)
    assert ran.out == (
        "ID  STAGE    STATE     TELLS OF      REPORTER  TARGET                                         AGE  TRIES  NEXT"
        "   LAST ANSWER\n"
        f"1   refused  CRITICAL  cpu web-1 +1  nhn       scenario={ONE}  4m   3      -   "
        "   SCENARIO NOT FOUND (code -40002)\n"
        "2   pending  OK        cpu web-1     nhn       scenario=two                                   3s   1    "
        "  in 1m  -\n"
        "3   unknown  WARNING   cpu web-1 +1  ops       scenario=three                                 4m   1      -   "
        "   read: no whole answer within 10 s\n"
        "4   pending  OK        cpu web-1 +1  nhn       scenario=four                                  3s   0      now"
        "    -\n"
        "\n"
        "4 deliveries: 2 pending, 1 refused, 1 unknown\n"
    )


def test_an_outbox_in_which_nothing_is_open_says_what_it_has(desk: Desk) -> None:
    assert desk("outbox").out == "the outbox is empty\n"
    put(desk, delivery(desk, "one", Stage.ACCEPTED), delivery(desk, "two", Stage.SUPERSEDED))
    assert desk("outbox").out == "nothing is open; settled are 1 accepted, 1 superseded, see --all\n"
    assert listed(desk) == []
    assert listed(desk, "--all") == [1, 2]
    assert desk("outbox --reporter nhn").out == "there is no such delivery\n"


def test_json_has_a_fixed_shape(desk: Desk) -> None:
    waiting = delivery(desk, ONE, next_at=desk.clock.now + 2.5, attempts=1, outcome="not sent", message="HTTP 503")
    put(desk, waiting, delivery(desk, "디스크", Stage.UNKNOWN, keep_all=True, repeat_unknown=True))

    first, second = desk("outbox list --format json").json

    assert first == {
        "id": 1,
        "reporter": "nhn",
        "target": {"scenario": ONE},
        "run_at": "2033-05-18T03:32:19.000+00:00",
        "stage": "pending",
        "state": "CRITICAL",
        "services": ["cpu web-1", "cpu web-2"],
        "checks": ["cpu"],
        "attempts": 1,
        "outcome": "not sent",
        "code": "",
        "message": "HTTP 503",
        "request_id": "",
        "created_at": "2033-05-18T03:32:20.000+00:00",
        "expires_at": "2033-05-18T04:32:20.000+00:00",
        "next_at": "2033-05-18T03:33:22.500+00:00",
        "keep": "latest",
        "repeat_unknown": False,
        "body": '{"state": "CRITICAL", "output": "web-1 97.2% above 90%"}',
    }
    assert list(second) == list(first)
    assert (second["target"], second["next_at"], second["keep"]) == ({"scenario": "디스크"}, None, "all")


def test_a_delivery_that_is_tried_again_for_ever_has_no_end(desk: Desk) -> None:
    put(desk, delivery(desk, "one", Stage.REFUSED))
    assert desk("outbox retry 1").code == 0

    (one,) = desk("outbox list --format json").json

    assert (one["stage"], one["expires_at"], one["next_at"]) == ("pending", None, None)


@pytest.fixture
def many(desk: Desk) -> Desk:
    put(
        desk,
        delivery(desk, "web-east", state="CRITICAL", age=4000, expires_at=desk.clock.now + 9),
        delivery(desk, "web-west", Stage.REFUSED, state="OK", age=900, checks=("disk-use", "cpu")),
        delivery(desk, "db", Stage.UNKNOWN, state="WARNING", age=100, reporter="ops-batch"),
        delivery(desk, "db", Stage.ACCEPTED, state="OK", age=50, reporter="ops-night", checks=("disk",)),
        delivery(desk, "mail", Stage.DROPPED, age=10),
    )
    return desk


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("", [1, 2, 3]),
        ("--all", [1, 2, 3, 4, 5]),
        ("--stage refused", [2]),
        ("--stage refused --stage dropped", [2, 5]),
        ("--stage open", [1, 2, 3]),
        ("--stage open --stage accepted", [1, 2, 3, 4]),
        ("--reporter nhn", [1, 2]),
        ("--reporter ops-*", [3]),
        ("--reporter ops-* --all", [3, 4]),
        ("--reporter nh", []),
        ("--target scenario=db", [3]),
        ("--target scenario=web-*", [1, 2]),
        ("--target scenario=web", []),
        ("--target web", [1, 2]),
        ("--target west --target db", [2, 3]),
        ("--target region=kr", []),
        ("--check disk-use", [2]),
        ("--check disk*", [2]),
        ("--check disk* --all", [2, 4]),
        ("--state ok", [2]),
        ("--state OK --state WARNING", [2, 3]),
        ("--older-than 10m", [1, 2]),
        ("--newer-than 10m --all", [3, 4, 5]),
        ("--older-than 10m --newer-than 1h", [2]),
        ("--limit 2", [1, 2]),
        ("--limit 0", [1, 2, 3]),
        ("--stage refused --reporter ops-*", []),
        ("3 5", [3, 5]),
        ("5 3 5", [5, 3]),
    ],
)
def test_filters_choose_what_is_listed(many: Desk, words: str, numbers: list[int]) -> None:
    assert listed(many, words) == numbers


def test_every_stage_can_be_asked_for(desk: Desk) -> None:
    assert sorted(STAGES) == sorted(["open", *(stage.value for stage in Stage)])
    put(desk, *(delivery(desk, stage.value, stage) for stage in Stage))
    named = {word: desk(f"outbox --stage {word} --format json").json for word in STAGES if word != "open"}
    assert {word: [one["target"]["scenario"] for one in found] for word, found in named.items()} == {
        stage.value: [stage.value] for stage in Stage
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("list --limit x", "argument --limit: a whole number is expected, found 'x'"),
        ("list --older-than soon", "argument --older-than: 'soon' is not a duration; write it like 30s, 5m or 24h"),
        ("list --newer-than 0", "argument --newer-than: '0' is not above zero; write it like 30s, 5m or 24h"),
        ("list --stage lost", "argument --stage: invalid choice: 'lost' (choose from 'open', 'pending'"),
        ("list --state fine", "argument --state: invalid choice: 'FINE' (choose from 'OK', 'WARNING'"),
        ("show 1.5", "argument ID: a whole number is expected, found '1.5'"),
        ("show 9999999999999999999", "argument ID: a whole number is expected, found '9999999999999999999'"),
        ("list 3 --stage open", "outbox list takes the numbers of deliveries or --stage, not both"),
        ("list --yes", "outbox list does not take --yes; see 'checkmill outbox --help'"),
        ("show 1 --all", "outbox show does not take --all; see 'checkmill outbox --help'"),
        ("show", "outbox show needs the number of a delivery; see 'checkmill outbox list'"),
        ("show --stage open", "outbox show does not take --stage; see 'checkmill outbox --help'"),
        ("flush 3 --limit 1", "outbox flush does not take the number of a delivery or --limit; see"),
        ("retry", "outbox retry needs the number of a delivery, or filters such as --stage refused; see 'checkmill"),
        (
            "drop --yes",
            "outbox drop needs the number of a delivery, or filters such as --stage refused; see 'checkmill",
        ),
        ("drop 3 --reporter nhn", "outbox drop takes the numbers of deliveries or --reporter, not both"),
        ("drop 3 --format json", "outbox drop does not take --format; see 'checkmill outbox --help'"),
    ],
)
def test_what_makes_no_sense_is_told_with_a_remedy(desk: Desk, words: str, said: str) -> None:
    ran = desk(f"outbox {words}")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith(f"checkmill: usage: {said}")


@pytest.mark.parametrize("words", ["show --format json 1 2", "show 1 --format json 2", "--format json show 1 2"])
def test_numbers_stand_before_and_behind_options(many: Desk, words: str) -> None:
    assert [one["id"] for one in many(f"outbox {words}").json] == [1, 2]


def test_an_unknown_number_is_told_beside_those_that_are_there(many: Desk) -> None:
    ran = many("outbox list 2 77 --format json")

    assert (ran.code, [one["id"] for one in ran.json]) == (3, [2])
    assert ran.err == "checkmill: there is no delivery 77; see 'checkmill outbox list --all'\n"


# On a terminal


ANSWER = "the scenario is not one of this service " * 3
ON_80 = """\
ID  STAGE    STATE     TELLS OF      AGE  TRIES  NEXT  LAST ANSWER
1   refused  CRITICAL  cpu web-1 +1  1m   3      -     the scenario is not on...

1 delivery: 1 refused
"""
ON_110 = """\
ID  STAGE    STATE     TELLS OF      REPORTER  TARGET            AGE  TRIES  NEXT  LAST ANSWER
1   refused  CRITICAL  cpu web-1 +1  nhn       scenario=b006...  1m   3      -     the scenario is not one ...

1 delivery: 1 refused
"""


@pytest.mark.parametrize(("width", "table"), [("80", ON_80), ("110", ON_110)])
def test_a_table_fits_the_terminal_and_is_never_cut_elsewhere(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, width: str, table: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    put(desk, delivery(desk, ONE, Stage.REFUSED, message=ANSWER))

    assert at_terminal(desk, "outbox").out == table
    assert ONE in desk("outbox").out
    assert "of this service (code -40002)\n" in desk("outbox").out


@pytest.mark.parametrize("width", [1, 3, 20, 40, 80, 90, 200])
def test_no_line_of_a_table_is_wider_than_the_terminal(many: Desk, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))

    table = at_terminal(many, "outbox").out.partition("\n\n")[0].splitlines()

    assert len(table) == 4
    assert max(map(len, table)) <= width


def test_a_terminal_is_given_the_oldest_of_very_many(desk: Desk) -> None:
    put(desk, *(delivery(desk, f"s-{number}") for number in range(60)))

    shown = at_terminal(desk, "outbox").out.splitlines()

    assert (len(shown), shown[50].split()[0]) == (54, "50")
    assert shown[51:] == ["... and 10 made later; see them with --limit 0", "", "60 deliveries: 60 pending"]
    assert len(at_terminal(desk, "outbox --limit 0").out.splitlines()) == 63
    assert len(desk("outbox").out.splitlines()) == 63
    assert len(desk("outbox --limit 1").out.splitlines()) == 5


def test_what_receivers_say_moves_no_terminal(desk: Desk) -> None:
    nasty = "gone\x1b[2J\r\n\u202eback"
    put(desk, delivery(desk, nasty, Stage.REFUSED, message=nasty, code=nasty, reporter="nhn", request_id=nasty))

    shown = desk("outbox").out + desk("outbox show 1").out + desk("outbox show 1 --format json").out

    assert shown.replace("\n", "").isprintable()
    assert desk("outbox show 1 --format json").json[0]["message"] == nasty


# What is wrong


def test_a_receiver_that_does_not_answer_is_told_below_the_list(desk: Desk) -> None:
    put(desk, *(delivery(desk, f"s-{number}", age=600 - number) for number in range(4)))
    attempt(desk, NO_ANSWER, begin=4)

    ran = desk("outbox")

    assert ran.code == 0
    told = (
        "reporter nhn: the receiver does not answer and is asked again in 5s; 4 deliveries wait, the oldest was made"
        " 10m ago; nothing was accepted yet; last answer: connect: 127.0.0.1:1 refuses the connection\n"
    )
    assert ran.out.split("\n\n")[1:] == ["4 deliveries: 4 pending", told]


def test_a_full_outbox_is_told_in_every_form(desk: Desk) -> None:
    limits = {"nhn": Limit(2, 1 << 20)}
    put(desk, *(delivery(desk, f"s-{number}") for number in range(5)), limits=limits)
    desk.clock.now += 3700

    table, json = desk("outbox"), desk("outbox --format json")

    told = (
        "the outbox was full, last 1h ago: 3 dropped since it was made; see 'backlog' and 'backlog_size' in the README"
    )
    assert f"; {told}; nothing was accepted yet\n" in table.out
    assert [one["id"] for one in json.json] == [4, 5]
    assert told in json.err
    assert (table.code, json.code, table.err) == (0, 0, "")
    desk.clock.now += 90_000
    assert "was full" not in desk("outbox").out


def test_what_was_lost_in_the_last_hour_is_told_and_no_longer(desk: Desk) -> None:
    put(desk, delivery(desk, "late", age=3590), delivery(desk, "fine", age=1))
    desk.clock.now += 20
    with opened(desk) as store:
        store.outbox.recover(desk.clock.now)
    attempt(desk, Receipt(Outcome.ACCEPTED, "SUCCESS"))

    assert stages(desk) == {1: "expired", 2: "accepted"}
    assert desk("outbox").out.endswith("\n\nreporter nhn: in the last hour 1 expired; last accepted 0s ago\n")
    desk.clock.now += 4000
    assert "reporter nhn:" not in desk("outbox").out


def test_only_reporters_that_are_asked_for_are_told_of(desk: Desk) -> None:
    put(desk, delivery(desk, "a", age=900), delivery(desk, "b", age=900, reporter="ops"))

    def told(words: str) -> list[str]:
        lines = desk(f"outbox {words}").out.splitlines()
        return [line.split(":")[0] for line in lines if line.startswith("reporter ")]

    assert told("") == ["reporter nhn", "reporter ops"]
    assert told("--reporter ops") == ["reporter ops"]
    assert told("--reporter o*") == ["reporter ops"]


def test_a_state_directory_that_cannot_be_used_is_told(desk: Desk) -> None:
    desk.state_dir.write_text("no directory")

    ran = desk("outbox")

    assert (ran.code, ran.out) == (3, "")
    assert "checkmill: " in ran.err
    assert str(desk.state_dir) in ran.err
