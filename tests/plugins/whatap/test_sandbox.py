"""The imitation of WhaTap: the same world gives the same answers, every state can be seen, and it refuses."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from checkmill.api.v1 import Answer, App, Asked, Sample, Secret, SourceError, State, World
from checkmill.testing import play, vendor
from checkmill_whatap.metrics import WHATAP
from checkmill_whatap.metrics_counts import PROJECT_STATES
from checkmill_whatap.sandbox import SANDBOX
from checkmill_whatap.sandbox.fleet import PROJECTS
from checkmill_whatap.settings import Settings

NOW = 1_720_000_123.0
TOKEN = str(SANDBOX.settings["token"])
ACCOUNT = str(SANDBOX.settings["account_token"])
PCODE = str(SANDBOX.settings["pcode"])
OWN = {"x-whatap-token": TOKEN, "x-whatap-pcode": PCODE}
ACCOUNT_ONLY = {"projects", "project_status", "project_members", "groups", "group_members"}
PERIOD = {"stime": "1720000000000", "etime": "1720000300000"}


def _app(at: float = NOW, seed: int = 1) -> App:
    return SANDBOX.start(World(clock=lambda: at, seed=seed))


def _ask(path: str, headers: Mapping[str, str] = OWN, at: float = NOW, seed: int = 1, **params: str) -> Answer:
    return _app(at, seed)(Asked(method="GET", path=path, headers=dict(headers), params=params))


def _one(**more: Any) -> Settings:
    return Settings(**{"pcode": int(PCODE), "token": Secret(TOKEN), **more})


def _all() -> Settings:
    return Settings(account_token=Secret(ACCOUNT))


def _samples(name: str, settings: Settings, at: float = NOW, seed: int = 1) -> list[Sample]:
    metric = WHATAP.metric(name)
    assert metric is not None
    query = metric.dataset.query_type()
    return list(metric.samples(play(metric.dataset.flow(settings, query), vendor(_app(at, seed)), at), query))


@pytest.mark.parametrize("metric", WHATAP.metrics, ids=lambda m: m.name)
def test_every_metric_has_values_in_the_sandbox(metric: Any) -> None:
    for settings in [_all()] if metric.name in ACCOUNT_ONLY else [_one(), _all()]:
        found = _samples(metric.name, settings)
        good = [sample for sample in found if not sample.is_missing]
        assert good
        assert all(set(sample.labels) == set(metric.labels) for sample in good)
        assert {s.labels["host"] for s in found if s.is_missing} <= {"web-4"}


@pytest.mark.parametrize("name", ["cpu", "disk_used", "cpu_avg", "process_memory"])
def test_the_same_world_gives_the_same_values(name: str) -> None:
    assert _samples(name, _one()) == _samples(name, _one())
    assert _samples(name, _one()) != _samples(name, _one(), at=NOW + 600)
    assert _samples(name, _one()) != _samples(name, _one(), seed=2)


def test_every_state_can_be_seen() -> None:
    words = {str(sample.value) for sample in _samples("server_status", _one())}
    assert words == {"ok", "warning", "fatal", "inactive"}
    hot = {s.labels["host"] for s in _samples("cpu", _one()) if isinstance(s.value, float) and s.value > 90}
    full = {s.labels["mount"] for s in _samples("disk_used", _one()) if isinstance(s.value, float) and s.value > 95}
    assert (hot, full) == ({"batch-1"}, {"/data"})
    assert _samples("inactive_agents", _one()) == [Sample(1, project="shop", pcode=PCODE)]
    assert any("서울" in s.labels["host"] for s in _samples("cpu", _one()))
    states = {PROJECT_STATES[str(s.value)] for s in _samples("project_status", _all())}
    assert states == {State.OK, State.WARNING}


def test_snapshot_and_list_agree() -> None:
    by_host = {s.labels["host"]: s.value for s in _samples("cpu", _one())}
    snapshot = {s.labels["host"]: s.value for s in _samples("cpu_used", _one()) if not s.is_missing}
    assert snapshot == pytest.approx(by_host)


def test_any_project_code_is_some_project() -> None:
    found = _samples("cpu", _one(pcode=777))
    assert {s.labels["project"] for s in found} == {"project-777"}
    assert [s.value for s in found] != [s.value for s in _samples("cpu", _one())]


def test_an_account_reads_its_projects_with_servers() -> None:
    assert {s.labels["project"] for s in _samples("hosts", _all())} == {p.name for p in PROJECTS[:4]}
    assert _samples("projects", _all()) == [Sample(6)]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/open/json/infra_cpu", {}, 401),
        ("/open/json/infra_cpu", {"x-whatap-token": "WRONG", "x-whatap-pcode": PCODE}, 401),
        ("/open/json/infra_cpu", {"x-whatap-token": TOKEN}, 400),
        ("/open/json/infra_cpu", {"x-whatap-token": TOKEN, "x-whatap-pcode": "shop"}, 400),
        ("/open/json/infra_cpu", {"x-whatap-token": ACCOUNT, "x-whatap-pcode": PCODE}, 403),
        ("/open/json/infra_cpu", {"x-whatap-token": PROJECTS[1].token, "x-whatap-pcode": PCODE}, 403),
        ("/open/json/infra_cpu", {"x-whatap-token": PROJECTS[1].token, "x-whatap-pcode": "999"}, 403),
        ("/open/api/json/projects", {}, 401),
        ("/open/api/json/projects", {"x-whatap-token": "WRONG"}, 401),
        ("/open/api/json/projects", {"x-whatap-token": TOKEN}, 403),
        ("/open/api/json/projects", {"x-whatap-token": PROJECTS[1].token}, 403),
        ("/open/api/json/project/999/members", {"x-whatap-token": ACCOUNT}, 403),
        ("/open/api/json/group/none/members", {"x-whatap-token": ACCOUNT}, 403),
        ("/open/api/json/other", {"x-whatap-token": ACCOUNT}, 404),
        ("/open/json/other", OWN, 404),
        ("/", {}, 404),
        ("/open/json/stat/sm_stat", OWN, 400),
    ],
)
def test_it_refuses_what_the_vendor_refuses(path: str, headers: dict[str, str], status: int) -> None:
    answer = _ask(path, headers)
    assert answer.status == status
    assert "error" in json.loads(answer.sent_body())


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({**PERIOD}, 200),
        ({**PERIOD, "filter": "s5"}, 200),
        ({**PERIOD, "filter": "h1", "oid": "-5"}, 200),
        ({"stime": PERIOD["stime"]}, 400),
        ({"etime": PERIOD["etime"]}, 400),
        ({"stime": PERIOD["stime"], "etime": "1720003600000"}, 200),
        ({"stime": PERIOD["stime"], "etime": "1720003600001"}, 400),
        ({"stime": PERIOD["etime"], "etime": PERIOD["stime"]}, 400),
        ({"stime": "-1", "etime": "5"}, 400),
        ({**PERIOD, "filter": "d1"}, 400),
        ({**PERIOD, "oid": "web-1"}, 400),
    ],
)
def test_the_time_series_need_a_period_of_an_hour_at_most(params: dict[str, str], status: int) -> None:
    assert _ask("/open/json/stat/sm_stat", **params).status == status


def test_it_answers_get_alone() -> None:
    assert _app()(Asked(method="POST", path="/open/json/infra_cpu", headers=OWN)).status == 405


def test_a_wrong_token_fails_the_fetch() -> None:
    with pytest.raises(SourceError, match="401"):
        _samples("cpu", _one(token=Secret("WRONGTOKEN")))


def test_nothing_of_a_person_reaches_a_sample() -> None:
    shown = "".join(repr(_samples(metric.name, _all())) for metric in WHATAP.metrics)
    assert "@" not in shown
    assert ACCOUNT not in shown
    assert not any(project.token in shown for project in PROJECTS)
    assert "Minji" not in shown
