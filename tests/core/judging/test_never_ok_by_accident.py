"""The promise of judging, for whatever comes: OK only on real values, all of them well; never an exception."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from checkmill.model.errors import ConnectError, SourceError
from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.memory import Judgement
from checkmill.model.rule import Expect, Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State, worst_of
from checkmill.store.documents import memory_from, memory_text, results_from, results_text
from support.rules import HOUR, NOW, Check, above, metric, rule, selection, source

NAMES = ["seoul", "busan"]
BAD = st.sampled_from([State.WARNING, State.CRITICAL, State.UNKNOWN])
# Most values are well and most samples whole, so that a single one that is not can make the difference.
WELL = st.integers(20, 50)
NUMBERS = st.one_of(WELL, WELL, WELL, st.floats(-5, 105), st.floats(), st.just(float("nan")), st.integers())
ODD: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.just([]))
LABELS = st.fixed_dictionaries(
    {}, optional={"host": st.sampled_from(["a", "b", "", "ㄱ\n"]), "project": st.sampled_from("pq")}
)
LIMIT = st.one_of(st.none(), st.floats(-10, 110))
LEVELS = st.just(above(90)) | st.builds(
    Levels,
    above=st.one_of(st.none(), st.builds(Limits, LIMIT, LIMIT)),
    below=st.one_of(st.none(), st.builds(Limits, LIMIT, LIMIT)),
    range=st.one_of(st.none(), st.builds(Limits, st.just(Range(10, 20)), st.just(Range(0, 50, inside=True)))),
)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    labels = draw(LABELS)
    if draw(st.integers(0, 3)):
        return Sample(
            draw(st.one_of(NUMBERS, NUMBERS, ODD)), at=draw(st.sampled_from([None, NOW, NOW - HOUR])), **labels
        )
    return Sample.missing(draw(st.text(max_size=5)), **labels)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    each = draw(st.sampled_from([(), ("host",), ("project",), ("project", "host"), ("source",)]))
    values = tuple(tuple(sorted((label, draw(st.sampled_from("ab"))) for label in each)) for _ in range(2))
    return rule(
        of=metric(labels=("project", "host"), max_age_s=draw(st.sampled_from([None, None, 60.0]))),
        sources=[source(name) for name in NAMES[: draw(st.integers(1, 2))]],
        levels=draw(LEVELS),
        each=each,
        expect=draw(
            st.one_of(
                st.just(Expect(seen=bool(each))),
                st.builds(Expect, count=st.integers(1, 3)),
                st.just(Expect(values=values if each else ())),
            )
        ),
        where=draw(
            st.sampled_from([None, None, selection({"host": "a"}), selection({"project": "p"}, {"host": "b*"})])
        ),
        on_empty=draw(BAD),
        on_missing=draw(BAD),
        on_error=draw(BAD),
    )


ANSWERS = st.lists(
    st.one_of(st.lists(samples(), max_size=4), st.just(ConnectError("refused", retry_after_s=None))),
    min_size=2,
    max_size=2,
)


def is_well(one: Rule, answers: list[Any]) -> bool:
    """Whether all is there and all is well, told in another way than judging does."""
    selected = []
    for name, answer in zip(NAMES, answers, strict=False):
        if isinstance(answer, SourceError):
            return False
        for sample in answer:
            labels = {**sample.labels, "source": name}
            is_value = isinstance(sample.value, int | float) and not isinstance(sample.value, bool)
            is_value = is_value and sample.value == sample.value and abs(sample.value) < 1.8e308
            if one.selects(labels, partial=not is_value):
                old = one.metric.max_age_s is not None and sample.at is not None and NOW - sample.at > 60
                if not is_value or old:
                    return False
                selected.append(sample)
    assert one.levels is not None
    return bool(selected) and all(one.levels.verdict_on(sample.value).state is State.OK for sample in selected)


def check_judgement(one: Rule, answers: list[Any], judgement: Judgement) -> None:
    results = judgement.results
    assert results
    assert all(result.output and result.output == " ".join(result.output.split()) for result in results)
    assert all(result.service for result in results)
    assert len({result.identity for result in results}) == len(results)
    if worst_of(result.state for result in results) is State.OK:
        assert is_well(one, answers)
    assert results_from(results_text(results)) == results
    assert memory_from(memory_text(judgement.memory)) == judgement.memory


@settings(max_examples=400, deadline=None)
@given(rules(), ANSWERS, ANSWERS)
def test_nothing_is_ok_by_accident(one: Rule, first: list[Any], second: list[Any]) -> None:
    check = Check(one)
    for minutes, answers in enumerate((first, second)):
        own = answers[: len(one.readings)]
        aged = [
            answer if isinstance(answer, SourceError) else [_aged(s, minutes * 60) for s in answer] for answer in own
        ]
        check.judged(*aged, at=NOW + minutes * 60)
        assert check.judgement is not None
        check_judgement(one, own, check.judgement)


def _aged(sample: Sample, seconds: float) -> Sample:
    moved = sample.labelled(sample.labels)
    moved.at = None if sample.at is None else sample.at + seconds
    return moved


@settings(max_examples=100, deadline=None)
@given(ANSWERS)
def test_what_a_good_answer_showed_is_never_lost_by_the_next_one(later: list[Any]) -> None:
    check = Check(rule(of=metric(labels=("project", "host")), each=("project", "host")))
    known = check.judged([Sample(1, project="p", host="a"), Sample(1, project="p", host="b")])
    results = check.judged(later[0], at=NOW + 60)
    assert {result.identity for result in known} <= {result.identity for result in results}
