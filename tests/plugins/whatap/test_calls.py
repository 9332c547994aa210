"""Each documented call: path, headers, parameters; and what is refused before anything is read from it."""

import copy
import json
import re

import pytest

from checkmill.api.v1 import ConfigurationError, LoginError, ParseError, Response, Sample, SourceError
from checkmill.testing import play
from checkmill_whatap.metrics import WHATAP
from plugins.whatap.documented import (
    ACCOUNT_TOKEN,
    ANSWERS,
    NOW,
    TOKEN,
    Vendor,
    account_settings,
    metric,
    only,
    project_settings,
    samples,
    settings_for,
)

PROJECT_HEADERS = {"x-whatap-token": TOKEN, "x-whatap-pcode": "35"}
ACCOUNT_HEADERS = {"x-whatap-token": ACCOUNT_TOKEN}


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("projects", ["/open/api/json/projects"]),
        ("project_members", ["/open/api/json/projects", "/open/api/json/project/35/members"]),
        ("groups", ["/open/api/json/groups"]),
        ("group_members", ["/open/api/json/groups", "/open/api/json/group/G1/members"]),
        ("project_servers", ["/open/json/project"]),
        ("active_agents", ["/open/json/act_agent"]),
        ("inactive_agents", ["/open/json/inact_agent"]),
        ("agents", ["/open/json/act_agent", "/open/json/inact_agent"]),
        ("hosts", ["/open/json/host"]),
        ("cpu_cores", ["/open/json/cpucore"]),
        ("cpu", ["/open/json/infra_cpu"]),
        ("disk_iops", ["/open/json/infra_disk_iops"]),
        ("net_traffic", ["/open/json/infra_net_traffic"]),
        ("process_count", ["/open/json/sm_proc"]),
        ("server_status", ["/open/json/sm_servers"]),
        ("memory_used", ["/open/json/sm"]),
        ("cpu_avg", ["/open/json/stat/sm_stat", "/open/json/sm_servers"]),
    ],
)
def test_each_call_goes_to_its_path_with_the_right_token(name: str, paths: list[str]) -> None:
    vendor = Vendor()
    samples(name, vendor)
    urls = [request.url().partition("?")[0] for request in vendor.asked]
    assert urls == [f"https://service.whatap.io{path}" for path in paths]
    for request in vendor.asked:
        expected = ACCOUNT_HEADERS if "/open/api/" in request.path else PROJECT_HEADERS
        assert (request.method, request.sent_headers()) == ("GET", expected)
        assert request.repeatable


@pytest.mark.parametrize("name", ["projects", "project_status", "groups", "project_members", "group_members"])
def test_account_calls_of_a_project_source_say_which_setting_is_needed(name: str) -> None:
    vendor = Vendor()
    with pytest.raises(ConfigurationError, match="account_token"):
        samples(name, vendor, project_settings())
    assert vendor.asked == []


def test_time_series_are_asked_for_in_milliseconds_of_whole_rows() -> None:
    vendor = Vendor()
    samples("cpu_avg", vendor, at=1572341760.9, window=600.0)
    assert vendor.asked[0].params == {"stime": "1572340800000", "etime": "1572341700000", "filter": "m5"}


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (5.0, ("1572341750000", "1572341760000", "s5")),
        (60.0, ("1572341695000", "1572341760000", "s5")),
        (299.0, ("1572341460000", "1572341760000", "s5")),
        (300.0, ("1572341100000", "1572341700000", "m5")),
        (420.0, ("1572341100000", "1572341700000", "m5")),
        (3600.0, ("1572338100000", "1572341700000", "m5")),
    ],
)
def test_no_window_asks_for_more_than_one_hour(window: float, expected: tuple[str, str, str]) -> None:
    vendor = Vendor()
    samples("data_age", vendor, window=window)
    params = vendor.asked[0].params
    assert (params["stime"], params["etime"], params["filter"]) == expected
    assert int(str(params["etime"])) - int(str(params["stime"])) <= 3600 * 1000
    assert "oid" not in params


def test_one_server_is_asked_for_by_its_negative_id() -> None:
    vendor = Vendor()
    found = samples("cpu_avg", vendor, id=-1359816680)
    assert vendor.asked[0].params["oid"] == "-1359816680"
    assert only(found).labels["host"] == "h-db-prx-01"


def test_an_id_has_no_meaning_for_several_projects() -> None:
    with pytest.raises(ConfigurationError, match="pcode and token"):
        samples("cpu_avg", Vendor(), account_settings(), id=-5)


