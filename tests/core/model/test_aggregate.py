"""Aggregates as pure functions: of values that are there, and of what they could be with those that are not."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.model.aggregate import NAMES, aggregate, is_aggregate, is_surely_critical, span
from checkmill.model.levels import Levels, Limits, Range
from support.rules import metric

HOWS = st.sampled_from([*NAMES, "p1", "p99"])
NUMBERS = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6))
PERCENT = metric(minimum=0, maximum=100)


@pytest.mark.parametrize(
    ("how", "is_one"),
    [*((name, True) for name in NAMES), ("p1", True), ("p99", True), ("p0", False), ("p100", False), ("p9.5", False),
     ("p", False), ("", False), ("mean", False), ("MAX", False), ("p٩", False)],
)  # fmt: skip
def test_which_functions_there_are(how: str, is_one: bool) -> None:
    assert is_aggregate(how) is is_one


@pytest.mark.parametrize(
    ("how", "values", "value"),
    [
        ("avg", (1, 2, 4), 7 / 3),
        ("avg", (0.1, 0.1, 0.1), 0.1),
        ("avg", (1.7e308, 1.7e308), 1.7e308),
        ("sum", (0.1,) * 10, 1.0),
        ("sum", (2**53, 1), 2**53 + 1),
        ("sum", (1e308, 1e308), math.inf),
        ("sum", (-3, 3), 0),
        ("count", (0, 0), 2),
        ("p50", (5,), 5),
        ("p50", (1, 2, 3, 4), 2.5),
        ("p95", (1, 2), 1.95),
        ("p1", (0, 100), 1.0),
        ("max", (-3, -1), -1),
        ("min", (-3, -1), -3),
    ],
)
def test_values_become_one(how: str, values: tuple[float, ...], value: float) -> None:
    assert aggregate(how, values) == pytest.approx(value, rel=1e-12)


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_percentiles_are_those_of_the_statistics_module(values: list[float]) -> None:
    assert aggregate("p50", values) == pytest.approx(statistics.median(values))
    if len(values) > 1:
        quantiles = statistics.quantiles(values, n=100, method="inclusive")
        for percent in (1, 25, 95, 99):
            assert aggregate(f"p{percent}", values) == pytest.approx(quantiles[percent - 1], abs=1e-6)


@given(HOWS, st.lists(NUMBERS, min_size=1, max_size=30))
def test_what_is_between_values_is_between_values(how: str, values: list[float]) -> None:
    if how not in {"sum", "count"}:
        assert min(values) <= aggregate(how, values) <= max(values)


@given(HOWS, st.lists(st.integers(0, 100), min_size=1, max_size=9), st.lists(st.integers(0, 100), max_size=5))
def test_the_span_holds_whatever_the_missing_values_are(how: str, values: list[int], missing: list[int]) -> None:
    least, most = span(how, values, len(missing), PERCENT)
    real = aggregate(how, [*values, *missing])
    # A missing value may also not be one that counts.
    low = aggregate(how, values) if how == "count" else least
    assert low - 1e-9 <= real <= most + 1e-9
    least, most = span(how, values, len(missing), PERCENT, more=True)
    assert least - 1e-9 <= real <= most + 1e-9


@pytest.mark.parametrize(
    ("how", "more", "expected"),
    [
        ("max", False, (50, math.inf)),
        ("min", False, (-math.inf, 50)),
        ("sum", False, (-math.inf, math.inf)),
        ("count", False, (1, 2)),
        ("count", True, (1, math.inf)),
        ("avg", False, (-math.inf, math.inf)),
        ("p50", True, (-math.inf, math.inf)),
    ],
)
def test_without_bounds_of_the_metric_little_is_sure(how: str, more: bool, expected: tuple[float, float]) -> None:
    assert span(how, [50], 1, metric(), more=more) == expected


@pytest.mark.parametrize(
    ("levels", "least", "most", "surely"),
    [
        (Levels(above=Limits(80, 90)), 91, math.inf, True),
        (Levels(above=Limits(80, 90)), 90, math.inf, False),
        (Levels(above=Limits(80)), 91, 99, False),
        (Levels(below=Limits(None, 10)), -math.inf, 9, True),
        (Levels(below=Limits(None, 10)), -math.inf, 10, False),
        (Levels(above=Limits(None, 90), below=Limits(None, 10)), 5, 95, False),
        (Levels(range=Limits(None, Range(10, 20))), 21, 30, True),
        (Levels(range=Limits(None, Range(10, 20))), 5, 30, False),
        (Levels(range=Limits(None, Range(10, 20))), 1, 9, True),
        (Levels(range=Limits(None, Range(10, 20, inside=True))), 10, 20, True),
        (Levels(range=Limits(None, Range(10, 20, inside=True))), 10, 21, False),
        (Levels(), 0, 0, False),
    ],
)
def test_a_limit_is_surely_broken_if_all_that_it_could_be_breaks_it(
    levels: Levels, least: float, most: float, surely: bool
) -> None:
    assert is_surely_critical(levels, least, most) is surely
