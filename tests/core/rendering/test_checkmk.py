"""Lines of a Checkmk local check, compared whole."""

import math

import pytest

from checkmill.model.levels import Range
from checkmill.model.result import Perf, Result
from checkmill.model.state import State
from checkmill.steps.rendering import checkmk_local
from support.consumers import read_local_lines


def line(service="s", output="fine", **more):
    return checkmk_local([Result("c", service, State.OK, output, **more)])


def test_no_results_are_no_lines():
    assert checkmk_local([]) == ""


def test_a_line_has_state_name_metrics_and_text():
    results = [
        Result(
            "cpu",
            "cpu web-1",
            State.CRITICAL,
            "97.2% above 90%",
            details="web-1: 97.2%\r\nweb-2: 3%",
            perfdata=(Perf("cpu", 97.2, "%", Range(-math.inf, 80), Range(-math.inf, 90), 0, 100), Perf("load 1", 1.0)),
        ),
        Result("cpu", "디스크", State.WARNING, "꽉 참"),
        Result("cpu", "gone", State.UNKNOWN, "", perfdata=(Perf("cpu", math.nan),)),
    ]
    assert checkmk_local(results) == (
        '2 "cpu web-1" cm_cpu=97.2;80;90;0;100|cm_load_1=1 97.2% above 90%\\nweb-1: 97.2%\\nweb-2: 3%\n'
        '1 "디스크" - 꽉 참\n'
        '3 "gone" - no text (not finite, left out: cpu)\n'
    )


@pytest.mark.parametrize(
    ("service", "shown"),
    [
        ("", "unnamed"),
        ('it\'s "x"', "it\u2019s \u201dx\u201d"),
        (" a\nb\t", "a b"),
        ("a;b|c=d%", "a;b|c=d%"),
        ("\u202e\ufeff", "unnamed"),
    ],
)
def test_names_have_no_quotes_and_controls(service, shown):
    assert line(service) == f'0 "{shown}" - fine\n'


def test_equal_names_are_numbered_past_names_that_exist():
    names = ["a", "a'", "a\u2019", "a", "a (2)"]
    services = read_local_lines(checkmk_local([Result("c", name, State.OK, "x") for name in names]), old=True)
    assert [service.name for service in services] == ["a", "a\u2019", "a\u2019 (2)", "a (3)", "a (2)"]


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("C:\\new\\bin", "C:/new\\bin"),
        ("\\nstart", "/nstart"),
        ("two\nlines", "two lines"),
        ("a | b", "a | b"),
        ("<<<local>>>", "<<<local>>>"),
        ("end\\", "end\\"),
    ],
)
def test_text_stays_on_its_line(output, shown):
    assert line(output=output) == f'0 "s" - {shown}\n'


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (Range(-math.inf, 9), ";9"),
        (Range(0, 9), ";9"),
        (Range(40), ";40:"),
        (Range(-3, 9), ";-3:9"),
        (Range(3, 9, inside=True), ""),
        (Range(-math.inf, math.inf), ""),
        (Range(math.nan, 9), ""),
    ],
    ids=str,
)
def test_limits_are_upper_or_lower_and_upper(limit, shown):
    assert line(perfdata=(Perf("v", 1, "s", warn=limit),)) == f'0 "s" cm_v=1{shown} fine\n'


def test_a_long_text_is_cut_and_whole_in_the_details():
    (service,) = read_local_lines(line(output="한" * 500), old=True)
    assert service.summary == "한" * 332 + "…"
    assert service.details == ("한" * 500,)
