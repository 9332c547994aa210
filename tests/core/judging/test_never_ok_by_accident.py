"""The promise of judging, for whatever comes: OK only on real values, all of them well; never an exception."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from checkmill.model.errors import ConnectError, SourceError
from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.memory import Judgement
from checkmill.model.rule import Expect, Rule, Several
from checkmill.model.sample import Sample
from checkmill.model.state import State, worst_of
from checkmill.store.documents import memory_from, memory_text, results_from, results_text
from support.rules import (
    HOUR,
    NOW,
    Check,
    above,
    condition,
    metric,
    other_than,
    rule,
    selection,
    source,
    tolerating,
)

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


OTHER = metric("free", "", ("host",), dataset="free")
FEATURES = ("none", "overrides", "and", "aggregate", "tolerate", "inventory")


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    each = draw(st.sampled_from([(), ("host",), ("project",), ("project", "host"), ("source",)]))
    values = tuple(tuple(sorted((label, draw(st.sampled_from("ab"))) for label in each)) for _ in range(2))
    feature = draw(st.sampled_from(FEATURES))
    listing = ("tag",) if feature == "inventory" else ()
    sources = [source(name, listing=listing) for name in NAMES[: draw(st.integers(1, 2))]]
    more: dict[str, Any] = {}
    if feature == "overrides":
        more["overrides"] = (other_than(draw(LEVELS), host="a"), other_than(draw(LEVELS), project="p"))
    if feature == "and":
        more["conditions"] = (condition(OTHER, draw(LEVELS), *sources),)
    if feature == "aggregate":
        more["aggregate"] = draw(st.sampled_from(["max", "min", "avg", "sum", "count", "p50", "p95"]))
    if feature == "tolerate":
        more["tolerate"] = draw(st.sampled_from([tolerating(1), tolerating("40%"), tolerating(0, 2)]))
    return rule(
        of=metric(labels=("project", "host"), max_age_s=draw(st.sampled_from([None, None, 60.0]))),
        sources=sources,
        levels=draw(LEVELS),
        on_stale=draw(BAD),
        **more,
        each=each,
        expect=draw(
            st.one_of(
                st.just(Expect(seen=bool(each))),
                st.builds(Expect, count=st.integers(1, 3)),
                st.just(Expect(values=values if each else ())),
                st.just(Expect(all=feature == "inventory", seen=bool(each) and feature != "inventory")),
            )
        ),
        where=draw(
            st.sampled_from(
                [
                    None,
                    None,
                    selection({"host": "a"}),
                    selection({"project": "p"}, {"host": "b*"}),
                    *([selection({"tag": "x"})] if listing else []),
                ]
            )
        ),
        on_empty=draw(BAD),
        on_missing=draw(BAD),
        on_error=draw(BAD),
    )


ENTITIES = st.lists(
    st.builds(
        lambda host, tags: Sample(1).labelled({"host": host, "tag": tuple(tags)}),  # type: ignore[dict-item] # several
        st.sampled_from("abc"),
        st.lists(st.sampled_from("xy"), max_size=2),
    )
    | samples(),
    max_size=3,
)
FAILED = st.just(ConnectError("refused", retry_after_s=None))
ANSWERS = st.lists(st.one_of(st.lists(samples(), max_size=4), FAILED), min_size=4, max_size=4)
LISTS = st.lists(st.one_of(ENTITIES, ENTITIES, FAILED), min_size=2, max_size=2)


def is_well(one: Rule, answers: list[Any]) -> bool:
    """Whether all is there and all is well, told in another way than judging does."""
    if any(isinstance(answer, SourceError) for answer in answers):
        return False
    number = len(one.readings)
    main = list(zip(NAMES, answers[:number], strict=False))
    lists = dict(zip(NAMES, answers[number:], strict=False)) if one.inventories else {}
    partners = dict(zip(NAMES, answers[number:], strict=False)) if one.conditions else {}
    selected = []
    for name, answer in main:
        for sample in answer:
            ways = ways_of(sample, name, lists.get(name, []))
            if not any(one.selects(labels, partial=not is_value(sample)) for labels in ways):
                continue
            if not is_value(sample) or is_old(one, sample):
                return False
            selected.append((name, sample))
    if not selected or not all(whole(one, name, lists[name], selected) for name in lists):
        return False
    return well_judged(one, selected, partners)


def is_value(sample: Sample) -> bool:
    value = sample.value
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < 1.8e308


def is_old(one: Rule, sample: Sample) -> bool:
    return one.metric.max_age_s is not None and sample.at is not None and NOW - sample.at > 60


def ways_of(sample: Sample, name: str, entities: list[Sample]) -> list[dict[str, str]]:
    """The labels that a sample may be selected by."""
    own = {**sample.labels, "source": name}
    ways = []
    for entity in entities:
        same = entity.labels.get("host") and entity.labels["host"] == own.get("host")
        both = {"project"} & entity.labels.keys() & own.keys()
        if is_value(entity) and same and all(entity.labels[label] == own[label] for label in both):
            tags = entity.labels.get("tag", ())
            ways.append({**entity.labels, **own, **({"tag": Several(tags)} if tags else {})})
    return ways or [own]


def whole(one: Rule, name: str, entities: list[Sample], selected: list[tuple[str, Sample]]) -> bool:
    """Whether a list is there, nothing of it is missing, and each host that it surely expects is among the selected."""
    if not entities:
        return False
    if not one.expect.all or one.where is not None:
        return True
    there = {sample.labels.get("host") for source_name, sample in selected if source_name == name}
    return all(is_value(entity) and entity.labels.get("host") in there for entity in entities)


def well_judged(one: Rule, selected: list[tuple[str, Sample]], partners: dict[str, list[Sample]]) -> bool:
    assert one.levels is not None
    if one.aggregate:
        values = [sample.value for _, sample in selected]
        value = {"max": max, "min": min, "count": len}.get(one.aggregate, lambda _: None)(values)
        # With `each` there are services of their own, and the others are not as easy to tell again.
        return bool(one.each) or value is None or one.levels.verdict_on(value).state is State.OK
    if one.tolerate is not None:
        return one.expect.count is not None or well_tolerated(one, selected)
    for name, sample in selected:
        levels = next((own.levels for own in one.overrides if own.matches(sample.labels)), one.levels)
        if levels.verdict_on(sample.value).state is State.OK:
            continue
        others = [other for other in partners.get(name, []) if other.labels.get("host") == sample.labels.get("host")]
        if not others or not one.conditions:
            return False
        if any(not is_value(o) or one.conditions[0].levels.verdict_on(o.value).state is not State.OK for o in others):
            return False
    return True


def well_tolerated(one: Rule, selected: list[tuple[str, Sample]]) -> bool:
    services: dict[Any, list[State]] = {}
    for name, sample in selected:
        key = (name, *(sample.labels.get(label) for label in one.each)) if one.each else ()
        services.setdefault(key, []).append(one.levels.verdict_on(sample.value).state)  # type: ignore[union-attr] # given
    for states in services.values():
        bad = [state for state in states if state is not State.OK]
        for tolerance, breaching in (
            (one.tolerate.warn, bad),
            (one.tolerate.crit, [state for state in bad if state is State.CRITICAL]),
        ):  # type: ignore[union-attr] # given
            most = tolerance.count if tolerance.percent is None else tolerance.percent * len(states) / 100
            if len(breaching) > most + 1e-9:
                return False
    return True


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


@settings(max_examples=600, deadline=None)
@given(rules(), ANSWERS, ANSWERS, LISTS)
def test_nothing_is_ok_by_accident(one: Rule, first: list[Any], second: list[Any], lists: list[Any]) -> None:
    check = Check(one)
    for minutes, answers in enumerate((first, second)):
        number = len(one.readings)
        own = answers[:number] + (answers[number : 2 * number] if one.conditions else [])
        own += lists[:number] if one.inventories else []
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
