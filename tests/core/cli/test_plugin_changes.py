"""Commands of plugins that change something: shown first, carried out only when that was said, told one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.commands import Desk
from support.loopback import Reply, Server
from support.signals import Yard, served

SIGNALS = """\
- name: north
  aspect: {kind: lamp, color: green}
  headers: {authorization: "${KEY}"}
  login: {user: x, password: pass-word-99}
- name: new
  aspect: {kind: arm, angle: 5}
"""
PLAN = """\
update north
    - color: red
    + color: green
create new
    - color: None
    + color: none
"""
NO_TERMINAL = (
    "checkmill: nothing was changed: there is no terminal to ask at; say --yes to change without being asked, "
    "or --dry-run to look only\n"
)


@pytest.fixture
def yard() -> Yard:
    return Yard({"name": "north", "color": "red"}, {"name": "south", "color": "red"}, {"name": "west", "color": "red"})


@pytest.fixture(autouse=True)
def server(yard: Yard, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with served(yard, desk, monkeypatch) as server:
        yield server


@pytest.fixture
def file(desk: Desk) -> Path:
    path = desk.home / "signals.yaml"
    path.write_text(SIGNALS, encoding="utf-8")
    return path


# What is shown and not done


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        ("yard signal apply FILE --dry-run", 0, f"{PLAN}\ndry run: nothing was changed\n", ""),
        ("yard signal apply FILE --dry-run --yes", 0, f"{PLAN}\ndry run: nothing was changed\n", ""),
        ("yard signal apply FILE", 3, PLAN, NO_TERMINAL),
        ("yard signal diff FILE", 0, PLAN, ""),
        ("yard signal apply FILE --only gone --yes", 0, "all is as it should be\n", ""),
        (
            "yard signal delete north gone --yes",
            3,
            "delete north\n",
            "checkmill: there is no signal 'gone'\ncheckmill: nothing was changed\n",
        ),
    ],
)
def test_nothing_is_changed_unless_that_was_said(
    desk: Desk, yard: Yard, file: Path, words: str, code: int, out: str, err: str
) -> None:
    ran = desk(words.replace("FILE", str(file)))

    assert (ran.code, ran.out, ran.err) == (code, out, err)
    assert yard.changing == []


# What is done


def test_with_yes_every_change_is_carried_out_in_order_and_told(desk: Desk, yard: Yard, file: Path) -> None:
    ran = desk(f"yard signal apply {file} --yes")

    done = "north is as it should be, with password ***\nnew is as it should be, with password None\n"
    assert (ran.code, ran.out, ran.err) == (0, f"{PLAN}\n{done}", "")
    assert yard.changing == ["PUT /signals/north", "PUT /signals/new"]
    assert yard.rows["new"] == {"name": "new", "color": "none", "headers": {}}


def test_the_request_is_as_the_plugin_described_it_with_its_secrets(desk: Desk, yard: Yard, file: Path) -> None:
    desk(f"yard signal apply {file} --yes --only north")

    (put,) = [one for one in yard.got if one.method == "PUT"]
    assert put.target == "/signals/north"
    assert put.headers["x-ticket"] == "ticket-778899"
    assert put.headers["content-type"] == "application/json"
    assert json.loads(put.body) == {
        "name": "north",
        "color": "green",
        "headers": {"authorization": desk.environ["KEY"]},
    }


def test_all_changes_share_one_login(desk: Desk, yard: Yard, file: Path) -> None:
    desk(f"yard signal apply {file} --yes")

    assert [f"{one.method} {one.target}" for one in yard.got] == [
        "POST /login",
        "GET /signals",
        "POST /login",
        "PUT /signals/north",
        "PUT /signals/new",
    ]


def test_equal_changes_are_carried_out_as_often_as_they_stand_there(desk: Desk, yard: Yard) -> None:
    file = desk.home / "twice.yaml"
    file.write_text("[{name: a, aspect: {kind: arm, angle: 1}}, {name: a, aspect: {kind: arm, angle: 1}}]")

    assert desk(f"yard signal apply {file} --yes").code == 0
    assert yard.changing == ["PUT /signals/a", "PUT /signals/a"]


def test_a_change_that_says_nothing_is_told_by_its_summary(desk: Desk) -> None:
    assert desk("yard odd unsaid --yes").out == "say nothing\n\ndone: say nothing\n"


# What fails in the middle


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(500, b"oops"), "read: HTTP 500 from URL/signals/south: oops; MAYBE"),
        (Reply(409, b"in use"), "read: HTTP 409 from URL/signals/south: in use; the vendor refused it"),
        (Reply(403), "login: HTTP 403 from URL/signals/south; the vendor refused it"),
        (Reply(429), "rate limit: HTTP 429 from URL/signals/south; the vendor refused it"),
        (Reply(200, b"x", {"content-length": "5"}), "MAYBE"),
    ],
    ids=["500", "409", "403", "429", "cut"],
)  # fmt: skip
def test_the_first_failure_stops_and_says_how_far_it_came(
    desk: Desk, yard: Yard, server: Server, reply: Reply, sentence: str
) -> None:
    yard.replies["DELETE /signals/south"] = reply

    ran = desk("yard signal delete north south west --yes")

    assert (ran.code, ran.out) == (3, "delete north\ndelete south\ndelete west\n\ndeleted north\n")
    first, *rest = ran.err.splitlines()
    maybe = "it may have been carried out all the same; look before you repeat it"
    assert first.startswith("checkmill: delete south: ")
    assert first.endswith(sentence.replace("URL", server.url).replace("MAYBE", maybe))
    assert rest == ["checkmill: not done: delete west", "checkmill: 1 of 3 changes was carried out"]
    assert yard.changing == ["DELETE /signals/north", "DELETE /signals/south"]


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("half", "the vendor had answered 1 request of it before; look what is there before you repeat it"),
        ("reading", "it had changed nothing yet"),
        ("crashing", "it had changed nothing yet"),
    ],
)
def test_what_a_failure_means_follows_from_what_was_sent(desk: Desk, word: str, meaning: str) -> None:
    ran = desk(f"yard odd {word} --yes")

    told = [line for line in ran.err.splitlines() if line.startswith("checkmill: ")]
    assert ran.code == 3
    assert told[0].endswith(f"; {meaning}")
    assert told[1:-1] == ([] if word == "reading" else ["checkmill: not done: never"])
    assert "never" not in ran.out.replace("\nnever\n", "\n", 1)


@pytest.mark.parametrize("status", [408, 425, 499])
def test_who_gave_up_waiting_does_not_say_that_the_vendor_refused(desk: Desk, yard: Yard, status: int) -> None:
    yard.replies["DELETE /signals/north"] = Reply(status)

    ran = desk("yard signal delete north --yes")

    assert ran.code == 3
    assert ran.err.splitlines()[0].endswith("; it may have been carried out all the same; look before you repeat it")


class Once(dict[str, Reply]):
    """Replies that are given once."""

    def get(self, key: str, default: Any = None) -> Any:
        return self.pop(key, default)


def test_a_session_that_is_over_after_a_change_does_not_have_it_made_twice(desk: Desk, yard: Yard) -> None:
    yard.replies = Once({"GET /signals/made": Reply(440)})

    ran = desk("yard odd expiring --yes")

    assert (ran.code, yard.changing) == (3, ["PUT /signals/made"])
    assert ran.err.splitlines()[0] == (
        "checkmill: make and look: login: the session is over; "
        "the vendor had answered 1 request of it before; look what is there before you repeat it"
    )


def test_a_change_that_is_refused_as_the_session_is_over_is_made_after_a_new_login(desk: Desk, yard: Yard) -> None:
    yard.replies = Once({"PUT /signals/made": Reply(440)})

    ran = desk("yard odd expiring --yes")

    assert (ran.code, ran.out) == (0, "make and look\n\nmade it\n")
    assert yard.changing == ["PUT /signals/made"] * 2


def test_a_vendor_that_is_gone_was_not_reached(desk: Desk, yard: Yard, server: Server) -> None:
    ran = desk("yard odd gone --yes")

    assert ran.code == 3
    assert ran.err.splitlines()[0].endswith("it did not reach the vendor")


def test_a_change_that_hangs_ends_with_its_time_and_keeps_the_rest_from_beginning(desk: Desk, server: Server) -> None:
    rules = "sources: {main: {type: signals, base_url: <url>, key: '${KEY}', retries: 0, timeout: 2s}}\n"
    desk.write(rules, url=server.url)

    ran = desk("yard odd stuck --yes")

    assert (ran.code, ran.out) == (3, "hang\nnever\n\n")
    assert "it may have been carried out all the same; look before you repeat it\n" in ran.err
    assert "checkmill: not done: never\n" in ran.err


# For programs


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_get_one_document_with_what_came_of_each_change(desk: Desk, yard: Yard, form: str) -> None:
    yard.replies["DELETE /signals/south"] = Reply(409, b"in use")

    ran = desk(f"yard signal delete north south west --yes --format {form}")

    document = (json.loads if form == "json" else yaml.safe_load)(ran.out)
    assert ran.code == 3
    assert [(one["summary"], one["done"]) for one in document["changes"]] == [
        ("delete north", True),
        ("delete south", False),
        ("delete west", False),
    ]
    assert document["changes"][0]["outcome"] == "deleted north"
    assert document["changes"][1]["outcome"].endswith("; the vendor refused it")
    assert "outcome" not in document["changes"][2]
    assert "checkmill: not done: delete west\n" in ran.err


def test_programs_get_one_document_of_a_plan_too(desk: Desk, file: Path) -> None:
    for words in (f"yard signal apply {file} --dry-run", f"yard signal diff {file}"):
        assert desk(f"{words} --format json").json == {
            "changes": [
                {"summary": "update north", "details": ["- color: red", "+ color: green"]},
                {"summary": "create new", "details": ["- color: None", "+ color: none"]},
            ]
        }
    assert desk(f"yard signal diff {file} --only gone --format json").json == {"changes": []}


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_without_a_stdout_nothing_is_changed(desk: Desk, yard: Yard, form: str) -> None:
    process = desk.start(f"yard signal delete north --yes --format {form}", shell='exec "$@" >&-')

    _, err = process.communicate(timeout=20)

    assert (process.returncode, yard.changing) == (3, [])
    assert err.decode().splitlines()[0] == (
        "checkmill: nothing was changed: there is no stdout to tell what came of it"
    )


def test_what_came_of_a_change_is_told_elsewhere_where_results_cannot_be_written(desk: Desk, yard: Yard) -> None:
    process = desk.start("yard signal delete north --yes --format json", shell='exec "$@" >/dev/full')

    _, err = process.communicate(timeout=20)

    assert (process.returncode, yard.changing) == (3, ["DELETE /signals/north"])
    assert "checkmill: deleted north\n" in err.decode()


def test_a_line_end_within_a_detail_makes_no_line_of_its_own(desk: Desk) -> None:
    ran = desk("yard odd multiline --dry-run")

    lines = "paint\n    + color: red\\n+ color: green\\ndelete south\n"
    assert (ran.code, ran.out) == (0, f"{lines}\ndry run: nothing was changed\n")


# The sandbox


def test_the_sandbox_answers_commands_too(desk: Desk, yard: Yard, file: Path) -> None:
    del desk.environ["KEY"]

    listed = desk("yard signal list --sandbox")
    applied = desk(f"yard signal apply {file} --sandbox --yes")

    assert listed.out == "NAME   COLOR  TRACK\nsandy  red    1\n"
    assert (applied.code, applied.out.count("is as it should be")) == (0, 2)
    assert yard.got == []
