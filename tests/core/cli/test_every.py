"""`run --every`: when cycles come, what each does, what the log says of them, and what no cycle can do to the next."""

from __future__ import annotations

import gc
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from checkmill.cli import every
from checkmill.cli.arguments import is_every
from checkmill.edges import Edges
from checkmill.store.locking import locked
from support.commands import Desk, Ran
from support.cycling import Clocks, Until, clocks_of
from support.loopback import Got, Reply
from support.whatap_vendor import CPU, HOSTS, Batchmon, Vendor, as_json

ONE = "b00699c0-96f4-11e9-a68b-a7aaea9ae346"
SOURCES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0}
"""
RULES = (
    SOURCES
    + """
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90},
         report: [{to: nhn, scenario: <one>}]}
"""
)
SLOW = (
    SOURCES
    + """
    checks:
      - {name: hosts, source: shop, metric: hosts, above: 1000, interval: 150s}
      - {name: cpu, source: shop, metric: cpu, above: 90}
"""
)


@pytest.fixture
def clocks(desk: Desk, vendor: Vendor, batchmon: Batchmon) -> Clocks:
    clocks = clocks_of(desk)
    write(desk, vendor, batchmon, RULES)
    return clocks


def write(desk: Desk, vendor: Vendor, batchmon: Batchmon, rules: str, **values: object) -> None:
    desk.write(rules, url=vendor.url, nhn=batchmon.url, one=ONE, **values)


def serve(
    desk: Desk,
    clocks: Clocks,
    seconds: float,
    words: str = "run --every 60s --log-level info",
    events: dict[float, Callable[[], object]] | None = None,
) -> Ran:
    """Serve for so many seconds of the test's clock."""
    return desk(words, stop=Until(clocks, seconds, events))


def cycles(ran: Ran) -> list[str]:
    """The line of each cycle, without how long it took."""
    lines = [line.removeprefix("INFO checkmill.every: ") for line in ran.err.splitlines() if "; took " in line]
    return [line.partition("; took")[0] for line in lines]


def told(ran: Ran, words: str) -> list[str]:
    """How each line of the log with these words begins: its level, and whether it says that something is over."""
    lines = [line for line in ran.err.splitlines() if words in line]
    return [f"{line.partition(' ')[0]}{' over' if ': over: ' in line else ''}" for line in lines]


def asked_at(vendor: Vendor, clocks: Clocks, path: str = CPU, took_s: float = 0.0) -> list[float]:
    """When the vendor is asked from now on, in seconds since the test began; each answer takes so long."""
    moments: list[float] = []
    reply = vendor.answers[path]
    assert isinstance(reply, Reply)

    def answer(_: Got) -> Reply:
        moments.append(clocks.monotonic())
        clocks.advance(took_s)
        return reply

    vendor.answers[path] = answer
    return moments


def about(*seconds: float) -> Any:
    """These times, with what a slow machine may add to each."""
    return pytest.approx(list(seconds), abs=10.0)


# When cycles come


def test_it_ends_with_0_when_told_to_and_prints_nothing(desk: Desk, clocks: Clocks, vendor: Vendor) -> None:
    ran = serve(desk, clocks, 170)

    assert (ran.code, ran.out, ran.writes) == (0, "", 0)
    assert vendor.requests == [CPU] * 3


@pytest.mark.parametrize("took_s", [0.0, 3.0, 7.5])
def test_cycles_do_not_drift_however_long_vendors_take(
    desk: Desk, clocks: Clocks, vendor: Vendor, took_s: float
) -> None:
    moments = asked_at(vendor, clocks, took_s=took_s)

    serve(desk, clocks, 290)

    assert moments == about(0, 60, 120, 180, 240)


@pytest.mark.parametrize(
    ("every_s", "chance", "first"), [(60, 0.5, 3.0), (60, 0.999, 6.0), (100, 0.25, 2.5), (3600, 0.5, 15.0)]
)
def test_the_first_cycle_comes_after_a_part_of_the_interval_by_chance(
    desk: Desk, clocks: Clocks, vendor: Vendor, every_s: int, chance: float, first: float
) -> None:
    desk.chance = chance
    moments = asked_at(vendor, clocks)

    serve(desk, clocks, first + every_s + 5, words=f"run --every {every_s}s")

    assert moments == pytest.approx([first, first + every_s], abs=2.4)