@pytest.mark.parametrize(
    ("more", "answers", "paths"),
    [
        (
            {},
            {"/open/json/sm_proc": 404, "/open/json/infra_proc": ANSWERS["/open/json/sm_proc"]},
            ["sm_proc", "infra_proc"],
        ),
        ({}, {}, ["sm_proc"]),
        (
            {"process_path": "/open/json/infra_proc"},
            {"/open/json/infra_proc": ANSWERS["/open/json/sm_proc"]},
            ["infra_proc"],
        ),
    ],
    ids=["newer path on 404", "older path first", "configured path alone"],
)
def test_process_list_has_two_paths(more: dict[str, str], answers: dict[str, object], paths: list[str]) -> None:
    vendor = Vendor(answers)
    found = samples("process_count", vendor, project_settings(**more))
    assert [request.path.rpartition("/")[2] for request in vendor.asked] == paths
    assert Sample(2, host="h-db-prx-01", process="java", project="LOCAL_INFRA", pcode="35") in found


def test_process_list_does_not_fall_back_on_other_failures() -> None:
    vendor = Vendor({"/open/json/sm_proc": 401})
    with pytest.raises(LoginError):
        samples("process_count", vendor)
    assert len(vendor.asked) == 1


def test_project_page_has_two_paths_too() -> None:
    answers = {"/open/json/project": 404, "/open/api/json/project": ANSWERS["/open/json/project"]}
    assert only(samples("project_servers", answers)) == Sample(1, project="LOCAL_INFRA", pcode="35")


HTML = b"<!DOCTYPE html><html><body>Login</body></html>"
REFUSED = {
    "empty": b"",
    "HTML": HTML,
    "truncated": b'{"pname":"LOCAL_INFRA","values":{"h-db-prx-01": 2.8',
    "not UTF-8": b'{"pname":"\xff"}',
    "a list": [],
    "a number": b"57",
    "a text": "maintenance",
    "null": None,
    "no container": {"pname": "LOCAL_INFRA"},
    "container is null": {"pname": "LOCAL_INFRA", "values": None, "data": None, "servers": None},
    "error": {"error": "quota exceeded for kim@whatap.example"},
    "err": {"err": "x"},
    "errorMessage": {"errorMessage": "x"},
    "nested error": {"error": {"message": "quota exceeded"}},
    "message": {"message": "quota exceeded"},
    "msg": {"msg": "quota exceeded", "code": 7},
    "error list": [{"ok": 1}, {"error": "quota exceeded"}],
    "error beside data": {"pname": "x", "values": {"a": 1}, "servers": [], "data": [], "error": "partial failure"},
    "wrong container": {"pname": "x", "values": [[1]], "data": {"a": 1}, "servers": "none"},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("path", sorted(set(ANSWERS) - {"/open/json/sm_servers"}))
def test_what_is_no_answer_is_refused_whole(path: str, body: object) -> None:
    measured = next(m for m in WHATAP.metrics if path in _paths_of(m.name))
    outcome = _outcome(measured.name, {path: body})
    if isinstance(outcome, list):
        assert outcome
        assert all(sample.is_missing for sample in outcome)
        assert not any("@" in sample.reason for sample in outcome)
    else:
        assert isinstance(outcome, ParseError)
        assert "@" not in str(outcome)


def _outcome(name: str, answers: dict[str, object]) -> list[Sample] | SourceError:
    try:
        return samples(name, answers)
    except SourceError as error:
        return error


def _paths_of(name: str) -> set[str]:
    vendor = Vendor()
    asked = metric(name)
    query = asked.dataset.query_type()
    play(asked.dataset.flow(settings_for(asked), query), vendor, NOW)
    return {request.shown_url().removeprefix(request.base_url).partition("?")[0] for request in vendor.asked[-1:]} | {
        request.path for request in vendor.asked
    }


@pytest.mark.parametrize("body", [REFUSED[name] for name in REFUSED if name != "wrong container"])
def test_a_server_list_that_is_no_answer_is_refused(body: object) -> None:
    with pytest.raises(ParseError):
        samples("server_status", {"/open/json/sm_servers": body})


def test_an_error_row_among_the_servers_is_refused() -> None:
    rows = [*ANSWERS["/open/json/sm_servers"]["values"], {"error": "too many requests"}]
    with pytest.raises(ParseError, match="too many requests"):
        samples("server_status", {"/open/json/sm_servers": {"values": rows}})


def test_an_error_text_where_hosts_should_be_is_refused() -> None:
    with pytest.raises(ParseError, match="no such project"):
        samples("cpu", {"/open/json/infra_cpu": {"pname": "x", "values": {"message": "no such project"}}})


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 302])
def test_a_failing_call_fails_the_dataset_of_a_project(status: int) -> None:
    with pytest.raises(SourceError, match=str(status)):
        samples("cpu", {"/open/json/infra_cpu": status})


