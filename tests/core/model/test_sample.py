"""Samples of whatever a vendor sent: a finite number, or missing with a reason that says what came."""

import math

import pytest

from checkmill.model.sample import Sample
from checkmill.model.secret import Secret


@pytest.mark.parametrize(
    ("raw", "value"),
    [(0, 0), (-1, -1), (57.5, 57.5), ("57.0", 57), (" -0.5 ", -0.5), ("1e3", 1000), (1e308, 1e308)],
    ids=repr,
)
def test_what_stands_for_a_finite_number_is_one(raw: object, value: float) -> None:
    assert Sample.number(raw, host="web-1") == Sample(value, host="web-1")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "null came"),
        (math.nan, "NaN came"),
        (math.inf, "Infinity came"),
        (-math.inf, "-Infinity came"),
        (10**400, "a number of 1329 bits came"),
        (10**9000, "a number of 29898 bits came"),
        (True, "a number was expected, yes/no came: True"),
        ("", "a number was expected, text came: ''"),
        ("57 %", "a number was expected, text came: '57 %'"),
        ("NaN", "a number was expected, text came: 'NaN'"),
        ("1e999", "a number was expected, text came: '1e999'"),
        ([1], "a number was expected, a list came: [1]"),
        ({}, "a number was expected, an object came: {}"),
        (b"57", "a number was expected, bytes came: b'57'"),
        ("x" * 58, f"a number was expected, text came: '{'x' * 58}'"),
        ("x" * 59, f"a number was expected, text came: '{'x' * 56}..."),
    ],
    ids=lambda raw: type(raw).__name__ if not isinstance(raw, str) else raw[:40],
)
def test_what_is_no_number_is_missing_and_said(raw: object, reason: str) -> None:
    assert Sample.number(raw, host="web-1") == Sample.missing(reason, host="web-1")


def test_a_sample_of_nothing_says_that_nothing_came() -> None:
    assert Sample(None).reason == "null came"
    assert Sample(None).is_missing


@pytest.mark.parametrize("before", range(30, 66))
def test_no_part_of_a_secret_is_left_where_a_reason_is_cut(before: int) -> None:
    Secret("X4V3Q6PROJECTTOKEN000001")
    reason = Sample.number("-" * before + "X4V3Q6PROJECTTOKEN000001" + "-" * 60).reason
    assert "X4" not in reason