def test_cycles_that_were_missed_are_left_out_and_told(
    desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon
) -> None:
    write(desk, vendor, batchmon, RULES.replace("above:", "timeout: 200s, above:"))
    moments = asked_at(vendor, clocks, took_s=130)

    ran = serve(desk, clocks, 550)

    assert moments == about(0, 180, 360, 540)
    lines = re.findall(r"WARNING checkmill.every: the cycle took 13\d s, longer than 60 s; 2 left out\n", ran.err)
    assert len(lines) == 1


def test_told_to_it_looks_at_once_and_then_goes_on_in_time(
    desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon
) -> None:
    moments = asked_at(vendor, clocks)
    stop = Until(clocks, 190)

    def mend() -> None:
        write(desk, vendor, batchmon, RULES.replace("80", "70"))
        stop.hurry()

    stop.plan(90.0, mend)
    ran = desk("run --every 60s --log-level info", stop=stop)

    assert moments == about(0, 60, 90, 180)
    assert told(ran, "told to look at once") == ["INFO"]


@pytest.mark.parametrize(
    ("set_by", "said"), [(7200.0, "the clock went on by 7200 s"), (-7200.0, "the clock was set back by 7200 s")]
)
def test_after_a_sleep_of_the_machine_or_a_jump_of_its_clock_it_measures_at_once(
    desk: Desk, clocks: Clocks, vendor: Vendor, set_by: float, said: str
) -> None:
    moments = asked_at(vendor, clocks)

    def jump() -> None:
        clocks.set_by += set_by

    ran = serve(desk, clocks, 130, events={90.0: jump})

    assert moments == about(0, 60, 90, 120) or moments == about(0, 60, 90)
    assert f"{said} that this process did not see; measuring at once\n" in ran.err


def test_a_clock_that_is_set_right_by_seconds_changes_nothing(desk: Desk, clocks: Clocks, vendor: Vendor) -> None:
    moments = asked_at(vendor, clocks)

    def correct() -> None:
        clocks.set_by -= 3

    serve(desk, clocks, 130, events={30.0: correct})

    assert moments == about(0, 60, 120)


# What a cycle does


def test_only_what_is_due_is_measured(desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon) -> None:
    write(desk, vendor, batchmon, SLOW)

    ran = serve(desk, clocks, 310)

    assert [vendor.requests.count(path) for path in (HOSTS, CPU)] == [2, 6]
    assert cycles(ran)[:4] == [
        "2 of 2 checks measured: 2 OK; deliveries: 0 waiting",
        *["1 of 2 checks measured: 1 OK; deliveries: 0 waiting"] * 2,
        "2 of 2 checks measured: 2 OK; deliveries: 0 waiting",
    ]


def test_the_file_holds_all_results_after_every_cycle(
    desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon
) -> None:
    write(desk, vendor, batchmon, SLOW)
    path = desk.home / "results"
    seen = []

    def look() -> None:
        seen.append(path.read_text(encoding="utf-8"))
        path.unlink()
        vendor.show(CPU, {"web-1": 95})

    ran = serve(
        desk,
        clocks,
        130,
        words=f"run --every 60s --format checkmk --output {path}",
        events={30.0: look, 90.0: look},
    )

    assert (ran.code, ran.out) == (0, "")
    assert [[line.split()[:2] for line in text.splitlines()] for text in seen] == [
        [["0", '"hosts"'], ["0", '"cpu"']],
        [["0", '"hosts"'], ["2", '"cpu"']],
    ]


def test_results_are_reported_each_cycle(desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon) -> None:
    ran = serve(desk, clocks, 130, events={30.0: lambda: vendor.show(CPU, {"web-1": 95})})

    assert batchmon.states() == [(ONE, "OK"), (ONE, "CRITICAL"), (ONE, "CRITICAL")]
    assert cycles(ran) == [
        "1 of 1 checks measured: 1 OK; deliveries: 1 accepted, 0 waiting",
        *["1 of 1 checks measured: 1 CRITICAL; deliveries: 1 accepted, 0 waiting"] * 2,
    ]


def test_nothing_is_reported_when_nothing_shall_be(desk: Desk, clocks: Clocks, batchmon: Batchmon) -> None:
    ran = serve(desk, clocks, 70, words="run --every 60s --no-report --log-level info")

    assert batchmon.requests == []
    assert cycles(ran) == ["1 of 1 checks measured: 1 OK"] * 2


def test_names_and_tags_select(desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon) -> None:
    write(desk, vendor, batchmon, SLOW)

    serve(desk, clocks, 70, words="run --every 60s h*")

    assert vendor.requests == [HOSTS]


