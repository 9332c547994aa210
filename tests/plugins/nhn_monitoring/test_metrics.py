"""What a source measures: against the simulated service, and for answers that tables give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from checkmill.api.v1 import (
    Answer,
    App,
    Asked,
    ConfigurationError,
    ConnectError,
    Exchange,
    NoQuery,
    ParseError,
    Request,
    Response,
    Sample,
    Secret,
    SourceError,
    State,
    World,
)
from checkmill.testing import play, vendor
from checkmill_nhn_monitoring import checkmill_commands, checkmill_sources
from checkmill_nhn_monitoring.commands import COMMANDS
from checkmill_nhn_monitoring.metrics import NHN_MONITORING
from checkmill_nhn_monitoring.sandbox import APPKEY, PRODUCT_APPKEY, SANDBOX, UNKNOWN_SCENARIO, WATCHED
from checkmill_nhn_monitoring.sandbox.shop import CHECKOUT, FRONT, LOGIN, ORDERS, PORT, SEARCH
from checkmill_nhn_monitoring.settings import Settings
from plugins.nhn_monitoring.documented import API_BODY, API_ID, BAD, TCP_BODY, TCP_ID, Vendor, answer, changed, settings

NOON = 1_795_000_000.0  # 2026-11-18T11:06:40Z
CHANGED_AT = 1_599_122_941.197  # 2020-09-03T08:49:01.197+0000


def source(scenarios: Any = WATCHED, **more: Any) -> Settings:
    keys = {"appkey": Secret(APPKEY), "product_appkey": Secret(PRODUCT_APPKEY)}
    return Settings(**{**keys, "base_url": "http://127.0.0.1/nhn-monitoring", "scenarios": scenarios, **more})


def measured(
    name: str, asked: Settings, respond: Callable[[Request], Response], at: float, converse: Any = None
) -> Any:
    metric = NHN_MONITORING.metric(name)
    assert metric is not None
    payload = play(metric.dataset.flow(asked, NoQuery()), respond, at, converse=converse)
    return list(metric.samples(payload, NoQuery()))


class Shop:
    """The simulated service at a moment, its port included."""

    def __init__(self, at: float = NOON) -> None:
        self.at = at
        self.app: App = SANDBOX.start(World(lambda: at))

    def converse(self, call: Exchange) -> bytes:
        method, path, _ = call.payload.decode().split("\r\n")[0].split(" ")
        given = self.app(Asked(method=method, path=path))
        whole = f"HTTP/1.1 {given.status} OK\r\n\r\n".encode() + given.sent_body()
        return whole[: call.read_bytes(whole) if callable(call.read_bytes) else call.read_bytes]

    def samples(self, name: str, asked: Settings | None = None) -> list[Sample]:
        found = measured(name, asked or source(), vendor(self.app), self.at, self.converse)
        assert isinstance(found, list)
        return found


def by_name(samples: list[Sample]) -> dict[str, Any]:
    return {sample.labels["scenario"]: sample.value for sample in samples}


def reasons(samples: list[Sample]) -> dict[str, str]:
    return {sample.labels.get("scenario", ""): sample.reason for sample in samples}


def test_the_hooks_give_the_source_and_its_commands() -> None:
    assert list(checkmill_sources()) == [NHN_MONITORING]
    assert list(checkmill_commands()) == list(COMMANDS)
    assert {metric.name for metric in NHN_MONITORING.metrics} >= {
        "failed_scenarios",
        "scenario",
        "scenario_status",
        "scenario_response_time",
    }


# Verdicts


def test_each_scenario_passes_or_fails_with_the_reason() -> None:
    samples = Shop().samples("scenario")
    assert [sample.labels for sample in samples] == [{"scenario": name, "id": id_} for name, id_ in WATCHED.items()]
    words = by_name(samples)
    assert words["orders"] == "failed"
    assert {words[name] for name in ("front", "login", "feed", "port")} == {"passed"}
    assert "503" in reasons(samples)["orders"]


def test_a_scenario_passes_and_fails_over_time() -> None:
    words = {by_name(Shop(NOON + 600 * step).samples("scenario"))["search"] for step in range(30)}
    assert words == {"passed", "failed"}


def test_the_number_of_failed_scenarios_names_them() -> None:
    (sample,) = Shop().samples("failed_scenarios", source({"front": FRONT, "orders": ORDERS}))
    assert (sample.value, sample.labels) == (1, {})
    assert sample.reason.startswith("orders (HTTP 503")
    assert Shop().samples("failed_scenarios", source({"front": FRONT})) == [Sample(0)]


@pytest.mark.parametrize("scenario", [CHECKOUT, UNKNOWN_SCENARIO])
def test_what_cannot_be_carried_out_is_missing_and_never_well(scenario: str) -> None:
    (missing,) = Shop().samples("failed_scenarios", source({"front": FRONT, "odd": scenario}))
    assert missing.is_missing
    assert missing.reason.startswith("1 of 2 scenarios not carried out: odd (")
    number, beside = Shop().samples("failed_scenarios", source({"orders": ORDERS, "odd": scenario}))
    assert (number.value, beside.is_missing) == (1, True)
    sample = next(one for one in Shop().samples("scenario", source({"f": FRONT, "odd": scenario})) if one.is_missing)
    assert sample.labels == {"scenario": "odd", "id": scenario}
    time = next(one for one in Shop().samples("scenario_response_time", source({"odd": scenario, "f": FRONT})))
    assert time.is_missing


def test_a_browser_is_said_to_be_needed() -> None:
    (sample,) = Shop().samples("scenario", source({"checkout": CHECKOUT}))
    assert sample.is_missing
    assert "browser" in sample.reason


def test_hosts_that_are_not_allowed_are_not_contacted() -> None:
    asked = source({"front": FRONT}, base_url="http://nhn.example/nhn-monitoring")
    (sample,) = Shop().samples("scenario", asked)
    assert sample.is_missing
    assert "not in the list of hosts that may be contacted" in sample.reason
    asked = source({"front": FRONT}, base_url="http://nhn.example/nhn-monitoring", allow="127.0.0.0/8")
    assert by_name(Shop().samples("scenario", asked)) == {"front": "passed"}


def test_a_refused_connection_is_a_failed_scenario() -> None:
    def refusing(call: Exchange) -> bytes:
        raise ConnectError(f"no connection to {call.where}: connection refused")

    shop = Shop()
    (sample,) = measured("scenario", source({"port": PORT}), vendor(shop.app), NOON, refusing)
    assert sample.value == "failed"
    assert "connection refused" in sample.reason
    (time,) = measured("scenario_response_time", source({"port": PORT}), vendor(shop.app), NOON, refusing)
    assert time.is_missing
    assert time.reason.startswith("no answer: ")


def test_no_key_of_the_source_goes_to_a_scenarios_host() -> None:
    shop, asked = Shop(), []

    def watching(request: Request) -> Response:
        if "/open-api/" not in request.url():
            asked.append(request)
        return vendor(shop.app)(request)

    measured("scenario", source({"front": FRONT, "login": LOGIN}), watching, NOON, shop.converse)
    assert len(asked) == 2
    for request in asked:
        sent = repr(request.sent_headers()) + request.url() + repr(request.sent_body())
        assert APPKEY not in sent
        assert PRODUCT_APPKEY not in sent


def test_response_times_are_of_what_answered() -> None:
    samples = Shop().samples("scenario_response_time")
    assert {sample.labels["scenario"] for sample in samples} == set(WATCHED)
    assert all(isinstance(sample.value, float) and sample.value >= 0 for sample in samples)


# Definitions


def test_what_nhn_says_of_each_scenario() -> None:
    words = by_name(Shop().samples("scenario_status"))
    assert words == {**dict.fromkeys(WATCHED, "enable"), "orders": "temporary"}
    metric = NHN_MONITORING.metric("scenario_status")
    assert metric is not None
    assert metric.states == {"enable": State.OK, "temporary": State.WARNING, "*": State.UNKNOWN}


def test_the_figures_of_definitions() -> None:
    shop = Shop()
    assert by_name(shop.samples("scenario_interval"))["login"] == 300
    assert by_name(shop.samples("scenario_interval"))["front"] == 60
    assert by_name(shop.samples("scenario_interval"))["orders"] is None
    assert by_name(shop.samples("scenario_timeout"))["front"] == 3.0
    assert by_name(shop.samples("scenario_timeout"))["search"] is None
    assert by_name(shop.samples("tolerated_errors")) == {**dict.fromkeys(WATCHED, 0), "search": 2}
    assert by_name(shop.samples("scenario_regions")) == {**dict.fromkeys(WATCHED, 1), "login": 2}
    assert by_name(shop.samples("scenario_exists")) == dict.fromkeys(WATCHED, "exists")
    assert all(value > 0 for value in by_name(shop.samples("scenario_age")).values())


def figures(name: str, body: dict[str, Any], at: float = NOON) -> Sample:
    (sample,) = measured(name, settings(scenarios=(API_ID,)), Vendor(answer(body)), at)
    assert isinstance(sample, Sample)
    assert sample.labels == {"scenario": API_ID, "id": API_ID}
    return sample


@pytest.mark.parametrize(
    ("name", "changes", "value"),
    [
        ("scenario_status", {}, "temporary"),
        ("scenario_status", {"status": "enable"}, "enable"),
        ("scenario_status", {"status": "a\nb|;"}, "a b|;"),
        ("scenario_interval", {}, 60),
        ("scenario_interval", {"monitoringInterval": 30}, 30),
        ("scenario_interval", {"monitoringCron": "0/30 * * * * ? *"}, 30),
        ("scenario_interval", {"monitoringInterval": 0}, 0),
        ("scenario_timeout", {"validation": {"timeout": 1500}}, 1.5),
        ("tolerated_errors", {"errorLimitCount": 3}, 3),
        ("scenario_regions", {"monitoringRegion": ["KOR", "US", "KOR"]}, 2),
    ],
)
def test_a_figure_of_a_definition(name: str, changes: dict[str, Any], value: Any) -> None:
    assert figures(name, changed(API_BODY, **changes)).value == value


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("scenario_status", {"status": ...}, "NHN says no status"),
        ("scenario_status", {"status": " "}, "NHN says no status"),
        ("scenario_interval", {"monitoringCron": ...}, "no interval"),
        ("scenario_interval", {"monitoringCron": "7 0 9 ? * 2 *"}, "no interval, and the cron is '7 0 9 ? * 2 *'"),
        ("scenario_timeout", {}, "no timeout is set"),
        ("scenario_timeout", {"validation": {"timeout": 0}}, "no timeout is set"),
        ("scenario_timeout", {"validation": {"timeout": float("nan")}}, "no timeout is set"),
        ("tolerated_errors", {"errorLimitCount": ...}, "NHN says no errorLimitCount"),
        ("scenario_regions", {"monitoringRegion": ...}, "NHN says no monitoringRegion"),
        ("scenario_age", {"amendedTime": ...}, "NHN says no time of change"),
        ("scenario_age", {"amendedTime": "yesterday"}, "NHN says no time of change"),
        ("scenario_age", {"amendedTime": "2020-02-31T00:00:00.000+0000"}, "NHN says no time of change"),
        ("scenario_age", {"amendedTime": "2026-11-18T12:06:40.000+0000"}, "its time of change is 3600s in the future"),
    ],
)
def test_a_figure_that_is_not_there_is_missing(name: str, changes: dict[str, Any], reason: str) -> None:
    sample = figures(name, changed(API_BODY, **changes))
    assert (sample.is_missing, sample.reason) == (True, reason)


@pytest.mark.parametrize(
    ("changes", "at", "age_s"),
    [
        ({}, CHANGED_AT + 90, 90.0),
        ({}, CHANGED_AT - 30, 0.0),
        ({"amendedTime": ..., "registeredTime": "2020-09-03T08:49:01.197+0000"}, CHANGED_AT + 5, 5.0),
        ({"registeredTime": "2019-01-01T00:00:00.000+0000"}, CHANGED_AT, 0.0),
    ],
)
def test_the_age_is_that_of_the_last_change(changes: dict[str, Any], at: float, age_s: float) -> None:
    assert figures("scenario_age", changed(API_BODY, **changes), at).value == pytest.approx(age_s)


@pytest.mark.parametrize(
    "changes",
    [
        {"errorLimitCount": True},
        {"errorLimitCount": -1},
        {"errorLimitCount": "0"},
        {"errorLimitCount": 1 << 70},
        {"monitoringInterval": 30.5},
        {"monitoringInterval": "30"},
        {"monitoringRegion": "KOR"},
        {"monitoringRegion": [5]},
        {"status": 5},
        {"validation": []},
        {"validation": {"timeout": "5000"}},
        {"validation": {"responseCodes": {"200": 1}}},
    ],
    ids=repr,
)
def test_a_definition_of_the_wrong_types_gives_no_value_at_all(changes: dict[str, Any]) -> None:
    body = changed(API_BODY, **changes)
    for metric in NHN_MONITORING.metrics:
        with pytest.raises(ParseError):
            measured(metric.name, settings(scenarios=(API_ID,)), Vendor(answer(body)), NOON)


# Failures


def test_one_failing_scenario_does_not_hurt_the_others() -> None:
    vendor_ = Vendor(answer(API_BODY), ConnectError("refused"))
    samples = measured("scenario_status", settings(scenarios={"a": API_ID, "b": TCP_ID}), vendor_, NOON)
    assert by_name(samples) == {"a": "temporary", "b": None}
    assert reasons(samples)["b"] == "connect: refused"


@pytest.mark.parametrize(
    "failure",
    [ConnectError("refused"), answer(API_BODY, status=500), Response(status=200, body=b"<html>"), answer([])],
    ids=["connect", "500", "HTML", "no scenario"],
)
@pytest.mark.parametrize("metric", NHN_MONITORING.metrics, ids=lambda one: one.name)
def test_a_source_that_answers_nothing_fails_as_a_whole(metric: Any, failure: Any) -> None:
    with pytest.raises(SourceError):
        measured(metric.name, settings(scenarios={"a": API_ID, "b": TCP_ID}), Vendor(failure), NOON)


def test_a_scenario_is_absent_where_nhn_says_so() -> None:
    samples = measured("scenario_exists", settings(scenarios={"a": API_ID}), Vendor(answer(None, BAD)), NOON)
    assert by_name(samples) == {"a": "absent"}
    assert reasons(samples)["a"] == f"refused: NHN says of scenario {API_ID}: scenario is not found (code -404)"


@pytest.mark.parametrize("message", ["no", "APPKEY NOT FOUND", "product appkey is not valid"])
def test_a_refusal_of_all_is_about_the_keys_and_no_verdict(message: str) -> None:
    refusal = answer(None, {"isSuccessful": False, "resultCode": -1, "resultMessage": message})
    with pytest.raises(SourceError, match=message):
        measured("scenario_exists", settings(scenarios={"a": API_ID, "b": TCP_ID}), Vendor(refusal), NOON)


def test_a_failure_that_is_no_refusal_does_not_make_a_scenario_absent() -> None:
    failing = Vendor(answer(API_BODY), ConnectError("refused"))
    samples = measured("scenario_exists", settings(scenarios={"a": API_ID, "b": TCP_ID}), failing, NOON)
    assert by_name(samples) == {"a": "exists", "b": None}


@pytest.mark.parametrize("metric", NHN_MONITORING.metrics, ids=lambda one: one.name)
def test_a_source_that_watches_nothing_says_so(metric: Any) -> None:
    with pytest.raises(ConfigurationError, match="no scenario is watched; write their ids under 'scenarios'"):
        measured(metric.name, settings(), Vendor(answer(API_BODY)), NOON)


# The inventory


def test_the_inventory_is_what_is_watched_with_type_and_regions() -> None:
    inventory = NHN_MONITORING.inventory
    assert inventory is not None
    shop = Shop()
    payload = play(inventory.dataset.flow(source(), NoQuery()), vendor(shop.app), NOON)
    entities = list(inventory.entities(payload, NoQuery()))
    assert entities[0] == {"scenario": "front", "id": FRONT, "type": "API", "region": ("KOR",)}
    assert entities[1] == {"scenario": "login", "id": LOGIN, "type": "API", "region": ("US", "KOR")}
    assert entities[-1] == {"scenario": "port", "id": PORT, "type": "TCP", "region": ("KOR",)}
    assert len(entities) == len(WATCHED)


def test_a_definition_that_cannot_be_read_is_a_gap_in_the_inventory() -> None:
    inventory = NHN_MONITORING.inventory
    assert inventory is not None
    flow = inventory.dataset.flow(settings(scenarios={"a": API_ID, "b": TCP_ID}), NoQuery())
    payload = play(flow, Vendor(answer(API_BODY), answer(changed(TCP_BODY, port="x"))), NOON)
    entity, gap = inventory.entities(payload, NoQuery())
    assert isinstance(entity, dict)
    assert isinstance(gap, Sample)
    assert gap.labels == {"scenario": "b", "id": TCP_ID}
    assert gap.is_missing


def test_two_scenarios_are_asked_for_side_by_side() -> None:
    asked: list[str] = []
    shop = Shop()

    def app(request: Asked) -> Answer:
        asked.append(request.path)
        return shop.app(request)

    measured("scenario_status", source({"a": FRONT, "b": SEARCH}), vendor(app), NOON)
    assert len(asked) == 2
