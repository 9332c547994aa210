"""`checkmill explain NAME`: what a check reads, selects and decides, step by step. Stores and reports nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from checkmill.cli.explanation import as_text
from checkmill.cli.session import Session
from checkmill.model.errors import SourceError
from checkmill.model.memory import Memory
from checkmill.model.rule import Reading, Rule
from checkmill.model.sample import Sample
from checkmill.model.state import State
from checkmill.steps.explaining import (
    PROBE,
    Expectation,
    Explanation,
    FetchFacts,
    Judged,
    Looked,
    SampleFacts,
    StoredFacts,
    expectation_of,
    fetch_facts,
    json_text,
    metric_facts,
    remembered_of,
    report_facts,
    sample_facts,
    service_facts,
    source_facts,
    variables_of,
)
from checkmill.steps.fetching import Watch, fetch_all
from checkmill.steps.judging import Extraction, extractor, judge
from checkmill.steps.judging.entities import Candidate, Entities, candidate, entities_of
from checkmill.steps.judging.freshness import fresh
from checkmill.steps.judging.grouping import Group, grouped
from checkmill.steps.reading import Book, Draft
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.judgement import LEVEL_KEYS
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Sequence as ListNode
from checkmill.store import DATABASE, Store, Stored, StoreError

FAILED = 3
Lines = Mapping[str, Sequence[int]]


def explain(session: Session) -> int:
    """Print the explanation of one check; 3 when there is no such rule, or when it cannot be read."""
    arguments = session.arguments
    with session.book() as (book, _):
        rule = _rule(session, book, arguments.name)
        if rule is None:
            return FAILED
        explainer = _Explainer(session, rule, _lines_of(session, book.drafts[rule.name]), _stored(session, book, rule))
        explanation = explainer.of_stored() if arguments.stored else explainer.of_live()
    if arguments.format == "json":
        session.streams.results(json_text(explanation))
    else:
        session.streams.results(as_text(explanation, whole=bool(arguments.verbose)))
    return 0


class _Explainer:
    def __init__(self, session: Session, rule: Rule, lines: Lines, stored: Stored | None) -> None:
        self._session = session
        self._rule = rule
        self._lines = lines
        self._stored = stored
        self._now = session.edges.now()
        memory = Memory() if stored is None else stored.memory
        # What was remembered under another selection is not of these services.
        self._memory = memory if memory.selection_digest == rule.selection_digest else Memory()

    def of_stored(self) -> Explanation:
        """What the last run stored; no request is sent."""
        stored = self._stored
        services = [Judged(one, None, one.common) for one in (() if stored is None else stored.results)]
        return self._explanation("stored", services, (), None, expectation_of(self._rule, self._memory, None))

    def of_live(self) -> Explanation:
        """What the sources answer now."""
        rule, watch = self._rule, Watch()
        readings = list(rule.all_readings)
        fetches = [one.fetch for one in readings]
        fetched = fetch_all(fetches, self._session.edges, watch=watch, extract=extractor(readings))
        self._now = self._session.edges.now()
        extraction = Extraction(fetched)
        offered = _Offered(rule, extraction, self._now)
        results = judge(rule, extraction, self._memory, self._now).results
        probes = judge(replace(rule, details_template=PROBE), extraction, self._memory, self._now).results
        groups = grouped(rule, offered.candidates).groups
        services = []
        for result, probe in zip(results, probes, strict=True):
            group = groups.get(result.identity, Group(result.identity))
            services.append(Judged(result, group.samples, {**group.labels, **result.labels}, probe))
        samples = sample_facts(rule, offered.candidates, self._lines)
        looked = Looked(
            has_value={one: any(not its.is_missing for its in group.samples) for one, group in groups.items()},
            failed=offered.failed,
            selected=samples.selected,
            listed=offered.listed,
        )
        expectation = expectation_of(rule, self._memory, looked)
        data = "sandbox" if self._session.arguments.sandbox else "live"
        told = fetch_facts(readings, watch.sent, offered.errors)
        return self._explanation(data, services, told, samples, expectation)

    def _explanation(
        self,
        data: str,
        services: Sequence[Judged],
        fetches: tuple[FetchFacts, ...],
        samples: SampleFacts | None,
        expectation: Expectation,
    ) -> Explanation:
        rule, stored = self._rule, self._stored
        return Explanation(
            check=rule.name,
            file=rule.place.file,
            line=rule.place.line,
            tags=rule.tags,
            each=rule.each,
            interval_s=rule.interval_s,
            good_for_s=rule.good_for_s,
            timeout_s=rule.timeout_s,
            policies=_policies(rule),
            sources=source_facts(rule),
            metric=metric_facts(rule, self._lines),
            data=data,
            at=self._now,
            stored=None
            if data != "stored" or stored is None
            else StoredFacts(
                stored.measured_at,
                stored.good_until,
                fresh=stored.is_fresh(rule, self._now),
                changed=stored.digest != rule.digest,
            ),
            fetches=fetches,
            samples=samples,
            expectation=expectation,
            services=service_facts(rule, services, self._lines),
            remembered=remembered_of(self._memory),
            reports=report_facts(rule),
            variables=variables_of(rule, services),
        )


class _Offered:
    """What the sources offer to a rule, before it selects."""

    def __init__(self, rule: Rule, extraction: Extraction, now: float) -> None:
        self._rule = rule
        self._extraction = extraction
        self._now = now
        extracted = [(one, extraction.of(one)) for one in rule.all_readings]
        self.errors: dict[str, SourceError] = {}
        for one, its in extracted:
            error = its.error or its.failure
            if error is not None:
                self.errors.setdefault(one.fetch.name, error)
        self.failed = {one.source.name for one, its in extracted if its.error is not None}
        self.listed: int | None = None
        self.candidates = list(self._candidates())

    def _candidates(self) -> Iterator[Candidate]:
        for reading in self._rule.readings:
            name = reading.source.name
            if name in self.failed:
                continue
            inventory = self._rule.inventories.get(name)
            if inventory is None:
                yield from map(candidate, self._samples(reading))
            else:
                entities: Entities = entities_of(inventory, self._samples(inventory))
                self.listed = (self.listed or 0) + len(entities.selected(self._rule))
                yield from entities.joined(self._samples(reading))

    def _samples(self, reading: Reading) -> list[Sample]:
        limit_s = reading.metric.max_age_s if self._rule.max_age_s is None else self._rule.max_age_s
        return [fresh(one, limit_s, self._now) for one in self._extraction.of(reading).samples]


def _rule(session: Session, book: Book, name: str) -> Rule | None:
    """The rule of that name; what keeps it from being one is told."""
    rule = book.rule(name) if name in book.drafts else None
    if rule is not None:
        return rule
    problems = [problem for problem in book.problems if problem.check == name]
    if not problems and name in book.rejected:
        problems = [book.rejected[name]]
    for problem in problems:
        session.streams.remark(str(problem))
    if name not in book.drafts and name not in book.rejected:
        for problem in book.problems:
            session.streams.remark(str(problem))
        session.streams.remark(f"checkmill: there is no check {name!r}: {did_you_mean(name, book.drafts)}")
    elif not problems:
        session.streams.remark(f"checkmill: the rule {name!r} cannot be read; see checkmill validate")
    return None


def _stored(session: Session, book: Book, rule: Rule) -> Stored | None:
    """What is stored of a rule. Nothing is made where there is no store."""
    directory = session.state_dir
    if directory is None or not (directory / DATABASE).is_file():
        return None
    try:
        store = Store.open(directory)
        try:
            return store.stored(os.path.realpath(book.directory), [rule.name]).get(rule.name)
        finally:
            store.close()
    except StoreError as error:
        session.streams.remark(f"checkmill: what is stored cannot be read: {error}")
        return None


def _lines_of(session: Session, draft: Draft) -> Lines:
    """The lines of the keys that explanations point at, and of each of their items."""
    expansion = Expansion(session.edges.environ, sandbox=session.arguments.sandbox)
    own = [key for key in LEVEL_KEYS if key in draft.own.entries]
    lines: dict[str, list[int]] = {}
    for key in (*(own or LEVEL_KEYS), "where", "except", "overrides"):
        found = draft.key(key)
        if found is None or (session.arguments.sandbox and expansion.depends_on_environment(found[0])):
            continue
        node = found[0]
        items = node.items if isinstance(node, ListNode) and node.items else (node,)
        lines[key] = [item.place.line for item in items]
    return lines


def _policies(rule: Rule) -> dict[str, State]:
    return {
        "on_empty": rule.on_empty,
        "on_missing": rule.on_missing,
        "on_stale": rule.on_stale,
        "on_error": rule.on_error,
    }
