"""One rule over sources of several types: no type's own levels, words or bounds are taken for another's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from checkmill.api.v1 import Dataset, Flow, Levels, Limits, Metric, Sample, Source, SourceSettings, State, hookimpl
from checkmill.host import Host
from checkmill.model.rule import Rule
from support.rulefiles import book_of, problems_of

HEAD = """\
sources:
  x1: {type: x, base_url: "https://x.example"}
  x2: {type: x, base_url: "https://x.example"}
  y1: {type: y, base_url: "https://y.example"}
checks:
- name: c
"""


def _answer(settings: Any, query: Any) -> Flow[Any]:
    return (yield from settings.get("/"))


def _samples(payload: Any, query: Any) -> Iterator[Sample]:
    yield Sample(1.0)


DATA = Dataset("data", _answer)
OWN = Levels(above=Limits(70.0, 90.0))


def _of(kind: str, levels: Levels | None, most: float, states: dict[str, State]) -> Source[Any]:
    return Source(
        type=kind,
        settings=SourceSettings,
        metrics=[
            Metric("cpu", DATA, _samples, unit="%", labels=("host",), levels=levels, minimum=0.0, maximum=most),
            Metric("alike", DATA, _samples, unit="%", labels=("host",), levels=OWN),
            Metric("power", DATA, _samples, labels=("host",), states={"on": State.OK, "off": State.CRITICAL}),
            Metric("status", DATA, _samples, labels=("host",), states=states),
        ],
    )


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    yield _of("x", None, 100.0, {"fine": State.OK, "idle": State.OK, "bad": State.CRITICAL})
    yield _of("y", OWN, 400.0, {"fine": State.OK, "idle": State.CRITICAL, "*": State.UNKNOWN})


def _host() -> Host:
    return Host(entry_points=[EntryPoint(name, __name__, "checkmill") for name in ("x", "y")])


def _text(check: str) -> str:
    given = {line.partition(":")[0] for line in check.splitlines()}
    head = [line for line in ("source: '*'", "metric: cpu") if line.partition(":")[0] not in given]
    return HEAD + "".join(f"  {line}\n" for line in [*head, *check.splitlines()])


def said_of(directory: Path, check: str) -> list[str]:
    book = book_of(directory, _text(check), host=_host())
    return [line.removeprefix("rules.yaml:") for line in problems_of(book)]


def rule_of(directory: Path, check: str) -> Rule:
    book = book_of(directory, _text(check), host=_host())
    rule = book.rule("c")
    assert rule is not None, "\n".join(map(str, book.problems))
    return rule


MEANING = (
    "the sources are of several types, for which '{}' of 'status' does not mean the same; give it a state here too"
)
NEVER = "crit 400% never alerts: 'cpu' lies between 0 and 400%; choose a limit inside"
DIFFER = "metric: the sources are of several types, whose own levels for '{}' differ; write the levels"


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("each: host", f"8:11: checks[0].{DIFFER.format('cpu')}"),
        ("metric: status", f"8:11: checks[0].{DIFFER.format('status')}"),
        ("source: [y1, x1]\nmetric: cpu\naggregate: max", f"8:11: checks[0].{DIFFER.format('cpu')}"),
        ("overrides: [{where: {host: a}, above: 50}]", f"8:11: checks[0].{DIFFER.format('cpu')}"),
        ("metric: alike\nand: {metric: cpu}", f"9:17: checks[0].and.{DIFFER.format('cpu')}"),
        ("metric: status\nstates: {fine: ok, bad: warn}", f"9:11: checks[0].states: {MEANING.format('idle')}"),
        ("metric: status\nstates: {idle: warn}", f"9:11: checks[0].states: {MEANING.format('bad')}"),
        ("above: 400", f"9:10: checks[0].above: {NEVER}"),
    ],
)
def test_levels_of_one_type_do_not_count_for_all(check: str, said: str, tmp_path: Path) -> None:
    told = said_of(tmp_path, check)
    assert said in told


@pytest.mark.parametrize(
    "check",
    [
        "above: 50",
        "above: 300",
        "source: x*",
        "source: y1",
        "metric: alike",
        "metric: power",
        "metric: source_up",
        "aggregate: count\nbelow: 3",
        "aggregate: sum\nabove: 90",
        "metric: status\nstates: {idle: warn, bad: crit}",
        "metric: status\nstates: {'*': warn, fine: ok}",
        "metric: power\nand: {metric: cpu, above: 50}",
    ],
)
def test_what_is_written_or_the_same_for_all_holds(check: str, tmp_path: Path) -> None:
    assert said_of(tmp_path, check) == []


def test_words_that_a_rule_does_not_name_keep_what_they_mean_for_all(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, "metric: status\nstates: {idle: warn, bad: warn}")
    assert rule.levels is not None
    meanings = {word: rule.levels.verdict_on(word).state for word in ("fine", "idle", "bad", "odd")}
    assert meanings == {"fine": State.OK, "idle": State.WARNING, "bad": State.WARNING, "odd": State.UNKNOWN}


def test_an_override_gives_no_word_the_meaning_of_another_type(tmp_path: Path) -> None:
    rule = rule_of(
        tmp_path,
        "metric: status\nstates: {idle: warn, bad: crit}\noverrides: [{where: {host: a}, states: {fine: ok}}]",
    )
    (override,) = rule.overrides
    assert [override.levels.verdict_on(word).state for word in ("fine", "idle", "bad")] == [
        State.OK,
        State.UNKNOWN,
        State.UNKNOWN,
    ]


@pytest.mark.parametrize("sources", ["[x1, y1]", "[y1, x1]"])
def test_the_bounds_are_those_of_all_types_whichever_comes_first(sources: str, tmp_path: Path) -> None:
    rule = rule_of(tmp_path, f"source: {sources}\nabove: 90\nand: {{metric: cpu, above: 50}}")
    assert {(one.metric.minimum, one.metric.maximum) for one in rule.all_readings} == {(0.0, 400.0)}
    assert rule.metric.unit == "%"
