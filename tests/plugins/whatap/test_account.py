"""Several projects: the account's list, each project's own token, and failures that stay with their project."""

from typing import Any

import pytest

from checkmill.api.v1 import ConfigurationError, LoginError, ParseError, Request, Sample, SourceError, redact
from plugins.whatap.documented import PROJECT_ROW, Vendor, account_settings, only, samples


def _projects(count: int = 20) -> list[dict[str, Any]]:
    return [
        {**PROJECT_ROW, "projectCode": 100 + n, "projectName": f"prod-{n}", "apiToken": f"OWNTOKENOFPROJECT{n:07d}"}
        for n in range(count)
    ]


def _vendor(rows: list[Any], **more: Any) -> Vendor:
    listed = {"data": rows, "accountEmail": "kim@whatap.example", "total": len(rows)}
    return Vendor({"/open/api/json/projects": listed, **more})


def _cpu_of(failing: dict[str, int]) -> dict[str, Any]:
    def answer(request: Request) -> Any:
        pcode = str(request.sent_headers()["x-whatap-pcode"])
        return failing.get(pcode, {"pname": "whatever", "values": {"web-1": float(pcode)}})

    return {"/open/json/infra_cpu": answer}


def test_each_project_is_asked_with_its_own_token() -> None:
    vendor = _vendor(_projects(3), **_cpu_of({}))
    found = samples("cpu", vendor, account_settings())
    assert found == [Sample(100.0 + n, host="web-1", project=f"prod-{n}") for n in range(3)]
    sent = [request.sent_headers() for request in vendor.asked[1:]]
    expected = [{"x-whatap-token": f"OWNTOKENOFPROJECT{n:07d}", "x-whatap-pcode": str(100 + n)} for n in range(3)]
    assert sent == expected


def test_one_of_twenty_projects_answering_401_is_missing_alone() -> None:
    found = samples("cpu", _vendor(_projects(), **_cpu_of({"107": 401})), account_settings())
    missing = only([sample for sample in found if sample.is_missing])
    assert missing.labels == {"project": "prod-7"}
    assert "login" in missing.reason
    assert "prod-7" in missing.reason
    assert "401" in missing.reason
    assert len(found) == 20


def test_a_project_that_answers_nothing_among_others_is_missing() -> None:
    vendor = _vendor(_projects(2), **{"/open/json/infra_cpu": {"values": {}}})
    assert [s.labels for s in samples("cpu", vendor, account_settings())] == [
        {"project": "prod-0"},
        {"project": "prod-1"},
    ]


@pytest.mark.parametrize(("status", "error"), [(401, LoginError), (500, SourceError), (b"<html>", ParseError)])
def test_a_failing_list_of_projects_fails_everything(status: object, error: type[SourceError]) -> None:
    with pytest.raises(error):
        samples("cpu", Vendor({"/open/api/json/projects": status}), account_settings())


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        ("*", {"prod-0", "prod-1", "prod-2"}),
        ("prod-1", {"prod-1"}),
        (("prod-0", "prod-2"), {"prod-0", "prod-2"}),
        ("prod-[12]", {"prod-1", "prod-2"}),
    ],
)
def test_globs_select_projects_by_name(globs: Any, expected: set[str]) -> None:
    found = samples("cpu", _vendor(_projects(3), **_cpu_of({})), account_settings(projects=globs))
    assert {sample.labels["project"] for sample in found} == expected


@pytest.mark.parametrize("name", ["cpu", "projects", "project_status", "project_members", "memory_used", "cpu_avg"])
@pytest.mark.parametrize(("globs", "rows"), [("PROD-*", 2), ("nothing", 2), ("*", 0)])
def test_globs_that_match_no_project_are_an_error(name: str, globs: str, rows: int) -> None:
    with pytest.raises(ConfigurationError, match="no project matches"):
        samples(name, _vendor(_projects(rows)), account_settings(projects=globs))


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ({}, True),
        ({"productType": "APM", "platform": "JAVA"}, False),
        ({"productType": "DB", "platform": "MYSQL"}, False),
        ({"productType": "sms", "platform": "x"}, True),
        ({"productType": "x", "platform": "INFRA"}, True),
        ({"productType": None, "platform": None}, True),
        ({"status": "closed"}, False),
        ({"status": "Closed"}, False),
        ({"status": "limited"}, True),
        ({"status": None}, True),
    ],
)
def test_only_projects_with_servers_are_asked_for_them(members: dict[str, object], asked: bool) -> None:
    rows = _projects(2)
    rows[1] |= members
    vendor = _vendor(rows, **_cpu_of({}))
    found = samples("cpu", vendor, account_settings())
    assert ({"prod-0", "prod-1"} if asked else {"prod-0"}) == {sample.labels["project"] for sample in found}
    assert only(samples("projects", vendor, account_settings())).value == 2


