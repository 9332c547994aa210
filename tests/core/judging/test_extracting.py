"""The wall round a plugin: whatever its samples function does becomes a state, and each is asked once."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import ParseError
from checkmill.model.fetch import Fetched
from checkmill.model.memory import Memory
from checkmill.model.rule import Several
from checkmill.model.sample import Sample
from checkmill.model.secret import Secret
from checkmill.model.source import Dataset, Metric
from checkmill.steps.fetching import fetch_all
from checkmill.steps.judging import Extraction, extractor, judge
from support.rules import NOW, judged, lines, rule, source


def yielding(samples: Any) -> tuple[Metric, Extraction]:
    of: Metric = Metric("cpu", Dataset("measured", lambda *_: None), samples, unit="%")
    one = rule(of=of)
    return of, Extraction({one.readings[0].fetch.key: Fetched(NOW, NOW, "payload")})


def half_then_raise(_: Any, __: Any) -> Iterator[Sample]:
    yield Sample(5)
    raise KeyError("hosts")


def leave(_: Any, __: Any) -> Iterator[Sample]:
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("samples", "output"),
    [
        (half_then_raise, "metric cpu failed with KeyError: 'hosts'; see the log"),
        (leave, "metric cpu failed with SystemExit: 0; see the log"),
        (lambda *_: None, "metric cpu failed with TypeError: 'NoneType' object is not iterable; see the log"),
        (lambda *_: [5], "metric cpu failed with TypeError: yielded int, not a Sample; see the log"),
        (lambda *_: (Sample(1) for _ in iter(int, 1)), "metric cpu yields too many samples"),
    ],
    ids=["raises half way", "exits", "gives nothing", "yields no Sample", "never ends"],
)
def test_a_plugin_that_fails_makes_its_service_unknown(
    samples: Any, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkmill.steps.judging.extracting.MOST_SAMPLES", 1000)  # a million take their time
    of, extraction = yielding(samples)
    results = judge(rule(of=of), extraction, Memory(), NOW).results
    assert lines(results) == [f"UNKNOWN check: source shop failed: plugin: {output}"]
    assert [error.sentence for error in extraction.plugin_errors()] == [f"plugin: {output}"]


def test_an_answer_that_cannot_be_read_is_no_failure_of_the_plugin() -> None:
    def samples(_: Any, __: Any) -> Iterator[Sample]:
        raise ParseError("a list of hosts was expected, null came")
        yield

    of, extraction = yielding(samples)
    results = judge(rule(of=of), extraction, Memory(), NOW).results
    text = "UNKNOWN check: source shop failed: parse: a list of hosts was expected, null came"
    assert lines(results) == [text]
    assert extraction.plugin_errors() == []


def test_a_metric_is_extracted_once_for_all_rules() -> None:
    calls = []

    def samples(payload: Any, _: Any) -> list[Sample]:
        calls.append(payload)
        return [Sample(5)]

    of, extraction = yielding(samples)
    for name in ("a", "b", "c"):
        judge(rule(name, of=of), extraction, Memory(), NOW)
    assert calls == ["payload"]


def test_results_carry_the_time_of_the_fetch_and_never_a_later_one() -> None:
    one = rule()
    fetched = {one.readings[0].fetch.key: Fetched(NOW - 9, NOW - 5, [Sample(5)])}
    assert judge(one, Extraction(fetched), Memory(), NOW).results[0].checked_at == NOW - 5
    later = {key: replace(answer, ended_at=NOW + 5) for key, answer in fetched.items()}
    assert judge(one, Extraction(later), Memory(), NOW).results[0].checked_at == NOW


def test_a_secret_that_a_vendor_echoes_is_nowhere_in_a_result() -> None:
    secret = Secret("t0ken-of-extracting").reveal()
    answers: list[Any] = [
        [Sample(1, host=secret)],
        [Sample.missing(f"{secret} is unknown", host="a")],
        [Sample(f"{secret}", host="a")],
        ParseError(f"token {secret} is not known"),
    ]
    for answer in answers:
        of, extraction = yielding(lambda *_, answer=answer: _raised(answer))
        judgement = judge(rule(of=of, each="host"), extraction, Memory(), NOW)
        assert "***" in repr(judgement)
        assert secret not in repr(judgement)


def _raised(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


# Where samples are made


def test_samples_made_where_the_payload_came_are_taken_as_they_are() -> None:
    calls: list[Any] = []

    def samples(payload: Any, _: Any) -> list[Sample]:
        calls.append(payload)
        return [Sample(5)]

    of, _ = yielding(samples)
    check = rule(of=of)
    (reading,) = check.readings
    extracts = extractor([reading, reading])(reading.fetch, "payload")
    extraction = Extraction({reading.fetch.key: Fetched(NOW, NOW, extracts)})
    for name in ("a", "b"):
        assert lines(judge(rule(name, of=of), extraction, Memory(), NOW).results) == [f"OK {name}: cpu 5%"]
    assert calls == ["payload"]


def test_a_metric_that_fails_leaves_the_others_of_its_answer_alone() -> None:
    of, _ = yielding(half_then_raise)
    good = replace(of, name="good", samples=lambda *_: [Sample(5)])
    checks = [rule("bad", of=of), rule("good", of=good)]
    readings = [one.readings[0] for one in checks]
    extracts = extractor(readings)(readings[0].fetch, "payload")
    extraction = Extraction({readings[0].fetch.key: Fetched(NOW, NOW, extracts)})
    assert [judge(one, extraction, Memory(), NOW).results[0].state.value for one in checks] == ["UNKNOWN", "OK"]
    assert len(extraction.plugin_errors()) == 1


def test_samples_without_end_are_met_by_the_deadline_of_their_fetch() -> None:
    stop = threading.Event()

    def samples(_: Any, __: Any) -> Iterator[Sample]:
        stop.wait(20)
        yield Sample(5)

    of = Metric("cpu", Dataset("stuck", lambda *_: "payload"), samples, unit="%")
    fine = Metric("cpu", Dataset("fine", lambda *_: "payload"), lambda *_: [Sample(5)], unit="%")
    checks = [rule("stuck", of=of, sources=[source("one")]), rule("fine", of=fine, sources=[source("two")])]
    readings = [one.readings[0] for one in checks]
    fetches = [replace(reading.fetch, timeout_s=0.2) for reading in readings]
    try:
        extraction = Extraction(fetch_all(fetches, Edges(), extract=extractor(readings)))
    finally:
        stop.set()
    outputs = [judge(one, extraction, Memory(), NOW).results[0].output for one in checks]
    assert outputs == ["source one failed: read: one/stuck was not done after 0.2 s", "cpu 5%"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (("a", "b"), "a, b"),
        (["a", 7], "a, 7"),
        (("a",), "a"),
        (("a", None), "a"),
        ((), None),
        ((None,), None),
        (None, None),
        (7, "7"),
    ],
    ids=repr,
)
def test_a_label_may_have_several_values_or_none(value: Any, text: str | None) -> None:
    of, extraction = yielding(lambda *_: [Sample(5).labelled({"tag": value})])
    (sample,) = extraction.of(rule(of=of).readings[0]).samples
    assert sample.labels.get("tag") == text
    assert isinstance(sample.labels.get("tag"), Several) is (text is not None and ", " in text)


def test_a_label_has_one_form_however_its_accents_are_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "é")
    of, extraction = yielding(lambda *_: [Sample(5).labelled({"host": decomposed, "tag": (decomposed, "x")})])
    of_source = source(labels={"site": decomposed})
    (sample,) = extraction.of(rule(of=of, sources=[of_source]).readings[0]).samples
    assert sample.labels == {"site": "é", "host": "é", "tag": "é, x", "source": "shop"}


def test_a_label_of_the_source_is_called_the_same_when_it_fails() -> None:
    decomposed = unicodedata.normalize("NFD", "é")
    check = rule(sources=[source(labels={"site": decomposed})], service_template="{{ labels.site }}")
    assert [judged(check, answer)[0].service for answer in ([Sample(5)], ParseError("no"))] == ["é", "é"]
