"""`checkmill explain NAME`: what a check reads, selects and decides, step by step. Stores and reports nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from checkmill.cli.explanation import as_text
from checkmill.cli.session import Session
from checkmill.model.errors import SourceError
from checkmill.model.memory import Memory
from checkmill.model.result import Result
from checkmill.model.rule import Reading, Rule
from checkmill.model.state import State
from checkmill.steps.explaining import (
    PROBE,
    Expectation,
    Explanation,
    FetchFacts,
    Judged,
    Looked,
    SampleFacts,
    SilentFacts,
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
from checkmill.steps.judging import Answers, Extraction, extractor, judge
from checkmill.steps.judging.grouping import Group, grouped
from checkmill.steps.judging.jobs import last_told, overdue
from checkmill.steps.judging.levelling import levelled
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
        explanation = explainer.of_stored() if arguments.stored or rule.is_of_job else explainer.of_live()
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
        """What the last run stored, or the job that ended last; no request is sent."""
        results = () if self._stored is None else self._stored.results
        services = [
            Judged(one, None, one.common) for one in (self._of_job(results) if self._rule.is_of_job else results)
        ]
        return self._explanation("stored", services, (), None, expectation_of(self._rule, self._memory, None))

    def _of_job(self, results: Sequence[Result]) -> Sequence[Result]:
        """What a job told last; after its time, that it should have told more since."""
        last, stands = last_told(self._rule, results, self._now)
        if stands:
            return results
        return judge(self._rule, overdue(self._rule, last, self._now), self._memory, self._now).results

    def of_live(self) -> Explanation:
        """What the sources answer now."""
        rule, watch = self._rule, Watch()
        readings = list(rule.all_readings)
        fetches = [one.fetch for one in readings]
        fetched = fetch_all(fetches, self._session.edges, watch=watch, extract=extractor(readings))
        self._now = self._session.edges.now()
        extraction = Extraction(fetched)
        answers = Answers(rule, extraction, self._now)
        offered = list(answers.candidates())
        results = judge(rule, extraction, self._memory, self._now).results
        probes = judge(replace(rule, details_template=PROBE), extraction, self._memory, self._now).results
        groups = grouped(rule, offered).groups
        services = []
        for result, probe in zip(results, probes, strict=True):
            group = groups.get(result.identity, Group(result.identity))
            by = [levelled(rule, sample).labels for sample in group.samples]
            services.append(Judged(result, group.samples, {**group.labels, **result.labels}, probe, by))
        silent = [SilentFacts(name, one.text, one.dropped) for name, one in answers.silences.items()]
        samples = sample_facts(rule, offered, self._lines, silent)
        looked = Looked(
            has_value={one: any(not its.is_missing for its in group.samples) for one, group in groups.items()},
            hidden={*answers.failures, *(name for name, one in answers.silences.items() if one.hides)},
            selected=samples.selected,
            listed=_listed(rule, answers),
        )
        expectation = expectation_of(rule, self._memory, looked)
        data = "sandbox" if self._session.arguments.sandbox else "live"
        told = fetch_facts(readings, watch.sent, _errors(readings, extraction))
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
            timeout_s=rule.job_ends_after_s if rule.is_of_job else rule.timeout_s,
            policies=_policies(rule),
            sources=source_facts(rule),
            metric=metric_facts(rule, self._lines),
            data=data,
            at=self._now,
            stored=None
            if data != "stored" or stored is None
            else StoredFacts(
                stored.measured_at,
                stored.measured_at + rule.good_for_s if rule.is_of_job else stored.good_until,
                fresh=last_told(rule, stored.results, self._now)[1]
                if rule.is_of_job
                else stored.is_fresh(rule, self._now),
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


def _listed(rule: Rule, answers: Answers) -> int | None:
    """How many entities of the inventories a rule selects; None where none is read."""
    numbers = [len(entities.selected(rule)) for entities in answers.inventories.values()]
    return sum(numbers) if numbers else None


def _errors(readings: Iterable[Reading], extraction: Extraction) -> dict[str, SourceError]:
    """The first error of each fetch, by its name; one that is a verdict included."""
    errors: dict[str, SourceError] = {}
    for reading in readings:
        its = extraction.of(reading)
        error = its.error or its.failure
        if error is not None:
            errors.setdefault(reading.fetch.name, error)
    return errors


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
