"""`checkmill outbox retry` and `drop`: what they change, what they do not and why, and when they ask."""

from __future__ import annotations

import io
import os
import pty
from contextlib import redirect_stderr

import pytest

from checkmill.edges import Edges
from checkmill.entry import run_command
from checkmill.model.delivery import Stage
from checkmill.store.locking import locked
from support.commands import Captured, Desk, Ran
from support.deliveries import begin, delivery, put, stages

AGAIN = "to be sent again: by the next run, or now by 'checkmill outbox flush'"
TWICE = "then the receiver counts it twice; look there first"
NO_TERMINAL = "there is no terminal to ask at, so say --yes if that is meant"


@pytest.fixture
def mixed(desk: Desk) -> Desk:
    """One to five: pending, refused, unknown, expired, accepted."""
    order = (Stage.PENDING, Stage.REFUSED, Stage.UNKNOWN, Stage.EXPIRED, Stage.ACCEPTED)
    put(desk, *(delivery(desk, stage.value, stage, next_at=desk.clock.now + 60) for stage in order))
    return desk


def asked(desk: Desk, words: str, answer: str) -> Ran:
    """Run a command at a terminal, and answer what it asks."""
    master, terminal = pty.openpty()
    os.write(master, answer.encode())
    saved = os.dup(0)
    streams = Captured(in_is_terminal=True, err_is_terminal=True)
    noise = io.StringIO()
    try:
        os.dup2(terminal, 0)
        with redirect_stderr(noise):
            code = run_command(desk.argv(words), streams, Edges(desk.clock, environ=desk.environ))
    finally:
        os.dup2(saved, 0)
        for descriptor in (saved, master, terminal):
            os.close(descriptor)
    err = "".join(f"{remark}\n" for remark in streams.remarks) + noise.getvalue()
    return Ran(code, "".join(streams.written), err, len(streams.written))


@pytest.mark.parametrize(
    ("words", "out", "changed"),
    [
        ("retry 2", f"1 delivery {AGAIN}\n", {2: "pending"}),
        ("retry 2 4", f"2 deliveries {AGAIN}\n", {2: "pending", 4: "pending"}),
        ("retry 1", f"1 delivery {AGAIN}\n", {}),
        ("retry --yes 3", f"1 delivery {AGAIN}\n", {3: "pending"}),
        ("retry --stage refused", f"1 delivery {AGAIN}\n", {2: "pending"}),
        ("retry --reporter nhn --yes", f"3 deliveries {AGAIN}\n", {2: "pending", 3: "pending", 4: "pending"}),
        ("drop 1", "1 delivery dropped\n", {1: ""}),
        ("drop 3 4", "2 deliveries dropped\n", {3: "", 4: ""}),
        ("drop --reporter n* --yes", "3 deliveries dropped\n", {2: "", 3: "", 4: ""}),
        ("drop --stage pending --stage unknown --yes", "2 deliveries dropped\n", {1: "", 3: ""}),
        ("drop --older-than 1d", "there is no such delivery\n", {}),
        ("retry --target frob --yes", "there is no such delivery\n", {}),
        ("drop --stage accepted --yes", "nothing was changed\n1 left as it is: was accepted\n", {}),
    ],
)
def test_what_is_meant_is_changed_and_nothing_else(mixed: Desk, words: str, out: str, changed: dict[int, str]) -> None:
    before = stages(mixed)

    ran = mixed(f"outbox {words}")

    assert (ran.code, ran.out, ran.err) == (0, out, "")
    assert stages(mixed) == {number: stage for number, stage in (before | changed).items() if stage}


def test_what_is_retried_is_due_at_once(mixed: Desk) -> None:
    mixed("outbox retry 1 2")
    listed = mixed("outbox list 1 2 --format json").json
    assert [(one["stage"], one["next_at"]) for one in listed] == [("pending", None)] * 2


def test_each_number_that_did_not_change_is_told_with_the_reason(mixed: Desk) -> None:
    ran = mixed("outbox retry 2 5 77")

    assert (ran.code, ran.out) == (3, f"1 of 2 deliveries {AGAIN}\n")
    assert ran.err.splitlines() == [
        "checkmill: there is no delivery 77; see 'checkmill outbox list --all'",
        "checkmill: delivery 5 was accepted",
    ]
    assert stages(mixed)[2] == "pending"


def test_numbers_of_nothing_change_nothing(desk: Desk) -> None:
    ran = desk("outbox drop 1 2")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (3, "", 2)


