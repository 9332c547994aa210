"""What every plugin must do right, checked against its own declarations and its own sandbox.

from checkmill.testing.conformance import failures_of

def test_the_plugin_conforms():
    assert failures_of(checkmill_tally) == []
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import fields, replace
from types import ModuleType
from typing import Any, get_type_hints

from checkmill.model.errors import SourceError
from checkmill.model.flow import Request, Response
from checkmill.model.reporter import Outcome, Receipt, Reporter
from checkmill.model.sample import Sample
from checkmill.model.sandbox import Sandbox, World
from checkmill.model.secret import Secret
from checkmill.model.settings import Doc
from checkmill.model.source import Metric, Source
from checkmill.testing import play, vendor

#: The moment at which conformance is checked (epoch seconds).
MOMENT = 1_800_000_000.0

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


def failures_of(plugin: ModuleType) -> list[str]:
    """Say in a sentence each what a plugin does not do as it must; a plugin that conforms gives an empty list."""
    sources = list(plugin.checkmill_sources()) if hasattr(plugin, "checkmill_sources") else []
    reporters = list(plugin.checkmill_reporters()) if hasattr(plugin, "checkmill_reporters") else []
    found = [failure for source in sources for failure in _of_source(source)]
    found += [failure for reporter in reporters for failure in _of_reporter(reporter)]
    if not sources and not reporters:
        found.append(f"{plugin.__name__} gives neither sources nor reporters")
    return found


def _of_source(source: Source[Any]) -> Iterator[str]:
    yield from _undocumented(source.settings, f"{source.type}: setting")
    for metric in source.metrics:
        name = f"{source.type}: metric {metric.name}"
        if not metric.help:
            yield f"{name} has no help"
        yield from _undocumented(metric.dataset.query_type, f"{name}: query key")
    if source.sandbox is None:
        yield f"{source.type} brings no sandbox"
        return
    for settings in _ways_in(source.settings, source.sandbox):
        yield from _against_sandbox(source, source.sandbox, settings)


def _against_sandbox(source: Source[Any], sandbox: Sandbox, settings: Any) -> Iterator[str]:
    respond = vendor(sandbox.start(World(lambda: MOMENT)))
    for metric in source.metrics:
        name = f"{source.type}: metric {metric.name}"
        try:
            samples = _samples(source, metric, settings, respond)
        except SourceError as error:
            if error.stage != "configuration":
                yield f"{name} is not answered by the sandbox: {error.sentence}"
            continue
        if not samples:
            yield f"{name} has no sample in the sandbox"
        yield from (f"{name}: {wrong}" for sample in samples for wrong in _wrong_with(sample, metric))
        yield from _under_hostile_answers(source, metric, settings, name)
        yield from _with_wrong_secrets(source, metric, settings, respond, name)


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


def _with_wrong_secrets(
    source: Source[Any],
    metric: Metric[Any, Any, Any],
    settings: Any,
    respond: Callable[[Request], Response],
    name: str,
) -> Iterator[str]:
    for field in fields(settings):
        if isinstance(getattr(settings, field.name), Secret):
            wrong = replace(settings, **{field.name: Secret("not-the-secret-of-the-sandbox")})
            try:
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
    receipt = play(
        reporter.deliver(settings, target, body), vendor(reporter.sandbox.start(World(lambda: MOMENT))), MOMENT
    )
    if not isinstance(receipt, Receipt) or receipt.outcome is not Outcome.ACCEPTED:
        yield f"{reporter.type}: the sandbox does not accept a delivery: {receipt}"
    for what, answer in HOSTILE.items():
        receipt = play(reporter.deliver(settings, target, body), _always(answer), MOMENT)
        if receipt.outcome is Outcome.ACCEPTED:
            yield f"{reporter.type} takes {what} for accepted"


def _samples(
    source: Source[Any], metric: Metric[Any, Any, Any], settings: Any, respond: Callable[[Request], Response]
) -> list[Sample]:
    query = metric.dataset.query_type()
    session = None if source.session is None else play(source.session(settings), respond, MOMENT)
    started = metric.dataset.flow(settings, query)
    # A dataset may be a plain function, which has the payload already.
    payload = play(started, respond, MOMENT, session=session) if isinstance(started, Generator) else started
    return list(metric.samples(payload, query))


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
