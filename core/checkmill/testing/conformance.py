"""What every plugin must do right, checked against its own declarations and its own sandbox.

    from checkmill.testing.conformance import failures_of

    def test_the_plugin_conforms():
        assert failures_of(checkmill_tally) == []

It declares documentation and units; its flows, samples and commands do no I/O; answers that are malformed, those below
and many that hypothesis makes of the sandbox's, end in a `SourceError` or in missing samples; its secrets stay out of
texts; its sandbox and its client agree.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import MISSING, fields, replace
from types import ModuleType
from typing import Any, get_type_hints

from checkmill.model.command import Command, Plan
from checkmill.model.errors import ConnectError, SourceError
from checkmill.model.flow import Exchange, Exchanged, Request, Response
from checkmill.model.reporter import Outcome, Receipt, Reporter
from checkmill.model.sample import Sample
from checkmill.model.sandbox import Sandbox, World
from checkmill.model.secret import Secret, redact
from checkmill.model.settings import Doc
from checkmill.model.source import ContractError, Dataset, Metric, Source
from checkmill.testing import play, vendor
from checkmill.testing.quiet import io_noted

Responder = Callable[[Request], Response]

#: The moment at which conformance is checked (epoch seconds).
MOMENT = 1_800_000_000.0
#: How many malformed answers hypothesis makes for each dataset.
EXAMPLES = 25
#: Units that Checkmill's outputs and rules know; a count has none.
UNITS = ("", "%", "B", "s", "1/s", "B/s", "bit/s")

#: Answers that no vendor documents and every plugin meets some day.
HOSTILE = {
    "an empty answer": b"",
    "an HTML page": b"<!doctype html><title>Log in</title>",
    "a cut JSON text": b'{"values": {"web-1": 1',
    "null": b"null",
    "a list": b"[]",
    "an object": b"{}",
    "a number": b"5",
    "a text": b'"no"',
    "an error row": b'[{"error": "no such thing"}]',
    "bytes that are no text": b"\xff\xfe\x00{",
}
_WRONG = "not-the-secret-of-the-sandbox"


def failures_of(plugin: ModuleType, *, examples: int = EXAMPLES) -> list[str]:
    """Say in a sentence each what a plugin does not do as it must; a plugin that conforms gives an empty list.

    `examples` is how many malformed answers hypothesis makes for each dataset; 0 does without hypothesis.
    """
    sources = list(plugin.checkmill_sources()) if hasattr(plugin, "checkmill_sources") else []
    reporters = list(plugin.checkmill_reporters()) if hasattr(plugin, "checkmill_reporters") else []
    commands = list(plugin.checkmill_commands()) if hasattr(plugin, "checkmill_commands") else []
    found = [failure for source in sources for failure in _of_source(source, examples)]
    found += [failure for reporter in reporters for failure in _of_reporter(reporter)]
    types = {source.type: source for source in sources}
    found += [failure for command in commands for failure in _of_command(command, types.get(command.source))]
    if not sources and not reporters and not commands:
        found.append(f"{plugin.__name__} gives neither sources nor reporters nor commands")
    return list(dict.fromkeys(found))


def _of_source(source: Source[Any], examples: int) -> Iterator[str]:
    yield from _undocumented(source.settings, f"{source.type}: setting")
    if not source.help:
        yield f"{source.type} has no help"
    for metric in source.metrics:
        name = f"{source.type}: metric {metric.name}"
        if not metric.help:
            yield f"{name} has no help"
        if metric.unit not in UNITS:
            yield f"{name} has the unit {metric.unit!r}, which is none of {', '.join(map(repr, UNITS))}"
        yield from _undocumented(metric.dataset.query_type, f"{name}: query key")
    if source.sandbox is None:
        yield f"{source.type} brings no sandbox"
        return
    for settings in _ways_in(source.settings, source.sandbox):
        yield from _against_sandbox(source, source.sandbox, settings, examples)


def _against_sandbox(source: Source[Any], sandbox: Sandbox, settings: Any, examples: int) -> Iterator[str]:
    respond = vendor(sandbox.start(World(lambda: MOMENT)))
    asked: list[Request] = []

    def noting(request: Request) -> Response:
        asked.append(request)
        return respond(request)

    by_dataset: dict[str, list[Metric[Any, Any, Any]]] = {}
    for metric in source.metrics:
        name = f"{source.type}: metric {metric.name}"
        if not metric.dataset.needs_no_query:
            yield f"{name}: its query has a key without a default, so that its sandbox cannot be asked for it"
            continue
        try:
            with io_noted() as noted:
                samples = _samples(source, metric, settings, noting)
        except SourceError as error:
            if error.stage != "configuration":
                yield f"{name} is not answered by the sandbox: {error.sentence}"
            continue
        yield from (f"{name} does I/O: it {words}" for words in noted)
        if not samples:
            yield f"{name} has no sample in the sandbox"
        yield from (f"{name}: {wrong}" for sample in samples for wrong in _wrong_with(sample, metric))
        yield from _under_hostile_answers(source, metric, settings, name)
        yield from _with_wrong_secrets(source, metric, settings, respond, name)
        by_dataset.setdefault(metric.dataset.name, []).append(metric)
    yield from _shown(source.type, settings, asked)
    if examples:
        for metrics in by_dataset.values():
            yield from _under_malformed_answers(source, metrics, settings, sandbox, examples)


def _shown(what: str, settings: Any, asked: list[Request]) -> Iterator[str]:
    """Whether a secret shows where people may look: in the settings, or in a request as it is logged."""
    secrets = [value.reveal() for value in vars(settings).values() if isinstance(value, Secret)]
    for secret in secrets:
        if secret in repr(settings):
            yield f"{what}: the settings show a secret"
        for request in asked:
            if secret in repr(request) or secret in request.shown_url():
                yield f"{what}: the request {redact(request.path)} shows a secret; keep it a Secret up to the wire"


def _under_hostile_answers(
    source: Source[Any], metric: Metric[Any, Any, Any], settings: Any, name: str
) -> Iterator[str]:
    for what, body in HOSTILE.items():
        try:
            samples = _samples(source, metric, settings, _always(body))
        except SourceError:
            continue
        except Exception as error:  # noqa: BLE001 - this is what the check is for
            yield f"{name} raises {type(error).__name__} for {what}; a SourceError or missing samples are expected"
            continue
        if any(not sample.is_missing for sample in samples):
            yield f"{name} makes a value of {what}"


class _UnfitError(AssertionError):
    """A malformed answer that a plugin does not bear."""


def _under_malformed_answers(
    source: Source[Any], metrics: list[Metric[Any, Any, Any]], settings: Any, sandbox: Sandbox, examples: int
) -> Iterator[str]:
    # hypothesis is what authors test with, and nothing that a check needs.
    from hypothesis import HealthCheck, Phase, Verbosity, given
    from hypothesis import settings as how
    from hypothesis import strategies as st

    from checkmill.testing.malformed import malformed

    dataset = metrics[0].dataset
    count = 0

    def counting(request: Request) -> Response:
        nonlocal count
        count += 1
        return vendor(sandbox.start(World(lambda: MOMENT)))(request)

    with_session = _attempted(lambda: _payload(source, dataset, settings, counting))
    if isinstance(with_session, SourceError) or not count:
        return

    @how(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        verbosity=Verbosity.quiet,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def bears(data: st.DataObject) -> None:
        respond = vendor(sandbox.start(World(lambda: MOMENT)))
        which = data.draw(st.integers(1, count), label="request")
        number = 0

        def answer(request: Request) -> Response:
            nonlocal number
            number += 1
            response = respond(request)
            return replace(response, body=malformed(response.body, data)) if number == which else response

        wrong = _unborne(source, metrics, settings, answer)
        if wrong:
            raise _UnfitError(wrong)

    try:
        bears()
    except _UnfitError as unfit:
        yield str(unfit)
    except BaseExceptionGroup as several:  # hypothesis tells of several kinds of failure at once
        yield from sorted(str(one) for one in several.exceptions if isinstance(one, _UnfitError))


def _unborne(source: Source[Any], metrics: list[Metric[Any, Any, Any]], settings: Any, respond: Responder) -> str:
    """What is wrong with how metrics of one dataset take an answer; an empty text when nothing is."""
    dataset = metrics[0].dataset
    name = f"{source.type}: dataset {dataset.name}"
    try:
        payload = _payload(source, dataset, settings, respond)
    except SourceError as error:
        return _revealed_by(name, settings, error.sentence)
    except Exception as error:  # noqa: BLE001 - this is what the check is for
        return f"{name} raises {type(error).__name__} for a malformed answer; a SourceError is expected"
    for metric in metrics:
        name = f"{source.type}: metric {metric.name}"
        try:
            samples = list(metric.samples(payload, dataset.query_type()))
        except SourceError as error:
            return _revealed_by(name, settings, error.sentence)
        except Exception as error:  # noqa: BLE001 - this is what the check is for
            return (
                f"{name} raises {type(error).__name__} for a malformed answer; "
                "a SourceError or missing samples are expected"
            )
        wrong = next((wrong for sample in samples for wrong in _wrong_with(sample, metric)), "")
        if wrong:
            return f"{name} under a malformed answer: {wrong}"
    return ""


def _revealed_by(name: str, settings: Any, sentence: str) -> str:
    secrets = [value.reveal() for value in vars(settings).values() if isinstance(value, Secret)]
    return f"{name} shows a secret in an error" if any(secret in sentence for secret in secrets) else ""


def _with_wrong_secrets(
    source: Source[Any], metric: Metric[Any, Any, Any], settings: Any, respond: Responder, name: str
) -> Iterator[str]:
    for field in fields(settings):
        if isinstance(getattr(settings, field.name), Secret):
            try:
                wrong = replace(settings, **{field.name: Secret(_WRONG)})
                samples = _samples(source, metric, wrong, respond)
            except SourceError as error:
                if "not-the-secret" in str(error):
                    yield f"{name} shows the setting {field.name} in an error"
                continue
            if any(not sample.is_missing for sample in samples):
                yield f"{name} gets values from the sandbox with a wrong {field.name}"


def _of_reporter(reporter: Reporter[Any, Any]) -> Iterator[str]:
    yield from _undocumented(reporter.settings, f"{reporter.type}: setting")
    yield from _undocumented(reporter.target, f"{reporter.type}: target key")
    if reporter.sandbox is None:
        yield f"{reporter.type} brings no sandbox"
        return
    settings = _made(reporter.settings, reporter.sandbox.settings)
    target = _made(reporter.target, reporter.sandbox.target)
    body = json.dumps({"state": "OK"})
    with io_noted() as noted:
        respond = vendor(reporter.sandbox.start(World(lambda: MOMENT)))
        receipt = play(reporter.deliver(settings, target, body), respond, MOMENT)
    yield from (f"{reporter.type} does I/O: it {words}" for words in noted)
    if not isinstance(receipt, Receipt) or receipt.outcome is not Outcome.ACCEPTED:
        yield f"{reporter.type}: the sandbox does not accept a delivery: {receipt}"
    for what, answer in HOSTILE.items():
        receipt = play(reporter.deliver(settings, target, body), _always(answer), MOMENT)
        if receipt.outcome is Outcome.ACCEPTED:
            yield f"{reporter.type} takes {what} for accepted"


def _of_command(command: Command[Any, Any], source: Source[Any] | None) -> Iterator[str]:
    name = f"command {command.name!r}"
    yield from _undocumented(command.arguments, f"{name}: argument")
    try:
        command.check()
    except ContractError as error:
        yield f"{name}: {error}"
    needed = any(one.default is MISSING and one.default_factory is MISSING for one in fields(command.arguments))
    if source is None or source.sandbox is None or needed:
        return
    for settings in _ways_in(source.settings, source.sandbox):
        respond = vendor(source.sandbox.start(World(lambda: MOMENT)))
        asked = command.arguments()
        try:
            with io_noted() as noted:
                plan = play(command.flow(settings, asked), respond, MOMENT, session=_session(source, settings, respond))
        except SourceError as error:
            if error.stage != "configuration":
                yield f"{name} is not answered by the sandbox: {error.sentence}"
            continue
        yield from (f"{name} does I/O: it {words}" for words in noted)
        if not isinstance(plan, Plan):
            yield f"{name} gives {type(plan).__name__}, not a Plan"
        for what, body in HOSTILE.items():
            try:
                play(command.flow(settings, asked), _always(body), MOMENT, session="a session", converse=_refused)
            except SourceError:
                continue
            except Exception as error:  # noqa: BLE001 - this is what the check is for
                yield f"{name} raises {type(error).__name__} for {what}; a SourceError is expected"


def _samples(source: Source[Any], metric: Metric[Any, Any, Any], settings: Any, respond: Responder) -> list[Sample]:
    payload = _payload(source, metric.dataset, settings, respond)
    return list(metric.samples(payload, metric.dataset.query_type()))


def _payload(source: Source[Any], dataset: Dataset[Any, Any, Any], settings: Any, respond: Responder) -> Any:
    session = _session(source, settings, respond)
    started = dataset.flow(settings, dataset.query_type())
    # A dataset may be a plain function, which has the payload already.
    return (
        play(started, respond, MOMENT, session=session, converse=_refused)
        if isinstance(started, Generator)
        else started
    )


def _session(source: Source[Any], settings: Any, respond: Responder) -> Any:
    return None if source.session is None else play(source.session(settings), respond, MOMENT)


def _attempted(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except SourceError as error:
        return error


def _refused(call: Exchange) -> Exchanged:
    """The sandbox is HTTP alone: whoever talks to a socket finds nobody there."""
    raise ConnectError(f"no connection to {call.where}: connection refused")


def _wrong_with(sample: Sample, metric: Metric[Any, Any, Any]) -> Iterator[str]:
    undeclared = sorted(set(sample.labels) - set(metric.labels))
    if undeclared:
        yield f"its label {undeclared[0]} is not declared"
    if not all(isinstance(value, str) for value in sample.labels.values()):
        yield "a label value is not a text"
    if sample.is_missing:
        return
    value = sample.value
    if metric.states is not None:
        if value not in metric.states and "*" not in metric.states:
            yield f"the word {value!r} has no meaning"
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        yield f"{value!r} is not a finite number"


def _undocumented(kind: type[Any], what: str) -> Iterator[str]:
    annotations = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        if not any(isinstance(part, Doc) for part in getattr(annotations[field.name], "__metadata__", ())):
            yield f"{what} {field.name} has no Doc"


def _ways_in(kind: type[Any], sandbox: Sandbox) -> Iterator[Any]:
    """Settings that the sandbox lets in: with all its values, or where those exclude each other, some of them."""
    values = dict(sandbox.settings)
    pairs = [(one, other) for one in values for other in values if one < other]
    made = 0
    for left_out in [(), *((name,) for name in values), *pairs]:
        try:
            settings = _made(kind, {name: value for name, value in values.items() if name not in left_out})
        except ValueError:
            continue
        made += 1
        yield settings
        if not left_out:
            return
    if not made:
        raise ValueError("the sandbox's settings make no valid settings in any combination")


def _made(kind: type[Any], values: Any) -> Any:
    # pydantic is what reads settings from rule files, so it is what makes them here.
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_python(dict(values))


def _always(body: bytes) -> Callable[[Request], Response]:
    return lambda request: Response(status=200, body=body, url=request.shown_url())
