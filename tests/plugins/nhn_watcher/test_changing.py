"""The commands that change: what they plan, refuse, show before, and send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmill.api.v1 import ParseError, ReadError, Request
from plugins.nhn_watcher.documented import (
    DETAIL,
    HEADER,
    HISTORY,
    HOOK,
    HOOK_SECRET,
    PERSONAL,
    SEARCH,
    Vendor,
    alarm,
    alarms,
    body_of,
    carry_out,
    detail,
    make,
    params_of,
    plan,
    records,
)
from plugins.nhn_watcher.test_commands import SANDBOX
from plugins.nhn_watcher.test_definitions import ROLE, definition
from support.commands import Desk

DONE = {"header": HEADER}
REFUSED = {"header": {"isSuccessful": False, "resultCode": -5, "resultMessage": "not so"}}
CREATE, MODIFY, DELETE = "POST /event-alarms", "PUT /event-alarms/al-1", "DELETE /event-alarms/al-1"
SEVERAL = "DELETE /event-alarms"
#: What 1.2 documents, as a file.
SAME: dict[str, Any] = {
    "id": "al-1",
    "recipients": [
        {"type": "WEBHOOK", "url": HOOK, "secret": HOOK_SECRET},
        {"type": "ALARM_KEY", "id": "ak-0123456789ab"},
        {"type": "UUID", "id": PERSONAL[0], "email": True},
        {**ROLE, "sms": True},
    ],
    "resource_groups": ["rg-1"],
    "resource_tags": [7],
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.write(SANDBOX)
    return made


def test_create_shows_the_whole_alarm_and_sends_it() -> None:
    vendor = Vendor({CREATE: detail("al-7", "new")})
    made = plan("create", vendor, file=definition(name="new", resource_tags=[7]))
    (change,) = made.changes
    assert change.summary == "create the alarm new"
    assert change.details == [
        "+ name: new",
        "+ description: instances",
        "+ recipient: role ADMIN by e-mail",
        "+ event: event_id.instance.create of product pd-1",
        "+ resources: tag 7",
    ]
    assert vendor.calls == [SEARCH]
    assert body_of(vendor.asked[0]) == {"alarmNameAnyLike": "new"}
    assert carry_out(change, vendor) == "created the alarm new with the id al-7"
    assert vendor.calls[1:] == [CREATE]
    assert body_of(vendor.asked[1]) == {
        "alarm": {"alarmName": "new", "description": "instances"},
        "alarmTargets": [{"alarmTargetTypeCode": "ROLE", "alarmTarget": "ADMIN", "emailAlarm": "Y", "smsAlarm": "N"}],
        "events": [{"productId": "pd-1", "eventId": "event_id.instance.create"}],
        "target": {"resourceTagIds": [7]},
    }


def test_what_is_left_out_is_shown_as_everything() -> None:
    (events,) = plan("create", file=definition(name="new", events=[], resource_tags=[7])).changes
    assert "+ event: every event" in events.details
    (resources,) = plan("create", file=definition(name="new")).changes
    assert "+ resources: every resource" in resources.details


def test_an_answer_of_version_2_tells_no_id() -> None:
    change = plan("create", file=definition(name="new")).changes[0]
    assert carry_out(change, Vendor({CREATE: DONE})) == "created the alarm new"


def test_a_name_that_there_is_already_is_not_created_again() -> None:
    rows = {SEARCH: alarms(alarm(), alarm("al-2", "deploys too"))}
    made = plan("create", rows, file=definition())
    assert made.problems == (
        "an alarm of the name deploys exists already: al-1; update replaces it, --duplicate creates another one",
    )
    assert made.changes == ()
    assert len(plan("create", rows, file=definition(), duplicate=True).changes) == 1


def test_create_takes_no_id() -> None:
    vendor = Vendor()
    assert "create takes no id" in plan("create", vendor, file=definition(id="al-1")).problems[0]
    assert vendor.asked == []


def test_update_of_what_means_the_same_does_nothing() -> None:
    made = plan("update", file=definition(**SAME))
    assert (made.changes, made.problems) == ((), ())
    assert made.nothing == "the alarm deploys is as the file says"


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ({"name": "x"}, ["- name: deploys", "+ name: x"]),
        ({"description": ""}, ["- description: instances"]),
        (
            {"events": []},
            ["- event: event_id.instance.create of product pd-1", "+ event: every event"],
        ),
        (
            {"resource_groups": [], "resource_tags": []},
            ["- resources: group rg-1 (production)", "- resources: tag 7 (env=prod)", "+ resources: every resource"],
        ),
        ({"resource_tags": [7, 8]}, ["+ resources: tag 8"]),
        (
            {"recipients": [*SAME["recipients"][:3], ROLE]},
            ["- recipient: role ADMIN by e-mail and SMS", "+ recipient: role ADMIN by e-mail"],
        ),
        (
            {"recipients": [*SAME["recipients"][1:], {"type": "WEBHOOK", "url": HOOK, "secret": "another-one"}]},
            [
                "- recipient: webhook at hooks.watcher.example, with a secret",
                "+ recipient: webhook at hooks.watcher.example, with a secret (another one)",
            ],
        ),
        (
            {"recipients": [*SAME["recipients"][1:], {"type": "WEBHOOK", "url": f"{HOOK}2"}]},
            [
                "- recipient: webhook at hooks.watcher.example, with a secret",
                "+ recipient: webhook at hooks.watcher.example",
            ],
        ),
    ],
)
def test_update_shows_what_is_lost_and_what_comes(more: dict[str, Any], lines: list[str]) -> None:
    (change,) = plan("update", file=definition(**{**SAME, **more})).changes
    assert change.details == lines


def test_update_replaces_the_whole_alarm() -> None:
    vendor = Vendor({MODIFY: DONE})
    (change,) = plan("update", vendor, file=definition(**{**SAME, "name": "new name"})).changes
    assert change.summary == "replace the alarm deploys (al-1)"
    assert carry_out(change, vendor) == "replaced the alarm new name"
    assert vendor.calls == [DETAIL, DETAIL, MODIFY]
    assert body_of(vendor.asked[2]) == {
        "alarm": {"alarmName": "new name", "description": "instances"},
        "alarmTargets": [
            {"alarmTargetTypeCode": "WEBHOOK", "webhookUrl": HOOK, "webhookSecret": HOOK_SECRET},
            {"alarmTargetTypeCode": "ALARM_KEY", "alarmTarget": "ak-0123456789ab"},
            {"alarmTargetTypeCode": "UUID", "alarmTarget": PERSONAL[0], "emailAlarm": "Y", "smsAlarm": "N"},
            {"alarmTargetTypeCode": "ROLE", "alarmTarget": "ADMIN", "emailAlarm": "Y", "smsAlarm": "Y"},
        ],
        "events": [{"productId": "pd-1", "eventId": "event_id.instance.create"}],
        "target": {"resourceGroupIds": ["rg-1"], "resourceTagIds": [7]},
    }


def test_update_does_not_replace_what_was_changed_meanwhile() -> None:
    vendor = Vendor({MODIFY: DONE})
    (change,) = plan("update", vendor, file=definition(**{**SAME, "name": "x"})).changes
    vendor.answers[DETAIL] = detail(events=[])
    with pytest.raises(ReadError, match="changed meanwhile"):
        carry_out(change, vendor)
    assert MODIFY not in vendor.calls


def test_a_secret_that_the_file_does_not_hold_is_not_lost_unnoticed() -> None:
    file = definition(**{**SAME, "recipients": [{"type": "WEBHOOK", "url": HOOK}]})
    made = plan("update", file=file)
    assert made.problems == (
        (
            "the webhook at hooks.watcher.example, with a secret would lose it, for the file holds none; "
            "write it into the file as ${NAME}, or let it go with --drop-secrets"
        ),
    )
    assert made.changes == ()
    (change,) = plan("update", file=file, drop_secrets=True).changes
    assert "+ recipient: webhook at hooks.watcher.example" in change.details


@pytest.mark.parametrize(
    ("file", "answer", "said"),
    [
        ({"id": ""}, detail(), "the file does not say which alarm to replace"),
        ({}, detail(alarm=alarm(status="CLOSED")), "the alarm deploys is deleted"),
    ],
)
def test_update_refuses_what_cannot_be_replaced(file: Any, answer: Any, said: str) -> None:
    made = plan("update", {DETAIL: answer}, file=definition(**{**SAME, **file}))
    assert said in made.problems[0]
    assert made.changes == ()


def test_delete_of_one_warns_that_its_history_goes_for_good() -> None:
    vendor = Vendor({DELETE: DONE, HISTORY: records(*records()["alarmHistories"], total=0)})
    (change,) = plan("delete", vendor, ids=("al-1", "al-1")).changes
    assert change.summary == "delete 1 alarm and destroy the history for good: nobody can bring it back"
    assert change.details == ["- alarm deploys (al-1)", "- its history: 0 notifications"]
    assert vendor.calls == [DETAIL, HISTORY]
    assert params_of(vendor.asked[1]) == [("page", "0"), ("size", "1")]
    assert carry_out(change, vendor) == "deleted the alarm al-1"
    assert vendor.calls[2:] == [DELETE]


def several(answer: Any = DONE, **more: Any) -> Vendor:
    """A vendor with two alarms."""
    other = {"GET /event-alarms/al-2": detail("al-2", "members"), "GET /alarms/al-2/alarm-history": 500}
    return Vendor({**other, SEVERAL: answer, SEARCH: alarms(), **more})


def test_delete_of_several_is_one_request_and_looks_whether_they_are_gone() -> None:
    vendor = several()
    (change,) = plan("delete", vendor, ids=("al-1", "al-2")).changes
    assert change.details == [
        "- alarm deploys (al-1)",
        "- its history: 1 notifications",
        "- alarm members (al-2)",
        "- its history: all notifications",
    ]
    asked = len(vendor.asked)
    assert carry_out(change, vendor) == "deleted 2 alarms"
    assert vendor.calls[asked:] == [SEVERAL, SEARCH]
    assert body_of(vendor.asked[-1]) == {"alarmIds": ["al-1", "al-2"]}


def test_alarms_that_are_still_there_are_no_success() -> None:
    vendor = several(**{SEARCH: alarms(alarm("al-2"))})
    (change,) = plan("delete", vendor, ids=("al-1", "al-2")).changes
    with pytest.raises(ReadError, match="1 of 2 alarms are still there: al-2; does lists fit the vendor"):
        carry_out(change, vendor)


def test_where_nobody_can_look_it_is_said() -> None:
    vendor = several(**{SEARCH: 500})
    (change,) = plan("delete", vendor, ids=("al-1", "al-2")).changes
    assert "whether all of them are gone could not be seen: read: HTTP 500" in carry_out(change, vendor)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (REFUSED, "al-1: read: Resource Watcher refused with resultCode -5: not so"),
        ({**DONE, "alarm": None}, "al-1: read: Resource Watcher knows no such alarm"),
        (detail(alarm=alarm(status="CLOSED")), "al-1: read: it is deleted already"),
        (detail("al-9"), "al-1: parse: the answer is about another alarm than the one asked for"),
    ],
)
def test_delete_does_nothing_where_one_of_them_is_not_there(answer: Any, said: str) -> None:
    made = plan("delete", several(**{DETAIL: answer}), ids=("al-1", "al-2"))
    assert made.problems == (said,)
    assert made.changes == ()


@pytest.mark.parametrize("answer", [REFUSED, {}, b"", {"header": {**HEADER, "isSuccessful": "true"}}])
def test_a_change_that_the_vendor_does_not_confirm_is_a_failure(answer: Any) -> None:
    vendor = several(answer, **{CREATE: answer, MODIFY: answer, DELETE: answer})
    for name, arguments in (
        ("create", {"file": definition(name="new")}),
        ("update", {"file": definition(**{**SAME, "name": "x"})}),
        ("delete", {"ids": ("al-1",)}),
        ("delete", {"ids": ("al-1", "al-2")}),
    ):
        (change,) = plan(name, vendor, **arguments).changes
        with pytest.raises((ReadError, ParseError)):
            carry_out(change, vendor)


def test_no_change_is_ever_sent_twice() -> None:
    vendor = several(**{CREATE: DONE, MODIFY: DONE, DELETE: DONE})
    for name, arguments in (
        ("create", {"file": definition(name="new")}),
        ("update", {"file": definition(**{**SAME, "name": "x"})}),
        ("delete", {"ids": ("al-1",)}),
        ("delete", {"ids": ("al-1", "al-2")}),
    ):
        carry_out(plan(name, vendor, **arguments).changes[0], vendor)

    def changes(request: Request) -> bool:
        return request.method in {"PUT", "DELETE"} or request.url().endswith("/event-alarms")

    assert sorted(one.method for one in vendor.asked if changes(one)) == ["DELETE", "DELETE", "POST", "PUT"]
    assert not any(one.repeatable for one in vendor.asked if changes(one))
    assert all(one.repeatable for one in vendor.asked if not changes(one))


FILE = """
name: 배포
recipients:
  - {type: ROLE, id: ADMIN, email: true}
  - {type: WEBHOOK, url: "https://hooks.example/${TOKEN}", secret: "${SECRET}"}
