"""A command that a plugin brings: reads what it is told, shows its plan, asks, and has the changes carried out."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from checkmill.cli.arguments import UsageError
from checkmill.cli.carrying import Outcome, carry_out_changes
from checkmill.cli.confirming import UNCHANGED, confirm
from checkmill.cli.extensions import PREFIX
from checkmill.cli.paragraphs import printable
from checkmill.cli.plantext import PlanText, plan_text
from checkmill.cli.presenting import UnshowableError
from checkmill.cli.session import Session
from checkmill.cli.sourcing import RefusedError, source_for, unreadable_beside
from checkmill.host import Host
from checkmill.model.command import Command
from checkmill.model.option import Option
from checkmill.model.problem import Place, Problem
from checkmill.model.secret import redact
from checkmill.model.source import ConfiguredSource
from checkmill.steps.fetching import Job, carry_out
from checkmill.steps.reading import Book
from checkmill.steps.reading.documents import STANDARD_INPUT, document_of
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.nodes import Scalar
from checkmill.steps.reading.nodes import Sequence as ListNode
from checkmill.steps.reading.validation import value_of

FAILED = 3
#: The deadline of a plan, and of each change, of a source that has none of its own.
TIMEOUT_S = 30.0

log = logging.getLogger("checkmill")


def command(session: Session) -> int:
    """Carry out a command of a plugin; 3 for whatever keeps it from being done."""
    arguments = session.arguments
    one: Command[Any, Any] = arguments.of
    words = {name.removeprefix(PREFIX): value for name, value in vars(arguments).items() if name.startswith(PREFIX)}
    values = _values(one, words)
    _refuse_two_uses_of_stdin(session, one, words)
    try:
        with session.book() as (book, host):
            documents, source = _documents_and_source(session, one, words, book, host)
            return _carried_out(session, one, source, _asked(one, {**values, **documents}))
    except RefusedError as refused:
        for problem in refused.problems:
            session.streams.remark(redact(str(problem)))
        for sentence in refused.sentences:
            session.streams.remark(f"checkmill: {sentence}")
    return FAILED


# What it is told


def _values(one: Command[Any, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """The words of the line as what the plugin declares them to be; all mistakes are told at once."""
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for option in one.options:
        if option.name not in words or option.document is not None:
            continue
        findings = Findings()
        value = value_of(option.annotation, _node(words[option.name]), "", findings)
        if not findings.problems and not _is_finite(value):
            findings.add(f"a finite number is expected, found {words[option.name]!r}", Place(""), "")
        values[option.name] = value
        mistakes += [f"{option.spelling}: {_sentence(problem)}" for problem in findings.problems]
    if mistakes:
        raise UsageError("\n  ".join([*mistakes, f"see 'checkmill {one.name} --help'"]))
    return values


def _node(given: Any) -> Scalar | ListNode:
    if isinstance(given, list):
        return ListNode(Place(""), tuple(Scalar(Place(""), one, str(one)) for one in given))
    return Scalar(Place(""), given, str(given))


def _is_finite(value: Any) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    return all(math.isfinite(one) for one in values if isinstance(one, float))


def _sentence(problem: Problem) -> str:
    return f"{problem.sentence}; {problem.hint}" if problem.hint else problem.sentence


def _asked(one: Command[Any, Any], values: Mapping[str, Any]) -> Any:
    try:
        return one.arguments(**values)
    except ValueError as error:
        raise UsageError(f"{printable(str(error))}; see 'checkmill {one.name} --help'") from None
    except Exception as error:  # the wall round a plugin: this is its own code
        name = one.arguments.__qualname__
        log.exception("%s failed", name)
        what = f"the plugin's class {name} fails with {type(error).__name__}; the log has the traceback"
        raise RefusedError(what) from None


def _refuse_two_uses_of_stdin(session: Session, one: Command[Any, Any], words: Mapping[str, Any]) -> None:
    read = [
        option for option in one.options if option.document is not None and words.get(option.name) == STANDARD_INPUT
    ]
    if len(read) > 1:
        raise UsageError(f"{' and '.join(option.spelling for option in read)} cannot both be read from standard input")
    arguments = session.arguments
    if read and one.changes and not (arguments.dry_run or arguments.yes):
        raise UsageError(
            "with a document from standard input nobody can be asked there: "
            "add --yes or --dry-run, or name a file instead of '-'"
        )


def _documents_and_source(
    session: Session, one: Command[Any, Any], words: Mapping[str, Any], book: Book, host: Host
) -> tuple[dict[str, Any], ConfiguredSource]:
    """What is read from files, and the source to work with. Raises `RefusedError` with all that is wrong with both."""
    documents: dict[str, Any] = {}
    problems: list[Problem] = []
    for option in one.options:
        if option.document is not None and option.name in words:
            documents[option.name], wrong = _document(session, option, words[option.name])
            problems += wrong
    try:
        source = source_for(one, session.arguments.source, book, host)
    except RefusedError as refused:
        raise RefusedError(*refused.sentences, problems=[*problems, *refused.problems]) from None
    if problems:
        raise RefusedError(problems=problems)
    beside = unreadable_beside(book) if session.arguments.source is None else ""
    if beside:
        session.streams.remark(f"checkmill: working with {source.name!r}: {beside}")
    return documents, source


def _document(session: Session, option: Option, name: str) -> tuple[Any, Sequence[Problem]]:
    return document_of(
        option,
        name,
        session.edges.environ,
        sandbox=session.arguments.sandbox,
        standard_input=session.streams.standard_input,
    )


# What it does


def _carried_out(session: Session, one: Command[Any, Any], source: ConfiguredSource, asked: Any) -> int:
    shown = _plan(session, one, source, asked)
    arguments, streams = session.arguments, session.streams
    for_programs = arguments.format in {"json", "yaml"}
    count = len(shown.changes)
    will_change = bool(one.changes and count and not arguments.dry_run and not shown.plan.problems)
    if not for_programs:
        streams.results(shown.text(arguments.format or one.form))
    if not will_change:
        if for_programs:
            streams.results(shown.document(arguments.format))
        return _ended_unchanged(session, one, shown, for_programs=for_programs)
    if for_programs:
        # Whether there is a stdout shows without a word on it, which would be no document.
        streams.results("")
    if streams.broken:
        what = "there is no stdout to tell what came of it" if for_programs else "what would change could not be shown"
        raise RefusedError(f"{UNCHANGED}: {what}")
    if not arguments.yes:
        unseen = shown.changes_text() if for_programs or not streams.out_is_terminal else ""
        confirm(streams, count, source, sandbox=arguments.sandbox, unseen=unseen)
    if not for_programs:
        streams.results("\n")
    outcomes = _change(session, one, source, shown, for_programs=for_programs)
    if for_programs:
        streams.results(shown.document(arguments.format, outcomes))
        if streams.broken:
            # What the vendor said, such as the id of something new, is said once.
            for outcome in outcomes:
                if outcome.said:
                    streams.remark(f"checkmill: {outcome.said}")
    return 0 if all(outcome.is_done for outcome in outcomes) else FAILED


def _plan(session: Session, one: Command[Any, Any], source: ConfiguredSource, asked: Any) -> PlanText:
    job = Job(
        name=one.name,
        group=source.name,
        settings=source.settings,
        start=lambda: one.flow(source.settings, asked),
        timeout_s=source.settings.timeout or TIMEOUT_S,
        merge_reads=False,
        login=source.type.session,
    )
    (done,) = carry_out([job], session.edges)
    if done.error is not None:
        raise RefusedError(printable(f"source {source.name!r}: {done.error.sentence}"))
    try:
        return plan_text(one, done.value)
    except UnshowableError as error:
        what = str(error)
    except Exception as error:  # the wall round a plugin: what it gave is its own
        log.exception("the plan of %s cannot be shown", one.name)
        what = f"a plan that fails with {type(error).__name__} when it is looked at"
    raise RefusedError(f"the plugin of '{one.name}' gave {printable(what)}; report it to its author")


def _ended_unchanged(session: Session, one: Command[Any, Any], shown: PlanText, *, for_programs: bool) -> int:
    """Say what was not done, if something might have been."""
    streams, plan = session.streams, shown.plan
    for problem in plan.problems:
        streams.remark(f"checkmill: {printable(problem)}")
    if one.changes and shown.changes:
        if plan.problems:
            streams.remark(f"checkmill: {UNCHANGED}")
        elif for_programs:
            streams.remark(f"checkmill: dry run: {UNCHANGED}")
        else:
            streams.results(f"\ndry run: {UNCHANGED}\n")
    return FAILED if plan.problems else 0


def _change(
    session: Session, one: Command[Any, Any], source: ConfiguredSource, shown: PlanText, *, for_programs: bool
) -> list[Outcome]:
    streams = session.streams

    def tell(outcome: Outcome) -> None:
        if outcome.failure:
            streams.remark(f"checkmill: {printable(outcome.change.summary)}: {outcome.failure}")
        elif not for_programs:
            streams.results(f"{outcome.said}\n")

    timeout_s = source.settings.timeout or TIMEOUT_S
    outcomes = carry_out_changes(shown.changes, source, one.name, timeout_s, session.edges, streams, tell)
    for outcome in outcomes:
        if not outcome.is_done and not outcome.failure:
            streams.remark(f"checkmill: not done: {printable(outcome.change.summary)}")
    done = sum(outcome.is_done for outcome in outcomes)
    if done < len(outcomes):
        streams.remark(f"checkmill: {done} of {len(outcomes)} changes {'was' if done == 1 else 'were'} carried out")
    return outcomes
