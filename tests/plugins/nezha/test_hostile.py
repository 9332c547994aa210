"""Whatever JSON comes, in whole or in part: samples or a `SourceError`, never another exception or a wrong value."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import Sample, SourceError
from checkmill_nezha.metrics import NEZHA
from plugins.nezha.documented import (
    ANSWERS,
    DETAILS,
    GROUPS,
    LIST,
    MONITOR,
    NOW,
    SERVERS,
    Vendor,
    samples,
    v0,
    v1,
)
from support.replacing import replaced

TEXT = st.sampled_from(
    ["", "x", "57.0", "NaN", "-5", "0001-01-01T00:00:00Z", "2022-05-20T02:50:42Z", "\ud800", "a|b\n"]
)
NUMBERS = st.sampled_from(
    [0, -1, 1, 0.5, 57.0, 1e308, -1e308, 5e-324, 1 << 53, (1 << 64) - 1, 1 << 1030, float("nan"), NOW, -62135596800]
)
KEYS = st.sampled_from(
    ["code", "result", "success", "error", "data", "id", "name", "tag", "last_active", "host", "status", "state", ""]
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
V1 = {SERVERS, GROUPS}
#: Every metric with the answers it reads, for each reads them in its own way.
CASES = sorted(
    (metric.name, path)
    for metric in NEZHA.metrics
    for path in {"server_list": [LIST, *V1], "server_details": [DETAILS, *V1], "monitor": [LIST, MONITOR]}[
        metric.dataset.name
    ]
)

EXAMPLES = 20


def mutated(name: str) -> st.SearchStrategy[bytes]:
    """A documented answer with up to three places replaced by arbitrary JSON."""
    return replaced(ANSWERS[name], JSON)


def _outcome(name: str, vendor: Vendor, source: Any, **query: Any) -> list[Sample]:
    """What a metric gives; nothing where the answer is refused, in one printable line."""
    try:
        return samples(name, vendor, source, **query)
    except SourceError as error:
        assert error.sentence.isprintable()  # noqa: PT017 - the error is expected, what it says is judged
        return []


@pytest.mark.parametrize(("name", "path"), CASES)
def test_any_answer_gives_samples_or_a_source_error(name: str, path: str) -> None:
    declared = NEZHA.metric(name)
    assert declared is not None
    source = v1() if path in V1 else v0()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(body=mutated(path), date=st.sampled_from(["", "Fri, 20 May 2022 02:50:50 GMT", "x"]))
    def check(body: bytes, date: str) -> None:
        vendor = Vendor({path: body}, headers={"date": date})
        for query in ({}, {"id": 1}, {"tag": "Tag1"}):
            for sample in _outcome(name, vendor, source, **query):
                _hold(sample, set(declared.labels), is_state=declared.is_state)

    check()


def _hold(sample: Sample, labels: set[str], *, is_state: bool) -> None:
    assert set(sample.labels) <= labels
    assert all(isinstance(value, str) and value.encode() and "\n" not in value for value in sample.labels.values())
    if sample.is_missing:
        assert sample.reason.encode()
        assert "\n" not in sample.reason
    elif is_state:
        assert isinstance(sample.value, str)
    else:
        assert isinstance(sample.value, int | float)
        assert not isinstance(sample.value, bool)
        assert math.isfinite(sample.value)
        assert sample.at is None or sample.at <= NOW


# Figures of what is not of now, whatever the answer looks like otherwise.


@pytest.mark.parametrize("name", [m.name for m in NEZHA.metrics if m.dataset.name == "server_details"])
def test_no_figure_is_of_a_server_that_is_silent_or_never_reported(name: str) -> None:
    row = st.sampled_from([-62135596800, 0, -1, int(NOW) - 61, int(NOW) - 10**6, None, "x", True, int(NOW) + 61])

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(stamps=st.lists(row, min_size=1, max_size=4), body=mutated(DETAILS))
    def check(stamps: list[Any], body: bytes) -> None:
        answer = json.loads(body)
        rows = answer.get("result") if isinstance(answer, dict) else None
        rows = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
        for number, one in enumerate(rows):
            one["last_active"] = stamps[number % len(stamps)]
        found = _outcome(name, Vendor({DETAILS: json.dumps(answer).encode()}), v0())
        assert all(sample.is_missing for sample in found)

    check()


def test_every_metric_is_tried() -> None:
    assert {name for name, _ in CASES} == {metric.name for metric in NEZHA.metrics}
