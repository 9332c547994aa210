"""Several projects: the account's list, each project's own token, and failures that stay with their project."""

from typing import Any

import pytest

from checkmill.api.v1 import ConfigurationError, LoginError, ParseError, Request, Sample, SourceError, redact
from plugins.whatap.documented import MEMBER, PROJECT_ROW, Vendor, account_settings, only, samples


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
    assert found == [Sample(100.0 + n, host="web-1", project=f"prod-{n}", pcode=str(100 + n)) for n in range(3)]
    sent = [request.sent_headers() for request in vendor.asked[1:]]
    expected = [{"x-whatap-token": f"OWNTOKENOFPROJECT{n:07d}", "x-whatap-pcode": str(100 + n)} for n in range(3)]
    assert sent == expected


def test_one_of_twenty_projects_answering_401_is_missing_alone() -> None:
    found = samples("cpu", _vendor(_projects(), **_cpu_of({"107": 401})), account_settings())
    missing = only([sample for sample in found if sample.is_missing])
    assert missing.labels == {"project": "prod-7", "pcode": "107"}
    assert missing.reason == "login: HTTP 401 from https://service.whatap.io/open/json/infra_cpu"
    assert len(found) == 20


def test_a_project_that_answers_nothing_among_others_is_missing() -> None:
    vendor = _vendor(_projects(2), **{"/open/json/infra_cpu": {"values": {}}})
    assert samples("cpu", vendor, account_settings()) == [
        Sample.missing("the answer is empty", project="prod-0", pcode="100"),
        Sample.missing("the answer is empty", project="prod-1", pcode="101"),
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
    ("row", "labels"),
    [
        (None, {"project": "row 2"}),
        ([], {"project": "row 2"}),
        ({}, {"project": "row 2"}),
        ({"projectName": "x"}, {"project": "x"}),
        ({"projectName": "x", "apiToken": "OWNTOKEN"}, {"project": "x"}),
        ({"projectName": "x", "projectCode": 9}, {"project": "x", "pcode": "9"}),
        ({"projectName": "x", "projectCode": 9, "apiToken": ""}, {"project": "x", "pcode": "9"}),
        ({"projectName": "x", "projectCode": 9, "apiToken": 12}, {"project": "x", "pcode": "9"}),
        ({"projectName": "x", "projectCode": 9, "apiToken": "토큰입니다"}, {"project": "x", "pcode": "9"}),
        ({"projectName": "x", "projectCode": 9, "apiToken": "ONE\r\nTWO"}, {"project": "x", "pcode": "9"}),
        ({"projectName": "x", "projectCode": "nine", "apiToken": "OWNTOKEN"}, {"project": "x"}),
        ({"projectName": "x", "projectCode": -9, "apiToken": "OWNTOKEN"}, {"project": "x"}),
        ({"projectCode": 9}, {"project": "9", "pcode": "9"}),
    ],
)
def test_a_broken_row_is_missing_for_its_project_alone(row: object, labels: dict[str, str]) -> None:
    rows = [*_projects(1), row]
    found = samples("cpu", _vendor(rows, **_cpu_of({})), account_settings())
    assert found[0] == Sample(100.0, host="web-1", project="prod-0", pcode="100")
    assert found[1].is_missing
    assert found[1].labels == labels


def _labels(metric: str, rows: list[Any], **more: Any) -> list[dict[str, str]]:
    return [sample.labels for sample in samples(metric, _vendor(rows, **more), account_settings())]


def test_projects_of_one_name_keep_it_and_are_told_apart_by_their_code() -> None:
    rows = [{**row, "projectName": "shop"} for row in _projects(2)]
    both = [{"project": "shop", "pcode": "100"}, {"project": "shop", "pcode": "101"}]
    assert _labels("project_status", rows) == both
    assert _labels("cpu", rows, **_cpu_of({})) == [{"host": "web-1", **labels} for labels in both]
    assert _labels("cpu", rows, **_cpu_of({"100": 401, "101": 500})) == both
    members = {f"/open/api/json/project/{pcode}/members": {"data": []} for pcode in (100, 101)}
    assert _labels("project_members", rows, **members) == both


def test_a_second_project_of_a_name_renames_nothing() -> None:
    row = _projects(1)[0]
    alone = _labels("cpu", [row], **_cpu_of({}))
    beside_another = _labels("cpu", [row, {**row, "projectCode": 900}], **_cpu_of({}))
    assert beside_another[: len(alone)] == alone