def test_a_failing_list_of_servers_fails_the_time_series() -> None:
    with pytest.raises(LoginError):
        samples("cpu_avg", {"/open/json/sm_servers": 401})


@pytest.mark.parametrize(
    "more",
    [{"version": 9}, *({key: empty} for key in ("error", "msg") for empty in (None, "", " ", False, 0, [], {}))],
    ids=str,
)
def test_extra_members_are_ignored_and_so_is_an_empty_error(more: dict[str, object]) -> None:
    answer = {**ANSWERS["/open/json/infra_cpu"], **more}
    assert len(samples("cpu", {"/open/json/infra_cpu": answer})) == 2


#: What may stand in an answer that has its data all the same, and what is said of it.
ERRORS = {
    "error": ({"error": "partial failure"}, "partial failure"),
    "err": ({"err": "partial failure"}, "partial failure"),
    "errorMessage": ({"errorMessage": "partial failure"}, "partial failure"),
    "error_message": ({"error_message": "partial failure"}, "partial failure"),
    "msg": ({"msg": "Too Many Requests", "code": 429}, "Too Many Requests"),
    "message": ({"message": "welcome"}, "welcome"),
    "an empty one first": ({"error": "", "msg": "Too Many Requests"}, "Too Many Requests"),
    "an object": ({"error": {"message": "quota exceeded"}}, "quota exceeded"),
    "an object without words": ({"error": {"code": 7}}, "an object with code"),
    "a list": ({"error": ["a", "b"]}, "a list of 2"),
    "a number": ({"error": 429}, "429"),
    "yes": ({"error": True}, "True"),
    "an e-mail address": ({"message": "kim@whatap.example may not"}, r"\(e-mail\) may not"),
    "a token": ({"message": f"token {TOKEN} expired"}, r"token \*\*\* expired"),
}


@pytest.mark.parametrize(("more", "said"), ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("path", ANSWERS)
def test_an_error_beside_the_data_refuses_it(path: str, more: dict[str, object], said: str) -> None:
    measured = next(m for m in WHATAP.metrics if path in _paths_of(m.name))
    outcome = _outcome(measured.name, {path: {**ANSWERS[path], **more}})
    text = str(outcome) if isinstance(outcome, SourceError) else only(outcome).reason
    assert re.fullmatch(f"(parse: )?WhaTap answered with an error: {said}", text)


#: Where rows stand in the answers that have some.
ROWS: dict[str, tuple[str | int, ...]] = {
    "/open/api/json/projects": ("data",),
    "/open/api/json/project/35/members": ("data",),
    "/open/api/json/groups": ("data",),
    "/open/api/json/group/G1/members": ("data",),
    "/open/json/project": ("values", "servers"),
    "/open/json/infra_disk_iops": ("values",),
    "/open/json/sm_proc": ("values", "h-db-prx-01"),
    "/open/json/sm_servers": ("values",),
    "/open/json/sm": ("values", "servers"),
    "/open/json/stat/sm_stat": ("servers", 0, "timeData"),
}


@pytest.mark.parametrize("whole", [False, True], ids=["an error alone", "an error beside data"])
@pytest.mark.parametrize(("path", "place"), ROWS.items(), ids=ROWS)
def test_an_error_in_a_row_refuses_all_rows(path: str, place: tuple[str | int, ...], whole: bool) -> None:
    answer = copy.deepcopy(ANSWERS[path])
    rows = answer
    for step in place:
        rows = rows[step]
    if isinstance(rows, list):
        rows.append({**(rows[0] if whole else {}), "error": "too many requests"})
        if "total" in answer:
            answer["total"] = len(rows)
    else:
        rows["another"] = {**(rows["h-db-prx-01"] if whole else {}), "error": "too many requests"}
    measured = next(m for m in WHATAP.metrics if path in _paths_of(m.name))
    outcome = _outcome(measured.name, {path: answer})
    text = str(outcome) if isinstance(outcome, SourceError) else only(outcome).reason
    assert text.removeprefix("parse: ") == "WhaTap answered with an error: too many requests"


@pytest.mark.parametrize("path", ANSWERS)
def test_a_partial_answer_that_nobody_asked_for_is_refused(path: str) -> None:
    measured = next(m for m in WHATAP.metrics if path in _paths_of(m.name))
    outcome = _outcome(measured.name, {path: Response(status=206, body=json.dumps(ANSWERS[path]).encode())})
    text = outcome.sentence if isinstance(outcome, SourceError) else only(outcome).reason
    assert text == "read: HTTP 206: only a part of the answer came, and the whole was asked for"


def test_a_project_without_a_name_is_called_by_its_code() -> None:
    found = samples("cpu", {"/open/json/infra_cpu": {"values": {"a": 1}}})
    assert only(found) == Sample(1, host="a", project="35", pcode="35")