resource_tags: [4711]
"""


def test_create_runs_as_a_command_and_only_plans_when_told_to(desk: Desk) -> None:
    (desk.home / "new.yaml").write_text(FILE, encoding="utf-8")
    dry = desk(["nhn", "alarm", "create", str(desk.home / "new.yaml"), "--sandbox", "--dry-run"])
    assert dry.code == 0, dry.err
    assert dry.out == (
        "create the alarm 배포\n"
        "    + name: 배포\n"
        "    + recipient: role ADMIN by e-mail\n"
        "    + recipient: webhook at hooks.example, with a secret\n"
        "    + event: every event\n"
        "    + resources: tag 4711\n"
        "\ndry run: nothing was changed\n"
    )
    ran = desk(["nhn", "alarm", "create", str(desk.home / "new.yaml"), "--sandbox", "--yes"])
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-1].startswith("created the alarm 배포 with the id 5a0d7b1e-0006-")


def test_a_file_says_what_is_wrong_where_it_is(desk: Desk) -> None:
    file = desk.home / "bad.yaml"
    file.write_text("name: x\nrecipients:\n  - {type: ROLE, id: ADMIN}\n  - {type: UUID, id: u, emial: true}\n")
    ran = desk(["nhn", "alarm", "create", str(file), "--sandbox", "--yes"])
    assert ran.code == 3
    assert f"{file}:3:5: recipients[0]: ROLE is told nothing; write email: true, sms: true, or both" in ran.err
    assert f"{file}:4:25: recipients[1].emial: unknown key 'emial'; did you mean 'email'?" in ran.err


def test_update_runs_as_a_command(desk: Desk) -> None:
    alarm_id = desk("nhn alarm list --sandbox --format json").json[2]["id"]
    file = desk.home / "databases.yaml"
    file.write_text(
        f"id: {alarm_id}\nname: databases\nresource_tags: [4711]\nrecipients: [{{type: ALARM_KEY, id: ak-0001}}]\n"
    )
    ran = desk(["nhn", "alarm", "update", str(file), "--sandbox", "--yes"])
    assert ran.code == 0, ran.err
    assert "    - resources: group rg-0001 (shop production)\n" in ran.out
    assert ran.out.endswith("replaced the alarm databases\n")


def test_delete_runs_as_a_command_and_asks_first(desk: Desk) -> None:
    ids = [row["id"] for row in desk("nhn alarm list --sandbox --format json").json[:2]]
    ran = desk(["nhn", "alarm", "delete", *ids, "--sandbox", "--yes"])
    assert ran.code == 0, ran.err
    assert ran.out.startswith("delete 2 alarms and destroy the history for good")
    assert ran.out.endswith("deleted 2 alarms\n")
    unknown = desk(["nhn", "alarm", "delete", ids[0], "unknown", "--sandbox", "--yes"])
    assert unknown.code == 3
    assert "unknown: read: Resource Watcher refused with resultCode -40401" in unknown.err


def test_several_ids_are_written_as_the_settings_say() -> None:
    vendor = several()
    (change,) = plan("delete", vendor, make(lists="repeated"), ids=("al-1", "al-2")).changes
    carry_out(change, vendor)
    sent = next(one for one in vendor.asked if one.method == "DELETE")
    assert params_of(sent) == [("alarmIds", "al-1"), ("alarmIds", "al-2")]
