"""No answer, however wrong, is judged OK, ends in a traceback, or takes more time and memory than it may."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkmill.api.v1 import Levels, Limits, Response, Sample, SourceError, State
from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError, TooLargeError
from checkmill.steps.fetching import Job, carry_out
from checkmill.testing import play
from checkmill_checkmk.calls import get_sla
from checkmill_checkmk.metrics import CHECKMK
from checkmill_checkmk.settings import Settings, SlaQuery
from plugins.checkmk.documented import HOST, NOW, SERVICE, SLA, USER, envelope, samples, settings
from plugins.checkmk.hostile import body, broken_answer
from support.loopback import Reply, http_server
from support.stress import scale

ANSWERS = scale(400, 10_000)
#: What a rule would say of the metrics whose defaults do not judge, or not all.
RULES = {
    "sla_state_percentage": Levels(below=Limits(99.0, 95.0)),
    "sla_state_percentage_monitored": Levels(below=Limits(99.0, 95.0)),
}
JUDGED = [
    *("sla_broken", "sla_broken_periods", "sla_broken_requirements", "sla_services_broken"),
    *("sla_deviation", "sla_deviation_state", "sla_outage_margin"),
    *RULES,
]
SETTINGS = settings()


def _judged(name: str, found: list[Sample]) -> list[State]:
    metric = CHECKMK.metric(name)
    assert metric is not None
    if name in RULES:
        # A rule on time in state OK: the other states are not selected.
        found = [one for one in found if one.is_missing or one.labels["state"] == "ok"]
    levels = RULES.get(name) or (Levels(states=metric.states) if metric.is_state else metric.levels)
    states = []
    for one in found:
        chosen = one.levels or levels
        assert chosen is not None
        states.append(State.UNKNOWN if one.value is None else chosen.verdict_on(one.value).state)
    return states


def _states(answer: Any) -> dict[str, list[State]]:
    """What every judging metric makes of one answer; a failed fetch is UNKNOWN."""
    response = Response(status=200, body=answer if isinstance(answer, bytes) else answer.encode())
    try:
        payload = play(get_sla(SETTINGS, SlaQuery()), lambda _: response, NOW)
    except SourceError:
        return {name: [State.UNKNOWN] for name in JUDGED}
    found = {}
    for name in JUDGED:
        metric = CHECKMK.metric(name)
        assert metric is not None
        found[name] = _judged(name, list(metric.samples(payload, SlaQuery())))
    return found


def test_the_answer_that_is_made_worse_is_judged_bad_by_every_metric() -> None:
    for name, states in _states(envelope(broken_answer())).items():
        assert states, name
        assert State.OK not in states, name


@pytest.mark.parametrize("part", range(4))
def test_hostile_answers_are_never_ok_and_never_crash(part: int) -> None:
    for seed in range(part * ANSWERS // 4, (part + 1) * ANSWERS // 4):
        for name, states in _states(body(seed)).items():
            assert states, f"seed {seed}: {name} has no sample, not even a missing one"
            if State.OK in states:
                worst = "not among them" if set(states) == {State.OK} else "beside it"
                # A part that is well may stand beside one that is not; alone it would make the service OK.
                assert worst == "beside it", f"seed {seed}: {name} is judged OK"


@pytest.mark.parametrize("name", sorted(one.name for one in CHECKMK.metrics))
def test_every_metric_meets_hostile_answers_with_declared_errors(name: str) -> None:
    metric = CHECKMK.metric(name)
    assert metric is not None
    for seed in range(10_000, 10_000 + ANSWERS // 4):
        try:
            found = samples(name, body(seed))
        except SourceError:
            continue
        assert found, f"seed {seed}"
        for one in found:
            assert set(one.labels) <= set(metric.labels)
            assert all(isinstance(value, str) and value for value in one.labels.values())
            assert one.is_missing or isinstance(one.value, str if metric.is_state else int | float)


def test_a_call_in_an_answer_is_refused_and_not_made(tmp_path: Path) -> None:
    trace = tmp_path / "called"
    for call in (f"open({str(trace)!r}, 'w')", f"__import__('os').mkdir({str(trace)!r})"):
        with pytest.raises(SourceError, match="no Python literal"):
            samples("sla_broken", "{'result_code': 0, 'result': " + call + "}")
    assert not trace.exists()


# Over HTTP, with the driver and the child process


def _fetched(reply: Reply, *, timeout_s: float = 60.0, **more: Any) -> Any:
    with http_server(lambda _: reply) as server:
        given = Settings(
            base_url=f"{server.url}/mysite",
            username=USER,
            secret=settings().secret,
            **{"sla": SLA, "services": ((HOST, SERVICE),), **more},
        )
        job = Job("site/get_sla", "site", given, lambda: get_sla(given, SlaQuery()), timeout_s=timeout_s)
        (done,) = carry_out([job], Edges())
    return done


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "gzip bomb"])
def test_an_answer_of_20_mb_is_refused_before_it_is_read(plain: bool) -> None:
    import gzip

    text = b"{'a': [" + b"0," * 10_000_000 + b"]}"
    reply = Reply(body=text) if plain else Reply(body=gzip.compress(text), headers={"Content-Encoding": "gzip"})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = _fetched(reply).error
    assert isinstance(error, TooLargeError)
    assert "larger than the 2 MiB that max_size allows; a smaller batch than 200 asks for less at once" in str(error)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < (2 + 4) * 1024


#: Answers of at most 2 MiB that are made to cost as much as can be.
BOMBS = {
    "a million numbers": lambda: "{'a': (" + "0," * 1_000_000 + ")}",
    "as many numbers as may be": lambda: "{'a': (" + "-1.5," * 249_000 + ")}",
    "dicts in dicts": lambda: "{'a': [" + "{1:{2:{3:{}}}}," * 35_000 + "]}",
    "deep": lambda: "{'a': " * 300_000,
    "a huge number": lambda: "{'a': " + "9" * 2_000_000 + "}",
    "numbers that collide": lambda: "{" + ",".join(f"{number * ((1 << 61) - 1)}:0" for number in range(60_000)) + "}",
    "many signs": lambda: "{'a': " + "-" * 2_000_000 + "1}",
    "a text without end": lambda: "{'a': '" + "\\'" * 1_000_000,
    "many pieces of text": lambda: "{'a': " + "'x'" * 249_000 + "}",
    "one long text": lambda: "{'a': '" + "x" * 2_000_000 + "'}",
}
_MEASURE = """
import resource, sys, time
from checkmill.api.v1 import SourceError
from checkmill_checkmk.reading import read
text = sys.stdin.read()
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    read(text)
    said = "read"
except SourceError as error:
    said = str(error)
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
print(f"{time.process_time() - began:.1f};{grown};{said}")
"""


@pytest.mark.parametrize("name", BOMBS)
def test_an_answer_that_is_made_to_cost_stays_within_time_and_memory(name: str) -> None:
    text = BOMBS[name]()
    assert len(text) <= 2 << 20
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _MEASURE],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    seconds, grown_mib, said = done.stdout.split(";", 2)
    assert done.stderr == ""
    assert float(seconds) < 20
    # As documented: 2 MiB of an honest answer take 280 MiB while they are read.
    assert int(grown_mib) < 450
    assert said.strip() not in {"", "read"}


def test_reading_that_takes_too_long_is_ended_at_the_deadline() -> None:
    text = BOMBS["as many numbers as may be"]()
    done = _fetched(Reply(body=text.encode()), timeout_s=0.8)
    assert isinstance(done.error, DeadlineError)
    assert done.ended_at - done.started_at < 3


def test_an_answer_that_is_as_large_as_may_be_is_read() -> None:
    text = envelope(broken_answer())
    padded = text + " " * ((2 << 20) - len(text))
    done = _fetched(Reply(body=padded.encode()))
    assert done.error is None
    assert len(done.value.combinations) == 1