def test_an_account_without_servers_is_an_error() -> None:
    rows = [{**row, "productType": "APM", "platform": "JAVA"} for row in _projects(2)]
    with pytest.raises(ConfigurationError, match="no project is read"):
        samples("cpu", _vendor(rows), account_settings())


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (None, "row 2"),
        ([], "row 2"),
        ({}, "row 2"),
        ({"projectName": "x"}, "x"),
        ({"projectName": "x", "apiToken": "OWNTOKEN"}, "x"),
        ({"projectName": "x", "projectCode": 9}, "x"),
        ({"projectName": "x", "projectCode": 9, "apiToken": ""}, "x"),
        ({"projectName": "x", "projectCode": 9, "apiToken": 12}, "x"),
        ({"projectName": "x", "projectCode": 9, "apiToken": "토큰입니다"}, "x"),
        ({"projectName": "x", "projectCode": 9, "apiToken": "ONE\r\nTWO"}, "x"),
        ({"projectName": "x", "projectCode": "nine", "apiToken": "OWNTOKEN"}, "x"),
        ({"projectName": "x", "projectCode": -9, "apiToken": "OWNTOKEN"}, "x"),
        ({"projectCode": 9}, "9"),
    ],
)
def test_a_broken_row_is_missing_for_its_project_alone(row: object, label: str) -> None:
    rows = [*_projects(1), row]
    found = samples("cpu", _vendor(rows, **_cpu_of({})), account_settings())
    assert found[0] == Sample(100.0, host="web-1", project="prod-0")
    assert found[1].is_missing
    assert found[1].labels == {"project": label}


def test_projects_of_one_name_are_told_apart_by_their_code() -> None:
    rows = [{**row, "projectName": "shop"} for row in _projects(2)]
    found = samples("cpu", _vendor(rows, **_cpu_of({})), account_settings(projects="shop"))
    assert [sample.labels["project"] for sample in found] == ["shop (100)", "shop (101)"]


def test_every_status_of_a_project_has_a_meaning() -> None:
    rows = _projects(3)
    rows[0]["status"] = "Subscribe"
    rows[1]["status"] = "closed"
    rows[2]["status"] = None
    found = samples("project_status", _vendor(rows), account_settings())
    assert [sample.value for sample in found] == ["subscribe", "closed", None]


def test_members_are_counted_and_never_named() -> None:
    found = samples("project_members", _vendor(_projects(1), **{"/open/api/json/project/100/members": {"data": [1]}}))
    assert only(found) == Sample(1, project="prod-0")


def test_members_that_cannot_be_read_are_missing_for_their_project() -> None:
    answers = {
        "/open/api/json/project/100/members": 403,
        "/open/api/json/project/101/members": {"data": [{"error": "kim@whatap.example may not"}]},
        "/open/api/json/project/102/members": {"data": [], "total": 0},
    }
    found = samples("project_members", _vendor(_projects(3), **answers))
    assert [sample.value for sample in found] == [None, None, 0]
    assert "@" not in found[1].reason


@pytest.mark.parametrize(
    ("row", "label"),
    [(None, "row 2"), ({}, "row 2"), ({"groupName": "x"}, "x"), ({"groupName": "x", "groupKey": None}, "x")],
)
def test_a_group_without_a_key_is_missing_alone(row: object, label: str) -> None:
    groups = {"data": [{"groupName": "ops", "groupKey": "G1"}, row], "total": 2}
    found = samples("group_members", {"/open/api/json/groups": groups})
    assert found[0] == Sample(1, group="ops")
    assert found[1].is_missing
    assert found[1].labels == {"group": label}


def test_groups_of_one_name_are_told_apart_by_their_key() -> None:
    groups = {"data": [{"groupName": "ops", "groupKey": "G1"}, {"groupName": "ops", "groupKey": "G/2"}], "total": 2}
    vendor = Vendor({"/open/api/json/groups": groups, "/open/api/json/group/G%2F2/members": {"data": []}})
    found = samples("group_members", vendor)
    assert found == [Sample(1, group="ops (G1)"), Sample(0, group="ops (G/2)")]


def test_tokens_of_projects_are_secret_from_the_first_look() -> None:
    rows = _projects(2)
    failing = {"error": f"token {rows[1]['apiToken']} of kim@whatap.example is blocked"}
    vendor = _vendor(rows, **{"/open/json/infra_cpu": failing})
    found = samples("cpu", vendor, account_settings())
    shown = repr(found) + repr(vendor.asked)
    assert "OWNTOKENOFPROJECT" not in shown
    assert "@" not in "".join(sample.reason for sample in found)
    assert redact(rows[0]["apiToken"]) == "***"
