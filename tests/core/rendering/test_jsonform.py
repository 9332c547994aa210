"""JSON and JSON Lines, compared whole."""

import json
import math

import pytest

from checkmill.model.levels import Range
from checkmill.model.result import Perf, Result
from checkmill.model.state import State
from checkmill.steps.rendering import json_lines, json_list

RESULT = Result(
    "cpu",
    "cpu 웹",
    State.WARNING,
    'a "b"\n\u2028\x7f\ud800',
    source="shop",
    metric="cpu",
    perfdata=(Perf("cpu", math.nan, "%", Range(-math.inf, 80), None, 0, math.inf), Perf("n", 3)),
    labels={"host": "웹"},
    tags=("web",),
    checked_at=1753000000.123,
)


def test_a_list_is_indented():
    assert json_list([RESULT]) == (
        "[\n"
        "  {\n"
        '    "check": "cpu",\n'
        '    "service": "cpu 웹",\n'
        '    "host": null,\n'
        '    "source": "shop",\n'
        '    "metric": "cpu",\n'
        '    "state": "WARNING",\n'
        '    "exit_code": 1,\n'
        '    "output": "a \\"b\\"\\n\\u2028\\u007f\ufffd",\n'
        '    "details": "",\n'
        '    "perfdata": [\n'
        "      {\n"
        '        "label": "cpu",\n'
        '        "value": null,\n'
        '        "unit": "%",\n'
        '        "warn": 80,\n'
        '        "crit": null,\n'
        '        "min": 0,\n'
        '        "max": null\n'
        "      },\n"
        "      {\n"
        '        "label": "n",\n'
        '        "value": 3,\n'
        '        "unit": "",\n'
        '        "warn": null,\n'
        '        "crit": null,\n'
        '        "min": null,\n'
        '        "max": null\n'
        "      }\n"
        "    ],\n"
        '    "labels": {\n'
        '      "host": "웹"\n'
        "    },\n"
        '    "checked_at": "2025-07-20T08:26:40.123+00:00",\n'
        '    "tags": [\n'
        '      "web"\n'
        "    ]\n"
        "  }\n"
        "]\n"
    )


def test_lines_hold_the_same_objects():
    lines = json_lines([RESULT, RESULT]).splitlines()
    assert [json.loads(line) for line in lines] == json.loads(json_list([RESULT, RESULT]))


def test_nothing_is_an_empty_list_and_no_line():
    assert (json_list([]), json_lines([])) == ("[]\n", "")


@pytest.mark.parametrize(
    ("checked_at", "shown"),
    [
        (0.0, "1970-01-01T00:00:00.000+00:00"),
        (-1.0, "1969-12-31T23:59:59.000+00:00"),
        (math.nan, "1970-01-01T00:00:00.000+00:00"),
        (math.inf, "1970-01-01T00:00:00.000+00:00"),
        (1e300, "1970-01-01T00:00:00.000+00:00"),
    ],
)
def test_times_are_iso_8601_in_utc(checked_at, shown):
    document = json_lines([Result("c", "s", State.OK, "x", checked_at=checked_at)])
    assert json.loads(document)["checked_at"] == shown
