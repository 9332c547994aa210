"""Results become deliveries, deliveries go out together where they can, and every outcome is noted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.feeding.draining import Drain
from checkmill.model.delivery import Delivery, Stage
from checkmill.model.errors import (
    ConfigurationError,
    ConnectError,
    DeadlineError,
    LoginError,
    ParseError,
    PluginError,
    RateLimitError,
    RedirectError,
    SourceError,
    StatusError,
)
from checkmill.model.reporter import ConfiguredReporter, Outcome, Receipt, Report
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.sandbox import World
from checkmill.model.secret import Secret
from checkmill.model.state import State
from checkmill.sandbox import SandboxServer
from checkmill.steps.reporting import TargetError, deliveries_of, may_be_same, stored_target, target_text
from checkmill.store import Store
from checkmill.store import outbox as outboxes
from checkmill_nhn_monitoring.reporting import NHN_BATCHMON
from checkmill_nhn_monitoring.sandbox import APPKEY, SCENARIO, UNKNOWN_SCENARIO
from checkmill_nhn_monitoring.settings import BatchmonSettings, BatchmonTarget
from support.loopback import Got, Reply, http_server
from support.posting import Known, Post, Room, reporting, results, room
from support.rules import NOW, hosts, judged, rule

EDGES = Edges(now=lambda: NOW, sleep=lambda _: None, chance=lambda: 0.0)
OTHER_SCENARIO = "12962600-5c39-11ea-bd8f-0bbd7856015c"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = Store.open(tmp_path / "state")
    yield opened
    opened.close()


def sent(store: Store, rules: Sequence[Rule], at: float = NOW, **options: Any) -> list[Delivery]:
    """Send what is due as a run does, and give all deliveries as they stand."""
    told: list[str] = []
    store.outbox.recover(at)
    Drain(store.outbox, Known(rules), replace(EDGES, now=lambda: at), told.append, **options).run()
    assert told == []
    return store.outbox.deliveries()


def reported(store: Store, *judged: tuple[Rule, Sequence[Result]], at: float = NOW) -> list[Delivery]:
    deliveries, complaints = deliveries_of(judged, at)
    assert complaints == []
    store.commit("/checks.d", [], deliveries, at)
    return sent(store, [rule for rule, _ in judged], at)


# Bodies


def test_a_delivery_is_the_worst_state_and_all_services_of_its_target() -> None:
    reporter = Post().reporter()
    first, second = reporting(room(reporter, "a")), reporting(room(reporter, "a"), name="disk")
    (delivery,), complaints = deliveries_of(
        [(first, results(State.OK, State.WARNING)), (second, results(State.CRITICAL, State.UNKNOWN, check="disk"))], NOW
    )
    assert complaints == []
    assert delivery == Delivery(
        reporter="post",
        target='{"room": "a"}',
        state="CRITICAL",
        services=("cpu 0", "cpu 1", "disk 0", "disk 1"),
        checks=("cpu", "disk"),
        body='{"state": "CRITICAL", "output": "3 of 4 services not OK: disk 0: fine"}',
        created_at=NOW,
        expires_at=NOW + 3600,
        run_at=NOW,
    )


@pytest.mark.parametrize(
    ("states", "body"),
    [
        ([State.OK], '{"state": "OK", "output": "fine"}'),
        ([State.OK, State.OK], '{"state": "OK", "output": "2 services OK"}'),
        ([State.CRITICAL], '{"state": "CRITICAL", "output": "fine"}'),
        ([State.WARNING, State.UNKNOWN], '{"state": "UNKNOWN", "output": "2 of 2 services not OK: cpu 1: fine"}'),
    ],
)
def test_results_are_delivered_whatever_their_state(states: list[State], body: str) -> None:
    check = reporting(room(Post().reporter(), "a"))
    (delivery,), _ = deliveries_of([(check, results(*states))], NOW)
    assert delivery.body == body


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ exit_code }} {{ checked_at }}", "2 2025-07-20T08:26:39.000+00:00"),
        ("{{ counts.OK }} {{ counts.CRITICAL }} {{ counts.UNKNOWN }}", "1 1 0"),
        ("{{ target.room }}", "a"),
        ("{% for one in services %}{{ one.service }}={{ one.state }};{% endfor %}", "cpu 0=OK;cpu 1=CRITICAL;"),
    ],
)
def test_a_body_is_what_its_template_says(template: str, text: str) -> None:
    check = reporting(room(Post().reporter(template, content="text"), "a"))
    (delivery,), complaints = deliveries_of([(check, results(State.OK, State.CRITICAL))], NOW)
    assert (delivery.body, complaints) == (text, [])


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ nothing }}", "UndefinedError: 'nothing' is undefined"),
        ("no json", "the template gives no JSON object"),
        ("[]", "the template gives no JSON object"),
        ("", "the template gives no JSON object"),
        ('{"share": NaN}', "the template gives no JSON object"),
        ('{"a":' * 5000, "the template gives no JSON object"),
    ],
    ids=["unknown variable", "no JSON", "a list", "empty", "NaN", "deep"],
)
def test_a_body_that_cannot_be_made_is_told_and_the_others_go_on(template: str, reason: str) -> None:
    broken, good = room(Post().reporter(template), "a"), room(replace(Post().reporter(), name="other"), "a")
    deliveries, complaints = deliveries_of([(reporting(broken, good), results(State.OK))], NOW)
    assert [one.reporter for one in deliveries] == ["other"]
    assert complaints == [f'reporter post: the body for {{"room": "a"}} cannot be made: {reason}']


def test_a_delivery_is_made_as_its_reporter_is_configured() -> None:
    check = reporting(room(Post().reporter(keep="all", expires=90.0), "a"))
    (delivery,), _ = deliveries_of([(check, results(State.OK))], NOW, run_at=NOW - 7)
    assert (delivery.run_at, delivery.created_at, delivery.expires_at) == (NOW - 7, NOW, NOW + 90)
    assert delivery.keep_all


def test_a_target_that_a_rule_names_twice_is_told_once() -> None:
    reporter = Post().reporter("{{ services | length }}", content="text")
    check = reporting(room(reporter, "a"), room(reporter, "a", repeat_unknown=True))
    (delivery,), _ = deliveries_of([(check, results(State.OK))], NOW)
    assert delivery.body == "1"


def test_a_text_that_no_utf8_can_carry_is_delivered_all_the_same(store: Store) -> None:
    check = reporting(room(Post().reporter("{{ output }}", content="text"), "방\ud800"))
    (delivery,) = reported(store, (check, results(State.OK, outputs=["half \ud800"])))
    assert (delivery.body, delivery.target, delivery.stage) == ("half ?", '{"room": "방\\ud800"}', Stage.ACCEPTED)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ({"b": 1, "a": "서울"}, '{"a": "서울", "b": 1}'),
        ({"a": "x", "repeat_unknown": True}, '{"a": "x"}'),
        ({}, "{}"),
    ],
)
def test_what_makes_two_targets_the_same(key: dict[str, object], text: str) -> None:
    assert target_text(key) == text


# Targets that each service fills in


def templated(reporter: ConfiguredReporter, **key: object) -> Report:
    return Report(reporter, None, key)


def teams(*names: str, check: str = "cpu") -> list[Result]:
    """A result for each team; the team is a label that all samples of the service have."""
    return [
        replace(one, common={"team": name}) for one, name in zip(results(*[State.OK] * len(names)), names, strict=True)
    ]


def delivered(*judged: tuple[Rule, Sequence[Result]], only: Sequence[str] | None = None) -> dict[str, tuple[str, ...]]:
    deliveries, complaints = deliveries_of(judged, NOW, only)
    assert complaints == []
    return {one.target: one.services for one in deliveries}


def test_each_service_goes_to_the_target_that_its_labels_say() -> None:
    check = reporting(templated(Post().reporter(), room="room-{{ labels.team }}"))
    assert delivered((check, teams("a", "b", "a"))) == {
        '{"room": "room-a"}': ("cpu 0", "cpu 2"),
        '{"room": "room-b"}': ("cpu 1",),
    }


@pytest.mark.parametrize(
    ("template", "room"),
    [
        ("{{ check }}-{{ metric }}-{{ source }}", "cpu-load-shop"),
        ("{{ labels.host }}", "web-1"),
        ("{{ tags | join('+') }}", "x+y"),
        ("{{ labels.team }}", "core"),
    ],
)
def test_a_target_knows_what_names_know(template: str, room: str) -> None:
    (plain,) = results(State.OK)
    result = replace(
        plain, source="shop", metric="load", labels={"host": "web-1"}, common={"team": "core"}, tags=("x", "y")
    )
    check = reporting(templated(Post().reporter(), room=template))
    assert delivered((check, [result])) == {json.dumps({"room": room}): ("cpu 0",)}


def test_equal_targets_are_one_delivery_however_they_are_written() -> None:
    reporter = Post().reporter()
    one = reporting(templated(reporter, room="{{ labels.team }}"))
    other = reporting(room(reporter, "a"), templated(reporter, room="{{ 'a' }}"), name="disk")
    found = delivered((one, teams("a", "b")), (other, results(State.CRITICAL, check="disk")))
    assert found == {'{"room": "a"}': ("cpu 0", "disk 0"), '{"room": "b"}': ("cpu 1",)}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{{ labels.nothing }}",
            "the template cannot be filled in: UndefinedError: 'dict object' has no attribute 'nothing'",
        ),
        ("{{ 1 // 0 }}", "the template cannot be filled in: ZeroDivisionError: integer division or modulo by zero"),
        ("{{ 'x' * 9 }}", "Value error, the room is full"),
    ],
    ids=["unknown label", "raises", "refused by the reporter"],
)
def test_a_target_that_cannot_be_made_is_told_and_the_others_go_on(template: str, reason: str) -> None:
    reporter = Post().reporter()
    check = reporting(templated(reporter, room=template), room(reporter, "good"))
    deliveries, complaints = deliveries_of([(check, teams("a", "b"))], NOW)
    assert [one.target for one in deliveries] == ['{"room": "good"}']
    assert complaints == [f"reporter post: cpu 0 and 1 more has no target: {reason}"]


def test_only_targets_that_are_asked_about_are_told() -> None:
    reporter = Post().reporter()
    asked = reporting(templated(reporter, room="{{ labels.team }}"))
    partner = reporting(room(reporter, "a"), room(reporter, "far"), name="disk")
    found = delivered((asked, teams("a")), (partner, results(State.OK, check="disk")), only=["cpu"])
    assert found == {'{"room": "a"}': ("cpu 0", "disk 0")}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"room": "a"}, {"room": "a"}, True),
        ({"room": "a"}, {"room": "b"}, False),
        ({"room": "{{ x }}"}, {"room": "b"}, True),
        ({"room": "{{ x }}", "floor": 1}, {"room": "{{ y }}", "floor": "1"}, True),
        ({"room": "{{ x }}", "floor": 1}, {"room": "b", "floor": 2}, False),
        ({"room": "{{ x }}", "repeat_unknown": True}, {"room": "b", "repeat_unknown": False}, True),
    ],
)
def test_which_reports_may_meet(one: dict[str, object], other: dict[str, object], same: bool) -> None:
    reporter = Post().reporter()

    def report(key: dict[str, object]) -> Report:
        is_open = any("{{" in str(value) for value in key.values())
        return Report(reporter, None if is_open else Room(room=str(key["room"])), key)

    assert may_be_same(report(one), report(other)) is same
    assert may_be_same(report(other), report(one)) is same
    assert not may_be_same(report(one), Report(replace(reporter, name="else"), None, other))


@pytest.mark.parametrize("key", [{"room": "a"}, {"room": "\uc11c\uc6b8"}])
def test_a_stored_target_becomes_a_target_again(key: dict[str, object]) -> None:
    report = stored_target(Post().reporter(), target_text(key))
    assert (report.target, target_text(report.key)) == (Room(room=str(key["room"])), target_text(key))


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"room": 5}', '{"room": "a", "floor": 1}', '{"room": "xxxxxxxxx"}']
)
def test_what_is_no_target_any_more_is_an_error(text: str) -> None:
    with pytest.raises(TargetError):
        stored_target(Post().reporter(), text)


def test_a_body_may_tell_of_thousands_of_services() -> None:
    template = '{"services": {{ services | tojson }}}'
    check = reporting(room(Post().reporter(template), "a"))
    many = [
        replace(one, service=f"cpu {number}", details="x" * 500) for number, one in enumerate(results(State.OK) * 2000)
    ]
    (delivery,), complaints = deliveries_of([(check, many)], NOW)
    assert complaints == []
    assert len(json.loads(delivery.body)["services"]) == 2000
    assert len(delivery.body) > 1 << 20


def test_a_body_without_end_is_told() -> None:
    template = "{% for a in range(90000) %}{{ 'x' * 60 }}{% endfor %}"
    check = reporting(room(Post().reporter(template, content="text"), "a"))
    deliveries, (complaint,) = deliveries_of([(check, results(State.OK))], NOW)
    assert deliveries == []
    assert complaint.endswith("cannot be made: the text is longer than 4194304 characters")


# Sending


def two_rooms(post: Post, *, many: bool, second: State = State.OK) -> list[tuple[Rule, list[Result]]]:
    reporter = post.reporter(many=many)
    return [
        (reporting(room(reporter, "a")), results(State.OK)),
        (reporting(room(reporter, "b"), name="disk"), results(second)),
    ]


@pytest.mark.parametrize(
    ("many", "second", "calls"),
    [
        (True, State.OK, [["a", "b"]]),
        (True, State.CRITICAL, [["a"], ["b"]]),
        (False, State.OK, [["a"], ["b"]]),
    ],
    ids=["equal bodies", "different bodies", "no call for many"],
)
def test_equal_bodies_go_together(store: Store, many: bool, second: State, calls: list[list[str]]) -> None:
    post = Post()
    deliveries = reported(store, *two_rooms(post, many=many, second=second))
    assert sorted(rooms for rooms, _ in post.calls) == calls
    assert [one.stage for one in deliveries] == [Stage.ACCEPTED] * 2


def test_each_target_has_a_receipt_of_its_own(store: Store) -> None:
    post = Post({"a": Receipt(Outcome.REFUSED, "no such room"), "b": Receipt(Outcome.NOT_SENT, "later")})
    deliveries = reported(store, *two_rooms(post, many=True))
    assert [(one.target, one.stage, one.message) for one in deliveries] == [
        ('{"room": "a"}', Stage.REFUSED, "no such room"),
        ('{"room": "b"}', Stage.PENDING, "later"),
    ]


def test_a_delivery_is_in_the_outbox_before_it_is_sent(store: Store) -> None:
    seen: list[tuple[Stage, int]] = []

    class Watching(Post):
        def _answer(self, room: str) -> Any:
            with_own_eyes = Store.open(store.directory)
            seen.extend((one.stage, one.attempts) for one in with_own_eyes.outbox.deliveries())
            with_own_eyes.close()
            return super()._answer(room)

    reported(store, (reporting(room(Watching().reporter(), "a")), results(State.OK)))
    assert seen == [(Stage.SENDING, 1)]


@pytest.mark.parametrize(
    ("error", "stage", "message"),
    [
        (ConnectError("refused"), Stage.PENDING, "connect: refused"),
        (ConfigurationError("no such URL"), Stage.PENDING, "configuration: no such URL"),
        (RateLimitError("HTTP 429"), Stage.PENDING, "rate limit: HTTP 429"),
        (StatusError("HTTP 503", status=503), Stage.PENDING, "read: HTTP 503"),
        (StatusError("HTTP 404", status=404), Stage.REFUSED, "read: HTTP 404"),
        (LoginError("HTTP 401"), Stage.REFUSED, "login: HTTP 401"),
        (RedirectError("HTTP 302"), Stage.REFUSED, "read: HTTP 302"),
        (StatusError("HTTP 500", status=500), Stage.UNKNOWN, "read: HTTP 500"),
        (DeadlineError("no answer"), Stage.UNKNOWN, "read: no answer"),
        (ParseError("HTML came"), Stage.UNKNOWN, "parse: HTML came"),
        (PluginError("it failed"), Stage.UNKNOWN, "plugin: it failed"),
    ],
    ids=lambda value: str(value) if isinstance(value, SourceError) else "",
)
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_a_flow_that_fails_has_told_the_outcome_by_its_error(
    store: Store, error: SourceError, stage: Stage, message: str, many: bool
) -> None:
    deliveries = reported(store, *two_rooms(Post({"a": error, "b": error}), many=many))
    assert [(one.stage, one.message) for one in deliveries] == [(stage, message)] * 2


@pytest.mark.parametrize("answer", [None, "taken", [Receipt(Outcome.ACCEPTED)] * 2], ids=["none", "a text", "too many"])
def test_a_plugin_without_receipts_leaves_the_outcome_unknown(store: Store, answer: object) -> None:
    (delivery,) = reported(store, (reporting(room(Post({"a": answer}).reporter(), "a")), results(State.OK)))
    assert (delivery.stage, delivery.message) == (Stage.UNKNOWN, "the plugin gave no receipt")


def test_a_crash_of_a_reporter_leaves_the_others_alone(store: Store) -> None:
    deliveries = reported(store, *two_rooms(Post({"a": ValueError("oh")}), many=False))
    assert [one.stage for one in deliveries] == [Stage.UNKNOWN, Stage.ACCEPTED]


def test_what_was_not_sent_goes_out_when_its_wait_is_over(store: Store) -> None:
    post = Post({"a": Receipt(Outcome.NOT_SENT, "HTTP 429", retry_after_s=30)})
    check = reporting(room(post.reporter(), "a"))
    reported(store, (check, results(State.CRITICAL)))
    post.answers.clear()
    assert [one.stage for one in sent(store, [check], NOW + 29)] == [Stage.PENDING]
    assert [one.stage for one in sent(store, [check], NOW + 30)] == [Stage.ACCEPTED]
    assert len(post.calls) == 2


def test_a_newer_state_is_sent_instead_of_the_one_that_waits(store: Store) -> None:
    post = Post({"a": Receipt(Outcome.NOT_SENT, "HTTP 503")})
    check = reporting(room(post.reporter(), "a"))
    reported(store, (check, results(State.OK)))
    post.answers.clear()
    deliveries = reported(store, (check, results(State.CRITICAL)), at=NOW + 60)
    assert [(one.state, one.stage) for one in deliveries] == [
        ("OK", Stage.SUPERSEDED),
        ("CRITICAL", Stage.ACCEPTED),
    ]
    assert [json.loads(body)["state"] for _, body in post.calls] == ["OK", "CRITICAL"]


@pytest.mark.parametrize("repeat_unknown", [False, True])
def test_an_unknown_outcome_is_repeated_only_if_the_target_says_so(store: Store, repeat_unknown: bool) -> None:
    post = Post({"a": Receipt(Outcome.UNKNOWN, "no answer")})
    check = reporting(room(post.reporter(), "a", repeat_unknown=repeat_unknown))
    reported(store, (check, results(State.OK)))
    sent(store, [check], NOW + 60)
    assert len(post.calls) == (2 if repeat_unknown else 1)


def test_a_process_that_died_while_sending_left_the_outcome_unknown(store: Store) -> None:
    post = Post()
    check = reporting(room(post.reporter(), "a"))
    deliveries, _ = deliveries_of([(check, results(State.OK))], NOW)
    store.commit("/checks.d", [], deliveries, NOW)
    assert len(store.outbox.turn([], NOW, {"post": outboxes.Room(1, 1)}).begun) == 1
    (delivery,) = sent(store, [check], NOW + 60)
    assert (delivery.stage, post.calls) == (Stage.UNKNOWN, [])


# The real reporter


def batchmon(base_url: str, appkey: str, *scenarios: str) -> Rule:
    settings = BatchmonSettings(base_url=base_url, appkey=Secret(appkey), tries=1)
    reporter = ConfiguredReporter("nhn", NHN_BATCHMON, settings, NHN_BATCHMON.body, "checks.d/nhn.yaml", "digest")
    targets = [BatchmonTarget(scenario=scenario) for scenario in scenarios]
    return rule("cpu", reports=tuple(Report(reporter, target, vars(target)) for target in targets))


def test_scenarios_are_fed_in_one_post_and_a_bad_one_does_not_silence_the_rest(store: Store) -> None:
    remarks: list[str] = []
    with SandboxServer(World(lambda: NOW), watch=remarks.append) as server:
        base_url = server.base_url(NHN_BATCHMON)
        assert base_url is not None
        own = judged(rule("cpu", each="host"), hosts(5, 6))
        first = reported(store, (batchmon(base_url, APPKEY, SCENARIO, OTHER_SCENARIO), own))
        second = reported(store, (batchmon(base_url, APPKEY, SCENARIO, UNKNOWN_SCENARIO), own), at=NOW + 60)[2:]
    assert [one.stage for one in first] == [Stage.ACCEPTED] * 2
    assert [one.stage for one in second] == [Stage.ACCEPTED, Stage.REFUSED]
    assert remarks[0] == "batchmon received for b00699c0…, 12962600…: state OK, 2 services"


def test_an_appkey_that_the_receiver_echoes_is_in_no_row(store: Store) -> None:
    appkey = "k3y-of-reporting"

    def echo(got: Got) -> Reply:
        header = {"isSuccessful": False, "resultCode": appkey, "resultMessage": f"appkey {appkey} in {got.target}"}
        return Reply(body=json.dumps({"header": header, "body": None}).encode())

    with http_server(echo) as server:
        check = batchmon(server.url, appkey, SCENARIO)
        (delivery,) = reported(store, (check, results(State.OK, outputs=[f"source failed: {appkey} is unknown"])))
    assert appkey in server.got[0].target
    assert (delivery.stage, delivery.code) == (Stage.REFUSED, "***")
    store.close()
    assert not [file.name for file in store.directory.iterdir() if appkey.encode() in file.read_bytes()]


def test_a_receiver_that_is_down_is_told_later(store: Store) -> None:
    with http_server(lambda _: Reply(503, headers={"Retry-After": "120"})) as server:
        (delivery,) = reported(store, (batchmon(server.url, APPKEY, SCENARIO), results(State.OK)))
    assert (delivery.stage, delivery.next_at) == (Stage.PENDING, NOW + 120)


@pytest.mark.parametrize("is_cautious_first", [False, True])
@pytest.mark.parametrize("in_one_rule", [False, True])
def test_where_entries_differ_on_repeating_it_is_not_repeated(in_one_rule: bool, is_cautious_first: bool) -> None:
    reporter = Post().reporter()
    entries = [room(reporter, "a"), room(reporter, "a", repeat_unknown=True)][:: 1 if is_cautious_first else -1]
    checks = [reporting(*entries)] if in_one_rule else [reporting(entries[0]), reporting(entries[1], name="disk")]
    (delivery,), _ = deliveries_of([(check, results(State.OK)) for check in checks], NOW)
    assert not delivery.repeat_unknown
