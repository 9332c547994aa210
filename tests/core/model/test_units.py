"""What people write after a number, as an amount in the unit of the metric."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.model.units import amount, per_second, seconds, size


@pytest.mark.parametrize(
    ("written", "unit", "meant"),
    [
        ("90%", "%", 90.0),
        ("90 %", "%", 90.0),
        (" 90 ", "%", 90.0),
        (90, "%", 90.0),
        (0, "%", 0.0),
        ("-5", "", -5.0),
        ("+.5", "", 0.5),
        ("1e3", "", 1000.0),
        ("2k", "", 2000.0),
        ("2Ki", "", 2048.0),
        ("20GiB", "B", 20 * 2.0**30),
        ("20GB", "B", 20e9),
        ("20G", "B", 20e9),
        ("1B", "B", 1.0),
        ("20MiB/s", "B/s", 20 * 2.0**20),
        ("20MiB", "B/s", 20 * 2.0**20),
        ("5m", "s", 300.0),
        ("1.5h", "s", 5400.0),
        ("250ms", "s", 0.25),
        ("2s", "ms", 2000.0),
        ("3 req/s", "req/s", 3.0),
        ("90%", None, 90.0),
        ("5 anything", None, 5.0),
    ],
)
def test_amount_is_in_the_unit_of_the_metric(written: str | float, unit: str | None, meant: float) -> None:
    assert amount(written, unit) == pytest.approx(meant)


@pytest.mark.parametrize(
    ("written", "unit", "said"),
    [
        ("20GiB", "%", "'20GiB' has the unit 'GiB', but the metric is measured in %"),
        ("90%", "", "'90%' has the unit '%', but the metric is measured in plain numbers"),
        ("5m", "B", "'5m' has the unit 'm', but the metric is measured in B"),
        ("5gib", "B", "'5gib' has the unit 'gib', but the metric is measured in B"),
        ("5kB", "s", "'5kB' has the unit 'kB', but the metric is measured in s"),
        ("", "%", "'' is not a number; write it like 90 or 90%"),
        ("abc", "B", "'abc' is not a number; write it like 90 or 20GiB"),
        ("1,5", "", "'1,5' has the unit ',5', but the metric is measured in plain numbers"),
        ("1_000", "", "'1_000' has the unit '_000', but the metric is measured in plain numbers"),
        ("nan", "s", "'nan' is not a number; write it like 90 or 5m"),
        ("1e999", "", "'1e999' is not a finite number"),
        (math.nan, "", "nan is not a finite number"),
        (math.inf, "", "inf is not a finite number"),
        (10**400, "", "1" + "0" * 56 + "... is not a finite number"),
        (True, "%", "true is not a number; write it like 90 or 90%"),
    ],
)
def test_what_is_no_amount_says_what_was_found(written: str | float, unit: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        amount(written, unit)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("60s", 60.0),
        (60, 60.0),
        ("5min", 300.0),
        ("24h", 86400.0),
        ("0.5", 0.5),
        ("2w", 1209600.0),
        ("3660d", 3660 * 86400.0),
    ],
)
def test_duration(written: str | float, meant: float) -> None:
    assert seconds(written) == meant


@pytest.mark.parametrize("written", [0, "0s", -1, "-5m", "5x", "", "no", True, math.nan, "3661d", 1e300, [1], {}, None])
def test_what_is_no_duration_is_a_value_error(written: object) -> None:
    with pytest.raises(ValueError, match="write it like 30s, 5m or 24h"):
        seconds(written)  # type: ignore[arg-type] # a person may have written anything


@pytest.mark.parametrize(
    ("written", "meant"), [("10/s", 10.0), ("90/m", 1.5), (5, 5.0), ("0.5", 0.5), ("1/h", 1 / 3600)]
)
def test_rate(written: str | float, meant: float) -> None:
    assert per_second(written) == pytest.approx(meant)


@pytest.mark.parametrize(
    "written", [0, -1, "1/x", "/s", "1_0/s", "nan", "inf/s", True, "", "1e-323/w", "1e308/ms", [1]]
)
def test_what_is_no_rate_is_a_value_error(written: object) -> None:
    with pytest.raises(ValueError, match="write it like 10/s or 100/m"):
        per_second(written)  # type: ignore[arg-type] # a person may have written anything


@pytest.mark.parametrize(("written", "meant"), [("16MiB", 16 * 2**20), ("500kB", 500_000), (7, 7), ("1.9", 1)])
def test_size(written: str | float, meant: int) -> None:
    assert size(written) == meant


@pytest.mark.parametrize("written", [0, "0B", -1, "5m", "", True, math.inf, [1]])
def test_what_is_no_size_is_a_value_error(written: object) -> None:
    with pytest.raises(ValueError, match="write it like 16MiB"):
        size(written)  # type: ignore[arg-type] # a person may have written anything


@given(
    st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.booleans()),
    st.sampled_from(["", "%", "B", "s", "B/s"]),
)
def test_amount_is_finite_or_a_value_error(written: str | float, unit: str) -> None:
    try:
        read = amount(written, unit)
    except ValueError:
        return
    assert math.isfinite(read)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", "%", "B", "s"]))
def test_bare_number_is_in_the_metrics_unit(value: float, unit: str) -> None:
    assert amount(value, unit) == value
    assert amount(repr(value) + unit, unit) == value
