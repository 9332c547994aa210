"""Small builders for tests of what comes after reading: metrics, sources, rules, and judging on given samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checkmill.model.builtin import inventory_metric
from checkmill.model.errors import SourceError
from checkmill.model.fetch import Fetch, Fetched
from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.memory import Judgement, Memory
from checkmill.model.problem import Place
from checkmill.model.result import Result
from checkmill.model.rule import (
    Condition,
    Expect,
    Override,
    Pattern,
    Reading,
    Rule,
    Selection,
    Tolerance,
    Tolerate,
)
from checkmill.model.sample import Sample
from checkmill.model.settings import NoQuery, SourceSettings
from checkmill.model.source import ConfiguredSource, Dataset, Inventory, Metric, Source
from checkmill.steps.judging import Extraction, judge

#: When tests judge, unless they say otherwise.
NOW = 1_753_000_000.0
HOUR = 3600.0


def samples_in(payload: Any, query: NoQuery) -> Iterable[Sample]:
    """The samples function of every metric made here: the payload is the samples."""
    return payload


def metric(
    name: str = "cpu",
    unit: str = "%",
    labels: tuple[str, ...] = ("host",),
    *,
    dataset: str = "measured",
    **fields: Any,
) -> Metric:
    return Metric(name, Dataset(dataset, lambda *_: None), samples_in, unit=unit, labels=labels, **fields)


def source(
    name: str = "shop", labels: Mapping[str, str] | None = None, *, listing: tuple[str, ...] = ()
) -> ConfiguredSource:
    """A source, with an inventory by host if `listing` names the labels of its entities."""
    entities: Inventory[Any, Any] = Inventory(
        Dataset("entities", lambda *_: None), samples_in, "host", ("host", *listing)
    )
    kind = Source("fake", SourceSettings, (), inventory=entities if listing else None)
    return ConfiguredSource(name, kind, SourceSettings(), labels or {}, "checks.d/shop.yaml", f"digest of {name}")


def reading(of: Metric, source: ConfiguredSource) -> Reading:
    return Reading(source, of, NoQuery(), Fetch(source, of.dataset, NoQuery(), 8.0))


def condition(of: Metric, levels: Levels, *sources: ConfiguredSource) -> Condition:
    """An entry of `and`; its metric needs a dataset of its own to have samples of its own."""
    return Condition(tuple(reading(of, one) for one in sources or [source()]), levels)


def other_than(levels: Levels, **where: str) -> Override:
    """An override for samples with these labels."""
    return Override(levels, selection(where))


def tolerating(warn: int | str, crit: int | str | None = None) -> Tolerate:
    """What `tolerate` is read into: counts, and shares such as `10%`."""
    return Tolerate(_tolerance(warn), _tolerance(warn if crit is None else crit))


def _tolerance(written: int | str) -> Tolerance:
    return Tolerance(written) if isinstance(written, int) else Tolerance(percent=float(written.rstrip("%")))


def above(crit: float | None = None, warn: float | None = None) -> Levels:
    return Levels(above=Limits(warn, crit))


def below(crit: float | None = None, warn: float | None = None) -> Levels:
    return Levels(below=Limits(warn, crit))


def within(crit: str | None = None, warn: str | None = None) -> Levels:
    """Levels with Nagios ranges."""
    return Levels(range=Limits(*(None if text is None else Range.parse(text) for text in (warn, crit))))


def selection(*alternatives: Mapping[str, str]) -> Selection:
    """What `where` and `except` are read into; a text between slashes is a regex."""
    return Selection(tuple({label: (_pattern(text),) for label, text in one.items()} for one in alternatives))


def _pattern(text: str) -> Pattern:
    return (
        Pattern(text[1:-1], is_regex=True)
        if text.startswith("/") and text.endswith("/") and text[1:]
        else Pattern(text)
    )


def expected(*values: Mapping[str, str]) -> Expect:
    """`expect:` with a list."""
    return Expect(values=tuple(tuple(sorted(value.items())) for value in values))


def rule(
    name: str = "check",
    *,
    of: Metric | None = None,
    sources: Sequence[ConfiguredSource] = (),
    levels: Levels | None = None,
    each: str | tuple[str, ...] = (),
    **fields: Any,
) -> Rule:
    """A rule as reading makes it: levels are the metric's own by default, and `each` expects what was seen."""
    of = of or metric()
    each = (each,) if isinstance(each, str) else each
    own = of.levels or (Levels(states=of.states) if of.is_state else None)
    sources = sources or [source()]
    inventories = {
        one.name: reading(inventory_metric(one.type.inventory), one)
        for one in sources
        if one.type.inventory is not None
    }
    defaults: dict[str, Any] = {
        "place": Place("checks.d/shop.yaml", 1, 1),
        "files": ("checks.d/shop.yaml",),
        "interval_s": 60.0,
        "timeout_s": 8.0,
        "digest": "digest",
        "selection_digest": "selection",
        "expect": Expect(seen=bool(each)),
        "inventories": inventories,
    }
    return Rule(
        name=name,
        readings=tuple(reading(of, one) for one in sources),
        levels=own if levels is None else levels,
        each=each,
        **{**defaults, **fields},
    )


@dataclass
class Check:
    """A rule that is judged again and again, with its memory."""

    rule: Rule
    memory: Memory = field(default_factory=Memory)
    judgement: Judgement | None = None

    def judged(self, *answers: Any, at: float = NOW) -> list[Result]:
        """Judge on an answer for each source, in order: a list of samples, or the error that was met.

        Behind them come those of the further conditions, then the inventories: lists of labels.
        """
        self.judgement = judge(self.rule, extraction(self.rule, *answers, at=at), self.memory, at)
        self.memory = self.judgement.memory
        return list(self.judgement.results)


def extraction(rule: Rule, *answers: Any, at: float = NOW) -> Extraction:
    fetched = {}
    for one, answer in zip(rule.all_readings, answers, strict=True):
        failed = isinstance(answer, SourceError)
        fetched[one.fetch.key] = Fetched(at, at, None if failed else answer, answer if failed else None)
    return Extraction(fetched)


def judged(rule: Rule, *answers: Any, at: float = NOW) -> list[Result]:
    return Check(rule).judged(*answers, at=at)


def lines(results: Iterable[Result]) -> list[str]:
    """What people see of results: state, service, text."""
    return [f"{one.state.value} {one.service}: {one.output}" for one in results]


def hosts(*values: Any, **labels: str) -> list[Sample]:
    """A sample for each value, of the hosts web-1, web-2 and so on; a missing sample is labelled and kept."""
    return [
        value.labelled({"host": f"web-{number}", **labels})
        if isinstance(value, Sample)
        else _host(value, number, labels)
        for number, value in enumerate(values, 1)
    ]


def _host(value: Any, number: int, labels: Mapping[str, str]) -> Sample:
    return Sample(value, host=f"web-{number}", **labels)
