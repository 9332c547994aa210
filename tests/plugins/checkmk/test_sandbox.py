"""The imitation of a Checkmk site: it answers in the very shape, refuses what a site refuses, and has a calendar."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from checkmill.api.v1 import Answer, App, Asked, LoginError, ParseError, Sample, Secret, SourceError, World
from checkmill.testing import play, vendor
from checkmill_checkmk import calls
from checkmill_checkmk import settings as configured
from checkmill_checkmk.metrics import CHECKMK
from checkmill_checkmk.periods import Period
from checkmill_checkmk.sandbox import SANDBOX, calendar
from checkmill_checkmk.sandbox.estate import OUTSIDER, OUTSIDER_SECRET, PERSON, PERSON_SECRET, SECRET, SERVICES, USER

#: A Wednesday.
NOW = 1_720_000_123.0
PATH = "/check_mk/webapi.py"
QUERY = '{"query": [[["gold"], ["sla:1:0"], [["web-1", "CPU load"]]]]}'
GOOD = {
    "action": "get_sla",
    "_username": USER,
    "_secret": SECRET,
    "request_format": "json",
    "output_format": "python",
    "request": QUERY,
}


def _app(at: float = NOW, seed: int = 1) -> App:
    return SANDBOX.start(World(clock=lambda: at, seed=seed))


def _ask(at: float = NOW, seed: int = 1, path: str = PATH, **changes: str | None) -> Answer:
    form = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return _app(at, seed)(Asked(method="POST", path=path, body=urlencode(form).encode()))


def _said(answer: Answer) -> Any:
    """The envelope of an answer; text of Python as of JSON."""
    text = answer.sent_body().decode()
    return json.loads(text) if answer.json is not None else ast.literal_eval(text)


def _settings(**more: Any) -> configured.Settings:
    every = tuple(sorted({(one.host, one.name) for one in SERVICES}))
    given = {"username": USER, "secret": Secret(SECRET), "sla": ("gold", "silver"), "services": every, **more}
    return configured.Settings(**given)


def _samples(name: str, at: float = NOW, seed: int = 1, given: Any = None, **query: Any) -> list[Sample]:
    metric = CHECKMK.metric(name)
    assert metric is not None
    how = configured.SlaQuery(**query)
    payload = play(metric.dataset.flow(given or _settings(), how), vendor(_app(at, seed)), at)
    return list(metric.samples(payload, how))


@pytest.mark.parametrize("metric", CHECKMK.metrics, ids=lambda one: one.name)
def test_every_metric_has_values_in_the_sandbox(metric: Any) -> None:
    found = _samples(metric.name, period="sla:1:1")
    assert [one for one in found if not one.is_missing]


@pytest.mark.parametrize("name", ["sla_broken", "sla_deviation", "sla_state_percentage"])
def test_the_same_world_gives_the_same_values(name: str) -> None:
    assert _samples(name) == _samples(name)
    assert _samples(name, at=NOW + 60) == _samples(name), "a week that is over stays as it was"
    assert _samples(name, at=NOW + 7 * 86400) != _samples(name)


def test_the_running_week_moves_and_the_seed_counts() -> None:
    now = _samples("sla_deviation", period="sla:0:0", open="judge")
    assert _samples("sla_deviation", at=NOW + 900, period="sla:0:0", open="judge") != now
    assert _samples("sla_deviation", seed=2) != _samples("sla_deviation")


def test_some_slas_are_broken_and_others_are_not() -> None:
    verdicts = {(one.labels["host"], one.labels["service"]): one.value for one in _samples("sla_broken", sla="gold")}
    assert verdicts[("web-2", "HTTP checkout")] == "broken"
    assert verdicts[("web-1", "HTTP checkout")] == "fulfilled"
    words = {one.value for one in _samples("sla_deviation_state", sla=("gold", "nothing"))}
    assert {"ok", "crit", "unset"} <= words


def test_one_service_is_watched_by_two_sites_and_the_old_one_writes_as_python_2_did() -> None:
    found = _samples("sla_broken", sla="gold", services=(("gateway", "PING"), ("lager-1", "Größe der Warteschlange")))
    assert [(one.labels["site"], one.labels["host"]) for one in found] == [
        ("branch", "gateway"),
        ("central", "gateway"),
        ("branch", "lager-1"),
    ]
    pairs = '[["gateway", "PING"], ["lager-1", "Größe der Warteschlange"]]'
    text = _ask(request=QUERY.replace('[["web-1", "CPU load"]]', pairs)).sent_body().decode()
    assert "u'gateway'" in text
    assert "'Gr\\xc3\\xb6\\xc3\\x9fe der Warteschlange'" in text


def test_the_answer_has_tuples_for_keys_in_an_order_that_changes() -> None:
    envelope = _said(_ask())
    assert envelope["result_code"] == 0
    ((key, row),) = envelope["result"]["central"]["web-1"]["CPU load"].items()
    assert key == (("web-1", "CPU load"), "gold", ("sla_period_range", (1, 0)), "weekly")
    assert {"sla_id", "sla_period", "plugin_results"} == set(row)
    kinds = [one["plugin_id"] for one in row["plugin_results"]]
    assert kinds == ["service_state_percentage", "service_state_percentage", "service_outage_count"]
    assert "statistics" not in row["plugin_results"][2]["period_results"][0]
    texts = [_ask(at=NOW + 60 * minute).sent_body().decode() for minute in range(5)]
    assert len(set(texts)) > 1
    assert all(ast.literal_eval(text) == envelope for text in texts)


def test_states_that_did_not_occur_are_not_in_the_answer() -> None:
    request = QUERY.replace('["web-1", "CPU load"]', '["batch-1", "Nightly job"]')
    (row,) = _said(_ask(request=request))["result"]["central"]["batch-1"]["Nightly job"].values()
    assert row["plugin_results"][0]["period_results"][0]["statistics"]["percentage"] == {-1: 100.0}


def test_the_running_period_ends_with_the_question_in_whole_seconds() -> None:
    request = QUERY.replace("sla:1:0", "sla:0:1")
    (row,) = _said(_ask(request=request))["result"]["central"]["web-1"]["CPU load"].values()
    closed, running = row["plugin_results"][0]["period_results"]
    assert running["timerange"] == (closed["timerange"][1], int(NOW))
    assert isinstance(running["timerange"][1], int)
    assert running["duration"] == running["timerange"][1] - running["timerange"][0]


@pytest.mark.parametrize("known", [["web-1", "no such service"], ["no such host", "CPU load"]])
def test_what_the_site_does_not_know_is_not_in_the_answer(known: list[str]) -> None:
    assert _said(_ask(request=QUERY.replace('["web-1", "CPU load"]', json.dumps(known))))["result"] == {}
    assert _said(_ask(request=QUERY.replace("gold", "no-such-sla")))["result"] == {}


@pytest.mark.parametrize(
    "code", ["d0", "d1", "w0", "w1", "m0", "m1", "y0", "y1", "last:864000", "range:1719000000:1719900000"]
)
def test_every_time_range_is_answered(code: str) -> None:
    found = _samples("sla_broken", sla="bronze", services=(("web-1", "CPU load"),), period=code, open="judge")
    assert found
    assert all(one.value == "fulfilled" for one in found)
    numbers = [int(one.labels["period"].rpartition(" ")[2]) for one in found]
    assert numbers == list(range(1, len(found) + 1))
    expected = {"d0": 1, "d1": 1, "w0": 3, "w1": 7, "m0": 3, "m1": 30}
    assert len(found) == expected.get(code, len(found))


def test_a_request_may_be_python_too() -> None:
    assert _said(_ask(request_format="python", request="{'query': [[['gold'], ['w1'], [['web-1', u'CPU load']]]]}"))[
        "result"
    ]


def test_several_entries_are_answered_together() -> None:
    request = json.dumps(
        {"query": [[["gold"], ["w1"], [["web-1", "CPU load"]]], [["silver"], ["m1"], [["web-1", "CPU load"]]]]}
    )
    assert len(_said(_ask(request=request))["result"]["central"]["web-1"]["CPU load"]) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"_username": PERSON, "_secret": PERSON_SECRET}, "only available for automation users"),
        ({"_username": OUTSIDER, "_secret": OUTSIDER_SECRET}, "Insufficent permissions for 'Use WATO'"),
        ({"action": "get_slas"}, "Unknown API action get_slas"),
        ({"action": None}, "Unknown API action"),
        ({"output_format": "json"}, "requires the parameter output_format=python"),
        ({"output_format": None}, "requires the parameter output_format=python"),
        ({"output_format": "xml"}, 'Only "json" and "python" are supported as output formats'),
        ({"request": "{"}, "Failed to parse JSON request"),
        ({"request": "[]"}, "Failed to parse JSON request"),
        ({"request": "{'query': []}"}, "Failed to parse JSON request"),
        ({"request_format": "python", "request": "open('x')"}, "Failed to parse Python request"),
        ({"request": "{}"}, "Missing required key(s): query"),
        ({"request": None}, "Missing required key(s): query"),
        ({"request": '{"query": [], "site": "x"}'}, "Invalid key(s): site"),
        ({"pretty": "1"}, "Invalid key(s): pretty"),
        ({"request": '{"query": [[["gold"], ["w2"], []]]}'}, "Unhandled exception: Traceback"),
        ({"request": '{"query": [[["gold"], ["sla:-1:0"], []]]}'}, "invalid timerange"),
        ({"request": '{"query": [["gold", "w1", []]]}'}, "Unhandled exception: Traceback"),
        ({"request": '{"query": [[["gold"], ["w1"]]]}'}, "Unhandled exception: Traceback"),
        ({"request": '{"query": 5}'}, "Unhandled exception: Traceback"),
    ],
)
def test_it_refuses_what_the_site_refuses(changes: dict[str, str | None], says: str) -> None:
    answer = _ask(**changes)
    envelope = _said(answer)
    assert (answer.status, envelope["result_code"]) == (200, 1)
    assert says in envelope["result"]


def test_without_a_secret_a_login_page_comes_and_with_a_wrong_one_a_text() -> None:
    page = _ask(_secret=None)
    assert (page.status, b"login.py" in page.sent_body()) == (200, True)
    text = _ask(_secret="wrong").sent_body().decode()
    assert text == f"Authentication error: Invalid automation secret for user {USER}"
    assert _ask(_username="nobody").sent_body().decode().endswith("for user nobody")


@pytest.mark.parametrize("path", ["/", "/check_mk", "/check_mk/view.py", "/webapi.py"])
def test_other_paths_are_not_there(path: str) -> None:
    answer = _ask(path=path)
    assert answer.status == 404
    assert answer.sent_body().startswith(b"<!DOCTYPE")


def test_variables_of_the_address_count_as_those_of_the_form() -> None:
    answer = _app()(Asked(method="GET", path=PATH, params=GOOD))
    assert _said(answer)["result_code"] == 0


@pytest.mark.parametrize(
    ("user", "secret", "kind", "says"),
    [
        (USER, "wrong", LoginError, "is this its automation secret"),
        (PERSON, PERSON_SECRET, LoginError, "only available for automation users"),
        (OUTSIDER, OUTSIDER_SECRET, LoginError, "Use WATO"),
    ],
)
def test_the_plugin_understands_its_refusals(user: str, secret: str, kind: type[SourceError], says: str) -> None:
    with pytest.raises(kind, match=says):
        _samples("sla_broken", given=_settings(username=user, secret=Secret(secret)))


def test_a_query_that_the_site_cannot_carry_out_is_told_without_its_traceback() -> None:
    with pytest.raises(ParseError, match=r"get_sla: Unhandled exception: ValueError: invalid timerange: w9$"):
        play(_odd_request(), vendor(_app()), NOW)


def _odd_request() -> Any:
    """The call as an older or newer site might see it, with a time range that it does not take."""
    return calls._ask(_settings(), calls.Batch(("gold",), Period("w9", 1), (configured.Service("web-1", "PING"),)))


# The calendar


@pytest.mark.parametrize(
    ("day", "cycle", "back", "hours"),
    [
        ("2024-03-31", "daily", 0, 23),
        ("2024-10-27", "daily", 0, 25),
        ("2024-07-03", "daily", 0, 24),
        ("2024-04-03", "weekly", 1, 167),
        ("2024-10-30", "weekly", 1, 169),
        ("2024-03-15", "monthly", 0, 31 * 24 - 1),
        ("2024-10-15", "monthly", 0, 31 * 24 + 1),
        ("2024-03-15", "monthly", 1, 29 * 24),
        ("2024-01-15", "monthly", 1, 31 * 24),
    ],
)
def test_periods_begin_at_local_midnight_whatever_the_clocks_do(day: str, cycle: str, back: int, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp()
    since, until = calendar.period_of(cycle, noon, back)
    assert (until - since) / 3600 == hours
    assert calendar.period_of(cycle, noon, back + 1)[1] == since, "no gap and no overlap"


def test_the_week_of_the_documented_answer_is_the_one_of_the_calendar() -> None:
    assert calendar.period_of("weekly", 1530273734.0, 1) == (1529272800.0, 1529877600.0)


def test_it_agrees_with_the_tables_of_the_system() -> None:
    zoneinfo = pytest.importorskip("zoneinfo")
    try:
        berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("this system has no time zone tables")
    day = datetime(2024, 1, 1, tzinfo=UTC).date()
    for _ in range(800):
        here = datetime(day.year, day.month, day.day, tzinfo=berlin).timestamp()
        assert calendar.midnight(day) == here
        assert calendar.day_of(here) == day
        day += timedelta(days=1)