def test_the_sandbox_goes_on_from_cycle_to_cycle(desk: Desk, clocks: Clocks) -> None:
    ran = serve(desk, clocks, 130, words="run --every 30s --log-level info --sandbox")

    # Were it another server each time, no result would be of the same source.
    assert [line.partition(" of ")[0] for line in cycles(ran)] == ["1", "0", "1", "0", "1"]


def test_the_lock_is_free_between_cycles(desk: Desk, clocks: Clocks) -> None:
    free = []

    def look() -> None:
        with locked(desk.state_dir, "run", Edges(), 0):
            free.append(clocks.monotonic())

    serve(desk, clocks, 130, events={30.0: look, 90.0: look})

    assert free == about(30, 90)


@pytest.mark.parametrize("how", ["well", "all wrong"])
def test_memory_does_not_grow_from_cycle_to_cycle(
    desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon, how: str
) -> None:
    if how == "all wrong":
        desk.write("checks: [{name: broken, source: shop, metric: cup, above: 1}]", name="z.yaml")
        vendor.answers[CPU] = as_json({}, 500)
        batchmon.reply = as_json({}, 503)
    numbers: list[int] = []
    blocks: list[int] = []

    def count() -> None:
        # What the vendors of the test remember is not the program's.
        vendor.server.got.clear()
        batchmon.server.got.clear()
        batchmon.taken.clear()
        gc.collect()
        numbers.append(len(gc.get_objects()))
        blocks.append(sys.getallocatedblocks())

    serve(desk, clocks, 16 * 60, events={60.0 * number + 30: count for number in range(16)})

    # The first cycles import what they need and fill caches that have a limit.
    assert numbers[15] - numbers[7] < 8 * 5
    assert blocks[15] - blocks[7] < 8 * 100


# What the log says


def test_what_is_wrong_is_said_when_it_begins_and_when_it_is_over(
    desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon
) -> None:
    events = {
        90.0: lambda: desk.write("checks: [{name: broken, source: shop, metric: cup, above: 1}]", name="z.yaml"),
        270.0: lambda: desk.write("checks: [{name: fine, source: shop, metric: hosts, above: 1000}]", name="z.yaml"),
    }

    ran = serve(desk, clocks, 400, events=events)

    assert told(ran, "did you mean 'cpu'") == ["ERROR", "WARNING over"]
    assert [line.partition(" checks")[0] for line in cycles(ran)] == ["1 of 1"] * 5 + ["2 of 2"] * 2


def test_a_receiver_that_refuses_is_told_once(desk: Desk, clocks: Clocks, batchmon: Batchmon) -> None:
    batchmon.unknown = {ONE}

    ran = serve(desk, clocks, 310, words="run --every 60s")

    assert (ran.code, told(ran, "refused: NO SCENARIO (code -4)")) == (0, ["WARNING"])


def test_another_problem_is_told_although_one_is_known(desk: Desk, clocks: Clocks, batchmon: Batchmon) -> None:
    batchmon.unknown = {ONE}

    def other() -> None:
        batchmon.reply = as_json({}, 404)

    ran = serve(desk, clocks, 310, words="run --every 60s", events={150.0: other})

    assert told(ran, "refused: NO SCENARIO") == ["WARNING", "WARNING over"]
    assert told(ran, "HTTP 404") == ["WARNING"]


def test_without_info_nothing_is_said_where_all_is_well(desk: Desk, clocks: Clocks) -> None:
    assert serve(desk, clocks, 130, words="run --every 60s").err == ""


# What no cycle can do to the next


def test_another_run_that_holds_the_lock_costs_one_cycle(desk: Desk, clocks: Clocks, vendor: Vendor) -> None:
    (desk.state_dir).mkdir(mode=0o2770)
    desk.state_dir.chmod(0o2770)
    lock = locked(desk.state_dir, "run", Edges(), 0)
    lock.__enter__()

    ran = serve(desk, clocks, 130, words="run --every 60s", events={45.0: lambda: lock.__exit__(None, None, None)})

    assert (ran.code, vendor.requests) == (0, [CPU] * 2)
    assert told(ran, " holds ") == ["ERROR", "WARNING over"]


