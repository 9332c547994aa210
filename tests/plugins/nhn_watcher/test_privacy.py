"""Nobody's data, and no webhook's address or secret, appears in anything that leaves the plugin."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import SourceError, World
from checkmill.testing import play, vendor
from checkmill_nhn_watcher.alarms import detail_of
from checkmill_nhn_watcher.commands import COMMANDS
from checkmill_nhn_watcher.inventory import INVENTORY
from checkmill_nhn_watcher.metrics import WATCHER
from checkmill_nhn_watcher.privacy import Veil, label, shown
from checkmill_nhn_watcher.sandbox import SANDBOX
from checkmill_nhn_watcher.sandbox.alarms import HOOK as SANDBOX_HOOK
from checkmill_nhn_watcher.sandbox.alarms import HOOK_SECRET as SANDBOX_HOOK_SECRET
from checkmill_nhn_watcher.sandbox.organisation import APPKEY, MEMBERS, SECRET_ACCESS_KEY, USER_ACCESS_KEY
from plugins.nhn_watcher import documented
from plugins.nhn_watcher.documented import (
    ANSWERS,
    DETAIL,
    HISTORY,
    HOOK,
    HOOK_SECRET,
    NOW,
    PERSONAL,
    RECORD,
    Vendor,
    command,
    detail,
    make,
    metric,
    plan,
    record,
    records,
    samples,
)
from plugins.nhn_watcher.test_definitions import definition

SECRETS = (HOOK, HOOK_SECRET, "T00TOKEN", *PERSONAL)
SANDBOX_SECRETS = (
    SANDBOX_HOOK,
    SANDBOX_HOOK_SECRET,
    APPKEY,
    USER_ACCESS_KEY,
    SECRET_ACCESS_KEY,
    "SANDBOXproduct01",
    *(value for one in MEMBERS for value in (one.uuid, one.user, one.name, one.email, one.address)),
)
#: Resources that stand for people.
PEOPLE = records(
    record("a", resourceName=PERSONAL[2], resourceKey=f"member-{PERSONAL[0]}", cloudResourceName=PERSONAL[3]),
    record("b", resourceName=f"{PERSONAL[7]}'s laptop", projectName=f"{PERSONAL[1]}@personal.example"),
    record("c", eventUser={}, eventTarget={}, resourceName=PERSONAL[2], resourceKey=PERSONAL[6]),
    record("d", resourceName=f"{PERSONAL[2]}님의 서버", resourceKey=f"{PERSONAL[9]}"),
)
QUERIES: dict[str, dict[str, Any]] = {
    "expected_alarm": {"alarm": "deploys"},
    "unexpected_events": {"user": PERSONAL[0]},
}


def clean(text: object, secrets: tuple[str, ...] = SECRETS) -> str:
    """A text, once it is seen that nothing of what must not show does."""
    seen = str(text)
    for one in secrets:
        assert one not in seen
    return seen


@pytest.mark.parametrize("name", [one.name for one in WATCHER.metrics])
def test_no_sample_names_anybody(name: str) -> None:
    found = samples(name, {HISTORY: PEOPLE}, **QUERIES.get(name, {}))
    assert clean([(one.value, one.labels, one.reason) for one in found])


SPELLINGS = [
    f"{PERSONAL[1]}_dev",
    f"vm_{PERSONAL[1]}_dev",
    f"{PERSONAL[1].upper()}-dev",
    f"{PERSONAL[7]}_box",
    f"{PERSONAL[9]}_x",
    f"{PERSONAL[0]}_x",
    PERSONAL[0].upper(),
    f"{normalize('NFD', PERSONAL[2])} vm",
    "Doyun  Choi vm",
]


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("member", ["resourceName", "resourceKey", "projectName"])
@pytest.mark.parametrize("shape", ["documented", "a list", "a list in a text's place"])
def test_however_a_name_is_spelled_it_is_hidden(member: str, name: str, shape: str) -> None:
    user: Any = {"userId": PERSONAL[1], "userIdNo": PERSONAL[0]}
    user = {"documented": user, "a list": [user], "a list in a text's place": {"userId": [PERSONAL[1], PERSONAL[0]]}}[
        shape
    ]
    people = {"name": PERSONAL[7], "userCode": PERSONAL[9], "idNo": PERSONAL[2]}
    rows = records(record(eventUser=user, eventTarget={"targetMembers": [people]}, **{member: name}))
    texts = [one.labels for metric in ("resource_events", "project_events") for one in samples(metric, {HISTORY: rows})]
    shown_rows = plan("history", {HISTORY: rows}, alarm="al-1").data
    for text in (str(texts), str(shown_rows)):
        assert normalize("NFC", name) not in normalize("NFC", text)
    assert "(member)" in str(texts)


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(
    st.text(st.sampled_from("aAbBßẞ\u017fKİé_- .가"), max_size=12),
    st.lists(st.text(st.sampled_from("aAbBßé가"), min_size=2, max_size=4), max_size=3),
)
def test_what_a_veil_leaves_holds_no_word_that_is_somebody(name: str, private: list[str]) -> None:
    left = Veil(private).over(name)
    for word in left.replace("_", " ").replace("-", " ").replace(".", " ").split():
        assert word.casefold() not in {one.casefold() for one in private}


def test_resources_that_are_people_are_counted_and_not_named() -> None:
    found = samples("resource_events", {HISTORY: PEOPLE})
    assert sorted(one.labels["resource"] for one in found) == [
        "(member)",
        "(member)",
        "(member)'s laptop",
        "(member)님의 서버",
    ]
    assert sum(one.value for one in found) == 4


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list", {}),
        ("get", {"id": "al-1"}),
        ("history", {"alarm": "al-1"}),
        ("history", {"alarm": "al-1", "record": "ah-1"}),
        ("events", {}),
        ("delete", {"ids": ("al-1",)}),
        ("update", {"file": definition(id="al-1"), "drop_secrets": True}),
        ("update", {"file": definition(id="al-1", recipients=[{"type": "WEBHOOK", "url": HOOK}])}),
        (
            "update",
            {
                "file": definition(
                    id="al-1",
                    recipients=[
                        {"type": "WEBHOOK", "url": HOOK, "secret": "another-secret"},
                        {"type": "UUID", "id": PERSONAL[6], "email": True},
                    ],
                )
            },
        ),
        (
            "create",
            {
                "file": definition(
                    name="new",
                    recipients=[
                        {"type": "WEBHOOK", "url": HOOK, "secret": HOOK_SECRET},
                        {"type": "UUID", "id": PERSONAL[0], "email": True},
                    ],
                )
            },
        ),
    ],
)
def test_no_command_shows_anybody(name: str, arguments: Any) -> None:
    made = plan(name, {HISTORY: PEOPLE, RECORD: {**ANSWERS[RECORD], "alarmHistory": record()}}, **arguments)
    assert clean([made.data, made.problems, made.nothing, [(one.summary, one.details) for one in made.changes]])


@pytest.mark.parametrize("number", [0, 1, 3])
def test_no_record_in_full_shows_anybody(number: int) -> None:
    row = {**PEOPLE["alarmHistories"][number], "alarmHistoryId": "ah-1"}
    data = plan("history", {RECORD: {**ANSWERS[RECORD], "alarmHistory": row}}, alarm="al-1", record="ah-1").data
    assert clean(data)
    assert "(member)" in str(data)


def test_what_is_parsed_of_a_record_or_an_alarm_does_not_show_it_either() -> None:
    document = Vendor()(make().request("GET", f"/resource-watcher/v1.0/appkeys/aPPkey0000000042{DETAIL[4:]}")).json()
    found = detail_of(document, "al-1")
    assert found.recipients[3].secret is not None
    for one in (HOOK, HOOK_SECRET, "T00TOKEN"):
        assert one not in repr(found)
    listing = play(
        metric("notifications").dataset.flow(make(), metric("notifications").dataset.query_type()), Vendor(), NOW
    )
    assert clean(repr(listing))


@pytest.mark.parametrize("call", [DETAIL, HISTORY, RECORD])
@pytest.mark.parametrize("place", ["header", "alarm", "alarmTargets", "alarmHistories", "alarmHistory", "totalItems"])
@pytest.mark.parametrize("value", [PERSONAL[3], {"a": PERSONAL[0]}, [PERSONAL[4]], PERSONAL[2]])
def test_no_error_quotes_an_answer(call: str, place: str, value: Any) -> None:
    answers = {call: {**ANSWERS[call], place: value}}
    for name, arguments in (
        ("get", {"id": "al-1"}),
        ("history", {"alarm": "al-1"}),
        ("history", {"alarm": "al-1", "record": "ah-1"}),
    ):
        try:
            made = plan(name, answers, **arguments)
        except SourceError as error:
            clean(error.sentence)
        else:
            clean([made.data, made.problems])


PROFILED = detail(
    alarm=documented.alarm(
        name=f"for {PERSONAL[2]}",
        description=f"ask {PERSONAL[2]} or {PERSONAL[1]}",
        alarmRule={"alarmRuleName": f"rule of {PERSONAL[1].upper()}"},
    ),
    target={
        "resourceGroups": [{"resourceGroupId": "rg-1", "resourceGroupName": f"{PERSONAL[2]}의 것"}],
        "resourceTags": [{"tagId": 7, "tagName": f"owner={PERSONAL[1]}"}],
    },
)


def test_get_hides_the_people_that_the_answer_itself_names() -> None:
    data = plan("get", {DETAIL: PROFILED}, id="al-1").data
    assert clean(data)
    assert {name: data[name] for name in ("alarm", "description", "rule", "resource_groups", "resource_tags")} == {
        "alarm": "for (member)",
        "description": "ask (member) or (member)",
        "rule": "rule of (member)",
        "resource_groups": ["rg-1 ((member)의 것)"],
        "resource_tags": ["7 (owner=(member))"],
    }


@pytest.mark.parametrize("profiles", [{}, "이하나", ["이하나"], {"name": ["이하나"]}, [[{"name": "이하나"}]], None])
def test_profiles_in_no_documented_shape_hide_what_they_name(profiles: Any) -> None:
    answer = detail(alarmTargetMemberProfiles=profiles, alarm=documented.alarm(description="ask 이하나"))
    data = plan("get", {DETAIL: answer}, id="al-1").data
    assert data["description"] == ("ask (member)" if profiles else "ask 이하나")


def test_what_would_change_or_go_is_told_without_the_people_that_the_answer_names() -> None:
    file = definition(id="al-1", name=f"of {PERSONAL[2]}", description=f"{PERSONAL[1]} knows")
    vendor = Vendor({DETAIL: PROFILED, "PUT /event-alarms/al-1": {"header": documented.HEADER}})
    (change,) = plan("update", vendor, file=file, drop_secrets=True).changes
    assert clean([change.summary, change.details])
    assert change.summary == "replace the alarm for (member) (al-1)"
    assert [one for one in change.details if "name" in one or "description" in one] == [
        "- name: for (member)",
        "+ name: of (member)",
        "- description: ask (member) or (member)",
        "+ description: (member) knows",
    ]
    assert documented.carry_out(change, vendor) == "replaced the alarm of (member)"
    (change,) = plan("delete", {DETAIL: PROFILED}, ids=("al-1",)).changes
    assert change.details == ["- alarm for (member) (al-1)", "- its history: 1 notifications"]


def test_a_name_is_compared_as_it_is_and_not_as_it_is_shown() -> None:
    file = definition(id="al-1", name="for (member)", description=f"ask {PERSONAL[2]} or {PERSONAL[1]}")
    (change,) = plan("update", {DETAIL: PROFILED}, file=file, drop_secrets=True).changes
    assert "- name: for (member)" in change.details
    assert "+ name: for (member)" in change.details
    assert not any("description" in one for one in change.details)


def test_recipients_of_get_are_masked() -> None:
    assert plan("get", id="al-1").data["recipients"] == [
        "member 3f1c... by e-mail",
        "role ADMIN by e-mail and SMS",
        "group of recipients ak-0...",
        "webhook at hooks.watcher.example, with a secret",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pa55word@hooks.example/T0K3N",
        "https://hooks.example/T0K3N?sig=s3cr3t#frag",
        "http://[::1",
        "javascript:T0K3N",
        "https://",
    ],
)
def test_of_the_address_of_a_webhook_no_more_than_the_host_is_shown(url: str) -> None:
    answer = detail(alarmTargets=[{"alarmTargetTypeCode": "WEBHOOK", "webhookUrl": url}])
    (words,) = plan("get", {DETAIL: answer}, id="al-1").data["recipients"]
    for part in ("T0K3N", "s3cr3t", "pa55word", "user"):
        assert part not in words


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_of_the_sandbox_names_anybody(seed: int) -> None:
    at = 1_800_000_000.0
    respond = vendor(SANDBOX.start(World(lambda: at, seed)))
    from pydantic import TypeAdapter

    settings = TypeAdapter(WATCHER.settings).validate_python(dict(SANDBOX.settings))
    texts: list[object] = []
    for one in WATCHER.metrics:
        query = one.dataset.query_type(
            **{"unexpected_events": {"user": "x"}, "expected_alarm": {"alarm": "x"}}.get(one.name, {})
        )
        texts += one.samples(play(one.dataset.flow(settings, query), respond, at), query)
    inventory = INVENTORY.dataset
    texts += INVENTORY.entities(play(inventory.flow(settings, inventory.query_type()), respond, at), None)
    for name in ("list", "events"):
        texts.append(play(command(name).flow(settings, command(name).arguments()), respond, at))
    history = play(command("history").flow(settings, command("history").arguments(alarm="members")), respond, at)
    texts.append(history)
    ids = [one["id"] for one in play(command("list").flow(settings, command("list").arguments()), respond, at).data]
    texts += [play(command("get").flow(settings, command("get").arguments(id=one)), respond, at) for one in ids]
    full = command("history").arguments(alarm="members", record=history.data[0]["id"])
    texts.append(play(command("history").flow(settings, full), respond, at))
    assert len(clean(texts, SANDBOX_SECRETS)) > 5000
    assert "(member)" in str(history.data)


@pytest.mark.parametrize(
    ("name", "private", "expected"),
    [
        ("jun", ["jun"], "(member)"),
        ("junction", ["jun"], "junction"),
        ("jun-laptop", ["jun"], "(member)-laptop"),
        ("이하나의 서버", ["이하나"], "(member)의 서버"),
        ("a", ["a"], "a"),
        ("web-1", [""], "web-1"),
        ("kim.j kim", ["kim", "kim.j"], "(member) (member)"),
        ("x+y", ["x+y", "(.*"], "(member)"),
        ("mail me@there.example", [], "mail (e-mail)"),
        ("hana.lee_dev", ["hana.lee"], "(member)_dev"),
        ("vm_hana.lee_dev", ["hana.lee"], "vm_(member)_dev"),
        ("Doyun Choi_box", ["Doyun Choi"], "(member)_box"),
        ("iam-doyun-77_x", ["iam-doyun-77"], "(member)_x"),
        (f"{PERSONAL[0]}_x", [PERSONAL[0]], "(member)_x"),
        (PERSONAL[0].upper(), [PERSONAL[0]], "(member)"),
        ("HANA.LEE-dev", ["hana.lee"], "(member)-dev"),
        ("hana.lee-dev", ["Hana.Lee"], "(member)-dev"),
        ("GROẞE_box", ["große"], "(member)_box"),
        ("große_box", ["GROSSE"], "(member)_box"),
        (normalize("NFD", "이하나 vm"), ["이하나"], "(member) vm"),
        ("이하나 vm", [normalize("NFD", "이하나")], "(member) vm"),
        ("Doyun  Choi vm", ["Doyun Choi"], "(member) vm"),
        ("Doyun\u00a0Choi\tvm", ["Doyun Choi"], "(member) vm"),
        ("Doyun Choi vm", [" Doyun \n Choi "], "(member) vm"),
        ("vm of hana.lee", ["hana.lee@personal.example"], "vm of (member)"),
        ("junction_x", ["jun"], "junction_x"),
        ("two  spaces  of nobody", ["jun"], "two  spaces  of nobody"),
        (normalize("NFD", "각 vm"), ["jun"], normalize("NFD", "각 vm")),
    ],
)
def test_a_veil_hides_people_and_no_other_words(name: str, private: list[str], expected: str) -> None:
    assert Veil(private).over(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10.0.0.0/8", "(address)/8"), ("v1.2.3", "v1.2.3"), ("12:30:45", "12:30:45"), ("fe80::1:2:3 x", "(address) x")],
)
def test_messages_hold_no_addresses(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_labels_keep_addresses_of_machines() -> None:
    assert label("web 10.0.0.5") == "web 10.0.0.5"


def test_every_command_is_tried() -> None:
    assert [one.name.removeprefix("nhn alarm ") for one in COMMANDS] == [
        "list",
        "get",
        "history",
        "events",
        "create",
        "update",
        "delete",
    ]
