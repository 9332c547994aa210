"""Jobs: only one that succeeded is well, none is well by its age, and whatever it wrote every form can be read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.model.job import JOBS, Ended, grace_s, word_of_exit, word_of_signal
from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.memory import Memory
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.settings import SourceSettings
from checkmill.model.source import ConfiguredSource
from checkmill.model.state import State, worst_of
from checkmill.steps.judging import judge
from checkmill.steps.judging.jobs import ended, last_told, overdue
from checkmill.steps.rendering import checkmk_local, json_list, nagios, openmetrics
from checkmill.store.documents import results_from, results_text
from support.consumers import read_as_mrpe, read_as_nagios, read_as_prometheus, read_local_lines
from support.rules import NOW, rule

SOURCE = ConfiguredSource("jobs", JOBS, SourceSettings(), {"env": "prod"}, "checks.d/jobs.yaml", "digest")
STATES = JOBS.metrics[0].states  # type: ignore[index] # a tuple once it is made
DAY_S = 86400.0

WORDS = st.one_of(
    st.integers(0, 255).map(word_of_exit),
    st.integers(1, 64).map(word_of_signal),
    st.sampled_from(["timed out", "not started"]),
)
ENDS = st.builds(
    Ended,
    WORDS,
    st.integers(0, 255),
    st.just(NOW),
    st.floats(0, 1e9),
    st.lists(st.text(max_size=40), max_size=5).map(tuple),
    st.text(max_size=20),
)
LIMITS = st.builds(Limits, st.none() | st.floats(0, 1e6), st.none() | st.floats(0, 1e6))


def of_job(levels: Levels | None = None, **fields: Any) -> Rule:
    given_levels = Levels(states=STATES) if levels is None else levels
    defaults: dict[str, Any] = {"interval_s": DAY_S, "timeout_s": grace_s(DAY_S)}
    return rule("backup", of=JOBS.metric("job"), sources=[SOURCE], levels=given_levels, **{**defaults, **fields})


def told(check: Rule, job: Ended, now: float = NOW) -> Result:
    (result,) = judge(check, ended(check, job), Memory(), now).results
    return result


def not_told(check: Rule, last: Result | None, now: float) -> Result:
    (result,) = judge(check, overdue(check, last, now), Memory(), now).results
    return result


@given(ENDS, st.none() | LIMITS, st.none() | LIMITS)
def test_a_job_is_as_bad_as_its_word_or_its_time(
    job: Ended, above: Limits[float] | None, below: Limits[float] | None
) -> None:
    levels = Levels(above=above, below=below, states=STATES)
    result = told(of_job(levels), job)

    by_time = [levels.verdict_on(job.duration_s).state] if job.was_started else []
    assert result.state is worst_of([levels.verdict_on(job.word).state, *by_time])
    assert (result.state is State.OK) <= (job.word == "succeeded")
    assert result.output.startswith(job.word)
    assert [perf.value for perf in result.perfdata][-1] == job.code
    assert not result.failed


@given(ENDS)
def test_every_form_of_a_job_can_be_read(job: Ended) -> None:
    result = told(of_job(), job)

    output = nagios([result])
    assert read_as_nagios(output).metrics == read_as_mrpe(output).metrics
    assert read_local_lines(checkmk_local([result]), old=True)[0].name == "backup"
    series = read_as_prometheus(openmetrics([result]))
    assert {one.name for one in series} >= {"checkmill_state", "checkmill_job_exit_code"}
    assert json_list([result])
    assert results_from(results_text((result,))) == (result,)


@given(st.none() | ENDS, st.integers(-(10**9), 10**9), st.sampled_from([State.WARNING, State.CRITICAL, State.UNKNOWN]))
def test_a_job_that_is_not_told_in_time_is_never_well(last: Ended | None, passed_s: int, on_stale: State) -> None:
    check = of_job(on_stale=on_stale)
    known = None if last is None else told(check, last)
    now = NOW + passed_s

    found, stands = last_told(check, [] if known is None else [known], now)
    result = not_told(check, known, now)

    assert found is known
    assert stands == (known is not None and 0 <= passed_s <= check.good_for_s)
    assert result.state is (on_stale if known is not None and passed_s >= 0 else State.UNKNOWN)
    assert result.failed
    assert result.identity == told(check, Ended("succeeded", 0, NOW)).identity


@pytest.mark.parametrize(
    ("job", "levels", "output"),
    [
        (Ended("succeeded", 0, NOW, 0.004), {}, "succeeded after 0s"),
        (Ended("succeeded", 0, NOW, 12.4, ("done",)), {}, "succeeded after 12s: done"),
        (Ended("exit 3", 3, NOW, 7500.0, ("a", "b")), {}, "exit 3 after 2h 5m: b"),
        (Ended("succeeded", 0, NOW, 2700.0), {"above": Limits(1800.0, 3600.0)}, "succeeded after 45m, above 30m"),
        (Ended("succeeded", 0, NOW, 1800.0), {"above": Limits(1800.0, 3600.0)}, "succeeded after 30m"),
        (Ended("succeeded", 0, NOW, 60.001), {"above": Limits(60.0)}, "succeeded after 60.001s, above 1m"),
        (Ended("exit 1", 1, NOW, 2.0), {"below": Limits(None, 60.0)}, "exit 1 after 2s"),
        (
            Ended("succeeded", 0, NOW, 2.0, ("x",)),
            {"range": Limits(Range(60.0, 600.0))},
            "succeeded after 2s, outside 1m to 10m: x",
        ),
        (
            Ended("not started", 127, NOW, reason="'x': No such file"),
            {"above": Limits(0.0)},
            "not started: 'x': No such file",
        ),
    ],
)
def test_the_first_line_says_how_it_ended_and_after_which_time(job: Ended, levels: dict[str, Any], output: str) -> None:
    assert told(of_job(Levels(states=STATES, **levels)), job).output == output


def test_labels_of_the_source_select_and_name_as_always() -> None:
    check = of_job(each=("env",), service_template="{{ check }} of {{ labels.env }}")

    result = told(check, Ended("exit 1", 1, NOW))

    assert (result.service, result.labels) == ("backup of prod", {"env": "prod"})
    assert not_told(check, result, NOW + 10 * DAY_S).service == "backup of prod"