def test_a_state_directory_that_fails_and_comes_back_is_used_again(
    desk: Desk, clocks: Clocks, vendor: Vendor, batchmon: Batchmon
) -> None:
    def close() -> None:
        desk.state_dir.chmod(0o2777)

    def open_again() -> None:
        desk.state_dir.chmod(0o2770)

    ran = serve(desk, clocks, 250, events={30.0: close, 150.0: open_again})

    assert (ran.code, vendor.requests) == (0, [CPU] * 5)
    assert len(batchmon.taken) == 3
    assert told(ran, "everybody may write into") == ["ERROR", "WARNING over"]


def test_a_cycle_that_fails_is_in_the_log_and_the_next_one_follows(
    desk: Desk, clocks: Clocks, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried_out = every.carried_out
    turns: Iterator[bool] = iter([True, False])

    def failing(*parts: Any) -> Any:
        if next(turns, True):
            return carried_out(*parts)
        raise MemoryError("none left")

    monkeypatch.setattr(every, "carried_out", failing)

    ran = serve(desk, clocks, 130)

    assert (ran.code, vendor.requests) == (0, [CPU] * 2)
    assert "ERROR checkmill.every: the cycle failed\nTraceback" in ran.err
    assert "MemoryError: none left" in ran.err


def test_an_output_that_cannot_be_written_is_told_once_and_then_written(desk: Desk, clocks: Clocks) -> None:
    path = desk.home / "there" / "results"

    ran = serve(desk, clocks, 190, words=f"run --every 60s --output {path}", events={90.0: lambda: path.parent.mkdir()})

    assert told(ran, "cannot be written: No such file or directory") == ["ERROR", "WARNING over"]
    assert path.read_text(encoding="utf-8").startswith("State")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--every", "expected one argument"),
        ("--every 0", "'0' is not above zero"),
        ("--every soon", "'soon' is not a duration"),
        ("--every 100ms", "--every 0.1s is too often; 1s is the least"),
        ("--every 60s --exit-state", "--exit-state is for a run that ends"),
        ("--every 60s --format json", "name it with --output FILE"),
    ],
)
def test_what_cannot_be_served_is_a_usage_error(desk: Desk, words: str, said: str) -> None:
    ran = desk(f"run {words}")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("checkmill: usage: ")
    assert said in ran.err


@pytest.mark.parametrize(
    ("words", "serves"),
    [
        ("run --every 60s", True),
        ("run --every=60s", True),
        ("--sandbox run hosts --every 60s", True),
        ("run", False),
        ("run -- --every", False),
        ("run --everyone", False),
        ("local --every 60s", False),
        ("--every 60s", False),
    ],
)
def test_whether_it_serves_is_known_before_anything_is_read(words: str, serves: bool) -> None:
    assert is_every(words.split()) is serves


# The service manager


@pytest.fixture
def manager(desk: Desk) -> Iterator[socket.socket]:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        path = Path(short) / "notify"
        one.bind(str(path))
        one.setblocking(False)
        desk.environ["NOTIFY_SOCKET"] = str(path)
        yield one


def heard(manager: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(manager.recv(1 << 16).decode())
        except BlockingIOError:
            return found


def test_a_service_manager_hears_of_beginning_life_and_end(desk: Desk, clocks: Clocks, manager: socket.socket) -> None:
    messages: list[str] = []
    events: dict[float, Callable[[], object]] = {at: lambda: messages.extend(heard(manager)) for at in (30.0, 90.0)}

    serve(desk, clocks, 130, events=events)
    messages += heard(manager)

    assert messages[0] == "READY=1\nSTATUS=waiting for the first cycle"
    assert messages[-1] == "STOPPING=1"
    status = [one.partition("STATUS=")[2].partition(";")[0] for one in messages[1:-1] if "STATUS=" in one]
    assert status == ["1 of 1 checks measured: 1 OK"] * 3
    assert {one.partition("\n")[0] for one in messages[1:-1]} == {"WATCHDOG=1"}


def test_a_watchdog_hears_often_enough_while_it_sleeps(desk: Desk, clocks: Clocks) -> None:
    desk.environ["WATCHDOG_USEC"] = "2000000"
    stop = Until(clocks, 55)

    desk("run --every 60s", stop=stop)

    assert max(stop.pauses) <= 1.0


@pytest.mark.parametrize("address", ["/nowhere/notify", "relative", "@no-such-abstract-socket", "/dev/null"])
def test_a_service_manager_that_is_not_there_stops_nothing(desk: Desk, clocks: Clocks, address: str) -> None:
    desk.environ["NOTIFY_SOCKET"] = address

    assert serve(desk, clocks, 70).code == 0