@pytest.mark.parametrize("globs", ["shop", "sh*", ("x", "shop")])
def test_globs_select_all_projects_of_a_name(globs: Any) -> None:
    rows = [{**row, "projectName": "shop"} for row in _projects(2)]
    found = samples("cpu", _vendor(rows, **_cpu_of({})), account_settings(projects=globs))
    assert [sample.value for sample in found] == [100.0, 101.0]


#: Every list of the account, with a metric that reads it and the rows it has.
LISTS = {
    "projects": ("projects", "/open/api/json/projects", [PROJECT_ROW]),
    "projects of a metric of servers": ("cpu", "/open/api/json/projects", [PROJECT_ROW]),
    "members of a project": ("project_members", "/open/api/json/project/35/members", [MEMBER, MEMBER]),
    "groups": ("groups", "/open/api/json/groups", [{"groupName": "ops", "groupKey": "G1"}]),
    "groups of their members": ("group_members", "/open/api/json/groups", [{"groupName": "ops", "groupKey": "G1"}]),
    "members of a group": ("group_members", "/open/api/json/group/G1/members", [MEMBER]),
}


@pytest.mark.parametrize(("name", "path", "rows"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("total", [20, 20.0, "20", "20.0"])
def test_a_list_shorter_than_its_total_is_no_value(name: str, path: str, rows: list[Any], total: object) -> None:
    reason = f"the list of {path.rpartition('/')[2]} is not whole: {len(rows)} of 20 came"
    vendor = Vendor({path: {"data": rows, "total": total}})
    if path.endswith("/members"):
        assert only(samples(name, vendor, account_settings())).reason == f"parse: {reason}"
    else:
        with pytest.raises(ParseError, match=reason):
            samples(name, vendor, account_settings())


@pytest.mark.parametrize(("name", "path", "rows"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("more", [{}, *({"total": total} for total in (None, "many", True, [], -1, 0, 1, "1.0", 0.5))])
def test_a_total_that_says_nothing_else_is_passed_over(
    name: str, path: str, rows: list[Any], more: dict[str, object]
) -> None:
    found = samples(name, Vendor({path: {"data": rows, **more}}), account_settings())
    assert not any(sample.is_missing for sample in found)


def test_an_empty_list_of_none_is_whole() -> None:
    assert samples("groups", Vendor({"/open/api/json/groups": {"data": [], "total": 0}})) == [Sample(0)]


def test_every_status_of_a_project_has_a_meaning() -> None:
    rows = _projects(3)
    rows[0]["status"] = "Subscribe"
    rows[1]["status"] = "closed"
    rows[2]["status"] = None
    found = samples("project_status", _vendor(rows), account_settings())
    assert [sample.value for sample in found] == ["subscribe", "closed", None]


def test_members_are_counted_and_never_named() -> None:
    found = samples("project_members", _vendor(_projects(1), **{"/open/api/json/project/100/members": {"data": [1]}}))
    assert only(found) == Sample(1, project="prod-0", pcode="100")


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
    ("row", "name"),
    [(None, "row 2"), ({}, "row 2"), ({"groupName": "x"}, "x"), ({"groupName": "x", "groupKey": None}, "x")],
)
def test_a_group_without_a_key_is_missing_alone(row: object, name: str) -> None:
    groups = {"data": [{"groupName": "ops", "groupKey": "G1"}, row], "total": 2}
    found = samples("group_members", {"/open/api/json/groups": groups})
    assert found == [
        Sample(1, group="ops", id="G1"),
        Sample.missing("parse: the list of groups gives it without a groupKey", group=name),
    ]


def test_groups_of_one_name_keep_it_and_are_told_apart_by_their_key() -> None:
    groups = {"data": [{"groupName": "ops", "groupKey": "G1"}, {"groupName": "ops", "groupKey": "G/2"}], "total": 2}
    vendor = Vendor({"/open/api/json/groups": groups, "/open/api/json/group/G%2F2/members": {"data": []}})
    found = samples("group_members", vendor)
    assert found == [Sample(1, group="ops", id="G1"), Sample(0, group="ops", id="G/2")]


def test_tokens_of_projects_are_secret_from_the_first_look() -> None:
    rows = _projects(2)
    failing = {"error": f"token {rows[1]['apiToken']} of kim@whatap.example is blocked"}
    vendor = _vendor(rows, **{"/open/json/infra_cpu": failing})
    found = samples("cpu", vendor, account_settings())
    shown = repr(found) + repr(vendor.asked)
    assert "OWNTOKENOFPROJECT" not in shown
    assert "@" not in "".join(sample.reason for sample in found)
    assert redact(rows[0]["apiToken"]) == "***"
