"""What a value means under the limits of a rule: equal to a limit is fine, the worse limit decides."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.model.levels import Levels, Limits, Range, Verdict, glob_matches, plain
from checkmill.model.state import State

OK, WARNING, CRITICAL, UNKNOWN = State.OK, State.WARNING, State.CRITICAL, State.UNKNOWN

ABOVE = Levels(above=Limits(80.0, 90.0))
BELOW = Levels(below=Limits(20.0, 10.0))
BOTH = Levels(above=Limits(None, 90.0), below=Limits(10.0, None))
RANGES = Levels(range=Limits(Range(10, 20), Range(0, 30)))
INSIDE = Levels(range=Limits(None, Range(10, 20, inside=True)))


@pytest.mark.parametrize(
    ("levels", "value", "state", "broken"),
    [
        (Levels(), 1e9, OK, ""),
        (ABOVE, 80.0, OK, ""),
        (ABOVE, math.nextafter(80.0, 81.0), WARNING, "above"),
        (ABOVE, 90.0, WARNING, "above"),
        (ABOVE, math.nextafter(90.0, 91.0), CRITICAL, "above"),
        (ABOVE, -1.0, OK, ""),
        (BELOW, 20.0, OK, ""),
        (BELOW, 19.9, WARNING, "below"),
        (BELOW, 10.0, WARNING, "below"),
        (BELOW, 9.9, CRITICAL, "below"),
        (BELOW, 0.0, CRITICAL, "below"),
        (Levels(above=Limits(crit=0.0)), 0.0, OK, ""),
        (Levels(above=Limits(crit=0.0)), -0.0, OK, ""),
        (Levels(above=Limits(crit=0.0)), 5e-324, CRITICAL, "above"),
        (Levels(below=Limits(warn=0.0)), 0.0, OK, ""),
        (Levels(below=Limits(warn=0.0)), -5e-324, WARNING, "below"),
        (Levels(above=Limits(warn=0.0)), 1.0, WARNING, "above"),
        (BOTH, 5.0, WARNING, "below"),
        (BOTH, 95.0, CRITICAL, "above"),
        (BOTH, 50.0, OK, ""),
        (RANGES, 10.0, OK, ""),
        (RANGES, 20.0, OK, ""),
        (RANGES, 9.0, WARNING, "range"),
        (RANGES, 30.0, WARNING, "range"),
        (RANGES, -1.0, CRITICAL, "range"),
        (INSIDE, 10.0, CRITICAL, "range"),
        (INSIDE, 20.0, CRITICAL, "range"),
        (INSIDE, 21.0, OK, ""),
        (Levels(above=Limits(warn=1.0), range=Limits(crit=Range(0, 5))), 7.0, CRITICAL, "range"),
    ],
)
def test_verdict_on_a_number(levels: Levels, value: float, state: State, broken: str) -> None:
    verdict = levels.verdict_on(value)
    assert (verdict.state, verdict.broken) == (state, broken)


def test_verdict_names_the_limit_that_decided() -> None:
    assert ABOVE.verdict_on(85.0) == Verdict(WARNING, "above", 80.0)
    assert ABOVE.verdict_on(95.0) == Verdict(CRITICAL, "above", 90.0)
    assert RANGES.verdict_on(25.0) == Verdict(WARNING, "range", Range(10, 20))


WORDS = Levels(states={"f*": WARNING, "fatal": CRITICAL, "fine": OK, "fi?e": CRITICAL, "*": UNKNOWN})


@pytest.mark.parametrize(
    ("word", "state"),
    [("fatal", CRITICAL), ("fine", OK), ("fire", WARNING), ("other", UNKNOWN), ("", UNKNOWN), ("FINE", UNKNOWN)],
)
def test_exact_word_goes_before_globs_and_those_in_the_order_written(word: str, state: State) -> None:
    assert WORDS.verdict_on(word).state is state


@pytest.mark.parametrize("levels", [Levels(), Levels(states={}), Levels(states={"up": OK}), ABOVE])
def test_word_without_a_meaning_is_unknown(levels: Levels) -> None:
    assert levels.verdict_on("sideways") == Verdict(UNKNOWN, "unknown word", "sideways")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("10", Range(0, 10)),
        ("10:", Range(10, math.inf)),
        (":10", Range(0, 10)),
        ("~:10", Range(-math.inf, 10)),
        ("10:20", Range(10, 20)),
        ("@10:20", Range(10, 20, inside=True)),
        ("@5", Range(0, 5, inside=True)),
        ("-5:-1.5", Range(-5, -1.5)),
        ("0", Range(0, 0)),
        ("7:7", Range(7, 7)),
        ("~:", Range(-math.inf, math.inf)),
        (" 1e3: ", Range(1000, math.inf)),
    ],
)
def test_nagios_range(text: str, parsed: Range) -> None:
    assert Range.parse(text) == parsed


@pytest.mark.parametrize(
    "text", ["", "@", "abc", "20:10", "-5", "1:2:3", "10:~", "nan", "1:inf", "@@1", "1_0", "5%", "~"]
)
def test_what_is_no_range_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"is|starts"):
        Range.parse(text)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def _ranges(draw: st.DrawFn) -> Range:
    start, end = sorted([draw(FINITE | st.just(-math.inf)), draw(FINITE | st.just(math.inf))])
    return Range(start, end, draw(st.booleans()))


@given(_ranges())
def test_range_reads_back_what_it_prints(one: Range) -> None:
    assert Range.parse(str(one)) == one


@given(_ranges(), FINITE)
def test_range_alerts_outside_or_with_at_inside(one: Range, value: float) -> None:
    assert one.alerts(value) != Range(one.start, one.end, not one.inside).alerts(value)
    assert not Range(one.start, one.end).alerts(one.start if math.isfinite(one.start) else one.end)


@given(st.text(max_size=8))
def test_range_of_any_text_is_read_or_a_value_error(text: str) -> None:
    try:
        one = Range.parse(text)
    except ValueError:
        return
    assert one.start <= one.end
    assert Range.parse(str(one)) == one


@given(FINITE, FINITE, FINITE)
def test_breach_of_crit_is_never_less_than_critical(value: float, one: float, other: float) -> None:
    warn, crit = sorted([one, other])
    state = Levels(above=Limits(warn, crit)).verdict_on(value).state
    assert (state is CRITICAL) == (value > crit)
    assert (state is OK) == (value <= warn)


@given(FINITE)
def test_plain_number_has_no_exponent_and_reads_back(value: float) -> None:
    assert "e" not in plain(value)
    assert float(plain(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (90.0, "90"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (1e-7, "0.0000001"),
        (-2.5, "-2.5"),
    ],
)
def test_plain_number(value: float, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("web-1", "web-1", True),
        ("web-1", "web-11", False),
        ("web-*", "web-", True),
        ("web-?", "web-12", False),
        ("web-[12]", "web-2", True),
        ("web-[!12]", "web-2", False),
        ("*", "", True),
        ("*", "two\nlines", True),
        ("a.c", "abc", False),
        ("[", "[", True),
        ("Web", "web", False),
    ],
)
def test_glob_is_on_the_whole_text_and_case_sensitive(pattern: str, text: str, matches: bool) -> None:
    assert glob_matches(pattern, text) is matches


@given(st.text("*?[]!-ab&~|\\\n", max_size=8), st.text(max_size=5))
def test_glob_of_any_text_never_raises(pattern: str, text: str) -> None:
    assert glob_matches(pattern, text) in {True, False}
