"""The service `checkmill-outbox`: what it says of deliveries that go well, badly or not at all; no false OK."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.cli.outboxservice import result_of
from checkmill.model.delivery import OutboxHealth, ReporterHealth
from checkmill.model.state import State
from checkmill.steps.rendering import checkmk_local, nagios
from support.commands import Desk
from support.consumers import read_local_lines
from support.whatap_vendor import Batchmon, Vendor, as_json

NOW = 2_000_000_000.0
ONE = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0, tries: 1}
    checks:
      - {name: cpu, source: shop, metric: cpu, above: 90, report: [{to: nhn, scenario: <one>}], tags: [told]}
      - {name: hosts, source: shop, metric: hosts, above: 1000, tags: [untold]}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    desk.write(RULES, url=vendor.url, nhn=batchmon.url, one=ONE)


def judged(intervals: Mapping[str, float] | None = None, **health: Any) -> tuple[State, str]:
    """The state and the first line for one reporter, whose checks report every minute unless told otherwise."""
    result = result_of(
        OutboxHealth({"nhn": ReporterHealth(**health)}), {"nhn": 60.0} if intervals is None else intervals, NOW
    )
    return result.state, result.output


# What figures mean

GOOD = {"last_success_at": NOW - 30, "counts": {"accepted": 9}}


@pytest.mark.parametrize(
    ("health", "state", "said"),
    [
        (GOOD, State.OK, "1 reporter, 0 waiting, the last accepted 30s ago"),
        ({**GOOD, "waiting": 3, "oldest_at": NOW - 20}, State.OK, "1 reporter, 3 waiting, the last accepted 30s ago"),
        ({**GOOD, "recent": {"superseded": 9, "accepted": 4}}, State.OK, "1 reporter, 0 waiting"),
        ({**GOOD, "recent": {"refused": 2}}, State.WARNING, "nhn: 2 refused in the last hour"),
        ({**GOOD, "recent": {"unknown": 1}}, State.WARNING, "nhn: 1 of unknown outcome in the last hour"),
        ({**GOOD, "recent": {"expired": 1}}, State.CRITICAL, "nhn: 1 expired in the last hour"),
        ({**GOOD, "recent": {"dropped": 1200}}, State.CRITICAL, "nhn: 1,200 dropped for want of room in the last hour"),
        ({**GOOD, "counts": {"dropped": 5, "expired": 3}}, State.OK, "1 reporter, 0 waiting"),
        ({**GOOD, "waiting": 1, "oldest_at": NOW - 300}, State.OK, "1 reporter, 1 waiting"),
        ({**GOOD, "waiting": 1, "oldest_at": NOW - 301}, State.WARNING, "nhn: 1 waits, the oldest made 5m ago"),
        (
            {**GOOD, "pause_until": NOW + 90, "last_message": "connect: refused"},
            State.WARNING,
            "nhn: the receiver does not answer and is asked again in 1m (last answer: connect: refused)",
        ),
        ({**GOOD, "pause_until": NOW - 90}, State.WARNING, "nhn: the receiver does not answer and is asked next time"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_became_of_deliveries_makes_the_state(health: dict[str, Any], state: State, said: str) -> None:
    found = judged(**health)

    assert found[0] is state
    assert found[1].startswith(said)


@pytest.mark.parametrize(
    ("since_s", "waiting", "state"),
    [
        (360, 1, State.OK),
        (361, 1, State.WARNING),
        (960, 0, State.OK),
        (961, 0, State.WARNING),
        (3660, 0, State.WARNING),
        (3660, 1, State.WARNING),
        (3661, 0, State.CRITICAL),
        (3661, 1, State.CRITICAL),
        (-61, 0, State.UNKNOWN),
        (-60, 0, State.OK),
    ],
)
def test_silence_is_a_fault(since_s: float, waiting: int, state: State) -> None:
    """The youngest delivery is young however long the outage: newer ones supersede it, so age alone says nothing."""
    found, said = judged(waiting=waiting, oldest_at=NOW - 1 if waiting else None, last_success_at=NOW - since_s)

    assert found is state
    assert ("does 'checkmill run' run?" in said) is (state in {State.WARNING, State.CRITICAL} and not waiting)


def test_silence_counts_from_when_something_should_be_heard() -> None:
    nightly = {"nhn": 86400.0}

    assert judged(nightly, last_success_at=NOW - 86400 - 600)[0] is State.OK
    assert judged(nightly, last_success_at=NOW - 86400 - 1000)[0] is State.WARNING
    assert judged(nightly, last_success_at=NOW - 86400 - 3601)[0] is State.CRITICAL


@pytest.mark.parametrize(
    ("health", "state", "said"),
    [
        ({}, State.UNKNOWN, "nhn: nothing was handed to it yet: does 'checkmill run' run?"),
        ({"waiting": 1, "oldest_at": NOW - 5}, State.UNKNOWN, "nhn: nothing was accepted yet; see "),
        ({"waiting": 1, "oldest_at": NOW - 3601}, State.CRITICAL, "nhn: nothing was ever accepted, and 1 waits"),
        ({"counts": {"refused": 4}}, State.UNKNOWN, "nhn: nothing was accepted yet; see 'checkmill outbox list'"),
        ({"counts": {"superseded": 4}}, State.UNKNOWN, "nhn: nothing was accepted yet"),
    ],
)
def test_what_was_never_accepted_is_never_ok(health: dict[str, Any], state: State, said: str) -> None:
    found = judged(**health)

    assert found[0] is state
    assert found[1].startswith(said)


def test_a_reporter_that_no_check_names_any_more_may_be_silent_but_not_keep_anything() -> None:
    assert judged({}, last_success_at=NOW - 1e6)[0] is State.OK
    assert judged({}, last_success_at=NOW - 1e6, waiting=1, oldest_at=NOW - 1)[0] is State.CRITICAL


def test_where_nothing_is_reported_at_all_it_is_unknown() -> None:
    result = result_of(OutboxHealth(), {}, NOW)

    assert (result.state, result.output) == (
        State.UNKNOWN,
        "no check reports to anybody, and nothing was ever delivered",
    )


TWO = OutboxHealth(
    {
        "nhn": ReporterHealth(
            waiting=2,
            waiting_bytes=300,
            oldest_at=NOW - 10,
            counts={"accepted": 50, "refused": 2},
            recent={"accepted": 5},
            last_success_at=NOW - 40,
        ),
        "other": ReporterHealth(
            counts={"accepted": 7, "expired": 1},
            recent={"expired": 1},
            last_success_at=NOW - 20,
            last_message="HTTP 503",
        ),
    }
)
WHOLE = """\
CRITICAL - other: 1 expired in the last hour (last answer: HTTP 503), see 'checkmill outbox list' | \
waiting=2;;;0 waiting_size=300B;;;0 oldest=10s;300;;0 last_accepted=40s;;;0 accepted_1h=5;;;0 refused_1h=0;0;;0 \
unknown_1h=0;0;;0 expired_1h=1;;0;0 dropped_1h=0;;0;0 accepted=57c;;;0 refused=2c;;;0 unknown=0c;;;0 expired=1c;;;0 \
dropped=0c;;;0
[CRITICAL] other: 1 expired in the last hour (last answer: HTTP 503); 0 waiting (0 bytes); last accepted 20s ago; \
last hour 1 expired; in all 7 accepted, 1 expired
[OK] nhn: 2 waiting (300 bytes); last accepted 40s ago; last hour 5 accepted; in all 50 accepted, 2 refused
"""


def test_the_whole_output_leads_with_the_worst_and_sums_up_the_figures() -> None:
    assert nagios([result_of(TWO, {"nhn": 60.0, "other": 60.0}, NOW)]) == WHOLE


@pytest.mark.parametrize("item", ["nhn", "reporter=nhn"])
def test_one_reporter_can_be_asked_for(item: str) -> None:
    result = result_of(TWO, {}, NOW, [item])

    assert (result.state, result.service, result.labels) == (State.OK, "checkmill-outbox nhn", {"reporter": "nhn"})
    assert {one.label: one.value for one in result.perfdata}["accepted"] == 50


def test_a_reporter_that_is_not_known_is_unknown_and_names_those_that_are() -> None:
    result = result_of(TWO, {"third": 60.0}, NOW, ["reporter=x"])

    assert (result.state, result.output) == (
        State.UNKNOWN,
        "there is no service reporter=x of this check; known: reporter=nhn, reporter=other, reporter=third",
    )


FIGURES = st.one_of(st.none(), st.floats(0, 4e9))
COUNTS = st.dictionaries(
    st.sampled_from(["accepted", "refused", "unknown", "expired", "dropped", "superseded"]), st.integers(0, 10**9)
)
HEALTHS = st.builds(
    ReporterHealth,
    waiting=st.integers(0, 10**6),
    waiting_bytes=st.integers(0, 10**9),
    oldest_at=FIGURES,
    counts=COUNTS,
    recent=COUNTS,
    last_success_at=FIGURES,
    dropped_at=FIGURES,
    pause_until=FIGURES,
    last_message=st.text(max_size=30),
)


@given(
    st.dictionaries(st.text(min_size=1, max_size=8), HEALTHS, max_size=4),
    st.dictionaries(st.text(max_size=8), st.floats(1, 1e6), max_size=3),
)
def test_every_form_takes_it_and_nothing_lost_lately_is_ok(
    healths: dict[str, ReporterHealth], intervals: dict[str, float]
) -> None:
    result = result_of(OutboxHealth(healths), intervals, NOW)

    (line,) = read_local_lines(checkmk_local([result]), old=True)
    assert (line.name, line.state) == ("checkmill-outbox", result.state.exit_code)
    assert nagios([result]).startswith(result.state.value)
    lost = any(
        one.recent.get(word) for one in healths.values() for word in ("refused", "unknown", "expired", "dropped")
    )
    never = any(one.last_success_at is None for name, one in healths.items() if name in intervals)
    assert not (result.state is State.OK and (lost or never or not {**healths, **intervals}))


# Through the commands


def test_before_the_first_run_nothing_is_known(desk: Desk) -> None:
    ran = desk("check checkmill-outbox")

    assert (ran.code, ran.line) == (3, "UNKNOWN - nhn: nothing was handed to it yet: does 'checkmill run' run?")


def test_it_follows_what_run_delivers(desk: Desk, batchmon: Batchmon) -> None:
    desk("run")
    well = desk("check checkmill-outbox")
    batchmon.unknown = {ONE}
    desk.clock.now += 60
    desk("run")
    refused = desk("check checkmill-outbox")
    batchmon.reply = as_json({}, 500)
    desk.clock.now += 60
    desk("run")
    unknown = desk("check checkmill-outbox --item reporter=nhn")
    desk.clock.now += 4000
    silent = desk("check checkmill-outbox")

    assert [ran.code for ran in (well, refused, unknown, silent)] == [0, 1, 1, 2]
    assert well.line == "OK - 1 reporter, 0 waiting, the last accepted 0s ago"
    assert refused.line == (
        "WARNING - nhn: 1 refused in the last hour (last answer: NO SCENARIO), see 'checkmill outbox list'"
    )
    assert "1 refused in the last hour, 1 of unknown outcome in the last hour (last answer: " in unknown.line
    assert "the last was accepted 1h ago, and nothing waits: does 'checkmill run' run?" in silent.line


def test_a_receiver_that_is_down_is_told_although_each_delivery_supersedes_the_last(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    desk("run")
    batchmon.reply = as_json({}, 503)
    states = []
    for minutes in (*[1] * 8, 50, *[1] * 5):
        desk.clock.now += 60 * minutes
        desk("run --due")
        states.append(desk("check checkmill-outbox").code)

    # Three failures in a row make a pause; nothing accepted for an hour beyond the 68 s of a result is worse.
    assert states == [0] * 2 + [1] * 10 + [2] * 2


def test_it_asks_nobody_and_loads_no_plugin(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> None:
    desk("run")
    before = (len(vendor.requests), len(batchmon.requests))
    program = "import sys; sys.argv[1:] = sys.argv[1:]\nfrom checkmill.entry import run_command\n"
    program += "from checkmill.cli.streams import Streams\nfrom checkmill.edges import Edges\n"
    program += "code = run_command(sys.argv[1:], Streams(1), Edges())\n"
    program += "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"

    argv = [sys.executable, "-c", program, *desk.argv("check checkmill-outbox")]
    out = subprocess.run(argv, env=desk.environ, capture_output=True, text=True, check=True).stdout

    loaded = set(out.splitlines()[-1].split())
    assert (len(vendor.requests), len(batchmon.requests)) == before
    assert loaded & {"checkmill_whatap", "checkmill_nhn_monitoring", "httpx", "asyncio", "pydantic"} == set()


def test_a_state_directory_that_cannot_be_used_is_unknown(desk: Desk) -> None:
    desk.state_dir.write_text("no directory")

    ran = desk("check checkmill-outbox")

    assert (ran.code, ran.writes, ran.err) == (3, 1, "")
    assert ran.line.startswith(f"UNKNOWN - {desk.state_dir} is no directory")


def test_rules_that_cannot_be_read_do_not_hide_what_the_outbox_knows(desk: Desk, batchmon: Batchmon) -> None:
    desk("run")
    batchmon.unknown = {ONE}
    desk.clock.now += 60
    desk("run")
    desk.write("checks: [", name="rules.yaml")

    ran = desk("check checkmill-outbox")

    assert (ran.code, "nhn: 1 refused in the last hour" in ran.line) == (1, True)


@pytest.mark.parametrize("how", ["broken", "elsewhere"])
def test_silence_is_a_fault_also_where_nobody_knows_which_checks_report(desk: Desk, how: str) -> None:
    desk("run")
    if how == "broken":
        desk.write("checks: [", name="rules.yaml")
    else:
        (desk.checks_dir / "rules.yaml").unlink()
    desk.clock.now += 4000

    assert desk("check checkmill-outbox").code == 2


def test_local_shows_it_right_after_its_own_service(desk: Desk) -> None:
    desk("run")

    lines = read_local_lines(desk("local").out, old=True)

    assert [(one.name, one.state) for one in lines[:3]] == [("checkmill", 0), ("checkmill-outbox", 0), ("cpu", 0)]


@pytest.mark.parametrize(("tag", "shown"), [("told", True), ("untold", False)])
def test_local_shows_it_beside_the_checks_that_report(desk: Desk, tag: str, shown: bool) -> None:
    lines = read_local_lines(desk(f"local --tag {tag}").out, old=True)

    assert ("checkmill-outbox" in {one.name for one in lines}) is shown


def test_local_without_reporters_does_not_show_it_until_something_waits(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    batchmon.reply = as_json({}, 503)
    desk("run")
    desk.write(RULES.replace(", report: [{to: nhn, scenario: <one>}]", ""), url=vendor.url, nhn=batchmon.url)
    waiting = {one.name: one.state for one in read_local_lines(desk("local").out, old=True)}
    desk("outbox drop 1")
    dropped = {one.name for one in read_local_lines(desk("local").out, old=True)}

    assert waiting["checkmill-outbox"] != 0
    assert "checkmill-outbox" not in dropped


@pytest.mark.parametrize("name", ["checkmill", "checkmill-outbox"])
def test_a_check_cannot_take_its_name(desk: Desk, name: str) -> None:
    desk.write(f"checks: [{{name: {name}, source: shop, metric: hosts, above: 1}}]", name="z.yaml")

    ran = desk("validate")

    assert (ran.code, "z.yaml:1:" in ran.out + ran.err) == (3, True)
    assert name in ran.out + ran.err


def test_its_deadline_is_one_of_a_check(desk: Desk) -> None:
    assert desk("check checkmill-outbox -t 5").code == 3
    assert desk("check checkmill-outbox -t soon").line.startswith("UNKNOWN - usage: -t 'soon' is not a duration")