def test_what_a_newer_one_followed_is_left_and_that_is_no_failure_of_a_filter(desk: Desk) -> None:
    put(desk, *(delivery(desk, "same", Stage.REFUSED, age=age) for age in (90, 60, 30)))

    by_filter = desk("outbox retry --stage refused")
    by_number = desk("outbox retry 1")

    assert (by_filter.code, by_filter.err) == (0, "")
    assert by_filter.out == (
        f"1 of 3 deliveries {AGAIN}\n"
        "2 left as they are: was followed by a newer one for the same target, which says it better\n"
    )
    assert (by_number.code, by_number.out) == (3, "nothing was changed\n")
    assert "delivery 1 was followed by a newer one" in by_number.err
    assert stages(desk) == {1: "refused", 2: "refused", 3: "pending"}


def test_what_a_killed_process_was_sending_is_settled_before_it_is_changed(desk: Desk) -> None:
    put(desk, delivery(desk, "shop"))
    begin(desk)
    assert stages(desk) == {1: "sending"}

    refused, ran = desk("outbox retry 1"), desk("outbox drop 1")

    assert (refused.code, stages(desk)) == (3, {})
    assert f"it may have arrived already: {TWICE}" in refused.err
    assert (ran.code, ran.out) == (0, "1 delivery dropped\n")
    assert ran.err == "checkmill: before that, what had ended or grown too old was settled: 1 unknown\n"


def test_what_is_being_sent_by_a_run_under_way_is_left_alone(desk: Desk) -> None:
    put(desk, delivery(desk, "shop"), delivery(desk, "late"))
    begin(desk)
    with locked(desk.state_dir, "run", Edges(), 0.0):
        ran = desk("outbox drop 1 2")

    assert (ran.code, ran.out) == (3, "1 of 2 deliveries dropped\n")
    assert ran.err == "checkmill: delivery 1 is being sent right now; look again when it has an outcome\n"
    assert stages(desk) == {1: "sending"}


# Asking


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        ("retry 3", f"it may have arrived already: {TWICE}"),
        ("retry 2 3", f"1 of them may have arrived already: {TWICE}"),
        ("retry --reporter nhn", f"1 of them may have arrived already: {TWICE}"),
        ("drop --stage pending --stage refused", "these are 1 pending, 1 refused: the receivers will not hear of them"),
    ],
)
def test_without_a_terminal_what_may_do_harm_needs_a_yes(mixed: Desk, words: str, warning: str) -> None:
    before = stages(mixed)

    ran = mixed(f"outbox {words}")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == f"checkmill: nothing was changed: {warning}; {NO_TERMINAL}\n"
    assert stages(mixed) == before


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ("retry 3", f"checkmill: it may have arrived already: {TWICE}\nsend 1 delivery again? [y/N] "),
        (
            "drop --stage unknown",
            "checkmill: these are 1 unknown: the receivers will not hear of them\ndrop 1 delivery? [y/N] ",
        ),
    ],
)
@pytest.mark.parametrize("answer", ["y\n", "YES\n", "n\n", "\n", "yo\n"])
def test_a_person_is_asked_and_only_a_yes_is_one(mixed: Desk, words: str, question: str, answer: str) -> None:
    ran = asked(mixed, f"outbox {words}", answer)

    agreed = answer in {"y\n", "YES\n"}
    assert ran.code == (0 if agreed else 3)
    assert (stages(mixed).get(3) == "unknown") == (not agreed)
    assert sorted(ran.err.splitlines()) == sorted(
        [*question.split("\n"), *([] if agreed else ["checkmill: nothing was changed"])]
    )


def test_nobody_is_asked_about_what_can_do_no_harm(mixed: Desk) -> None:
    assert asked(mixed, "outbox retry 1 2 4", "").code == 0
    assert asked(mixed, "outbox drop 1 2", "").code == 0


def test_what_is_dropped_is_gone_for_good(desk: Desk) -> None:
    put(desk, delivery(desk, "shop"), delivery(desk, "late", Stage.REFUSED))
    assert desk("outbox drop 1").code == 0
    assert [one["id"] for one in desk("outbox list --all --format json").json] == [2]
    assert desk("outbox show 1").code == 3
    put(desk, delivery(desk, "shop"))
    assert sorted(stages(desk)) == [2, 3]


def test_a_run_under_way_keeps_nobody_from_changing_what_it_is_not_sending(desk: Desk) -> None:
    put(desk, delivery(desk, "shop", Stage.REFUSED))
    with locked(desk.state_dir, "run", Edges(), 0.0):
        ran = desk("outbox retry 1")
    assert (ran.code, ran.err, stages(desk)) == (0, "", {1: "pending"})


@pytest.mark.parametrize("action", ["retry", "drop"])
def test_a_reporter_that_nobody_knows_is_refused_with_the_nearest_name(mixed: Desk, action: str) -> None:
    before = stages(mixed)

    ran = mixed(f"outbox {action} --reporter nhm --yes")

    assert (ran.code, ran.out, stages(mixed)) == (3, "", before)
    assert "there is no reporter 'nhm': did you mean 'nhn'?" in ran.err
