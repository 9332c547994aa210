"""The table for people, compared whole."""

import math

import pytest

from checkmill.model.result import Result
from checkmill.model.state import State
from checkmill.steps.rendering import FORMATS, Look, table

NOW = 1753000000.0
RESULTS = [
    Result("a", "디스크 web-1", State.OK, "[bold]40%[/bold] | fine", checked_at=NOW - 12),
    Result("b", "cpu b", State.CRITICAL, "97.2% above 90%", checked_at=NOW - 180),
    Result("b", "cpu a", State.CRITICAL, "95% above\n90%", checked_at=NOW),
    Result("c", "late", State.UNKNOWN, "", checked_at=0),
]


def test_the_worst_come_first_then_by_name():
    assert table(RESULTS, width=None, color=False, now=NOW) == (
        "State     Service       Output                   Checked\n"
        "CRITICAL  cpu a         95% above 90%            0s ago\n"
        "CRITICAL  cpu b         97.2% above 90%          3m ago\n"
        "UNKNOWN   late          no text                  -\n"
        "OK        디스크 web-1  [bold]40%[/bold] | fine  12s ago\n"
        "\n"
        "4 services: 1 OK, 1 UNKNOWN, 2 CRITICAL\n"
    )


def test_hosts_get_a_column_when_there_are_any():
    results = [Result("a", "s", State.OK, "fine", host="web-1", checked_at=NOW), Result("a", "t", State.OK, "fine")]
    assert table(results, width=None, color=False, now=NOW) == (
        "State  Service  Host   Output  Checked\n"
        "OK     s        web-1  fine    0s ago\n"
        "OK     t               fine    -\n"
        "\n"
        "2 services: 2 OK\n"
    )


def test_a_narrow_terminal_wraps_the_output():
    result = Result("a", "cpu", State.WARNING, "one two three four five six", checked_at=NOW)
    assert table([result], width=40, color=False, now=NOW) == (
        "State    Service  Output         Checked\n"
        "WARNING  cpu      one two three  0s ago\n"
        "                  four five six\n"
        "\n"
        "1 service: 1 WARNING\n"
    )


def test_without_a_width_nothing_is_wrapped():
    text = table([Result("a", "s", State.OK, "word " * 500)], width=None, color=False, now=NOW)
    assert len(text.splitlines()) == 4


def test_colour_only_when_asked_for_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in table(RESULTS, width=80, color=False, now=NOW)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31mCRITICAL\x1b[0m  cpu a" in table(RESULTS, width=80, color=True, now=NOW)


@pytest.mark.parametrize("width", [None, 0, 1, 10, 33, 80])
@pytest.mark.parametrize("color", [True, False])
def test_no_line_ends_in_blanks(width, color):
    for line in table(RESULTS, width=width, color=color, now=NOW).splitlines():
        assert line == line.rstrip()
        assert " \x1b[0m" not in line[-5:]


@pytest.mark.parametrize(
    ("checked_at", "shown"),
    [
        (NOW + 5, "in 5s"),
        (NOW + 0.5, "0s ago"),
        (NOW - 59.9, "59s ago"),
        (NOW - 60, "1m ago"),
        (NOW - 7200, "2h ago"),
        (NOW - 200000, "2d ago"),
        (math.nan, "-"),
        (math.inf, "-"),
    ],
)
def test_ages_are_short(checked_at, shown):
    line = table([Result("c", "s", State.OK, "x", checked_at=checked_at)], width=None, color=False, now=NOW)
    assert line.splitlines()[1].endswith(f"x       {shown}")


def test_nothing_is_said_to_be_nothing():
    assert table([], width=None, color=False, now=NOW) == "no results\n"


def test_every_format_is_found_by_its_name():
    assert {name: bool(render(RESULTS, Look(now=NOW))) for name, render in FORMATS.items()} == dict.fromkeys(
        ["table", "json", "jsonl", "nagios", "checkmk", "openmetrics"], True
    )
