"""The promise of judging, for whatever comes: OK only on real values, all of them well; never an exception."""

from __future__ import annotations

from collections import Counter
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

#: A sample that is selected: its source, and the labels of each thing that it may be of.
Selected = tuple[str, Sample, list[dict[str, str]]]

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
FEATURES = ("none", "overrides", "and", "aggregate", "tolerate", "inventory", "inventory")


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
    if feature == "inventory" and draw(st.booleans()):
        more["overrides"] = (other_than(draw(LEVELS), tag="x"), other_than(draw(LEVELS), project="p"))
    if feature == "inventory" and draw(st.booleans()):
        more["tolerate"] = draw(st.sampled_from([tolerating(1), tolerating("40%")]))
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
        on_missing=draw(st.sampled_from(State)),
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
    number = len(one.readings)
    if any(isinstance(answer, SourceError) for answer in (answers[:number] if one.conditions else answers)):
        return False
    main = list(zip(NAMES, answers[:number], strict=False))
    lists = dict(zip(NAMES, answers[number:], strict=False)) if one.inventories else {}
    partners = dict(zip(NAMES, answers[number:], strict=False)) if one.conditions else {}
    selected: list[Selected] = []
    # Where something is expected and absent, the rule may say that this is no matter.
    is_no_matter = one.expect != Expect() and one.on_missing is State.OK
    if any(not answer for _, answer in main):
        return is_no_matter and len(main) == 1 and all(lists.values())
    for name, answer in main:
        for sample in answer:
            ways = ways_of(sample, name, lists.get(name, []))
            if not any(one.selects(labels, partial=not is_value(sample)) for labels in ways):
                continue
            if not is_value(sample) or is_old(one, sample):
                return False
            selected.append((name, sample, ways))
    if not all(whole(one, name, lists[name], selected) for name in lists):
        return False
    if not selected:
        return is_no_matter
    if one.on_missing is not State.OK and one.tolerate is None and number_in(one, selected) < (one.expect.count or 0):
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


def whole(one: Rule, name: str, entities: list[Sample], selected: list[Selected]) -> bool:
    """Whether a list is there, nothing of it is missing, and each host that it surely expects is among the selected."""
    if not entities:
        return False
    if not one.expect.all or one.where is not None:
        return True
    there = Counter(sample.labels.get("host") for source_name, sample, _ in selected if source_name == name)
    listed = Counter(entity.labels.get("host") for entity in entities)
    if one.on_missing is State.OK:
        listed = Counter({host: number for host, number in listed.items() if there[host]})
    # As many values as entities of a name: one cannot be that of two.
    return all(map(is_value, entities)) and all(there[host] >= number for host, number in listed.items())


def number_in(one: Rule, selected: list[Selected]) -> int:
    """How many values there are, or services that have all labels of `each`."""
    if not one.each:
        return len(selected)
    whole_ones = [labels for _, _, ways in selected for labels in ways if all(label in labels for label in one.each)]
    return len({tuple(labels[label] for label in ("source", *one.each)) for labels in whole_ones})


def well_judged(one: Rule, selected: list[Selected], partners: dict[str, Any]) -> bool:
    assert one.levels is not None
    if one.aggregate:
        values = [sample.value for _, sample, _ in selected]
        value = {"max": max, "min": min, "count": len}.get(one.aggregate, lambda _: None)(values)
        # With `each` there are services of their own, and the others are not as easy to tell again.
        return bool(one.each) or value is None or one.levels.verdict_on(value).state is State.OK
    if one.tolerate is not None:
        return one.expect.count is not None or well_tolerated(one, selected)
    for name, sample, ways in selected:
        if all(levels.verdict_on(sample.value).state is State.OK for levels in levels_of(one, ways)):
            continue
        if isinstance(partners.get(name), SourceError):
            return False
        others = [other for other in partners.get(name, []) if other.labels.get("host") == sample.labels.get("host")]
        if not others or not one.conditions:
            return False
        if any(not is_value(o) or one.conditions[0].levels.verdict_on(o.value).state is not State.OK for o in others):
            return False
    return True


def levels_of(one: Rule, ways: list[dict[str, str]]) -> list[Levels]:
    """The levels of a sample, by each of the things that it may be of."""
    return [next((own.levels for own in one.overrides if own.matches(way)), one.levels) for way in ways]  # type: ignore[misc] # given


def well_tolerated(one: Rule, selected: list[Selected]) -> bool:
    services: dict[Any, list[State]] = {}
    for name, sample, ways in selected:
        key = (name, *(sample.labels.get(label) for label in one.each)) if one.each else ()
        states = [levels.verdict_on(sample.value).state for levels in levels_of(one, ways)]
        services.setdefault(key, []).append(max(states, key=lambda state: state.badness))
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
